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
from engine.flow import confirmations, pinning, propose, sync, warnings
from engine.flow.parse import FleetFile, read_fleet_file
from engine.flow.preview import Compared, compare, refuse_empty
from engine.flow.record import Recorder
from engine.kinds import Kinds
from engine.model import (
    Actor,
    Change,
    Difference,
    Event,
    Proposal,
    Repository,
    ResourceKey,
    Revision,
    Run,
    RunStatus,
    Status,
    Trigger,
    Withheld,
)
from engine.settings import Settings
from engine.store import Store, Transaction, applies, events, live, pauses, proposals, repositories, runs, withheld
from engine.system import surroundings

FIRST_BACKOFF = timedelta(minutes=5)
LONGEST_BACKOFF = timedelta(hours=1)
MOST_JITTER = timedelta(seconds=25)
"""What failed together (a host, Vault) does not come back all at once."""

Watcher = Callable[[str], None]
"""Progress callback: the name of each stage as it begins."""

Source = Callable[..., Revision | None]
"""Gives what is in a repository as `sync.fetch_unless` does, which is the one that real ticks have."""


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
    """Run one tick; gives its run, or the last one marked unchanged when nothing has moved since.

    `began` is called with the run's id as soon as it exists.
    Effects: the run and all that it decides and applies; nothing when unchanged.
    Raises: StoreError when the store fails; SyncError FLEET-502 when halted before the run began. What is wrong with the remote or the file is the run's own error.
    """
    tick = _Tick(store, kinds, settings, repository, actor, trigger, store.newest(), _Stages(watcher))
    try:
        revision = tick.sync(source or sync.fetch_unless, halted)
        if revision is None:
            return replace(tick.at_rest[0], unchanged=True)
        began(tick.begin(revision))
        decided = tick.decide(revision, tick.parse(revision))
        applied = tick.apply(progress, halted)
    except FleetError as error:
        if tick.run_id is None and error.code == "FLEET-502":
            raise  # a requested stop is not a failure of the repository
        with suppress(FleetError):
            return tick.fail(error)
        raise
    except MemoryError:
        return tick.fail(
            SyncError(
                "FLEET-218",
                "The tick ran out of memory.",
                "Find what made the file or the fleet grow; give the server more memory, or sync fewer repositories in parallel (FLEET_SYNC_WORKERS).",
            )
        )
    except BaseException as error:
        unexpected = FleetError(
            "FLEET-502",
            f"The tick was interrupted ({type(error).__name__}).",
            "The next tick continues where it stopped.",
        )
        with suppress(FleetError):
            tick.fail(unexpected)
        raise
    return tick.finish(revision, applied, decided)


@dataclass(frozen=True, slots=True)
class _Decided:
    """What a tick has decided."""

    capped: bool
    """Whether the cap held anything back."""
    standing: runs.Standing
    """How all stood that it decided by, with what it wrote itself: whatever moved after that is new to the next tick."""


