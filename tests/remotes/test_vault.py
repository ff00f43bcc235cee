"""Credentials from Vault: the real hvac over TLS against a strict double. Each way in which it can fail, and never an attempt without."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.access.credentials import split_path
from engine.errors import SyncError
from engine.flow import sync
from engine.flow.sync.vault import read_secret
from engine.model import Repository
from engine.settings import Settings
from tests.conftest import GitRepository
from tests.remotes.authority import Authority
from tests.remotes.conftest import HTTPS_PATH, SSH_PATH, TEXT
from tests.remotes.servers import Nginx
from tests.remotes.vault_double import (
    KUBERNETES_ROLE,
    KUBERNETES_TOKEN,
    ROLE_ID,
    SECRET_ID,
    TOKEN,
    VaultDouble,
)

Change = Callable[[VaultDouble], object]


@pytest.mark.parametrize(
    ("path", "mount", "name"),
    [
        ("secret/data/x/y", "secret", "x/y"),
        ("secret/x/y", "secret", "x/y"),
        ("team/kv/data/x", "team/kv", "x"),
        ("secret/data/x/data/y", "secret", "x/data/y"),
        ("secret/data", "secret", "data"),
    ],
)
def test_both_forms_of_a_path_mean_the_same_secret(path: str, mount: str, name: str) -> None:
    assert split_path(path) == (mount, name)


def _wrong(secret: dict[str, object]) -> Change:
    return lambda vault: vault.secrets.__setitem__(HTTPS_PATH, secret)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda v: setattr(v, "sealed", True), "FLEET-222", "sealed"),
        (lambda v: setattr(v, "initialized", False), "FLEET-222", "not initialized"),
        (lambda v: v.denied.add(HTTPS_PATH), "FLEET-223", "secret/data/fleet/https"),
        (lambda v: v.tokens.clear(), "FLEET-223", "expired token"),
        (lambda v: v.secrets.clear(), "FLEET-224", "nothing at secret/data/fleet/https"),
        (lambda v: v.version_1.update({HTTPS_PATH: {"username": "u", "password": "p"}}), "FLEET-224", "version 2"),
        (lambda v: setattr(v, "namespace", "team-a"), "FLEET-224", "nothing at"),
        (lambda v: v.secrets.update({HTTPS_PATH: None}), "FLEET-225", "deleted"),
        (lambda v: (v.secrets.update({HTTPS_PATH: None}), v.destroyed.add(HTTPS_PATH)), "FLEET-225", "destroyed"),
        (_wrong({"user": "canary", "password": "canary"}), "FLEET-227", "lacks username (as non-empty text); it has: password, user"),
        (_wrong({"ssh_key": "canary"}), "FLEET-227", "lacks username and password (as non-empty text); it has: ssh_key"),
        (_wrong({}), "FLEET-227", "it has: nothing"),
        (_wrong({"username": "canary", "password": 4711}), "FLEET-227", "lacks password"),
        (_wrong({"username": "canary", "password": "  "}), "FLEET-227", "lacks password"),
        (_wrong({"username": "canary\nhost=evil", "password": "canary"}), "FLEET-228", "control characters"),
        (lambda v: setattr(v, "failing", 99), "FLEET-221", "internal error"),
        (lambda v: setattr(v, "instead", (307, b"")), "FLEET-221", "it redirects"),
        (lambda v: setattr(v, "instead", (200, b"<html>Please sign in, canary</html>")), "FLEET-221", "returns a web page"),
        (lambda v: setattr(v, "instead", (403, b"<html>canary</html>")), "FLEET-223", "denied access"),
        (lambda v: setattr(v, "slow_s", 3), "FLEET-221", "in time"),
        (lambda v: v.stop(), "FLEET-221", "cannot be reached"),
    ],
)  # fmt: skip
def test_each_failure_has_its_code_and_the_remote_is_never_asked_without_a_credential(
    nginx: Nginx,
    served: GitRepository,
    reaching: Settings,
    vault: VaultDouble,
    change: Change,
    code: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The repository is open: whoever tried without the credential would read it.
    repository = Repository(
        1, "fc", "acme", nginx.url("public", served.path / ".git"), vault_credential_path=HTTPS_PATH
    )
    assert sync.fetch(repository, reaching).content.decode() == TEXT
    asked = (nginx.folder / "access.log").read_text().count(served.path.name)
    change(vault)
    with pytest.raises(SyncError, match=code) as caught:
        sync.fetch(repository, reaching)
    assert says in str(caught.value)
    assert caught.value.hint
    assert "canary" not in f"{caught.value} {caught.value.facts}"
    assert (nginx.folder / "access.log").read_text().count(served.path.name) == asked
    if change.__name__ == "stop":
        vault.start(Authority(Path(reaching.home.parent / "again")))


def test_it_logs_in_by_approle_and_gives_the_token_back(reaching: Settings, vault: VaultDouble) -> None:
    by_role = replace(reaching, vault_token="", vault_role_id=ROLE_ID, vault_secret_id=SECRET_ID)
    assert set(read_secret(HTTPS_PATH, by_role)) == {"username", "password"}
    assert [path for _, path in vault.requests] == [
        "/v1/auth/approle/login",
        f"/v1/{HTTPS_PATH}",
        "/v1/auth/token/revoke-self",
    ]
    assert vault.tokens == {TOKEN}
    with pytest.raises(SyncError, match="FLEET-226") as caught:
        read_secret(HTTPS_PATH, replace(by_role, vault_secret_id="canary-wrong"))
    assert "canary" not in str(caught.value)
    vault.secrets.clear()
    with pytest.raises(SyncError, match="FLEET-224"):
        read_secret(HTTPS_PATH, by_role)
    assert vault.tokens == {TOKEN}, "given back after a failure, too"


def test_it_logs_in_by_kubernetes_at_a_mount_of_its_own(reaching: Settings, vault: VaultDouble, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(KUBERNETES_TOKEN + "\n")
    in_a_pod = replace(
        reaching,
        vault_token="",
        vault_kubernetes_role=KUBERNETES_ROLE,
        vault_kubernetes_token_file=str(token),
        vault_auth_mount="team-cluster",
    )
    assert read_secret("secret/fleet/ssh", in_a_pod).keys() == {"ssh_key"}
    for wrong in (replace(in_a_pod, vault_auth_mount=""), replace(in_a_pod, vault_kubernetes_role="other")):
        with pytest.raises(SyncError, match=r"FLEET-226 .*Kubernetes"):
            read_secret(SSH_PATH, wrong)
    with pytest.raises(SyncError, match="FLEET-220"):
        read_secret(SSH_PATH, replace(in_a_pod, vault_kubernetes_token_file=str(tmp_path / "none")))


def test_a_token_file_is_read_at_each_sync(reaching: Settings, vault: VaultDouble, tmp_path: Path) -> None:
    sink = tmp_path / "sink"
    by_agent = replace(reaching, vault_token="", vault_token_file=str(sink))
    for text, works in (("", False), ("old", False), (TOKEN + "\n", True), ("two\nlines", False)):
        sink.write_text(text)
        if works:
            assert read_secret(HTTPS_PATH, by_agent)
        else:
            with pytest.raises(SyncError, match=r"FLEET-220|FLEET-223"):
                read_secret(HTTPS_PATH, by_agent)


def test_the_namespace_goes_along(reaching: Settings, vault: VaultDouble) -> None:
    vault.namespace = "team-a"
    assert read_secret(HTTPS_PATH, replace(reaching, vault_namespace="team-a"))


def test_what_passes_by_itself_is_tried_again_and_no_more_than_twice(reaching: Settings, vault: VaultDouble) -> None:
    vault.failing = 2
    assert read_secret(HTTPS_PATH, reaching)
    assert len(vault.requests) == 3
    vault.failing = 3
    with pytest.raises(SyncError, match="FLEET-221"):
        read_secret(HTTPS_PATH, reaching)
    assert len(vault.requests) == 6


def test_a_sealed_vault_is_told_at_once(reaching: Settings, vault: VaultDouble) -> None:
    vault.sealed = True
    with pytest.raises(SyncError, match="FLEET-222"):
        read_secret(HTTPS_PATH, reaching)
    assert len(vault.requests) == 1


def test_a_vault_that_accepts_and_stays_silent_costs_three_time_limits(reaching: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deaf = replace(reaching, vault_address=f"https://localhost:{silent.getsockname()[1]}", vault_timeout_s=1)
        began = time.monotonic()
        with pytest.raises(SyncError, match="FLEET-221"):
            read_secret(HTTPS_PATH, deaf)
        assert 2.5 < time.monotonic() - began < 10


def test_its_certificate_is_checked(reaching: Settings, vault: VaultDouble, tmp_path: Path) -> None:
    for wrong in ("", str(Authority(tmp_path / "other").file)):
        with pytest.raises(SyncError, match=r"FLEET-221 .*certificate"):
            read_secret(HTTPS_PATH, replace(reaching, vault_ca_file=wrong))
    assert vault.requests == []


@pytest.mark.parametrize(
    "address",
    ["", "vault.example.com", "http://vault.example.com:8200", "https://token@vault", "ftp://localhost", "https://[", "https://"],
)  # fmt: skip
def test_a_token_is_sent_by_tls_only(reaching: Settings, address: str) -> None:
    with pytest.raises(SyncError, match=r"FLEET-220 .*VAULT_ADDR"):
        read_secret(HTTPS_PATH, replace(reaching, vault_address=address))


def test_without_a_way_in_it_says_which_there_are(
    reaching: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)  # hvac would take it by itself; what counts is what the settings say
    (tmp_path / ".vault-token").write_text(TOKEN)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SyncError, match=r"FLEET-220 .*VAULT_TOKEN.*VAULT_ROLE_ID.*VAULT_KUBERNETES_ROLE"):
        read_secret(HTTPS_PATH, replace(reaching, vault_token=""))


def test_settings_come_from_the_environment_and_secrets_are_not_shown(tmp_path: Path) -> None:
    made = Settings.from_environment(
        tmp_path, {"VAULT_ADDR": "https://v", "VAULT_TOKEN": " canary ", "VAULT_SECRET_ID": "canary"}
    )
    assert (made.vault_address, made.vault_token, made.sources["vault_token"]) == ("https://v", "canary", "VAULT_TOKEN")
    assert "canary" not in repr(made)
