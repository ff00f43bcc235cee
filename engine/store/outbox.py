"""The position of each notification sink: the number of the last event delivered."""

from __future__ import annotations

import orjson

from engine.store.database import Transaction


def position(tx: Transaction, sink: str) -> int | None:
    """The last event delivered to a sink; None for a new sink."""
    text = tx.value("store/get_note", name=f"told_{sink}")
    return None if text is None else int(orjson.loads(text))


def advance(tx: Transaction, sink: str, seq: int) -> None:
    """Record that everything up to an event is delivered to a sink."""
    tx.run("store/put_note", name=f"told_{sink}", value=str(seq))
