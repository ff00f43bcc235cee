"""The SQL of people, asked of a snapshot in a process of its own: it reads what stands there and nothing else, and it ends.

DuckDB looks at its limits between two pieces of work, and one expression on a very long string is a single piece. So the query
runs in a child whose memory and time the system limits, and which is killed when it does not end by itself. The child starts
with the first query and stays for the next ones. What it does is in `engine.store.asked`.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn

import duckdb

from engine.errors import QueryError
from engine.store.asked import DATA, DONE, HEADER, PROBLEM, READY
from engine.store.opening import MEMORY

if TYPE_CHECKING:
    from pandas import DataFrame

START_S = 60
"""How long the child may take to start on a busy machine."""

GRACE_S = 1.0
"""How long the child has to end a query by itself before it is killed."""

MOST_BYTES = 1 << 30
"""Most bytes that an answer may have."""

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "SYSTEMROOT", "TZ", "TMPDIR")
"""All that the child gets of our environment: what a Python needs to start. Secrets of the notebook stay out of it."""


class _Child(NamedTuple):
    process: subprocess.Popen[bytes]
    to: IO[bytes]
    answers: IO[bytes]


class Console:
    """Asks SQL of one snapshot file. One query at a time; others wait. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._file = _identity(self._path)
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def ask(self, sql: str, parameters: Mapping[str, Any], *, seconds: float, most: int) -> DataFrame:
        """One SELECT as a frame. `seconds` is its time limit, `most` the rows that it may give.

        Raises: QueryError FLEET-651 (not one SELECT), 652 (it reaches outside), 653 (too long), 654 (too much), 655 (wrong).
        """
        question = _packed(sql, parameters, seconds, most)
        with self._lock:
            child = self._started()
            deadline = time.monotonic() + seconds + GRACE_S
            try:
                answer = self._answer(child, question, deadline)
            except TimeoutError:
                self._end()
                raise _too_long(seconds) from None
            except (EOFError, BrokenPipeError):
                self._died(seconds)
            except QueryError:
                raise
            except BaseException:  # Ctrl-C in a notebook: the query ends with the cell
                self._end()
                raise
        return _frame(answer)

    def close(self) -> None:
        """End the child. Safe to call twice; the next question would start another."""
        with self._lock:
            self._end()

    def __del__(self) -> None:
        self._end()

    def _started(self) -> _Child:
        """The child, started if none is running. Raises: QueryError FLEET-655 where the file is another one by now."""
        if self._child is not None and self._child.process.poll() is None:
            return self._child
        self._end()
        if _identity(self._path) != self._file:
            raise QueryError(
                "FLEET-655", f"{self._path} was replaced or removed after it was opened.", "Open it again."
            )
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.store.asked", str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                **{name: os.environ[name] for name in _KEPT if name in os.environ},
                "PYTHONPATH": os.pathsep.join(place for place in sys.path if place),
            },
            start_new_session=True,  # Ctrl-C is ours; we end the child
        )
        assert process.stdin is not None  # noqa: S101  for mypy
        assert process.stdout is not None  # noqa: S101
        self._child = _Child(process, process.stdin, process.stdout)
        try:
            kind, _ = _message(self._child.answers, time.monotonic() + START_S)
        except (TimeoutError, EOFError):
            kind = PROBLEM
        except BaseException:
            self._end()
            raise
        if kind != READY:
            self._end()
            raise QueryError(
                "FLEET-655",
                "The process that runs SQL queries did not start.",
                "Try again; if it fails again, the machine may lack memory or processes: see the system log.",
            )
        return self._child

    def _answer(self, child: _Child, question: bytes, deadline: float) -> bytes:
        """Send a question and gather its answer. Raises: QueryError; TimeoutError; EOFError where the child has ended."""
        child.to.write(question)
        child.to.flush()
        gathered = io.BytesIO()
        while True:
            kind, body = _message(child.answers, deadline)
            if kind == DATA:
                gathered.write(body)
                if gathered.tell() > MOST_BYTES:
                    self._end()
                    raise QueryError(
                        "FLEET-654", f"The query returns more than {MEMORY} of data.", "Filter or aggregate the rows."
                    )
            elif kind == DONE:
                return gathered.getvalue()
            else:
                raise QueryError(**json.loads(body))

    def _died(self, seconds: float) -> NoReturn:
        """Say why the child ended in the middle of a query. Raises: QueryError FLEET-653, 654."""
        code = self._child.process.wait() if self._child else 0
        self._end()
        if code in {-signal.SIGXCPU, -signal.SIGKILL}:
            raise _too_long(seconds)
        raise QueryError("FLEET-654", f"The query needs more than {MEMORY} of memory.", "Filter or aggregate the rows.")

    def _end(self) -> None:
        child, self._child = getattr(self, "_child", None), None
        if child is not None:
            child.process.kill()
            child.process.wait()
            for pipe in (child.to, child.answers):
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # half a question was left in it


def _too_long(seconds: float) -> QueryError:
    return QueryError(
        "FLEET-653",
        f"The query took longer than {seconds:g} s and was stopped.",
        "Filter the rows, or give it more time: sql(…, seconds=120)",
    )


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file this is, whatever is at its path later; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _packed(sql: str, parameters: Mapping[str, Any], seconds: float, most: int) -> bytes:
    """A question as the child reads it. Raises: QueryError FLEET-655 for a parameter that no other process can be given."""
    plain = {name: str(value) if isinstance(value, str) else value for name, value in parameters.items()}
    try:
        body = pickle.dumps((sql, plain, seconds, most))
    except Exception as error:
        raise QueryError(
            "FLEET-655",
            f"A parameter cannot be used ({type(error).__name__}).",
            "Give numbers, texts, times, lists or dicts.",
        ) from error
    return struct.pack(HEADER, DATA, len(body)) + body


def _message(pipe: IO[bytes], deadline: float) -> tuple[bytes, bytes]:
    """One message of the child: its kind and its body. Raises: TimeoutError; EOFError."""
    kind, size = struct.unpack(HEADER, _exactly(pipe, struct.calcsize(HEADER), deadline))
    return kind, _exactly(pipe, size, deadline)


def _exactly(pipe: IO[bytes], size: int, deadline: float) -> bytes:
    gathered = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(gathered) < size:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            piece = os.read(pipe.fileno(), min(1 << 20, size - len(gathered)))
            if not piece:
                raise EOFError
            gathered += piece
    return bytes(gathered)


def _frame(stream: bytes) -> DataFrame:
    """A stream of Arrow as the frame that DuckDB itself would give."""
    import pyarrow as pa

    with pa.ipc.open_stream(stream) as reader, warnings.catch_warnings():
        table = reader.read_all()
        warnings.simplefilter("ignore", DeprecationWarning)  # DuckDB's own use of pandas
        with duckdb.connect(config={"enable_external_access": "false"}) as own:
            own.execute("SET TimeZone = 'UTC'")
            frame = own.from_arrow(table).df()
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):  # an enum, which is a text by now
            frame.isetitem(place, table.column(place).to_pandas().cat.as_ordered())
    return frame
