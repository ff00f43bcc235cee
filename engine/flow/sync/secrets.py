"""What Vault must hold for a remote, and checking that it does. Pure; secrets stay out of every text.

https    {username, password}     a token goes in `password`
ssh      {ssh_key}                a private key without a passphrase
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import SyncError
from engine.flow.sync.remotes import is_ssh
from engine.phrases import clean


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password, or token, of an https remote."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeployKey:
    """Private key for an ssh remote, as OpenSSH writes it."""

    text: str = field(repr=False)


Credential = Login | DeployKey


def shaped(payload: Mapping[str, Any], url: str, path: str) -> Credential:
    """The credential that a remote of this URL needs, out of a secret. Keys beside those needed are left alone.

    Raises: SyncError FLEET-227 (names key names only), FLEET-228 (a value that cannot be one).
    """
    needed = ("ssh_key",) if is_ssh(url) else ("username", "password")
    missing = [name for name in needed if not isinstance(payload.get(name), str) or not payload[name].strip()]
    if missing:
        there = ", ".join(sorted(clean(str(name)[:40]) for name in payload)[:10]) or "nothing"
        raise SyncError(
            "FLEET-227",
            f"The secret at {path} lacks {' and '.join(missing)} (as non-empty text); it has: {there}.",
            "An ssh remote needs ssh_key, an https remote username and password.",
            vault_path=path,
        )
    if not is_ssh(url):
        login = Login(payload["username"].strip(), payload["password"].strip("\r\n"))
        if any(not text.isprintable() for text in (login.username, login.password)):
            raise _unfit(path, "username or password contains control characters", "Write it again, on one line.")
        return login
    # A key is often pasted with Windows line ends or without the last one; OpenSSH then calls it invalid.
    text = payload["ssh_key"].replace("\r\n", "\n").strip() + "\n"
    if not text.isascii() or not text.startswith("-----BEGIN ") or "PRIVATE KEY-----" not in text.partition("\n")[0]:
        why = "ssh_key is not an OpenSSH private key, from -----BEGIN to END-----, with its line breaks"
        raise _unfit(path, why, "Write the file unchanged: vault kv put PATH ssh_key=@deploy-key")
    return DeployKey(text)


def unusable_key(path: str) -> SyncError:
    """For a private key that ssh cannot use."""
    return _unfit(
        path,
        "ssh_key cannot be used: it is damaged, or needs a passphrase",
        'Create one without a passphrase: ssh-keygen -t ed25519 -N "" -f deploy-key',
    )


def _unfit(path: str, why: str, hint: str) -> SyncError:
    return SyncError("FLEET-228", f"In the secret at {path}, {why}.", hint, vault_path=path)
