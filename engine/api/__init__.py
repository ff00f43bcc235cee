"""The REST API: thin routes over the workbench, which checks permission. Mounted below `/api` of the one process.

edge.py          what every request passes: its id, its line in the log, a coded answer whatever happens
access.py        who asks
routing.py       how routes are declared, read and answered
problems.py      errors as problem details
examples.py      what bodies look like, for the description
repositories.py proposals.py fleet.py history.py   the routes of the runbook
outside.py       what git hosts say and do: webhooks, repositories made in Gitea
health.py        whether the process does its work, and its figures
local.py         the way in for commands on this machine
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import fastapi_offline
import orjson
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from pydantic import ConfigDict, TypeAdapter
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from engine.api import examples, fleet, history, local, outside, proposals, repositories
from engine.api.edge import MOST_BODY, Edge
from engine.api.health import healthz, metrics
from engine.api.problems import handle
from engine.api.routing import EXAMPLE
from engine.errors import CODES
from engine.flow.parse.codes import CODES as FILE_CODES
from engine.present import contract
from engine.web.problems import not_found

DESCRIPTION = """
Reconcile a fleet that lives in a database with a `fleet.yaml` that lives in git.

Send a token with every request: `Authorization: Bearer …`, created with `fleet token create` or on the Settings page. Each route names the
permission that it needs. Lists come a page at a time; `next` of one page is `before` (or `after`) of the following, until it is null.
Errors are problem details (RFC 9457) with a stable code, what happened, and what to do next.
"""


__all__ = ["below", "build", "healthz", "metrics"]


def build() -> ASGIApp:
    """The API, to be mounted at `/api`."""
    for body in vars(contract).values():  # what stands below a field there is its description here
        if isinstance(body, type) and body.__module__ == contract.__name__:
            exact = ConfigDict(use_attribute_docstrings=True, extra="allow" if body is contract.Problem else "forbid")
            body.__pydantic_config__ = exact  # type: ignore[attr-defined]
    app = FastAPI(
        title="Fleet Workbench",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        max_body_size=MOST_BODY,
    )
    for router in (repositories.router, proposals.router, fleet.router, history.router, outside.router, outside.hooks):
        app.include_router(router, prefix="/v1")
    app.add_api_route("/problems/{code}", _meaning, include_in_schema=False)
    app.add_api_route("/docs", _docs, include_in_schema=False, response_class=HTMLResponse)
    description = orjson.dumps(_openapi(app))
    app.add_api_route(
        "/openapi.json", lambda: Response(description, media_type="application/json"), include_in_schema=False
    )
    assets = Path(fastapi_offline.__file__).parent / "static"
    app.router.routes.append(Mount("/assets", StaticFiles(directory=assets)))
    handle(app)
    ours = [Route("/local/link", local.link, methods=["POST"]), Route("/local/{verb}", local.call, methods=["POST"])]
    return Edge(Router([*ours, below("/", app)]))


def below(path: str, app: ASGIApp) -> Mount:
    """Everything below a path, line breaks in it and all: Starlette's own mount lets those through to whatever comes next."""
    mount = Mount(path, app)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description, with the one schema of every problem."""
    made = app.openapi()
    for path in made["paths"].values():
        for route in path.values():
            if permission := route.get("x-permission"):
                route["description"] = f"{route.get('description', '')}\n\nPermission: `{permission}`".strip()
            if name := route.pop(EXAMPLE, None):
                for status in {"200", "201"} & route["responses"].keys():
                    route["responses"][status]["content"]["application/json"]["example"] = getattr(examples, name)
    made["components"]["schemas"]["Problem"] = TypeAdapter(contract.Problem).json_schema()
    made["servers"] = [{"url": "/api"}]
    return made


def _docs() -> HTMLResponse:
    """The description for people, from files of ours: no other host is asked for anything."""
    return get_swagger_ui_html(
        openapi_url="/api/openapi.json",
        title="Fleet Workbench: REST API",
        swagger_js_url="/api/assets/swagger-ui-bundle.js",
        swagger_css_url="/api/assets/swagger-ui.css",
        swagger_favicon_url="/favicon.png",
    )


def _meaning(code: str) -> dict[str, str]:
    """What a code means: where the `type` of a problem leads."""
    meaning = CODES.get(code) or FILE_CODES.get(code)
    if meaning is None:
        raise not_found(f"/api/problems/{code}")
    return {"code": code, "meaning": meaning[0].upper() + meaning[1:]}
