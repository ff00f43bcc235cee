"""The effect of a change on a spec, one entry per path, for people to read. Pure; decides nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import orjson

from engine.model import FieldChange, Spec, canonical

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ABSENT = object()


def field_changes(current: Spec | None, desired: Spec | None, base: Spec | None = None) -> tuple[FieldChange, ...]:
    """Every path on which two specs differ, sorted by path: maps are walked, lists and values are whole.

    Shape: `change` is added, changed or removed; the side where the path is absent, and `base` where it knows nothing, is None.

    >>> [c.path for c in field_changes({"config": {"a": 1}}, {"config": {"a": 2, "b": 3}})]
    ['config.a', 'config.b']
    """
    return tuple(_walk("", current or {}, desired or {}, {} if base is None else base))


def _walk(prefix: str, current: Any, desired: Any, base: Any) -> Iterator[FieldChange]:
    for name in sorted({*current, *desired}):
        path = step(prefix, name)
        one, other = current.get(name, _ABSENT), desired.get(name, _ABSENT)
        agreed = base.get(name, _ABSENT) if isinstance(base, dict) else _ABSENT
        # An absent side counts as an empty map if the other is a map, so that its paths are shown one by one.
        left = {} if one is _ABSENT and isinstance(other, dict) and other else one
        right = {} if other is _ABSENT and isinstance(one, dict) and one else other
        if isinstance(left, dict) and isinstance(right, dict) and (left or right):
            yield from _walk(path, left, right, agreed)
        elif one is _ABSENT:
            yield FieldChange(path, "added", None, other, _known(agreed))
        elif other is _ABSENT:
            yield FieldChange(path, "removed", one, None, _known(agreed))
        elif canonical(one) != canonical(other):
            yield FieldChange(path, "changed", one, other, _known(agreed))


def as_json(changes: Iterable[FieldChange]) -> str:
    """Changes as the store keeps them."""
    return orjson.dumps([asdict(change) for change in changes]).decode()


def from_json(text: str) -> tuple[FieldChange, ...]:
    """Changes as they were before `as_json`."""
    return tuple(FieldChange(**item) for item in orjson.loads(text))


def _known(value: Any) -> Any:
    return None if value is _ABSENT else value


def step(prefix: str, name: str) -> str:
    """One step of a path: `config.workers`, or `config["a.b"]` where a name is not plain."""
    if _PLAIN.fullmatch(name):
        return f"{prefix}.{name}" if prefix else name
    return f"{prefix}[{json.dumps(name, ensure_ascii=False)}]"
