"""Starting programs: git under limits of time, memory and bytes, and short questions to git and ssh.

Every child that the engine starts is started here. It gets an environment of its own: where programs are, and what its caller adds.
Tokens and secrets in the environment of this process never reach a child.
"""

from __future__ import annotations

import os
import select
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from engine.settings import Settings

MOST_WORDS = 65_536
"""Bytes of a program's output that are kept; the rest is read and discarded."""

_KEPT = ("PATH", "TMPDIR")
"""The variables of our own environment that every child gets."""

# `ulimit -f` counts blocks of 512 bytes, `ulimit -v` (which not every system has) kilobytes. A limit above the one that the system
# sets is refused, and the lower one stays. Children inherit both, and that a file which is too large is an error that git reports, not
# a signal that ends it.
_LIMITED = 'trap "" XFSZ; ulimit -c 0; ulimit -v "$2" 2>/dev/null; ulimit -f "$1" 2>/dev/null; shift 2; exec git "$@"'

_CONFIGURATION = {
    "core.hooksPath": os.devnull,
    "credential.helper": "",
    "http.followRedirects": "false",
    "http.cookieFile": "",
    "http.lowSpeedLimit": "1",
    "protocol.version": "2",
    "transfer.bundleURI": "false",
    "fetch.unpackLimit": "1",  # one pack, whose size the limit sees, and not many small files
    "core.bigFileThreshold": "4m",  # larger blobs are streamed, not held in memory
    "core.packedGitWindowSize": "16m",  # a pack is mapped piece by piece, so that its size takes no address space
    "core.packedGitLimit": "64m",
    "core.deltaBaseCacheLimit": "16m",
    "pack.threads": "1",
    "gc.auto": "0",
    "maintenance.auto": "false",
}


class GitFailed(Exception):
    """Git failed; `said` is its output in English, at most `MOST_WORDS` bytes."""

    def __init__(self, said: str) -> None:
        super().__init__("git failed")
        self.said = said


class TimeLimit(Exception):
    """Git was stopped because it took too long."""


class Stopped(Exception):
    """Git was stopped because the caller is ending."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call of git may take."""

    seconds: float
    file_bytes: int
    """Size of the largest file that it may write."""
    memory_bytes: int
    """Address space of each of its processes."""

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(settings.git_timeout_s, settings.max_fetch_bytes, settings.git_memory_bytes)


def clean_environment() -> dict[str, str]:
    """The environment of a child, before its caller adds to it: programs speak English and read no file of a user."""
    return kept(*_KEPT) | {
        "LC_ALL": "C",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }


def kept(*names: str) -> dict[str, str]:
    """Those of the named variables that are set in our own environment."""
    return {name: os.environ[name] for name in names if name in os.environ}


