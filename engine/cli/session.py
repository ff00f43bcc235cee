"""What every verb shares: the options `--home` and `--json`, opening the home, the actor, and how an error ends a verb."""

from __future__ import annotations

import functools
import getpass
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
import orjson

from engine.errors import FleetError
from engine.model import Actor
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.workbench import Workbench


class Session:
    """One run of one verb."""

    def __init__(self, home: str | None, as_json: bool) -> None:
        self.home = home
        self.as_json = as_json
        self._printed = False

    @functools.cached_property
    def settings(self) -> Settings:
        """Raises: RefusedEdit FLEET-602."""
        return Settings.from_environment(self.home)

    @functools.cached_property
    def actor(self) -> Actor:
        """Whoever is logged in, with every permission: whoever may open the store's file may do everything anyway."""
        name = os.environ.get("FLEET_ACTOR", "").strip()
        if not name:
            try:
                name = getpass.getuser()
            except (OSError, KeyError):
                name = "operator"
        return Actor(name[:255])

    def open(self) -> Workbench:
        """Open the home. Raises: StoreError, StoreLocked."""
        from engine.workbench import Workbench  # brings DuckDB, which only verbs that use the store need

        return Workbench.open_home(self.settings, on_wait=lambda held: note(f"{held} Waiting for it …"))

    def json(self, body: Any) -> None:
        """Print the one JSON document of this run."""
        self._printed = True
        sys.stdout.write(orjson.dumps(body, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")

    def complain(self, error: FleetError) -> None:
        """Say an error on stderr: a sentence for people, one line of JSON for scripts."""
        if self.as_json:
            sys.stderr.write(orjson.dumps(error.body(), default=str).decode() + "\n")
        else:
            from engine.cli.output import clean

            first = click.style("Error", fg="red", bold=True)
            click.echo(f"{first} {error.code}: {clean(error.message)}", err=True)
            if error.hint:
                click.echo(f"  {clean(error.hint)}", err=True)

    def fail(self, error: FleetError) -> int:
        """End the verb with an error; with `--json` it is the document, unless there was one. Gives the exit code."""
        if self.as_json and not self._printed:
            self.json(error.body())
        self.complain(error)
        return 1

    @property
    def command(self) -> str:
        """How `fleet` is called here, for the commands that are proposed next."""
        start = "uv run fleet" if os.environ.get("UV_RUN_RECURSION_DEPTH") else "fleet"
        return f"{start} --home {self.home}" if self.home else start


def note(text: str) -> None:
    """Say something that is no result, on stderr."""
    click.echo(text, err=True)


def verb(
    name: str, *, group: click.Group | None = None, **attributes: Any
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function that takes a `Session` and its options into a command with `--home` and `--json`.

    The function gives its exit code, or None for 0. A FleetError that it raises ends it with 1.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        @click.command(name, **attributes)
        @click.option("--home", metavar="DIR", help="Where store and git folders are.")
        @click.option("--json", "as_json", is_flag=True, help="Print one JSON document for scripts.")
        @click.pass_context
        @functools.wraps(function)
        def run(ctx: click.Context, /, home: str | None, as_json: bool, **options: Any) -> int:
            above = ctx.find_root().params
            session = Session(home or above.get("home"), as_json or bool(above.get("as_json")))
            try:
                return function(session, **options) or 0
            except FleetError as error:
                return session.fail(error)

        run.help = click.Command(name, help=function.__doc__).help
        if group is not None:
            group.add_command(run)
        made: click.Command = run
        return made

    return decorate


def account_option(text: str = "Account (default: the only one there is, else `default`).") -> Callable[..., Any]:
    return click.option("--account", metavar="NAME", help=text)


def page_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--limit` and `--before` of every list."""
    function = click.option(
        "--before", type=int, metavar="ID", help="Only rows before this id: the `next` of the page before."
    )(function)
    return click.option("--limit", type=int, default=100, show_default=True, help="Most rows, up to 10,000.")(function)


class Ids(click.ParamType[list[int]]):
    """Numbers and ranges: `7`, `42-50`."""

    name = "ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        first, dash, last = str(value).partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(str(value)) > 30:
            self.fail(f"{value!r} is no number and no range such as 42-50", param, ctx)
        begin, end = int(first), int(last) if dash else int(first)
        if not begin <= end < begin + 100_000 or end >= 2**63:
            self.fail(f"{value!r} is no range that goes up, or too long", param, ctx)
        return list(range(begin, end + 1))


IDS = Ids()
