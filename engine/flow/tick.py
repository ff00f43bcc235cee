"""One tick of one repository: the only place that runs the stages in order.

    sync ─▶ parse ─▶ diff ─▶ propose ─▶ apply

What a tick decides is one transaction; a tick that fails before it applies nothing; a tick with unmoved inputs writes nothing.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from engine.errors import FleetError, SyncError
from engine.flow import apply as applying
from engine.flow import confirmations, drift, holding, pinning, propose, sync
from engine.flow import diff as diffing
from engine.flow.parse import FleetFile, read_fleet_file
from engine.flow.revert import standing_reverts
from engine.flow.review import Verb, moved
from engine.flow.soundness import FleetState
from engine.kinds import Kinds
from engine.model import (
    AUTO_APPLY,
    Actor,
    Change,
    Difference,
    Event,
    LiveFleet,
    NewProposal,
    Proposal,
    Repository,
    ResourceKey,
    Revision,
    Run,
    RunStatus,
    Spec,
    Status,
    Trigger,
    Withheld,
)
from engine.phrases import argument, count
from engine.settings import Settings
from engine.store import (
    Store,
    Transaction,
    applies,
    episodes,
    events,
    live,
    pauses,
    proposals,
    repositories,
    runs,
    withheld,
)
from engine.system import surroundings

FIRST_BACKOFF = timedelta(minutes=5)
LONGEST_BACKOFF = timedelta(hours=1)
MOST_JITTER = timedelta(seconds=25)
"""What failed together (a host, Vault) does not come back all at once."""

Watcher = Callable[[str], None]
"""Progress callback: the name of each stage as it begins."""

Source = Callable[..., Revision | None]
"""Fetches the content of a repository; real ticks use `sync.fetch_unless`."""


@dataclass(slots=True)
class _Stages:
    """Times each stage as it runs."""

    watcher: Watcher
    done: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.watcher(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.done.append({"stage": name, "seconds": round(time.perf_counter() - start, 6)})

    @property
    def last(self) -> str:
        return str(self.done[-1]["stage"]) if self.done else "sync"


def run(
    store: Store,
    kinds: Kinds,
    settings: Settings,
    repository: Repository,
    actor: Actor,
    trigger: Trigger,
    *,
    watcher: Watcher = lambda _stage: None,
    progress: applying.Progress = lambda _done, _all: None,
    halted: applying.Halted = lambda: None,
    began: Callable[[int], None] = lambda _run_id: None,
    source: Source | None = None,
) -> Run:
    """Run one tick; returns its run, or the last one marked unchanged when nothing has moved since.

    `began` is called with the run's id as soon as it exists.
    Effects: the run and all that it decides and applies; nothing when unchanged.
    Raises: StoreError when the store fails; SyncError FLEET-502 when halted before the run began. What is wrong with the remote or the file is the run's own error.
    """
    started_at = store.newest()
    stages = _Stages(watcher)
    run_id: int | None = None
    revision: Revision | None = None
    try:
        at_rest: list[Run] = []

        def standing_now() -> runs.Standing:
            return store.remembered(("standing", repository.id), lambda tx: runs.standing(tx, repository.id))

        def known(commit: str) -> bool:
            """Whether nothing has moved since the last run ended with this commit."""
            standing = standing_now()
            if standing.inputs is None or standing.inputs != _inputs(standing, settings, commit):
                return False
            at_rest.append(store.remembered(("run", standing.run_id), lambda tx: runs.get(tx, standing.run_id)))
            return True

        with stages.stage("sync"):
            confirmations.require(store, settings, actor, repository)
            fetch = source or sync.fetch_unless
            revision = fetch(known, repository, settings, halted=halted, meanwhile=standing_now)
        if revision is None:
            return replace(at_rest[0], unchanged=True)
        if revision.host_key is not None:
            with store.write() as tx:
                pinning.pin_first(tx, actor, repository, revision.host_key)
        with store.write() as tx:
            run_id = runs.insert(tx, repository, trigger, actor.name, started_at, revision)
        began(run_id)
        with stages.stage("parse"):
            desired = read_fleet_file(
                revision.content, kinds, file=revision.file, limit=settings.max_file_bytes, account=repository.account
            )
        decided = _decide(store, kinds, settings, repository, actor, run_id, revision, desired, stages)
        with stages.stage("apply"):
            applied = applying.apply(
                store,
                kinds,
                actor,
                trigger="tick",
                run_id=run_id,
                repository_id=repository.id,
                progress=progress,
                halted=lambda: (
                    halted() or store.remembered(("changed", repository), lambda tx: _changed(tx, repository))
                ),
            )
    except FleetError as error:
        if run_id is None and error.code == "FLEET-502":
            raise  # a requested stop is not a failure of the repository
        with suppress(FleetError):
            return _fail(store, repository, actor, trigger, run_id, revision, started_at, stages, error)
        raise
    except MemoryError:
        exhausted = SyncError(
            "FLEET-218",
            "The tick ran out of memory.",
            "Find what made the file or the fleet grow; give the server more memory, or sync fewer repositories in parallel (FLEET_SYNC_WORKERS).",
        )
        return _fail(store, repository, actor, trigger, run_id, revision, started_at, stages, exhausted)
    except BaseException as error:
        unexpected = FleetError(
            "FLEET-502",
            f"The tick was interrupted ({type(error).__name__}).",
            "The next tick continues where it stopped.",
        )
        with suppress(FleetError):
            _fail(store, repository, actor, trigger, run_id, revision, started_at, stages, unexpected)
        raise
    return _finish(store, settings, repository, actor, run_id, revision.commit, stages, applied, decided)


_NOT_COUNTED = surroundings.LOCAL | {"FLEET-233"}
"""Neither the remote nor the file is the cause: this machine is, or the settings were changed meanwhile."""

_READ_BY = {"account": "account", "url": "URL", "branch": "branch", "path_prefix": "path prefix"}
"""The settings that a file was fetched and read by."""


def _changed(tx: Transaction, fetched: Repository) -> str | None:
    """Why a tick must stop that began with these settings, as a sentence; None when it may go on."""
    current = repositories.in_service(tx, fetched.id)
    if current is None:
        return f"Repository {fetched.name} was removed during the tick."
    if changed := [word for name, word in _READ_BY.items() if getattr(current, name) != getattr(fetched, name)]:
        return f"The {' and the '.join(changed)} of repository {fetched.name} changed during the tick."
    if not current.enabled:
        return f"Repository {fetched.name} was disabled during the tick."
    if reason := pauses.reason_of(tx, {fetched.id}):
        return f"Repository {fetched.name} was paused during the tick ({reason})."
    return None


def _inputs(standing: runs.Standing, settings: Settings, commit: str) -> str:
    """All that decides a tick's outcome, as text: equal text means that a tick would find what the last one left."""
    facts = {
        "commit": commit,
        "settings": standing.settings,
        "limits": settings.limits,
        "live": standing.live_versions,
        "proposals": standing.proposals_version,
    }
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()


