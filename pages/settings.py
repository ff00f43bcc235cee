"""What limits are in force, where do they come from, and is the house in order?"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata

import streamlit as st

from engine.settings import ACCESS, SERVING, SETTINGS, Text
from engine.sync import git_version
from pages.components.layout import beside
from pages.components.markup import show
from pages.components.session import actor, service, workbench
from pages.components.text import plain


def limits() -> None:
    settings = workbench().settings
    st.subheader("Limits in force")
    st.caption("Read from the environment when the server starts; a change takes a restart.")
    show(
        "limits.html",
        rows=[(setting, getattr(settings, name), settings.sources.get(name)) for name, setting in SETTINGS.items()],
    )


def texts(title: str, group: Mapping[str, Text]) -> None:
    settings = workbench().settings
    st.subheader(title)
    rows = [
        (setting, ("set" if setting.secret else value) if (value := getattr(settings, name)) else None)
        for name, setting in group.items()
    ]
    show("access.html", rows=rows)


def health() -> None:
    scheduler = service().scheduler
    facts = workbench().store.facts()
    st.subheader("Scheduler")
    show(
        "scheduler.html",
        running=scheduler.running,
        interval=int(scheduler.interval.total_seconds()),
        last=scheduler.last_round_at,
        next_=scheduler.next_round_at,
        started=service().started_at,
        jobs=service().jobs.going(),
    )
    st.subheader("Store")
    show("store.html", facts=facts)


def versions() -> None:
    st.subheader("Versions")
    facts = workbench().store.facts()
    names = ("streamlit", "pandas", "plotly", "networkx", "gitpython", "hvac", "pyyaml", "apscheduler")
    rows = [
        ("Fleet Workbench", _version("fleet-workbench")),
        ("Store schema", str(facts.schema_version)),
        ("DuckDB", facts.engine_version),
        ("Python", platform.python_version()),
        ("git", git_version() or "missing"),
        *((name, _version(name)) for name in names),
    ]
    show("pairs.html", rows=rows)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "source tree"


def main() -> None:
    st.title("Settings")
    left, right = beside(1.5, 1)
    with left:
        limits()
        texts("How the outside is reached", ACCESS)
        texts("How others come in and are told", SERVING)
        health()
    with right:
        st.subheader("Signed in")
        st.markdown(
            f"**{plain(actor().name)}**, the local operator of this machine, with every permission. The server listens on loopback "
            "alone, so nobody else can come in."
        )
        versions()


main()
