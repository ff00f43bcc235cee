"""The whole loop under arbitrary pushes, ticks, decisions and edits of two repositories in one account: laws 3 to 6, 9 and 10.

`LAWS_EXAMPLES=500 uv run pytest -n 0 tests/laws/test_loop.py` walks longer than every build does (25).
The remote is a double here (`engine.flow.sync.fetch_unless` gives what was pushed); real git is in tests/sync, tests/cli and tests/crash.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import engine.flow.sync
from engine.errors import ApplyError, RefusedEdit
from engine.flow.parse import read_fleet_file
from engine.kinds.fleet import FLEET
from engine.model import Actor, Repository, ResourceKey, Revision, Run, Status
from engine.settings import Settings
from engine.store import Store, Transaction
from engine.workbench import Workbench
from tests.builders import query
from tests.conftest import SetClock
from tests.laws.checks import assert_agreement, assert_sound, dump, specs_at
from tests.laws.fleets import Declared, declared, edits, file_of, places

ME, BOB = Actor("ana"), Actor("bob")
REPOSITORIES = ("edge", "core")
ROUNDS = 80


def elsewhere(act: Callable[[], Any]) -> None:
    """Do something in another thread, and wait for it. What it raises is raised here."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(act).result(60)


def other(name: str) -> str:
    return next(r for r in REPOSITORIES if r != name)


ACTS: dict[str, Callable[[Loop, str], Any]] = {
    "approve": lambda loop, name: loop.workbench.approve(BOB, [p.id for p in loop._pending(name)]),
    "approve those of the other": lambda loop, name: loop.workbench.approve(
        BOB, [p.id for p in loop._pending(other(name))]
    ),
    "reject": lambda loop, name: loop.workbench.reject(BOB, [p.id for p in loop._pending(name)], "not now"),
    "apply": lambda loop, name: loop.workbench.apply(BOB),
    "sync the other": lambda loop, name: loop.sync_quietly(other(name)),
    "edit": lambda loop, name: loop.edit_any(BOB),
    "release all": lambda loop, name: loop.release_all(),
    "switch auto-apply": lambda loop, name: loop.workbench.change_repository(
        BOB, name, {"auto_apply": not loop.workbench.repository(name).auto_apply}
    ),
    "pause": lambda loop, name: loop.workbench.pause(BOB, "incident", name),
    "pause the home": lambda loop, name: loop.workbench.pause(BOB, "incident"),
    "disable": lambda loop, name: loop.workbench.change_repository(BOB, name, {"enabled": False}),
    "disable the other": lambda loop, name: loop.workbench.change_repository(BOB, other(name), {"enabled": False}),
    "bind elsewhere": lambda loop, name: loop.workbench.change_repository(BOB, name, {"account": "zeta"}),
    "another branch": lambda loop, name: loop.workbench.change_repository(BOB, name, {"branch": "next"}),
}
"""What others may do while a tick or an apply goes on."""

FORGETS: dict[str, Callable[[str], str]] = {
    "disable": lambda name: name,
    "bind elsewhere": lambda name: name,
    "disable the other": other,
}
"""Who takes nothing over any more from that moment on, until its next tick."""

UNDO: dict[str, Callable[[Loop, str], Any]] = {
    "pause": lambda loop, name: loop.workbench.resume(BOB, name),
    "pause the home": lambda loop, name: loop.workbench.resume(BOB),
    "disable": lambda loop, name: loop.workbench.change_repository(BOB, name, {"enabled": True}),
    "disable the other": lambda loop, name: loop.workbench.change_repository(BOB, other(name), {"enabled": True}),
    "bind elsewhere": lambda loop, name: loop.workbench.change_repository(BOB, name, {"account": "acme"}),
    "another branch": lambda loop, name: loop.workbench.change_repository(BOB, name, {"branch": "main"}),
}