@dataclass(frozen=True, slots=True)
class _Decided:
    """What a tick has decided."""

    capped: bool
    """Whether the cap held anything back."""
    standing: runs.Standing
    """How all stood that it decided by, with what it wrote itself: whatever moved after that is new to the next tick."""


@dataclass(slots=True)
class _Account:
    """One account in the course of a tick: the repository's own, or one that it has left but still owns something in."""

    live: LiveFleet
    desired: Mapping[str, Mapping[str, Spec]]
    diff: diffing.Diff
    settled: diffing.Settled
    outdated: list[tuple[Proposal, str]]
    """Open reverts that are stale, because live has changed."""


def _decide(
    store: Store,
    kinds: Kinds,
    settings: Settings,
    fetched: Repository,
    actor: Actor,
    run_id: int,
    revision: Revision,
    desired: FleetFile,
    stages: _Stages,
) -> _Decided:
    """Diff and propose, in one transaction with all decisions of the tick.

    `fetched` is the repository as it was when its file was fetched and read.
    Raises: SyncError FLEET-233 if the settings changed, so that another file is now the right one, FLEET-210.
    """
    with store.write() as tx:
        if changed := _changed(tx, fetched):
            raise SyncError("FLEET-233", f"{changed} Nothing was decided.", "The next tick starts again.")
        repository = repositories.get(tx, fetched.id)
        standing = proposals.live_of(tx, repository_id=repository.id)
        with stages.stage("diff"):
            accounts = _compare(tx, kinds, repository, revision, desired, standing)
            _refuse_empty(repository, desired, accounts)
        with stages.stage("propose"):
            candidates = _candidates(accounts, proposals.reverted(tx, repository.id) if repository.auto_apply else {})
            prints = propose.fingerprints(repository.id, candidates)
            awaited = _awaited(tx, repository, candidates, standing, prints)
            decision = propose.decide(
                repository,
                candidates,
                standing,
                settings.cap,
                prints,
                refused=proposals.rejected_before(tx, repository.id, list(prints.values()))
                if repository.auto_apply
                else (),
                retry=_worth_retrying(tx, repository, standing, revision, run_id),
                awaited=awaited,
            )
            proposal_ids = _write_decision(tx, kinds, repository, actor, run_id, revision, accounts, decision)
            _write_claims(tx, repository, actor, run_id, accounts)
            withheld.settle(tx, repository.id, run_id, decision.withheld)
            _write_drift(tx, kinds, repository, actor, run_id, accounts)
            runs.decide(
                tx,
                run_id,
                diff_count=len(candidates.order) + len(candidates.unsound),
                remaining=len(decision.withheld),
                proposal_ids=proposal_ids,
                counts=_counts(accounts),
                informational=[entry for account in accounts for entry in account.diff.informational],
                waiting=[
                    {"kind": key.kind, "name": key.name, "holder": holder}
                    for key, holder in accounts[0].diff.waiting[:_MOST_WAITING]
                ],
                warnings=_warnings(kinds, accounts, decision, awaited),
            )
        capped = any(held.reason is Withheld.CAP for held in decision.withheld)
        return _Decided(capped, runs.standing(tx, repository.id))


