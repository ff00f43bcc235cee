"""Ticks of different repositories in parallel: a few that work, plus those that wait for a silent remote."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from engine.context import carried
from engine.model import Actor, Repository, Trigger
from engine.workbench import Synced, Workbench

PATIENCE_S = 2.0
"""A remote that has not answered for so long gives its worker to the next repository; it is waited for all the same."""

MOST_AT_ONCE = 64
"""Most ticks that are begun at the same time, waiting ones with them."""


class Pool:
    """Runs ticks, `FLEET_SYNC_WORKERS` of them at work at the same time."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="tick")
        self._workers = threading.Semaphore(workbench.settings.sync_workers)

    def begin(
        self,
        actor: Actor,
        repository: Repository,
        trigger: Trigger = Trigger.MANUAL,
        watcher: Callable[[str], None] = lambda _stage: None,
    ) -> Future[Synced]:
        """Begin a tick as soon as a worker is free. The future gives what `Workbench.sync` gives or raises."""
        return self._threads.submit(carried(self._tick), actor, repository.name, trigger, watcher)

    def close(self) -> None:
        """Start no more ticks, and wait for the running ones."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _tick(self, actor: Actor, name: str, trigger: Trigger, watcher: Callable[[str], None]) -> Synced:
        worker = _Worker(self._workers)

        def at(stage: str) -> None:
            if stage == "sync":
                worker.lend_after(PATIENCE_S)
            else:
                worker.take()
            watcher(stage)

        worker.take()
        try:
            return self._workbench.sync(actor, name, trigger=trigger, watcher=at)
        finally:
            worker.give_back()


class _Worker:
    """One tick's hold on a worker."""

    def __init__(self, workers: threading.Semaphore) -> None:
        self._workers = workers
        self._guard = threading.Lock()
        self._held = False
        self._lending: threading.Timer | None = None

    def take(self) -> None:
        """Hold a worker, if this does not already; keep it."""
        self._stop_lending()
        if not self._held:  # only the timer sets it: it has ended
            self._workers.acquire()
            self._held = True

    def lend_after(self, seconds: float) -> None:
        """Give the worker to another tick unless `take` or `give_back` is called first."""
        self._lending = threading.Timer(seconds, self._release)
        self._lending.daemon = True
        self._lending.start()

    def give_back(self) -> None:
        self._stop_lending()
        self._release()

    def _stop_lending(self) -> None:
        if self._lending is not None:
            self._lending.cancel()
            self._lending.join()
            self._lending = None

    def _release(self) -> None:
        with self._guard:
            if self._held:
                self._held = False
                self._workers.release()
