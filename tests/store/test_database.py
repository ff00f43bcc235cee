"""Opening a store that is held, newer, damaged, unwritable or full; migrations; one way in for live writes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path

import duckdb
import pytest

from engine.errors import StoreError, StoreLocked
from engine.kinds.fleet import FLEET
from engine.model import Actor, Event, ResourceKey
from engine.settings import Settings
from engine.store import Store, Transaction, events, live
from engine.store.database import FILE_NAME
from engine.store.statements import migrations
from engine.workbench import Workbench
from tests.builders import query
from tests.conftest import SetClock, fill_account
from tests.laws.checks import dump

ROOT = Path(__file__).resolve().parents[2]
ME = Actor("ana")
KEY = ResourceKey("acme", "nodes", "app-01")


def _write(store: Store, spec: dict[str, object] | None, seen: int | None, key: ResourceKey = KEY) -> int:
    with store.write() as tx:
        (version,) = live.write_live(
            tx, FLEET, "ana", "edit", [live.LiveWrite(key, spec, seen, Event("fleet.updated"))]
        )
    return version


def test_a_store_held_by_another_process_says_by_whom_and_what_to_do(home: Path) -> None:
    script = (
        "import sys, pathlib; from engine.store import Store; from engine.kinds.fleet import FLEET; from engine.workbench import utc_now\n"
        f"store = Store.open(pathlib.Path({str(home)!r}), FLEET, utc_now)\n"
        "print('held', flush=True); sys.stdin.read(); store.close()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StoreLocked) as caught:
        Store.open(home, FLEET, SetClock())
    assert caught.value.code == "FLEET-301"
    assert str(holder.pid) in caught.value.message
    assert "--home" in caught.value.hint
    waits: list[str] = []

    def leave(message: str) -> None:
        waits.append(message)
        assert holder.stdin is not None
        holder.stdin.close()

    Store.open(home, FLEET, SetClock(), lock_wait_s=20, on_wait=leave).close()
    assert len(waits) == 1
    assert holder.wait(timeout=20) == 0
    holder.stdout.close()


def test_one_process_opens_a_store_once(workbench: Workbench, settings: Settings) -> None:
    with pytest.raises(StoreLocked, match="FLEET-301"):
        Workbench.open_home(settings)


def test_a_store_of_a_newer_version_is_refused_and_left_alone(home: Path) -> None:
    Store.open(home, FLEET, SetClock()).close()
    with duckdb.connect(str(home / FILE_NAME)) as connection:
        connection.execute("INSERT INTO schema_versions VALUES (999, 'from the future', now())")
    with pytest.raises(StoreError) as caught:
        Store.open(home, FLEET, SetClock())
    assert (caught.value.code, "999" in caught.value.message) == ("FLEET-302", True)


def test_an_empty_file_left_by_a_process_killed_at_its_first_moment_is_made_anew(home: Path) -> None:
    home.mkdir()
    (home / FILE_NAME).touch()
    Store.open(home, FLEET, SetClock()).close()
    assert (home / FILE_NAME).stat().st_size


@pytest.mark.parametrize("damage", [b"this is no store at all" * 1000, b"\0" * 5000])
def test_a_damaged_store_is_named_and_not_overwritten(home: Path, damage: bytes) -> None:
    home.mkdir()
    (home / FILE_NAME).write_bytes(damage)
    with pytest.raises(StoreError) as caught:
        Store.open(home, FLEET, SetClock())
    assert caught.value.code == "FLEET-303"
    assert caught.value.hint
    assert (home / FILE_NAME).read_bytes() == damage


def test_a_truncated_store_is_said_to_be_damaged(home: Path) -> None:
    store = Store.open(home, FLEET, SetClock())
    for number in range(50):
        _write(store, {"labels": {"n": "x" * 500}}, None, KEY._replace(name=f"n{number}"))
    store.close()
    whole = (home / FILE_NAME).read_bytes()
    (home / FILE_NAME).write_bytes(whole[:9000])
    with pytest.raises(StoreError, match="FLEET-303"):
        Store.open(home, FLEET, SetClock())


def test_a_home_that_cannot_be_made_or_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="FLEET-305"):
        Store.open(tmp_path / "file" / "home", FLEET, SetClock())
    with pytest.raises(StoreError, match=r"FLEET-30[35]"):
        Store.open(Path("/proc/self"), FLEET, SetClock())


def test_a_full_disk_is_one_clear_error_and_loses_nothing(home: Path) -> None:
    """The limit on file size is what a disk without room looks like to one process."""
    Store.open(home, FLEET, SetClock()).close()
    script = f"""
