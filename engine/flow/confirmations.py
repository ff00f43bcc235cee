"""Whether a repository's credential may be sent to its host: checked at registering, at each change, and before each use.

A decision is about one `Repository` value. The sync then uses the account, path and URL of that same value, so a change of the row
in between cannot make it use what nobody checked.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.access.credentials import Use, Verdict, judge, normal_path, refused, unconfirmed, use_of
from engine.errors import RefusedEdit, SyncError
from engine.flow import sync
from engine.model import Actor, Event, Repository
from engine.settings import Settings
from engine.store import Store, Transaction, credential_hosts, events, repositories

BEFORE = "in use before"
"""Stands for who confirmed, on pairs that were in use before confirmations existed."""


@dataclass(frozen=True, slots=True)
class CredentialUse:
    """The credential that a repository names, where it would be sent, and whether it may be."""

    path: str
    """In its normal form."""
    host: str
    """With its port."""
    verdict: Verdict


def use(repository: Repository) -> Use | None:
    """Which credential a repository would send where; None where it names no credential."""
    return use_of(repository, host_of(repository.url))


def host_of(url: str) -> str:
    """The `host:port` that a URL leads to, in the form in which hosts are confirmed."""
    host, port = sync.endpoint(url)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def settle(
    tx: Transaction, settings: Settings, actor: Actor, repository: Repository, before: Repository | None
) -> None:
    """Check the credential of a repository that was just written; `before` is the repository before the change.

    A new use that needs no confirmation is recorded, which binds the credential to this host. A new use that needs one is accepted, and
    its runs fail until somebody confirms it.
    Raises: SyncError FLEET-229 where the account may not use the path.
    """
    wanted = use(repository)
    if wanted is None or (before is not None and use(before) == wanted):
        return
    verdict = _judged(tx, settings, wanted)
    if verdict is Verdict.REFUSED:
        raise refused(wanted, settings.vault_paths)
    if verdict is Verdict.FIRST:
        credential_hosts.confirm(tx, wanted, actor.name)


def refusal(store: Store, settings: Settings, actor: Actor, repository: Repository) -> SyncError | None:
    """Why the credential of a repository may not be used with exactly these settings; None where it may, or none is named.

    Ask before Vault is asked, for whatever reason: a sync, a dry run, or a check of a repository that is not registered.
    Effects: a first use that needs no confirmation is recorded, which binds the credential to this host.
    """
    wanted = use(repository)
    if wanted is None:
        return None
    verdict = store.remembered(("credential", wanted, settings.vault_paths), lambda tx: _judged(tx, settings, wanted))
    if verdict is Verdict.FIRST:
        with store.write() as tx:  # judged again in there: another repository may have been first meanwhile
            verdict = _judged(tx, settings, wanted)
            if verdict is Verdict.FIRST:
                credential_hosts.confirm(tx, wanted, actor.name)
    return _error(verdict, wanted, settings, repository.name if repository.id else None)


def require(store: Store, settings: Settings, actor: Actor, repository: Repository) -> None:
    """Refuse a use of a repository's credential. Effects: as `refusal`. Raises: SyncError FLEET-229."""
    if (error := refusal(store, settings, actor, repository)) is not None:
        raise error


def seen(tx: Transaction, settings: Settings, repository: Repository) -> CredentialUse | None:
    """The credential that a repository names, and what comes of it; None where it names none."""
    wanted = use(repository)
    return None if wanted is None else CredentialUse(wanted.path, wanted.host, _judged(tx, settings, wanted))


def confirm(tx: Transaction, settings: Settings, actor: Actor, repository: Repository, path: str, host: str) -> None:
    """Record that the credential of a repository may be sent to its host. `path` and `host` are what the person saw.

    Effects: one event; repositories that waited for this are due at once.
    Raises: SyncError FLEET-229 where the account may not use the path, RefusedEdit FLEET-229 where the repository names another path or host now.
    """
    wanted = use(repository)
    if wanted is None or (wanted.path, wanted.host) != (normal_path(path), host.lower()):
        now = f"It now uses {wanted.path} for the host {wanted.host}." if wanted else "It has no credential now."
        raise RefusedEdit(
            "FLEET-229",
            f"{repository.name} does not send the credential at {path[:500]} to {host[:300]}.",
            f"{now} Check these values, then confirm them.",
        )
    verdict = _judged(tx, settings, wanted)
    if verdict is Verdict.REFUSED:
        raise refused(wanted, settings.vault_paths)
    if wanted.host in credential_hosts.hosts(tx, wanted.account, wanted.path):
        return
    credential_hosts.confirm(tx, wanted, actor.name)
    facts = {"path": wanted.path, "host": wanted.host}
    events.record(tx, actor.name, [Event("gitops.credential_trusted", wanted.account, repository.id, data=facts)])
    for waiting in repositories.registered(tx, wanted.account):
        if waiting.next_attempt_at is not None and use(waiting) == wanted:
            repositories.set_health(tx, waiting.id, waiting.failure_count, None)


def take_over(store: Store) -> None:
    """Record as confirmed what registered repositories already use, once, in a store from before confirmations existed."""
    with store.read() as tx:
        if not credential_hosts.pending(tx):
            return
    with store.write() as tx:
        for repository in repositories.registered(tx):
            if (used := use(repository)) is not None:
                credential_hosts.confirm(tx, used, BEFORE)
        credential_hosts.settled(tx)


def _judged(tx: Transaction, settings: Settings, wanted: Use) -> Verdict:
    confirmed = credential_hosts.hosts(tx, wanted.account, wanted.path)
    return judge(settings.vault_paths, repositories.accounts(tx), confirmed, wanted)


def _error(verdict: Verdict, wanted: Use, settings: Settings, repository: str | None) -> SyncError | None:
    if verdict is Verdict.REFUSED:
        return refused(wanted, settings.vault_paths)
    return unconfirmed(wanted, repository) if verdict is Verdict.UNCONFIRMED else None
