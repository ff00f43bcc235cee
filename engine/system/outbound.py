"""The one way by which the server calls other services over HTTP: Vault, git hosts, notifications, the sign-in provider.

Each call is bounded, whatever the other side does:

    time        one deadline over waiting for a place, looking up the host, connecting, headers and body
    size        at most `MOST_BYTES` of body; an answer that is compressed is refused, since none is asked for
    redirects   are never followed: what is sent is for this address alone
    number      at most `SIDE_BY_SIDE` calls to one service at the same time; others wait, within their deadline
    shutdown    a call ends within a moment once `context.halted` gives a reason: the server ends, or the caller has gone away

Calls are made by httpx in one thread with an event loop: there, a call that waits for a byte can really be ended.
Failures say in words of ours what happened; the other side's words, the address and what was sent stay out of them.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from socket import getaddrinfo
from typing import TYPE_CHECKING, Any, TypeVar

from engine import context
from engine.errors import FleetError

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 1_048_576
"""Most bytes of a body that are read."""

SIDE_BY_SIDE = 4
"""Most calls to one service at the same time."""

_LOOK_S = 0.1
"""Seconds between two looks at whether a call has to end."""

_GRACE_S = 1.0
"""Seconds that a call which has ended may take to close its connection."""


class Why(StrEnum):
    """Why a call gave no answer. The values are words for people."""

    AWAY = "it cannot be reached, or closed the connection"
    UNTRUSTED = "its certificate is not trusted"
    LATE = "it did not answer in time"
    UNFIT = "its answer is larger than 1 MiB, or is compressed without a request for it"
    BUSY = "too many calls to it are already running"
    ENDED = "the client closed the connection, or the server is shutting down"


class CallFailed(Exception):
    """A call gave no answer."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a service."""

    service: str
    """Name of the service, such as `Vault`: calls with one name share its places."""
    method: str
    url: str = field(repr=False)
    limit_s: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    ca_file: str = ""
    """Certificate authorities to trust instead of the system's."""
    status_only: bool = False
    """Whether the body is of no interest: then none of it is read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


def ask(call: Call) -> Answer:
    """Make a call and wait for its end. Redirects (status 3xx) are answers like any other.

    Raises: CallFailed.
    """
    future = _begun(call, context.enders())
    # The call ends itself; this is for the case that its thread gets no time at all.
    if not wait([future], timeout=call.limit_s + 2 * _GRACE_S).done:
        future.cancel()
        raise CallFailed(Why.LATE)
    return future.result()


async def asked(call: Call, halted: context.Halted) -> Answer:
    """The same, for a caller in an event loop of its own. Raises: CallFailed."""
    return await asyncio.wrap_future(_begun(call, halted))


def _begun(call: Call, halted: context.Halted) -> Future[Answer]:
    return asyncio.run_coroutine_threadsafe(_bounded(call, halted), _loop())


E = TypeVar("E", bound=FleetError)


def too_many(service: str, kind: type[E]) -> E:
    """The error for a caller who waited too long for a place among the calls to a service."""
    return kind(
        "FLEET-648",
        f"{SIDE_BY_SIDE} calls to {service} are already running, and none of them ended in time for this one.",
        f"Try again in a moment. If it fails again, {service} answers too slowly.",
    )


def ended(kind: type[E], **facts: str) -> E:
    """The error for a call that was ended before there was an answer."""
    return kind("FLEET-502", f"The call was stopped: {context.halted() or Why.ENDED.value}.", "Try again.", **facts)


async def _bounded(call: Call, halted: context.Halted) -> Answer:
    """Make a call, and end it when its time is over or `halted` gives a reason. Raises: CallFailed."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + call.limit_s
    places = _places(call.service)
    opened: list[asyncio.BaseTransport] = []
    _opened.set(opened)
    under_way = False

    async def in_place() -> Answer:
        nonlocal under_way
        async with places:
            under_way = True
            return await _exchanged(call)

    task = asyncio.create_task(in_place())
    try:
        while not task.done():
            left = deadline - loop.time()
            if halted() is not None:
                raise CallFailed(Why.ENDED)
            if left <= 0:
                raise CallFailed(Why.LATE if under_way else Why.BUSY)
            await asyncio.wait([task], timeout=min(_LOOK_S, left))
        return task.result()
    finally:
        # A library that is ended in the middle of a handshake leaves the connection open.
        for transport in opened:
            _abort(transport)
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_GRACE_S)
        if task.done() and not task.cancelled():
            task.exception()  # looked at, so that asyncio does not write it into the log


