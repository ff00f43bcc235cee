"""The strip on top of every page: is the work going on, what waits, who am I; and the switch that stops everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.errors import FleetError
from engine.server.jobs import Job
from engine.workbench import Workbench
from pages.components.acts import act
from pages.components.markup import show
from pages.components.session import account, actor, attempt, everywhere, going, service, sign_out, signed_in, workbench
from pages.components.text import plain
from pages.components.turns import in_turn

_CALM_S = 15
_BUSY_S = 1


def strip() -> None:
    """Draw the strip; it refreshes itself, faster while a job goes on."""
    known = workbench().accounts()
    with st.sidebar:
        if len(known) > 1:
            st.selectbox(
                "Account",
                known,
                index=None,
                placeholder="All accounts",
                key="account",
                bind="query-params",
            )
        _who()
    _toasts()
    busy = bool(going())
    st.fragment(in_turn(_draw), run_every=_BUSY_S if busy else _CALM_S)()
    st.divider()


def _who() -> None:
    """Who acts here, and the way out."""
    found = signed_in() if service().workbench.settings.signs_in else None
    if found is None:
        st.caption(f"Signed in as **{plain(actor().name)}**, the local operator of this machine")
        return
    me, roles = found
    where = "" if me.account == "*" else f" of {plain(me.account)}"
    st.caption(f"Signed in as **{plain(me.name)}**, {plain(' and '.join(sorted(roles)))}{where}")
    st.button("Sign out", icon=":material/logout:", key="sign_out", type="tertiary", on_click=sign_out)


def _role() -> str:
    """What whoever acts is here, in a word or two."""
    found = signed_in() if service().workbench.settings.signs_in else None
    return "local operator" if found is None else " and ".join(sorted(found[1]))


def _mine() -> dict[Job, Callable[[Any], str]]:
    """Jobs that this session began and whose end it has not told yet, and how to tell it."""
    found = {service().jobs.get(id_): say for id_, say in st.session_state.get("my_jobs", {}).items()}
    return {job: say for job, say in found.items() if job is not None}


def _draw() -> None:
    pulse = workbench().pulse(account())
    scheduler = service().scheduler
    everything = pulse.paused
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        show(
            "strip.html",
            pulse=pulse,
            account=account() or (workbench().account(None) if len(workbench().accounts()) == 1 else "all accounts"),
            last=scheduler.last_round_at or pulse.last_tick_at,
            next_=None if everything else scheduler.next_round_at,
            everything=everything,
            operator=actor().name,
            role=_role(),
        )
        if everything:
            act(
                "Resume",
                Workbench.resume,
                icon=":material/play_arrow:",
                key="strip_resume",
                disabled=not everywhere(),
                on_click=_resume,
            )
        else:
            act(
                "Pause",
                Workbench.pause,
                icon=":material/pause:",
                key="strip_pause",
                help="Stop all ticks and applies",
                disabled=not everywhere(),
                on_click=lambda: st.session_state.update(pausing=True),
            )
    if st.session_state.get("pausing") and not st.session_state.get("pause_shown"):
        st.rerun()  # a dialog belongs to the page: this strip draws itself anew every few seconds
    if everything:
        st.warning(
            f"Everything is paused by {plain(everything.by)}: {plain(everything.reason)}", icon=":material/pause:"
        )
    for job in going():
        share = job.done / job.of if job.of else 0.0
        counted = f" {job.done:,} of {job.of:,}" if job.of else ""
        st.progress(min(share, 1.0), text=f"{plain(job.title)}: {plain(job.words)}{counted}")
    _tell_ended()


def _tell_ended() -> None:
    """Bring the page up to date once a job of this session has ended; the strip of that page says how."""
    if any(not job.going for job in _mine()):
        st.rerun()


def _toasts() -> None:
    """Say how jobs of this session ended, each once."""
    for job, say in _mine().items():
        if job.going:
            continue
        st.session_state["my_jobs"].pop(job.id, None)
        try:
            if job.error:
                raise job.error
            said, icon = say(job.result), "check"
        except FleetError as error:
            said, icon = f"{error.message} ({error.code}) {error.hint}".rstrip(), "error"
        st.toast(plain(f"{job.title}: {said}"), icon=f":material/{icon}:", duration="long")


def dialogs() -> None:
    """Show the dialog that the strip was asked for, if one was."""
    st.session_state["pause_shown"] = bool(st.session_state.get("pausing"))
    if st.session_state.get("pausing") and "decision" not in st.session_state:
        st.dialog("Pause everything", on_dismiss=_closed)(_pause)()


def _closed() -> None:
    st.session_state["pausing"] = False


def _pause() -> None:
    st.write("No tick and no apply starts until you or another person resumes. The current transaction is completed.")
    reason = st.text_input("Reason", key="pause_reason", placeholder="Freeze for the release")
    if st.button("Pause", type="primary", icon=":material/pause:", key="pause_confirm"):
        with attempt() as tried:
            workbench().pause(actor(), reason)
        if tried.ok:
            _closed()
            st.rerun()


def _resume() -> None:
    with attempt():
        workbench().resume(actor())
