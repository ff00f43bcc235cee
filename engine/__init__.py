"""Fleet Workbench's engine, in the order of the flow: sync, parse, diff, propose, review, plan, apply, export.

Pages, the command line, the API and notebooks reach it through `Workbench` alone; what only reads takes its base, `Reader`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.reader import Reader
    from engine.workbench import Workbench

__all__ = ["Reader", "Workbench"]


def __getattr__(name: str) -> Any:
    """Bring what is asked for when it is: most of the command line starts without DuckDB."""
    if name == "Workbench":
        from engine.workbench import Workbench

        return Workbench
    if name == "Reader":
        from engine.reader import Reader

        return Reader
    raise AttributeError(name)