import json, resource, signal, sys, pathlib
from engine.errors import StoreError
from engine.settings import Settings
from engine.model import Actor, ResourceKey
from engine.workbench import Workbench
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({4 * 1024 * 1024}, {4 * 1024 * 1024}))
done = []
with Workbench.open_home(Settings.from_environment({str(home)!r}, {{}})) as workbench:
    try:
        for number in range(10_000):
            workbench.set_resource(Actor("ana"), ResourceKey("acme", "nodes", f"n{{number:05d}}"), {{"labels": {{"a": "x" * 100_000}}}})
            done.append(number)
    except StoreError as error:
        print(json.dumps([len(done), error.code, error.hint]))
"""
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert child.stdout, child.stderr
    written, code, hint = json.loads(child.stdout)
    assert (written > 5, code, bool(hint)) == (True, "FLEET-304", True)
    with Workbench.open_home(Settings.from_environment(home, {})) as workbench:
        assert len(workbench.resources(limit=10_000)) == written


def test_a_store_of_before_keeps_its_proposals_and_their_keys(
    workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    fill_account(workbench, "acme", tmp_path)
    before = workbench.proposals()
    workbench.close()
    path = settings.home / "fleet.duckdb"
    with duckdb.connect(str(path)) as connection:  # as the version before kept it
        connection.execute("ALTER TABLE proposals RENAME TO newer")
        connection.execute("DELETE FROM schema_versions WHERE version >= 5")
        connection.execute("DROP TABLE live_keys")
        connection.execute("DROP TABLE credential_hosts")
        connection.execute("DROP TABLE waiting_claims")
        connection.execute("ALTER TABLE gitops_sync_runs DROP COLUMN waiting")
        connection.execute("ALTER TABLE withheld_diffs DROP COLUMN fields")
        columns = connection.execute("SELECT string_agg(column_name || ' ' || data_type ORDER BY column_index) FROM duckdb_columns() WHERE table_name = 'newer'").fetchall()[0][0]  # fmt: skip
        connection.execute(f"CREATE TABLE proposals ({columns}, PRIMARY KEY (id), UNIQUE (live_key))")
        connection.execute("INSERT INTO proposals SELECT * FROM newer")
        connection.execute("DROP TABLE newer")
    with Workbench.open_home(settings) as again:
        assert again.proposals() == before
        held = query(again.store, "SELECT live_key, proposal_id FROM live_keys ORDER BY 2")
        assert held == [(f"{p.repository_id}/{p.key.text}", p.id) for p in again.live_proposals()]
        again.sync(ME, "acme-repo")
        again.approve(ME, [p.id for p in again.live_proposals()])
        assert not again.apply(ME).failed


def test_migrations_are_recorded_and_run_once(home: Path) -> None:
    for _ in range(2):
        store = Store.open(home, FLEET, SetClock())
        assert query(store, "SELECT version, name FROM schema_versions") == [
            (number, name) for number, name, _ in migrations()
        ]
        store.close()
    assert [number for number, _, _ in migrations()] == list(range(1, len(migrations()) + 1))


def test_views_have_the_fields_of_their_kind(workbench: Workbench) -> None:
    workbench.set_resource(Actor("ana"), KEY._replace(kind="templates", name="web"), {"config": {"a": 1}})
    workbench.set_resource(Actor("ana"), KEY, {"template": "web", "labels": {"rack": "a1"}})
    for kind in FLEET.values():
        columns = [row[0] for row in query(workbench.store, f"DESCRIBE {kind.view}")]
        assert [f.name for f in kind.fields if f.name not in columns] == []
        assert {"account", "name", "live_version", *(part.label for part in kind.key)} <= set(columns)
    assert query(workbench.store, "SELECT name, template, labels ->> 'rack' FROM nodes") == [("app-01", "web", "a1")]


def test_a_write_on_a_version_that_moved_leaves_the_rows_as_they_were(workbench: Workbench) -> None:
    assert _write(workbench.store, {"a": 1}, None) == 1
    rows = dump(workbench.store)
    for seen in (None, 2):
        with pytest.raises(StoreError, match="FLEET-306"):
            _write(workbench.store, {"a": 2}, seen)
    assert dump(workbench.store) == rows


def test_versions_go_on_after_an_absence(workbench: Workbench) -> None:
    assert [
        _write(workbench.store, {"a": 1}, None),
        _write(workbench.store, None, 1),
        _write(workbench.store, {"a": 1}, None),
    ] == [1, 2, 3]
    history = query(workbench.store, "SELECT version, spec, valid_to IS NULL FROM resource_history ORDER BY seq")
    assert history == [(1, '{"a":1}', False), (2, None, False), (3, '{"a":1}', True)]


def test_times_follow_the_sequence_even_when_the_clock_steps_back(home: Path) -> None:
    clock = SetClock()
    store = Store.open(home, FLEET, clock)
    for version in range(4):
        _write(store, {"a": version}, version or None)
        clock.now -= timedelta(hours=1)
    times = [at for (at,) in query(store, "SELECT epoch_us(valid_from) FROM resource_history ORDER BY seq")]
    store.close()
    assert times == sorted(set(times))


def test_an_error_in_the_middle_of_a_write_leaves_nothing(workbench: Workbench) -> None:
    rows = dump(workbench.store)

    def fail_after_writing() -> None:
        with workbench.store.write() as tx:
            live.write_live(tx, FLEET, "ana", "edit", [live.LiveWrite(KEY, {"a": 1}, None, Event("fleet.created"))])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_writing()
    assert dump(workbench.store) == rows


def test_a_reader_sees_one_state_while_others_write(workbench: Workbench) -> None:
    _write(workbench.store, {"a": 1}, None)
    with workbench.store.read() as tx:
        before = live.resource(tx, KEY)
        _write(workbench.store, {"a": 2}, 1)
        assert live.resource(tx, KEY) == before


def test_what_is_remembered_is_asked_again_after_each_write(tmp_path: Path) -> None:
    store = Store.open(tmp_path, FLEET, SetClock())
    asked: list[str] = []

    def ask(tx: Transaction) -> int:
        asked.append("x")
        return len(events.read(tx))

    def write(fail: bool = False) -> None:
        with store.write() as tx:
            events.record(tx, "ana", [Event("x.y")])
            if fail:
                raise RuntimeError

    assert [store.remembered("events", ask) for _ in range(3)] == [0, 0, 0]
    assert len(asked) == 1
    write()
    assert [store.remembered("events", ask) for _ in range(3)] == [1, 1, 1]
    assert len(asked) == 2
    with pytest.raises(RuntimeError):
        write(fail=True)
    assert store.remembered("events", ask) == 1
    store.close()


def test_questions_without_end_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.store.database._MOST_REMEMBERED", 3)
    store = Store.open(tmp_path, FLEET, SetClock())
    asked: list[int] = []

    def ask(number: int, _tx: Transaction) -> None:
        asked.append(number)

    for number in (1, 2, 3, 3, 4, 4, 1):
        store.remembered(number, partial(ask, number))
    assert asked == [1, 2, 3, 4, 1]
    store.close()


def test_nothing_older_than_a_write_is_remembered_after_it(tmp_path: Path) -> None:
    store = Store.open(tmp_path, FLEET, SetClock())
    ending = threading.Event()
    wrong: list[tuple[int, int]] = []
    written = [0]

    def reading() -> None:
        while not ending.is_set():
            least = written[0]
            found = store.remembered("events", lambda tx: events.newest(tx))
            if found < least:
                wrong.append((found, least))

    threads = [threading.Thread(target=reading) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 150):
        with store.write() as tx:
            events.record(tx, "ana", [Event("x.y")])
        written[0] = number
    ending.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    store.close()
