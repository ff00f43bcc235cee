"""All queries of the command line, pages, API and notebooks. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from engine.access.permits import crosses, reading
from engine.errors import RefusedEdit, ReviewError
from engine.flow import apply as applying
from engine.flow import export, sync
from engine.flow.plan import Plan
from engine.flow.preview import Preview, compare, preview
from engine.kinds import Derived, Kind, Kinds, name_problem
from engine.model import (
    Change,
    Delivery,
    Episode,
    HeldBack,
    HeldDifference,
    Mark,
    Origin,
    Proposal,
    RecordedEvent,
    Repository,
    Resource,
    ResourceKey,
    Run,
    RunDetail,
    Spec,
    Status,
    StepRecord,
    Version,
    covers,
)
from engine.settings import SETTINGS, Settings
from engine.store import (
    Store,
    Transaction,
    applies,
    deliveries,
    episodes,
    events,
    live,
    overview,
    pauses,
    proposals,
    repositories,
    runs,
    withheld,
)
from engine.store.episodes import Frequent
from engine.store.events import EventFilter as EventFilter
from engine.store.live import InventoryRow
from engine.store.overview import DriftFigures, Pulse
from engine.store.pauses import Pause
from engine.store.proposals import ProposalFilter as ProposalFilter
from engine.store.repositories import RepositoryRow
from engine.store.runs import RunFilter as RunFilter
from engine.workbench import edits
from engine.workbench.blame import Blame, blame
from engine.workbench.graph import Graph, GraphNode, layered
from engine.workbench.prospects import Prospects, prospects

if TYPE_CHECKING:
    from engine.flow.parse import FleetFile

T = TypeVar("T")
K = TypeVar("K")
F = TypeVar("F", ProposalFilter, RunFilter, EventFilter)

_YAML_GROWTH = 4
"""As YAML, specs have up to about so many times the characters in which they are kept: only what may be too large is written out."""

MOST = 10_000
"""Most rows that one page of a list gives."""


@dataclass(frozen=True, slots=True)
class RepositoryHealth:
    repository: Repository
    last: Run | None
    checked_at: datetime | None
    """When the remote was last reached, unchanged ticks included."""
    pending: int
    approved: int
    failed: int
    withheld: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """Is all well, and what waits for people."""

    accounts: tuple[str, ...]
    resources: int
    owned: int
    pauses: tuple[Pause, ...]
    repositories: tuple[RepositoryHealth, ...]
    counts: Mapping[Status, int]
    """Live proposals by status."""
    oldest_pending_at: datetime | None
    drift: tuple[Episode, ...]
    """Open episodes, newest first."""
    withheld: Mapping[str, int]
    drills: tuple[RecordedEvent, ...] = ()
    """The last restore drill of each account that was drilled, oldest first."""
    snapshots: tuple[RecordedEvent, ...] = ()
    """The last snapshot that the server kept and the last failure to keep one, oldest first."""

    @property
    def failed_drills(self) -> list[RecordedEvent]:
        """Those of them that failed."""
        return [e for e in self.drills if e.event.type == "gitops.drill_failed"]

    @property
    def failed_snapshot(self) -> RecordedEvent | None:
        """Why the server keeps no snapshot, where it should."""
        last = self.snapshots[-1] if self.snapshots else None
        return last if last is not None and last.event.type == "gitops.snapshot_failed" else None

    @property
    def well(self) -> bool:
        """True if nothing failed (including restore drills and snapshots), nothing is paused, and there is no drift. Pending proposals do not matter."""
        failing = any(health.last is not None and health.last.status == "failed" for health in self.repositories)
        return not (
            failing
            or self.pauses
            or self.drift
            or self.counts.get(Status.FAILED)
            or self.failed_drills
            or self.failed_snapshot
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force by setting name; and for changed ones, the variable that set them."""

    values: Mapping[str, int]
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The surroundings of a live resource: neighbours, proposals, drift."""

    targets: tuple[ResourceKey, ...]
    """What it refers to, live or not."""
    referrers: Mapping[ResourceKey, Spec]
    """What refers to it."""


@dataclass(frozen=True, slots=True)
class Blamed:
    """One value of a resource, the version that brought it, and if a proposal did, that and the run that opened it."""

    blame: Blame
    proposal: Proposal | None
    run: Run | None


@reading
class Reader:
    """Reads one store. Every call sees one consistent state; lists come newest first, keyset-paged by id.

    A reader may be narrowed to one account (`narrowed`); then nothing of another exists for it.
    """

    def __init__(self, store: Store, kinds: Kinds, settings: Settings) -> None:
        self.store = store
        self.kinds = kinds
        self.settings = settings
        self.scope = "*"
        """The one account that this reader sees, or `*` for every one."""

    def narrowed(self, account: str) -> Self:
        """The same reader, seeing one account alone; `*` leaves it as it is. Raises: RefusedEdit FLEET-600 for another than its own."""
        self._within(None if account == "*" else account)
        made = copy(self)
        made.scope = self.scope if account == "*" else account
        return made

    @crosses
    def limits(self) -> Limits:
        """The limits in force here."""
        return Limits({name: getattr(self.settings, name) for name in SETTINGS}, dict(self.settings.sources))

    # Naming things

    @crosses
    def account(self, name: str | None) -> str:
        """The account meant: the one named, else the only one there is, else `default`."""
        name = self._within(name)
        if name is not None:
            return name
        known = self._all_accounts()
        return known[0] if len(known) == 1 else "default"

    @crosses
    def accounts(self) -> list[str]:
        return [name for name in self._all_accounts() if self._sees(name)]

    def _all_accounts(self) -> tuple[str, ...]:
        return self.store.remembered("accounts", lambda tx: tuple(live.accounts(tx)))

    @crosses
    def repository(self, name: str | int) -> Repository:
        """A repository in service by its name or its number. Raises: RefusedEdit FLEET-603."""
        return self._find(name)

    @crosses
    def deliveries(self, name: str) -> list[Delivery]:
        """The latest webhook deliveries of a repository, newest first."""
        with self.store.read() as tx:
            return deliveries.of(tx, self._repository(tx, name).id)

    def kind(self, section: str) -> Kind:
        """The kind of a section. Raises: RefusedEdit FLEET-621."""
        return edits.kind_of(self.kinds, section)

    @crosses
    def repositories(self, account: str | None = None) -> list[Repository]:
        within = self._within(account)
        ask = ("repositories", within)
        return list(self.store.remembered(ask, lambda tx: tuple(repositories.registered(tx, within))))

    @crosses
    def owned_by(self, name: str) -> int:
        """Number of resources that a repository owns."""
        with self.store.read() as tx:
            return live.count_held_by(tx, self._repository(tx, name).id)

    @crosses
    def repository_table(
        self,
        *,
        account: str | None = None,
        text: str | None = None,
        health: str | None = None,
        skip: int = 0,
        limit: int = 50,
    ) -> tuple[list[RepositoryRow], int]:
        """A page of the repositories and how they fare, the worst first; and how many the filters let through."""
        with self.store.read() as tx:
            return repositories.table(
                tx, account=self._within(account), text=text, health=health, skip=skip, limit=_limit(limit)
            )

    # Proposals and runs

    @crosses
    def proposal(self, id_: int) -> Proposal:
        """One proposal. Raises: ReviewError FLEET-401."""
        with self.store.read() as tx:
            found = self._proposals(tx, [id_])
        if id_ not in found:
            raise ReviewError("FLEET-401", f"There is no proposal {id_}.", "List them with: fleet proposals")
        return found[id_]

    @crosses
    def awaited(self, proposal: Proposal) -> list[str]:
        """Repositories whose next good run auto-apply waits for before it destroys, by name: they may declare the resource."""
        if (proposal.change, proposal.origin, proposal.status) != (Change.DESTROY, Origin.GIT, Status.PENDING):
            return []
        with self.store.read() as tx:
            holder = repositories.in_service(tx, proposal.repository_id)
            if holder is None or not (holder.auto_apply and holder.auto_prune and self._sees(proposal.key.account)):
                return []
            return proposals.awaited(tx, [proposal.id]).get(proposal.id, [])

    @crosses
    def proposals_by_id(self, ids: Sequence[int]) -> list[Proposal]:
        """Proposals in the order of the ids given; unknown ones are left out."""
        with self.store.read() as tx:
            found = self._proposals(tx, ids)
        return [found[id_] for id_ in ids if id_ in found]

    @crosses
    def proposals(
        self,
        *,
        account: str | None = None,
        repository: str | None = None,
        status: str | None = None,
        kind: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Proposal]:
        """Proposals, newest first."""
        with self.store.read() as tx:
            return proposals.read(
                tx,
                account=self._within(account),
                repository_id=self._id(tx, repository),
                status=status,
                kind=kind,
                before=before,
                limit=_limit(limit),
            )

    @crosses
    def find_proposals(
        self,
        wanted: ProposalFilter,
        *,
        oldest_first: bool = False,
        before: int | None = None,
        skip: int = 0,
        limit: int = 50,
    ) -> list[Proposal]:
        """A page of the proposals that a filter lets through, newest first unless asked otherwise."""
        with self.store.read() as tx:
            return proposals.find(
                tx, self._filter(wanted), oldest_first=oldest_first, before=before, skip=skip, limit=_limit(limit)
            )

    @crosses
    def count_proposals(self, wanted: ProposalFilter) -> int:
        """How many proposals a filter lets through."""
        with self.store.read() as tx:
            return proposals.count_found(tx, self._filter(wanted))

    @crosses
    def pending_beside(self, id_: int, account: str) -> tuple[int | None, int | None]:
        """Ids of the pending proposals of an account right before and right after one, in the order of the queue."""
        with self.store.read() as tx:
            return proposals.pending_beside(tx, id_, self._within(account) or account)

    def prospects(self, ids: Sequence[int]) -> Prospects:
        """What a person could do with these proposals now, and what applying them would touch. Effects: none."""
        with self.store.read() as tx:
            found = self._proposals(tx, ids)
            chosen = [found[id_] for id_ in dict.fromkeys(ids) if id_ in found]
            standing = {p.id: p for p in proposals.live_of(tx, account=self._within(None), status=Status.APPROVED)}
            accounts = {p.key.account for p in (*chosen, *standing.values())}
            fleets = {account: live.read_live(tx, account) for account in sorted(accounts)}
            coming = proposals.undecided(tx, (p.repository_id for p in chosen))
        return prospects(self.kinds, chosen, list(standing.values()), fleets, coming)

    @crosses
    def live_proposals(
        self, *, account: str | None = None, repository: str | None = None, status: Status | None = None
    ) -> list[Proposal]:
        """All live proposals, oldest first."""
        with self.store.read() as tx:
            return proposals.live_of(
                tx, repository_id=self._id(tx, repository), account=self._within(account), status=status
            )

    @crosses
    def run(self, id_: int) -> Run:
        """One run. Raises: RefusedEdit FLEET-604."""
        with self.store.read() as tx:
            return self._run(tx, id_)

    @crosses
    def reverts_of(self, ids: Sequence[int]) -> list[Proposal]:
        """Proposals that revert one of these, oldest first."""
        with self.store.read() as tx:
            return [p for p in proposals.reverts_of(tx, ids) if self._sees(p.key.account)]

    @crosses
    def run_of(self, proposal: Proposal) -> Run | None:
        """The run that opened a proposal; None once it is forgotten."""
        with self.store.read() as tx:
            found = runs.by_id(tx, proposal.run_id)
        return found if found is not None and self._sees(found.account) else None

    @crosses
    def runs(
        self,
        *,
        account: str | None = None,
        repository: str | None = None,
        status: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Run]:
        """Runs, newest first."""
        with self.store.read() as tx:
            return runs.read(
                tx,
                repository_id=self._id(tx, repository),
                account=self._within(account),
                status=status,
                before=before,
                limit=_limit(limit),
            )

    @crosses
    def find_runs(self, wanted: RunFilter, *, skip: int = 0, limit: int = 50) -> list[Run]:
        """A page of the runs that a filter lets through, newest first."""
        with self.store.read() as tx:
            return runs.find(tx, self._filter(wanted), skip=skip, limit=_limit(limit))

    @crosses
    def count_runs(self, wanted: RunFilter) -> int:
        """How many runs a filter lets through."""
        with self.store.read() as tx:
            return runs.count_found(tx, self._filter(wanted))

    @crosses
    def run_before(self, run: Run) -> Run | None:
        """The run of the same repository before this one."""
        with self.store.read() as tx:
            return runs.before(tx, run.repository_id, run.id)

    @crosses
    def run_detail(self, run: Run) -> RunDetail:
        """A run with what it withheld and the steps on its proposals."""
        return self.run_details([run])[0]

    @crosses
    def held_by(self, run: Run) -> list[HeldDifference]:
        """What a run withheld, path by path."""
        with self.store.read() as tx:
            found = withheld.of_run(tx, run.repository_id, run.id) if run.remaining else []
        return [held for held in found if self._sees(held.key.account)]

    @crosses
    def run_details(self, found: Sequence[Run]) -> list[RunDetail]:
        """Runs in full, in their current state: each is consistent with its steps."""
        with self.store.read() as tx:
            now = runs.by_ids(tx, [run.id for run in found])
            steps: dict[int, list[StepRecord]] = {}
            for step in applies.steps_of(tx, sorted({id_ for run in now.values() for id_ in run.proposal_ids})):
                steps.setdefault(step.proposal_id, []).append(step)
            held = withheld.of_runs(tx, [(run.repository_id, run.id) for run in now.values() if run.remaining])
        made = []
        for run in found:
            current = replace(now.get(run.id, run), unchanged=run.unchanged)
            tried = sorted((s for id_ in current.proposal_ids for s in steps.get(id_, ())), key=lambda s: s.id)
            # A repository that has moved still owns resources in the account that it has left.
            mine = tuple(s for s in tried if self._sees(s.key.account))
            made.append(RunDetail(current, mine, tuple(w for w in held.get(run.id, ()) if self._sees(w.key.account))))
        return made

    @crosses
    def events(
        self,
        *,
        proposal_id: int | None = None,
        account: str | None = None,
        kind: str | None = None,
        name: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[RecordedEvent]:
        """Events, newest first."""
        with self.store.read() as tx:
            return events.read(
                tx,
                proposal_id=proposal_id,
                account=self._within(account),
                kind=kind,
                name=name,
                before=before,
                limit=_limit(limit),
            )

    @crosses
    def find_events(
        self, wanted: EventFilter, *, before: int | None = None, skip: int = 0, limit: int = 50
    ) -> list[RecordedEvent]:
        """A page of the events that a filter lets through, newest first."""
        with self.store.read() as tx:
            return events.find(tx, self._filter(wanted), before=before, skip=skip, limit=_limit(limit))

    @crosses
    def count_events(self, wanted: EventFilter) -> int:
        """How many events a filter lets through."""
        with self.store.read() as tx:
            return events.count_found(tx, self._filter(wanted))

    @crosses
    def event_types(self) -> list[str]:
        """The types of event that there are."""
        with self.store.read() as tx:
            return events.types(tx, self._within(None))

    @crosses
    def last_drill(self, account: str | None = None) -> RecordedEvent | None:
        """The last restore drill, and what came of it."""
        with self.store.read() as tx:
            return events.last_of(tx, ["gitops.drill_passed", "gitops.drill_failed"], self._within(account))

    @crosses
    def last_drills(self, account: str | None = None) -> list[RecordedEvent]:
        """The last restore drill of each account that was drilled, oldest first."""
        with self.store.read() as tx:
            return events.last_drills(tx, self._within(account))

    @crosses
    def kept_snapshots(self) -> list[RecordedEvent]:
        """The last snapshot that the server saved automatically and the last failure to save one, oldest first; empty if it saves none."""
        if not self.settings.snapshots:
            return []
        with self.store.read() as tx:
            return events.last_snapshots(tx, self._within(None))

    @crosses
    def exports_too_large(self, account: str | None = None) -> list[tuple[str, int]]:
        """(account, bytes of its export) where that is larger than a fleet file may be, and so does not come back in one piece."""
        narrowed, limit = self._within(account), self.settings.max_file_bytes
        found = self.store.remembered(("too large to export", limit), partial(self._too_large, limit))
        return [(name, size) for name, size in found if narrowed is None or name == narrowed]

    def _too_large(self, limit: int, tx: Transaction) -> tuple[tuple[str, int], ...]:
        near = [account for account, size in live.spec_sizes(tx) if size * _YAML_GROWTH > limit]
        sizes = [(account, self._export_size(tx, account)) for account in near]
        return tuple((account, size) for account, size in sizes if size > limit)

    def _export_size(self, tx: Transaction, account: str) -> int:
        specs, scope = live.read_specs(tx, account), f"all of account {account}"
        pins = export.pinned(self.kinds, specs)
        text = export.render(self.kinds, account, specs, pins=pins, as_of=None, scope=scope, store_version=0)
        return len(text.encode())

    # The fleet

    @crosses
    def resource(self, key: ResourceKey) -> Resource:
        """One live resource. Raises: RefusedEdit FLEET-627."""
        with self.store.read() as tx:
            found = live.resource(tx, key) if self._sees(key.account) else None
        if found is None:
            raise edits.no_resource(key)
        return found

    def fleet(self, *, account: str, at: datetime | None = None) -> dict[ResourceKey, Spec]:
        """The whole fleet of an account, as it is or was, in the order of the keys."""
        account = self._within(account) or account
        with self.store.read() as tx:
            return {row.key: row.spec for row in live.read_fleet_at(tx, account, at or self.store.newest())}

    @crosses
    def resources(
        self, *, account: str | None = None, kind: str | None = None, after: str | None = None, limit: int = 100
    ) -> list[Resource]:
        """Live resources in the order of their keys; page on with the last key's text."""
        with self.store.read() as tx:
            return live.resources(tx, account=self._within(account), kind=kind, after=after, limit=_limit(limit))

    @crosses
    def inventory(
        self,
        *,
        account: str | None = None,
        kind: str | None = None,
        state: str | None = None,
        repository: str | None = None,
        text: str | None = None,
        at: datetime | None = None,
        skip: int = 0,
        limit: int = 50,
    ) -> tuple[list[InventoryRow], int]:
        """A page of live resources, now or at a past time (which has no filter by state and repository), and their total number."""
        with self.store.read() as tx:
            return live.inventory(
                tx, account=self._within(account), kind=kind, state=state, repository=repository, text=text, at=at, skip=skip, limit=_limit(limit),
            )  # fmt: skip

    @crosses
    def states(self, account: str | None = None) -> dict[str, dict[str, int]]:
        """Number of live resources by section, then state."""
        with self.store.read() as tx:
            return live.states(tx, self._within(account))

    @crosses
    def state_of(self, key: ResourceKey) -> str | None:
        """The state of one live resource: in_sync, waiting, pending, drifted, failed or unmanaged; None if it does not exist."""
        with self.store.read() as tx:
            return live.state_of(tx, key) if self._sees(key.account) else None

    @crosses
    def withheld_counts(self, account: str | None = None) -> dict[str, int]:
        """How many differences are withheld now, by reason."""
        with self.store.read() as tx:
            found: dict[str, int] = {}
            for _, reason, number in withheld.counts(tx, self._within(account)):
                found[reason] = found.get(reason, 0) + number
            return found

    @crosses
    def held_back(self, key: ResourceKey) -> list[HeldBack]:
        """Differences on a resource that the last runs withhold, of every repository that declares or owns it."""
        with self.store.read() as tx:
            return withheld.of_resource(tx, key) if self._sees(key.account) else []

    @crosses
    def neighbours(self, key: ResourceKey, spec: Spec) -> Neighbours:
        """What a live resource refers to, and what refers to it."""
        with self.store.read() as tx:
            near = live.mentioning(tx, key, self.kinds.referrers_of[key.kind]) if self._sees(key.account) else {}
        targets = [ResourceKey(key.account, t.kind, t.name) for t in self.kinds[key.kind].targets(key.name, spec)]
        return Neighbours(
            tuple(dict.fromkeys(targets)),
            {
                other: theirs
                for other, theirs in near.items()
                if any(
                    (t.kind, t.name) == (key.kind, key.name) for t in self.kinds[other.kind].targets(other.name, theirs)
                )
            },
        )

    def derived(self, key: ResourceKey, spec: Spec, near: Neighbours) -> list[tuple[Derived, list[tuple[Any, ...]]]]:
        """The tables derived from a resource and its neighbours, as its kind declares them."""
        with self.store.read() as tx:

            @cache
            def lookup(kind: str, name: str) -> Spec | None:
                found = live.resource(tx, ResourceKey(key.account, kind, name)) if self._sees(key.account) else None
                return None if found is None else found.spec

            def referrers(section: str) -> dict[str, Spec]:
                return {other.name: theirs for other, theirs in near.referrers.items() if other.kind == section}

            return [(table, table.rows(key.name, spec, lookup, referrers)) for table in self.kinds[key.kind].derived]

    @crosses
    def blame(self, key: ResourceKey) -> list[Blamed]:
        """Every value of a live resource with who set it, when, and by which proposal and commit."""
        versions = self.history(key, MOST)
        found = blame(versions)
        with self.store.read() as tx:
            behind = proposals.by_ids(tx, sorted({b.version.proposal_id for b in found if b.version.proposal_id}))
            commits = runs.by_ids(tx, {p.run_id for p in behind.values()})
        made = []
        for b in found:
            proposal = behind.get(b.version.proposal_id or 0)
            made.append(Blamed(b, proposal, commits.get(proposal.run_id) if proposal else None))
        return made

    @crosses
    def history(self, key: ResourceKey, limit: int = 100, *, before: int | None = None) -> list[Version]:
        """Versions of one resource, newest first; the newest may be its absence. Page on with the last `seq`."""
        with self.store.read() as tx:
            return live.history(tx, key, _limit(limit), before) if self._sees(key.account) else []

    @crosses
    def edits_since_agreed(self, key: ResourceKey) -> list[Version]:
        """Edits by hand on an owned resource since live and git agreed on it, newest first; none if no repository owns it."""
        with self.store.read() as tx:
            if not self._sees(key.account):
                return []
            _, claim = live.specs_and_claims(tx, [key]).get(key, (None, None))
            if claim is None or claim.base_version is None:
                return []
            agreed = claim.base_version
            return [v for v in live.history(tx, key, 100, None) if v.version > agreed and v.cause == "edit"]

    @crosses
    def plan(
        self, *, account: str | None = None, repository: str | None = None, proposal_ids: Sequence[int] | None = None
    ) -> Plan:
        """What an apply would do now. The real apply runs the same plan."""
        with self.store.read() as tx:
            return applying.plan(
                tx,
                self.kinds,
                repository_id=self._id(tx, repository),
                account=self._within(account),
                proposal_ids=proposal_ids,
            )

    @crosses
    def drift(
        self,
        *,
        account: str | None = None,
        repository: str | None = None,
        open_: bool | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Episode]:
        """Drift episodes, newest first."""
        with self.store.read() as tx:
            return episodes.read(
                tx,
                account=self._within(account),
                repository_id=self._id(tx, repository),
                open_=open_,
                before=before,
                limit=_limit(limit),
            )

    @crosses
    def find_drift(
        self,
        *,
        account: str | None = None,
        repository: str | None = None,
        open_: bool | None = None,
        text: str | None = None,
        skip: int = 0,
        limit: int = 50,
    ) -> tuple[list[tuple[Episode, int | None]], int]:
        """A page of (episode, live proposal that would end it), open ones first; and how many there are in all."""
        with self.store.read() as tx:
            return episodes.find(
                tx,
                account=self._within(account),
                repository=repository,
                open_=open_,
                text=text,
                skip=skip,
                limit=_limit(limit),
            )

    @crosses
    def frequent_drift(
        self, *, account: str | None = None, repository: str | None = None, limit: int = 10
    ) -> list[Frequent]:
        """What drifted most often."""
        with self.store.read() as tx:
            return episodes.frequent(tx, self._within(account), repository, limit)

    @crosses
    def drift_marks(self, found: Sequence[Episode], since: datetime) -> list[Mark]:
        """Edits and applies on the resources of some episodes, and commits of their repositories, since a time."""
        with self.store.read() as tx:
            keys = sorted({episode.key for episode in found})
            return episodes.marks(tx, keys, sorted({episode.repository_id for episode in found}), since)

    def read_file(self, data: bytes, *, file: str, account: str | None = None) -> FleetFile:
        """Read a fleet file at hand. Raises: FleetFileInvalid."""
        from engine.flow.parse import read_fleet_file  # brings libyaml, which most reading does not need

        return read_fleet_file(
            data, self.kinds, file=file, limit=self.settings.max_file_bytes, account=self._within(account)
        )

    @crosses
    def preview_file(
        self, data: bytes, *, file: str, account: str, repository: str | None = None, at: datetime | None = None
    ) -> Preview:
        """What a tick would find if a file at hand were pushed. Raises: FleetFileInvalid."""
        desired = self.read_file(data, file=file, account=account)
        return self.preview(desired, account=account, repository=repository, at=at)

    def preview(
        self, desired: FleetFile, *, account: str, repository: str | None = None, at: datetime | None = None
    ) -> Preview:
        """What a tick would find if this file were pushed, or would have found then; destroys only when a repository is named.

        Who holds what is as of today in either case.
        """
        account = self._within(account) or account
        with self.store.read() as tx:
            owner = None if repository is None else self._repository(tx, repository)
            names, standing, others = repositories.names(tx), [], []
            if owner and at is None:
                standing = proposals.live_of(tx, repository_id=owner.id)
                if owner.account == account:
                    left = set(live.claimed_accounts(tx, owner.id)) - {account}
                    others = sorted(filter(self._sees, left))
            fleets = [live.read_live(tx, each, at) for each in [account, *others]]
            known = account in live.accounts(tx)
        if owner is None:
            fleets[0].claims = {}
        found = [
            compare(
                self.kinds,
                desired if fleet is fleets[0] else None,
                fleet,
                owner.id if owner else 0,
                "",
                names,
                standing,
            )
            for fleet in fleets
        ]
        return preview(account, found, known=known)

    @crosses
    def export(
        self, *, account: str, repository: str | None = None, unmanaged: bool = False, at: datetime | None = None
    ) -> str:
        """The canonical fleet file of an account: all of it, one repository's part, or the resources that no repository owns; for now or a past time.

        Raises: RefusedEdit FLEET-603, FLEET-629, FLEET-630 (over the size limit).
        """
        account = self._within(account) or account
        if problem := name_problem(account):
            raise RefusedEdit("FLEET-629", f"{account[:80]!r} cannot be an account: {problem}.", "See: fleet status")
        with self.store.read() as tx:
            owner = None if repository is None else self._repository(tx, repository)
            whole = live.read_specs(tx, account, at)
            if owner is None and not unmanaged:
                specs, scope = whole, f"all of account {account}"
                as_of = live.last_change_at(tx, account, at)
            else:
                specs, as_of = _part(tx, account, None if owner is None else owner.id, at or self.store.newest())
                whose = "no repository" if owner is None else f"repository {owner.name}"
                scope = f"what {whose} owns in account {account}"
        pins, version = export.pinned(self.kinds, whole), self.store.schema_version
        text = export.render(self.kinds, account, specs, pins=pins, as_of=as_of, scope=scope, store_version=version)
        size, limit = len(text.encode()), self.settings.max_file_bytes
        if size > limit:
            raise RefusedEdit(
                "FLEET-630",
                f"The export has {size:,} bytes; the limit for a fleet file is {limit:,}.",
                "Export per repository with --repo, or raise FLEET_MAX_FILE_BYTES here and on the servers that read the file.",
                size=size,
                limit=limit,
            )
        return text

    @crosses
    def graph(self, *, account: str | None = None, repository: str | None = None, at: datetime | None = None) -> Graph:
        """The live fleet as a graph of references, with the state of each resource; or the fleet as it was.

        Who holds what is as of today in either case.
        """
        if repository is not None:
            self.repository(repository)
        within = self._within(account)
        if at is not None:
            with self.store.read() as tx:
                return self._graph(live.graph_rows(tx, within, repository, at))
        return self.store.remembered(
            ("graph", within, repository), lambda tx: self._graph(live.graph_rows(tx, within, repository))
        )

    def _graph(self, rows: Sequence[live.GraphRow]) -> Graph:
        keys: dict[str, dict[tuple[str, str], ResourceKey]] = {}
        for key, *_ in rows:
            keys.setdefault(key.account, {})[key.kind, key.name] = key
        targets: dict[ResourceKey, list[ResourceKey]] = {}
        for key, spec, _, _ in rows:
            near = keys[key.account]
            named = {target[:2] for target in self.kinds[key.kind].targets(key.name, spec)}
            targets[key] = [near[name] for name in sorted(named) if name in near]
        layers = layered(targets)
        return Graph(
            tuple(GraphNode(key, state, layers[key], holder) for key, _, state, holder in rows),
            tuple((key, other) for key, others in targets.items() for other in others),
        )

    # All at once

    @crosses
    def pulse(self, account: str | None = None) -> Pulse:
        """What waits, what fails and what is paused, in a few figures. Every open page asks for it again and again."""
        within = self._within(account)
        return self.store.remembered(("pulse", within), lambda tx: overview.pulse(tx, within))

    @crosses
    def risks(self, account: str | None = None) -> dict[str, int]:
        """Pending proposals by risk: high, medium, low."""
        with self.store.read() as tx:
            return overview.risks(tx, self._within(account))

    @crosses
    def outcomes(self, since: datetime, account: str | None = None) -> list[tuple[str, Status, int]]:
        """(day as YYYY-MM-DD in UTC, status, how many) of proposals that ended or were rejected since a time."""
        with self.store.read() as tx:
            return overview.outcomes(tx, self._within(account), since)

    @crosses
    def drift_figures(self, account: str | None = None) -> DriftFigures:
        """How many episodes are open, how many of them of high severity, and since when the oldest."""
        with self.store.read() as tx:
            return overview.drift_figures(tx, self._within(account))

    @crosses
    def pauses(self) -> list[Pause]:
        with self.store.read() as tx:
            return pauses.in_force(tx, self._within(None))

    @crosses
    def status(self, account: str | None = None) -> FleetStatus:
        """Is all well, and what waits for people."""
        account = self._within(account)
        drills, snapshots = tuple(self.last_drills(account)), tuple(self.kept_snapshots())
        with self.store.read() as tx:
            registered = repositories.registered(tx, account)
            last = runs.last_ids(tx)
            counts = proposals.counts(tx, account)
            held = withheld.counts(tx, account)
            sections = live.counts(tx, account)
            newest = runs.by_ids(tx, last.values())
            standing = {(id_, status): count for id_, status, count, _ in counts}
            withheld_by: dict[int, dict[str, int]] = {}
            for id_, reason, count in held:
                withheld_by.setdefault(id_, {})[reason] = count
            health = [
                RepositoryHealth(
                    repository,
                    newest.get(last.get(repository.id, 0)),
                    sync.reached_at(self.settings.home, repository.id),
                    standing.get((repository.id, Status.PENDING), 0),
                    standing.get((repository.id, Status.APPROVED), 0),
                    standing.get((repository.id, Status.FAILED), 0),
                    withheld_by.get(repository.id, {}),
                )
                for repository in registered
            ]
            totals: dict[Status, int] = {}
            reasons: dict[str, int] = {}
            for _, status, count, _ in counts:
                totals[status] = totals.get(status, 0) + count
            for _, reason, count in held:
                reasons[reason] = reasons.get(reason, 0) + count
            waiting = [opened for _, status, _, opened in counts if status is Status.PENDING and opened is not None]
            return FleetStatus(
                tuple(live.accounts(tx) if account is None else [account]),
                sum(row[2] for row in sections),
                sum(row[3] for row in sections),
                tuple(pauses.in_force(tx, account)),
                tuple(health),
                totals,
                min(waiting, default=None),
                tuple(episodes.read(tx, account=account, open_=True, limit=MOST)),
                reasons,
                drills,
                snapshots,
            )

    # Within one account

    def _sees(self, account: str) -> bool:
        return covers(self.scope, account)

    def _within(self, account: str | None) -> str | None:
        """The account to ask for: the one named, else the only one that is seen. Raises: RefusedEdit FLEET-600."""
        if self.scope == "*":
            return account
        if account is not None and account != self.scope:
            raise RefusedEdit(
                "FLEET-600",
                f"You may use account {self.scope} only.",
                "Use a token or role for the other account, or for all accounts.",
            )
        return self.scope

    def _filter(self, wanted: F) -> F:
        return replace(wanted, account=self._within(wanted.account))

    def _proposals(self, tx: Transaction, ids: Sequence[int]) -> dict[int, Proposal]:
        found = proposals.by_ids(tx, list(ids))
        return {id_: proposal for id_, proposal in found.items() if self._sees(proposal.key.account)}

    def _find(self, name: str | int, account: str = "*") -> Repository:
        """A repository in service by its name or its number, as it is at this moment; otherwise like `_repository`."""
        found = self.store.remembered(("repository", name), lambda tx: _in_service(tx, name))
        if found is not None and self._sees(found.account) and covers(account, found.account):
            return found
        with self.store.read() as tx:
            return self._repository(tx, name, account)

    def _repository(self, tx: Transaction, name: str | int, account: str = "*") -> Repository:
        """A repository in service by its name or its number, as this transaction sees it.

        One of another account than `account`, or than this reader sees, is refused with the words for one that does not exist.
        Raises: RefusedEdit FLEET-603.
        """
        found = _in_service(tx, name)
        if found is None or not self._sees(found.account) or not covers(account, found.account):
            within = self._within(None if account == "*" else account)
            known = ", ".join(r.name for r in repositories.registered(tx, within)[:10])
            raise RefusedEdit(
                "FLEET-603",
                f"There is no repository {str(name)[:80]}.",
                f"Registered: {known}." if known else "Register one with: fleet repo add NAME URL",
            )
        return found

    def _run(self, tx: Transaction, id_: int, account: str = "*") -> Run:
        """One run, as this transaction sees it. Raises: RefusedEdit FLEET-604, of an unknown and of a foreign one alike."""
        found = runs.by_id(tx, id_)
        if found is None or not self._sees(found.account) or not covers(account, found.account):
            raise RefusedEdit("FLEET-604", f"There is no run {id_}.", "List them with: fleet run list")
        return found

    def _id(self, tx: Transaction, name: str | None) -> int | None:
        return None if name is None else self._repository(tx, name).id


