"""What only a process or a terminal shows: signals, pipes, streams that are closed or full, a store that is held, width and colour."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.settings import Settings
from engine.workbench import Workbench
from tests.cli.conftest import FILE, Fleet
from tests.conftest import GitRepository

LONG = FILE + "".join(
    f"  a-module-with-a-rather-long-name-{n:03}: {{description: {'words ' * 12}x}}\n" for n in range(9)
)


@pytest.fixture
def queue(fleet: Fleet, git_repo: GitRepository) -> Fleet:
    """A home with ten pending proposals of long names."""
    git_repo.push(LONG)
    fleet("repo", "add", "fc", str(git_repo.path), "--account", "acme")
    fleet("sync", "fc")
    return fleet


@contextmanager
def _held(home: Path) -> Iterator[None]:
    with Workbench.open_home(Settings.from_environment(home, {})):
        yield


def _start(environment: dict[str, str], *arguments: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine.cli", *arguments],
        env=environment | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _on_terminal(environment: dict[str, str], columns: int, *arguments: str, **more: str) -> str:
    """What a terminal of so many columns is sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    variables = {name: value for name, value in environment.items() if name not in {"COLUMNS", "LINES"}}
    command = [sys.executable, "-m", "engine.cli", *arguments]
    with subprocess.Popen(
        command, env=variables | {"TERM": "xterm"} | more, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        sent = b""
        try:
            while part := os.read(ours, 65_536):
                sent += part
        except OSError:
            pass  # how Linux says that the other side is closed
        finally:
            os.close(ours)
    return sent.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("verb", ["schema", "status", "proposals", "proposals --json"])
def test_a_reader_that_goes_away_ends_it_quietly(queue: Fleet, environment: dict[str, str], verb: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", *verb.split()],
        env=environment,
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("verb", "streams", "code", "err"),
    [
        ("schema", ">&-", 0, ""),
        ("show 99", ">&- 2>&-", 1, ""),
        ("schema", ">/dev/full", 1, "FLEET-607 The output cannot be written: No space left on device.\n"),
        ("status", ">/dev/full", 1, "FLEET-607 The output cannot be written: No space left on device.\n"),
    ],
)
def test_output_that_is_closed_or_full_is_no_fault_of_ours(
    environment: dict[str, str], verb: str, streams: str, code: int, err: str
) -> None:
    command = f"exec {sys.executable} -m engine.cli {verb} {streams}"
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, err)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_waiting_for_a_held_store_is_said_once_and_can_be_interrupted(
    home: Path, environment: dict[str, str], form: tuple[str, ...]
) -> None:
    with _held(home):
        child = _start(environment, "status", *form, FLEET_LOCK_WAIT_S="60")
        assert child.stderr is not None
        waiting = child.stderr.readline()
        assert f"in use by process {os.getpid()}" in waiting
        assert waiting.endswith("Waiting for it …\n")
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (130, "", "Interrupted. Finished work is kept; the next tick continues.\n")  # fmt: skip


def test_a_store_that_stays_held_is_an_error_and_one_that_is_let_go_is_taken(
    home: Path, environment: dict[str, str]
) -> None:
    with _held(home):
        refused = _start(environment, "status", "--json", FLEET_LOCK_WAIT_S="0")
        out, err = refused.communicate(timeout=60)
        assert (refused.returncode, json.loads(out)["code"], json.loads(err)["code"]) == (1, "FLEET-301", "FLEET-301")
        waiting = _start(environment, "status", FLEET_LOCK_WAIT_S="60")
        assert waiting.stderr is not None
        waiting.stderr.readline()
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, err) == (0, "")
    assert out.startswith("Nothing is registered yet.\n")


def test_a_surrounding_git_does_not_redirect_ours(registered: Fleet, process: Fleet, tmp_path: Path) -> None:
    foreign = {name: str(tmp_path / "foreign") for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")}  # fmt: skip
    assert process("sync", "fc", "--json", **foreign).json["gitops_sync_run"]["status"] == "success"


def test_the_version_and_help_are_there_without_a_home(process: Fleet) -> None:
    assert re.fullmatch(r"fleet, version \S.*\n", process("--version").out)
    assert process("-h").out == process("--help").out
    assert process("approve", "-h").out.startswith("Usage: fleet approve [OPTIONS] [IDS]...\n")


def test_a_shell_completes_the_verbs(process: Fleet) -> None:
    completed = process(COMP_WORDS="fleet app", COMP_CWORD="1", _FLEET_COMPLETE="bash_complete")
    assert completed.out == "plain,approve\nplain,apply\n"


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_a_narrow_terminal_keeps_the_ids_and_the_marks(queue: Fleet, environment: dict[str, str], columns: int) -> None:
    shown = _on_terminal(environment, columns, "proposals", NO_COLOR="1")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    rows = [line for line in plain.splitlines() if " + " in line]
    assert [int(row.split()[0]) for row in rows] == list(range(1, 11))
    if columns >= 60:
        assert max(len(row) for row in rows) <= columns
        assert all("variety = config" in row for row in rows) is (columns == 200)


def test_a_terminal_gets_colour_unless_it_is_not_wanted(queue: Fleet, environment: dict[str, str]) -> None:
    colour = re.compile(r"\x1b\[[0-9;]*3[0-9]m")
    for verb in (["proposals"], ["show", "99"]):
        assert colour.search(_on_terminal(environment, 80, *verb))
        assert not colour.search(_on_terminal(environment, 80, *verb, NO_COLOR="1"))


def test_progress_is_shown_on_a_terminal_alone(registered: Fleet, process: Fleet, environment: dict[str, str]) -> None:
    assert process("sync", "fc").err == ""
    assert "fc: sync …" in _on_terminal(environment, 80, "sync", "fc")
    assert "fc: sync …" not in _on_terminal(environment, 80, "sync", "fc", "--json")
