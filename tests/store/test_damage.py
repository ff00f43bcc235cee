"""A store that is damaged in any place is told as damaged, with the ways back; nobody is asked to report it."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import engine
from engine.errors import FleetError, StoreError
from engine.model import Actor, ResourceKey
from engine.settings import Settings
from engine.store import FILE_NAME, database
from engine.store.database import translated
from engine.store.statements import migrations
from engine.system import surroundings
from engine.workbench import Workbench
from tests.conftest import SetClock

ME = Actor("ana")
LOG = f"{FILE_NAME}.wal"
KILLED = """
import os, sys
from engine.model import Actor, ResourceKey
from engine.settings import Settings
from engine.workbench import Workbench
workbench = Workbench.open_home(Settings.from_environment(sys.argv[1], {}))
for number in range(30):
    workbench.set_resource(Actor("ana"), ResourceKey("acme", "modules", f"m{number}"), {"config": {"x": "y" * 900}})
os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a process that was killed: a file with something in it, and a log with more."""
    home = tmp_path_factory.mktemp("killed") / "home"
    with Workbench.open_home(Settings.from_environment(home, {}), clock=SetClock()) as workbench:
        for number in range(300):
            workbench.set_resource(ME, ResourceKey("acme", "nodes", f"n{number}"), {"labels": {"x": "y" * 900}})
    subprocess.run([sys.executable, "-c", KILLED, str(home)], check=False)
    assert (home / LOG).stat().st_size > 10_000
    return home


def look(home: Path) -> tuple[bool, str]:
    """Whether a home opens, and what a person sees of it: `whole`, or the code of an error."""
    opened = False
    try:
        with Workbench.open_home(Settings.from_environment(home, {})) as workbench:
            opened = True
            workbench.export(account="acme")
            workbench.status()
            workbench.history(ResourceKey("acme", "nodes", "n7"))
            return True, "whole"
    except FleetError as error:
        assert "report" not in f"{error.message} {error.hint}"
        assert "Restore the store from a snapshot" in error.hint, error
        return opened, error.code


@pytest.mark.parametrize("name", [FILE_NAME, LOG])
@pytest.mark.parametrize("how", ["a byte turned", "bytes turned", "cut short", "zeroed"])
def test_damage_anywhere_is_told_as_damage(killed: Path, tmp_path: Path, name: str, how: str) -> None:
    chance = random.Random(f"{name} {how}")
    told = []
    for turn in range(8):
        home = tmp_path / str(turn)
        shutil.copytree(killed, home)
        content = bytearray((home / name).read_bytes())
        if how == "cut short":
            del content[chance.randrange(4096, len(content)) :]
        elif how == "zeroed":
            place = chance.randrange(0, len(content) - 4096)
            content[place : place + 4096] = bytes(4096)
        else:
            for _ in range(1 if how == "a byte turned" else 20):
                content[chance.randrange(len(content))] ^= 0xFF
        (home / name).write_bytes(content)
        opened, found = look(home)
        told.append(found)
        if not opened:  # a store that does not open keeps both files byte for byte
            for each in (FILE_NAME, LOG):
                assert (home / each).read_bytes() == (content if each == name else (killed / each).read_bytes())
    # What no read touches is not missed; a log that is cut ends earlier.
    assert set(told) <= {"FLEET-303", "whole"}, told
    assert "FLEET-303" in told or how in {"a byte turned", "zeroed"} or (name, how) == (LOG, "cut short"), told


def test_a_damaged_log_can_be_left_behind(killed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(killed, home)
    content = bytearray((home / LOG).read_bytes())
    for place in range(1000, len(content), 499):
        content[place] ^= 0xFF
    (home / LOG).write_bytes(content)
    with pytest.raises(StoreError, match="FLEET-303") as caught:
        Workbench.open_home(Settings.from_environment(home, {}))
    line = caught.value.hint.partition("without its last changes: ")[2].removesuffix(".")
    subprocess.run(["sh", "-c", line], check=True)
    with Workbench.open_home(Settings.from_environment(home, {})) as workbench:
        assert len(workbench.fleet(account="acme")) == 300


def test_a_copy_of_the_file_alone_is_whole_once_nobody_writes(tmp_path: Path) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy"
    with Workbench.open_home(Settings.from_environment(home, {})) as workbench:
        for number in range(5):
            workbench.set_resource(ME, ResourceKey("acme", "nodes", f"n{number}"), {})
        assert not workbench.store.fold_when_idle(), "somebody may be writing"
        with workbench.store.read() as tx:  # a read that goes on is in nobody's way
            assert tx.value("store/schema_version")
            assert workbench.store.fold_when_idle()
        assert not workbench.store.fold_when_idle(), "nothing to do"
        copy.mkdir()
        shutil.copy(home / FILE_NAME, copy)
        workbench.set_resource(ME, ResourceKey("acme", "nodes", "late"), {})
        assert not workbench.store.fold_when_idle()
        assert workbench.store.fold_when_idle()
    with Workbench.open_home(Settings.from_environment(copy, {})) as workbench:
        assert len(workbench.fleet(account="acme")) == 5


def test_a_snapshot_that_is_damaged_is_told_as_damaged(killed: Path, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "s.duckdb"
    shutil.copytree(killed, home)
    with Workbench.open_home(Settings.from_environment(home, {})) as workbench:
        workbench.snapshot(ME, out)
    content = bytearray(out.read_bytes())
    for place in range(4096, len(content), 997):
        content[place] ^= 0xFF
    out.write_bytes(content)
    with pytest.raises(StoreError, match="FLEET-303"), engine.open(out) as snapshot:
        snapshot.fleet()


def test_a_step_of_ours_that_fails_is_not_put_down_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.from_environment(tmp_path / "home", {})
    Workbench.open_home(settings).close()
    newest = migrations()[-1][0]
    monkeypatch.setattr(database, "migrations", lambda: [(newest + 1, "broken", "CREATE TABLE resources (x INT)")])
    with pytest.raises(StoreError, match="FLEET-309"):
        Workbench.open_home(settings)


def test_too_little_memory_is_told_as_that(tmp_path: Path) -> None:
    small = duckdb.connect(config={"memory_limit": "60MB", "max_temp_directory_size": "0B"})
    with pytest.raises(StoreError, match="FLEET-316"), translated(tmp_path / FILE_NAME):
        small.execute("SELECT count(DISTINCT i) FROM range(100000000) t(i)")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "FLEET-316"),
        (OSError(12, "Cannot allocate memory"), "FLEET-316"),
        (OSError(28, "No space left on device"), "FLEET-304"),
        (OSError(122, "Disk quota exceeded"), "FLEET-304"),
        (OSError(24, "Too many open files"), "FLEET-317"),
        (OSError(5, "Input/output error"), "FLEET-318"),
        (OSError(30, "Read-only file system"), "FLEET-305"),
        (PermissionError(13, "Permission denied"), "FLEET-305"),
        (RuntimeError("can't start new thread"), "FLEET-319"),
        (BlockingIOError(11, "Resource temporarily unavailable"), "FLEET-319"),
        (RuntimeError("anything else"), None),
        (ValueError(), None),
    ],
)
def test_what_the_machine_refuses_is_told_as_what_it_is(error: BaseException, code: str | None) -> None:
    told = surroundings.told(error)
    assert (told and told.code) == code
    assert told is None or (told.hint and os.sep not in told.message)
