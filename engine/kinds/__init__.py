"""What kinds of resource a fleet has. Each is declared once, in `fleet.py`; everything else reads the declarations.

A `Kind` says its section in the fleet file, its view, its fields, what it refers to and its phase. `Kinds` is the set
in force; stages take it as an argument, so that another set (a test's ninth kind) reaches every stage with no other change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from engine.kinds.fields import Fault, FieldType, Ref, RefList, Target, alike, name_problem
from engine.model import Spec, canonical

__all__ = [
    "REQUIRED",
    "Advice",
    "Constraint",
    "Derived",
    "Doubt",
    "Fault",
    "Field",
    "KeyPart",
    "Kind",
    "Kinds",
    "Lookup",
    "Referrers",
    "Target",
    "alike",
    "name_problem",
]


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED: Final = _Required()
"""The default of a field that has none: a create must declare it."""

Lookup = Callable[[str, str], Spec | None]
"""Gives the spec of (kind, name) in the fleet at hand, or None."""

Constraint = Callable[[Spec, Lookup], str | None]
"""A rule between a resource and what it refers to: a sentence when it is broken, else None."""


class Doubt(NamedTuple):
    """What is allowed and hardly meant: of which resource, where in it, what, and how to mend it."""

    name: str
    path: tuple[str | int, ...]
    message: str
    hint: str


Advice = Callable[[Mapping[str, Spec], Lookup], Iterable[Doubt]]
"""A rule of good sense over the resources of a section, which may lack fields. It warns and never refuses."""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: FieldType
    doc: str
    default: Any = REQUIRED

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    @property
    def nullable(self) -> bool:
        """`null` is a value only where the default is none."""
        return self.default is None

    def faults(self, value: Any) -> Iterator[Fault]:
        if value is None:
            if not self.nullable:
                yield Fault((), f"{self.name} must not be null", "give it a value, or remove the field")
            return
        yield from self.type.faults(value)

    def from_text(self, text: str) -> Any:
        """Read a value as typed: `null` where it is one, else by the type. Raises ValueError."""
        return None if self.nullable and text == "null" else self.type.from_text(text)


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One part of a composite key: the name of a resource that the key's resource refers to."""

    label: str
    kind: str
    reaches: bool = False


Referrers = Callable[[str], Mapping[str, Spec]]
"""Gives the resources of a section that refer to the resource at hand, by name."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A table that follows from a resource and what stands around it, for its page."""

    title: str
    doc: str
    columns: tuple[str, ...]
    rows: Callable[[str, Spec, Lookup, Referrers], list[tuple[Any, ...]]]


FILE_KEYS = ("version", "account")
"""What a fleet file has beside its sections."""

ROW_COLUMNS = ("account", "name", "live_version", "updated_at", "updated_by")
"""What the view of every kind has beside its fields: whose and which resource a row is, and of which version, when and by whom."""

STORE_TABLES = frozenset({
    "accounts", "api_tokens", "applies", "apply_steps", "claims", "credential_hosts", "drift_episodes", "fleet_events", "gitops_repositories",
    "gitops_sync_runs", "live_keys", "module_versions", "proposals", "resource_history", "resource_states", "resources", "schema_versions",
    "sign_ins", "sign_outs", "store_notes", "waiting_claims", "webhook_deliveries", "withheld_diffs",
})  # fmt: skip
"""Names in the store that no view of a kind can have; a test holds them against the store."""


