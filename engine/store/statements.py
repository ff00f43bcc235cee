"""The SQL of the store, read from files: statements by name, migrations in order."""

from __future__ import annotations

from functools import cache
from importlib import resources

import duckdb

from engine.store.columns import FRAGMENTS

_parsed: dict[str, duckdb.Statement] = {}


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`, with the lists of columns that it names."""
    text = (resources.files("engine.store") / "sql" / f"{name}.sql").read_text()
    for word, columns in FRAGMENTS.items():
        text = text.replace(word, columns)
    return text


def parsed(name: str, cursor: duckdb.DuckDBPyConnection) -> duckdb.Statement:
    """A statement, read once in the life of a process: for DuckDB the reading is up to half of a small question's time."""
    found = _parsed.get(name)
    if found is None:
        (found,) = cursor.extract_statements(statement(name))
        _parsed[name] = found
    return found


@cache
def migrations() -> tuple[tuple[int, str, str], ...]:
    """All migrations as (number, name, script), in order."""
    folder = resources.files("engine.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple((int(name.split("_", 1)[0]), name, (folder / name).read_text()) for name in names)
