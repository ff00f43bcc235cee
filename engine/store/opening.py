"""Opens a store or a snapshot without access to other files, the network or extensions.

A view or a macro in a foreign file may name files of this machine. Here such a statement is refused, and no setting
that would allow it can be changed afterwards. Source: DuckDB's "Securing DuckDB" (enable_external_access, allowed_directories,
lock_configuration).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

MEMORY = "1GB"
"""Most memory that DuckDB takes for a snapshot; what needs more is refused."""

_Config = dict[str, str | bool | int | float | list[str]]

_ALONE: _Config = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def read_only(path: Path, *, lossless: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a file for reading. `lossless` gives every type of DuckDB a form of its own in Arrow. Raises: duckdb.Error."""
    config: _Config = {
        **_ALONE,
        "enable_external_access": "false",
        "memory_limit": MEMORY,
        "max_temp_directory_size": "0B",
    }
    connection = duckdb.connect(str(path), read_only=True, config=config)
    return _locked(connection, ["SET GLOBAL arrow_lossless_conversion = true"] if lossless else [])


def read_write(path: Path, copies: Path) -> duckdb.DuckDBPyConnection:
    """Open a file for reading and writing, or make it. `copies` is the one folder whose files it may attach. Raises: duckdb.Error."""
    connection = duckdb.connect(str(path), config=_ALONE)
    place = f"{copies}/".replace("'", "''")
    # DuckDB takes the folder only before the rest is shut off, and only once the file is open.
    return _locked(
        connection,
        [
            # Closing brings the log in by itself, but not where a damaged store could not be opened: its log stays as it is.
            "PRAGMA disable_checkpoint_on_shutdown",
            f"SET GLOBAL allowed_directories = ['{place}']",
            "SET GLOBAL enable_external_access = false",
        ],
    )


def _locked(connection: duckdb.DuckDBPyConnection, settings: list[str]) -> duckdb.DuckDBPyConnection:
    """Set the configuration and lock it; a second connection of this process to one file shares what the first has set."""
    try:
        known = connection.execute("SELECT current_setting('lock_configuration')").fetchone()
        if not (known and known[0]):
            for each in ("SET GLOBAL TimeZone = 'UTC'", *settings, "SET GLOBAL lock_configuration = true"):
                connection.execute(each)
    except BaseException:
        connection.close()
        raise
    return connection
