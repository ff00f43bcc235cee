"""Long work in the background, so that no surface waits for it: syncs, applies, dry runs. In memory; the store keeps what they did."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from engine.context import carried
from engine.errors import FleetError
from engine.model import Clock
from engine.system import surroundings

REMEMBERED = 50
"""Ended jobs that are kept for whoever looks."""

SIDE_BY_SIDE = 4
"""Most jobs that run at once. Writers take turns in the store anyway; fetches do not."""

Tell = Callable[[str, int, int], None]
"""How a job says where it is: (words, done, of how many; 0 of 0 where there is nothing to count)."""


@dataclass(slots=True, eq=False)
class Job:
    """One piece of long work: who asked for it, where it is, and how it ended."""

    id: int
    key: str
    """What it works on: a second job with the same key is not begun while the first goes on."""
    title: str
    actor: str
    words: str = "waiting"
    done: int = 0
    of: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    error: FleetError | None = None
    result: Any = None

    @property
    def going(self) -> bool:
        return not self.ended.is_set()


class Jobs:
    """The jobs of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="job")
        self._numbers = itertools.count(1)
        self._guard = threading.Lock()
        self._jobs: deque[Job] = deque(maxlen=REMEMBERED)

    def begin(self, key: str, title: str, actor: str, work: Callable[[Tell], Any]) -> Job:
        """Begin work, or give the job that is at it already. What it gives or raises stands in the job."""
        with self._guard:
            for job in self._jobs:
                if job.key == key and job.going:
                    return job
            job = Job(next(self._numbers), key, title, actor)
            self._jobs.append(job)
        self._pool.submit(carried(_run), job, work)
        return job

    def get(self, id_: int) -> Job | None:
        with self._guard:
            return next((job for job in self._jobs if job.id == id_), None)

    def going(self) -> list[Job]:
        """Jobs that have not ended, oldest first."""
        with self._guard:
            return [job for job in self._jobs if job.going]

    def close(self) -> None:
        """Begin nothing more and wait for what goes on."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _run(job: Job, work: Callable[[Tell], Any]) -> None:
    def tell(words: str, done: int = 0, of: int = 0) -> None:
        job.words, job.done, job.of = words, done, of

    try:
        job.result = work(tell)
    except FleetError as error:
        job.error = error
    except Exception as error:
        logging.getLogger(__name__).exception("job %s", job.title)
        job.error = surroundings.told(error) or FleetError(
            "FLEET-900",
            f"An unexpected error ({type(error).__name__}).",
            "Please report it; the log shows where it happened.",
        )
    finally:
        job.ended.set()
