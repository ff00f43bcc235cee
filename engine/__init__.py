"""Fleet Workbench's engine, in the order of the flow: sync, parse, diff, propose, review, plan, apply, export.

Pages, the command line and the API use it only through `Workbench`; read-only code uses its base class, `Reader`. Notebooks start with `open`
or `connect`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.analysis import Snapshot
    from engine.workbench import Workbench
    from engine.workbench.reader import Reader

__all__ = ["Reader", "Workbench", "connect", "open"]


def open(path: str | os.PathLike[str] | None = None, *, account: str | None = None) -> Snapshot:  # noqa: A001
    """Open a snapshot for analysis: frames, figures, SQL, what-if. For the folder of a home, a new snapshot of it is made.

    Without a path: the file in `FLEET_SNAPSHOT`, else the home of this machine.

    Raises: RefusedEdit FLEET-607 (no such file); StoreError FLEET-302, 303.

    >>> fleet = engine.open("monday.duckdb")
    """
    from engine.analysis.sources import open_path  # brings pandas and plotly, which only notebooks need

    return open_path(None if path is None else Path(path), account)


def connect(url: str, token: str, *, account: str | None = None) -> Snapshot:
    """Fetch a fresh snapshot from a running server and open it. The token must be for every account.

    Raises: StoreError FLEET-310 (it is away), 312 (it is none); FleetError FLEET-600, 66x as the server refuses.

        fleet = engine.connect("https://fleet.example.com", os.environ["FLEET_TOKEN"])
    """
    from engine.analysis.sources import fetch  # brings pandas and plotly, which only notebooks need

    return fetch(url, token, account)


def __getattr__(name: str) -> Any:
    """Bring what is asked for when it is: most of the command line starts without DuckDB."""
    if name == "Workbench":
        from engine.workbench import Workbench

        # The names under which notebooks of before began.
        Workbench.open, Workbench.connect = staticmethod(open), staticmethod(connect)  # type: ignore[attr-defined]
        return Workbench
    if name == "Reader":
        from engine.workbench.reader import Reader

        return Reader
    raise AttributeError(name)
