"""Every SQL file runs, is used with the parameters that it names, says what it is for, and lists its rows in an order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from engine.kinds.fleet import FLEET
from engine.model import SWITCHES
from engine.store import Store
from engine.store.statements import statement
from tests.conftest import SetClock

STORE = Path(str(resources.files("engine.store")))
NAMES = sorted(str(path.relative_to(STORE / "sql").with_suffix("")) for path in STORE.rglob("sql/**/*.sql"))


def _parameters(text: str) -> dict[str, str]:
    """Each `$name` of a statement with the type that it is cast to, or an empty one."""
    code = re.sub(r"--.*", "", text)
    return {
        **dict.fromkeys(re.findall(r"\$([a-z_]+)", code), ""),
        **dict(re.findall(r"\$([a-z_]+)::([A-Z]+(?:\[\])*)", code)),
    }


def _sample(name: str, type_: str) -> Any:
    """A value of the kind that the store itself would pass; text is `{}`, which is good JSON too."""
    if type_.endswith("[]"):
        return [_sample(name, type_[:-2])]
    if type_ == "BIGINT" or name in {"limit", "count", "before", "seq"} or name.endswith(("id", "_count")):
        return 1
    if name in {"diff_count", "remaining", "opened", "position", "failure_count"}:
        return 1
    if name == "version":
        return 999
    if type_ == "BOOLEAN" or name in {"enabled", "removed", "open", *(switch.name for switch in SWITCHES)}:
        return True
    if name == "at" or name.endswith("_at"):
        return datetime(2026, 11, 1, tzinfo=UTC)
    if name == "proposal_ids":
        return [1]
    return "run_id" if name == "sequence" else "{}"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(tmp_path_factory.mktemp("home"), FLEET, SetClock())
    yield opened
    opened.close()


class Enough(Exception):
    """Takes a write back."""


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_runs_on_a_fresh_store(store: Store, name: str) -> None:
    values = {name: _sample(name, type_) for name, type_ in _parameters(statement(name)).items()}
    with suppress(Enough), store.write() as tx:
        tx.rows(name, **values)
        raise Enough


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_says_what_it_is_for_and_orders_its_rows(name: str) -> None:
    text = statement(name)
    first, _, code = text.partition("\n")
    assert re.fullmatch(r"-- [A-Z].*\.", first)
    assert not re.search(r"SELECT\s+(\w+\.)?\*", code)
    assert not re.search(r"\{\w*\}|%s", re.sub(r"'[^']*'", "", code)), "no value is ever formatted in"
    if name.rpartition("/")[2].startswith(("list_", "read_")):
        assert "ORDER BY" in code


def _uses() -> Iterator[tuple[str, set[str], bool]]:
    """Each use of a statement in the store's modules: its name, the parameters given by name, whether these are all."""
    for path in STORE.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not call.args:
                continue
            first = call.args[0]
            if call.func.attr in {"rows", "row", "value", "run", "frame"} and isinstance(first, ast.Constant):
                given = {keyword.arg for keyword in call.keywords if keyword.arg}
                yield str(first.value), given, all(keyword.arg for keyword in call.keywords)
            elif (
                call.func.attr == "execute" and isinstance(first, ast.Call) and isinstance(first.args[0], ast.Constant)
            ):
                rest = call.args[1] if len(call.args) > 1 else ast.Dict([], [])
                assert isinstance(rest, ast.Dict), ast.unparse(call)
                yield str(first.args[0].value), {str(ast.literal_eval(key)) for key in rest.keys if key}, True


def test_every_statement_is_used_and_every_used_one_exists() -> None:
    assert {name for name, _, _ in _uses()} == set(NAMES)


def test_every_use_gives_the_parameters_that_the_statement_names() -> None:
    for name, given, all_of_them in _uses():
        wanted = set(_parameters(statement(name)))
        assert given == wanted if all_of_them else given <= wanted, name
