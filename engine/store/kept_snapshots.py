"""The snapshots that the server has saved automatically, so that it removes no other file. A note in the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import orjson

from engine.store.database import Transaction

_NOTE = "kept_snapshots"


class Entry(NamedTuple):
    """A snapshot that was to be written."""

    path: Path
    at: datetime


def written(tx: Transaction) -> list[Entry]:
    """In the order in which they were written. A file of them may be gone, or may never have been finished."""
    text = tx.value("store/get_note", name=_NOTE)
    return [Entry(Path(path), datetime.fromisoformat(at)) for path, at in orjson.loads(text or b"[]")]


def add(tx: Transaction, entry: Entry) -> None:
    """Remember a file before it is written."""
    _put(tx, [*written(tx), entry])


def forget(tx: Transaction, paths: Collection[Path]) -> None:
    """Forget files that are gone."""
    _put(tx, [entry for entry in written(tx) if entry.path not in paths])


def _put(tx: Transaction, entries: Iterable[Entry]) -> None:
    rows = [[str(entry.path), entry.at.isoformat()] for entry in entries]
    tx.run("store/put_note", name=_NOTE, value=orjson.dumps(rows).decode())
