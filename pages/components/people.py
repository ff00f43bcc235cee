"""People who are signed in, on the Settings page: seen, signed out everywhere, kept out, let in again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import streamlit as st

from engine import phrases
from engine.workbench import Workbench
from engine.workbench.signins import KnownPerson
from pages.components.acts import act, refusal
from pages.components.session import actor, attempt, workbench
from pages.components.tables import column, empty, table
from pages.components.text import count, plain


def people() -> None:
    """Who is signed in or kept out, for those who may end it; nothing where nobody signs in."""
    me = actor()
    if not workbench().settings.signs_in or refusal(Workbench.people) is not None:
        return
    st.subheader("People")
    found = workbench().people(me)
    chosen = _listed(found)
    hours = workbench().settings.sign_in_hours
    st.caption(
        f"A sign-in ends after {count(hours, 'hour')}, when the person signs out in any browser, or when you end it here. Roles are read at each sign-in; "
        "a change of FLEET_ROLES requires a restart."
    )
    if chosen is None:
        return
    if chosen.kept_out:
        act(
            f"Let {plain(chosen.name)} in again", Workbench.let_in, icon=":material/login:", key="person_let_in",
            on_click=_let_in, args=(chosen.name,),
        )  # fmt: skip
        return
    act(
        f"Sign out {plain(chosen.name)}", Workbench.sign_out, icon=":material/logout:", key="person_out",
        on_click=_open, args=(chosen.name,),
    )  # fmt: skip
    if st.session_state.get("person_out_of") == chosen.name:
        st.dialog("Sign a person out", on_dismiss=_close)(_sign_out)(chosen)


def _listed(found: list[KnownPerson]) -> KnownPerson | None:
    """Show people; gives the one that is selected."""
    if not found:
        empty("Nobody is signed in.", "People who sign in are listed here.")
        return None
    rows = [
        {
            "name": phrases.clean(p.name),
            "state": ["kept out" if p.kept_out else "signed in"],
            "sign_ins": p.sign_ins,
            "since": p.since,
            "until": p.until,
            "tokens": p.tokens,
        }
        for p in found
    ]
    columns = {
        "name": column.text("Name", 220),
        "state": column.words("State", 100),
        "sign_ins": column.number("Sign-ins", 80),
        "since": column.time("Since"),
        "until": column.time("Until"),
        "tokens": column.number("Tokens", 80),
    }
    chosen = table(rows, columns, key=key_of(found), select="single", alt="People who are signed in or kept out")
    return found[chosen[0]] if chosen else None


def key_of(found: Sequence[KnownPerson]) -> str:
    """Names the list of these people: when the list changes, a selection must not move to somebody else."""
    text = "\n".join(f"{p.name} {p.kept_out}" for p in found)
    return f"people_{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _open(name: str) -> None:
    st.session_state["person_out_of"] = name


def _close() -> None:
    st.session_state.pop("person_out_of", None)


def _sign_out(person: KnownPerson) -> None:
    st.write(
        f"Every sign-in of {plain(person.name)} ends now, in every browser. Work that they started continues; pause everything to stop it."
    )
    with_tokens = st.checkbox(
        f"Also revoke their tokens ({person.tokens:,} valid)", value=bool(person.tokens), key="person_tokens"
    )
    keep_out = st.checkbox(
        "Keep them out until you let them in again, and revoke their tokens",
        key="person_keep_out",
        help="Otherwise they can sign in again immediately, with their role from FLEET_ROLES.",
    )
    if st.button(f"Sign out {plain(person.name)}", type="primary", key="person_out_confirm"):
        with attempt() as tried:
            workbench().sign_out(actor(), person.name, with_tokens=with_tokens, keep_out=keep_out)
        if tried.ok:
            _close()
            st.rerun()


def _let_in(name: str) -> None:
    with attempt():
        workbench().let_in(actor(), name)
