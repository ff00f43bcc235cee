"""What every benchmark shares: sizes, rounds, fleets at rest, and how a time gets its place in the table.

In CI each runs once, at 100 resources and without its peers: so that it cannot rot. `python -m tests.benchmarks` measures.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from engine.model import Actor
from engine.settings import Settings
from engine.workbench import Workbench
from tests.benchmarks.generator import ACCOUNT, fleet_yaml
from tests.conftest import GitRepository

SIZES = [int(size) for size in os.environ.get("BENCHMARK_SIZES", "100").split(",")]
MAIN = 10_000 if 10_000 in SIZES else SIZES[-1]
"""The size at which peers are asked, and which the table shows."""
ROUNDS = 7
ME = Actor("bench")
_NUMBERS = count()
ENVIRONMENT = {
    "FLEET_ALLOW_LOCAL_REMOTES": "1",
    "FLEET_MAX_FILE_BYTES": str(2**30),
    "POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK": "1000000",
}


@pytest.fixture(scope="session", autouse=True)
def as_served() -> Iterator[None]:
    """Collect garbage as seldom as the product's processes do, for floors and peers alike."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    yield
    gc.set_threshold(*before)


@dataclass(frozen=True)
class Measure:
    """Takes the times of one subject at one piece of work."""

    benchmark: BenchmarkFixture

    def __call__(
        self,
        work: str,
        size: int,
        subject: str,
        target: Callable[..., Any],
        *,
        setup: Callable[[], Any] | None = None,
        rounds: int = ROUNDS,
        frozen: bool = True,
        **facts: Any,
    ) -> Any:
        """What `target` gives. `setup` goes before each round, untimed; what it returns is (args, kwargs) of the round.

        `frozen`: whether collections pass over what was there before. Pages are measured on the heap that a server has.
        """
        self.benchmark.group = f"{work}, {size:,}"
        self.benchmark.extra_info.update(work=work, size=size, subject=subject, **facts)
        gc.unfreeze()
        gc.collect()
        if frozen:
            gc.freeze()  # what the tests before have left, and what is prepared here, is no work of the subject's
        return self.benchmark.pedantic(target, setup=setup, rounds=rounds, warmup_rounds=1, iterations=1)


@pytest.fixture
def measure(benchmark: BenchmarkFixture) -> Measure:
    return Measure(benchmark)


@dataclass(frozen=True)
class AtRest:
    """A home whose one repository has been applied in full: live matches git."""

    folder: Path
    size: int
    workbench: Workbench
    remote: GitRepository

    @property
    def store(self) -> Path:
        return self.folder / "home" / "fleet.duckdb"

    def push(self, changed: float) -> None:
        """Push a text that no commit before had, so that there is something to fetch."""
        self.remote.push(f"{fleet_yaml(self.size, changed)}# {next(_NUMBERS)}\n")

    def moved(self, changed: float, meanwhile: Callable[[], Any] = lambda: None) -> None:
        """Have nothing proposed, and the remote one commit ahead of ours and of whoever else fetches `meanwhile`."""
        self.push(0.0)
        self.workbench.sync(ME, "fc")
        meanwhile()
        self.push(changed)


def settings_of(folder: Path, **more: str) -> Settings:
    return Settings.from_environment(folder / "home", ENVIRONMENT | more)


def propose(folder: Path, size: int) -> tuple[Workbench, GitRepository]:
    """A home in which a whole fleet is proposed, and its remote."""
    remote = GitRepository(folder / "remote")
    remote.push(fleet_yaml(size))
    workbench = Workbench.open_home(settings_of(folder))
    workbench.add_repository(ME, "fc", str(remote.path), account=ACCOUNT)
    assert len(workbench.sync(ME, "fc").proposals) == size
    return workbench, remote


@pytest.fixture(scope="session")
def at_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], AtRest]]:
    """Homes at rest by size, each made once; 25 proposals a tick from then on."""
    made: dict[int, AtRest] = {}

    def of(size: int) -> AtRest:
        if size not in made:
            folder = tmp_path_factory.mktemp(f"rest-{size}")
            workbench, remote = propose(folder, size)
            with workbench:
                workbench.approve(ME, [p.id for p in workbench.live_proposals()])
                assert len(workbench.apply(ME).applied) == size
            capped = settings_of(folder, POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK="25")
            made[size] = AtRest(folder, size, Workbench.open_home(capped), remote)
        return made[size]

    yield of
    for each in made.values():
        each.workbench.close()
