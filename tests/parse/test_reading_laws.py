"""Laws of reading: any bytes end in a fleet or a refusal; what is accepted is what PyYAML reads."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import FleetFileInvalid, Problem
from engine.flow.parse import CODES, FleetFile, file_warnings, read_fleet_file
from engine.flow.parse.document import _check
from engine.flow.parse.positions import Positions
from engine.flow.parse.scalars import Refused, plain_value
from engine.flow.parse.yaml_events import read_structure
from engine.kinds.fields import Boolean, Choice, FieldType, Integer, Map, Ref, RefList, Text, json_faults
from engine.kinds.fleet import FLEET

VALID = b"""\
version: 1
account: acme
modules:
  nginx: {name: nginx, priority: 5, config: {a: [1, 1.5, true, null, "x"]}, version: "1.0"}
  waf:
    depends_on: [nginx]
templates:
  web:
    modules:
      - nginx@1.0
nodes:
  app-01: {template: web, labels: {site: ams}}
assignments:
  app-01:nginx:
    enabled: false
provider_configs:
  aws: {provider: aws}
"""

PIECES = [b"&a ", b"*a", b"<<: ", b"!!int ", b"!x ", b"!%FF ", b"? ", b"- ", b": ", b"[", b"]", b"{", b"}", b"'", b'"', b"|\n", b"#", b"---\n", b"...\n",
          b"%TAG ! x\n", b"%YAML 1.1\n", b"yes", b"012", b".nan", b"\t", b"\r", b"\xff", b"\0", b"\xc2\x85", b"\xef\xbb\xbf", b"\\ud800", b"\n  ", b"token: 1\n"]  # fmt: skip


def read(data: bytes) -> FleetFile | tuple[Problem, ...]:
    try:
        return read_fleet_file(data, FLEET)
    except FleetFileInvalid as error:
        return error.problems


def check_promises(data: bytes) -> None:
    """Read, and check what every answer promises."""
    answer = read(data)
    if isinstance(answer, tuple):
        lines = data.decode("utf-8", "replace").splitlines()
        assert answer
        assert list(answer) == sorted(answer, key=lambda p: (p.line, p.column, p.code, p.message))
        for problem in answer:
            assert problem.code in CODES
            assert problem.message
            assert 1 <= problem.line <= len(lines) + 1
            assert problem.column >= 1
            str(problem).encode()
        return
    json.dumps(answer.sections, allow_nan=False)
    for warning in file_warnings(answer, FLEET):
        assert CODES[warning.code].startswith("Warning")
    for section, specs in answer.sections.items():
        for name, spec in specs.items():
            assert not list(FLEET[section].faults(spec))
            assert FLEET[section].name_problem(name) is None


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf")
@example(b"a: !%ED%A0%80 1")
@example(b"[" * 100_000)
@example(b"{a: " * 50_000)
@example(b"- " * 50_000)
@example(b"? " * 50_000)
def test_arbitrary_bytes_end_in_a_fleet_or_a_refusal(data: bytes) -> None:
    check_promises(data)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_mutated_file_ends_in_a_fleet_or_a_refusal(data: st.DataObject) -> None:
    text = VALID
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 12))
        text = text[:start] + data.draw(st.sampled_from(PIECES) | st.binary(max_size=3)) + text[end:]
    check_promises(text)


@given(
    st.lists(
        st.sampled_from([*PIECES, b"a", b"nodes:\n", b"modules: ", b"version: 1\n", b"account: a\n", b"1", b" "]),
        max_size=30,
    )
)
@settings(max_examples=400, deadline=None)
def test_arbitrary_yaml_ends_in_a_fleet_or_a_refusal(pieces: list[bytes]) -> None:
    check_promises(b"".join(pieces))


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029"), max_size=12) | st.sampled_from(
    re.findall(r"\S+", "yes No on 012 1:30 2026-11-23 1e5 null ~ true .inf = << 0x1F 1_000 +1 - ? : # & * ! % @ ` a:b")
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


@given(
    st.dictionaries(TEXT, VALUES, max_size=4),
    st.sampled_from([True, False, None]),
    st.sampled_from([None, '"', "'", "|", ">"]),
    st.booleans(),
    st.sampled_from([20, 80, 1000]),
)
@settings(max_examples=400, deadline=None)
def test_what_is_accepted_is_what_pyyaml_reads(
    config: dict[str, Any], flow: bool | None, style: str | None, unicode: bool, width: int
) -> None:
    fleet = {"version": 1, "account": "acme", "modules": {"m": {"config": config}}}
    text = yaml.safe_dump(fleet, default_flow_style=flow, default_style=style, allow_unicode=unicode, width=width)
    answer = read(text.encode())
    if isinstance(answer, tuple):
        # PyYAML writes plainly what only YAML 1.2 reads as something else.
        assert {problem.code for problem in answer} == {"FLEET-115"}
    else:
        assert typed(answer.sections["modules"]["m"]["config"]) == typed(config)


def typed(value: Any) -> Any:
    """A value with its types, so that 1, 1.0 and true differ."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, math.copysign(1, value) if value == 0 and isinstance(value, float) else value