def answer(
    command: list[str], *, limit_s: float, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Exit code and output of a short question to a program, of which at most `MOST_WORDS` bytes are kept.

    The child gets `clean_environment` where none is given.
    Raises: TimeLimit; OSError where the program cannot be started.
    """
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=clean_environment() if environment is None else dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    said = bytearray()
    with _ended(process):
        _listen(process, said, time.monotonic() + limit_s, lambda: None)
        code = process.wait(timeout=5)
    return code, said.decode("utf-8", "replace")


def run(
    arguments: list[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    limits: Limits,
    halted: Callable[[], str | None] = lambda: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Run git to its end, or stop it and all that it started. `meanwhile` is called once, while git is at work.

    Raises: GitFailed, TimeLimit, Stopped; FileNotFoundError where there is no git.
    """
    process = _started(arguments, cwd, environment, limits, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    said = bytearray()
    with _ended(process):
        deadline = time.monotonic() + limits.seconds
        meanwhile()
        _listen(process, said, deadline, halted)
        code = process.wait(timeout=5)
    if code == 127:
        raise FileNotFoundError("git")
    if code:
        raise GitFailed(_words(said, code))


def _words(said: bytes | bytearray, code: int) -> str:
    """Git's output, and the signal that killed it, which git cannot report itself."""
    words = said.decode("utf-8", "replace")
    return f"{words}\nfatal: git died of signal {-code}" if code < 0 else words


class Conversation:
    """A git that answers requests on its input until the block ends. Made by `conversing`."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: float, halted: Callable[[], str | None]) -> None:
        assert process.stdin is not None  # noqa: S101  for mypy: all three are pipes
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        self._process, self._deadline, self._halted = process, deadline, halted
        self._in, self._out, self._err = process.stdin.fileno(), process.stdout.fileno(), process.stderr.fileno()
        self._said = bytearray()
        self._held = bytearray()
        self._ready = select.poll()
        self._ready.register(self._out, select.POLLIN)
        self._ready.register(self._err, select.POLLIN)

    def ask(self, request: str) -> None:
        """Send one line, which has to be short enough for a pipe to hold."""
        try:
            os.write(self._in, request.encode() + b"\n")
        except BrokenPipeError:
            self._fail()

    def line(self) -> str:
        """The next line of the answer, without its end. Raises: as `take`; GitFailed for a line without end."""
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > MOST_WORDS:
                raise GitFailed("fatal: a line without end")
            self._read()
        return self.take(end + 1)[:-1].decode("utf-8", "replace")

    def take(self, size: int) -> bytes:
        """The next `size` bytes of the answer. Raises: GitFailed, TimeLimit, Stopped."""
        while len(self._held) < size:
            self._read()
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def _read(self) -> None:
        """Wait until there is more of the answer."""
        while True:
            for pipe, _ in self._ready.poll(1000 * _patience(self._deadline, self._halted)):
                heard = os.read(pipe, MOST_WORDS)
                if pipe == self._out and heard:
                    self._held += heard
                    return
                if pipe == self._out:
                    self._fail()
                self._said += heard[: MOST_WORDS - len(self._said)]
                if not heard:
                    self._ready.unregister(pipe)

    def _fail(self) -> None:
        """Git has exited: raise its error, if any."""
        code = self._process.wait(timeout=5)
        if code == 127:
            raise FileNotFoundError("git")
        while len(self._said) < MOST_WORDS and (heard := os.read(self._err, MOST_WORDS)):
            self._said += heard
        raise GitFailed(_words(self._said, code))


@contextmanager
def conversing(
    arguments: list[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    limits: Limits,
    halted: Callable[[], str | None] = lambda: None,
) -> Iterator[Conversation]:
    """Start a git that is asked line by line; it is ended with the block."""
    process = _started(arguments, cwd, environment, limits, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with _ended(process):
        yield Conversation(process, time.monotonic() + limits.seconds, halted)
        process.kill()
        process.wait()


def _started(
    arguments: list[str], cwd: Path, environment: Mapping[str, str], limits: Limits, *, stdin: int, stdout: int
) -> subprocess.Popen[bytes]:
    """Git at work under its limits, in a process group of its own."""
    # Should we be killed, git gives up by itself on an https server that stays silent.
    configuration = _CONFIGURATION | {"http.lowSpeedTime": str(int(limits.seconds) + 5)}
    settings = [word for name, value in configuration.items() for word in ("-c", f"{name}={value}")]
    most = [str(limits.file_bytes // 512 + 1), str(limits.memory_bytes // 1024)]
    return subprocess.Popen(
        ["sh", "-c", _LIMITED, "git", *most, *settings, *arguments],
        cwd=cwd,
        env=dict(environment),
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """When the block ends with an error, the process and all that it started are ended; its pipes are closed in any case."""
    try:
        yield
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with suppress(TimeLimit):  # until its children have ended as well, and nothing is written any more
            _listen(process, bytearray(MOST_WORDS), time.monotonic() + 2, lambda: None)
        raise
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _listen(
    process: subprocess.Popen[bytes], said: bytearray, deadline: float, halted: Callable[[], str | None]
) -> None:
    """Read the output pipe until every process that could write to it has ended."""
    pipe = process.stderr or process.stdout
    assert pipe is not None  # noqa: S101  for mypy: one of them is a pipe
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if selector.select(_patience(deadline, halted)):
                heard = os.read(pipe.fileno(), 8192)
                if not heard:
                    return
                said += heard[: MOST_WORDS - len(said)]


def _patience(deadline: float, halted: Callable[[], str | None]) -> float:
    """Seconds to wait before looking again. Raises: TimeLimit, Stopped."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeLimit
    if halted():
        raise Stopped
    return min(left, 0.2)
