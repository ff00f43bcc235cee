"""`fleet status`, `pause` and `resume`: is all well, what waits for me, and the brakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine import phrases
from engine.cli.session import Session, verb
from engine.model import RunStatus, Status, Withheld

if TYPE_CHECKING:
    from engine.workbench.reader import FleetStatus, RepositoryHealth


@verb("status")
@click.option("--account", metavar="NAME", help="Only this account.")
def status(session: Session, account: str | None) -> int | None:
    """Show on one screen whether all is well, and what needs your attention."""
    from engine.present import bodies

    with session.open() as workbench:
        found = workbench.status(account)
        pending = workbench.live_proposals(account=account, status=Status.PENDING)
        limits = workbench.settings
    steps = _steps(found, [p.id for p in pending])
    if session.as_json:
        session.json(
            {**bodies.status(found), "limits": {**limits.limits, "sources": dict(limits.sources)}, "next": steps}
        )
        return None
    from engine.cli import output as out

    changes: dict[str, int] = {}
    for proposal in pending:
        changes[proposal.change.value] = changes.get(proposal.change.value, 0) + 1
    _headline(found)
    for pause_ in found.pauses:
        out.line(
            out.styled("Paused", "red"),
            f": {pause_.repository or 'everything'}, by {pause_.by} {phrases.ago(pause_.at)}: {pause_.reason}",
        )
    rows: list[tuple[Any, ...]] = [
        (
            "fleet",
            f"{phrases.count(found.resources, 'resource')} in {_accounts(found)}, {found.owned} owned by repositories",
        )
    ]
    if pending:
        rows.append(("pending", out.tally(changes)))
        rows.append(("", f"the oldest opened {phrases.ago(found.oldest_pending_at)}"))
    for kind, meaning in (
        (Status.APPROVED, "are approved but not applied"),
        (Status.FAILED, "failed"),
        (Status.REJECTED, "are rejected; a later sync proposes them again"),
    ):
        if count := found.counts.get(kind, 0):
            rows.append((kind.value, f"{count} {meaning}"))
    if found.withheld:
        rows.append(
            (
                "withheld",
                ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(found.withheld.items())),
            )
        )
    if found.drift:
        rows.append(("drift", f"{len(found.drift)} open"))
    rows += _drills(found)
    rows += _snapshots(found)
    out.table(("", ""), rows)
    if found.drift:
        shown = [
            (
                e.key.address,
                e.moved_by or "unknown",
                phrases.ago(e.moved_at),
                ", ".join(row["path"] for row in e.fields) if e.change != "create" else "deleted",
            )
            for e in found.drift[:5]
        ]
        out.line("")
        out.table(("drifts", "moved by", "when", "fields"), shown)
    if found.repositories:
        out.line("")
        out.table(
            ("repository", "last run", "when", "reached", "pending", "withheld", ""),
            [_row(health) for health in _worst_first(found)],
            right=(4, 5),
        )
    out.next_steps(session.command, *steps)
    return None


def _drills(found: FleetStatus) -> list[tuple[str, str]]:
    """When the accounts were drilled last; of drills that failed, each with what to do next."""
    rows: list[tuple[str, str]] = []
    for e in found.failed_drills:
        data = e.event.data or {}
        said = f"of {e.event.account} failed {phrases.ago(e.at)} ({data.get('code', 'FLEET-632')}): {e.event.reason}."
        rows += [("restore drill", said), ("", str(data.get("hint", "")))]
    passed = [e for e in found.drills if e.event.type == "gitops.drill_passed"]
    if passed:
        rows.append(
            (
                "restore drill",
                f"passed for {phrases.count(len(passed), 'account')}, the oldest {phrases.ago(passed[0].at)}",
            )
        )
    return rows


def _snapshots(found: FleetStatus) -> list[tuple[str, str]]:
    """When the server kept a snapshot last, and why it keeps none now."""
    rows = [
        ("snapshot", f"kept {phrases.ago(e.at)}: {(e.event.data or {}).get('file')}")
        for e in found.snapshots
        if e.event.type == "gitops.snapshot_kept"
    ]
    if failed := found.failed_snapshot:
        data = failed.event.data or {}
        rows += [
            ("snapshot", f"failing since {phrases.ago(failed.at)} ({data.get('code')}): {failed.event.reason}."),
            ("", str(data.get("hint", ""))),
        ]
    return rows


def _headline(found: FleetStatus) -> None:
    from engine.cli import output as out

    needs = []
    failing = [h for h in found.repositories if h.last is not None and h.last.status is RunStatus.FAILED]
    if found.pauses:
        needs.append("work is paused")
    if failing:
        needs.append(f"{len(failing)} failing {'repository' if len(failing) == 1 else 'repositories'}")
    if count := found.counts.get(Status.FAILED):
        needs.append(f"{count} failed {'proposal' if count == 1 else 'proposals'}")
    if found.failed_drills:
        needs.append(phrases.count(len(found.failed_drills), "failed restore drill"))
    if found.failed_snapshot:
        needs.append("snapshots that cannot be saved")
    if found.drift:
        needs.append(f"{len(found.drift)} drifting {'resource' if len(found.drift) == 1 else 'resources'}")
    waits = [
        f"{count} {one if count == 1 else many}"
        for count, one, many in (
            (found.counts.get(Status.PENDING, 0), "proposal for a decision", "proposals for a decision"),
            (
                found.counts.get(Status.APPROVED, 0),
                "approved proposal to apply",
                "approved proposals to apply",
            ),
            (
                sum(number for reason, number in found.withheld.items() if reason != Withheld.CAP),
                "difference that is withheld",
                "differences that are withheld",
            ),
        )
        if count
    ]
    if needs:
        out.line(out.styled("Needs you", "bold red"), f": {', '.join(needs)}.")
    elif not found.repositories:
        out.line("Nothing is registered yet.")
    elif waits:
        out.line(out.styled("Waiting", "bold yellow"), f": {', '.join(waits)}.")
    else:
        out.line(out.styled("All is well", "bold green"), ".")


def _accounts(found: FleetStatus) -> str:
    return f"account {found.accounts[0]}" if len(found.accounts) == 1 else f"{len(found.accounts)} accounts"


def _worst_first(found: FleetStatus) -> list[RepositoryHealth]:
    def badness(health: RepositoryHealth) -> tuple[int, int, str]:
        failed = health.last is not None and health.last.status is RunStatus.FAILED
        return (-failed, -health.pending - health.failed, health.repository.name)

    return sorted(found.repositories, key=badness)


def _row(health: RepositoryHealth) -> tuple[Any, ...]:
    from engine.cli import output as out

    repository, last = health.repository, health.last
    remark = ""
    if last is not None and last.error is not None:
        again = (
            f"; next scheduled attempt {phrases.ago(repository.next_attempt_at)}" if repository.next_attempt_at else ""
        )
        remark = (
            f"{last.error['code']} at {last.error.get('stage', 'sync')}, {repository.failure_count} in a row{again}"
        )
    elif not repository.enabled:
        remark = "disabled"
    state = out.status(last.status) if last is not None else "never synced"
    return (
        repository.name,
        state,
        phrases.ago(last.started_at if last else None),
        phrases.ago(health.checked_at),
        str(health.pending),
        str(sum(health.withheld.values())),
        remark,
    )


def _steps(found: FleetStatus, pending: list[int]) -> list[str]:
    """The next useful commands, without how `fleet` is called."""
    from engine.phrases import ranges

    if found.pauses:
        paused = [pause.repository for pause in found.pauses if pause.repository is not None]
        everything = len(paused) < len(found.pauses)
        return ["resume" if everything else f"resume --repo {phrases.argument(paused[0])}"]
    if not found.repositories:
        return ["demo", "repo add NAME https://git.example.com/team/fleet-config.git"]
    steps = []
    for health in found.repositories:
        if health.last is not None and health.last.status is RunStatus.FAILED:
            steps.append(f"run show {health.last.id}")
            break
    if found.drift:
        steps.append("drift")
    if pending:
        steps += ["proposals --status pending", f"approve {ranges(pending)}"]
    if found.counts.get(Status.APPROVED):
        steps.append("plan")
    return steps or ["sync --all"]


@verb("pause")
@click.option("--reason", required=True, metavar="TEXT", help="Reason; shown to every user.")
@click.option("--repo", "repository", metavar="NAME", help="Only this repository (default: everything).")
def pause(session: Session, reason: str, repository: str | None) -> int | None:
    """Stop ticks and applies, for all repositories or for one, until `fleet resume`."""
    with session.open() as workbench:
        workbench.pause(session.actor, reason, repository)
    if session.as_json:
        session.json({"paused": True, "repository": repository, "reason": reason, "by": session.actor.name})
        return None
    from engine.cli import output as out

    out.line(
        f"Paused {repository or 'everything'}: no tick and no apply until you resume. Decisions and edits by hand remain possible."
    )
    out.next_steps(session.command, f"resume --repo {phrases.argument(repository)}" if repository else "resume")
    return None


@verb("resume")
@click.option("--repo", "repository", metavar="NAME", help="Only this repository (default: everything).")
def resume(session: Session, repository: str | None) -> int | None:
    """Allow ticks and applies again."""
    with session.open() as workbench:
        was = workbench.resume(session.actor, repository)
    if session.as_json:
        session.json({"paused": False, "repository": repository, "was_paused": was})
        return None
    from engine.cli import output as out

    out.line(f"{'Resumed' if was else 'Was not paused:'} {repository or 'everything'}.")
    out.next_steps(session.command, f"sync {phrases.argument(repository)}" if repository else "sync --all")
    return None
