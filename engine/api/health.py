"""`/healthz` for whoever watches the process, `/metrics` for Prometheus. Neither needs a token; neither names more than repositories."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engine.api.problems import problem
from engine.bodies import when
from engine.errors import FleetError
from engine.service import Service, running

OVERDUE = 3
"""Intervals after which a round that did not come is an illness."""


async def healthz(request: Request) -> Response:
    """Whether the process does its work: 200 when the store can be read and rounds go on, else 503."""
    try:
        body = await run_in_threadpool(_standing, running())
    except FleetError as error:
        return problem(error, request.url.path, 503)
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(body), 200 if body["status"] == "ok" else 503, headers, "application/json")


async def metrics(request: Request) -> Response:
    """The figures, in the form that the scraper asks for."""
    try:
        service = running()
        text, media = await run_in_threadpool(service.metrics.render, request.headers.get("accept", ""))
    except FleetError as error:
        return problem(error, request.url.path, 503)
    return Response(text, headers={"Content-Type": media, "Cache-Control": "no-store"})


def _standing(service: Service) -> dict[str, Any]:
    scheduler, now = service.scheduler, datetime.now(UTC)
    pulse = service.workbench.pulse()
    due = scheduler.next_round_at
    late = due is not None and now - due > OVERDUE * scheduler.interval
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
            "next_round_at": when(due),
        },
        "paused": pulse.paused is not None,
    }


def _version() -> str:
    try:
        return metadata.version("fleet-workbench")
    except metadata.PackageNotFoundError:
        return "source tree"
