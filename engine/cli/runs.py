"""`fleet sync` and `fleet run …`: ticks by hand, and the record of every tick."""

from __future__ import annotations

from concurrent.futures import as_completed
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from engine import phrases
from engine.cli.session import MOST_ID, Session, page_options, verb, verb_group
from engine.errors import FleetError

if TYPE_CHECKING:
    from engine.model import HeldDifference, Repository, Run, RunDetail
    from engine.present.contract import SyncBody
    from engine.workbench import Synced, Workbench


@verb("sync")
@click.argument("name", required=False)
@click.option(
    "--all", "everything", is_flag=True, help="All repositories that are enabled and not paused, several in parallel."
)
@click.option("--account", metavar="NAME", help="With --all: only this account.")
def sync(session: Session, name: str | None, everything: bool, account: str | None) -> int | None:
    """Run one tick now: fetch, read, compare, open proposals, apply the approved ones."""
    if (name is None) != everything:
        raise click.UsageError("Give one repository, or --all.")
    with session.open() as workbench:
        if name is not None:
            synced = _tick(session, workbench, name)
            if session.as_json:
                session.json(_body(workbench, synced))
            else:
                show_synced(session, workbench, synced)
            return _complain(session, synced)
        chosen = [r for r in workbench.repositories(account) if r.enabled and r.paused_reason is None]
        return _sync_all(session, workbench, chosen)


def _sync_all(session: Session, workbench: Workbench, chosen: list[Repository]) -> int:
    """Tick several repositories, each told as it ends; one that fails or hangs disturbs no other."""
    from engine.cli import output as out
    from engine.server.rounds import Pool

    made: dict[str, SyncBody] = {}
    code = 0
    pool = Pool(workbench)
    try:
        ticks = {pool.begin(session.actor, repository): repository.name for repository in chosen}
        going = list(ticks.values())
        ending = as_completed(ticks)
        while going:
            with nullcontext() if session.as_json else out.working(_waiting(going, len(chosen))):
                tick = next(ending)
            going.remove(ticks[tick])
            try:
                synced = tick.result()
            except FleetError as error:
                session.complain(error)
                code = 1
                continue
            if session.as_json:
                made[ticks[tick]] = _body(workbench, synced)
            else:
                show_synced(session, workbench, synced)
            code = max(code, _complain(session, synced))
    except KeyboardInterrupt:
        workbench.stop()
        raise
    finally:
        pool.close()
    if session.as_json:
        session.json({"items": [made[name] for name in sorted(made)], "next": None})
    elif not chosen:
        out.line("No repository is enabled and not paused.")
        out.next_steps(session.command, "repo list")
    return code


def _waiting(going: list[str], count: int) -> str:
    more = f" and {len(going) - 3} more" if len(going) > 3 else ""
    return f"{count - len(going)} of {count} done; waiting for {', '.join(going[:3])}{more} …"


def _tick(session: Session, workbench: Workbench, name: str) -> Synced:
    from engine.cli import output as out

    if session.as_json:
        return workbench.sync(session.actor, name)
    with out.working(f"{name}: sync …") as say:
        return workbench.sync(
            session.actor,
            name,
            watcher=lambda stage: say(f"{name}: {stage} …"),
            progress=lambda done, count: say(f"{name}: apply {done:,} of {count:,} …"),
        )


def _body(workbench: Workbench, synced: Synced) -> SyncBody:
    from engine.present import bodies

    return bodies.synced(workbench.run_detail(synced.run), synced.proposals)


def _complain(session: Session, synced: Synced) -> int:
    """Say a failed run's error on stderr too; gives the exit code."""
    error = synced.run.error
    if error is None:
        return 0
    facts = {k: v for k, v in error.items() if k not in {"code", "message", "hint"}}
    session.complain(FleetError(error["code"], error["message"], error.get("hint", ""), **facts))
    return 1


