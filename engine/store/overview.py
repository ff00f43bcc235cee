"""Figures over everything at once, for the head of every page and the overview."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.model import Status
from engine.store import pauses
from engine.store.database import Transaction, time_of
from engine.store.pauses import Pause


@dataclass(frozen=True, slots=True)
class Pulse:
    """What waits, what fails, what is paused: what the head of every page says."""

    pending: int
    approved: int
    failed: int
    oldest_pending_at: datetime | None
    failing: tuple[str, ...]
    """Names of repositories whose last tick failed."""
    pauses: tuple[Pause, ...]
    last_tick_at: datetime | None

    @property
    def paused(self) -> Pause | None:
        """The pause of the whole home, if there is one."""
        return next((pause for pause in self.pauses if pause.repository is None), None)


@dataclass(frozen=True, slots=True)
class DriftFigures:
    open: int
    high: int
    oldest_at: datetime | None


def pulse(tx: Transaction, account: str | None) -> Pulse:
    pending, approved, failed, oldest = tx.rows("overview/count_waiting", account=account)[0]
    return Pulse(
        pending,
        approved,
        failed,
        time_of(oldest),
        tuple(name for (name,) in tx.rows("overview/list_failing", account=account)),
        tuple(pauses.in_force(tx, account)),
        time_of(tx.value("overview/last_tick", account=account)),
    )


def risks(tx: Transaction, account: str | None) -> dict[str, int]:
    """Pending proposals by risk: high, medium, low."""
    return dict(tx.rows("overview/count_risks", account=account))


def outcomes(tx: Transaction, account: str | None, since: datetime) -> list[tuple[str, Status, int]]:
    """(day as YYYY-MM-DD in UTC, status, how many) of proposals that ended or were rejected since a time."""
    return [
        (day, Status(status), count)
        for day, status, count in tx.rows("overview/count_outcomes", account=account, since=since)
    ]


def drift_figures(tx: Transaction, account: str | None) -> DriftFigures:
    open_, high, oldest = tx.rows("overview/count_drift", account=account)[0]
    return DriftFigures(open_, high, time_of(oldest))
