"""Limits around everything that is served: websockets in all and per address, bodies that arrive in time, requests of one meaning."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
from collections import Counter
from pathlib import Path

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.context import in_request
from engine.errors import FleetError
from engine.server.service import running
from engine.settings import Settings
from engine.web.connections import PEER, Book, guard_connections
from engine.web.descriptors import Room, descriptors, raise_descriptors, room
from engine.web.problems import problem
from engine.web.quiet import quiet

log = logging.getLogger("fleet.limits")

HEAD_S = 10
"""Most seconds for the head of a request, where the whole request may take longer."""

DRAINED = 16 * 1_048_576
DRAIN_S = 10.0
"""What is read, and for how long, of a body that was answered before it was read: most clients look for the answer only then."""


_LOOK_S = 0.5
"""Seconds between two looks at whether the server is shutting down, while a body is awaited."""


def _shutting_down() -> bool:
    try:
        return running().ending
    except FleetError:
        return True


def settings() -> Settings:
    """The settings in force, or the defaults where nothing is served."""
    try:
        return running().workbench.settings
    except FleetError:
        return Settings(home=Path())


def room_now() -> Room:
    """What this process takes on at once."""
    return room(settings(), descriptors())


def install() -> None:
    """Put the limits of connections in force, before the server listens.

    Effects: more descriptors, a guard on the servers of the running event loop, one line a minute from the loggers that a flood reaches.
    """
    quiet()
    raise_descriptors(settings())
    wait_s = min(HEAD_S, settings().request_wait_s)
    most = room_now().connections
    guard_connections(asyncio.get_running_loop(), Book(lambda: most, lambda: wait_s))


def address_of(scope: Scope, public_url: str) -> str:
    """Who is at the other end. What a proxy says about it counts only from this machine, and only where there is a public address.

    The server puts the client of `X-Forwarded-For` into the scope; the address of the connection itself is in its state.
    """
    said = scope["client"][0] if scope.get("client") else ""
    peer = scope.get("state", {}).get(PEER, said)
    return said if public_url and _loopback(peer) else peer


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _unsafe(path: str) -> bool:
    """Whether a path holds what no address of ours has: NUL, or steps upwards."""
    return "\0" in path or ".." in path.replace("\\", "/").split("/")


class _Body:
    """The body of one request on its way in."""

    def __init__(self, headers: Headers, receive: Receive, wait_s: float) -> None:
        self.whole = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        self.late = self.gone = self.ended = False
        self._receive = receive
        self._deadline = asyncio.get_running_loop().time() + wait_s
        self._asked_first = "expect" in headers  # whoever asks before sending a body sends none after a refusal

    async def receive(self) -> Message:
        """The next message; a disconnect where the body has not come in time, never will, or the server is shutting down."""
        if self.late or self.gone:
            return {"type": "http.disconnect"}
        if self.whole:
            return await self._receive()
        now = asyncio.get_running_loop().time
        while True:
            try:
                async with asyncio.timeout_at(min(self._deadline, now() + _LOOK_S)):
                    message = await self._receive()
                break
            except TimeoutError:
                self.ended = _shutting_down()
                if self.ended or now() >= self._deadline:
                    self.late = True
                    return {"type": "http.disconnect"}
        self._asked_first = False
        self.gone = message["type"] == "http.disconnect"
        self.whole = not self.gone and not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read what is left and keep nothing of it, up to a limit of bytes and time."""
        self._deadline = min(self._deadline, asyncio.get_running_loop().time() + DRAIN_S)
        left = 0 if self._asked_first else DRAINED
        while left > 0 and not (self.whole or self.late or self.gone):
            left -= max(len((await self.receive()).get("body", b"")), 1)


class Limits:
    """ASGI middleware around the dashboard and the API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._sockets: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if "content-length" in headers and "transfer-encoding" in headers:
            both = FleetError(
                "FLEET-645", "The request has both Content-Length and Transfer-Encoding.", "Send only one of the two."
            )
            await _refuse(both, 400, scope, receive, send)
            return
        if scope["path"].startswith("/api/") and _unsafe(scope["path"]):
            unsafe = FleetError("FLEET-646", "The path contains NUL or `..`.", "All addresses are listed at /api/docs.")
            await _refuse(unsafe, 400, scope, receive, send)
            return
        asked = settings()
        body = _Body(headers, receive, asked.request_wait_s)
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if not started and (body.late or body.gone):
                return  # nobody is there, or what is said below is the answer
            started = True
            if body.whole:
                await send(message)
            elif message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
                await send(message)
            elif message.get("more_body", False):
                await send(message)
            else:
                await send({**message, "more_body": True})
                await body.drain()
                await send({"type": "http.response.body"})

        try:
            await self._app(scope, body.receive, sending)
        except Exception:
            if started or not (body.late or body.gone):
                raise
        if started:
            return
        if body.ended:
            ended = FleetError(
                "FLEET-640", "The server is shutting down.", "Send the request again when the server runs."
            )
            await _refuse(ended, 503, scope, receive, send)
        elif body.late:
            log.warning("a request was stopped: its body did not arrive within %d s", asked.request_wait_s)
            late = FleetError(
                "FLEET-649",
                f"The request did not arrive completely within {asked.request_wait_s} s.",
                "Send it again; FLEET_REQUEST_WAIT_S sets the time limit.",
            )
            await _refuse(late, 408, scope, receive, send)
        elif body.gone:
            log.debug("%s %s: the client disconnected before the request was complete", scope["method"], scope["path"])

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        address, now = address_of(scope, settings().public_url), room_now()
        if self._sockets.total() >= now.sockets or self._sockets[address] >= now.sockets_per_address:
            log.warning("a dashboard window was refused: %d are open", self._sockets.total())
            await _refuse_socket(scope, receive, send)
            return
        self._sockets[address] += 1
        if scope.get("client"):
            scope = {**scope, "client": (address, scope["client"][1])}
        try:
            await self._app(scope, receive, send)
        finally:
            self._sockets[address] -= 1
            if not self._sockets[address]:
                del self._sockets[address]


async def _refuse(error: FleetError, status: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a problem and close the connection: where the next request would begin is not known."""
    id_ = secrets.token_hex(8)
    with in_request(id_):
        answer = problem(error, scope["path"], status)
    answer.headers.update({"Connection": "close", "Cache-Control": "no-store", "X-Request-Id": id_})
    await answer(scope, receive, send)


async def _refuse_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a websocket before it is one: 503, or a close code where the server cannot answer so."""
    error = FleetError(
        "FLEET-647",
        "Too many windows of the dashboard are open.",
        "Close some, or raise FLEET_MAX_SOCKETS (total) or FLEET_MAX_SOCKETS_PER_ADDRESS.",
    )
    await receive()  # the client's connect
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1013, "reason": f"{error.code} {error.message}"})
        return
    headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"30"), (b"connection", b"close")]
    await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": orjson.dumps(error.body())})