@dataclass(frozen=True)
class Kind:
    section: str
    view: str
    """Name of the typed view in the store, as the platform names it."""
    title: str
    """One resource of it, in words: `node template`."""
    phase: int
    """Place in the apply order among what does not refer to one another."""
    doc: str
    fields: tuple[Field, ...]
    key: tuple[KeyPart, ...] = ()
    """Parts of a composite key `a:b`; empty for a plain name."""
    constraints: tuple[Constraint, ...] = ()
    advice: tuple[Advice, ...] = ()
    version_field: str | None = None
    """The field that holds the version which a pin `name@version` means."""
    versions: Field | None = None
    """What the fleet file may list beside the fields: other versions that exist and may be pinned. It is knowledge, not
    configuration: known once the file is read, and in no spec, difference or form."""
    informational: bool = False
    """Git never writes it; shown and exported only."""
    no_credentials: bool = False
    """Credential-like keys are refused in it, at any depth."""
    reached: bool = False
    """Counted by the blast radius (nodes)."""
    derived: tuple[Derived, ...] = ()
    """What else its page shows."""

    def problem(self) -> str | None:
        """What is wrong with the declaration by itself, or None."""
        if self.version_field is not None and self.version_field not in self.by_name:
            return f"has the version field {self.version_field}, which is not one of its fields"
        seen: set[str] = set()
        for name in [*(part.label for part in self.key), *(field.name for field in self.fields)]:
            if name.lower() in ROW_COLUMNS:
                return f"has a field or key part {name}, which is a column of every row"
            if name.lower() in seen:
                return f"has two fields or key parts {name}"
            seen.add(name.lower())
        return None

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {field.name: field for field in self.fields}

    @cached_property
    def defaults(self) -> Spec:
        return {field.name: field.default for field in self.fields if not field.required}

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.required)

    @cached_property
    def _spelled(self) -> dict[str, FieldType]:
        return {field.name: field.type for field in self.fields if field.type.has_spellings}

    @cached_property
    def _maps(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.type.shape == "map")

    @cached_property
    def _referring(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if isinstance(field.type, Ref | RefList))

    @cached_property
    def refers_to(self) -> frozenset[str]:
        """Sections that its resources may refer to."""
        parts = {part.kind for part in self.key}
        return frozenset(
            parts | {field.type.kind for field in self._referring if isinstance(field.type, Ref | RefList)}
        )

    @cached_property
    def reaches(self) -> frozenset[str]:
        """Sections whose resources a change here reaches."""
        parts = {part.kind for part in self.key if part.reaches}
        return frozenset(
            parts | {f.type.kind for f in self._referring if isinstance(f.type, Ref | RefList) and f.type.reaches}
        )

    def name_problem(self, name: str) -> str | None:
        """What is wrong with a resource's name (each part of a composite one), or None."""
        if not self.key:
            return name_problem(name)
        parts = name.split(":")
        form = ":".join(f"<{part.label}>" for part in self.key)
        if len(parts) != len(self.key):
            return f"the key must be {form}"
        return next((problem for part in parts if (problem := name_problem(part))), None)

    def complete(self, spec: Spec) -> Spec:
        """The spec with defaults for what it leaves out, in the order of the declaration."""
        return {f.name: spec.get(f.name, f.default) for f in self.fields if f.name in spec or not f.required}

    def same(self, declared: Spec, live: Spec) -> bool:
        """Whether live has every declared field as declared (`true` and `1`, `1` and `1.0` are different)."""
        if not declared.items() <= live.items():
            # Another spelling of an address is the same address.
            return bool(self._spelled) and not any(self.differs(name, declared, live) for name in declared)
        for name in self._maps:
            # Equal to Python is not yet equal: `true` and 1. An empty map is like any other.
            if (value := declared.get(name)) and canonical(value) != canonical(live[name]):
                return False
        return True

    def differs(self, field: str, one: Spec, other: Spec) -> bool:
        """Whether two specs disagree on one field; a missing field differs from any value."""
        if field not in one or field not in other:
            return (field in one) != (field in other)
        if one[field] != other[field]:
            type_ = self._spelled.get(field)
            return type_ is None or type_.normal(one[field]) != type_.normal(other[field])
        return field in self._maps and canonical(one[field]) != canonical(other[field])

    def targets(self, name: str, spec: Spec) -> list[Target]:
        """What a resource refers to, key first, then fields in the order of the declaration."""
        found = [Target(p.kind, part) for p, part in zip(self.key, name.split(":"), strict=True)] if self.key else []
        for field in self._referring:
            if value := spec.get(field.name):
                found.extend(field.type.targets(value))
        return found

    def referrers(self, specs: Mapping[str, Spec]) -> dict[str, dict[str, set[str]]]:
        """Who of these resources refers to what: by the target's section, then name, the names of its referrers."""
        made: dict[str, dict[str, set[str]]] = {section: {} for section in self.refers_to}
        for place, part in enumerate(self.key):
            into = made[part.kind]
            for name in specs:
                target = name.split(":")[place]
                if target in into:
                    into[target].add(name)
                else:
                    into[target] = {name}
        for field in self._referring:
            named, targets = field.name, field.type.targets
            for name, spec in specs.items():
                for found in targets(spec.get(named)):
                    made[found.kind].setdefault(found.name, set()).add(name)
        return made

    @cached_property
    def in_file(self) -> tuple[Field, ...]:
        """What a fleet file may say of a resource, in the order in which an export writes it."""
        made = []
        for field in self.fields:
            made.append(field)
            if self.versions is not None and field.name == self.version_field:
                made.append(self.versions)
        return tuple(made)

    @cached_property
    def pins(self) -> bool:
        """Whether its resources may pin the version of what they refer to."""
        return any(isinstance(field.type, RefList) and field.type.pins for field in self.fields)

    def pinnable(self, spec: Spec) -> Iterator[Target]:
        """References of a spec, whole or slice, that may pin a version."""
        for field in self._referring:
            if isinstance(field.type, RefList) and field.type.pins and field.name in spec:
                yield from field.type.targets(spec[field.name])

    def faults(self, spec: Spec) -> Iterator[Fault]:
        """What is wrong with the fields that a spec gives, each under its field's name. Missing fields are not faults."""
        for name, value in spec.items():
            field = self.by_name.get(name)
            if field is None:
                yield Fault((name,), f"{self.section} has no field {name}", f"fields: {', '.join(self.by_name)}")
                continue
            for fault in field.faults(value):
                yield Fault((name, *fault.path), fault.message, fault.hint)


