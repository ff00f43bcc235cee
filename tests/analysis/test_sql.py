"""SQL of people: it reads the snapshot and nothing else, changes nothing, and ends."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.analysis import Snapshot
from engine.errors import QueryError


def test_it_reads_all_tables_views_and_the_past_with_parameters(wb: Snapshot) -> None:
    assert {"resources", "proposals", "fleet_events", "node_modules"} <= set(wb.sql("SHOW TABLES")["name"])
    found = wb.sql(
        "SELECT name, priority FROM node_modules WHERE priority >= $least ORDER BY name -- all of them", least=50
    )
    assert list(found.columns) == ["name", "priority"]
    assert (found["priority"] >= 50).all()
    assert wb.sql("SELECT count(*) AS n FROM fleet_at($at::TIMESTAMPTZ)", at="2001-01-01")["n"][0] == 0
    assert wb.sql("WITH x AS (SELECT 1 AS a) FROM x;")["a"].tolist() == [1]
    assert not wb.sql("EXPLAIN SELECT 1").empty
    assert wb.sql("SELECT * FROM resources WHERE false").empty
    assert str(wb.sql("SELECT max(happened_at) AS t FROM fleet_events")["t"].dtype) == "datetime64[us, UTC]"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "FLEET-652"),
        ("SELECT * FROM read_text('/etc/passwd')", "FLEET-652"),
        ("SELECT * FROM read_blob('/proc/self/environ')", "FLEET-652"),
        ("SELECT * FROM read_parquet('https://example.com/x.parquet')", "FLEET-652"),
        ("SELECT * FROM '/etc/passwd'", "FLEET-655"),
        ("SELECT * FROM glob('/**')", "FLEET-652"),
        ("SELECT * FROM duckdb_secrets()", "FLEET-652"),
        ("SELECT getenv('HOME')", "FLEET-655"),
        ("ATTACH '{folder}/other.duckdb'", "FLEET-651"),
        ("INSTALL httpfs", "FLEET-651"),
        ("LOAD httpfs", "FLEET-651"),
        ("SET memory_limit = '100GB'", "FLEET-651"),
        ("RESET lock_configuration", "FLEET-651"),
        ("PRAGMA threads = 64", "FLEET-651"),
        ("CALL pragma_version()", "FLEET-651"),
        ("COPY resources TO '{folder}/out.csv'", "FLEET-651"),
        ("EXPORT DATABASE '{folder}/out'", "FLEET-651"),
        ("CREATE TEMP TABLE t AS SELECT 1", "FLEET-651"),
        ("DELETE FROM resources", "FLEET-651"),
        ("WITH x AS (SELECT 1) DELETE FROM resources", "FLEET-651"),
        ("DROP TABLE resources", "FLEET-651"),
        ("CHECKPOINT", "FLEET-651"),
        ("BEGIN", "FLEET-651"),
        ("SELECT 1; SELECT 2", "FLEET-651"),
        ("SELECT 1; COPY resources TO '{folder}/out.csv'", "FLEET-651"),
        ("EXPLAIN ANALYZE COPY resources TO '{folder}/out.csv'", "FLEET-652"),
        ("PREPARE p AS SELECT 1", "FLEET-651"),
        ("EXECUTE p", "FLEET-651"),
        ("SELECT nextval('event_seq')", "FLEET-655"),
        ("", "FLEET-651"),
        ("-- nothing", "FLEET-651"),
        ("SELEC 1", "FLEET-655"),
        ("SELECT * FROM nothing", "FLEET-655"),
        ("SELECT $missing", "FLEET-655"),
    ],
)
def test_anything_else_is_refused_clearly(wb: Snapshot, path: Path, query: str, code: str) -> None:
    before = sorted(path.parent.iterdir()), path.read_bytes()
    with pytest.raises(QueryError, match=code) as caught:
        wb.sql(query.replace("{folder}", str(path.parent)))
    assert caught.value.hint
    assert (sorted(path.parent.iterdir()), path.read_bytes()) == before
    assert wb.sql("SELECT 1 AS a")["a"][0] == 1, "and the next one is answered"


def test_what_is_shut_off_cannot_be_opened_again(wb: Snapshot) -> None:
    settings = ("lock_configuration", "enable_external_access", "autoload_known_extensions")
    (row,) = wb.sql(f"SELECT {', '.join(f'current_setting({name!r}) AS {name}' for name in settings)}").itertuples()
    assert (row.lock_configuration, row.enable_external_access, row.autoload_known_extensions) == (True, False, False)


def test_explain_runs_nothing_that_writes(wb: Snapshot) -> None:
    with pytest.raises(QueryError):
        wb.sql("EXPLAIN ANALYZE DELETE FROM resources")
    assert len(wb.fleet()) == wb.sql("SELECT count(*) AS n FROM resources")["n"][0]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
        "SELECT * FROM range(100000000000)",
        # One expression on a long text is not looked at while it runs; only the process that runs it can be ended.
        "SELECT length(repeat('ab', 500000000))",
        "SELECT lpad('a', 900000000, 'b') LIKE '%x'",
        "SELECT repeat('a', 3000000000)",
    ],
)
def test_one_without_end_is_ended(wb: Snapshot, query: str) -> None:
    start = time.monotonic()
    with pytest.raises(QueryError, match=r"FLEET-65[34]"):
        wb.sql(query, seconds=0.5)
    assert time.monotonic() - start < 10
    assert wb.sql("SELECT 1 AS a")["a"][0] == 1


def test_too_much_is_refused(wb: Snapshot) -> None:
    with pytest.raises(QueryError, match="FLEET-654") as caught:
        wb.sql("SELECT * FROM range(1001)", rows=1000)
    assert "1,000 rows" in str(caught.value)
    assert len(wb.sql("SELECT * FROM range(1000)", rows=1000)) == 1000
    with pytest.raises(QueryError, match="FLEET-654"):
        wb.sql("SELECT list(range) FROM range(400000000)")


def test_variables_of_the_notebook_are_no_tables(wb: Snapshot) -> None:
    secret = wb.fleet()
    assert len(secret)
    with pytest.raises(QueryError, match="FLEET-655"):
        wb.sql("SELECT * FROM secret")
