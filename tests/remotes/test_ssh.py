"""Fetching over ssh from a real sshd with git-shell: the key of Vault, and the host's key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import SyncError
from engine.flow import sync
from engine.model import Repository
from engine.settings import Settings
from tests.conftest import GitRepository
from tests.remotes.conftest import SSH_PATH, TEXT
from tests.remotes.servers import Sshd, make_key
from tests.remotes.vault_double import VaultDouble


def at(sshd: Sshd, served: GitRepository) -> Repository:
    return Repository(1, "fc", "acme", sshd.url(served.path), vault_credential_path=SSH_PATH)


def test_a_remote_is_read_with_the_key_that_vault_holds(sshd: Sshd, served: GitRepository, reaching: Settings) -> None:
    repository = at(sshd, served)
    sync.check_url(repository.url)
    revision = sync.fetch(repository, reaching)
    assert revision.content.decode() == TEXT
    assert revision.host_key == " ".join(sshd.host_key.split()[:2]), "what the host showed at first use"
    pinned = replace(repository, ssh_host_key=revision.host_key)
    served.push(TEXT + "# more\n")
    again = sync.fetch(pinned, reaching)
    assert (again.content.decode(), again.host_key) == (TEXT + "# more\n", None)


@pytest.mark.parametrize("change", [lambda key: key.strip(), lambda key: key.replace("\n", "\r\n")])
def test_a_key_that_was_pasted_carelessly_is_mended(
    sshd: Sshd, served: GitRepository, reaching: Settings, vault: VaultDouble, change: object
) -> None:
    vault.secrets[SSH_PATH] = {"ssh_key": change(sshd.key.read_text())}  # type: ignore[operator]
    assert sync.fetch(at(sshd, served), reaching).content.decode() == TEXT


def test_a_home_with_spaces_and_percents_is_no_obstacle(sshd: Sshd, served: GitRepository, reaching: Settings) -> None:
    aside = replace(reaching, home=reaching.home.parent / "a 'home' %h; $HOME")
    assert sync.fetch(at(sshd, served), aside).content.decode() == TEXT


@pytest.mark.parametrize(
    ("key", "what"), [("stranger", "rejected the deploy key"), ("barred", "rejected the deploy key")]
)
def test_a_key_without_rights_is_told_as_that(
    sshd: Sshd, served: GitRepository, reaching: Settings, vault: VaultDouble, key: str, what: str
) -> None:
    vault.secrets[SSH_PATH] = {"ssh_key": getattr(sshd, key).read_text()}
    with pytest.raises(SyncError, match=f"FLEET-215 .*{what}"):
        sync.fetch(at(sshd, served), reaching)


def test_a_key_that_ssh_cannot_use_is_told_before_the_host_is_asked(
    sshd: Sshd, served: GitRepository, reaching: Settings, vault: VaultDouble
) -> None:
    make_key(sshd.folder.parent / f"locked-{served.path.name}", passphrase="canary-phrase")
    locked = (sshd.folder.parent / f"locked-{served.path.name}").read_text()
    damaged = sshd.key.read_text().replace("b3BlbnNzaC1rZXktdjE", "b3BlbnNzaC1rZXktdjA")
    before = (sshd.folder / "sshd.log").read_text()
    for text in (locked, damaged, sshd.key.with_suffix(".pub").read_text(), sshd.key.read_text().replace("\n", "\\n")):
        vault.secrets[SSH_PATH] = {"ssh_key": text}
        with pytest.raises(SyncError, match="FLEET-228") as caught:
            sync.fetch(at(sshd, served), reaching)
        assert "canary" not in str(caught.value)
    assert (sshd.folder / "sshd.log").read_text() == before


def test_without_a_key_nothing_is_tried(sshd: Sshd, served: GitRepository, reaching: Settings) -> None:
    before = (sshd.folder / "sshd.log").read_text()
    with pytest.raises(SyncError, match=r"FLEET-217 .*--vault-path"):
        sync.fetch(replace(at(sshd, served), vault_credential_path=None), reaching)
    assert (sshd.folder / "sshd.log").read_text() == before


def test_another_host_key_is_refused_with_its_fingerprint(
    sshd: Sshd, served: GitRepository, reaching: Settings
) -> None:
    pinned = replace(at(sshd, served), ssh_host_key=sync.read_host_key(sshd.host_key))
    assert sync.fetch(pinned, reaching).content.decode() == TEXT
    sshd.start("host-2")
    with pytest.raises(SyncError, match=r"FLEET-216 .*repo trust fc") as caught:
        sync.fetch(pinned, reaching)
    offered = sync.read_host_key((sshd.folder / "host-2.pub").read_text())
    assert caught.value.facts["offered"] == sync.fingerprint(offered)
    assert sync.scan(pinned.url, 5) == offered
    sshd.start("host-rsa")
    with pytest.raises(SyncError, match="FLEET-216"):
        sync.fetch(pinned, reaching)
    sshd.start("host-rsa", "host-1")
    assert sync.fetch(pinned, reaching).content.decode() == TEXT, "the pinned kind is asked for"


def test_a_host_that_is_away_is_told_as_that(sshd: Sshd, served: GitRepository, reaching: Settings) -> None:
    repository = at(sshd, served)
    sshd.stop()
    with pytest.raises(SyncError, match=r"FLEET-201 .*refused"):
        sync.fetch(repository, reaching)
    with pytest.raises(SyncError, match="FLEET-201"):
        sync.scan(repository.url, 2)
