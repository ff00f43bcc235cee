"""Restore drills by themselves: each account once a night, while a server runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from engine.errors import FleetError
from engine.model import SCHEDULER, Event
from engine.settings import time_of_day
from engine.store import events
from engine.system import surroundings
from engine.workbench import Workbench

log = logging.getLogger(__name__)

EVERY_MIN = 1
"""How often to look whether a drill is due, in minutes."""

CATCH_UP_S = 15 * 60.0
"""How long a server runs before it makes up for a night that it missed, so that one that starts again and again does not drill each time."""

_DAY = timedelta(days=1)


class _Ending(Exception):
    """The server ends, and the drill in hand with it."""


def last_moment(at: str, now: datetime) -> datetime:
    """The last time at or before `now` (UTC) at which the clock showed `at`, as HH:MM."""
    hour, minute = time_of_day(at)
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today <= now else today - _DAY


def due(last: datetime | None, moment: datetime, now: datetime) -> bool:
    """Whether an account that was drilled last at `last` has a drill of the night that began at `moment`.

    A drill in the future was recorded while the clock was ahead, and counts for no night.
    """
    return last is None or not moment <= last <= now


class Nightly:
    """Drills what is due. `look` is called every few minutes, by one thread at a time.

    What is due follows from the drills that the store knows, not from a timer: a night that was missed because no server ran is
    made up for once, and a drill that somebody asked for after the time of the night counts for that night.
    """

    def __init__(
        self, workbench: Workbench, halted: Callable[[], bool], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`halted`: whether the server ends; a drill in hand is left at its next stage then, and nothing is recorded."""
        self._workbench = workbench
        self._halted = halted
        self._monotonic = monotonic
        self._began = monotonic()
        self._tried: dict[str, datetime] = {}
        """By account, the moment of the last night in which this process tried a drill, whatever became of it."""

    def look(self) -> None:
        """Drill each account that is due. Effects: one event for each; a line in the log where the store cannot be read."""
        try:
            self._drill_due()
        except FleetError as error:
            log.warning("the restore drills did not run: %s %s", error.code, error.message)

    def _drill_due(self) -> None:
        at = self._workbench.settings.drill_at
        if not at:
            return
        now = self._workbench.store.clock()
        moment, up = last_moment(at, now), self._monotonic() - self._began
        if up < CATCH_UP_S and now - moment > timedelta(seconds=up):
            return
        last = {e.event.account: e.at for e in self._workbench.last_drills()}
        for account in self._workbench.accounts():
            if self._halted():
                return
            if due(last.get(account), moment, now) and self._tried.get(account) != moment:
                self._tried[account] = moment
                self._drill(account)

    def _drill(self, account: str) -> None:
        try:
            self._workbench.drill(SCHEDULER, account, watcher=self._stage)
        except _Ending:
            return
        except FleetError as error:
            self._failed(account, error)
        except Exception as error:
            log.exception("the restore drill of %s", account)
            unexpected = f"An unexpected error ({type(error).__name__})."
            self._failed(
                account,
                surroundings.told(error)
                or FleetError("FLEET-900", unexpected, "Please report it; the log shows where it happened."),
            )

    def _stage(self, _name: str) -> None:
        if self._halted():
            raise _Ending

    def _failed(self, account: str, error: FleetError) -> None:
        """Record a drill that could not even be made, as one that failed."""
        data = {"code": error.code, "hint": error.hint}
        event = Event("gitops.drill_failed", account, reason=error.message.rstrip("."), data=data)
        try:
            with self._workbench.store.write() as tx:
                events.record(tx, SCHEDULER.name, [event])
        except FleetError as refused:
            log.warning(
                "the restore drill of %s failed (%s %s), and this could not be recorded: %s %s",
                account, error.code, error.message, refused.code, refused.message,
            )  # fmt: skip
