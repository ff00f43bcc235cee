"""How pages grow with the fleet: each on a fleet of 1,000 and on one of 100,000 resources, all else alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.server import service
from engine.server.service import Service
from engine.settings import Settings
from engine.workbench import Workbench
from tests.benchmarks import big, pages
from tests.benchmarks.conftest import SIZES, Measure
from tests.benchmarks.report import LARGE, SMALL

SCALE = 0.01
"""1,000 proposals and what belongs to them, whatever the fleet."""


@pytest.fixture(scope="module", params=[size for size in SIZES if size in {SMALL, LARGE}] or SIZES[:1])
def fleet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, dict[str, int]]]:
    """A fleet of a size in the hands of this process, and how many rows of each there are."""
    home = tmp_path_factory.mktemp(f"fleet-{request.param}")
    sizes = big.fill(home, scale=SCALE, resources=request.param, versions=1)
    with Workbench.open_home(Settings.from_environment(home, {})) as workbench:
        made = Service(workbench)
        service.use(made)
        yield request.param, sizes
        service.use(None)
        made.jobs.close()


@pytest.mark.parametrize(("page", "query"), pages.PAGES, ids=lambda part: part if isinstance(part, str) else "")
def test_page_of_a_fleet(measure: Measure, fleet: tuple[int, dict[str, int]], page: str, query: dict[str, str]) -> None:
    size, sizes = fleet
    node = "node-00042" if sizes["nodes"] > 42 else "node-00001"
    facts = {"proposal": sizes["proposals"] - 3, "run": sizes["runs"] - 3}
    wanted = {name: text.format(**facts).replace("node-00042", node) for name, text in query.items()}
    work = f"a fleet's page {pages.address(page, query)}"
    measure(work, size, "ours", pages.run, setup=lambda: ((pages.prepare(page, wanted),), {}), frozen=False)
