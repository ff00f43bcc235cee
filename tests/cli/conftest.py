"""The command line on a real home and a real git repository: called here, or as the real command in a child process."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from engine.server.service import Service
from engine.settings import Settings
from tests.conftest import GIT_ENVIRONMENT, GitRepository, Served

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = "version: 1\naccount: acme\nmodules:\n  nginx:\n    priority: 1\n"


@dataclass(frozen=True)
class Outcome:
    """What one call of `fleet` gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Fleet = Callable[..., Outcome]


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A folder that has nothing to do with the project."""
    folder = tmp_path / "away"
    folder.mkdir()
    return folder


@pytest.fixture(params=["alone", "served"])
def fleet(request: pytest.FixtureRequest, here: Fleet) -> Fleet:
    """Call `fleet` in this process, each test once on the home itself and once through its server."""
    if request.param == "served":
        if request.node.get_closest_marker("alone"):
            pytest.skip("it is about the process that holds the store")
        request.getfixturevalue("served")
    return here


@pytest.fixture
def here(home: Path, away: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """Call `fleet` in this process: all but what a process alone can show."""
    thresholds = gc.get_threshold()
    for name in set(os.environ) - set(GIT_ENVIRONMENT):
        monkeypatch.delenv(name)
    for name in ("POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK", "FLEET_DEBUG", "UV_RUN_RECURSION_DEPTH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(away)

    def call(*arguments: str, **environment: str) -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            for name, value in (_variables(home) | environment).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["fleet", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        return Outcome(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    yield call
    gc.set_threshold(*thresholds)


@pytest.fixture
def served(home: Path) -> Iterator[Service]:
    """A server on the home, in this process; its scheduler does not tick by itself."""
    with Served(Settings.from_environment(home, _variables(home))) as made:
        yield made


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where children keep what they compiled, so that only the first pays for it."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def environment(home: Path, bytecode: Path) -> dict[str, str]:
    """The environment of a child process."""
    kept = {
        name: value
        for name, value in GIT_ENVIRONMENT.items()
        if name
        not in {
            "POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK",
            "PYTHONDONTWRITEBYTECODE",
            "UV_RUN_RECURSION_DEPTH",
            "NO_COLOR",
        }
    }
    return {**kept, **_variables(home), "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(bytecode)}


@pytest.fixture
def process(environment: dict[str, str], away: Path) -> Fleet:
    """Call the real command in a child process."""

    def call(*arguments: str, **more: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "engine.cli", *arguments],
            cwd=away,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def registered(fleet: Fleet, git_repo: GitRepository) -> Fleet:
    """`fleet` in a home where the repository `fc` declares one module."""
    git_repo.push(FILE)
    assert fleet("repo", "add", "fc", str(git_repo.path), "--account", "acme").code == 0
    return fleet


def _variables(home: Path) -> dict[str, str]:
    return {"FLEET_HOME": str(home), "FLEET_ALLOW_LOCAL_REMOTES": "1", "FLEET_ACTOR": "ana"}
