"""The API over real HTTP: a server in a thread of its own, on a workbench of the test's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from engine.model import Actor, Permission
from engine.server.service import Service
from engine.workbench import Workbench
from tests.conftest import GitRepository, listening

ME = Actor("ana")
FILE = "version: 1\naccount: acme\nmodules:\n  base: {}\n  nginx: {priority: 50, depends_on: [base]}\n"


class Api:
    """What a script knows: an address and a token."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._session = requests.Session()

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        headers = self.headers | options.pop("headers", {})
        where = path if path.startswith("/api") else f"/api/v1/{path}"
        return self._session.request(
            method, f"{self.address}{where}", json=body, headers=headers, timeout=30, allow_redirects=False, **options
        )

    def bearing(self, token: str | None) -> Api:
        """The same address with another token."""
        return Api(self.address, token)


@pytest.fixture
def address(serving: Service) -> Iterator[str]:
    """Where the API answers."""
    with listening() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def rest_of(address: str, workbench: Workbench) -> Any:
    """rest_of(account="*", permissions=all) gives the API for a new token."""

    def made(account: str = "*", permissions: Any = tuple(Permission), name: str = "ci") -> Api:
        _, token = workbench.create_token(ME, name, account=account, permissions=permissions)
        return Api(address, token)

    return made


@pytest.fixture
def call(rest_of: Any) -> Api:
    """The API for a token that may do everything."""
    made: Api = rest_of()
    return made


@pytest.fixture
def registered(workbench: Workbench, git_repo: GitRepository) -> Workbench:
    """A repository `fc` of account acme, with a commit that was not synced yet."""
    git_repo.push(FILE)
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    return workbench
