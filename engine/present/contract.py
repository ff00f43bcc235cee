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
    """Where the next page begins (`before`, or `after` where rows have names); null when this is the last."""


class PauseBody(TypedDict):
    """A brake."""

    reason: str
    by: str | None
    at: str | None


class PauseOf(PauseBody):
    """A brake, and what it holds."""

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
    """The account that its fleet file describes."""
    repo_url: str
    branch: str
    path_prefix: str
    """Folder that holds `fleet.yaml`; empty: the top."""
    vault_credential_path: str | None
    """Where Vault keeps its credential; the credential itself is kept nowhere."""
    ssh_host_key: str | None
    """The only key that its ssh host may show; null: none, or pinned at first use."""
    enabled: bool
    """Whether it has ticks."""
    paused: PauseBody | None
    failure_count: int
    """Failures in a row."""
    next_attempt_at: str | None
    """Until when scheduled ticks leave it alone after a failure."""
    created_at: str | None


class RepositoryAnswer(TypedDict):
    """One repository, as the runbook has it."""

    gitops_repository: RepositoryBody


class SettingsAnswer(RepositoryAnswer):
    """A repository whose settings were given."""

    notes: list[str]
    """What the change took away, and what somebody has to do before runs succeed."""


class RemovedRepository(TypedDict):
    """What became of a repository that was removed. Live state was not touched."""

    name: str
    withdrawn: int
    """Live proposals that were withdrawn."""
    released: int
    """Resources that no repository holds any more."""
    handed_over: int
    """Resources that another repository declares too, and holds now."""


class StageBody(TypedDict):
    """One stage of a tick."""

    stage: str
    """sync, parse, diff, propose or apply."""
    seconds: float


class Informational(TypedDict):
    """A difference that git never writes and that counts nowhere."""

    kind: str
    name: str
    change: str
    """What writing it would be: create or update."""


class WithheldBody(TypedDict):
    """A difference that is not proposed, and why."""

    account: str
    kind: str
    name: str
    change: Change
    reason: str
    """cap, missing_reference, still_referenced, ownership_conflict or conflict."""
    detail: str
    """In words: what it waits for, or who holds it."""


class WaitingBody(TypedDict):
    """A resource that the revision declares while another repository holds it: taken over when that one lets go."""

    kind: str
    name: str
    holder: str


class ActionBody(TypedDict):
    """A step of an apply on a proposal that the run opened or reopened, whoever applied it."""

    id: int
    """The proposal's."""
    kind: str
    name: str
    change: Change
    wave: int
    """Its place in the order of the apply, from 1."""
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
    """`success` becomes `applied` once all that the run opened or reopened is applied; `partial`: something is withheld by the cap."""
    unchanged: bool
    """True on the answer to a sync that found nothing moved since this run: nothing was written."""
    trigger: Trigger
    actor: str
    revision: str | None
    author: str | None
    subject: str | None
    committed_at: str | None
    started_at: str | None
    finished_at: str | None
    stages: list[StageBody]
    """In the order they ran; the last one of a failed run is where it failed."""
    diff_count: int
    """Differences found, before this tick's own apply, informational ones apart."""
    remaining: int
    """Differences that are withheld, for every reason."""
    opened: int
    """Proposals opened or reopened."""
    counts: dict[str, dict[str, int]]
    """By kind, then create, update, destroy or unchanged."""
    informational: list[Informational]
    waiting: list[WaitingBody]
    """What another repository holds, whether or not it is as declared; at most 1,000. What differs is in `withheld` as well."""
    proposal_ids: list[int]
    """Proposals opened or reopened, in apply order."""
    applied_actions: list[ActionBody]
    failed_actions: list[ActionBody]
    withheld: list[WithheldBody]
    warnings: list[dict[str, Any]]
    """`code`, `message`, and the resource where there is one."""
    error: Errors | None
    """Why it failed: `stage`, `code`, `message`, `hint`, and the facts of the case."""
    request_id: str | None
    """The request that asked for it."""


