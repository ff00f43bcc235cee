"""How the process of a server ends: soon, whatever hangs.

A server that gets SIGINT or SIGTERM stops taking connections, waits for the answers that are under way, and closes the service. Each
of these may hang on somebody else, so a thread of its own watches over all of it:

    at once               whatever waits for another machine is ended
    after PATIENCE_S      the service is closed, even where a client still holds a connection open
    after LONGEST_S       the process is ended, even where a thread still hangs
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from queue import SimpleQueue
from types import FrameType
from typing import Protocol

log = logging.getLogger("fleet")

PATIENCE_S = 5.0
"""Seconds that clients have to take the answers that are under way."""

LONGEST_S = 18.0
"""Seconds from the signal after which the process is ended as it is."""


class Ending(Protocol):
    """What ends with the process."""

    closed: threading.Event
    """Set once `close` is done."""

    def end_soon(self) -> None:
        """Begin to end: nothing waits for another machine any more."""

    def close(self) -> None:
        """End. May be called twice; the second call waits for the first."""


def on_signals(service: Ending) -> None:
    """Have the process end soon after SIGINT or SIGTERM, beside what its handlers of these do. To be called in the main thread.

    Effects: a thread that waits for the signal.
    """
    came: SimpleQueue[int] = SimpleQueue()
    threading.Thread(target=_watch, args=(came, [service]), name="ending", daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        _also(number, came)


def _also(number: signal.Signals, came: SimpleQueue[int]) -> None:
    before = signal.getsignal(number)

    def handle(found: int, frame: FrameType | None) -> None:
        came.put(found)  # the one thing that is safe wherever the main thread is
        if callable(before):
            before(found, frame)

    signal.signal(number, handle)


def _watch(came: SimpleQueue[int], held: list[Ending]) -> None:
    number = came.get()
    began = time.monotonic()
    service = held.pop()  # nothing of this thread may keep the store alive until the interpreter ends
    service.end_soon()
    service.closed.wait(PATIENCE_S)
    service.close()
    del service
    # The process has ended by itself long before this, if it can.
    threading.Event().wait(max(began + LONGEST_S - time.monotonic(), 0))
    hanging = ", ".join(sorted(t.name for t in threading.enumerate() if not t.daemon and t.is_alive()))
    log.error("the server did not stop within %.0f s and is killed now; hanging threads: %s", LONGEST_S, hanging)
    os._exit(128 + number)