def _compare(
    tx: Transaction,
    kinds: Kinds,
    repository: Repository,
    revision: Revision,
    desired: FleetFile,
    standing: Sequence[Proposal],
) -> list[_Account]:
    """Compare every account in which the repository is registered or still owns resources; its own comes first."""
    names = repositories.names(tx)
    made = []
    others = sorted(set(live.claimed_accounts(tx, repository.id)) - {repository.account})
    for account in [repository.account, *others]:
        fleet = live.read_live(tx, account)
        declared = desired.sections if account == repository.account else {}
        if declared:
            _learn_versions(tx, kinds, fleet, desired)
        reserved, outdated = standing_reverts(kinds, fleet, standing)
        difference = diffing.compare(kinds, declared, fleet, repository.id, revision.commit, names, reserved)
        settled = diffing.withhold(kinds, difference.differences, fleet, reserved)
        made.append(_Account(fleet, declared, difference, settled, outdated))
    return made


def _learn_versions(tx: Transaction, kinds: Kinds, fleet: LiveFleet, desired: FleetFile) -> None:
    """Every version that the file names is known from then on."""
    new = []
    for section, name, version in desired.known_versions(kinds):
        known = fleet.known_versions.setdefault((section, name), set())
        if version not in known:
            known.add(version)
            new.append((section, name, version))
    if new:
        live.put_versions(tx, fleet.account, new)
        live.bump_accounts(tx, [fleet.account])


def _refuse_empty(repository: Repository, desired: FleetFile, accounts: list[_Account]) -> None:
    if not desired.is_empty or repository.allow_empty:
        return
    owned = sum(d.change is Change.DESTROY for account in accounts for d in account.diff.differences)
    if owned:
        raise SyncError(
            "FLEET-210",
            f"{repository.file} declares nothing, but the repository owns {count(owned, 'resource')}: all of them would be destroyed.",
            f"If you want this: fleet repo set {argument(repository.name)} --allow-empty",
            owned=owned,
        )


def _candidates(accounts: list[_Account], reverted: Mapping[ResourceKey, Change]) -> propose.Candidates:
    """All accounts' differences in one queue: creates and updates of each account, then destroys."""
    by_key: dict[ResourceKey, Difference] = {d.key: d for account in accounts for d in account.diff.differences}
    order = [by_key[key] for account in accounts for key in account.settled.ordering.order]
    return propose.Candidates(
        order=order,
        waits_for={key: waits for account in accounts for key, waits in account.settled.ordering.waits_for.items()},
        unsound=[w for account in accounts for w in (*account.settled.withheld, *account.diff.foreign)],
        rejections={
            ResourceKey(account.live.account, kind, name): claim.rejections
            for account in accounts
            for kind, claims in account.live.claims.items()
            for name, claim in claims.items()
            if claim.rejections
        },
        owned=sum(account.diff.owned for account in accounts),
        outdated=[found for account in accounts for found in account.outdated],
        handed_over={key: taker for account in accounts for key, taker in account.diff.handed_over.items()},
        reverted=reverted,
    )


