"""`fleet serve`: dashboard, REST API and scheduler in one process."""

from __future__ import annotations

import sys
from contextlib import suppress

import click

from engine import remote
from engine.cli.session import Session, note, verb
from engine.server.signin import check_binding, hosts
from engine.settings import SHIPPED, Settings

PORT = 3000


@verb("serve")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; other addresses than loopback require sign-in.",
)
@click.option("--port", type=click.IntRange(1, 65_535), default=PORT, show_default=True, help="Port to listen on.")
@click.option(
    "--open/--no-open",
    "open_browser",
    default=None,
    help="Open the dashboard in a browser (default: on a terminal with a display).",
)
def serve(session: Session, host: str, port: int, open_browser: bool | None) -> int | None:
    """Run the dashboard, the REST API and the scheduled ticks, until you stop it with Ctrl-C."""
    check_binding(session.settings, host)
    from engine.server import service

    service.open_(session.settings).opens_browser = open_browser
    return run(session.settings, host, port)


def run(settings: Settings, host: str, port: int) -> int:
    """Serve the service that this process has opened, until a signal ends it. Gives the exit code."""
    remote.begin(settings.home)
    sys.path.insert(0, str(SHIPPED))
    import app as composition  # brings Streamlit, which no other verb needs

    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    note(f"Fleet Workbench is at {address} · home {settings.home} · stop it with Ctrl-C")
    # Streamlit looks for `.streamlit/config.toml` beside what was started.
    sys.argv = [str(SHIPPED / "app.py")]
    # Ctrl-C is how one ends a server; by then all is closed.
    try:
        with suppress(KeyboardInterrupt):
            composition.app.run(
                config={
                    "server.port": port,
                    "server.address": host,
                    "server.allowedHosts": hosts(settings, host),
                    # A full collection after every page and refresh stops everything else for a tenth of a second.
                    "runner.postScriptGC": False,
                }
            )
    finally:
        remote.take_back(settings.home)
    return 0
