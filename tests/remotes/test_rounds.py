"""Ticks side by side: of one repository never two, of different ones several, and what hangs slows nobody down."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import SyncError
from engine.flow.tick import FIRST_BACKOFF, LONGEST_BACKOFF, MOST_JITTER, backoff
from engine.model import Actor, Repository, Trigger
from engine.server import rounds
from engine.server.rounds import Pool
from engine.server.scheduler import Scheduler
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository

ME = Actor("ana")
TEXT = "version: 1\naccount: acme\nmodules: {m: {}}\n"


@contextmanager
def silent() -> Iterator[str]:
    """A server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"


def test_fifty_repositories_of_which_ten_hang(settings: Settings, git_repo: GitRepository) -> None:
    """Whatever works has ended, all forty, before the first of the hanging ones gives up; and the round waits for nobody."""
    git_repo.push(TEXT)
    patient = replace(settings, git_timeout_s=30, sync_interval_s=1, remote_hosts="127.0.0.1")
    with silent() as nowhere, Workbench.open_home(patient) as bench:
        for number in range(50):
            hangs = number % 5 == 0
            url = f"{nowhere}/{number}.git" if hangs else str(git_repo.path)
            bench.add_repository(ME, f"{'hangs' if hangs else 'works'}-{number:02}", url, account="acme")
        scheduler = Scheduler(bench)
        scheduler.start()
        ended: set[str] = set()
        deadline = time.monotonic() + 60
        while len(ended) < 40 and time.monotonic() < deadline:
            time.sleep(0.1)
            ended = {run.repository for run in bench.runs(limit=1000) if run.finished_at}
        assert sorted(ended) == [f"works-{n:02}" for n in range(50) if n % 5], "none of those that hang is among them"
        assert scheduler.last_round_at is not None
        began = time.monotonic()
        bench.stop()
        scheduler.stop()
        assert time.monotonic() - began < 10, "ending does not wait for their time limit"
        assert all(run.repository.startswith("works") for run in bench.runs(limit=1000)), "nor is it their failure"
        assert all(repository.failure_count == 0 for repository in bench.repositories())


class Gate:
    """A workbench's `sync`, as far as the pool sees it: a double that waits where a test says."""

    def __init__(self, workers: int) -> None:
        self.settings = Settings(home=Path("/nowhere"), sync_workers=workers)
        self.fetched, self.applied = threading.Event(), threading.Event()
        self.at_work: set[str] = set()
        self.most = 0
        self.guard = threading.Lock()

    def sync(self, _actor: Actor, name: str, *, trigger: Trigger, watcher: Callable[[str], None]) -> Any:
        watcher("sync")
        if name.startswith("hangs"):
            assert self.fetched.wait(20)
        watcher("parse")
        with self.guard:
            self.at_work.add(name)
            self.most = max(self.most, len(self.at_work))
        assert self.applied.wait(20)
        with self.guard:
            self.at_work.remove(name)
        return name


def test_no_more_work_than_there_are_workers_and_waiting_is_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "PATIENCE_S", 0.05)
    gate = Gate(workers=2)
    pool = Pool(gate)  # type: ignore[arg-type]
    hanging = [pool.begin(ME, Repository(n, f"hangs-{n}", "acme", "u")) for n in range(5)]
    working = [pool.begin(ME, Repository(10 + n, f"works-{n}", "acme", "u")) for n in range(6)]
    for _ in range(200):
        if len(gate.at_work) == 2:
            break
        time.sleep(0.02)
    time.sleep(0.2)
    assert gate.at_work <= {f"works-{n}" for n in range(6)}
    assert len(gate.at_work) == 2
    gate.fetched.set()
    time.sleep(0.2)
    assert gate.most == 2, "those that hung wait for a worker as everybody does"
    gate.applied.set()
    done, left = wait([*hanging, *working], timeout=20)
    assert (len(done), left, gate.most) == (11, set(), 2)
    pool.close()


def test_a_tick_that_goes_on_is_told_to_whoever_asks_for_another(workbench: Workbench, git_repo: GitRepository) -> None:
    git_repo.push(TEXT)
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    errors: dict[str, SyncError] = {}

    def ask(stage: str) -> None:
        with pytest.raises(SyncError, match="FLEET-211") as caught:
            workbench.sync(Actor("ben"), "fc")
        errors[stage] = caught.value
        for other in (lambda: workbench.dry_run(ME, "fc"), lambda: workbench.remove_repository(ME, "fc")):
            with pytest.raises(SyncError, match="FLEET-211"):
                other()

    run = workbench.sync(ME, "fc", watcher=ask).run
    assert list(errors) == ["sync", "parse", "diff", "propose", "apply"]
    assert "it is fetching, started by ana" in errors["sync"].message
    assert f"run {run.id}, started by ana" in errors["apply"].message
    assert (errors["sync"].facts["run_id"], errors["apply"].facts["run_id"]) == (None, run.id)
    assert workbench.sync(ME, "fc").run.unchanged, "and it is free again"


def test_failures_back_off_each_repository_by_itself() -> None:
    for failures, minutes in enumerate((5, 10, 20, 40, 60, 60, 60), start=1):
        waits = {backoff(id_, failures) for id_ in range(1, 50)}
        least = FIRST_BACKOFF * minutes / 5
        assert all(least <= each < least + MOST_JITTER for each in waits)
        assert len(waits) > 40, "what failed together does not come back together"
    assert backoff(1, 10_000) < LONGEST_BACKOFF + MOST_JITTER


def test_a_sync_by_hand_ignores_the_backoff_and_a_success_ends_it(
    workbench: Workbench, git_repo: GitRepository
) -> None:
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    for count in (1, 2):
        workbench.sync(ME, "fc")
        repository = workbench.repository("fc")
        assert repository.failure_count == count
        assert repository.next_attempt_at is not None
    git_repo.push(TEXT)
    assert workbench.sync(ME, "fc").run.status == "success"
    assert (workbench.repository("fc").failure_count, workbench.repository("fc").next_attempt_at) == (0, None)
