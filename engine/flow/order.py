"""The order of changes: targets of references first, destroys last and in reverse order. Pure.

One order serves the queue (who comes first under the cap), the plan and the real apply.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from engine.kinds import Kinds, alike
from engine.model import ResourceKey, Spec


@dataclass(frozen=True, slots=True)
class Move:
    """One resource's way from `before` to `after`; None means absent."""

    before: Spec | None
    after: Spec | None

    @property
    def destroys(self) -> bool:
        return self.after is None


@dataclass(frozen=True, slots=True)
class Ordering:
    order: list[ResourceKey]
    """Every change that has a place, each after all that it waits for."""
    waits_for: dict[ResourceKey, set[ResourceKey]]
    stuck: list[ResourceKey]
    """Changes that wait for one another, or for such, and so have no place, sorted."""

    def ring(self) -> list[ResourceKey]:
        """One ring of changes each of which waits for the next, its first repeated at its end; empty when none is stuck."""
        if not self.stuck:
            return []
        try:
            TopologicalSorter({key: sorted(self.waits_for[key]) for key in self.stuck}).prepare()
        except CycleError as error:
            found: list[ResourceKey] = error.args[1]
            return found[::-1]
        return []


def in_order(kinds: Kinds, moves: Mapping[ResourceKey, Move]) -> Ordering:
    """Order changes topologically over their real references.

    A create or update follows what it refers to; a destroy follows every change of what referred to it, and all else.
    Ties go by phase, then key; for destroys in reverse. A create whose name differs only by case from a destroyed one
    follows that destroy. What depends on a later phase is placed with that phase, so that few waves are needed.
    """
    waits_for = _waits(kinds, moves)
    places = {key: place for place, key in enumerate(sorted(moves))}
    rank: dict[ResourceKey, tuple[int, int, int, int, int]] = {}
    for destroys in (False, True):
        sign = -1 if destroys else 1
        group = [key for key, move in moves.items() if move.destroys is destroys]
        phases = {key: sign * kinds[key.kind].phase for key in group}
        for key, (stage, level) in _stages(phases, waits_for).items():
            rank[key] = (int(destroys), stage, level, phases[key], sign * places[key])

    waiting = {key: len(waits_for[key]) for key in moves}
    followers: dict[ResourceKey, list[ResourceKey]] = {}
    for key, others in waits_for.items():
        for other in others:
            followers.setdefault(other, []).append(key)
    ready = [(rank[key], key) for key, count in waiting.items() if not count]
    heapq.heapify(ready)
    order: list[ResourceKey] = []
    while ready:
        _, key = heapq.heappop(ready)
        order.append(key)
        for follower in followers.get(key, ()):
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, (rank[follower], follower))
    placed = set(order) if len(order) < len(moves) else moves.keys()
    return Ordering(order, waits_for, sorted(key for key in moves if key not in placed))


def waves(ordering: Ordering) -> list[list[ResourceKey]]:
    """Cut the order into waves: consecutive changes of which none waits for another of the same wave."""
    made: list[list[ResourceKey]] = []
    current: set[ResourceKey] = set()
    for key in ordering.order:
        if not made or not current.isdisjoint(ordering.waits_for[key]):
            made.append([])
            current = set()
        made[-1].append(key)
        current.add(key)
    return made


def _waits(kinds: Kinds, moves: Mapping[ResourceKey, Move]) -> dict[ResourceKey, set[ResourceKey]]:
    waits: dict[ResourceKey, set[ResourceKey]] = {key: set() for key in moves}
    for key, move in moves.items():
        kind = kinds[key.kind]
        if move.after is not None:
            for target in kind.targets(key.name, move.after):
                other = ResourceKey(key.account, target.kind, target.name)
                if other in moves and not moves[other].destroys and other != key:
                    waits[key].add(other)
        if move.before is not None:
            for target in kind.targets(key.name, move.before):
                other = ResourceKey(key.account, target.kind, target.name)
                if other in moves and moves[other].destroys and other != key:
                    waits[other].add(key)
    gone = {(key.account, key.kind, alike(key.name)): key for key, move in moves.items() if move.destroys}
    if gone:
        for key, move in moves.items():
            if move.before is None and (twin := gone.get((key.account, key.kind, alike(key.name)))):
                waits[key].add(twin)
    return waits


def _stages(
    phases: Mapping[ResourceKey, int], waits_for: Mapping[ResourceKey, set[ResourceKey]]
) -> dict[ResourceKey, tuple[int, int]]:
    """For each change of one group: the latest phase among it and all that it waits for, and its depth. Cycles come last."""
    inside = {key: [other for other in waits_for[key] if other in phases] for key in phases}
    followers: dict[ResourceKey, list[ResourceKey]] = {}
    waiting = {key: len(others) for key, others in inside.items()}
    for key, others in inside.items():
        for other in others:
            followers.setdefault(other, []).append(key)
    stages: dict[ResourceKey, tuple[int, int]] = {}
    ready = [key for key, count in waiting.items() if not count]
    for key in ready:
        before = [stages[other] for other in inside[key]]
        stage = max([phases[key], *(stage for stage, _ in before)])
        stages[key] = (stage, 1 + max((level for _, level in before), default=-1))
        for follower in followers.get(key, ()):
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    for key, phase in phases.items():
        stages.setdefault(key, (phase, len(phases)))
    return stages
