"""How does it work, and what is safe? The documentation for users, as it is in `pages/help/`."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from pages.components.session import actor

FOLDER = Path(__file__).parent / "help"
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
"""Marks for the tests that keep the tables up to date; Markdown would show them."""


def topics() -> dict[str, Path]:
    """Each page of the documentation by the name that the address uses, in alphabetical order."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.md"))}


def main() -> None:
    actor()  # the page ends here for people without a role
    known = topics()
    asked = st.query_params.get("topic", "")
    chosen = known.get(asked) or next(iter(known.values()))
    # The text is ours and comes with the product; nothing in it was written by a user.
    st.markdown(_COMMENT.sub("", chosen.read_text(encoding="utf-8")))


main()