@dataclass(slots=True)
class _Tick:
    """One tick, stage by stage."""

    store: Store
    kinds: Kinds
    settings: Settings
    repository: Repository
    """As it was when its file was fetched and read."""
    actor: Actor
    trigger: Trigger
    started_at: datetime
    stages: _Stages
    run_id: int | None = None
    """None until the run is written."""
    revision: Revision | None = None
    at_rest: list[Run] = field(default_factory=list)
    """The last run, where nothing has moved since."""

    def sync(self, fetch: Source, halted: applying.Halted) -> Revision | None:
        """The file at the newest commit; None where nothing has moved since the last run."""

        def standing_now() -> runs.Standing:
            asked = ("standing", self.repository.id)
            return self.store.remembered(asked, lambda tx: runs.standing(tx, self.repository.id))

        def known(commit: str) -> bool:
            """Whether nothing has moved since the last run ended with this commit."""
            standing = standing_now()
            if standing.inputs is None or standing.inputs != _inputs(standing, self.settings, commit):
                return False
            last = self.store.remembered(("run", standing.run_id), lambda tx: runs.get(tx, standing.run_id))
            self.at_rest.append(last)
            return True

        with self.stages.stage("sync"):
            confirmations.require(self.store, self.settings, self.actor, self.repository)
            self.revision = fetch(known, self.repository, self.settings, halted=halted, meanwhile=standing_now)
        return self.revision

    def begin(self, revision: Revision) -> int:
        """Write the run; gives its id."""
        if revision.host_key is not None:
            with self.store.write() as tx:
                pinning.pin_first(tx, self.actor, self.repository, revision.host_key)
        with self.store.write() as tx:
            self.run_id = runs.insert(tx, self.repository, self.trigger, self.actor.name, self.started_at, revision)
        return self.run_id

    @property
    def _run(self) -> int:
        assert self.run_id is not None  # noqa: S101  begun
        return self.run_id

    def parse(self, revision: Revision) -> FleetFile:
        """What the file declares. Raises: FleetFileInvalid, with every problem."""
        with self.stages.stage("parse"):
            return read_fleet_file(
                revision.content,
                self.kinds,
                file=revision.file,
                limit=self.settings.max_file_bytes,
                account=self.repository.account,
            )

    def decide(self, revision: Revision, desired: FleetFile) -> _Decided:
        """Diff and propose, in the one transaction that holds all that a tick decides.

        Raises: SyncError FLEET-233 if the settings changed, so that another file is now the right one, FLEET-210.
        """
        with self.store.write() as tx:
            if changed := _changed(tx, self.repository):
                raise SyncError("FLEET-233", f"{changed} Nothing was decided.", "The next tick starts again.")
            repository = repositories.get(tx, self.repository.id)
            standing = proposals.live_of(tx, repository_id=repository.id)
            with self.stages.stage("diff"):
                accounts = _compare(tx, self.kinds, repository, revision, desired, standing)
                recorder = Recorder(tx, self.kinds, self.actor, repository, self._run, revision.commit, accounts)
                recorder.versions()
                refuse_empty(repository, desired, accounts)
            with self.stages.stage("propose"):
                candidates = _candidates(
                    accounts, proposals.reverted(tx, repository.id) if repository.auto_apply else {}
                )
                prints = propose.fingerprints(repository.id, candidates)
                awaited = _awaited(tx, repository, candidates, standing, prints)
                auto = repository.auto_apply
                decision = propose.decide(
                    repository,
                    candidates,
                    standing,
                    self.settings.cap,
                    prints,
                    refused=proposals.rejected_before(tx, repository.id, list(prints.values())) if auto else (),
                    retry=_worth_retrying(tx, repository, standing, revision, self._run),
                    awaited=awaited,
                )
                proposal_ids = recorder.decision(decision)
                recorder.claims()
                withheld.settle(tx, repository.id, self._run, decision.withheld)
                recorder.drift()
                runs.decide(
                    tx,
                    self._run,
                    diff_count=len(candidates.order) + len(candidates.unsound),
                    remaining=len(decision.withheld),
                    proposal_ids=proposal_ids,
                    counts=_counts(accounts),
                    informational=[entry for account in accounts for entry in account.diff.informational],
                    waiting=[
                        {"kind": key.kind, "name": key.name, "holder": holder}
                        for key, holder in accounts[0].diff.waiting[: warnings.MOST_WAITING]
                    ],
                    warnings=warnings.of_tick(self.kinds, accounts, decision, awaited),
                )
            capped = any(held.reason is Withheld.CAP for held in decision.withheld)
            return _Decided(capped, runs.standing(tx, repository.id))

    def apply(self, progress: applying.Progress, halted: applying.Halted) -> applying.Applied:
        """Apply what of this repository is approved."""
        fetched = self.repository

        def stopped() -> str | None:
            return halted() or self.store.remembered(("changed", fetched), lambda tx: _changed(tx, fetched))

        with self.stages.stage("apply"):
            return applying.apply(
                self.store,
                self.kinds,
                self.actor,
                trigger="tick",
                run_id=self._run,
                repository_id=fetched.id,
                progress=progress,
                halted=stopped,
            )

    def finish(self, revision: Revision, applied: applying.Applied, decided: _Decided) -> Run:
        """Record how it went well, and what the next tick has to find moved to be worth its work."""
        fetched = self.repository
        with self.store.write() as tx:
            standing = decided.standing
            if proposals.waited_for(tx, fetched.id, fetched.account, self._run):
                live.bump_accounts(tx, [fetched.account])
                moved = {**standing.live_versions, fetched.account: standing.live_versions[fetched.account] + 1}
                standing = replace(standing, live_versions=moved)
            moved_on = applied.touched or applied.stopped or standing.settings != fetched.settings
            inputs = None if moved_on else _inputs(standing, self.settings, revision.commit)
            status = RunStatus.PARTIAL if decided.capped else RunStatus.SUCCESS
            runs.finish(tx, self._run, status, self.stages.done, inputs=inputs)
            if applied.stopped:
                runs.warn(tx, self._run, warnings.of_stopped(applied.stopped, applied.left))
            if fetched.failure_count:
                repositories.set_health(tx, fetched.id, 0, None)
            if (before := runs.before(tx, fetched.id, self._run)) is not None and before.status is RunStatus.FAILED:
                recovered = Event("gitops.run_recovered", fetched.account, fetched.id, self._run)
                events.record(tx, self.actor.name, [recovered])
            runs.mark_applied(tx, [fetched.id])
            return runs.get(tx, self._run)

    def fail(self, error: FleetError) -> Run:
        """Record how it failed, count it against the repository and say when a scheduled tick may try again."""
        fetched, actor = self.repository, self.actor
        with self.store.write() as tx:
            current = repositories.get(tx, fetched.id)
            if self.run_id is None:
                self.run_id = runs.insert(tx, fetched, self.trigger, actor.name, self.started_at, self.revision)
            about = {"stage": self.stages.last, **error.body()}
            runs.finish(tx, self.run_id, RunStatus.FAILED, self.stages.done, error=about)
            if error.code not in _NOT_COUNTED:
                failures = current.failure_count + 1
                # By the clock itself: the store's own time may be ahead of it, if the clock once was.
                again_at = self.store.clock() + backoff(fetched.id, failures)
                repositories.set_health(tx, fetched.id, failures, again_at)
            if error.code == "FLEET-216":
                pinning.note_changed(tx, actor, fetched, self.run_id, error.facts.get("offered", "unknown"))
            failed = Event(
                "gitops.run_failed",
                fetched.account,
                fetched.id,
                self.run_id,
                reason=error.message[:500],
                data={"code": error.code},
            )
            events.record(tx, actor.name, [failed])
            return runs.get(tx, self.run_id)


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


