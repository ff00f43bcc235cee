"""The description of the API and what the API does are the same: asked at random, it answers nothing that is not described, and nothing breaks."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from pydantic import TypeAdapter
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engine import api
from engine.api import examples
from engine.kinds import Kind
from engine.kinds.fleet import FLEET
from engine.model import Actor, ResourceKey
from engine.present import contract
from engine.workbench import Workbench
from tests.api.conftest import ME, Api
from tests.api.test_access import ROUTES
from tests.conftest import GitRepository
from tests.test_ninth_kind import ALERT, NINE


@pytest.fixture
def full(workbench: Workbench, git_repo: GitRepository) -> Workbench:
    """A home with some of everything, so that ids and names lead somewhere."""
    git_repo.push(
        "version: 1\naccount: acme\nmodules: {a: {priority: 1}, b: {depends_on: [a]}, c: {depends_on: [nothing]}}\n"
    )
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    ids = [p.id for p in workbench.sync(ME, "fc").proposals]
    workbench.approve(ME, ids[:1])
    workbench.apply(ME)
    workbench.set_resource(Actor("ben"), ResourceKey("acme", "modules", "a"), {"priority": 7})
    workbench.sync(ME, "fc")
    workbench.set_resource(ME, ResourceKey("rival", "nodes", "x"), {})
    return workbench


CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
OPERATIONS = [(method, f"/v1/{route}") for method, route, *_ in ROUTES] + [("POST", "/v1/webhooks/{provider}")]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nothing_undescribed_is_answered(full: Workbench, call: Api, method: str, path: str) -> None:
    """Random good and bad requests: no 5xx that is not described, no undescribed status, media type or body."""
    schema = schemathesis.openapi.from_url(f"{call.address}/api/openapi.json")
    operation = schema[path][method]
    answered: set[int] = set()

    free = path.endswith("{provider}")  # any word, and any body: there is nothing to violate
    for mode in (GenerationMode.POSITIVE,) if free else GenerationMode:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def ask(case: Case) -> None:
            answer = case.call(headers=call.headers, timeout=30)
            if answer.content == b"Invalid HTTP request received.":
                return  # a header with a control character: it never reached us
            case.validate_response(answer, checks=CHECKS)
            answered.add(answer.status_code)
            assert answer.status_code < 500 or answer.json()["code"] in {"FLEET-680", "FLEET-681"}, answer.text

        ask()
    assert answered


def test_examples_are_what_the_description_says() -> None:
    for name, model in {
        "REPOSITORY": contract.RepositoryAnswer,
        "PROPOSAL": contract.ProposalBody,
        "RUN": contract.RunBody,
        "SYNC": contract.SyncBody,
        "REVIEWED": contract.ReviewedList,
        "APPLIED": contract.AppliedBody,
        "RESOURCE": contract.ResourceBody,
        "CREATED_REPOSITORY": contract.CreatedRepository,
    }.items():
        TypeAdapter(model).validate_python(getattr(examples, name))


def test_every_route_and_every_field_is_described(call: Api) -> None:
    described = call("GET", "/api/openapi.json").json()
    for path, routes in described["paths"].items():
        for method, route in routes.items():
            assert route["summary"], (method, path)
            assert {"422", "500"} <= route["responses"].keys()
            for answer in route["responses"].values():
                assert answer["description"]
    for name, found in described["components"]["schemas"].items():
        if name != "Errors" and found.get("type") == "object" and not name.startswith("Page"):
            assert found.get("description"), name


def test_every_section_and_its_fields_are_described(call: Api) -> None:
    described = call("GET", "/api/openapi.json").json()
    schemas = described["components"]["schemas"]
    put = described["paths"]["/v1/system/fleet/{section}/{name}"]["put"]
    (section,) = [parameter for parameter in put["parameters"] if parameter["name"] == "section"]
    assert section["schema"]["enum"] == list(FLEET)
    taken = put["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert taken == [{"$ref": f"#/components/schemas/{schemas_of(kind)}"} for kind in FLEET.values()]
    assert schemas["ResourceBody"]["properties"]["spec"]["anyOf"] == taken
    assert schemas["VersionBody"]["properties"]["spec"]["anyOf"] == [*taken, {"type": "null"}]
    for kind in FLEET.values():
        found = schemas[schemas_of(kind)]
        assert list(found["properties"]) == [field.name for field in kind.fields]
        assert all(found["properties"][field.name]["description"].startswith(field.doc) for field in kind.fields)


def schemas_of(kind: Kind) -> str:
    return kind.section.title().replace("_", "") + "Spec"


def test_one_more_kind_is_described_by_itself() -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(api.build(NINE))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/openapi.json")

    with ThreadPoolExecutor(1) as beside:  # a browser of another test keeps a loop running in this thread
        described = beside.submit(asyncio.run, ask()).result().json()
    assert list(described["components"]["schemas"]["AlertsSpec"]["properties"]) == list(ALERT.by_name)


def test_the_description_is_read_from_our_own_files(call: Api) -> None:
    page = call("GET", "/api/docs").text
    assert "swagger-ui-bundle.js" in page
    outside = [part for part in page.split('"') if part.startswith(("http://", "https://", "//"))]
    assert outside == []
    for asset in ("/api/assets/swagger-ui-bundle.js", "/api/assets/swagger-ui.css"):
        assert asset in page
        assert call("GET", asset).status_code == 200
