"""Blame: who set each value of a resource, and when, from its versions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.model import FieldChange, Version, canonical
from engine.paths import field_changes


@dataclass(frozen=True, slots=True)
class Blame:
    """One path of a resource's present spec and the version that brought its present value."""

    path: str
    value: Any
    version: Version


def logged(versions: Sequence[Version]) -> list[tuple[Version, tuple[FieldChange, ...]]]:
    """Each version with its changes; `versions` are those of one resource, newest first. The last has no predecessor."""
    earlier = [*versions[1:], None]
    return [
        (version, field_changes(before.spec if before else None, version.spec))
        for version, before in zip(versions, earlier, strict=False)
    ]


def blame(versions: Sequence[Version]) -> list[Blame]:
    """Every path of the newest spec with the version since which it has its value, sorted by path.

    `versions` are those of one resource, newest first, as history gives them; where the oldest are missing, what they set counts
    as set by the oldest at hand. Empty when the resource is gone.
    """
    since: dict[str, Version] = {}
    before: dict[str, Any] = {}
    for version in reversed(versions):
        values = {change.path: change.desired for change in field_changes(None, version.spec)}
        since = {
            path: since[path] if path in before and canonical(before[path]) == canonical(value) else version
            for path, value in values.items()
        }
        before = values
    return [Blame(path, value, since[path]) for path, value in before.items()]
