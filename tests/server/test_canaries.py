"""The secrets of the local link and of a git host's token stay in no file, row, line of the log and answer of a running server."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import requests

from engine.model import Actor, Permission
from tests.api.test_gitea import TOKEN, GiteaDouble
from tests.browser.conftest import Server

ME = Actor("ana")


def _get(server: Server, path: str, **headers: str) -> requests.Response:
    return requests.get(f"{server.address}{path}", headers=headers, timeout=20, allow_redirects=False)


def test_what_opens_the_server_and_what_it_opens_is_kept_nowhere(tmp_path: Path) -> None:
    gitea = GiteaDouble()
    server = Server(tmp_path / "home", FLEET_GITEA_URL=gitea.url, FLEET_GITEA_TOKEN=TOKEN, FLEET_LOG_FORMAT="json")
    with server.store() as workbench:
        jwt = workbench.create_token(ME, "ci", account="*", permissions=list(Permission))[1]
    server.start()
    printed = re.search(r"key=([A-Za-z0-9_-]{20,})", server.log.read_text())
    assert printed, "the link is printed once, for the person who starts the server"
    link = printed[1]
    opened = _get(server, f"/open?key={link}")
    cookie = opened.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert link not in str(opened.headers)
    assert _get(server, f"/open?key={link}").status_code == 403
    bearer = {"Authorization": f"Bearer {jwt}"}
    wanted = {"owner": "acme", "repo": "x"}
    path = f"{server.address}/api/v1/integrations/gitea/repositories"
    assert requests.post(path, json=wanted, headers=bearer, timeout=20).status_code == 201
    answers = b"".join(
        _get(server, path, **bearer).content
        for path in ("/api/v1/system/fleet_events", "/healthz", "/metrics", "/api/v1/system/snapshot", "/")
    )
    server.stop()
    gitea.close()
    log = server.log.read_text().replace(f"key={link}", "", 1)
    kept = b"".join(path.read_bytes() for path in server.home.rglob("*") if path.is_file())
    assert b"gitea_repository_created" in answers, "the search would find what is there"
    for secret in (link, cookie, TOKEN, jwt):
        for place, text in {"log": log.encode(), "home": kept, "answers": answers}.items():
            assert secret.encode() not in text, (place, secret[:8])
    assert hashlib.sha256(link.encode()).hexdigest().encode() not in kept, "not even as something to compare with"