def _awaited(
    tx: Transaction,
    repository: Repository,
    candidates: propose.Candidates,
    standing: Sequence[Proposal],
    prints: Mapping[ResourceKey, str],
) -> dict[ResourceKey, list[str]]:
    """Destroys that auto-apply leaves alone until other repositories had a run, as these may declare the resource by now.

    Shape: names of those repositories by resource; empty where ticks do not destroy by themselves.
    """
    destroys = {d.key for d in candidates.order if d.change is Change.DESTROY}
    if not (destroys and repository.auto_apply and repository.auto_prune):
        return {}
    others: dict[str, list[str]] = {}
    for other in repositories.registered(tx):
        if other.enabled and other.id != repository.id:
            others.setdefault(other.account, []).append(other.name)
    opened = {p.key: p.id for p in standing if p.key in destroys and p.fingerprint == prints[p.key]}
    late = proposals.awaited(tx, sorted(opened.values()))
    found = {key: late.get(opened[key], []) if key in opened else others.get(key.account, []) for key in destroys}
    return {key: names for key, names in sorted(found.items()) if names}


def _worth_retrying(
    tx: Transaction, repository: Repository, standing: list[Proposal], revision: Revision, run_id: int
) -> set[int]:
    """Failed proposals since whose failure git or live moved: auto-apply tries them again."""
    failed = [proposal for proposal in standing if proposal.status is Status.FAILED]
    if not repository.auto_apply or not failed:
        return set()
    if runs.revision_before(tx, repository.id, run_id) != revision.commit:
        return {proposal.id for proposal in failed}
    failed_at = {step.proposal_id: step.ended_at for step in applies.steps_of(tx, [p.id for p in failed])}
    changed = {account: live.last_change_at(tx, account) for account in {p.key.account for p in failed}}
    return {
        p.id for p in failed if p.id not in failed_at or (changed[p.key.account] or failed_at[p.id]) > failed_at[p.id]
    }


def _write_decision(
    tx: Transaction,
    kinds: Kinds,
    repository: Repository,
    actor: Actor,
    run_id: int,
    revision: Revision,
    accounts: list[_Account],
    decision: propose.Decision,
) -> list[int]:
    """Supersede and withdraw first, then open and reopen, then approve for auto-apply. Returns the ids opened or reopened, in apply order."""
    proposals.move(
        tx,
        actor.name,
        [moved(proposal, Verb.SUPERSEDE, reason=why) for proposal, why in decision.superseded]
        + [moved(proposal, Verb.WITHDRAW, reason=why) for proposal, why in decision.withdrawn],
        run_id,
    )
    proposals.move(tx, actor.name, [moved(proposal, Verb.REOPEN) for proposal in decision.reopened], run_id)
    shown = _Shown(kinds, accounts)
    new = [shown.proposal(difference, decision.fingerprints[difference.key]) for difference in decision.opened]
    ids = proposals.open_all(tx, repository, run_id, revision.commit, actor.name, new)
    proposals.set_blast_radius(tx, shown.reach_moved(decision.kept))
    # Others look again, so that what one of them declares is known before it is destroyed.
    live.bump_accounts(tx, {d.key.account for d in decision.opened if d.change is Change.DESTROY})
    opened = {d.key: id_ for d, id_ in zip(decision.opened, ids, strict=True)} | {
        p.key: p.id for p in decision.reopened
    }
    if decision.approved:
        by_key = {proposal.key: proposal for proposal in proposals.live_of(tx, repository_id=repository.id)}
        proposals.move(tx, AUTO_APPLY.name, [moved(by_key[key], Verb.APPROVE) for key in decision.approved], run_id)
    return [opened[key] for account in accounts for key in account.settled.ordering.order if key in opened]


class _Shown:
    """The details of a difference for reviewers; computed only for those that are opened."""

    def __init__(self, kinds: Kinds, accounts: list[_Account]) -> None:
        self._kinds = kinds
        self._accounts = {account.live.account: account for account in accounts}
        self._before: dict[str, FleetState] = {}

    def proposal(self, difference: Difference, fingerprint: str) -> NewProposal:
        return propose.presented(self._kinds, difference, fingerprint, self._state(difference))

    def reach_moved(self, kept: Sequence[tuple[Proposal, Difference]]) -> dict[int, int]:
        """Number of nodes that open proposals reach now, by id, if it differs from their recorded number."""
        now = {p.id: propose.blast_radius(self._kinds, p.key, self._state(d)) for p, d in kept}
        return {p.id: now[p.id] for p, _ in kept if now[p.id] != p.blast_radius}

    def _state(self, difference: Difference) -> FleetState:
        """The fleet in which the resource exists: as it will be, or, for a destroy, as it is."""
        account = self._accounts[difference.key.account]
        if difference.change is not Change.DESTROY:
            return account.settled.after
        if account.live.account not in self._before:
            self._before[account.live.account] = FleetState(
                self._kinds, account.live.specs, account.live.known_versions
            )
        return self._before[account.live.account]


