"""The real command in a child process, on a real home and a real git repository."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import GIT_ENVIRONMENT


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
def fleet(home: Path, tmp_path: Path) -> Fleet:
    """Call `fleet` from a folder that has nothing to do with the project."""
    away = tmp_path / "away"
    away.mkdir()

    def call(*arguments: str, **environment: str) -> Outcome:
        variables = {
            **GIT_ENVIRONMENT,
            "FLEET_HOME": str(home),
            "FLEET_ALLOW_LOCAL_REMOTES": "1",
            "FLEET_ACTOR": "ana",
            **environment,
        }
        variables = {
            name: value for name, value in variables.items() if name != "POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK"
        } | environment
        done = subprocess.run(
            [sys.executable, "-m", "engine.cli", *arguments],
            cwd=away,
            env=variables,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr)

    return call
