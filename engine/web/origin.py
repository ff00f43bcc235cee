"""Which host a request addresses and which page makes it: a foreign page must neither read the dashboard nor drive it."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from engine.errors import AccessDenied, FleetError
from engine.server.service import running
from engine.server.site import header
from engine.web.problems import not_found, problem

UNDER_ANY_NAME = ("/api/v1/",)
"""Every request here proves itself by a token or a signature, which a foreign page does not have."""
PROBES = {"/healthz", "/metrics"}
"""Asked under any name, such as an address of a container; what they say is less where it is not this machine that asks."""
STREAMLITS_FIGURES = "/_stcore/metrics"
"""Streamlit's own figures, such as how many sessions there are; they are for this machine alone."""


class OwnOrigin:
    """ASGI middleware: refuses what addresses another host, and what a page of another origin asks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            try:
                refused = _refusal(scope)
            except FleetError as error:
                refused = (error, 503)
            if refused is not None:
                await problem(refused[0], scope["path"][:200], refused[1])(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refusal(scope: Scope) -> tuple[FleetError, int] | None:
    """Why a request is refused, and the status; None where it is not. Raises: RefusedEdit FLEET-640."""
    site, path, socket = running().site, scope["path"], scope["type"] == "websocket"
    free = path in PROBES or path.startswith(UNDER_ANY_NAME)
    if site.asked(scope) is None and (socket or not free):
        return (
            AccessDenied(
                "FLEET-669",
                "The host name of the request does not belong to this server.",
                f"Use {site.address}; FLEET_PUBLIC_URL adds another name.",
            ),
            403 if socket else 421,
        )
    if path == STREAMLITS_FIGURES and not site.near(scope):
        return not_found(path), 404
    named = any(name == b"origin" for name, _ in scope["headers"])
    if (named or socket) and not site.owns(header(scope["headers"], b"origin") or "", scope):
        return (
            AccessDenied(
                "FLEET-669",
                "The request comes from a page of another origin (scheme, host or port).",
                f"Open the dashboard directly: {site.address}",
            ),
            403,
        )
    return None
