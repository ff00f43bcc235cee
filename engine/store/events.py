"""The record of every decision, move and edit: `fleet_events`, rows only ever inserted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from engine.model import Event, RecordedEvent
from engine.store.database import Transaction, moment


def record(tx: Transaction, actor: str, events: Sequence[Event]) -> None:
    """Record events in the order given, as done by one actor at the transaction's time."""
    if not events:
        return
    seqs = tx.ids("event_seq", len(events))
    columns = ("type", "account", "repository_id", "run_id", "proposal_id", "kind", "name", "reason")
    tx.run(
        "events/insert_events",
        at=tx.at,
        actor=actor,
        request_id=tx.request_id,
        seq=seqs,
        data=[None if event.data is None else orjson.dumps(event.data).decode() for event in events],
        **{column: [getattr(event, column) for event in events] for column in columns},
    )
    tx.recorded.append((actor, seqs, events))


def read(
    tx: Transaction,
    *,
    proposal_id: int | None = None,
    account: str | None = None,
    repository_id: int | None = None,
    kind: str | None = None,
    name: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[RecordedEvent]:
    """Events, newest first."""
    rows = tx.rows(
        "events/list_events",
        proposal_id=proposal_id,
        account=account,
        repository_id=repository_id,
        kind=kind,
        name=name,
        before=before,
        limit=limit,
    )
    return [_recorded(row) for row in rows]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a list shows; what is None or empty lets everything through."""

    account: str | None = None
    types: Sequence[str] = ()
    actor: str | None = None
    """Part of the actor's name."""
    repository_id: int | None = None
    since: datetime | None = None
    text: str | None = None
    """Part of the resource's name or of the reason."""

    def parameters(self) -> dict[str, Any]:
        """The filter as statements take it."""
        return {
            "account": self.account,
            "types": list(self.types) or None,
            "actor": self.actor or None,
            "repository_id": self.repository_id,
            "since": self.since,
            "text": self.text or None,
        }


def find(
    tx: Transaction, wanted: EventFilter, *, before: int | None = None, skip: int = 0, limit: int = 50
) -> list[RecordedEvent]:
    """A page of the events that a filter lets through, newest first."""
    rows = tx.rows("events/find_events", before=before, skip=skip, limit=limit, **wanted.parameters())
    return [_recorded(row) for row in rows]


def count_found(tx: Transaction, wanted: EventFilter) -> int:
    count: int = tx.value("events/count_found", **wanted.parameters())
    return count


def types(tx: Transaction, account: str | None = None) -> list[str]:
    """The types of event that there are."""
    return [name for (name,) in tx.rows("events/list_types", account=account)]


def last_of(tx: Transaction, types_: Sequence[str], account: str | None) -> RecordedEvent | None:
    """The newest event of some types."""
    row = tx.row("events/last_of_type", types=list(types_), account=account)
    return None if row is None else _recorded(row)


def last_drills(tx: Transaction, account: str | None) -> list[RecordedEvent]:
    """The newest restore drill of each account, oldest first."""
    return [_recorded(row) for row in tx.rows("events/last_drills", account=account)]


def last_snapshots(tx: Transaction, account: str | None) -> list[RecordedEvent]:
    """The newest snapshot that the server kept and its newest failure, oldest first."""
    return [_recorded(row) for row in tx.rows("events/last_snapshots", account=account)]


def after(tx: Transaction, seq: int, types_: Sequence[str], limit: int) -> list[RecordedEvent]:
    """Events of some types after one, oldest first."""
    return [_recorded(row) for row in tx.rows("events/list_after", seq=seq, types=list(types_), limit=limit)]


def newest(tx: Transaction) -> int:
    """Number of the newest event; 0 where there is none."""
    return int(tx.value("events/newest_seq"))


def _recorded(row: Sequence[Any]) -> RecordedEvent:
    seq, at, type_, actor, account, repository, run, proposal, kind, name, reason, data, request = row
    loaded = None if data is None else orjson.loads(data)
    event = Event(type_, account, repository, run, proposal, kind, name, reason, loaded)
    return RecordedEvent(seq, moment(at), actor, event, request)
