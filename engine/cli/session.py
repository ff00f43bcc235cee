"""What every verb shares: the options `--home` and `--json`, opening the home, the actor, and how an error ends a verb."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
import orjson

from engine.errors import FleetError, RefusedEdit
from engine.model import Actor
from engine.present.moments import EXAMPLE, read_moment
from engine.remote.local import started_as
from engine.settings import Settings
from engine.system import surroundings
from engine.system.operator import local_operator

if TYPE_CHECKING:
    from engine.workbench import Workbench


INTERRUPTED = "Interrupted. Finished work is kept; the next tick continues."
"""Said when somebody presses Ctrl-C."""

INTERRUPTED_THERE = "Interrupted here; the server continues the work. See fleet run list."
"""Said when somebody presses Ctrl-C while a server does the work."""


class Session:
    """One run of one verb."""

    def __init__(self, home: str | None, as_json: bool) -> None:
        self.home = home
        self.as_json = as_json
        self._printed = False
        self.served = False
        """Whether a server does the work."""

    @functools.cached_property
    def settings(self) -> Settings:
        """Raises: RefusedEdit FLEET-602."""
        return Settings.from_environment(self.home)

    @functools.cached_property
    def actor(self) -> Actor:
        """Whoever is logged in."""
        return local_operator()

    def open(self) -> Workbench:
        """The workbench of the server that holds the home, if one does; else the home itself. Raises: StoreError, StoreLocked."""
        from engine import remote

        found = remote.reach(self.settings, on_wait=lambda held: note(f"{held} Waiting for it …"))
        self.served = isinstance(found, remote.RemoteWorkbench)
        return found

    def json(self, body: Any) -> None:
        """Print the one JSON document of this run."""
        self._printed = True
        sys.stdout.write(_document(body, orjson.OPT_INDENT_2) + "\n")

    def complain(self, error: FleetError) -> None:
        """Say an error on stderr: a sentence for people, one line of JSON for scripts."""
        if self.as_json:
            sys.stderr.write(_document(error.body()) + "\n")
        else:
            from engine.phrases import clean

            first = click.style("Error", fg="red", bold=True)
            # None leaves it to click, which colours a terminal alone but does not know NO_COLOR.
            coloured = False if os.environ.get("NO_COLOR") else None
            click.echo(f"{first} {error.code}: {clean(error.message)}", err=True, color=coloured)
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
        return f"{started_as()} --home {self.home}" if self.home else started_as()


def note(text: str) -> None:
    """Say something that is no result, on stderr."""
    from engine.phrases import clean

    click.echo(clean(text), err=True)


def _document(body: Any, option: int = 0) -> str:
    """A body as JSON. A path that is no UTF-8 has no form that orjson writes; there its bytes are escaped."""
    try:
        return orjson.dumps(body, option=option, default=str).decode()
    except TypeError:
        return json.dumps(body, default=str, indent=2 if option else None)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--home` and `--json`, which may stand before and after every verb."""
    function = click.option("--json", "as_json", is_flag=True, help="Print one JSON document for scripts.")(function)
    return click.option("--home", metavar="DIR", help="Folder of the store and the git folders.")(function)


def verb_group(name: str, doc: str) -> click.Group:
    """A verb that has verbs of its own: `fleet repo …`."""

    @click.group(name, help=doc)
    @shared_options
    def group(**_options: Any) -> None:
        pass

    return group


def _session(ctx: click.Context) -> Session:
    """The session that the options say, wherever they stand; the one nearest to the verb counts."""
    contexts: list[click.Context] = [ctx]
    while (above := contexts[-1].parent) is not None:
        contexts.append(above)
    home = next((found for each in contexts if (found := each.params.get("home"))), None)
    return Session(home, any(each.params.get("as_json") for each in contexts))


def _refuse_bytes(ctx: click.Context) -> None:
    """Refuse text that is no UTF-8 before it reaches the store; the name of a file may be any bytes."""
    for parameter in ctx.command.params:
        given = ctx.params.get(parameter.name or "")
        for text in given if isinstance(given, tuple) else (given,):
            if isinstance(text, str) and parameter.name != "home" and not _is_text(text):
                raise click.BadParameter("is not valid UTF-8.", ctx=ctx, param=parameter)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def verb(
    name: str, *, group: click.Group | None = None, **attributes: Any
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function that takes a `Session` and its options into a command with `--home` and `--json`.

    The function gives its exit code, or None for 0. A FleetError that it raises ends it with 1.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        @click.command(name, **attributes)
        @shared_options
        @click.pass_context
        @functools.wraps(function)
        def run(ctx: click.Context, /, home: str | None, as_json: bool, **options: Any) -> int:
            session = _session(ctx)
            _refuse_bytes(ctx)
            try:
                return function(session, **options) or 0
            except FleetError as error:
                return session.fail(error)
            except KeyboardInterrupt as error:
                note(INTERRUPTED_THERE if session.served else INTERRUPTED)
                raise click.exceptions.Exit(130) from error
            except BrokenPipeError as error:
                # Whoever read our output has what they wanted; click would make this a failure.
                raise click.exceptions.Exit(0) from error
            except (click.ClickException, click.Abort, click.exceptions.Exit):
                raise
            except Exception as error:
                if not isinstance(error, OSError) and (known := surroundings.told(error)):
                    return session.fail(known)
                if isinstance(error, OSError):
                    raise
                # For people `main` says it in a line; a script reads it where it reads every error.
                if not session.as_json or os.environ.get("FLEET_DEBUG"):
                    raise
                return session.fail(
                    FleetError(
                        "FLEET-900",
                        f"An unexpected error ({type(error).__name__}).",
                        "Please report it; FLEET_DEBUG=1 shows where it happened.",
                    )
                )

        run.help = click.Command(name, help=function.__doc__).help
        if group is not None:
            group.add_command(run)
        made: click.Command = run
        return made

    return decorate


def account_option(text: str = "Account (default: the only existing account, else `default`).") -> Callable[..., Any]:
    return click.option("--account", metavar="NAME", help=text)


def page_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--limit` and `--before` of every list."""
    function = click.option(
        "--before",
        type=click.IntRange(0, MOST_ID),
        metavar="ID",
        help="Only rows before this id: the `next` of the previous page.",
    )(function)
    return click.option(
        "--limit", type=int, default=100, show_default=True, help="Maximum number of rows, up to 10,000."
    )(function)


MOST_ID = 2**63 - 1
"""The largest number that the store keeps."""


class Ids(click.ParamType[list[int]]):
    """Numbers and ranges: `7`, `42-50`."""

    name = "ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        first, dash, last = str(value).partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(str(value)) > 30:
            self.fail(f"{value!r} is not a number, and not a range such as 42-50", param, ctx)
        begin, end = int(first), int(last) if dash else int(first)
        if not begin <= end < begin + 100_000 or end > MOST_ID:
            self.fail(f"{value!r} is not an ascending range, or is too long", param, ctx)
        return list(range(begin, end + 1))


IDS = Ids()


class Moment(click.ParamType[datetime]):
    """A time as typed; without a zone it is UTC."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return read_moment(str(value))
        except RefusedEdit:
            self.fail(f"{value!r} is not a time such as {EXAMPLE}.", param, ctx)


def at_option(text: str = "Show the state at this time: 2026-11-20T02:13:00Z.") -> Callable[..., Any]:
    """`--at` of what can look back."""
    return click.option("--at", type=Moment(), metavar="TIME", help=text)
