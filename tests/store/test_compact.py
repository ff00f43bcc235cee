"""Compacting: what was forgotten gives its space back, nobody notices, and a kill at any moment loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import RefusedEdit, StoreError
from engine.model import Actor, Permission, ResourceKey
from engine.settings import Settings
from engine.store.events import EventFilter
from engine.store.gate import Gate
from engine.workbench import Workbench
from tests.builders import change, run
from tests.conftest import SetClock, fill_account

ME = Actor("ana")
ROOT = Path(__file__).resolve().parent.parent.parent


def everything(bench: Workbench) -> dict[str, list[tuple[str, ...]]]:
    """Every row of every table but what a compaction itself says."""
    with bench.store.read() as tx:
        tables = [name for (name,) in tx.rows("snapshots/tables")]
        found = {t: sorted(run(tx, f'SELECT t::VARCHAR FROM "{t}" AS t')) for t in tables}
    found["fleet_events"] = [row for row in found["fleet_events"] if "store.compacted" not in row[0]]
    return found


def test_space_comes_back_and_every_row_stays(settings: Settings, clock: SetClock, tmp_path: Path) -> None:
    with Workbench.open_home(settings, clock=clock) as bench:
        fill_account(bench, "acme", tmp_path)
        bench.create_token(ME, "cron", account="*", permissions=[Permission.READ])
        change(
            bench.store,
            "INSERT INTO fleet_events (seq, type, actor, happened_at, data) SELECT nextval('event_seq'), 'x.noise', 'x', "
            "'2000-01-01', json_object('t', concat(uuid(), uuid(), uuid(), uuid())) FROM range(200000) r(i)",
        )
        grown = bench.store.size()
        clock.advance(days=1)
        assert bench.prune(ME)["fleet_events"] == 200_000
        assert bench.store.facts().rows["fleet_events"] < 100
        kept = everything(bench)
        before, after = bench.compact(ME)
        assert before >= grown
        assert after < before / 2
        assert everything(bench) == kept, "the tokens of who may come in, too"
        assert bench.find_events(EventFilter(types=("store.compacted",)))[0].event.data == {
            "before": before,
            "after": after,
        }
        bench.set_resource(ME, ResourceKey("acme", "modules", "later"), {"priority": 1})
    with Workbench.open_home(settings, clock=clock) as again:
        assert again.resource(ResourceKey("acme", "modules", "later")).spec["priority"] == 1


def test_others_read_and_write_meanwhile(workbench: Workbench, tmp_path: Path) -> None:
    fill_account(workbench, "acme", tmp_path)
    stop = threading.Event()
    wrong: list[BaseException] = []
    written = [0]

    def reading() -> None:
        try:
            while not stop.is_set():
                with workbench.store.read() as tx:
                    count = tx.value("store/last_time")
                    with workbench.store.read() as inner:  # as a verb does that calls another
                        assert inner.value("store/last_time") >= count
        except BaseException as error:
            wrong.append(error)

    def writing() -> None:
        try:
            while not stop.is_set():
                workbench.set_resource(ME, ResourceKey("acme", "modules", "busy"), {"priority": written[0] + 1})
                written[0] += 1
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for work in (reading, reading, reading, writing)]
    for thread in threads:
        thread.start()
    for _ in range(6):
        workbench.compact(ME)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert written[0]
    assert workbench.resource(ResourceKey("acme", "modules", "busy")).version == written[0], "no write was lost"


def test_a_read_that_does_not_end_is_not_disturbed(workbench: Workbench, tmp_path: Path) -> None:
    fill_account(workbench, "acme", tmp_path)
    with workbench.store.read() as tx:
        reading = tx.value("store/last_time")
        refused: list[str] = []

        def compact() -> None:
            try:
                workbench.store.compact(wait_s=0.2)
            except StoreError as error:
                refused.append(error.code)

        other = threading.Thread(target=compact)
        other.start()
        other.join()
        assert refused == ["FLEET-313"]
        assert tx.value("store/last_time") == reading
    assert not list(workbench.settings.home.glob(".fleet.duckdb*")), "what was begun is gone"
    workbench.compact(ME)


@pytest.mark.parametrize("where", ["copy", "checkpoint", "close", "replace", "reopen"])
def test_killed_at_any_moment_the_store_is_whole(settings: Settings, tmp_path: Path, where: str) -> None:
    with Workbench.open_home(settings) as bench:
        fill_account(bench, "acme", tmp_path)
        kept = everything(bench)
    program = f"""
