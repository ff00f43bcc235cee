"""The record of ticks: `gitops_sync_runs`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from engine.model import TICK_SETTINGS, Repository, Revision, Run, RunStatus, Trigger
from engine.store import columns
from engine.store.database import Transaction, moment


def insert(
    tx: Transaction,
    repository: Repository,
    trigger: Trigger,
    actor: str,
    started_at: datetime,
    revision: Revision | None,
) -> int:
    """Begin a run; gives its id."""
    (id_,) = tx.ids("run_id", 1)
    tx.run(
        "runs/insert_run",
        id=id_,
        repository_id=repository.id,
        repository=repository.name,
        account=repository.account,
        trigger=trigger,
        actor=actor,
        started_at=started_at,
        revision=revision and revision.commit,
        author=revision and revision.author,
        subject=revision and revision.subject,
        committed_at=revision and revision.committed_at,
        request_id=tx.request_id,
    )
    return id_


def decide(
    tx: Transaction,
    id_: int,
    *,
    diff_count: int,
    remaining: int,
    proposal_ids: Sequence[int],
    counts: dict[str, dict[str, int]],
    informational: Sequence[dict[str, Any]],
    waiting: Sequence[dict[str, str]],
    warnings: Sequence[dict[str, Any]],
) -> None:
    """Record what a tick decided."""
    tx.run(
        "runs/decide_run",
        id=id_,
        diff_count=diff_count,
        remaining=remaining,
        opened=len(proposal_ids),
        proposal_ids=list(proposal_ids),
        counts=orjson.dumps(counts).decode(),
        informational=orjson.dumps(list(informational)).decode(),
        waiting=orjson.dumps(list(waiting)).decode(),
        warnings=orjson.dumps(list(warnings)).decode(),
    )


def finish(
    tx: Transaction,
    id_: int,
    status: RunStatus,
    stages: Sequence[dict[str, Any]],
    *,
    error: dict[str, Any] | None = None,
    inputs: str | None = None,
) -> None:
    tx.run(
        "runs/finish_run",
        id=id_,
        status=status,
        at=tx.at,
        stages=orjson.dumps(list(stages)).decode(),
        error=None if error is None else orjson.dumps(error, default=str).decode(),
        inputs=inputs,
    )


def warn(tx: Transaction, id_: int, warning: dict[str, Any]) -> None:
    """Add a warning to a run."""
    known = get(tx, id_).warnings
    tx.run("runs/set_warnings", id=id_, warnings=orjson.dumps([*known, warning]).decode())


def mark_applied(tx: Transaction, repository_ids: Iterable[int]) -> None:
    """Turn into `applied` each success whose every proposal, opened or reopened, is applied."""
    tx.run("runs/mark_applied", repository_ids=sorted(set(repository_ids)))


def by_id(tx: Transaction, id_: int) -> Run | None:
    return by_ids(tx, [id_]).get(id_)


def by_ids(tx: Transaction, ids: Iterable[int]) -> dict[int, Run]:
    """Runs by id; unknown ids are left out."""
    return {run.id: run for run in map(_run, tx.rows("runs/get_runs", ids=sorted(set(ids))))}


def get(tx: Transaction, id_: int) -> Run:
    """A run by an id that the store gave."""
    return by_ids(tx, [id_])[id_]


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides, besides the commit, whether a tick of a repository would find anything new; and what its last run saw."""

    run_id: int
    """The newest run; 0 where there is none."""
    inputs: str | None
    """What that run saw when it ended; None when the next tick must look again."""
    settings: dict[str, Any]
    proposals_version: int
    live_versions: dict[str, int]
    """How far the live fleets of its accounts have moved."""


def standing(tx: Transaction, repository_id: int) -> Standing:
    """How a repository stands, in one statement: a tick that finds nothing moved asks for nothing else."""
    run_id, inputs, proposals_version, names, versions, *settings = tx.rows(
        "runs/get_standing", repository_id=repository_id
    )[0]
    return Standing(
        run_id or 0,
        inputs,
        dict(zip(TICK_SETTINGS, settings, strict=True)),
        proposals_version,
        dict(zip(names or [], versions or [], strict=True)),
    )


def last_ids(tx: Transaction) -> dict[int, int]:
    """Id of the newest run by repository id."""
    return dict(tx.rows("runs/last_run_ids"))


def read(
    tx: Transaction,
    *,
    repository_id: int | None = None,
    account: str | None = None,
    status: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Run]:
    """Runs, newest first."""
    rows = tx.rows(
        "runs/list_runs",
        repository_id=repository_id,
        account=account,
        status=status,
        before=before,
        limit=limit,
    )
    return [_run(row) for row in rows]


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a list shows; what is None or empty lets everything through."""

    account: str | None = None
    repositories: Sequence[str] = ()
    statuses: Sequence[str] = ()
    text: str | None = None
    """Part of the commit's subject or author, in any case, or the beginning of its id."""

    def parameters(self) -> dict[str, Any]:
        """The filter as statements take it."""
        return {
            "account": self.account,
            "repositories": list(self.repositories) or None,
            "statuses": list(map(str, self.statuses)) or None,
            "text": self.text or None,
        }


def find(tx: Transaction, wanted: RunFilter, *, skip: int = 0, limit: int = 50) -> list[Run]:
    """A page of the runs that a filter lets through, newest first."""
    return [_run(row) for row in tx.rows("runs/find_runs", skip=skip, limit=limit, **wanted.parameters())]


def count_found(tx: Transaction, wanted: RunFilter) -> int:
    count: int = tx.value("runs/count_found", **wanted.parameters())
    return count


def before(tx: Transaction, repository_id: int, run_id: int) -> Run | None:
    """The run of a repository before one of its runs."""
    id_ = tx.value("runs/run_before", repository_id=repository_id, id=run_id)
    return None if id_ is None else by_id(tx, id_)


def revision_before(tx: Transaction, repository_id: int, run_id: int) -> str | None:
    """The commit that the last run of a repository before one of its runs saw, or None."""
    commit: str | None = tx.value("runs/revision_before", repository_id=repository_id, id=run_id)
    return commit


def _listed(text: str) -> tuple[Any, ...]:
    return tuple(orjson.loads(text))


_run = columns.RUN.reader(
    trigger=Trigger,
    status=RunStatus,
    started_at=moment,
    finished_at=moment,
    committed_at=moment,
    stages=_listed,
    counts=orjson.loads,
    informational=_listed,
    waiting=_listed,
    proposal_ids=tuple,
    warnings=_listed,
    error=orjson.loads,
)
