"""Which tests reach which line of Python and which statement of SQL: a plugin of pytest that notes it, and the reading of its notes.

Loaded by `-p tests.mutation.reach` with REACH=FOLDER: each process writes a file of coverage with one context a test, and
one of statements.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import coverage
import pytest

from engine.store import database

FOLDER = Path(os.environ.get("REACH", "."))


class Reach:
    """Notes for each test the lines and the statements that it reaches, and its seconds."""

    def __init__(self) -> None:
        self.coverage = coverage.Coverage(
            data_file=str(FOLDER / f"lines.{os.getpid()}"), source=["engine"], config_file=False, branch=False
        )
        self.test = ""
        self.statements: dict[str, set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        asked = database.Transaction._execute

        def noted(tx: database.Transaction, name: str, parameters: object) -> object:
            self.statements[name].add(self.test)
            return asked(tx, name, parameters)  # type: ignore[arg-type]

        database.Transaction._execute = noted  # type: ignore[assignment, method-assign]
        self.coverage.start()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.test = item.nodeid
        self.coverage.switch_context(item.nodeid)
        yield
        self.coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        self.coverage.save()
        notes = {
            "statements": {name: sorted(tests) for name, tests in self.statements.items()},
            "seconds": self.seconds,
        }
        (FOLDER / f"notes.{os.getpid()}.json").write_text(json.dumps(notes))


def pytest_configure(config: pytest.Config) -> None:
    """Begin when the process starts, so that lines of imports are noted too (as nobody's). What only hands out tests notes nothing."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.pluginmanager.register(Reach())


@dataclass(slots=True)
class Reached:
    """What the notes of all processes say."""

    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    """By file, then line: the tests."""
    statements: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    breadth: Counter[str] = field(default_factory=Counter)
    """By test: how many lines it reaches."""

    def tests(self, file: str, line: int) -> list[str]:
        """The tests that reach a line of a file, nearest first. For SQL the line does not matter."""
        if file.endswith(".sql"):
            found = self.statements.get(file.removeprefix("engine/store/sql/").removesuffix(".sql"), [])
        else:
            found = self.lines.get(file, {}).get(line, [])
        return self._nearest_first(found, file)

    def users(self, file: str) -> list[str]:
        """The tests that reach anything of a Python file, nearest first: whom a constant or a default of it concerns."""
        return self._nearest_first({test for tests in self.lines.get(file, {}).values() for test in tests}, file)

    def _nearest_first(self, tests: Iterable[str], file: str) -> list[str]:
        """What is named after the file comes first; then whoever reaches little else: it says most about it, and is quick."""
        own = f"/test_{Path(file).stem}.py::"
        return sorted(
            set(tests), key=lambda test: (own not in test, self.breadth[test], self.seconds.get(test, 1), test)
        )


def read(folder: Path) -> Reached:
    """Read the notes that a run left in a folder."""
    found = Reached()
    statements: dict[str, set[str]] = defaultdict(set)
    for path in folder.glob("notes.*.json"):
        notes = json.loads(path.read_text())
        found.seconds.update(notes["seconds"])
        for name, tests in notes["statements"].items():
            statements[name].update(test for test in tests if test)
    found.statements = {name: sorted(tests) for name, tests in statements.items()}
    for path in folder.glob("lines.*"):
        data = coverage.CoverageData(str(path))
        data.read()
        for file in data.measured_files():
            short = file[file.index("/engine/") + 1 :] if "/engine/" in file else file
            lines = found.lines.setdefault(short, {})
            for line, tests in data.contexts_by_lineno(file).items():
                lines.setdefault(line, []).extend(test for test in tests if test)
    for lines in found.lines.values():
        for tests in lines.values():
            found.breadth.update(set(tests))
    return found
