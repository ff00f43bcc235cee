"""A consistent copy of a whole store, made while others read and write."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from pathlib import Path

import duckdb

from engine.errors import StoreError
from engine.store.statements import statement

TOKENS = frozenset({"api_tokens"})
"""The table of who may come in: its rows stay behind where a copy goes out of the house."""


def write(cursor: duckdb.DuckDBPyConnection, path: Path, *, without: Collection[str] = ()) -> None:
    """Copy everything but the rows of some tables, as it stands when this begins, into a new file.

    Within one transaction all rows are of one moment; numbers that are given out meanwhile are none of the copy's, so that
    whoever takes it over goes on counting behind all of its own. Raises: StoreError FLEET-307 where a row is missing in the copy.
    """
    name = f"snapshot_{secrets.token_hex(4)}"
    place = str(path).replace("'", "''")
    cursor.execute(f"ATTACH '{place}' AS {name}")
    try:
        cursor.execute("BEGIN TRANSACTION")
        row = cursor.execute("SELECT current_database()").fetchone()
        own = row[0] if row else ""
        tables = cursor.execute(statement("snapshots/tables")).fetchall()
        cursor.execute(f'COPY FROM DATABASE "{own}" TO {name} (SCHEMA)')
        for (table,) in tables:
            if table in without:
                continue
            cursor.query(f'FROM "{own}".main."{table}"').insert_into(f'{name}.main."{table}"')
            if _count(cursor, own, table) != _count(cursor, name, table):
                raise StoreError(
                    "FLEET-307", f"The copy of {table} is not whole.", "Nothing was kept. Please report it."
                )
        cursor.execute("COMMIT")
    finally:
        _undo(cursor)
        cursor.execute(f"DETACH {name}")


def _count(cursor: duckdb.DuckDBPyConnection, database: str, table: str) -> int:
    return int(cursor.query(f'FROM "{database}".main."{table}"').aggregate("count(*)").fetchall()[0][0])


def _undo(cursor: duckdb.DuckDBPyConnection) -> None:
    """Leave no transaction open; after a commit there is none, which DuckDB says by raising."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        return
