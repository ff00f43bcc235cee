"""The decisions of people on proposals: approve, reject, take back; checked and written in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import FleetError, ReviewError
from engine.kinds import Kinds
from engine.model import Actor, Claim, Proposal, ResourceKey, Spec, Status
from engine.review import StatusMove, Verb, moved, stale
from engine.store import Transaction, live, proposals


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
    moves: list[StatusMove] = []
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
