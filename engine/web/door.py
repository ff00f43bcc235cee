"""The way into the dashboard where nobody signs in: a link is exchanged for a cookie, and the websocket opens to that cookie alone.

The websocket carries everything that the dashboard shows and does. Without the cookie a page says what to type, because the dashboard
itself could not connect. The API has tokens of its own.
"""

from __future__ import annotations

import html
from urllib.parse import parse_qs

from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.errors import AccessDenied, FleetError
from engine.remote.local import started_as
from engine.server.links import COOKIE_S, PATH, LocalLinks, page_of
from engine.server.service import Service, running
from engine.server.site import header
from engine.web.problems import problem

_OPEN = ("/api/", "/static/")
_OPEN_PATHS = {
    "/api", "/app/approvals", "/healthz", "/metrics", "/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/favicon.png", "/manifest.json",
}  # fmt: skip
"""What holds nothing of the fleet, or asks for a token itself."""
_STREAMLITS = ("/_stcore/", "/media/", "/component/")
"""Paths that pages fetch from, and nobody types."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fleet Workbench</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }}
main {{ max-width: 36rem; margin: 15vh auto; padding: 0 1rem; }}
code {{ font: 600 1rem ui-monospace, Menlo, "DejaVu Sans Mono", monospace; }}
small {{ opacity: 0.7; }}
</style>
</head>
<body>
<main>
<h1>Fleet Workbench</h1>
<p>{message} In a terminal on the machine where it runs, run: <code>{command}</code></p>
<p>After that, <a href="{page}">open this page again</a>.</p>
<p><small>{code} · If the server was started with --home or FLEET_HOME, use the same value for this command. <code>{command} --print</code> prints the link.</small></p>
</main>
<script>addEventListener("focus", () => location.reload())</script>
</body>
</html>
"""
# A person who returns from the terminal, or from the tab that the link opened, sees the page that they asked for.


class Door:
    """ASGI middleware around the dashboard. It does nothing where people sign in, and where `FLEET_LOCAL_LINK` is off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            try:
                answer = _answer(scope)
            except FleetError as error:
                answer = problem(error, scope["path"][:200])
            if answer is not None:
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _answer(scope: Scope) -> Response | None:
    """What is answered in place of what was asked for; None where the request goes on. Raises: FleetError."""
    service, path = running(), scope["path"]
    if scope["type"] == "websocket":
        return None if _may_enter(service.links, scope) else problem(_needed(), path[:200])
    if path == PATH and scope["method"] in {"GET", "HEAD"}:
        return _exchange(service, scope)
    if path in _OPEN_PATHS or path.startswith(_OPEN) or _may_enter(service.links, scope):
        return None
    if path.startswith(_STREAMLITS):
        return problem(_needed(), path[:200])
    query = scope["query_string"].decode("latin-1")
    wanted = page_of(scope["raw_path"].decode("latin-1") + (f"?{query}" if query else ""))
    asked = service.site.asked(scope)
    if asked and asked.name != service.site.address.name and asked.port == service.site.address.port:
        # This machine by another name: the browser has its cookie under the name that links have.
        return RedirectResponse(f"{service.site.address}{wanted}", 307, {"Cache-Control": "no-store"})
    # What is gated is the websocket: a page holds nothing of the fleet, so that it saying what to type is no refusal.
    return _instructions(_needed(), wanted, 200)


def _may_enter(links: LocalLinks, scope: Scope) -> bool:
    if not links.needed:
        return True
    return links.admits(cookie_parser(header(scope["headers"], b"cookie") or "").get(links.cookie_name))


def _exchange(service: Service, scope: Scope) -> Response:
    """Give a cookie for a link, and lead on to the page without the secret. Effects: the link is used up."""
    links = service.links
    asked = parse_qs(scope["query_string"].decode("latin-1"))
    page = page_of(asked.get("to", ["/"])[0])
    key = asked.get("key", [""])[0]
    answer = RedirectResponse(page, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    # A chat that looks ahead for a preview asks with HEAD: that uses nothing up.
    if links.needed and scope["method"] == "GET" and links.take(key):
        answer.set_cookie(
            links.cookie_name,
            links.cookie(),
            max_age=COOKIE_S,
            secure=scope["scheme"] == "https",
            httponly=True,
            samesite="lax",  # a link to a page, followed in a chat, has to bring the cookie along
        )
        return answer
    return answer if _may_enter(links, scope) else _instructions(_used(), page, 403)


def _instructions(error: FleetError, page: str, status: int) -> Response:
    """A plain page that says in one sentence what to type."""
    text = _PAGE.format(
        message=html.escape(error.message), command=f"{started_as()} open", page=html.escape(page), code=error.code
    )
    return HTMLResponse(text, status, {"Cache-Control": "no-store"})


def _needed() -> FleetError:
    return AccessDenied(
        "FLEET-667",
        "This dashboard opens only with a link.",
        f"On the machine where it runs, run: {started_as()} open",
    )


def _used() -> FleetError:
    return AccessDenied(
        "FLEET-668",
        "This link was already used, or is older than ten minutes.",
        f"Create a new link: {started_as()} open",
    )
