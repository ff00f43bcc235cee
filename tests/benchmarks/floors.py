"""The floors: scripts that do the bare minimum of the same work and check nothing, to see what the machine allows."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import duckdb
import orjson
import yaml
from yaml._yaml import CParser
from yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

from tests.conftest import GIT_ENVIRONMENT

Fleet = dict[str, dict[str, dict[str, Any]]]


def events(data: bytes) -> int:
    """Read all events of a text; gives how many."""
    read, count = CParser(data).get_event, 0
    while read() is not None:
        count += 1
    return count


def values(data: bytes) -> Any:
    """The values of a text without tags and aliases, nothing checked."""
    read = CParser(data).get_event
    known: dict[str, Any] = {}

    def value(event: Any) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            text = event.value
            if event.style:
                return text
            if text not in known:
                known[text] = yaml.safe_load(text)
            return known[text]
        if kind is MappingStartEvent:
            made: dict[str, Any] = {}
            while type(event := read()) is not MappingEndEvent:
                made[event.value] = value(read())
            return made
        items = []
        while type(event := read()) is not SequenceEndEvent:
            items.append(value(event))
        return items

    while type(event := read()) is not MappingStartEvent:
        pass
    return value(event)


def _git(folder: Path, *arguments: str) -> bytes:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, env=GIT_ENVIRONMENT, check=True, capture_output=True).stdout


def fetch_only(folder: Path, remote: Path) -> None:
    """Fetch a branch by git alone."""
    _git(folder, "fetch", "--quiet", "--depth=1", "--no-tags", str(remote), "+refs/heads/main:refs/bare")


def fetch(folder: Path, remote: Path) -> bytes:
    """Fetch a branch by git alone; gives its fleet file."""
    if not (folder / "HEAD").exists():
        _git(folder, "init", "--quiet", "--bare")
    fetch_only(folder, remote)
    return _git(folder, "cat-file", "blob", "refs/bare:fleet.yaml")


def read_live(store: duckdb.DuckDBPyConnection) -> Fleet:
    """The live fleet by section and name."""
    fleet: Fleet = {}
    for kind, name, spec in store.execute("SELECT kind, name, spec FROM resources").fetchall():
        fleet.setdefault(kind, {})[name] = orjson.loads(spec)
    return fleet


def differences(desired: Fleet, live: Fleet) -> list[tuple[str, str, dict[str, Any]]]:
    """What is declared otherwise than it is."""
    return [
        (kind, name, spec)
        for kind, specs in desired.items()
        for name, spec in specs.items()
        if (there := live.get(kind, {}).get(name)) is None or any(there.get(f) != v for f, v in spec.items())
    ]


def propose(store: duckdb.DuckDBPyConnection, found: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Write down at most 25 differences."""
    rows = [(kind, name, orjson.dumps(spec).decode()) for kind, name, spec in found[:25]]
    store.execute("CREATE TABLE IF NOT EXISTS bare (kind VARCHAR, name VARCHAR, spec VARCHAR)")
    kinds, names, specs = (list(column) for column in zip(*rows, strict=True))
    store.execute(
        "INSERT INTO bare SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[])",
        [kinds, names, specs],
    )


def tick(folder: Path, remote: Path, store: duckdb.DuckDBPyConnection) -> int:
    """Fetch, read, compare, write down: a tick without any check. Gives how many differences there were."""
    desired = values(fetch(folder, remote))
    fleet = {section: specs for section, specs in desired.items() if isinstance(specs, dict)}
    found = differences(fleet, read_live(store))
    propose(store, found)
    return len(found)


_BODY = orjson.dumps({"items": [{"id": i, "text": "x" * 900} for i in range(25)], "next": None})


async def app(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that gives the same bytes to every request: about as many as a page of proposals has."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(_BODY))]})
    await send({"type": "http.response.body", "body": _BODY})


def write_all(store: duckdb.DuckDBPyConnection, rows: list[tuple[str, str, str, str]]) -> None:
    """Rows of (key, kind, name, spec) by one statement, durable."""
    keys, kinds, names, specs = (list(column) for column in zip(*rows, strict=True))
    store.execute(
        "INSERT INTO live SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[]), unnest($4::VARCHAR[])",
        [keys, kinds, names, specs],
    )
