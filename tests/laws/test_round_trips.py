"""There and back, as properties over generated fleets: the past, the drill, the snapshot, the revert."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import Workbench
from engine.errors import RefusedEdit
from engine.kinds.fleet import FLEET
from engine.model import Actor, ResourceKey, Run, Spec, Status, canonical
from engine.settings import Settings
from engine.workbench.drill import drill
from engine.workbench.rehearsal import NOWHERE, rehearsal, tick
from tests.laws.fleets import Declared, declared, edits, file_of

ME, BOB = Actor("ana"), Actor("ben")


@contextmanager
def bench() -> Iterator[Workbench]:
    with rehearsal(Settings.from_environment(None, {}), FLEET) as made:
        made.add_repository(ME, "fc", NOWHERE, account="acme")
        yield made


def push(made: Workbench, fleet: Declared) -> Run:
    """A revision, ticked and applied as far as it can be."""
    run = tick(made, ME, made.repository("fc"), file_of(fleet))
    made.approve(ME, [p.id for p in made.live_proposals(status=Status.PENDING)])
    assert not made.apply(ME).failed
    return run


def edit(made: Workbench, some: list[tuple[str, str, Spec]]) -> None:
    for kind, name, fields in some:
        try:
            made.set_resource(BOB, ResourceKey("acme", kind, name), fields)
        except RefusedEdit:
            continue


def live(made: Workbench, at: datetime | None = None) -> dict[ResourceKey, bytes]:
    return {key: canonical(spec) for key, spec in made.fleet(account="acme", at=at).items()}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(declared(), st.lists(edits, max_size=3)), min_size=1, max_size=4))
def test_every_moment_can_be_asked_for_again_here_and_in_a_snapshot(
    story: list[tuple[Declared, list[tuple[str, str, Spec]]]],
) -> None:
    """Law 10; and what two moments differ in leads from one to the other."""
    with bench() as made, tempfile.TemporaryDirectory() as folder:
        past: list[tuple[datetime, dict[ResourceKey, bytes]]] = []
        for fleet, some in story:
            push(made, fleet)
            past.append((made.store.last_write, live(made)))
            edit(made, some)
            past.append((made.store.last_write, live(made)))
        path = Path(folder) / "s.duckdb"
        made.snapshot(ME, path)
        with engine.open(path) as wb:
            for at, then in past:
                assert live(made, at) == then
                found = {
                    ResourceKey(r.account, r.kind, r.name): canonical(r.spec) for r in wb.fleet(at=at).itertuples()
                }
                assert found == then
            (since, before), (until, after) = past[0], past[-1]
            differ = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
            changes = wb.compare(since, until)
            assert {ResourceKey(r.account, r.kind, r.name) for r in changes.itertuples()} <= differ
            silent = differ - {ResourceKey(r.account, r.kind, r.name) for r in changes.itertuples()}
            assert not silent, "each is shown by a path at least"


@settings(max_examples=25, deadline=None)
@given(declared(), st.lists(edits, max_size=8))
def test_every_fleet_comes_back_from_its_file(fleet: Declared, some: list[tuple[str, str, Spec]]) -> None:
    with bench() as made:
        push(made, fleet)
        edit(made, some)
        found = drill(made, "acme")
        assert found.ok, found.detail
        assert found.resources == len(live(made))


@settings(max_examples=25, deadline=None)
@given(declared(), st.lists(edits, max_size=4), declared())
def test_a_snapshot_is_the_store(fleet: Declared, some: list[tuple[str, str, Spec]], next_: Declared) -> None:
    """Taken over by another process it has the same future: the next revision leads to the same fleet."""
    with bench() as made, tempfile.TemporaryDirectory() as folder:
        push(made, fleet)
        edit(made, some)
        path = Path(folder) / "s.duckdb"
        made.snapshot(ME, path)
        with rehearsal(made.settings, FLEET, fork=path) as other:
            assert other.export(account="acme") == made.export(account="acme")
            assert [p.fingerprint for p in other.live_proposals()] == [p.fingerprint for p in made.live_proposals()]
            runs = push(other, next_), push(made, next_)
            assert runs[0].counts == runs[1].counts
            assert live(other) == live(made)


@settings(max_examples=25, deadline=None)
@given(declared(), st.lists(declared(), min_size=1, max_size=3))
def test_reverting_every_run_leads_back(first: Declared, later: list[Declared]) -> None:
    with bench() as made:
        push(made, first)
        before = live(made)
        for fleet in later:
            push(made, fleet)
        runs = [run for run in made.runs() if run.id > 1 and run.proposal_ids]
        for run in runs:  # the newest first
            applied = [p for p in made.proposals_by_id(run.proposal_ids) if p.status is Status.APPLIED]
            if not applied:
                continue
            outcomes = made.revert_run(ME, run.id)
            assert [o.error for o in outcomes] == [None] * len(applied)
            made.approve(ME, [o.proposal.id for o in outcomes if o.proposal])
            done = made.apply(ME)
            assert not done.failed
            assert not done.skipped, [(s.proposal.key, s.detail) for s in done.skipped]
        assert live(made) == before


@settings(max_examples=25, deadline=None)
@given(declared(), declared())
def test_what_if_tells_what_will_be(fleet: Declared, next_: Declared) -> None:
    with bench() as made, tempfile.TemporaryDirectory() as folder:
        push(made, fleet)
        path = Path(folder) / "s.duckdb"
        made.snapshot(ME, path)
        owned = any(r.owned for r in made.resources())
        if owned and not any(next_.values()):
            return  # it declares nothing: refused, as a tick would
        with engine.open(path) as wb:
            told = wb.what_if(yaml="\n" + file_of(next_).decode())
        push(made, next_)
        assert {ResourceKey(r.account, r.kind, r.name): canonical(r.spec) for r in told.fleet.itertuples()} == live(
            made
        )
