"""Text for people. Whatever Streamlit would read as Markdown goes through `plain` first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from engine import phrases
from engine.phrases import count
from engine.present import values

__all__ = ["ago", "beside", "count", "exact", "plain", "value"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&\"'=/^@])")
_BREAKS = re.compile(r"\s+")
_ADDRESS = re.compile(r"(?i)(?:https?|ftp)(?=:)|www(?=\.)|@")
"""Where Markdown would make a link of bare text, escaped or not."""

_JOINER = "\u2060"
"""Has no width and breaks no line; nothing that holds it is an address."""


def plain(text: Any) -> str:
    """Text that Markdown shows as it stands: on one line, every character that could mean something escaped, no address a link."""
    line = _BREAKS.sub(" ", phrases.clean(str(text)))
    return _SPECIAL.sub(r"\\\1", _ADDRESS.sub(lambda found: found[0] + _JOINER, line))


def ago(moment: datetime | None) -> str:
    """How long ago: `3 min ago`, `never`."""
    return phrases.ago(moment)


def exact(moment: datetime | None) -> str:
    """The exact time in UTC, for where the relative one is hovered over."""
    return "never" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def value(item: Any, most: int = 200) -> str:
    """A field's value, shortened."""
    return values.value(item, most)


def beside(given: Sequence[Any], most: int = 200) -> list[str]:
    """Values that stand beside each other: different ones never read alike."""
    return values.beside(given, most)
