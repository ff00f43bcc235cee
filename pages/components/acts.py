"""Buttons that do something: each names the permission that it takes, and says so to whoever lacks it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.model import Permission
from pages.components.session import may
from pages.components.text import plain


def act(label: str, *permissions: Permission, help: str | None = None, disabled: bool = False, **options: Any) -> bool:  # noqa: A002
    """A button that only those can press whose role has all these permissions. The engine checks again when it is pressed."""
    lacking = [permission for permission in permissions if not may(permission)]
    if lacking:
        help = plain(f"Your role lacks {' and '.join(lacking)}.")  # noqa: A001
    pressed: bool = st.button(label, help=help, disabled=disabled or bool(lacking), **options)
    return pressed
