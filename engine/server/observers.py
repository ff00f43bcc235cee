"""Those who look on: log, metrics, notifications. They are told in order, beside the work, and can neither stop nor delay it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Protocol

from engine.model import RecordedEvent, Run

log = logging.getLogger(__name__)

_CLOSE_S = 5
"""Most seconds to wait until all that has happened is told."""


class Observer(Protocol):
    """Somebody who looks on."""

    def recorded(self, found: Sequence[RecordedEvent]) -> None:
        """Told of events, once they have landed."""

    def ticked(self, run: Run) -> None:
        """Told of a tick that ended, unchanged ones too."""


class Observers:
    """Hands on what happens to everyone who looks on, from a thread of its own."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._told: SimpleQueue[Callable[[Observer], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._hand_on, name="observers", daemon=True)

    def start(self) -> None:
        """Begin to hand on."""
        self._thread.start()

    def recorded(self, found: Sequence[RecordedEvent]) -> None:
        """Events have landed."""
        self._told.put(lambda observer: observer.recorded(found))

    def ticked(self, run: Run) -> None:
        """A tick has ended."""
        self._told.put(lambda observer: observer.ticked(run))

    def close(self) -> None:
        """End once all that has happened is told, or after a few seconds."""
        self._told.put(None)
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)

    def _hand_on(self) -> None:
        while (tell := self._told.get()) is not None:
            for observer in self._observers:
                try:
                    tell(observer)
                except Exception:
                    log.exception("the observer %s failed", type(observer).__name__)
