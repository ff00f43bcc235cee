"""`system/proposals` and `system/apply`: what wants to change, the decisions on it, and letting it happen."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from engine.api import examples, routing
from engine.api.access import MOST_ID, Asking, Before, Caller, Id, Limit
from engine.api.routing import documented, reply, slowly
from engine.errors import ReviewError
from engine.model import Cause, Change, Risk, Status
from engine.present import bodies, contract
from engine.store.proposals import ProposalFilter
from engine.workbench import Workbench
from engine.workbench.decisions import Reviewed
from engine.workbench.reader import page_of

router = routing.router("proposals")

Number = Annotated[int, Field(ge=0, le=MOST_ID)]
Reason = Annotated[str, Field(max_length=10_000)]


class Rejection(BaseModel):
    """Why a proposal is rejected."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [examples.REJECTION]})

    reason: Reason


class Review(BaseModel):
    """One decision on many proposals."""

    model_config = ConfigDict(
        extra="forbid", strict=True, use_attribute_docstrings=True, json_schema_extra={"examples": [examples.REVIEW]}
    )

    ids: Annotated[list[Number], Field(min_length=1, max_length=100_000)]
    action: Literal["approve", "reject", "unapprove"]
    """unapprove withdraws an approval."""
    reason: Reason | None = None
    """Required for a rejection."""


class WantedApply(BaseModel):
    """What to apply: all approved proposals, unless a filter is given."""

    model_config = ConfigDict(
        extra="forbid", strict=True, use_attribute_docstrings=True, json_schema_extra={"examples": [{"dry_run": True}]}
    )

    repository_id: Number | None = None
    """Only proposals of this repository."""
    proposal_ids: Annotated[list[Number], Field(max_length=100_000)] | None = None
    """Only these proposals."""
    dry_run: bool = False
    """Return the plan only."""


@router.get(
    "/proposals",
    summary="List proposals, newest first",
    description="Every filter may be repeated; the values of one filter are alternatives.",
    **documented(contract.Page[contract.ProposalBody], verb=Workbench.find_proposals),
)
def list_proposals(
    asking: Asking,
    repository: Annotated[list[str], Query(description="Names of repositories.")] = [],  # noqa: B006
    status: Annotated[list[Status], Query()] = [],  # noqa: B006
    kind: Annotated[list[str], Query(description="Sections of the fleet file.")] = [],  # noqa: B006
    change: Annotated[list[Change], Query()] = [],  # noqa: B006
    cause: Annotated[list[Cause], Query()] = [],  # noqa: B006
    risk: Annotated[list[Risk], Query()] = [],  # noqa: B006
    run_id: Annotated[int | None, Query(ge=0, le=MOST_ID, description="Only proposals that this run opened.")] = None,
    before: Before = None,
    limit: Limit = 100,
) -> Response:
    bench = asking.may(Workbench.find_proposals)
    wanted = ProposalFilter(None, repository, status, kind, change, cause, risk, run_id)
    found, next_ = page_of(lambda most: bench.find_proposals(wanted, before=before, limit=most), limit, lambda p: p.id)
    return reply(bodies.page([bodies.proposal(p) for p in found], next_))


@router.get(
    "/proposals/{id}",
    summary="Get one proposal",
    **documented(contract.OneProposalBody, 404, verb=Workbench.proposal, example="PROPOSAL"),
)
def one_proposal(asking: Asking, id_: Id) -> Response:
    bench = asking.may(Workbench.proposal)
    proposal = bench.proposal(id_)
    return reply(bodies.one_proposal(proposal, bench.awaited(proposal)))


@router.post(
    "/proposals/{id}/approve",
    summary="Approve a proposal",
    description="Checks permission, status and fingerprint: if live has changed since, the proposal is refused as stale.",
    **documented(contract.ReviewedList, 404, 409, verb=Workbench.approve, example="REVIEWED"),
)
def approve(asking: Asking, id_: Id) -> Response:
    return _one(asking.may(Workbench.approve).approve(asking.actor, [id_]))


