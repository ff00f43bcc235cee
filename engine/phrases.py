"""Text for people and terminals: numbers, times and names in sentences.

Text from repositories and people stays text: what would steer a terminal or turn the direction of writing becomes a visible mark.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

_STEERING = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode categories of what is seen only by what it does."""


def clean(text: str) -> str:
    """Text fit for a terminal: what would steer it, or turn the direction of writing, becomes a visible mark."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\ufffd" if unicodedata.category(c) in _STEERING else c for c in text)


def argument(text: str) -> str:
    """One argument of a command to paste into a shell, quoted: names may contain characters with a meaning for the shell."""
    return shlex.quote(clean(text))


_MEANT = re.compile(r"fleet\.(?:ya?ml(?:\.txt)?|json)", re.IGNORECASE)


def misnamed(names: Iterable[str]) -> list[str]:
    """What of these names of a folder is meant as `fleet.yaml`, by its look."""
    return sorted(name for name in names if _MEANT.fullmatch(name) and name != "fleet.yaml")


def clean_lines(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(clean(line) for line in text.split("\n"))


def count(number: int, thing: str) -> str:
    """`1 step`, `1,200 steps`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def counted(one: str, many: str, number: int) -> str:
    """`1 node template`, `12 templates`: for what has a plural of its own."""
    return f"{number:,} {one if number == 1 else many}"


def mebibytes(size: int) -> str:
    """`8.4 MiB`."""
    return f"{size / 1_048_576:,.1f} MiB"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago, in the largest fitting unit."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    ahead = seconds < -1
    seconds = abs(seconds)
    for size, unit in ((86_400 * 2, 0), (3_600, 1), (60, 2), (1, 3)):
        if seconds >= size:
            count = int(seconds // (86_400, 3_600, 60, 1)[unit])
            words = f"{count} {('days', 'h', 'min', 's')[unit]}"
            return f"in {words}" if ahead else f"{words} ago"
    return "now"


def ranges(ids: Iterable[int]) -> str:
    """Ids as one would type them: `1-4 7`."""
    groups: list[list[int]] = []
    for id_ in sorted(ids):
        if groups and id_ == groups[-1][-1] + 1:
            groups[-1].append(id_)
        else:
            groups.append([id_])
    return " ".join(str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups)
