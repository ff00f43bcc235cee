"""The other way out of drift: what to put into git, so that it says what live says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from engine import phrases
from engine.flow import export
from engine.model import ResourceKey
from pages.components.session import attempt, workbench


@dataclass(frozen=True)
class _Wish:
    key: ResourceKey
    deleted: bool
    paths: Sequence[str]


def ask(key: ResourceKey, *, deleted: bool, paths: Sequence[str]) -> None:
    """Have the dialog opened for a resource that moved on these paths, or was deleted. Fit for a button's on_click."""
    st.session_state["codifying"] = _Wish(key, deleted, tuple(paths))


def dialog() -> None:
    """Show the dialog that was asked for, if one was."""
    wish: _Wish | None = st.session_state.get("codifying")
    if wish is not None:
        st.dialog("Codify", width="large", on_dismiss=_close)(_draw)(wish)


def _close() -> None:
    st.session_state.pop("codifying", None)


def _draw(wish: _Wish) -> None:
    if wish.deleted:
        st.markdown("The resource was deleted by hand. To keep this change, remove its entry from the fleet file:")
        st.code(f"# remove from {wish.key.kind}:\n#   {phrases.clean(wish.key.name)}", language="yaml")
        return
    with attempt():
        live = workbench().resource(wish.key)
        moved = {path.split(".")[0].split("[")[0] for path in wish.paths}
        spec = {name: given for name, given in live.spec.items() if name in moved} or live.spec
        st.markdown("Put this into the fleet file and push it; the next tick closes the drift as codified.")
        st.code(phrases.clean_lines(export.snippet(wish.key.kind, wish.key.name, spec)), language="yaml")
