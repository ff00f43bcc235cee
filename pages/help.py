"""How does it work, what is safe, and what does this code mean? The documentation for users, as it is in `pages/help/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import streamlit as st

from engine.present import manual
from engine.present.manual import Found, Page
from pages.components.layout import beside
from pages.components.links import link
from pages.components.session import actor
from pages.components.text import plain

FOLDER = Path(__file__).parent / "help"


def pages() -> dict[str, Page]:
    """Each page of the documentation by the name that the address uses, in the order of the index."""
    return manual.read({path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")})


def topic_link(words: str, name: str) -> str:
    """A link within a page's text, to another page."""
    return f"[{words}](/help?topic={name})"


def contents(known: Mapping[str, Page], chosen: str) -> None:
    """The list of pages, by group."""
    for group, found in groupby(known.values(), key=lambda page: page.group):
        st.caption(plain(group))
        for page in found:
            mark = ":material/arrow_right:" if page.name == chosen else None
            link("help", page.title, icon=mark, help=page.summary, topic=page.name)


def overview(known: Mapping[str, Page]) -> None:
    """Every page with what it is about."""
    st.title("Help")
    for group, found in groupby(known.values(), key=lambda page: page.group):
        st.subheader(plain(group))
        for page in found:
            link("help", f"{page.title}: {page.summary}", topic=page.name)


def sections(found: Sequence[Found]) -> None:
    """What was found, page by page."""
    for page, each in groupby(found, key=lambda section: section.page):
        link("help", page.title, topic=page.name)
        for section in each:
            st.caption(plain(f"{section.heading}: {section.excerpt}"))


def code(meaning: manual.Meaning) -> None:
    st.title(plain(meaning.code))
    st.markdown(plain(meaning.text))
    st.markdown(plain(meaning.todo))
    sections(meaning.sections)


def results(known: Mapping[str, Page], words: str) -> None:
    if meaning := manual.meaning(known, words):
        code(meaning)
        return
    st.title("Search")
    found = manual.search(known, words)
    if found:
        sections(found)
    else:
        st.info(f"No page has all of these words: {plain(words[:200])}")


def main() -> None:
    actor()  # the page ends here for people without a role
    known = pages()
    topic = st.query_params.get("topic", "")
    if topic:
        st.query_params["topic"] = topic  # a link from this page to itself leaves the browser's address as it was
    # A page that is opened from what was found begins with an empty search.
    words = st.text_input("Search", key=f"help_q_{topic}", placeholder="words, or FLEET-201", width=360).strip()
    if not words and not topic:
        overview(known)
        return
    # The text comes first, so that a phone shows it above the list.
    reading, listing = beside(2.1, 1)
    with reading:
        if words:
            results(known, words)
        elif page := known.get(topic):
            # The text is ours and comes with the product; nothing in it was written by a user.
            st.markdown(manual.linked(page.text, topic_link))
        elif meaning := manual.meaning(known, topic):
            code(meaning)
        else:
            st.warning(f"There is no page {plain(topic[:100])}.")
            overview(known)
    with listing:
        contents(known, topic)


main()
