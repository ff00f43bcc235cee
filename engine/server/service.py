"""What one process runs beside its surfaces: the workbench that owns the store, background jobs, the scheduler, those who look on.

Pages and routes find the service of their process with `running()`.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from engine.context import carried
from engine.errors import FleetError, RefusedEdit
from engine.notify.courier import Courier, Standing
from engine.notify.sinks import sinks_of
from engine.remote.local import LocalAccess
from engine.server import kept, log, nightly, signin
from engine.server.jobs import Jobs
from engine.server.links import LocalLinks
from engine.server.log import EventLog
from engine.server.metrics import Metrics
from engine.server.observers import Observers
from engine.server.scheduler import Scheduler
from engine.server.site import Site
from engine.settings import Settings
from engine.system import ending
from engine.system.operator import local_operator
from engine.workbench import Workbench

logger = logging.getLogger("fleet")

CLOSE_S = 11.0
"""Most seconds that closing a service takes. What works on then is left alone, and the store with it, as after a kill."""

_running: Service | None = None


class Service:
    """One home, served. Nothing runs before `start`."""

    def __init__(self, workbench: Workbench, *, link_needed: bool = True, opens_browser: bool | None = None) -> None:
        """`link_needed`: whether the dashboard asks for a link where the settings do not say otherwise."""
        # Reading a fleet makes many small objects; the collector looking through them again and again takes a third of a page.
        gc.set_threshold(100_000, 20, 20)
        self.workbench = workbench
        self.operator = local_operator()
        """Who acts in the browser where nobody signs in."""
        self.jobs = Jobs(workbench.store.clock)
        self.scheduler = Scheduler(workbench)
        self.nightly = nightly.Nightly(workbench, lambda: self.ending)
        self.kept = kept.Kept(workbench)
        self.local = LocalAccess(workbench.settings.home)
        self.links = LocalLinks(workbench.settings.home, needed=link_needed and workbench.settings.asks_for_link)
        self.site = Site.of(workbench.settings, "127.0.0.1", 0)
        """Where this server is; known once it was announced."""
        self.opens_browser = opens_browser
        """Whether a browser is opened on the dashboard at the start; None: where a person looks at the terminal."""
        self.metrics = Metrics(workbench)
        self._couriers = [
            Courier(workbench.store, sink, lambda name, outcome: self.metrics.notifications.labels(name, outcome).inc())
            for sink in sinks_of(workbench.settings)
        ]
        self.metrics.show_sinks(self.sinks)
        self._observers = Observers([EventLog(), self.metrics, *self._couriers])
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self.started_at = datetime.now(UTC)
        self.ending = False
        """Whether the server has begun to end."""
        self.closed = threading.Event()
        """Set once `close` is done."""
        self._closing = threading.Lock()

    def start(self) -> None:
        """Begin to tick, to log and to tell."""
        self._observers.start()
        self.workbench.store.on_recorded = self._observers.recorded
        self.workbench.on_ticked = self._observers.ticked
        for courier in self._couriers:
            courier.start()
        self.scheduler.each_minute(self.nightly.look, nightly.EVERY_MIN)
        self.scheduler.each_minute(self.kept.look, kept.EVERY_MIN)
        self.scheduler.start()

    def announce(self, host: str, port: int) -> None:
        """Say to commands on this machine, and to browsers, where the server answers."""
        self.site = Site.of(self.workbench.settings, host, port)
        self.links.announce(self.site.address, port)
        self.local.announce(host, port)
        self.scheduler.each_minute(self.local.renew, 10)
        self.scheduler.each_minute(self.links.tidy, 1)
        self.scheduler.each_minute(self.workbench.store.fold_when_idle, 1)

    def aside(self, work: Callable[[], None]) -> None:
        """Do a small thing that nobody waits for, such as a note of what came in."""
        self._aside.submit(carried(work))

    def sinks(self) -> list[Standing]:
        """How each sink of notifications does, in the order of the settings."""
        return [courier.standing() for courier in self._couriers]

    def end_soon(self) -> None:
        """Begin to end: what waits for another machine is ended, the apply step in hand is finished, the rest stays approved."""
        self.ending = True
        self.workbench.stop()
        for courier in self._couriers:
            courier.halt()

    def close(self) -> None:
        """End cleanly, within `CLOSE_S`. May be called twice; the second call waits for the first."""
        with self._closing:
            if self.closed.is_set():
                return
            self.local.close()
            self.links.close()
            self.end_soon()
            deadline = time.monotonic() + CLOSE_S
            parts: list[tuple[str, Callable[[], None]]] = [
                ("ticks", self.scheduler.stop),
                ("jobs", self.jobs.close),
                ("notes", self._aside.shutdown),
                *((f"notifications to {courier.standing().sink}", courier.stop) for courier in self._couriers),
                ("observers", self._observers.close),
            ]
            hanging = [name for name, end in parts if not _ended(end, deadline)]
            if hanging:
                logger.warning("the server stops while jobs are still running: %s", ", ".join(hanging))
            else:
                self.workbench.close()
            self.closed.set()


def _ended(end: Callable[[], None], deadline: float) -> bool:
    """Whether something has ended by a moment of the monotonic clock. It goes on to end after that, too."""
    ending = threading.Thread(target=end, daemon=True)
    ending.start()
    ending.join(max(deadline - time.monotonic(), 0.1))
    return not ending.is_alive()


def running() -> Service:
    """The service of this process. Raises: RefusedEdit FLEET-640 where none is running."""
    if _running is None:
        raise RefusedEdit("FLEET-640", "No server runs in this process.", "Start it with: fleet serve")
    return _running


def use(service: Service | None) -> None:
    """Make this the service of the process."""
    global _running
    _running = service


def open_(settings: Settings) -> Service:
    """Open the home and make it the one that this process serves. Raises: StoreError, StoreLocked."""
    service = Service(Workbench.open_home(settings))
    use(service)
    return service


def sign_in() -> dict[str, Any]:
    """What the sign-in of this process goes by; empty where nobody signs in, or a setting is wrong (`serving` says so)."""
    try:
        found = signin.client(_running.workbench.settings if _running else Settings.from_environment())
        if found:
            from engine.server import provider  # brings Authlib, which only a sign-in needs

            provider.bound(lambda: "the server is shutting down" if _running and _running.ending else None)
        return found
    except FleetError:
        return {}


def in_force() -> Settings | None:
    """The settings of the service of this process; None where none is running."""
    return _running.workbench.settings if _running else None


def ends_on_signals() -> None:
    """Have the process end soon after a signal, whatever hangs. Does nothing outside of the main thread, which alone gets signals."""
    if threading.current_thread() is threading.main_thread():
        ending.on_signals(running())


@contextmanager
def serving(host: str, port: int) -> Iterator[Service]:
    """Serve at an address while the block runs: what was opened before, else the home that the environment names.

    Raises: RefusedEdit FLEET-602, 641; StoreError, StoreLocked.
    """
    service = _running or open_(Settings.from_environment())
    with log.written(service.workbench.settings.log_format):
        try:
            signin.check_binding(service.workbench.settings, host)
            service.start()
            service.announce(host, port)
            yield service
        finally:
            use(None)
            service.close()
