"""Errors as problem details (RFC 9457), each with the engine's code, what happened and what to do next."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from engine import surroundings
from engine.context import current_request
from engine.errors import CODES, AccessDenied, FleetError, StoreError
from engine.parse.codes import CODES as FILE_CODES

log = logging.getLogger("fleet.api")

MEDIA = "application/problem+json"

STATUSES = {
    "FLEET-211": 409,
    "FLEET-212": 409,
    "FLEET-216": 409,
    "FLEET-217": 409,
    "FLEET-219": 422,
    "FLEET-229": 403,
    "FLEET-301": 503,
    "FLEET-304": 507,
    "FLEET-306": 409,
    "FLEET-315": 503,
    "FLEET-401": 404,
    "FLEET-402": 409,
    "FLEET-403": 409,
    "FLEET-405": 409,
    "FLEET-406": 409,
    "FLEET-407": 409,
    "FLEET-501": 409,
    "FLEET-502": 503,
    "FLEET-600": 403,
    "FLEET-601": 409,
    "FLEET-603": 404,
    "FLEET-604": 404,
    "FLEET-621": 404,
    "FLEET-625": 409,
    "FLEET-626": 412,
    "FLEET-627": 404,
    "FLEET-628": 404,
    "FLEET-630": 409,
    "FLEET-631": 413,
    "FLEET-640": 503,
    "FLEET-642": 404,
    "FLEET-643": 405,
    "FLEET-644": 413,
    "FLEET-645": 400,
    "FLEET-647": 503,
    "FLEET-648": 503,
    "FLEET-649": 408,
    "FLEET-667": 403,
    "FLEET-668": 403,
    "FLEET-669": 421,
    "FLEET-672": 404,
    "FLEET-680": 503,
    "FLEET-681": 503,
    "FLEET-682": 409,
    "FLEET-683": 502,
    "FLEET-684": 502,
    "FLEET-688": 403,
    "FLEET-900": 500,
}
"""HTTP status by code. Other codes: 401 where nobody knows who asks, 500 for a store in trouble, 502 for a remote, else 422."""


def status_of(error: FleetError) -> int:
    """The HTTP status that tells this error."""
    if error.code in STATUSES:
        return STATUSES[error.code]
    if isinstance(error, AccessDenied):
        return 401
    if isinstance(error, StoreError):
        return 500
    return 502 if error.code.startswith("FLEET-2") else 422


def problem(error: FleetError, path: str, status: int | None = None) -> Response:
    """An error as the answer to a request for a path."""
    status = status or status_of(error)
    title = CODES.get(error.code) or FILE_CODES.get(error.code) or "the fleet file has a problem"
    body = {
        **error.facts,
        "type": f"/api/problems/{error.code}",
        "title": title[0].upper() + title[1:],
        "status": status,
        "detail": error.message,
        "instance": path,
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "request_id": current_request(),
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Response(orjson.dumps(body, default=str), status, headers, MEDIA)


def not_found(path: str) -> FleetError:
    """Nothing is at an address."""
    return FleetError("FLEET-642", f"There is nothing at {path[:200]}.", "What there is: /api/docs")


def unexpected(error: BaseException) -> FleetError:
    """What nobody foresaw, without its words: they might quote anything."""
    return surroundings.told(error) or FleetError(
        "FLEET-900", f"An unexpected error ({type(error).__name__}).", "The server's log shows where; please report it."
    )


def too_large() -> FleetError:
    """A body over its limit."""
    return FleetError("FLEET-644", "The body is too large.", "Send less at once.")


def handle(app: FastAPI) -> None:
    """Have every error of an app answered as a problem."""
    app.add_exception_handler(FleetError, _fleet_error)
    app.add_exception_handler(RequestValidationError, _refused_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


def _path(request: Request) -> str:
    return str(request.scope.get("path", ""))


async def _fleet_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FleetError)  # noqa: S101  for mypy: it is registered for these alone
    return problem(error, _path(request))


async def _unexpected(request: Request, error: Exception) -> Response:
    return problem(unexpected(error), _path(request))


async def _refused_request(request: Request, error: Exception) -> Response:
    """Where the request is wrong and why; never what stood there, which may be a secret."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return problem(FleetError("FLEET-645", "The body is not JSON.", "Send JSON, in UTF-8."), _path(request))
    problems = [{"where": _where(each), "message": each["msg"]} for each in found[:50]]
    first = problems[0]
    refused = FleetError(
        "FLEET-646",
        f"{first['where']}: {first['message']}.",
        "The fields and their types: /api/docs",
        problems=problems,
    )
    return problem(refused, _path(request))


def _where(found: Mapping[str, Any]) -> str:
    return ".".join(str(part)[:80] for part in found["loc"])


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    path = _path(request)
    match error.status_code:
        case 404:
            return problem(not_found(path), path)
        case 405:
            allowed = (error.headers or {}).get("Allow", "")
            refused = FleetError("FLEET-643", f"{request.method[:20]} is not understood here.", f"Allowed: {allowed}.")
            answer = problem(refused, path)
            answer.headers["Allow"] = allowed
            return answer
        case 413:
            return problem(too_large(), path)
        case _:
            return problem(FleetError("FLEET-645", "The body cannot be read.", "Send JSON, in UTF-8."), path)
