"""How a server that has just started is opened: its link on the terminal, and a browser where there is a display."""

from __future__ import annotations

import os
import shlex
import sys
import threading
import webbrowser

from engine.errors import FleetError
from engine.remote.local import started_as
from engine.server.service import Service
from engine.system import homes
from engine.web.browser import has_display


def welcome(service: Service) -> None:
    """Print the link on standard error, and open a browser where that is wanted. Effects: a process and a file in the home, for a browser."""
    links = service.links
    if links.needed:
        print(  # noqa: T201
            f"Open it with this link; it works once, for ten minutes:\n  {links.make()}\nFor another link, run: {_next(service)}",
            file=sys.stderr,
            flush=True,
        )
    wanted = sys.stderr.isatty() if service.opens_browser is None else service.opens_browser
    if wanted and has_display():
        # A browser may take its time to start, and the server has to answer it meanwhile.
        threading.Thread(target=open_browser, args=(service,), name="browser", daemon=True).start()


def _next(service: Service) -> str:
    """The command that makes another link, as it is typed in another terminal."""
    home = service.workbench.settings.home
    return (
        f"{started_as()} open"
        if home == homes.default(os.environ)
        else f"{started_as()} --home {shlex.quote(str(home))} open"
    )


def open_browser(service: Service) -> None:
    """Open the dashboard in a browser, which is given no secret in its arguments."""
    try:
        address = service.links.make_file().as_uri() if service.links.needed else service.links.make()
    except FleetError:
        return  # the link on the terminal opens it as well
    webbrowser.open(address)