def _in_service(tx: Transaction, name: str | int) -> Repository | None:
    return repositories.in_service(tx, name) if isinstance(name, int) else repositories.by_name(tx, name)


def page_of(ask: Callable[[int], Sequence[T]], limit: int, key: Callable[[T], K]) -> tuple[list[T], K | None]:
    """A page of a list, and where the next one begins; None where this is the last.

    `ask` returns the given number of rows. Raises: RefusedEdit FLEET-606.
    """
    found = ask(_limit(limit, MOST) + 1)
    return list(found[:limit]), key(found[limit - 1]) if len(found) > limit else None


def _part(
    tx: Transaction, account: str, owner_id: int | None, at: datetime
) -> tuple[dict[str, dict[str, Spec]], datetime | None]:
    """What one repository owns of an account's fleet, or (None) what none does, as of a time; and when that last changed."""
    owners = live.owners(tx, account)
    found = [row for row in live.read_fleet_at(tx, account, at) if owners.get(row.key) == owner_id]
    specs: dict[str, dict[str, Spec]] = {}
    for row in found:
        specs.setdefault(row.key.kind, {})[row.key.name] = row.spec
    return specs, max((row.valid_from for row in found), default=None)


def _limit(limit: int, most: int = MOST + 1) -> int:
    """The requested number of rows; one more than a page shows whether another page follows."""
    if not 1 <= limit <= most:
        raise RefusedEdit(
            "FLEET-606",
            f"A list returns 1 to {MOST:,} rows, not {limit}.",
            "Request further pages with the `next` of each answer.",
        )
    return limit
