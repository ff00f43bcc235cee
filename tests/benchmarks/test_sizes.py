"""The benchmarks run, at a small size, so that they cannot rot. Nothing here is timed."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks import pages
from tests.benchmarks.big import fill


def test_every_page_runs_on_a_made_store(tmp_path: Path) -> None:
    sizes = fill(tmp_path, scale=0.005, resources=200, versions=5)
    taken = pages.measure(tmp_path, sizes, rounds=1)
    assert next(address for address, _ in taken) == "/overview"
    assert len(taken) == len(pages.PAGES)