def show_synced(session: Session, workbench: Workbench, synced: Synced) -> None:
    """A run as it looks right after its tick."""
    from engine.cli import output as out

    run = synced.run
    detail = workbench.run_detail(run)
    if run.unchanged:
        out.line(
            f"{run.repository}: nothing changed since run {run.id} (",
            out.status(run.status),
            f", {phrases.ago(run.finished_at)}); nothing was written.",
        )
    else:
        _heading(run)
    if run.error is not None:
        _problems(run.error)
        return
    if not run.unchanged:
        _found(run)
        if synced.proposals:
            out.line("")
            out.proposal_table(synced.proposals)
        _applied(detail)
    _withheld(session, workbench, detail)
    _warnings(run)
    standing = workbench.live_proposals(repository=run.repository)
    pending = [p.id for p in standing if p.status == "pending"]
    approved = [p.id for p in standing if p.status == "approved"]
    out.next_steps(
        session.command,
        f"show {pending[0]}" if pending else "",
        f"approve {phrases.ranges(pending)}" if pending else "",
        "plan" if approved else "",
        "status" if not pending and not approved else "",
    )


run = verb_group("run", "Show the record of every tick.")


@verb("list", group=run)
@click.option("--repo", "repository", metavar="NAME", help="Only this repository.")
@click.option("--account", metavar="NAME", help="Only this account.")
@click.option(
    "--status",
    type=click.Choice(["running", "failed", "partial", "success", "applied"]),
    help="Only runs with this status.",
)
@page_options
def list_(
    session: Session, repository: str | None, account: str | None, status: str | None, limit: int, before: int | None
) -> int | None:
    """List runs, newest first."""
    from engine.present import bodies
    from engine.workbench.reader import page_of

    with session.open() as workbench:
        found, next_ = page_of(
            lambda most: workbench.runs(
                repository=repository, account=account, status=status, before=before, limit=most
            ),
            limit,
            lambda r: r.id,
        )
        if session.as_json:
            session.json(bodies.page([bodies.run(detail) for detail in workbench.run_details(found)], next_))
            return None
    from engine.cli import output as out

    if not found:
        out.line("No run yet.")
        out.next_steps(session.command, "sync --all")
        return None
    rows = [
        (
            str(r.id),
            out.status(r.status),
            r.repository,
            phrases.ago(r.started_at),
            str(r.diff_count),
            str(r.opened),
            str(r.remaining),
            (r.revision or "")[:8],
            r.error["code"] if r.error else r.subject or "",
        )
        for r in found
    ]
    out.table(
        ("id", "status", "repository", "when", "diffs", "opened", "withheld", "commit", "subject"),
        rows,
        right=(0, 4, 5, 6),
    )
    out.next_steps(session.command, f"run show {found[0].id}")
    return None


@verb("show", group=run)
@click.argument("id_", metavar="ID", type=click.IntRange(0, MOST_ID))
def show(session: Session, id_: int) -> int | None:
    """Show one run: what it found, opened, withheld (with reasons) and applied, and where it failed."""
    with session.open() as workbench:
        found = workbench.run(id_)
        detail = workbench.run_detail(found)
        run = detail.run
        if session.as_json:
            from engine.present import bodies

            session.json(bodies.run(detail))
            return None
        from engine.cli import output as out

        _heading(run)
        out.line(f"started by {run.actor} ({run.trigger}), at {out.exact(run.started_at)}")
        if run.stages:
            out.line("stages: " + ", ".join(f"{s['stage']} {s['seconds'] * 1000:.0f} ms" for s in run.stages))
        if run.error:
            _problems(run.error)
        _found(run)
        opened = workbench.proposals_by_id(found.proposal_ids)
        if opened:
            out.line("")
            out.line("Opened or reopened, with their current status:")
            out.proposal_table(opened)
        _applied(detail)
        _withheld(session, workbench, detail)
        _warnings(run)
        pending = [p.id for p in opened if p.status == "pending"]
        out.next_steps(
            session.command,
            f"approve {phrases.ranges(pending)}" if pending else f"sync {phrases.argument(found.repository)}",
        )
    return None


