"""What the server does with its own power, on real servers: whose credential goes where, and which address is talked to."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

from engine import remote
from engine.access.credentials import Verdict
from engine.errors import FleetError, RefusedEdit, SyncError
from engine.flow import confirmations, sync
from engine.flow.confirmations import CredentialUse
from engine.model import Actor, Permission, Repository
from engine.server import service
from engine.server.service import Service
from engine.settings import Settings
from engine.workbench import Workbench
from tests.api.conftest import Api
from tests.builders import change, query
from tests.conftest import GitRepository, Served, listening
from tests.remotes.authority import Authority
from tests.remotes.conftest import HTTPS_PATH, SSH_PATH, TEXT
from tests.remotes.servers import PASSWORD, Nginx, Sshd
from tests.remotes.vault_double import VaultDouble
from tests.sync.test_hosts import led_to

ME = Actor("ana")
EVIL = Actor("eve", frozenset({Permission.READ, Permission.WRITE, Permission.SYNC}), "evil")
FOREIGN = "secret/data/northwind/https-reader"
CANARY = "CANARY-northwind-pw"


@dataclass
class Hostile:
    """A server that asks every client for a credential, and keeps what comes."""

    asked: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)

    def start(self, authority: Authority, host: str = "localhost") -> None:
        hostile = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hostile.asked.append(self.headers["Host"])
                if authorization := self.headers.get("Authorization"):
                    hostile.given.append(base64.b64decode(authorization.removeprefix("Basic ")).decode())
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        certificate = authority.certificate(f"hostile-{host}", host=host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.file, certificate.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.port = self._server.server_port
        self.host = f"{host}:{self.port}"
        self.url = f"https://{self.host}/x.git"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hostile(authority: Authority) -> Iterator[Hostile]:
    made = Hostile()
    made.start(authority)
    yield made
    made.stop()


@pytest.fixture
def bench(reaching: Settings, vault: VaultDouble) -> Iterator[Workbench]:
    """A home of two accounts: the credential of the one is what the other is after."""
    vault.secrets[FOREIGN] = {"username": "northwind-bot", "password": CANARY}
    vault.secrets["secret/data/evil/key"] = {"username": "eve", "password": "own", "note": "x"}
    with Workbench.open_home(reaching) as opened:
        opened.add_repository(ME, "theirs", "https://git.northwind.example/x.git", account="northwind")
        yield opened


def granted(bench: Workbench, setting: str) -> None:
    """Start again with other grants, as far as the workbench can tell."""
    bench.settings = replace(bench.settings, vault_paths=setting)


def code_of(bench: Workbench, name: str) -> str | None:
    """The code with which a sync of a repository fails; None where it does not."""
    error = bench.sync(ME, name).run.error
    return str(error["code"]) if error else None


def test_somebody_of_another_account_gets_no_credential_by_any_way(
    bench: Workbench, hostile: Hostile, vault: VaultDouble
) -> None:
    """By registering, changing, checking, looking or a dry run: Vault is not asked, and nothing arrives."""
    wanted: dict[str, Any] = {"url": hostile.url, "vault_credential_path": FOREIGN}
    bench.add_repository(EVIL, "mine", hostile.url, account="evil")
    for setting in ("", "northwind=secret/data/northwind/*", "northwind=*;evil=secret/data/evil/*"):
        granted(bench, setting)
        for path in (FOREIGN, FOREIGN.replace("/data", ""), "secret/data/nothing/here"):
            with pytest.raises(FleetError, match="FLEET-229"):
                bench.add_repository(EVIL, "more", hostile.url, account="evil", vault_credential_path=path)
            with pytest.raises(FleetError, match="FLEET-229"):
                bench.change_repository(EVIL, "mine", {"vault_credential_path": path})
            with pytest.raises(FleetError, match="FLEET-229"):
                bench.change_repository(EVIL, "mine", {**wanted, "vault_credential_path": path})
            found = bench.check_repository(EVIL, hostile.url, account="evil", vault_credential_path=path)
            (wrong,) = [finding for finding in found if finding.ok is False]
            assert (wrong.name, wrong.error and wrong.error.code) == ("credential", "FLEET-229")
    # What a store of before may hold is refused by each use, in the same way.
    change(
        bench.store,
        "UPDATE gitops_repositories SET vault_credential_path = $path WHERE name = 'mine'",
        {"path": FOREIGN},
    )
    assert bench.repository("mine").vault_credential_path == FOREIGN
    assert code_of(bench, "mine") == "FLEET-229"
    with pytest.raises(SyncError, match="FLEET-229"):
        bench.dry_run(EVIL, "mine")
    assert [f.error.code for f in bench.look_at(EVIL, "mine")[0] if f.error] == ["FLEET-229"]
    assert (hostile.asked, hostile.given, vault.requests) == ([], [], [])


def test_a_refusal_says_the_same_whatever_vault_holds(bench: Workbench, vault: VaultDouble, hostile: Hostile) -> None:
    vault.secrets["secret/data/northwind/other"] = {"deep-secret-key-name": "x"}
    vault.secrets["secret/data/northwind/deleted"] = None
    vault.denied.add("secret/data/northwind/denied")
    said = set()
    for name in ("https-reader", "other", "deleted", "denied", "nothing"):
        path = f"secret/data/northwind/{name}"
        with pytest.raises(FleetError) as caught:
            bench.add_repository(EVIL, "mine", hostile.url, account="evil", vault_credential_path=path)
        found = bench.check_repository(EVIL, hostile.url, account="evil", vault_credential_path=path)
        said.add((str(caught.value).replace(name, "NAME"), repr(found).replace(name, "NAME")))
    assert len(said) == 1
    assert "northwind-bot" not in repr(said)


def test_a_path_of_ones_own_goes_to_no_host_until_somebody_of_every_account_confirms_it(
    bench: Workbench, hostile: Hostile, vault: VaultDouble
) -> None:
    granted(bench, "evil=secret/data/evil/*;northwind=secret/data/northwind/*")
    path = "secret/data/evil/key"
    bench.add_repository(EVIL, "mine", hostile.url, account="evil", vault_credential_path=path)
    assert code_of(bench, "mine") == "FLEET-229"
    assert bench.repository("mine").next_attempt_at is not None
    assert (hostile.asked, vault.requests) == ([], [])
    for somebody in (
        EVIL,
        replace(EVIL, permissions=frozenset(Permission)),
        Actor("rob", frozenset({Permission.READ})),
    ):
        with pytest.raises(RefusedEdit, match="FLEET-600"):
            bench.trust_credential(somebody, "mine", path, hostile.host)
    bench.trust_credential(ME, "mine", "secret/evil/key", hostile.host.upper())
    (event,) = [e for e in bench.events() if e.event.type == "gitops.credential_trusted"]
    assert (event.actor, event.event.account, event.event.data) == ("ana", "evil", {"path": path, "host": hostile.host})
    bench.trust_credential(ME, "mine", path, hostile.host)
    assert len([e for e in bench.events() if e.event.type == "gitops.credential_trusted"]) == 1, (
        "it is confirmed already"
    )
    assert bench.repository("mine").next_attempt_at is None, "what waited for it is due"
    assert code_of(bench, "mine") == "FLEET-215", "it is sent to where it may go"
    assert set(hostile.given) == {"eve:own"}
    # Whichever repository names it, the pair is the same; another account's is not.
    bench.add_repository(EVIL, "more", hostile.url, account="evil", vault_credential_path=path)
    assert code_of(bench, "more") == "FLEET-215"


def test_a_change_of_url_and_path_in_one_call_keeps_no_credential(
    bench: Workbench, hostile: Hostile, vault: VaultDouble, nginx: Nginx, served: GitRepository
) -> None:
    granted(bench, f"acme={HTTPS_PATH}@localhost:{nginx.port};northwind={FOREIGN}")
    url = nginx.url("private", served.path / ".git")
    bench.add_repository(ME, "fc", url, account="acme", vault_credential_path=HTTPS_PATH)
    assert code_of(bench, "fc") is None, "the setting names the host"
    asked = len(vault.requests)
    insider = Actor("ina", frozenset({Permission.READ, Permission.WRITE, Permission.SYNC}), "acme")
    for path in (HTTPS_PATH, HTTPS_PATH.replace("/data", "")):
        bench.change_repository(insider, "fc", {"url": hostile.url, "vault_credential_path": path})
        assert code_of(bench, "fc") == "FLEET-229"
    assert (hostile.asked, len(vault.requests)) == ([], asked)
    assert bench.change_repository(insider, "fc", {"url": url}).vault_credential_path is None
    bench.change_repository(insider, "fc", {"vault_credential_path": HTTPS_PATH})
    assert code_of(bench, "fc") is None


def test_nobody_confirms_what_was_changed_after_they_looked(bench: Workbench, hostile: Hostile) -> None:
    granted(bench, "evil=secret/data/evil/*")
    path = "secret/data/evil/key"
    bench.add_repository(EVIL, "mine", "https://git.good.example/x", account="evil", vault_credential_path=path)
    seen = bench.credential_use("mine")
    assert seen is not None
    assert (seen.path, seen.host, seen.verdict) == (path, "git.good.example:443", "unconfirmed")
    bench.change_repository(EVIL, "mine", {"url": hostile.url, "vault_credential_path": path})
    with pytest.raises(RefusedEdit, match="FLEET-229"):
        bench.trust_credential(ME, "mine", seen.path, seen.host)
    assert code_of(bench, "mine") == "FLEET-229"


def test_the_first_host_of_the_only_account_is_taken_and_any_other_is_not(
    reaching: Settings, hostile: Hostile, vault: VaultDouble, nginx: Nginx, served: GitRepository
) -> None:
    url = nginx.url("private", served.path / ".git")
    with Workbench.open_home(reaching) as bench:
        bench.add_repository(ME, "fc", url, account="acme", vault_credential_path=HTTPS_PATH)
        assert code_of(bench, "fc") is None
        asked = len(vault.requests)
        bench.add_repository(ME, "more", hostile.url, account="acme", vault_credential_path=HTTPS_PATH)
        assert code_of(bench, "more") == "FLEET-229"
        checked = bench.check_repository(ME, hostile.url, account="acme", vault_credential_path=HTTPS_PATH)
        assert [f.error.code for f in checked if f.error] == ["FLEET-229"]
        assert (hostile.asked, len(vault.requests)) == ([], asked)
        # A second account ends what was there for the only one.
        bench.add_repository(ME, "other", "https://git.zeta.example/x", account="zeta")
        run = bench.sync(ME, "fc").run
        assert run.error is not None
        assert run.error["code"] == "FLEET-229"
        assert f"FLEET_VAULT_PATHS='acme={HTTPS_PATH}'" in run.error["hint"]
        granted(bench, f"acme={HTTPS_PATH}")
        assert code_of(bench, "fc") is None, "its host was bound when it was the only one"
        assert PASSWORD not in "".join(hostile.given)


def test_a_check_before_registering_binds_a_credential_as_a_sync_does(
    reaching: Settings, hostile: Hostile, vault: VaultDouble, nginx: Nginx, served: GitRepository
) -> None:
    """Or else one check after the other could bring the credential to one host after the other."""
    url = nginx.url("private", served.path / ".git")
    with Workbench.open_home(reaching) as bench:

        def codes(url: str) -> list[str]:
            found = bench.check_repository(ME, url, account="acme", vault_credential_path=HTTPS_PATH)
            return [f.error.code for f in found if f.error]

        assert codes(url) == []
        asked = len(vault.requests)
        assert codes(hostile.url) == ["FLEET-229"]
        assert (hostile.asked, len(vault.requests)) == ([], asked)
        assert codes(url) == []
        bench.add_repository(ME, "fc", hostile.url, account="acme", vault_credential_path=HTTPS_PATH)
        with pytest.raises(SyncError, match="FLEET-229"):
            bench.dry_run(ME, "fc")
        assert PASSWORD not in "".join(hostile.given)


def test_of_two_first_uses_at_the_same_time_one_alone_needs_no_confirmation(
    reaching: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread is first between the look and the write."""
    one = Repository(1, "one", "acme", "https://one.example/x", vault_credential_path=HTTPS_PATH)
    two = replace(one, id=2, name="two", url="https://two.example/x")
    with Workbench.open_home(reaching) as bench:
        write = bench.store.write

        def overtaken() -> Any:
            monkeypatch.setattr(bench.store, "write", write)
            other = threading.Thread(target=confirmations.require, args=(bench.store, reaching, ME, two))
            other.start()
            other.join(20)
            return write()

        monkeypatch.setattr(bench.store, "write", overtaken)
        with pytest.raises(SyncError, match="FLEET-229"):
            confirmations.require(bench.store, reaching, ME, one)
        confirmations.require(bench.store, reaching, ME, two)


