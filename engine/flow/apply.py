"""Apply: the plan's steps written to the live fleet, each resource whole or not at all.

Live write, history, claim, status and event of a resource share one transaction; steps share transactions in chunks.
Between two chunks others may write: a pause, a decision, an edit, another apply. The next chunk looks whether somebody did, and then plans
what is left anew. When a chunk fails, its steps are tried one by one; what fails is recorded by itself, and the rest is planned anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import ApplyError, FleetError
from engine.flow.plan import DECIDED, PAUSED, STOPPED, Plan, Skip, build
from engine.flow.review import Verb, moved
from engine.kinds import Kinds
from engine.model import Actor, Change, Claim, Event, LiveFleet, Origin, Proposal, ResourceKey, Status, Step, canonical
from engine.store import Store, Transaction, applies, episodes, live, pauses, proposals, runs
from engine.system import surroundings

CHUNK = 2500
"""Most steps that share one transaction: enough to be fast."""

FIRST_CHUNK = 500
"""Most steps of the first transaction, when it is not known yet how long one takes on this machine."""

TURN_S = 0.4
"""How long a transaction may take, in seconds: whoever wants to pause, decide or edit waits for one at most."""

Progress = Callable[[int, int], None]
"""Told (steps done, steps in all) after each transaction."""

Halted = Callable[[], str | None]
"""Asked before each transaction: why to stop here, or None to go on."""


@dataclass(slots=True)
class Applied:
    """What an apply did: every approved proposal it looked at is in exactly one list."""

    applied: list[Step] = field(default_factory=list)
    failed: list[tuple[Step, FleetError]] = field(default_factory=list)
    skipped: tuple[Skip, ...] = ()
    stopped: str | None = None
    """Why it stopped early (paused or shut down meanwhile), or None. What was left is skipped with that reason."""

    @property
    def touched(self) -> bool:
        return bool(self.applied or self.failed)

    @property
    def left(self) -> int:
        """How many proposals are approved as before."""
        return sum(skip.proposal.status is Status.APPROVED for skip in self.skipped)


def plan(
    tx: Transaction,
    kinds: Kinds,
    *,
    repository_id: int | None = None,
    account: str | None = None,
    proposal_ids: Collection[int] | None = None,
    fleets: Mapping[str, LiveFleet] | None = None,
) -> Plan:
    """Plan what is approved, narrowed by repository, account or ids; steps of paused repositories are skipped. Effects: none."""
    approved = proposals.live_of(tx, repository_id=repository_id, account=account, status=Status.APPROVED)
    if proposal_ids is not None:
        chosen = set(proposal_ids)
        approved = [proposal for proposal in approved if proposal.id in chosen]
    paused = pauses.of_repositories(tx, {proposal.repository_id for proposal in approved})
    going = [proposal for proposal in approved if proposal.repository_id not in paused]
    accounts = {proposal.key.account for proposal in going}
    made = build(kinds, going, {a: (fleets or {}).get(a) or live.read_live(tx, a) for a in sorted(accounts)})
    held = (Skip(p, PAUSED, paused[p.repository_id]) for p in approved if p.repository_id in paused)
    return Plan(made.waves, (*made.skipped, *held))


def apply(
    store: Store,
    kinds: Kinds,
    actor: Actor,
    *,
    trigger: str,
    run_id: int | None = None,
    repository_id: int | None = None,
    account: str | None = None,
    proposal_ids: Sequence[int] | None = None,
    progress: Progress = lambda _done, _all: None,
    halted: Halted = lambda: None,
) -> Applied:
    """Apply what is approved when it begins, in order. Others may write between two chunks; what they changed is planned anew.

    Effects: live fleet, history, claims, proposals, events, `applies` and `apply_steps`; nothing when nothing is approved.
    Raises: StoreError when the store itself fails; what was applied until then stays, each resource whole.
    """
    with store.read() as tx:
        planned = plan(tx, kinds, repository_id=repository_id, account=account, proposal_ids=proposal_ids)
        work = _Work(store, kinds, actor, run_id, planned)
        if not planned.steps:
            return Applied(skipped=planned.skipped)
        work.look(tx)
    with store.write() as tx:
        work.apply_id = applies.begin(tx, actor.name, trigger, run_id, repository_id)
    error: FleetError | None = None
    try:
        while work.goes_on:
            if work.chunk(halted):
                progress(len(work.applied), len(work.applied) + len(work.steps))
    except FleetError as failure:
        error = failure
        raise
    except BaseException:
        error = ApplyError(
            "FLEET-502", "The apply was interrupted.", "The steps that it applied are listed; apply again to continue."
        )
        raise
    finally:
        with store.write() as tx:
            applies.finish(tx, work.apply_id, "failed" if error or work.failed else "done", error)
    return work.result()


def fitting(steps: int, seconds: float) -> int:
    """How many steps to write in the next transaction, after that many took that long."""
    return max(1, min(CHUNK, int(steps * TURN_S / max(seconds, 1e-6))))


class _Work:
    """An apply that goes on: what it looked at, what is left of its plan, and the state of the store that the plan was made for."""

    def __init__(self, store: Store, kinds: Kinds, actor: Actor, run_id: int | None, planned: Plan) -> None:
        self._store, self._kinds, self._actor, self._run_id = store, kinds, actor, run_id
        self.apply_id = 0
        self.steps = planned.steps
        self.applied: list[Step] = []
        self.failed: list[tuple[Step, FleetError]] = []
        self._skipped = planned.skipped
        self._decided: list[Skip] = []
        self._stopped: str | None = None
        self._open = {p.id: p for p in (*(s.proposal for s in self.steps), *(s.proposal for s in self._skipped))}
        """What it looked at and has not ended with: neither applied, failed nor decided by others."""
        looked_at = list(self._open.values())
        self._accounts = {p.key.account for p in looked_at}
        self._repositories = {p.repository_id for p in looked_at}
        self._careful = 0
        """How many steps to write one by one, as a chunk with them failed."""
        self._size = min(CHUNK, FIRST_CHUNK)
        self._basis: applies.Basis | None = None
        """None: what is left must be planned anew."""
        self._overtaken = 0
        """How often in a row others wrote between a plan and the transaction that was to carry it out."""

    def look(self, tx: Transaction) -> None:
        """Note what the plan was made for."""
        self._basis = self._now(tx)

    def _now(self, tx: Transaction) -> applies.Basis:
        return applies.basis(tx, self._accounts, self._repositories)

    @property
    def goes_on(self) -> bool:
        """Whether anything is left to be tried."""
        return self._stopped is None and bool(self.steps or (self._basis is None and self._open))

    def chunk(self, halted: Halted) -> bool:
        """Write the next steps in one transaction; gives whether any were written.

        Raises: StoreError when the store itself is in trouble.
        """
        if self._basis is None:  # planning can take longer than a chunk: others may write meanwhile
            with self._store.read() as tx:
                self._plan_anew(tx)
                self.look(tx)
        chunk: Sequence[Step] = ()
        try:
            with self._store.write() as tx:
                began = time.monotonic()
                now = self._now(tx)
                if self._basis != now:
                    self._overtaken += 1
                    if self._overtaken == 1:
                        self._basis = None
                        return False
                    self._plan_anew(tx)  # they write faster than that: they wait this once
                    self._basis = now
                self._stopped = pauses.of_home_in_words(tx) or halted()
                if self._stopped or not self.steps:
                    return False
                chunk = self.steps[: 1 if self._careful else self._size]
                _write(tx, self._kinds, self._actor, chunk, self.apply_id, self._run_id)
                ended = {step.proposal.id for step in chunk}
                self._basis = self._now(tx)
        except FleetError as failure:
            if not chunk:
                raise
            self._basis = None
            if len(chunk) > 1:
                self._careful = len(chunk)
            else:
                if _record_failure(self._store, self._actor, chunk[0], failure, self.apply_id, self._run_id):
                    self.failed.append((chunk[0], failure))
                    del self._open[chunk[0].proposal.id]
                self._careful = 0
                self.steps = []
            return False
        self._overtaken = 0
        if self._careful:
            self._careful -= 1
        else:
            self._size = fitting(len(chunk), time.monotonic() - began)
        self.applied.extend(chunk)
        self._open = {id_: p for id_, p in self._open.items() if id_ not in ended}
        self.steps = self.steps[len(chunk) :]
        return True

    def _plan_anew(self, tx: Transaction) -> None:
        """Plan what is left by what others have written, or after a step that failed."""
        planned = plan(tx, self._kinds, proposal_ids=self._open)
        found = {p.id for p in (*(s.proposal for s in planned.steps), *(s.proposal for s in planned.skipped))}
        gone = [id_ for id_ in self._open if id_ not in found]
        for id_, proposal in proposals.by_ids(tx, gone).items():
            self._decided.append(Skip(proposal, DECIDED, _became(proposal)))
            del self._open[id_]
        self.steps, self._skipped = planned.steps, planned.skipped

    def result(self) -> Applied:
        """What came of it."""
        left = (Skip(step.proposal, STOPPED, self._stopped) for step in self.steps) if self._stopped else ()
        skipped = sorted((*self._skipped, *self._decided, *left), key=lambda skip: skip.proposal.key)
        return Applied(self.applied, self.failed, tuple(skipped), self._stopped)


def _became(proposal: Proposal) -> str:
    """What others did with a proposal that an apply was to carry out, in words."""
    match proposal.status:
        case Status.PENDING:
            return f"{proposal.decided_by} withdrew the approval"
        case Status.REJECTED:
            return f"{proposal.decided_by} rejected it"
        case Status.APPLIED:
            return "another apply applied it"
        case _:
            return f"it became {proposal.status} meanwhile" + (f": {proposal.reason}" if proposal.reason else "")


def _write(
    tx: Transaction, kinds: Kinds, actor: Actor, steps: Sequence[Step], apply_id: int, run_id: int | None
) -> None:
    """Write steps in a transaction, which checks owner, references and version once more."""
    keys = [step.proposal.key for step in steps]
    if live.held_by(tx, keys, [step.proposal.repository_id for step in steps]) != len(steps):
        raise ApplyError(
            "FLEET-503", "Another repository owns the resource now.", "The next tick replaces the proposal."
        )
    writes = [
        live.LiveWrite(
            step.proposal.key,
            step.spec,
            step.seen_version,
            Event(
                "fleet.destroyed" if step.spec is None else f"fleet.{step.proposal.change}d",
                step.proposal.key.account,
                step.proposal.repository_id,
                run_id,
                step.proposal.id,
                step.proposal.key.kind,
                step.proposal.key.name,
                data={"revision": step.proposal.revision},
            ),
            step.proposal.id,
        )
        for step in steps
    ]
    versions = live.write_live(tx, kinds, actor.name, "apply", writes, apply_id=apply_id)
    targets = {
        ResourceKey(step.proposal.key.account, target.kind, target.name)
        for step in steps
        if step.spec is not None
        for target in kinds[step.proposal.key.kind].targets(step.proposal.key.name, step.spec)
    }
    if absent := live.missing(tx, targets):
        raise ApplyError("FLEET-504", f"It refers to {absent[0]}, which does not exist.", "Apply that first.")
    _write_claims(tx, steps, versions)
    episodes.close_settled(tx, kinds, actor.name, keys, run_id)
    proposals.move(tx, actor.name, [moved(step.proposal, Verb.APPLY) for step in steps], run_id)
    applies.record(tx, actor.name, apply_id, "applied", [(step, None) for step in steps])
    runs.mark_applied(tx, {step.proposal.repository_id for step in steps})  # with the last step, not after it


def _write_claims(tx: Transaction, steps: Sequence[Step], versions: Sequence[int]) -> None:
    """What was applied is now agreed on; what was destroyed is held no longer.

    A revert agrees on nothing: git says otherwise, and the base stays what git said, so that the next tick sees that live
    has moved. But what it brings back that nobody held is owned again.
    """
    agreed: dict[int, dict[ResourceKey, Claim]] = {}
    gone: list[ResourceKey] = []
    for step, version in zip(steps, versions, strict=True):
        p = step.proposal
        if p.origin is Origin.REVERT and not (p.change is Change.CREATE and p.base is None):
            continue
        if p.desired is None:
            gone.append(p.key)
        else:
            base = canonical({name: p.desired[name] for name in p.declared}).decode()
            agreed.setdefault(p.repository_id, {})[p.key] = Claim(p.repository_id, base, p.revision, version, 0)
    for repository_id, claims in sorted(agreed.items()):
        live.put_claims(tx, repository_id, claims)
    live.delete_claims(tx, gone)


def _record_failure(
    store: Store, actor: Actor, step: Step, failure: FleetError, apply_id: int, run_id: int | None
) -> bool:
    """A failed step's status and event are a transaction of their own; False when somebody has decided otherwise before it."""
    if failure.code in surroundings.LOCAL:
        raise failure  # the machine is in trouble, not the step: no other one would fare better
    with store.write() as tx:
        now = proposals.by_ids(tx, [step.proposal.id])[step.proposal.id]
        if now.status is not Status.APPROVED:
            return False
        proposals.move(tx, actor.name, [moved(now, Verb.FAIL, error=failure)], run_id)
        applies.record(tx, actor.name, apply_id, "failed", [(step, failure)])
    return True
