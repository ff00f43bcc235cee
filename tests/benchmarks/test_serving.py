"""What people and scripts wait for: pages and API reads on the store of years, and the start of a command."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.model import Permission
from engine.server import service
from engine.server.service import Service
from engine.settings import Settings
from engine.workbench import Workbench
from tests.benchmarks import big, pages
from tests.benchmarks.conftest import MAIN, ME, AtRest, Measure
from tests.browser.conftest import Server
from tests.conftest import GIT_ENVIRONMENT
from tests.remotes.servers import free_port

SCALE = 1.0 if MAIN >= 10_000 else 0.005
READS = 100
"""Requests of a round, one after the other on one connection."""


@dataclass(frozen=True)
class Years:
    """A store of years: at full scale 100,000 proposals and a million versions of 10,000 resources."""

    home: Path
    sizes: dict[str, int]
    token: str


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Years:
    home = tmp_path_factory.mktemp("years", numbered=False)
    sizes = big.fill(home, scale=SCALE, resources=int(10_000 * SCALE) or 50, versions=100 if SCALE == 1 else 5)
    with Workbench.open_home(Settings.from_environment(home, {})) as workbench:
        _, token = workbench.create_token(ME, "reader", account="*", permissions=[Permission.READ])
    shutil.copytree(home, home.with_name("years-served"))
    return Years(home, sizes, token)


@pytest.fixture(scope="module")
def opened(years: Years) -> Iterator[Years]:
    """The store in the hands of this process, whose pages are run."""
    with Workbench.open_home(Settings.from_environment(years.home, {})) as workbench:
        made = Service(workbench)
        service.use(made)
        yield years
        service.use(None)
        made.jobs.close()


@pytest.mark.parametrize(("page", "query"), pages.PAGES, ids=lambda part: part if isinstance(part, str) else "")
def test_page(measure: Measure, opened: Years, page: str, query: dict[str, str]) -> None:
    facts = {"proposal": opened.sizes["proposals"] - 3, "run": opened.sizes["runs"] - 3}
    wanted = {name: text.format(**facts) for name, text in query.items()}
    measure(
        f"page {pages.address(page, query)}",
        opened.sizes["proposals"],
        "ours",
        pages.run,
        setup=lambda: ((pages.prepare(page, wanted),), {}),
        frozen=False,
    )


def reads(port: int, path: str, token: str | None) -> int:
    """Read an address again and again over one connection; gives the bytes of the last answer."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = b""
    for _ in range(READS):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
    connection.close()
    return len(body)


API = {
    "a page of proposals": "/api/v1/system/proposals?limit=25",
    "a proposal": "/api/v1/system/proposals/1",
    "runs": "/api/v1/system/gitops_sync_runs?limit=25",
}


@pytest.fixture(scope="module")
def served(years: Years) -> Iterator[int]:
    server = Server(years.home.with_name("years-served")).start()  # pages have the other one open
    yield server.port
    server.stop()


@pytest.mark.parametrize("what", API)
def test_api(measure: Measure, years: Years, served: int, what: str) -> None:
    measure(
        f"API, {what}", years.sizes["proposals"], "ours", lambda: reads(served, API[what], years.token), reads=READS
    )


@pytest.fixture
def bare_api() -> Iterator[int]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--port",
        str(port),
        "--log-level",
        "warning",
        "tests.benchmarks.floors:app",
    ]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as server:
        for _ in range(200):
            try:
                reads(port, "/", None)
                break
            except ConnectionError:
                assert server.poll() is None
                time.sleep(0.05)
        yield port
        server.terminate()


def test_api_floor(measure: Measure, years: Years, bare_api: int) -> None:
    measure(
        "API, a page of proposals",
        years.sizes["proposals"],
        "a bare route, as many bytes",
        lambda: reads(bare_api, "/", None),
        reads=READS,
    )


_PEAK = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


def child(measure: Measure, work: str, subject: str, command: list[str], home: Path, size: int = 0) -> None:
    """Measure a process from start to end, and once more, from a small parent, the most memory that it takes."""
    environment = {**GIT_ENVIRONMENT, "FLEET_ALLOW_LOCAL_REMOTES": "1", "FLEET_MAX_FILE_BYTES": str(2**30)}
    environment["FLEET_HOME"] = str(home)
    root = Path(__file__).parents[2]

    def run(*before: str) -> bytes:
        done = subprocess.run([*before, *command], env=environment, cwd=root, check=True, stdout=subprocess.PIPE)
        return done.stdout

    # A child begins with its parent's peak: ours is large.
    peak = int(run(sys.executable, "-c", _PEAK)) / 1024
    measure(work, size, subject, run, peak_mb=round(peak, 1))


STARTS = {
    "python -c pass": ["-c", "pass"],
    "import duckdb": ["-c", "import duckdb"],
    "fleet --version": ["-m", "engine.cli", "--version"],
    "fleet status": ["-m", "engine.cli", "status"],
    "fleet proposals": ["-m", "engine.cli", "proposals"],
}


@pytest.mark.parametrize("what", STARTS)
def test_start(measure: Measure, what: str, at_rest: Callable[[int], AtRest], copied: Callable[[AtRest], Path]) -> None:
    child(measure, "start of a command", what, [sys.executable, *STARTS[what]], copied(at_rest(min(MAIN, 1_000))))


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[AtRest], Path]:
    """A copy of a home at rest that nobody holds."""

    def made(home: AtRest) -> Path:
        (tmp_path / "home").mkdir()
        home.workbench.snapshot(ME, tmp_path / "home" / "fleet.duckdb")
        return tmp_path / "home"

    return made


VERBS = {"fleet sync": ["sync", "fc"], "fleet export": ["export"]}


@pytest.mark.parametrize("verb", VERBS)
def test_verb(measure: Measure, verb: str, at_rest: Callable[[int], AtRest], copied: Callable[[AtRest], Path]) -> None:
    """A command from start to end on a fleet of the main size, with the memory that it takes."""
    home = at_rest(MAIN)
    home.moved(0.01)
    command = [sys.executable, "-m", "engine.cli", *VERBS[verb]]
    child(measure, "a command on the fleet", verb, command, copied(home), MAIN)
