"""Meaning of a fleet file: bytes in, the desired state by kinds out, or every problem of the file at once.

Reads what each kind declares and nothing else: no kind is named here. Knows no live fleet, store, git or clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from engine.errors import FleetFileInvalid, Problem
from engine.flow.parse import codes
from engine.flow.parse.accidents import whole_characters
from engine.flow.parse.flaws import MOST_PROBLEMS
from engine.flow.parse.positions import Path, Positions
from engine.flow.parse.yaml_events import BROKEN, read_structure
from engine.kinds import Field, Kind, Kinds, Target, alike, name_problem
from engine.kinds.fields import (
    Boolean,
    Choice,
    FieldType,
    Integer,
    Map,
    Ref,
    RefList,
    Text,
    credential_like,
    described,
    shown,
)
from engine.model import Spec
from engine.phrases import argument

DEFAULT_LIMIT = 1_048_576
"""Bytes of the largest file that is read, unless the caller says otherwise."""

FORMAT_VERSION = 1

_HEADER = ("version", "account")

_MOST_CYCLES = 10
"""Cycles reported at once. Each takes a pass over the references; a file has one, if any."""

_LONGEST_GUESS = 64
"""Longest word for which the nearest known one is looked for: what is longer is no slip of the pen."""


@dataclass(frozen=True, slots=True)
class FleetFile:
    """The desired state that a fleet file declares."""

    account: str
    sections: dict[str, dict[str, Spec]]
    """By section, then name: the declared slice, without the identity `name`. Sections that the file does not name are absent."""
    file: str
    """Path of the file, for messages."""
    is_empty: bool = field(compare=False)
    """Whether no managed resource is declared."""
    positions: Positions = field(repr=False, compare=False)
    listed: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """By section, then name: versions that the file lists as existing beside the one that a resource has."""

    def known_versions(self, kinds: Kinds) -> Iterator[tuple[str, str, str]]:
        """(section, name, version) of every version that the file names: those that resources have, and those listed."""
        for section, entries in self.sections.items():
            version_field = kinds[section].version_field
            if version_field is not None:
                for name, spec in entries.items():
                    if (version := spec.get(version_field)) is not None:
                        yield section, name, version
        for section, listed in self.listed.items():
            for name, versions in listed.items():
                yield from ((section, name, version) for version in versions)

    def find(self, section: str, name: str) -> Spec | None:
        """The declared slice of a resource."""
        return self.sections.get(section, {}).get(name)

    def locate(self, section: str, name: str | None = None, *path: str | int) -> tuple[int, int]:
        """Line and column, from 1, of a section's, resource's or field's value; of the nearest enclosing one if it is not there."""
        return self.positions.value((section, *(() if name is None else (name, *path))))

    def problem(
        self, code: str, message: str, hint: str, section: str, name: str | None = None, *path: str | int
    ) -> Problem:
        """A problem at the place of a value."""
        return Problem(code, message, hint, self.file, *self.locate(section, name, *path))


def read_fleet_file(
    data: bytes,
    kinds: Kinds,
    *,
    file: str = "fleet.yaml",
    limit: int = DEFAULT_LIMIT,
    account: str | None = None,
) -> FleetFile:
    """Read a fleet file.

    `account` is the repository's: a file of another one is refused.
    Raises: FleetFileInvalid with every problem of the file, sorted by line and column. Effects: none.
    Source: DESIGN.md section 5.
    """
    if len(data) > limit:
        message = f"the file has {len(data):,} bytes, more than the limit of {limit:,}"
        hint = "split it into one file per concern, or raise FLEET_MAX_FILE_BYTES"
        raise FleetFileInvalid([Problem(codes.TOO_LARGE, message, hint, file)])
    whole = whole_characters(data)
    structure = read_structure(whole.data)
    problems = [
        Problem(f.code, f.text, f.hint, file, f.line + 1, whole.column(f.line, f.column) + 1) for f in structure.flaws
    ]
    document = _Document(kinds, file, Positions(whole.data, whole.column))
    try:
        found = document.read(structure.root, account, complete=structure.complete)
    except _Enough:
        last = document.problems[-1]
        message = f"{MOST_PROBLEMS} problems were found; checking stopped there"
        problems.append(replace(last, code=codes.TOO_MANY_PROBLEMS, message=message, hint="fix these first"))
    problems += document.problems
    if problems:
        raise FleetFileInvalid(sorted(problems, key=lambda p: (p.line, p.column, p.code, p.message)))
    return found


Check = Callable[[Any], bool]


class _Enough(Exception):
    """As many problems as a person will ever look at."""


