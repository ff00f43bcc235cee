"""The strip on top of every page: is the work going on, what waits, who am I; and the switch that stops everything."""

from __future__ import annotations

import streamlit as st

from engine.jobs import Job
from pages.components.markup import show
from pages.components.session import account, actor, attempt, service, workbench
from pages.components.text import plain

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
        st.caption(f"Signed in as **{plain(actor().name)}**, the local operator of this machine")
    busy = any(_mine())
    st.fragment(_draw, run_every=_BUSY_S if busy else _CALM_S)()
    st.divider()


def _mine() -> list[Job]:
    """Jobs that this session began and whose end it has not told yet."""
    found = [service().jobs.get(id_) for id_ in st.session_state.get("my_jobs", [])]
    return [job for job in found if job is not None]


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
        )
        if everything:
            st.button("Resume", icon=":material/play_arrow:", key="strip_resume", on_click=_resume)
        else:
            st.button(
                "Pause",
                icon=":material/pause:",
                key="strip_pause",
                help="Stop all ticks and applies",
                on_click=lambda: st.session_state.update(pausing=True),
            )
    if st.session_state.get("pausing") and not st.session_state.get("pause_shown"):
        st.rerun()  # a dialog belongs to the page: this strip draws itself anew every few seconds
    if everything:
        st.warning(
            f"Everything is paused by {plain(everything.by)}: {plain(everything.reason)}", icon=":material/pause:"
        )
    for job in service().jobs.going():
        share = job.done / job.of if job.of else 0.0
        counted = f" {job.done:,} of {job.of:,}" if job.of else ""
        st.progress(min(share, 1.0), text=f"{plain(job.title)}: {plain(job.words)}{counted}")
    _tell_ended()


def _tell_ended() -> None:
    """Say how this session's jobs ended, once, and bring the page up to date."""
    ended = [job for job in _mine() if not job.going]
    if not ended:
        return
    st.session_state["my_jobs"] = [job.id for job in _mine() if job.going]
    st.session_state.setdefault("told", []).extend(ended)
    st.rerun()


def outcomes() -> list[Job]:
    """Jobs of this session that ended since the page was last drawn; each is told once."""
    told: list[Job] = st.session_state.pop("told", [])
    return told


def dialogs() -> None:
    """Show the dialog that the strip was asked for, if one was."""
    st.session_state["pause_shown"] = bool(st.session_state.get("pausing"))
    if st.session_state.get("pausing") and "decision" not in st.session_state:
        st.dialog("Pause everything", on_dismiss=_closed)(_pause)()


def _closed() -> None:
    st.session_state["pausing"] = False


def _pause() -> None:
    st.write("No tick and no apply begins until somebody resumes. The transaction in hand is finished.")
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


__all__ = ["dialogs", "outcomes", "strip"]