def _write_claims(tx: Transaction, repository: Repository, actor: Actor, run_id: int, accounts: list[_Account]) -> None:
    live.set_waiting(tx, repository.id, [key for account in accounts for key, _ in account.diff.waiting])
    for account in accounts:
        live.put_claims(tx, repository.id, account.diff.claimed)
        live.delete_claims(tx, account.diff.released)
        holding.hand_over(tx, actor, repository, account.diff.handed_over, run_id)
        events.record(
            tx,
            actor.name,
            [
                Event("gitops.adopted", key.account, repository.id, run_id, None, key.kind, key.name)
                for key in account.diff.adopted
            ]
            + [
                Event(
                    "gitops.released",
                    key.account,
                    repository.id,
                    run_id,
                    None,
                    key.kind,
                    key.name,
                    "no longer declared",
                )
                for key in account.diff.released
            ],
        )


def _write_drift(
    tx: Transaction, kinds: Kinds, repository: Repository, actor: Actor, run_id: int, accounts: list[_Account]
) -> None:
    differences = [d for account in accounts for d in account.diff.differences]
    standing = episodes.standing(tx, repository.id)
    drifting = drift.drifting(differences)
    if not standing and not drifting:
        return
    fleets = {account.live.account: account.live for account in accounts}
    agreed: dict[ResourceKey, tuple[int, Spec]] = {}
    for key in drifting.keys() - {episode.key for episode in standing}:
        claim = fleets[key.account].claims[key.kind][key.name]
        if claim.base is not None and claim.base_version is not None:
            agreed[key] = (claim.base_version, claim.base)
    versions = live.versions_since(tx, {key: version for key, (version, _) in agreed.items()}) if agreed else {}
    movers = {
        key: found for key, rows in versions.items() if (found := drift.first_move(kinds, key, agreed[key][1], rows))
    }
    released = {key for account in accounts for key in (*account.diff.released, *account.diff.handed_over)}
    held = {}
    for episode in standing:
        key = episode.key
        fleet = fleets.get(key.account)
        if fleet is not None and key.name in fleet.claims.get(key.kind, {}) and key not in released:
            held[key] = fleet.versions.get(key.kind, {}).get(key.name)
    episodes.write(tx, actor.name, repository.id, run_id, drift.detect(differences, standing, held, movers))


