"""What wants to change, and which of it may I let? The queue of proposals, with the decisions on many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from engine.model import Cause, Change, Proposal, Risk, Status, Withheld
from engine.present import words
from engine.workbench.reader import MOST, ProposalFilter
from pages.components import decide
from pages.components.acts import act
from pages.components.decide import NEEDED, Move
from pages.components.follow import follow
from pages.components.links import id_in, link, open_page
from pages.components.session import account, workbench
from pages.components.tables import column, empty, paged, table
from pages.components.text import count
from pages.components.words import CAUSES, REVERT, cause_of

AGES = {"1 hour": 1, "1 day": 24, "3 days": 72, "1 week": 168, "30 days": 720}

UNDECIDED = {Status.PENDING.value, Status.APPROVED.value, Status.FAILED.value}
"""What waits is listed in apply order, the oldest first; all else newest first."""


def filters() -> ProposalFilter:
    """The filters of the list, kept in the address."""
    bench = workbench()
    statuses = st.pills(
        "Status",
        [status.value for status in Status],
        selection_mode="multi",
        default=[Status.PENDING.value],
        key="status",
        bind="query-params",
    )
    with st.grid(7, min_column_width=130):
        text = st.text_input("Search", placeholder="Name or reason", key="q", bind="query-params")
        names = [repository.name for repository in bench.repositories(account())]
        repositories = st.multiselect("Repository", names, key="repository", bind="query-params", placeholder="All")
        kinds = st.multiselect("Section", list(bench.kinds), key="section", bind="query-params", placeholder="All")
        changes = st.multiselect(
            "Change",
            [Change.CREATE.value, Change.UPDATE.value, Change.DESTROY.value],
            key="change",
            bind="query-params",
            placeholder="All",
        )
        causes = st.multiselect(
            "Cause",
            [*CAUSES.values(), REVERT],
            key="cause",
            bind="query-params",
            placeholder="All",
        )
        risks = st.multiselect(
            "Risk",
            [risk.value for risk in Risk],
            key="risk",
            bind="query-params",
            placeholder="All",
            help="High: destroys a resource, or both git and live have changed. Medium: undoes an edit, or reaches ten nodes or more.",
        )
        age = st.selectbox(
            "Older than", list(AGES), index=None, key="older", bind="query-params", placeholder="Any age"
        )
    return ProposalFilter(
        account=account(),
        repositories=repositories,
        statuses=statuses or [],
        kinds=kinds,
        changes=changes,
        causes=[*(cause.value for cause in Cause if CAUSES[cause] in causes), *(c for c in causes if c == REVERT)],
        risks=risks,
        opened_before=datetime.now(UTC) - timedelta(hours=AGES[age]) if age else None,
        text=text.strip() or None,
    )


def row(proposal: Proposal) -> dict[str, Any]:
    """One line of the list."""
    return {
        "open": str(proposal.id),
        "change": [proposal.change.value],
        "resource": proposal.key.address,
        "what": words.summary(proposal),
        "status": [proposal.status.value],
        "risk": None if proposal.risk is Risk.LOW else [proposal.risk.value],
        "cause": cause_of(proposal),
        "nodes": proposal.blast_radius,
        "repository": proposal.repository,
        "opened": proposal.opened_at,
    }


def listing(found: list[Proposal], key: str, *, several: bool) -> list[Proposal]:
    """The table; gives what is selected in it. `several`: proposals of more than one status may be in it."""
    linked = {id_in(id_) for id_ in st.query_params.get_all("select")}
    columns = {
        "open": st.column_config.ButtonColumn("Id", type="tertiary", key=f"{key}_open", width=64),
        "change": column.change(),
        "resource": column.text("Resource"),
        "what": column.text("What", 330),
        **({"status": column.status()} if several else {}),
        "risk": column.words("Risk", 90),
        "cause": column.text("Cause", 100),
        "nodes": column.number("Nodes", 70, help="Nodes that the change reaches"),
        "repository": column.text("Repository"),
        "opened": column.time("Opened"),
    }
    chosen = table(
        [row(p) for p in found],
        columns,
        key=key,
        select="multi",
        selected=[number for number, p in enumerate(found) if p.id in linked],
        alt="Proposals",
    )
    if clicked := st.session_state.get(f"{key}_open"):
        open_page("proposal", id=found[clicked["row"]].id)
    selected = [found[number] for number in chosen]
    ids = [str(p.id) for p in selected]
    if st.query_params.get_all("select") != ids:
        st.query_params["select"] = ids
    return selected


def bar(ids: list[int], wanted: ProposalFilter, total: int) -> None:
    """What the selection allows, and the buttons that do it."""
    bench = workbench()
    if not ids:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Select rows to decide on them; click an id to see the whole diff.")
            if total:
                st.button(
                    f"Select all {total:,}", key="select_all", type="tertiary", on_click=_take_all, args=(wanted,)
                )
        return
    found = bench.prospects(ids)
    can = {move: len(decide.allowed(found, move)) for move in Move}
    stale = sum(item.stale is not None for item in found.items)
    blocked = sum(item.blocked is not None for item in found.items)
    parts = [f"{can[Move.APPROVE]:,} can be approved"]
    parts += [f"{can[Move.APPLY]:,} already approved"] if can[Move.APPLY] else []
    parts += [f"{stale:,} {'is' if stale == 1 else 'are'} stale"] if stale else []
    parts += [f"{blocked:,} blocked"] if blocked else []
    st.markdown(
        f"**{len(ids):,} selected:** {', '.join(parts)}; together they reach {count(len(found.nodes), 'node')}."
    )
    with st.container(horizontal=True):
        _button(Move.APPROVE, ids, can, "check", "a", primary=True)
        _button(Move.APPROVE_AND_APPLY, ids, can, "done_all", "shift+a")
        _button(Move.REJECT, ids, can, "block", "x")
        _button(Move.TAKE_BACK, ids, can, "undo", "u", hide=True)
        _button(Move.APPLY, ids, can, "play_arrow", "p", hide=True)
        if len(ids) < total:
            st.button(f"Select all {total:,}", key="select_all", type="tertiary", on_click=_take_all, args=(wanted,))
        st.button("Clear", key="select_none", type="tertiary", on_click=_clear)


def _button(
    move: Move,
    ids: list[int],
    can: dict[Move, int],
    icon: str,
    shortcut: str,
    *,
    primary: bool = False,
    hide: bool = False,
) -> None:
    if hide and not can[move]:
        return
    label = f"{move.value} {can[move]:,}" if len(ids) > 1 and can[move] else move.value
    act(
        "Apply now" + (f" {can[move]:,}" if len(ids) > 1 else "") if move is Move.APPLY else label,
        *NEEDED[move],
        key=f"do_{move.name.lower()}",
        icon=f":material/{icon}:",
        type="primary" if primary else "secondary",
        disabled=not can[move],
        shortcut=shortcut,
        on_click=decide.ask,
        args=(move, ids),
    )


def _take_all(wanted: ProposalFilter) -> None:
    """Select all that the filters let through, on every page."""
    found = workbench().find_proposals(wanted, limit=MOST)
    st.session_state["all_ids"] = [proposal.id for proposal in found]


def _clear() -> None:
    st.session_state.pop("all_ids", None)
    st.session_state["selection_round"] = st.session_state.get("selection_round", 0) + 1
    st.query_params.pop("select", None)


def not_proposed() -> None:
    """What git declares and no proposal says, the cap apart: the queue alone would not tell."""
    found = {reason: n for reason, n in workbench().withheld_counts(account()).items() if reason != Withheld.CAP}
    if not found:
        return
    why = ", ".join(f"{number:,} {reason.replace('_', ' ')}" for reason, number in sorted(found.items()))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            f"{count(sum(found.values()), 'difference')} not proposed: {why}.", icon=":material/hourglass_empty:"
        )
        link("repositories", "See which repositories")


def main() -> None:
    bench = workbench()
    st.title("Proposals")
    not_proposed()
    wanted = filters()
    total = bench.count_proposals(wanted)
    if not total:
        if wanted.statuses == [Status.PENDING.value] and bench.count_proposals(ProposalFilter()) == 0:
            empty("No proposal yet.", "A sync opens one proposal for each difference between git and live.")
            link("repositories", "Register a repository or sync one", icon=":material/source:")
        else:
            empty("Nothing matches these filters.", "If no proposal is pending, every difference has a decision.")
        decide.dialog()
        return
    follow(
        lambda: bench.count_proposals(wanted),
        "The list has changed: other people decided, or a tick opened or ended proposals.",
    )
    offset = paged(total)
    queue = bool(wanted.statuses) and set(wanted.statuses) <= UNDECIDED
    found = bench.find_proposals(wanted, oldest_first=queue, skip=offset)
    # Another page of rows is another table: what was selected in one must never stand for rows of the other.
    key = f"queue_{hash(tuple(p.id for p in found))}_{st.session_state.get('selection_round', 0)}"
    selected = listing(found, key, several=len(wanted.statuses) != 1)
    everything: list[int] | None = st.session_state.get("all_ids")
    if everything is not None:
        st.caption(f"All {len(everything):,} matching proposals are selected, on all pages of the list.")
    with st.bottom:
        bar(everything if everything is not None else [p.id for p in selected], wanted, total)
    decide.dialog()


main()
