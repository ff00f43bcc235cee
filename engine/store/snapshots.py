"""A consistent copy of a whole store, made while others read and write; tokens and their rights are not in it."""

from __future__ import annotations

import secrets
from pathlib import Path

import duckdb

from engine.store.statements import statement

LEFT_OUT = frozenset({"api_tokens"})
"""Tables whose rows stay behind; the tables themselves are there."""


def write(cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Copy everything, as it stands when this begins, into a new file.

    Within one transaction all rows are of one moment; numbers that are given out meanwhile are none of the copy's, so that
    whoever takes it over goes on counting behind all of its own.
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
            if table not in LEFT_OUT:
                cursor.query(f'FROM "{own}".main."{table}"').insert_into(f'{name}.main."{table}"')
        cursor.execute("COMMIT")
    finally:
        _undo(cursor)
        cursor.execute(f"DETACH {name}")


def _undo(cursor: duckdb.DuckDBPyConnection) -> None:
    """Leave no transaction open; after a commit there is none, which DuckDB says by raising."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        return
