"""When repositories have their ticks: a round over all that are due, each interval."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from engine.errors import FleetError
from engine.model import SCHEDULER, Repository, Trigger
from engine.rounds import Pool
from engine.workbench import Synced, Workbench

log = logging.getLogger(__name__)


def due(repository: Repository, now: datetime, interval: timedelta) -> bool:
    """Whether a repository has a tick in the round at `now`: in service, not paused, not backing off, registered an interval ago."""
    return (
        repository.enabled
        and repository.paused_reason is None
        and (repository.next_attempt_at is None or repository.next_attempt_at <= now)
        and (repository.created_at is None or repository.created_at + interval <= now)
    )


class Scheduler:
    """Begins the ticks of what is due until stopped. A round that was missed is made up for once.

    A round waits for none of its ticks, so that one that hangs delays no other round; what still goes on is left out of the next.
    """

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self.interval = timedelta(seconds=workbench.settings.sync_interval_s)
        self.last_round_at: datetime | None = None
        self._pool = Pool(workbench)
        self._going: dict[int, Future[Synced]] = {}
        self._jobs = BackgroundScheduler(timezone=UTC)

    def start(self) -> None:
        """Begin; the first round is one interval after the last tick that the store knows, at once if that is over."""
        now = datetime.now(UTC)
        last = self._workbench.runs(limit=1)
        first = max(now, last[0].started_at + self.interval) if last else now + self.interval
        self._jobs.add_job(
            self._round,
            IntervalTrigger(seconds=int(self.interval.total_seconds()), timezone=UTC),
            id="round",
            next_run_time=min(first, now + self.interval),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
        self._jobs.start()

    @property
    def running(self) -> bool:
        return bool(self._jobs.running)

    @property
    def next_round_at(self) -> datetime | None:
        job = self._jobs.get_job("round") if self._jobs.running else None
        return None if job is None else job.next_run_time

    def stop(self) -> None:
        """End after the ticks in hand; `Workbench.stop` makes them end soon."""
        if self._jobs.running:
            self._jobs.shutdown(wait=True)
        self._pool.close()

    def _round(self) -> None:
        self._going = {id_: tick for id_, tick in self._going.items() if not tick.done()}
        # What failed lately comes last: it is the likeliest to hang.
        for repository in sorted(self._due(), key=lambda repository: (repository.failure_count > 0, repository.name)):
            if repository.id not in self._going:
                tick = self._pool.begin(SCHEDULER, repository, Trigger.SCHEDULE)
                self._going[repository.id] = tick
                tick.add_done_callback(partial(_note, repository.name))
        self.last_round_at = datetime.now(UTC)

    def _due(self) -> list[Repository]:
        if any(pause.repository is None for pause in self._workbench.pauses()):
            return []
        now = datetime.now(UTC)
        return [repository for repository in self._workbench.repositories() if due(repository, now, self.interval)]


def _note(name: str, tick: Future[Synced]) -> None:
    """Put into the log what no run tells."""
    if tick.cancelled() or (error := tick.exception()) is None:
        return
    if isinstance(error, FleetError):
        log.warning("%s: %s %s", name, error.code, error.message)
    else:
        log.error("%s: the tick failed unexpectedly", name, exc_info=error)
