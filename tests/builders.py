"""What tests of several folders build on and ask of a store. All that reaches past the store's own verbs stands here.

A store on another database needs these few functions anew, and its tests stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from engine.model import ResourceKey
from engine.store import Store
from engine.store.database import Transaction
from engine.store.events import EventFilter
from engine.workbench import Workbench
from engine.workbench.reader import ProposalFilter, Reader, RunFilter

Rows = list[tuple[Any, ...]]


def query(store: Store, sql: str) -> Rows:
    """What a question of the test's own gives, all of it of one moment."""
    with store.read() as tx:
        return run(tx, sql)


def change(store: Store, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
    """Make of a store what no verb makes of it: what an earlier version left, or more rows than anybody would wait for."""
    with store.write() as tx:
        run(tx, sql, parameters)


def run(tx: Transaction, sql: str, parameters: Mapping[str, Any] | None = None) -> Rows:
    """A statement of the test's own within a transaction."""
    return tx._cursor.execute(sql, parameters).fetchall()


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
RIVAL = ResourceKey("rival", "modules", "rival-one")


def small(reader: Reader) -> Reader:
    """The same reader, for whom no fleet fits into a fleet file."""
    made = copy(reader)
    made.settings = replace(reader.settings, max_file_bytes=1)
    return made


def rivals(two: Workbench) -> dict[str, Callable[[Reader], Any]]:
    """Each way to ask, aimed at the other account as well as it can be."""
    (run,) = two.runs(repository="rival-repo", limit=1)
    ids = [p.id for p in two.proposals(account="rival")]
    spec = two.resource(RIVAL).spec
    found = two.read_file(b"version: 1\naccount: rival\nmodules: {}\n", file="fleet.yaml")
    return {
        "account": lambda r: r.account(None),
        "accounts": lambda r: r.accounts(),
        "awaited": lambda r: r.awaited(two.proposal(ids[0])),
        "blame": lambda r: r.blame(RIVAL),
        "count_events": lambda r: r.count_events(EventFilter(text="rival")),
        "count_proposals": lambda r: r.count_proposals(ProposalFilter(repositories=["rival-repo"])),
        "count_runs": lambda r: r.count_runs(RunFilter(repositories=["rival-repo"])),
        "deliveries": lambda r: r.deliveries("rival-repo"),
        "derived": lambda r: r.derived(RIVAL, spec, r.neighbours(RIVAL, spec)) and None,
        "drift": lambda r: r.drift(),
        "drift_figures": lambda r: r.drift_figures().open == 1,
        "drift_marks": lambda r: r.drift_marks(r.drift(), LONG_AGO),
        "event_types": lambda r: r.event_types(),
        "events": lambda r: r.events(limit=1000),
        "exports_too_large": lambda r: small(r).exports_too_large(),
        "fleet": lambda r: r.fleet(account="rival"),
        "edits_since_agreed": lambda r: r.edits_since_agreed(RIVAL),
        "export": lambda r: r.export(account="rival"),
        "find_drift": lambda r: r.find_drift(),
        "find_events": lambda r: r.find_events(EventFilter()),
        "find_proposals": lambda r: r.find_proposals(ProposalFilter()),
        "find_runs": lambda r: r.find_runs(RunFilter()),
        "frequent_drift": lambda r: r.frequent_drift(),
        "graph": lambda r: r.graph(),
        "held_back": lambda r: r.held_back(RIVAL),
        "held_by": lambda r: [r.held_by(run) for run in r.runs()],
        "history": lambda r: r.history(RIVAL),
        "inventory": lambda r: r.inventory(),
        "last_drill": lambda r: r.last_drill(),
        "last_drills": lambda r: r.last_drills(),
        "kept_snapshots": lambda r: r.kept_snapshots(),
        "kind": lambda r: r.kind("modules").section,
        "limits": lambda r: r.limits(),
        "live_proposals": lambda r: r.live_proposals(),
        "narrowed": lambda r: r.narrowed("rival").scope,
        "neighbours": lambda r: r.neighbours(RIVAL, spec).referrers,
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
        "resource": lambda r: r.resource(RIVAL),
        "resources": lambda r: r.resources(),
        "reverts_of": lambda r: r.reverts_of([p.id for p in two.proposals(account="rival", status="applied")]),
        "risks": lambda r: r.risks(),
        "run": lambda r: r.run(run.id),
        "run_details": lambda r: r.run_details(r.runs()),
        "run_detail": lambda r: [r.run_detail(run) for run in r.runs()],
        "run_of": lambda r: r.run_of(two.proposal(ids[0])),
        "run_before": lambda r: [r.run_before(run) for run in r.runs()],
        "runs": lambda r: r.runs(),
        "state_of": lambda r: r.state_of(RIVAL),
        "states": lambda r: r.states(),
        "status": lambda r: r.status(),
        "withheld_counts": lambda r: r.withheld_counts(),
    }
