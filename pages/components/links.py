"""Ways from one page to another. A page file here is named relative to navigation.py."""

from __future__ import annotations

from typing import Any, NoReturn

import streamlit as st

from engine.flow import sync
from engine.model import ResourceKey
from pages.components.session import workbench
from pages.components.text import plain


def link(page: str, label: str, *, help: str | None = None, icon: str | None = None, **query: Any) -> None:  # noqa: A002
    """A link that keeps the session. The label is text; the query is what the page reads from its address."""
    wanted = {name: given for name, given in query.items() if given not in (None, "", [])}
    st.page_link(
        f"{page}.py",
        label=plain(label),
        help=help and plain(help),
        icon=icon or "",
        query_params={n: [str(v) for v in g] if isinstance(g, list | tuple) else str(g) for n, g in wanted.items()},
    )


def open_page(page: str, **query: Any) -> NoReturn:
    """Go to another page."""
    st.switch_page(f"{page}.py", query_params={name: str(given) for name, given in query.items()})


def to_proposal(id_: int, label: str | None = None) -> None:
    link("proposal", label or f"Proposal {id_}", id=id_)


def to_run(id_: int, label: str | None = None) -> None:
    link("runs", label or f"Run {id_}", id=id_)


def to_resource(key: ResourceKey, label: str | None = None) -> None:
    link("resource", label or key.address, id=key.text)


def to_repository(name: str, label: str | None = None) -> None:
    link("repositories", label or name, name=name)


def commit_page(repository_id: int, revision: str | None) -> str | None:
    """Where the git host of a repository that is still registered shows a commit."""
    registered = {repository.id: repository.url for repository in workbench().repositories()}
    return sync.commit_page(registered.get(repository_id, ""), revision or "")


def id_in(text: str | None) -> int:
    """The id that an address names; 0, which nothing has, where it is none."""
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0
