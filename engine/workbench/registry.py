"""Repositories registered, changed, paused and removed; with what each of these does to claims and proposals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.access import permits
from engine.access.credentials import plain_path
from engine.errors import RefusedEdit
from engine.flow import confirmations, holding, pinning, sync
from engine.flow.review import Verb, moved
from engine.kinds import name_problem
from engine.model import REPOSITORY_SETTINGS, SWITCHES, Actor, Event, Repository
from engine.phrases import argument
from engine.settings import Settings
from engine.store import Transaction, episodes, events, live, pauses, proposals, repositories, withheld

_FETCHED_BY = {"account", "url", "branch", "path_prefix", "vault_credential_path", "ssh_host_key"}
"""Settings that say what is fetched, from where and how: once mended, there is no need to wait."""

DEFAULTS: dict[str, Any] = {
    name: value for name, value in REPOSITORY_SETTINGS.items() if name not in {"account", "url"}
}
"""Settings of a repository that a registration may leave out."""

DECIDES = tuple(switch.name for switch in SWITCHES if switch.decides)
"""Settings that let ticks decide what people would decide otherwise."""

_AIMS = ("account", "url", "branch", "path_prefix")
"""Settings that say which fleet file is followed, and for which account."""


def register(
    tx: Transaction, settings: Settings, actor: Actor, name: str, url: str, account: str, options: Mapping[str, Any]
) -> Repository:
    """Register a repository. Checks the form only; nothing is reached, and its first tick is due one interval later.

    A name that is taken in another account is refused in words that fit any other reason: names are unique in a home, so whoever
    registers learns that the name cannot be had, but not from whom, nor what it is called for.
    Raises: RefusedEdit FLEET-219 (host), 600 (a switch is on, and the actor may not decide), 601 (name taken), 611 to 616,
    629 (name or account); SyncError FLEET-229 (Vault path).
    """
    _check_names(name=name, account=account)
    wanted = {**DEFAULTS, **options, "url": url, "account": account}
    check_form(wanted, settings)
    if why := decides_more(None, wanted):
        permits.require(actor, permits.DECIDING, why)
    if (taken := repositories.by_name(tx, name)) is not None:
        if actor.account not in {"*", taken.account}:
            raise RefusedEdit(
                "FLEET-601", f"The name {name} cannot be used.", f"Choose another, such as {account}-{name}."
            )
        raise RefusedEdit(
            "FLEET-601",
            f"The repository {name} already exists.",
            f"Change it with fleet repo set {argument(name)}, or choose another name.",
        )
    live.ensure_accounts(tx, [account])
    repository = repositories.insert(tx, name, wanted)
    confirmations.settle(tx, settings, actor, repository, None)
    shown: dict[str, Any] = {
        "url": sync.shown_url(url),
        "branch": repository.branch,
        "path_prefix": repository.path_prefix,
    }
    shown |= {switch.name: True for switch in SWITCHES if wanted[switch.name]}
    events.record(tx, actor.name, [Event("gitops.repository_added", account, repository.id, data=shown)])
    return repository


def change(
    tx: Transaction,
    settings: Settings,
    actor: Actor,
    repository: Repository,
    changes: Mapping[str, Any],
    *,
    release: bool = False,
) -> Repository:
    """Change settings; they take effect at the next tick, which a schedule then runs without backing off.

    `repository` is the row as this transaction reads it: what is not in `changes` keeps what stands there now.
    A URL on another host or port drops the credential path and the host key, unless they are given with it: a stored key is never
    sent to a host that it was not given for. Given with it, the path waits for a confirmation of the new host. With another account, what the repository owned in the old one becomes destroys, or with `release` stays without an owner.
    Raises: RefusedEdit FLEET-600 (ticks would decide more by themselves, and the actor may not decide), 611 to 617, 629.
    """
    wanted = {name: getattr(repository, name) for name in (*DEFAULTS, "url", "account")}
    if "url" in changes:
        _check_url(changes["url"], settings)
        if sync.endpoint(changes["url"]) != sync.endpoint(repository.url):
            wanted |= {"vault_credential_path": None, "ssh_host_key": None}
    wanted |= changes
    _check_names(account=wanted["account"])
    _check_rest(wanted)
    if why := decides_more(repository, wanted):
        permits.require(actor, permits.DECIDING, why)
    changed = replace(repository, **wanted)
    moved_to = {name: value for name, value in wanted.items() if value != getattr(repository, name)}
    if not moved_to:
        return repository
    live.ensure_accounts(tx, [changed.account])
    repositories.update(tx, changed)
    confirmations.settle(tx, settings, actor, changed, repository)
    if moved_to.keys() & _FETCHED_BY and repository.next_attempt_at is not None:
        repositories.set_health(tx, repository.id, repository.failure_count, None)
    if "account" in moved_to or moved_to.get("enabled") is False:
        stop_waiting(tx, repository)
    shown = {name: sync.shown_url(value) if name == "url" else value for name, value in moved_to.items()}
    events.record(tx, actor.name, [Event("gitops.repository_changed", changed.account, repository.id, data=shown)])
    if release and "account" in moved_to:
        left = live.repository_claims(tx, repository.id, kept=changed.account)
        holding.release_all(
            tx, actor, repository.id, left, f"left behind when {repository.name} moved to {changed.account}"
        )
    return changed


def dropped(before: Repository, after: Repository) -> list[str]:
    """What a change of the URL to another host took away, a sentence each. Pure."""
    if sync.endpoint(before.url) == sync.endpoint(after.url):
        return []
    said = []
    if before.vault_credential_path and after.vault_credential_path is None:
        said.append(
            f"The new URL has another host. The credential at {before.vault_credential_path} is for the old host, so it is dropped."
        )
    if before.ssh_host_key and after.ssh_host_key is None:
        said.append("The ssh host key of the old host is dropped; the first run pins the key of the new host.")
    return said


def decides_more(before: Repository | None, wanted: Mapping[str, Any]) -> str | None:
    """Why settings let ticks decide more by themselves than before, as a sentence; None when they do not.

    `before` is None for a repository that is about to be registered; `wanted` has all settings, in their one form. Pure.
    """
    on = [switch for switch in DECIDES if wanted[switch]]
    if switched := [switch for switch in on if before is None or not getattr(before, switch)]:
        return f"Ticks would decide instead of people: {' and '.join(switched)} would be switched on"
    if before is None:
        return None
    key, stays = before.ssh_host_key, sync.endpoint(before.url) == sync.endpoint(wanted["url"])
    if key is not None and stays and wanted["ssh_host_key"] != key:
        return _OTHER_KEY
    if not on:
        return None
    if wanted["enabled"] and not before.enabled:
        return f"Ticks would decide instead of people again: {' and '.join(on)} is on for this repository"
    if moved := [setting for setting in _AIMS if wanted[setting] != getattr(before, setting)]:
        return f"Ticks of this repository decide instead of people ({' and '.join(on)}), and a change of {' and '.join(moved)} changes what they follow"
    return None


_OTHER_KEY = "The pinned host key would be replaced, so another host would be trusted"


def remove(tx: Transaction, actor: Actor, repository: Repository) -> dict[str, int]:
    """Take a repository out of service. Live state is not touched.

    Shape: how many proposals were withdrawn, and resources released or handed over to a repository that declares them too.
    Effects: frees the name; runs and history stay.
    """
    standing = proposals.live_of(tx, repository_id=repository.id)
    reason = f"repository {repository.name} was removed"
    proposals.move(tx, actor.name, [moved(proposal, Verb.WITHDRAW, reason=reason) for proposal in standing])
    stop_waiting(tx, repository)
    takers = live.takers(tx, repository.id)
    holding.hand_over(tx, actor, repository, takers)
    held = live.repository_claims(tx, repository.id)
    live.delete_claims(tx, held)
    open_episodes = episodes.standing(tx, repository.id)
    episodes.close_removed(tx, actor.name, repository.id, [episode.key for episode in open_episodes])
    withheld.close_all(tx, repository.id)
    repositories.remove(tx, repository.id)
    facts = {"withdrawn": len(standing), "released": len(held), "handed_over": len(takers)}
    events.record(
        tx,
        actor.name,
        [Event("gitops.repository_removed", repository.account, repository.id, reason=repository.name, data=facts)],
    )
    return facts


def stop_waiting(tx: Transaction, repository: Repository) -> None:
    """Have a repository take nothing over any more, and nobody wait for its runs: it has none in this account from now on."""
    live.set_waiting(tx, repository.id, ())
    live.bump_accounts(tx, [repository.account])


def pause(tx: Transaction, actor: Actor, repository: Repository | None, reason: str) -> None:
    """Stop ticks and applies of one repository, or of the whole home. Raises: RefusedEdit FLEET-605 without a reason."""
    reason = " ".join(reason.split())
    if not reason:
        raise RefusedEdit("FLEET-605", "A pause needs a reason.", "Give the reason with --reason; every user sees it.")
    if repository is None:
        pauses.set_home(tx, actor.name, reason)
    else:
        repositories.pause(tx, repository.id, actor.name, reason)
    events.record(
        tx,
        actor.name,
        [Event("gitops.paused", *_of(repository), reason=reason)],
    )


def resume(tx: Transaction, actor: Actor, repository: Repository | None) -> bool:
    """Let work go on; gives whether anything was paused."""
    if repository is None:
        if pauses.of_home(tx) is None:
            return False
        pauses.set_home(tx, actor.name, None)
    else:
        if repository.paused_reason is None:
            return False
        repositories.pause(tx, repository.id, None, None)
    events.record(tx, actor.name, [Event("gitops.resumed", *_of(repository))])
    return True


def refuse_without_ssh(repository: Repository) -> None:
    """Raises: RefusedEdit FLEET-617 for a repository whose remote has no host key."""
    if not sync.is_ssh(repository.url):
        raise RefusedEdit(
            "FLEET-617",
            f"{repository.name} does not use ssh.",
            "An https host is identified by its certificate; there is no host key to trust.",
        )


def trust_host_key(tx: Transaction, actor: Actor, repository: Repository, key: str) -> None:
    """Pin a key, as somebody has decided; the next scheduled tick does not back off.

    Raises: RefusedEdit FLEET-617 (no ssh remote), 600 (it replaces another key, and the actor may not decide).
    """
    refuse_without_ssh(repository)
    if repository.ssh_host_key not in {None, key}:
        permits.require(actor, permits.DECIDING, _OTHER_KEY)
    pinning.pin(tx, actor, repository, key, "gitops.host_key_trusted")
    if repository.next_attempt_at is not None:
        repositories.set_health(tx, repository.id, repository.failure_count, None)


def check_form(wanted: dict[str, Any], settings: Settings) -> None:
    """Refuse settings that cannot be right, whatever the remote says, and bring the others into their one form.

    Raises: RefusedEdit FLEET-219, 611 to 617.
    """
    _check_url(wanted["url"], settings)
    _check_rest(wanted)


def _check_rest(wanted: dict[str, Any]) -> None:
    url = wanted["url"]
    sync.check_branch(wanted["branch"])
    wanted["path_prefix"] = sync.check_prefix(wanted["path_prefix"])
    if path := wanted["vault_credential_path"]:
        if not plain_path(path):
            raise RefusedEdit("FLEET-616", "The Vault path is not valid.", "Write it as secret/data/team/deploy-key.")
        if sync.transport(url) not in {"https", "ssh"}:
            raise RefusedEdit(
                "FLEET-616",
                "A credential may be sent to https and ssh remotes only; other protocols would send it unencrypted.",
                "Use the https or ssh address, or remove the Vault path.",
            )
    else:
        wanted["vault_credential_path"] = None
    if key := wanted["ssh_host_key"]:
        wanted["ssh_host_key"] = sync.read_host_key(key)
        if not sync.is_ssh(url):
            raise RefusedEdit(
                "FLEET-617",
                "Only an ssh remote has a host key.",
                "Remove it; https hosts are identified by their certificate.",
            )
    else:
        wanted["ssh_host_key"] = None


def _check_url(url: str, settings: Settings) -> None:
    sync.check_url(
        url,
        allow_local=bool(settings.allow_local_remotes),
        local_root=settings.home / "demo",
        allow_http=bool(settings.allow_http_remotes),
    )
    sync.check_host(url, settings)


def _check_names(**names: str) -> None:
    for label, name in names.items():
        if problem := name_problem(name):
            raise RefusedEdit("FLEET-629", f"{name[:80]!r} cannot be the {label}: {problem}.", "Choose another.")


def _of(repository: Repository | None) -> tuple[str | None, int | None]:
    return (None, None) if repository is None else (repository.account, repository.id)
