"""Rows as files for spreadsheets and notebooks: CSV and Parquet. Every value can be written."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet would run."""

_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, which no file in UTF-8 can hold."""


def csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as UTF-8 CSV with a header; maps and lists as JSON. What a spreadsheet would take for a formula gets an apostrophe."""
    import pandas as pd  # takes half a second to import, which only a download is worth

    columns = _columns(rows)
    harmless = {str(_harmless(name)): [_harmless(value) for value in values] for name, values in columns.items()}
    return bytes(pd.DataFrame(harmless, dtype=object).to_csv(index=False).encode())


def parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as Parquet; maps and lists as JSON text, times in UTC.

    A column whose values have no common type, or a whole number of more than 64 bits, is text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    def column(values: list[Any]) -> Any:
        try:
            return pa.array(values)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            return pa.array([None if value is None else _text(str(value)) for value in values], pa.string())

    target = io.BytesIO()
    pq.write_table(pa.table({name: column(values) for name, values in _columns(rows).items()}), target)
    return target.getvalue()


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Values by column, each column as long as there are rows; None where a row has no such value."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {_text(name): [_flat(row.get(name)) for row in rows] for name in names}


def _flat(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Decimal):  # NaN raises in comparisons
        return str(value)
    return _as_json(value) if isinstance(value, dict | list | tuple) else value


def _as_json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # what orjson does not write: half characters, whole numbers of more than 64 bits
        try:
            return _text(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str))
        except (TypeError, ValueError, RecursionError):
            return "(cannot be written as JSON)"


def _text(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
