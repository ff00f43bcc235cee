"""One process: the dashboard, the REST API below `/api`, and the scheduler.

`fleet serve` and `streamlit run app.py` start the same.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from engine import api
from engine.errors import FleetError
from engine.server import service
from engine.system import private, surroundings
from engine.system.sockets import send_at_once
from engine.web import limits
from engine.web.cookies import Cookies
from engine.web.door import Door
from engine.web.headers import Headers
from engine.web.origin import OwnOrigin
from engine.web.welcome import welcome

log = logging.getLogger("fleet")


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Own the store and tick while the server runs."""
    private.close_umask()  # `streamlit run app.py` comes here without the command line
    serving = service.serving(st.get_option("server.address") or "", st.get_option("server.port"))
    send_at_once(st.get_option("server.port"))
    try:
        welcome(await run_in_threadpool(serving.__enter__))
        limits.install()
        # What is loaded by now stays for good: no collection needs to look through it again.
        gc.collect()
        gc.freeze()
    except FleetError as error:
        sys.exit(f"Error {error.code}: {error.message}\n  {error.hint}")
    service.ends_on_signals()
    try:
        yield
    finally:
        await run_in_threadpool(serving.__exit__, None, None, None)
        gc.unfreeze()  # the store is let go of with the rest


async def to_approvals(request: Request) -> Response:
    """The queue under the address that the runbook gives."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/approvals{query}", status_code=307)


def unexpected(error: Exception) -> bool:
    """Say an error that no page handled in a sentence. Only the log shows where it happened."""
    log.error("a page failed", exc_info=error)
    if known := error if isinstance(error, FleetError) else surroundings.told(error):
        st.error(f"{known.message} {known.hint}  \n:small[:gray[{known.code}]]", icon=":material/error:")
        return True
    st.error(
        f"An unexpected error ({type(error).__name__}). The log of the server shows where; please report it.  \n"
        ":small[:gray[FLEET-900]]",
        icon=":material/error:",
    )
    return True


rest = api.build()

app = st.App(
    Path(__file__).parent / "pages" / "navigation.py",
    lifespan=lifespan,
    on_script_error=unexpected,
    secrets=service.sign_in(),
    # The first is the outermost: headers are on every answer, those of the others too.
    middleware=[
        Middleware(Headers),
        Middleware(limits.Limits),
        Middleware(OwnOrigin),
        Middleware(Door),
        Middleware(Cookies, settings=service.in_force),
    ],
    routes=[
        Route("/app/approvals", to_approvals, methods=["GET", "HEAD"]),
        Route("/healthz", api.healthz, methods=["GET", "HEAD"]),
        Route("/metrics", api.metrics, methods=["GET", "HEAD"]),
        Route("/api", rest),
        api.below("/api", rest),
    ],
)
