"""Repositories made in Gitea. No Gitea can be had here: a double answers as Gitea's API describes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.workbench import Workbench
from tests.api.conftest import ME, Api

TOKEN = "canary-of-gitea"


class GiteaDouble:
    """Answers `/user`, `/user/repos` and `/orgs/{org}/repos` as Gitea does; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.made: set[str] = set()
        self.trouble: tuple[int, bytes] | None = None
        double = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, body: Any) -> None:
                double.asked.append((self.command, self.path, body))
                status, answer = double.answer(self.command, self.path, self.headers.get("Authorization"), body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, authorization: str | None, body: Any) -> tuple[int, Any]:
        if self.trouble:
            return self.trouble
        if authorization != f"token {TOKEN}":
            return 401, {"message": "user does not exist [uid: 0, name: ]"}
        if path == "/api/v1/user":
            return 200, {"id": 1, "login": "Ana"}
        owner = {"/api/v1/user/repos": "Ana", "/api/v1/orgs/acme/repos": "acme"}.get(path)
        if owner is None:
            return 404, {"message": "user redirect does not exist"}
        name = f"{owner}/{body['name']}"
        if name in self.made:
            return 409, {"message": f"The repository with the same name already exists. [{name}]"}
        self.made.add(name)
        return 201, {
            "id": 7, "owner": {"login": owner}, "name": body["name"], "full_name": name, "private": body["private"], "empty": True,
            "html_url": f"{self.url}/{name}", "ssh_url": f"git@localhost:{name}.git", "clone_url": f"{self.url}/{name}.git",
            "default_branch": body["default_branch"],
        }  # fmt: skip


@pytest.fixture
def gitea(workbench: Workbench) -> Iterator[GiteaDouble]:
    double = GiteaDouble()
    workbench.settings = replace(workbench.settings, gitea_url=double.url, gitea_token=TOKEN)
    yield double
    double.close()


def test_the_runbooks_line_makes_a_repository_of_an_organisation(
    call: Api, gitea: GiteaDouble, workbench: Workbench
) -> None:
    wanted = {"owner": "acme", "repo": "fleet-config", "private": True}
    answer = call("POST", "integrations/gitea/repositories", wanted)
    assert answer.status_code == 201
    assert answer.json() == {
        **wanted, "clone_url": f"{gitea.url}/acme/fleet-config.git", "ssh_url": "git@localhost:acme/fleet-config.git",
        "html_url": f"{gitea.url}/acme/fleet-config", "default_branch": "main",
    }  # fmt: skip
    assert gitea.asked[-1] == (
        "POST", "/api/v1/orgs/acme/repos", {"name": "fleet-config", "private": True, "auto_init": False, "default_branch": "main"},
    )  # fmt: skip
    again = call("POST", "integrations/gitea/repositories", wanted)
    assert (again.status_code, again.json()["code"]) == (409, "FLEET-682")
    (event,) = workbench.events()[:1]
    assert (event.event.type, event.actor) == ("gitops.gitea_repository_created", "token:ci")


def test_ones_own_repository_is_made_as_the_user(call: Api, gitea: GiteaDouble) -> None:
    assert call("POST", "integrations/gitea/repositories", {"owner": "ana", "repo": "x"}).json()["owner"] == "Ana"
    assert gitea.asked[-1][1] == "/api/v1/user/repos"
    assert gitea.asked[-1][2]["private"] is True, "private unless said otherwise"


def test_what_gitea_refuses_has_its_own_code_and_no_secret(call: Api, gitea: GiteaDouble, workbench: Workbench) -> None:
    def code(**wanted: Any) -> tuple[int, str]:
        answer = call("POST", "integrations/gitea/repositories", {"owner": "acme", "repo": "x", **wanted})
        assert TOKEN not in answer.text
        return answer.status_code, answer.json()["code"]

    assert code(owner="nobody") == (502, "FLEET-683")
    for name in ("a/b", "..", "-x", "x.git", "a b", "ü"):
        assert code(repo=name) == (422, "FLEET-687")
        assert code(owner=name) == (422, "FLEET-687")
    for trouble, wanted in (
        ((500, b"oops"), "FLEET-684"), ((200, b"<html>"), "FLEET-684"), ((302, b""), "FLEET-683"), ((403, b"{}"), "FLEET-683"), ((200, b"[]"), "FLEET-684"),
    ):  # fmt: skip
        gitea.trouble = trouble
        assert code()[1] == wanted
    gitea.trouble = None
    workbench.settings = replace(workbench.settings, gitea_token="wrong")
    assert code() == (502, "FLEET-683")
    workbench.settings = replace(workbench.settings, gitea_url="http://127.0.0.1:1", gitea_token=TOKEN)
    assert code() == (502, "FLEET-684")
    workbench.settings = replace(workbench.settings, gitea_url="")
    assert code() == (503, "FLEET-681")
    workbench.settings = replace(workbench.settings, gitea_url="http://127.0.0.1:1", gitea_token="")
    assert code() == (503, "FLEET-681")


def test_its_token_may_be_in_vault(
    call: Api, gitea: GiteaDouble, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: dict[str, Any] = {"token": TOKEN}
    monkeypatch.setattr(
        "engine.sync.vault.read_secret", lambda path, _settings: held if path == "secret/fleet/gitea" else {}
    )
    workbench.settings = replace(workbench.settings, gitea_token="", gitea_vault_path="secret/fleet/gitea")
    assert call("POST", "integrations/gitea/repositories", {"owner": "acme", "repo": "v"}).status_code == 201
    held.clear()
    refused = call("POST", "integrations/gitea/repositories", {"owner": "acme", "repo": "w"})
    assert refused.json()["code"] == "FLEET-681"


def test_the_servers_token_is_for_the_accounts_that_may_use_it(
    call: Api, gitea: GiteaDouble, registered: Workbench, rest_of: Any
) -> None:
    """Repository `fc` of account acme is registered: it is the only account that has one."""
    acme, rival = rest_of("acme"), rest_of("rival")

    def code(api: Api, repo: str) -> tuple[int, str | None]:
        answer = api("POST", "integrations/gitea/repositories", {"owner": "acme", "repo": repo})
        return answer.status_code, answer.json().get("code")

    made, refused = (201, None), (403, "FLEET-688")
    assert (code(acme, "a"), code(rival, "b"), code(call, "c")) == (made, refused, made)
    registered.add_repository(ME, "zeta", "https://git.example.com/x", account="zeta")
    assert (code(acme, "d"), code(rival, "e"), code(call, "f")) == (refused, refused, made)
    registered.settings = replace(registered.settings, gitea_accounts="acme, zeta")
    assert (code(acme, "g"), code(rival, "h"), code(call, "i")) == (made, refused, made)
    assert sorted(gitea.made) == ["acme/a", "acme/c", "acme/f", "acme/g", "acme/i"], (
        "Gitea was not asked for the others"
    )
