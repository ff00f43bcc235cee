"""The possible decisions on a set of proposals, and the effect of applying them. Pure: used by the selection bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.flow.plan import BLOCKED, Plan, build
from engine.flow.review import TRANSITIONS, Verb, stale
from engine.flow.soundness import FleetState, reached
from engine.kinds import Kinds
from engine.model import Change, LiveFleet, Proposal, ResourceKey, Spec, Status

DECISIONS = (Verb.APPROVE, Verb.REJECT, Verb.TAKE_BACK)


@dataclass(frozen=True, slots=True)
class Prospect:
    """One proposal and what could be done with it."""

    proposal: Proposal
    stale: str | None
    """How live has outdated it, in words, or None."""
    blocked: str | None
    """What applying it would wait for, were it and the others approved, or None."""

    def can(self, verb: Verb) -> bool:
        """Whether a person could decide so now. A stale proposal cannot be approved, a blocked one can: it waits."""
        return (self.proposal.status, verb) in TRANSITIONS and not (verb is Verb.APPROVE and self.stale)


@dataclass(frozen=True, slots=True)
class Prospects:
    """A set of proposals in its current state."""

    items: tuple[Prospect, ...]
    nodes: tuple[ResourceKey, ...]
    """What all of them together reach: the blast radius, by key."""
    plan: Plan
    """What an apply would do, were they approved, together with what is approved already."""

    def allowing(self, verb: Verb) -> list[Prospect]:
        return [item for item in self.items if item.can(verb)]

    @property
    def destroyed(self) -> int:
        """How many of them destroy something."""
        return sum(item.proposal.change is Change.DESTROY for item in self.items)


def prospects(
    kinds: Kinds,
    chosen: Sequence[Proposal],
    approved: Sequence[Proposal],
    fleets: Mapping[str, LiveFleet],
    coming: Mapping[ResourceKey, Spec | None],
) -> Prospects:
    """Look at a set of proposals.

    `approved` are all that are approved already, whether or not they are in the set; `fleets` holds the live fleet of every
    account that a proposal names; `coming` is what all proposals of these repositories would make of their resources: a change
    reaches what is about to be created, too.
    """
    outdated = {p.id: _stale(kinds, p, fleets[p.key.account]) for p in chosen if p.status.live}
    could = {p.id: p for p in chosen if p.status.live and p.status is not Status.REJECTED and not outdated[p.id]}
    # Approved proposals of other repositories on the same resource would be stale together with one of the set: one per resource.
    by_key: dict[ResourceKey, Proposal] = {p.key: p for p in (*approved, *could.values())}
    plan = build(kinds, list(by_key.values()), fleets)
    blocked = {skip.proposal.id: skip.detail for skip in plan.skipped if skip.reason == BLOCKED}
    nodes: list[ResourceKey] = []
    for account, fleet in fleets.items():
        places = [(p.key.kind, p.key.name) for p in chosen if p.key.account == account and p.key.kind in kinds]
        if not places:
            continue
        state = FleetState(kinds, fleet.specs, fleet.known_versions)
        destroyed = [
            (p.key.kind, p.key.name)
            for p in chosen
            if p.change is Change.DESTROY and (p.key.kind, p.key.name) in places
        ]
        nodes.extend(ResourceKey(account, *place) for place in reached(state, kinds, destroyed))  # who loses it
        for key, desired in coming.items():
            if key.account == account and key.kind in kinds:
                before = state.get(key.kind, key.name) or {}
                state.put((key.kind, key.name), None if desired is None else {**before, **desired})
        nodes.extend(ResourceKey(account, *place) for place in reached(state, kinds, places))
    items = tuple(Prospect(p, outdated.get(p.id), blocked.get(p.id)) for p in chosen)
    return Prospects(items, tuple(sorted(set(nodes))), plan)


def _stale(kinds: Kinds, proposal: Proposal, fleet: LiveFleet) -> str | None:
    key = proposal.key
    return stale(
        kinds, proposal, fleet.specs.get(key.kind, {}).get(key.name), fleet.claims.get(key.kind, {}).get(key.name)
    )
