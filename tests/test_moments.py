"""Times as people give them: the same reader for commands, pages, notebooks and the API (whose routes tests/api/test_parameters.py asks)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import engine
from engine.analysis.snapshot import Snapshot
from engine.errors import RefusedEdit
from engine.model import Actor, ResourceKey
from engine.present.moments import read_moment
from engine.workbench import Workbench

WRONG = [
    "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+23:59",
    "10000-01-01", "", "now", "1e9", "\0", "2026-13-01", "2026-11-20T25:00",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_time_that_utc_has_is_refused(text: str) -> None:
    with pytest.raises(RefusedEdit, match="FLEET-646"):
        read_moment(text)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59.999999Z", "0001-01-01", "9999-12-31T00:00:00+14:00"])
def test_the_edges_themselves_are_times(text: str) -> None:
    assert read_moment(text).tzinfo is UTC
    assert read_moment(datetime.fromisoformat(text)) == read_moment(text)


@pytest.mark.parametrize("text", WRONG[:4])
def test_notebooks_and_commands_refuse_it_without_a_traceback(workbench: Workbench, tmp_path: Path, text: str) -> None:
    workbench.set_resource(Actor("ana"), ResourceKey("acme", "modules", "m"), {})
    path = tmp_path / "a.duckdb"
    workbench.snapshot(Actor("ana"), path)
    with engine.open(path) as opened:
        assert isinstance(opened, Snapshot)
        for ask in (opened.fleet, opened.graph, opened.export):
            with pytest.raises(RefusedEdit, match="FLEET-646"):
                ask(at=text)
        with pytest.raises(RefusedEdit, match="FLEET-646"):
            opened.compare(text)
