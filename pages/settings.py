"""What limits are in force, where do they come from, and is the house in order?"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata

import streamlit as st

from engine.flow.sync import git_version, is_too_old
from engine.phrases import count, mebibytes
from engine.settings import ACCESS, SERVING, SETTINGS, Text
from engine.workbench import Workbench
from pages.components.acts import act
from pages.components.layout import beside
from pages.components.markup import show
from pages.components.people import people
from pages.components.session import actor, attempt, everywhere, going, service, signed_in, workbench
from pages.components.text import plain
from pages.components.tokens import tokens


def limits() -> None:
    settings = workbench().settings
    st.subheader("Limits in force")
    st.caption("Read from the environment when the server starts; a change requires a restart.")
    show(
        "limits.html",
        rows=[(setting, getattr(settings, name), settings.sources.get(name)) for name, setting in SETTINGS.items()],
    )


def texts(title: str, group: Mapping[str, Text]) -> None:
    settings = workbench().settings
    rows = [
        (setting, ("set" if setting.secret else value) if (value := getattr(settings, name)) else None)
        for name, setting in group.items()
    ]
    known = sum(name in settings.sources for name in group)
    with st.expander(f"{plain(title)} ({known} of {len(rows)} set)"):
        show("access.html", rows=rows)


def scheduler() -> None:
    """Whether rounds of ticks go on, and the jobs that whoever looks may see."""
    scheduler = service().scheduler
    st.subheader("Scheduler")
    show(
        "scheduler.html",
        running=scheduler.running,
        interval=int(scheduler.interval.total_seconds()),
        last=scheduler.last_round_at,
        next_=scheduler.next_round_at,
        started=service().started_at,
        jobs=going(),
    )


def store() -> None:
    """How the store is, and the button that makes it smaller."""
    st.subheader("Store")
    show("store.html", facts=workbench().store.facts(), settings=workbench().settings)
    if act(
        "Compact",
        Workbench.prune,
        Workbench.compact,
        icon=":material/compress:",
        key="compact",
        help="Delete rows that are older than this, and rewrite the store. Reads continue meanwhile; writes wait.",
    ):
        with attempt(), st.spinner("Compacting …"):
            gone = workbench().prune(actor())
            before, after = workbench().compact(actor())
            forgot = ", ".join(f"{count(rows, 'row')} of {table}" for table, rows in gone.items()) or "nothing"
            st.toast(
                f"Deleted {plain(forgot)}; the store has {plain(mebibytes(after))}, before it had {plain(mebibytes(before))}."
            )


def who() -> None:
    """Who acts here, as what, and how others would come in."""
    st.subheader("Signed in")
    found = signed_in() if workbench().settings.signs_in else None
    if found is None:
        st.markdown(
            f"**{plain(actor().name)}**, the local operator of this machine, with every permission. Sign-in is not set up, so the server "
            "listens on loopback only. Set the FLEET_OIDC settings to set up sign-in."
        )
        return
    me, roles = found
    where = "every account" if me.account == "*" else f"account {plain(me.account)}"
    st.markdown(f"**{plain(me.name)}**, {plain(' and '.join(sorted(roles)))} of {where}.")
    st.caption(f"Permissions: {plain(', '.join(sorted(p.short for p in me.permissions)))}.")


def notifications() -> None:
    """Who is told what happens, and whether they can be reached."""
    st.subheader("Notifications")
    settings = workbench().settings
    sinks = [name for name, url in (("webhook", settings.notify_url), ("Slack", settings.slack_url)) if url]
    if not sinks:
        st.caption("Notifications are not set up. Set FLEET_NOTIFY_URL or FLEET_SLACK_URL.")
        return
    st.caption(
        f"Proposals opened, applied and failed, drift, and failing repositories are sent to {' and '.join(sinks)}."
    )
    for sink in service().sinks():
        if sink.trouble:
            st.warning(
                f"{plain(sink.sink)}: {plain(sink.trouble)}. Messages are retried for a day.",
                icon=":material/warning:",
            )
    if act("Send a test", Workbench.test_notifications, icon=":material/send:", key="notify_test"):
        with attempt(), st.spinner("Sending …"):
            for name, outcome in workbench().test_notifications(actor()):
                if outcome == "delivered":
                    st.success(f"{plain(name)}: delivered", icon=":material/check:")
                else:
                    st.error(f"{plain(name)}: {plain(outcome)}", icon=":material/error:")


def versions() -> None:
    """What runs here: for one account only which Fleet Workbench that is."""
    st.subheader("Versions")
    if not everywhere():
        show("pairs.html", rows=[("Fleet Workbench", _version("fleet-workbench"))])
        return
    facts = workbench().store.facts()
    names = (
        "streamlit",
        "fastapi",
        "pandas",
        "plotly",
        "networkx",
        "gitpython",
        "hvac",
        "pyyaml",
        "apscheduler",
        "pyjwt",
    )
    rows = [
        ("Fleet Workbench", _version("fleet-workbench")),
        ("Store schema", str(facts.schema_version)),
        ("DuckDB", facts.engine_version),
        ("Python", platform.python_version()),
        ("git", _git()),
        *((name, _version(name)) for name in names),
    ]
    show("pairs.html", rows=rows)


def _git() -> str:
    version = git_version()
    if version is None:
        return "missing"
    return f"{version} (too old)" if is_too_old(version) else version


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "source tree"


def main() -> None:
    st.title("Settings")
    left, right = beside(1.5, 1)
    with left:
        people()
        tokens()
        limits()
        if everywhere():
            texts("Outgoing connections", ACCESS)
            texts("Sign-in, webhooks and notifications", SERVING)
        else:
            st.caption("Only people with access to every account see the server settings and the store.")
    with right:
        who()
        scheduler()
        if everywhere():
            store()
            notifications()
        versions()


main()
