"""How routes are declared, read and answered."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, TypeVar

import anyio
import anyio.to_thread
import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator

from engine import context
from engine.access.permits import need_of
from engine.errors import RefusedEdit
from engine.present import contract
from engine.present.moments import in_utc
from engine.system import outbound

T = TypeVar("T")

EXAMPLE = "x-example"
"""Where a route names the example of its answer until the description is whole."""


def router(tag: str, prefix: str = "/system") -> APIRouter:
    """A group of routes."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=_Strict)


class _Strict(APIRoute):
    """Reads bodies as strictly as the store does: no NaN, no broken Unicode."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(_StrictRequest(request.scope, request.receive))

        return strict


class _StrictRequest(Request):
    async def json(self) -> Any:
        try:
            return orjson.loads(await self.body())
        except orjson.JSONDecodeError as error:
            raise json.JSONDecodeError("not JSON", "", error.pos) from None


slow = anyio.CapacityLimiter(64)
"""Threads for what may wait long for a remote or for other writers, so that reading never waits for a free one."""


async def slowly(work: Callable[[], T]) -> T:
    """Do work that may take long, beside the threads of quick requests."""
    return await anyio.to_thread.run_sync(work, limiter=slow)


_outward = anyio.CapacityLimiter(4)
"""Places for work that is all about another service: however many of these hang, nothing else waits for them."""

_PATIENCE_S = 2.0
"""Seconds to wait for such a place."""


async def outwards(request: Request, service: str, work: Callable[[], T]) -> T:
    """Do work that waits for another service, in one of a few places of its own. A client who goes away ends it.

    The request's body has to be read before. Raises: RefusedEdit FLEET-648 where no place becomes free; what the work raises.
    """
    place = object()
    try:
        with anyio.fail_after(_PATIENCE_S):
            await _outward.acquire_on_behalf_of(place)
    except TimeoutError:
        raise outbound.too_many(service, RefusedEdit) from None
    gone = threading.Event()
    watching = asyncio.create_task(_set_when_gone(request, gone))
    try:
        with context.ended_by(lambda: "the client has gone away" if gone.is_set() else None):
            return await anyio.to_thread.run_sync(work, limiter=anyio.CapacityLimiter(1))
    finally:
        watching.cancel()
        _outward.release_on_behalf_of(place)


async def _set_when_gone(request: Request, gone: threading.Event) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()


def reply(body: Any, status: int = 200, **headers: str) -> Response:
    """A body of ours as JSON, as it is: tests hold it against what the description of the API says."""
    return Response(
        orjson.dumps(body), status, {name.replace("_", "-"): text for name, text in headers.items()}, "application/json"
    )


def documented(
    model: Any, *problems: int, verb: Callable[..., Any] | None = None, status: int = 200, example: str = ""
) -> dict[str, Any]:
    """What the description says of a route: its answer, its permission, and the problems that it may answer with.

    `verb` is the method of the workbench that the route calls, which declares the permission; a route without one needs no token.
    `example` is a name in `examples.py`.
    """
    permission = None if verb is None else need_of(verb).permission
    meanings = {
        400: "The body is not JSON.",
        401: "The token is missing or not valid.",
        403: "The caller lacks the permission, or access to the account.",
        404: "The object does not exist.",
        409: "The request is not possible in the current state; the code gives the reason.",
        412: "Live has changed since the given version.",
        413: "The body is too large.",
        422: "A parameter or field is not valid.",
        500: "The store has failed.",
        502: "Another service has failed.",
        503: "The server is starting, stopping or busy, or a setting is missing.",
        507: "The disk is full.",
    }
    wrong = sorted({401, 403, 422, 500, 503, *problems} if permission else {422, 500, 503, *problems})
    return {
        "status_code": status,
        "response_model": None,
        "responses": {
            status: {"model": model, "description": "Done."},
            **{
                code: {"description": meanings[code], "content": {"application/problem+json": {"schema": _PROBLEM}}}
                for code in wrong
            },
        },
        "openapi_extra": {
            **({"x-permission": permission.value} if permission else {}),
            **({EXAMPLE: example} if example else {}),
        },
    }


def also_created(route: dict[str, Any]) -> dict[str, Any]:
    """The same route, which answers 201 with the same body where something came into being."""
    return {**route, "responses": {**route["responses"], 201: route["responses"][200]}}


def as_file(route: dict[str, Any], media: str) -> dict[str, Any]:
    """The same route, which answers with a file."""
    form = {"type": "object"} if media.endswith("yaml") else {"type": "string", "format": "binary"}
    good = {"description": "The file.", "content": {media: {"schema": form}}}
    return {**route, "responses": {**route["responses"], 200: good}}


Moment = Annotated[datetime, AfterValidator(in_utc)]
"""A time as a parameter; without a zone it is UTC. What UTC cannot say is refused as any other wrong parameter."""


_PROBLEM = {"$ref": f"#/components/schemas/{contract.Problem.__name__}"}
