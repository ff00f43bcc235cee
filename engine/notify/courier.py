"""Brings everything that happened to one sink, in order, however long it is away. The store remembers how far it has come."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    stop_when_event_set,
)
from tenacity.nap import sleep_using_event
from tenacity.wait import wait_random_exponential

from engine import context
from engine.model import RecordedEvent, Run
from engine.notify.messages import TOLD, Message, messages
from engine.notify.sinks import Away, Misplaced, Refused, Sink
from engine.store import Store, events, outbox, repositories

log = logging.getLogger("fleet.notify")

OLDEST = timedelta(hours=24)
"""What happened longer ago is news to nobody; it stands in the store all the same."""

LONGEST_PAUSE_S = 300
"""Most seconds between two tries; as long as this where the address itself is wrong."""

_BATCH = 5_000
_STOP_S = 5
"""Most seconds to wait for the thread of a courier that ends: a call under way is ended within a moment."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one sink does."""

    sink: str
    state: str
    """ok, away or misplaced (the address or its credential is wrong)."""
    trouble: str = ""
    """Why the last try failed; empty since the last success."""
    under_way_s: float = 0.0
    """For how many seconds the message in hand has been under way, its tries and pauses together; 0 without one."""


class Courier:
    """One sink's own thread. An observer: told that something happened, it reads the store for what."""

    def __init__(
        self, store: Store, sink: Sink, delivered: Callable[[str, str], None] = lambda _sink, _outcome: None
    ) -> None:
        self._store = store
        self._sink = sink
        self._delivered = delivered
        self._stopping = threading.Event()
        self._poked = threading.Event()
        self._failing: dict[str, str] = {}
        """By repository, the code with which it has been told to fail."""
        self._state, self._trouble = "ok", ""
        self._taken_up: float | None = None
        """When the message in hand was first tried, by the monotonic clock."""
        self._thread = threading.Thread(target=self._run, name=f"notify {sink.name}", daemon=True)

    def start(self) -> None:
        """Begin where the last process stopped; the first time, with what happens from now on."""
        with self._store.read() as tx:
            known = outbox.position(tx, self._sink.name)
        if known is None:
            with self._store.write() as tx:
                outbox.advance(tx, self._sink.name, events.newest(tx))
        self._poked.set()
        self._thread.start()

    def halt(self) -> None:
        """Begin to end: a call under way ends within a moment, and none follows."""
        self._stopping.set()
        self._poked.set()

    def stop(self) -> None:
        """End soon; what is not told yet is told by the next process."""
        self.halt()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def standing(self) -> Standing:
        """How the sink does now."""
        began = self._taken_up
        under_way = 0.0 if began is None else time.monotonic() - began
        return Standing(self._sink.name, self._state, self._trouble, under_way)

    def recorded(self, found: Sequence[RecordedEvent]) -> None:
        """Something happened."""
        if any(e.event.type in TOLD for e in found):
            self._poked.set()

    def ticked(self, run: Run) -> None:
        """What a tick did is told by its events."""

    def _run(self) -> None:
        with context.ended_by(lambda: "the server is shutting down" if self._stopping.is_set() else None):
            self._bring_all()

    def _bring_all(self) -> None:
        while True:
            self._poked.wait()
            self._poked.clear()
            if self._stopping.is_set():
                return
            try:
                while self._bring_some():
                    pass
            except Exception:
                log.exception(
                    "notifications to %s failed unexpectedly; they resume with the next event", self._sink.name
                )

    def _bring_some(self) -> bool:
        """Bring what comes next; gives whether there may be more."""
        with self._store.read() as tx:
            since = outbox.position(tx, self._sink.name) or 0
            found = events.after(tx, since, sorted(TOLD), _BATCH)
            names = repositories.names(tx)
            now = tx.at
        if not found:
            return False
        if len(found) == _BATCH:  # do not part what one transaction did
            found = [e for e in found if e.at != found[-1].at] or found
        for message in messages([e for e in found if e.at > now - OLDEST], names):
            if self._is_new(message) and not self._bring(message):
                return False
            with self._store.write() as tx:
                outbox.advance(tx, self._sink.name, message.seq)
            if self._stopping.is_set():
                return False
        with self._store.write() as tx:
            outbox.advance(tx, self._sink.name, found[-1].seq)
        return True

    def _is_new(self, message: Message) -> bool:
        """A repository that goes on failing with one code is told of once, until it is well again."""
        if message.type == "repository.well":
            self._failing.pop(message.repository, None)
        if message.type != "repository.failing":
            return True
        code = str(message.data.get("code"))
        known = self._failing.get(message.repository)
        self._failing[message.repository] = code
        return code != known

    def _bring(self, message: Message) -> bool:
        """Bring one message, again and again with growing pauses; what is refused, or stale by then, is dropped with a line in the log.

        Gives whether the message is done with; not where the server shuts down first.
        """
        self._taken_up = time.monotonic()
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(Away),
                wait=_pause,
                stop=stop_after_delay(OLDEST) | stop_when_event_set(self._stopping),
                sleep=sleep_using_event(self._stopping),
            ):
                with attempt:
                    self._once(message)
        except RetryError:
            if self._stopping.is_set():
                return False
            self._delivered(self._sink.name, "dropped")
            log.warning("%s accepted no message for a day; dropped: %s", self._sink.name, message.title)
        except Refused as refused:
            self._delivered(self._sink.name, "refused")
            self._stands("ok")  # it answers, and takes others
            log.warning("%s refused a message (%s): %s", self._sink.name, refused, message.title)
        finally:
            self._taken_up = None
        return True

    def _once(self, message: Message) -> None:
        try:
            self._sink.send(message)
        except Away as away:
            if not self._stopping.is_set():
                self._delivered(self._sink.name, "away")
                self._stands("misplaced" if isinstance(away, Misplaced) else "away", str(away))
                log.warning("%s is not reachable (%s); retrying", self._sink.name, away)
            raise
        self._stands("ok")
        self._delivered(self._sink.name, "delivered")

    def _stands(self, state: str, trouble: str = "") -> None:
        self._state, self._trouble = state, trouble


def _pause(tries: RetryCallState) -> float:
    """Seconds until the next try: growing ones, and the longest at once where only a person can mend it."""
    if tries.outcome is not None and isinstance(tries.outcome.exception(), Misplaced):
        return LONGEST_PAUSE_S
    return wait_random_exponential(multiplier=1, max=LONGEST_PAUSE_S)(tries)
