"""Who asks: the bearer of a token, and the workbench as they may see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from engine.access import permits
from engine.errors import AccessDenied
from engine.model import Actor
from engine.server.service import Service, running
from engine.workbench import Workbench

MOST_ID = 2**63 - 1

scheme = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    description="A token created with `fleet token create` or on the Settings page.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, narrowed to the account that they may touch or named."""

    actor: Actor
    service: Service

    def may(self, verb: Callable[..., Any]) -> Workbench:
        """The workbench as they see it, if they have what this verb of it takes; the verb checks again, for the account it touches.

        Raises: RefusedEdit FLEET-600.
        """
        permits.need_of(verb).check(self.actor)
        return self.service.workbench.narrowed(self.actor.account)

    def of(self, account: str | None) -> Caller:
        """The same caller for an account that a body names. Raises: RefusedEdit FLEET-600 where a token may not touch it."""
        if account is None or account == self.actor.account:
            return self
        permits.within(self.actor, account)
        return replace(self, actor=replace(self.actor, account=account))


def caller(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(scheme)],
    account: Annotated[
        str | None,
        Query(
            description="Only this account. A token for one account may name only that account.",
            min_length=1,
            max_length=255,
        ),
    ] = None,
) -> Caller:
    """Who asks. Raises: AccessDenied FLEET-660 to 663; RefusedEdit FLEET-600, 640."""
    service = running()
    if credentials is None:
        raise AccessDenied(
            "FLEET-660", "A token is required.", "Send one: Authorization: Bearer $(fleet token create …)"
        )
    return Caller(service.workbench.bearer(credentials.credentials), service).of(account)


Asking = Annotated[Caller, Depends(caller)]
Id = Annotated[int, Path(alias="id", ge=0, le=MOST_ID, description="Number of the object.")]


def _which(
    id_: Annotated[str, Path(alias="id", max_length=255, description="Number or name of the repository.")],
) -> int | str:
    return int(id_) if re.fullmatch("[0-9]{1,18}", id_) else id_


Which = Annotated[int | str, Depends(_which)]
"""A repository, as a path names it. A name of digits alone is taken for a number."""
Before = Annotated[
    int | None, Query(ge=0, le=MOST_ID, description="Only rows before this id: the `next` of the previous page.")
]
Limit = Annotated[int, Query(ge=1, le=10_000, description="Maximum number of rows.")]
"""Query and path parameters that many routes share."""
