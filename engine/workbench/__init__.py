"""All operations on a home, for people and programs, with one permission check before each verb.

workbench.py      every verb
reader.py         all reading
decisions.py      approve, reject, unapprove, revert
edits.py          changes of the live fleet by hand
registry.py       repositories and their settings
check.py          whether a remote could be synced
prospects.py      the effect of decisions on proposals
graph.py, blame.py  references between resources; who set each value
tokens.py, signins.py  API tokens, sign-ins of people
gitea.py          creating a repository in Gitea
drill.py, rehearsal.py  the restore drill, and the temporary workbench that it uses
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.workbench.workbench import Synced, Workbench, utc_now

__all__ = ["Synced", "Workbench", "utc_now"]


def __getattr__(name: str) -> Any:
    """Import on first access: other modules of the package can be used without DuckDB."""
    if name in __all__:
        from engine.workbench import workbench

        return getattr(workbench, name)
    raise AttributeError(name)
