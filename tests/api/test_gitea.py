"""Repositories made in Gitea. No Gitea can be had here: a double answers as Gitea's API describes it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.workbench import Workbench
from engine.workbench import gitea as making
from tests.api.conftest import ME, Api
from tests.hostile import BEHAVIOURS, Double, double, made_by_gitea

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
    told = [(e.event.type.removeprefix("gitops.gitea_repository_"), e.actor) for e in reversed(workbench.events())]
    assert told[-4:] == [(what, "token:ci") for what in ("asked", "created", "asked", "refused")]
    assert all(e.event.data is not None and e.event.data["repo"] == "fleet-config" for e in workbench.events()[:4])


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
        "engine.flow.sync.vault.read_secret", lambda path, _settings: held if path == "secret/fleet/gitea" else {}
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


def _answers(body: bytes, status: str = "201 Created") -> Callable[[socket.socket, str], None]:
    """A Gitea that knows the user and answers everything else so."""

    def behaviour(connection: socket.socket, path: str) -> None:
        if path == "/api/v1/user":
            BEHAVIOURS["well"](connection, path)
        else:
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)

    return behaviour


ODD_FIELDS: dict[str, Any] = {
    "name: a lone surrogate": {"name": "\ud800"},
    "name: NUL and a mark that turns the direction": {"name": "x\x00\u202e"},
    "name: no text": {"name": {"a": 1}},
    "name: another": {"name": "y"},
    "owner: another": {"owner": {"login": "evil"}},
    "owner: no text": {"owner": {"login": ["acme"]}},
    "private: no truth": {"private": "yes"},
    "clone_url: a script": {"clone_url": "javascript:alert(1)"},
    "clone_url: a credential": {"clone_url": "http://u:pw@127.0.0.1/x"},
    "clone_url: another host": {"clone_url": "https://evil.example/acme/x.git"},
    "clone_url: none": {"clone_url": None},
    "html_url: a script": {"html_url": "javascript:alert(1)//127.0.0.1"},
    "html_url: another host": {"html_url": "https://evil.example/x"},
    "html_url: none": {"html_url": None},
    "html_url: a mark that turns the direction": {"html_url": "http://127.0.0.1/\u202ex"},
    "ssh_url: an option": {"ssh_url": "-oProxyCommand=x"},
    "ssh_url: a web address": {"ssh_url": "https://evil.example/x"},
    "default_branch: an option": {"default_branch": "-x"},
    "default_branch: no text": {"default_branch": 7},
}


@pytest.mark.parametrize("odd", ODD_FIELDS.values(), ids=list(ODD_FIELDS))
def test_a_field_of_a_wrong_form_is_refused_and_what_was_made_stands_in_the_audit(
    call: Api, workbench: Workbench, odd: dict[str, Any]
) -> None:
    with double(BEHAVIOURS["well"]) as host:
        host.behaviour = _answers(json.dumps(made_by_gitea(host.url, **odd)).encode())
        workbench.settings = replace(workbench.settings, gitea_url=host.url, gitea_token=TOKEN)
        answer = call("POST", "integrations/gitea/repositories", {"owner": "acme", "repo": "x"})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["outcome"]) == (502, "FLEET-684", "made")
    assert "evil" not in answer.text
    created, asked = workbench.events()[:2]
    assert [e.event.type for e in (asked, created)] == [
        "gitops.gitea_repository_asked",
        "gitops.gitea_repository_created",
    ]
    assert created.event.data == {"owner": "acme", "repo": "x", "private": True, "code": "FLEET-684"}


@pytest.mark.parametrize(
    ("behaviour", "code", "outcome"),
    [
        (_answers(b"[" * 200_000), "FLEET-684", "created"),
        (_answers(b"<html>", "500 Oops"), "FLEET-684", "unclear"),
        (_answers(b"{}", "403 No"), "FLEET-683", "refused"),
        (BEHAVIOURS["brackets"], "FLEET-684", "refused"),
        (BEHAVIOURS["hangs up"], "FLEET-684", "refused"),
    ],
)
def test_the_audit_says_what_became_of_a_wish(
    call: Api, workbench: Workbench, behaviour: Callable[[socket.socket, str], None], code: str, outcome: str
) -> None:
    with double(behaviour) as host:
        workbench.settings = replace(workbench.settings, gitea_url=host.url, gitea_token=TOKEN)
        assert call("POST", "integrations/gitea/repositories", {"owner": "acme", "repo": "x"}).json()["code"] == code
    assert [e.event.type.removeprefix("gitops.gitea_repository_") for e in workbench.events()[:2]] == [outcome, "asked"]


def _left_alone(host: Double, address: str, token: str, calls: int) -> list[socket.socket]:
    """So many clients that ask for a repository in Gitea; gives their connections once Gitea has been asked by the first of them."""
    body = json.dumps({"owner": "acme", "repo": "x"}).encode()
    head = (
        f"POST /api/v1/integrations/gitea/repositories HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    name, _, port = address.removeprefix("http://").partition(":")
    made = [socket.create_connection((name, int(port))) for _ in range(calls)]
    for each in made:
        each.sendall(head.encode() + body)
    assert host.arrived.wait(10)
    return made


def test_a_gitea_that_drips_holds_up_nobody_else_and_is_left_with_its_caller(
    call: Api, registered: Workbench, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "TIMEOUT_S", 20)
    token = call.headers["Authorization"].removeprefix("Bearer ")
    with double(BEHAVIOURS["drips headers"]) as host:
        registered.settings = replace(registered.settings, gitea_url=host.url, gitea_token=TOKEN)
        callers = _left_alone(host, address, token, 80)
        assert call("POST", "system/gitops_repositories/1/sync_now").status_code == 200
        refused = call("POST", "integrations/gitea/repositories", {"owner": "acme", "repo": "y"})
        assert (refused.status_code, refused.json()["code"]) == (503, "FLEET-648")
        for each in callers:
            each.close()
        assert host.left.wait(10), "a caller who goes away ends the call long before its deadline"
        host.behaviour = BEHAVIOURS["well"]
        assert call("POST", "integrations/gitea/repositories", {"owner": "acme", "repo": "x"}).status_code == 201
