"""What hangs on what? The fleet's references in the layers of an apply, and the plan of the next one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from engine.flow.plan import Plan
from engine.model import ResourceKey
from engine.present import charts
from engine.workbench import graph
from engine.workbench.graph import Graph
from pages.components.links import link, open_page
from pages.components.markup import show
from pages.components.session import account, workbench
from pages.components.tables import column, empty, paged, table
from pages.components.text import count, exact

MOST_DRAWN = 300
"""More nodes than this are drawn as groups: nobody reads a thousand dots."""

STATES = {state: state.replace("_", " ") for state in graph.STATES}
VIEWS = ("Fleet", "Plan of the next apply")
QUIET = {"displayModeBar": False, "scrollZoom": False}


@dataclass(frozen=True)
class Filters:
    """What of the graph is shown, kept in the address."""

    repository: str | None
    sections: list[str]
    states: list[str]
    near: ResourceKey | None
    depth: int
    at: datetime | None
    """As it was then; None: as it is."""


def filters(planned: bool) -> Filters:
    bench = workbench()
    with st.grid(3, min_column_width=170):
        names = [repository.name for repository in bench.repositories(account())]
        repository = st.selectbox(
            "Repository", names, index=None, placeholder="Any", key="repository", bind="query-params"
        )
        if planned:
            return Filters(repository, [], [], None, 1, None)
        at = st.datetime_input("As of (UTC)", value=None, key="at", bind="query-params", help="Empty: now.")
        sections = st.multiselect("Section", list(bench.kinds), key="section", bind="query-params", placeholder="All")
        states = st.multiselect(
            "State",
            list(STATES.values()),
            key="state",
            bind="query-params",
            placeholder="All",
            disabled=at is not None,
        )
        near = st.text_input(
            "Near",
            placeholder="account/section/name",
            key="near",
            bind="query-params",
            help="Show the neighbours of one resource.",
        )
        depth = st.slider("How far", 1, 4, value=1, key="depth", bind="query-params", disabled=not near.strip())
    then = at.replace(tzinfo=UTC) if isinstance(at, datetime) else None
    chosen = [] if then else [state for state, word in STATES.items() if word in states]
    return Filters(repository, sections, chosen, key_of(near.strip()), depth, then)


def key_of(text: str) -> ResourceKey | None:
    """A resource as the address names it; its account may be left out where there is one."""
    if not text:
        return None
    parts = text.split("/")
    if len(parts) == 2:
        parts = [workbench().account(account()), *parts]
    return ResourceKey(*parts) if len(parts) == 3 else ResourceKey("", "", text)


def draw(found: Graph) -> None:
    """Nodes where they can be read, groups where they cannot; a click leads on."""
    if len(found.nodes) <= MOST_DRAWN:
        state = st.plotly_chart(
            charts.fleet_graph(found), key=f"nodes_{len(found.nodes)}", on_select="rerun", selection_mode="points", config=QUIET,
            alt="The fleet's references in layers",
        )  # fmt: skip
        if clicked := _clicked(state):
            open_page("resource", id=clicked[0])
        st.caption(
            "Each line leads from a resource to a resource that it refers to, in an earlier layer. Click a resource to open it."
        )
        return
    groups = graph.grouped(found)
    st.info(
        f"{count(len(found.nodes), 'resource')} are too many to draw one by one: these are groups by section and state. "
        "Click a group to open it, or enter a resource under Near.",
        icon=":material/workspaces:",
    )
    key = f"groups_{len(found.nodes)}"
    st.plotly_chart(
        charts.group_graph(groups),
        key=key,
        on_select=lambda: _look_into(key),
        selection_mode="points",
        config=QUIET,
        alt="The fleet's references by groups",
    )


def _look_into(key: str) -> None:
    """Narrow the filters to the group that was clicked; before the page runs, for they are its own."""
    if clicked := _clicked(st.session_state[key]):
        st.session_state["section"] = [clicked[0]]
        st.session_state["state"] = [STATES[clicked[1]]]


def _clicked(state: Any) -> list[Any] | None:
    points = state["selection"]["points"]
    data = points[0].get("customdata") if points else None
    return None if data is None else list(data.values() if isinstance(data, dict) else data)


def listed(found: Graph) -> None:
    """The same as a table."""
    offset = paged(len(found.nodes), key="rows")
    shown = found.nodes[offset : offset + 50]
    wanted = {node.key for node in shown}
    targets: dict[ResourceKey, list[str]] = {}
    for one, other in found.edges:
        if one in wanted:
            targets.setdefault(one, []).append(other.address)
    chosen = table(
        [
            {
                "layer": node.layer,
                "resource": node.key.address,
                "state": [STATES.get(node.state, node.state)],
                "refers": ", ".join(targets.get(node.key, [])),
                "repository": node.repository or "",
            }
            for node in shown
        ],
        {
            "layer": column.number("Layer", 70),
            "resource": column.text("Resource", 280),
            "state": column.words("State", 110),
            "refers": column.text("Refers to", 480),
            "repository": column.text("Repository", 160),
        },
        key=f"graph_{offset}_{len(found.nodes)}",
        select="single",
        alt="Resources of the graph",
    )
    if chosen:
        open_page("resource", id=shown[chosen[0]].key.text)


def planned(plan: Plan, repository: str | None) -> None:
    """What an apply would do now, wave by wave; of one repository where one is chosen."""
    if not plan.steps and not plan.skipped:
        empty(
            f"No proposal{f' of repository {repository}' if repository else ''} is approved.",
            "After you approve proposals, the plan of the next apply appears here.",
        )
        link("approvals", "Proposals", icon=":material/rule:")
        return
    st.caption(
        f"{count(len(plan.steps), 'step')} in {count(len(plan.waves), 'wave')}; a wave waits for the one before it."
    )
    show("waves.html", waves=[wave[:60] for wave in plan.waves], sizes=[len(wave) for wave in plan.waves])
    if plan.skipped:
        st.markdown(f"**{count(len(plan.skipped), 'approved proposal')} would be skipped**")
        table(
            [
                {"id": s.proposal.id, "resource": s.proposal.key.address, "why": s.reason, "detail": s.detail}
                for s in plan.skipped[:200]
            ],
            {
                "id": column.number("Id", 65),
                "resource": column.text("Resource", 260),
                "why": column.text("Why", 90),
                "detail": column.text("In detail", 480),
            },
            alt="What would be skipped",
        )
    link("approvals", "Apply approved proposals", status="approved", icon=":material/play_arrow:")


def fleet(wanted: Filters) -> None:
    near = wanted.near
    whole = workbench().graph(account=account(), repository=wanted.repository, at=wanted.at)
    found = graph.narrowed(whole, sections=wanted.sections, states=wanted.states, near=near, depth=wanted.depth)
    if not whole.nodes and wanted.at is not None:
        empty("The live fleet was empty.", f"There were no live resources at {exact(wanted.at)}.")
    elif not whole.nodes:
        empty("The live fleet is empty.", "Approve and apply the proposals of a repository.")
        link("approvals", "Proposals", icon=":material/rule:")
    elif not found.nodes:
        if near is not None and near not in {node.key for node in whole.nodes}:
            empty("This resource does not exist.", f"{near.address} {'is' if wanted.at is None else 'was'} not live.")
        else:
            empty("Nothing matches these filters.")
    else:
        draw(found)
        alone = len({(node.key.kind, node.state) for node in found.nodes}) == 1
        if alone or len(found.nodes) <= MOST_DRAWN:  # groups lead on to what can be read
            with st.expander(f"As a table, {count(len(found.nodes), 'resource')}", expanded=alone):
                listed(found)


def main() -> None:
    st.title("Graph")
    view = st.segmented_control(
        "View", VIEWS, default=VIEWS[0], required=True, key="view", bind="query-params", label_visibility="collapsed"
    )
    wanted = filters(planned=view == VIEWS[1])
    if view == VIEWS[1]:
        planned(workbench().plan(account=account(), repository=wanted.repository), wanted.repository)
    else:
        fleet(wanted)


main()
