"""Webhooks of git hosts: is it really theirs, and what was pushed. Pure; what follows from a push the scheduler does.

Source: GitHub, "Validating webhook deliveries"; Gitea, "Webhooks"; GitLab, "Webhooks" and "Webhook events".
"""

from __future__ import annotations

import codecs
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

import orjson

from engine.errors import AccessDenied, RefusedEdit
from engine.flow.sync.remotes import place
from engine.model import Repository


class Provider(StrEnum):
    GITHUB = "github"
    GITEA = "gitea"
    GITLAB = "gitlab"


_DELIVERY = {
    Provider.GITHUB: "x-github-delivery",
    Provider.GITEA: "x-gitea-delivery",
    Provider.GITLAB: "x-gitlab-event-uuid",
}
_EVENT = {Provider.GITHUB: "x-github-event", Provider.GITEA: "x-gitea-event", Provider.GITLAB: "x-gitlab-event"}
_PUSHES = {"push", "Push Hook"}
_URLS = ("clone_url", "ssh_url", "git_url", "html_url", "git_http_url", "git_ssh_url", "web_url", "url")


@dataclass(frozen=True, slots=True)
class Push:
    """What a delivery says."""

    event: str
    """push, or what else happened there."""
    delivery: str | None
    """The host's own number of the delivery."""
    places: frozenset[tuple[str, str]] = frozenset()
    """(host, path) of the repository, by each address that the host gives it."""
    branch: str | None = None
    """The branch that moved; None for a tag, and for what is no push."""
    revision: str | None = None
    deleted: bool = False
    """Whether the branch was deleted: there is no commit to fetch."""


def check(provider: Provider, headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Refuse a delivery that was not made with the secret, before anything of it is read; takes the same time whatever is wrong.

    Shape: `headers` by lower-case name. Raises: AccessDenied FLEET-685.
    """
    key = secret.encode()
    if provider is Provider.GITLAB:
        given, wanted = headers.get("x-gitlab-token", "").encode(), key
    else:
        digest = hmac.new(key, body, hashlib.sha256).hexdigest()
        if provider is Provider.GITHUB:
            given, wanted = headers.get("x-hub-signature-256", "").encode(), f"sha256={digest}".encode()
        else:
            given, wanted = headers.get("x-gitea-signature", "").encode(), digest.encode()
    if not hmac.compare_digest(given, wanted):
        raise AccessDenied(
            "FLEET-685",
            "The webhook's signature or token is missing or wrong.",
            "Set the same secret at the git host as in FLEET_WEBHOOK_SECRET.",
        )


def read(provider: Provider, headers: Mapping[str, str], body: bytes) -> Push:
    """What a delivery says. Whatever is odd in it is left out; nothing of it is trusted beyond naming a repository and a branch.

    Raises: RefusedEdit FLEET-686 where it is no JSON object.
    """
    event = headers.get(_EVENT[provider], "")[:100]
    delivery = _text(headers.get(_DELIVERY[provider]), 100)
    try:
        if headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
            body = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10).get("payload", [""])[0].encode()
        payload = orjson.loads(body.removeprefix(codecs.BOM_UTF8))
    except ValueError:  # not JSON, text that is no Unicode, or a form of more fields than any git host sends
        payload = None
    if not isinstance(payload, dict):
        raise RefusedEdit(
            "FLEET-686",
            "The body of the webhook is not a JSON object.",
            "Set the content type application/json at the git host.",
        )
    if event == "System Hook":  # GitLab's for a whole server: what happened stands in the body
        event = _text(payload.get("event_name"), 100) or event
    if event not in _PUSHES:
        return Push(event, delivery)
    named = [payload.get(name) for name in ("repository", "project")]
    urls = [each.get(name) for each in named if isinstance(each, dict) for name in _URLS]
    ref = payload.get("ref")
    branch = ref.removeprefix("refs/heads/") if isinstance(ref, str) and ref.startswith("refs/heads/") else None
    after = _text(payload.get("after"), 64)
    return Push(
        "push",
        delivery,
        frozenset(place(url) for url in urls if isinstance(url, str) and len(url) <= 2000),
        branch,
        after,
        payload.get("deleted") is True or bool(after and not after.strip("0")),
    )


def concerns(push: Push, repository: Repository) -> bool:
    """Whether a push moved the branch that a repository follows."""
    return push.branch == repository.branch and is_of(push, repository)


def is_of(push: Push, repository: Repository) -> bool:
    """Whether a push is to the remote of a repository, on whatever branch."""
    where = place(repository.url)
    return where != ("", "") and where in push.places


def _text(value: Any, most: int) -> str | None:
    return value[:most] if isinstance(value, str) and value.isprintable() and value else None
