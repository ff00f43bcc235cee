"""`fleet demo`: the main job on an example fleet, in a home of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.runs import show_synced
from engine.cli.session import Session, verb

if TYPE_CHECKING:
    from engine.workbench import Synced


@verb("demo")
@click.option("--yes", is_flag=True, help="Go on through approve, apply and the next ticks until nothing remains.")
def demo(session: Session, yes: bool) -> int | None:
    """Make a real git repository from the example fleet, play a fortnight of its history, sync, and show what waits."""
    from engine import bodies
    from engine import demo as playing
    from engine.cli import output as out

    with out.working("the demo's fortnight …") as say:
        done = playing.run(
            session.settings, session.actor, lambda sentence, number, count: say(f"{number} of {count}: {sentence}")
        )
    rounds: list[dict[str, Any]] = []
    with done.workbench as workbench:
        synced = done.synced
        if not session.as_json:
            _introduce(done)
            show_synced(session, workbench, synced)
        if yes:

            def tell(finished: Synced, approved: int, applied: int) -> None:
                run = finished.run
                rounds.append(
                    {
                        "approved": approved,
                        "applied": applied,
                        "run": run.id,
                        "status": run.status.value,
                        "remaining": run.remaining,
                    }
                )
                if not session.as_json:
                    out.line(
                        f"{approved} approved, {applied} applied; run {run.id}: ",
                        out.status(run.status),
                        f", {run.opened} opened, {run.remaining} remaining",
                    )

            if not session.as_json:
                out.line("")
            synced = playing.finish(done, session.actor, tell)
            if not session.as_json:
                out.line("")
                out.line(out.styled("Done", "bold green"), ": live is as git says.")
                out.next_steps(session.command, "status", "drift --all", "export")
        if session.as_json:
            session.json(
                {
                    "git_repository": str(done.git_folder),
                    "played": done.played,
                    "gitops_sync_run": workbench.run_body(synced.run),
                    "proposals": [bodies.proposal(p) for p in synced.proposals],
                    "rounds": rounds,
                }
            )
    return None


def _introduce(done: Any) -> None:
    from engine.cli import output as out

    if done.played:
        out.line("The example fleet of Northwind, an online shop, with a fortnight of history behind it.")
    else:
        out.line("The demo has been played in this home before; this is how it stands now.")
    out.line(f"Its git repository is {done.git_folder}: edit fleet.yaml there, commit, and sync again.")
    out.line("")
