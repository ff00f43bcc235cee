"""Who asks and whom they ask: the workbench of this process, the operator, the account in view, errors as callouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from engine import service as services
from engine.errors import FleetError
from engine.jobs import Job, Tell
from engine.model import Actor
from engine.roles import Role, Rule, actor_of, name_of, read_rules
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
    """The workbench as whoever is signed in may see it."""
    return service().workbench.seen_by(actor())


def identity() -> str | None:
    """Who the identity provider says is there, whatever they may do; None where nobody is signed in."""
    return name_of(st.user.to_dict()) if st.user.get("is_logged_in") else None


def signed_in() -> tuple[Actor, frozenset[Role]] | None:
    """Who is signed in and has a role; None where nobody is."""
    if identity() is None:
        return None
    return actor_of(st.user.to_dict(), _rules(service().workbench.settings.roles))


@cache
def _rules(text: str) -> tuple[Rule, ...]:
    return read_rules(text)


def actor() -> Actor:
    """Who acts: whoever is signed in, or where nobody signs in the one local operator. The page ends where there is nobody."""
    if not service().workbench.settings.signs_in:
        return service().operator
    found = signed_in()
    if found is None:
        st.stop()
    return found[0]


def everywhere() -> bool:
    """Whether every account is open to whoever acts. What is of the house, and not of an account, is shown to them alone."""
    return actor().account == "*"


def account() -> str | None:
    """The account that the lists are narrowed to; None for all that are open to whoever looks."""
    return (st.session_state.get("account") or None) if everywhere() else None


def going() -> list[Job]:
    """Jobs that have not ended; to whom one account alone is open, their own."""
    me = actor()
    return [job for job in service().jobs.going() if everywhere() or job.actor == me.name]


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
