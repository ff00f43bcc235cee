"""`fleet open`: the way into the dashboard of the server that runs on a home."""

from __future__ import annotations

import webbrowser

import click

from engine import remote
from engine.cli.session import Session, note, verb
from engine.errors import RefusedEdit
from engine.web.browser import has_display


@verb("open")
@click.option("--print", "only_print", is_flag=True, help="Print the link instead; it works once, for ten minutes.")
def open_(session: Session, only_print: bool) -> None:
    """Open the dashboard of this home's server in a browser."""
    place = remote.find(session.settings.home)
    if place is None:
        raise RefusedEdit("FLEET-640", "No server runs on this home.", f"Start one: {session.command} serve")
    shows = not only_print and not session.as_json and has_display()
    if shows and webbrowser.open(remote.link(place, file=True)):
        note(f"The dashboard opens in your browser. If it does not, get the link: {session.command} open --print")
        return
    link = remote.link(place, file=False)
    if session.as_json:
        session.json({"url": link})
    else:
        click.echo(link)
