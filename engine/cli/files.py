"""A fleet file at hand: `validate`, `diff` against live, and the `schema` that editors use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine import phrases
from engine.cli import markdown as as_markdown
from engine.cli.session import Session, at_option, note, verb
from engine.errors import FleetFileInvalid, Problem, RefusedEdit

if TYPE_CHECKING:
    from datetime import datetime

    from engine.flow.preview import Preview

MOST_LINES = 50
"""Problems, warnings and names that a terminal is shown; `--json` has all."""
MOST_ENTRIES = 200
"""Differences that a terminal is shown."""
PROBLEMS = 3
"""Exit code of `validate` and `diff` when there are problems or differences."""


@verb("validate")
@click.argument("path", type=click.Path(path_type=Path))
def validate(session: Session, path: Path) -> int | None:
    """Check a fleet file, or the folder that contains it. Lists every problem with its place; needs no store."""
    from engine.flow.parse import file_warnings, read_fleet_file
    from engine.kinds.fleet import FLEET

    data, file = _read(path, session.settings.max_file_bytes)
    try:
        found = read_fleet_file(data, FLEET, file=str(file), limit=session.settings.max_file_bytes)
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

    _problems(warnings, "Warning", "yellow")
    shown = ", ".join(phrases.counted(FLEET[section].title, section, n) for section, n in counts.items()) or "nothing"
    out.line(out.styled("Valid", "green"), f": account {found.account} declares {shown}.")
    out.next_steps(session.command, f"diff {phrases.argument(str(path))} --account {phrases.argument(found.account)}")
    return None


@verb("diff")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--account", required=True, metavar="NAME", help="Account to compare with.")
@click.option(
    "--repo",
    "repository",
    metavar="NAME",
    help="Compare as this repository: with destroys, causes and resources of other repositories.",
)
@at_option("Compare with the fleet at this time; ownership is as of today.")
@click.option("--markdown", is_flag=True, help="Print a comment for a pull request.")
def diff(
    session: Session, path: Path, account: str, repository: str | None, at: datetime | None, markdown: bool
) -> int | None:
    """Show what a tick would find if you pushed this file. Changes nothing."""
    data, file = _read(path, session.settings.max_file_bytes)
    whole = f"fleet diff {phrases.argument(str(path))} --account {phrases.argument(account)}"
    with session.open() as workbench:
        try:
            preview = workbench.preview_file(data, file=str(file), account=account, repository=repository, at=at)
        except FleetFileInvalid as error:
            if not markdown or session.as_json:
                return _invalid(session, error)
            click.echo(as_markdown.problems(error.problems, account, repository, whole=whole))
            return PROBLEMS
    if not preview.known:
        note(
            f"This home ({session.settings.home}) has no account {phrases.clean(account)}: the file is compared with an empty fleet. "
            "Check the home and the account. List the accounts: fleet status"
        )
    if session.as_json:
        session.json(_body(preview))
    elif markdown:
        click.echo(as_markdown.differences(preview, repository, whole=whole))
    else:
        _show(session, preview, repository)
    return PROBLEMS if preview.entries else 0


@verb("schema")
def schema(session: Session) -> int | None:
    """Print the JSON Schema of fleet.yaml. Editors complete and check the file with it."""
    from engine.kinds.fleet import FLEET
    from engine.kinds.schema import fleet_schema

    session.json(fleet_schema(FLEET))
    return None


def _read(path: Path, limit: int) -> tuple[bytes, Path]:
    """The bytes of a file named on the command line, one more than the limit at most, and the file. Raises: RefusedEdit FLEET-607."""
    chosen = path
    try:
        chosen = path / "fleet.yaml" if path.is_dir() else path
        with chosen.open("rb") as file:
            return file.read(limit + 1), chosen
    except OSError as error:
        hint = "Give a fleet.yaml, or the folder that contains it."
        if chosen is not path and (meant := phrases.misnamed(_names(path))):
            hint = f"The folder contains {meant[0]}: rename it to fleet.yaml, the only name that a tick reads."
        raise RefusedEdit("FLEET-607", f"{chosen} cannot be read: {error.strerror}.", hint) from error


def _names(folder: Path) -> list[str]:
    try:
        return [found.name for found in folder.iterdir()]
    except OSError:
        return []


def _invalid(session: Session, error: FleetFileInvalid) -> int:
    if session.as_json:
        problems = [problem.body() for problem in error.problems]
        session.json({"valid": False, "account": None, "problems": problems, "warnings": [], "resources": {}})
    else:
        from engine.cli import output as out

        _problems(error.problems, "Problem", "red")
        out.line(f"{phrases.count(len(error.problems), 'problem')}; a tick would reject this file.")
    return PROBLEMS


def _problems(found: Sequence[Problem], word: str, colour: str) -> None:
    """Problems or warnings; equal ones share a line with their first places, so that no file fills a terminal."""
    from engine.cli import output as out

    same: dict[tuple[str, str], list[Problem]] = {}
    for problem in found:
        same.setdefault((problem.code, problem.message), []).append(problem)
    for (code, message), each in list(same.items())[:MOST_LINES]:
        first = each[0]
        out.line(out.styled(word, colour), f" {code} {first.file}:{first.line}:{first.column} {message}")
        if len(each) > 1:
            places = ", ".join(f"{p.line}:{p.column}" for p in each[1:4])
            out.line(f"  {len(each):,} times: also at {places}{' …' if len(each) > 4 else ''}")
        if first.hint:
            out.line(f"  {first.hint}")
    if len(same) > MOST_LINES:
        out.line(f"and {phrases.count(len(same) - MOST_LINES, f'more {word.lower()}')}: use --json for all of them.")


def _body(preview: Preview) -> dict[str, Any]:
    from engine.present import bodies

    return {
        "account": preview.account,
        "differences": [
            {
                "account": entry.difference.key.account,
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
        "counts": preview.counts,
        "account_known": preview.known,
    }


def _show(session: Session, preview: Preview, repository: str | None) -> None:
    from engine.cli import output as out

    out.line(f"Account {preview.account}: ", out.tally(preview.counts))
    for entry in preview.entries[:MOST_ENTRIES]:
        out.line("")
        out.line(
            out.mark(entry.difference.change),
            f" {preview.place(entry)}",
            out.styled(f"  withheld, {entry.withheld}: {entry.detail}" if entry.withheld else "", "yellow"),
        )
        for line in as_markdown.field_words(entry, 60):
            out.line(f"    {line}")
    if len(preview.entries) > MOST_ENTRIES:
        out.line("")
        out.line(
            f"and {phrases.count(len(preview.entries) - MOST_ENTRIES, 'more difference')}: use --json for all of them."
        )
    if preview.informational:
        out.line("")
        shown = [f"{row['kind']}/{row['name']} ({row['change']})" for row in preview.informational[:MOST_LINES]]
        more = len(preview.informational) - MOST_LINES
        out.line(
            "Informational, git never writes them: " + ", ".join(shown) + (f" and {more} more" if more > 0 else "")
        )
    if repository is None:
        out.line("")
        out.line(
            "Without --repo no destroys are shown, because a repository can destroy only the resources that it owns."
        )
