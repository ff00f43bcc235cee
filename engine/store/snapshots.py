"""A consistent copy of a whole store, made while others read and write, and checked before anybody gets it."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import duckdb

from engine.errors import StoreError
from engine.store import opening
from engine.store.statements import statement
from engine.system import private

TOKENS = frozenset({"api_tokens"})
"""The table of who may come in: its rows stay behind where a copy goes out of the house."""

COPIES = "copies"
"""The folder of a home in which copies are made. The store may attach files of this folder and of no other."""

_NOTE = "beside"
"""In the folder of a copy: the name of the private folder that was made beside its target."""


class Room(NamedTuple):
    """Where a copy is made, and where it is laid if its target is on another file system."""

    made: Path
    beside: Path


@contextmanager
def room(copies: Path, target: Path) -> Iterator[Room]:
    """Private folders for one copy: in the home, and beside the target, which shows that the target can be written.

    Both are gone at the end. What a killed process leaves of them, `clear` finds. Raises: OSError.
    """
    inside = copies / secrets.token_hex(8)
    private.make_folder(inside)
    beside = target.absolute().parent / f"{private.PREFIX}{secrets.token_hex(8)}"
    try:
        (inside / _NOTE).write_bytes(os.fsencode(beside))
        beside.mkdir(mode=private.FOLDER)
        yield Room(inside / target.name, beside)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(inside, ignore_errors=True)
        with suppress(OSError):
            copies.rmdir()


def clear(copies: Path) -> None:
    """Remove what copies of a killed process left. Only whoever holds the store may call it. Effects: files."""
    if copies.is_symlink():  # what it leads to is not ours
        copies.unlink()
    for note in copies.glob(f"*/{_NOTE}"):
        beside = Path(os.fsdecode(note.read_bytes()))
        if re.fullmatch(rf"{re.escape(private.PREFIX)}[0-9a-f]{{16}}", beside.name) and not beside.is_symlink():
            shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(copies, ignore_errors=True)


def write(cursor: duckdb.DuckDBPyConnection, path: Path, *, without: Collection[str] = ()) -> dict[str, int]:
    """Copy everything but the rows of some tables, as it stands when this begins, into a new file; gives its rows by table.

    Within one transaction all rows are of one moment; numbers that are given out meanwhile are none of the copy's, so that
    whoever takes it over goes on counting behind all of its own. Raises: StoreError FLEET-307 where a row is missing in the copy.
    """
    name = f"snapshot_{secrets.token_hex(4)}"
    place = str(path).replace("'", "''")
    cursor.execute(f"ATTACH '{place}' AS {name}")
    try:
        counts = _fill(cursor, name, without)
        _fold(cursor, name)
    finally:
        _undo(cursor)
        _detach(cursor, name)
    return counts


def _fill(cursor: duckdb.DuckDBPyConnection, name: str, without: Collection[str]) -> dict[str, int]:
    """Copy schema and rows in one transaction; gives the rows of each table of the copy."""
    counts: dict[str, int] = {}
    cursor.execute("BEGIN TRANSACTION")
    row = cursor.execute("SELECT current_database()").fetchone()
    own = row[0] if row else ""
    tables = cursor.execute(statement("snapshots/tables")).fetchall()
    cursor.execute(f'COPY FROM DATABASE "{own}" TO {name} (SCHEMA)')
    for (table,) in tables:
        if table not in without:
            cursor.query(f'FROM "{own}".main."{table}"').insert_into(f'{name}.main."{table}"')
        counts[table] = _count(cursor, f'{name}.main."{table}"')
        if table not in without and _count(cursor, f'"{own}".main."{table}"') != counts[table]:
            raise _not_whole(table)
    cursor.execute("COMMIT")
    return counts


def _fold(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """Bring the log of the copy into its file. DuckDB does it on detaching as well, but only once nobody else copies or reads."""
    cursor.execute(f"CHECKPOINT {name}")


def _detach(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    cursor.execute(f"DETACH {name}")


def check(path: Path, counts: Mapping[str, int]) -> None:
    """Open a finished copy for reading and compare the rows of every table. Raises: StoreError FLEET-307; duckdb.Error."""
    if path.with_name(f"{path.name}.wal").exists():
        raise _not_whole("the log")
    connection = opening.read_only(path)
    try:
        tables = [table for (table,) in connection.execute(statement("snapshots/tables")).fetchall()]
        if {table: _count(connection, f'main."{table}"') for table in tables} != counts:
            raise _not_whole("the store")
    finally:
        connection.close()


def place(room: Room, target: Path) -> None:
    """Let a finished copy take its place in one step; when this returns, it is there after a power failure too. Raises: OSError."""
    room.made.chmod(private.FILE)
    try:
        room.made.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        made = room.beside / target.name  # the target is on another file system
        private.copy(room.made, made)
        made.replace(target)
    private.settle(target.absolute().parent)


def _not_whole(what: str) -> StoreError:
    return StoreError(
        "FLEET-307",
        f"The copy of {what} is incomplete.",
        "Nothing was saved. Try again; if it fails again, check the disk.",
    )


def _count(cursor: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(cursor.query(f"FROM {table}").aggregate("count(*)").fetchall()[0][0])


def _undo(cursor: duckdb.DuckDBPyConnection) -> None:
    """Leave no transaction open; after a commit there is none, which DuckDB says by raising."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        return
