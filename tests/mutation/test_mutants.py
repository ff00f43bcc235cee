"""What the mutation command changes, and what it leaves alone."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
import sqlglot

from engine.store import statements
from tests.mutation import mutants

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("x = a < b", {"a <= b"}),
        ("x = a >= b", {"a > b"}),
        ("x = a is None", {"a is not None"}),
        ("x = a and b", {"a", "b"}),
        ("x = a or b or c", {"a or b", "a or c", "b or c"}),
        ("x = not a", {"a"}),
        ("if a: f()", {"True", "False", "pass"}),
        ("x = [a for a in b if a]", {"True"}),
        ("permit(actor)", {"pass"}),
        ("raise Refused()", {"pass"}),
        ("x = sorted(a, key=f)", {"list(a)"}),
        ("x = min(a, b)", {"max(a, b)"}),
        ("x = 10", {"11"}),
        ("x = a + b", {"a - b"}),
        ("def f(a: bool = True) -> int: ...", {"False"}),
        ("'''Text.'''", set()),
        ("x: Literal[1]", set()),
        ("x = zip(a, b, strict=True)", set()),
    ],
)
def test_python(source: str, changed: set[str]) -> None:
    made = mutants.python("engine/x.py", source)
    assert {each.now for each in made} == changed
    for each in made:
        assert ast.dump(ast.parse(each.source)) != ast.dump(ast.parse(source))


@pytest.mark.parametrize(
    ("source", "without"),
    [
        ("SELECT a FROM t WHERE a < $x AND b = $y ORDER BY a LIMIT 3", {"a <= $x", "b <> $y", "a < $x", "b = $y", ""}),
        ("SELECT DISTINCT a FROM t", {"SELECT"}),
        ("SELECT a FROM t ORDER BY a DESC", {"the other way round"}),
        ("UPDATE t SET a = $x", set()),
    ],
)
def test_sql(source: str, without: set[str]) -> None:
    made = mutants.statements("engine/store/sql/x.sql", source)
    assert without <= {each.now for each in made}
    assert len({each.source for each in made}) == len(made)
    assert source not in {each.source for each in made}


def test_every_statement_of_the_store_can_be_changed_and_read_again() -> None:
    text = statements.statement("proposals/list_live_proposals")
    made = mutants.statements("engine/store/sql/proposals/list_live_proposals.sql", text)
    assert made
    for each in made:
        sqlglot.parse(each.source, dialect="duckdb")


def test_every_mutant_of_a_file_has_a_name_of_its_own() -> None:
    made = mutants.python("engine/x.py", "def f(a):\n    return a + 1, a + 1\n")
    assert [each.name.partition(" · ")[2] for each in made if each.was == "1"] == ["f · 1 → 2", "f · 1 → 2 (2)"]


def test_what_is_named_as_equivalent_is_a_mutant_and_has_a_reason() -> None:
    known = tomllib.loads((ROOT / "tests" / "mutation" / "equivalent.toml").read_text())
    files = {name.partition(" · ")[0] for name in known}
    names = {each.name for file in files for each in mutants.python(file, (ROOT / file).read_text())}
    assert known.keys() <= names
    assert all(reason.endswith(".") for reason in known.values())
