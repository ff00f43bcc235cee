"""Settings of a home, read once from the environment when a command or a server starts.

Every setting is one field of `Settings`, declared with its variable, its default, what it may be and what it means. `SETTINGS` (whole
numbers), `ACCESS` (texts: which authorities to trust, where Vault is and how to come in) and `SERVING` (texts: sign-in, webhooks,
notifications, the log) are read off these fields, and the README's tables off them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from engine.access.credentials import read_accounts, read_grants
from engine.access.roles import read_rules
from engine.errors import RefusedEdit
from engine.system import homes

SHIPPED = homes.PROJECT if homes.is_checkout() else Path(__file__).resolve().parent / "_data"
"""Where what is no module lies: the dashboard's files, the example fleet, the notebooks. Of the same layout in an installed copy."""

SNAPSHOT_VARIABLE = "FLEET_SNAPSHOT"
"""Names the snapshot that notebooks open; `fleet notebook` sets it."""


class Setting(NamedTuple):
    variable: str
    default: int
    minimum: int
    maximum: int
    meaning: str


class Text(NamedTuple):
    variable: str
    meaning: str
    secret: bool = False
    reads: Callable[[str], str] = str
    """Gives the text in the form in which it is kept. Raises: ValueError, saying what it should be."""
    empty: bool = False
    """Whether the variable may be set to nothing, which switches off what it is about; else that is as if it were not set."""
    default: str = ""


def _file(text: str) -> str:
    """The absolute path of a file that has to be there."""
    path = Path(text).expanduser().absolute()
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"a file that can be read ({error.strerror})") from None
    return str(path)


def _address(text: str) -> str:
    """An address that secrets may be sent to: https, or http on this machine alone."""
    parts = urlsplit(text)
    if not parts.hostname or parts.username or parts.scheme not in {"https", "http"} or not text.isprintable():
        raise ValueError("an address such as https://host.example.com, without a credential")
    if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("an https address (http is allowed for this machine only)")
    return text.rstrip("/")


def time_of_day(text: str) -> tuple[int, int]:
    """(hour, minute) from HH:MM. Raises: ValueError, saying what it should be."""
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", text)
    if not found:
        raise ValueError("a time of day in UTC such as 03:10, or empty to disable it")
    return int(found[1]), int(found[2])


def _time_of_day(text: str) -> str:
    time_of_day(text)
    return text


def _folder(text: str) -> str:
    """The absolute path of a folder, which need not be there yet."""
    if not text.isprintable():
        raise ValueError("a path without control characters")
    return str(Path(text).expanduser().absolute())


def _log_format(text: str) -> str:
    if text not in {"text", "json"}:
        raise ValueError("text or json")
    return text


def _on_or_off(text: str) -> str:
    if text not in {"on", "off"}:
        raise ValueError("on or off")
    return text


def _rules(text: str) -> str:
    read_rules(text)
    return text


def _hosts(text: str) -> str:
    from engine.access.hosts import read_hosts  # what it brings, only who sets this needs

    read_hosts(text)
    return text


def _grants(text: str) -> str:
    read_grants(text)
    return text


def _accounts(text: str) -> str:
    read_accounts(text)
    return text


def _number(variable: str, default: int, minimum: int, maximum: int, meaning: str) -> Any:
    """A setting that is a whole number: a limit, a time, or 0 and 1 for no and yes."""
    return field(default=default, metadata={"limit": Setting(variable, default, minimum, maximum, meaning)})


def _text(group: str, asked: Text) -> Any:
    return field(default=asked.default, repr=not asked.secret, metadata={group: asked})


def _access(variable: str, meaning: str, **options: Any) -> Any:
    """A text about how the server reaches remotes and Vault."""
    return _text("access", Text(variable, meaning, **options))


