"""Can the fleet come back when git is lost? The export: scope, any past time, preview, restore drill, download."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from engine import phrases
from engine.model import Drill, RecordedEvent
from engine.workbench import Workbench
from pages.components.acts import act
from pages.components.layout import beside
from pages.components.markup import show
from pages.components.session import account, actor, attempt, begin, workbench
from pages.components.tables import empty
from pages.components.text import ago, count, plain

QUICK_S = 3.0
"""How long the page waits for a drill; one of many thousand resources takes longer."""

LINES = 400
"""Lines of the preview; the download has all of them."""

EVERYTHING, UNMANAGED = "everything", "resources that no repository owns"


def chosen() -> tuple[str, str | None, bool, datetime | None]:
    """(account, repository, unmanaged, at), kept in the address."""
    bench = workbench()
    known = bench.accounts() or [bench.account(None)]
    with st.grid(3, min_column_width=200):
        named = account()
        if named is None and len(known) > 1:
            named = st.selectbox("Account", known, key="of", bind="query-params")
        named = named or known[0]
        owners = [repository.name for repository in bench.repositories(named)]
        scope = st.selectbox("Scope", [EVERYTHING, *owners, UNMANAGED], key="scope", bind="query-params")
        at = st.datetime_input("As of (UTC)", value=None, key="at", bind="query-params", help="Empty: now.")
    repository = None if scope in {EVERYTHING, UNMANAGED} else scope
    return named, repository, scope == UNMANAGED, at.replace(tzinfo=UTC) if isinstance(at, datetime) else None


def preview(named: str, repository: str | None, unmanaged: bool, at: datetime | None) -> None:
    with attempt() as tried:
        text = workbench().export(account=named, repository=repository, unmanaged=unmanaged, at=at)
    if not tried.ok:
        return
    lines = text.split("\n")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download fleet.yaml", data=text, file_name="fleet.yaml", mime="application/yaml", type="primary",
            icon=":material/download:", key="download", on_click="ignore",
        )  # fmt: skip
        st.caption(f"{count(len(lines), 'line')}, {len(text.encode()):,} bytes")
    st.code(phrases.clean_lines("\n".join(lines[:LINES])), language="yaml", height=640)
    if len(lines) > LINES:
        st.caption(f"and {len(lines) - LINES:,} more lines in the download")


def drill(named: str) -> None:
    """The last restore drill, and the button that makes another."""
    st.subheader("Restore drill")
    found = workbench().last_drill(named)
    if found is None:
        empty(
            "No drill yet.",
            "A drill restores the exported file into an empty store and compares the result with live. Do it before you need a restore.",
        )
    else:
        say(found)
    if at := workbench().settings.drill_at:
        st.caption(f"The server drills each account once a night, at {plain(at)} UTC.")
    act("Drill now", Workbench.drill, icon=":material/verified:", key="drill", on_click=_drill, args=(named,))


def _drill(named: str) -> None:
    """Begin a drill, and stay for those that end quickly; the strip shows where the others are, and how they end."""
    bench, me = workbench(), actor()
    job = begin(
        f"drill {named}",
        f"Restore drill of {named}",
        lambda tell: _passed(bench.drill(me, named, watcher=lambda stage: tell(stage, 0, 0))),
        lambda made: made.detail,
    )
    job.ended.wait(QUICK_S)


def _passed(made: Drill) -> Drill:
    """The drill, if it passed: a job that gives one that failed would look like a success. Raises: FleetError FLEET-632."""
    made.refuse()
    return made


def say(found: RecordedEvent) -> None:
    data = found.event.data or {}
    took = f"{data['bytes']:,} bytes, restored in {data['seconds']:.2f} s; " if "bytes" in data else ""
    told = f"{found.event.reason}. {took}{ago(found.at)} by {found.actor}"
    if found.event.type == "gitops.drill_passed":
        st.success(f"**Passed.** {plain(told)}", icon=":material/verified:")
    else:
        code = f"({data['code']}) " if "code" in data else ""
        st.error(f"**Failed.** {plain(code + told)}", icon=":material/error:")
        if hint := data.get("hint"):
            st.markdown(f"**What to do next.** {plain(str(hint))}")
    show("drill.html", stages=data.get("stages", {}), at=found.at)


def snapshots() -> None:
    """What the server keeps by itself, where it was asked to."""
    bench = workbench()
    if not bench.settings.snapshots:
        return
    st.subheader("Kept snapshots")
    hours, keep = bench.settings.snapshot_every_h, bench.settings.snapshot_keep
    st.caption(f"The server saves a snapshot every {count(hours, 'hour')} and keeps the last {keep:,} of them.")
    found = bench.kept_snapshots()
    if not found:
        st.caption("There is no snapshot yet.")
    for e in found:
        data = e.event.data or {}
        if e.event.type == "gitops.snapshot_kept":
            st.success(plain(f"{e.event.reason}, {data.get('bytes', 0):,} bytes; {ago(e.at)}"), icon=":material/save:")
        elif e is found[-1]:
            st.error(plain(f"({data.get('code')}) {e.event.reason}. Since {ago(e.at)}."), icon=":material/error:")
            st.markdown(f"**What to do next.** {plain(str(data.get('hint', '')))}")


def restoring(named: str) -> None:
    st.subheader("What a restore does")
    st.markdown(
        "If you lose the remote, live does not change. Put this file into a new repository, remove the lost one (its resources are "
        "released, not destroyed), register the new one, and sync. Its first tick finds every resource equal, adopts it, and "
        "proposes nothing. In an empty store the same file becomes proposals to create, which you approve and apply."
    )
    account = phrases.argument(named)
    st.code(
        f"fleet export --account {account} > fleet.yaml\nfleet repo remove LOST\nfleet repo add NEW URL --account {account}\nfleet sync NEW",
        language="sh",
    )


def main() -> None:
    st.title("Export")
    named, repository, unmanaged, at = chosen()
    left, right = beside(1.7, 1)
    with right:
        drill(named)
        snapshots()
        restoring(named)
    with left:
        preview(named, repository, unmanaged, at)


main()
