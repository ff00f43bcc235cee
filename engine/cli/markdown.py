"""Differences and problems as a comment of a pull request: Markdown that fits, most dangerous first, every text of the file escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from engine import phrases
from engine.errors import Problem
from engine.present import words

if TYPE_CHECKING:
    from engine.flow.preview import Preview, PreviewEntry

MOST = 60_000
"""Characters of a comment. GitHub takes 65,536; what is left is for the words that a workflow puts around it."""
MOST_FIELDS = 12
"""Fields of one difference that are shown."""
_SIGNS = {"destroy": "-", "update": "~", "create": "+"}


def marker(account: str, repository: str | None) -> str:
    """An invisible line by which a workflow finds its earlier comment."""
    return f"<!-- fleet-diff {quote(account, safe='')} {quote(repository or '', safe='')} -->"


def differences(preview: Preview, repository: str | None, *, whole: str) -> str:
    """The differences of a file: counts, then destroys, updates and creates as far as there is room. `whole` is the command that shows all."""
    counts = preview.counts
    tally = f"+{counts['create']} ~{counts['update']} -{counts['destroy']}, {counts['unchanged']} unchanged"
    lines = [marker(preview.account, repository), f"**fleet diff**, account {escaped(preview.account)}: {tally}", ""]
    if not preview.known:
        lines += [
            f"**This home has no account {escaped(preview.account)}**: the file was compared with an empty fleet.",
            "",
        ]
    if not preview.entries:
        return "\n".join([*lines, "Live matches this file."])
    if preview.informational:
        named = [escaped(f"{row['kind']}/{row['name']}") for row in preview.informational[:10]]
        more = f" and {len(preview.informational) - 10} more" if len(preview.informational) > 10 else ""
        lines += [f"Informational, git never writes them: {', '.join(named)}{more}.", ""]
    by_change = {c: [e for e in preview.entries if e.difference.change == c] for c in _SIGNS}
    room = MOST - len("\n".join(lines)) - 500
    left = 0
    for change, entries in by_change.items():
        rows: list[str] = []
        for entry in entries:
            row = _row(preview, entry)
            if len(row) + 1 > room:
                break
            room -= len(row) + 1
            rows.append(row)
        left += len(entries) - len(rows)
        if not rows:
            continue
        table = ["| | resource | what | withheld |", "|---|---|---|---|", *rows, ""]
        if change == "create" and len(rows) > 10:  # what is new is read last, if at all
            table = [f"<details><summary>{len(entries):,} creates</summary>", "", *table, "</details>", ""]
        lines += table
    if left:
        lines.append(
            f"and {phrases.count(left, 'more difference')} that do not fit into this comment. All of them: {escaped(whole)}"
        )
    return "\n".join(lines)


def problems(found: Sequence[Problem], account: str, repository: str | None, *, whole: str) -> str:
    """The problems of a file that is not valid, with their places, as far as there is room."""
    lines = [
        marker(account, repository),
        f"**fleet diff**: {phrases.count(len(found), 'problem')}; a tick would reject this file.",
        "",
    ]
    room = MOST - len("\n".join(lines)) - 500
    shown = list(_fitting((_problem(each) for each in found), room))
    lines += shown
    if len(shown) < len(found):
        lines += ["", f"and {len(found) - len(shown):,} more. All of them: {escaped(whole)}"]
    return "\n".join(lines)


def field_words(entry: PreviewEntry, most: int) -> list[str]:
    """What a difference changes, a field a line; of a create only what is not empty, of a destroy nothing."""
    found = [
        change
        for change in entry.fields
        if entry.difference.change == "update" or (entry.difference.change == "create" and words.says_something(change))
    ]
    shown = [words.change_words(change, most) for change in found[:MOST_FIELDS]]
    return (
        [*shown, f"and {phrases.count(len(found) - MOST_FIELDS, 'more field')}"] if len(found) > MOST_FIELDS else shown
    )


def escaped(text: str) -> str:
    """Text that Markdown and HTML show as it is; as code, so that no host makes links or mentions (`@name`, `#12`) of it."""
    safe = re.sub(r"([\\`*_{}\[\]()#+!|~@:.-])", r"\\\1", html.escape(phrases.clean(text), quote=False))
    return f"<code>{safe}</code>"


def _row(preview: Preview, entry: PreviewEntry) -> str:
    what = "<br>".join(escaped(line) for line in field_words(entry, 80))
    held = escaped(f"{entry.withheld}: {entry.detail[:400]}") if entry.withheld else ""
    return f"| `{_SIGNS[entry.difference.change.value]}` | {escaped(preview.place(entry))} | {what} | {held} |"


def _problem(problem: Problem) -> str:
    hint = f" {escaped(problem.hint)}" if problem.hint else ""
    place = escaped(f"{problem.file}:{problem.line}:{problem.column}")
    return f"- **{problem.code}** {place} {escaped(problem.message[:1000])}{hint}"


def _fitting(lines: Iterable[str], room: int) -> Iterable[str]:
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return
        yield line
