"""Deciding on proposals: one dialog for every page. It says what will happen, asks once, and tells what became of each.

The dialog works on ids alone. What may be done with them the engine decides again at the moment of the click, so that a
double click, a rerun or a second browser does no harm: it is told that the proposal has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import streamlit as st

from engine.errors import FleetError
from engine.flow.apply import Applied
from engine.flow.review import Verb
from engine.model import Cause, Status
from engine.present import words
from engine.server.jobs import Tell
from engine.workbench import Workbench
from engine.workbench.prospects import Prospect, Prospects
from pages.components import by_hand
from pages.components.layout import one_then_other
from pages.components.links import to_proposal
from pages.components.session import actor, attempt, begin, workbench
from pages.components.tables import column, table
from pages.components.text import count, plain
from pages.components.words import reach, sum_of

_QUICK_S = 2.0
"""How long the dialog waits for an apply to end; longer ones go on in the background, shown in the strip."""

_SHOWN = 12
_FEW = 3
"""Proposals of which the dialog says what they change and whose edit they take back."""


class Move(StrEnum):
    """What the dialog can be asked for."""

    APPROVE = "Approve"
    APPROVE_AND_APPLY = "Approve and apply"
    REJECT = "Reject"
    TAKE_BACK = "Take back"
    APPLY = "Apply"


_VERBS = {
    Move.APPROVE: Verb.APPROVE,
    Move.APPROVE_AND_APPLY: Verb.APPROVE,
    Move.REJECT: Verb.REJECT,
    Move.TAKE_BACK: Verb.TAKE_BACK,
}


NEEDED = {
    Move.APPROVE: (Workbench.approve,),
    Move.APPROVE_AND_APPLY: (Workbench.approve, Workbench.apply),
    Move.REJECT: (Workbench.reject,),
    Move.TAKE_BACK: (Workbench.unapprove,),
    Move.APPLY: (Workbench.apply,),
}
"""The verbs of the workbench that each move leads to."""


@dataclass
class _Decision:
    move: Move
    ids: list[int]
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    """One row for each proposal once it is done."""
    background: bool = False
    """Whether an apply goes on behind the dialog."""
    done: bool = False
    title: str | None = None


def ask(move: Move, ids: Sequence[int], title: str | None = None) -> None:
    """Have the dialog opened for these proposals, under a title of its own where one is given. Fit for a button's on_click."""
    st.session_state["decision"] = _Decision(move, list(ids), title=title)


def allowed(found: Prospects, move: Move) -> list[Prospect]:
    """The proposals of a set on which this move can be made now."""
    if move is Move.APPLY:
        return [item for item in found.items if item.proposal.status is Status.APPROVED]
    if move is Move.APPROVE_AND_APPLY:
        return [item for item in found.items if item.can(Verb.APPROVE) or item.proposal.status is Status.APPROVED]
    return found.allowing(_VERBS[move])


def dialog() -> None:
    """Show the dialog that was asked for, if one was. Every page that calls `ask` ends with this."""
    decision: _Decision | None = st.session_state.get("decision")
    if decision is None:
        return
    title = decision.move.value if len(decision.ids) == 1 else f"{decision.move.value} {len(decision.ids):,} proposals"
    st.dialog(plain(decision.title or title), width="medium", on_dismiss=_close)(_draw)(decision)


def _close() -> None:
    st.session_state.pop("decision", None)


def _draw(decision: _Decision) -> None:
    """Ask, then tell; both in one place, so that the answer stands where the question was."""
    one_then_other(lambda: _ask(decision), lambda: _tell(decision), over=lambda: decision.done)


def _ask(decision: _Decision) -> None:
    found = workbench().prospects(decision.ids)
    chosen = allowed(found, decision.move)
    if not chosen:
        st.info("This decision is no longer possible for these proposals. Another person may have decided first.")
        if st.button("Close", key="decide_close"):
            _close()
            st.rerun()
        return
    _say(decision, found, chosen)
    missing = reason = ""
    if decision.move is Move.REJECT:
        reason = st.text_area(
            "Reason",
            key="decide_reason",
            placeholder="Not before the sale is over",
            help="The reason is shown with the proposal. A later sync proposes the same difference again.",
        )
        missing = "" if reason.strip() else "A rejection needs a reason: the author of the change will read it."
    destroyed = sum(item.proposal.change == "destroy" for item in chosen)
    if destroyed and decision.move in {Move.APPROVE, Move.APPROVE_AND_APPLY, Move.APPLY}:
        typed = st.text_input(
            f"This destroys {count(destroyed, 'resource')}. Type {destroyed} to confirm.", key="decide_number"
        )
        missing = (
            "" if typed.strip() == str(destroyed) else f"Type {destroyed} first, the number of resources to destroy."
        )
    label = f"{decision.move.value} {len(chosen):,}" if len(decision.ids) > 1 else decision.move.value
    with st.container(horizontal=True):
        confirmed = st.button(label, type="primary", key="decide_confirm")
        if st.button("Cancel", key="decide_cancel"):
            _close()
            st.rerun()
    if confirmed and missing:
        st.error(missing)
    elif confirmed:
        _do(decision, [item.proposal.id for item in chosen], reason)


