"""Every parameter of every route, as the description lists them, takes what is hostile without a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote

import requests

from engine.workbench import Workbench
from tests.api.conftest import Api
from tests.conftest import listening

NO_YEARS = [
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00+23:59",
]
"""Times that UTC has no year for."""

TIMES = [
    *NO_YEARS,
    "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "0001-01-01", "1e308", "-1e308", "253402300800", "-62135596801", "99999999999999999999", "inf",
]  # fmt: skip
NUMBERS = ["-1", str(2**31), str(2**63 - 1), str(2**63), str(10**400), "1e3", "1_0", "٣", "NaN"]
TEXTS = ["", "\0", "a\0b", "\U0010ffff", "\u202eabc", "%", "'", "\\", "x" * 5_000, "../..", "a\r\nb: c", "*"]

HARMLESS = {"id": "1", "section": "modules", "name": "base", "provider": "github"}
"""What stands in a path for the parameters that are not tried."""


@cache
def described() -> dict[str, list[dict[str, Any]]]:
    """The parameters of every route of the description, by `METHOD path`."""
    with listening() as port:
        paths = requests.get(f"http://127.0.0.1:{port}/api/openapi.json", timeout=30).json()["paths"]
    return {
        f"{method.upper()} {path}": route["parameters"]
        for path, methods in paths.items()
        for method, route in methods.items()
        if route.get("parameters")
    }


def hostile(parameter: dict[str, Any]) -> list[str]:
    """Values for a parameter: all that suit its type, and one of each other kind."""
    schema = str(parameter["schema"])
    first = TIMES if "date-time" in schema else NUMBERS if "integer" in schema else TEXTS
    return [*first, TIMES[0], NUMBERS[4], TEXTS[2]]


def attempts() -> Iterator[tuple[str, dict[str, Any], str]]:
    """(route, parameter, value) of everything that is tried."""
    for route, parameters in described().items():
        for parameter in parameters:
            for value in hostile(parameter):
                if parameter["in"] != "header" or (value.isprintable() and value.isascii()):  # no client sends others
                    yield route, parameter, value


def test_no_parameter_escapes_the_coded_errors(registered: Workbench, call: Api) -> None:
    for route, parameter, value in attempts():
        method, _, path = route.partition(" ")
        name, where = parameter["name"], parameter["in"]
        given = HARMLESS | ({name: quote(value, safe="")} if where == "path" else {})
        answer = call(
            method, f"/api{path.format(**given)}", None if method in {"GET", "DELETE"} else {},
            params={name: value} if where == "query" else {}, headers={name: value} if where == "header" else {},
        )  # fmt: skip
        seen = (route, name, value[:60], answer.status_code, answer.text[:300])
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json", seen
            assert answer.json()["code"] in {"FLEET-680", "FLEET-681"} or answer.status_code < 500, seen
        else:
            assert value not in NO_YEARS or "date-time" not in str(parameter["schema"]), seen


def test_the_description_has_every_kind_of_parameter() -> None:
    """Else the table above would be empty and nobody would know."""
    found = {parameter["in"] for parameters in described().values() for parameter in parameters}
    times = [route for route, parameters in described().items() if "date-time" in str(parameters)]
    assert found == {"path", "query", "header"}
    assert len(times) >= 3
