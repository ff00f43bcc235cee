"""Apply: the plan's steps written to the live fleet, each resource whole or not at all.

Live write, history, claim, status and event of a resource share one transaction; steps share transactions in chunks.
When a chunk fails, its steps are tried one by one; what fails is recorded by itself, and the rest is planned anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import ApplyError, FleetError, StoreError
from engine.kinds import Kinds
from engine.model import Actor, Change, Claim, Event, LiveFleet, Origin, ResourceKey, Status, canonical
from engine.plan import Plan, Skip, Step, build
from engine.review import Verb, moved
from engine.store import Store, Transaction, applies, live, pauses, proposals, runs

CHUNK = 2500
"""Most steps that share one transaction: long enough to be fast, short enough to show progress and stop soon."""

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
    """Why it stopped early (paused or shut down meanwhile), or None."""

    @property
    def touched(self) -> bool:
        return bool(self.applied or self.failed)


def plan(
    tx: Transaction,
    kinds: Kinds,
    *,
    repository_id: int | None = None,
    account: str | None = None,
    proposal_ids: Sequence[int] | None = None,
    fleets: Mapping[str, LiveFleet] | None = None,
) -> Plan:
    """Plan what is approved, narrowed by repository, account or ids. Effects: none."""
    approved = proposals.live_of(tx, repository_id=repository_id, account=account, status=Status.APPROVED)
    if proposal_ids is not None:
        chosen = set(proposal_ids)
        approved = [proposal for proposal in approved if proposal.id in chosen]
    accounts = {proposal.key.account for proposal in approved}
    return build(kinds, approved, {a: (fleets or {}).get(a) or live.read_live(tx, a) for a in sorted(accounts)})


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
    """Apply what is approved, in order.

    Effects: live fleet, history, claims, proposals, events, `applies` and `apply_steps`; nothing when nothing is approved.
    Raises: StoreError when the store itself fails; what was applied until then stays, each resource whole.
    """
    result = Applied()
    selection = {"repository_id": repository_id, "account": account, "proposal_ids": proposal_ids}
    with store.serialised():
        with store.read() as tx:
            planned = plan(tx, kinds, **selection)  # type: ignore[arg-type]
        result.skipped = planned.skipped
        if not planned.steps:
            return result
        with store.write() as tx:
            apply_id = applies.begin(tx, actor.name, trigger, run_id, repository_id)
        error: FleetError | None = None
        try:
            while planned.steps and result.stopped is None:
                failed_before = len(result.failed)
                _apply_plan(store, kinds, actor, planned, apply_id, run_id, result, progress, halted)
                if len(result.failed) == failed_before:
                    break
                with store.read() as tx:  # what waited for the failed step must be looked at anew
                    planned = plan(tx, kinds, **selection)  # type: ignore[arg-type]
                result.skipped = planned.skipped
        except FleetError as failure:
            error = failure
            raise
        except BaseException:
            error = ApplyError(
                "FLEET-502", "The apply was interrupted.", "What it did is listed; apply again to go on."
            )
            raise
        finally:
            with store.write() as tx:
                applies.finish(tx, apply_id, "failed" if error or result.failed else "done", error)
    return result


def _apply_plan(
    store: Store,
    kinds: Kinds,
    actor: Actor,
    planned: Plan,
    apply_id: int,
    run_id: int | None,
    result: Applied,
    progress: Progress,
    halted: Halted,
) -> None:
    steps = planned.steps
    total = len(result.applied) + len(steps)
    for start in range(0, len(steps), CHUNK):
        with store.read() as tx:
            paused = pauses.reason_of(tx, {step.proposal.repository_id for step in steps[start : start + CHUNK]})
        if why := paused or halted():
            result.stopped = why
            return
        chunk = steps[start : start + CHUNK]
        try:
            _write(store, kinds, actor, chunk, apply_id, run_id)
            result.applied.extend(chunk)
        except FleetError:
            for step in chunk:
                try:
                    _write(store, kinds, actor, [step], apply_id, run_id)
                except FleetError as failure:
                    _record_failure(store, actor, step, failure, apply_id, run_id)
                    result.failed.append((step, failure))
                    return
                result.applied.append(step)
        progress(len(result.applied), total)


def _write(store: Store, kinds: Kinds, actor: Actor, steps: Sequence[Step], apply_id: int, run_id: int | None) -> None:
    """Write steps in one transaction that checks owner, references and version once more before it commits."""
    with store.write() as tx:
        keys = [step.proposal.key for step in steps]
        if live.held_by(tx, keys, [step.proposal.repository_id for step in steps]) != len(steps):
            raise ApplyError(
                "FLEET-503", "Another repository holds the resource now.", "The next tick replaces the proposal."
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
) -> None:
    """A failed step's status and event are a transaction of their own."""
    if isinstance(failure, StoreError) and failure.code in {"FLEET-303", "FLEET-304", "FLEET-305"}:
        raise failure  # the store itself is in trouble: no other step would fare better
    with store.write() as tx:
        proposals.move(tx, actor.name, [moved(step.proposal, Verb.FAIL, error=failure)], run_id)
        applies.record(tx, actor.name, apply_id, "failed", [(step, failure)])
