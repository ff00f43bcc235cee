"""Propose: differences and the proposals that stand in, a decision out. Pure: writes nothing, knows no clock.

Decides what is superseded or withdrawn, what is opened or reopened under the cap, what auto-apply approves, and what is
withheld. Every difference ends as exactly one live proposal or as a withheld row with its reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from engine.flow.soundness import FleetState, reached
from engine.kinds import Kinds
from engine.model import (
    Cause,
    Change,
    Difference,
    NewProposal,
    Origin,
    Proposal,
    Repository,
    ResourceKey,
    Status,
    Withheld,
    WithheldDiff,
    canonical,
)
from engine.paths import field_changes

GUARD_FLOOR = 10
"""Owned resources below which no share is judged."""
GUARD_SHARE = 0.30
"""Share of owned resources that updates, or destroys, may reach before auto-apply leaves all to people."""


def fingerprint(repository_id: int, difference: Difference) -> str:
    """The identity of a difference: same repository, resource, change, current and desired slice. 64 hexadecimal digits."""
    current, desired = (
        hashlib.sha256(canonical(slice_)).hexdigest() for slice_ in (difference.current, difference.desired)
    )
    return hashlib.sha256(canonical([repository_id, *difference.key, difference.change, current, desired])).hexdigest()


def presented(
    kinds: Kinds, difference: Difference, fingerprint: str, state: FleetState, reverts: int | None = None
) -> NewProposal:
    """A difference with what people are shown beside it. `state` is the fleet in which the resource exists."""
    place = (difference.key.kind, difference.key.name)
    return NewProposal(
        difference,
        fingerprint,
        field_changes(difference.current, difference.desired, difference.base),
        tuple(target.address for target in state.targets(place)),
        blast_radius(kinds, difference.key, state),
        reverts,
    )


def blast_radius(kinds: Kinds, key: ResourceKey, state: FleetState) -> int:
    """How many nodes a change of a resource reaches. `state` is the fleet in which it exists: for a destroy, the fleet as it is."""
    return len(reached(state, kinds, [(key.kind, key.name)]))


@dataclass(frozen=True, slots=True)
class Candidates:
    """What one tick may propose, over all accounts of the repository."""

    order: Sequence[Difference]
    """Sound differences in apply order."""
    waits_for: Mapping[ResourceKey, Collection[ResourceKey]]
    unsound: Sequence[WithheldDiff]
    """Differences withheld for a reason of their own."""
    rejections: Mapping[ResourceKey, int]
    """Times rejected since a change on the resource was last applied; 0 where missing."""
    owned: int
    outdated: Sequence[tuple[Proposal, str]] = ()
    """Standing reverts that live has outdated, with what moved."""
    handed_over: Mapping[ResourceKey, str] = field(default_factory=dict)
    """Resources that another repository takes over, with its name."""
    reverted: Mapping[ResourceKey, Change] = field(default_factory=dict)
    """Resources on which the change applied last is a revert, with what that revert was."""


@dataclass(frozen=True, slots=True)
class Decision:
    superseded: tuple[tuple[Proposal, str], ...]
    withdrawn: tuple[tuple[Proposal, str], ...]
    """Both with the reason in words."""
    kept: tuple[tuple[Proposal, Difference], ...]
    """Standing proposals that still say what is true."""
    opened: tuple[Difference, ...]
    """In apply order."""
    reopened: tuple[Proposal, ...]
    approved: tuple[ResourceKey, ...]
    """What auto-apply approves, standing, reopened or just opened, in apply order."""
    withheld: tuple[WithheldDiff, ...]
    """In the order in which the cap lets them through; other reasons after."""
    guard: str | None = None
    """Why auto-apply left everything to people this time, with the numbers."""
    fingerprints: Mapping[ResourceKey, str] = field(default_factory=dict)


def fingerprints(repository_id: int, candidates: Candidates) -> dict[ResourceKey, str]:
    """The fingerprint of each sound difference."""
    return {difference.key: fingerprint(repository_id, difference) for difference in candidates.order}


def guard(candidates: Candidates) -> str | None:
    """A sentence when the revision changes or destroys too much of what the repository owns for auto-apply, or None."""
    if candidates.owned < GUARD_FLOOR:
        return None
    held_back = (w.difference for w in candidates.unsound if w.reason is not Withheld.OWNERSHIP_CONFLICT)
    differences = [*candidates.order, *held_back]
    for change, words in ((Change.UPDATE, "updates"), (Change.DESTROY, "destroys")):
        count = sum(difference.change is change for difference in differences)
        if count > GUARD_SHARE * candidates.owned:
            share = round(100 * count / candidates.owned)
            limit = round(100 * GUARD_SHARE)
            return f"Auto-apply decided nothing: {count} {words} are {share} % of {candidates.owned} owned resources; the limit is {limit} %. A person must approve."
    return None


def decide(
    repository: Repository,
    candidates: Candidates,
    standing: Sequence[Proposal],
    cap: int,
    prints: Mapping[ResourceKey, str],
    *,
    refused: Collection[str] = (),
    retry: Collection[int] = (),
    awaited: Collection[ResourceKey] = (),
) -> Decision:
    """Decide what becomes of every difference of one repository in one tick.

    `standing` are its live proposals; `refused` the fingerprints that a person has rejected; `retry` the ids of
    failed ones since whose failure git or live moved; `awaited` what others may yet declare: auto-apply does not destroy it
    yet. Effects: none.
    """
    by_key = {difference.key: difference for difference in candidates.order}
    superseded, withdrawn, kept = _outdated(standing, by_key, candidates, prints)

    rejections: dict[ResourceKey, int] = {}
    for difference in candidates.order:
        counts = [rejections[other] for other in candidates.waits_for.get(difference.key, ()) if other in rejections]
        rejections[difference.key] = max([candidates.rejections.get(difference.key, 0), *counts])
    fair = sorted(candidates.order, key=lambda d: rejections[d.key])  # stable: then apply order

    trip = guard(candidates) if repository.auto_apply else None
    auto: set[ResourceKey] = set()
    eligible: set[ResourceKey] = set()
    if repository.auto_apply and trip is None:
        for difference in fair:
            standing_one = kept.get(difference.key)
            if (
                _auto_eligible(repository, difference, standing_one, prints, refused, retry)
                and not (difference.change is Change.DESTROY and difference.key in awaited)
                and not _reverted(difference, candidates.reverted.get(difference.key))
            ):
                waits = [o for o in candidates.waits_for.get(difference.key, ()) if o in by_key]
                if all(o in eligible or (o in kept and kept[o].status is Status.APPROVED) for o in waits):
                    eligible.add(difference.key)
                    if len(auto) < cap and all(o in auto or o in kept for o in waits):
                        auto.add(difference.key)

    pending = sum(p.status is Status.PENDING and key not in auto for key, p in kept.items())
    room = max(0, cap - pending)
    opened: set[ResourceKey] = set()
    capped: list[WithheldDiff] = []
    for difference in fair:
        key, standing_one = difference.key, kept.get(difference.key)
        if standing_one is not None and standing_one.status is not Status.REJECTED:
            continue
        if key in auto:
            opened.add(key)
        elif key not in eligible and room > 0:
            opened.add(key)
            room -= 1
        else:
            capped.append(
                WithheldDiff(difference, Withheld.CAP, f"the cap of {cap} is reached; a later tick proposes it")
            )

    return Decision(
        (*((proposal, "the difference has changed") for proposal in superseded), *candidates.outdated),
        tuple(withdrawn),
        tuple((proposal, by_key[key]) for key, proposal in kept.items()),
        tuple(d for d in candidates.order if d.key in opened and d.key not in kept),
        tuple(kept[d.key] for d in candidates.order if d.key in opened and d.key in kept),
        tuple(d.key for d in candidates.order if d.key in auto),
        (*capped, *candidates.unsound),
        trip,
        prints,
    )


def _outdated(
    standing: Sequence[Proposal],
    by_key: Mapping[ResourceKey, Difference],
    candidates: Candidates,
    prints: Mapping[ResourceKey, str],
) -> tuple[list[Proposal], list[tuple[Proposal, str]], dict[ResourceKey, Proposal]]:
    reasons = {w.difference.key: w for w in candidates.unsound}
    superseded: list[Proposal] = []
    withdrawn: list[tuple[Proposal, str]] = []
    kept: dict[ResourceKey, Proposal] = {}
    for proposal in standing:
        if proposal.origin is not Origin.GIT:
            continue
        if proposal.key in reasons:
            why = reasons[proposal.key]
            withdrawn.append((proposal, f"now withheld, {why.reason}: {why.detail}"))
        elif taker := candidates.handed_over.get(proposal.key):
            withdrawn.append((proposal, f"repository {taker} declares it now and takes it over"))
        elif proposal.key not in by_key:
            withdrawn.append((proposal, "the difference is gone"))
        elif prints[proposal.key] != proposal.fingerprint:
            superseded.append(proposal)
        else:
            kept[proposal.key] = proposal
    return superseded, withdrawn, kept


def _reverted(difference: Difference, revert: Change | None) -> bool:
    """Whether people have taken this very change back, and git has not moved on the resource since."""
    if revert is None:
        return False
    if difference.change is Change.DESTROY:
        return revert is Change.CREATE  # git did not declare it then, and does not now
    return difference.cause is Cause.LIVE_MOVED


def _auto_eligible(
    repository: Repository,
    difference: Difference,
    standing: Proposal | None,
    prints: Mapping[ResourceKey, str],
    refused: Collection[str],
    retry: Collection[int],
) -> bool:
    """Whether auto-apply may take the difference without a person."""
    if difference.change is Change.DESTROY and not repository.auto_prune:
        return False
    if difference.cause is not Cause.GIT_MOVED and not repository.auto_heal:
        return False
    if prints[difference.key] in refused:
        return False
    if standing is None:
        return True
    if standing.status is Status.FAILED:
        return standing.id in retry
    return standing.status is Status.PENDING and not standing.reopened_count
