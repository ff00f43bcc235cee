"""Tokens of the API: signed, for one account or all, with some permissions, until a date or until they are revoked.

A token carries no rights itself: it names a row, and the row is asked at each use. So a revocation works at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from engine.access import names
from engine.errors import AccessDenied, RefusedEdit
from engine.kinds import name_problem
from engine.model import Actor, Event, Permission, Token
from engine.store import Transaction, events, token_rows

ALGORITHM = "HS256"
ISSUER = "fleet-workbench"
LONGEST_DAYS = 3650


def create(
    tx: Transaction, key: bytes, actor: Actor, name: str, account: str, permissions: Collection[Permission], days: int
) -> tuple[Token, str]:
    """Make a token; gives its row and the token itself, which is kept nowhere.

    A token that makes another gives it no longer time than its own, and takes it along when it is revoked.
    Raises: RefusedEdit FLEET-629 (name), FLEET-671 (no permission, more than the maker has, no such time, or a name by which another
    person's token is known).
    """
    if not (problem := name_problem(name)) and names.hidden_in(name):
        problem = "a name must not contain invisible characters"
    if problem:
        raise RefusedEdit("FLEET-629", f"{name[:80]!r} cannot be a token's name: {problem}.", "Choose another.")
    if account != "*" and (problem := name_problem(account)):
        raise RefusedEdit("FLEET-629", f"{account[:80]!r} cannot be the account: {problem}.", "Choose another.")
    if not permissions or not 1 <= days <= LONGEST_DAYS:
        raise RefusedEdit(
            "FLEET-671",
            f"A token has at least one permission and 1 to {LONGEST_DAYS:,} days.",
            f"Permissions: {', '.join(Permission)}.",
        )
    if beyond := sorted(set(permissions) - actor.permissions):
        raise RefusedEdit(
            "FLEET-671",
            f"{actor.name} cannot give permissions that {actor.name} does not have: {', '.join(beyond)}.",
            "Leave them out.",
        )
    if any(_mistaken(other, name, account, actor.name, tx.at) for other in token_rows.all_(tx)):
        raise RefusedEdit(
            "FLEET-671",
            f"Another person has a token named {name}, or with a similar name; the audit could not distinguish the two.",
            "Choose another name.",
        )
    expires_at = tx.at + timedelta(days=days)
    parent = None if actor.token_id is None else token_rows.get(tx, actor.token_id)
    if parent is not None and expires_at > parent.expires_at:
        raise RefusedEdit(
            "FLEET-671",
            f"A token created with {actor.name} expires with that token at the latest, on {parent.expires_at:%Y-%m-%d}.",
            "Give it fewer days.",
        )
    import jwt  # only who makes or reads a token needs it

    token = token_rows.insert(
        tx, secrets.token_hex(16), name, account, sorted(permissions), actor.name, expires_at, actor.token_id
    )
    text = jwt.encode(
        {"iss": ISSUER, "sub": name, "jti": token.jti, "iat": token.created_at, "exp": token.expires_at},
        key,
        algorithm=ALGORITHM,
    )
    data = {"id": token.id, "permissions": sorted(permissions), "expires_at": token.expires_at.isoformat()}
    events.record(tx, actor.name, [Event("access.token_created", _of(account), reason=name, data=data)])
    return token, text


def revoke(tx: Transaction, actor: Actor, id_: int) -> Token:
    """End a token now, and those that were made with it; one that was revoked before stays so.

    Raises: RefusedEdit FLEET-672 (there is none).
    """
    token = token_rows.get(tx, id_)
    if token is None or actor.account not in {"*", token.account}:
        raise RefusedEdit("FLEET-672", f"There is no token {id_}.", "List them with: fleet token list")
    _end(tx, actor, [id_])
    return token_rows.get(tx, id_) or token


def revoke_made_by(tx: Transaction, actor: Actor, makers: Collection[str]) -> list[Token]:
    """End every token that somebody made, by any of their names, and those that were made with these; gives all that ended now."""
    theirs = [t.id for t in token_rows.all_(tx) if t.created_by in makers and actor.account in {"*", t.account}]
    return _end(tx, actor, theirs)


def _end(tx: Transaction, actor: Actor, ids: Sequence[int]) -> list[Token]:
    """End tokens and those that were made with them. Effects: one event for each that had not ended."""
    gone = [token for id_ in token_rows.revoke(tx, ids, actor.name) if (token := token_rows.get(tx, id_))]
    events.record(
        tx,
        actor.name,
        [Event("access.token_revoked", _of(t.account), reason=t.name, data={"id": t.id}) for t in gone],
    )
    return gone


def _mistaken(other: Token, name: str, account: str, maker: str, now: datetime) -> bool:
    """Whether the audit of an account could show a new token and another person's under one name."""
    return (
        other.state(now) == "valid"
        and other.created_by != maker
        and ("*" in {other.account, account} or other.account == account)
        and names.alike(other.name) == names.alike(name)
    )


def read(text: str, key: bytes) -> str:
    """The name of the row that a token stands for, if its signature and its time are right.

    Raises: AccessDenied FLEET-661 (no token of ours), FLEET-662 (expired).
    """
    import jwt

    try:
        claims = jwt.decode(
            text, key, algorithms=[ALGORITHM], issuer=ISSUER, options={"require": ["exp", "jti", "iss"]}
        )
    except jwt.ExpiredSignatureError:
        raise AccessDenied("FLEET-662", "The token has expired.", "Create another: fleet token create") from None
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise AccessDenied(
            "FLEET-661", "This token is not valid on this server.", "Create one with: fleet token create"
        ) from None
    return str(claims["jti"])


def bearer(token: Token | None, now: datetime) -> Actor:
    """Who comes with a token. Raises: AccessDenied FLEET-661 (unknown here), FLEET-662 (expired), FLEET-663 (revoked)."""
    if token is None:
        raise AccessDenied(
            "FLEET-661", "This token is not valid on this server.", "Create one with: fleet token create"
        )
    if token.revoked_at is not None:
        raise AccessDenied("FLEET-663", f"The token {token.name} was revoked.", "Create another: fleet token create")
    if token.expires_at <= now:
        raise AccessDenied("FLEET-662", "The token has expired.", "Create another: fleet token create")
    return Actor(f"token:{token.name}", frozenset(token.permissions), token.account, token.id)


def _of(account: str) -> str | None:
    """The account of an event; none for a token of every one."""
    return None if account == "*" else account
