"""Output for people: aligned tables, marks in addition to colours, field changes by path, relative times.

Text from repositories and people is shown as text: never read as markup, control and direction characters made visible.
Rich is imported when the first thing is printed.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from engine import phrases
from engine.model import Proposal
from engine.present import words

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
"""Columns if the output is not a terminal."""


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


def styled(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(phrases.clean(text), style=style)


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


def exact(moment: datetime | None) -> str:
    """A time relative and exact, for where one thing is shown."""
    from engine.present.bodies import when  # comes with the store, which those who check a file do not need

    return "never" if moment is None else f"{phrases.ago(moment)} ({(when(moment) or '')[:19]}Z)"


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
            phrases.ago(p.opened_at),
            words.summary(p),
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
def working(text: str) -> Iterator[Any]:
    """Show on a terminal's stderr that something goes on; yields a function that changes the words."""
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console

    with Console(stderr=True, markup=False).status(text) as shown:
        yield lambda said: shown.update(phrases.clean(said))