class _Document:
    """Judges the values of one file. What is faulty is reported and left out, so that each fault is reported once."""

    def __init__(self, kinds: Kinds, file: str, positions: Positions) -> None:
        self._kinds = kinds
        self._file = file
        self._positions = positions
        self._names: set[str] = set()
        """Names known to be right."""
        self._listed: dict[str, dict[str, list[str]]] = {}
        self.problems: list[Problem] = []

    def read(self, root: Any, account: str | None, *, complete: bool) -> FleetFile:
        sections: dict[str, dict[str, Spec]] = {}
        if root is None:
            root = {}
        if isinstance(root, dict) and isinstance(sops := root.get("sops"), dict) and "mac" in sops:
            message, hint = (
                "the file is encrypted by sops",
                "commit the decrypted file: it contains no secrets, they belong in Vault",
            )
            self._report(codes.NOT_A_FLEET_FILE, message, hint, self._positions.key(("sops",)))
        elif isinstance(root, dict):
            self._header(root, account, complete=complete)
            for section, value in root.items():
                if section not in _HEADER:
                    self._section(section, value, sections)
            self._cycles(sections)
            self._constraints(sections)
        elif root is not BROKEN:
            message = f"a fleet file must be a map of version, account and sections, found {described(root)}"
            self._report(codes.NOT_A_FLEET_FILE, message, "begin it with version: 1", self._positions.value(()))
        owner = root.get("account") if isinstance(root, dict) else None
        is_empty = not any(sections.get(section) for section in self._kinds.managed)
        account = owner if isinstance(owner, str) else ""
        return FleetFile(account, sections, self._file, is_empty, self._positions, self._listed)

    def _report(self, code: str, message: str, hint: str, place: tuple[int, int]) -> None:
        self.problems.append(Problem(code, message, hint, self._file, *place))
        if len(self.problems) >= MOST_PROBLEMS:
            raise _Enough

    def _header(self, root: Mapping[str, Any], account: str | None, *, complete: bool) -> None:
        """The two fields that every file has."""
        top = self._positions.value
        version = root.get("version")
        if "version" not in root:
            if complete:
                self._report(codes.VERSION_MISSING, "version is missing", "write version: 1 at the top", (1, 1))
        elif version is not BROKEN and (type(version) is not int or version != FORMAT_VERSION):
            message = f"version must be the integer {FORMAT_VERSION}, found {_value(version)}"
            self._report(codes.VERSION_UNKNOWN, message, f"write version: {FORMAT_VERSION}", top(("version",)))

        name = root.get("account")
        if "account" not in root:
            if complete:
                hint = "write account: and the account's name at the top"
                self._report(codes.ACCOUNT_MISSING, "account is missing", hint, (1, 1))
        elif name is BROKEN:
            pass
        elif not isinstance(name, str):
            hint = "write the account's name" if name is None else "put it in quotes"
            message = f"account must be a string, found {_value(name)}"
            self._report(codes.ACCOUNT_INVALID, message, hint, top(("account",)))
        elif problem := name_problem(name):
            self._report(codes.ACCOUNT_INVALID, f"account: {problem}", "write the account's name", top(("account",)))
        elif account is not None and name != account:
            message = f"Resource constraint: account_id mismatch: the file has account {shown(name)}, the repository has {shown(account)}"
            hint = f"if the fleet moved to that account, re-bind the repository: fleet repo set <name> --account {argument(name)}"
            self._report(codes.ACCOUNT_MISMATCH, message, hint, top(("account",)))

    def _section(self, section: str, value: Any, sections: dict[str, dict[str, Spec]]) -> None:
        kind = self._kinds.get(section)
        if kind is None:
            hint = _nearest(section, (*_HEADER, *self._kinds)) or f"sections: {', '.join(self._kinds)}"
            place = self._positions.key((section,))
            self._report(codes.UNKNOWN_SECTION, f"there is no section {shown(section)}", hint, place)
            return
        if value is BROKEN:
            return
        if value is None:
            value = {}
        if not isinstance(value, dict):
            message = f"{section} must be a map of resources by name, found {described(value)}"
            hint = "write each resource under its name"
            self._report(codes.SECTION_NOT_A_MAP, message, hint, self._positions.value((section,)))
            return
        sections[section] = self._entries(kind, value, self._unusable_names(kind, value))

    def _unusable_names(self, kind: Kind, entries: Mapping[str, Any]) -> set[str]:
        """Report each name that is not allowed or differs from another only by case. Returns those not allowed."""
        unusable: set[str] = set()
        known, composite = self._names, len(kind.key)
        for name in entries:
            if composite:
                parts = name.split(":")
                if len(parts) == composite and known.issuperset(parts):
                    continue
            elif name in known:
                continue
            if problem := kind.name_problem(name):
                place = self._positions.key((kind.section, name))
                self._report(codes.NAME_INVALID, f"{shown(name)}: {problem}", f"rename the {kind.title}", place)
                unusable.add(name)
            else:
                known.update(parts if composite else (name,))

        fold: Callable[[str], str] = str.lower if all(map(str.isascii, entries)) else alike
        if len(set(map(fold, entries))) < len(entries):
            first: dict[str, str] = {}
            for name in entries:
                if (twin := first.setdefault(fold(name), name)) != name:
                    message = f"{kind.section}: {shown(name)} and {shown(twin)} differ only by case"
                    place = self._positions.key((kind.section, name))
                    self._report(codes.NAMES_ALIKE, message, "keep one of them, or rename one", place)
        return unusable

    def _entries(self, kind: Kind, entries: Mapping[str, Any], unusable: set[str]) -> dict[str, Spec]:
        """The declared slices of a section, without faulty fields and without the unusable names."""
        checks = _checks(kind, self._names)
        named = not kind.key and "name" not in kind.by_name
        made: dict[str, Spec] = {}
        for name, entry in entries.items():
            if entry is None:
                entry = {}
            if type(entry) is not dict:
                if entry is not BROKEN:
                    message = f"{kind.section}/{_plain(name)} must be a map of fields, found {described(entry)}"
                    place = self._positions.value((kind.section, name))
                    self._report(codes.RESOURCE_NOT_A_MAP, message, "write its fields under its name", place)
                continue
            if kind.versions is not None and kind.versions.name in entry:
                listed = entry.pop(kind.versions.name)
                if self._right(kind, name, kind.versions, listed) and name not in unusable:
                    self._listed.setdefault(kind.section, {})[name] = listed
            if kind.no_credentials:
                self._credentials(kind, (kind.section, name), entry)
            dropped = [
                key
                for key, value in entry.items()
                if not ((check := checks.get(key)) and check(value))
                and not self._field(kind, name, key, value, named=named)
            ]
            for key in dropped:
                del entry[key]
            if name not in unusable:
                made[name] = entry
        return made

    def _field(self, kind: Kind, name: str, key: str, value: Any, *, named: bool) -> bool:
        """Whether a field belongs to the slice: declared by the kind and right. Reports what is wrong with it."""
        declared = kind.by_name.get(key)
        if declared is None:
            if named and key == "name":
                self._identity(kind, name, value)
            elif not (kind.no_credentials and credential_like(key)):
                names = tuple(field.name for field in kind.in_file)
                hint = _nearest(key, names) or f"fields: {', '.join(names)}"
                place = self._positions.key((kind.section, name, key))
                self._report(codes.UNKNOWN_FIELD, f"{kind.section} has no field {shown(key)}", hint, place)
            return False
        return self._right(kind, name, declared, value)

    def _right(self, kind: Kind, name: str, declared: Field, value: Any) -> bool:
        """Whether a value is as its field wants it. Reports what is wrong with it."""
        key, right = declared.name, True
        for fault in declared.faults(value):
            right = False
            if _at(value, fault.path) is not BROKEN:
                place = self._positions.value((kind.section, name, key, *fault.path))
                message = fault.message if fault.message.startswith(key) else f"{key}: {fault.message}"
                self._report(codes.VALUE_INVALID, message, fault.hint, place)
        return right

    def _identity(self, kind: Kind, name: str, value: Any) -> None:
        """`name` inside a resource may only repeat its key."""
        if value is BROKEN or (type(value) is str and value == name):
            return
        message = f"name is {_value(value)}, but the key is {shown(name)}"
        hint = "put name in quotes" if str(value) == name else "make them equal, or remove name: the key is the name"
        self._report(codes.NAME_DIFFERS, message, hint, self._positions.value((kind.section, name, "name")))

    def _credentials(self, kind: Kind, path: Path, value: Any) -> None:
        """Refuse keys that look like credentials, at any depth, without showing what they hold."""
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str) and credential_like(key):
                message = f"{shown(key)} looks like a credential; {kind.section} must not contain credentials"
                hint = "keep it in Vault, and remove it from the file and its history; a key such as secret_ref or secret_path may name its place"
                self._report(codes.CREDENTIAL, message, hint, self._positions.key((*path, key)))
            elif isinstance(item, dict | list):
                self._credentials(kind, (*path, key), item)

    def _cycles(self, sections: Mapping[str, Mapping[str, Spec]]) -> None:
        recursive = self._kinds.recursive
        graph: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for section in self._kinds:
            if section in recursive:
                kind = self._kinds[section]
                for name, spec in sections.get(section, {}).items():
                    if targets := [(t.kind, t.name) for t in kind.targets(name, spec) if t.kind in recursive]:
                        graph[section, name] = targets
        for _ in range(_MOST_CYCLES):
            try:
                TopologicalSorter(graph).prepare()
                return
            except CycleError as error:
                closed: list[tuple[str, str]] = error.args[1]
            # graphlib lists what comes first in order before what refers to it, and repeats the first at the end.
            cycle = closed[:0:-1]
            start = cycle.index(min(cycle))
            cycle = [*cycle[start:], *cycle[:start]]
            self._cycle(sections, cycle)
            for place in cycle:
                graph.pop(place, None)

    def _cycle(self, sections: Mapping[str, Mapping[str, Spec]], cycle: list[tuple[str, str]]) -> None:
        """Report a cycle at the reference by which its first resource enters it."""
        section, name = cycle[0]
        following = cycle[1 % len(cycle)]
        at = next(
            path
            for path, target in references(self._kinds[section], name, sections[section][name])
            if (target.kind, target.name) == following
        )
        ring = [*cycle, cycle[0]]
        one_section = len({part for part, _ in cycle}) == 1
        words = [_plain(other) if one_section else f"{part}/{_plain(other)}" for part, other in ring]
        if len(words) > 9:
            words = [*words[:4], f"({len(words) - 8} more)", *words[-4:]]
        message = f"{section} refer to one another in a cycle: {' → '.join(words)}"
        self._report(
            codes.REFERENCE_CYCLE,
            message,
            "remove one of these references",
            self._positions.value((section, name, *at)),
        )

    def _constraints(self, sections: Mapping[str, Mapping[str, Spec]]) -> None:
        """Rules between resources, as far as this file declares both sides with what a create needs."""

        def whole(section: str, name: str) -> Spec | None:
            spec = sections.get(section, {}).get(name)
            kind = self._kinds[section]
            return None if spec is None or not spec.keys() >= set(kind.required) else kind.complete(spec)

        for section, specs in sections.items():
            kind = self._kinds[section]
            if not kind.constraints:
                continue
            for name in specs:
                spec = whole(section, name)
                for constraint in kind.constraints:
                    if spec is not None and (sentence := constraint(spec, whole)):
                        place = self._positions.key((section, name))
                        self._report(
                            codes.CONSTRAINT_BROKEN,
                            f"{section}/{_plain(name)}: {sentence}",
                            "correct one of the two resources",
                            place,
                        )


