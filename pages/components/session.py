"""Who asks and whom they ask: the workbench of this process, the operator, the account in view, errors as callouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import streamlit as st

from engine.access.roles import Person, Role, person_of
from engine.errors import AccessDenied, FleetError
from engine.model import Actor
from engine.server import service as services
from engine.server.jobs import Job, Tell
from engine.server.service import Service
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


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever is in front of the page, where people sign in. Nobody without an actor sees or does anything."""

    actor: Actor | None = None
    roles: frozenset[Role] = frozenset()
    person: Person | None = None
    """Who the identity provider says is there; None where nobody is, or without a name that is allowed."""
    refusal: FleetError | None = None
    """Why their sign-in does not hold."""


def visitor() -> Visitor:
    """Whoever is in front of the page, asked anew at each call: a sign-in may have ended since the page was drawn."""
    if not st.user.get("is_logged_in"):
        return Visitor()
    bench, claims = service().workbench, st.user.to_dict()
    person = None
    try:
        person = person_of(claims, trust_email=bool(bench.settings.oidc_trust_email))
        found = bench.enter(claims)
    except FleetError as error:
        return Visitor(person=person, refusal=error)
    return Visitor(person=person) if found is None else Visitor(found[0], found[1], person)


def signed_in() -> tuple[Actor, frozenset[Role]] | None:
    """Who is signed in and has a role; None where nobody is."""
    found = visitor()
    return None if found.actor is None else (found.actor, found.roles)


def sign_out() -> None:
    """Sign out everywhere: in every tab and every browser of whoever is signed in."""
    with attempt() as tried:
        service().workbench.leave(st.user.to_dict())
    # Without a name that is allowed nothing here knows them; then there is only this browser's cookie.
    if tried.ok or isinstance(tried.error, AccessDenied):
        st.logout()


def actor() -> Actor:
    """Who acts: whoever is signed in, or where nobody signs in the one local operator.

    Where there is nobody, or their sign-in has ended, the page is drawn anew, which shows the door; the button that asked does nothing.
    """
    if not service().workbench.settings.signs_in:
        return service().operator
    found = signed_in()
    return _to_the_door() if found is None else found[0]


def _to_the_door() -> NoReturn:
    st.rerun()
    raise AccessDenied(
        "FLEET-664", "Your sign-in has ended.", "Sign in again."
    )  # outside of a page there is nothing to draw


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

    Every page's strip shows where it is; when it ends, this session is told with what `say` makes of its result. Where that
    is an error, `say` raises it, and it is told as one.
    """
    job = service().jobs.begin(key, title, actor().name, work)
    st.session_state.setdefault("my_jobs", {})[job.id] = say
    return job
