"""The record of every decision, move and edit: `fleet_events`, rows only ever inserted."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from engine.model import Event, RecordedEvent
from engine.store.database import Transaction, moment


def record(tx: Transaction, actor: str, events: Sequence[Event]) -> None:
    """Record events in the order given, as done by one actor at the transaction's time."""
    if not events:
        return
    columns = ("type", "account", "repository_id", "run_id", "proposal_id", "kind", "name", "reason")
    tx.run(
        "events/insert_events",
        at=tx.at,
        actor=actor,
        seq=tx.ids("event_seq", len(events)),
        data=[None if event.data is None else orjson.dumps(event.data).decode() for event in events],
        **{column: [getattr(event, column) for event in events] for column in columns},
    )


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
    made = []
    for seq, at, type_, actor, account_, repository, run, proposal, kind_, name_, reason, data in rows:
        event = Event(
            type_,
            account_,
            repository,
            run,
            proposal,
            kind_,
            name_,
            reason,
            None if data is None else orjson.loads(data),
        )
        when = moment(at)
        made.append(RecordedEvent(seq, when, actor, event))
    return made
