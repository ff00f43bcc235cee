"""What is live, or was at a past time? The inventory, section by section."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from engine import phrases
from engine.errors import RefusedEdit
from engine.model import ResourceKey
from engine.present import values
from engine.present.downloads import csv
from engine.workbench import Workbench, graph
from engine.workbench.reader import MOST
from pages.components.acts import act
from pages.components.forms import form, named, reset
from pages.components.links import link, open_page
from pages.components.session import account, actor, attempt, refused, workbench
from pages.components.tables import column, empty, paged, table
from pages.components.text import count, exact

STATES = {state: state.replace("_", " ") for state in graph.STATES}


def sections() -> str | None:
    """The section in view; None for all of them."""
    return st.pills("Section", list(workbench().kinds), key="section", bind="query-params")


def filters() -> dict[str, Any]:
    bench = workbench()
    with st.grid(4, min_column_width=170):
        text = st.text_input("Search", placeholder="Part of a name", key="q", bind="query-params")
        at = st.datetime_input("As of (UTC)", value=None, key="at", bind="query-params", help="Empty: now.")
        state = st.selectbox(
            "State",
            list(STATES.values()),
            index=None,
            placeholder="Any",
            key="state",
            bind="query-params",
            disabled=at is not None,
        )
        names = [repository.name for repository in bench.repositories(account())]
        repository = st.selectbox(
            "Repository",
            names,
            index=None,
            placeholder="Any",
            key="repository",
            bind="query-params",
            disabled=at is not None,
        )
    return {
        "account": account(),
        "text": text.strip() or None,
        "at": at.replace(tzinfo=UTC) if isinstance(at, datetime) else None,
        "state": None if at else next((name for name, word in STATES.items() if word == state), None),
        "repository": None if at else repository,
    }


def new_resource(section: str | None) -> None:
    bench = workbench()
    st.caption("No repository owns this resource until one declares it.")
    chosen = st.selectbox(
        "Section", list(bench.kinds), index=list(bench.kinds).index(section) if section else 0, key="new_section"
    )
    kind = bench.kinds[chosen]
    st.caption(kind.doc)
    wanted = st.text_input("Account", value=bench.account(account()), key="new_account_of")
    name = named(kind, "new")
    try:
        given = form(kind, wanted, None, f"new_{chosen}")
    except RefusedEdit as error:
        refused(error)
        return
    note = st.text_input("Note", key="new_note", placeholder="Reason, for the audit")
    if st.button("Create", type="primary", key="new_create"):
        key = ResourceKey(wanted.strip(), chosen, name)
        with attempt() as tried:
            bench.set_resource(actor(), key, given, note=note.strip() or None, seen_version=None)
        if tried.ok:
            reset("new", kind)
            st.session_state.pop("fleet_dialog", None)
            open_page("resource", id=key.text)


def main() -> None:
    bench = workbench()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title("Fleet", width="content")
        act(
            "New resource",
            Workbench.set_resource,
            icon=":material/add:",
            key="new_resource",
            on_click=lambda: st.session_state.update(fleet_dialog=True),
        )
    counts = bench.states(account())
    section = sections()
    wanted = filters()
    if st.session_state.get("fleet_dialog"):
        st.dialog("New resource", width="large", on_dismiss=lambda: st.session_state.pop("fleet_dialog", None))(
            new_resource
        )(section)
    listing({**wanted, "kind": section}, counts)


def standing(counts: dict[str, dict[str, int]], section: str | None) -> None:
    """How many resources stand how, in a section or in all of them."""
    chosen = [counts.get(section, {})] if section else list(counts.values())
    totals = {state: sum(found.get(state, 0) for found in chosen) for state in STATES}
    st.caption(" · ".join(f"{number:,} {STATES[state]}" for state, number in totals.items() if number))


def listing(wanted: dict[str, Any], counts: dict[str, dict[str, int]]) -> None:
    bench = workbench()
    _, total = bench.inventory(**wanted, limit=1)
    if not total:
        if not counts and wanted["at"] is None:
            empty(
                "The live fleet is empty.",
                "Approve and apply the proposals of a repository, or create a resource by hand.",
            )
            link("approvals", "Proposals", icon=":material/rule:")
        else:
            empty("Nothing matches these filters.")
        return
    if wanted["at"] is not None:
        st.caption(f"The fleet at {exact(wanted['at'])}; states of that time are not known.")
    elif wanted["kind"]:
        st.caption(
            " · ".join(f"{number:,} {STATES[state]}" for state, number in counts.get(wanted["kind"], {}).items())
        )
    rows, _ = bench.inventory(**wanted, skip=paged(total))
    key = f"fleet_{hash(tuple(row.key for row in rows))}"
    kinds = bench.kinds
    chosen = table(
        [
            {
                "resource": row.key.address,
                "state": None if row.state is None else [STATES[row.state]],
                "spec": "  ".join(
                    f"{name}={values.value(value, 40)}"
                    for name, value in row.spec.items()
                    if row.key.kind not in kinds or value != kinds[row.key.kind].defaults.get(name)
                ),
                "repository": row.holder or "",
                "version": row.version,
                "updated": row.updated_at,
                "by": phrases.clean(row.updated_by),
                "account": row.key.account,
            }
            for row in rows
        ],
        {
            "resource": column.text("Resource", 260),
            "state": column.words("State", 110),
            "spec": column.text("Fields that differ from the default", 420),
            "repository": column.text("Repository", 140),
            "version": column.number("Version", 75),
            "updated": column.time("Changed"),
            "by": column.text("By", 130),
            "account": column.text("Account", 110),
        },
        key=key,
        select="single",
        alt="Live resources",
    )
    if chosen:
        at = {"at": wanted["at"].replace(tzinfo=None).isoformat()} if wanted["at"] else {}
        open_page("resource", id=rows[chosen[0]].key.text, **at)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Select a row to open the resource.")
        st.download_button(
            f"Download {count(min(total, MOST), 'row')}",
            data=lambda: _csv(wanted),
            file_name="fleet.csv",
            mime="text/csv",
            icon=":material/download:",
            type="tertiary",
            key="download",
        )


def _csv(wanted: dict[str, Any]) -> bytes:
    rows, _ = workbench().inventory(**wanted, limit=MOST)
    return csv(
        [
            {
                "account": row.key.account,
                "section": row.key.kind,
                "name": row.key.name,
                "state": row.state,
                "repository": row.holder,
                "version": row.version,
                "changed": row.updated_at,
                "by": row.updated_by,
                "spec": row.spec,
            }
            for row in rows
        ]
    )


main()
