"""Drift, events, the graph and the standing of everything; and the brakes."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from engine.api import routing
from engine.api.access import MOST_ID, Asking, Before, Limit
from engine.api.routing import Moment, as_file, documented, reply, slowly
from engine.present import bodies, contract
from engine.store.events import EventFilter
from engine.workbench.reader import page_of
from engine.workbench.workbench import SNAPSHOTS, Workbench

router = routing.router("history and status")


class Pausing(BaseModel):
    """The reason of a pause, and what it stops."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    reason: Annotated[str, Field(max_length=10_000)]
    """Shown to every user."""
    repository_id: Annotated[int, Field(ge=0, le=MOST_ID)] | None = None
    """Only this repository (default: everything)."""


class Resuming(BaseModel):
    """What resumes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    repository_id: Annotated[int, Field(ge=0, le=MOST_ID)] | None = None


@router.get(
    "/drift",
    summary="List drift, newest first",
    **documented(contract.Page[contract.EpisodeBody], 404, verb=Workbench.drift),
)
def drift(
    asking: Asking,
    open_: Annotated[
        bool | None,
        Query(alias="open", description="true: open episodes only; false: ended episodes only (default: both)."),
    ] = None,
    repository: Annotated[str | None, Query(description="Name of a repository.")] = None,
    before: Before = None,
    limit: Limit = 100,
) -> Response:
    bench = asking.may(Workbench.drift)
    found, next_ = page_of(
        lambda most: bench.drift(repository=repository, open_=open_, before=before, limit=most), limit, lambda e: e.id
    )
    return reply(bodies.page([bodies.episode(e) for e in found], next_))


@router.get(
    "/fleet_events",
    summary="List events (decisions, changes and edits), newest first",
    **documented(contract.Page[contract.EventBody], verb=Workbench.find_events),
)
def fleet_events(
    asking: Asking,
    type_: Annotated[list[str], Query(alias="type", description="Event types; several values are alternatives.")] = [],  # noqa: B006
    actor: Annotated[str | None, Query(description="Part of the actor's name.")] = None,
    repository_id: Annotated[int | None, Query(ge=0, le=MOST_ID)] = None,
    since: Moment | None = None,
    text: Annotated[str | None, Query(description="Part of the resource's name, or of the reason.")] = None,
    before: Before = None,
    limit: Limit = 100,
) -> Response:
    bench = asking.may(Workbench.find_events)
    wanted = EventFilter(None, type_, actor, repository_id, since, text)
    found, next_ = page_of(lambda most: bench.find_events(wanted, before=before, limit=most), limit, lambda e: e.seq)
    return reply(bodies.page([bodies.event(e) for e in found], next_))


@router.get(
    "/graph",
    summary="Get the graph of references of the live fleet",
    **documented(contract.GraphBody, 404, verb=Workbench.graph),
)
def graph(
    asking: Asking,
    repository: Annotated[str | None, Query(description="Only resources of this repository.")] = None,
    at: Annotated[Moment | None, Query(description="State at this time; UTC if it has no time zone.")] = None,
) -> Response:
    return reply(bodies.graph(asking.may(Workbench.graph).graph(repository=repository, at=at)))


@router.get(
    "/status",
    summary="Get the status: whether all is well, and what waits for people",
    **documented(contract.StatusBody, verb=Workbench.status),
)
def status(asking: Asking) -> Response:
    return reply(bodies.status(asking.may(Workbench.status).status()))


@router.get(
    "/snapshot",
    summary="Get a consistent copy of the whole store, for notebooks and restores",
    description="A DuckDB file without tokens, keys and credentials. Requires a token for every account.",
    response_class=Response,
    **as_file(documented(None, 507, verb=Workbench.snapshot), "application/vnd.duckdb"),
)
async def snapshot(asking: Asking) -> Response:
    def work() -> Path:
        bench = asking.may(Workbench.snapshot)
        folder = bench.settings.home / SNAPSHOTS
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{secrets.token_hex(8)}.duckdb"
        bench.snapshot(asking.actor, path)
        return path

    path = await slowly(work)
    name = f"fleet-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.duckdb"
    gone = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type="application/vnd.duckdb", filename=name, background=gone)


@router.post(
    "/pause",
    summary="Pause: stop ticks and applies until a resume",
    **documented(contract.PausedBody, 400, 404, 413, verb=Workbench.pause),
)
def pause(asking: Asking, body: Pausing) -> Response:
    bench = asking.may(Workbench.pause)
    bench.pause(asking.actor, body.reason, body.repository_id)
    return _paused(bench, body.repository_id, paused=True)


@router.post(
    "/resume",
    summary="Resume: allow ticks and applies again",
    **documented(contract.PausedBody, 400, 404, 413, verb=Workbench.resume),
)
def resume(asking: Asking, body: Resuming | None = None) -> Response:
    bench, id_ = asking.may(Workbench.resume), None if body is None else body.repository_id
    bench.resume(asking.actor, id_)
    return _paused(bench, id_, paused=False)


def _paused(bench: Workbench, id_: int | None, *, paused: bool) -> Response:
    name = None if id_ is None else bench.repository(id_).name
    answer: contract.PausedBody = {"paused": paused, "repository": name}
    return reply(answer)
