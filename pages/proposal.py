"""May I let this one happen? One proposal: what it changes and why, what it touches, who decided what."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import phrases
from engine.flow import export
from engine.model import Cause, Change, FieldChange, Proposal, Status
from engine.present import values, words
from engine.workbench.prospects import Prospect, Prospects
from pages.components import by_hand, codify, decide, reverting
from pages.components.acts import act
from pages.components.decide import NEEDED, Move
from pages.components.follow import follow
from pages.components.layout import beside
from pages.components.links import commit_page, id_in, link, open_page, to_proposal, to_repository, to_resource, to_run
from pages.components.markup import show
from pages.components.session import attempt, workbench
from pages.components.tables import badge, empty
from pages.components.text import plain
from pages.components.words import cause_of, explained

MOST_NODES = 60


def moved(change: FieldChange, proposal: Proposal) -> str:
    """Which side moved on a path since both agreed: git, live, both; empty without a base."""
    if proposal.base is None:
        return ""
    live, git = change.base != change.current, change.base != change.desired
    return "both" if live and git else "live" if live else "git" if git else ""


def heading(proposal: Proposal) -> None:
    bench = workbench()
    st.title(plain(words.sentence(bench.kinds, proposal).rstrip(".")))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"Proposal {proposal.id} {badge(proposal.status.value)} {badge(proposal.change.value)} "
            f":gray-badge[{cause_of(proposal)}]"
            + ("" if proposal.risk == "low" else f" {badge(proposal.risk.value)} risk")
            + (f" :gray-badge[reopened {proposal.reopened_count} ×]" if proposal.reopened_count else "")
        )
        to_resource(proposal.key)
        to_repository(proposal.repository)
    st.caption(explained(proposal))


def standing(proposal: Proposal, prospect: Prospect) -> None:
    """What speaks against deciding or applying it now."""
    if prospect.stale and proposal.status.live:
        st.warning(
            f"Stale: {plain(prospect.stale)}. The next tick replaces this proposal.",
            icon=":material/update:",
        )
    if prospect.blocked and proposal.status.live:
        st.info(f"The apply has to wait: {plain(prospect.blocked)}.", icon=":material/hourglass_empty:")
    if awaited := workbench().awaited(proposal):
        st.info(
            f"Auto-apply waits for a successful run of {plain(', '.join(awaited))}, which may also declare this resource. A person may approve it without waiting.",
            icon=":material/hourglass_empty:",
        )
    if proposal.reason:
        ended = proposal.status in {Status.SUPERSEDED, Status.WITHDRAWN}
        st.info(f"{'Ended' if ended else 'Last rejected'} because: {plain(proposal.reason)}", icon=":material/block:")
    for other in workbench().reverts_of([proposal.id]):
        to_proposal(other.id, f"Proposal {other.id}, {other.status}, reverts this one")
    if proposal.reverts is not None:
        to_proposal(proposal.reverts, f"Proposal {proposal.reverts}, which this one reverts")
    if proposal.error:
        st.error(
            f"{plain(proposal.error.get('message', ''))}  \n{plain(proposal.error.get('hint', ''))}  \n"
            f":small[:gray[{plain(proposal.error.get('code', ''))}]]",
            icon=":material/error:",
        )


def drifted(proposal: Proposal) -> None:
    """Whose edit by hand it would take back, and the other way out."""
    if proposal.cause is Cause.GIT_MOVED or not proposal.status.live or not by_hand.told(proposal.key):
        return
    st.button(
        "Codify instead",
        icon=":material/code:",
        key="codify",
        help="The lines to put into git, so that git matches live.",
        on_click=codify.ask,
        args=(proposal.key,),
        kwargs={"deleted": proposal.change is Change.CREATE, "paths": [change.path for change in proposal.fields]},
    )


def actions(proposal: Proposal, found: Prospects) -> None:
    """The decisions that are possible now, and the way to the next one that waits."""
    before, after = neighbours(proposal)
    with st.container(horizontal=True):
        for move, icon, shortcut in (
            (Move.APPROVE, "check", "a"),
            (Move.APPROVE_AND_APPLY, "done_all", "shift+a"),
            (Move.REJECT, "block", "x"),
            (Move.TAKE_BACK, "undo", "u"),
            (Move.APPLY, "play_arrow", "p"),
        ):
            possible = bool(decide.allowed(found, move))
            if move is Move.APPROVE_AND_APPLY and proposal.status is Status.APPROVED:
                possible = False  # that is what Apply does
            if possible:
                act(
                    "Apply now" if move is Move.APPLY else move.value,
                    *NEEDED[move],
                    key=f"do_{move.name.lower()}",
                    icon=f":material/{icon}:",
                    type="primary" if move in {Move.APPROVE, Move.APPLY} else "secondary",
                    shortcut=shortcut,
                    on_click=decide.ask,
                    args=(move, [proposal.id]),
                )
        if proposal.status is Status.APPLIED:
            reverting.button(proposal=proposal.id)
        if st.button(
            "Previous",
            key="previous",
            icon=":material/chevron_left:",
            type="tertiary",
            shortcut="k",
            disabled=not before,
        ):
            open_page("proposal", id=before)
        if st.button(
            "Next", key="next", icon=":material/chevron_right:", type="tertiary", shortcut="j", disabled=not after
        ):
            open_page("proposal", id=after)


def neighbours(proposal: Proposal) -> tuple[int | None, int | None]:
    """The pending proposals before and after this one, in the order of the queue."""
    return workbench().pending_beside(proposal.id, proposal.key.account)


def sides(proposal: Proposal) -> tuple[str, str]:
    """What the two sides of the change are called: live is what is desired once it is applied."""
    return ("before", "after") if proposal.status is Status.APPLIED else ("live", "desired")


def fields(proposal: Proposal) -> None:
    """The change path by path, and as a unified diff."""
    done = proposal.status is Status.APPLIED
    if proposal.change is Change.DESTROY:
        st.markdown("It deleted the whole resource:" if done else "It deletes the whole resource:")
    by_path, unified = st.tabs(["Fields", "Unified diff"])
    with by_path:
        if proposal.fields:
            show(
                "fields.html",
                rows=[(change, moved(change, proposal)) for change in proposal.fields],
                with_base=proposal.base is not None,
                change=proposal.change.value,
                sides=sides(proposal),
            )
        else:
            st.caption("No fields differ.")
    with unified:
        st.code(diff(proposal), language="diff")


def diff(proposal: Proposal) -> str:
    """Both sides as the fleet file would write them, line by line."""

    def lines(spec: dict[str, Any] | None) -> list[str]:
        return [] if spec is None else export.snippet(proposal.key.kind, proposal.key.name, spec).splitlines()

    made = values.unified(lines(proposal.current), lines(proposal.desired), sides(proposal))
    return phrases.clean_lines("\n".join(made)) or "no difference"


def about(proposal: Proposal) -> None:
    """Where it comes from."""
    bench = workbench()
    run = bench.run_of(proposal)
    st.subheader("Source")
    show("commit.html", proposal=proposal, run=run, page=commit_page(proposal.repository_id, proposal.revision))
    if run is None:
        st.caption(f"Run {proposal.run_id} opened it, but the record of that run is no longer kept.")
    else:
        to_run(
            run.id,
            f"Run {run.id}, which opened " + ("it" if proposal.reverts is None else "the proposal that it reverts"),
        )


def touches(proposal: Proposal, found: Prospects) -> None:
    """What it refers to, and what it reaches."""
    st.subheader("Affected resources")
    if proposal.references:
        st.caption("Refers to")
        with st.container(horizontal=True, gap="small"):
            for address in proposal.references[:MOST_NODES]:
                kind, _, name = address.partition("@")[0].partition("/")  # a pin names the version after an @
                to_resource(proposal.key._replace(kind=kind, name=name), address)
    st.caption(f"Reaches {phrases.count(len(found.nodes), 'node')}" + (":" if found.nodes else "."))
    with st.container(horizontal=True, gap="small"):
        for key in found.nodes[:MOST_NODES]:
            to_resource(key, key.name)
    if len(found.nodes) > MOST_NODES:
        st.caption(f"and {len(found.nodes) - MOST_NODES:,} more")
    link("graph", "Show it in the graph", near=proposal.key.text, icon=":material/account_tree:")


def past(proposal: Proposal) -> None:
    """Who decided what, and when."""
    st.subheader("Timeline")
    show("timeline.html", events=workbench().events(proposal_id=proposal.id))


def command(proposal: Proposal) -> None:
    """The same on the command line."""
    verb = {
        Status.PENDING: f"approve {proposal.id}",
        Status.APPROVED: "apply",
        Status.FAILED: f"approve {proposal.id}",
        Status.APPLIED: f"revert {proposal.id}",
    }
    st.caption("On the command line")
    st.code(
        f"fleet show {proposal.id}\nfleet {verb.get(proposal.status, f'run show {proposal.run_id}')}", language="sh"
    )


def main() -> None:
    wanted = st.query_params.get("id")
    if not wanted:
        st.title("Proposal")
        empty("The address contains no proposal.", "Add ?id= and the number of the proposal to the address.")
        link("approvals", "All proposals", icon=":material/rule:")
        return
    with attempt() as tried:
        proposal = workbench().proposal(id_in(wanted))
    if not tried.ok:
        link("approvals", "All proposals", icon=":material/rule:")
        return
    found = workbench().prospects([proposal.id])
    follow(lambda: workbench().proposal(proposal.id))
    heading(proposal)
    actions(proposal, found)
    standing(proposal, found.items[0])
    drifted(proposal)
    left, right = beside(1.9, 1)
    with left:
        fields(proposal)
        touches(proposal, found)
    with right:
        about(proposal)
        past(proposal)
        command(proposal)
    decide.dialog()
    codify.dialog()
    reverting.dialog()


main()
