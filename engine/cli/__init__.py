"""The command line `fleet`: thin verbs over `engine.workbench`, for people and, with `--json`, for scripts.

Each verb lives in a module of this package that is imported only when the verb is asked for, so that quick ones stay quick.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import Any

import click

_VERBS = {
    "demo": "demo:demo",
    "status": "status:status",
    "repo": "repositories:repo",
    "sync": "runs:sync",
    "run": "runs:run",
    "proposals": "review:proposals",
    "show": "review:show",
    "approve": "review:approve",
    "reject": "review:reject",
    "unapprove": "review:unapprove",
    "plan": "applying:plan",
    "apply": "applying:apply",
    "pause": "status:pause",
    "resume": "status:resume",
    "set": "fleet:set_",
    "delete": "fleet:delete",
    "release": "fleet:release",
    "drift": "fleet:drift",
    "graph": "fleet:graph",
    "export": "fleet:export",
    "validate": "files:validate",
    "diff": "files:diff",
    "schema": "files:schema",
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


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--home", metavar="DIR", help="Where store and git folders are (default: FLEET_HOME, else data/state).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for scripts.")
@click.version_option(package_name="fleet-workbench", prog_name="fleet")
def cli(**_options: Any) -> None:
    """Reconcile a fleet in a database with a fleet.yaml in git; people see and approve every change."""


def main() -> None:
    """Run `fleet`: exit 0 done, 1 refused or failed, 2 wrong usage, 3 problems or differences, 130 interrupted."""
    for variable in _FOREIGN_GIT:
        os.environ.pop(variable, None)
    # Reading a fleet makes many small objects that all live to the end; looking through them again and again takes a third of a tick.
    gc.set_threshold(100_000, 20, 20)
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.exceptions.Exit as error:
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        print("Interrupted. What was done until now stays; the next tick goes on.", file=sys.stderr)  # noqa: T201
        code = 130
    except BrokenPipeError:
        # Whoever read our output has what they wanted; the interpreter must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if os.environ.get("FLEET_DEBUG"):
            raise
        print(  # noqa: T201
            f"FLEET-900 An unexpected error ({type(error).__name__}). Please report it; FLEET_DEBUG=1 shows where it happened.",
            file=sys.stderr,
        )
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
