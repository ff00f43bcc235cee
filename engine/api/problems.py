"""Have every error of the API answered as a problem (see `engine.web.problems`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import FleetError
from engine.web.problems import not_found, problem, too_large, unexpected

log = logging.getLogger("fleet.api")


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
            refused = FleetError(
                "FLEET-643",
                f"The method {request.method[:20]} is not supported at this address.",
                f"Allowed: {allowed}.",
            )
            answer = problem(refused, path)
            answer.headers["Allow"] = allowed
            return answer
        case 413:
            return problem(too_large(), path)
        case _:
            return problem(FleetError("FLEET-645", "The body cannot be read.", "Send JSON, in UTF-8."), path)
