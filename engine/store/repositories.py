"""Registered repositories: `gitops_repositories`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.model import REPOSITORY_SETTINGS, Repository
from engine.store import columns
from engine.store.database import Transaction, moment, time_of


def insert(tx: Transaction, name: str, settings: dict[str, Any]) -> Repository:
    """Register a repository. Shape: `settings` has exactly the settable fields."""
    (id_,) = tx.ids("repository_id", 1)
    tx.run(
        "repositories/insert_repository",
        id=id_,
        name=name,
        at=tx.at,
        **{field: settings[field] for field in REPOSITORY_SETTINGS},
    )
    return get(tx, id_)


def update(tx: Transaction, repository: Repository) -> None:
    tx.run(
        "repositories/update_repository",
        id=repository.id,
        **{field: getattr(repository, field) for field in REPOSITORY_SETTINGS},
    )


def remove(tx: Transaction, id_: int) -> None:
    tx.run("repositories/remove_repository", id=id_, at=tx.at)


def pause(tx: Transaction, id_: int, actor: str | None, reason: str | None) -> None:
    tx.run("repositories/pause_repository", id=id_, actor=actor, reason=reason, at=None if reason is None else tx.at)


def pin_host_key(tx: Transaction, id_: int, key: str) -> None:
    tx.run("repositories/pin_host_key", id=id_, key=key)


def set_health(tx: Transaction, id_: int, failure_count: int, next_attempt_at: datetime | None) -> None:
    tx.run("repositories/set_health", id=id_, failure_count=failure_count, next_attempt_at=next_attempt_at)


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """A repository in service and how it fares, for a list."""

    id: int
    name: str
    account: str
    branch: str
    health: str
    """failing, paused, failed proposals, drifting, never synced, partial, waiting (differences are withheld), ok or disabled: the worst that holds."""
    failure_count: int
    next_attempt_at: datetime | None
    paused_reason: str | None
    run_id: int | None
    status: str | None
    """Of the last run."""
    started_at: datetime | None
    finished_at: datetime | None
    revision: str | None
    author: str | None
    subject: str | None
    diff_count: int
    remaining: int
    pending: int
    approved: int
    failed: int
    drifted: int


def table(
    tx: Transaction, *, account: str | None, text: str | None, health: str | None, skip: int, limit: int
) -> tuple[list[RepositoryRow], int]:
    """A page of the repositories that the filters let through, the worst first; and how many there are in all."""
    rows = tx.rows("repositories/list_table", account=account, text=text or None, health=health, skip=skip, limit=limit)
    made = []
    for *facts, _ in rows:
        for place in (6, 10, 11):
            facts[place] = time_of(facts[place])
        made.append(RepositoryRow(*facts))
    return made, rows[0][-1] if rows else 0


def bump_proposals(tx: Transaction, ids: Iterable[int]) -> None:
    """Note that proposals of these repositories moved, so that no tick of theirs passes as unchanged."""
    tx.run("repositories/bump_proposals", ids=sorted(set(ids)))


def by_name(tx: Transaction, name: str) -> Repository | None:
    row = tx.row("repositories/find_repository", name=name)
    return None if row is None else _repository(row)


def in_service(tx: Transaction, id_: int) -> Repository | None:
    """The registered repository of an id; None when it was removed, or never was."""
    row = tx.row("repositories/find_repository_by_id", id=id_)
    return None if row is None else _repository(row)


def get(tx: Transaction, id_: int) -> Repository:
    """A repository by an id that the store gave, removed ones too."""
    return _repository(tx.rows("repositories/get_repository", id=id_)[0])


def registered(tx: Transaction, account: str | None = None) -> list[Repository]:
    """All repositories in service, by name."""
    return [_repository(row) for row in tx.rows("repositories/list_repositories", account=account)]


def accounts(tx: Transaction) -> frozenset[str]:
    """Accounts that have repositories in service."""
    return frozenset(account for (account,) in tx.rows("repositories/list_accounts"))


def names(tx: Transaction) -> dict[int, str]:
    """Names of all repositories by id, removed ones too."""
    return dict(tx.rows("repositories/list_names"))


_repository = columns.REPOSITORY.reader(paused_at=moment, next_attempt_at=moment, created_at=moment)
