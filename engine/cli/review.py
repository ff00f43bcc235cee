"""`fleet proposals`, `show`, `approve`, `reject`, `unapprove`: the queue and the decisions on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine import phrases
from engine.cli.session import IDS, MOST_ID, Session, page_options, verb
from engine.model import Proposal, Status
from engine.present import values, words

if TYPE_CHECKING:
    from engine.workbench import Workbench
    from engine.workbench.decisions import Reviewed


@verb("proposals")
@click.option("--repo", "repository", metavar="NAME", help="Only this repository.")
@click.option("--account", metavar="NAME", help="Only this account.")
@click.option(
    "--status", type=click.Choice([status.value for status in Status]), help="Only proposals with this status."
)
@click.option("--kind", metavar="KIND", help="Only this section.")
@page_options
def proposals(
    session: Session,
    repository: str | None,
    account: str | None,
    status: str | None,
    kind: str | None,
    limit: int,
    before: int | None,
) -> int | None:
    """List proposals; the newest come last."""
    from engine.present import bodies
    from engine.workbench.reader import page_of

    with session.open() as workbench:
        found, more = page_of(
            lambda most: workbench.proposals(
                repository=repository, account=account, status=status, kind=kind, before=before, limit=most
            ),
            limit,
            lambda p: p.id,
        )
        if session.as_json:
            session.json(bodies.page([bodies.proposal(p) for p in found], more))
            return None
    from engine.cli import output as out

    if not found:
        out.line("No proposal" + (f" is {status}." if status else " yet."))
        out.next_steps(session.command, "sync --all", "status")
        return None
    out.proposal_table(found[::-1])
    if more is not None:
        out.line(f"These are the newest {limit}; for earlier ones use --before {more}")
    pending = [p.id for p in found if p.status is Status.PENDING]
    out.next_steps(
        session.command,
        f"show {min(pending) if pending else found[0].id}",
        f"approve {phrases.ranges(pending)}" if pending else "",
    )
    return None


@verb("show")
@click.argument("id_", metavar="PROPOSAL", type=click.IntRange(0, MOST_ID))
def show(session: Session, id_: int) -> int | None:
    """Show one proposal: its changes, their cause, the resources that it affects, and the decisions."""
    from engine.present import bodies

    with session.open() as workbench:
        proposal = workbench.proposal(id_)
        if session.as_json:
            session.json(bodies.one_proposal(proposal, workbench.awaited(proposal)))
            return None
        _show(session, workbench, proposal)
    return None


_CAUSES = {
    "git_moved": "git moved: the file declares a new value",
    "live_moved": "live moved: it was changed outside git (drift)",
    "both": "both moved: the file declares a new value, and live was changed outside git",
}


def _show(session: Session, workbench: Workbench, p: Proposal) -> None:
    from engine.cli import output as out

    out.line(
        out.styled(f"Proposal {p.id}", "bold"),
        " · ",
        out.status(p.status),
        f" · {p.repository} · {p.key.account} · {p.key.address}",
    )
    out.line(out.mark(p.change), " ", words.sentence(workbench.kinds, p))
    out.line("")
    if p.fields:
        rows = [(c.path, *values.beside([c.base, c.current, c.desired])) for c in p.fields]
        out.table(("field", "base", "live", "desired"), rows, indent=2, give=(0, 1, 2, 3))
        out.line("")
    run = workbench.run_of(p)
    back = workbench.reverts_of([p.id])
    by_hand = workbench.edits_since_agreed(p.key) if p.cause != "git_moved" and p.status.live else []
    facts = [
        ("cause", _CAUSES[p.cause] if p.reverts is None else f"a revert of proposal {p.reverts}"),
        ("refers to", ", ".join(p.references) or "nothing"),
        ("reaches", phrases.count(p.blast_radius, "node")),
        ("commit", f"{p.revision[:12]} “{run.subject or ''}” by {run.author or 'unknown'}" if run else p.revision[:12]),
        ("opened", out.exact(p.opened_at) + (f" by run {p.run_id}" if p.reverts is None else "")),
    ]
    for version in by_hand[:3]:
        what = "deleted" if version.spec is None else "changed"
        facts.append(
            ("by hand", f"{what} by {version.actor} {phrases.ago(version.valid_from)}: {version.note or 'no note'}")
        )
    if awaited := workbench.awaited(p):
        facts.append(("waits for", f"a successful run of {', '.join(awaited)}, unless a person approves it"))
    if p.reopened_count:
        facts.append(("reopened", phrases.count(p.reopened_count, "time")))
    if back:
        facts.append(("reverted by", ", ".join(f"proposal {other.id} ({other.status})" for other in back)))
    if p.reason:
        facts.append(("reason", p.reason))
    if p.error:
        facts.append(("error", f"{p.error['code']} {p.error['message']} {p.error.get('hint', '')}"))
    out.table(("", ""), facts, indent=2)
    events = workbench.events(proposal_id=p.id)
    if events:
        out.line("")
        rows_ = [
            (
                out.exact(e.at),
                e.event.type.removeprefix("gitops.proposal_").replace("_", " "),
                e.actor,
                e.event.reason or "",
            )
            for e in reversed(events)
        ]
        out.table(("when", "what", "who", "why"), rows_, indent=2)
    steps = {
        Status.PENDING: (f"approve {p.id}", f'reject {p.id} --reason "…"'),
        Status.APPROVED: ("plan", "apply", f"unapprove {p.id}"),
        Status.FAILED: (f"approve {p.id}", f'reject {p.id} --reason "…"'),
        Status.REJECTED: (f"sync {phrases.argument(p.repository)}",),
        Status.APPLIED: (f"log {p.key.kind} {phrases.argument(p.key.name)}", f"revert {p.id}"),
    }
    out.next_steps(session.command, *steps.get(p.status, (f"run show {p.run_id}",)))


@verb("approve")
@click.argument("ids", type=IDS, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All pending proposals.")
@click.option("--repo", "repository", metavar="NAME", help="With --all: only this repository.")
@click.option("--account", metavar="NAME", help="With --all: only this account.")
def approve(
    session: Session, ids: tuple[list[int], ...], everything: bool, repository: str | None, account: str | None
) -> int | None:
    """Approve proposals by id, by range (42-50), or all that are pending."""
    if bool(ids) == everything:
        raise click.UsageError("Give proposals, such as 42-50, or --all.")
    if (repository or account) and not everything:
        raise click.UsageError("--repo and --account require --all.")
    with session.open() as workbench:
        if everything:
            standing = workbench.live_proposals(repository=repository, account=account, status=Status.PENDING)
            chosen = [proposal.id for proposal in standing]
        else:
            chosen = _flat(ids)
        return _tell(session, "approved", workbench.approve(session.actor, chosen), "plan", "apply")


@verb("reject")
@click.argument("ids", type=IDS, nargs=-1, required=True)
@click.option("--reason", required=True, metavar="TEXT", help="Reason; shown with the proposal.")
def reject(session: Session, ids: tuple[list[int], ...], reason: str) -> int | None:
    """Reject proposals with a reason. A later sync proposes the same difference again."""
    with session.open() as workbench:
        return _tell(
            session, "rejected", workbench.reject(session.actor, _flat(ids), reason), "proposals --status pending"
        )


@verb("unapprove")
@click.argument("ids", type=IDS, nargs=-1, required=True)
def unapprove(session: Session, ids: tuple[list[int], ...]) -> int | None:
    """Withdraw approvals."""
    with session.open() as workbench:
        return _tell(
            session, "taken back", workbench.unapprove(session.actor, _flat(ids)), "proposals --status pending"
        )


@verb("revert")
@click.argument("ids", type=IDS, nargs=-1)
@click.option(
    "--run", "run_id", type=click.IntRange(0, MOST_ID), metavar="RUN", help="All applied proposals of this run."
)
def revert(session: Session, ids: tuple[list[int], ...], run_id: int | None) -> int | None:
    """Revert applied proposals: opens new proposals that restore the earlier values, to be reviewed and applied like any other.

    Git goes on declaring the change, so that a later sync proposes it again; what to commit instead is printed.
    """
    if bool(ids) == (run_id is not None):
        raise click.UsageError("Give applied proposals, such as 42-50, or a run with --run.")
    from engine.present import bodies

    with session.open() as workbench:
        outcomes = (
            workbench.revert(session.actor, _flat(ids))
            if run_id is None
            else workbench.revert_run(session.actor, run_id)
        )
    body = bodies.reverted(outcomes)
    refused = [outcome.error for outcome in outcomes if outcome.error is not None]
    opened = [outcome.proposal for outcome in outcomes if outcome.proposal is not None]
    if session.as_json:
        session.json(body)
    elif opened:
        from engine.cli import output as out

        out.line(f"{phrases.count(len(opened), 'proposal')} opened, to be decided on like any other:")
        out.proposal_table(sorted(opened, key=lambda p: p.id))
        out.line("")
        out.line(
            "Git still declares the reverted values: after the reverts are applied, a sync proposes these values again. To prevent this, commit:"
        )
        out.line("")
        for line in body["fleet_yaml"].splitlines():
            out.line(f"    {line}")
        numbers = phrases.ranges([p.id for p in opened])
        out.next_steps(session.command, f"approve {numbers}", "plan", "apply")
    for error in refused:
        session.complain(error)
    return 1 if refused else 0


def _flat(ids: tuple[list[int], ...]) -> list[int]:
    return [id_ for group in ids for id_ in group]


def _tell(session: Session, word: str, outcomes: list[Reviewed], *steps: str) -> int:
    """Say what became of each; gives the exit code."""
    from engine.present import bodies

    refused = [outcome.error for outcome in outcomes if outcome.error is not None]
    if session.as_json:
        session.json(bodies.reviewed(outcomes))
    else:
        from engine.cli import output as out

        done = [outcome.id for outcome in outcomes if outcome.error is None]
        if done:
            out.line(f"{len(done)} {word}: {phrases.ranges(done)}")
            out.next_steps(session.command, *steps)
        elif not refused:
            out.line("No proposal is pending.")
    for error in refused:
        session.complain(error)
    return 1 if refused else 0
