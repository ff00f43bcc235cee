"""Retention: deletes old runs and events with their dependent rows; never rows that explain the current state."""

from __future__ import annotations

from datetime import datetime

from engine.store import sign_ins
from engine.store.database import Transaction


def prune(tx: Transaction, before: datetime, failed_before: datetime) -> dict[str, int]:
    """Forget what is older; returns how many rows of each table went, without those of which none did.

    Kept whatever its age: the newest run of each repository; runs and events of live proposals, and of those that wrote a version of a
    resource that is live; runs that opened what is still withheld or still drifts; the last word on host keys and proofs. Sign-ins and
    sign-outs are kept as long as a cookie could depend on them, and kept-out people are never deleted.
    """
    gone = {
        "gitops_sync_runs": len(tx.rows("retention/prune_runs", before=before, failed_before=failed_before)),
        "fleet_events": len(tx.rows("retention/prune_events", before=before)),
        "withheld_diffs": len(tx.rows("retention/prune_withheld", before=before)),
        "webhook_deliveries": len(tx.rows("retention/prune_deliveries", before=before)),
        "api_tokens": len(tx.rows("retention/prune_tokens", before=before)),
        **sign_ins.prune(tx),
    }
    return {table: count for table, count in gone.items() if count}
