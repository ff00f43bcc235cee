"""The log: a line for each event and request, for people or for machines, and never more than one line from others' text."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from engine.context import current_request, in_request
from engine.model import Actor, ResourceKey
from engine.server import log
from engine.server.log import EventLog
from engine.server.observers import Observers
from engine.workbench import Workbench

ME = Actor("ana")


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What stands in the log, in the form that the test names."""
    out = io.StringIO()
    with log.written(request.param, out):
        yield out


@pytest.mark.parametrize("written", ["text"], indirect=True)
def test_each_event_is_one_line_with_its_request(workbench: Workbench, written: io.StringIO) -> None:
    looking = Observers([EventLog()])
    looking.start()
    workbench.store.on_recorded = looking.recorded
    with in_request("cron-7"):
        workbench.set_resource(ME, ResourceKey("acme", "modules", "a"), {}, note="line one\nINFO forged\u202e")
    assert current_request() is None
    workbench.delete_resource(ME, ResourceKey("acme", "modules", "a"))
    looking.close()
    first, second = written.getvalue().splitlines()
    assert "INFO    fleet.created modules/a in acme by ana: line one\ufffdINFO forged\ufffd [cron-7]" in first
    assert second.endswith("fleet.destroyed modules/a in acme by ana")


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_structured_lines_are_json_with_the_facts(workbench: Workbench, written: io.StringIO) -> None:
    EventLog().recorded([])
    looking = Observers([EventLog()])
    looking.start()
    workbench.store.on_recorded = looking.recorded
    workbench.on_ticked = looking.ticked
    with in_request("r1"):
        workbench.set_resource(ME, ResourceKey("acme", "modules", "a"), {})
    workbench.add_repository(ME, "fc", "/nowhere", account="acme")
    workbench.sync(ME, "fc")
    looking.close()
    try:
        raise ValueError("x")
    except ValueError:
        logging.getLogger("engine.x").exception("it broke\nbadly")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert (lines[0]["type"], lines[0]["name"], lines[0]["actor"], lines[0]["request_id"]) == (
        "fleet.created",
        "a",
        "ana",
        "r1",
    )
    tick = next(line for line in lines if line["logger"] == "fleet.tick")
    assert (tick["repository"], tick["status"]) == ("fc", "failed")
    assert lines[-1]["level"] == "error"
    assert "ValueError: x" in lines[-1]["trace"]
    assert all(line["at"].endswith("Z") for line in lines)


def test_one_who_looks_on_and_stumbles_hinders_nobody(workbench: Workbench, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    class Stumbling:
        def recorded(self, found: object) -> None:
            raise ValueError("no")

        def ticked(self, run: object) -> None:
            raise ValueError("no")

    class Seeing:
        def recorded(self, found: list) -> None:  # type: ignore[type-arg]
            seen.extend(e.event.type for e in found)

        def ticked(self, run: object) -> None:
            pass

    looking = Observers([Stumbling(), Seeing()])  # type: ignore[list-item]
    looking.start()
    workbench.store.on_recorded = looking.recorded
    workbench.set_resource(ME, ResourceKey("acme", "modules", "a"), {})
    looking.close()
    assert seen == ["fleet.created"]
    assert "the observer Stumbling failed" in caplog.text


def test_what_is_undone_is_told_to_nobody(workbench: Workbench) -> None:
    seen: list[object] = []
    workbench.store.on_recorded = seen.extend
    from engine.model import Event
    from engine.store import events

    def undone() -> None:
        with workbench.store.write() as tx:
            events.record(tx, "ana", [Event("x.y")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert seen == []
    with workbench.store.write() as tx:
        events.record(tx, "ana", [Event("x.y")])
    assert len(seen) == 1
