"""Server time of every page on a store of years: `uv run python -m tests.benchmarks.pages`.

Each page is run through Streamlit's AppTest in this process: queries, frames, figures and the messages for the browser, all that the
server does for one page run. One run warms up; then seven are timed. `--scale 0.01` makes a small store, which is what CI runs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from engine import service
from engine.service import Service
from engine.settings import Settings
from engine.workbench import Workbench
from tests.benchmarks.big import ACCOUNT, fill

NAVIGATION = Path(__file__).resolve().parents[2] / "pages" / "navigation.py"
BUDGET_MS = 300
ROUNDS = 7

PAGES: list[tuple[str, dict[str, str]]] = [
    ("overview", {}),
    ("approvals", {}),
    ("approvals", {"q": "0042", "page": "2"}),
    ("proposal", {"id": "{proposal}"}),
    ("runs", {}),
    ("runs", {"id": "{run}"}),
    ("drift", {}),
    ("fleet", {}),
    ("resource", {"id": f"{ACCOUNT}/nodes/node-00042"}),
    ("graph", {}),
    ("graph", {"view": "Plan of the next apply"}),
    ("graph", {"near": f"{ACCOUNT}/nodes/node-00042", "depth": "2"}),
    ("repositories", {}),
    ("repositories", {"name": "repository-0007"}),
    ("export", {}),
    ("audit", {}),
    ("settings", {}),
]


def measure(home: Path, sizes: dict[str, int], rounds: int = ROUNDS) -> list[tuple[str, list[float]]]:
    """(page with its query, milliseconds of each round) for every page."""
    taken = []
    with Workbench.open_home(Settings.from_environment(home, {})) as workbench:
        made = Service(workbench)
        service.use(made)
        try:
            for page, query in PAGES:
                facts = {"proposal": sizes["proposals"] - 3, "run": sizes["runs"] - 3}
                wanted = {name: text.format(**facts) for name, text in query.items()}
                taken.append((_address(page, wanted), [_run(page, wanted) for _ in range(rounds + 1)][1:]))
        finally:
            service.use(None)
            made.jobs.close()
    return taken


def _address(page: str, query: dict[str, str]) -> str:
    return f"/{page}" + ("?" + "&".join(f"{n}={v}" for n, v in query.items()) if query else "")


def _run(page: str, query: dict[str, str]) -> float:
    """Milliseconds of one run of a page. Raises: AssertionError when it ends in an exception."""
    app = AppTest.from_file(str(NAVIGATION), default_timeout=120)
    if page != "overview":
        app.switch_page(f"{page}.py")
    for name, text in query.items():
        app.query_params[name] = text
    start = time.perf_counter()
    app.run()
    spent = (time.perf_counter() - start) * 1000
    assert not app.exception, [each.value for each in app.exception]
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size (default 1)")
    parser.add_argument("--home", type=Path, help="keep the store here, and use it again if it is there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or Path(folder)
        resources = max(200, int(10_000 * arguments.scale))
        if not (home / "fleet.duckdb").exists():
            print("making the store …", flush=True)  # noqa: T201
            fill(home, scale=arguments.scale, resources=resources)
        sizes = {"proposals": int(100_000 * arguments.scale), "runs": int(50_000 * arguments.scale)}
        print(f"{'page':44} {'median':>8} {'min':>8} {'max':>8}   of {BUDGET_MS} ms")  # noqa: T201
        for address, spent in measure(home, sizes):
            median = statistics.median(spent)
            print(  # noqa: T201
                f"{address:44} {median:8.0f} {min(spent):8.0f} {max(spent):8.0f}   {median / BUDGET_MS:.2f}"
            )


if __name__ == "__main__":
    main()
