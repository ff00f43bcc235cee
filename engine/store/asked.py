"""The child process of the console: answers SQL about one snapshot file, over its standard input and output.

Started as `python -m engine.store.asked FILE`. It opens the file for reading, shut off from everything else, and then lets the
system limit its memory, forbid it to write files and, for each query, limit its time. A message is a kind (one byte), the
length of its body (8 bytes) and the body: the question a pickle, which comes from our own process; the answer pieces of a
stream of Arrow and DONE, or a PROBLEM as JSON.
"""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import resource
import struct
import sys
import threading
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import duckdb

from engine.errors import QueryError
from engine.store.opening import MEMORY, read_only

HEADER = ">cQ"
READY, DATA, DONE, PROBLEM = b"R", b"D", b"F", b"P"

SPACE = 3 << 29
"""Bytes of address space that a query may take beside what the process has at the start: what DuckDB may use, and half of it
again for the answer."""

_WATCH_S = 2.0
"""How long after its time a query that does not end takes the process with it, should the parent no longer be there."""

_ROWS = 100_000
"""Rows that are turned into an answer at once."""

_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


def main(path: Path) -> None:
    """Answer questions until standard input ends."""
    import pyarrow  # noqa: F401 - before the limits, so that every query has the same room

    questions, answers = sys.stdin.buffer, _own_output()
    connection = read_only(path, lossless=True)
    _limit()
    _send(answers, READY)
    while len(head := questions.read(struct.calcsize(HEADER))) == struct.calcsize(HEADER):
        _, size = struct.unpack(HEADER, head)
        try:
            sql, parameters, seconds, most = pickle.loads(questions.read(size))  # noqa: S301 - of our own process
            _ask(connection, answers, sql, parameters, seconds=seconds, most=most)
        except QueryError as error:
            _refuse(answers, error)
        except MemoryError:
            _refuse(answers, _too_much())
        except (TypeError, ValueError, ImportError, AttributeError, OverflowError) as error:
            _refuse(
                answers,
                QueryError(
                    "FLEET-655",
                    f"A parameter or a value cannot be used ({type(error).__name__}).",
                    "Give numbers, texts, times, lists or dicts; cast values of rare types.",
                ),
            )
        else:
            _send(answers, DONE)


def _own_output() -> IO[bytes]:
    """Standard output for answers alone: what a library prints goes nowhere."""
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return own


def _limit() -> None:
    """Limit the memory of this process, and have it write neither files nor a core. Where the system cannot, DuckDB's own limits hold."""
    with suppress(OSError, ValueError):
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + SPACE, taken + SPACE))
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (0, 0))


def _limit_time(seconds: float) -> None:
    """Let the system end the process when this query has used the time of all processors twice over."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + (seconds + _WATCH_S) * 2 * (os.cpu_count() or 1))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _ask(
    connection: duckdb.DuckDBPyConnection,
    answers: IO[bytes],
    sql: str,
    parameters: Mapping[str, Any],
    *,
    seconds: float,
    most: int,
) -> None:
    """Answer one SELECT. Raises: QueryError FLEET-651 to 655; MemoryError."""
    _refuse_all_but_one_select(sql)
    _limit_time(seconds)
    cursor = connection.cursor()
    ended = threading.Event()

    def end() -> None:
        ended.set()
        cursor.interrupt()

    timers = [threading.Timer(seconds, end), threading.Timer(seconds + _WATCH_S, os._exit, (1,))]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        _stream(cursor.execute(sql, dict(parameters) or None), answers, most)
    except duckdb.InterruptException as error:
        raise QueryError(
            "FLEET-653",
            f"The query took longer than {seconds:g} s and was stopped.",
            "Filter the rows, or give it more time: sql(…, seconds=120)",
        ) from error
    except duckdb.PermissionException as error:
        raise QueryError(
            "FLEET-652",
            "The query uses files, extensions or other databases, which is not allowed here.",
            "Query the tables of the snapshot only; load other data with pandas.",
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise _too_much() from error
    except duckdb.Error as error:
        text = str(error).strip()
        if "bad_alloc" in text or "failed to allocate" in text.lower():
            raise _too_much() from error
        raise QueryError("FLEET-655", text, "List the tables: sql('SHOW TABLES')") from error
    finally:
        for timer in timers:
            timer.cancel()
        cursor.close()


def _refuse_all_but_one_select(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryError("FLEET-655", str(error).strip(), "List the tables: sql('SHOW TABLES')") from error
    if len(statements) != 1 or statements[0].type not in _READS:
        found = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise QueryError(
            "FLEET-651",
            f"Only one SELECT statement is allowed here, not {found}.",
            "A snapshot is read-only; make changes in the workbench itself.",
        )


def _stream(cursor: duckdb.DuckDBPyConnection, answers: IO[bytes], most: int) -> None:
    """Send the rows piece by piece, so that a result without end is noticed. Raises: QueryError FLEET-654."""
    import pyarrow as pa

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that this way copies the rows once more
        batches = cursor.to_arrow_reader(_ROWS)
    assert batches is not None  # noqa: S101  for mypy: there is a result
    rows = 0
    with pa.RecordBatchStreamWriter(_Pieces(answers), batches.schema) as writer:
        for batch in batches:
            rows += batch.num_rows
            if rows > most:
                raise QueryError(
                    "FLEET-654",
                    f"The query returns more than {most:,} rows.",
                    "Add a LIMIT, aggregate it, or allow more: sql(…, rows=10_000_000)",
                )
            writer.write_batch(batch)


class _Pieces(io.RawIOBase):
    """A file whose writes are messages."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers = answers

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        body = memoryview(piece).cast("B")
        _send(self._answers, DATA, body)
        return len(body)


def _too_much() -> QueryError:
    return QueryError("FLEET-654", f"The query needs more than {MEMORY} of memory.", "Filter or aggregate the rows.")


def _refuse(answers: IO[bytes], error: QueryError) -> None:
    body = {"code": error.code, "message": error.message, "hint": error.hint}
    _send(answers, PROBLEM, json.dumps(body).encode())


def _send(answers: IO[bytes], kind: bytes, body: bytes | memoryview = b"") -> None:
    answers.write(struct.pack(HEADER, kind, len(body)))
    answers.write(body)
    answers.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