def test_a_repository_takes_no_credential_along_to_another_account(bench: Workbench) -> None:
    granted(bench, "acme=secret/data/acme/*;zeta=secret/data/zeta/*")
    bench.add_repository(ME, "fc", "https://git.example.com/x", account="acme", vault_credential_path="secret/acme/key")
    with pytest.raises(FleetError, match="FLEET-229"):
        bench.change_repository(ME, "fc", {"account": "zeta"})
    assert bench.repository("fc").account == "acme", "a refused change leaves the rows as they were"
    assert bench.change_repository(ME, "fc", {"account": "zeta", "vault_credential_path": ""}).account == "zeta"


def test_a_repository_whose_path_is_no_longer_granted_can_still_be_changed(bench: Workbench) -> None:
    granted(bench, "acme=*")
    bench.add_repository(ME, "fc", "https://git.example.com/x", account="acme", vault_credential_path="secret/acme/key")
    granted(bench, "zeta=*")
    same = {"branch": "other", "vault_credential_path": "secret/data/acme/key", "url": "https://git.example.com:443/y"}
    assert bench.change_repository(ME, "fc", same).branch == "other"
    assert not bench.change_repository(ME, "fc", {"enabled": False}).enabled


def test_a_store_of_before_takes_what_it_uses_for_confirmed(
    reaching: Settings, nginx: Nginx, sshd: Sshd, served: GitRepository, hostile: Hostile
) -> None:
    reaching = replace(reaching, remote_hosts="* localhost 127.0.0.1")
    with Workbench.open_home(reaching) as bench:
        url = nginx.url("private", served.path / ".git")
        bench.add_repository(ME, "web", url, account="acme", vault_credential_path=HTTPS_PATH.replace("/data", ""))
        bench.add_repository(ME, "deep", sshd.url(served.path), account="acme", vault_credential_path=SSH_PATH)
        bench.add_repository(ME, "short", "git@GIT.example.com:x.git", account="acme", vault_credential_path=SSH_PATH)
        bench.add_repository(ME, "six", "ssh://git@[2001:db8::1]/x", account="acme", vault_credential_path=SSH_PATH)
        bench.add_repository(ME, "gone", hostile.url, account="acme", vault_credential_path=HTTPS_PATH)
        bench.remove_repository(ME, "gone")
        bench.add_repository(ME, "other", "https://git.zeta.example/x", account="zeta")
    path = reaching.home / "fleet.duckdb"
    with duckdb.connect(str(path)) as connection:  # as the version before kept it
        connection.execute("DELETE FROM schema_versions WHERE version >= 6")
        connection.execute("DROP TABLE credential_hosts")
        connection.execute("DROP TABLE waiting_claims")
        connection.execute("ALTER TABLE gitops_sync_runs DROP COLUMN waiting")
        connection.execute("ALTER TABLE withheld_diffs DROP COLUMN fields")
    for _ in range(2):
        with Workbench.open_home(reaching) as bench:
            rows = query(bench.store, "SELECT account, path, host, confirmed_by FROM credential_hosts ORDER BY 2, 3")
            assert rows == [
                ("acme", HTTPS_PATH, f"localhost:{nginx.port}", "in use before"),
                ("acme", SSH_PATH, f"127.0.0.1:{sshd.port}", "in use before"),
                ("acme", SSH_PATH, "[2001:db8::1]:22", "in use before"),
                ("acme", SSH_PATH, "git.example.com:22", "in use before"),
            ]
    with Workbench.open_home(reaching) as bench:
        run = bench.sync(ME, "web").run
        assert run.error is not None
        assert run.error["code"] == "FLEET-229"
        assert f"FLEET_VAULT_PATHS='acme={HTTPS_PATH}'" in run.error["hint"], "nothing breaks silently"
        granted(bench, f"acme={HTTPS_PATH};acme={SSH_PATH}")
        assert (code_of(bench, "web"), code_of(bench, "deep")) == (None, None)


