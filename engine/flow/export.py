"""Export: a fleet in, the canonical fleet file out. Pure and byte-stable: the same fleet gives the same bytes.

Every field is written, defaults too: a field left out would not be managed by whoever restores from the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

from engine.kinds import Field, Kind, Kinds
from engine.model import Named, Proposal, Spec

SCHEMA_LINE = "# yaml-language-server: $schema=fleet.schema.json"
"""Editors that know this comment check and complete the file; `fleet schema` prints the schema to put beside it."""

Pins = Mapping[tuple[str, str], frozenset[str]]
"""By (section, name) versions of a resource."""
NO_VERSIONS: frozenset[str] = frozenset()

_STEP = "  "
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_LONGEST_WORD = max(map(len, _WORDS))
_is_plain = re.compile(r"[A-Za-z][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*(?::[A-Za-z][A-Za-z0-9_./@+-]*)?").fullmatch
_UNSAFE = re.compile("[^\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]")
_LONGEST_SIMPLE_KEY = 1000
"""YAML takes a longer key only in its explicit form (`? key`); its own limit is 1024 characters."""


def render(
    kinds: Kinds,
    account: str,
    fleet: Mapping[str, Named],
    *,
    pins: Pins,
    as_of: datetime | None,
    scope: str,
    store_version: int,
) -> str:
    """Write a fleet file.

    Shape: sections in the order of the kinds, names sorted, fields in the order of their declaration, map keys sorted;
    ends with a newline. `pins` are those of the whole account, also where a part of it is written: a version that is pinned
    but no longer a resource's own is listed beside it, so that the file rebuilds the fleet in a store that never knew it.
    `as_of` is the time of the last change exported, None for a fleet that never had one.
    Effects: none.
    """
    made = _Lines(
        (
            SCHEMA_LINE,
            f"# Exported by Fleet Workbench: {scope}.",
            f"# As of {as_of.isoformat(timespec='microseconds') if as_of else 'before any change'}, store version {store_version}.",
            "version: 1",
        )
    )
    made.entries({"account": account}, ("account",), "")
    for section, kind in kinds.items():
        specs = fleet.get(section)
        if not specs:
            continue
        made.lines += ("", f"{section}:")
        fields = kind.by_name.keys()
        for name in sorted(specs):
            spec = specs[name]
            listed = pins.get((section, name), NO_VERSIONS) - {spec.get(kind.version_field or "")}
            if listed and kind.versions is not None:
                made.listing(kind, kind.versions, name, spec, listed)
            elif spec.keys() == fields:  # as live has it
                made.resource(name, spec, fields)
            else:
                whole = kind.complete(spec)
                made.resource(name, whole, whole)
    return "\n".join(made.lines) + "\n"


def pinned(kinds: Kinds, fleet: Mapping[str, Named]) -> Pins:
    """By (section, name) the versions of it that the resources of a fleet pin. Only of kinds that list versions in a file."""
    found: dict[tuple[str, str], set[str]] = {}
    for section, specs in fleet.items():
        kind = kinds[section]
        for spec in specs.values() if kind.pins else ():
            for target in kind.pinnable(spec):
                if target.version is not None and kinds[target.kind].versions is not None:
                    found.setdefault((target.kind, target.name), set()).add(target.version)
    return {place: frozenset(versions) for place, versions in found.items()}


def snippet(section: str, name: str, spec: Any) -> str:
    """One resource as it would stand in a fleet file: what to put into git to keep live as it is."""
    made = _Lines([f"{section}:"])
    made.resource(name, spec, spec)
    return "\n".join(made.lines) + "\n"


def amendment(proposals: Iterable[Proposal]) -> str:
    """What to change in a fleet file so that git says what these proposals say: entries, and a comment for what goes."""
    specs: dict[str, dict[str, Spec]] = {}
    gone = []
    for proposal in sorted(proposals, key=lambda p: p.key):
        if proposal.desired is None:
            gone.append(f"# Take {proposal.key.address} out.")
        else:
            slice_ = {name: proposal.desired[name] for name in proposal.declared}
            specs.setdefault(proposal.key.kind, {})[proposal.key.name] = slice_
    made = _Lines(gone)
    for section, entries in specs.items():
        made.lines.append(f"{section}:")
        for name, spec in entries.items():
            made.resource(name, spec, spec)
    return "".join(f"{line}\n" for line in made.lines)


class _Lines:
    """The lines of a file in the making. Texts are spelled once: most names and values of a fleet occur often."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self.lines = list(lines)
        self._texts: dict[str, str] = {}
        self._heads: dict[str, str] = {}

    def resource(self, name: str, spec: Any, fields: Iterable[str]) -> None:
        """One resource below its section: those of the fields that it has, in their order."""
        if spec and type(spec) is dict:
            self.lines.append(f"{_STEP}{self._head(name, _STEP)}")
            self.entries(spec, fields, _STEP * 2)
        else:
            self.entries({name: spec}, (name,), _STEP)

    def listing(self, kind: Kind, listed: Field, name: str, spec: Spec, versions: Collection[str]) -> None:
        """One whole resource with the versions of it that exist besides its own."""
        whole = {**kind.complete(spec), listed.name: sorted(versions)}
        self.resource(name, whole, [field.name for field in kind.in_file if field.name in whole])

    def entries(self, values: Mapping[str, Any], keys: Iterable[str], indent: str) -> None:
        """Each `key: value` of a map, however deep. The hot loop: what stands on one line is written in place."""
        append, heads, texts = self.lines.append, self._heads, self._texts
        for key in keys:
            value = values[key]
            head = heads.get(key) or self._head(key, indent)
            form = type(value)
            if form is str:
                append(f"{indent}{head} {texts.get(value) or self._text(value)}")
            elif form is int:
                append(f"{indent}{head} {value}")
            elif form is bool:
                append(f"{indent}{head} {'true' if value else 'false'}")
            elif form is dict and value:
                append(f"{indent}{head}")
                self.entries(value, sorted(value), indent + _STEP)
            elif form is list and value:
                append(f"{indent}{head}")
                self._list(value, indent + _STEP)
            else:
                append(f"{indent}{head} {_plain(value)}")

    def _list(self, value: list[Any], indent: str) -> None:
        """Elements of a list. Nested collections stand below their dash."""
        for item in value:
            form = type(item)
            if form is str:
                self.lines.append(f"{indent}- {self._texts.get(item) or self._text(item)}")
            elif form is dict and item:
                self.lines.append(f"{indent}-")
                self.entries(item, sorted(item), indent + _STEP)
            elif form is list and item:
                self.lines.append(f"{indent}-")
                self._list(item, indent + _STEP)
            else:
                self.lines.append(f"{indent}- {_plain(item)}")

    def _head(self, key: str, indent: str) -> str:
        """A key with its colon, up to its value."""
        text = self._text(key)
        if len(text) > _LONGEST_SIMPLE_KEY:
            return f"? {text}\n{indent}:"
        self._heads[key] = f"{text}:"
        return self._heads[key]

    def _text(self, value: str) -> str:
        """A text on one line, spelled so that every YAML reads it back as the same text."""
        if len(value) <= 120 and _is_plain(value) and (len(value) > _LONGEST_WORD or value.lower() not in _WORDS):
            spelled = value
        else:
            spelled = _UNSAFE.sub(_escaped, orjson.dumps(value).decode())
        self._texts[value] = spelled
        return spelled


def _plain(value: Any) -> str:
    """What is no text, on one line: a number, true, false, null, an empty collection."""
    if type(value) is int:
        return str(value)
    if type(value) is bool:
        return "true" if value else "false"
    return _number(value) if isinstance(value, float) else orjson.dumps(value).decode()


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _number(value: float) -> str:
    """A float with a point and, if any, a signed exponent: the form that YAML 1.1 and 1.2 both read as a number."""
    if not math.isfinite(value):
        raise ValueError("a fleet has no infinite numbers")
    mantissa, exponent, power = repr(value).partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return mantissa + (f"e{power if power[0] in '+-' else '+' + power}" if exponent else "")
