"""Export: a fleet in, the canonical fleet file out. Pure and byte-stable: the same fleet gives the same bytes.

Every field is written, defaults too: a field left out would not be managed by whoever restores from the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from engine.kinds import Kinds
from engine.model import Named, Proposal, Spec

SCHEMA_LINE = "# yaml-language-server: $schema=fleet.schema.json"
"""Editors that know this comment check and complete the file; `fleet schema` prints the schema to put beside it."""

_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*(?::[A-Za-z][A-Za-z0-9_./@+-]*)?")
_UNSAFE = re.compile("[^\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]")
_LONGEST_SIMPLE_KEY = 1000
"""YAML takes a longer key only in its explicit form (`? key`); its own limit is 1024 characters."""


def render(
    kinds: Kinds, account: str, fleet: Mapping[str, Named], *, as_of: datetime | None, scope: str, store_version: int
) -> str:
    """Write a fleet file.

    Shape: sections in the order of the kinds, names sorted, fields in the order of their declaration, map keys sorted;
    ends with a newline. `as_of` is the time of the last change exported, None for a fleet that never had one.
    Effects: none.
    """
    lines = [
        SCHEMA_LINE,
        f"# Exported by Fleet Workbench: {scope}.",
        f"# As of {as_of.isoformat(timespec='microseconds') if as_of else 'before any change'}, store version {store_version}.",
        "version: 1",
        f"account: {_scalar(account)}",
    ]
    for section, kind in kinds.items():
        specs = fleet.get(section)
        if not specs:
            continue
        lines.append("")
        lines.append(f"{section}:")
        for name in sorted(specs):
            lines.extend(_entry(name, kind.complete(specs[name]), 1, ordered=True))
    return "\n".join(lines) + "\n"


def snippet(section: str, name: str, spec: Any) -> str:
    """One resource as it would stand in a fleet file: what to put into git to keep live as it is."""
    return "\n".join([f"{section}:", *_entry(name, spec, 1, ordered=True)]) + "\n"


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
    lines = [*gone]
    for section, entries in specs.items():
        lines.append(f"{section}:")
        for name, spec in entries.items():
            lines.extend(_entry(name, spec, 1, ordered=True))
    return "".join(f"{line}\n" for line in lines)


def _entry(key: str, value: Any, depth: int, *, ordered: bool = False) -> Iterator[str]:
    """Lines of one `key: value`, however deep."""
    indent = "  " * depth
    head = _scalar(key)
    if len(head) > _LONGEST_SIMPLE_KEY:
        yield f"{indent}? {head}"
        head = ""
    if isinstance(value, dict) and value:
        yield f"{indent}{head}:"
        for name in value if ordered else sorted(value):
            yield from _entry(name, value[name], depth + 1)
    elif isinstance(value, list) and value:
        yield f"{indent}{head}:"
        for item in value:
            yield from _item(item, depth + 1)
    else:
        yield f"{indent}{head}: {_scalar(value)}"


def _item(value: Any, depth: int) -> Iterator[str]:
    """Lines of one list element. Nested collections stand below their dash."""
    indent = "  " * depth
    if isinstance(value, dict) and value:
        yield f"{indent}-"
        for name in sorted(value):
            yield from _entry(name, value[name], depth + 1)
    elif isinstance(value, list) and value:
        yield f"{indent}-"
        for item in value:
            yield from _item(item, depth + 1)
    else:
        yield f"{indent}- {_scalar(value)}"


def _scalar(value: Any) -> str:
    """A value on one line, spelled so that every YAML reads it back the same."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS and len(value) <= 120:
            return value
        return _UNSAFE.sub(_escaped, orjson.dumps(value).decode())
    if isinstance(value, float):
        return _number(value)
    return orjson.dumps(value).decode()


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _number(value: float) -> str:
    """A float with a point and, if any, a signed exponent: the form that YAML 1.1 and 1.2 both read as a number."""
    if not math.isfinite(value):
        raise ValueError("a fleet holds no infinite number")
    mantissa, exponent, power = repr(value).partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return mantissa + (f"e{power if power[0] in '+-' else '+' + power}" if exponent else "")
