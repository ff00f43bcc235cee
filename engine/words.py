"""How things are put into words, for every surface: values, times, changes, the sentence of a proposal.

Text from repositories and people stays text: what would steer a terminal or turn the direction of writing becomes a visible mark.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from engine.kinds import Kinds
from engine.model import Change, FieldChange, Proposal
from engine.values import beside, moved_in_list, value

_STEERING = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode categories of what is seen only by what it does."""


def clean(text: str) -> str:
    """Text fit for a terminal: what would steer it, or turn the direction of writing, becomes a visible mark."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\ufffd" if unicodedata.category(c) in _STEERING else c for c in text)


def argument(text: str) -> str:
    """One argument of a command that somebody may paste into a shell: names are free to hold what a shell would act on."""
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


def change_words(change: FieldChange, most: int = 40) -> str:
    """One field change: `priority 50 → 60`."""
    if change.change == "added":
        return f"{clean(change.path)} = {value(change.desired, most)}"
    if change.change == "removed":
        return f"{clean(change.path)} removed"
    both = isinstance(change.current, list) and isinstance(change.desired, list)
    if both and (moved := moved_in_list(change.current, change.desired, most)):
        return f"{clean(change.path)} {moved}"
    before, after = beside([change.current, change.desired], most)
    return f"{clean(change.path)} {before} → {after}"


def sentence(kinds: Kinds, proposal: Proposal) -> str:
    """The change in words: `Update module nginx-public: priority 50 → 60 and 2 more.`"""
    key = proposal.key
    thing = f"{kinds[key.kind].title if key.kind in kinds else key.kind} {clean(key.name)}"
    if proposal.change is Change.UPDATE:
        shown = ", ".join(change_words(change) for change in proposal.fields[:2])
        rest = f" and {len(proposal.fields) - 2} more" if len(proposal.fields) > 2 else ""
        return f"Update {thing}: {shown}{rest}."
    return f"{proposal.change.value.capitalize()} {thing}."


def says_something(change: FieldChange) -> bool:
    """Whether a field of a create holds more than emptiness."""
    return change.desired is not None and change.desired not in ("", [], {})


class Changes(Protocol):
    """What changes a resource, proposed or withheld."""

    @property
    def change(self) -> Change: ...

    @property
    def fields(self) -> Sequence[FieldChange]: ...


def summary(what: Changes) -> str:
    """What a proposal, or a difference that is withheld, changes: for the last column of a list."""
    if what.change is Change.UPDATE:
        return ", ".join(change_words(change, 24) for change in what.fields)
    if what.change is Change.CREATE:
        return ", ".join(change_words(change, 24) for change in what.fields if says_something(change))
    return "all of it"
