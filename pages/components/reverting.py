"""Taking back what was applied: the button and its dialog, for a proposal and for a whole run.

It opens proposals and decides nothing; who may decide on them does so as on any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from engine import phrases
from engine.flow.export import amendment
from engine.workbench import Workbench
from engine.workbench.decisions import Reverted
from pages.components.acts import act
from pages.components.layout import one_then_other
from pages.components.links import link, open_page
from pages.components.session import actor, attempt, workbench
from pages.components.tables import column, table
from pages.components.text import count
from pages.components.words import REVERT, sum_of


@dataclass
class _Wish:
    """What is to be taken back: one proposal, or all of a run."""

    proposal: int | None = None
    run: int | None = None
    outcomes: list[Reverted] = field(default_factory=list)
    """What became of each once it is done."""


def button(*, proposal: int | None = None, run: int | None = None) -> None:
    """The way into the dialog."""
    act(
        "Revert",
        Workbench.revert if run is None else Workbench.revert_run,
        icon=":material/undo:",
        key="do_revert",
        shortcut="z",
        on_click=lambda: st.session_state.update(reverting=_Wish(proposal, run)),
    )


def dialog() -> None:
    """Show the dialog that was asked for, if one was. Every page with the button ends with this."""
    wish: _Wish | None = st.session_state.get("reverting")
    if wish is not None:
        title = f"Revert proposal {wish.proposal}" if wish.run is None else f"Revert run {wish.run}"
        st.dialog(title, width="medium", on_dismiss=_close)(_draw)(wish)


def _close() -> None:
    st.session_state.pop("reverting", None)


def _draw(wish: _Wish) -> None:
    one_then_other(lambda: _ask(wish), lambda: _tell(wish), over=lambda: bool(wish.outcomes))


def _ask(wish: _Wish) -> None:
    what = "the changes of this proposal" if wish.run is None else "all applied changes of this run"
    st.markdown(
        f"Opens proposals that undo {what}. Decide on them and apply them like any other proposal. Later changes of live are kept."
    )
    st.info(
        "Git still declares the change: after the reverts are applied, a sync proposes it again, unless you change git too. "
        "The next step shows what to commit.",
        icon=":material/info:",
    )
    with st.container(horizontal=True):
        confirmed = st.button("Open the reverts", type="primary", key="revert_confirm")
        if st.button("Cancel", key="revert_cancel"):
            _close()
            st.rerun()
    if confirmed:
        with attempt() as tried:
            if wish.run is not None:
                wish.outcomes = workbench().revert_run(actor(), wish.run)
            elif wish.proposal is not None:
                wish.outcomes = workbench().revert(actor(), [wish.proposal])
        if not tried.ok:
            return


def _tell(wish: _Wish) -> None:
    opened = [outcome.proposal for outcome in wish.outcomes if outcome.proposal is not None]
    refused = [outcome for outcome in wish.outcomes if outcome.error is not None]
    if opened:
        st.success(f"{count(len(opened), 'proposal')} opened: {sum_of(opened)}.", icon=":material/check:")
        st.caption("To keep the reverts, commit this:")
        st.code(
            phrases.clean_lines(amendment(opened)),
            language="yaml",
            height=min(360, 60 + 24 * amendment(opened).count("\n")),
        )
    if refused:
        st.error(f"{len(refused):,} not reverted", icon=":material/error:")
        names = {p.id: p.key.address for p in workbench().proposals_by_id([outcome.id for outcome in refused])}
        table(
            [
                {"id": o.id, "resource": names.get(o.id, ""), "why": f"{o.error.code} {o.error.message} {o.error.hint}"}
                for o in refused
                if o.error is not None
            ],
            {"id": column.number("Id", 60), "resource": column.text("Resource"), "why": column.text("Why")},
            alt="What was not reverted, and the reasons",
        )
    with st.container(horizontal=True):
        if len(opened) == 1 and st.button("See it", type="primary", key="revert_see"):
            _close()
            open_page("proposal", id=opened[0].id)
        if st.button("Done", type="secondary" if len(opened) == 1 else "primary", key="revert_done"):
            _close()
            st.rerun()
    if len(opened) > 1:
        link("approvals", "Decide on them", icon=":material/rule:", repository=opened[0].repository, cause=REVERT)
