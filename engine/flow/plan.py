"""Plan: approved proposals and the live fleet in, ordered steps out. Pure: the dry run, a page and the real apply share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.flow.order import Move, in_order, waves
from engine.flow.review import stale
from engine.flow.soundness import FleetState
from engine.kinds import Kinds
from engine.model import LiveFleet, Proposal, ResourceKey, Step

BLOCKED = "blocked"
"""A reference is neither live nor earlier in the plan, or a destroyed resource is still referenced."""
STALE = "stale"
"""Live, or who holds the resource, moved since it was proposed."""
PAUSED = "paused"
"""Its repository is paused."""
STOPPED = "stopped"
"""The apply stopped before its turn."""
DECIDED = "decided"
"""Somebody decided otherwise while the apply went on, or applied it: it is approved no longer."""


@dataclass(frozen=True, slots=True)
class Skip:
    """An approved proposal that is not a step now. It stays approved, unless it was decided meanwhile."""

    proposal: Proposal
    reason: str
    """blocked, stale, paused, stopped or decided."""
    detail: str
    """What it waits for, what moved, or what stopped it, in words."""


@dataclass(frozen=True, slots=True)
class Plan:
    waves: tuple[tuple[Step, ...], ...]
    skipped: tuple[Skip, ...]

    @property
    def steps(self) -> list[Step]:
        """All steps in apply order."""
        return [step for wave in self.waves for step in wave]


def build(kinds: Kinds, approved: Sequence[Proposal], fleets: Mapping[str, LiveFleet]) -> Plan:
    """Order approved proposals into waves, each step tried on a copy of live as the steps before it leave it.

    `fleets` holds the live fleet of every account that a proposal names. No state between two steps is unsound:
    what would make it so is skipped as blocked. Effects: none.
    """
    # By proposal: two repositories may have one each on a resource that passes from one to the other.
    skipped: dict[int, Skip] = {}
    moves: dict[ResourceKey, Move] = {}
    chosen: dict[ResourceKey, Proposal] = {}
    for proposal in approved:
        key = proposal.key
        fleet = fleets[key.account]
        spec = fleet.specs.get(key.kind, {}).get(key.name)
        if why := stale(kinds, proposal, spec, fleet.claims.get(key.kind, {}).get(key.name)):
            skipped[proposal.id] = Skip(proposal, STALE, why)
            continue
        after = None if proposal.desired is None else {**(spec or {}), **proposal.desired}
        chosen[key], moves[key] = proposal, Move(spec, after)

    states = {account: FleetState(kinds, fleet.specs, fleet.known_versions) for account, fleet in fleets.items()}
    final = {account: FleetState(kinds, fleet.specs, fleet.known_versions) for account, fleet in fleets.items()}
    for key, move in moves.items():
        final[key.account].put((key.kind, key.name), move.after)

    # A blocked change takes its place out of the order, which may block others: try again without it until all fit.
    while True:
        ordering = in_order(kinds, moves)
        blocked: dict[ResourceKey, str] = {
            key: _stuck(ordering.waits_for[key], ordering.stuck) for key in ordering.stuck
        }
        done: list[ResourceKey] = []
        for key in ordering.order:
            place, move, state = (key.kind, key.name), moves[key], states[key.account]
            # Constraints are judged by where the plan ends: an address may move together with its network.
            wrong = state.unsound(place, move.after, constraints=False) or (
                None if move.after is None else final[key.account].broken(place, move.after)
            )
            if wrong:
                blocked[key] = wrong.detail
            else:
                state.put(place, move.after)
                done.append(key)
        if not blocked:
            break
        for key in done:
            states[key.account].put((key.kind, key.name), moves[key].before)
        for key, detail in blocked.items():
            skipped[chosen[key].id] = Skip(chosen[key], BLOCKED, detail)
            final[key.account].put((key.kind, key.name), moves[key].before)
            del moves[key]

    made = []
    for number, wave in enumerate(waves(ordering), 1):
        versions = {key: fleets[key.account].versions.get(key.kind, {}).get(key.name) for key in wave}
        made.append(tuple(Step(chosen[key], number, moves[key].after, versions[key]) for key in wave))
    return Plan(tuple(made), tuple(sorted(skipped.values(), key=lambda skip: (skip.proposal.key, skip.proposal.id))))


def _stuck(waits: set[ResourceKey], stuck: Sequence[ResourceKey]) -> str:
    return f"waits for {', '.join(sorted(key.address for key in waits if key in stuck))}, which in turn waits for it"
