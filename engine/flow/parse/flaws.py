"""One thing that YAML, or our subset of it, refuses; and the position of a character."""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.kinds.fields import shown

MOST_PROBLEMS = 10_000
"""Reading stops after this many problems: the first ones are enough to start."""

_LINE_BREAK = re.compile(r"\r\n?|\n")


class Flaw(NamedTuple):
    """One thing that YAML or our subset of it refuses. Line and column count from 0, as libyaml's do."""

    code: str
    line: int
    column: int
    message: str
    """`{value}` in it is replaced by `value`, shortened."""
    hint: str
    value: str | None = None
    """A value of the file; also None if it belongs to a key that looks like a credential."""

    @property
    def text(self) -> str:
        return self.message.replace("{value}", "the value" if self.value is None else shown(self.value))


def place(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 0, of a character."""
    line, start = 0, 0
    for line, match in enumerate(_LINE_BREAK.finditer(text, 0, index), 1):  # noqa: B007 - the last ones are what is asked
        start = match.end()
    return line, index - start
