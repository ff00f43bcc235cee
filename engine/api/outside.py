"""What git hosts say and do: `webhooks/…` and `integrations/gitea/…`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, cast

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from engine.api import examples, routing
from engine.api.access import Asking
from engine.api.edge import MOST_OF_A_WEBHOOK
from engine.api.routing import documented, outwards, reply, slowly
from engine.errors import AccessDenied, RefusedEdit
from engine.model import Actor, Permission, Repository
from engine.present import contract
from engine.server import webhooks
from engine.server.service import Service, running
from engine.server.webhooks import Provider, Push
from engine.workbench import Workbench

router = routing.router("git hosts", prefix="")
hooks = APIRouter(tags=["git hosts"])

Name = Annotated[str, Field(min_length=1, max_length=100)]


class WantedRepository(BaseModel):
    """A repository to create in Gitea."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [examples.WANTED_REPOSITORY]},
    )

    owner: Name
    """A user or an organisation."""
    repo: Name
    private: bool = True


@router.post(
    "/integrations/gitea/repositories",
    summary="Create a repository in Gitea",
    description=(
        "The repository is empty; its default branch is main. Register it next, with one of its addresses. If it is unclear whether Gitea created it, "
        "the problem says so in `outcome`, and the events record the request."
    ),
    **documented(
        contract.CreatedRepository,
        400,
        409,
        413,
        502,
        verb=Workbench.create_gitea_repository,
        status=201,
        example="CREATED_REPOSITORY",
    ),
)
async def create_in_gitea(request: Request, asking: Asking, body: WantedRepository) -> Response:
    def work() -> contract.CreatedRepository:
        bench = asking.may(Workbench.create_gitea_repository)
        made = bench.create_gitea_repository(asking.actor, body.owner, body.repo, private=body.private)
        return cast("contract.CreatedRepository", asdict(made))

    return reply(await outwards(request, "Gitea", work), 201)


_HELD = asyncio.Semaphore(8)
"""Bodies of webhooks that are in memory at a time."""


@hooks.post(
    "/webhooks/{provider}",
    summary="Receive a push event from a git host",
    description=(
        "The request is signed with `FLEET_WEBHOOK_SECRET` (GitHub, Gitea) or contains it (GitLab); this is checked first. "
        "After a push to the branch of a registered repository, the repository is synced within seconds; many pushes cause one tick. The answer does not wait for the tick."
    ),
    **documented(contract.WebhookAnswer, 401, 404, 413, status=202),
    max_body_size=MOST_OF_A_WEBHOOK,
)
async def take(
    request: Request, provider: Annotated[str, Path(description="Use github, gitea or gitlab.")]
) -> Response:
    service = running()
    if provider not in set(Provider):
        raise RefusedEdit("FLEET-642", "This git host is unknown.", "Use github, gitea or gitlab.")
    secret = service.workbench.settings.webhook_secret
    if not secret:
        raise RefusedEdit(
            "FLEET-680",
            "No webhook secret is set, so webhooks are not accepted.",
            "Set FLEET_WEBHOOK_SECRET on the server, and the same secret at the git host.",
        )
    headers = {name.lower(): text for name, text in request.headers.items()}
    async with _HELD:  # the signature is over the whole body, so that anybody's is read to its end
        body = await request.body()
    counted = service.metrics.deliveries
    try:
        webhooks.check(Provider(provider), headers, body, secret)
        push = webhooks.read(Provider(provider), headers, body)
    except (AccessDenied, RefusedEdit):
        counted.labels(provider, "refused").inc()
        raise
    answer = await slowly(lambda: _follow(service, Provider(provider), push))
    counted.labels(provider, "accepted" if answer["accepted"] else "ignored").inc()
    return reply(answer, 202 if answer["accepted"] else 200)


def _follow(service: Service, provider: Provider, push: Push) -> contract.WebhookAnswer:
    """Have those ticked whom a push concerns, and keep what came in."""
    if push.event != "push":
        return {
            "accepted": False,
            "repositories": [],
            "detail": f"{push.event or 'this'} is not a push; it is ignored.",
        }
    if push.deleted:
        return {
            "accepted": False,
            "repositories": [],
            "detail": "The branch was deleted; there is no commit to fetch, so the push is ignored.",
        }
    concerned = [r for r in service.workbench.repositories() if webhooks.concerns(push, r)]
    if not concerned:
        there = [r for r in service.workbench.repositories() if webhooks.is_of(push, r)]
        follows = ", ".join(f"{r.name} follows {r.branch}" for r in there[:5])
        detail = (
            f"The push is to {push.branch or 'no branch'}; {follows}. It is ignored."
            if there
            else "No registered repository has this address."
        )
        return {"accepted": False, "repositories": [], "detail": detail}
    actor = Actor(f"webhook:{provider}", frozenset({Permission.SYNC}))
    paused = any(pause.repository is None for pause in service.workbench.pauses())
    outcomes = {r.name: _wake(service, r, actor, paused) for r in concerned}
    service.aside(
        lambda: service.workbench.note_deliveries(
            provider, push.delivery, push.revision, [(r.id, outcomes[r.name]) for r in concerned]
        )
    )
    woken = [name for name, outcome in outcomes.items() if outcome.startswith("tick")]
    detail = "; ".join(f"{name}: {outcome}" for name, outcome in outcomes.items())
    return {"accepted": bool(woken), "repositories": woken, "detail": f"{detail}."}


def _wake(service: Service, repository: Repository, actor: Actor, paused: bool) -> str:
    """Ask for a tick; gives what comes of it."""
    if not repository.enabled:
        return "disabled, no tick"
    if paused or repository.paused_reason is not None:
        return "paused, no tick"
    return "tick requested" if service.scheduler.wake(repository, actor) else "tick already requested"
