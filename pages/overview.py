"""Is all well, and what waits for me? Everything at a glance, each figure leading to its list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby

import streamlit as st

from engine import phrases
from engine.model import RecordedEvent
from engine.present import charts
from pages.components.layout import beside
from pages.components.links import link, open_page
from pages.components.markup import show
from pages.components.session import account, workbench
from pages.components.tables import column, empty, table
from pages.components.text import ago, count
from pages.components.turns import in_turn

DAYS = 30
SHOWN = 8
"""Repositories on this page; the others are a click away."""

REFRESH_S = 15
LOOKED_AT, MOST_LOOKED_AT, TOLD = 300, 6000, 10
"""Newest events that are looked at, and lines that are made of them."""


def tile(label: str, figure: str, note: str, tone: str = "") -> None:
    """One figure with what it means; the link under it leads to the list."""
    show("tile.html", label=label, figure=figure, note=note, tone=tone)


def tiles() -> None:
    bench, narrowed = workbench(), account()
    pulse = bench.pulse(narrowed)
    risks = bench.risks(narrowed)
    drift = bench.drift_figures(narrowed)
    registered = len(bench.repositories(narrowed))
    with st.grid(5, min_column_width=190):
        with st.container(border=True):
            repositories_tile(registered)
        with st.container(border=True):
            words = ", ".join(f"{risks[risk]} {risk}" for risk in ("high", "medium", "low") if risks.get(risk))
            tile("Pending proposals", f"{pulse.pending:,}", f"risk: {words}" if words else "nothing waits")
            link(
                "approvals",
                "High risk first" if risks.get("high") else "Decide on them",
                risk="high" if risks.get("high") else None,
            )
        with st.container(border=True):
            tile(
                "Drifted",
                f"{drift.open:,}",
                f"the oldest since {ago(drift.oldest_at)}" if drift.open else "live matches git",
                "violet" if drift.open else "",
            )
            link("drift", "Open episodes")
        with st.container(border=True):
            tile(
                "Failed applies",
                f"{pulse.failed:,}",
                f"{count(pulse.approved, 'proposal')} approved, not applied yet" if pulse.approved else "",
                "red" if pulse.failed else "",
            )
            link(
                "approvals",
                "Failed proposals" if pulse.failed else "Applied ones",
                status="failed" if pulse.failed else "applied",
            )
        with st.container(border=True):
            drill()


def repositories_tile(registered: int) -> None:
    """How many repositories fare worst, in the words of the table below."""
    bench, narrowed = workbench(), account()
    rows, _ = bench.repository_table(account=narrowed, limit=1)
    worst = rows[0].health if rows else "none"
    well = worst in {"ok", "none"}
    found = bench.repository_table(account=narrowed, health=worst, limit=1)[1] if rows else 0
    tile(
        "Repositories",
        f"{found} {worst}" if rows else "none",
        "" if well else f"of {registered}",
        "red" if worst == "failing" else "" if well else "violet" if worst == "drifting" else "orange",
    )
    link("repositories", "All repositories" if well else "Show them", health=None if well else worst)


def drill() -> None:
    """When the fleet was last restored from its own export."""
    if large := workbench().exports_too_large(account()):
        name, size = max(large, key=lambda each: each[1])
        tile(
            "Restore drill",
            "too large",
            f"{name} exports to {size:,} bytes, more than the limit for a fleet file",
            "red",
        )
        link("export", "Show solutions")
        return
    drills = workbench().last_drills(account())
    failed = [e for e in drills if e.event.type == "gitops.drill_failed"]
    found = next(iter(failed or drills), None)
    if found is None:
        tile("Restore drill", "never", "no restore was tested")
        link("export", "Drill now")
        return
    if failed:
        tile("Restore drill", "failed", f"{found.event.account}, {ago(found.at)}", "red")
    else:
        tile("Restore drill", ago(found.at), f"passed, by {found.actor}")
    link("export", "Show the drill")


def worst() -> None:
    """The repositories, the worst first."""
    rows, total = workbench().repository_table(account=account(), limit=SHOWN)
    if not rows:
        return
    st.subheader("Repositories")
    key = f"worst_{hash(tuple(row.id for row in rows))}"
    chosen = table(
        [
            {
                "name": row.name,
                "health": [row.health],
                "last": row.started_at,
                "pending": row.pending,
                "drifted": row.drifted,
                "withheld": row.remaining,
                "subject": phrases.clean(row.subject or ""),
            }
            for row in rows
        ],
        {
            "name": column.text("Name", 150),
            "health": column.words("Health", 105),
            "last": column.time("Last run"),
            "pending": column.number("Pending", 75),
            "drifted": column.number("Drifted", 70),
            "withheld": column.number("Withheld", 80),
            "subject": column.text("Commit", 260),
        },
        key=key,
        select="single",
        alt="Repositories, the worst first",
    )
    if chosen:
        open_page("repositories", name=rows[chosen[0]].name)
    if total > SHOWN:
        link("repositories", f"All {total:,}")


def recent() -> None:
    """What happened lately; a burst of like events is one line."""
    st.subheader("Recent events")
    found: list[RecordedEvent] = []
    bursts: list[list[RecordedEvent]] = []
    while len(bursts) <= TOLD and len(found) < MOST_LOOKED_AT:
        more = workbench().events(account=account(), before=found[-1].seq if found else None, limit=LOOKED_AT)
        found += more
        bursts = [list(alike) for _, alike in groupby(found, lambda e: (e.event.type, e.actor, e.event.run_id))]
        if len(more) < LOOKED_AT:
            break
    if bursts:
        cut = len(bursts) <= TOLD and len(found) >= MOST_LOOKED_AT
        show("events.html", bursts=bursts[:TOLD], cut=cut)
        link("audit", "All events")
    else:
        st.caption("There are no events yet.")


def main() -> None:
    st.title("Overview")
    if not workbench().repositories():
        empty(
            "No repository is registered yet.",
            "A repository holds the fleet file. Each tick compares it with live and opens a proposal for each difference.",
        )
        link("repositories", "Register a repository", icon=":material/add:")
    st.fragment(in_turn(tiles), run_every=REFRESH_S)()
    left, right = beside(1.7, 1)
    with left:
        worst()
        outcomes()
    with right:
        recent()


def outcomes() -> None:
    """How proposals ended, day by day."""
    st.subheader("Proposals by outcome, 30 days")
    now = datetime.now(UTC)
    found = workbench().outcomes(now - timedelta(days=DAYS - 1), account())
    if not found:
        st.caption("No proposal has ended yet.")
        return
    st.plotly_chart(
        charts.outcomes_by_day(found, now.date(), DAYS), key="outcomes", config={"displayModeBar": False},
        alt="Proposals by the day on which they ended, and how",
    )  # fmt: skip


main()
