"""Security headers of every answer: no frames, no type sniffing, no referrer to other hosts."""

from __future__ import annotations

import logging

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.web.problems import problem, unexpected

log = logging.getLogger("fleet")

HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
"""Set where the answer does not say it more strictly itself."""


class Headers:
    """ASGI middleware. It is the outermost, so that refusals of the others carry the headers too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if began or scope["type"] != "http":
                raise
            # Starlette's own last answer is made outside of every middleware, so it would carry none of the headers.
            log.exception("%s %s failed unexpectedly", scope["method"], scope["path"])
            await problem(unexpected(error), scope["path"])(scope, receive, sending)
