"""What is registered and how it fares? Register, sync, dry run, pause, change and remove repositories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

from engine import phrases
from engine.access.credentials import Verdict
from engine.access.permits import DECIDING
from engine.errors import FleetError
from engine.flow.confirmations import host_of
from engine.flow.preview import Preview
from engine.flow.sync import endpoint, is_ssh, shown_host_key, shown_url
from engine.model import SWITCHES, Repository
from engine.present import words
from engine.server.jobs import Tell
from engine.server.webhooks import Provider
from engine.workbench import Synced, Workbench
from engine.workbench.check import Finding
from engine.workbench.reader import ProposalFilter
from pages.components.acts import act, refusal
from pages.components.layout import beside
from pages.components.links import link, open_page, to_run
from pages.components.markup import show
from pages.components.session import account, actor, attempt, begin, service, workbench
from pages.components.tables import badge, column, empty, paged, table
from pages.components.text import count, plain
from pages.components.turns import in_turn

HEALTH = ("failing", "paused", "failed proposals", "drifting", "never synced", "partial", "waiting", "ok", "disabled")

VAULT_HELP = "Only the path, such as secret/data/team/deploy-key. The secret contains username and password for https, or ssh_key for ssh."
HOST_KEY_HELP = (
    "As ssh-keyscan prints it: ssh-ed25519 AAAA… If you leave it empty, the key of the host is pinned at first use."
)

ENABLED = "The repository has ticks, by schedule and by hand."


def every_repository() -> None:
    bench = workbench()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title("Repositories", width="content")
        act(
            "Register",
            Workbench.add_repository,
            icon=":material/add:",
            type="primary",
            key="register",
            on_click=_open,
            args=("registering",),
        )
    with st.grid(2, min_column_width=220):
        health = st.selectbox("Health", HEALTH, index=None, placeholder="Any", key="health", bind="query-params")
        text = st.text_input("Search", placeholder="Name or URL", key="q", bind="query-params")
    wanted: dict[str, Any] = {"account": account(), "text": text.strip() or None, "health": health}
    _, total = bench.repository_table(**wanted, limit=1)
    if not total:
        if health or text.strip():
            empty("No repository matches these filters.")
        else:
            empty(
                "No repository is registered yet.",
                "A repository contains the fleet file. Register one, and each tick compares it with live.",
            )
        return
    rows, _ = bench.repository_table(**wanted, skip=paged(total))
    key = f"repositories_{rows[0].id}_{rows[-1].id}_{len(rows)}"
    chosen = table(
        [
            {
                "name": row.name,
                "health": [row.health],
                "last": row.started_at,
                "took": (row.finished_at - row.started_at).total_seconds()
                if row.finished_at and row.started_at
                else None,
                "commit": (row.revision or "")[:12],
                "subject": phrases.clean(row.subject or ""),
                "author": phrases.clean(row.author or ""),
                "pending": row.pending,
                "drifted": row.drifted,
                "withheld": row.remaining,
                "failures": row.failure_count,
                "next": row.next_attempt_at,
                "account": row.account,
                "branch": row.branch,
            }
            for row in rows
        ],
        {
            "name": column.text("Name", 180),
            "health": column.words("Health", 130),
            "last": column.time("Last run"),
            "took": st.column_config.NumberColumn("Seconds", format="%.2f", width=80),
            "commit": column.text("Commit", 115),
            "subject": column.text("Subject", 250),
            "author": column.text("Author", 120),
            "pending": column.number("Pending"),
            "drifted": column.number("Drifted"),
            "withheld": column.number("Withheld", 85),
            "failures": column.number("Failures in a row", 120),
            "next": column.time("Next attempt"),
            "account": column.text("Account", 110),
            "branch": column.text("Branch", 90),
        },
        key=key,
        select="single",
        alt="Repositories, the worst first",
    )
    if chosen:
        open_page("repositories", name=rows[chosen[0]].name)
    st.caption("Select a row to open the repository.")


def one_repository(repository: Repository) -> None:
    bench = workbench()
    found, _ = bench.repository_table(text=repository.name, limit=1_000)
    row = next(row for row in found if row.id == repository.id)
    st.title(plain(repository.name))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{badge(row.health)} :gray[account {plain(repository.account)}]")
        link("approvals", f"{count(row.pending, 'proposal')} pending", repository=repository.name)
        if row.remaining and row.run_id is not None:
            to_run(row.run_id, f"{count(row.remaining, 'difference')} not proposed: show the reasons")
        link("drift", f"{row.drifted} drifted", repository=repository.name)
        link("repositories", "All repositories", icon=":material/list:")
    if repository.paused_reason:
        st.warning(
            f"Paused by {plain(repository.paused_by)}: {plain(repository.paused_reason)}", icon=":material/pause:"
        )
    waits = unconfirmed(repository)
    if row.status == "failed" and row.run_id is not None:
        trouble(row.run_id, said_already="FLEET-229" if waits else None)
    buttons(repository)
    going(repository)
    shown_preview(repository)
    left, right = beside(1.6, 1)
    with left:
        recent(repository)
    with right:
        st.subheader("Settings")
        key = repository.ssh_host_key
        show(
            "repository.html",
            repository=repository,
            row=row,
            switched_on=[switch.title for switch in SWITCHES if getattr(repository, switch.name)],
            url=shown_url(repository.url),
            host_key=(shown_host_key(key) if key else "pinned at first use") if is_ssh(repository.url) else None,
        )
        act(
            "Change",
            Workbench.change_repository,
            icon=":material/edit:",
            key="change",
            on_click=_open,
            args=("changing", repository),
        )
        webhooks(repository)


def webhooks(repository: Repository) -> None:
    """Where its git host sends pushes, and what came in lately."""
    bench = workbench()
    st.subheader("Webhook")
    here = bench.settings.public_url or f"http://localhost:{st.get_option('server.port')}"
    show(
        "webhooks.html",
        addresses=[(provider.value, f"{here}/api/v1/webhooks/{provider}") for provider in Provider],
        secret=bool(bench.settings.webhook_secret),
        deliveries=bench.deliveries(repository.name)[:5],
    )


def trouble(run_id: int, said_already: str | None) -> None:
    """Why the last tick failed, and what to do; nothing where the page says so already, under this code."""
    error = workbench().run(run_id).error or {}
    if said_already is not None and error.get("code") == said_already:
        return
    st.error(
        f"The last tick failed: {plain(error.get('message', ''))} {plain(error.get('hint', ''))} :gray[{plain(error.get('code', ''))}]",
        icon=":material/error:",
    )


def unconfirmed(repository: Repository) -> bool:
    """Say that somebody has to confirm where the credential goes, with a button for people who may; gives whether that is so."""
    found = workbench().credential_use(repository.name)
    if found is None or found.verdict is not Verdict.UNCONFIRMED:
        return False
    st.warning(
        f"The runs of this repository fail until you confirm its credential: it is not confirmed that the credential at "
        f"{plain(found.path)} may be sent to {plain(found.host)}. This requires write permission in every account.  \n"
        ":small[:gray[FLEET-229]]",
        icon=":material/key:",
    )
    if _may_confirm():
        act(
            "Confirm the host of the credential",
            Workbench.trust_credential,
            icon=":material/key:",
            key="credential",
            on_click=_open,
            args=("confirming",),
        )
    return True


def _may_confirm() -> bool:
    return refusal(Workbench.trust_credential) is None


def buttons(repository: Repository) -> None:
    with st.container(horizontal=True):
        act(
            "Sync now", Workbench.sync, icon=":material/sync:", type="primary", key="sync", shortcut="s", on_click=_sync, args=(repository.name,),
            disabled=not repository.enabled,
        )  # fmt: skip
        act(
            "Dry run", Workbench.dry_run, icon=":material/preview:", key="dry_run", on_click=_dry_run, args=(repository.name,),
            help="Shows what a sync would find now; writes nothing.",
        )  # fmt: skip
        act(
            "Check",
            Workbench.look_at,
            icon=":material/fact_check:",
            key="check",
            on_click=_check_again,
            args=(repository,),
        )
        if is_ssh(repository.url):
            act(
                "Host key",
                Workbench.offered_host_key,
                icon=":material/fingerprint:",
                key="host_key",
                on_click=_ask_host,
                args=(repository,),
            )
        if repository.paused_reason:
            act(
                "Resume",
                Workbench.resume,
                icon=":material/play_arrow:",
                key="resume",
                on_click=_resume,
                args=(repository.name,),
            )
        else:
            act("Pause", Workbench.pause, icon=":material/pause:", key="pause", on_click=_open, args=("pausing_one",))
        act(
            "Remove",
            Workbench.remove_repository,
            icon=":material/delete:",
            key="remove",
            on_click=_open,
            args=("removing",),
        )


def going(repository: Repository) -> None:
    """Where the sync that goes on is."""
    if any(job.key == _key(repository.name) for job in service().jobs.going()):
        st.fragment(in_turn(_stages), run_every=0.5)(repository.name)


def _stages(name: str) -> None:
    job = next((job for job in service().jobs.going() if job.key == _key(name)), None)
    if job is not None:
        order = ("sync", "parse", "diff", "propose", "apply")
        at = order.index(job.words) if job.words in order else 0
        show(
            "steps.html",
            steps=[
                {
                    "name": stage,
                    "state": "done" if i < at else "going" if i == at else "",
                    "note": "running" if i == at else "",
                }
                for i, stage in enumerate(order)
            ],
        )


def _key(name: str) -> str:
    return f"sync {name}"


def _sync(name: str) -> None:
    bench, me = workbench(), actor()

    def work(tell: Tell) -> Synced:
        return bench.sync(
            me, name, watcher=lambda stage: tell(stage, 0, 0), progress=lambda done, of: tell("apply", done, of)
        )

    def say(synced: Synced) -> str:
        run = synced.run
        if run.unchanged:
            return f"nothing has changed since run {run.id}"
        if run.error:
            message = run.error["message"].removeprefix(f"{run.error['code']} ")
            raise FleetError(run.error["code"], f"run {run.id} failed: {message}", run.error.get("hint", ""))
        return f"run {run.id} found {count(run.diff_count, 'difference')}, opened {count(run.opened, 'proposal')}, withheld {run.remaining}"

    begin(_key(name), f"Sync {name}", work, say).ended.wait(1.5)


def _dry_run(name: str) -> None:
    with attempt():
        revision, preview = workbench().dry_run(actor(), name)
        st.session_state["dry_run_of"] = (name, revision.commit, preview)


def shown_preview(repository: Repository) -> None:
    """What the dry run found, until the page is left."""
    name, commit, preview = st.session_state.get("dry_run_of") or ("", "", None)
    if name != repository.name or preview is None:
        return
    with st.container(border=True):
        st.markdown(f"**Dry run at {plain(commit[:12])}:** {plain(_sum(preview))}. Nothing was written.")
        if preview.entries:
            table(
                [
                    {
                        "change": [entry.difference.change.value],
                        "resource": preview.place(entry),
                        "what": ", ".join(words.change_words(change, 24) for change in entry.fields[:6]),
                        "withheld": entry.withheld or "",
                        "detail": phrases.clean(entry.detail),
                    }
                    for entry in preview.entries[:200]
                ],
                {
                    "change": column.change(),
                    "resource": column.text("Resource", 240),
                    "what": column.text("What", 360),
                    "withheld": column.text("Withheld", 130),
                    "detail": column.text("Why", 300),
                },
                alt="Differences that a sync would find",
            )
            if len(preview.entries) > 200:
                st.caption(f"and {len(preview.entries) - 200:,} more")
        st.button("Close", key="close_dry_run", on_click=lambda: st.session_state.pop("dry_run_of", None))


def _sum(preview: Preview) -> str:
    held = sum(entry.withheld is not None for entry in preview.entries)
    return f"{count(len(preview.entries), 'difference')}, {held:,} of them withheld; {count(preview.unchanged, 'resource')} as declared"


def recent(repository: Repository) -> None:
    bench = workbench()
    st.subheader("Recent runs")
    found = bench.runs(repository=repository.name, limit=8)
    if not found:
        empty("No tick yet.", "Sync now, or wait: the first tick starts one interval after the registration.")
        return
    key = f"recent_{found[0].id}"
    table(
        [
            {
                "open": str(run.id),
                "status": [run.status.value],
                "started": run.started_at,
                "diffs": run.diff_count,
                "opened": run.opened,
                "commit": (run.revision or "")[:12],
                "subject": phrases.clean(run.subject or ""),
            }
            for run in found
        ],
        {
            "open": st.column_config.ButtonColumn("Run", type="tertiary", key=f"{key}_open", width=60),
            "status": column.status(),
            "started": column.time("Started"),
            "diffs": column.number("Differences", 95),
            "opened": column.number("Opened", 75),
            "commit": column.text("Commit", 115),
            "subject": column.text("Subject", 220),
        },
        key=key,
        alt="Recent runs",
    )
    if clicked := st.session_state.get(f"{key}_open"):
        open_page("runs", id=found[clicked["row"]].id)
    link("runs", "All runs of this repository", repository=repository.name)


# Dialogs: each is open while the session says so, and closed by its own button or by Escape.


def _open(name: str, seen: Repository | None = None) -> None:
    """Open a dialog. `seen` is the repository as it was then: only what is different from that in the end was changed here."""
    st.session_state["repository_dialog"] = name
    st.session_state["repository_seen"] = seen
    st.session_state.pop("findings", None)


def _seen(repository: Repository) -> Repository:
    """The repository as it was when the dialog on it was opened."""
    seen: Repository | None = st.session_state.get("repository_seen")
    return seen if seen is not None and seen.id == repository.id else repository


def _close() -> None:
    st.session_state.pop("repository_dialog", None)


def _done() -> None:
    _close()
    st.rerun()


def dialogs(repository: Repository | None) -> None:
    asked = st.session_state.get("repository_dialog")
    if asked == "registering" and repository is None:
        st.dialog("Register a repository", width="large", on_dismiss=_close)(_register)()
    elif repository is None:
        return
    elif asked == "changing":
        st.dialog("Change the repository", width="medium", on_dismiss=_close)(_change)(_seen(repository))
    elif asked == "pausing_one":
        st.dialog("Pause the repository", on_dismiss=_close)(_pause)(repository)
    elif asked == "removing":
        st.dialog("Remove the repository", on_dismiss=_close)(_remove)(repository)
    elif asked == "comparing":
        st.dialog("Host key", width="medium", on_dismiss=_close)(_compare)(repository)
    elif asked == "confirming":
        st.dialog("Confirm the host of the credential", width="medium", on_dismiss=_close)(_confirm)(repository)
    elif asked == "checking":
        st.dialog("Check", width="medium", on_dismiss=_close)(_findings)(st.session_state.get("findings", ()))


def _register() -> None:
    bench = workbench()
    url = st.text_input(
        "URL",
        key="new_url",
        placeholder="https://git.example.com/team/fleet-config.git, or git@git.example.com:team/fleet-config.git",
    )
    called = _called(url)
    name = (
        st.text_input(
            "Name",
            key="new_name",
            placeholder=called or "fleet-config",
            help="The name for this repository in Fleet Workbench.",
        )
        or called
    )
    with st.grid(3, min_column_width=150):
        wanted = st.text_input("Account", key="new_account", value=bench.account(account()))
        branch = st.text_input("Branch", key="new_branch", value="main")
        prefix = st.text_input("Path prefix", key="new_prefix", placeholder="top folder")
    with st.grid(2, min_column_width=220):
        vault = st.text_input(
            "Vault path of the credential", key="new_vault", placeholder="not needed", help=VAULT_HELP
        )
        host_key = st.text_input(
            "SSH host key", key="new_host_key", placeholder="pinned at first use", help=HOST_KEY_HELP,
            disabled=bool(url.strip()) and not is_ssh(url.strip()),
        )  # fmt: skip
    may_not = refusal(Workbench.add_repository, also=DECIDING)
    switches = {
        switch.name: st.checkbox(
            switch.title,
            key=f"new_{switch.name}",
            help=(switch.decides and may_not) or switch.doc,
            disabled=switch.decides and may_not is not None,
        )
        for switch in SWITCHES
        if switch.from_the_start
    }
    with st.container(horizontal=True):
        checked = st.button("Check", icon=":material/fact_check:", key="new_check")
        saved = st.button("Register", type="primary", key="new_save")
    if checked:
        with attempt(), st.spinner("Connecting to the remote …"):
            st.session_state["findings"] = bench.check_repository(
                actor(),
                url.strip(),
                branch=branch.strip() or "main",
                path_prefix=prefix.strip(),
                account=wanted.strip() or None,
                vault_credential_path=vault.strip() or None,
                ssh_host_key=host_key.strip() or None,
            )
    if findings := st.session_state.get("findings"):
        _findings(findings)
        for its in {finding.account for finding in findings if finding.account}:
            st.button(
                f"Use account {plain(its)}, as in the file",
                icon=":material/check:",
                key="new_take_account",
                on_click=_take_account,
                args=(its,),
            )
    if saved:
        with attempt() as tried:
            bench.add_repository(
                actor(),
                name.strip(),
                url.strip(),
                account=wanted.strip() or None,
                branch=branch.strip() or "main",
                path_prefix=prefix.strip(),
                vault_credential_path=vault.strip() or None,
                ssh_host_key=host_key.strip() or None,
                **switches,
            )
        if tried.ok:
            _close()
            open_page("repositories", name=name.strip())


def _take_account(its: str) -> None:
    st.session_state["new_account"] = its
    st.session_state.pop("findings", None)


def _called(url: str) -> str:
    """What a repository is called by the last part of its URL; empty where that has none."""
    last = re.split(r"[/:]", re.split(r"[?#]", url.strip())[0].rstrip("/"))[-1].removesuffix(".git")
    return "" if "@" in last else last  # no path, and somebody's credential before the host


def _findings(findings: Sequence[Finding]) -> None:
    show("findings.html", findings=findings)


def _check_again(repository: Repository) -> None:
    with attempt():
        found, _ = workbench().look_at(actor(), repository.name)
        st.session_state["repository_dialog"] = "checking"
        st.session_state["findings"] = found


def _change(repository: Repository) -> None:
    """Ask for other settings. `repository` is as it was when the dialog opened: what somebody else changes meanwhile stays."""
    may_not = refusal(Workbench.change_repository, also=DECIDING)
    url = st.text_input("URL", key="set_url", value=repository.url)
    with st.grid(3, min_column_width=150):
        branch = st.text_input("Branch", key="set_branch", value=repository.branch)
        prefix = st.text_input("Path prefix", key="set_prefix", value=repository.path_prefix, placeholder="top folder")
        wanted = st.text_input("Account", key="set_account", value=repository.account)
    with st.grid(2, min_column_width=220):
        vault = st.text_input(
            "Vault path of the credential", key="set_vault", value=repository.vault_credential_path or "",
            placeholder="not needed", help=VAULT_HELP,
        )  # fmt: skip
        host_key = st.text_input(
            "SSH host key", key="set_host_key", value=repository.ssh_host_key or "", placeholder="pinned at first use",
            help=HOST_KEY_HELP, disabled=not is_ssh(url.strip()),
        )  # fmt: skip
    kept = _confirmed(repository, url.strip(), vault.strip())
    switches = {"enabled": st.toggle("Enabled", key="set_enabled", value=repository.enabled, help=ENABLED)}
    for switch in SWITCHES:
        on = getattr(repository, switch.name)
        switches[switch.name] = st.toggle(
            switch.title,
            key=f"set_{switch.name}",
            value=on,
            help=(switch.decides and may_not) or switch.doc,
            disabled=switch.decides and may_not is not None and not on,
        )
    release = False
    if wanted.strip() != repository.account:
        st.warning(
            "With another account, its resources in the old account become destroys, unless you leave them there."
        )
        release = st.checkbox("Keep the resources in the old account", key="set_release")
    if st.button("Save", type="primary", key="set_save"):
        given = {
            "url": url.strip(), "branch": branch.strip(), "path_prefix": prefix.strip(), "account": wanted.strip(),
            "vault_credential_path": vault.strip() or None, "ssh_host_key": host_key.strip() or None,
        }  # fmt: skip
        changes = {field: now for field, now in {**given, **switches}.items() if now != getattr(repository, field)}
        if kept:
            changes["vault_credential_path"] = repository.vault_credential_path
        with attempt() as tried:
            workbench().change_repository(actor(), repository.name, changes, release=release)
            if kept and _may_confirm():
                found = workbench().credential_use(repository.name)
                if found is not None and found.host == kept:
                    workbench().trust_credential(actor(), repository.name, found.path, found.host)
        if tried.ok:
            st.toast("Saved; it takes effect at the next tick." if changes else "Nothing was changed.")
            _done()


def _confirmed(repository: Repository, url: str, vault: str) -> str | None:
    """The `host:port` to which the stored credential may go from now on; asked only where the URL leads to another one."""
    path = repository.vault_credential_path
    if path is None or vault != path or endpoint(url) == endpoint(repository.url):
        return None
    (old, _), (new, port) = endpoint(repository.url), endpoint(url)
    st.warning(
        f"Another host or port: the credential at {plain(path)} is for {plain(old)}, and is dropped unless you decide otherwise.",
        icon=":material/key:",
    )
    if not _may_confirm():
        st.caption(
            "A person with write permission in every account must then confirm the new host; until then its runs fail."
        )
    asked = st.checkbox(f"Send this credential to {plain(new)} (port {plain(port)}) from now on", key="set_confirmed")
    return host_of(url) if asked else None


def _ask_host(repository: Repository) -> None:
    with attempt():
        st.session_state["offered"] = workbench().offered_host_key(actor(), repository.name)
        st.session_state["repository_dialog"] = "comparing"


def _compare(repository: Repository) -> None:
    offered, pinned = st.session_state["offered"], repository.ssh_host_key
    show(
        "pairs.html",
        rows=[
            ("Pinned", shown_host_key(pinned) if pinned else "none yet; pinned at first use"),
            ("Shown now", shown_host_key(offered)),
        ],
    )
    if offered == pinned:
        st.success("The keys are equal.", icon=":material/check:")
        return
    if pinned:
        st.warning(
            "Someone may be intercepting the connection, or the host was reinstalled. Get the fingerprint from its administrator by another channel.",
            icon=":material/warning:",
        )
    if act(
        "Trust the new key",
        Workbench.trust_host_key,
        also=DECIDING if pinned else (),
        type="primary",
        key="trust",
    ):
        with attempt() as tried:
            workbench().trust_host_key(actor(), repository.name, offered)
        if tried.ok:
            st.toast("The key is trusted; it takes effect at the next tick.")
            _done()


def _confirm(repository: Repository) -> None:
    found = workbench().credential_use(repository.name)
    if found is None:
        st.write("No credential is set.")
        return
    facts = [
        ("Credential", found.path),
        ("Goes to", found.host),
        ("URL", shown_url(repository.url)),
        ("Account", repository.account),
    ]
    show("pairs.html", rows=facts)
    st.warning(
        "The administrator of that host can read the credential. Compare the address letter by letter.",
        icon=":material/warning:",
    )
    # The arguments are those that were shown: what somebody changed meanwhile is refused, not confirmed.
    st.button(
        "Confirm",
        type="primary",
        key="confirm_credential",
        on_click=_trust_credential,
        args=(repository.name, found.path, found.host),
    )


def _trust_credential(name: str, path: str, host: str) -> None:
    with attempt() as tried:
        workbench().trust_credential(actor(), name, path, host)
    if tried.ok:
        st.toast("Confirmed; the next tick uses it.")
        _close()


def _pause(repository: Repository) -> None:
    st.write("This repository has no ticks and no applies until you resume it. Other repositories continue.")
    reason = st.text_input("Reason", key="pause_one_reason")
    if st.button("Pause", type="primary", key="pause_one_confirm"):
        with attempt() as tried:
            workbench().pause(actor(), reason, repository.name)
        if tried.ok:
            _done()


def _resume(name: str) -> None:
    with attempt():
        workbench().resume(actor(), name)


def _remove(repository: Repository) -> None:
    bench = workbench()
    live = bench.count_proposals(
        ProposalFilter(repositories=[repository.name], statuses=["pending", "approved", "failed", "rejected"])
    )
    st.markdown(
        f"- {count(live, 'live proposal')} will be withdrawn.\n"
        f"- {count(bench.owned_by(repository.name), 'resource')} will be released: they do not change, and no repository owns them.\n"
        "- Its runs and its whole history are kept. Its name can be used again.\n"
        "- The git repository itself does not change."
    )
    typed = st.text_input("Type the name to confirm", key="remove_name")
    if st.button("Remove", type="primary", key="remove_confirm"):
        if typed.strip() != repository.name:
            st.error("This is not the name of the repository.")
            return
        with attempt() as tried:
            facts = bench.remove_repository(actor(), repository.name)
        if tried.ok:
            _close()
            st.toast(f"Removed; {count(facts['withdrawn'], 'proposal')} withdrawn.")
            open_page("repositories")


def main() -> None:
    name = st.query_params.get("name")
    if name is None:
        every_repository()
        dialogs(None)
        return
    with attempt() as tried:
        repository = workbench().repository(name)
    if not tried.ok:
        link("repositories", "All repositories", icon=":material/list:")
        return
    one_repository(repository)
    dialogs(repository)


main()
