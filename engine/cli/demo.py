"""`fleet demo`: the main job on an example fleet, in a home of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine import phrases
from engine.cli.runs import show_synced
from engine.cli.serve import PORT, run
from engine.cli.session import Session, verb

if TYPE_CHECKING:
    from engine.cli.story import Demo
    from engine.workbench import Synced


@verb("demo")
@click.option("--yes", is_flag=True, help="Also approve, apply and tick until nothing remains; opens no dashboard.")
@click.option(
    "--serve/--no-serve", "wanted", default=True, help="Open the dashboard with the demo's fleet (the default)."
)
@click.option("--port", type=click.IntRange(1, 65_535), default=PORT, show_default=True, help="Port of the dashboard.")
def demo(session: Session, yes: bool, wanted: bool, port: int) -> int | None:
    """Create a git repository with the example fleet, play two weeks of its history, sync, and open the dashboard."""
    from engine.cli import output as out
    from engine.cli import story as playing
    from engine.present import bodies

    with out.working("the demo's history …") as say:
        done = playing.run(
            session.settings, session.actor, lambda sentence, number, count: say(f"{number} of {count}: {sentence}")
        )
    rounds: list[dict[str, Any]] = []
    with done.workbench as workbench:
        synced = done.synced
        serving = wanted and not yes and not session.as_json
        if not session.as_json:
            _introduce(done)
            if serving:
                out.line(
                    f"Run {synced.run.id}: {phrases.count(synced.run.diff_count, 'difference')}, {phrases.count(synced.run.opened, 'proposal')} opened, "
                    f"{synced.run.remaining} withheld."
                )
            else:
                show_synced(session, workbench, synced)
        if serving:
            from engine.server import service

            alone = playing.is_alone(workbench)
            if alone and session.settings.asks_for_link:
                out.line("The dashboard opens without a link, because this home contains only the example.")
            service.use(service.Service(workbench, link_needed=not alone, opens_browser=True))
            return run(session.settings, "127.0.0.1", port)
        if yes:
            synced = _finish(session, done, rounds)
        if session.as_json:
            session.json(
                {
                    "git_repository": str(done.git_folder),
                    "played": done.played,
                    "gitops_sync_run": bodies.run(workbench.run_detail(synced.run)),
                    "proposals": [bodies.proposal(p) for p in synced.proposals],
                    "rounds": rounds,
                }
            )
    return None


def _finish(session: Session, done: Demo, rounds: list[dict[str, Any]]) -> Synced:
    """Approve, apply and tick until nothing remains, telling of each round."""
    from engine.cli import output as out
    from engine.cli import story as playing

    def tell(finished: Synced, approved: int, applied: int) -> None:
        found = finished.run
        rounds.append(
            {
                "approved": approved,
                "applied": applied,
                "run": found.id,
                "status": found.status.value,
                "remaining": found.remaining,
            }
        )
        if not session.as_json:
            out.line(
                f"{approved} approved, {applied} applied; run {found.id}: ",
                out.status(found.status),
                f", {found.opened} opened, {found.remaining} remaining",
            )

    if not session.as_json:
        out.line("")
    synced = playing.finish(done, session.actor, tell)
    if not session.as_json:
        out.line("")
        out.line(out.styled("Done", "bold green"), ": live matches git.")
        out.next_steps(session.command, "status", "drift --all", "export")
    return synced


def _introduce(done: Any) -> None:
    from engine.cli import output as out

    if done.played:
        out.line("The example fleet of Northwind, an online shop, with two weeks of history.")
    else:
        out.line("The demo was already played in this home; this is its current state.")
    out.line(f"Its git repository is {done.git_folder}: edit fleet.yaml there, commit, and sync again.")
    out.line("")