import os, signal, sys
from pathlib import Path
from engine.kinds.fleet import FLEET
from engine.store import Store, database, opening, snapshots
from engine.workbench import utc_now
where = {where!r}
def kill(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
class Watched:
    def __init__(self, real): self.real = real
    def __getattr__(self, name): return getattr(self.real, name)
    def execute(self, sql):
        if armed and where == "checkpoint": kill()
        return self.real.execute(sql)
    def close(self):
        self.real.close()
        if armed and where == "close": kill()
armed = False
opened = opening.read_write
opening.read_write = lambda *files: Watched(opened(*files))
store = Store.open(Path({str(settings.home)!r}), FLEET, utc_now)
if where == "copy":
    snapshots._count = kill
if where == "replace":
    real = Path.replace
    def replaced(self, target): real(self, target); kill()
    Path.replace = replaced
if where == "reopen":
    def reopened(*files): opened(*files); kill()
    opening.read_write = reopened
armed = True
store.compact()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with Workbench.open_home(settings) as bench:
        assert everything(bench) == kept
        assert not list(settings.home.glob(".fleet.duckdb*"))


def test_who_waits_for_the_file_never_gets_the_one_that_goes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that come while one compacts write into the file that stays."""
    replaced = Path.replace

    def slowly(path: Path, target: Path) -> Path:
        time.sleep(0.1)  # the file is nobody's by now: long enough for the other to take it
        return replaced(path, target)

    monkeypatch.setattr(Path, "replace", slowly)
    with Workbench.open_home(settings) as bench:
        bench.set_resource(ME, ResourceKey("acme", "modules", "m"), {"priority": 1})
    program = (
        "from pathlib import Path; from engine.model import Actor, ResourceKey; from engine.settings import Settings; "
        "from engine.workbench import Workbench\n"
        f"import time\nfor n in range(8):\n  with Workbench.open_home(Settings.from_environment({str(settings.home)!r})) as b:\n"
        "    version = b.set_resource(Actor('ben'), ResourceKey('acme', 'modules', 'm'), {'priority': 1000 + n})[1]\n  time.sleep(0.1)\n"
        "print(version)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "FLEET_LOCK_WAIT_S": "60"},
        text=True,
    )
    made = 0
    while other.poll() is None:
        with Workbench.open_home(replace(settings, lock_wait_s=60)) as bench:
            bench.compact(ME)
            made += 1
        time.sleep(0.15)  # the other looks again every 50 ms
    with other:
        assert other.wait() == 0
    assert made > 2
    with Workbench.open_home(settings) as bench:
        assert bench.resource(ResourceKey("acme", "modules", "m")).version == 9


def test_who_may_not_write_everywhere_may_not_compact(workbench: Workbench) -> None:
    for may in (Permission.READ, Permission.SYNC):
        with pytest.raises(RefusedEdit, match="FLEET-600"):
            workbench.compact(Actor("reader", permissions=frozenset({may})))
    with pytest.raises(RefusedEdit, match="FLEET-600"):
        workbench.compact(Actor("ben", account="acme", permissions=frozenset({Permission.WRITE})))


def test_the_gate_lets_the_same_thread_in_again_while_another_waits() -> None:
    gate, waits = Gate(), threading.Event()
    done: list[str] = []

    def alone() -> None:
        waits.set()
        with gate.alone(10):
            done.append("alone")

    with gate.together():
        other = threading.Thread(target=alone)
        other.start()
        assert waits.wait(5)
        deadline = time.monotonic() + 5
        while not gate._closed:
            assert time.monotonic() < deadline, "it does not wait to be alone"
            time.sleep(0.001)
        with gate.together():
            assert done == []
    other.join()
    assert done == ["alone"]
    with gate.together():
        pass
