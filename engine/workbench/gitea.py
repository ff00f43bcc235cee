"""Making a repository in Gitea, through its API. Source: Gitea's API, version 1 (`/user`, `/user/repos`, `/orgs/{org}/repos`).

What Gitea answers is not believed: each field has to have the form that it has in Gitea, and addresses have to be on Gitea's host.
"""

from __future__ import annotations

import re
import time
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import orjson

from engine.errors import FleetError, RefusedEdit
from engine.flow.sync.remotes import check_branch, check_url, is_ssh
from engine.model import CreatedRepository
from engine.phrases import argument
from engine.settings import Settings
from engine.system import outbound
from engine.system.outbound import Answer, Call, CallFailed, Why

TIMEOUT_S = 15
"""Most seconds that making a repository takes, over all requests to Gitea."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_BRANCH = "main"


class Outcome(StrEnum):
    """What became of the wish to make a repository. An error tells it as its fact `outcome`."""

    MADE = "made"
    """Gitea says that it has made the repository."""
    REFUSED = "refused"
    """It was not made."""
    UNCLEAR = "unclear"
    """The request was sent, and no answer tells what came of it."""


def check(settings: Settings, owner: str, repo: str) -> None:
    """Refuse what cannot be asked for. Raises: RefusedEdit FLEET-681 (not set up), FLEET-687 (no such name)."""
    for name in (owner, repo):
        if not _is_name(name):
            raise RefusedEdit(
                "FLEET-687",
                f"{name[:80]!r} is not a valid name in Gitea.",
                "Use letters, digits, -, _, and dots between them.",
            )
    if not settings.gitea_url or not (settings.gitea_token or settings.gitea_vault_path):
        raise RefusedEdit(
            "FLEET-681",
            "The address of Gitea or its token is not set.",
            "Set FLEET_GITEA_URL, and FLEET_GITEA_TOKEN or FLEET_GITEA_VAULT_PATH.",
        )


def create_repository(settings: Settings, owner: str, repo: str, *, private: bool) -> CreatedRepository:
    """Make an empty repository of a user or an organisation, after `check`.

    Raises: RefusedEdit FLEET-502 (the caller has gone, or the server ends), 648 (too many calls), 681 (Vault holds no token),
    682 (there is one), 683 (Gitea says no), 684 (Gitea is away, or its answer cannot be used); SyncError FLEET-220 to 226 where its
    token is in Vault. The fact `outcome` says what became of the repository; without it, it was not made.
    """
    host = _Host(settings.gitea_url, _token(settings), time.monotonic() + TIMEOUT_S)
    me = host.ask("GET", "user", None, Outcome.REFUSED)
    whose = "user" if str(me.get("login", "")).lower() == owner.lower() else f"orgs/{owner}"
    wanted = {"name": repo, "private": private, "auto_init": False, "default_branch": _BRANCH}
    made = host.ask("POST", f"{whose}/repos", wanted, Outcome.UNCLEAR)
    return _read(made, settings, owner, repo)


def _token(settings: Settings) -> str:
    if settings.gitea_token:
        return settings.gitea_token
    from engine.flow.sync.vault import read_secret  # brings hvac, which most never need

    token = read_secret(settings.gitea_vault_path, settings).get("token")
    if isinstance(token, str) and token.isprintable() and token:
        return token
    raise RefusedEdit(
        "FLEET-681",
        f"The secret in Vault at {settings.gitea_vault_path} has no `token`.",
        f"Write it there: vault kv put {argument(settings.gitea_vault_path)} token=…",
    )


@dataclass(frozen=True, slots=True)
class _Host:
    """Gitea, for the requests of one wish."""

    url: str
    token: str = field(repr=False)
    deadline: float

    def ask(self, method: str, path: str, body: Any, unanswered: Outcome) -> dict[str, Any]:
        """The object that Gitea answers with. `unanswered` is the outcome where no answer tells another."""
        headers = {"Authorization": f"token {self.token}", "Accept": "application/json"}
        content = None if body is None else orjson.dumps(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        limit_s = self.deadline - time.monotonic()
        try:
            if limit_s <= 0:
                raise CallFailed(Why.BUSY if unanswered is Outcome.REFUSED else Why.LATE)
            answer = outbound.ask(Call("Gitea", method, f"{self.url}/api/v1/{path}", limit_s, headers, content))
        except CallFailed as failed:
            raise _no_answer(failed.why, unanswered) from None
        _check_status(answer, unanswered)
        try:
            found = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            outcome = Outcome.MADE if answer.status == 201 else unanswered
            raise _away("The address in FLEET_GITEA_URL is not Gitea.", "Correct the address.", outcome)
        return found


def _no_answer(why: Why, unanswered: Outcome) -> RefusedEdit:
    match why:
        case Why.BUSY:
            return outbound.too_many("Gitea", RefusedEdit)
        case Why.ENDED:
            return outbound.ended(RefusedEdit, outcome=unanswered)
        case Why.UNFIT:
            return _away("The address in FLEET_GITEA_URL is not Gitea.", "Correct the address.", unanswered)
    return _away(f"Gitea did not answer: {why}.", "Check FLEET_GITEA_URL and the network.", unanswered)


def _check_status(answer: Answer, unanswered: Outcome) -> None:
    status = answer.status
    if status == 409:
        raise RefusedEdit(
            "FLEET-682",
            "The repository already exists in Gitea.",
            "Register the existing repository, or choose another name.",
        )
    if status >= 500 or status < 200:
        raise _away(
            f"Gitea reported an internal error (HTTP {status}).", "See the log of Gitea, and try again.", unanswered
        )
    if status not in {200, 201}:
        why = {
            401: "the token is not valid",
            403: "the token may not do this",
            404: "the owner does not exist, or the token may not see it",
            422: "the name is not allowed",
        }.get(status, f"HTTP {status}")
        raise RefusedEdit(
            "FLEET-683", f"Gitea rejected the request: {why}.", "Check the owner, and the permissions of the token."
        )


def _away(message: str, hint: str, outcome: Outcome) -> RefusedEdit:
    return RefusedEdit("FLEET-684", message, hint, outcome=outcome.value)


def _read(made: dict[str, Any], settings: Settings, owner: str, repo: str) -> CreatedRepository:
    """What Gitea says of a repository that it has made. Raises: RefusedEdit FLEET-684 for a field of a wrong form."""
    owned = made.get("owner")
    login: Any = owned.get("login") if isinstance(owned, dict) else owner
    ssh_url, branch = made.get("ssh_url") or "", made.get("default_branch") or _BRANCH
    right = {
        "owner": _is_name(login) and str(login).lower() == owner.lower(),
        "name": _is_name(made.get("name")) and str(made.get("name")).lower() == repo.lower(),
        "private": isinstance(made.get("private"), bool),
        "clone_url": _is_here(made.get("clone_url"), settings) and _is_remote(made.get("clone_url"), settings),
        "html_url": _is_here(made.get("html_url"), settings),
        "ssh_url": ssh_url == "" or (_is_remote(ssh_url, settings) and is_ssh(ssh_url)),
        "default_branch": _is_branch(branch),
    }
    if wrong := [name for name, well in right.items() if not well]:
        raise _away(
            f"Gitea reported that it created the repository, but its answer cannot be used: {', '.join(wrong)}.",
            "Check the repository in Gitea, and register it by hand. Its addresses must be on the host of FLEET_GITEA_URL; see Gitea's "
            "setting ROOT_URL.",
            Outcome.MADE,
        )
    return CreatedRepository(
        owner=login,
        repo=made["name"],
        private=made["private"],
        clone_url=made["clone_url"],
        ssh_url=ssh_url,
        html_url=made["html_url"],
        default_branch=branch,
    )


def _is_name(text: object) -> bool:
    return (
        isinstance(text, str)
        and _NAME.fullmatch(text) is not None
        and ".." not in text
        and not text.endswith((".git", ".wiki"))
    )


def _is_here(text: object, settings: Settings) -> bool:
    """Whether this is a plain web address on Gitea's host."""
    if not isinstance(text, str) or len(text) > 2000:
        return False
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"} for c in text):
        return False
    try:
        parts, ours = urlsplit(text), urlsplit(settings.gitea_url)
        same = parts.hostname == ours.hostname or {parts.hostname, ours.hostname} <= _LOOPBACK
        return parts.scheme in {"http", "https"} and parts.username is None and bool(parts.hostname) and same
    except ValueError:
        return False


def _is_remote(text: object, settings: Settings) -> bool:
    """Whether a repository could be registered by this address."""
    local = settings.gitea_url.startswith("http://")  # which the settings allow on this machine alone
    try:
        check_url(text if isinstance(text, str) else "", allow_http=local or bool(settings.allow_http_remotes))
    except FleetError:
        return False
    return True


def _is_branch(text: object) -> bool:
    try:
        check_branch(text if isinstance(text, str) else "")
    except FleetError:
        return False
    return True