def _heading(run: Run) -> None:
    from engine.cli import output as out

    out.line(
        out.styled(f"Run {run.id}", "bold"),
        " · ",
        out.status(run.status),
        f" · {run.repository} · account {run.account}",
    )
    if run.revision:
        out.line(f"  {run.revision[:12]} “{run.subject}” by {run.author}")


def _found(run: Run) -> None:
    """What was found and what became of it, in one or two lines and a table by section."""
    from engine.cli import output as out

    if run.status == "failed" and not run.counts:
        return
    total: dict[str, int] = {}
    for counts in run.counts.values():
        for change, count in counts.items():
            total[change] = total.get(change, 0) + count
    out.line(f"{phrases.count(run.diff_count, 'difference')}: ", out.tally(total))
    rows = [
        (section, *(str(counts[c] or "·") for c in ("create", "update", "destroy", "unchanged")))
        for section, counts in run.counts.items()
    ]
    if len(rows) > 1:
        out.table(("", "+", "~", "-", "="), rows, right=(1, 2, 3, 4), indent=2)
    if run.informational:
        shown = ", ".join(f"{entry['kind']}/{entry['name']}" for entry in run.informational[:5])
        out.line(f"Informational, git never writes them: {shown}.")
    if run.waiting:
        shown = ", ".join(f"{entry['kind']}/{entry['name']} ({entry['holder']})" for entry in run.waiting[:5])
        more = f" and {len(run.waiting) - 5} more" if len(run.waiting) > 5 else ""
        out.line(f"Declared here, owned by another repository: {shown}{more}.")
    if run.opened:
        out.line(f"{phrases.count(run.opened, 'proposal')} opened or reopened.")


def _applied(detail: RunDetail) -> None:
    from engine.cli import output as out

    if detail.applied:
        out.line(out.styled(f"{len(detail.applied)} applied", "green"), ".")
    for step in detail.failed:
        error = step.error or {}
        out.line(
            out.styled("failed", "red"),
            f": {step.change} {step.key.address}: {error.get('code')} {error.get('message')}",
        )


def _withheld(session: Session, workbench: Workbench, detail: RunDetail) -> None:
    """What is not proposed, by reason, the first few of each."""
    from engine.cli import output as out

    reasons: dict[str, list[HeldDifference]] = {}
    for row in detail.withheld:
        reasons.setdefault(row.reason, []).append(row)
    if not reasons:
        return
    out.line("")
    for reason, rows in reasons.items():
        if reason == "cap":
            cap = workbench.settings.cap
            out.line(
                out.styled(f"Withheld by the cap of {cap}: {len(rows)}", "yellow"),
                f"; after you decide on the pending proposals, the next tick proposes {min(len(rows), cap)} of them.",
            )
        else:
            out.line(out.styled(f"Withheld, {reason.replace('_', ' ')}: {len(rows)}", "yellow"))
        shown = rows[:8]
        out.table(
            ("", "", ""),
            [(out.mark(row.change), row.key.address, "" if reason == "cap" else row.detail) for row in shown],
            indent=2,
        )
        if len(rows) > len(shown):
            out.line(f"  and {len(rows) - len(shown)} more: {session.command} run show {detail.run.id} --json")


def _warnings(run: Run) -> None:
    from engine.cli import output as out

    for warning in run.warnings[:10]:
        out.line(out.styled("Warning", "yellow"), f": {warning['message']}")
    if len(run.warnings) > 10:
        out.line(f"  and {len(run.warnings) - 10} more warnings.")


def _problems(error: dict[str, Any]) -> None:
    """Where a run failed; every problem of a fleet file with its place."""
    from engine.cli import output as out

    out.line(
        out.styled(f"Failed at {error.get('stage', 'sync')}", "red"),
        f": {error['code']} {error['message']}" if "problems" not in error else ":",
    )
    for problem in error.get("problems", ())[:20]:
        out.line(
            f"  {problem['code']} {problem['file']}:{problem['line']}:{problem['column']} {problem['message']} ({problem['hint']})"
        )
    if error.get("problem_count", 0) > 20:
        out.line(f"  and {error['problem_count'] - 20} more")
    if error.get("hint"):
        out.line(f"  {error['hint']}")
