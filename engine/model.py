"""The domain objects that every stage takes and gives. Nothing here knows a store, git, a clock or randomness."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from engine.errors import FleetError

JSON = Any
"""A JSON value: None, bool, int, float, str, list or dict of them. (Python's typing has no useful recursive form.)"""

Spec = dict[str, Any]
"""A resource's fields by name, or a slice of them. Treated as immutable once made."""

Clock = Callable[[], datetime]
"""Gives the present time, aware and in UTC. Passed in, so that tests and the demo can set it."""


class ResourceKey(NamedTuple):
    """The only identity of a resource. Ordered and hashable."""

    account: str
    kind: str
    name: str

    @property
    def text(self) -> str:
        """The one text key under which the store keeps it: `account/kind/name` (no part contains a slash)."""
        return f"{self.account}/{self.kind}/{self.name}"

    @property
    def address(self) -> str:
        """How people write it where the account is known: `modules/nginx-public`."""
        return f"{self.kind}/{self.name}"

    @classmethod
    def of(cls, text: str) -> ResourceKey:
        return cls(*text.split("/", 2))


class Change(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DESTROY = "destroy"
    INFORMATIONAL = "informational"


class Cause(StrEnum):
    """Why a difference exists, read from base, live and desired (section 7 of the design)."""

    GIT_MOVED = "git_moved"
    LIVE_MOVED = "live_moved"
    BOTH = "both"


class Status(StrEnum):
    """Where a proposal stands."""

    PENDING = "pending"
    APPROVED = "approved"
    APPLIED = "applied"
    FAILED = "failed"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"

    @property
    def live(self) -> bool:
        """Whether the proposal still speaks for its resource; at most one live proposal stands for each."""
        return self in LIVE_STATUSES


LIVE_STATUSES = frozenset({Status.PENDING, Status.APPROVED, Status.FAILED, Status.REJECTED})


class Withheld(StrEnum):
    """Why a difference is not proposed."""

    CAP = "cap"
    MISSING_REFERENCE = "missing_reference"
    STILL_REFERENCED = "still_referenced"
    OWNERSHIP_CONFLICT = "ownership_conflict"
    CONFLICT = "conflict"


class RunStatus(StrEnum):
    RUNNING = "running"
    FAILED = "failed"
    PARTIAL = "partial"
    SUCCESS = "success"
    APPLIED = "applied"


class Trigger(StrEnum):
    """What asked for a tick or an apply."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    WEBHOOK = "webhook"


class Risk(StrEnum):
    """How closely a proposal wants to be looked at; the store's `risk_of` decides."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Origin(StrEnum):
    GIT = "git"
    REVERT = "revert"


class Permission(StrEnum):
    READ = "system.gitops.read"
    WRITE = "system.gitops.write"
    SYNC = "system.gitops.sync"
    REVIEW = "system.gitops.review"
    APPLY = "system.gitops.apply"
    FLEET_WRITE = "system.fleet.write"
    TOKENS = "system.tokens.write"

    @property
    def short(self) -> str:
        """read, write, sync, review and apply; fleet.write and tokens.write in two words."""
        return self.value.removeprefix("system.").removeprefix("gitops.")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something, and what they may do."""

    name: str
    permissions: frozenset[Permission] = frozenset(Permission)
    account: str = "*"
    """The one account they may touch, or `*` for every one."""
    token_id: int | None = None
    """The token of the API that they came with, if they did."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token of the API may do, and how long. One row of `api_tokens`; the token itself is kept nowhere."""

    id: int
    jti: str
    """Names this row inside the signed token."""
    name: str
    account: str
    """The one account that it may touch, or `*` for every one."""
    permissions: tuple[Permission, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    made_with: int | None = None
    """The token that it was made with, if it was: it ends with that one."""

    def state(self, now: datetime) -> str:
        """valid, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if now < self.expires_at else "expired"


AUTO_APPLY = Actor("gitops_auto_apply")
SCHEDULER = Actor("gitops_scheduler")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One path of a spec that a change touches, for people: maps are shown path by path, lists whole."""

    path: str
    change: str
    """`added`, `changed` or `removed`."""
    current: Any = None
    desired: Any = None
    base: Any = None


class Claim(NamedTuple):
    """Which repository holds a resource, live yet or not, and what it last agreed on with live."""

    repository_id: int
    agreed: str | None = None
    """The declared slice last applied or found live and equal, as its one text. None: claimed, not owned."""
    base_revision: str | None = None
    base_version: int | None = None
    rejections: int = 0
    """Times people rejected a change on this resource since one was last applied."""
    waiting: Sequence[str] | None = None
    """Other repositories of the account that declare it too, by name, the one that waits longest first; None: there are none."""

    @property
    def owned(self) -> bool:
        return self.agreed is not None

    @property
    def base(self) -> Spec | None:
        """The slice that was agreed on; made from its text at each call, as few claims are ever asked for it."""
        if self.agreed is None:
            return None
        base: Spec = orjson.loads(self.agreed)
        return base


@dataclass(frozen=True, slots=True)
class Difference:
    """One resource on which desired and live disagree."""

    key: ResourceKey
    change: Change
    current: Spec | None
    """Live slice over the declared fields; the whole spec for a destroy; None for a create."""
    desired: Spec | None
    """Declared slice; the whole spec with defaults for a create; None for a destroy."""
    cause: Cause
    base: Spec | None = None
    declared: tuple[str, ...] = ()
    """The fields that the revision declares, sorted: what becomes the base once applied."""
    live_version: int | None = None


@dataclass(frozen=True, slots=True)
class WithheldDiff:
    """A difference that is not proposed, with the reason and, in words, what it waits for."""

    difference: Difference
    reason: Withheld
    detail: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A difference opened for review. One row of `proposals`."""

    id: int
    repository_id: int
    repository: str
    key: ResourceKey
    change: Change
    status: Status
    current: Spec | None
    desired: Spec | None
    declared: tuple[str, ...]
    base: Spec | None
    fields: tuple[FieldChange, ...]
    cause: Cause
    origin: Origin
    fingerprint: str
    revision: str
    run_id: int
    references: tuple[str, ...]
    """Addresses of what the resource refers to once the change is applied."""
    blast_radius: int
    """Nodes that the change reaches."""
    reopened_count: int
    reason: str | None
    error: dict[str, Any] | None
    opened_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    ended_at: datetime | None
    reverts: int | None
    """The applied proposal whose change this one takes back; then `run_id` and `revision` are that one's."""
    risk: Risk


class Switch(NamedTuple):
    """A setting of a repository that is on or off."""

    name: str
    title: str
    doc: str
    """What it does when it is on, as a sentence."""
    default: bool
    decides: bool
    """Whether ticks then decide what people would decide otherwise: switching it on takes the permissions to decide."""
    from_the_start: bool
    """Whether a form offers it for a repository that owns nothing yet."""


def _switch(title: str, doc: str, *, default: bool = False, decides: bool = True, from_the_start: bool = True) -> Any:
    """The declaration of a switch: the field of `Repository` and, in `SWITCHES`, everything that surfaces say of it."""
    return field(default=default, metadata={_TICK: True, "switch": (title, doc, default, decides, from_the_start)})


_TICK = "tick"
"""Marks the fields of `Repository` that are settings; true for those that decide the outcome of a tick, besides the commit."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A registered git repository and its settings. One row of `gitops_repositories`."""

    id: int
    name: str
    account: str = field(metadata={_TICK: True})
    url: str = field(metadata={_TICK: True})
    branch: str = field(default="main", metadata={_TICK: True})
    path_prefix: str = field(default="", metadata={_TICK: True})
    vault_credential_path: str | None = field(default=None, metadata={_TICK: True})
    ssh_host_key: str | None = field(default=None, metadata={_TICK: False})
    """`TYPE BASE64`: the only key that its ssh host may show; None: pinned at first use."""
    enabled: bool = field(default=True, metadata={_TICK: False})
    auto_apply: bool = _switch("Auto-apply", "Approve and apply creates and updates from git automatically.")
    auto_prune: bool = _switch("Auto-prune", "Let auto-apply destroy resources too.")
    auto_heal: bool = _switch("Auto-heal", "Let auto-apply repair drift too.")
    allow_empty: bool = _switch(
        "Allow empty",
        "Accept a file that declares nothing; it destroys all resources that the repository owns.",
        from_the_start=False,
    )
    paused_reason: str | None = None
    paused_by: str | None = None
    paused_at: datetime | None = None
    failure_count: int = 0
    next_attempt_at: datetime | None = None
    created_at: datetime | None = None
    proposals_version: int = 0
    """Counts every move of a proposal of this repository; part of what makes a tick unchanged."""

    @property
    def file(self) -> str:
        """Path of the fleet file inside the repository."""
        return f"{self.path_prefix}/fleet.yaml" if self.path_prefix else "fleet.yaml"

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the outcome of a tick, besides the commit: part of what makes a tick unchanged."""
        return {name: getattr(self, name) for name in TICK_SETTINGS}


REPOSITORY_SETTINGS: Mapping[str, Any] = {f.name: f.default for f in fields(Repository) if _TICK in f.metadata}
"""Every setting of a repository with what it is unless somebody says so; account and URL have to be said (MISSING)."""

TICK_SETTINGS = tuple(f.name for f in fields(Repository) if f.metadata.get(_TICK))
"""The settings that decide the outcome of a tick, besides the commit."""

SWITCHES = tuple(Switch(f.name, *f.metadata["switch"]) for f in fields(Repository) if "switch" in f.metadata)
"""What can be switched on for a repository, in the order in which surfaces show it."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit as fetched, with the fleet file it holds."""

    commit: str
    author: str
    subject: str
    committed_at: datetime
    file: str
    content: bytes
    host_key: str | None = None
    """What an ssh host showed that has no pinned key yet."""


class Specs(MutableMapping[str, Spec]):
    """Specs by name, each made from its text when it is first asked for: most of a fleet at rest never is."""

    __slots__ = ("_held",)

    def __init__(self, texts: dict[str, str]) -> None:
        self._held: dict[str, Any] = texts

    def __getitem__(self, name: str) -> Spec:
        found = self._held[name]
        if type(found) is str:
            found = self._held[name] = orjson.loads(found)
        spec: Spec = found
        return spec

    def __setitem__(self, name: str, spec: Spec) -> None:
        self._held[name] = spec

    def __delitem__(self, name: str) -> None:
        del self._held[name]

    def __contains__(self, name: object) -> bool:
        return name in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __copy__(self) -> Specs:
        return Specs(dict(self._held))


@dataclass(slots=True)
class LiveFleet:
    """The live fleet of one account in memory. `specs` and `versions` are keyed by section, then name."""

    account: str
    specs: dict[str, MutableMapping[str, Spec]] = field(default_factory=dict)
    versions: dict[str, dict[str, int]] = field(default_factory=dict)
    claims: dict[str, dict[str, Claim]] = field(default_factory=dict)
    known_versions: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Every version that each (section, name) ever had, live or declared: what a pin may mean."""


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: keys sorted, no spaces. Equal bytes mean equal values, `true` and `1` apart."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


Named = Mapping[str, Spec]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was decided, moved or edited. One row of `fleet_events`; `actor` is that of the transaction's writer."""

    type: str
    account: str | None = None
    repository_id: int | None = None
    run_id: int | None = None
    proposal_id: int | None = None
    kind: str | None = None
    name: str | None = None
    reason: str | None = None
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    seq: int
    at: datetime
    actor: str
    event: Event
    request_id: str | None = None
    """The request in whose course it happened, if one from outside did it."""


@dataclass(frozen=True, slots=True)
class Run:
    """The record of one tick. One row of `gitops_sync_runs`."""

    id: int
    repository_id: int
    repository: str
    account: str
    trigger: Trigger
    actor: str
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None
    revision: str | None
    author: str | None
    subject: str | None
    committed_at: datetime | None
    stages: tuple[dict[str, Any], ...]
    """`{stage, seconds}` in the order they ran; the last one of a failed run is where it failed."""
    diff_count: int
    remaining: int
    opened: int
    counts: dict[str, dict[str, int]]
    informational: tuple[dict[str, Any], ...]
    waiting: tuple[dict[str, str], ...]
    """`{kind, name, holder}` for what the revision declares and another repository holds, equal or not; at most 1,000."""
    proposal_ids: tuple[int, ...]
    warnings: tuple[dict[str, Any], ...]
    error: dict[str, Any] | None
    inputs: str | None
    """What the tick saw when it ended, as text; None when the next tick must look again."""
    request_id: str | None = None
    unchanged: bool = False
    """Set on the answer of a sync that found nothing moved since this run."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One time that live stood away from base and desired. One row of `drift_episodes`."""

    id: int
    repository_id: int
    repository: str
    key: ResourceKey
    change: Change
    fields: tuple[dict[str, Any], ...]
    severity: str
    moved_by: str | None
    moved_at: datetime | None
    opened_at: datetime
    opened_run: int
    closed_at: datetime | None
    closed_run: int | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened to a resource (edit, apply) or in a repository (commit), for a timeline."""

    what: str
    key: ResourceKey | None
    at: datetime
    by: str
    detail: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a resource. `spec` None: from then on it was absent."""

    seq: int
    version: int
    spec: Spec | None
    valid_from: datetime
    valid_to: datetime | None
    actor: str
    cause: str
    proposal_id: int | None
    apply_id: int | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Resource:
    """One live resource with its last writer and, if a repository claims it, the holder."""

    key: ResourceKey
    spec: Spec
    version: int
    updated_at: datetime
    updated_by: str
    holder: str | None
    owned: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook that came in for a repository. One row of `webhook_deliveries`."""

    provider: str
    delivery: str | None
    """The git host's own number of it."""
    revision: str | None
    outcome: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step that was tried, as recorded. One row of `apply_steps`."""

    id: int
    apply_id: int
    proposal_id: int
    key: ResourceKey
    change: Change
    wave: int
    outcome: str
    actor: str
    ended_at: datetime
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class NewProposal:
    """A difference about to be opened, with what people are shown beside it."""

    difference: Difference
    fingerprint: str
    fields: tuple[FieldChange, ...]
    references: tuple[str, ...]
    blast_radius: int
    reverts: int | None = None
    """The applied proposal whose change it takes back."""


@dataclass(frozen=True, slots=True)
class StatusMove:
    """One step of the state machine on one proposal. `event` names it in the record."""

    proposal: Proposal
    to: Status
    event: str
    decided: bool = False
    """Whether a person (or auto-apply) decides here: sets who and when."""
    reopened: bool = False
    reason: str | None = None
    error: dict[str, Any] | None = None

    @property
    def live(self) -> bool:
        """Whether the proposal still speaks for its resource. No later sync brings a rejected revert back: it has ended."""
        return self.to.live and not (self.to is Status.REJECTED and self.proposal.origin is Origin.REVERT)


@dataclass(frozen=True, slots=True)
class Step:
    """One approved proposal in its place."""

    proposal: Proposal
    wave: int
    """Counts from 1."""
    spec: Spec | None
    """The resource's whole spec after the step; None for a destroy."""
    seen_version: int | None
    """Version of the live resource that the step was planned on; None: absent."""


@dataclass(frozen=True, slots=True)
class OpenEpisode:
    """What is known of an open episode."""

    id: int
    key: ResourceKey
    change: Change
    fields: tuple[dict[str, Any], ...]
    live_version: int | None


@dataclass(frozen=True, slots=True)
class Drifted:
    """A resource that drifts now."""

    key: ResourceKey
    change: Change
    fields: tuple[dict[str, Any], ...]
    live_version: int | None
    severity: str
    moved_by: str | None = None
    moved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DriftMoves:
    opened: tuple[Drifted, ...]
    moved_on: tuple[tuple[int, Drifted], ...]
    """Open episodes on which live moved further, by id."""
    closed: tuple[tuple[OpenEpisode, str], ...]
    """With the outcome: reverted, codified or removed."""


@dataclass(frozen=True, slots=True)
class HeldDifference:
    """A difference that a run withheld."""

    key: ResourceKey
    change: Change
    reason: str
    """cap, missing_reference, still_referenced, ownership_conflict or conflict."""
    detail: str
    """In words: what it waits for, or who holds it."""
    fields: tuple[FieldChange, ...] = ()
    """Path by path; empty where nobody asked for it, and where an older version of this product withheld it."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A difference on a resource that is withheld now."""

    repository: str
    change: str
    reason: str
    detail: str
    run_id: int
    """The last run of the repository, which withholds it."""


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with what it withheld, and the steps tried on the proposals that it opened or reopened, oldest first."""

    run: Run
    steps: tuple[StepRecord, ...]
    withheld: tuple[HeldDifference, ...]

    @property
    def applied(self) -> tuple[StepRecord, ...]:
        """Steps that were applied."""
        return tuple(step for step in self.steps if step.outcome == "applied")

    @property
    def failed(self) -> tuple[StepRecord, ...]:
        """Steps that failed."""
        return tuple(step for step in self.steps if step.outcome == "failed")


@dataclass(frozen=True, slots=True)
class Drill:
    """What a drill gave."""

    account: str
    ok: bool
    detail: str
    """In words: what came back, or what did not."""
    size: int
    """Bytes of the fleet file."""
    resources: int
    """How many there were."""
    seconds: float
    stages: tuple[tuple[str, float], ...]
    """(stage, seconds) in the order they ran: export, build, import, approve, apply, compare."""
    hint: str = ""
    """What to do next; empty where it passed."""

    @property
    def code(self) -> str | None:
        """The code of a drill that failed."""
        return None if self.ok else "FLEET-632"

    def refuse(self) -> None:
        """Do nothing for a drill that passed. Raises: FleetError FLEET-632 for one that failed, with all that it says."""
        if not self.ok:
            raise FleetError("FLEET-632", f"{self.detail}.", self.hint)


@dataclass(frozen=True, slots=True)
class CreatedRepository:
    """A repository that Gitea has made, and how to register it."""

    owner: str
    repo: str
    private: bool
    clone_url: str
    ssh_url: str
    html_url: str
    default_branch: str
