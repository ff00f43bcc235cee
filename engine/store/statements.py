"""The SQL of the store, read from files: statements by name, migrations in order."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return (resources.files("engine.store") / "sql" / f"{name}.sql").read_text()


@cache
def migrations() -> tuple[tuple[int, str, str], ...]:
    """All migrations as (number, name, script), in order."""
    folder = resources.files("engine.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple((int(name.split("_", 1)[0]), name, (folder / name).read_text()) for name in names)