def _serving(variable: str, meaning: str, **options: Any) -> Any:
    """A text about how people and programs reach the server, and what it sends and writes."""
    return _text("serving", Text(variable, meaning, **options))


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force. Immutable: a change takes a restart, as the runbook says of the cap."""

    home: Path
    cap: int = _number(
        "POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK",
        25,
        1,
        1_000_000,
        "Maximum number of pending proposals of a repository after a tick.",
    )
    max_file_bytes: int = _number(
        "FLEET_MAX_FILE_BYTES", 1_048_576, 1, 2**31, "Maximum size of a fleet file, in bytes."
    )
    sync_interval_s: int = _number(
        "FLEET_SYNC_INTERVAL_S", 300, 1, 86_400 * 30, "Seconds between scheduled ticks of a repository."
    )
    sync_workers: int = _number("FLEET_SYNC_WORKERS", 4, 1, 64, "Number of repositories that sync in parallel.")
    git_timeout_s: int = _number("FLEET_GIT_TIMEOUT_S", 60, 1, 3_600, "Time limit of one git call, in seconds.")
    max_fetch_bytes: int = _number(
        "FLEET_MAX_FETCH_BYTES", 268_435_456, 1_048_576, 2**40, "Maximum size of one fetch, in bytes."
    )
    git_memory_bytes: int = _number(
        "FLEET_GIT_MEMORY_BYTES",
        536_870_912,
        134_217_728,
        2**40,
        "Memory limit of each git process, in bytes.",
    )
    vault_timeout_s: int = _number(
        "FLEET_VAULT_TIMEOUT_S", 10, 1, 300, "Time limit of one request to Vault, in seconds; up to three attempts."
    )
    keep_days: int = _number(
        "FLEET_KEEP_DAYS", 90, 1, 36_500, "Days to keep events and runs that the current state does not depend on."
    )
    keep_failed_days: int = _number("FLEET_KEEP_FAILED_DAYS", 365, 1, 36_500, "Days to keep failed and partial runs.")
    sign_in_hours: int = _number(
        "FLEET_SIGN_IN_HOURS", 12, 1, 720, "Hours until a sign-in ends and roles and groups are read again."
    )
    snapshot_every_h: int = _number(
        "FLEET_SNAPSHOT_EVERY", 24, 1, 8_760, "Hours between two snapshots in the folder `FLEET_SNAPSHOTS`."
    )
    snapshot_keep: int = _number(
        "FLEET_SNAPSHOT_KEEP",
        7,
        1,
        10_000,
        "Number of snapshots to keep there; the server removes its older ones.",
    )
    lock_wait_s: int = _number(
        "FLEET_LOCK_WAIT_S", 3, 0, 3_600, "Seconds that a command waits for another command that uses the store."
    )
    home_group: int = _number(
        "FLEET_HOME_GROUP",
        0,
        0,
        1,
        "1 allows a home that its group can write, as on some mounted volumes. Only the owner can access the files in it.",
    )
    max_sockets: int = _number(
        "FLEET_MAX_SOCKETS",
        1_000,
        1,
        100_000,
        "Maximum number of open dashboard windows; fewer if the system allows few open files.",
    )
    max_sockets_per_address: int = _number(
        "FLEET_MAX_SOCKETS_PER_ADDRESS",
        250,
        1,
        100_000,
        "Maximum number of windows from one address; never more than half of all.",
    )
    max_page_runs: int = _number(
        "FLEET_MAX_PAGE_RUNS", 4, 1, 64, "Number of pages that are rendered in parallel; others wait."
    )
    request_wait_s: int = _number(
        "FLEET_REQUEST_WAIT_S",
        30,
        1,
        3_600,
        "Seconds within which a request must arrive; its head within 10 seconds at most.",
    )
    allow_local_remotes: int = _number(
        "FLEET_ALLOW_LOCAL_REMOTES", 0, 0, 1, "1 allows local paths and file:// as remotes (for tests)."
    )
    allow_http_remotes: int = _number(
        "FLEET_ALLOW_HTTP_REMOTES", 0, 0, 1, "1 allows http:// remotes, which anyone on the network path can modify."
    )
    oidc_trust_email: int = _number(
        "FLEET_OIDC_TRUST_EMAIL",
        0,
        0,
        1,
        "1 treats an address as verified if the provider never sends `email_verified`. Only for providers where users cannot choose their address.",
    )
    remote_hosts: str = _access(
        "FLEET_REMOTE_HOSTS",
        "Allowed hosts of remotes: `git.example.com, *.corp.example 10.0.0.0/8`. Unset: all except loopback, link-local and cloud metadata addresses, which must be allowed by an address, a network or a full name.",
        reads=_hosts,
    )
    vault_paths: str = _access(
        "FLEET_VAULT_PATHS",
        "Accounts and the Vault paths that they may use: `acme=secret/data/acme/*;zeta=secret/data/zeta/key@git.example.com`; a host after `@` needs no confirmation. Unset: all paths if only one account has repositories, none if several have.",
        reads=_grants,
    )
    git_ca_file: str = _access(
        "FLEET_GIT_CA_FILE", "Certificate authorities for https remotes, instead of those of the system.", reads=_file
    )
    vault_address: str = _access("VAULT_ADDR", "Address of Vault: https, or http for this machine only.")
    vault_namespace: str = _access("VAULT_NAMESPACE", "Vault namespace of every request.")
    vault_ca_file: str = _access("VAULT_CACERT", "Certificate authorities for Vault.", reads=_file)
    vault_token: str = _access("VAULT_TOKEN", "Log in to Vault with this token.", secret=True)
    vault_token_file: str = _access(
        "VAULT_TOKEN_FILE",
        "Or with the token in this file, for example written by Vault Agent; it is read at each sync.",
    )
    vault_role_id: str = _access("VAULT_ROLE_ID", "Or log in with AppRole, as this role.")
    vault_secret_id: str = _access("VAULT_SECRET_ID", "Secret of the AppRole role.", secret=True)
    vault_kubernetes_role: str = _access("VAULT_KUBERNETES_ROLE", "Or log in with Kubernetes, as this role.")
    vault_kubernetes_token_file: str = _access(
        "VAULT_KUBERNETES_TOKEN_FILE", "File with the service account token (default: the mount of Kubernetes)."
    )
    vault_auth_mount: str = _access("VAULT_AUTH_MOUNT", "Mount of the login method (default: approle or kubernetes).")
    public_url: str = _serving(
        "FLEET_PUBLIC_URL",
        "Public address of the dashboard, such as `https://fleet.example.com`; links and sign-in use it.",
        reads=_address,
    )
    local_link: str = _serving(
        "FLEET_LOCAL_LINK",
        "Whether the dashboard requires the link of `fleet open` if sign-in is not set up; `off` admits everyone who can reach the port (default: `on`).",
        reads=_on_or_off,
        default="on",
    )
    oidc_metadata_url: str = _serving(
        "FLEET_OIDC_METADATA_URL", "Sign-in: the provider's `…/.well-known/openid-configuration`.", reads=_address
    )
    oidc_client_id: str = _serving("FLEET_OIDC_CLIENT_ID", "Sign-in: the client id of this dashboard.")
    oidc_client_secret: str = _serving("FLEET_OIDC_CLIENT_SECRET", "Sign-in: the client secret.", secret=True)
    oidc_scope: str = _serving(
        "FLEET_OIDC_SCOPE",
        "Sign-in: the scopes (default: `openid email profile`).",
        default="openid email profile",
    )
    roles: str = _serving(
        "FLEET_ROLES",
        "Roles: `ana@example.com=admin, group:sre=operator+reviewer, @example.com=viewer:acme, oidc:42=viewer`. The first match counts.",
        reads=_rules,
    )
    webhook_secret: str = _serving(
        "FLEET_WEBHOOK_SECRET",
        "Secret with which GitHub and Gitea sign webhooks, and which GitLab sends as token.",
        secret=True,
    )
    gitea_url: str = _serving("FLEET_GITEA_URL", "Address of the Gitea that creates repositories.", reads=_address)
    gitea_token: str = _serving("FLEET_GITEA_TOKEN", "Gitea token with permission to create repositories.", secret=True)
    gitea_vault_path: str = _serving("FLEET_GITEA_VAULT_PATH", "Or the Vault path of the token, in the field `token`.")
    gitea_accounts: str = _serving(
        "FLEET_GITEA_ACCOUNTS",
        "Accounts that may use the token: `acme, zeta`. Unset: the only account that has repositories. Users with write permission in every account always may.",
        reads=_accounts,
    )
    notify_url: str = _serving(
        "FLEET_NOTIFY_URL", "Address for notifications, as CloudEvents.", secret=True, reads=_address
    )
    notify_secret: str = _serving("FLEET_NOTIFY_SECRET", "Secret that signs notifications.", secret=True)
    slack_url: str = _serving(
        "FLEET_SLACK_URL", "A Slack-compatible incoming webhook for notifications.", secret=True, reads=_address
    )
    drill_at: str = _serving(
        "FLEET_DRILL_AT",
        "Time of the nightly restore drill of each account, as HH:MM in UTC (default: `03:10`). Set it to an empty value to disable the drill.",
        reads=_time_of_day,
        empty=True,
        default="03:10",
    )
    snapshots: str = _serving(
        "FLEET_SNAPSHOTS",
        "Folder outside the home, ideally on another disk, for snapshots of the store. Unset: the server saves none.",
        reads=_folder,
    )
    log_format: str = _serving(
        "FLEET_LOG_FORMAT", "`json` for one JSON object per line (default: `text`).", reads=_log_format, default="text"
    )
    sources: Mapping[str, str] = field(default_factory=dict)
    """For each setting that is not the default, the variable that set it."""

    @classmethod
    def from_environment(cls, home: Path | str | None = None, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. `home` goes before `FLEET_HOME`, which goes before `homes.default`.

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
        for name, asked in {**ACCESS, **SERVING}.items():
            if not (text := environment.get(asked.variable, "").strip()):
                if asked.empty and asked.variable in environment:
                    values[name], sources[name] = "", asked.variable
                continue
            try:
                values[name], sources[name] = asked.reads(text), asked.variable
            except ValueError as error:
                shown = "its value" if asked.secret else repr(text[:200])
                raise RefusedEdit(
                    "FLEET-602", f"{asked.variable}: {shown} is not valid: {error}.", "Correct it, or unset it."
                ) from None
        _check_sign_in(values)
        chosen = Path(home or environment.get("FLEET_HOME") or homes.default(environment)).expanduser().absolute()
        _check_snapshots(values.get("snapshots"), chosen)
        return cls(home=chosen, sources=sources, **values)

    @property
    def limits(self) -> dict[str, int]:
        """The limits that decide the outcome of a tick: part of what makes one unchanged."""
        return {"cap": self.cap, "max_file_bytes": self.max_file_bytes}

    @property
    def signs_in(self) -> bool:
        """Whether people sign in by OIDC; else there is the one local operator."""
        return bool(self.oidc_metadata_url and self.oidc_client_id and self.oidc_client_secret)

    @property
    def asks_for_link(self) -> bool:
        """Whether the dashboard opens by a link with a secret: where nobody signs in, unless that is switched off."""
        return self.local_link == "on" and not self.signs_in


def _declared(group: str) -> dict[str, Any]:
    return {f.name: f.metadata[group] for f in fields(Settings) if group in f.metadata}


SETTINGS: Mapping[str, Setting] = _declared("limit")
"""Whole numbers, by the name of their field."""

ACCESS: Mapping[str, Text] = _declared("access")
"""How the outside is reached. Values marked secret are shown nowhere, only whether they are set."""

SERVING: Mapping[str, Text] = _declared("serving")
"""How others come in and are told."""


SECURITY = (
    "vault_paths", "remote_hosts", "gitea_accounts", "allow_local_remotes", "allow_http_remotes", "git_ca_file",
    "local_link", "public_url", "oidc_metadata_url", "roles", "oidc_trust_email", "sign_in_hours", "webhook_secret", "home_group",
    "max_file_bytes", "max_fetch_bytes", "git_memory_bytes", "git_timeout_s", "vault_timeout_s",
    "max_sockets", "max_sockets_per_address", "max_page_runs", "request_wait_s",
)  # fmt: skip
"""Settings that decide who may do what, and how much anybody may take: those of the help page on security, in its order."""


def _check_snapshots(folder: str | None, home: Path) -> None:
    """Refuse to keep snapshots in the home: they would be lost together with the store, and a server clears folders there."""
    if folder and Path(folder).resolve().is_relative_to(home.resolve()):
        raise RefusedEdit(
            "FLEET-602",
            f"FLEET_SNAPSHOTS is {folder[:200]!r}, which is inside the home: a failure that destroys the store would destroy the snapshots too.",
            "Use a folder outside the home, ideally on another disk.",
        )


def _check_sign_in(values: Mapping[str, Any]) -> None:
    """Refuse half a sign-in: it would be none, or one that lets nobody in."""
    needed = ("oidc_metadata_url", "oidc_client_id", "oidc_client_secret", "roles")
    missing = [SERVING[name].variable for name in needed if name not in values]
    if missing and any(name in values for name in needed[:3]):
        raise RefusedEdit(
            "FLEET-602",
            f"Sign-in is only partly set up; missing: {' and '.join(missing)}.",
            "Set all four, or none. Without them the only user is the local operator.",
        )
