"""The fleet file that an export writes, letter by letter: what is quoted, what is listed, how deep things stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from engine.flow import export
from engine.kinds.fleet import FLEET
from engine.model import Spec
from tests.engine.conftest import proposal

WHEN = datetime(2026, 11, 1, 8, 0, 0, 250, tzinfo=UTC)


def rendered(as_of: datetime | None = None, pins: export.Pins | None = None, **fleet: dict[str, Spec]) -> str:
    found = export.pinned(FLEET, fleet) if pins is None else pins
    return export.render(FLEET, "acme", fleet, pins=found, as_of=as_of, scope="all of it", store_version=3)


def value_of(value: Any) -> str:
    """How a value stands in a file, behind `    description: `."""
    lines = export.snippet("modules", "a", {"description": value}).splitlines()
    return "\n".join(lines[2:]).removeprefix("    description: ")


def test_the_head_says_of_when_and_what_it_is() -> None:
    assert rendered().splitlines() == [
        "# yaml-language-server: $schema=fleet.schema.json",
        "# Exported by Fleet Workbench: all of it.",
        "# As of before any change, store version 3.",
        "version: 1",
        "account: acme",
    ]
    assert "# As of 2026-11-01T08:00:00.000250+00:00, store version 3.\n" in rendered(WHEN)
    assert rendered().endswith("acme\n")


def test_sections_stand_in_the_order_of_the_kinds_and_names_sorted_with_every_default() -> None:
    text = rendered(nodes={"one": {}}, modules={"b": {"priority": 1}, "a": FLEET["modules"].complete({})}, templates={})
    assert text.partition("account: acme\n")[2] == (
        "\nmodules:\n"
        '  a:\n    description: ""\n    priority: 0\n    variety: config\n    version: null\n    config: {}\n    depends_on: []\n'
        '  b:\n    description: ""\n    priority: 1\n    variety: config\n    version: null\n    config: {}\n    depends_on: []\n'
        "\nnodes:\n"
        "  one:\n    template: null\n    lifecycle_class: persistent\n    labels: {}\n"
    )


def test_versions_that_are_pinned_are_listed_beside_a_modules_own() -> None:
    modules = {"a": {"version": "2"}, "b": {"version": "1"}}
    templates = {"t": {"modules": ["a@3", "a@1", "a@2", "b@1", "a"]}}
    pins = export.pinned(FLEET, {"modules": modules, "templates": templates})
    assert pins == {("modules", "a"): frozenset("123"), ("modules", "b"): frozenset("1")}
    text = rendered(pins=pins, modules=modules)
    assert text.count("versions:") == 1
    assert '    version: "2"\n    versions:\n      - "1"\n      - "3"\n    config: {}\n' in text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (7, "7"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (1.0, "1.0"),
        (1e22, "1.0e+22"),
        (1.5e-7, "1.5e-07"),
        (-0.25, "-0.25"),
        ([], "[]"),
        ({}, "{}"),
        ("", '""'),
        ("plain", "plain"),
        ("two words", "two words"),
        ("image:tag", "image:tag"),
        ("a: b", '"a: b"'),
        ("false", '"false"'),
        ("Off", '"Off"'),
        ("n", '"n"'),
        ("falsey", "falsey"),
        ("nope", "nope"),
        ("7", '"7"'),
        ("w" * 120, "w" * 120),
        ("w" * 121, f'"{"w" * 121}"'),
        ("a\tb", '"a\\tb"'),
        ("\u2028\ufeff", '"\\u2028\\uFEFF"'),
        ("\U000e0001\U0001f600", '"\U000e0001\U0001f600"'),
        ("\x7f", '"\\u007F"'),
    ],
)
def test_how_a_value_is_written(value: Any, written: str) -> None:
    assert value_of(value) == written
    assert value_of([value]).removeprefix("    description:\n      - ") == written or value in ([], {})
    assert yaml.safe_load(export.snippet("modules", "a", {"description": value})) == {
        "modules": {"a": {"description": value}}
    }


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_number_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="infinite"):
        value_of(value)


def test_what_is_nested_stands_below_its_key_or_dash_with_keys_sorted() -> None:
    config = {"b": 1, "a": [1, [], {}, [["x"]], {"d": 1, "c": [True]}], "c": {"y": {"z": 2}, "x": None}}
    assert export.snippet("modules", "m", {"config": config, "priority": 1}) == (
        "modules:\n  m:\n    config:\n"
        "      a:\n        - 1\n        - []\n        - {}\n        -\n          -\n            - x\n"
        "        -\n          c:\n            - true\n          d: 1\n"
        '      b: 1\n      c:\n        x: null\n        "y":\n          z: 2\n'
        "    priority: 1\n"
    )
    assert export.snippet("modules", "m", {}) == "modules:\n  m: {}\n"


@pytest.mark.parametrize(("length", "head"), [(998, '      "{}": 1'), (999, '      ? "{}"\n      : 1')])
def test_a_key_that_yaml_takes_for_too_long_has_the_long_form(length: int, head: str) -> None:
    key = "k" * length
    text = export.snippet("modules", "m", {"config": {key: 1}})
    assert text.splitlines()[3:] == head.format(key).splitlines()
    assert yaml.safe_load(text)["modules"]["m"]["config"] == {key: 1}


def test_an_amendment_says_what_to_declare_and_what_to_take_out() -> None:
    made = export.amendment(
        [
            proposal(1, "nodes", "one", {"labels": {}}, {"labels": {"a": 1}, "template": None}, declared=("labels",)),
            proposal(2, "modules", "z", {"priority": 1}, None),
            proposal(3, "modules", "b", None, {"priority": 2, "description": "x"}, declared=("priority",)),
            proposal(4, "modules", "a", {"priority": 1}, {"priority": 2}, declared=("priority",)),
        ]
    )
    assert made == (
        "# Take modules/z out.\n"
        "modules:\n  a:\n    priority: 2\n  b:\n    priority: 2\n"
        "nodes:\n  one:\n    labels:\n      a: 1\n"
    )
    assert export.amendment([]) == ""
