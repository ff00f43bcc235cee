"""A fleet file at hand: `validate`, `diff` against live, and the `schema` that editors use."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine import words
from engine.cli.session import Session, at_option, verb
from engine.errors import FleetFileInvalid, Problem, RefusedEdit

if TYPE_CHECKING:
    from datetime import datetime

    from engine.reader import Preview, PreviewEntry

PROBLEMS = 3
"""Exit code of `validate` and `diff` when there are problems or differences."""


@verb("validate")
@click.argument("path", type=click.Path(path_type=Path))
def validate(session: Session, path: Path) -> int | None:
    """Check a fleet file, or the folder that holds one: every problem with its place. Needs no store."""
    from engine.kinds.fleet import FLEET
    from engine.parse import file_warnings, read_fleet_file

    data = _read(path, session.settings.max_file_bytes)
    try:
        found = read_fleet_file(data, FLEET, file=str(path), limit=session.settings.max_file_bytes)
    except FleetFileInvalid as error:
        return _invalid(session, error)
    warnings = file_warnings(found, FLEET)
    counts = {section: len(entries) for section, entries in found.sections.items()}
    if session.as_json:
        session.json(
            {
                "valid": True,
                "account": found.account,
                "problems": [],
                "warnings": [w.body() for w in warnings],
                "resources": counts,
            }
        )
        return None
    from engine.cli import output as out

    for warning in warnings:
        _problem(warning, "Warning", "yellow")
    shown = ", ".join(f"{count} {section}" for section, count in counts.items()) or "nothing"
    out.line(out.styled("Valid", "green"), f": account {found.account} declares {shown}.")
    out.next_steps(session.command, f"diff {words.argument(str(path))} --account {words.argument(found.account)}")
    return None


@verb("diff")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--account", required=True, metavar="NAME", help="Account whose live fleet it is compared with.")
@click.option(
    "--repo",
    "repository",
    metavar="NAME",
    help="As this repository would see it: with destroys, causes and what others hold.",
)
@at_option("Compare with the fleet as it was then; who holds what is as of today.")
@click.option("--markdown", is_flag=True, help="As a comment for a pull request.")
def diff(
    session: Session, path: Path, account: str, repository: str | None, at: datetime | None, markdown: bool
) -> int | None:
    """What a tick would find if this file were pushed; changes nothing."""
    data = _read(path, session.settings.max_file_bytes)
    with session.open() as workbench:
        try:
            preview = workbench.preview_file(data, file=str(path), account=account, repository=repository, at=at)
        except FleetFileInvalid as error:
            return _invalid(session, error)
    if session.as_json:
        session.json(_body(preview))
    elif markdown:
        click.echo(_markdown(preview))
    else:
        _show(session, preview, repository)
    return PROBLEMS if preview.entries else 0


@verb("schema")
def schema(session: Session) -> int | None:
    """Print the JSON Schema of fleet.yaml, made from the kinds: editors complete and check the file with it."""
    from engine.kinds.fleet import FLEET
    from engine.schema import fleet_schema

    session.json(fleet_schema(FLEET))
    return None


def _read(path: Path, limit: int) -> bytes:
    """The bytes of a file named on the command line, one more than the limit at most. Raises: RefusedEdit FLEET-607."""
    chosen = path
    try:
        chosen = path / "fleet.yaml" if path.is_dir() else path
        with chosen.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise RefusedEdit(
            "FLEET-607",
            f"{chosen} cannot be read: {error.strerror}.",
            "Name a fleet.yaml or the folder that holds one.",
        ) from error


def _invalid(session: Session, error: FleetFileInvalid) -> int:
    if session.as_json:
        problems = [problem.body() for problem in error.problems]
        session.json({"valid": False, "account": None, "problems": problems, "warnings": [], "resources": {}})
    else:
        from engine.cli import output as out

        for problem in error.problems:
            _problem(problem, "Problem", "red")
        out.line(f"{words.count(len(error.problems), 'problem')}; nothing would be taken from this file.")
    return PROBLEMS


def _problem(problem: Problem, word: str, colour: str) -> None:
    from engine.cli import output as out

    out.line(
        out.styled(word, colour), f" {problem.code} {problem.file}:{problem.line}:{problem.column} {problem.message}"
    )
    if problem.hint:
        out.line(f"  {problem.hint}")


def _counts(preview: Preview) -> dict[str, int]:
    counts = {"create": 0, "update": 0, "destroy": 0, "unchanged": preview.unchanged}
    for entry in preview.entries:
        counts[entry.difference.change.value] += 1
    return counts


def _body(preview: Preview) -> dict[str, Any]:
    from engine import bodies

    return {
        "account": preview.account,
        "differences": [
            {
                "kind": entry.difference.key.kind,
                "name": entry.difference.key.name,
                "change": entry.difference.change.value,
                "cause": entry.difference.cause.value,
                "current": entry.difference.current,
                "desired": entry.difference.desired,
                "fields": [bodies.field_change(change) for change in entry.fields],
                "withheld": entry.withheld,
                "detail": entry.detail,
            }
            for entry in preview.entries
        ],
        "informational": list(preview.informational),
        "unchanged": preview.unchanged,
        "counts": _counts(preview),
    }


def _show(session: Session, preview: Preview, repository: str | None) -> None:
    from engine.cli import output as out

    out.line(f"Account {preview.account}: ", out.tally(_counts(preview)))
    for entry in preview.entries:
        out.line("")
        out.line(
            out.mark(entry.difference.change),
            f" {entry.difference.key.address}",
            out.styled(f"  withheld, {entry.withheld}: {entry.detail}" if entry.withheld else "", "yellow"),
        )
        for line in _words(entry, 60):
            out.line(f"    {line}")
    if preview.informational:
        out.line("")
        out.line(
            "Informational, never written by git: "
            + ", ".join(f"{row['kind']}/{row['name']} ({row['change']})" for row in preview.informational)
        )
    if repository is None:
        out.line("")
        out.line("Without --repo no destroy is shown: only a repository's own resources can be destroyed.")


def _markdown(preview: Preview) -> str:
    """The differences as Markdown, every text of the file escaped."""
    counts = _counts(preview)
    lines = [
        f"**fleet diff**, account {_escaped(preview.account)}: +{counts['create']} ~{counts['update']} -{counts['destroy']}, {counts['unchanged']} unchanged",
        "",
    ]
    if not preview.entries:
        return "\n".join([*lines, "Live is as this file says."])
    from engine.cli import output as out

    lines += ["| | resource | what | withheld |", "|---|---|---|---|"]
    for entry in preview.entries:
        sign = out.MARKS[entry.difference.change.value][0]
        what = "<br>".join(_escaped(line) for line in _words(entry, 80))
        held = _escaped(f"{entry.withheld}: {entry.detail}") if entry.withheld else ""
        lines.append(f"| `{sign}` | {_escaped(entry.difference.key.address)} | {what} | {held} |")
    if preview.informational:
        lines += [
            "",
            "Informational: " + ", ".join(_escaped(f"{row['kind']}/{row['name']}") for row in preview.informational),
        ]
    return "\n".join(lines)


def _words(entry: PreviewEntry, most: int) -> list[str]:
    """What a difference changes, a field a line; of a create only what is not empty, of a destroy nothing."""

    return [
        words.change_words(change, most)
        for change in entry.fields
        if entry.difference.change == "update" or (entry.difference.change == "create" and words.says_something(change))
    ]


def _escaped(text: str) -> str:
    """Text that Markdown and HTML show as it is; as code, so that no host makes links or mentions (`@name`, `#12`) of it."""
    from engine.words import clean

    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~@:.-])", r"\\\1", html.escape(clean(text), quote=False))
    return f"<code>{escaped}</code>"
