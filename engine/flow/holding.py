"""Who holds a resource: letting go, and handing over to a repository that declares it too. Effects: the store."""

from __future__ import annotations

from collections.abc import Mapping

from engine.flow.review import Verb, moved
from engine.model import Actor, Event, Repository, ResourceKey
from engine.store import Transaction, episodes, events, live, proposals


def release_all(tx: Transaction, actor: Actor, repository_id: int, keys: list[ResourceKey], reason: str) -> None:
    """Let go of resources that one repository holds."""
    gone = set(keys)
    standing = [p for p in proposals.live_of(tx, repository_id=repository_id) if p.key in gone]
    proposals.move(tx, actor.name, [moved(p, Verb.WITHDRAW, reason=reason) for p in standing])
    episodes.close_removed(tx, actor.name, repository_id, keys)
    live.delete_claims(tx, keys)
    events.record(
        tx,
        actor.name,
        [Event("gitops.released", k.account, repository_id, None, None, k.kind, k.name, reason) for k in keys],
    )


def hand_over(
    tx: Transaction, actor: Actor, repository: Repository, takers: Mapping[ResourceKey, str], run_id: int | None = None
) -> None:
    """Make those who declare resources too their holders, by name; what was agreed on stays."""
    live.hand_over(tx, takers)
    events.record(
        tx,
        actor.name,
        [
            Event(
                "gitops.handed_over",
                key.account,
                repository.id,
                run_id,
                None,
                key.kind,
                key.name,
                f"repository {taker} declares it, and {repository.name} no longer does",
                {"from": repository.name, "to": taker},
            )
            for key, taker in takers.items()
        ],
    )
