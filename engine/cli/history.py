"""`fleet log`, `fleet blame`: how a resource came to be as it is."""

from __future__ import annotations

import click

from engine import phrases
from engine.cli.session import Session, account_option, page_options, verb
from engine.model import ResourceKey
from engine.present import values, words


@verb("log")
@click.argument("kind", metavar="KIND")
@click.argument("name")
@account_option()
@page_options
def log(session: Session, kind: str, name: str, account: str | None, limit: int, before: int | None) -> int | None:
    """List the versions of a resource, newest first: time, person, proposal and changes."""
    from engine.present import bodies
    from engine.workbench.blame import logged
    from engine.workbench.edits import no_resource

    with session.open() as workbench:
        key = _key(workbench.account(account), kind, name)
        # One more than is shown: what a version changed is read from the one before it.
        found = workbench.history(key, limit + 1, before=before)
    if not found and before is None:
        raise no_resource(key)
    rows = logged(found)[:limit]
    next_ = rows[-1][0].seq if len(found) > limit else None
    if session.as_json:
        session.json(bodies.page([bodies.version(v, changes) for v, changes in rows], next_))
        return None
    from engine.cli import output as out

    for place, (v, changes) in enumerate(rows):
        if place:
            out.line("")
        cause = f"proposal {v.proposal_id}" if v.proposal_id else v.cause
        out.line(out.styled(f"Version {v.version}", "bold"), f" · {out.exact(v.valid_from)} · {v.actor} · {cause}")
        if v.note:
            out.line(f"  {v.note}")
        if v.spec is None:
            out.line(out.mark("destroy"), " gone")
            continue
        for change in changes:
            if v.version > 1 or words.says_something(change):
                out.line(f"    {words.change_words(change, 60)}")
    if next_ is not None:
        out.line(f"These are the newest {limit}; for earlier ones use --before {next_}")
    out.next_steps(session.command, f"blame {kind} {phrases.argument(name)}")
    return None


@verb("blame")
@click.argument("kind", metavar="KIND")
@click.argument("name")
@account_option()
def blame(session: Session, kind: str, name: str, account: str | None) -> int | None:
    """Show for each value of a live resource when, by whom, and by which proposal and commit it was set."""
    from engine.present import bodies
    from engine.workbench.edits import no_resource

    with session.open() as workbench:
        key = _key(workbench.account(account), kind, name)
        found = workbench.blame(key)
    if not found:
        raise no_resource(key)
    if session.as_json:
        session.json(bodies.page([bodies.blamed(b) for b in found], None))
        return None
    from engine.cli import output as out

    rows = [
        (
            b.blame.path,
            values.value(b.blame.value, 40),
            out.exact(b.blame.version.valid_from),
            b.blame.version.actor,
            str(b.blame.version.proposal_id or b.blame.version.cause),
            ""
            if b.proposal is None
            else f"{b.proposal.revision[:10]} {b.run.subject or ''} ({b.run.author})"
            if b.run
            else b.proposal.revision[:10],
        )
        for b in found
    ]
    out.table(("field", "value", "since", "by", "proposal", "commit"), rows, give=(1, 5))
    out.next_steps(session.command, f"log {kind} {phrases.argument(name)}")
    return None


def _key(account: str, kind: str, name: str) -> ResourceKey:
    from engine.kinds.fleet import FLEET
    from engine.workbench.edits import kind_of

    return ResourceKey(account, kind_of(FLEET, kind).section, name)
