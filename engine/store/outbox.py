"""How far each sink of notifications has been told: the number of the last event."""

from __future__ import annotations

import orjson

from engine.store.database import Transaction


def position(tx: Transaction, sink: str) -> int | None:
    """The last event that a sink was told of; None for a sink that is new."""
    text = tx.value("store/get_note", name=f"told_{sink}")
    return None if text is None else int(orjson.loads(text))


def advance(tx: Transaction, sink: str, seq: int) -> None:
    """A sink has been told of everything up to an event."""
    tx.run("store/put_note", name=f"told_{sink}", value=str(seq))
