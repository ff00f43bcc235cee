"""A reader narrowed to one account: whatever is asked, in whatever way, nothing of another comes back."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.errors import FleetError, RefusedEdit
from engine.model import Actor, Permission, ResourceKey
from engine.reader import ProposalFilter, Reader, RunFilter
from engine.store.events import EventFilter
from engine.workbench import Workbench
from tests.conftest import fill_account

ME = Actor("ana")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
KEY = ResourceKey("rival", "modules", "rival-one")


@pytest.fixture
def two(workbench: Workbench, tmp_path: Path) -> Workbench:
    """In each account something pending, applied, drifted, withheld, failed and paused, named after the account."""
    for account in ("acme", "rival"):
        fill_account(workbench, account, tmp_path)
        workbench.drill(ME, account)
        undone = [p.id for p in workbench.live_proposals(account=account) if p.key.name == f"{account}-two"]
        workbench.approve(ME, undone)
        workbench.apply(ME, account=account)
        workbench.revert(ME, undone)
        workbench.add_repository(ME, f"{account}-lost", str(tmp_path / "nowhere"), account=account)
        workbench.sync(ME, f"{account}-lost")
        workbench.note_deliveries(
            "github", f"{account}-delivery", None, [(workbench.repository(f"{account}-repo").id, "x")]
        )
        workbench.pause(ME, f"{account}-freeze", f"{account}-repo")
    workbench.approve(ME, [p.id for p in workbench.live_proposals(account="rival")][:1])
    return workbench


SILENT = {
    "account", "awaited", "kind", "limits", "count_events", "count_proposals", "count_runs", "derived", "drift_figures", "event_types", "held_back", "outcomes", "owned_by",
    "kept_snapshots", "neighbours", "pending_beside", "read_file", "risks", "state_of", "states", "withheld_counts",
}  # fmt: skip
"""Ways to ask that name nothing of an account even where all are open."""


def small(reader: Reader) -> Reader:
    """The same reader, for whom no fleet fits into a fleet file."""
    made = copy(reader)
    made.settings = replace(reader.settings, max_file_bytes=1)
    return made


def rivals(two: Workbench) -> dict[str, Callable[[Reader], Any]]:
    """Each way to ask, aimed at the other account as well as it can be."""
    (run,) = two.runs(repository="rival-repo", limit=1)
    ids = [p.id for p in two.proposals(account="rival")]
    spec = two.resource(KEY).spec
    found = two.read_file(b"version: 1\naccount: rival\nmodules: {}\n", file="fleet.yaml")
    return {
        "account": lambda r: r.account(None),
        "accounts": lambda r: r.accounts(),
        "awaited": lambda r: r.awaited(two.proposal(ids[0])),
        "blame": lambda r: r.blame(KEY),
        "count_events": lambda r: r.count_events(EventFilter(text="rival")),
        "count_proposals": lambda r: r.count_proposals(ProposalFilter(repositories=["rival-repo"])),
        "count_runs": lambda r: r.count_runs(RunFilter(repositories=["rival-repo"])),
        "deliveries": lambda r: r.deliveries("rival-repo"),
        "derived": lambda r: r.derived(KEY, spec, r.neighbours(KEY, spec)) and None,
        "drift": lambda r: r.drift(),
        "drift_figures": lambda r: r.drift_figures().open == 1,
        "drift_marks": lambda r: r.drift_marks(r.drift(), LONG_AGO),
        "event_types": lambda r: r.event_types(),
        "events": lambda r: r.events(limit=1000),
        "exports_too_large": lambda r: small(r).exports_too_large(),
        "fleet": lambda r: r.fleet(account="rival"),
        "edits_since_agreed": lambda r: r.edits_since_agreed(KEY),
        "export": lambda r: r.export(account="rival"),
        "find_drift": lambda r: r.find_drift(),
        "find_events": lambda r: r.find_events(EventFilter()),
        "find_proposals": lambda r: r.find_proposals(ProposalFilter()),
        "find_runs": lambda r: r.find_runs(RunFilter()),
        "frequent_drift": lambda r: r.frequent_drift(),
        "graph": lambda r: r.graph(),
        "held_back": lambda r: r.held_back(KEY),
        "history": lambda r: r.history(KEY),
        "inventory": lambda r: r.inventory(),
        "last_drill": lambda r: r.last_drill(),
        "last_drills": lambda r: r.last_drills(),
        "kept_snapshots": lambda r: r.kept_snapshots(),
        "kind": lambda r: r.kind("modules").section,
        "limits": lambda r: r.limits(),
        "live_proposals": lambda r: r.live_proposals(),
        "narrowed": lambda r: r.narrowed("rival").scope,
        "neighbours": lambda r: r.neighbours(KEY, spec).referrers,
        "outcomes": lambda r: r.outcomes(LONG_AGO),
        "owned_by": lambda r: r.owned_by("rival-repo"),
        "pauses": lambda r: r.pauses(),
        "pending_beside": lambda r: r.pending_beside(ids[0], "rival"),
        "plan": lambda r: r.plan(),
        "preview": lambda r: r.preview(found, account="rival"),
        "preview_file": lambda r: r.preview_file(b"version: 1\naccount: rival\n", file="f", account="rival"),
        "proposal": lambda r: r.proposal(ids[0]),
        "proposals": lambda r: r.proposals(),
        "proposals_by_id": lambda r: r.proposals_by_id(ids),
        "prospects": lambda r: r.prospects(ids),
        "pulse": lambda r: r.pulse(),
        "read_file": lambda r: r.read_file(b"version: 1\naccount: rival\n", file="fleet.yaml", account="rival"),
        "repositories": lambda r: r.repositories(),
        "repository": lambda r: r.repository("rival-repo"),
        "repository_table": lambda r: r.repository_table(),
        "resource": lambda r: r.resource(KEY),
        "resources": lambda r: r.resources(),
        "reverts_of": lambda r: r.reverts_of([p.id for p in two.proposals(account="rival", status="applied")]),
        "risks": lambda r: r.risks(),
        "run": lambda r: r.run(run.id),
        "run_bodies": lambda r: r.run_bodies(r.runs()),
        "held_by": lambda r: [r.held_by(run) for run in r.runs()],
        "run_body": lambda r: [r.run_body(run) for run in r.runs()],
        "run_of": lambda r: r.run_of(two.proposal(ids[0])),
        "run_before": lambda r: [r.run_before(run) for run in r.runs()],
        "runs": lambda r: r.runs(),
        "state_of": lambda r: r.state_of(KEY),
        "states": lambda r: r.states(),
        "status": lambda r: r.status(),
        "withheld_counts": lambda r: r.withheld_counts(),
    }


def test_nothing_of_another_account_comes_back_whatever_is_asked(two: Workbench) -> None:
    asked = rivals(two)
    methods = {name for name, _ in inspect.getmembers(Reader, inspect.isfunction) if not name.startswith("_")}
    assert set(asked) == methods, "each way to ask is tried here"
    narrow = two.narrowed("acme")
    for name, ask in asked.items():
        try:
            said = repr(ask(narrow))
        except FleetError as error:
            said = str(error)
        said = said.replace("There is no repository rival-repo", "").replace("modules/rival-one in account rival", "")
        assert "rival" not in said, (name, said)
        if name not in SILENT:
            assert "rival" in repr(ask(two)), name
    assert narrow.drift_figures().open == two.drift_figures().open - 1
    assert narrow.states() == two.states("acme") != two.states()
    assert narrow.risks() == two.risks("acme") != two.risks()
    assert narrow.outcomes(LONG_AGO) == two.outcomes(LONG_AGO, "acme") != two.outcomes(LONG_AGO)
    assert narrow.count_events(EventFilter()) < two.count_events(EventFilter())
    assert narrow.count_runs(RunFilter()) == two.count_runs(RunFilter(account="acme"))
    assert narrow.count_proposals(ProposalFilter()) == two.count_proposals(ProposalFilter(account="acme"))
    two.create_token(ME, "x", account="rival", permissions=[Permission.READ])
    assert "access.token_created" in two.event_types()
    assert "access.token_created" not in narrow.event_types(), "nor what kind of thing happened there"
    assert not narrow.plan().steps
    assert not narrow.plan().skipped
    assert [skip.reason for skip in two.plan().skipped] == ["paused"]


def test_naming_another_account_is_refused(two: Workbench) -> None:
    narrow = two.narrowed("acme")
    for ask in (
        lambda: narrow.account("rival"),
        lambda: narrow.proposals(account="rival"),
        lambda: narrow.find_events(EventFilter(account="rival")),
        lambda: narrow.export(account="rival"),
        lambda: narrow.narrowed("rival"),
    ):
        with pytest.raises(RefusedEdit, match="FLEET-600"):
            ask()
    assert narrow.narrowed("*").scope == "acme"
    assert narrow.account(None) == "acme"
