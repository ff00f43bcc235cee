"""How git reaches one remote, for one call: a private folder with the secret and the known host key, and git's whole environment.

Nothing of a user's or the system's git or ssh is read, and of this process's environment only the way to programs and proxies.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SyncError
from engine.flow.sync.call import TimeLimit, answer, clean_environment, kept
from engine.flow.sync.checkouts import private
from engine.flow.sync.hostkeys import read_host_key
from engine.flow.sync.lookup import PROXIES, Place
from engine.flow.sync.remotes import is_ssh, origin, transport
from engine.flow.sync.secrets import Credential, DeployKey, Login, unusable_key
from engine.model import Repository
from engine.settings import Settings

_ALIAS = "fleet-remote"
"""The name under which the host's key stands in our known_hosts: one remote, one name, whatever its port."""

_ASKPASS = """\
#!/bin/sh
# Answers git's questions, for the one host that the secret is for.
here=$(dirname "$0")
origin=$(cat "$here/origin")
case "$1" in
    "Username for '$origin': ") exec cat "$here/username" ;;
    "Password for '${origin%%//*}//"*"@${origin#*//}': ") exec cat "$here/password" ;;
esac
exit 1
"""

_SSH_CONFIG = """\
Host *
    HostName {address}
    HostKeyAlias {alias}
    UserKnownHostsFile known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking {strict}
    UpdateHostKeys no
    HashKnownHosts no
    CheckHostIP no
    VerifyHostKeyDNS no
    IdentityFile key
    IdentitiesOnly yes
    IdentityAgent none
    PreferredAuthentications publickey
    BatchMode yes
    ConnectTimeout {timeout}
    ConnectionAttempts 1
    ServerAliveInterval 15
    ControlMaster no
    ControlPath none
    ForwardAgent no
    ForwardX11 no
    PermitLocalCommand no
    Tunnel no
"""


@dataclass(frozen=True, slots=True)
class Access:
    """A private folder and the environment in which git finds what is in it. The folder is git's working folder."""

    folder: Path
    environment: dict[str, str]

    def host_key(self) -> str | None:
        """The key of the ssh host that the call has talked to; None when it has not come so far."""
        file = self.folder / "known_hosts"
        lines = file.read_text().splitlines() if file.exists() else []
        return read_host_key(lines[0]) if lines else None


@contextmanager
def reaching(
    repository: Repository, credential: Credential | None, settings: Settings, place: Place | None
) -> Iterator[Access]:
    """What git needs to reach a repository's remote at the place that was found for it, removed at the end whatever happens.

    Raises: SyncError FLEET-228 for a private key that ssh cannot use.
    """
    root = private(settings.home)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(dir=root))
    try:
        environment = _environment(repository.url, folder, settings, place)
        if isinstance(credential, Login):
            _write(folder / "origin", origin(repository.url))
            _write(folder / "username", credential.username)
            _write(folder / "password", credential.password)
            _write(folder / "askpass", _ASKPASS, mode=0o700)
            environment["GIT_ASKPASS"] = str(folder / "askpass")
        if is_ssh(repository.url) and place is not None:
            limit = min(settings.git_timeout_s, 20)
            known = repository.ssh_host_key
            if known:
                _write(folder / "known_hosts", f"{_ALIAS} {known}\n")
            strict = "yes" if known else "accept-new"
            config = _SSH_CONFIG.format(address=place.one(), alias=_ALIAS, strict=strict, timeout=limit)
            _write(folder / "ssh_config", config)
            # Relative to the working folder, so that no path needs quoting for a shell or for ssh's own configuration.
            environment["GIT_SSH_COMMAND"] = "ssh -F ssh_config"
            environment["GIT_SSH_VARIANT"] = "ssh"
        if isinstance(credential, DeployKey):
            _write(folder / "key", credential.text)
            _check_key(folder, repository, environment)
        yield Access(folder, environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(url: str, folder: Path, settings: Settings, place: Place | None) -> dict[str, str]:
    way = {} if place is None else _way(place)
    authorities = {"GIT_SSL_CAINFO": settings.git_ca_file} if settings.git_ca_file else {}
    return clean_environment() | way | authorities | {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "GIT_ALLOW_PROTOCOL": transport(url),
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }  # fmt: skip


def _way(place: Place) -> dict[str, str]:
    """Settings that keep git to what was checked: through the proxy or not at all, and else to the addresses that were found."""
    way = kept(*PROXIES) if place.proxied else {}
    if place.addresses and ":" not in place.host:  # an address in IPv6 is looked up by nobody
        addresses = ",".join(f"[{address}]" if ":" in address else address for address in place.addresses)
        # Source: git-config, http.curloptResolve (since git 2.37); the number of settings counts from 0.
        way |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.curloptResolve",
            "GIT_CONFIG_VALUE_0": f"{place.host}:{place.port}:{addresses}",
        }
    return way


def _check_key(folder: Path, repository: Repository, environment: dict[str, str]) -> None:
    """See that ssh can use the key before a host is asked: afterwards, ssh only says that it was denied."""
    try:
        command = ["ssh-keygen", "-y", "-P", "", "-f", "key"]
        code, _ = answer(command, limit_s=20, cwd=folder, environment=environment)
    except FileNotFoundError:
        raise SyncError("FLEET-209", "ssh is not installed on this machine.", "Install the OpenSSH client.") from None
    except TimeLimit:
        code = 1
    if code:
        raise unusable_key(repository.vault_credential_path or "")


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
