"""What others do while a page is open: it is drawn anew, or says that there is something new."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.errors import FleetError
from pages.components.turns import in_turn

EVERY_S = 5


def follow(look: Callable[[], object], news: str | None = None) -> None:
    """Draw the page anew as soon as `look` gives another answer than now; with `news`, say that and let people choose when.

    `look` runs every few seconds in each open tab, so it asks for little.
    """

    def answer() -> object:
        try:
            return look()
        except FleetError as error:
            return error.code  # such as a run that is not kept any more: the page itself says so once it is drawn anew

    seen = answer()

    def watch() -> None:
        if answer() == seen:
            return
        if news is None:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(news, icon=":material/update:")
            if st.button("Show it", key="follow_show", type="tertiary"):
                st.rerun()

    st.fragment(in_turn(watch), run_every=EVERY_S)()
