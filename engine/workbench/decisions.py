"""The decisions of people on proposals: approve, reject, take back, revert; checked and written in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.errors import FleetError, ReviewError
from engine.flow.propose import fingerprint, presented
from engine.flow.revert import inverse
from engine.flow.review import Verb, moved, stale
from engine.flow.soundness import FleetState
from engine.kinds import Kinds
from engine.model import Actor, Claim, Difference, Origin, Proposal, Repository, ResourceKey, Spec, Status, StatusMove
from engine.phrases import argument
from engine.store import Transaction, live, proposals, repositories


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
            "FLEET-404",
            "A rejection needs a reason.",
            "Give the reason with --reason; the author of the change will read it.",
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


@dataclass(frozen=True, slots=True)
class Reverted:
    """What became of the wish to take one applied proposal's change back."""

    id: int
    proposal: Proposal | None
    """The proposal that would, pending; None when it was refused."""
    error: FleetError | None = None


def revert(tx: Transaction, kinds: Kinds, actor: Actor, ids: Sequence[int]) -> list[Reverted]:
    """Open proposals that take the change of applied ones back, each by itself: a refused one does not stop the others.

    What a tick has proposed on the same resource is withdrawn for it, unless somebody has approved that.
    Shape: one outcome per id, in the order given, ids once.
    """
    wanted = list(dict.fromkeys(ids))
    found = {id_: p for id_, p in proposals.by_ids(tx, wanted).items() if actor.account in {"*", p.key.account}}
    around = live.around(tx, list(found))
    fresh = live.specs_and_claims(tx, [p.key for p in found.values()])
    owners = {repository.id: repository for repository in repositories.registered(tx)}
    standing = {
        (p.repository_id, p.key): p
        for id_ in sorted({p.repository_id for p in found.values()})
        for p in proposals.live_of(tx, repository_id=id_)
    }
    reverts = {p.reverts: p for p in proposals.reverts_of(tx, list(found)) if p.status is Status.APPLIED}
    outcomes: dict[int, Reverted] = {}
    chosen: dict[ResourceKey, tuple[Proposal, Difference]] = {}
    for id_ in wanted:
        undone = found.get(id_)
        try:
            if undone is None:
                raise ReviewError("FLEET-401", f"There is no proposal {id_}.", "List them with: fleet proposals")
            if undone.id in reverts:
                raise ReviewError(
                    "FLEET-405",
                    f"Proposal {id_} was reverted by proposal {reverts[id_].id}.",
                    f"To apply the change again, revert that proposal: fleet revert {reverts[id_].id}",
                )
            if undone.repository_id not in owners:
                raise ReviewError(
                    "FLEET-406",
                    f"Proposal {undone.id} cannot be reverted: repository {undone.repository} is no longer registered.",
                    "Set the value that you want by hand: fleet set",
                )
            before, after = around.get(id_, (None, None))
            difference = inverse(kinds, undone, before, after, *fresh.get(undone.key, (None, None)))
            _refuse_in_the_way(undone, standing, chosen)
        except ReviewError as error:
            outcomes[id_] = Reverted(id_, None, error)
            continue
        chosen[undone.key] = undone, difference
    opened = _open_reverts(tx, kinds, actor, owners, standing, chosen)
    return [outcomes.get(id_) or Reverted(id_, opened[id_]) for id_ in wanted]


def _refuse_in_the_way(
    undone: Proposal,
    standing: Mapping[tuple[int, ResourceKey], Proposal],
    chosen: Mapping[ResourceKey, tuple[Proposal, Difference]],
) -> None:
    if undone.key in chosen:
        raise ReviewError(
            "FLEET-407",
            f"Proposal {chosen[undone.key][0].id} is also for {undone.key.address}; a resource can have one open proposal only.",
            "Revert the later one, apply it, then revert the earlier one.",
        )
    other = standing.get((undone.repository_id, undone.key))
    if other is not None and (other.origin is Origin.REVERT or other.status is Status.APPROVED):
        what = f"reverts proposal {other.reverts}" if other.origin is Origin.REVERT else "is a different change"
        raise ReviewError(
            "FLEET-407",
            f"Proposal {other.id} for {undone.key.address} {what} and is {other.status}.",
            f"Decide on that proposal first: fleet show {other.id}",
        )


def _open_reverts(
    tx: Transaction,
    kinds: Kinds,
    actor: Actor,
    owners: Mapping[int, Repository],
    standing: Mapping[tuple[int, ResourceKey], Proposal],
    chosen: Mapping[ResourceKey, tuple[Proposal, Difference]],
) -> dict[int, Proposal]:
    """Open the chosen ones, newest undone first, which is the order in which they can be applied. By the id of the undone."""
    in_the_way = [
        (other, undone)
        for undone, _ in chosen.values()
        if (other := standing.get((undone.repository_id, undone.key))) is not None
    ]
    proposals.move(
        tx,
        actor.name,
        [
            moved(other, Verb.WITHDRAW, reason=f"a revert of proposal {undone.id} replaces it")
            for other, undone in in_the_way
        ],
    )
    fleets = {account: live.read_live(tx, account) for account in sorted({key.account for key in chosen})}
    states = {a: FleetState(kinds, fleet.specs, fleet.known_versions) for a, fleet in fleets.items()}
    for _, d in chosen.values():
        if d.desired is not None:
            states[d.key.account].put(
                (d.key.kind, d.key.name), {**(states[d.key.account].get(d.key.kind, d.key.name) or {}), **d.desired}
            )
    made: dict[int, int] = {}
    newest_first = sorted(chosen.values(), key=lambda pair: pair[0].id, reverse=True)
    for (repository_id, run_id, revision), group in groupby(
        newest_first, key=lambda pair: (pair[0].repository_id, pair[0].run_id, pair[0].revision)
    ):
        pairs = list(group)
        new = [
            presented(kinds, d, fingerprint(repository_id, d), states[d.key.account], undone.id) for undone, d in pairs
        ]
        ids = proposals.open_all(tx, owners[repository_id], run_id, revision, actor.name, new)
        made |= {undone.id: id_ for (undone, _), id_ in zip(pairs, ids, strict=True)}
        # Nobody holds what was destroyed; whoever brings it back must.
        unheld = {
            d.key: Claim(repository_id)
            for _, d in pairs
            if d.key.name not in fleets[d.key.account].claims.get(d.key.kind, {})
        }
        live.put_claims(tx, repository_id, unheld)
    opened = proposals.by_ids(tx, sorted(made.values()))
    return {undone: opened[id_] for undone, id_ in made.items()}


def _refuse_stale(kinds: Kinds, proposal: Proposal, fresh: dict[ResourceKey, tuple[Spec | None, Claim | None]]) -> None:
    if why := stale(kinds, proposal, *fresh.get(proposal.key, (None, None))):
        raise ReviewError(
            "FLEET-403",
            f"Proposal {proposal.id} is stale: {why}.",
            f"The next tick replaces it: fleet sync {argument(proposal.repository)}",
        )
