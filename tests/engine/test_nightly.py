"""Restore drills by themselves: once a night for each account, made up for after a night without a server, and told when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import FleetError, RefusedEdit, StoreError
from engine.model import Actor, ResourceKey
from engine.notify.messages import messages
from engine.server.nightly import CATCH_UP_S, Nightly, due, last_moment
from engine.settings import Settings
from engine.workbench import Workbench
from engine.workbench import drill as drilling
from tests.conftest import SetClock

ME = Actor("ana")
NIGHT = datetime(2026, 11, 2, 3, 10, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def bench(settings: Settings, clock: SetClock) -> Iterator[Workbench]:
    """Two accounts with a resource each; the clock shows the morning of 1 November."""
    with Workbench.open_home(settings, clock=clock) as opened:
        for account in ("acme", "zeta"):
            opened.set_resource(ME, ResourceKey(account, "modules", "m"), {"priority": 3})
        yield opened


class Uptime:
    """For how many seconds a server has run."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def drilled(bench: Workbench) -> list[tuple[str | None, str, str]]:
    """(account, what came of it, who started it) of every drill, oldest first."""
    found = reversed(bench.events(limit=1000))
    return [
        (e.event.account, e.event.type.removeprefix("gitops.drill_"), e.actor)
        for e in found
        if e.event.type.startswith("gitops.drill_")
    ]


BOTH = [("acme", "passed", "gitops_scheduler"), ("zeta", "passed", "gitops_scheduler")]


@pytest.mark.parametrize(
    ("now", "moment"),
    [(NIGHT, NIGHT), (NIGHT - SECOND, NIGHT - DAY), (NIGHT + SECOND, NIGHT), (NIGHT + DAY - SECOND, NIGHT)],
)
def test_the_last_night_is_the_one_that_began_at_or_before_now(now: datetime, moment: datetime) -> None:
    assert last_moment("03:10", now) == moment


@pytest.mark.parametrize(
    ("last", "wanted"),
    [
        (None, True),
        (NIGHT - SECOND, True),
        (NIGHT, False),
        (NIGHT + DAY / 2, False),
        (NIGHT + DAY / 2 + SECOND, True),  # recorded while the clock was ahead
    ],
)
def test_which_accounts_have_a_drill(last: datetime | None, wanted: bool) -> None:
    assert due(last, NIGHT, NIGHT + DAY / 2) is wanted


def test_each_account_is_drilled_once_a_night(bench: Workbench, clock: SetClock) -> None:
    up = Uptime()
    made = Nightly(bench, lambda: False, up)
    up.seconds = 3600
    clock.now = NIGHT - timedelta(minutes=1)
    bench.drill(ME, "acme")
    bench.drill(ME, "zeta")
    before = drilled(bench)
    made.look()
    assert drilled(bench) == before
    for night in (1, 2):
        clock.now = NIGHT + (night - 1) * DAY
        for _ in range(2):
            made.look()
            assert drilled(bench) == before + BOTH * night, "looking again drills nothing"
    assert [(e.event.account, e.at > NIGHT + DAY) for e in bench.last_drills()] == [("acme", True), ("zeta", True)]
    assert [e.event.account for e in bench.status().drills] == ["acme", "zeta"]


def test_one_that_somebody_asked_for_counts_for_its_night(bench: Workbench, clock: SetClock) -> None:
    up = Uptime()
    made = Nightly(bench, lambda: False, up)
    up.seconds, clock.now = 3600, NIGHT
    bench.drill(ME, "acme")
    made.look()
    assert drilled(bench) == [("acme", "passed", "ana"), BOTH[1]]


def test_a_night_without_a_server_is_made_up_for_once_the_server_has_run_for_a_while(
    bench: Workbench, clock: SetClock
) -> None:
    up = Uptime()
    made = Nightly(bench, lambda: False, up)
    clock.now = NIGHT + DAY / 2
    up.seconds = CATCH_UP_S - 1
    made.look()
    assert drilled(bench) == []
    up.seconds = CATCH_UP_S
    made.look()
    made.look()
    assert drilled(bench) == BOTH


def test_a_night_that_comes_while_a_server_starts_is_not_put_off(bench: Workbench, clock: SetClock) -> None:
    up = Uptime()
    made = Nightly(bench, lambda: False, up)
    up.seconds, clock.now = 60, NIGHT + timedelta(seconds=20)
    made.look()
    assert drilled(bench) == BOTH


