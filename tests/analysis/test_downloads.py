"""Downloads: whatever rows hold, a file comes of it that its readers can read, and a spreadsheet runs nothing in it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.present import downloads

TEXTS = st.text(st.characters(exclude_categories=()), max_size=12)  # half characters too
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(2**63, 2**70),
    st.floats(),
    TEXTS,
    st.binary(max_size=4),
    st.decimals(),
    st.dates(),
    st.datetimes(timezones=st.one_of(st.none(), st.just(UTC), st.timezones())),
    st.timedeltas(),
    st.uuids(),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
ROWS = st.lists(st.dictionaries(st.sampled_from(["name", "number", "=1+1", "half \ud800"]), VALUES), max_size=5)


@given(ROWS)
def test_any_rows_become_files_of_as_many_rows(rows: list[dict[str, Any]]) -> None:
    names = {name.replace("\ud800", "\ufffd") for row in rows for name in row}
    table = pq.read_table(io.BytesIO(downloads.parquet(rows)))
    assert set(table.column_names) == names
    assert table.num_rows == (len(rows) if names else 0)
    lines = list(csv.reader(io.StringIO(downloads.csv(rows).decode(), newline="")))
    if names:
        assert {name.removeprefix("'") for name in lines[0]} == names
        assert len([line for line in lines if line]) >= 1
        cells = [cell for line in lines for cell in line]
        texts = [value for row in rows for value in row.values() if isinstance(value, str)]
        assert not [t for t in texts if t.startswith(("=", "+", "-", "@")) and t in cells and f"'{t}" not in cells]


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ([1, 2, None], [1, 2, None]),
        ([2**63, 1], ["9223372036854775808", "1"]),
        ([2**80], ["1208925819614629174706176"]),
        ([1, "one"], ["1", "one"]),
        ([True, "yes", None], ["True", "yes", None]),
        (["a\ud800b"], ["a\ufffdb"]),
        ([[2**70], None], ["[1180591620717411303424]", None]),
        ([{"\udfff": 1}], ['{"\ufffd":1}']),
        ([datetime(2026, 11, 1, tzinfo=UTC)], [datetime(2026, 11, 1, tzinfo=UTC)]),
        ([Decimal("1.5"), "x"], ["1.5", "x"]),
    ],
)
def test_what_has_no_common_type_is_text_and_the_rest_keeps_its_type(values: list[Any], read: list[Any]) -> None:
    rows = [{"x": value} for value in values]
    assert pq.read_table(io.BytesIO(downloads.parquet(rows)))["x"].to_pylist() == read
    assert downloads.csv(rows).decode().startswith("x\n")


def test_cells_that_a_spreadsheet_would_run_get_an_apostrophe_and_numbers_stay_numbers() -> None:
    rows = [{"cell": cell, "number": number} for cell, number in (("=1+1", -5), ("@x", None), ("\n=2", 7))]
    assert downloads.csv(rows).decode() == "cell,number\n'=1+1,-5\n'@x,\n\"'\n=2\",7\n"