class Loop(RuleBasedStateMachine):
    """Two repositories and two people at work on one account."""

    workbench: Workbench

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = Path(tempfile.mkdtemp(prefix="fleet-laws-"))
        self.pushed: dict[str, tuple[int, Declared]] = {}
        self.checked = 0
        self.seen: dict[str, Declared] = {}
        self.past: list[tuple[str, dict[str, Any]]] = []

    @initialize(
        cap=st.sampled_from([1, 3, 25]),
        auto=st.booleans(),
        prune=st.booleans(),
        heal=st.booleans(),
        chunk=st.sampled_from([1, 3, 1000]),
    )
    def open(self, cap: int, auto: bool, prune: bool, heal: bool, chunk: int) -> None:
        self.cap = cap
        environment = {"POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK": str(cap), "FLEET_ALLOW_LOCAL_REMOTES": "1"}
        self.workbench = Workbench.open_home(Settings.from_environment(self.folder, environment), clock=SetClock())
        self.patch.setattr(engine.flow.sync, "fetch_unless", self._fetch)
        self.patch.setattr("engine.flow.apply.CHUNK", chunk)
        self._check_every_write()
        for name in REPOSITORIES:
            self.pushed[name] = (0, {})
            switches = {"auto_apply": auto, "auto_prune": prune, "auto_heal": heal}
            self.workbench.add_repository(ME, name, f"/remote/{name}", account="acme", **switches)

    def _fetch(
        self, known: Callable[[str], bool], repository: Repository, _settings: Settings, **_told: object
    ) -> Revision | None:
        number, fleet = self.pushed[repository.name]
        commit = f"{number:040x}"
        if known(commit):
            return None
        return Revision(commit, "Ana", "Change", datetime(2026, 11, 1, tzinfo=UTC), "fleet.yaml", file_of(fleet))

    def _check_every_write(self) -> None:
        """Law 3: no transaction leaves the fleet unsound."""
        write = Store.write

        @contextmanager
        def checked(store: Store) -> Iterator[Transaction]:
            with write(store) as tx:
                yield tx
            assert_sound(specs_at(store, "acme"))

        self.patch.setattr(Store, "write", checked)

    def _ids(self, data: st.DataObject, *statuses: Status) -> list[int]:
        standing = [p.id for p in self.workbench.live_proposals() if p.status in statuses]
        return data.draw(st.lists(st.sampled_from(standing), unique=True)) if standing else []

    @rule(name=st.sampled_from(REPOSITORIES), fleet=declared())
    def push(self, name: str, fleet: Declared) -> None:
        self.pushed[name] = (self.pushed[name][0] + 1, fleet)

    @rule(name=st.sampled_from(REPOSITORIES))
    def sync(self, name: str) -> None:
        before = {p.key for p in self._pending(name) if p.origin == "git"}
        run = self.workbench.sync(ME, name).run
        if run.status == "failed":
            assert run.error is not None
            assert run.error["code"] in {"FLEET-210", "FLEET-137"}
            return
        self.seen[name] = self.pushed[name][1]
        self._check_moves()
        self._check_queue(name, run, len(before))
        if run.inputs is not None:
            self._check_rest(name, run)

    def sync_quietly(self, name: str) -> None:
        if self.workbench.sync(BOB, name).run.status != "failed":
            self.seen[name] = self.pushed[name][1]

    def edit_any(self, actor: Actor) -> None:
        """Edit the first module there is, if any."""
        for name in sorted(specs_at(self.workbench.store, "acme").get("modules", {}))[:1]:
            self.workbench.set_resource(actor, ResourceKey("acme", "modules", name), {"priority": 77})

    def release_all(self) -> None:
        for key in [r.key for r in self.workbench.resources(account="acme") if r.holder]:
            self.workbench.release(BOB, key)

    def _check_moves(self) -> None:
        """Law 6: nothing is destroyed for one repository's silence that another one declared when it looked last."""
        rows = query(
            self.workbench.store,
            "SELECT e.seq, e.kind, e.name, p.repository FROM fleet_events e JOIN proposals p ON p.id = e.proposal_id "
            f"WHERE e.type = 'fleet.destroyed' AND p.origin = 'git' AND e.seq > {self.checked} ORDER BY e.seq",
        )
        for seq, kind, name, repository in rows:
            self.checked = seq
            for other, fleet in self.seen.items():
                assert other == repository or name not in fleet.get(kind, {}), f"{other} declares {kind}/{name}"

    def _pending(self, name: str) -> list[Any]:
        return self.workbench.live_proposals(repository=name, status=Status.PENDING)

    def _check_queue(self, name: str, run: Run, pending_before: int) -> None:
        """Law 4: pending stays within the cap, reverts apart; each difference is withheld or has its one live proposal."""
        assert sum(p.origin == "git" for p in self._pending(name)) <= max(self.cap, pending_before)
        if run.unchanged:
            return
        withheld = {(row.key.kind, row.key.name) for row in self.workbench.run_detail(run).withheld}
        live = self.workbench.live_proposals(repository=name)
        standing = {(p.key.kind, p.key.name) for p in live if p.origin == "git"}
        applied = query(
            self.workbench.store,
            "SELECT count(*) FROM fleet_events e JOIN proposals p ON p.id = e.proposal_id "
            f"WHERE e.run_id = {run.id} AND e.type = 'gitops.proposal_applied' AND p.origin = 'git'",
        )
        assert len(withheld | standing) + applied[0][0] == run.diff_count

    def _check_rest(self, name: str, run: Run) -> None:
        """Law 9: a tick with unmoved inputs writes nothing."""
        rows = dump(self.workbench.store)
        again = self.workbench.sync(ME, name).run
        assert (again.unchanged, again.id) == (True, run.id)
        assert dump(self.workbench.store) == rows

    @rule(name=st.sampled_from(REPOSITORIES), fleet=declared())
    def push_and_sync(self, name: str, fleet: Declared) -> None:
        self.push(name, fleet)
        self.sync(name)

    @rule(
        name=st.sampled_from(REPOSITORIES),
        stage=st.sampled_from(["sync", "parse", "apply"]),
        act=st.sampled_from(sorted(ACTS)),
        fleet=declared(),
    )
    def sync_while_somebody_acts(self, name: str, stage: str, act: str, fleet: Declared) -> None:
        """Somebody else's write lands in the middle of a tick, from a thread of its own: a lock lets its own thread in."""
        self.push(name, fleet)
        began: list[str] = []

        def watcher(at: str) -> None:
            if at == stage and not began:
                began.append(at)
                elsewhere(lambda: ACTS[act](self, name))

        run = self.workbench.sync(ME, name, watcher=watcher).run
        if run.status != "failed":
            self.seen[name] = fleet
        if act in FORGETS:
            self.seen.pop(FORGETS[act](name), None)
        if run.status == "failed":
            assert run.error is not None
            assert run.error["code"] in {"FLEET-210", "FLEET-137", "FLEET-233"}
        self._check_moves()
        undo = UNDO.get(act)
        if undo is not None:
            undo(self, name)
        assert_agreement(self.workbench.store)

    @rule(name=st.sampled_from(REPOSITORIES))
    def approve_all_and_apply(self, name: str) -> None:
        self.workbench.approve(ME, [p.id for p in self._pending(name)])
        self.apply(name)

    @rule(name=st.sampled_from(REPOSITORIES), fleet=declared())
    def take_over(self, name: str, fleet: Declared) -> None:
        """A revision proposed, approved and applied as far as one tick goes, then ticked again."""
        self.push_and_sync(name, fleet)
        self.approve_all_and_apply(name)
        self.sync(name)

    @rule(data=st.data())
    def approve(self, data: st.DataObject) -> None:
        self.workbench.approve(ME, self._ids(data, Status.PENDING, Status.FAILED))

    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        self.workbench.reject(BOB, self._ids(data, Status.PENDING, Status.APPROVED), "not now")

    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        self.workbench.unapprove(ME, self._ids(data, Status.APPROVED))

    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        """Each is refused and leaves everything as it was, or opens one proposal that leads back to what stood before."""
        done = [p.id for p in self.workbench.proposals(status="applied", limit=1000)]
        if not done:
            return
        rows = dump(self.workbench.store)
        outcomes = self.workbench.revert(ME, data.draw(st.lists(st.sampled_from(done), min_size=1, unique=True)))
        for outcome in outcomes:
            assert (outcome.proposal is None) == (outcome.error is not None)
            if outcome.proposal is not None:
                undone = self.workbench.proposal(outcome.id)
                assert (outcome.proposal.key, outcome.proposal.reverts) == (undone.key, undone.id)
        if not any(outcome.proposal for outcome in outcomes):
            assert dump(self.workbench.store) == rows

    @rule(name=st.sampled_from([None, *REPOSITORIES]))
    def apply(self, name: str | None) -> None:
        planned = [step.proposal.id for step in self.workbench.plan(repository=name).steps]
        applied = self.workbench.apply(ME, repository=name)
        assert not applied.failed
        assert [step.proposal.id for step in applied.applied] == planned
        self._check_moves()

    @rule(name=st.sampled_from(REPOSITORIES), act=st.sampled_from(sorted(ACTS)), after=st.integers(1, 4))
    def apply_while_somebody_acts(self, name: str, act: str, after: int) -> None:
        """Somebody else's write lands between two chunks of an apply."""
        self.workbench.approve(ME, [p.id for p in self._pending(name)])
        planned = self.workbench.plan()
        looked_at = sorted([s.proposal.id for s in planned.steps] + [s.proposal.id for s in planned.skipped])
        began: list[str] = []

        def progress(done: int, _all: int) -> None:
            if done >= after and not began:
                began.append(act)
                elsewhere(lambda: ACTS[act](self, name))

        applied = self.workbench.apply(ME, progress=progress)
        steps = [*applied.applied, *(step for step, _ in applied.failed)]
        told = [step.proposal.id for step in steps] + [skip.proposal.id for skip in applied.skipped]
        assert sorted(told) == looked_at, "each is in exactly one list"
        assert not applied.failed
        if began and act in FORGETS:
            self.seen.pop(FORGETS[act](name), None)
        self._check_moves()
        if began and act in UNDO:
            UNDO[act](self, name)
        assert_agreement(self.workbench.store)

    @rule(edit=edits)
    def edit(self, edit: tuple[str, str, dict[str, Any]]) -> None:
        kind, name, fields = edit
        self._or_as_it_was(lambda: self.workbench.set_resource(BOB, ResourceKey("acme", kind, name), fields))

    @rule(place=places)
    def delete(self, place: tuple[str, str]) -> None:
        self._or_as_it_was(lambda: self.workbench.delete_resource(BOB, ResourceKey("acme", *place)))

    @rule(place=places)
    def release(self, place: tuple[str, str]) -> None:
        self._or_as_it_was(lambda: self.workbench.release(ME, ResourceKey("acme", *place)))

    @rule(name=st.sampled_from(REPOSITORIES))
    def pause_for_a_moment(self, name: str) -> None:
        self.workbench.pause(ME, "freeze", name)
        with pytest.raises(ApplyError, match="FLEET-501"):
            self.workbench.sync(ME, name)
        self.workbench.resume(ME, name)

    def _or_as_it_was(self, verb: Any) -> None:
        """Law 11: a refused call leaves the rows as they were."""
        rows = dump(self.workbench.store)
        try:
            verb()
            self.remember()
        except RefusedEdit as error:
            assert error.hint
            assert dump(self.workbench.store) == rows

    @rule()
    def remember(self) -> None:
        """The moment of the last write: the sharpest time to ask for."""
        self.past.append((self.workbench.store.last_write.isoformat(), specs_at(self.workbench.store, "acme")))

    def teardown(self) -> None:
        try:
            if hasattr(self, "workbench"):
                self._converge()
                assert_agreement(self.workbench.store)
                for at, specs in self.past:
                    assert specs_at(self.workbench.store, "acme", at) == specs, f"law 10 at {at}"
                self._round_trip()
        finally:
            if hasattr(self, "workbench"):
                self.workbench.close()
            self.patch.undo()
            shutil.rmtree(self.folder)

    def _converge(self) -> None:
        """Law 2: approve all and apply, repeated to the end."""
        for name in REPOSITORIES:
            run = None
            for _ in range(ROUNDS):
                run = self.workbench.sync(ME, name).run
                waiting = self.workbench.live_proposals(repository=name)
                if run.status == "failed" or (run.unchanged and not waiting):
                    break
                self.workbench.approve(ME, [p.id for p in waiting if p.status in {Status.PENDING, Status.FAILED}])
                self.workbench.apply(ME, repository=name)
                # What others need cannot be taken back: whoever wanted that gives up.
                left = [p.id for p in self.workbench.live_proposals(repository=name) if p.origin == "revert"]
                self.workbench.reject(BOB, left, "it is needed")
            assert run is not None
            if run.status == "failed":
                continue
            assert run.unchanged, f"{name} does not come to rest"
            self._live_is_as_declared(name, run)

    def _live_is_as_declared(self, name: str, run: Run) -> None:
        reasons = {(row.key.kind, row.key.name): row.reason for row in self.workbench.run_detail(run).withheld}
        assert "cap" not in reasons.values()
        assert not self.workbench.live_proposals(repository=name)
        specs = specs_at(self.workbench.store, "acme")
        wanted = self.pushed[name][1]
        for kind, entries in wanted.items():
            for resource, slice_ in entries.items():
                if (kind, resource) not in reasons:
                    live = specs[kind][resource]
                    assert json.dumps({f: live[f] for f in slice_}, sort_keys=True) == json.dumps(
                        slice_, sort_keys=True
                    )
        owned = query(
            self.workbench.store,
            f"SELECT kind, c.name FROM claims c JOIN gitops_repositories g ON g.id = repository_id WHERE base IS NOT NULL AND g.name = '{name}'",
        )
        for kind, resource in owned:
            assert (
                resource in wanted.get(kind, {}) or (kind, resource) in reasons or resource not in specs.get(kind, {})
            )

    def _round_trip(self) -> None:
        """Law 7: what is live exports to a file that parses and differs in nothing, twice the same, and rebuilds it in an empty store."""
        text = self.workbench.export(account="acme")
        assert text == self.workbench.export(account="acme")
        preview = self.workbench.preview(read_fleet_file(text.encode(), FLEET), account="acme")
        assert not preview.entries
        assert not preview.informational
        made = self.workbench.drill(ME, "acme")
        assert made.ok, made.detail


TestLoop = Loop.TestCase
TestLoop.settings = hypothesis_settings(
    max_examples=int(os.environ.get("LAWS_EXAMPLES", "25")),
    stateful_step_count=18,
    deadline=None,
    suppress_health_check=list(hypothesis_settings().suppress_health_check),
)
TestLoop.pytestmark = [pytest.mark.slow]  # type: ignore[attr-defined]
