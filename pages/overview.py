"""Is all well, and what waits for me? Everything at a glance, each figure leading to its list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from pages.components.layout import beside
from pages.components.links import link
from pages.components.markup import show
from pages.components.session import account, workbench
from pages.components.tables import empty
from pages.components.text import ago, count

DAYS = 30


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
            failing = len(pulse.failing)
            tile(
                "Repositories",
                f"{failing} failing" if failing else f"{registered} ok" if registered else "none",
                f"of {registered}" if failing else "",
                "red" if failing else "",
            )
            link(
                "repositories", "Failing ones" if failing else "All repositories", health="failing" if failing else None
            )
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
                f"the oldest since {ago(drift.oldest_at)}" if drift.open else "live is as agreed",
                "violet" if drift.open else "",
            )
            link("drift", "Open episodes")
        with st.container(border=True):
            tile(
                "Failed applies",
                f"{pulse.failed:,}",
                f"{count(pulse.approved, 'proposal')} approved, to be applied" if pulse.approved else "",
                "red" if pulse.failed else "",
            )
            link(
                "approvals",
                "Failed proposals" if pulse.failed else "Applied ones",
                status="failed" if pulse.failed else "applied",
            )
        with st.container(border=True):
            proof()


def proof() -> None:
    """When the fleet was last proved to come back from its own export."""
    tile("Export proved", "never", "restore from fleet.yaml is untested")
    link("export", "Prove it now")


def recent() -> None:
    st.subheader("Recent events")
    found = workbench().events(account=account(), limit=12)
    if found:
        show("events.html", events=found)
        link("audit", "All events")
    else:
        st.caption("Nothing has happened yet.")


def main() -> None:
    st.title("Overview")
    if not workbench().repositories():
        empty(
            "No repository is registered yet.",
            "A repository holds the fleet file. Each tick compares it with live and opens a proposal for each difference.",
        )
        link("repositories", "Register a repository", icon=":material/add:")
    tiles()
    left, right = beside(1.7, 1)
    with left:
        outcomes()
    with right:
        recent()


def outcomes() -> None:
    """How proposals ended, day by day."""
    since = datetime.now(UTC) - timedelta(days=DAYS)
    workbench().outcomes(since, account())


main()