class Kinds(Mapping[str, Kind]):
    """The kinds in force by section, in the order of the fleet file."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        """Raises: ValueError where declarations cannot stand beside one another, naming the kind and what is wrong with it."""
        self._kinds = {kind.section: kind for kind in kinds}
        views: dict[str, str] = {}
        sections: set[str] = set()
        for kind in kinds:
            if kind.section in sections:
                raise ValueError(f"kind {kind.section} is declared twice")
            if kind.section in FILE_KEYS:
                raise ValueError(f"kind {kind.section} has the name of a key that every fleet file has")
            sections.add(kind.section)
            if unknown := kind.refers_to - self._kinds.keys():
                raise ValueError(f"kind {kind.section} refers to undeclared {', '.join(sorted(unknown))}")
            if problem := kind.problem():
                raise ValueError(f"kind {kind.section} {problem}")
            view = kind.view.lower()  # SQL does not tell capitals from small letters
            if view in STORE_TABLES:
                raise ValueError(
                    f"kind {kind.section} has the view {kind.view}, which is the name of a table of the store"
                )
            if view in views:
                raise ValueError(
                    f"kind {kind.section} has the view {kind.view}, which is that of kind {views[view]}, too"
                )
            views[view] = kind.section

    def __getitem__(self, section: str) -> Kind:
        return self._kinds[section]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    @cached_property
    def managed(self) -> tuple[str, ...]:
        """Sections that git manages."""
        return tuple(section for section, kind in self._kinds.items() if not kind.informational)

    @cached_property
    def recursive(self) -> frozenset[str]:
        """Sections whose resources may refer back to themselves through others: only these can form a cycle."""

        def reachable(start: str) -> set[str]:
            seen: set[str] = set()
            stack = [start]
            while stack:
                for target in self._kinds[stack.pop()].refers_to - seen:
                    seen.add(target)
                    stack.append(target)
            return seen

        return frozenset(section for section in self._kinds if section in reachable(section))

    @cached_property
    def referrers_of(self) -> Mapping[str, tuple[str, ...]]:
        """For each section, the sections whose resources may refer to it."""
        return {
            section: tuple(k.section for k in self._kinds.values() if section in k.refers_to) for section in self._kinds
        }
