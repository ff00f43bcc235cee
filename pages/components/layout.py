"""How parts of a page stand beside one another, and one below the other where there is no room."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def beside(*weights: float) -> list[DeltaGenerator]:
    """Columns as wide as their weights say, each at least as wide as it takes to read: narrow windows stack them."""
    with st.container(key=f"beside_{len(weights)}"):
        return st.columns(list(weights), gap="large")


def one_then_other(ask: Callable[[], None], tell: Callable[[], None], *, over: Callable[[], bool]) -> None:
    """A question, and in its place what became of it once it is `over`.

    Each has a slot of its own: a slot that is filled twice in one run keeps what the longer content had at its end.
    """
    question, answer = st.empty(), st.empty()
    if not over():
        with question.container():
            ask()
    if over():
        question.empty()
        with answer.container():
            tell()
