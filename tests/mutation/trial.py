"""Trying mutants, each in a process that begins with the libraries already imported: most of a small test's time is imports."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.mutants import Mutant

BEFOREHAND = ["duckdb", "httpx", "hypothesis.stateful", "msgspec", "networkx", "orjson", "pytest", "rich", "starlette.routing", "uvicorn", "yaml", "git", "jwt"]  # fmt: skip
"""Libraries of others that are imported once. None of ours: a mutant must be read anew."""
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist", "-W", "ignore::pytest.PytestAssertRewriteWarning"]  # fmt: skip
"""The warning is about libraries that were imported before pytest looked."""
EXTRA_S = 20
"""Beside ten times what the tests need: what takes longer hangs, and so was noticed."""

AT_FIRST = 3
"""Files of tests that are run before all others."""

_copy = Path()


def begin(project: Path, folder: str) -> None:
    """Make this process one that tries mutants in a copy of its own below a folder."""
    global _copy
    _copy = copy_of(project, Path(tempfile.mkdtemp(dir=folder)))
    _prepare(_copy)


def copy_of(project: Path, folder: Path) -> Path:
    """A copy of what git knows of the project, to be changed."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, names.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project / name, target)
    return folder


def _prepare(copy: Path) -> None:
    """The copy comes before the project in what is imported."""
    os.chdir(copy)
    sys.path[:] = [str(copy), *(path for path in sys.path if path)]
    for name in BEFOREHAND:
        importlib.import_module(name)


def outcome(mutant: Mutant, tests: Sequence[str], seconds: float) -> str:
    """`killed`, or `survived` when every test passes. Tests that reach it are run until one fails."""
    if not tests:
        return "unreached"
    target = _copy / mutant.file
    kept = target.read_bytes()
    target.write_text(mutant.source)
    try:
        batches = [batch for batch in _batches(tests) if batch]
        return "survived" if all(_pass(batch, seconds * 10 + EXTRA_S) for batch in batches) else "killed"
    finally:
        target.write_bytes(kept)


def _batches(tests: Sequence[str]) -> tuple[list[str], list[str]]:
    """The nearest few files first: importing all that reach a line takes longer than most of them need to notice."""
    files = list(dict.fromkeys(test.split("::")[0] for test in tests))[:AT_FIRST]
    return [t for t in tests if t.split("::")[0] in files], [t for t in tests if t.split("::")[0] not in files]


def _pass(tests: Sequence[str], limit_s: float) -> bool:
    child = os.fork()
    if child == 0:
        _run(tests)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            if code in {3, 4, 5}:
                raise RuntimeError(
                    f"pytest could not run {tests[0]} and others: exit code {code}. Note anew which test reaches what."
                )
            return code == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run(tests: Sequence[str]) -> None:
    os.setpgid(0, 0)
    quiet = os.open(os.environ.get("MUTATION_LOG", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.split(".")[0] in {"engine", "tests"}]:
        del sys.modules[name]
    code = 70
    try:
        import pytest

        code = int(pytest.main([*OPTIONS, *tests]))
    finally:
        os._exit(code)
