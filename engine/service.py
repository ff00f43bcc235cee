"""What one process runs beside its surfaces: the workbench that owns the store, background jobs, the scheduler.

Pages and routes find the service of their process with `running()`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from engine.errors import RefusedEdit
from engine.jobs import Jobs
from engine.operator import local_operator
from engine.scheduler import Scheduler
from engine.settings import Settings
from engine.workbench import Workbench

_running: Service | None = None


class Service:
    """One home, served."""

    def __init__(self, workbench: Workbench) -> None:
        # Reading a fleet makes many small objects; the collector looking through them again and again takes a third of a page.
        gc.set_threshold(100_000, 20, 20)
        self.workbench = workbench
        self.operator = local_operator()
        """Who acts in the browser: on loopback there is nobody else."""
        self.jobs = Jobs(workbench.store.clock)
        self.scheduler = Scheduler(workbench)
        self.started_at = datetime.now(UTC)

    def close(self) -> None:
        """End cleanly: the apply step in hand is finished, the rest stays approved, nothing stays running."""
        self.workbench.stop()
        self.scheduler.stop()
        self.jobs.close()
        self.workbench.close()


def running() -> Service:
    """The service of this process. Raises: RefusedEdit FLEET-640 where none is running."""
    if _running is None:
        raise RefusedEdit("FLEET-640", "No server runs in this process.", "Start one with: fleet serve")
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


@contextmanager
def serving() -> Iterator[Service]:
    """Serve while the block runs: what was opened before, else the home that the environment names."""
    service = _running or open_(Settings.from_environment())
    try:
        service.scheduler.start()
        yield service
    finally:
        use(None)
        service.close()
