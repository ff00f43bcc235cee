"""File descriptors: how many this process may have, and what that leaves room for."""

from __future__ import annotations

import logging
import resource
from contextlib import suppress
from typing import NamedTuple

from engine.settings import Settings

log = logging.getLogger("fleet.limits")

ENOUGH = 4_096
_UNLIMITED = 65_536
"""What is asked for where the system names no limit."""

_RESERVE = 640
"""For the store, git, the log, the sessions that the dashboard keeps for a while after their window has closed, and one batch of new connections."""
_PER_SOCKET = 4
"""A window of the dashboard has a connection, and an event loop of its own with three descriptors."""

MOST_CONNECTIONS = 2_000


class Room(NamedTuple):
    """What the process takes on at once."""

    sockets: int
    """Windows of the dashboard, in all."""
    sockets_per_address: int
    connections: int
    """Connections that are no window: requests, and those that wait for one."""


def raise_descriptors(settings: Settings) -> int:
    """Raise the limit of open files to what the system allows; gives the limit in force. Effects: a warning where that is little."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (_UNLIMITED if hard == resource.RLIM_INFINITY else hard, ENOUGH):
        if soft != resource.RLIM_INFINITY and wanted > soft:
            with suppress(OSError, ValueError):  # macOS names a higher limit than it gives
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                break
    had = descriptors()
    if had < ENOUGH:
        found = room(settings, had)
        log.warning(
            "only %d files may be open at once, enough for %d dashboard windows; raise the hard limit (ulimit -Hn) to %d or more",
            had, found.sockets, ENOUGH,
        )  # fmt: skip
    return had


def descriptors() -> int:
    """How many files this process may have open at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _UNLIMITED if soft == resource.RLIM_INFINITY else soft


def room(settings: Settings, had: int) -> Room:
    """What so many descriptors and the settings leave room for. One address never gets more than half of the windows."""
    left = max(had - _RESERVE, 120)
    sockets = min(settings.max_sockets, left * 6 // 10 // _PER_SOCKET)
    return Room(
        sockets,
        min(settings.max_sockets_per_address, max(sockets // 2, 1)),
        min(MOST_CONNECTIONS, left * 4 // 10),
    )
