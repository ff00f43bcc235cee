"""Who did what, when and why? Every decision, move and edit, with filters and downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import streamlit as st

from engine import phrases
from engine.model import RecordedEvent, ResourceKey, Spec
from engine.paths import field_changes
from engine.present import values
from engine.present.downloads import csv, parquet
from engine.workbench.reader import MOST, EventFilter
from pages.components.links import to_proposal, to_resource, to_run
from pages.components.markup import show
from pages.components.session import account, workbench
from pages.components.tables import column, empty, paged, table
from pages.components.text import count, exact, plain

SINCE = {"1 hour": 1, "1 day": 24, "1 week": 168, "30 days": 720}
DECISIONS = "decisions of people"
DECIDED = ("gitops.proposal_approved", "gitops.proposal_rejected", "gitops.proposal_taken_back")


def filters() -> EventFilter:
    """The filters, kept in the address."""
    bench = workbench()
    repositories = {repository.name: repository.id for repository in bench.repositories(account())}
    with st.grid(5, min_column_width=150):
        types = st.multiselect(
            "What", [DECISIONS, *bench.event_types()], key="what", bind="query-params", placeholder="Everything"
        )
        by = st.text_input("Who", placeholder="Part of a name", key="who", bind="query-params")
        repository = st.selectbox(
            "Repository", list(repositories), index=None, placeholder="Any", key="repository", bind="query-params"
        )
        since = st.selectbox("Since", list(SINCE), index=None, placeholder="Ever", key="since", bind="query-params")
        text = st.text_input("Search", placeholder="Resource or reason", key="q", bind="query-params")
    wanted = [name for name in types if name != DECISIONS] + (list(DECIDED) if DECISIONS in types else [])
    return EventFilter(
        account=account(),
        types=wanted,
        actor=by.strip() or None,
        repository_id=repositories.get(repository or ""),
        since=datetime.now(UTC) - timedelta(hours=SINCE[since]) if since else None,
        text=text.strip() or None,
    )


def rows_of(found: list[RecordedEvent]) -> list[dict[str, object]]:
    return [
        {
            "seq": e.seq,
            "at": e.at,
            "type": e.event.type,
            "actor": e.actor,
            "account": e.event.account,
            "section": e.event.kind,
            "name": e.event.name,
            "reason": e.event.reason,
            "proposal": e.event.proposal_id,
            "run": e.event.run_id,
            "data": e.event.data,
        }
        for e in found
    ]


def _made(make: Callable[[Sequence[Mapping[str, Any]]], bytes], wanted: EventFilter, most: int) -> bytes:
    return make(rows_of(workbench().find_events(wanted, limit=most)))


def downloads(wanted: EventFilter, total: int) -> None:
    """What the filters let through, as files; made when they are asked for."""
    most = min(total, 10 * MOST)
    with st.container(horizontal=True, vertical_alignment="center"):
        for name, make, mime in (("CSV", csv, "text/csv"), ("Parquet", parquet, "application/vnd.apache.parquet")):
            st.download_button(
                f"{plain(name)}, {count(most, 'row')}",
                data=partial(_made, make, wanted, most),
                file_name=f"audit.{name.lower()}",
                mime=mime,
                icon=":material/download:",
                type="tertiary",
                key=f"download_{name.lower()}",
            )


def moved_by(event: RecordedEvent) -> tuple[Spec | None, Spec | None] | None:
    """What an event made of a resource: before and after. None for an event that changed no resource, and for what is no longer kept."""
    e = event.event
    if not (e.account and e.kind and e.name and e.type.startswith("fleet.")):
        return None
    found = workbench().history(ResourceKey(e.account, e.kind, e.name), MOST)
    place = next((n for n, version in enumerate(found) if version.valid_from == event.at), None)
    if place is None:
        return None
    return (found[place + 1].spec if place + 1 < len(found) else None), found[place].spec


def one(event: RecordedEvent) -> None:
    """An event in full, with the ways on."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if event.event.proposal_id:
                to_proposal(event.event.proposal_id)
            if event.event.run_id:
                to_run(event.event.run_id)
            if event.event.account and event.event.kind and event.event.name:
                to_resource(ResourceKey(event.event.account, event.event.kind, event.event.name))
            st.caption(exact(event.at))
        if event.event.reason:
            st.text(phrases.clean(event.event.reason))
        if version := moved_by(event):
            before, after = version
            show("versions.html", rows=field_changes(before, after))
        elif event.event.data:
            st.code(
                phrases.clean_lines(
                    "\n".join(f"{name}: {values.value(given, 400)}" for name, given in event.event.data.items())
                ),
                language=None,
            )


def main() -> None:
    bench = workbench()
    st.title("Audit")
    wanted = filters()
    total = bench.count_events(wanted)
    if not total:
        empty("No event matches.", "Every decision, change and edit creates an event. Events never change.")
        return
    found = bench.find_events(wanted, skip=paged(total))
    chosen = table(
        [
            {
                "at": e.at,
                "type": e.event.type.replace("_", " ").replace("gitops.", ""),
                "actor": phrases.clean(e.actor),
                "resource": f"{e.event.kind}/{e.event.name}" if e.event.kind else "",
                "reason": phrases.clean(e.event.reason or ""),
                "proposal": e.event.proposal_id,
                "run": e.event.run_id,
                "account": e.event.account or "",
            }
            for e in found
        ],
        {
            "at": column.time("When"),
            "type": column.text("What", 180),
            "actor": column.text("Who", 150),
            "resource": column.text("Resource", 250),
            "reason": column.text("Why", 330),
            "proposal": st.column_config.NumberColumn("Proposal", width=80, format="%d"),
            "run": st.column_config.NumberColumn("Run", width=65, format="%d"),
            "account": column.text("Account", 110),
        },
        key=f"audit_{found[0].seq}_{len(found)}",
        select="single",
        alt="Events, newest first",
    )
    if chosen:
        one(found[chosen[0]])
    downloads(wanted, total)


main()
