"""The workbench of a server that runs on this home, as if it were here: the same verbs, the same answers, the same errors.

The server leaves its address and a token in the home, readable by its owner alone.
"""

from __future__ import annotations

import http.client
import inspect
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

from engine.errors import FleetError, StoreError, StoreLocked
from engine.kinds.fleet import FLEET
from engine.model import Actor
from engine.settings import Settings
from engine.system import private

if TYPE_CHECKING:
    from engine.workbench import Workbench

FILE = "server.json"
CONNECT_S = 2.0
ANSWER_S = 10.0
START_S = 60.0
"""Longest that a command waits for a server that is coming up. On a busy machine its libraries alone take ten seconds to load."""


class Place(NamedTuple):
    """Where a server is, and what opens it."""

    host: str
    port: int
    token: str
    pid: int


def leave(home: Path, host: str, port: int, token: str) -> None:
    """Leave word of a server for commands on this machine. Effects: `<home>/server.json`, mode 600."""
    word = {"host": host, "port": port, "token": token, "pid": os.getpid()}
    private.write(home / FILE, json.dumps(word).encode())


def begin(home: Path) -> None:
    """Leave word of a server that is coming up: commands wait for it. Effects: as `leave`."""
    private.write(home / FILE, json.dumps({"pid": os.getpid()}).encode())


def take_back(home: Path) -> None:
    """Leave no word of a server that ends."""
    with suppress(OSError):
        (home / FILE).unlink()


def find(home: Path) -> Place | None:
    """The server that has left word in a home, if it answers; what a killed one left is passed over."""
    path = home / FILE
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return None  # somebody else could have written it
        word = json.loads(path.read_text())
        place = Place(str(word["host"]), int(word["port"]), str(word["token"]), int(word["pid"]))
        os.kill(place.pid, 0)
        socket.create_connection((place.host, place.port), CONNECT_S).close()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return place


def reach(settings: Settings, *, on_wait: Callable[[str], None] = lambda _message: None) -> Workbench:
    """The workbench of the server that holds the home, if one does (a RemoteWorkbench); else the home itself, opened.

    Raises: StoreError, StoreLocked.
    """
    place = find(settings.home)
    if place is None:
        from engine.workbench import Workbench  # brings DuckDB, which whoever asks a server does without

        try:
            return Workbench.open_home(settings, on_wait=on_wait)
        except StoreLocked as locked:
            place = _awaited(settings.home, locked, on_wait if settings.lock_wait_s == 0 else None)
            if place is None:
                raise
    return cast("Workbench", RemoteWorkbench(place, settings))


def _awaited(home: Path, locked: StoreLocked, on_wait: Callable[[str], None] | None) -> Place | None:
    """The server that holds a home, once it answers: it may be coming up. None where no server does, or not in time.

    `on_wait` is told once that it is waited for; None: it was told already.
    """
    holder, deadline = locked.facts.get("pid"), time.monotonic() + START_S
    while (place := find(home)) is None:
        if holder is None or _coming_up(home) != holder or time.monotonic() > deadline:
            return None
        if on_wait is not None:
            on_wait(locked.message)
            on_wait = None
        _a_moment.wait(0.1)
    return place


_a_moment = threading.Event()
"""Is never set: waiting for it is a pause."""


def _coming_up(home: Path) -> int | None:
    """The process that left word of a server in a home, whether or not it answers yet."""
    try:
        return int(json.loads((home / FILE).read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


class RemoteWorkbench:
    """Stands for the workbench of a server."""

    kinds = FLEET

    def __init__(self, place: Place, settings: Settings) -> None:
        self._place = place
        self._settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The server goes on."""

    def stop(self) -> None:
        """What the server is at, it goes on with."""

    @cached_property
    def settings(self) -> Settings:
        """The settings here, with the server's limits."""
        limits = self._call("limits")
        return replace(self._settings, **limits.values, sources=limits.sources)

    def __getattr__(self, verb: str) -> Any:
        from engine.remote import wire

        if verb not in wire.verbs():
            raise AttributeError(verb)
        return partial(self._call, verb)

    def _call(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        """Have the server do something. Raises: what the verb raises; StoreError FLEET-310 (it is gone), 311 (another version)."""
        import msgspec

        from engine.remote import wire

        given = inspect.signature(wire.verbs()[verb]).bind(self, *args, **kwargs).arguments
        del given["self"]
        given |= given.pop("options", {})  # `**options` of a verb
        tells = {name: given.pop(name) for name in wire.callbacks(verb) if name in given}
        actor = given.pop("actor", None)
        body = wire.packed(
            {"actor": actor.name if isinstance(actor, Actor) else None, "arguments": given, "tell": list(tells)}
        )
        connection = http.client.HTTPConnection(self._place.host, self._place.port)
        try:
            headers = {"Authorization": f"Bearer {self._place.token}", "Content-Type": "application/json"}
            connection.request("POST", f"/api/local/{verb}", body, headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise self._refused(answer)
            while line := answer.readline():
                said = msgspec.json.decode(line)
                if "tell" in said:
                    tells[said["tell"]](*said["words"])
                elif "raises" in said:
                    raise wire.error_of(said["raises"])
                else:
                    return wire.unpacked(said["gives"], wire.hints(verb)["return"])
        except (OSError, http.client.HTTPException) as error:
            raise StoreError(
                "FLEET-310",
                f"The server on this home stopped ({type(error).__name__}).",
                "See its log, then try again: without a server, the command does the work itself.",
            ) from error
        except msgspec.ValidationError as error:
            raise _other_version() from error
        finally:
            connection.close()
        raise StoreError(
            "FLEET-310",
            "The server on this home stopped before it answered.",
            "The runs that it started are recorded: fleet run list.",
        )

    @staticmethod
    def _refused(answer: http.client.HTTPResponse) -> FleetError:
        with suppress(ValueError, KeyError):
            body = json.loads(answer.read())
            if body["code"] == "FLEET-642":
                return _other_version()
            return FleetError(body["code"], body["message"], body["hint"])
        return _other_version()


def link(place: Place, *, file: bool) -> str:
    """The address of a new link to a server's dashboard; with `file` that of a file in the home that leads to one, where a link is needed.

    Raises: StoreError FLEET-310 (the server is gone), 311 (another version); FleetError as the server refuses.
    """
    connection = http.client.HTTPConnection(place.host, place.port, timeout=ANSWER_S)
    headers = {"Authorization": f"Bearer {place.token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/api/local/link", json.dumps({"file": file}), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RemoteWorkbench._refused(answer)
        return str(json.loads(answer.read())["address"])
    except (OSError, http.client.HTTPException) as error:
        raise StoreError(
            "FLEET-310",
            f"The server on this home stopped ({type(error).__name__}).",
            "See its log, then start it again: fleet serve",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _other_version() from error
    finally:
        connection.close()


def _other_version() -> StoreError:
    return StoreError(
        "FLEET-311",
        "The server on this home and this command have different versions.",
        "Restart the server, so that both have the same version.",
    )
