"""Deliveries of webhooks, the newest few for each repository: `webhook_deliveries`."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import Delivery
from engine.store.database import Transaction, moment

KEPT = 20


def record(
    tx: Transaction, provider: str, delivery: str | None, revision: str | None, outcomes: Sequence[tuple[int, str]]
) -> None:
    """Keep a delivery for each repository that it concerns. Shape: `outcomes` of (repository id, what comes of it)."""
    tx.run(
        "deliveries/insert_deliveries", id=tx.ids("delivery_id", len(outcomes)), repository_id=[id_ for id_, _ in outcomes],
        outcome=[outcome for _, outcome in outcomes], provider=provider, delivery=delivery, revision=revision, at=tx.at,
    )  # fmt: skip
    tx.run("deliveries/keep_newest", repository_ids=[id_ for id_, _ in outcomes], kept=KEPT)


def of(tx: Transaction, repository_id: int) -> list[Delivery]:
    """Webhook deliveries of a repository, newest first."""
    return [
        Delivery(provider, delivery, revision, outcome, moment(received))
        for provider, delivery, revision, outcome, received in tx.rows(
            "deliveries/list_of", repository_id=repository_id
        )
    ]