def test_switched_off_nothing_is_drilled(bench: Workbench, clock: SetClock) -> None:
    bench.settings = replace(bench.settings, drill_at="")
    up = Uptime()
    made = Nightly(bench, lambda: False, up)
    up.seconds, clock.now = 3600, NIGHT
    made.look()
    assert drilled(bench) == []


@pytest.mark.parametrize(
    ("raised", "code"),
    [(RefusedEdit("FLEET-630", "Too large.", "Raise the limit."), "FLEET-630"), (OSError(28, "x"), "FLEET-304"), (ValueError("secret"), "FLEET-900")],
)  # fmt: skip
def test_one_that_cannot_be_made_is_recorded_as_failed_and_keeps_no_other_from_its_drill(
    bench: Workbench, clock: SetClock, monkeypatch: pytest.MonkeyPatch, raised: Exception, code: str
) -> None:
    real = drilling.drill

    def refuses(reader: Workbench, account: str, watcher: object) -> object:
        if account == "acme":
            raise raised
        return real(reader, account)

    monkeypatch.setattr(drilling, "drill", refuses)
    up = Uptime()
    made = Nightly(bench, lambda: False, up)
    up.seconds, clock.now = 3600, NIGHT
    made.look()
    made.look()
    assert drilled(bench) == [("acme", "failed", "gitops_scheduler"), BOTH[1]]
    status = bench.status()
    (failed,) = status.failed_drills
    assert not status.well
    assert failed.event.data is not None
    assert failed.event.data["code"] == code
    assert failed.event.data["hint"]
    assert "secret" not in repr(failed)
    (message,) = messages([failed], {})
    assert (message.type, message.data["code"]) == ("drill.failed", code)


def test_one_that_can_be_neither_made_nor_recorded_is_tried_once_a_night(
    bench: Workbench, clock: SetClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[str] = []

    def refuses(_reader: Workbench, account: str, _watcher: object) -> None:
        tried.append(account)
        raise StoreError("FLEET-304", "The disk is full.", "Make room.")

    def full(*_given: object) -> None:
        raise StoreError("FLEET-304", "The disk is full.", "Make room.")

    monkeypatch.setattr(drilling, "drill", refuses)
    monkeypatch.setattr("engine.store.events.record", full)
    up = Uptime()
    made = Nightly(bench, lambda: False, up)
    up.seconds, clock.now = 3600, NIGHT
    made.look()
    made.look()
    assert tried == ["acme", "zeta"]
    assert "and this could not be recorded: FLEET-304" in caplog.text
    clock.now = NIGHT + DAY
    made.look()
    assert tried == ["acme", "zeta"] * 2


def test_a_server_that_ends_leaves_the_drill_in_hand_and_begins_no_other(bench: Workbench, clock: SetClock) -> None:
    asked: list[None] = []

    def ends_soon() -> bool:
        asked.append(None)
        return len(asked) > 2

    up = Uptime()
    made = Nightly(bench, ends_soon, up)
    up.seconds, clock.now = 3600, NIGHT
    made.look()
    assert drilled(bench) == []


def test_a_store_that_cannot_be_read_is_a_line_in_the_log(
    bench: Workbench, clock: SetClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuses(*_given: object) -> None:
        raise StoreError("FLEET-303", "The store is damaged.", "Restore it.")

    monkeypatch.setattr(Workbench, "last_drills", refuses)
    up = Uptime()
    made = Nightly(bench, lambda: False, up)
    up.seconds, clock.now = 3600, NIGHT
    made.look()
    assert "the restore drills did not run: FLEET-303 The store is damaged." in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(("given", "kept"), [(None, "03:10"), ("", ""), (" ", ""), ("00:00", "00:00"), ("23:59", "23:59")])  # fmt: skip
def test_when_it_drills_is_a_setting(given: str | None, kept: str) -> None:
    settings = Settings.from_environment("/nowhere", {} if given is None else {"FLEET_DRILL_AT": given})
    assert settings.drill_at == kept
    assert ("drill_at" in settings.sources) is (given is not None)


@pytest.mark.parametrize("given", ["24:00", "3:10", "03:60", "03:1", "0310", "off", "٠٣:١٠"])
def test_a_time_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(FleetError, match=r"FLEET-602.*FLEET_DRILL_AT"):
        Settings.from_environment("/nowhere", {"FLEET_DRILL_AT": given})
