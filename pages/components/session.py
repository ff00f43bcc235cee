"""Who asks and whom they ask: the workbench of this process, the operator, the account in view, errors as callouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine import service as services
from engine.errors import FleetError
from engine.jobs import Job, Tell
from engine.model import Actor
from engine.service import Service
from engine.workbench import Workbench
from pages.components.text import plain


def service() -> Service:
    """The service of this process; the page ends with a callout where none is running."""
    try:
        return services.running()
    except FleetError as error:
        refused(error)
        st.stop()


def workbench() -> Workbench:
    return service().workbench


def actor() -> Actor:
    """Who is signed in; for now the one local operator."""
    return service().operator


def account() -> str | None:
    """The account that the lists are narrowed to; None for all."""
    return st.session_state.get("account") or None


@dataclass
class Tried:
    """Whether what was tried went well."""

    ok: bool = False
    error: FleetError | None = None


@contextmanager
def attempt() -> Iterator[Tried]:
    """Show an error of the engine as a callout and go on."""
    tried = Tried()
    try:
        yield tried
        tried.ok = True
    except FleetError as error:
        tried.error = error
        refused(error)


def refused(error: FleetError) -> None:
    """An error as a callout: what, and what to do next, with its code."""
    st.error(
        f"**{plain(error.message)}**  \n{plain(error.hint)}  \n:small[:gray[{error.code}]]", icon=":material/error:"
    )


def begin(key: str, title: str, work: Callable[[Tell], Any], say: Callable[[Any], str] = lambda _result: "done") -> Job:
    """Begin long work in the background, unless it goes on already.

    Every page's strip shows where it is; when it ends, this session is told with what `say` makes of its result.
    """
    job = service().jobs.begin(key, title, actor().name, work)
    st.session_state.setdefault("my_jobs", {})[job.id] = say
    return job