def _say(decision: _Decision, found: Prospects, chosen: Sequence[Prospect]) -> None:
    """What will happen: the sum, the blast radius, what is destroyed, what stays behind."""
    proposals = [item.proposal for item in chosen]
    repositories = sorted({proposal.repository for proposal in proposals})
    st.markdown(
        f"**{sum_of(proposals)}** in {plain(', '.join(repositories[:3]))}"
        + (f" and {len(repositories) - 3} more" if len(repositories) > 3 else "")
        + f"; {reach(len(found.nodes))}."
    )
    left = len(decision.ids) - len(chosen)
    if left:
        st.caption(
            f"{left:,} of the {len(decision.ids):,} selected proposals do not allow this decision and do not change."
        )
    few = [proposal for proposal in proposals if proposal.cause is not Cause.GIT_MOVED][:_FEW]
    for proposal in few if len(proposals) <= _FEW else ():
        st.markdown(f"{plain(proposal.key.address)}: {plain(words.summary(proposal))}")
        by_hand.told(proposal.key)
    blocked = [item for item in chosen if item.blocked]
    if blocked and decision.move is not Move.REJECT:
        st.warning(
            f"{count(len(blocked), 'proposal')} will wait: "
            + plain(f"{blocked[0].proposal.key.address}: {blocked[0].blocked}"),
            icon=":material/hourglass_empty:",
        )
    widest = sorted(proposals, key=lambda p: (p.change != "destroy", -p.blast_radius, p.id))
    table(
        [
            {"change": [p.change.value], "resource": p.key.address, "nodes": p.blast_radius, "risk": [p.risk.value]}
            for p in widest[:_SHOWN]
        ],
        {
            "change": column.change(),
            "resource": column.text("Resource"),
            "nodes": column.number("Nodes"),
            "risk": column.words("Risk", 90),
        },
        alt="Selected proposals, those that reach most nodes first",
    )
    if len(widest) > _SHOWN:
        st.caption(f"and {len(widest) - _SHOWN:,} more")


def _do(decision: _Decision, ids: list[int], reason: str) -> None:
    """Make the move and keep what became of each."""
    bench, me = workbench(), actor()
    approved = ids
    with attempt() as tried:
        match decision.move:
            case Move.APPROVE:
                outcomes = bench.approve(me, ids)
            case Move.REJECT:
                outcomes = bench.reject(me, ids, reason)
            case Move.TAKE_BACK:
                outcomes = bench.unapprove(me, ids)
            case Move.APPROVE_AND_APPLY:
                waiting = {p.id for p in bench.proposals_by_id(ids) if p.status is not Status.APPROVED}
                outcomes = bench.approve(me, [id_ for id_ in ids if id_ in waiting])
                refused = {outcome.id for outcome in outcomes if outcome.error}
                approved = [id_ for id_ in ids if id_ not in refused]
            case Move.APPLY:
                outcomes = []
    if not tried.ok:
        return
    decision.done = True
    decision.outcomes = [_row(o.id, o.status.value if o.status else "unknown", o.error) for o in outcomes]
    if decision.move in {Move.APPLY, Move.APPROVE_AND_APPLY} and approved:
        _apply(decision, approved)


def _apply(decision: _Decision, ids: list[int]) -> None:
    """Apply in the background; what ends quickly is told in the dialog, the rest in the strip."""
    bench, me = workbench(), actor()

    def work(tell: Tell) -> Any:
        tell("applying", 0, len(ids))
        return bench.apply(me, proposal_ids=ids, progress=lambda done, of: tell("applying", done, of))

    def say(done: Applied) -> str:
        told = f"{len(done.applied):,} applied, {len(done.failed):,} failed, {len(done.skipped):,} skipped"
        return f"{told}; stopped: {done.stopped}" if done.stopped else told

    job = begin(f"apply {ids}", f"Apply {count(len(ids), 'proposal')}", work, say)
    if not job.ended.wait(_QUICK_S):
        decision.background = True
        return
    st.session_state["my_jobs"].pop(job.id, None)  # told here, not by the strip
    refused = [row for row in decision.outcomes if row["error"]]
    if job.error is not None:
        decision.outcomes = [*refused, *(_row(id_, "approved", job.error) for id_ in ids)]
        return
    done = job.result
    decision.outcomes = [
        *refused,
        *(_row(step.proposal.id, "applied", None) for step in done.applied),
        *(_row(step.proposal.id, "failed", error) for step, error in done.failed),
        *(
            {"id": s.proposal.id, "status": s.proposal.status.value, "error": f"{s.reason}: {s.detail}"}
            for s in done.skipped
        ),
    ]


def _row(id_: int, status: str, error: FleetError | None) -> dict[str, Any]:
    return {"id": id_, "status": status, "error": f"{error.code} {error.message} {error.hint}" if error else ""}


def _tell(decision: _Decision) -> None:
    """What became of each, and how to go on."""
    good = [row for row in decision.outcomes if not row["error"]]
    bad = [row for row in decision.outcomes if row["error"]]
    if decision.background:
        st.info("The apply continues in the background; the bar at the top of every page shows its progress.")
    if good:
        words = {row["status"] for row in good}
        st.success(f"{len(good):,} {' and '.join(sorted(words))}", icon=":material/check:")
    if bad:
        st.error(f"{len(bad):,} not done", icon=":material/error:")
        names = {p.id: p.key.address for p in workbench().proposals_by_id([row["id"] for row in bad])}
        table(
            [
                {"id": r["id"], "resource": names.get(r["id"], ""), "status": [r["status"]], "error": r["error"]}
                for r in bad
            ],
            {
                "id": column.number("Id", 60),
                "resource": column.text("Resource"),
                "status": column.status(),
                "error": column.text("Why"),
            },
            alt="What was not done, and the reasons",
        )
        if len(bad) == 1:
            to_proposal(bad[0]["id"])
    if st.button("Done", type="primary", key="decide_done"):
        _close()
        st.rerun()