def references(kind: Kind, name: str, spec: Spec) -> Iterator[tuple[Path, Target]]:
    """What a declared resource refers to, each with the path of the reference in the spec; that of a key part is empty."""
    for target in kind.targets(name, {}):
        yield (), target
    for name, declared in kind.by_name.items():
        if name in spec and isinstance(declared.type, Ref | RefList):
            for index, target in enumerate(declared.type.targets(spec[name])):
                yield (name, index) if isinstance(declared.type, RefList) else (name,), target


def _checks(kind: Kind, names: set[str]) -> dict[str, Check]:
    """For each field whose type allows it, a quick test that passes only what the field's own type finds right.

    What it does not pass is judged by the type. It relies on what reading has made sure of: depth, numbers, Unicode.
    """
    return {name: check for name, declared in kind.by_name.items() if (check := _check(declared.type, names))}


_SIGNED_MAX: Final = 2**63 - 1


_TESTED: Final = frozenset({Text, Boolean, Map, Choice, Integer, Ref, RefList})


def _check(form: FieldType, names: set[str]) -> Check | None:
    match form:
        case _ if type(form) not in _TESTED:
            return None  # perhaps a stricter one, made from one of these
        case Text():
            return lambda value: type(value) is str
        case Boolean():
            return lambda value: type(value) is bool
        case Map():
            return lambda value: type(value) is dict
        case Choice(options=options):
            return lambda value: type(value) is str and value in options
        case Integer(minimum=minimum):
            return lambda value: type(value) is int and minimum <= value <= _SIGNED_MAX
        case Ref():
            return lambda value: type(value) is str and (value in names or _learn(value, names))
        case RefList(pins=False):
            return lambda value: (
                type(value) is list
                and all(type(item) is str and (item in names or _learn(item, names)) for item in value)
                and len(set(value)) == len(value)
            )
    return None


def _learn(name: str, names: set[str]) -> bool:
    if name_problem(name):
        return False
    names.add(name)
    return True


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _plain(name: str) -> str:
    """A name inside a message, shortened."""
    return shown(name)[1:-1]


def _value(value: Any) -> str:
    """A value inside a message."""
    if isinstance(value, str):
        return shown(value)
    return (
        f"{described(value)} {value}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else described(value)
    )


def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    near = get_close_matches(word, known, 1) if len(word) <= _LONGEST_GUESS else []
    return f"did you mean {near[0]}?" if near else None
