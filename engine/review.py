"""Review: the one state machine that moves a proposal, and the decisions of people on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import FleetError, ReviewError
from engine.kinds import Kinds
from engine.model import Actor, Claim, Proposal, ResourceKey, Spec, Status
from engine.store import Transaction, live, proposals


class Verb(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    TAKE_BACK = "take_back"
    REOPEN = "reopen"
    APPLY = "apply"
    FAIL = "fail"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"


_OPEN = (Status.PENDING, Status.APPROVED, Status.FAILED, Status.REJECTED)

TRANSITIONS: dict[tuple[Status, Verb], Status] = {
    (Status.PENDING, Verb.APPROVE): Status.APPROVED,
    (Status.FAILED, Verb.APPROVE): Status.APPROVED,
    (Status.APPROVED, Verb.TAKE_BACK): Status.PENDING,
    (Status.PENDING, Verb.REJECT): Status.REJECTED,
    (Status.APPROVED, Verb.REJECT): Status.REJECTED,
    (Status.FAILED, Verb.REJECT): Status.REJECTED,
    (Status.REJECTED, Verb.REOPEN): Status.PENDING,
    (Status.APPROVED, Verb.APPLY): Status.APPLIED,
    (Status.APPROVED, Verb.FAIL): Status.FAILED,
    **{(status, Verb.SUPERSEDE): Status.SUPERSEDED for status in _OPEN},
    **{(status, Verb.WITHDRAW): Status.WITHDRAWN for status in _OPEN},
}
"""Every move that a proposal can make (section 8 of the design)."""

_EVENTS = {
    Verb.APPROVE: "gitops.proposal_approved",
    Verb.REJECT: "gitops.proposal_rejected",
    Verb.TAKE_BACK: "gitops.proposal_taken_back",
    Verb.REOPEN: "gitops.proposal_reopened",
    Verb.APPLY: "gitops.proposal_applied",
    Verb.FAIL: "gitops.proposal_failed",
    Verb.SUPERSEDE: "gitops.proposal_superseded",
    Verb.WITHDRAW: "gitops.proposal_withdrawn",
}

_PAST = {Verb.APPROVE: "approved", Verb.REJECT: "rejected", Verb.TAKE_BACK: "taken back"}


def moved(
    proposal: Proposal, verb: Verb, *, reason: str | None = None, error: FleetError | None = None
) -> proposals.Move:
    """The move that a verb makes on a proposal, for the store to write.

    Raises: ReviewError FLEET-402 where the state machine has no such move.
    """
    to = TRANSITIONS.get((proposal.status, verb))
    if to is None:
        allowed = ", ".join(
            v.value.replace("_", " ")
            for v in (Verb.APPROVE, Verb.REJECT, Verb.TAKE_BACK)
            if (proposal.status, v) in TRANSITIONS
        )
        raise ReviewError(
            "FLEET-402",
            f"Proposal {proposal.id} is {proposal.status} and cannot be {_PAST.get(verb, verb)}.",
            f"From {proposal.status} one can: {allowed}."
            if allowed
            else f"Nothing more can be done with it: fleet show {proposal.id}.",
            status=proposal.status.value,
        )
    return proposals.Move(
        proposal,
        to,
        _EVENTS[verb],
        decided=verb in _PAST,
        reopened=verb is Verb.REOPEN,
        reason=reason,
        error=None if error is None else error.body(),
    )


def stale(kinds: Kinds, proposal: Proposal, spec: Spec | None, claim: Claim | None) -> str | None:
    """Why live has outdated a proposal, in words, or None. A no-op elsewhere, or on other fields, outdates nothing."""
    if claim is None:
        return f"repository {proposal.repository} does not hold {proposal.key.address} any more"
    if claim.repository_id != proposal.repository_id:
        return f"another repository holds {proposal.key.address} now"
    if proposal.current is None:
        return None if spec is None else f"{proposal.key.address} exists by now"
    if spec is None:
        return f"{proposal.key.address} does not exist any more"
    kind = kinds[proposal.key.kind]
    watched = sorted({*spec, *proposal.current}) if proposal.desired is None else sorted(proposal.current)
    changed = [name for name in watched if kind.differs(name, proposal.current, spec)]
    return f"{' and '.join(changed)} of {proposal.key.address} moved since it was proposed" if changed else None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of one proposal in a decision."""

    id: int
    status: Status | None
    """As it stands now; None when there is no such proposal."""
    error: FleetError | None = None


def decide(
    tx: Transaction, kinds: Kinds, actor: Actor, verb: Verb, ids: Sequence[int], reason: str | None = None
) -> list[Reviewed]:
    """Approve, reject or take back proposals, each by itself: a refused one does not stop the others.

    Status and fingerprint are checked now. Shape: one outcome per id, in the order given, ids once.
    Raises: ReviewError FLEET-404 for a rejection without a reason.
    """
    reason = " ".join(reason.split()) if reason else None
    if verb is Verb.REJECT and not reason:
        raise ReviewError(
            "FLEET-404", "A rejection needs a reason.", "Say why with --reason; whoever pushed the change will read it."
        )
    wanted = list(dict.fromkeys(ids))
    found = {id_: p for id_, p in proposals.by_ids(tx, wanted).items() if actor.account in {"*", p.key.account}}
    fresh = live.specs_and_claims(tx, [p.key for p in found.values()]) if verb is Verb.APPROVE else {}
    outcomes: dict[int, Reviewed] = {}
    moves: list[proposals.Move] = []
    for id_ in wanted:
        proposal = found.get(id_)
        if proposal is None:
            outcomes[id_] = Reviewed(
                id_, None, ReviewError("FLEET-401", f"There is no proposal {id_}.", "List them with: fleet proposals")
            )
            continue
        try:
            step = moved(proposal, verb, reason=reason)
            if verb is Verb.APPROVE:
                _refuse_stale(kinds, proposal, fresh)
        except ReviewError as error:
            outcomes[id_] = Reviewed(id_, proposal.status, error)
            continue
        moves.append(step)
        outcomes[id_] = Reviewed(id_, step.to)
    proposals.move(tx, actor.name, moves)
    if verb is Verb.REJECT:
        live.count_rejections(tx, [move.proposal.key for move in moves])
    return [outcomes[id_] for id_ in wanted]


def _refuse_stale(kinds: Kinds, proposal: Proposal, fresh: dict[ResourceKey, tuple[Spec | None, Claim | None]]) -> None:
    if why := stale(kinds, proposal, *fresh.get(proposal.key, (None, None))):
        raise ReviewError(
            "FLEET-403",
            f"Proposal {proposal.id} is stale: {why}.",
            f"The next tick replaces it: fleet sync {proposal.repository}",
        )
