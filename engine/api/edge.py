"""What every request passes first: an id for it, a line in the log when it ends, and a coded answer whatever happens."""

from __future__ import annotations

import logging
import re
import secrets
import time
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.context import in_request
from engine.errors import FleetError
from engine.server.service import running
from engine.web.problems import problem, too_large, unexpected

log = logging.getLogger("fleet.request")

MOST_BODY = 1_048_576
MOST_OF_A_WEBHOOK = 25 * 1_048_576
"""What GitHub sends at most. A few are held at a time."""

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
"""Methods that are counted each by its name; what else somebody may send is `other`."""

_GOOD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Beside every answer: what is said to a token is said to nobody else."""


def most_body(path: str) -> int:
    """Bytes that the body of a request to this path may have; what grows while it is read is cut off by the app itself."""
    if path.startswith("/api/local/"):  # read only once its token is known to be right
        return 2**31
    return MOST_OF_A_WEBHOOK if "/webhooks/" in path else MOST_BODY


def _size(scope: Scope) -> int:
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isdecimal() and len(said) < 19 else 0


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


class Edge:
    """ASGI middleware around the API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        id_ = given if _GOOD_ID.fullmatch(given) else secrets.token_hex(8)
        status = 0
        gone = False
        whole = not _has_body(scope)
        began = time.perf_counter()

        async def receiving() -> Message:
            nonlocal gone, whole
            message = await receive()
            gone = gone or (not whole and message["type"] == "http.disconnect")
            whole = whole or not message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = id_
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with in_request(id_):
            try:
                if _size(scope) > most_body(scope["path"]):
                    await problem(too_large(), scope["path"])(scope, receive, sending)
                else:
                    await self._app(scope, receiving, sending)
            except ClientDisconnect:
                gone = (
                    True  # whether it went away or was too slow: there is nobody to answer, and nothing is wrong here
                )
            except Exception as error:
                log.exception("%s %s failed unexpectedly", scope["method"], scope["path"])
                if not status:  # not even the app's own handler got so far
                    await problem(unexpected(error), scope["path"])(scope, receive, sending)
            finally:
                took = (time.perf_counter() - began) * 1000
                with suppress(FleetError):
                    method = scope["method"] if scope["method"] in METHODS else "other"
                    running().metrics.requests.labels(method, str(status)).inc()
                facts = {"method": scope["method"], "path": scope["path"], "status": status, "ms": round(took, 1)}
                # What a command on this machine asks is told by the events that follow; half a request is no request.
                level = logging.DEBUG if gone or scope["path"].startswith("/api/local/") else logging.INFO
                words = "%s %s did not arrive completely: %d in %.0f ms" if gone else "%s %s %d in %.0f ms"
                log.log(level, words, scope["method"], scope["path"], status, took, extra={"facts": facts})
