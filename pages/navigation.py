"""The frame of every page: look, strip, navigation. Streamlit runs it before each page."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)  # pages import their components from here, wherever the server was started

from engine.phrases import clean  # noqa: E402
from pages.components.gate import door, outside  # noqa: E402
from pages.components.markup import stylesheet  # noqa: E402
from pages.components.strip import dialogs, strip  # noqa: E402
from pages.components.turns import turn  # noqa: E402

FILTERS = {
    "at", "cause", "change", "depth", "health", "near", "of", "older", "page", "proposals", "q", "repository", "risk", "rows", "scope",
    "section", "show", "since", "state", "status", "view", "what", "who",
}  # fmt: skip
"""What lists keep in the address, whatever page they are on."""

st.set_page_config(page_title="Fleet Workbench", page_icon=f"{ROOT}/pages/components/icon.svg", layout="wide")
stylesheet()


def page(file: str, title: str, icon: str, *, default: bool = False, hidden: bool = False) -> st.Page:
    """One file of this folder under its own name."""
    return st.Page(
        f"{file}.py",
        title=title,
        icon=f":material/{icon}:",
        url_path=None if default else file,
        default=default,
        visibility="hidden" if hidden else "visible",
    )


visitor = outside()
chosen = st.navigation(
    {
        "Operate": [
            page("overview", "Overview", "space_dashboard", default=True),
            page("approvals", "Proposals", "rule"),
            page("proposal", "Proposal", "difference", hidden=True),
            page("runs", "Runs", "play_circle"),
            page("drift", "Drift", "moving"),
        ],
        "Inspect": [
            page("fleet", "Fleet", "dns"),
            page("resource", "Resource", "deployed_code", hidden=True),
            page("graph", "Graph", "account_tree"),
        ],
        "Manage": [
            page("repositories", "Repositories", "source"),
            page("export", "Export", "download"),
            page("audit", "Audit", "history"),
            page("settings", "Settings", "tune"),
            page("help", "Help", "help"),
        ],
    },
    position="sidebar" if visitor is None else "hidden",
)
if visitor is not None:
    door(visitor)
    st.stop()
about = clean(st.query_params.get("id") or st.query_params.get("name") or "").rsplit("/", 1)[-1][:60]
st.set_page_config(
    page_title=" · ".join(filter(None, (about, chosen.title, st.query_params.get("account"), "Fleet Workbench")))
)
if st.session_state.get("page_in_view") != chosen.url_path:
    # A filter that two pages share by name belongs to the page on which it was set; only the account goes along.
    st.session_state["page_in_view"] = chosen.url_path
    for name in FILTERS - set(st.query_params):
        st.session_state.pop(name, None)
with turn():
    dialogs()
    strip()
    chosen.run()
