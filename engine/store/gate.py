"""Locks: shared and exclusive (`Gate`), a bounded queue for one at a time (`Turns`), and first in, first out (`InTurn`)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """A shared/exclusive lock. A thread that holds it shared may acquire it shared again at any time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._closed = False
        self._mine = threading.local()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Hold the lock shared; waits while another thread holds it exclusively."""
        depth = getattr(self._mine, "depth", 0)
        with self._changed:
            if (
                not depth
            ):  # a waiting exclusive holder must not block a thread that already holds the lock: it has to finish first
                self._changed.wait_for(lambda: not self._closed)
            self._inside += 1
        self._mine.depth = depth + 1
        try:
            yield
        finally:
            self._mine.depth -= 1
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self, wait_s: float) -> Iterator[None]:
        """Hold the lock exclusively; new threads wait. Raises: TimeoutError if the current holders do not release it in time."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._closed = True
            try:
                if not self._changed.wait_for(lambda: not self._inside, wait_s):
                    raise TimeoutError
            except BaseException:
                self._open()
                raise
        try:
            yield
        finally:
            with self._changed:
                self._open()

    def _open(self) -> None:
        self._closed = False
        self._changed.notify_all()


class InTurn:
    """A lock that threads get in the order in which they asked. Who has it may take it again.

    An ordinary lock can be re-acquired by the thread that has just released it, before the threads that wait: a long piece of work in
    many short steps would starve the others.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False
        self._owner: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._owner != me:
            with self._guard:
                mine = threading.Lock() if self._taken else None
                if mine is not None:
                    mine.acquire()
                    self._waiting.append(mine)
                self._taken = True
            if mine is not None:
                self._wait(mine)
            self._owner = me
        self._depth += 1

    def _wait(self, mine: threading.Lock) -> None:
        try:
            mine.acquire()  # released by the previous holder: the turn is ours then
        except BaseException:
            with self._guard:
                left = mine in self._waiting
                if left:
                    self._waiting.remove(mine)
            if not left:
                self._pass_on()
            raise

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
            self._pass_on()

    def _pass_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


class Turns:
    """Lets one thread at a time do a thing; a few others wait for their turn."""

    def __init__(self, most_waiting: int) -> None:
        """`most_waiting` is how many may wait; who comes after them is refused at once."""
        self._places = threading.BoundedSemaphore(1 + most_waiting)
        self._turn = threading.Lock()

    @contextmanager
    def taken(self, wait_s: float) -> Iterator[None]:
        """Hold the turn. Raises: TimeoutError if it is not free in time, or too many threads wait already."""
        if not self._places.acquire(blocking=False):
            raise TimeoutError
        try:
            if not self._turn.acquire(timeout=wait_s):
                raise TimeoutError
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._places.release()
