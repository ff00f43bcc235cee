"""Making a repository in Gitea, through its API. Source: Gitea's API, version 1 (`/user`, `/user/repos`, `/orgs/{org}/repos`)."""

from __future__ import annotations

import re
from typing import Any

from engine.contract import CreatedRepository
from engine.errors import RefusedEdit
from engine.settings import Settings
from engine.words import argument

TIMEOUT_S = 15
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def create_repository(settings: Settings, owner: str, repo: str, *, private: bool) -> CreatedRepository:
    """Make an empty repository of a user or an organisation.

    Raises: RefusedEdit FLEET-681 (not set up), 682 (there is one), 683 (Gitea says no), 684 (Gitea is away), 687 (no such name);
    SyncError FLEET-220 to 225 where its token is in Vault.
    """
    for name in (owner, repo):
        if not _NAME.fullmatch(name) or ".." in name or name.endswith((".git", ".wiki")):
            raise RefusedEdit(
                "FLEET-687", f"{name[:80]!r} is no name for Gitea.", "Use letters, digits, -, _ and dots between them."
            )
    headers = {"Authorization": f"token {_token(settings)}", "Accept": "application/json"}
    me = _ask("GET", f"{settings.gitea_url}/api/v1/user", headers, None)
    whose = "user" if str(me.get("login", "")).lower() == owner.lower() else f"orgs/{owner}"
    wanted = {"name": repo, "private": private, "auto_init": False, "default_branch": "main"}
    made = _ask("POST", f"{settings.gitea_url}/api/v1/{whose}/repos", headers, wanted)
    owned = made.get("owner")
    return {
        "owner": str(owned.get("login", owner)) if isinstance(owned, dict) else owner,
        "repo": str(made.get("name", repo)),
        "private": bool(made.get("private", private)),
        "clone_url": str(made.get("clone_url", "")),
        "ssh_url": str(made.get("ssh_url", "")),
        "html_url": str(made.get("html_url", "")),
        "default_branch": str(made.get("default_branch", "main")),
    }


def _token(settings: Settings) -> str:
    if settings.gitea_url and settings.gitea_token:
        return settings.gitea_token
    if settings.gitea_url and settings.gitea_vault_path:
        from engine.sync.vault import read_secret  # brings hvac, which most never need

        token = read_secret(settings.gitea_vault_path, settings).get("token")
        if isinstance(token, str) and token.isprintable() and token:
            return token
        raise RefusedEdit(
            "FLEET-681",
            f"What Vault keeps at {settings.gitea_vault_path} has no `token`.",
            f"Write it there: vault kv put {argument(settings.gitea_vault_path)} token=…",
        )
    raise RefusedEdit(
        "FLEET-681",
        "The settings do not say where Gitea is, or how to come in.",
        "Set FLEET_GITEA_URL, and FLEET_GITEA_TOKEN or FLEET_GITEA_VAULT_PATH.",
    )


def _ask(method: str, url: str, headers: dict[str, str], body: Any) -> dict[str, Any]:
    import requests  # only who makes a repository needs it

    try:
        answer = requests.request(method, url, headers=headers, json=body, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        raise RefusedEdit(
            "FLEET-684", f"Gitea cannot be reached ({type(error).__name__}).", "Check FLEET_GITEA_URL and the network."
        ) from None
    if answer.status_code == 409:
        raise RefusedEdit(
            "FLEET-682", "Gitea has such a repository already.", "Register it as it is, or choose another name."
        )
    if answer.status_code >= 500:
        raise RefusedEdit("FLEET-684", f"Gitea is in trouble (HTTP {answer.status_code}).", "Try again; see its log.")
    if answer.status_code not in {200, 201}:
        why = {
            401: "it does not know the token",
            403: "the token may not do this",
            404: "it has no such owner, or the token may not see it",
            422: "it does not take the name",
        }.get(answer.status_code, f"HTTP {answer.status_code}")
        raise RefusedEdit("FLEET-683", f"Gitea refuses: {why}.", "Check the owner, and what the token may do.")
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RefusedEdit("FLEET-684", "What answers at FLEET_GITEA_URL is not Gitea.", "Correct the address.")
    return found
