"""Who acts where nobody signs in: the person who is logged in to this machine."""

from __future__ import annotations

import getpass
import os

from engine.model import Actor


def local_operator() -> Actor:
    """Whoever is logged in (or `FLEET_ACTOR`), with every permission: who may open the store's file may do everything anyway."""
    name = os.environ.get("FLEET_ACTOR", "").strip()
    if not name:
        try:
            name = getpass.getuser()
        except (OSError, KeyError):
            name = "operator"
    return Actor(name.encode(errors="replace").decode()[:255])