@given(
    st.dictionaries(
        TEXT | st.text('a\\"\U0001f600\U0010ffff\U00010000'), VALUES | st.text('a\\"\U0001f600'), max_size=4
    ),
    st.sampled_from([None, 1]),
)
@settings(max_examples=300, deadline=None)
def test_what_a_json_encoder_writes_is_read(config: dict[str, Any], indent: int | None) -> None:
    fleet = {"version": 1, "account": "acme", "modules": {"m": {"config": config, "oops": 1}, "n": {"config": config}}}
    text = json.dumps(fleet, indent=indent)
    answer = read(text.encode())
    assert isinstance(answer, tuple)
    wrong = [problem for problem in answer if problem.code not in {"FLEET-115", "FLEET-116"}]
    assert [problem.code for problem in wrong] == ["FLEET-133"]
    lines = text.split("\n")
    assert lines[wrong[0].line - 1][wrong[0].column - 1 :].startswith('"oops"')
    right = read(text.replace(', "oops": 1', "").replace('"oops": 1', '"description": ""').encode())
    if not isinstance(right, tuple):
        assert typed(right.sections["modules"]["m"]["config"]) == typed(config)


@given(
    st.text("0123456789abcdefxo_+-.:eETZ nyNYtrufalsOF~=<", max_size=12)
    | st.floats().map(repr)
    | st.integers().map(str)
    | st.dates().map(str)
    | TEXT
)
@settings(max_examples=1500)
def test_a_plain_value_is_never_read_otherwise_than_by_pyyaml(text: str) -> None:
    value = plain_value(text)
    loader = yaml.SafeLoader("")
    try:
        node = yaml.ScalarNode(loader.resolve(yaml.ScalarNode, text, (True, False)), text)
        theirs = loader.construct_object(node)
    except (ValueError, yaml.YAMLError):
        assert isinstance(value, Refused) or text in {"!", "&", "*"}  # these three cannot stand in a file plainly
        return
    finally:
        loader.dispose()
    if not isinstance(value, Refused):
        assert typed(value) == typed(theirs)


def core_schema(text: str) -> str:
    """What YAML 1.2's core schema makes of a plain scalar (section 10.3.2), as the name of the type."""
    for form, pattern in (
        ("NoneType", r"null|Null|NULL|~|"),
        ("bool", r"true|True|TRUE|false|False|FALSE"),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
    ):
        if re.fullmatch(pattern, text):
            return form
    return "str"


@given(
    st.text("0123456789abcdefxo_+-.:eETZ nyNYtrufalsOF~=<", max_size=12)
    | st.floats().map(repr)
    | st.integers().map(str)
    | TEXT
)
@settings(max_examples=1500)
def test_a_plain_value_is_never_read_otherwise_than_by_yaml_1_2(text: str) -> None:
    value = plain_value(text)
    if not isinstance(value, Refused):
        assert type(value).__name__ == core_schema(text)


@given(st.randoms())
@settings(max_examples=30)
def test_the_order_of_keys_never_changes_what_a_file_says(random: Any) -> None:
    parsed = yaml.safe_load(VALID)

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return value

    text = yaml.safe_dump(shuffled(parsed), sort_keys=False)
    assert read_fleet_file(text.encode(), FLEET) == read_fleet_file(VALID, FLEET)


FORMS: list[FieldType] = [
    Text(), Boolean(), Map(), Integer(), Integer(0), Choice(("a", "b")), Ref("nodes"), RefList("nodes"), RefList("nodes", pins=True),
]  # fmt: skip
ODD = VALUES | st.lists(st.sampled_from(["a", "b", "a@1", "a@", "@1", "", "a/b", 1]), max_size=4) | st.integers()


@pytest.mark.parametrize("form", FORMS, ids=str)
@given(value=ODD)
def test_the_quick_test_of_a_field_passes_only_what_its_type_finds_right(form: FieldType, value: Any) -> None:
    check = _check(form, set())
    if check is not None and check(value) and not list(json_faults(value, 4)):
        assert not list(form.faults(value))


@given(st.dictionaries(TEXT, VALUES, max_size=4), st.sampled_from([True, False]))
@settings(max_examples=150, deadline=None)
def test_every_value_is_located_where_it_stands(config: dict[str, Any], flow: bool) -> None:
    # Every key and text is quoted, so that each begins with a quote at the place given.
    text = yaml.safe_dump({"x": config}, default_flow_style=flow, default_style='"', width=1000)
    structure = read_structure(text.encode())
    assert structure.complete
    lines = text.split("\n")
    positions = Positions(text.encode())

    def walk(value: Any, path: tuple[str | int, ...]) -> None:
        line, column = positions.value(path)
        rest = lines[line - 1][column - 1 :]
        if isinstance(value, dict):
            for key, item in value.items():
                key_line, key_column = positions.key((*path, key))
                assert lines[key_line - 1][key_column - 1] in "\"'?"
                walk(item, (*path, key))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                walk(item, (*path, index))
        else:
            assert rest[0] in "\"'!"

    walk(structure.root["x"], ("x",))
