"""Tokens of the API: `api_tokens`. The tokens themselves are kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.model import Permission, Token
from engine.store.database import Transaction, moment, time_of


def insert(
    tx: Transaction,
    jti: str,
    name: str,
    account: str,
    permissions: Sequence[Permission],
    by: str,
    expires_at: datetime,
    made_with: int | None = None,
) -> Token:
    (id_,) = tx.ids("token_id", 1)
    tx.run(
        "tokens/insert_token", id=id_, jti=jti, name=name, account=account, permissions=list(permissions), at=tx.at,
        actor=by, expires_at=expires_at, made_with=made_with,
    )  # fmt: skip
    return Token(id_, jti, name, account, tuple(permissions), tx.at, by, expires_at, None, None, made_with)


def get(tx: Transaction, id_: int) -> Token | None:
    return next(iter(_read(tx, id_=id_)), None)


def by_jti(tx: Transaction, jti: str) -> Token | None:
    return next(iter(_read(tx, jti=jti)), None)


def all_(tx: Transaction, account: str | None = None) -> list[Token]:
    """Tokens, newest first."""
    return _read(tx, account=account)


def revoke(tx: Transaction, ids: Sequence[int], by: str) -> list[int]:
    """Revoke tokens, and the tokens created with them; returns the numbers of all that were revoked now."""
    all_of_them = [id_ for (id_,) in tx.rows("tokens/list_made", ids=list(ids))]
    return sorted(id_ for (id_,) in tx.rows("tokens/revoke_token", ids=all_of_them, at=tx.at, actor=by))


def makers(tx: Transaction) -> list[str]:
    """Who made each token that holds now, once for each token."""
    return [by for (by,) in tx.rows("tokens/list_makers", at=tx.at)]


def _read(
    tx: Transaction, *, id_: int | None = None, jti: str | None = None, account: str | None = None
) -> list[Token]:
    return [_token(row) for row in tx.rows("tokens/list_tokens", id=id_, jti=jti, account=account)]


def _token(row: Sequence[Any]) -> Token:
    id_, jti, name, account, permissions, created, by, expires, revoked, revoked_by, made_with = row
    known = tuple(Permission(text) for text in permissions)
    return Token(
        id_, jti, name, account, known, moment(created), by, moment(expires), time_of(revoked), revoked_by, made_with
    )
