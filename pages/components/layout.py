"""How parts of a page stand beside one another, and one below the other where there is no room."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def beside(*weights: float) -> list[DeltaGenerator]:
    """Columns as wide as their weights say, each at least as wide as it takes to read: narrow windows stack them."""
    with st.container(key=f"beside_{len(weights)}"):
        return st.columns(list(weights), gap="large")
