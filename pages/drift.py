"""What was changed beside git, by whom, and what do I do about it? Open episodes, their past, and the two ways out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from engine import phrases
from engine.model import Change, Episode
from engine.present import charts, values
from pages.components import by_hand, codify, decide
from pages.components.acts import act
from pages.components.decide import NEEDED, Move
from pages.components.links import link, to_proposal, to_resource
from pages.components.markup import show
from pages.components.session import account, workbench
from pages.components.tables import badge, column, empty, paged, table
from pages.components.text import ago, count, exact, plain

SHOWN = ("open", "closed", "all")
BESIDE = 15
"""Open episodes that stand with their buttons; more are in the table."""


def filters() -> tuple[str | None, str | None, str]:
    """(repository, text, which), kept in the address."""
    with st.grid(3, min_column_width=200):
        names = [repository.name for repository in workbench().repositories(account())]
        repository = st.selectbox(
            "Repository", names, index=None, placeholder="Any", key="repository", bind="query-params"
        )
        text = st.text_input("Search", placeholder="Part of a name", key="q", bind="query-params")
        shown = st.segmented_control("Episodes", SHOWN, default="open", required=True, key="show", bind="query-params")
    return repository, text.strip() or None, shown or "open"


def one(episode: Episode, proposal: int | None) -> None:
    """An open episode: who moved what, and the two ways out."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"{badge(episode.severity)} {badge('open')}")
            to_resource(episode.key)
            st.markdown(
                f"{plain(_what(episode))} by **{plain(episode.moved_by or 'an unknown person')}** {ago(episode.moved_at or episode.opened_at)}",
                help=exact(episode.moved_at or episode.opened_at),
            )
        by_hand.told(episode.key)
        if episode.change is not Change.CREATE and episode.fields:
            show("drift.html", rows=episode.fields)
        with st.container(horizontal=True, vertical_alignment="center"):
            act(
                "Revert",
                *NEEDED[Move.APPROVE_AND_APPLY],
                icon=":material/undo:",
                key=f"revert_{episode.id}",
                help="Approve and apply the proposal that restores the state in git.",
                disabled=proposal is None,
                on_click=decide.ask,
                args=(
                    Move.APPROVE_AND_APPLY,
                    [proposal] if proposal else [],
                    f"Undo {episode.moved_by}'s change" if episode.moved_by else "Undo the change made by hand",
                ),
            )
            st.button(
                "Codify",
                icon=":material/code:",
                key=f"codify_{episode.id}",
                help="The lines to put into git, so that git matches live.",
                on_click=codify.ask,
                args=(episode.key,),
                kwargs={"deleted": episode.change is Change.CREATE, "paths": [row["path"] for row in episode.fields]},
            )
            if proposal is not None:
                to_proposal(proposal)
            else:
                st.caption("It has no open proposal: see what the last run withheld.")


def _what(episode: Episode) -> str:
    match episode.change:
        case Change.CREATE:
            return "deleted"
        case Change.DESTROY:
            return "changed (git no longer declares it)"
        case _:
            return "changed"


def timeline(found: list[Episode]) -> None:
    now = datetime.now(UTC)
    lanes = list(dict.fromkeys(episode.key for episode in found))[:20]
    chosen = [episode for episode in found if episode.key in set(lanes)]
    if not chosen:
        return
    since = min(episode.moved_at or episode.opened_at for episode in chosen) - timedelta(hours=6)
    since = max(since, now - timedelta(days=90))
    st.subheader("Timeline")
    st.plotly_chart(
        charts.drift_timeline(chosen, workbench().drift_marks(chosen, since), now),
        key="timeline",
        config={"displayModeBar": False},
        alt="Drift episodes as bars with edits, applies and commits",
    )


def frequent(repository: str | None) -> None:
    found = workbench().frequent_drift(account=account(), repository=repository)
    if found:
        st.subheader("Most frequent")
        table(
            [
                {
                    "resource": row.key.address,
                    "times": row.times,
                    "open": row.open,
                    "last": row.last_at,
                    "by": phrases.clean(row.movers),
                }
                for row in found
            ],
            {
                "resource": column.text("Resource", 280),
                "times": column.number("Times"),
                "open": column.number("Open now", 90),
                "last": column.time("Last"),
                "by": column.text("By", 260),
            },
            alt="Resources that drifted most often",
        )


def past(found: list[tuple[Episode, int | None]]) -> None:
    st.subheader("Episodes")
    table(
        [
            {
                "state": ["open" if e.closed_at is None else e.outcome],
                "resource": e.key.address,
                "moved": ", ".join(
                    f"{row['path']} {' → '.join(values.beside([row['base'], row['live']], 24))}" for row in e.fields[:4]
                )
                if e.change is not Change.CREATE
                else "deleted",
                "by": phrases.clean(e.moved_by or "unknown"),
                "since": e.moved_at or e.opened_at,
                "lasted": ((e.closed_at or datetime.now(UTC)) - (e.moved_at or e.opened_at)).total_seconds() / 3600,
                "severity": [e.severity],
                "repository": e.repository,
            }
            for e, _ in found
        ],
        {
            "state": column.status("State"),
            "resource": column.text("Resource", 240),
            "moved": column.text("Agreed → live", 340),
            "by": column.text("By", 130),
            "since": column.time("Since"),
            "lasted": st.column_config.NumberColumn("Hours", format="%.1f", width=75),
            "severity": column.words("Severity", 100),
            "repository": column.text("Repository", 150),
        },
        alt="Drift episodes",
    )


def main() -> None:
    bench = workbench()
    st.title("Drift")
    repository, text, shown = filters()
    open_ = {"open": True, "closed": False}.get(shown)

    def find(**page: int) -> tuple[list[tuple[Episode, int | None]], int]:
        return bench.find_drift(account=account(), repository=repository, text=text, open_=open_, **page)

    _, total = find(limit=1)
    if not total:
        if shown == "open" and not text:
            empty(
                "There is no drift.",
                "Drift means that live has changed since git and live last agreed. Each tick checks for it, even if git has not changed.",
            )
        else:
            empty("No episode matches these filters.")
    else:
        found, _ = find(skip=paged(total))
        standing = [(episode, proposal) for episode, proposal in found if episode.closed_at is None]
        for episode, proposal in standing[:BESIDE]:
            one(episode, proposal)
        if len(standing) > BESIDE:
            st.caption(f"{count(len(standing) - BESIDE, 'more open episode')} on this page, in the table below.")
        timeline([episode for episode, _ in found])
        past(found)
    frequent(repository)
    link("approvals", "Proposals that would undo drift", cause="live moved", icon=":material/rule:")
    codify.dialog()
    decide.dialog()


main()
