"""Snapshots that a server keeps by itself: when, where, how many, and what becomes of everything else in their folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import engine
from engine.errors import FleetError, StoreError
from engine.model import Actor, RecordedEvent, ResourceKey
from engine.notify.messages import messages
from engine.server import kept
from engine.server.kept import RETRY_S, Kept, file_name, wait
from engine.settings import Settings
from engine.store import Store, kept_snapshots
from engine.system import surroundings
from engine.workbench import Workbench
from tests.conftest import SetClock

ME = Actor("ana")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def bench(settings: Settings, clock: SetClock, folder: Path) -> Iterator[Workbench]:
    given = replace(settings, snapshots=str(folder), snapshot_every_h=1, snapshot_keep=2)
    with Workbench.open_home(given, clock=clock) as opened:
        opened.set_resource(ME, ResourceKey("acme", "modules", "m"), {"priority": 3})
        yield opened


class Time:
    """A clock that nobody sets, which a test moves on together with the other one."""

    def __init__(self, clock: SetClock) -> None:
        self.seconds, self._clock = 0.0, clock

    def __call__(self) -> float:
        return self.seconds

    def move(self, hours: float) -> None:
        self.seconds += hours * 3600
        self._clock.advance(hours=hours)


@pytest.fixture
def passing(clock: SetClock) -> Time:
    return Time(clock)


@pytest.fixture
def made(bench: Workbench, passing: Time) -> Kept:
    return Kept(bench, passing)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def failed(bench: Workbench) -> RecordedEvent:
    found = bench.status().failed_snapshot
    assert found is not None
    return found


def code(found: RecordedEvent) -> object:
    return (found.event.data or {}).get("code")


@pytest.mark.parametrize(
    ("newest", "left"),
    [
        (None, timedelta(0)),
        (NOW, HOUR),
        (NOW - HOUR + SECOND, SECOND),
        (NOW - HOUR, timedelta(0)),
        (NOW + SECOND, timedelta(0)),  # made while the clock was ahead
    ],
)
def test_when_the_next_is_due(newest: datetime | None, left: timedelta) -> None:
    assert wait(newest, NOW, HOUR) == left


def test_one_is_kept_each_interval_and_the_oldest_go(
    bench: Workbench, made: Kept, passing: Time, folder: Path, clock: SetClock
) -> None:
    seen = []
    for number in (1, 2, 3, 4):
        made.look()
        made.look()
        there = files(folder)
        assert len(there) == min(number, 2), "looking again keeps none, and two are enough"
        seen.append(there[-1])
        assert there == seen[-2:]
        passing.move(0.9)
        made.look()
        assert files(folder) == there
        passing.move(0.2)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in files(folder):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        with engine.open(folder / name) as snapshot:
            assert len(snapshot.reader.resources()) == 1
    (event,) = bench.kept_snapshots()
    assert event.event.data is not None
    assert {name: event.event.data[name] for name in ("file", "kept", "removed")} == {
        "file": seen[-1],
        "kept": 2,
        "removed": 1,
    }
    status = bench.status()
    assert (status.failed_snapshot, status.well) == (None, True)


def test_another_process_goes_on_where_the_last_one_stopped(
    bench: Workbench, made: Kept, passing: Time, folder: Path
) -> None:
    made.look()
    passing.move(0.5)
    again = Kept(bench, passing)
    again.look()
    assert len(files(folder)) == 1
    passing.move(0.6)
    again.look()
    assert len(files(folder)) == 2


def test_what_is_removed_by_hand_is_made_again(bench: Workbench, made: Kept, passing: Time, folder: Path) -> None:
    made.look()
    (folder / files(folder)[0]).unlink()
    Kept(bench, passing).look()
    assert len(files(folder)) == 1


def test_nothing_else_is_ever_removed(bench: Workbench, made: Kept, passing: Time, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    made.look()
    ours = folder / files(folder)[0]
    of_others = folder / "fleet-20200101T000000Z-00000000.duckdb"  # looks like ours, and no snapshot is better
    bench.snapshot(ME, of_others)
    (folder / "notes.txt").write_text("mine")
    passing.move(1.1)
    made.look()
    exchanged = min(set(folder.glob("fleet-2026*")) - {ours})
    aside = folder / "aside.duckdb"
    exchanged.rename(aside)
    exchanged.symlink_to(aside)
    damaged = ours.read_bytes()[:100]
    ours.write_bytes(damaged)
    for _ in range(4):
        passing.move(1.1)
        made.look()
    assert ours.read_bytes() == damaged, "what does not open as a snapshot is left alone"
    assert exchanged.is_symlink()
    assert {"notes.txt", "aside.duckdb", of_others.name} <= set(files(folder))
    good = set(files(folder)) - {"notes.txt", "aside.duckdb", of_others.name, ours.name, exchanged.name}
    assert len(good) == 2, "those that do not open count for nothing"


@pytest.mark.parametrize("make", ["file", "no parent", "read-only"])
def test_a_folder_that_cannot_be_used_is_told_once_until_it_can(
    bench: Workbench, passing: Time, folder: Path, tmp_path: Path, make: str
) -> None:
    if make == "file":
        folder.write_text("a file")
    elif make == "no parent":
        folder = tmp_path / "not-mounted" / "kept"
        bench.settings = replace(bench.settings, snapshots=str(folder))
    elif os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    else:
        folder.mkdir(mode=0o500)
    made = Kept(bench, passing)
    made.look()
    first = failed(bench)
    assert code(first) == "FLEET-633"
    assert (first.event.data or {})["hint"]
    assert str(folder) not in repr(first)
    (message,) = messages([first], {})
    assert (message.type, message.repository, message.data["code"]) == ("snapshot.failed", "the store", "FLEET-633")
    assert not bench.status().well
    passing.move(RETRY_S / 3600)
    made.look()
    assert failed(bench).seq == first.seq, "the same failure is recorded once"
    if make == "file":
        folder.unlink()
        made.look()
        assert not folder.exists(), "the next try is not before the pause is over"
        passing.move(RETRY_S / 3600)
        made.look()
        assert bench.status().failed_snapshot is None
        assert len(files(folder)) == 1


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (surroundings.disk_full("x"), "FLEET-304"),
        (StoreError("FLEET-305", "no", "yes"), "FLEET-633"),
        (StoreError("FLEET-315", "no", "yes"), "FLEET-315"),
        (OSError(28, "No space left on device"), "FLEET-304"),
        (ValueError("secret"), "FLEET-900"),
    ],
)
def test_what_the_machine_refuses_is_recorded_and_nothing_old_goes(
    bench: Workbench,
    made: Kept,
    passing: Time,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception,
    expected: str,
) -> None:
    made.look()
    passing.move(1.1)
    made.look()
    before = files(folder)

    def refuses(*_given: object, **_named: object) -> None:
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr(Store, "snapshot", refuses)
        passing.move(1.1)
        made.look()
    assert code(failed(bench)) == expected
    assert "secret" not in repr(failed(bench))
    assert files(folder) == before
    passing.move(1.1)
    made.look()
    assert bench.status().failed_snapshot is None
    assert len(files(folder)) == 2
    assert files(folder)[0] == before[1]


def test_one_that_does_not_open_once_it_is_written_is_no_success(
    bench: Workbench, made: Kept, passing: Time, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.look()
    before = files(folder)
    real = Store.snapshot

    def spoiled(self: Store, path: Path, *rest: float) -> None:
        real(self, path, *rest)
        path.write_bytes(path.read_bytes()[:5000])

    monkeypatch.setattr(Store, "snapshot", spoiled)
    passing.move(1.1)
    made.look()
    assert code(failed(bench)) == "FLEET-634"
    assert files(folder) == before


def test_old_ones_that_cannot_be_removed_are_told(
    bench: Workbench, made: Kept, passing: Time, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_removed", lambda _path: False)
    for _ in range(3):
        made.look()
        passing.move(1.1)
    assert code(failed(bench)) == "FLEET-635"
    assert len(files(folder)) == 3
    assert [e.event.type for e in bench.kept_snapshots()] == ["gitops.snapshot_kept", "gitops.snapshot_failed"]


def test_the_last_one_and_the_last_failure_stay_whatever_is_forgotten(
    bench: Workbench, made: Kept, passing: Time, folder: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        made.look()
        passing.move(1.1)
    bench.settings = replace(bench.settings, snapshots=str(tmp_path / "not-mounted" / "kept"))
    made.look()
    before = bench.kept_snapshots()
    passing.move(24 * 100)
    assert bench.prune(ME)["fleet_events"] >= 1
    assert bench.kept_snapshots() == before
    assert [e.event.type for e in before] == ["gitops.snapshot_kept", "gitops.snapshot_failed"]


def test_one_that_a_killed_process_did_not_finish_is_no_snapshot_and_is_forgotten(
    bench: Workbench, made: Kept, passing: Time, folder: Path
) -> None:
    with bench.store.write() as tx:
        kept_snapshots.add(tx, kept_snapshots.Entry(folder / file_name(tx.at), tx.at))
    made.look()
    assert len(files(folder)) == 1
    with bench.store.read() as tx:
        assert [entry.path.name for entry in kept_snapshots.written(tx)] == files(folder)


def test_a_store_that_went_back_to_a_snapshot_goes_on_with_the_files_that_it_knows(
    bench: Workbench, made: Kept, passing: Time, folder: Path, tmp_path: Path, clock: SetClock
) -> None:
    for _ in range(2):
        made.look()
        passing.move(1.1)
    first, second = files(folder)
    home = tmp_path / "restored"
    home.mkdir(mode=0o700)
    (home / "fleet.duckdb").write_bytes((folder / second).read_bytes())
    with Workbench.open_home(replace(bench.settings, home=home), clock=clock) as restored:
        again = Kept(restored, passing)
        again.look()
        assert first not in files(folder)
        assert second in files(folder)
        assert len(files(folder)) == 2


def test_without_a_folder_none_is_kept(bench: Workbench, made: Kept, folder: Path) -> None:
    bench.settings = replace(bench.settings, snapshots="")
    made.look()
    assert not folder.exists()
    assert (bench.kept_snapshots(), bench.status().snapshots) == ([], ())


@pytest.mark.parametrize("given", ["", "/", "/snapshots", "/kept/daily"])
def test_a_folder_in_the_home_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(FleetError, match=r"FLEET-602.*inside the home"):
        Settings.from_environment(tmp_path / "home", {"FLEET_SNAPSHOTS": f"{tmp_path}/home{given}"})


def test_a_folder_beside_the_home_is_taken(tmp_path: Path) -> None:
    given = {"FLEET_SNAPSHOTS": f"{tmp_path}/home-kept", "FLEET_SNAPSHOT_EVERY": "6", "FLEET_SNAPSHOT_KEEP": "1"}
    settings = Settings.from_environment(tmp_path / "home", given)
    assert (settings.snapshots, settings.snapshot_every_h, settings.snapshot_keep) == (f"{tmp_path}/home-kept", 6, 1)
