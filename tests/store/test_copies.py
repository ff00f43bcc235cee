"""Copies of the store beside each other: every one of them is whole, one is made at a time, and a kill leaves nothing half done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest

from engine.errors import FleetError, StoreError
from engine.model import Actor, Permission, ResourceKey
from engine.settings import Settings
from engine.store import Store, snapshots
from engine.store.gate import Turns
from engine.workbench import Workbench
from tests.api.conftest import Api
from tests.conftest import Served, fill_account, listening

ME = Actor("ana")
ROOT = Path(__file__).resolve().parent.parent.parent


def content(path: Path) -> dict[str, list[tuple[str, ...]]]:
    """Every row of every table of a store file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {t: sorted(connection.execute(f'SELECT t::VARCHAR FROM "{t}" AS t').fetchall()) for t in tables}


def side_by_side(work: Callable[[int], object], count: int) -> list[object]:
    """What each of so many calls gives that begin at one moment, in threads."""
    begin = threading.Barrier(count)

    def each(number: int) -> object:
        begin.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(each, range(count)))


def assert_whole(paths: list[Path]) -> None:
    """Each is a store with the same rows, and nothing lies beside it."""
    first = content(paths[0])
    assert first["resources"]
    for path in paths:
        assert content(path) == first
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not path.with_name(f"{path.name}.wal").exists()


def test_five_at_once_from_threads_are_whole_and_equal(workbench: Workbench, tmp_path: Path) -> None:
    fill_account(workbench, "acme", tmp_path)
    paths = [tmp_path / f"{number}.duckdb" for number in range(5)]
    sizes = side_by_side(lambda number: workbench.snapshot(ME, paths[number]), 5)
    assert_whole(paths)
    assert sizes == [path.stat().st_size for path in paths], "its size is told once it is whole"
    assert not (workbench.settings.home / snapshots.COPIES).exists()


def test_five_at_once_through_the_api_are_whole_and_equal(settings: Settings, tmp_path: Path) -> None:
    with Served(settings) as service:
        fill_account(service.workbench, "acme", tmp_path)
        _, token = service.workbench.create_token(ME, "x", account="*", permissions=[Permission.READ])

        def fetch(number: int) -> Path:
            answer = Api(f"http://127.0.0.1:{port}", token)("GET", "system/snapshot")
            assert answer.status_code == 200
            path = tmp_path / f"{number}.duckdb"
            path.write_bytes(answer.content)
            path.chmod(0o600)
            return path

        with listening() as port:
            paths = side_by_side(fetch, 5)
        assert_whole([Path(str(path)) for path in paths])
        assert list((settings.home / "snapshots").iterdir()) == []


def test_a_snapshot_beside_compacting_is_whole(workbench: Workbench, tmp_path: Path) -> None:
    fill_account(workbench, "acme", tmp_path)
    paths = [tmp_path / f"{number}.duckdb" for number in range(3)]

    def work(number: int) -> None:
        if number < 3:
            workbench.snapshot(ME, paths[number])
        else:
            workbench.store.compact()

    side_by_side(work, 5)
    assert_whole(paths)
    workbench.set_resource(ME, ResourceKey("acme", "modules", "later"), {"priority": 1})


