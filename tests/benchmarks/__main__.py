"""Measure, and show side by side: `uv run --group peers python -m tests.benchmarks`.

Every piece of work stands beside its floor and its peers, measured one after the other on this machine: the median of seven runs after
one that warms up, with the shortest and the longest. A whole run writes the table of the page on speed and its picture; `--only` measures a
part, and shows it alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import report

ROOT = Path(__file__).resolve().parents[2]
SIZES = "100,1000,10000,100000"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", metavar="EXPRESSION", help="only tests that fit, as pytest's -k has it: parse, tick, page …"
    )
    parser.add_argument("--sizes", default=SIZES, help=f"numbers of resources (default {SIZES})")
    parser.add_argument("--results", type=Path, metavar="FILE", help="keep what was measured, or show what was kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = arguments.results or Path(folder) / "results.json"
        if not results.exists():
            command = [
                sys.executable,
                "-m",
                "pytest",
                "tests/benchmarks",
                "-n",
                "0",
                "-p",
                "no:randomly",
                "-q",
                "--benchmark-enable",
            ]
            command += ["--benchmark-only", "--benchmark-quiet", f"--benchmark-json={results}"]
            command += ["-k", arguments.only] if arguments.only else []
            ended = subprocess.run(
                command, cwd=ROOT, env={**os.environ, "BENCHMARK_SIZES": arguments.sizes}, check=False
            )
            if ended.returncode:
                return ended.returncode
        found = report.read(results)
        print(report.listing(found))  # noqa: T201
        if not arguments.only and arguments.sizes == SIZES:
            report.write(found, ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
