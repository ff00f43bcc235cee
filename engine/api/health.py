"""`/healthz` says whether the process does its work, `/metrics` gives Prometheus its figures.

Requests from this machine need no token. From elsewhere `/healthz` says only whether all is well, and `/metrics` wants a token of
account `*` with `system.gitops.read`, since it names the repositories of every account.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import AccessDenied, FleetError
from engine.model import Permission
from engine.present.bodies import when
from engine.server.service import Service, running
from engine.web.problems import problem

OVERDUE = 3
"""Intervals after which a round that did not come is an illness."""


async def healthz(request: Request) -> Response:
    """Whether the process does its work: 200 when the store can be read and rounds go on, else 503."""
    try:
        service = running()
        body = await run_in_threadpool(_standing, service)
    except FleetError as error:
        return problem(error, request.url.path, 503)
    headers = {"Cache-Control": "no-store"}
    if not service.site.near(request.scope):
        body = {"status": body["status"]}
    return Response(orjson.dumps(body), 200 if body["status"] == "ok" else 503, headers, "application/json")


async def metrics(request: Request) -> Response:
    """The figures, in the form that the scraper asks for."""
    try:
        service = running()
        if not service.site.near(request.scope):
            await run_in_threadpool(_check_token, service, request.headers.get("authorization", ""))
        text, media = await run_in_threadpool(service.metrics.render, request.headers.get("accept", ""))
    except FleetError as error:
        refused = isinstance(error, AccessDenied) or error.code == "FLEET-600"
        return problem(error, request.url.path, None if refused else 503)
    return Response(text, headers={"Content-Type": media, "Cache-Control": "no-store"})


def _check_token(service: Service, authorization: str) -> None:
    """Refuse who may not read every account. Raises: AccessDenied FLEET-660 to 663; RefusedEdit FLEET-600."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise AccessDenied(
            "FLEET-660",
            "A token is required for requests from another machine.",
            "Send one: Authorization: Bearer $(fleet token create --account '*' --permission read …)",
        )
    actor = service.workbench.bearer(token.strip())
    service.workbench.permit(actor, Permission.READ, "*")


def _standing(service: Service) -> dict[str, Any]:
    scheduler = service.scheduler
    pulse = service.workbench.pulse()
    late = scheduler.since_round() > OVERDUE * scheduler.interval
    well = scheduler.running and not late
    return {
        "status": "ok" if well else "failing",
        "version": _version(),
        "started_at": when(service.started_at),
        "scheduler": {
            "running": scheduler.running,
            "interval_s": int(scheduler.interval.total_seconds()),
            "last_round_at": when(scheduler.last_round_at),
            "last_tick_at": when(pulse.last_tick_at),
            "next_round_at": when(scheduler.next_round_at),
        },
        "paused": pulse.paused is not None,
    }


def _version() -> str:
    try:
        return metadata.version("fleet-workbench")
    except metadata.PackageNotFoundError:
        return "source tree"