def test_by_rest_a_token_of_one_account_gets_nothing_and_one_of_every_account_confirms(
    bench: Workbench, hostile: Hostile, vault: VaultDouble
) -> None:
    made = Service(bench)
    service.use(made)
    try:
        with listening() as port:
            address = f"http://127.0.0.1:{port}"

            def api(account: str) -> Api:
                return Api(address, bench.create_token(ME, account, account=account, permissions=tuple(Permission))[1])

            evil, every = api("evil"), api("*")
            wanted = {"name": "mine", "repo_url": hostile.url, "vault_credential_path": FOREIGN}
            refused = evil("POST", "system/gitops_repositories", {"gitops_repository": wanted})
            assert (refused.status_code, refused.json()["code"]) == (403, "FLEET-229")
            evil("POST", "system/gitops_repositories", {"gitops_repository": {"name": "mine", "repo_url": hostile.url}})
            granted(bench, "evil=secret/data/evil/*;northwind=*")
            (row,) = evil("GET", "system/gitops_repositories").json()["items"]
            mine = f"system/gitops_repositories/{row['id']}"
            changes = {"repo_url": hostile.url, "vault_credential_path": FOREIGN}
            assert evil("PATCH", mine, {"gitops_repository": changes}).status_code == 403
            own = {"vault_credential_path": "secret/data/evil/key"}
            assert evil("PATCH", mine, {"gitops_repository": own}).status_code == 200
            synced = evil("POST", f"{mine}/sync_now").json()["gitops_sync_run"]
            assert (synced["status"], synced["error"]["code"]) == ("failed", "FLEET-229")
            assert (hostile.asked, vault.requests) == ([], [])
            seen = {**own, "host": hostile.host}
            assert evil("POST", f"{mine}/trust_credential", seen).json()["code"] == "FLEET-600"
            other = every("POST", f"{mine}/trust_credential", {**own, "host": "git.example.com:443"})
            assert (other.status_code, other.json()["code"]) == (403, "FLEET-229")
            assert every("POST", f"{mine}/trust_credential", seen).status_code == 200
            synced = evil("POST", f"{mine}/sync_now").json()["gitops_sync_run"]
            assert synced["error"]["code"] == "FLEET-215"
            assert CANARY not in json.dumps(hostile.given)
    finally:
        service.use(None)
        made.jobs.close()


