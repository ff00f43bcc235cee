"""The command line `fleet`: thin verbs over `engine.workbench`, for people and, with `--json`, for scripts.

Each verb lives in a module of this package that is imported only when the verb is asked for, so that quick ones stay quick.
"""

from __future__ import annotations

import errno
import gc
import importlib
import os
import signal
import sys
import threading
from typing import Any

import click

from engine.system import private, surroundings

_VERBS = {
    "demo": "demo:demo",
    "serve": "serve:serve",
    "open": "opening:open_",
    "status": "status:status",
    "repo": "repositories:repo",
    "sync": "runs:sync",
    "run": "runs:run",
    "proposals": "review:proposals",
    "show": "review:show",
    "approve": "review:approve",
    "reject": "review:reject",
    "unapprove": "review:unapprove",
    "revert": "review:revert",
    "plan": "applying:plan",
    "apply": "applying:apply",
    "pause": "status:pause",
    "resume": "status:resume",
    "set": "fleet:set_",
    "delete": "fleet:delete",
    "release": "fleet:release",
    "log": "history:log",
    "blame": "history:blame",
    "drift": "fleet:drift",
    "graph": "fleet:graph",
    "export": "fleet:export",
    "snapshot": "store:snapshot",
    "compact": "store:compact",
    "drill": "drill:drill",
    "notebook": "notebook:notebook",
    "token": "tokens:token",
    "people": "people:people",
    "sign-out": "people:sign_out",
    "let-in": "people:let_in",
    "notify": "notify:notify",
    "validate": "files:validate",
    "diff": "files:diff",
    "schema": "files:schema",
    "help": "manual:help_",
}
"""Every verb, in the order of the help, and where it is defined."""

_FOREIGN_GIT = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)
"""Variables of a surrounding git (a hook, a rebase) that would redirect ours."""

_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What the system says when standard output takes no more."""


class _Verbs(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        module, _, attribute = _VERBS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"engine.cli.{module}"), attribute)
        return command


def _say_version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    """Print the version and end; a source tree that was never installed has none of its own."""
    if not asked:
        return
    from importlib import metadata

    try:
        version = metadata.version("fleet-workbench")
    except metadata.PackageNotFoundError:
        version = "(source tree, not installed)"
    click.echo(f"fleet, version {version}")
    ctx.exit()


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--home",
    metavar="DIR",
    help="Folder of the store and the git folders (default: FLEET_HOME; else data/state in a source tree, or your data folder if installed).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for scripts.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_version,
    help="Show the version and exit.",
)
def cli(**_options: Any) -> None:
    """Reconcile a fleet in a database with a fleet.yaml in git; people review and approve every change."""


def main() -> None:
    """Run `fleet`: exit 0 done, 1 refused or failed, 2 wrong usage, 3 problems or differences, 130 interrupted."""
    for variable in _FOREIGN_GIT:
        os.environ.pop(variable, None)
    private.close_umask()  # what we make is for the eyes of whoever runs this, and so is what git and Jupyter make for us
    _open_closed_streams()
    if threading.current_thread() is threading.main_thread():
        # As Ctrl-C does: what was begun is ended and recorded, git with it.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Reading a fleet makes many small objects that all live to the end; looking through them again and again takes a third of a tick.
    gc.set_threshold(100_000, 20, 20)
    try:
        code = cli.main(prog_name="fleet", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.exceptions.Exit as error:
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        print("Interrupted.", file=sys.stderr)  # noqa: T201
        code = 130
    except BrokenPipeError:
        # Whoever read our output has what they wanted.
        _drop_output()
        code = 0
    except Exception as error:
        if os.environ.get("FLEET_DEBUG"):
            raise
        if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
            _drop_output()
            print(f"FLEET-607 The output cannot be written: {error.strerror}.", file=sys.stderr)  # noqa: T201
            sys.exit(1)
        if known := surroundings.told(error):
            print(f"Error {known.code}: {known.message}\n  {known.hint}", file=sys.stderr)  # noqa: T201
            sys.exit(1)
        print(  # noqa: T201
            f"FLEET-900 An unexpected error ({type(error).__name__}). Please report it; FLEET_DEBUG=1 shows where it happened.",
            file=sys.stderr,
        )
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _open_closed_streams() -> None:
    """Let what is printed go nowhere when we were started without standard output or error (`>&-`)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - lives as long as the process


def _drop_output() -> None:
    """Keep the interpreter from complaining at exit about output that nobody takes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
