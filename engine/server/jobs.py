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
from engine.system import surroundings

REMEMBERED = 50
"""Number of finished jobs that are kept for display."""

SIDE_BY_SIDE = 4
"""Most jobs that run at once. Writers take turns in the store anyway; fetches do not."""

Tell = Callable[[str, int, int], None]
"""Progress callback of a job: (words, done, total; 0 of 0 if there is nothing to count)."""


@dataclass(slots=True, eq=False)
class Job:
    """One long task: its actor, its progress, and its outcome."""

    id: int
    key: str
    """Identifies its work: no second job with the same key starts while the first is running."""
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

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="job")
        self._numbers = itertools.count(1)
        self._guard = threading.Lock()
        self._jobs: deque[Job] = deque(maxlen=REMEMBERED)

    def begin(self, key: str, title: str, actor: str, work: Callable[[Tell], Any]) -> Job:
        """Start work, or return the running job with this key. Its result or error is stored on the job."""
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
        """Start no more jobs, and wait for the running ones."""
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
