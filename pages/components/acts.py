"""Buttons that do something: each names the verbs of the workbench that it leads to, and says what they take to whoever lacks it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import streamlit as st

from engine.access.permits import lacking, need_of
from engine.model import Permission
from pages.components.session import actor
from pages.components.text import plain


def act(
    label: str,
    *verbs: Callable[..., Any],
    also: Collection[Permission] = (),
    help: str | None = None,  # noqa: A002
    disabled: bool = False,
    **options: Any,
) -> bool:
    """A button for those alone whose role has what all these verbs take, and the permissions of `also`.

    The engine checks again when it is pressed.
    """
    missing = refusal(*verbs, also=also)
    pressed: bool = st.button(label, help=missing or help, disabled=disabled or missing is not None, **options)
    return pressed


def refusal(*verbs: Callable[..., Any], also: Collection[Permission] = ()) -> str | None:
    """Why whoever acts may not do these, in Markdown; None where they may."""
    if missing := lacking(actor(), verbs, also):
        return plain(f"Your role lacks {' and '.join(missing)}.")
    if actor().account != "*" and any(need_of(verb).everywhere for verb in verbs):
        return "This affects every account; your role is limited to one."
    return None