class FieldChangeBody(TypedDict):
    """One path of a spec that a change touches."""

    path: str
    change: str
    """added, changed or removed."""
    base: Any
    """What was agreed on last."""
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
    """Live slice over the declared fields; the whole spec of a destroy; null for a create."""
    desired: dict[str, Any] | None
    """Declared slice; the whole spec of a create; null for a destroy."""
    base: dict[str, Any] | None
    """The declared slice that live and git agreed on last."""
    fields: list[FieldChangeBody]
    cause: Cause
    origin: Origin
    fingerprint: str
    """Stands for repository, resource, change, current and desired: equal ones are the same difference."""
    repository: str
    repository_id: int
    revision: str
    run_id: int
    """The run that opened it; of a revert, the run that opened what it takes back."""
    reverts: int | None
    """The applied proposal whose change it takes back."""
    references: list[str]
    """Addresses of what the resource refers to."""
    blast_radius: int
    """Nodes that the change reaches."""
    risk: Risk
    reopened_count: int
    reason: str | None
    """The last rejection's, or why it ended."""
    error: Errors | None
    """Why applying it failed."""
    opened_at: str | None
    decided_at: str | None
    decided_by: str | None
    ended_at: str | None


class OneProposalBody(ProposalBody):
    """A proposal with what is worked out for one alone."""

    waits_for: list[str]
    """Repositories whose next good run auto-apply waits for before it destroys: they may declare the resource."""


class SyncBody(TypedDict):
    """What a sync gives."""

    gitops_sync_run: RunBody
    proposals: list[ProposalBody]
    """Those that the run opened or reopened, in apply order; empty when unchanged."""


class ReviewedBody(TypedDict):
    """What became of one proposal in a decision."""

    id: int
    status: Status | None
    """As it stands now; null: there is no such proposal."""
    error: Errors | None
    """Why it was refused."""


class ReviewedList(TypedDict):
    """What became of each proposal in a decision, in the order asked for."""

    items: list[ReviewedBody]


class StepBody(TypedDict):
    """An approved proposal in its place of an apply."""

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
    """An approved proposal that is no step now; it stays approved, unless somebody decided otherwise meanwhile."""

    id: int
    account: str
    kind: str
    name: str
    change: Change
    repository: str
    reason: str
    """blocked, stale, paused, stopped or decided."""
    detail: str
    """What it waits for, what moved, or what stopped it, in words."""


class PlanBody(TypedDict):
    """What an apply would do now."""

    waves: list[list[StepBody]]
    skipped: list[SkipBody]


class AppliedBody(TypedDict):
    """What an apply did: every approved proposal that it looked at is in exactly one list."""

    applied: list[StepBody]
    failed: list[FailedStep]
    skipped: list[SkipBody]
    stopped: str | None
    """Why it stopped early, in words: everything was paused, or the server shut down."""


class DriftField(TypedDict):
    """One path on which live moved away."""

    path: str
    base: Any
    live: Any
    desired: Any


class EpisodeBody(TypedDict):
    """One time that live stood away from what was agreed on and what git declares."""

    id: int
    repository: str
    account: str
    kind: str
    name: str
    change: Change
    """What would bring live back."""
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
    """reverted, codified or removed; null while it lasts."""


class ResourceBody(TypedDict):
    """A live resource."""

    account: str
    kind: str
    name: str
    spec: dict[str, Any]
    version: int
    """Moves with every write; the ETag of a resource."""
    updated_at: str | None
    updated_by: str
    repository: str | None
    """Who holds it; null: nobody."""
    owned: bool
    """Whether its repository may destroy it."""


class DeletedResource(TypedDict):
    """A resource that was taken out of the live fleet; its history stays."""

    account: str
    kind: str
    name: str
    version: int
    """The version that records its absence."""
    deleted: bool


class VersionBody(TypedDict):
    """One version of a resource."""

    seq: int
    version: int
    spec: dict[str, Any] | None
    """null: from then on it was absent."""
    valid_from: str | None
    valid_to: str | None
    actor: str
    cause: str
    """edit or apply."""
    proposal_id: int | None
    note: str | None
    fields: list[FieldChangeBody]
    """What it changed, path by path."""


class BlameBody(TypedDict):
    """One value of a live resource, and what brought it."""

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
    """The run that opened that proposal; null once it is forgotten."""
    revision: str | None
    author: str | None
    subject: str | None


class RevertedBody(TypedDict):
    """What became of the wish to take one applied proposal's change back."""

    id: int
    proposal: ProposalBody | None
    """The proposal that would, pending; null when it was refused."""
    error: Errors | None
    """Why it was refused."""


class RevertedList(TypedDict):
    """What became of each, in the order asked for."""

    items: list[RevertedBody]
    fleet_yaml: str
    """What to put into git so that it stays so; of what goes, a comment says so."""


