"""Files that commands make are for their owner alone, whatever the umask and whatever the home's mode was before."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository

ROOT = Path(__file__).resolve().parents[2]


def fleet(home: Path, umask: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, begun with a umask."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("FLEET_")}
    return subprocess.run(
        [sys.executable, "-m", "engine.cli", "--home", str(home), *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120,
        env=kept | {"FLEET_ALLOW_LOCAL_REMOTES": "1", "FLEET_ACTOR": "ana"}, umask=umask, check=False,
    )  # fmt: skip


def open_to_others(folder: Path) -> Iterator[str]:
    """Everything below a folder that the group or others may do anything with, but for what git keeps inside its own folder."""
    for path in sorted(folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077 and not path.is_symlink():
            yield f"{path.relative_to(folder)} {mode:03o}"


VERBS = (
    ("repo", "add", "fc", "{remote}", "--account", "acme"),
    ("sync", "fc"),
    ("approve", "--all"),
    ("apply",),
    ("drill",),
    ("token", "create", "--name", "ci", "--account", "acme", "--permission", "read"),
    ("export", "--out", "{folder}/fleet.yaml"),
    ("snapshot", "{folder}/monday.duckdb"),
    ("compact",),
)
"""Every verb that writes a file, as a person would type them after each other."""


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("before", [None, 0o755, 0o775])
def test_nothing_that_a_command_makes_is_open_to_others(
    tmp_path: Path, git_repo: GitRepository, umask: int, before: int | None
) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {m: {}}\n")
    home, folder = tmp_path / "home", tmp_path / "out"
    folder.mkdir(mode=0o700)
    if before is not None:
        home.mkdir()
        home.chmod(before)
    for verb in VERBS:
        words = [word.format(remote=git_repo.path, folder=folder) for word in verb]
        done = fleet(home, umask, *words)
        assert done.returncode == 0, (verb, done.stderr)
        assert list(open_to_others(home)) == [], verb
        assert list(open_to_others(folder)) == [], verb
    assert {path.name for path in folder.iterdir()} == {"fleet.yaml", "monday.duckdb"}, "nothing is left beside them"
    mode = stat.S_IMODE(home.stat().st_mode)
    assert mode == (before or 0o700) & ~stat.S_IWGRP


def test_a_snapshot_that_is_put_into_a_home_is_closed_as_the_home_is(tmp_path: Path, git_repo: GitRepository) -> None:
    with Workbench.open_home(Settings.from_environment(tmp_path / "first", {})) as workbench:
        workbench.store.snapshot(tmp_path / "monday.duckdb")
    home = tmp_path / "second"
    home.mkdir(mode=0o755)
    (tmp_path / "monday.duckdb").rename(home / "fleet.duckdb")
    (home / "fleet.duckdb").chmod(0o644)
    assert (
        fleet(home, 0o000, "token", "create", "--name", "x", "--account", "a", "--permission", "read").returncode == 0
    )
    assert list(open_to_others(home)) == []


@pytest.mark.parametrize("mode", [0o777, 0o707, 0o772])
def test_a_home_that_everybody_may_write_is_refused_and_left_alone(tmp_path: Path, mode: int) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    done = fleet(home, 0o022, "status")
    assert done.returncode == 1
    assert "FLEET-314" in done.stderr
    assert "chmod 700" in done.stderr
    assert list(home.iterdir()) == []
