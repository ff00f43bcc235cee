"""Change the engine by one line at a time, run the tests that reach that line, and print what no test noticed.

    uv run python -m tests.mutation                       the stages, decisions, registry, edits, permits and the store
    uv run python -m tests.mutation engine/flow/propose.py     some files
    uv run python -m tests.mutation --every 10            one mutant in ten of each file

The first run notes which test reaches what (about twice as long as the tests themselves) in .benchmarks/reach; later ones use the notes
until they are told --anew. A survivor that changes nothing which anybody could see is named with its reason in equivalent.toml.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.mutation import mutants, reach, trial
from tests.mutation.mutants import Mutant

PROJECT = Path(__file__).parents[2]
FILES = [
    *(f"engine/flow/{name}.py" for name in ("diff", "propose", "review", "plan", "apply", "drift", "export", "revert", "soundness", "order", "tick", "holding")),
    *(f"engine/workbench/{name}.py" for name in ("decisions", "registry", "edits", "workbench")),
    "engine/access/permits.py",
    "engine/paths.py",
    "engine/store",
]  # fmt: skip
TESTS = ["engine", "laws", "store", "parse", "sync", "api", "cli", "notify", "pages", "outbound", "analysis", "test_flow.py", "test_failure_modes.py", "test_ninth_kind.py", "test_moments.py"]  # fmt: skip
"""Tests that run the engine in their own process; what only a child runs is not noted."""


def main() -> int:
    """Run the command; gives 1 when fewer than 95 % were noticed."""
    asked = argparse.ArgumentParser(
        prog="python -m tests.mutation", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    asked.add_argument("files", nargs="*", default=FILES, help="files or folders of the engine")
    asked.add_argument("--every", type=int, default=1, help="try one mutant in N of each file")
    asked.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        help="tests of one mutant, by what they took without it; the nearest first",
    )
    asked.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--anew", action="store_true", help="note anew which test reaches what")
    asked.add_argument("--reach", type=Path, default=PROJECT / ".benchmarks" / "reach")
    options = asked.parse_args()
    if options.anew or not options.reach.is_dir():
        _note(options.reach, options.jobs)
    reached = reach.read(options.reach)
    known = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())
    all_ = [each for path in _sources(options.files) for each in _mutants(path)[:: options.every]]
    wanted = [each for each in all_ if each.name not in known]
    counts: dict[str, Counter[str]] = {each.file: Counter() for each in wanted}
    print(f"{len(wanted)} mutants, {len(all_) - len(wanted)} more are named as equivalent.", flush=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(
            options.jobs,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=trial.begin,
            initargs=(PROJECT, folder),
        ) as pool,
    ):
        work = {}
        for each in wanted:
            tests = _within(reached, each, options.seconds)
            work[pool.submit(trial.outcome, each, tests, sum(reached.seconds.get(t, 1) for t in tests))] = each
        for done in as_completed(work):
            each, found = work[done], done.result()
            counts[each.file][found] += 1
            if found != "killed":
                print(f"{found}: {each.file}:{each.line} {each.where}\n    {each.was}\n    {each.now}", flush=True)
    total = sum(counts.values(), Counter[str]())
    for file, outcomes in sorted(counts.items()):
        print(
            f"{outcomes['killed']:5} of {outcomes.total():5}  {100 * outcomes['killed'] / outcomes.total():5.1f} %  {file}"
        )
    share = 100 * total["killed"] / max(1, total.total())
    print(f"{total['killed']} of {total.total()} noticed: {share:.1f} %")
    return 0 if share >= 95 else 1


def _note(folder: Path, jobs: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutation.reach", "-p", "no:randomly", "-n", str(jobs)]
    subprocess.run(
        [*command, *(f"tests/{name}" for name in TESTS)],
        cwd=PROJECT,
        env={**os.environ, "REACH": str(folder), "COVERAGE_CORE": "ctrace"},
        check=False,
    )


def _sources(names: list[str]) -> Iterator[Path]:
    for name in names:
        path = PROJECT / name
        yield from [path] if path.is_file() else sorted({*path.rglob("*.py"), *path.rglob("sql/**/*.sql")})


def _mutants(path: Path) -> list[Mutant]:
    make = mutants.statements if path.suffix == ".sql" else mutants.python
    return make(str(path.relative_to(PROJECT)), path.read_text())


def _within(reached: reach.Reached, mutant: Mutant, seconds: float) -> list[str]:
    spent, tests = 0.0, list[str]()
    for test in reached.users(mutant.file) if mutant.imported else reached.tests(mutant.file, mutant.line):
        spent += reached.seconds.get(test, 1)
        if spent > seconds and tests:
            break
        tests.append(test)
    return tests


if __name__ == "__main__":
    sys.exit(main())
