"""Where a snapshot comes from: a file, a home, or a running server."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import orjson
import requests
import urllib3

from engine import remote
from engine.analysis.snapshot import Snapshot
from engine.errors import FleetError, StoreError
from engine.phrases import clean
from engine.settings import SNAPSHOT_VARIABLE, Settings
from engine.system import private
from engine.system.operator import local_operator

CONNECT_S, READ_S = 10, 600
"""Seconds to connect, and between two pieces of a snapshot. A snapshot may be large, so that nothing limits the whole."""

_PIECE = 1 << 20
_MOST_WORDS = 65_536
"""Most bytes of a refusal that are read."""


def open_path(path: Path | None, account: str | None) -> Snapshot:
    """Open a snapshot file, or a fresh copy of a home; without a path what `FLEET_SNAPSHOT` names, else the home of this machine.

    A home in the hands of a server is copied by that server, while it goes on.
    """
    if path is None:
        named = os.environ.get(SNAPSHOT_VARIABLE)
        path = Path(named) if named else Settings.from_environment(None).home
    if not path.is_dir():
        return Snapshot(path, account=account)
    with ExitStack() as stack:
        file = _room(stack)
        with remote.reach(Settings.from_environment(str(path))) as workbench:
            workbench.snapshot(local_operator(), file)
        return Snapshot(file, account=account, owned=stack.pop_all())


def fetch(url: str, token: str, account: str | None) -> Snapshot:
    """Fetch a fresh snapshot from a server. Raises: StoreError FLEET-310, 312; what the server refuses with."""
    with ExitStack() as stack:
        file = _room(stack)
        address = f"{url.rstrip('/')}/api/v1/system/snapshot"
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        try:
            # Redirects are not followed: the token is for this address alone.
            with requests.get(
                address, headers=headers, stream=True, timeout=(CONNECT_S, READ_S), allow_redirects=False
            ) as answer:
                if answer.status_code != 200:
                    raise _refused(url, answer)
                _keep(answer, file)
        except requests.RequestException as error:
            raise StoreError(
                "FLEET-310",
                f"The server at {url} cannot be reached ({type(error).__name__}).",
                "Check the address, and that the server runs.",
            ) from error
        return Snapshot(file, account=account, owned=stack.pop_all())


def _keep(answer: requests.Response, file: Path) -> None:
    """Write what a server sends into a new file, mode 600. Raises: StoreError FLEET-304; requests.RequestException."""
    try:
        with os.fdopen(private.new_file(file), "wb") as out:
            for piece in answer.iter_content(_PIECE):
                out.write(piece)
    except requests.RequestException:  # an OSError as well, and told by whoever asked
        raise
    except OSError as error:
        raise StoreError(
            "FLEET-304",
            f"The snapshot cannot be saved in {file.parent}: {error.strerror}.",
            "Free disk space there, or set TMPDIR to another folder.",
        ) from error


def _room(stack: ExitStack) -> Path:
    """A place for a snapshot that goes away with the stack."""
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-snapshot-"))) / "snapshot.duckdb"


def _refused(url: str, answer: requests.Response) -> FleetError:
    """What the server refuses with, if it is one of ours; a longer answer than ours is not."""
    try:
        body = orjson.loads(answer.raw.read(_MOST_WORDS))
        return FleetError(str(body["code"])[:20], clean(str(body["message"])[:2000]), clean(str(body["hint"])[:2000]))
    except (ValueError, KeyError, TypeError, urllib3.exceptions.HTTPError):
        return StoreError(
            "FLEET-312",
            f"{url} is not a Fleet Workbench server (status {answer.status_code}).",
            "Give the address of the dashboard, without a path: https://fleet.example.com",
        )
