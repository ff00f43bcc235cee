"""Rules for the server's own credentials: which account may use which Vault path at which host, and the Gitea token. Pure.

A path has one normal form, `MOUNT/data/NAME`, which is what Vault is asked for. A credential is known by (account, normal path), and
may go to a host (host and port) that somebody has confirmed, or that the settings name.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from engine.errors import RefusedEdit, SyncError
from engine.model import Repository
from engine.phrases import argument

EVERY_ACCOUNT = "*"
_PLAIN_PATH = re.compile(r"[\w.+-]+(?:/[\w.+-]+)+")
_PLAIN_ACCOUNT = re.compile(r"\w(?:[\w .+-]*\w)?")
"""Texts that are safe in a line that somebody pastes: no meaning for a shell, and no second meaning in the setting."""
_HOST = re.compile(r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_USUAL_PORTS = ("22", "443")


class Verdict(StrEnum):
    """The answer to whether a credential may be used."""

    ALLOWED = "allowed"
    FIRST = "first"
    """Allowed without being asked: no other account has repositories, and the credential belongs to no host yet."""
    UNCONFIRMED = "unconfirmed"
    """The account may use the path; nobody has confirmed the host."""
    REFUSED = "refused"
    """The account may not use the path."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a credential: by an account, of a path in its normal form, at a host with its port."""

    account: str
    path: str
    host: str


@dataclass(frozen=True, slots=True)
class Grant:
    """One part of `FLEET_VAULT_PATHS`: an account, or `*` for each, may use the paths that match; perhaps at a named host."""

    account: str
    mount: str
    name: str
    """Patterns of a path's two halves, so that `*` never makes a mount out of a name; both are `*` for every path."""
    host: str | None = None
    """`host:port`, or a host alone for the usual ports of https and ssh."""

    def covers(self, use: Use) -> bool:
        """Whether the grant is about this account and path."""
        if self.account not in {EVERY_ACCOUNT, use.account}:
            return False
        if self.mount == self.name == "*":
            return True
        mount, name = split_path(use.path)
        return _matches(self.mount, mount, below=False) and _matches(self.name, name, below=True)

    def names(self, host: str) -> bool:
        """Whether the grant names this `host:port`."""
        if self.host is None:
            return False
        wanted = [self.host] if re.search(r":[0-9]+$", self.host) else [f"{self.host}:{port}" for port in _USUAL_PORTS]
        return host in wanted


def split_path(path: str) -> tuple[str, str]:
    """(mount, name) of a path: `secret/data/team/key` as the API writes it, or `secret/team/key` as the command does.

    A mount of more than one part is told from the name by `/data/`.
    """
    before, data, after = path.partition("/data/")
    if data:
        return before, after
    mount, _, name = path.partition("/")
    return mount, name


def normal_path(path: str) -> str:
    """The one form of a path, `MOUNT/data/NAME`, as Vault is asked for it. Vault tells capital letters from small ones, and so do we.

    >>> normal_path("secret/team/key"), normal_path("kv/team/data/key")
    ('secret/data/team/key', 'kv/team/data/key')
    """
    mount, name = split_path(path)
    return f"{mount}/data/{name}"


def plain_path(path: str) -> bool:
    """Whether a path has one meaning: no empty part, no `.` or `..`, and no character that has a meaning in a URL."""
    parts = path.split("/")
    return (
        path.isprintable()
        and len(path) <= 500
        and len(parts) > 1
        and not any(part in {"", ".", ".."} for part in parts)
        and not set(path) & set("?#%\\ ")
    )


def use_of(repository: Repository, host: str) -> Use | None:
    """Which credential a repository would send to `host`, the `host:port` of its URL; None where it names no credential."""
    path = repository.vault_credential_path
    return None if path is None else Use(repository.account, normal_path(path), host)


@cache
def read_grants(text: str) -> tuple[Grant, ...]:
    """`acme=secret/data/acme/*;zeta=secret/data/zeta/key@git.example.com` as grants; parts are separated by `;` or line ends.

    A `*` stands for any characters within one part of a path. As the whole last part it stands for everything below, however deep; as
    the whole path, for every path; as the account, for every account.
    Raises: ValueError, saying what is wrong.
    """
    grants = []
    for part in re.split(r"[;\n]", text):
        if not part.strip():
            continue
        account, equals, rest = (piece.strip() for piece in part.partition("="))
        path, at, host = rest.rpartition("@") if "@" in rest else (rest, "", "")
        if not equals or not account or set(account) & set("/:@") or not account.isprintable():
            raise ValueError(f"{part.strip()[:80]!r} does not have the form ACCOUNT=PATH")
        mount, name = ("*", "*") if path == "*" else split_path(path)
        plain = path == "*" or (plain_path(path) and not set(path) & set(",='\"`$") and "**" not in path)
        if not plain or not mount or not name:
            raise ValueError(
                f"{path[:80]!r} is not a path such as secret/data/acme/* (write one path in each part; separate parts by ;)"
            )
        known = _HOST.fullmatch(host)
        if at and (known is None or (known["port"] and not 0 < int(known["port"]) < 65536)):
            raise ValueError(f"{host[:80]!r} is not a host such as git.example.com or git.example.com:8443")
        grants.append(Grant(account, mount, name, host.lower() or None))
    if not grants:
        raise ValueError("the form is ACCOUNT=PATH, such as acme=secret/data/acme/*")
    return tuple(grants)


