"""A snapshot of the demo's fleet, with its fortnight of history and what still waits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.analysis import Snapshot
from engine.cli import story
from engine.model import Actor
from engine.settings import Settings

ME = Actor("ana")


@pytest.fixture(scope="session")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The snapshot file, made once; tests read it or copy it."""
    folder = tmp_path_factory.mktemp("demo")
    settings = Settings.from_environment(str(folder / "home"), {"FLEET_ALLOW_LOCAL_REMOTES": "1"})
    path = folder / "story.duckdb"
    with story.run(settings, ME).workbench as workbench:
        workbench.snapshot(ME, path)
    return path


@pytest.fixture
def path(taken: Path, tmp_path: Path) -> Path:
    """A copy of one's own."""
    return Path(shutil.copy(taken, tmp_path / "monday.duckdb"))


@pytest.fixture
def wb(path: Path) -> Iterator[Snapshot]:
    with engine.open(path) as snapshot:
        yield snapshot
