"""What a fleet file may look like, and what is read from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.errors import FleetFileInvalid
from engine.flow.parse import DEFAULT_LIMIT, FleetFile, read_fleet_file
from engine.kinds import Fault, Field, KeyPart, Kind, Kinds
from engine.kinds.fields import Ref, Text
from engine.kinds.fleet import FLEET

HEAD = "version: 1\naccount: acme\n"

RUNBOOK = """\
version: 1
account: "<account-id>"

templates:
  web-server:
    name: web-server
    description: Standard nginx node
    node_platform_id: "<node-platform-uuid>"

modules:
  nginx-public:
    name: nginx-public
    priority: 50
    variety: config
    config:
      nginx_workers: 4

assignments:
  app-01:nginx-public:
    enabled: true
    priority: 50
  app-02:nginx-public:
    enabled: false      # disabled on app-02 without detaching the module
"""


def read(text: str, kinds: Kinds = FLEET) -> FleetFile:
    return read_fleet_file(text.encode(), kinds)


def config(text: str) -> object:
    """Read one value that stands in a module's free configuration."""
    return read(f"{HEAD}modules:\n  nginx:\n    config:\n      value: {text}\n").sections["modules"]["nginx"]["config"][
        "value"
    ]


def test_the_minimal_example_of_the_runbook_is_read() -> None:
    fleet = read(RUNBOOK)
    assert fleet.account == "<account-id>"
    assert fleet.file == "fleet.yaml"
    assert not fleet.is_empty
    assert fleet.sections == {
        "templates": {"web-server": {"description": "Standard nginx node", "node_platform_id": "<node-platform-uuid>"}},
        "modules": {"nginx-public": {"priority": 50, "variety": "config", "config": {"nginx_workers": 4}}},
        "assignments": {
            "app-01:nginx-public": {"enabled": True, "priority": 50},
            "app-02:nginx-public": {"enabled": False},
        },
    }


EXAMPLES = sorted((Path(__file__).parents[2] / "data" / "example").glob("*.yaml"))


@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if not path.stem.startswith("04-")], ids=lambda path: path.stem
)
def test_the_example_fleet_is_read(path: Path) -> None:
    assert not read_fleet_file(path.read_bytes(), FLEET, account="northwind").is_empty


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.stem.startswith("04-")], ids=lambda path: path.stem)
def test_the_slip_in_the_example_fleets_story_is_caught(path: Path) -> None:
    with pytest.raises(FleetFileInvalid, match="FLEET-115"):
        read_fleet_file(path.read_bytes(), FLEET, account="northwind")


def test_only_declared_fields_are_given_and_no_defaults() -> None:
    assert read(f"{HEAD}nodes:\n  app-01:\n    template: web\n").sections == {"nodes": {"app-01": {"template": "web"}}}


def test_a_byte_order_mark_is_accepted_and_not_counted() -> None:
    fleet = read_fleet_file(b"\xef\xbb\xbf" + RUNBOOK.encode(), FLEET)
    assert fleet == read(RUNBOOK)
    assert fleet.locate("version") == (1, 10)


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_make_no_difference(ending: str) -> None:
    fleet = read_fleet_file(RUNBOOK.replace("\n", ending).encode(), FLEET)
    assert fleet == read(RUNBOOK)
    assert fleet.locate("modules", "nginx-public", "priority") == read(RUNBOOK).locate(
        "modules", "nginx-public", "priority"
    )


def test_a_file_of_exactly_the_limit_is_accepted() -> None:
    data = HEAD.encode()
    assert DEFAULT_LIMIT == 1_048_576
    assert read_fleet_file(data + b"#" * (DEFAULT_LIMIT - len(data)), FLEET).account == "acme"


def test_the_limit_can_be_raised() -> None:
    assert read_fleet_file(HEAD.encode() + b"#" * DEFAULT_LIMIT, FLEET, limit=2 * DEFAULT_LIMIT).account == "acme"


@pytest.mark.parametrize("empty", ["", " {}", " null", " # nothing yet"])
def test_an_empty_section_or_entry_is_an_empty_map(empty: str) -> None:
    fleet = read(f"{HEAD}modules:{empty}\nnodes:\n  app-01:{empty}\n")
    assert fleet.sections == {"modules": {}, "nodes": {"app-01": {}}}


