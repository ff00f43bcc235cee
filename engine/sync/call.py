"""One call of git against an untrusted remote: bounded in time, in bytes on disk, in memory and in what it may say.

GitPython's own call hands on this process's whole environment (with `VAULT_TOKEN` in it), keeps all that a remote says in memory, and
kills only the children that it can still find; so this one place starts git by itself, in a process group of its own.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

MOST_WORDS = 65_536
"""Bytes of what git and the remote say that are kept; the rest is read and forgotten."""

_MEMORY = 2**31
"""Address space that git may take beside what it fetches."""

# `ulimit -f` counts blocks of 512 bytes, `ulimit -v` (which not every system has) kilobytes. Children inherit both, and that a file
# which is too large is an error that git tells, not a signal that it dies of.
_LIMITED = 'trap "" XFSZ; ulimit -c 0; ulimit -v "$2" 2>/dev/null; ulimit -f "$1" && shift 2 && exec git "$@"'

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
    "pack.threads": "1",
    "gc.auto": "0",
    "maintenance.auto": "false",
}


class GitFailed(Exception):
    """Git said no; `said` are its words, in English, at most `MOST_WORDS` bytes of them."""

    def __init__(self, said: str) -> None:
        super().__init__("git failed")
        self.said = said


class TimeLimit(Exception):
    """Git was stopped because it took too long."""


class Stopped(Exception):
    """Git was stopped because whoever asked is ending."""


def run(
    arguments: list[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    limit_s: float,
    max_bytes: int,
    halted: Callable[[], str | None] = lambda: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Run git to its end, or stop it and all that it started. `meanwhile` is called once, while git is at work.

    Raises: GitFailed, TimeLimit, Stopped; FileNotFoundError where there is no git.
    """
    # Should we be killed, git gives up by itself on an https server that stays silent.
    configuration = _CONFIGURATION | {"http.lowSpeedTime": str(int(limit_s) + 5)}
    settings = [word for name, value in configuration.items() for word in ("-c", f"{name}={value}")]
    limits = [str(max_bytes // 512 + 1), str((_MEMORY + max_bytes) // 1024)]
    process = subprocess.Popen(
        ["sh", "-c", _LIMITED, "git", *limits, *settings, *arguments],
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    said = bytearray()
    deadline = time.monotonic() + limit_s
    try:
        meanwhile()
        _listen(process, said, deadline, halted)
        code = process.wait(timeout=5)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with suppress(TimeLimit):  # until its children have ended as well, and what they write lies still
            _listen(process, bytearray(MOST_WORDS), time.monotonic() + 2, lambda: None)
        raise
    finally:
        if process.stderr is not None:
            process.stderr.close()
    if code == 127:
        raise FileNotFoundError("git")
    if code:
        raise GitFailed(said.decode("utf-8", "replace"))


def _listen(
    process: subprocess.Popen[bytes], said: bytearray, deadline: float, halted: Callable[[], str | None]
) -> None:
    """Read what is said until everyone who could say something has ended."""
    assert process.stderr is not None  # noqa: S101  for mypy: it is a pipe
    with selectors.DefaultSelector() as selector:
        selector.register(process.stderr, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeLimit
            if halted():
                raise Stopped
            if selector.select(min(left, 0.2)):
                heard = os.read(process.stderr.fileno(), 8192)
                if not heard:
                    return
                said += heard[: MOST_WORDS - len(said)]
