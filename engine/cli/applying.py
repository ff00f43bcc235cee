"""`fleet plan` and `fleet apply`: the same plan, shown or done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine import phrases
from engine.cli.session import Session, verb
from engine.errors import FleetError
from engine.present import words

if TYPE_CHECKING:
    from engine.flow.apply import Applied
    from engine.flow.plan import Plan, Skip


@verb("plan")
@click.option("--repo", "repository", metavar="NAME", help="Only this repository.")
@click.option("--account", metavar="NAME", help="Only this account.")
def plan(session: Session, repository: str | None, account: str | None) -> int | None:
    """Show what an apply would do now, wave by wave; changes nothing."""
    _dry_run(session, repository, account)
    return None


@verb("apply")
@click.option("--repo", "repository", metavar="NAME", help="Only this repository.")
@click.option("--account", metavar="NAME", help="Only this account.")
@click.option("--dry-run", is_flag=True, help="Show the plan only.")
def apply(session: Session, repository: str | None, account: str | None, dry_run: bool) -> int | None:
    """Apply the approved proposals in dependency order; each resource is applied completely or not at all."""
    if dry_run:
        _dry_run(session, repository, account)
        return None
    from engine.cli import output as out
    from engine.present import bodies

    with session.open() as workbench:
        if session.as_json:
            applied = workbench.apply(session.actor, repository=repository, account=account)
            session.json(bodies.applied(applied))
        else:
            with out.working("apply …") as say:
                applied = workbench.apply(
                    session.actor,
                    repository=repository,
                    account=account,
                    progress=lambda done, count: say(f"apply {done:,} of {count:,} …"),
                )
            _show_applied(session, applied, _nothing(repository, account))
    for step, error in applied.failed:
        session.complain(
            FleetError(
                error.code, f"Proposal {step.proposal.id}, {step.proposal.key.address}: {error.message}", error.hint
            )
        )
    return 1 if applied.failed else 0


def _dry_run(session: Session, repository: str | None, account: str | None) -> None:
    from engine.present import bodies

    with session.open() as workbench:
        planned = workbench.plan(repository=repository, account=account)
    if session.as_json:
        session.json(bodies.plan(planned))
    else:
        _show_plan(session, planned, _nothing(repository, account))


def _nothing(repository: str | None, account: str | None) -> str:
    """The sentence, without its end, for a plan that holds nothing: others may have something approved."""
    of = [f"repository {repository}"] if repository else []
    of += [f"account {account}"] if account else []
    return f"No proposal of {' in '.join(of)} is approved" if of else "No proposal is approved"


def _show_plan(session: Session, planned: Plan, nothing: str) -> None:
    from engine.cli import output as out

    if not planned.steps and not planned.skipped:
        out.line(f"{nothing}.")
        out.next_steps(session.command, "proposals --status pending")
        return
    if planned.steps:
        counts: dict[str, int] = {}
        for step in planned.steps:
            counts[step.proposal.change.value] = counts.get(step.proposal.change.value, 0) + 1
        out.line(
            f"{phrases.count(len(planned.steps), 'step')} in {phrases.count(len(planned.waves), 'wave')}: ",
            out.tally(counts),
        )
        rows = [
            (
                f"{step.wave}",
                str(step.proposal.id),
                out.mark(step.proposal.change),
                step.proposal.key.address,
                str(step.proposal.blast_radius),
                words.summary(step.proposal),
            )
            for step in planned.steps
        ]
        out.table(("wave", "id", "", "resource", "nodes", "what"), rows, right=(0, 1, 4), indent=2)
    _show_skipped(planned.skipped)
    out.next_steps(session.command, "apply" if planned.steps else "status")


def _show_applied(session: Session, applied: Applied, nothing: str) -> None:
    from engine.cli import output as out

    if not applied.applied and not applied.failed and not applied.skipped:
        out.line(f"{nothing}, so nothing was applied.")
        out.next_steps(session.command, "proposals --status pending")
        return
    counts: dict[str, int] = {}
    for step in applied.applied:
        counts[step.proposal.change.value] = counts.get(step.proposal.change.value, 0) + 1
    if applied.applied:
        out.line(f"{len(applied.applied)} applied: ", out.tally(counts))
    else:
        out.line("Nothing was applied.")
    for step in applied.applied[:40]:
        out.line("  ", out.mark(step.proposal.change), f" {step.proposal.key.address}")
    if len(applied.applied) > 40:
        out.line(f"  and {len(applied.applied) - 40} more")
    if applied.stopped:
        out.line(out.styled("Stopped", "yellow"), f": {applied.stopped}")
    _show_skipped(applied.skipped)
    names = sorted({step.proposal.repository for step in applied.applied})
    if names:
        out.next_steps(
            session.command, f"sync {phrases.argument(names[0])}" if len(names) == 1 else "sync --all", "status"
        )
    else:
        out.next_steps(session.command, "status")


def _show_skipped(skipped: tuple[Skip, ...]) -> None:
    from engine.cli import output as out

    if skipped:
        still = ", still approved" if all(skip.proposal.status == "approved" for skip in skipped) else ""
        out.line(f"{len(skipped)} skipped{still}:")
        out.table(
            ("", "", "", ""),
            [
                (str(skip.proposal.id), out.styled(skip.reason, "yellow"), skip.proposal.key.address, skip.detail)
                for skip in skipped[:40]
            ],
            indent=2,
        )
        if len(skipped) > 40:
            out.line(f"  and {len(skipped) - 40} more")
