"""How things look to people: aligned tables, marks beside colours, field changes by path, times relative.

Text from repositories and people is shown as text: never read as markup, control and direction characters made visible.
Rich is imported when the first thing is printed.
"""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import orjson

from engine.kinds import Kinds
from engine.model import Change, FieldChange, Proposal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

MARKS = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "destroy": ("-", "red"),
    "informational": ("i", "cyan"),
    "unchanged": ("=", ""),
}
STATUS_COLOURS = {
    "pending": "yellow",
    "approved": "cyan",
    "applied": "green",
    "success": "green",
    "partial": "yellow",
    "running": "cyan",
    "failed": "red",
    "rejected": "magenta",
}
_ENDLESS = 10_000
"""Columns of what is no terminal."""

_PLAIN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def clean(text: str) -> str:
    """Text fit for a terminal: what would steer it, or turn the direction of writing, becomes a visible mark."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\ufffd" if unicodedata.category(c) in _PLAIN_CATEGORIES else c for c in text)


def value(item: Any, most: int = 60) -> str:
    """A field's value in a cell: text as it is where that is clear, all else as JSON; long ones shortened."""
    if item is None:
        return "none"
    plain = isinstance(item, str) and item and item == item.strip() and item not in {"true", "false", "none"}
    text = clean(item if plain else orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode())
    return text if len(text) <= most else text[: most - 1] + "…"


@cache
def console() -> Console:
    """Standard output, as wide as it needs to be: rich never cuts or wraps, tables are made to fit by `table`."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to `main` how a reader that went away ends us; rich would exit with 1."""
            raise BrokenPipeError

    return Output(highlight=False, markup=False, emoji=False, soft_wrap=True, width=_ENDLESS)


def room() -> int:
    """How many columns there are: those of the terminal, else as many as one likes."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _ENDLESS


def count(number: int, thing: str) -> str:
    """`1 step`, `1,200 steps`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def styled(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(clean(text), style=style)


def line(*parts: str | Text) -> None:
    """Print one line from texts, each shown as it is."""
    from rich.text import Text

    whole = Text()
    for part in parts:
        whole.append_text(part if isinstance(part, Text) else styled(part))
    console().print(whole)


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    right: Sequence[int] = (),
    indent: int = 0,
    give: Sequence[int] = (),
) -> None:
    """Print an aligned table. On a terminal that is too narrow the columns of `give` are shortened first, else the last one."""
    from rich.padding import Padding
    from rich.table import Table

    made = Table(
        box=None, show_header=any(headers), pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2, 0, 0)
    )
    cells = [[cell if not isinstance(cell, str) else styled(cell) for cell in row] for row in rows]
    natural = [
        max(len(header), *(row[index].cell_len for row in cells)) if cells else len(header)
        for index, header in enumerate(headers)
    ]
    out = console()
    widths = _fitted(natural, room() - indent, give or (len(headers) - 1,))
    for index, (header, width) in enumerate(zip(headers, widths, strict=True)):
        justify: Literal["left", "right"] = "right" if index in right else "left"
        made.add_column(header, justify=justify, width=width, no_wrap=True, overflow="ellipsis")
    for row in cells:
        made.add_row(*row)
    with out.capture() as captured:
        out.print(Padding(made, (0, 0, 0, indent)) if indent else made)
    out.file.write("\n".join(text.rstrip() for text in captured.get().rstrip("\n").split("\n")) + "\n")


def _fitted(natural: Sequence[int], room: int, give: Sequence[int]) -> list[int]:
    """Widths of columns two apart that fit the room if they can: the widest gives first, ids and marks never do."""
    widths = list(natural)
    for columns, least in ((give, 8), (range(len(widths)), 16)):
        while sum(widths) + 2 * (len(widths) - 1) > room:
            widest = max(columns, key=widths.__getitem__)
            if widths[widest] <= least:
                break
            widths[widest] -= 1
    return widths


def mark(change: str) -> Text:
    sign, colour = MARKS[change]
    return styled(sign, colour)


def tally(counts: dict[str, int]) -> Text:
    """`+ 24 create  ~ 6 update  - 2 destroy`, without what is zero."""
    from rich.text import Text

    parts = Text()
    for change in ("create", "update", "destroy", "unchanged"):
        if count := counts.get(change, 0):
            sign, colour = MARKS[change]
            parts.append("  " if parts else "").append(f"{sign} {count} {change}", style=colour)
    return parts or Text("no change")


def status(text: str) -> Text:
    return styled(text, STATUS_COLOURS.get(text, ""))


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


def exact(moment: datetime | None) -> str:
    """A time relative and exact, for where one thing is shown."""
    from engine.bodies import when  # comes with the store, which those who check a file do not need

    return "never" if moment is None else f"{ago(moment)} ({(when(moment) or '')[:19]}Z)"


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
    if (
        isinstance(change.current, list)
        and isinstance(change.desired, list)
        and (moved := _list_words(change.current, change.desired))
    ):
        return f"{clean(change.path)} {moved}"
    return f"{clean(change.path)} {value(change.current, most)} → {value(change.desired, most)}"


def _list_words(current: list[Any], desired: list[Any]) -> str:
    """What entered and left a list: `+valkey@8.0.1 -redis@7.2`; empty when only the order changed."""
    entered = [f"+{value(item)}" for item in desired if item not in current]
    left = [f"-{value(item)}" for item in current if item not in desired]
    return " ".join([*entered, *left])


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


def summary(proposal: Proposal) -> str:
    """What a proposal changes, for the last column of a list."""
    if proposal.change is Change.UPDATE:
        return ", ".join(change_words(change, 24) for change in proposal.fields)
    if proposal.change is Change.CREATE:
        return ", ".join(change_words(change, 24) for change in proposal.fields if says_something(change))
    return "all of it"


def proposal_table(found: Sequence[Proposal]) -> None:
    """Proposals in the order given."""
    wide = room() >= 110
    rows: list[list[str | Text]] = [
        [
            str(p.id),
            mark(p.change),
            p.key.address,
            status(p.status),
            *([p.cause.replace("_", " "), str(p.blast_radius)] if wide else []),
            ago(p.opened_at),
            summary(p),
        ]
        for p in found
    ]
    headers = ("id", "", "resource", "status", *(["cause", "nodes"] if wide else []), "opened", "what")
    table(headers, rows, right=(0, 5) if wide else (0,))


def next_steps(command: str, *steps: str) -> None:
    """The next useful commands, at the end."""
    shown = [f"{command} {step}" for step in steps if step]
    if shown:
        line("")
        line(styled("Next: ", "bold"), (" \u00b7 ").join(shown))


@contextmanager
def working(words: str) -> Iterator[Any]:
    """Show on a terminal's stderr that something goes on; yields a function that changes the words."""
    if not sys.stderr.isatty():
        yield lambda _words: None
        return
    from rich.console import Console

    with Console(stderr=True, markup=False).status(words) as shown:
        yield lambda said: shown.update(clean(said))
