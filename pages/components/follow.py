"""What others do while a page is open: it is drawn anew, or says that there is something new."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.components.turns import in_turn

EVERY_S = 5


def follow(look: Callable[[], object], news: str | None = None) -> None:
    """Draw the page anew as soon as `look` gives another answer than now; with `news`, say that and let people choose when.

    `look` runs every few seconds in each open tab, so it asks for little.
    """
    seen = look()

    def watch() -> None:
        if look() == seen:
            return
        if news is None:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(news, icon=":material/update:")
            if st.button("Show it", key="follow_show", type="tertiary"):
                st.rerun()

    st.fragment(in_turn(watch), run_every=EVERY_S)()
