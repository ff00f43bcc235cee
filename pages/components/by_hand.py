"""Who changed a resource by hand since it was agreed on, when and why: read before taking that back."""

from __future__ import annotations

import streamlit as st

from engine.model import ResourceKey
from pages.components.session import workbench
from pages.components.text import ago, exact, plain

MOST = 3


def told(key: ResourceKey) -> bool:
    """Show the edits by hand that live holds and git does not know, newest first; gives whether there are any."""
    found = workbench().edits_since_agreed(key)
    for version in found[:MOST]:
        what = "deleted it" if version.spec is None else "changed it"
        note = f": {plain(version.note)}" if version.note else " (no note)"
        st.info(
            f"**{plain(version.actor)}** {what} by hand {ago(version.valid_from)} ({exact(version.valid_from)}){note}",
            icon=":material/edit:",
        )
    if len(found) > MOST:
        st.caption(f"and {len(found) - MOST} earlier edits")
    return bool(found)
