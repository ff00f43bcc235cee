"""`fleet notebook`: Jupyter on the fleet and its past."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import click

from engine.cli.session import Session, note, verb
from engine.errors import RefusedEdit
from engine.settings import ACCESS, SERVING, SHIPPED, SNAPSHOT_VARIABLE
from engine.system import private


@verb("notebook")
@click.option("--port", type=click.IntRange(1, 65_535), default=8888, show_default=True, help="Port of Jupyter.")
@click.option("--browser/--no-browser", default=True, help="Open Jupyter in a browser (the default).")
@click.argument("options", nargs=-1, metavar="[-- JUPYTER-OPTIONS]")
def notebook(session: Session, port: int, browser: bool, options: tuple[str, ...]) -> None:
    """Open the notebooks in Jupyter with a new snapshot. They are in the home and are yours: they are never overwritten."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise RefusedEdit(
            "FLEET-609", "Jupyter is not installed.", "Install it: uv sync --extra notebook, or pip install jupyterlab."
        )
    home = session.settings.home
    snapshot, folder = home / "notebook-snapshot.duckdb", home / "notebooks"
    with session.open() as workbench:
        size = workbench.snapshot(session.actor, snapshot)
    _lay_out(folder)
    if session.as_json:
        session.json({"snapshot": str(snapshot), "bytes": size, "notebooks": str(folder), "port": port})
    note(f"New snapshot: {snapshot} ({size:,} bytes). The notebooks are in {folder}. Stop with Ctrl-C.")
    sys.stdout.flush()
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", f"--port={port}"]
    if os.geteuid() == 0:
        command.append("--allow-root")  # Jupyter refuses root otherwise, which is who one is in most containers
    os.execve(  # noqa: S606 - this process becomes Jupyter, so that Ctrl-C is Jupyter's
        sys.executable,
        [*command, *([] if browser else ["--no-browser"]), *options],
        {**_without_secrets(), SNAPSHOT_VARIABLE: str(snapshot), "FLEET_HOME": str(home)},
    )


def _without_secrets() -> dict[str, str]:
    """Our environment but for the secrets of the server: what notebooks run needs none of them."""
    secret = {text.variable for text in (*ACCESS.values(), *SERVING.values()) if text.secret}
    return {name: value for name, value in os.environ.items() if name not in secret}


def _lay_out(folder: Path) -> None:
    """Copy the notebooks that are not there yet. Raises: RefusedEdit FLEET-607."""
    try:
        private.make_folder(folder)
        for shipped in sorted((SHIPPED / "notebooks").glob("*.ipynb")):
            if not (folder / shipped.name).exists():
                private.copy(shipped, folder / shipped.name)
    except OSError as error:
        raise RefusedEdit(
            "FLEET-607", f"{folder} cannot be written: {error.strerror}.", "Choose another home with --home."
        ) from error
