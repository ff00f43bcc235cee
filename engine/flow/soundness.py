"""The rules of a sound fleet: every reference has a target, no cycles, no names that differ only by case, no broken constraints.

One place for the rules; diff (what to withhold), plan (what is blocked) and operator edits (what is refused) ask it. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from copy import copy
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from engine.kinds import Kinds, Target, alike
from engine.model import Spec, Withheld

Place = tuple[str, str]
"""A resource within one account: (section, name)."""


@dataclass(frozen=True, slots=True)
class Unsound:
    """Why a change would leave the fleet unsound."""

    reason: Withheld
    detail: str
    others: tuple[str, ...] = ()
    """Addresses of the resources that block it or are missing."""


class FleetState:
    """The specs of one account's fleet, on which changes are tried without touching the original."""

    def __init__(
        self, kinds: Kinds, specs: Mapping[str, MutableMapping[str, Spec]], known_versions: Mapping[Place, set[str]]
    ) -> None:
        self._kinds = kinds
        self._at_first = specs
        self._specs: dict[str, MutableMapping[str, Spec]] = {kind: copy(specs.get(kind, {})) for kind in kinds}
        self._known = known_versions
        self._referrers: dict[str, dict[str, dict[str, set[str]]]] = {}
        """By section, as `Kind.referrers` gives them."""
        self._alike: dict[str, dict[str, set[str]]] = {}

    def get(self, kind: str, name: str) -> Spec | None:
        return self._specs[kind].get(name)

    def put(self, place: Place, spec: Spec | None) -> None:
        """Set a resource's spec, or delete the resource with None."""
        kind, name = place
        before = self._specs[kind].get(name)
        if (referrers := self._referrers.get(kind)) is not None:
            targets = self._kinds[kind].targets
            for target in targets(name, before) if before is not None else ():
                referrers[target.kind][target.name].discard(name)
            for target in targets(name, spec) if spec is not None else ():
                referrers[target.kind].setdefault(target.name, set()).add(name)
        if spec is None:
            self._specs[kind].pop(name, None)
        else:
            self._specs[kind][name] = spec
        if kind in self._alike:
            group = self._alike[kind].setdefault(alike(name), set())
            (group.discard if spec is None else group.add)(name)

    def referrers(self, place: Place) -> list[Place]:
        """Resources that refer to a resource, sorted by section, then name."""
        found = ((section, self._referring(section, place)) for section in self._kinds.referrers_of[place[0]])
        return sorted((section, name) for section, names in found for name in names)

    def _referring(self, section: str, place: Place) -> set[str]:
        """Resources of one section that refer to a resource. Its index is built at first use: few changes need all indexes."""
        if section not in self._referrers:
            self._referrers[section] = self._kinds[section].referrers(self._specs[section])
        return self._referrers[section][place[0]].get(place[1], set())

    def targets(self, place: Place) -> list[Target]:
        spec = self._specs[place[0]].get(place[1])
        return [] if spec is None else self._kinds[place[0]].targets(place[1], spec)

    def missing(self, target: Target) -> str | None:
        """Why a reference leads to nothing, in words, or None."""
        if target.name not in self._specs[target.kind]:
            return f"{target.kind}/{target.name} does not exist"
        if target.version is not None and target.version not in self._known.get((target.kind, target.name), ()):
            return f"{target.kind}/{target.name} never had version {target.version}"
        return None

    def unsound(
        self, place: Place, spec: Spec | None, *, cycles: bool = True, constraints: bool = True
    ) -> Unsound | None:
        """The rule that this spec (None: deleted) would break in the fleet as given here, or None.

        With `cycles=False` the caller looks for cycles over the whole fleet itself.
        """
        kind, name = place
        declaration = self._kinds[kind]
        if spec is None:
            others = [f"{k}/{n}" for k, n in self.referrers(place) if (k, n) != place]
            return (
                Unsound(Withheld.STILL_REFERENCED, f"still referred to by {_some(others)}", tuple(others))
                if others
                else None
            )
        absent = [field for field in declaration.required if field not in spec]
        if absent:
            return Unsound(Withheld.CONFLICT, f"{' and '.join(absent)} must be declared to create it")
        for target in declaration.targets(name, spec):
            if wrong := self.missing(target):
                return Unsound(
                    Withheld.MISSING_REFERENCE,
                    f"refers to {target.address}, but {wrong}",
                    (f"{target.kind}/{target.name}",),
                )
        # An existing resource keeps its name: only a new resource can be the second of two.
        twins = () if name in self._at_first.get(kind, ()) else self._names_alike(kind, name)
        if twins:
            return Unsound(
                Withheld.CONFLICT,
                f"its name differs only by case from {kind}/{twins[0]}",
                tuple(f"{kind}/{twin}" for twin in twins),
            )
        if constraints and (broken := self.broken(place, spec)):
            return broken
        if cycles and (cycle := self._cycle_through(place, spec)):
            return Unsound(Withheld.CONFLICT, f"closes a cycle: {' → '.join(cycle)}", tuple(cycle[1:-1]))
        return None

    def cycle(self) -> list[Place] | None:
        """One cycle of references in the fleet, or None; of several always the same. Looks only at kinds that can form one."""
        sections = self._kinds.recursive
        graph = {
            (kind, name): sorted({t[:2] for t in self._kinds[kind].targets(name, spec) if t.kind in sections})
            for kind in sorted(sections)
            for name, spec in sorted(self._specs[kind].items())
        }
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            found: list[Place] = error.args[1]
            return found
        return None

    def _names_alike(self, kind: str, name: str) -> list[str]:
        if kind not in self._alike:
            groups: dict[str, set[str]] = {}
            for other in self._specs[kind]:
                groups.setdefault(alike(other), set()).add(other)
            self._alike[kind] = groups
        return sorted(self._alike[kind].get(alike(name), set()) - {name})

    def broken(self, place: Place, spec: Spec) -> Unsound | None:
        """A constraint that the spec breaks, its own or that of a resource that refers to it."""
        kind = place[0]

        def lookup(other_kind: str, other_name: str) -> Spec | None:
            return spec if (other_kind, other_name) == place else self.get(other_kind, other_name)

        for constraint in self._kinds[kind].constraints:
            if sentence := constraint(spec, lookup):
                return Unsound(Withheld.CONFLICT, sentence)
        for section in self._kinds.referrers_of[kind]:
            if constraints := self._kinds[section].constraints:
                for other in sorted(self._referring(section, place)):
                    for constraint in constraints:
                        if sentence := constraint(self._specs[section][other], lookup):
                            return Unsound(Withheld.CONFLICT, f"{section}/{other}: {sentence}", (f"{section}/{other}",))
        return None

    def _cycle_through(self, place: Place, spec: Spec) -> list[str] | None:
        """The cycle that the resource would close with this spec. Only newly added references can close one."""
        kind, name = place
        if kind not in self._kinds.recursive:
            return None
        before = self._specs[kind].get(name)
        old = set() if before is None else {(t.kind, t.name) for t in self._kinds[kind].targets(name, before)}
        trail: dict[Place, Place] = {}
        stack = [(t.kind, t.name) for t in self._kinds[kind].targets(name, spec) if (t.kind, t.name) not in old]
        for start in stack:
            trail[start] = place
        while stack:
            here = stack.pop()
            if here == place:
                path = [here]
                while (here := trail[here]) != place:
                    path.append(here)
                return [f"{k}/{n}" for k, n in [place, *reversed(path)]]
            for target in self.targets(here):
                there = (target.kind, target.name)
                if there not in trail and there[0] in self._kinds.recursive:
                    trail[there] = here
                    stack.append(there)
        return None


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def reached(state: FleetState, kinds: Kinds, places: list[Place]) -> set[Place]:
    """Resources of reached kinds (nodes) that a change on any of these places touches: the blast radius.

    A change reaches what refers to the resource, and onward; a reference declared `reaches` carries it to its target too.
    """
    found: set[Place] = set()
    seen = set(places)
    stack = list(places)
    while stack:
        here = stack.pop()
        if kinds[here[0]].reached:
            found.add(here)
            continue  # what else hangs on a node is not changed by what reaches the node
        forward = {(t.kind, t.name) for t in state.targets(here) if t.kind in kinds[here[0]].reaches}
        for there in forward.union(state.referrers(here)):
            if there not in seen:
                seen.add(there)
                stack.append(there)
    return found