@pytest.mark.parametrize(
    ("text", "empty"),
    [("", True), ("nodes:\n", True), ("provider_configs:\n  aws:\n", True), ("nodes:\n  app-01:\n", False)],
)
def test_a_file_is_empty_if_it_declares_no_managed_resource(text: str, empty: bool) -> None:
    assert read(HEAD + text).is_empty is empty


def test_informational_sections_are_read_too() -> None:
    fleet = read(f"{HEAD}provider_configs:\n  aws:\n    provider: aws\n    config: {{region: eu}}\n")
    assert fleet.sections == {"provider_configs": {"aws": {"provider": "aws", "config": {"region": "eu"}}}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("0", 0),
        ("-0", 0),
        ("-17", -17),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1.5", 1.5),
        ("-0.0", -0.0),
        ("1.0e+16", 1e16),
        ("1.0e-07", 1e-7),
        ("1.26.0", "1.26.0"),
        ("10.80.0.10", "10.80.0.10"),
        ("node-01", "node-01"),
        ("2026-11", "2026-11"),
        ("v1.5", "v1.5"),
        ("fd00::1", "fd00::1"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("nothing", "nothing"),
        ("once", "once"),
        ("- a\n      - 1", None),
        ('"yes"', "yes"),
        ("'012'", "012"),
        ('"2026-11-23"', "2026-11-23"),
        ('""', ""),
        ("|\n        no\n", "no\n"),
        ("!!str 12", "12"),
        ("!!str", ""),
        ("! 12", "12"),
        ("! yes", "yes"),
        ("!!int 12", 12),
        ('!!int "12"', 12),
        ("!!float 1.5", 1.5),
        ("!!float 2", 2.0),
        ("!!bool true", True),
        ("!!null null", None),
        ("!!map {a: 1}", {"a": 1}),
        ("!!seq [a]", ["a"]),
        ("{a: [1, {b: null}], c: ''}", {"a": [1, {"b": None}], "c": ""}),
    ],
)
def test_a_value_is_what_every_yaml_reads_in_it(text: str, value: object) -> None:
    if text.startswith("- "):
        text, value = f"\n      {text}", ["a", 1]
    found = config(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "word",
    ["yes", "no", "On", "off", "y", "N", "True", "012", "0x1F", "1_000", "1:30", "2026-11-23", "=", "1e5"],
)
def test_as_a_key_an_ambiguous_word_is_text(word: str) -> None:
    assert config(f"{{{word}: 1}}") == {word: 1}


def test_a_resource_may_be_named_by_an_ambiguous_word() -> None:
    assert read(f"{HEAD}nodes:\n  no:\n  on: {{template: web}}\n").sections == {
        "nodes": {"no": {}, "on": {"template": "web"}}
    }


def test_a_quoted_number_or_merge_sign_is_a_key() -> None:
    assert config('{"1": a, "<<": b, "true": c, !!str 2: d, ! 3: e}') == {
        "1": "a",
        "<<": "b",
        "true": "c",
        "2": "d",
        "3": "e",
    }


def test_a_long_key_may_stand_in_the_explicit_form() -> None:
    key = "k" * 2000
    text = (
        f'{HEAD}modules:\n  nginx:\n    config:\n      ? "{key}"\n      : 1\n      ? "{key}2"\n      :\n        a: 2\n'
    )
    assert read(text).sections["modules"]["nginx"]["config"] == {key: 1, f"{key}2": {"a": 2}}


