"""Law 8: a process killed at any moment leaves each resource before or after, and all records agree once it is opened again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.model import Actor, Status
from engine.settings import Settings
from engine.workbench import Workbench
from tests.builders import query
from tests.conftest import GitRepository
from tests.crash.life import SECOND
from tests.laws.checks import assert_agreement, assert_sound, specs_at

ME = Actor("ana")
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def _child(home: Path, remote: Path, when: str, at: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.crash.life", str(home), str(remote), when, str(at)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _check_and_go_on(home: Path, remote: GitRepository) -> None:
    """Everything agrees after the kill, and the work can be brought to its end."""
    with Workbench.open_home(Settings.from_environment(home, {"FLEET_ALLOW_LOCAL_REMOTES": "1"})) as workbench:
        assert_agreement(workbench.store)
        assert_sound(specs_at(workbench.store, "acme"))
        for run in workbench.runs():
            assert run.status != "running"
            if run.error is not None and run.error["code"] == "FLEET-502":
                assert run.inputs is None
        if not workbench.repositories():
            workbench.add_repository(ME, "fc", str(remote.path), account="acme")
        remote.push(SECOND)
        for _ in range(6):
            run = workbench.sync(ME, "fc").run
            waiting = workbench.live_proposals()
            workbench.approve(ME, [p.id for p in waiting if p.status is Status.PENDING])
            workbench.apply(ME)
            if run.unchanged:
                break
        assert run.unchanged
        assert not workbench.live_proposals()
        assert set(specs_at(workbench.store, "acme")["nodes"]) == {"app-01", "App-03"}
        assert_agreement(workbench.store)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("half", [0, 1])
def test_killed_at_every_commit_of_ticks_applies_and_edits(when: str, half: int, tmp_path: Path) -> None:
    whole = _child(tmp_path / "whole", GitRepository(tmp_path / "whole-remote").path, "never", 0)
    commits = int(whole.communicate(timeout=120)[0])
    assert commits > 20
    for at in range(1 + half, commits + 1, 2):
        remote = GitRepository(tmp_path / f"remote-{at}")
        child = _child(tmp_path / f"home-{at}", remote.path, when, at)
        _, errors = child.communicate(timeout=120)
        assert child.returncode == -signal.SIGKILL, errors
        _check_and_go_on(tmp_path / f"home-{at}", remote)


def test_killed_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(8)
    for attempt in range(8):
        remote = GitRepository(tmp_path / f"remote-{attempt}")
        child = _child(tmp_path / f"home-{attempt}", remote.path, "never", 0)
        time.sleep(0.6 + chance.random() * 1.2)
        child.kill()
        child.communicate(timeout=60)
        _check_and_go_on(tmp_path / f"home-{attempt}", remote)


def test_an_interrupted_apply_says_what_it_did(tmp_path: Path) -> None:
    remote = GitRepository(tmp_path / "remote")
    # Commits: 1 registered, 2 run begun, 3 decided, 4 run ended, 5 approved, 6 apply begun, 7 first two steps.
    child = _child(tmp_path / "home", remote.path, "after", 7)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    with Workbench.open_home(
        Settings.from_environment(tmp_path / "home", {"FLEET_ALLOW_LOCAL_REMOTES": "1"})
    ) as workbench:
        assert query(workbench.store, "SELECT status, error ->> 'code' FROM applies") == [("failed", "FLEET-502")]
        assert [p.status for p in workbench.proposals()].count(Status.APPLIED) == 2
        assert len(workbench.plan().steps) == 5
        assert workbench.events(limit=1)[0].event.type == "store.recovered"
