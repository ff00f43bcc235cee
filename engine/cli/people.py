"""`fleet people`, `fleet sign-out`, `fleet let-in`: who is signed in to the dashboard, and how that ends."""

from __future__ import annotations

import click

from engine import phrases
from engine.cli.session import Session, verb


@verb("people")
def people(session: Session) -> int | None:
    """List the people who are signed in to the dashboard, with start and end, and the people who are kept out."""
    from engine.present import bodies

    with session.open() as workbench:
        found = workbench.people(session.actor)
    if session.as_json:
        session.json(bodies.page([bodies.known_person(p) for p in found]))
        return None
    from engine.cli import output as out

    if not found:
        out.line("Nobody is signed in.")
        return None
    rows = [
        (
            p.name,
            out.styled("kept out", "red") if p.kept_out else out.styled("signed in", "green"),
            str(p.sign_ins),
            phrases.ago(p.since),
            f"{p.until:%Y-%m-%d %H:%M}" if p.until else "",
            str(p.tokens),
        )
        for p in found
    ]
    out.table(("name", "state", "sign-ins", "since", "until (UTC)", "tokens"), rows, right=(2, 5))
    first = next((p for p in found if not p.kept_out), None)
    out.next_steps(
        session.command,
        f"sign-out {phrases.argument(first.name)}" if first else f"let-in {phrases.argument(found[0].name)}",
    )
    return None


@verb("sign-out")
@click.argument("person", metavar="PERSON")
@click.option("--tokens", is_flag=True, help="Also revoke every token that this person created.")
@click.option("--keep-out", is_flag=True, help="Also revoke their tokens, and keep them out until fleet let-in.")
def sign_out(session: Session, person: str, tokens: bool, keep_out: bool) -> int | None:
    """End every sign-in of PERSON now, in every browser. PERSON is the name on the audit page: an address, or oidc:SUB.

    Without --keep-out they may sign in again at once, with the role that FLEET_ROLES gives them. Work that they began goes on; fleet pause
    stops it.
    """
    from engine.present import bodies

    with session.open() as workbench:
        done = workbench.sign_out(session.actor, person, with_tokens=tokens, keep_out=keep_out)
    if session.as_json:
        session.json(bodies.signed_out(done))
        return None
    from engine.cli import output as out

    out.line(
        f"{phrases.count(done.sign_ins, 'sign-in')} of {done.person} ended, {phrases.count(done.tokens, 'token')} revoked."
    )
    if not done.sign_ins:
        out.line("No person with this name was signed in. Older sign-ins of this name are also invalid now.")
    if keep_out:
        out.line("They remain kept out.")
        out.next_steps(session.command, f"let-in {phrases.argument(done.person)}")
    elif not tokens:
        out.next_steps(
            session.command,
            f"token revoke --by {phrases.argument(done.person)}",
            f"sign-out {phrases.argument(done.person)} --keep-out",
        )
    return None


@verb("let-in")
@click.argument("person", metavar="PERSON")
def let_in(session: Session, person: str) -> int | None:
    """Allow PERSON to sign in again after --keep-out. Their old sign-ins and tokens stay invalid."""
    with session.open() as workbench:
        was = workbench.let_in(session.actor, person)
    if session.as_json:
        session.json({"person": person, "was_kept_out": was})
        return None
    from engine.cli import output as out

    out.line(f"{person} may sign in again." if was else f"{person} was not kept out.")
    return None
