"""Tokens of the API: `api_tokens`. The tokens themselves are kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.model import Permission, Token
from engine.store.database import Transaction, moment, time_of


def insert(
    tx: Transaction, jti: str, name: str, account: str, permissions: Sequence[Permission], by: str, expires_at: datetime
) -> Token:
    (id_,) = tx.ids("token_id", 1)
    tx.run(
        "tokens/insert_token", id=id_, jti=jti, name=name, account=account, permissions=list(permissions), at=tx.at,
        actor=by, expires_at=expires_at,
    )  # fmt: skip
    return Token(id_, jti, name, account, tuple(permissions), tx.at, by, expires_at, None, None)


def get(tx: Transaction, id_: int) -> Token | None:
    return next(iter(_read(tx, id_=id_)), None)


def by_jti(tx: Transaction, jti: str) -> Token | None:
    return next(iter(_read(tx, jti=jti)), None)


def all_(tx: Transaction, account: str | None = None) -> list[Token]:
    """Tokens, newest first."""
    return _read(tx, account=account)


def revoke(tx: Transaction, id_: int, by: str) -> None:
    tx.run("tokens/revoke_token", id=id_, at=tx.at, actor=by)


def _read(
    tx: Transaction, *, id_: int | None = None, jti: str | None = None, account: str | None = None
) -> list[Token]:
    return [_token(row) for row in tx.rows("tokens/list_tokens", id=id_, jti=jti, account=account)]


def _token(row: Sequence[Any]) -> Token:
    id_, jti, name, account, permissions, created, by, expires, revoked, revoked_by = row
    known = tuple(Permission(text) for text in permissions)
    return Token(id_, jti, name, account, known, moment(created), by, moment(expires), time_of(revoked), revoked_by)
