"""The whole flow on a real store and real git: a tick that finds changes, one that finds none, an apply."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from engine.model import canonical
from engine.workbench import Workbench
from tests.benchmarks import floors, peers, rounds
from tests.benchmarks.conftest import MAIN, ME, SIZES, AtRest, Measure, propose, settings_of
from tests.benchmarks.generator import ACCOUNT
from tests.benchmarks.test_stages import sides

at_main_size = pytest.mark.parametrize("size", [MAIN])
at_all_sizes = pytest.mark.parametrize("size", SIZES)
CHANGED = 0.01


@at_all_sizes
def test_tick(measure: Measure, size: int, at_rest: Callable[[int], AtRest]) -> None:
    home = at_rest(size)
    run = measure(
        "tick, 1% changed", size, "ours", lambda: home.workbench.sync(ME, "fc").run, setup=lambda: home.moved(CHANGED)
    )
    assert (run.diff_count, run.opened) == (size // 100, min(25, size // 100))


@at_all_sizes
def test_tick_floor(measure: Measure, size: int, at_rest: Callable[[int], AtRest], tmp_path: Path) -> None:
    home = at_rest(size)
    store = duckdb.connect(str(shutil.copy(home.store, tmp_path / "bare.duckdb")))
    bare = tmp_path / "bare"
    bare.mkdir()
    try:
        found = measure(
            "tick, 1% changed",
            size,
            "a bare script",
            lambda: floors.tick(bare, home.remote.path, store),
            setup=lambda: home.moved(CHANGED, meanwhile=lambda: floors.fetch(bare, home.remote.path)),
        )
    finally:
        store.close()
    assert found == size // 100


@at_main_size
def test_tick_by_octodns(measure: Measure, size: int, tmp_path: Path) -> None:
    plan = peers.octodns(tmp_path, size, CHANGED)
    assert measure("tick, 1% changed", size, "octoDNS, a plan of as many records", plan, peer=True) == size // 100


@at_all_sizes
def test_unchanged_tick(measure: Measure, size: int, at_rest: Callable[[int], AtRest]) -> None:
    home = at_rest(size)
    home.workbench.sync(ME, "fc")
    run = measure("tick, nothing moved", size, "ours", lambda: home.workbench.sync(ME, "fc").run)
    assert run.unchanged


@at_all_sizes
def test_unchanged_tick_floor(measure: Measure, size: int, at_rest: Callable[[int], AtRest], tmp_path: Path) -> None:
    home = at_rest(size)
    floors.fetch(tmp_path, home.remote.path)
    measure("tick, nothing moved", size, "git fetch", lambda: floors.fetch_only(tmp_path, home.remote.path))


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Folders of homes in which a whole fleet is approved, by size, each made once."""
    made: dict[int, Path] = {}

    def of(size: int) -> Path:
        if size not in made:
            made[size] = tmp_path_factory.mktemp(f"approved-{size}")
            with propose(made[size], size)[0] as workbench:
                workbench.approve(ME, [p.id for p in workbench.live_proposals()])
        return made[size]

    return of


@pytest.fixture
def opened(approved: Callable[[int], Path], tmp_path: Path) -> Iterator[Callable[[int], Workbench]]:
    """A fresh copy of such a home, opened; the one before is closed."""
    last: list[Workbench] = []

    def fresh(size: int) -> Workbench:
        while last:
            last.pop().close()
        shutil.rmtree(tmp_path / "home", ignore_errors=True)
        shutil.copytree(approved(size) / "home", tmp_path / "home")
        last.append(Workbench.open_home(settings_of(tmp_path)))
        return last[0]

    yield fresh
    while last:
        last.pop().close()


@at_all_sizes
def test_apply(measure: Measure, size: int, opened: Callable[[int], Workbench]) -> None:
    done = measure(
        "apply, all created", size, "ours", lambda bench: bench.apply(ME), setup=lambda: ((opened(size),), {})
    )
    assert len(done.applied) == size


@at_all_sizes
def test_apply_floor(measure: Measure, size: int, tmp_path: Path) -> None:
    rows = [
        (f"{ACCOUNT}/{kind}/{name}", kind, name, canonical(spec).decode())
        for kind, specs in sides(size, 0.0)[1].items()
        for name, spec in specs.items()
    ]
    with duckdb.connect(str(tmp_path / "bare.duckdb")) as store:

        def empty() -> None:
            store.execute(
                "CREATE OR REPLACE TABLE live (key VARCHAR PRIMARY KEY, kind VARCHAR, name VARCHAR, spec VARCHAR)"
            )

        measure("apply, all created", size, "one statement", lambda: floors.write_all(store, rows), setup=empty)
        assert store.execute("SELECT count(*) FROM live").fetchall() == [(size,)]


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Workbench]]:
    """Many repositories at rest in one home: 1,000 where it is measured."""
    count = 1_000 if MAIN >= 10_000 else 10
    workbench = rounds.prepare(tmp_path_factory.mktemp("rounds"), count)
    yield count, workbench
    workbench.close()


def test_round(measure: Measure, resting: tuple[int, Workbench]) -> None:
    count, workbench = resting
    unchanged = measure("a round of repositories", count, "ours", lambda: rounds.round_(workbench))
    assert unchanged == [True] * count


def test_round_floor(measure: Measure, resting: tuple[int, Workbench]) -> None:
    count, workbench = resting
    measure("a round of repositories", count, "git fetch of each", lambda: rounds.floor(workbench))
