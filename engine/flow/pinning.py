"""The ssh host keys of repositories: pinned at first use, and reported if a host shows another key. Effects: the store."""

from __future__ import annotations

from engine.flow import sync
from engine.model import Actor, Event, Repository
from engine.store import Transaction, events, repositories
from engine.store.events import EventFilter


def pin_first(tx: Transaction, actor: Actor, repository: Repository, key: str) -> None:
    """Pin the key that an ssh host showed at first use, unless the repository has been changed in the meantime."""
    current = repositories.get(tx, repository.id)
    if current.ssh_host_key is None and current.url == repository.url:
        pin(tx, actor, repository, key, "gitops.host_key_pinned")


def note_changed(tx: Transaction, actor: Actor, repository: Repository, run_id: int, offered: str) -> None:
    """Record that an ssh host shows another key than the pinned one: once for each key, not at every tick."""
    about = EventFilter(types=_HOST_KEY_EVENTS, repository_id=repository.id)
    last = next(iter(events.find(tx, about, limit=1)), None)
    facts = {
        "pinned": sync.fingerprint(repository.ssh_host_key) if repository.ssh_host_key else None,
        "offered": offered,
    }
    if last is None or (last.event.type, last.event.data) != ("gitops.host_key_changed", facts):
        changed = Event("gitops.host_key_changed", repository.account, repository.id, run_id, data=facts)
        events.record(tx, actor.name, [changed])


_HOST_KEY_EVENTS = ("gitops.host_key_pinned", "gitops.host_key_trusted", "gitops.host_key_changed")


def pin(tx: Transaction, actor: Actor, repository: Repository, key: str, event: str) -> None:
    """Pin a key under the name of an event, which tells of the key before, too."""
    repositories.pin_host_key(tx, repository.id, key)
    before = repository.ssh_host_key
    facts = {"host_key": sync.shown_host_key(key), "before": sync.shown_host_key(before) if before else None}
    events.record(tx, actor.name, [Event(event, repository.account, repository.id, data=facts)])
