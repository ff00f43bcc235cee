"""Whole tables as frames, for notebooks: each is one statement, made in the store and not row by row."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from engine.store.database import Transaction

if TYPE_CHECKING:
    from pandas import DataFrame


def proposals(tx: Transaction, account: str | None) -> DataFrame:
    return tx.frame("frames/proposals", account=account)


def runs(tx: Transaction, account: str | None) -> DataFrame:
    return tx.frame("frames/runs", account=account)


def drift(tx: Transaction, account: str | None, now: datetime) -> DataFrame:
    """What lasts is counted up to `now`."""
    return tx.frame("frames/drift", account=account, now=now)


def withheld(tx: Transaction, account: str | None, now: datetime) -> DataFrame:
    """What lasts is counted up to `now`."""
    return tx.frame("frames/withheld", account=account, now=now)


def events(tx: Transaction, account: str | None) -> DataFrame:
    return tx.frame("frames/events", account=account)


def fleet(tx: Transaction, account: str | None) -> DataFrame:
    """`spec` is JSON text."""
    return tx.frame("frames/fleet", account=account)


def fleet_at(tx: Transaction, account: str | None, at: datetime) -> DataFrame:
    """`spec` is JSON text."""
    return tx.frame("frames/fleet_at", account=account, at=at)
