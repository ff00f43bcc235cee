"""Every SQL file runs, is used, says what it is for, and lists its rows in an order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import duckdb
import pytest

from engine.kinds.fleet import FLEET
from engine.store import Store
from engine.store.database import statement
from tests.conftest import SetClock

ROOT = Path(__file__).resolve().parents[2]
SQL = Path(str(resources.files("engine.store"))) / "sql"
NAMES = sorted(str(path.relative_to(SQL).with_suffix("")) for path in SQL.rglob("*.sql"))


@pytest.fixture(scope="module")
def cursor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    store = Store.open(tmp_path_factory.mktemp("home"), FLEET, SetClock())
    yield store._connection.cursor()
    store.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_is_understood_by_the_store(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    text = statement(name)
    wanted = set(re.findall(r"\$([a-z_]+)", re.sub(r"--.*", "", text)))
    samples = {"limit": 1, "sequence": "run_id", "count": 1}
    typed = dict(re.findall(r"\$([a-z_]+)::([A-Z]+(?:\[\])+)", text))
    values = {parameter: [] if parameter in typed else samples.get(parameter) for parameter in wanted}
    if not text.partition("\n")[2].lstrip().startswith("CREATE"):
        cursor.execute(f"EXPLAIN {text}", values or None)


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_says_what_it_is_for_and_orders_its_rows(name: str) -> None:
    text = statement(name)
    assert text.startswith("-- ")
    assert "SELECT *" not in text
    assert not re.search(r"\{\w*\}", re.sub(r"'[^']*'", "", text)), "no value is ever formatted in"
    if name.rpartition("/")[2].startswith(("list_", "read_")):
        assert "ORDER BY" in text


def test_every_statement_is_used_and_every_used_one_exists() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "engine" / "store").glob("*.py"))
    used = set(re.findall(r'"([a-z]+/[a-z_]+)"', sources))
    assert used == set(NAMES)