@pytest.mark.parametrize("directive", ["%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "---\n", "# %TAG ! x\n---\n"])
def test_a_document_may_begin_explicitly(directive: str) -> None:
    assert read(directive + RUNBOOK).sections == read(RUNBOOK).sections


def test_a_document_may_end_explicitly() -> None:
    assert read(f"{RUNBOOK}...\n# the end\n...\n").sections == read(RUNBOOK).sections


def test_null_is_a_value_where_the_default_is_none_and_in_free_maps() -> None:
    text = f"{HEAD}nodes:\n  app-01:\n    template:\n    labels: {{rack: }}\n"
    assert read(text).sections == {"nodes": {"app-01": {"template": None, "labels": {"rack": None}}}}


def test_name_may_repeat_the_key_and_is_dropped() -> None:
    text = f'{HEAD}nodes:\n  app-01: {{name: app-01}}\n  "12": {{name: "12", template: null}}\n'
    assert read(text).sections == {"nodes": {"app-01": {}, "12": {"template": None}}}


def test_nesting_of_exactly_32_levels_is_accepted() -> None:
    depth = 32 - 4
    assert config("[" * depth + "]" * depth) is not None


def test_order_of_entries_makes_no_difference() -> None:
    one = f"{HEAD}nodes: {{a: {{template: t, labels: {{x: 1, y: 2}}}}, b: }}\nmodules: {{m: }}\n"
    other = f"modules: {{m: }}\nnodes: {{b: , a: {{labels: {{y: 2, x: 1}}, template: t}}}}\n{HEAD}"
    assert read(one) == read(other)


def test_every_value_can_be_located() -> None:
    fleet = read(f"{RUNBOOK}nodes:\n  app-01:\n    labels: {{a: 1, b: [x, {{c: d}}]}}\n  empty:\n")
    found = {
        (): fleet.locate("modules"),
        ("entry",): fleet.locate("modules", "nginx-public"),
        ("field",): fleet.locate("modules", "nginx-public", "priority"),
        ("name",): fleet.locate("modules", "nginx-public", "name"),
        ("deep",): fleet.locate("modules", "nginx-public", "config", "nginx_workers"),
        ("flow",): fleet.locate("nodes", "app-01", "labels", "b"),
        ("item",): fleet.locate("nodes", "app-01", "labels", "b", 1, "c"),
        ("account",): fleet.locate("account"),
        ("empty",): fleet.locate("nodes", "empty"),
    }
    assert found == {
        (): (11, 3),
        ("entry",): (12, 5),
        ("field",): (13, 15),
        ("name",): (12, 11),
        ("deep",): (16, 22),
        ("flow",): (26, 23),
        ("item",): (26, 31),
        ("account",): (2, 10),
        ("empty",): (27, 9),
    }


def test_what_is_not_in_the_file_is_located_at_the_nearest_enclosing_value() -> None:
    fleet = read(RUNBOOK)
    assert fleet.locate("modules", "nginx-public", "version") == fleet.locate("modules", "nginx-public")
    assert fleet.locate("modules", "nginx-public", "config", "a", "b") == fleet.locate(
        "modules", "nginx-public", "config"
    )
    assert fleet.locate("modules", "absent") == fleet.locate("modules")
    assert fleet.locate("nodes", "app-01") == (1, 1)


def test_a_problem_can_be_made_at_the_place_of_a_value() -> None:
    fleet = read_fleet_file(RUNBOOK.encode(), FLEET, file="prod/fleet.yaml")
    problem = fleet.problem("FLEET-154", "something", "do this", "modules", "nginx-public", "priority")
    assert str(problem) == "FLEET-154 prod/fleet.yaml:13:15 something (do this)"


def test_a_fleet_file_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        read(RUNBOOK).account = "other"  # type: ignore[misc]


def test_kinds_are_taken_from_the_argument() -> None:
    only_nodes = Kinds(tuple(kind for kind in FLEET.values() if kind.section in {"modules", "templates", "nodes"}))
    assert read(f"{HEAD}nodes: {{a: }}\n", only_nodes).sections == {"nodes": {"a": {}}}
    with pytest.raises(FleetFileInvalid, match="there is no section 'assignments'"):
        read(f"{HEAD}assignments: {{}}\n", only_nodes)


@dataclass(frozen=True, slots=True)
class LowerText(Text):
    """A type that the reader has never seen, stricter than the one it is made from."""

    def faults(self, value: Any) -> Iterator[Fault]:
        if value != str(value).lower():
            yield Fault((), "must be in lower case", "write it so")


def test_a_new_kind_with_a_type_of_its_own_is_read_like_the_others() -> None:
    racks = Kind(
        section="racks",
        view="racks",
        title="rack",
        phase=9,
        doc="A rack.",
        key=(KeyPart("node", "nodes"), KeyPart("rack", "racks")),
        fields=(Field("label", LowerText(), "Label."), Field("above", Ref("racks"), "The one above.", None)),
    )
    kinds = Kinds((*FLEET.values(), racks))
    assert read(f"{HEAD}racks: {{a:b: {{label: low}}}}\n", kinds).sections == {"racks": {"a:b": {"label": "low"}}}
    with pytest.raises(FleetFileInvalid, match="label: must be in lower case"):
        read(f"{HEAD}racks: {{a:b: {{label: High}}}}\n", kinds)
    with pytest.raises(FleetFileInvalid, match="the key must be <node>:<rack>"):
        read(f"{HEAD}racks: {{a: {{}}}}\n", kinds)
