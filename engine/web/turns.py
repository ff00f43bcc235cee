"""Turns: how many pages are made side by side. One interpreter makes them all, and answers everything else beside them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import RefusedEdit

WAIT_S = 15.0


class Turns:
    """Lets so many through at once; whose address has the fewest going comes next, then who came first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._guard = threading.Condition()
        self._going: Counter[str] = Counter()
        self._waiting: list[tuple[object, str]] = []
        self._mine = threading.local()

    @contextmanager
    def one(self, address: str, wait_s: float = WAIT_S) -> Iterator[None]:
        """Hold a turn while the block runs; within a turn of the same thread it is the same one.

        Raises: RefusedEdit FLEET-647 where none came up in time.
        """
        if getattr(self._mine, "held", False):
            yield
            return
        self._take(address, wait_s)
        self._mine.held = True
        try:
            yield
        finally:
            self._mine.held = False
            with self._guard:
                self._going[address] -= 1
                if not self._going[address]:
                    del self._going[address]
                self._guard.notify_all()

    def _take(self, address: str, wait_s: float) -> None:
        me = (object(), address)
        with self._guard:
            self._waiting.append(me)
            try:
                if not self._guard.wait_for(lambda: self._next() is me, wait_s):
                    raise RefusedEdit(
                        "FLEET-647",
                        "The server is rendering too many pages at the moment.",
                        "Reload the page in a few seconds.",
                    )
                self._going[address] += 1
            finally:
                self._waiting.remove(me)
                self._guard.notify_all()

    def _next(self) -> tuple[object, str] | None:
        """Whose turn it is; None while all turns are taken."""
        if self._going.total() >= self._most:
            return None
        return min(self._waiting, key=lambda each: self._going[each[1]])  # the first of equals is who came first
