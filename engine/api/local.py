"""Calls by commands on this machine to the server of their home: any verb of the workbench, with the home's own token.

Not part of the API for others. A user who can read the token can also read the home, and can do everything there anyway.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import anyio.to_thread
import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from engine.api.routing import slow
from engine.context import carried
from engine.errors import AccessDenied, FleetError
from engine.remote import wire
from engine.server.service import Service, running
from engine.system.operator import operator_named
from engine.web.problems import not_found, problem, unexpected

log = logging.getLogger("fleet.api")

_going: set[asyncio.Task[Any]] = set()
"""Calls that continue even if the client disconnects."""


async def call(request: Request) -> Response:
    """Run one verb; the answer has a line for each progress report, then one with the result or error."""
    path = request.scope["path"]
    try:
        service = _asked_by_its_owner(request)
        verb = request.path_params["verb"]
        if verb not in wire.verbs():
            raise not_found(path)
        asked = orjson.loads(await request.body())
        actor = operator_named(str(asked["actor"] or service.operator.name))
        given = wire.arguments(verb, asked["arguments"], actor)
        told = [name for name in asked["tell"] if name in wire.callbacks(verb)]
    except FleetError as error:
        return problem(error, path)
    except (msgspec.ValidationError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return problem(not_found(path), path)  # another version's words
    return StreamingResponse(_lines(service, verb, given, told), media_type="application/x-ndjson")


async def link(request: Request) -> Response:
    """A new link to the dashboard, or with `{"file": true}` a file in the home that leads to one: `{"address": …}`."""
    path = request.scope["path"]
    try:
        service = _asked_by_its_owner(request)
        wants_file = orjson.loads(await request.body())["file"]
        links = service.links
        address = links.make_file().as_uri() if wants_file and links.needed else links.make()
    except FleetError as error:
        return problem(error, path)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return problem(not_found(path), path)  # another version's words
    return Response(orjson.dumps({"address": address}), headers={"Cache-Control": "no-store"})


def _asked_by_its_owner(request: Request) -> Service:
    """The service, for a command on this machine that has the home's token.

    Raises: AccessDenied FLEET-661; FleetError FLEET-642 from elsewhere, where nothing is here; RefusedEdit FLEET-640.
    """
    service = running()
    if not service.site.near(request.scope):
        raise not_found(request.scope["path"])
    _, _, token = request.headers.get("authorization", "").partition(" ")
    if not service.local.opens(token):
        raise AccessDenied(
            "FLEET-661", "This is not the token of this server.", "The token is in the file server.json of the home."
        )
    return service


async def _lines(service: Service, verb: str, given: dict[str, Any], told: list[str]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes | None] = asyncio.Queue()

    def say(line: bytes | None) -> None:
        loop.call_soon_threadsafe(lines.put_nowait, line)

    def tell(name: str, *words: Any) -> None:
        say(wire.packed({"tell": name, "words": words}) + b"\n")

    def work() -> None:
        try:
            # Looked up at each call, so that a replacement by a test or a later version is used.
            given_back = getattr(service.workbench, verb)(**given, **{name: partial(tell, name) for name in told})
            say(wire.packed({"gives": given_back}) + b"\n")
        except FleetError as error:
            say(wire.packed({"raises": error}) + b"\n")
        except Exception as error:
            log.exception("%s failed unexpectedly", verb)
            say(wire.packed({"raises": unexpected(error)}) + b"\n")
        finally:
            say(None)

    task = asyncio.create_task(anyio.to_thread.run_sync(carried(work), limiter=slow))
    _going.add(task)
    task.add_done_callback(_going.discard)
    while (line := await lines.get()) is not None:
        yield line
