"""Drift episodes: `drift_episodes`, opened, followed and closed by ticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from engine.kinds import Kinds
from engine.model import Change, DriftMoves, Episode, Event, Mark, OpenEpisode, ResourceKey
from engine.store import events, live
from engine.store.database import Transaction, moment, time_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def standing(tx: Transaction, repository_id: int) -> list[OpenEpisode]:
    """Open episodes of one repository."""
    return [
        OpenEpisode(id_, ResourceKey(account, kind, name), Change(change), tuple(orjson.loads(fields)), version)
        for id_, account, kind, name, change, fields, version in tx.rows("drift/list_open", repository_id=repository_id)
    ]


def write(tx: Transaction, actor: str, repository_id: int, run_id: int, moves: DriftMoves) -> None:
    """Write what a tick learned of drift, with its events."""
    opened = moves.opened
    if opened:
        tx.run(
            "drift/insert_episodes",
            id=tx.ids("episode_id", len(opened)),
            repository_id=repository_id,
            run_id=run_id,
            at=tx.at,
            account=[d.key.account for d in opened],
            kind=[d.key.kind for d in opened],
            name=[d.key.name for d in opened],
            change=[d.change for d in opened],
            fields=[orjson.dumps(d.fields).decode() for d in opened],
            severity=[d.severity for d in opened],
            moved_by=[d.moved_by for d in opened],
            moved_us=[None if d.moved_at is None else _microseconds(d.moved_at) for d in opened],
            live_version=[d.live_version for d in opened],
        )
    if moves.moved_on:
        drifted = [d for _, d in moves.moved_on]
        tx.run(
            "drift/update_episodes",
            id=[id_ for id_, _ in moves.moved_on],
            fields=[orjson.dumps(d.fields).decode() for d in drifted],
            change=[d.change for d in drifted],
            live_version=[d.live_version for d in drifted],
        )
    if moves.closed:
        close(tx, {episode.id: outcome for episode, outcome in moves.closed}, run_id)
    events.record(
        tx,
        actor,
        [
            Event(
                "gitops.drift_detected", d.key.account, repository_id, run_id, None, d.key.kind, d.key.name,
                data={"severity": d.severity, "fields": [row["path"] for row in d.fields], "moved_by": d.moved_by},
            )
            for d in opened
        ]
        + [
            Event("gitops.drift_resolved", e.key.account, repository_id, run_id, None, e.key.kind, e.key.name, outcome)
            for e, outcome in moves.closed
        ],
    )  # fmt: skip


def close(tx: Transaction, outcomes: dict[int, str], run_id: int | None) -> None:
    """Close episodes by id."""
    if outcomes:
        tx.run("drift/close_episodes", id=list(outcomes), outcome=list(outcomes.values()), at=tx.at, run_id=run_id)


def close_removed(tx: Transaction, actor: str, repository_id: int, keys: Sequence[ResourceKey]) -> None:
    """Close the open episodes of a repository on resources that it released."""
    wanted = set(keys)
    closing = [episode for episode in standing(tx, repository_id) if episode.key in wanted]
    if closing:
        close(tx, dict.fromkeys((episode.id for episode in closing), "removed"), None)
        events.record(
            tx,
            actor,
            [
                Event(
                    "gitops.drift_resolved", e.key.account, repository_id, None, None, e.key.kind, e.key.name, "removed"
                )
                for e in closing
            ],
        )


def close_settled(
    tx: Transaction, kinds: Kinds, actor: str, keys: Sequence[ResourceKey], run_id: int | None = None
) -> None:
    """Close the open episodes of resources that were just written, if live equals the base again, or no repository owns them.

    In the transaction of the write, so that drift lasts until live came back, not until a tick looks.
    """
    rows = tx.rows("drift/list_open_of", keys=[key.text for key in keys])
    if not rows:
        return
    found = [
        (
            repository_id,
            OpenEpisode(id_, ResourceKey(account, kind, name), Change(change), tuple(orjson.loads(fields)), version),
        )
        for repository_id, id_, account, kind, name, change, fields, version in rows
    ]
    now = live.specs_and_claims(tx, [episode.key for _, episode in found])
    outcomes: dict[int, str] = {}
    for repository_id, episode in found:
        spec, claim = now.get(episode.key, (None, None))
        if claim is None or claim.repository_id != repository_id:
            outcomes[episode.id] = "codified" if spec is None and episode.live_version is None else "removed"
        elif spec is not None and claim.base is not None:
            kind, base = kinds[episode.key.kind], claim.base
            if not any(kind.differs(name, base, spec) for name in base):
                outcomes[episode.id] = "reverted"
    close(tx, outcomes, run_id)
    events.record(
        tx,
        actor,
        [
            Event("gitops.drift_resolved", e.key.account, id_, run_id, None, e.key.kind, e.key.name, outcomes[e.id])
            for id_, e in found
            if e.id in outcomes
        ],
    )


@dataclass(frozen=True, slots=True)
class Frequent:
    """A resource that drifted, how often, and by whom."""

    key: ResourceKey
    times: int
    open: int
    last_at: datetime
    movers: str


def read(
    tx: Transaction,
    *,
    account: str | None = None,
    repository_id: int | None = None,
    open_: bool | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Episode]:
    """Episodes, newest first; `open_` None gives open and closed ones."""
    rows = tx.rows(
        "drift/list_episodes", account=account, repository_id=repository_id, open=open_, before=before, limit=limit
    )
    return [_episode(row) for row in rows]


def find(
    tx: Transaction,
    *,
    account: str | None,
    repository: str | None,
    open_: bool | None,
    text: str | None,
    skip: int,
    limit: int,
) -> tuple[list[tuple[Episode, int | None]], int]:
    """A page of (episode, live proposal that would end it), open ones first; and how many there are in all."""
    rows = tx.rows(
        "drift/find_episodes",
        account=account,
        repository=repository,
        open=open_,
        text=text or None,
        skip=skip,
        limit=limit,
    )
    return [(_episode(row[:16]), row[16]) for row in rows], rows[0][17] if rows else 0


def frequent(tx: Transaction, account: str | None, repository: str | None, limit: int) -> list[Frequent]:
    """What drifted most often."""
    return [
        Frequent(ResourceKey(account_, kind, name), times, open_, moment(last), movers or "")
        for account_, kind, name, times, open_, last, movers in tx.rows(
            "drift/list_frequent", account=account, repository=repository, limit=limit
        )
    ]


def marks(tx: Transaction, keys: Sequence[ResourceKey], repository_ids: Sequence[int], since: datetime) -> list[Mark]:
    """Edits and applies on some resources, and commits of some repositories, since a time."""
    moved = [
        Mark(cause, ResourceKey.of(key), moment(at), actor, f"version {version}")
        for key, at, cause, actor, version in tx.rows("drift/list_marks", keys=[key.text for key in keys], since=since)
    ]
    pushed = [
        Mark("commit", None, moment(at), author or "", f"{(revision or '')[:8]} {subject or ''}")
        for _, revision, at, subject, author in tx.rows(
            "drift/list_commits", repository_ids=list(repository_ids), since=since
        )
    ]
    return [*moved, *pushed]


def _episode(row: Sequence[Any]) -> Episode:
    (id_, repository_id, repository, account, kind, name, change, fields, severity, by, moved, opened, run) = row[:13]
    closed, closed_run, outcome = row[13:]
    return Episode(
        id=id_,
        repository_id=repository_id,
        repository=repository,
        key=ResourceKey(account, kind, name),
        change=Change(change),
        fields=tuple(orjson.loads(fields)),
        severity=severity,
        moved_by=by,
        moved_at=time_of(moved),
        opened_at=moment(opened),
        opened_run=run,
        closed_at=time_of(closed),
        closed_run=closed_run,
        outcome=outcome,
    )


def _microseconds(when: datetime) -> int:
    delta = when - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