_opened: ContextVar[list[asyncio.BaseTransport]] = ContextVar("opened")
"""The connections of the call in hand."""


def _abort(transport: asyncio.BaseTransport) -> None:
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


@cache
def _places(_service: str) -> asyncio.Semaphore:
    """The places of a service; only the event loop asks."""
    return asyncio.Semaphore(SIDE_BY_SIDE)


async def _exchanged(call: Call) -> Answer:
    """Send the request and read the answer, without a limit of time. Raises: CallFailed."""
    import httpx  # only who calls a service needs it

    headers = {"User-Agent": "fleet-workbench", **call.headers, "Accept-Encoding": "identity"}
    try:
        async with (
            httpx.AsyncClient(verify=_trusted(call.ca_file), timeout=call.limit_s, follow_redirects=False) as client,
            client.stream(call.method, call.url, headers=headers, content=call.content) as answer,
        ):
            body = b"" if call.status_only else await _body(answer)
            return Answer(answer.status_code, tuple(answer.headers.multi_items()), body)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise CallFailed(Why.UNTRUSTED if _is_certificate(error) else Why.AWAY) from None


async def _body(answer: httpx.Response) -> bytes:
    if answer.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise CallFailed(Why.UNFIT)
    read = bytearray()
    async for piece in answer.aiter_raw():
        read += piece
        if len(read) > MOST_BYTES:
            raise CallFailed(Why.UNFIT)
    return bytes(read)


def _is_certificate(error: BaseException | None) -> bool:
    """Whether a certificate was not trusted, anywhere along the causes of an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _trusted(ca_file: str) -> ssl.SSLContext:
    """The certificate authorities of a file; without one those that the environment names, else those of certifi."""
    file = ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or ""
    return _context(file, Path(file).stat().st_mtime_ns if file else 0)


@lru_cache(maxsize=8)
def _context(file: str, _changed: int) -> ssl.SSLContext:
    import httpx

    if not file:
        return httpx.create_ssl_context()
    if Path(file).is_dir():
        return ssl.create_default_context(capath=file)
    return ssl.create_default_context(cafile=file)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that knows the connections of each call, and keeps no process alive that waits for a name server."""

    async def create_connection(self, *args: Any, **kwargs: Any) -> Any:
        """As every loop has it. Effects: the call in hand knows the connection."""
        made = await super().create_connection(*args, **kwargs)
        _opened.get([]).append(made[0])
        return made

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
        """As every loop has it, from a thread that ends with the process. Raises: OSError."""
        return await _from_thread(self, *args, **kwargs)


async def _from_thread(loop: asyncio.AbstractEventLoop, *args: Any, **kwargs: Any) -> Any:
    found: asyncio.Future[Any] = loop.create_future()

    def tell(addresses: Any, error: OSError | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def look_up() -> None:
        try:
            addresses, failed = getaddrinfo(*args, **kwargs), None
        except (OSError, UnicodeError) as error:
            addresses, failed = None, OSError(str(error))
        loop.call_soon_threadsafe(tell, addresses, failed)

    threading.Thread(target=look_up, name="look up", daemon=True).start()
    return await found


_guard = threading.Lock()
_running: _Loop | None = None


def _loop() -> _Loop:
    """The event loop in which calls are made; its thread begins with the first of them."""
    global _running
    with _guard:
        if _running is None:
            _running = _Loop()
            threading.Thread(target=_running.run_forever, name="outbound", daemon=True).start()
        return _running