def _compare(
    tx: Transaction,
    kinds: Kinds,
    repository: Repository,
    revision: Revision,
    desired: FleetFile,
    standing: Sequence[Proposal],
) -> list[Compared]:
    """Compare every account that the repository is bound to or still holds something in; its own comes first."""
    names = repositories.names(tx)
    others = sorted(set(live.claimed_accounts(tx, repository.id)) - {repository.account})
    return [
        compare(
            kinds,
            desired if account == repository.account else None,
            live.read_live(tx, account),
            repository.id,
            revision.commit,
            names,
            standing,
        )
        for account in [repository.account, *others]
    ]


def _candidates(accounts: list[Compared], reverted: Mapping[ResourceKey, Change]) -> propose.Candidates:
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


def _counts(accounts: list[Compared]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for account in accounts:
        for section, counts in account.diff.counts.items():
            into = total.setdefault(section, dict.fromkeys(counts, 0))
            for change, number in counts.items():
                into[change] += number
    return total


def backoff(repository_id: int, failures: int) -> timedelta:
    """How long a schedule leaves a repository alone after its nth failure in a row. The jitter is the repository's own."""
    pause: timedelta = min(FIRST_BACKOFF * 2 ** min(failures - 1, 10), LONGEST_BACKOFF)
    share = zlib.crc32(f"{repository_id} {failures}".encode()) / 2**32
    return pause + MOST_JITTER * share
