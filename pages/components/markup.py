"""Small parts of a page that need a form of their own: Jinja templates with autoescape, so that text stays text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from engine import phrases
from pages.components.text import ago, beside, count, exact, value

_FOLDER = Path(__file__).parent


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        ago=ago, exact=exact, value=value, beside=beside, count=count, mebibytes=phrases.mebibytes, clean=phrases.clean
    )
    return made


def render(template: str, **values: Any) -> str:
    """The HTML of a template; every value in it is escaped."""
    return _environment().get_template(template).render(**values)


def show(template: str, **values: Any) -> None:
    """Show a template."""
    st.html(render(template, **values))


def stylesheet() -> None:
    """Bring the classes that the templates use."""
    st.html(_FOLDER / "style.css")