def judge(setting: str, accounts: Collection[str], confirmed: Collection[str], use: Use) -> Verdict:
    """Whether a credential may be used so.

    Shape: `accounts` are those that have repositories; `confirmed` the hosts that were confirmed for this account and path.
    """
    alone = set(accounts) <= {use.account}
    grants = [grant for grant in read_grants(setting) if grant.covers(use)] if setting else []
    if not (grants if setting else alone):
        return Verdict.REFUSED
    if use.host in confirmed or any(grant.names(use.host) for grant in grants):
        return Verdict.ALLOWED
    bound = bool(confirmed) or any(grant.host is not None for grant in grants)
    return Verdict.FIRST if alone and not bound else Verdict.UNCONFIRMED


def refused(use: Use, setting: str) -> SyncError:
    """The account may not use the path. Says the same whatever Vault holds: it was not asked."""
    if not (_PLAIN_ACCOUNT.fullmatch(use.account) and _PLAIN_PATH.fullmatch(use.path)):
        # A line with such characters could grant more than it says, once somebody pastes it.
        hint = "Ask the administrator of the server to allow it in FLEET_VAULT_PATHS; account and path need plain names there."
    elif setting:
        hint = f"Ask the administrator of the server to add this to FLEET_VAULT_PATHS and to restart it: ;{use.account}={use.path}"
    else:
        hint = (
            "Several accounts have repositories, so the server needs a rule for which account may use which paths (entries are "
            "separated by ;). Ask its administrator to set this and to restart it: "
            f"FLEET_VAULT_PATHS='{use.account}={use.path}'"
        )
    message = f"Account {use.account} may not use a credential at {use.path}."
    return SyncError("FLEET-229", message, hint, vault_path=use.path, account=use.account)


def unconfirmed(use: Use, repository: str | None) -> SyncError:
    """The account may use the path, and nobody has confirmed that what it holds may go to this host."""
    return SyncError(
        "FLEET-229",
        f"It is not confirmed that the credential at {use.path} may be sent to {use.host}.",
        "A person with write permission in every account must check the address and confirm it: "
        f"fleet repo trust {argument(repository or 'NAME')} --credential",
        vault_path=use.path,
        account=use.account,
        host=use.host,
    )


@cache
def read_accounts(text: str) -> frozenset[str]:
    """Names of accounts, separated by commas or `;`. Raises: ValueError, saying what is wrong."""
    names = [name.strip() for name in re.split(r"[,;\n]", text) if name.strip()]
    wrong = next((name for name in names if set(name) & set("/:@=") or not name.isprintable()), None)
    if wrong is not None or not names:
        raise ValueError(f"{(wrong or text)[:80]!r} is not a list of accounts such as acme, zeta")
    return frozenset(names)


def check_gitea(setting: str, accounts: Collection[str], account: str) -> None:
    """Refuse the Gitea token to who may touch one account alone, unless the setting names it or no other has repositories.

    Raises: RefusedEdit FLEET-688.
    """
    if account == EVERY_ACCOUNT:
        return
    allowed = read_accounts(setting) if setting else frozenset({account} if set(accounts) <= {account} else ())
    if not allowed & {account, EVERY_ACCOUNT}:
        line = (
            f": FLEET_GITEA_ACCOUNTS='{account}'" if _PLAIN_ACCOUNT.fullmatch(account) else " in FLEET_GITEA_ACCOUNTS."
        )
        raise RefusedEdit(
            "FLEET-688",
            f"Account {account} may not create repositories with the server's Gitea token.",
            f"Ask the administrator of the server to allow it and to restart it{line}",
        )


def _matches(pattern: str, text: str, *, below: bool) -> bool:
    """Whether a half of a path is as its pattern says. With `below`, a last part `*` stands for everything below."""
    deep = below and pattern.rpartition("/")[2] == "*"
    expression = "[^/]*".join(re.escape(piece) for piece in pattern.removesuffix("*" if deep else "").split("*"))
    return re.fullmatch(f"{expression}.+" if deep else expression, text) is not None