def test_a_command_beside_a_server_sees_and_confirms_what_the_server_would_send(
    reaching: Settings, vault: VaultDouble
) -> None:
    with Served(reaching) as served:
        there = remote.reach(reaching)
        assert isinstance(there, remote.RemoteWorkbench)
        bench: Any = there
        bench.add_repository(ME, "open", "https://git.example.com/x", account="acme")
        assert bench.credential_use("open") is None
        for name in ("one", "two"):
            url = f"https://{name}.example.com/x"
            bench.add_repository(ME, name, url, account="acme", vault_credential_path=HTTPS_PATH)
        seen = bench.credential_use("two")
        assert seen == CredentialUse(HTTPS_PATH, "two.example.com:443", Verdict.UNCONFIRMED)
        with pytest.raises(SyncError, match="FLEET-229"):
            bench.dry_run(ME, "two")
        bench.trust_credential(ME, "two", seen.path, seen.host)
        assert bench.credential_use("two").verdict is Verdict.ALLOWED
        assert served.workbench.credential_use("one") == CredentialUse(
            HTTPS_PATH, "one.example.com:443", Verdict.ALLOWED
        )
        assert vault.requests == []


def test_git_talks_to_the_address_that_was_judged_and_asks_nobody_again(
    bench: Workbench, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name leads nowhere for git itself: it gets there by what it was given, with the certificate of that name."""
    server = Hostile()
    server.start(authority, "git.corp.example")
    asked = led_to(monkeypatch, "127.0.0.1")
    bench.add_repository(ME, "fc", server.url.replace("git.corp", "Git.Corp"), account="acme")
    assert code_of(bench, "fc") == "FLEET-215"
    assert [host.lower() for host in server.asked] == [server.host]
    assert asked == ["git.corp.example"]
    server.stop()


def test_ssh_talks_to_the_address_that_was_judged(
    reaching: Settings, sshd: Sshd, served: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sshd.url(served.path).replace("127.0.0.1", "git.corp.example")
    with Workbench.open_home(reaching) as bench:
        asked = led_to(monkeypatch, "127.0.0.1")
        bench.add_repository(ME, "fc", url, account="acme", vault_credential_path=SSH_PATH)
        assert asked == [], "registering reaches nobody"
        monkeypatch.setattr("engine.flow.sync.vault.read_secret", lambda *_: {"ssh_key": sshd.key.read_text()})
        assert code_of(bench, "fc") is None
        assert sync.shown_host_key(bench.offered_host_key(ME, "fc")) == sync.shown_host_key(sshd.host_key)
        assert set(asked) == {"git.corp.example"}


def test_a_name_that_leads_elsewhere_the_second_time_changes_nothing(
    bench: Workbench, hostile: Hostile, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judged as one address, never used as another: what answers on loopback hears nothing."""
    bench.settings = replace(bench.settings, remote_hosts="*", git_timeout_s=2)
    url = hostile.url.replace("localhost", "rebinding.example")
    bench.add_repository(ME, "fc", url, account="acme")
    answers = iter(["192.0.2.1", *["127.0.0.1"] * 9])  # an address of documentation, where nobody answers

    def rebinding(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert code_of(bench, "fc") in {"FLEET-201", "FLEET-202"}
    assert code_of(bench, "fc") == "FLEET-219"
    assert hostile.asked == []


def test_a_demo_or_a_local_path_has_no_host(settings: Settings, git_repo: GitRepository, tmp_path: Path) -> None:
    git_repo.push(TEXT)
    shutil.copytree(git_repo.path, tmp_path / "copy")
    limited = replace(settings, remote_hosts="git.example.com")
    for url in (str(git_repo.path), f"file://{tmp_path / 'copy'}"):
        assert sync.fetch(Repository(1, "fc", "acme", url), limited).content.decode() == TEXT