class DrillBody(TypedDict):
    """What a restore drill gave."""

    account: str
    ok: bool
    detail: str
    """In words: what came back, or what did not and why."""
    code: str | None
    """FLEET-632 where it failed."""
    hint: str
    """What to do next; empty where it passed."""
    bytes: int
    """Of the exported file."""
    resources: int
    seconds: float
    stages: dict[str, float]
    """Seconds of export, build, import, approve, apply and compare."""


class EventBody(TypedDict):
    """Something that was decided, moved or edited."""

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
    """failed, drifted, pending, waiting (a difference is withheld), unmanaged or in_sync; past for a fleet as it was, of which that is not known."""
    layer: int
    """0 for what refers to nothing, else one more than the deepest that it refers to."""
    repository: str | None


class KeyBody(TypedDict):
    """What names a resource."""

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
    """Somebody who is signed in to the dashboard, or kept out."""

    name: str
    """As the audit shows it: an address, or oidc:SUB."""
    state: str
    """signed_in or kept_out."""
    sign_ins: int
    since: str | None
    until: str | None
    tokens: int
    """Valid tokens that they made."""


class SignedOutBody(TypedDict):
    """What ended when somebody was signed out."""

    person: str
    sign_ins: int
    tokens: int
    kept_out: bool


class TokenBody(TypedDict):
    """A token of the API. The token itself is shown once, where it is made."""

    id: int
    name: str
    account: str
    """The one account that it may touch, or `*` for every one."""
    permissions: list[str]
    state: str
    """valid, expired or revoked."""
    created_at: str | None
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    revoked_by: str | None


class CreatedRepository(TypedDict):
    """A repository that Gitea has made, and how to register it."""

    owner: str
    repo: str
    private: bool
    clone_url: str
    ssh_url: str
    html_url: str
    default_branch: str


class WebhookAnswer(TypedDict):
    """What a delivery leads to."""

    accepted: bool
    """Whether a tick was asked for."""
    repositories: list[str]
    """Those that are synced."""
    detail: str
    """In words; why not, where nothing is synced."""


class LastRun(TypedDict):
    """The newest tick of a repository, in short."""

    id: int
    status: RunStatus
    started_at: str | None
    error: Errors | None


class HealthBody(RepositoryBody):
    """A repository and how it fares."""

    last_run: LastRun | None
    reached_at: str | None
    """When its remote was last reached, unchanged ticks included."""
    pending: int
    approved: int
    failed: int
    withheld: dict[str, int]
    """By reason."""


class LastDrillBody(TypedDict):
    """When an account was drilled last, and what came of it."""

    account: str | None
    at: str | None
    actor: str
    ok: bool
    detail: str | None
    """In words: what came back, or what did not and why."""
    code: str | None
    """Of a drill that failed: FLEET-632, or the code of what kept it from being made."""
    hint: str
    """What to do next; empty where it passed."""


class KeptSnapshotBody(TypedDict):
    """A snapshot that the server kept by itself, or a failure to keep one."""

    at: str | None
    ok: bool
    file: str | None
    """Its name in the folder of FLEET_SNAPSHOTS; null where it failed."""
    detail: str | None
    code: str | None
    """Why it failed."""
    hint: str
    """What to do next; empty where it was kept."""


class StatusBody(TypedDict):
    """Is all well, and what waits for people."""

    ok: bool
    """Nothing failed, no restore drill and no snapshot either; nothing paused, nothing drifts. Proposals that wait are no illness."""
    accounts: list[str]
    resources: int
    owned: int
    """Resources that a repository owns."""
    proposals: dict[str, int]
    """Live proposals by status."""
    oldest_pending_at: str | None
    withheld: dict[str, int]
    """By reason."""
    drift: list[EpisodeBody]
    """What lasts."""
    pauses: list[PauseOf]
    drills: list[LastDrillBody]
    """The last restore drill of each account that was drilled."""
    snapshots: list[KeptSnapshotBody]
    """The last snapshot that the server kept by itself and the last failure to keep one, oldest first."""
    repositories: list[HealthBody]


class PausedBody(TypedDict):
    """Whether work is stopped now."""

    paused: bool
    repository: str | None
    """null: everything."""


class Problem(TypedDict):
    """What went wrong (RFC 9457), with the facts of the case as further members."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    """The path that was asked for."""
    code: str
    """`FLEET-…`: stable, listed in the README."""
    message: str
    hint: str
    """What to do next."""
    request_id: str | None
    """Also in the log, and on what the request did."""
