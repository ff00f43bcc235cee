"""Rows as files for spreadsheets and notebooks: CSV and Parquet."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run."""


def csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as UTF-8 CSV with a header; maps and lists as JSON. What a spreadsheet would take for a formula gets an apostrophe."""
    frame = _frame(rows)
    for name in frame.columns:
        frame[name] = frame[name].map(_harmless)
    return bytes(frame.to_csv(index=False).encode())


def parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as Parquet; maps and lists as JSON text, times in UTC."""
    target = io.BytesIO()
    _frame(rows).to_parquet(target, index=False)
    return target.getvalue()


def _frame(rows: Sequence[Mapping[str, Any]]) -> Any:
    import pandas as pd  # takes half a second to import, which only a download is worth

    return pd.DataFrame([{name: _flat(value) for name, value in row.items()} for row in rows])


def _flat(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, dict | list | tuple) else value


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
