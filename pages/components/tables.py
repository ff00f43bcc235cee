"""Lists: paged in SQL, shown as a table of text, states as coloured words, times relative with the exact one beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Literal

import pandas as pd
import streamlit as st

from pages.components.text import plain

PAGE = 50
"""Rows on one page of a list."""

COLOURS = {
    "pending": "orange",
    "approved": "blue",
    "applied": "green",
    "failed": "red",
    "rejected": "gray",
    "superseded": "gray",
    "withdrawn": "gray",
    "running": "blue",
    "success": "green",
    "partial": "orange",
    "in sync": "green",
    "waiting": "blue",
    "drifted": "violet",
    "unmanaged": "gray",
    "paused": "orange",
    "disabled": "gray",
    "ok": "green",
    "never synced": "gray",
    "failing": "red",
    "failed proposals": "red",
    "drifting": "violet",
    "open": "violet",
    "reverted": "green",
    "codified": "blue",
    "removed": "gray",
    "create": "green",
    "update": "orange",
    "destroy": "red",
    "informational": "gray",
    "high": "red",
    "medium": "orange",
    "low": "gray",
    "valid": "green",
    "expired": "orange",
    "revoked": "red",
}
"""One colour for each meaning; the word always stands with it."""

_HEX = {
    "green": "#2d7d4f",
    "orange": "#b06d17",
    "red": "#b3372f",
    "blue": "#2f6fa8",
    "violet": "#7452a8",
    "gray": "#78838c",
}


def badge(word: str) -> str:
    """A state as a coloured word in Markdown; only words of ours may come here."""
    return f":{COLOURS.get(word, 'gray')}-badge[{word}]"


class column:  # noqa: N801 - reads like st.column_config, which it stands for
    """Column configurations with one look."""

    @staticmethod
    def words(label: str, width: str | int | None = None, help: str | None = None) -> Any:  # noqa: A002
        """A list with one coloured word in each cell."""
        return st.column_config.MultiselectColumn(
            label,
            options=list(COLOURS),
            color=[_HEX[colour] for colour in COLOURS.values()],
            width=width or 104,  # type: ignore[arg-type]
            help=help,
        )

    @staticmethod
    def status(label: str = "Status") -> Any:
        return column.words(label)

    @staticmethod
    def change(label: str = "Change") -> Any:
        return column.words(label)

    @staticmethod
    def text(label: str, width: Any = None, help: str | None = None, pinned: bool | None = None) -> Any:  # noqa: A002
        return st.column_config.TextColumn(label, width=width, help=help, pinned=pinned)

    @staticmethod
    def number(label: str, width: Any = 80, help: str | None = None) -> Any:  # noqa: A002
        return st.column_config.NumberColumn(label, width=width, help=help, format="localized")

    @staticmethod
    def time(label: str, width: Any = 140) -> Any:
        """A time to the minute, in UTC as everywhere: how long ago it was is said in texts alone, so that no two roundings meet."""
        return st.column_config.DatetimeColumn(
            label, width=width, format="YYYY-MM-DD HH:mm", timezone="UTC", help="In UTC"
        )


def paged(total: int, key: str = "page", size: int = PAGE) -> int:
    """The pages of a list and where one is; gives the offset of its first row."""
    pages = max(1, ceil(total / size))
    if pages == 1:
        if total:
            st.caption(f"{total:,} in total")
        return 0
    with st.container(horizontal=True, vertical_alignment="center"):
        number = st.pagination(pages, key=key, bind="query-params")
        first = (number - 1) * size
        st.caption(f"{first + 1:,}–{min(first + size, total):,} of {total:,}")
    return first


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Any],
    *,
    key: str | None = None,
    select: Literal["single", "multi"] | None = None,
    selected: Sequence[int] = (),
    alt: str | None = None,
    height: int | None = None,
) -> list[int]:
    """Show rows, each a mapping by column name; gives the numbers of the selected ones, at first those of `selected`.

    Cells of `column.words` columns are lists of one word, or None.
    """
    frame = pd.DataFrame(list(rows), columns=list(columns))
    shown: dict[str, Any] = {
        "column_config": dict(columns),
        "hide_index": True,
        "height": height or "content",
        "placeholder": "",
        "alt": alt,
        "lazy": False,
    }
    if select is None:
        st.dataframe(frame, key=key, **shown)
        return []
    state = st.dataframe(
        frame,
        key=key,
        on_select="rerun",
        selection_mode="multi-row" if select == "multi" else "single-row",
        selection_default={"selection": {"rows": list(selected)}} if selected else None,
        **shown,
    )
    return [number for number in state["selection"]["rows"] if number < len(rows)]


def empty(words: str, hint: str = "") -> None:
    """What stands where a list has no rows: what that means, and what to do next."""
    with st.container(border=True):
        st.markdown(f"**{plain(words)}**" + (f"  \n:gray[{plain(hint)}]" if hint else ""))