def _counts(accounts: list[_Account]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for account in accounts:
        for section, counts in account.diff.counts.items():
            into = total.setdefault(section, dict.fromkeys(counts, 0))
            for change, number in counts.items():
                into[change] += number
    return total


_MOST_WARNINGS = 100
_MOST_WAITING = 1000


def _warnings(
    kinds: Kinds,
    accounts: list[_Account],
    decision: propose.Decision,
    awaited: Mapping[ResourceKey, Sequence[str]],
) -> list[dict[str, Any]]:
    found = []
    if decision.guard:
        found.append({"code": "auto_apply_guard", "message": decision.guard})
    if awaited:
        found.append({"code": "destroys_wait", "message": _waits(awaited)})
    given: dict[str, list[str]] = {}
    for account in accounts:
        for key, taker in account.diff.handed_over.items():
            given.setdefault(taker, []).append(key.address)
    found.extend({"code": "handed_over", "message": _given(taker, names)} for taker, names in sorted(given.items()))
    left_out = len(accounts[0].diff.waiting) - _MOST_WAITING
    if left_out > 0:
        more = f"The file declares {left_out} more resources that other repositories own."
        found.append({"code": "more_waiting", "message": more})
    for account in accounts:
        for key, fields in account.diff.no_longer_declared:
            names = ", ".join(fields)
            found.append(
                {
                    "code": "no_longer_declared",
                    "resource": key.address,
                    "message": f"{key.address} no longer declares {names}; live keeps its value.",
                }
            )
        for address, target, version in diffing.unpinned(kinds, account.desired, account.live):
            found.append(
                {
                    "code": "unpinned_reference",
                    "resource": address,
                    "message": f"{address} refers to {target} without a version; the current version is {version}.",
                }
            )
        leaving = {d.key for d in account.diff.differences if d.change is Change.DESTROY}
        for address, sentence in diffing.advised(kinds, account.desired, account.live, leaving):
            found.append({"code": "hardly_meant", "resource": address, "message": f"{address}: {sentence}."})
    if len(found) > _MOST_WARNINGS:
        rest = len(found) - _MOST_WARNINGS
        found = [*found[:_MOST_WARNINGS], {"code": "more", "message": f"{rest} more warnings of these kinds."}]
    return found


def _given(taker: str, addresses: Sequence[str]) -> str:
    """What another repository took over, as a sentence."""
    shown = ", ".join(addresses[:5]) + (f" and {len(addresses) - 5} more" if len(addresses) > 5 else "")
    return f"Repository {taker} declares {shown}; it owns {'it' if len(addresses) == 1 else 'them'} from now on."


def _waits(awaited: Mapping[ResourceKey, Sequence[str]]) -> str:
    """For whom destroys wait, as a sentence."""
    names = sorted({name for names in awaited.values() for name in names})
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    destroys = "1 destroy waits" if len(awaited) == 1 else f"{len(awaited)} destroys wait"
    return (
        f"{destroys} until {shown} had a successful run, because other repositories of the account may declare the same resources. "
        "A person may approve them without waiting."
    )


def _finish(
    store: Store,
    settings: Settings,
    fetched: Repository,
    actor: Actor,
    run_id: int,
    commit: str,
    stages: _Stages,
    applied: applying.Applied,
    decided: _Decided,
) -> Run:
    with store.write() as tx:
        standing = decided.standing
        if proposals.waited_for(tx, fetched.id, fetched.account, run_id):
            live.bump_accounts(tx, [fetched.account])
            moved = {**standing.live_versions, fetched.account: standing.live_versions[fetched.account] + 1}
            standing = replace(standing, live_versions=moved)
        moved_on = applied.touched or applied.stopped or standing.settings != fetched.settings
        inputs = None if moved_on else _inputs(standing, settings, commit)
        runs.finish(tx, run_id, RunStatus.PARTIAL if decided.capped else RunStatus.SUCCESS, stages.done, inputs=inputs)
        if applied.stopped:
            left = count(sum(skip.proposal.status is Status.APPROVED for skip in applied.skipped), "approved proposal")
            message = f"The apply stopped early: {applied.stopped.rstrip('.')}. {left} {'is' if left.startswith('1 ') else 'are'} left."
            runs.warn(tx, run_id, {"code": "apply_stopped", "message": message})
        if fetched.failure_count:
            repositories.set_health(tx, fetched.id, 0, None)
        if (before := runs.before(tx, fetched.id, run_id)) is not None and before.status is RunStatus.FAILED:
            events.record(tx, actor.name, [Event("gitops.run_recovered", fetched.account, fetched.id, run_id)])
        runs.mark_applied(tx, [fetched.id])
        return runs.get(tx, run_id)


def _fail(
    store: Store,
    repository: Repository,
    actor: Actor,
    trigger: Trigger,
    run_id: int | None,
    revision: Revision | None,
    started_at: datetime,
    stages: _Stages,
    error: FleetError,
) -> Run:
    """Record how a tick failed, count it against the repository and say when a scheduled tick may try again."""
    with store.write() as tx:
        current = repositories.get(tx, repository.id)
        if run_id is None:
            run_id = runs.insert(tx, repository, trigger, actor.name, started_at, revision)
        runs.finish(tx, run_id, RunStatus.FAILED, stages.done, error={"stage": stages.last, **error.body()})
        if error.code not in _NOT_COUNTED:
            failures = current.failure_count + 1
            # By the clock itself: the store's own time may be ahead of it, if the clock once was.
            repositories.set_health(tx, repository.id, failures, store.clock() + backoff(repository.id, failures))
        if error.code == "FLEET-216":
            pinning.note_changed(tx, actor, repository, run_id, error.facts.get("offered", "unknown"))
        events.record(
            tx,
            actor.name,
            [
                Event(
                    "gitops.run_failed",
                    repository.account,
                    repository.id,
                    run_id,
                    None,
                    reason=error.message[:500],
                    data={"code": error.code},
                )
            ],
        )
        return runs.get(tx, run_id)


def backoff(repository_id: int, failures: int) -> timedelta:
    """How long a schedule leaves a repository alone after its nth failure in a row. The jitter is the repository's own."""
    pause: timedelta = min(FIRST_BACKOFF * 2 ** min(failures - 1, 10), LONGEST_BACKOFF)
    share = zlib.crc32(f"{repository_id} {failures}".encode()) / 2**32
    return pause + MOST_JITTER * share
