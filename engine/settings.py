"""Settings of a home, read once from the environment when a command or a server starts.

Every setting has a name, a default, a meaning and a place where it came from; the README's tables are made from `SETTINGS` (limits,
whole numbers) and `ACCESS` (texts: which authorities to trust, where Vault is and how to come in).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import RefusedEdit

PROJECT = Path(__file__).resolve().parent.parent


class Setting(NamedTuple):
    variable: str
    default: int
    minimum: int
    maximum: int
    meaning: str


SETTINGS: Mapping[str, Setting] = {
    "cap": Setting(
        "POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK",
        25,
        1,
        1_000_000,
        "Most pending proposals of a repository that a tick leaves behind.",
    ),
    "max_file_bytes": Setting(
        "FLEET_MAX_FILE_BYTES", 1_048_576, 1, 2**31, "Largest fleet file that is read, in bytes."
    ),
    "sync_interval_s": Setting(
        "FLEET_SYNC_INTERVAL_S", 300, 1, 86_400 * 30, "Seconds between scheduled ticks of a repository."
    ),
    "sync_workers": Setting("FLEET_SYNC_WORKERS", 4, 1, 64, "How many repositories sync side by side."),
    "git_timeout_s": Setting("FLEET_GIT_TIMEOUT_S", 60, 1, 3_600, "Longest that one git call may take, in seconds."),
    "max_fetch_bytes": Setting(
        "FLEET_MAX_FETCH_BYTES", 268_435_456, 1_048_576, 2**40, "Most that one fetch may bring, in bytes."
    ),
    "vault_timeout_s": Setting(
        "FLEET_VAULT_TIMEOUT_S", 10, 1, 300, "Longest that one request to Vault may take, in seconds; three are tried."
    ),
    "lock_wait_s": Setting(
        "FLEET_LOCK_WAIT_S", 3, 0, 3_600, "How long a command waits for another that holds the store, in seconds."
    ),
    "allow_local_remotes": Setting(
        "FLEET_ALLOW_LOCAL_REMOTES", 0, 0, 1, "1 allows local paths and file:// as remotes (for tests)."
    ),
    "allow_http_remotes": Setting(
        "FLEET_ALLOW_HTTP_REMOTES", 0, 0, 1, "1 allows http:// remotes, which anybody on the way can change."
    ),
}


class AccessSetting(NamedTuple):
    variable: str
    meaning: str
    secret: bool = False
    file: bool = False


ACCESS: Mapping[str, AccessSetting] = {
    "git_ca_file": AccessSetting(
        "FLEET_GIT_CA_FILE", "Certificate authorities to trust for https remotes, instead of the system's.", file=True
    ),
    "vault_address": AccessSetting("VAULT_ADDR", "Where Vault is: https, or http on this machine alone."),
    "vault_namespace": AccessSetting("VAULT_NAMESPACE", "Namespace of every request."),
    "vault_ca_file": AccessSetting("VAULT_CACERT", "Certificate authorities to trust for Vault.", file=True),
    "vault_token": AccessSetting("VAULT_TOKEN", "Come in with this token.", secret=True),
    "vault_token_file": AccessSetting(
        "VAULT_TOKEN_FILE", "Or with the token in this file, read at each sync, as an agent writes it."
    ),
    "vault_role_id": AccessSetting("VAULT_ROLE_ID", "Or log in by AppRole, as this role."),
    "vault_secret_id": AccessSetting("VAULT_SECRET_ID", "Secret of that role.", secret=True),
    "vault_kubernetes_role": AccessSetting("VAULT_KUBERNETES_ROLE", "Or log in by Kubernetes, as this role."),
    "vault_kubernetes_token_file": AccessSetting(
        "VAULT_KUBERNETES_TOKEN_FILE", "The service account's token (default: where Kubernetes mounts it)."
    ),
    "vault_auth_mount": AccessSetting(
        "VAULT_AUTH_MOUNT", "Where that login is mounted (default: approle or kubernetes)."
    ),
}
"""How the outside is reached. Values marked secret are shown nowhere, only whether they are set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force. Immutable: a change takes a restart, as the runbook says of the cap."""

    home: Path
    cap: int = 25
    max_file_bytes: int = 1_048_576
    sync_interval_s: int = 300
    sync_workers: int = 4
    git_timeout_s: int = 60
    max_fetch_bytes: int = 268_435_456
    vault_timeout_s: int = 10
    lock_wait_s: int = 3
    allow_local_remotes: int = 0
    allow_http_remotes: int = 0
    git_ca_file: str = ""
    vault_address: str = ""
    vault_namespace: str = ""
    vault_ca_file: str = ""
    vault_token: str = field(default="", repr=False)
    vault_token_file: str = ""
    vault_role_id: str = ""
    vault_secret_id: str = field(default="", repr=False)
    vault_kubernetes_role: str = ""
    vault_kubernetes_token_file: str = ""
    vault_auth_mount: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    """For each setting that is not the default, the variable that set it."""

    @classmethod
    def from_environment(cls, home: Path | str | None = None, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. `home` goes before `FLEET_HOME`, which goes before `data/state/` of this project.

        Raises: RefusedEdit FLEET-602 naming the variable, its value (never a secret) and what it may be.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        sources: dict[str, str] = {}
        for name, setting in SETTINGS.items():
            text = environment.get(setting.variable, "").strip()
            if not text:
                continue
            if not text.isdecimal() or len(text) > 15 or not setting.minimum <= int(text) <= setting.maximum:
                raise RefusedEdit(
                    "FLEET-602",
                    f"{setting.variable} is {text[:40]!r}, not a whole number from {setting.minimum} to {setting.maximum}.",
                    f"Set it to one, or unset it for the default {setting.default}.",
                )
            values[name], sources[name] = int(text), setting.variable
        for name, access in ACCESS.items():
            if text := environment.get(access.variable, "").strip():
                if access.file:
                    text = _readable(access.variable, text)
                values[name], sources[name] = text, access.variable
        chosen = Path(home or environment.get("FLEET_HOME") or PROJECT / "data" / "state").expanduser().absolute()
        return cls(home=chosen, sources=sources, **values)

    @property
    def limits(self) -> dict[str, int]:
        """The limits that decide the outcome of a tick: part of what makes one unchanged."""
        return {"cap": self.cap, "max_file_bytes": self.max_file_bytes}


def _readable(variable: str, text: str) -> str:
    """The absolute path of a file that has to be there."""
    path = Path(text).expanduser().absolute()
    try:
        path.open("rb").close()
    except OSError as error:
        raise RefusedEdit(
            "FLEET-602", f"{variable} names {text[:200]!r}, which cannot be read: {error.strerror}.", "Name a PEM file."
        ) from None
    return str(path)