def test_a_long_read_that_begins_during_a_copy_changes_nothing(
    workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_account(workbench, "acme", tmp_path)
    reading, done = threading.Event(), threading.Event()

    def read() -> None:
        with workbench.store.read() as tx:
            tx.value("store/last_time")
            reading.set()
            done.wait(30)

    reader = threading.Thread(target=read)
    real = snapshots._count

    def count(cursor: duckdb.DuckDBPyConnection, table: str) -> int:
        if not reader.is_alive() and not reading.is_set():
            reader.start()
            assert reading.wait(30)
        return real(cursor, table)

    monkeypatch.setattr(snapshots, "_count", count)
    paths = [tmp_path / "0.duckdb", tmp_path / "1.duckdb"]
    for path in paths:
        workbench.snapshot(ME, path)
    assert_whole(paths)
    done.set()
    reader.join()


@pytest.fixture
def busy(workbench: Workbench) -> Iterator[ExitStack]:
    """Somebody else makes a copy until this is closed."""
    with ExitStack() as stack:
        begun, end = threading.Event(), threading.Event()

        def hold() -> None:
            with workbench.store._copying.taken(0):
                begun.set()
                end.wait(60)

        other = threading.Thread(target=hold)
        other.start()
        assert begun.wait(30)
        stack.callback(other.join)
        stack.callback(end.set)
        yield stack


@pytest.mark.parametrize("verb", ["snapshot", "compact"])
def test_whoever_waits_too_long_is_refused(workbench: Workbench, tmp_path: Path, busy: ExitStack, verb: str) -> None:
    path = tmp_path / "x.duckdb"
    store: Store = workbench.store
    asks: dict[str, Callable[[], object]] = {
        "snapshot": lambda: store.snapshot(path, wait_s=0.01),
        "compact": lambda: store.compact(turn_s=0.01),
    }
    with pytest.raises(StoreError, match="FLEET-315") as refused:
        asks[verb]()
    assert refused.value.hint
    assert not path.exists()
    busy.close()
    asks[verb]()


def test_only_a_few_wait_and_the_others_are_refused_at_once() -> None:
    turns, inside, leave = Turns(2), threading.Event(), threading.Event()

    def hold(_: int) -> str:
        try:
            with turns.taken(30):
                inside.set()
                leave.wait(30)
        except TimeoutError:
            leave.set()
            return "refused"
        return "done"

    assert sorted(str(outcome) for outcome in side_by_side(hold, 4)) == ["done", "done", "done", "refused"]
    with turns.taken(0):
        pass


@pytest.mark.usefixtures("serving", "busy")
def test_the_api_says_that_it_is_busy(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Store.snapshot
    monkeypatch.setattr(Store, "snapshot", lambda store, path: real(store, path, wait_s=0.01))
    _, token = workbench.create_token(ME, "x", account="*", permissions=[Permission.READ])
    with listening() as port:
        answer = Api(f"http://127.0.0.1:{port}", token)("GET", "system/snapshot")
    assert (answer.status_code, answer.json()["code"]) == (503, "FLEET-315")


def test_a_copy_that_lacks_something_is_not_kept(
    workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_account(workbench, "acme", tmp_path)
    path = tmp_path / "x.duckdb"
    real = snapshots._fold

    def lose_a_row(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
        cursor.execute(f"DELETE FROM {name}.main.claims")
        real(cursor, name)

    def leave_the_log(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
        real(cursor, name)
        (row,) = cursor.execute("SELECT path FROM duckdb_databases() WHERE database_name = ?", [name]).fetchall()
        Path(f"{row[0]}.wal").touch()

    for harm in (lose_a_row, leave_the_log):
        monkeypatch.setattr(snapshots, "_fold", harm)
        with pytest.raises(StoreError, match="FLEET-307"):
            workbench.snapshot(ME, path)
        assert not path.exists()
        assert not (workbench.settings.home / snapshots.COPIES).exists()


def another_file_system(beside: Path) -> Path | None:
    """A folder that no file of the other's can be moved into."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK) or shared.stat().st_dev == beside.stat().st_dev:
        return None
    return shared


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    shared = another_file_system(tmp_path)
    if shared is None:
        pytest.skip("there is no other file system here")
    folder = shared / f"fleet-test-{os.getpid()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def test_a_snapshot_goes_to_another_file_system_too(workbench: Workbench, tmp_path: Path, elsewhere: Path) -> None:
    fill_account(workbench, "acme", tmp_path)
    paths = [elsewhere / "0.duckdb", tmp_path / "1.duckdb"]
    for path in paths:
        workbench.snapshot(ME, path)
    assert_whole(paths)
    assert list(elsewhere.iterdir()) == [paths[0]]


GAPS = ["begin", "copy", "fold", "detach", "check", "place", "placed"]
"""Where a process is killed that makes a copy; `cross` is in the middle of copying to another file system."""

KILLED = """
import json, os, signal, sys
from pathlib import Path
from engine.system import private
from engine.kinds.fleet import FLEET
from engine.store import Store, database, snapshots
from engine.workbench import utc_now

def kill(*_, **__): os.kill(os.getpid(), signal.SIGKILL)

def after(real):
    def done(*given):
        real(*given)
        kill()
    return done

def die(gap, verb, home, target):
    store = Store.open(Path(home), FLEET, utc_now)
    match gap:
        case "begin": snapshots.write = kill
        case "copy": snapshots._count = kill
        case "fold": snapshots._fold = kill
        case "detach": snapshots._detach = kill
        case "check": snapshots.check = kill
        case "place": Path.replace = kill
        case "placed": Path.replace = after(Path.replace)
        case "cross": private.copy = after(private.copy)
    store.snapshot(Path(target)) if verb == "snapshot" else store.compact()

for case in json.load(sys.stdin):
    child = os.fork()
    if not child:
        die(*case)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_killed_in_any_gap_the_old_file_or_the_new_one_is_there_and_nothing_else(
    settings: Settings, tmp_path: Path
) -> None:
    with Workbench.open_home(settings) as bench:
        fill_account(bench, "acme", tmp_path)
        bench.store.snapshot(tmp_path / "old.duckdb")
        bench.set_resource(ME, ResourceKey("acme", "modules", "later"), {"priority": 1})
    whole = content(settings.home / "fleet.duckdb")
    without_tokens = {**whole, "api_tokens": []}
    old = content(tmp_path / "old.duckdb")
    shared = another_file_system(tmp_path)
    cases = [*((gap, "snapshot") for gap in GAPS), ("fold", "compact"), ("check", "compact")]
    folders = {case: tmp_path / "-".join(case) for case in cases}
    if shared is not None:
        folders["cross", "snapshot"] = shared / f"fleet-test-{os.getpid()}"
    try:
        for (gap, verb), folder in folders.items():
            folder.mkdir()
            shutil.copytree(settings.home, tmp_path / f"home-{gap}-{verb}", symlinks=True)
            shutil.copyfile(tmp_path / "old.duckdb", folder / "x.duckdb")
        asked = [
            [gap, verb, str(tmp_path / f"home-{gap}-{verb}"), str(folder / "x.duckdb")]
            for (gap, verb), folder in folders.items()
        ]
        done = subprocess.run(
            [sys.executable, "-c", KILLED],
            cwd=ROOT,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.stdout.split() == [str(-signal.SIGKILL)] * len(folders), done.stderr
        for (gap, verb), folder in folders.items():
            home = tmp_path / f"home-{gap}-{verb}"
            with Workbench.open_home(Settings.from_environment(home, {})) as bench:
                assert bench.resource(ResourceKey("acme", "modules", "later"))
            assert content(home / "fleet.duckdb") == whole, (gap, verb)
            assert not list(home.glob("copies")), (gap, verb)
            assert not list(home.glob(".f*")), (gap, verb)
            assert [path.name for path in folder.iterdir()] == ["x.duckdb"], (gap, verb)
            found = content(folder / "x.duckdb")
            assert found == (without_tokens if (gap, verb) == ("placed", "snapshot") else old), (gap, verb)
    finally:
        if shared is not None:
            shutil.rmtree(shared / f"fleet-test-{os.getpid()}", ignore_errors=True)


@pytest.mark.parametrize("name", ["fleet.duckdb", "fleet.duckdb.wal"])
def test_no_snapshot_takes_the_place_of_a_store_or_its_log(workbench: Workbench, name: str) -> None:
    before = (workbench.settings.home / "fleet.duckdb").stat().st_ino
    with pytest.raises(FleetError, match="FLEET-607"):
        workbench.snapshot(ME, workbench.settings.home / name)
    assert (workbench.settings.home / "fleet.duckdb").stat().st_ino == before
