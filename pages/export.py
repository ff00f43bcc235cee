"""Can the fleet come back when git is lost? The export: scope, any past time, preview, proof, download."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from engine import words
from engine.model import RecordedEvent
from pages.components.layout import beside
from pages.components.session import account, actor, attempt, workbench
from pages.components.tables import empty
from pages.components.text import ago, count, exact, plain

LINES = 400
"""Lines of the preview; the download has all of them."""

EVERYTHING, UNMANAGED = "everything", "what no repository owns"


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
    st.code(words.clean_lines("\n".join(lines[:LINES])), language="yaml", height=640)
    if len(lines) > LINES:
        st.caption(f"and {len(lines) - LINES:,} more lines in the download")


def proof(named: str) -> None:
    """The last proof, and the button that makes another."""
    st.subheader("Proof of the round trip")
    found = workbench().last_proof(named)
    if found is None:
        empty("Never proved.", "Prove that the export parses and differs in nothing from live, before you need it.")
    else:
        say(found)
    if st.button("Prove it now", icon=":material/verified:", key="prove"):
        with attempt() as tried, st.spinner("Exporting, reading, comparing …"):
            workbench().prove_export(actor(), named)
        if tried.ok:
            st.rerun()


def say(found: RecordedEvent) -> None:
    data = found.event.data or {}
    figures = f"{data.get('resources', 0):,} resources, {data.get('bytes', 0):,} bytes, {data.get('seconds', 0):.2f} s"
    told = f"{found.event.reason}. {figures}; {ago(found.at)} by {found.actor}"
    if found.event.type == "gitops.export_proved":
        st.success(f"**Proved.** {plain(told)}", icon=":material/verified:")
    else:
        st.error(f"**Not proved.** {plain(told)}", icon=":material/error:")
    st.caption(exact(found.at))


def restoring(named: str) -> None:
    st.subheader("What a restore does")
    st.markdown(
        "Losing the remote changes nothing that is live. Put this file into a new repository, remove the lost one (what it owned "
        "is released, not destroyed), register the new one, and sync: its first tick finds every resource equal, adopts it, and "
        "proposes nothing. On an empty store the same file becomes creates, to be approved and applied."
    )
    st.code(
        f"fleet export --account {named} > fleet.yaml\nfleet repo remove LOST\nfleet repo add NEW URL --account {named}\nfleet sync NEW",
        language="sh",
    )


def main() -> None:
    st.title("Export")
    named, repository, unmanaged, at = chosen()
    left, right = beside(1.7, 1)
    with right:
        proof(named)
        restoring(named)
    with left:
        preview(named, repository, unmanaged, at)


main()
