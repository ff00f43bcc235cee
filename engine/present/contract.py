"""The JSON that the REST API and `--json` give, field by field. `bodies.py` makes it; the API's description is made from it.

Times are RFC 3339 in UTC, to the microsecond. Ids are whole numbers. `kind` is a section of the fleet file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Generic, NamedTuple, TypeVar

from typing_extensions import TypedDict

from engine.model import SWITCHES, Cause, Change, Origin, Risk, RunStatus, Status, Trigger

Errors = dict[str, Any]
"""`code`, `message`, `hint`, and the facts of the case."""

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: int | str | None
    """Start of the next page (`before`, or `after` for rows with names); null on the last page."""


class PauseBody(TypedDict):
    """A pause."""

    reason: str
    by: str | None
    at: str | None


class PauseOf(PauseBody):
    """A pause, and what it stops."""

    repository: str | None
    """null: everything."""


class _Said(NamedTuple):
    """What the API's description says of a field that no class spells. Pydantic asks for it; this module knows no pydantic."""

    text: str

    def __get_pydantic_json_schema__(self, core: Any, describe: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {**describe(core), "description": self.text}


if TYPE_CHECKING:

    class Switches(TypedDict):
        """A key for each of the `SWITCHES` of a repository."""
else:
    Switches = TypedDict("Switches", {each.name: Annotated[bool, _Said(each.doc)] for each in SWITCHES})


class RepositoryBody(Switches):
    """A registered git repository and its settings."""

    id: int
    name: str
    account: str
    """The account of its fleet file."""
    repo_url: str
    branch: str
    path_prefix: str
    """Folder that contains `fleet.yaml`; empty: the top folder."""
    vault_credential_path: str | None
    """Path of its credential in Vault; the credential itself is never stored."""
    ssh_host_key: str | None
    """The only accepted key of its ssh host; null: none, or pinned at first use."""
    enabled: bool
    """Whether it has ticks."""
    paused: PauseBody | None
    failure_count: int
    """Number of consecutive failures."""
    next_attempt_at: str | None
    """No scheduled tick before this time, after a failure."""
    created_at: str | None


class RepositoryAnswer(TypedDict):
    """One repository, in the form of the runbook."""

    gitops_repository: RepositoryBody


class SettingsAnswer(RepositoryAnswer):
    """A repository after a change of its settings."""

    notes: list[str]
    """What the change dropped, and what a person must do before runs succeed."""


class RemovedRepository(TypedDict):
    """The result of removing a repository. Live state did not change."""

    name: str
    withdrawn: int
    """Number of live proposals that were withdrawn."""
    released: int
    """Number of resources that no repository owns any longer."""
    handed_over: int
    """Number of resources that another repository also declares, and owns now."""


class StageBody(TypedDict):
    """One stage of a tick."""

    stage: str
    """sync, parse, diff, propose or apply."""
    seconds: float


class Informational(TypedDict):
    """A difference that git never writes; it is not counted."""

    kind: str
    name: str
    change: str
    """The kind of change: create or update."""


class WithheldBody(TypedDict):
    """A difference that is not proposed, with the reason."""

    account: str
    kind: str
    name: str
    change: Change
    reason: str
    """cap, missing_reference, still_referenced, ownership_conflict or conflict."""
    detail: str
    """In words: what it waits for, or which repository owns it."""


class WaitingBody(TypedDict):
    """A resource that the revision declares and another repository owns: taken over when that repository releases it."""

    kind: str
    name: str
    holder: str


class ActionBody(TypedDict):
    """An apply step for a proposal that the run opened or reopened, applied by anyone."""

    id: int
    """Number of the proposal."""
    kind: str
    name: str
    change: Change
    wave: int
    """Its position in the order of the apply, from 1."""
    apply_id: int
    actor: str
    at: str | None
    error: Errors | None


class RunBody(TypedDict):
    """The record of one tick."""

    id: int
    repository: str
    repository_id: int
    account: str
    status: RunStatus
    """`success` becomes `applied` when all proposals that the run opened or reopened are applied; `partial`: the cap withholds a difference."""
    unchanged: bool
    """True in the answer to a sync that found no changes since this run: nothing was written."""
    trigger: Trigger
    actor: str
    revision: str | None
    author: str | None
    subject: str | None
    committed_at: str | None
    started_at: str | None
    finished_at: str | None
    stages: list[StageBody]
    """In order; the last stage of a failed run is where it failed."""
    diff_count: int
    """Number of differences found, before the apply of this tick, without informational ones."""
    remaining: int
    """Number of withheld differences, for all reasons."""
    opened: int
    """Number of proposals opened or reopened."""
    counts: dict[str, dict[str, int]]
    """By kind, then create, update, destroy or unchanged."""
    informational: list[Informational]
    waiting: list[WaitingBody]
    """Declared resources that another repository owns, whether or not they differ; at most 1,000. Those that differ are also in `withheld`."""
    proposal_ids: list[int]
    """Proposals opened or reopened, in apply order."""
    applied_actions: list[ActionBody]
    failed_actions: list[ActionBody]
    withheld: list[WithheldBody]
    warnings: list[dict[str, Any]]
    """`code`, `message`, and the resource if there is one."""
    error: Errors | None
    """Why it failed: `stage`, `code`, `message`, `hint`, and the facts of the case."""
    request_id: str | None
    """The request that started it."""


class FieldChangeBody(TypedDict):
    """One path of a spec that a change affects."""

    path: str
    change: str
    """added, changed or removed."""
    base: Any
    """The value that git and live last agreed on."""
    current: Any
    desired: Any


class ProposalBody(TypedDict):
    """A difference opened for review."""

    id: int
    account: str
    kind: str
    name: str
    change: Change
    status: Status
    current: dict[str, Any] | None
    """The live values of the declared fields; for a destroy the whole spec; null for a create."""
    desired: dict[str, Any] | None
    """The declared values; for a create the whole spec; null for a destroy."""
    base: dict[str, Any] | None
    """The declared values that live and git last agreed on."""
    fields: list[FieldChangeBody]
    cause: Cause
    origin: Origin
    fingerprint: str
    """Identifies repository, resource, change, current and desired: equal fingerprints mean the same difference."""
    repository: str
    repository_id: int
    revision: str
    run_id: int
    """The run that opened it; for a revert, the run that opened the reverted proposal."""
    reverts: int | None
    """The applied proposal that it reverts."""
    references: list[str]
    """Addresses of the resources that the resource refers to."""
    blast_radius: int
    """Number of nodes that the change reaches."""
    risk: Risk
    reopened_count: int
    reason: str | None
    """The reason of the last rejection, or why it ended."""
    error: Errors | None
    """Why its apply failed."""
    opened_at: str | None
    decided_at: str | None
    decided_by: str | None
    ended_at: str | None


class OneProposalBody(ProposalBody):
    """A proposal with details that lists do not contain."""

    waits_for: list[str]
    """Repositories that may declare the resource: auto-apply waits for a successful run of each before it destroys the resource."""


class SyncBody(TypedDict):
    """The result of a sync."""

    gitops_sync_run: RunBody
    proposals: list[ProposalBody]
    """Proposals that the run opened or reopened, in apply order; empty when unchanged."""


class ReviewedBody(TypedDict):
    """The result of a decision for one proposal."""

    id: int
    status: Status | None
    """The proposal now; null: it does not exist."""
    error: Errors | None
    """Why it was refused."""


class ReviewedList(TypedDict):
    """The result of a decision for each proposal, in the order of the request."""

    items: list[ReviewedBody]


class StepBody(TypedDict):
    """An approved proposal at its position in an apply."""

    id: int
    account: str
    kind: str
    name: str
    change: Change
    repository: str
    wave: int
    blast_radius: int


class FailedStep(StepBody):
    """A step that failed; nothing of it was written."""

    error: Errors


class SkipBody(TypedDict):
    """An approved proposal that cannot be a step now; it stays approved, unless another decision was made meanwhile."""

    id: int
    account: str
    kind: str
    name: str
    change: Change
    repository: str
    reason: str
    """blocked, stale, paused, stopped or decided."""
    detail: str
    """What it waits for, what changed, or what stopped it, in words."""


class PlanBody(TypedDict):
    """The plan: what an apply would do now."""

    waves: list[list[StepBody]]
    skipped: list[SkipBody]


class AppliedBody(TypedDict):
    """The result of an apply: every approved proposal that it considered is in exactly one list."""

    applied: list[StepBody]
    failed: list[FailedStep]
    skipped: list[SkipBody]
    stopped: str | None
    """Why it stopped early, in words: for example a pause, or a shutdown of the server."""


class DriftField(TypedDict):
    """One path with drift."""

    path: str
    base: Any
    live: Any
    desired: Any


class EpisodeBody(TypedDict):
    """A drift episode: a period in which live differed from the base and from git."""

    id: int
    repository: str
    account: str
    kind: str
    name: str
    change: Change
    """The change that would restore live."""
    fields: list[DriftField]
    severity: str
    """medium or high."""
    moved_by: str | None
    moved_at: str | None
    opened_at: str | None
    opened_run: int
    closed_at: str | None
    closed_run: int | None
    outcome: str | None
    """reverted, codified or removed; null while it is open."""


class ResourceBody(TypedDict):
    """A live resource."""

    account: str
    kind: str
    name: str
    spec: dict[str, Any]
    version: int
    """Changes with every write; the ETag of a resource."""
    updated_at: str | None
    updated_by: str
    repository: str | None
    """The repository that owns it; null: none."""
    owned: bool
    """Whether its repository may destroy it."""


class DeletedResource(TypedDict):
    """A resource that was deleted from the live fleet; its history is kept."""

    account: str
    kind: str
    name: str
    version: int
    """The version that records the deletion."""
    deleted: bool


class VersionBody(TypedDict):
    """One version of a resource."""

    seq: int
    version: int
    spec: dict[str, Any] | None
    """null: this version deleted the resource."""
    valid_from: str | None
    valid_to: str | None
    actor: str
    cause: str
    """edit or apply."""
    proposal_id: int | None
    note: str | None
    fields: list[FieldChangeBody]
    """Its changes, one per path."""


class BlameBody(TypedDict):
    """One value of a live resource, and its origin."""

    path: str
    value: Any
    since: str | None
    actor: str
    version: int
    cause: str
    """edit or apply."""
    note: str | None
    proposal_id: int | None
    run_id: int | None
    """The run that opened the proposal; null after its record is deleted."""
    revision: str | None
    author: str | None
    subject: str | None


class RevertedBody(TypedDict):
    """The result of a revert of one applied proposal."""

    id: int
    proposal: ProposalBody | None
    """The pending proposal that reverts it; null if the revert was refused."""
    error: Errors | None
    """Why it was refused."""


class RevertedList(TypedDict):
    """The result for each proposal, in the order of the request."""

    items: list[RevertedBody]
    fleet_yaml: str
    """What to commit to git to keep the reverts; a comment marks entries to remove."""


class DrillBody(TypedDict):
    """The result of a restore drill."""

    account: str
    ok: bool
    detail: str
    """The result in words: what was restored, or what was not and why."""
    code: str | None
    """FLEET-632 if it failed."""
    hint: str
    """What to do next; empty if it passed."""
    bytes: int
    """Size of the exported file."""
    resources: int
    seconds: float
    stages: dict[str, float]
    """Seconds of export, build, import, approve, apply and compare."""


class EventBody(TypedDict):
    """A recorded decision, change or edit."""

    seq: int
    at: str | None
    type: str
    actor: str
    account: str | None
    repository_id: int | None
    run_id: int | None
    proposal_id: int | None
    kind: str | None
    name: str | None
    reason: str | None
    data: dict[str, Any] | None
    request_id: str | None


class GraphNodeBody(TypedDict):
    """A live resource in the graph of references."""

    account: str
    kind: str
    name: str
    state: str
    """failed, drifted, pending, waiting (a difference is withheld), unmanaged or in_sync; past for a past time, for which states are not known."""
    layer: int
    """0 for a resource without references, else one more than the deepest resource that it refers to."""
    repository: str | None


class KeyBody(TypedDict):
    """The identity of a resource."""

    account: str
    kind: str
    name: str


EdgeBody = TypedDict("EdgeBody", {"from": KeyBody, "to": KeyBody})
EdgeBody.__doc__ = "A reference: the first refers to the second."


class GraphBody(TypedDict):
    """The live fleet as a graph of references."""

    nodes: list[GraphNodeBody]
    edges: list[EdgeBody]


class PersonBody(TypedDict):
    """A person who is signed in to the dashboard, or kept out."""

    name: str
    """The name on the audit page: an address, or oidc:SUB."""
    state: str
    """signed_in or kept_out."""
    sign_ins: int
    since: str | None
    until: str | None
    tokens: int
    """Number of valid tokens that the person created."""


class SignedOutBody(TypedDict):
    """The result of signing out a person."""

    person: str
    sign_ins: int
    tokens: int
    kept_out: bool


class TokenBody(TypedDict):
    """An API token. The token itself is shown only once, when it is created."""

    id: int
    name: str
    account: str
    """The account that it may use, or `*` for every account."""
    permissions: list[str]
    state: str
    """valid, expired or revoked."""
    created_at: str | None
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    revoked_by: str | None


class IssuedToken(TypedDict):
    """A new token."""

    token: str
    """Keep it secret; it cannot be shown again."""
    api_token: TokenBody


class CreatedRepository(TypedDict):
    """A repository that Gitea has created, and how to register it."""

    owner: str
    repo: str
    private: bool
    clone_url: str
    ssh_url: str
    html_url: str
    default_branch: str


class WebhookAnswer(TypedDict):
    """The result of a delivery."""

    accepted: bool
    """Whether a tick was requested."""
    repositories: list[str]
    """Repositories that are synced."""
    detail: str
    """The result in words; the reason if nothing is synced."""


class LastRun(TypedDict):
    """The newest tick of a repository, in short."""

    id: int
    status: RunStatus
    started_at: str | None
    error: Errors | None


class HealthBody(RepositoryBody):
    """A repository and its health."""

    last_run: LastRun | None
    reached_at: str | None
    """When its remote was last reached, unchanged ticks included."""
    pending: int
    approved: int
    failed: int
    withheld: dict[str, int]
    """Number by reason."""


class LastDrillBody(TypedDict):
    """The last drill of an account, and its result."""

    account: str | None
    at: str | None
    actor: str
    ok: bool
    detail: str | None
    """The result in words: what was restored, or what was not and why."""
    code: str | None
    """For a failed drill: FLEET-632, or the code of the error that prevented it."""
    hint: str
    """What to do next; empty if it passed."""


class KeptSnapshotBody(TypedDict):
    """A snapshot that the server saved automatically, or a failure to save one."""

    at: str | None
    ok: bool
    file: str | None
    """Its name in the folder of FLEET_SNAPSHOTS; null if it failed."""
    detail: str | None
    code: str | None
    """Why it failed."""
    hint: str
    """What to do next; empty if it was saved."""


class StatusBody(TypedDict):
    """Whether all is well, and what waits for people."""

    ok: bool
    """True if nothing failed (including restore drills and snapshots), nothing is paused, and there is no drift. Pending proposals do not matter."""
    accounts: list[str]
    resources: int
    owned: int
    """Number of resources that a repository owns."""
    proposals: dict[str, int]
    """Number of live proposals by status."""
    oldest_pending_at: str | None
    withheld: dict[str, int]
    """Number by reason."""
    drift: list[EpisodeBody]
    """Open episodes."""
    pauses: list[PauseOf]
    drills: list[LastDrillBody]
    """The last restore drill of each account."""
    snapshots: list[KeptSnapshotBody]
    """The last snapshot that the server saved automatically and the last failure to save one, oldest first."""
    repositories: list[HealthBody]


class PausedBody(TypedDict):
    """Whether work is stopped now."""

    paused: bool
    repository: str | None
    """null: everything."""


class Problem(TypedDict):
    """A problem (RFC 9457), with the facts of the case as further members."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    """The path of the request."""
    code: str
    """`FLEET-…`: stable, listed in the README."""
    message: str
    hint: str
    """What to do next."""
    request_id: str | None
    """Also in the log, and in the events of the request."""
