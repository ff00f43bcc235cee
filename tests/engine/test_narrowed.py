"""A reader narrowed to one account: whatever is asked, in whatever way, nothing of another comes back."""

from __future__ import annotations

import inspect

import pytest

from engine.errors import FleetError, RefusedEdit
from engine.model import Actor, Permission
from engine.store.events import EventFilter
from engine.workbench import Workbench
from engine.workbench.reader import ProposalFilter, Reader, RunFilter
from tests.builders import LONG_AGO, rivals

ME = Actor("ana")

SILENT = {
    "account", "awaited", "kind", "limits", "count_events", "count_proposals", "count_runs", "derived", "drift_figures", "event_types", "held_back", "outcomes", "owned_by",
    "kept_snapshots", "neighbours", "pending_beside", "read_file", "risks", "state_of", "states", "withheld_counts",
}  # fmt: skip
"""Ways to ask that name nothing of an account even where all are open."""


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
