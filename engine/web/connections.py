"""Connections before they are requests: how many there may be, and how long one may take to say what it wants.

The server's own protocol (uvicorn's) waits without end for the rest of a request. Neither Streamlit, which starts it, nor uvicorn has
a setting for that, so every connection gets a guard around that protocol.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any

log = logging.getLogger("fleet.limits")

ACCEPTED = 128
"""Connections that asyncio accepts in one go. Without descriptors, it fails so many times in a row, and each failure is a line."""

BACKLOG = 1_024
"""Connections that the system keeps until they are accepted. Over it, a client tries again only after a second."""

MOST_MESSAGE = 4 * 1_048_576
"""Bytes of one message that a browser sends over its websocket. (`server.maxMessageSize` counts what the dashboard sends, too.)"""

PEER = "fleet.peer"
"""Where the state of a request keeps the address at the other end of its connection, whatever a header says."""


class Book:
    """The connections that are no websocket. At the limit, the oldest that has not sent a whole request makes room."""

    def __init__(self, most: Callable[[], int], wait_s: Callable[[], float]) -> None:
        """`most` gives the limit, `wait_s` how many seconds a connection may take to send the head of a request."""
        self._most, self.wait_s = most, wait_s
        self._by_address: defaultdict[str, dict[Guard, None]] = defaultdict(dict)
        self._count = 0

    def enter(self, guard: Guard) -> bool:
        """Write a connection down; False where there is no room, not even by closing another."""
        if self._count >= self._most() and not self._make_room():
            log.warning("a connection was refused: %d requests are running", self._count)
            return False
        self._by_address[guard.address][guard] = None
        self._count += 1
        return True

    def leave(self, guard: Guard) -> None:
        """Forget a connection; twice does nothing."""
        held = self._by_address.get(guard.address, {})
        if guard in held:
            del held[guard]
            self._count -= 1
            if not held:
                del self._by_address[guard.address]

    def _make_room(self) -> bool:
        """Close the oldest half-sent request of the address that has the most connections."""
        for held in sorted(self._by_address.values(), key=len, reverse=True):
            for guard in held:
                if guard.half_sent:
                    log.warning(
                        "connections with incomplete requests are closed to free capacity: there are %d", self._count
                    )
                    guard.end()
                    return True
        return False


class Guard(asyncio.Protocol):
    """One connection: passes everything on to the server's own protocol, and ends what takes too long to become a request."""

    def __init__(self, inner: Any, book: Book) -> None:
        self._inner, self._book = inner, book
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._passes_on = False
        self.address = ""

    @property
    def _answered(self) -> bool:
        """Whether no request is in hand: the next one has not come, or what is left of one that was answered."""
        return self._inner.cycle is None or bool(self._inner.cycle.response_complete)

    @property
    def half_sent(self) -> bool:
        """Whether a whole request is not there."""
        return self._answered or bool(self._inner.cycle.more_body)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  for mypy: what a server accepts is one
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        if not self._book.enter(self):
            transport.abort()
            return
        self._passes_on = True
        self._inner.config.ws_max_size = MOST_MESSAGE
        self._inner.app_state = {**self._inner.app_state, PEER: self.address}
        self._inner.connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        if not self._passes_on:
            return
        self._inner.data_received(data)
        if self._transport is not None and self._transport.get_protocol() is not self:  # it is a websocket from now on
            self._unwatch()
            self._book.leave(self)
        elif not self._answered:
            self._unwatch()
        else:
            self._watch()

    def eof_received(self) -> bool | None:
        return bool(self._inner.eof_received()) if self._passes_on else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        self._book.leave(self)
        if self._passes_on:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def end(self) -> None:
        """Close the connection at once."""
        self._unwatch()
        self._book.leave(self)
        if self._transport is not None:
            self._transport.abort()

    def _watch(self) -> None:
        """Count from the first byte (or the first moment) until a request is whole enough to be answered."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._book.wait_s(), self._late)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self._answered:
            log.warning("a connection was closed: it did not send a whole request head in %g s", self._book.wait_s())
            self.end()


def guard_connections(loop: asyncio.AbstractEventLoop, book: Book) -> None:
    """Have every server that this event loop starts from now on guard its connections. Effects: on the loop alone."""
    start = loop.create_server

    async def create_server(factory: Callable[[], Any], *args: Any, **options: Any) -> asyncio.Server:
        made = await start(lambda: Guard(factory(), book), *args, **{**options, "backlog": ACCEPTED})
        if (listening := options.get("sock")) is not None:
            listening.listen(BACKLOG)  # asyncio has one number for both, and has told it to the system by now
        return made

    try:
        vars(loop)["create_server"] = create_server
    except TypeError:  # an event loop that is not Python's own
        log.warning(
            "incomplete requests have no time limit: the event loop %s does not support the guard", type(loop).__name__
        )
