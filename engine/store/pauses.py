"""Pauses of the whole home or of one repository, with actor and reason."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import orjson

from engine.store import repositories
from engine.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Pause:
    reason: str
    by: str
    at: datetime
    repository: str | None = None
    """None: everything."""


def of_home(tx: Transaction) -> Pause | None:
    text = tx.value("store/get_note", name="paused")
    if text is None:
        return None
    note = orjson.loads(text)
    return Pause(note["reason"], note["by"], datetime.fromisoformat(note["at"]))


def set_home(tx: Transaction, actor: str, reason: str | None) -> None:
    """Pause everything, or resume with None."""
    if reason is None:
        tx.run("store/delete_note", name="paused")
    else:
        value = orjson.dumps({"reason": reason, "by": actor, "at": tx.at.isoformat()}).decode()
        tx.run("store/put_note", name="paused", value=value)


def in_force(tx: Transaction, account: str | None = None) -> list[Pause]:
    """The home's pause, if any, then those of repositories by name."""
    home = of_home(tx)
    found = [] if home is None else [home]
    for repository in repositories.registered(tx, account):
        if repository.paused_reason is not None and repository.paused_at is not None:
            found.append(
                Pause(repository.paused_reason, repository.paused_by or "", repository.paused_at, repository.name)
            )
    return found


def reason_of(tx: Transaction, repository_ids: Collection[int]) -> str | None:
    """Why work on one of these repositories is paused, or None."""
    return of_home_in_words(tx) or next(iter(of_repositories(tx, repository_ids).values()), None)


def of_home_in_words(tx: Transaction) -> str | None:
    """Why everything is paused, or None."""
    home = of_home(tx)
    return None if home is None else f"everything is paused by {home.by}: {home.reason}"


def of_repositories(tx: Transaction, ids: Collection[int]) -> dict[int, str]:
    """Why repositories are paused themselves, by id; those that are not are left out."""
    rows = tx.rows("repositories/list_paused", ids=sorted(ids)) if ids else ()
    return {id_: f"{name} is paused by {by}: {reason}" for id_, name, by, reason in rows}
