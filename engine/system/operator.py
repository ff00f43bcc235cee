"""Who acts where nobody signs in: the person who is logged in to this machine."""

from __future__ import annotations

import getpass
import os

from engine.access import names
from engine.errors import RefusedEdit
from engine.model import Actor


def local_operator() -> Actor:
    """Whoever is logged in (or `FLEET_ACTOR`), with every permission: who may open the store's file may do everything anyway.

    Raises: RefusedEdit FLEET-602 where the name is one of the system's own, or has characters that are not seen.
    """
    name = os.environ.get("FLEET_ACTOR", "").strip()
    if not name:
        try:
            name = getpass.getuser()
        except (OSError, KeyError):
            name = "operator"
    return operator_named(name)


def operator_named(name: str) -> Actor:
    """The local operator under a name. Raises: RefusedEdit FLEET-602."""
    name = name.encode(errors="replace").decode()
    if problem := names.local_problem(name):
        raise RefusedEdit(
            "FLEET-602",
            f"{name[:80]!r} cannot be the name of the local operator: {problem}.",
            "Set FLEET_ACTOR to a simple name, such as ana.",
        )
    return Actor(name)
