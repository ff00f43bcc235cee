"""Sign-ins of people and how they ended: `sign_ins`, `sign_outs`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.store.database import Transaction, moment, time_of

KEPT = timedelta(days=32)
"""How long both are kept: no cookie of a sign-in is taken for longer (Streamlit's hold for 31 days)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store knows of one sign-in."""

    began_at: datetime | None
    """When it was first seen; None for one that was never seen."""
    ended_at: datetime | None
    """When the person's sign-ins last ended, all at once."""
    kept_out: bool


def standing(tx: Transaction, id_: str, names: Sequence[str]) -> Standing:
    row = tx.row("sign_ins/get_standing", id=id_, names=list(names))
    began, ended, kept_out = row or (None, None, False)
    return Standing(time_of(began), time_of(ended), kept_out)


def insert(tx: Transaction, id_: str, person: str, subject: str, issued_at: datetime) -> None:
    tx.run("sign_ins/insert_sign_in", id=id_, person=person, subject=subject, issued_at=issued_at, at=tx.at)


def names_of(tx: Transaction, names: Sequence[str]) -> list[str]:
    """These names, and every other under which the same people have signed in."""
    known = {name for (name,) in tx.rows("sign_ins/list_names", names=list(names)) if name}
    return sorted(known.union(names))


def end(tx: Transaction, names: Sequence[str], by: str, *, keep_out: bool) -> None:
    """End whatever sign-in began under these names until now."""
    tx.run("sign_ins/put_sign_outs", names=list(names), at=tx.at, actor=by, kept_out=keep_out)


def let_in(tx: Transaction, names: Sequence[str]) -> bool:
    """Keep these names out no longer; returns whether any was."""
    return bool(tx.rows("sign_ins/let_in", names=list(names)))


def in_force(tx: Transaction, after: datetime) -> list[tuple[str, str, datetime, datetime]]:
    """Sign-ins that have not ended, newest first. Shape: (person, subject, issued at, first seen)."""
    return [
        (person, subject, moment(issued), moment(began))
        for person, subject, issued, began in tx.rows("sign_ins/list_sign_ins", after=after)
    ]


def kept_out(tx: Transaction) -> list[tuple[str, datetime, str]]:
    """Who is kept out. Shape: (name, since, by whom)."""
    return [(name, moment(at), by) for name, at, by in tx.rows("sign_ins/list_kept_out")]


def prune(tx: Transaction) -> dict[str, int]:
    """Delete rows that no valid cookie can depend on any longer; returns the number of deleted rows by table."""
    before = tx.at - KEPT
    return {
        "sign_ins": len(tx.rows("sign_ins/prune_sign_ins", before=before)),
        "sign_outs": len(tx.rows("sign_ins/prune_sign_outs", before=before)),
    }
