"""One of each server for all tests of a process; a Vault of its own, with what it holds, for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.settings import Settings
from tests.conftest import GitRepository
from tests.remotes.authority import Authority
from tests.remotes.servers import PASSWORD, USERNAME, Nginx, Sshd
from tests.remotes.vault_double import TOKEN, VaultDouble

TEXT = "version: 1\naccount: acme\nmodules: {m: {}}\n"
HTTPS_PATH, SSH_PATH = "secret/data/fleet/https", "secret/data/fleet/ssh"


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Below it lie the repositories that the servers serve."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki") / "acme")


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory, root: Path, authority: Authority) -> Iterator[Nginx]:
    server = Nginx(tmp_path_factory.mktemp("nginx") / "etc", root, authority)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("sshd") / "etc")
    yield server
    server.stop()


@pytest.fixture
def sshd(_sshd: Sshd) -> Iterator[Sshd]:
    """The ssh server; a test that changes its host key leaves it as it was."""
    yield _sshd
    if "host-1\n" not in (_sshd.folder / "sshd_config").read_text() or _sshd.process.poll() is not None:
        _sshd.start("host-1")


@pytest.fixture
def served(root: Path, tmp_path: Path) -> GitRepository:
    """A repository below the served folder, with a fleet file in it."""
    made = GitRepository(root / f"{tmp_path.parent.name}-{tmp_path.name}")
    made.push(TEXT, subject="Bring the fleet into git")
    return made


@pytest.fixture
def vault(authority: Authority, sshd: Sshd) -> Iterator[VaultDouble]:
    """A double of Vault that holds the right credentials for both servers."""
    double = VaultDouble()
    double.secrets[HTTPS_PATH] = {"username": USERNAME, "password": PASSWORD}
    double.secrets[SSH_PATH] = {"ssh_key": sshd.key.read_text()}
    double.start(authority)
    yield double
    double.stop()


@pytest.fixture
def reaching(settings: Settings, authority: Authority, vault: VaultDouble) -> Settings:
    """Settings with which both servers and the double can be reached. Remotes on loopback have to be named."""
    return replace(
        settings,
        remote_hosts="localhost 127.0.0.1",
        git_ca_file=str(authority.file),
        vault_address=vault.address,
        vault_ca_file=str(authority.file),
        vault_token=TOKEN,
        git_timeout_s=20,
        vault_timeout_s=2,
    )
