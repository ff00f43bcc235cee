"""One process: the dashboard, the scheduler, and below `/api` the place of the REST API.

`fleet serve` and `streamlit run app.py` start the same.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from engine import service
from engine.errors import FleetError

log = logging.getLogger("fleet")

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Own the store and tick while the server runs."""
    serving = service.serving()
    try:
        await run_in_threadpool(serving.__enter__)
    except FleetError as error:
        sys.exit(f"Error {error.code}: {error.message}\n  {error.hint}")
    try:
        yield
    finally:
        await run_in_threadpool(serving.__exit__, None, None, None)


async def to_approvals(request: Request) -> Response:
    """The queue under the address that the runbook gives."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/approvals{query}", status_code=307)


async def missing(request: Request) -> Response:
    """Anything unknown below `/api` is a problem in JSON, never a page."""
    problem = {
        "type": "about:blank",
        "title": "Not found",
        "status": 404,
        "code": "FLEET-642",
        "detail": f"There is nothing at {request.url.path}.",
        "hint": "The REST API is not part of this version; use the fleet command.",
    }
    return JSONResponse(problem, 404, media_type="application/problem+json")


def unexpected(error: Exception) -> bool:
    """What nobody foresaw is said in a sentence; where it happened stands in the log alone."""
    log.error("a page failed", exc_info=error)
    st.error(
        f"An unexpected error ({type(error).__name__}). The log of the server shows where; please report it.  \n"
        ":small[:gray[FLEET-900]]",
        icon=":material/error:",
    )
    return True


app = st.App(
    Path(__file__).parent / "pages" / "navigation.py",
    lifespan=lifespan,
    on_script_error=unexpected,
    routes=[
        Route("/app/approvals", to_approvals, methods=["GET", "HEAD"]),
        Route("/api", missing, methods=METHODS),
        Mount("/api", routes=[Route("/{rest:path}", missing, methods=METHODS)]),
    ],
)