@router.post(
    "/proposals/{id}/reject",
    summary="Reject a proposal with a reason",
    description="A later sync proposes the same difference again, and shows this reason.",
    **documented(contract.ReviewedList, 400, 404, 409, 413, verb=Workbench.reject, example="REVIEWED"),
)
def reject(asking: Asking, id_: Id, body: Rejection) -> Response:
    return _one(asking.may(Workbench.reject).reject(asking.actor, [id_], body.reason))


@router.post(
    "/proposals/{id}/unapprove",
    summary="Withdraw an approval",
    **documented(contract.ReviewedList, 404, 409, verb=Workbench.unapprove, example="REVIEWED"),
)
def unapprove(asking: Asking, id_: Id) -> Response:
    return _one(asking.may(Workbench.unapprove).unapprove(asking.actor, [id_]))


@router.post(
    "/proposals/{id}/revert",
    summary="Revert an applied proposal",
    description="Opens a proposal that restores the earlier values; decide on it like on any other. Git still declares "
    "the change: after the revert is applied, a sync proposes the change again, unless you commit the content of `fleet_yaml`.",
    **documented(contract.RevertedList, 404, 409, verb=Workbench.revert),
)
def revert(asking: Asking, id_: Id) -> Response:
    outcomes = asking.may(Workbench.revert).revert(asking.actor, [id_])
    if isinstance(outcomes[0].error, ReviewError):
        raise outcomes[0].error
    return reply(bodies.reverted(outcomes))


@router.post(
    "/gitops_sync_runs/{id}/revert",
    summary="Revert all applied proposals of a run",
    description="Each proposal is handled separately: a stale one does not stop the others, and has the reason in its `error`.",
    **documented(contract.RevertedList, 404, 409, verb=Workbench.revert_run),
)
def revert_run(asking: Asking, id_: Id) -> Response:
    return reply(bodies.reverted(asking.may(Workbench.revert_run).revert_run(asking.actor, id_)))


@router.post(
    "/proposals/batch_review",
    summary="Decide on many proposals at once",
    description="Each proposal is handled separately: a refused one does not stop the others, and has the reason in its `error`.",
    **documented(contract.ReviewedList, 400, 413, verb=Workbench.approve, example="REVIEWED"),
)
def batch_review(asking: Asking, body: Review) -> Response:
    return reply(bodies.reviewed(_decide(asking, body)))


@router.post(
    "/apply",
    summary="Apply the approved proposals in dependency order",
    description="Each resource is applied completely or not at all. With `dry_run` the answer is the plan: `waves` of steps, and the skipped proposals.",
    **documented(
        contract.AppliedBody | contract.PlanBody,
        400,
        404,
        409,
        413,
        verb=Workbench.apply,
        example="APPLIED",
    ),
)
async def apply(asking: Asking, body: WantedApply | None = None) -> Response:
    wanted = body or WantedApply()

    def work() -> contract.AppliedBody | contract.PlanBody:
        bench = asking.may(Workbench.apply)
        if wanted.dry_run:
            repository = None if wanted.repository_id is None else bench.repository(wanted.repository_id).name
            return bodies.plan(bench.plan(repository=repository, proposal_ids=wanted.proposal_ids))
        return bodies.applied(
            bench.apply(asking.actor, repository=wanted.repository_id, proposal_ids=wanted.proposal_ids)
        )

    return reply(await slowly(work))


def _decide(asking: Caller, body: Review) -> list[Reviewed]:
    match body.action:
        case "approve":
            return asking.may(Workbench.approve).approve(asking.actor, body.ids)
        case "reject":
            return asking.may(Workbench.reject).reject(asking.actor, body.ids, body.reason or "")
        case "unapprove":
            return asking.may(Workbench.unapprove).unapprove(asking.actor, body.ids)


def _one(outcomes: list[Reviewed]) -> Response:
    """The outcome of a decision on one proposal; a refusal is the answer's own error."""
    if isinstance(outcomes[0].error, ReviewError):
        raise outcomes[0].error
    return reply(bodies.reviewed(outcomes))
