"""When repositories have their ticks: a round over all that are due, each interval; and soon, when a webhook says so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.jobstores.base import ConflictingIdError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from engine.context import carried
from engine.errors import FleetError
from engine.flow.tick import LONGEST_BACKOFF, MOST_JITTER
from engine.model import SCHEDULER, Actor, Repository, Trigger
from engine.server.rounds import Pool
from engine.workbench import Synced, Workbench

log = logging.getLogger(__name__)

MOST_BACKOFF = LONGEST_BACKOFF + MOST_JITTER

SOON = timedelta(seconds=1)
"""How long a webhook's tick waits for others that say the same."""

WATCH_S = 10.0
"""How often to look whether somebody has set the clock of the machine."""

BUSY = timedelta(seconds=2)
"""How long it waits where a tick is going on, which may have fetched before the push."""


def due(repository: Repository, now: datetime, interval: timedelta) -> bool:
    """Whether a repository has a tick in the round at `now`: in service, not paused, not backing off, registered an interval ago.

    A time that was written while the clock was ahead is not waited for: no wait is longer than the interval, or the longest backoff.
    """

    def over(end: datetime | None, longest: timedelta) -> bool:
        return end is None or end <= now or end > now + longest

    return (
        repository.enabled
        and repository.paused_reason is None
        and over(repository.next_attempt_at, MOST_BACKOFF)
        and over(repository.created_at and repository.created_at + interval, interval)
    )


def _ahead() -> float:
    """How far the clock of the machine is ahead of the one that nobody sets, in seconds."""
    return time.time() - time.monotonic()


class Scheduler:
    """Begins the ticks of what is due until stopped. A round that was missed is made up for once.

    A round waits for none of its ticks, so that one that hangs delays no other round; what still goes on is left out of the next.
    """

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self.interval = timedelta(seconds=workbench.settings.sync_interval_s)
        self.last_round_at: datetime | None = None
        self._round_ended = time.monotonic()
        """When a round ended last, or this began, by a clock that nobody sets."""
        self._stopped = threading.Event()
        self._watch = threading.Thread(target=self._follow_clock, args=(_ahead(),), name="clock", daemon=True)
        self._pool = Pool(workbench)
        self._going: dict[int, Future[Synced]] = {}
        self._jobs = BackgroundScheduler(
            timezone=UTC, job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        )

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
        )
        self._jobs.add_job(
            self._prune, IntervalTrigger(hours=6, timezone=UTC), id="prune", next_run_time=now + timedelta(minutes=1)
        )
        self._jobs.start()
        self._watch.start()

    def _follow_clock(self, ahead: float) -> None:
        """When the clock of the machine is set back, move what is planned with it, so that nothing waits until it has caught up."""
        while not self._stopped.wait(WATCH_S):
            before, ahead = ahead, _ahead()
            if before - ahead > 1:
                self.shift(timedelta(seconds=ahead - before))

    def shift(self, by: timedelta) -> None:
        """Move the time of everything that is planned."""
        log.warning("the clock was changed by %d s; the schedule is adjusted", by.total_seconds())
        for job in self._jobs.get_jobs():
            if job.next_run_time is not None:
                job.modify(next_run_time=job.next_run_time + by)

    def since_round(self) -> timedelta:
        """How long ago a round ended, or this began, whatever the clock of the machine was set to meanwhile."""
        return timedelta(seconds=time.monotonic() - self._round_ended)

    @property
    def running(self) -> bool:
        return bool(self._jobs.running)

    @property
    def next_round_at(self) -> datetime | None:
        job = self._jobs.get_job("round") if self._jobs.running else None
        return None if job is None else job.next_run_time

    def each_minute(self, work: Callable[[], object], minutes: int) -> None:
        """Do something every few minutes."""
        self._jobs.add_job(work, IntervalTrigger(minutes=minutes, timezone=UTC))

    def wake(self, repository: Repository, actor: Actor, after: timedelta = SOON) -> bool:
        """Have a repository ticked soon, as a webhook asks; gives whether that was not going to happen anyway.

        However many ask within the time, one tick answers all; one that is going on is waited for, as it may have fetched too early.
        """
        try:
            self._jobs.add_job(
                carried(self._woken),
                "date",
                args=(repository, actor),
                id=f"wake {repository.id}",
                run_date=datetime.now(UTC) + after,
            )
        except ConflictingIdError:
            return False
        return True

    def stop(self) -> None:
        """End after the ticks in hand; `Workbench.stop` makes them end soon."""
        self._stopped.set()
        if self._jobs.running:
            self._jobs.shutdown(wait=True)
        self._pool.close()

    def _round(self) -> None:
        self._going = {id_: tick for id_, tick in self._going.items() if not tick.done()}
        # What failed lately comes last: it is the likeliest to hang.
        for repository in sorted(self._due(), key=lambda repository: (repository.failure_count > 0, repository.name)):
            if repository.id not in self._going:
                self._begin(repository, SCHEDULER, Trigger.SCHEDULE)
        self.last_round_at = datetime.now(UTC)
        self._round_ended = time.monotonic()

    def _woken(self, repository: Repository, actor: Actor) -> None:
        going = self._going.get(repository.id)
        if going is not None and not going.done():
            self.wake(repository, actor, BUSY)
        else:
            self._begin(repository, actor, Trigger.WEBHOOK)

    def _begin(self, repository: Repository, actor: Actor, trigger: Trigger) -> None:
        tick = self._pool.begin(actor, repository, trigger)
        self._going[repository.id] = tick
        tick.add_done_callback(partial(self._ended, repository, actor, trigger))

    def _ended(self, repository: Repository, actor: Actor, trigger: Trigger, tick: Future[Synced]) -> None:
        """Put into the log what no run tells; where somebody else's tick was going on, a webhook's comes after it."""
        if tick.cancelled() or (error := tick.exception()) is None:
            return
        if isinstance(error, FleetError):
            if trigger is Trigger.WEBHOOK and error.code == "FLEET-211" and self.running:
                self.wake(repository, actor, BUSY)
                return
            log.warning("%s: %s %s", repository.name, error.code, error.message)
        else:
            log.error("%s: the tick failed unexpectedly", repository.name, exc_info=error)

    def _prune(self) -> None:
        try:
            self._workbench.prune(SCHEDULER)
        except FleetError as error:
            log.warning("old runs and events could not be deleted: %s %s", error.code, error.message)

    def _due(self) -> list[Repository]:
        if any(pause.repository is None for pause in self._workbench.pauses()):
            return []
        now = datetime.now(UTC)
        return [repository for repository in self._workbench.repositories() if due(repository, now, self.interval)]
