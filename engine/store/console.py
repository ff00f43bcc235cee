"""The SQL of people, asked of a snapshot: it reads what stands there and nothing else, and it ends.

The connection is opened for reading alone, without files, extensions or network, its configuration locked. Source: DuckDB's
"Securing DuckDB" (enable_external_access, lock_configuration).
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from engine.errors import QueryError

if TYPE_CHECKING:
    from pandas import DataFrame

MEMORY = "1GB"
"""Most memory that DuckDB takes for a snapshot; what needs more is refused."""

_CHUNK = 50  # vectors of 2,048 rows that are fetched at once

_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a store file for reading alone, shut off from everything else."""
    connection = duckdb.connect(
        str(path),
        read_only=True,
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": MEMORY,
            "max_temp_directory_size": "0B",
        },
    )
    locked = connection.execute("SELECT current_setting('lock_configuration')").fetchone()
    if not (locked and locked[0]):  # two of one file share their database within a process, and so its configuration
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET GLOBAL lock_configuration = true")
    return connection


def ask(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any], *, seconds: float, most: int
) -> DataFrame:
    """One SELECT as a frame. `seconds` is its time limit, `most` the rows that it may give.

    Raises: QueryError FLEET-651 (not one SELECT), 652 (it reaches outside), 653 (too long), 654 (too much), 655 (wrong).
    """
    _refuse_all_but_one_select(sql)
    cursor = connection.cursor()
    ended = threading.Event()

    def end() -> None:
        ended.set()
        cursor.interrupt()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        return _fetch(cursor.execute(sql, dict(parameters) or None), most)
    except duckdb.InterruptException as error:
        if not ended.is_set():
            raise KeyboardInterrupt from error  # somebody pressed Ctrl-C
        raise QueryError(
            "FLEET-653",
            f"The query took longer than {seconds:g} s and was ended.",
            "Narrow it, or give it more time: sql(…, seconds=120)",
        ) from error
    except duckdb.PermissionException as error:
        raise QueryError(
            "FLEET-652",
            "The query reaches for files, extensions or other databases, which is shut off here.",
            "Read what the snapshot holds; bring other data in with pandas.",
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise QueryError(
            "FLEET-654", f"The query needs more than {MEMORY} of memory.", "Narrow or aggregate it."
        ) from error
    except duckdb.Error as error:
        raise QueryError("FLEET-655", str(error).strip(), "See what there is: sql('SHOW TABLES')") from error
    finally:
        timer.cancel()
        cursor.close()


def _refuse_all_but_one_select(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryError("FLEET-655", str(error).strip(), "See what there is: sql('SHOW TABLES')") from error
    if len(statements) != 1 or statements[0].type not in _READS:
        found = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise QueryError(
            "FLEET-651",
            f"Only one SELECT is taken here, not {found}.",
            "A snapshot is for reading; changes are made in the workbench itself.",
        )


def _fetch(cursor: duckdb.DuckDBPyConnection, most: int) -> DataFrame:
    """The rows as a frame, fetched piece by piece so that a result without end is noticed."""
    import pandas as pd

    pieces: list[DataFrame] = []
    rows = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # DuckDB's own use of pandas
        while True:
            piece = cursor.fetch_df_chunk(_CHUNK)
            rows += len(piece)
            if rows > most:
                raise QueryError(
                    "FLEET-654",
                    f"The query gives more than {most:,} rows.",
                    "Add a LIMIT, aggregate it, or allow more: sql(…, rows=10_000_000)",
                )
            if len(piece) or not pieces:
                pieces.append(piece)
            if len(piece) == 0:
                break
    return pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)
