"""Review: the one state machine that moves a proposal, and when live has outdated one. Pure; `decisions.py` writes."""

from __future__ import annotations

from enum import StrEnum

from engine.errors import FleetError, ReviewError
from engine.kinds import Kinds
from engine.model import Claim, Origin, Proposal, Spec, Status, StatusMove


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


def moved(proposal: Proposal, verb: Verb, *, reason: str | None = None, error: FleetError | None = None) -> StatusMove:
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
            f"Allowed for {proposal.status} proposals: {allowed}."
            if allowed
            else f"No further action is possible. See it: fleet show {proposal.id}.",
            status=proposal.status.value,
        )
    return StatusMove(
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
        return f"repository {proposal.repository} no longer owns {proposal.key.address}"
    if claim.repository_id != proposal.repository_id:
        return f"another repository owns {proposal.key.address} now"
    if proposal.current is None:
        return None if spec is None else f"{proposal.key.address} now exists"
    if spec is None:
        return f"{proposal.key.address} no longer exists"
    if proposal.desired is None and proposal.origin is Origin.GIT and claim.waiting:
        return f"repository {claim.waiting[0]} declares {proposal.key.address} and takes it over"
    kind = kinds[proposal.key.kind]
    watched = sorted({*spec, *proposal.current}) if proposal.desired is None else sorted(proposal.current)
    changed = [name for name in watched if kind.differs(name, proposal.current, spec)]
    return f"{' and '.join(changed)} of {proposal.key.address} moved since it was proposed" if changed else None
