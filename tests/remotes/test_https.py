"""Fetching over https from a real nginx with git's http-backend: open, with a password, and each way in which it can be wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import SyncError
from engine.flow import sync
from engine.model import Repository
from engine.settings import Settings
from tests.conftest import GitRepository
from tests.remotes.conftest import HTTPS_PATH, TEXT
from tests.remotes.servers import PASSWORD, Nginx
from tests.remotes.vault_double import VaultDouble


def at(nginx: Nginx, place: str, served: GitRepository, path: str | None = None) -> Repository:
    return Repository(1, "fc", "acme", nginx.url(place, served.path / ".git"), vault_credential_path=path)


def test_an_open_remote_gives_the_file_at_its_newest_commit(
    nginx: Nginx, served: GitRepository, reaching: Settings, vault: VaultDouble
) -> None:
    repository = at(nginx, "public", served)
    sync.check_url(repository.url)
    first = sync.fetch(repository, reaching)
    assert (first.content.decode(), first.author, first.subject) == (TEXT, "Ana Duarte", "Bring the fleet into git")
    served.push(TEXT + "# more\n")
    assert sync.fetch(repository, reaching).content.decode() == TEXT + "# more\n"
    served.git("reset", "--quiet", "--hard", first.commit)
    assert sync.fetch(repository, reaching).commit == first.commit
    assert vault.requests == [], "where nothing is secret, nobody is asked for it"


def test_a_private_remote_is_read_with_the_login_that_vault_holds(
    nginx: Nginx, served: GitRepository, reaching: Settings, vault: VaultDouble
) -> None:
    repository = at(nginx, "private", served, HTTPS_PATH)
    assert sync.fetch(repository, reaching).content.decode() == TEXT
    assert vault.requests == [("GET", f"/v1/{HTTPS_PATH}")]
    sync.fetch(replace(repository, vault_credential_path="secret/fleet/https"), reaching)
    assert vault.requests[1:] == [("GET", f"/v1/{HTTPS_PATH}")], "read anew at each sync, by either form of the path"
    assert list(reaching.home.rglob("askpass")) == []


@pytest.mark.parametrize("secret", [{"username": "fleet-reader", "password": "canary-of-a-wrong-one"}, {"username": "nobody", "password": PASSWORD}])  # fmt: skip
def test_a_wrong_password_is_told_as_that(
    nginx: Nginx, served: GitRepository, reaching: Settings, vault: VaultDouble, secret: dict[str, str]
) -> None:
    vault.secrets[HTTPS_PATH] = secret
    with pytest.raises(SyncError, match=r"FLEET-215 .*user name and password in Vault at secret/data") as caught:
        sync.fetch(at(nginx, "private", served, HTTPS_PATH), reaching)
    assert secret["password"] not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "code", "hint"),
    [("private", "FLEET-215", "--vault-path"), ("barred", "FLEET-215", "--vault-path"), ("moved", "FLEET-213", "--url"), ("none", "FLEET-201", "repo check")],
)  # fmt: skip
def test_what_a_server_refuses_has_its_own_code(
    nginx: Nginx, served: GitRepository, reaching: Settings, place: str, code: str, hint: str
) -> None:
    with pytest.raises(SyncError, match=code) as caught:
        sync.fetch(at(nginx, place, served), reaching)
    assert hint in caught.value.hint


def test_a_redirect_is_not_followed_with_the_credential(
    nginx: Nginx, served: GitRepository, reaching: Settings
) -> None:
    with pytest.raises(SyncError, match="FLEET-213"):
        sync.fetch(at(nginx, "moved", served, HTTPS_PATH), reaching)
    assert f":{nginx.other_port}" not in (nginx.folder / "access.log").read_text()


def test_certificates_are_checked(nginx: Nginx, served: GitRepository, reaching: Settings, settings: Settings) -> None:
    repository = at(nginx, "public", served)
    expired = replace(repository, url=repository.url.replace(str(nginx.port), str(nginx.expired_port)))
    with pytest.raises(SyncError, match=r"FLEET-214 .*authority is unknown"):
        sync.fetch(repository, replace(settings, remote_hosts="localhost"))
    with pytest.raises(SyncError, match=r"FLEET-214 .*expired"):
        sync.fetch(expired, reaching)


def test_http_is_read_only_where_it_is_allowed(nginx: Nginx, served: GitRepository, reaching: Settings) -> None:
    url = f"http://127.0.0.1:{nginx.plain_port}/public/{served.path.name}/.git"
    repository = Repository(1, "fc", "acme", url)
    with pytest.raises(SyncError, match="FLEET-208"):
        sync.fetch(repository, reaching)
    assert sync.fetch(repository, replace(reaching, allow_http_remotes=1)).content.decode() == TEXT
