"""What is this resource, who made it so, and what hangs on it? One resource: values, references, past, edits."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from engine import phrases
from engine.errors import RefusedEdit
from engine.flow import export
from engine.model import ResourceKey, Spec, Version, covers
from engine.paths import field_changes
from engine.present import values, words
from engine.workbench import Workbench
from engine.workbench.reader import ProposalFilter
from pages.components.acts import act
from pages.components.follow import follow
from pages.components.forms import form, reset
from pages.components.layout import beside
from pages.components.links import link, to_proposal, to_repository, to_resource, to_run
from pages.components.markup import show
from pages.components.session import actor, attempt, refused, workbench
from pages.components.tables import badge, empty
from pages.components.text import ago, count, exact, plain

MOST_LINKS = 60


def wanted_key(text: str) -> ResourceKey | None:
    """The resource that the address names, or None."""
    parts = text.split("/", 2)
    return ResourceKey(*parts) if len(parts) == 3 and all(parts) and parts[1] in workbench().kinds else None


def past_of(versions: list[Version], at: datetime) -> Version | None:
    """The version that stood at a time."""
    return next((version for version in versions if version.valid_from <= at), None)


def heading(key: ResourceKey, versions: list[Version]) -> bool:
    """Name and standing; gives whether the resource is live."""
    bench = workbench()
    st.title(plain(key.name))
    state = bench.state_of(key)
    live = state is not None
    newest = versions[0]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"{plain(bench.kinds[key.kind].title)} in account {plain(key.account)} "
            + (badge(state.replace("_", " ")) if state else ":red-badge[gone]")
        )
        st.markdown(
            f":gray[version {newest.version}, {ago(newest.valid_from)} by {plain(newest.actor)}]",
            help=exact(newest.valid_from),
        )
        if live and (holder := bench.resource(key).holder):
            to_repository(holder)
        link("graph", "In the graph", near=key.text, icon=":material/account_tree:")
    return live


def standing(key: ResourceKey) -> bool:
    """Proposals that speak for it now, and what is not proposed; gives whether there is any."""
    found = workbench().find_proposals(
        ProposalFilter(
            account=key.account, kinds=[key.kind], text=key.name, statuses=["pending", "approved", "failed", "rejected"]
        )
    )
    mine, withheld = [p for p in found if p.key == key], workbench().held_back(key)
    for proposal in mine:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
            st.markdown(f"{badge(proposal.status.value)} {plain(words.sentence(workbench().kinds, proposal))}")
            to_proposal(proposal.id)
    for held in withheld:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
            st.markdown(
                f"{badge('waiting')} {plain(held.repository)} would {plain(held.change)} it, but this is not proposed: {plain(held.detail)}."
            )
            to_run(held.run_id)
    return bool(mine or withheld)


def blamed(key: ResourceKey) -> None:
    """Every value with who set it."""
    show("blame.html", rows=workbench().blame(key))


def references(key: ResourceKey, spec: Spec) -> None:
    bench = workbench()
    near = bench.neighbours(key, spec)
    for table, rows in bench.derived(key, spec, near):
        st.subheader(plain(table.title))
        st.caption(plain(table.doc))
        if rows:
            show("derived.html", columns=table.columns, rows=rows)
        else:
            st.caption("None.")
    left, right = beside(1, 1)
    for place, title, keys in (
        (left, "Refers to", near.targets),
        (right, "Referred to by", tuple(near.referrers)),
    ):
        with place:
            st.subheader(title)
            if not keys:
                st.caption("Nothing.")
            for other in keys[:MOST_LINKS]:
                to_resource(other)
            if len(keys) > MOST_LINKS:
                st.caption(f"and {len(keys) - MOST_LINKS:,} more")


def history(key: ResourceKey, versions: list[Version]) -> None:
    """Each version with what it changed, and the way back to it."""
    st.caption(
        f"{count(len(versions), 'version')}, newest first" + (" (the newest of many)" if len(versions) == 200 else "")
    )
    shown = st.selectbox(
        "Version",
        range(len(versions)),
        format_func=lambda place: _label(versions[place]),
        key="version_shown",
    )
    version = versions[shown]
    before = versions[shown + 1] if shown + 1 < len(versions) else None
    if version.note:
        st.info(f"Note: {plain(version.note)}", icon=":material/sticky_note_2:")
    if version.proposal_id:
        to_proposal(version.proposal_id, f"Proposal {version.proposal_id}, which created this version")
    if shown and version.spec is not None and version.spec != versions[0].spec:
        act(
            "Restore this version",
            Workbench.set_resource,
            icon=":material/settings_backup_restore:",
            key="do_restoring",
            on_click=lambda: st.session_state.update(
                resource_dialog="restoring",
                seen=None if versions[0].spec is None else versions[0].version,
                restored=(key, version),
            ),
        )
    changes = field_changes(before.spec if before else None, version.spec)
    if changes:
        show("versions.html", rows=changes)
    st.code(_diff(key, before.spec if before else None, version.spec), language="diff")


def _label(version: Version) -> str:
    what = "gone" if version.spec is None else version.cause
    return f"{version.version} · {exact(version.valid_from)} · {what} by {phrases.clean(version.actor)}"


def _diff(key: ResourceKey, before: Spec | None, after: Spec | None) -> str:
    def lines(spec: Spec | None) -> list[str]:
        return [] if spec is None else export.snippet(key.kind, key.name, spec).splitlines()

    made = values.unified(lines(before), lines(after), ("before", "after"))
    return phrases.clean_lines("\n".join(made)) or "no difference"


def as_of(key: ResourceKey, versions: list[Version], at: datetime) -> None:
    """The resource as it was."""
    version = past_of(versions, at)
    if version is None or version.spec is None:
        empty(f"This resource did not exist at {exact(at)}.")
        return
    st.info(
        f"The resource at {exact(at)}: version {version.version}, by {plain(version.actor)}.", icon=":material/history:"
    )
    st.code(phrases.clean_lines(export.snippet(key.kind, key.name, version.spec)), language="yaml")


def actions(key: ResourceKey, spec: Spec, version: int) -> None:
    with st.container(horizontal=True):
        for name, label, icon, shortcut, verb in (
            ("editing", "Edit", "edit", "e", Workbench.set_resource),
            ("deleting", "Delete", "delete", None, Workbench.delete_resource),
            ("releasing", "Release", "link_off", None, Workbench.release),
        ):
            if name == "releasing" and workbench().resource(key).holder is None:
                continue
            act(
                label,
                verb,
                icon=f":material/{icon}:",
                key=f"do_{name}",
                shortcut=shortcut,
                on_click=lambda name=name: st.session_state.update(resource_dialog=name, seen=version),
            )
    asked = st.session_state.get("resource_dialog")
    if asked == "editing":
        st.dialog("Edit by hand", width="large", on_dismiss=_close)(_edit)(key, spec)
    elif asked == "deleting":
        st.dialog("Delete", on_dismiss=_close)(_delete)(key)
    elif asked == "releasing":
        st.dialog("Release", on_dismiss=_close)(_release)(key)


def _close() -> None:
    st.session_state.pop("resource_dialog", None)


def _edit(key: ResourceKey, spec: Spec) -> None:
    bench = workbench()
    kind = bench.kinds[key.kind]
    resource = bench.resource(key)
    if resource.owned and not kind.informational:
        st.warning(
            f"Repository {plain(resource.holder)} owns this resource. The next tick shows differences from git as drift.",
            icon=":material/moving:",
        )
    try:
        given = form(kind, key.account, spec, "edit")
    except RefusedEdit as error:
        refused(error)
        return
    note = st.text_input("Note", key="edit_note", placeholder="SEV-2: more workers until the cache is back")
    changes = field_changes({name: spec.get(name) for name in given}, given)
    if changes:
        show("versions.html", rows=changes)
    if st.button("Save", type="primary", key="edit_save"):
        if not changes:
            st.info("You have not changed anything yet.")
            return
        with attempt() as tried:
            bench.set_resource(
                actor(), key, given, note=note.strip() or None, seen_version=st.session_state.get("seen")
            )
        if tried.ok:
            reset("edit", kind)
            _close()
            st.toast("Saved; the live fleet has changed.", icon=":material/check:")
            st.rerun()


def _delete(key: ResourceKey) -> None:
    st.markdown(
        "The resource is deleted from the live fleet immediately. Its history is kept; the next tick may propose it again from git."
    )
    note = st.text_input("Note", key="delete_note")
    typed = st.text_input("Type the name to confirm", key="delete_name")
    if st.button("Delete", type="primary", key="delete_confirm"):
        if typed.strip() != key.name:
            st.error("This is not the name of the resource.")
            return
        with attempt() as tried:
            workbench().delete_resource(
                actor(), key, note=note.strip() or None, seen_version=st.session_state.get("seen")
            )
        if tried.ok:
            _close()
            st.rerun()


def _restore(key: ResourceKey, now: Spec | None, version: Version) -> None:
    st.markdown(
        f"Changes the live fleet immediately to the values of version {version.version}, {ago(version.valid_from)}:"
    )
    show("versions.html", rows=field_changes(now, version.spec))
    if now is not None and workbench().resource(key).owned:
        st.warning(
            "A repository owns this resource. The next tick shows differences from git as drift.",
            icon=":material/moving:",
        )
    note = st.text_input("Note", key="restore_note", value=f"Back to version {version.version}")
    if st.button("Restore", type="primary", key="restore_confirm"):
        with attempt() as tried:
            workbench().set_resource(
                actor(), key, version.spec or {}, note=note.strip() or None, seen_version=st.session_state.get("seen")
            )
        if tried.ok:
            _close()
            st.toast("Restored; the live fleet has changed.", icon=":material/check:")
            st.rerun()


def _release(key: ResourceKey) -> None:
    st.markdown(
        "The repository no longer owns the resource; live does not change. "
        "If the file still declares it, the next tick adopts it again."
    )
    if st.button("Release", type="primary", key="release_confirm"):
        with attempt() as tried:
            workbench().release(actor(), key)
        if tried.ok:
            _close()
            st.rerun()


def main() -> None:
    key = wanted_key(st.query_params.get("id", ""))
    if key is None:
        st.title("Resource")
        empty("The address contains no resource.", "Add ?id=account/section/name to the address.")
        link("fleet", "The fleet", icon=":material/dns:")
        return
    versions = workbench().history(key, 200)
    if not versions:
        st.title(plain(key.address))
        if covers(workbench().scope, key.account) and standing(key):
            st.caption("This resource does not exist yet.")
        else:
            empty(f"{key.address} has never existed in account {key.account}.")
        link("fleet", "The fleet", icon=":material/dns:")
        return
    follow(lambda: (workbench().history(key, 1)[0].version, workbench().state_of(key)))
    live = heading(key, versions)
    of, version = st.session_state.get("restored", (None, None))
    # Back can lead to another resource while the dialog is open: what was chosen is of one resource alone.
    if st.session_state.get("resource_dialog") == "restoring" and of == key:
        st.dialog("Restore a version", width="large", on_dismiss=_close)(_restore)(key, versions[0].spec, version)
    at = st.datetime_input("As of (UTC)", value=None, key="at", bind="query-params", help="Empty: now.", width=260)
    if isinstance(at, datetime):
        as_of(key, versions, at.replace(tzinfo=UTC))
        return
    spec = versions[0].spec
    if not live or spec is None:
        empty(
            "This resource is no longer live.",
            "Its history is below; a tick proposes it again if a file still declares it.",
        )
        standing(key)
        history(key, versions)
        return
    actions(key, spec, versions[0].version)
    standing(key)
    tabs = st.tabs(["Values", "References", "History", "As YAML"])
    with tabs[0]:
        blamed(key)
    with tabs[1]:
        references(key, spec)
    with tabs[2]:
        history(key, versions)
    with tabs[3]:
        st.code(phrases.clean_lines(export.snippet(key.kind, key.name, spec)), language="yaml")


main()
