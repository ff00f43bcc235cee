"""`fleet token …`: tokens of the REST API, made, listed and revoked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from engine import phrases
from engine.cli.session import MOST_ID, Session, note, verb, verb_group
from engine.model import Permission

token = verb_group("token", "Create, list and revoke tokens for the REST API.")


class Permissions(click.ParamType[list[Permission]]):
    """Permissions by their full or last name, several with commas between them, or `all`."""

    name = "P"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Permission]:
        found: list[Permission] = []
        for text in str(value).split(","):
            wanted = [p for p in Permission if text in {"all", p.value, p.short}]
            if not wanted:
                self.fail(f"{text!r} is not a permission: {', '.join(p.short for p in Permission)}, all", param, ctx)
            found += wanted
        return found


@verb("create", group=token)
@click.option("--name", required=True, metavar="N", help="Name of its user; shown in events.")
@click.option(
    "--account",
    metavar="NAME",
    help="The account that it may use, * for every account (default: the only existing account).",
)
@click.option(
    "--permission",
    "permissions",
    type=Permissions(),
    multiple=True,
    required=True,
    help="A permission, such as read or system.gitops.read; may be repeated.",
)
@click.option("--days", type=int, default=90, show_default=True, help="Days until it expires.")
def create(
    session: Session, name: str, account: str | None, permissions: tuple[list[Permission], ...], days: int
) -> int | None:
    """Create a token and print it once. Standard output contains only the token, so JWT=$(fleet token create …) works."""
    from engine.present import bodies

    wanted = sorted({p for group in permissions for p in group})
    with session.open() as workbench:
        made, text = workbench.create_token(session.actor, name, account=account, permissions=wanted, days=days)
    if session.as_json:
        session.json({"token": text, "api_token": bodies.token(made, datetime.now(UTC))})
        return None
    click.echo(text)
    note(
        f"Token {made.id}, {made.name}: {', '.join(made.permissions)} in {_account(made.account)} "
        f"until {made.expires_at:%Y-%m-%d}. It is shown only once."
    )
    return None


@verb("list", group=token)
def list_(session: Session) -> int | None:
    """List tokens, newest first; never shows the tokens themselves."""
    from engine.present import bodies

    now = datetime.now(UTC)
    with session.open() as workbench:
        found = workbench.tokens(session.actor)
    if session.as_json:
        session.json(bodies.page([bodies.token(t, now) for t in found]))
        return None
    from engine.cli import output as out

    if not found:
        out.line("No token yet.")
        out.next_steps(session.command, "token create --name ci --permission read")
        return None
    colours = {"valid": "green", "expired": "yellow", "revoked": "red"}
    rows = [
        (
            str(t.id),
            out.styled(t.state(now), colours[t.state(now)]),
            t.name,
            t.account,
            f"{t.expires_at:%Y-%m-%d}",
            f"{t.created_by}, {phrases.ago(t.created_at)}",
            ", ".join(p.short for p in t.permissions),
        )
        for t in found
    ]
    out.table(("id", "state", "name", "account", "until", "created by", "permissions"), rows, right=(0,))
    out.next_steps(session.command, f"token revoke {found[0].id}")
    return None


@verb("revoke", group=token)
@click.argument("id_", metavar="ID", type=click.IntRange(0, MOST_ID), required=False)
@click.option("--by", metavar="PERSON", help="Revoke all tokens that this person created, instead of one.")
def revoke(session: Session, id_: int | None, by: str | None) -> int | None:
    """Revoke a token now, and every token that was created with it; the next request with it is refused."""
    from engine.present import bodies

    if (id_ is None) == (by is None):
        raise click.UsageError("Give the number of a token, or --by PERSON.")
    now = datetime.now(UTC)
    with session.open() as workbench:
        if by is not None:
            gone = workbench.revoke_tokens_by(session.actor, by)
        elif id_ is not None:
            gone = [workbench.revoke_token(session.actor, id_)]
    if session.as_json:
        listed = [bodies.token(each, now) for each in gone]
        session.json(bodies.page(listed) if by is not None else {"api_token": listed[0]})
        return None
    from engine.cli import output as out

    for each in gone:
        out.line(f"Token {each.id}, {each.name}, is revoked.")
    if not gone:
        out.line(f"{by} has no valid token.")
    return None


def _account(account: str) -> str:
    return "every account" if account == "*" else f"account {account}"
