"""Errors as problem details (RFC 9457), each with the engine's code, what happened and what to do next."""

from __future__ import annotations

import logging

import orjson
from starlette.responses import Response

from engine.context import current_request
from engine.errors import CODES, AccessDenied, FleetError, StoreError
from engine.flow.parse.codes import CODES as FILE_CODES
from engine.system import surroundings

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
    return FleetError("FLEET-642", f"There is nothing at {path[:200]}.", "All addresses are listed at /api/docs.")


def unexpected(error: BaseException) -> FleetError:
    """What nobody foresaw, without its words: they might quote anything."""
    return surroundings.told(error) or FleetError(
        "FLEET-900",
        f"An unexpected error ({type(error).__name__}).",
        "Please report it; the server's log shows where it happened.",
    )


def too_large() -> FleetError:
    """A body over its limit."""
    return FleetError("FLEET-644", "The body is too large.", "Send less at once.")
