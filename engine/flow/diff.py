"""Diff: desired state and live fleet in, differences out. Pure: knows no store, git or clock, and proposes nothing.

`compare` finds the differences and what the claims learn; `withhold` sets aside those that would leave the fleet unsound.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.flow.order import Move, Ordering, in_order
from engine.flow.soundness import FleetState
from engine.kinds import Kind, Kinds, Target
from engine.model import (
    Cause,
    Change,
    Claim,
    Difference,
    LiveFleet,
    Named,
    ResourceKey,
    Spec,
    Withheld,
    WithheldDiff,
    canonical,
)

NOTHING: Mapping[ResourceKey, str] = {}


@dataclass(frozen=True, slots=True)
class Diff:
    """What one revision and the live fleet of one account disagree on. Everything is sorted by key."""

    account: str
    differences: tuple[Difference, ...]
    foreign: tuple[WithheldDiff, ...]
    """Differences on what another repository holds."""
    informational: tuple[dict[str, Any], ...]
    """`{kind, name, change}` where a declared provider connection is not as live has it. Counts nowhere."""
    counts: dict[str, dict[str, int]]
    """By section: create, update, destroy and unchanged; together they are the declared or owned resources."""
    claimed: dict[ResourceKey, Claim]
    """Claims to write: new ones, and those whose base is now another (adopted, codified, declared otherwise)."""
    adopted: tuple[ResourceKey, ...]
    """Found live and equal without a base: owned from now on."""
    released: tuple[ResourceKey, ...]
    """Claims of what is neither declared any more nor to be destroyed."""
    waiting: tuple[tuple[ResourceKey, str], ...]
    """What is declared and another repository holds, with its name; equal or not."""
    handed_over: dict[ResourceKey, str]
    """Claims of what is no longer declared here but by another repository, with the name of the one that waits longest."""
    no_longer_declared: tuple[tuple[ResourceKey, tuple[str, ...]], ...]
    """Fields that the base had and the revision leaves out: they keep their live value."""
    owned: int
    """How many resources the repository owned before."""


@dataclass(slots=True)
class _Found:
    differences: list[Difference] = field(default_factory=list)
    foreign: list[WithheldDiff] = field(default_factory=list)
    informational: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    claimed: dict[ResourceKey, Claim] = field(default_factory=dict)
    adopted: list[ResourceKey] = field(default_factory=list)
    released: list[ResourceKey] = field(default_factory=list)
    waiting: list[tuple[ResourceKey, str]] = field(default_factory=list)
    handed_over: dict[ResourceKey, str] = field(default_factory=dict)
    undeclared: list[tuple[ResourceKey, tuple[str, ...]]] = field(default_factory=list)
    owned: int = 0


def compare(
    kinds: Kinds,
    desired: Mapping[str, Named],
    live: LiveFleet,
    repository_id: int,
    revision: str,
    holders: Mapping[int, str],
    reserved: Container[ResourceKey] = (),
) -> Diff:
    """Compare what a revision declares with the live fleet of one account, as one repository sees it.

    `desired` maps section and name to the declared slice; empty for an account that the repository has left.
    `holders` names repositories by id; what is `reserved` is not let go of: a revert stands on it. Effects: none. Raises: nothing for valid states.
    """
    found = _Found()
    for section, kind in kinds.items():
        declared = desired.get(section, {})
        if kind.informational:
            _inform(found, kind, declared, live)
            continue
        claims = live.claims.get(section, {})
        if not declared and not claims:
            continue
        found.counts[section] = {"create": 0, "update": 0, "destroy": 0, "unchanged": 0}
        _compare_declared(found, kind, declared, live, repository_id, revision, holders)
        _compare_undeclared(found, kind, declared, live, repository_id, reserved)
    return Diff(
        live.account,
        tuple(sorted(found.differences, key=lambda d: d.key)),
        tuple(sorted(found.foreign, key=lambda w: w.difference.key)),
        tuple(found.informational),
        {section: counts for section, counts in found.counts.items() if any(counts.values())},
        dict(sorted(found.claimed.items())),
        tuple(sorted(found.adopted)),
        tuple(sorted(found.released)),
        tuple(sorted(found.waiting)),
        dict(sorted(found.handed_over.items())),
        tuple(sorted(found.undeclared)),
        found.owned,
    )


def _compare_declared(
    found: _Found,
    kind: Kind,
    declared: Named,
    live: LiveFleet,
    repository_id: int,
    revision: str,
    holders: Mapping[int, str],
) -> None:
    section = kind.section
    specs, versions, claims = live.specs.get(section, {}), live.versions.get(section, {}), live.claims.get(section, {})
    counts = found.counts[section]
    at_rest = 0
    for name, slice_ in declared.items():
        claim, text = claims.get(name), canonical(slice_).decode()
        if (
            claim is not None
            and claim.agreed == text
            and claim.repository_id == repository_id
            and claim.base_version == versions.get(name)
        ):
            # Agreed on at this very version, and git declares what it did then: nothing moved, nothing to compare.
            at_rest += 1
            continue
        holder = repository_id if claim is None else claim.repository_id
        mine = holder == repository_id
        own = claim if claim is not None and mine and claim.owned else None
        found.owned += own is not None
        base = None if own is None else own.base
        spec = specs.get(name)
        held_by = None if mine else holders.get(holder, f"number {holder}")
        if held_by is not None:
            found.waiting.append((ResourceKey(live.account, section, name), held_by))
        if spec is not None and kind.same(slice_, spec):
            counts["unchanged"] += 1
            if mine and (claim is None or claim.agreed != text):
                key = ResourceKey(live.account, section, name)
                rejections = claim.rejections if claim else 0
                found.claimed[key] = Claim(repository_id, text, revision, versions[name], rejections)
                if base is None:
                    found.adopted.append(key)
                else:
                    _note_undeclared(found, key, base, slice_)
            continue
        key = ResourceKey(live.account, section, name)
        if spec is None:
            change, current, wanted = Change.CREATE, None, kind.complete(slice_)
            fields: Iterable[str] = slice_
        else:
            change, current, wanted = Change.UPDATE, {f: spec[f] for f in slice_ if f in spec}, slice_
            fields = (f for f in slice_ if kind.differs(f, slice_, spec))
        difference = Difference(
            key,
            change,
            current,
            wanted,
            _cause(kind, fields, base, slice_, spec),
            base,
            tuple(sorted(slice_)),
            versions.get(name),
        )
        if held_by is not None:
            found.foreign.append(
                WithheldDiff(difference, Withheld.OWNERSHIP_CONFLICT, f"owned by repository {held_by}")
            )
            counts[change.value] += 1
            continue
        counts[change.value] += 1
        found.differences.append(difference)
        if claim is None:
            found.claimed[key] = Claim(repository_id)
        elif base is not None:
            _note_undeclared(found, key, base, slice_)
    counts["unchanged"] += at_rest
    found.owned += at_rest


def _compare_undeclared(
    found: _Found, kind: Kind, declared: Named, live: LiveFleet, repository_id: int, reserved: Container[ResourceKey]
) -> None:
    section = kind.section
    specs, versions, claims = live.specs.get(section, {}), live.versions.get(section, {}), live.claims.get(section, {})
    for name in claims.keys() - declared.keys():
        claim = claims[name]
        if claim.repository_id != repository_id:
            continue
        key = ResourceKey(live.account, section, name)
        spec = specs.get(name)
        found.owned += claim.owned
        base = claim.base
        if claim.waiting and key not in reserved:
            found.handed_over[key] = claim.waiting[0]
            continue
        if spec is None or base is None:
            if key not in reserved:
                found.released.append(key)
            continue
        moved = any(kind.differs(f, base, spec) for f in base)
        cause = Cause.BOTH if moved else Cause.GIT_MOVED
        found.differences.append(Difference(key, Change.DESTROY, spec, None, cause, base, (), versions[name]))
        found.counts[section]["destroy"] += 1


def _cause(kind: Kind, fields: Iterable[str], base: Spec | None, desired: Spec, live: Spec | None) -> Cause:
    """Who moved, over the fields on which desired and live differ. Without a base it is git."""
    if base is None:
        return Cause.GIT_MOVED
    git_moved = live_moved = False
    for name in fields:
        git_moved |= kind.differs(name, base, desired)
        live_moved |= live is None or (name in base and kind.differs(name, base, live))
    if live is None:
        live_moved = True
    if git_moved and live_moved:
        return Cause.BOTH
    return Cause.LIVE_MOVED if live_moved else Cause.GIT_MOVED


def _note_undeclared(found: _Found, key: ResourceKey, base: Spec, declared: Spec) -> None:
    gone = tuple(sorted(base.keys() - declared.keys()))
    if gone:
        found.undeclared.append((key, gone))


def _inform(found: _Found, kind: Kind, declared: Named, live: LiveFleet) -> None:
    specs = live.specs.get(kind.section, {})
    for name in sorted(declared):
        if name not in specs:
            found.informational.append({"kind": kind.section, "name": name, "change": Change.CREATE.value})
        elif not kind.same(declared[name], specs[name]):
            found.informational.append({"kind": kind.section, "name": name, "change": Change.UPDATE.value})


@dataclass(frozen=True, slots=True)
class Settled:
    """Differences of one account, told apart by whether they can be made soundly, and the order of those that can."""

    ordering: Ordering
    withheld: tuple[WithheldDiff, ...]
    after: FleetState
    """The fleet as the revision would leave it, without what is withheld."""


def withhold(
    kinds: Kinds, differences: Iterable[Difference], live: LiveFleet, reserved: Mapping[ResourceKey, str] = NOTHING
) -> Settled:
    """Set aside every difference that would leave the fleet unsound, judged by the fleet as this revision would leave it.

    A difference whose reference leads to nothing is withheld, and so are those that refer to it in turn; and so is one
    on what is `reserved`, with the reason given there. Effects: none.
    """
    after = FleetState(kinds, live.specs, live.known_versions)
    wanted: dict[ResourceKey, Difference] = {}
    moves: dict[ResourceKey, Move] = {}
    for difference in differences:
        key = difference.key
        before = live.specs.get(key.kind, {}).get(key.name)
        spec = None if difference.desired is None else {**(before or {}), **difference.desired}
        wanted[key], moves[key] = difference, Move(before, spec)
        after.put((key.kind, key.name), spec)
    withheld: dict[ResourceKey, WithheldDiff] = {}

    def set_aside(key: ResourceKey, reason: Withheld, detail: str) -> None:
        withheld[key] = WithheldDiff(wanted[key], reason, detail)
        after.put((key.kind, key.name), moves[key].before)

    for key in sorted(wanted.keys() & reserved.keys()):
        set_aside(key, Withheld.CONFLICT, reserved[key])
    ordering = in_order(kinds, {key: move for key, move in moves.items() if key not in withheld})
    ordered_without = len(withheld)
    settled = False
    while not settled:
        settled = True
        # Targets come before what refers to them, so that one pass follows a whole chain.
        for key in [*ordering.order, *ordering.stuck]:
            if key not in withheld:
                place = (key.kind, key.name)
                if wrong := after.unsound(place, moves[key].after, cycles=False):
                    set_aside(key, wrong.reason, wrong.detail)
                    settled = False
        if settled and any(key.kind in kinds.recursive for key in moves if key not in withheld):
            while cycle := after.cycle():
                shown = " → ".join(f"{kind}/{name}" for kind, name in cycle)
                on_it = [key for key in moves if (key.kind, key.name) in cycle and key not in withheld]
                for key in on_it:
                    set_aside(key, Withheld.CONFLICT, f"closes a cycle: {shown}")
                settled = False
        if settled:
            if len(withheld) > ordered_without:
                ordering = in_order(kinds, {key: move for key, move in moves.items() if key not in withheld})
                ordered_without = len(withheld)
            if ring := ordering.ring():
                shown = " → ".join(key.address for key in ring)
                for key in ring[1:]:
                    set_aside(
                        key, Withheld.CONFLICT, f"no order of these changes is valid, each waits for the next: {shown}"
                    )
                settled = False
    return Settled(ordering, tuple(withheld[key] for key in sorted(withheld)), after)


def unpinned(kinds: Kinds, desired: Mapping[str, Named], live: LiveFleet) -> list[tuple[str, str, str]]:
    """References that name no version although their target has one: (address, target's address, version it means today)."""
    found = []
    for section, declared in desired.items():
        kind = kinds[section]
        if not kind.pins:
            continue
        for name in sorted(declared):
            for target in kind.pinnable(declared[name]):
                if target.version is None and (version := _version_today(kinds, target, desired, live)):
                    found.append((f"{section}/{name}", target.address, version))
    return found


def advised(
    kinds: Kinds, desired: Mapping[str, Named], live: LiveFleet, leaving: Container[ResourceKey]
) -> list[tuple[str, str]]:
    """What kinds advise against, of what is declared, in the fleet as this revision would leave it: (address, sentence)."""

    def after(section: str, name: str) -> Spec | None:
        declared, before = desired.get(section, {}).get(name), live.specs.get(section, {}).get(name)
        return before if declared is None else {**(before or {}), **declared}

    found = []
    for section, declared in desired.items():
        kind = kinds[section]
        if not kind.advice or not declared:
            continue
        # What is declared comes last, so that of two resources that do not fit it is the one that is told.
        specs = {
            name: spec
            for name, spec in live.specs.get(section, {}).items()
            if name not in declared and ResourceKey(live.account, section, name) not in leaving
        }
        specs |= {name: after(section, name) or {} for name in sorted(declared)}
        for advise in kind.advice:
            found += [(f"{section}/{d.name}", d.message) for d in advise(specs, after) if d.name in declared]
    return found


def _version_today(kinds: Kinds, target: Target, desired: Mapping[str, Named], live: LiveFleet) -> str | None:
    field = kinds[target.kind].version_field
    spec = live.specs.get(target.kind, {}).get(target.name) or desired.get(target.kind, {}).get(target.name) or {}
    return None if field is None else spec.get(field)
