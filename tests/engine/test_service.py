"""What runs beside the surfaces: background jobs, rounds of ticks, and how both end."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import FleetError, RefusedEdit
from engine.model import Actor, Repository
from engine.server import service
from engine.server.jobs import Jobs, Tell
from engine.server.scheduler import MOST_BACKOFF, Scheduler, due
from engine.server.service import Service
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository, SetClock

ME = Actor("ana")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
FIVE = timedelta(minutes=5)


def test_a_job_tells_where_it_is_and_gives_its_result() -> None:
    jobs = Jobs()
    halfway, go_on = threading.Event(), threading.Event()

    def work(tell: Tell) -> str:
        tell("applying", 1, 2)
        halfway.set()
        assert go_on.wait(10)
        return "all"

    job = jobs.begin("apply 1", "Apply", "ana", work)
    assert halfway.wait(10)
    assert (job.going, job.words, job.done, job.of) == (True, "applying", 1, 2)
    assert jobs.begin("apply 1", "Apply", "ben", work) is job, "a second click begins nothing"
    assert jobs.going() == [job]
    go_on.set()
    assert job.ended.wait(10)
    assert (job.result, job.error, jobs.going(), jobs.get(job.id)) == ("all", None, [], job)
    jobs.close()


@pytest.mark.parametrize(
    ("raised", "code"), [(RefusedEdit("FLEET-603", "no", "yes"), "FLEET-603"), (ValueError("secret"), "FLEET-900")]
)
def test_what_a_job_raises_stands_in_it_coded(raised: Exception, code: str) -> None:
    jobs = Jobs()

    def work(_tell: Tell) -> None:
        raise raised

    job = jobs.begin("x", "X", "ana", work)
    assert job.ended.wait(10)
    assert isinstance(job.error, FleetError)
    assert job.error.code == code
    assert "secret" not in job.error.message
    jobs.close()


@pytest.mark.parametrize(
    ("repository", "wanted"),
    [
        (Repository(1, "fc", "acme", "u", created_at=NOW - FIVE), True),
        (Repository(1, "fc", "acme", "u", created_at=NOW - FIVE + timedelta(seconds=1)), False),
        (Repository(1, "fc", "acme", "u", created_at=NOW - FIVE, enabled=False), False),
        (Repository(1, "fc", "acme", "u", created_at=NOW - FIVE, paused_reason="freeze"), False),
        (Repository(1, "fc", "acme", "u", created_at=NOW - FIVE, next_attempt_at=NOW + FIVE), False),
        (Repository(1, "fc", "acme", "u", created_at=NOW - FIVE, next_attempt_at=NOW), True),
        # Written while the clock was ahead: no wait is longer than the interval, or the longest backoff.
        (Repository(1, "fc", "acme", "u", created_at=NOW), False),
        (Repository(1, "fc", "acme", "u", created_at=NOW + timedelta(seconds=1)), True),
        (Repository(1, "fc", "acme", "u", created_at=NOW + timedelta(days=365)), True),
        (Repository(1, "fc", "acme", "u", created_at=NOW - FIVE, next_attempt_at=NOW + MOST_BACKOFF), False),
        (Repository(1, "fc", "acme", "u", next_attempt_at=NOW + MOST_BACKOFF + timedelta(seconds=1)), True),
    ],
)
def test_which_repositories_have_a_tick(repository: Repository, wanted: bool) -> None:
    assert due(repository, NOW, FIVE) is wanted


def test_a_round_ticks_what_is_due_and_one_failure_disturbs_no_other(home: Path, git_repo: GitRepository) -> None:
    settings = Settings.from_environment(str(home), {"FLEET_ALLOW_LOCAL_REMOTES": "1", "FLEET_SYNC_INTERVAL_S": "1"})
    git_repo.push("version: 1\naccount: acme\nmodules: {m: {}}\n")
    with Workbench.open_home(settings) as bench:
        bench.add_repository(ME, "broken", str(git_repo.path / "nowhere"), account="acme")
        bench.add_repository(ME, "fc", str(git_repo.path), account="acme")
        ended = threading.Event()
        scheduler = Scheduler(bench)
        scheduler.start()
        assert scheduler.running
        assert scheduler.next_round_at is not None
        deadline = threading.Timer(20, ended.set)
        deadline.start()
        while not ended.wait(0.05) and len(bench.runs()) < 2:
            pass
        deadline.cancel()
        scheduler.stop()
        assert not scheduler.running
        found = {run.repository: (run.status.value, run.trigger.value, run.actor) for run in bench.runs()}
        assert found["fc"] == ("success", "schedule", "gitops_scheduler")
        assert found["broken"][0] == "failed"


def test_a_paused_home_has_no_ticks(home: Path, git_repo: GitRepository, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.from_environment(str(home), {"FLEET_ALLOW_LOCAL_REMOTES": "1", "FLEET_SYNC_INTERVAL_S": "1"})
    git_repo.push("version: 1\naccount: acme\nmodules: {m: {}}\n")
    with Workbench.open_home(settings) as bench:
        bench.add_repository(ME, "fc", str(git_repo.path), account="acme")
        bench.pause(ME, "freeze")
        scheduler = Scheduler(bench)
        scheduler.start()
        stopped = threading.Event()
        while not stopped.wait(0.05) and scheduler.last_round_at is None:
            pass
        scheduler.stop()
        assert bench.runs() == []
        assert not [record for record in caplog.records if record.name == "engine.server.scheduler"], (
            "nor does it complain"
        )


def test_the_first_round_waits_an_interval_after_the_last_tick(workbench: Workbench, git_repo: GitRepository) -> None:
    scheduler = Scheduler(workbench)
    scheduler.start()
    assert scheduler.next_round_at is not None
    assert scheduler.next_round_at - datetime.now(UTC) > FIVE - timedelta(seconds=5)
    scheduler.stop()
    git_repo.push("version: 1\naccount: acme\nmodules: {m: {}}\n")
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    workbench.sync(ME, "fc")
    scheduler = Scheduler(workbench)
    scheduler.start()
    assert scheduler.next_round_at is not None
    assert FIVE - timedelta(seconds=10) < scheduler.next_round_at - workbench.runs()[0].started_at <= FIVE
    scheduler.stop()


def test_a_clock_that_is_set_back_takes_what_is_planned_with_it(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.server.scheduler.WATCH_S", 0.01)
    shown = [1e9]
    monkeypatch.setattr("engine.server.scheduler.time.time", lambda: shown[0] + time.monotonic())
    scheduler = Scheduler(workbench)
    moved = threading.Event()
    shift = scheduler.shift
    monkeypatch.setattr(scheduler, "shift", lambda by: (shift(by), moved.set()))
    scheduler.start()
    scheduler._jobs.pause()  # the clock of the machine is where it was: what is moved would be due at once
    before = scheduler.next_round_at
    assert before is not None
    shown[0] -= 7200
    assert moved.wait(10)
    after = scheduler.next_round_at
    assert after is not None
    assert 7190 < (before - after).total_seconds() < 7210
    assert scheduler.since_round() < timedelta(minutes=1)
    scheduler.stop()


def test_a_backoff_is_counted_by_the_clock_and_not_by_what_was_written_while_it_was_ahead(
    settings: Settings, git_repo: GitRepository, clock: SetClock
) -> None:
    with Workbench.open_home(settings, clock=clock) as workbench:
        clock.advance(days=365)
        workbench.add_repository(ME, "fc", str(git_repo.path / "nowhere"), account="acme")
        clock.advance(days=-365)
        assert workbench.sync(ME, "fc").run.status == "failed"
        found = workbench.repository("fc").next_attempt_at
    assert found is not None
    assert found - clock.now < timedelta(minutes=6)


def test_an_apply_stops_where_the_server_does_and_the_rest_stays_approved(
    workbench: Workbench, git_repo: GitRepository
) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {a: {}, b: {}}\n")
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    workbench.approve(ME, [p.id for p in workbench.sync(ME, "fc").proposals])
    workbench.stop()
    done = workbench.apply(ME)
    assert done.stopped == "the server is shutting down"
    assert [p.status.value for p in workbench.live_proposals()] == ["approved", "approved"]
    assert workbench.resources() == []


def test_pages_find_the_service_of_their_process(workbench: Workbench) -> None:
    with pytest.raises(RefusedEdit, match="FLEET-640"):
        service.running()
    service.use(Service(workbench))
    with service.serving("127.0.0.1", 1) as serving:
        assert service.running() is serving
        assert serving.scheduler.running
        assert not logging.getLogger("fleet").propagate, "the server writes its log"
    assert logging.getLogger("fleet").propagate, "and leaves the loggers of its process as they were"
    with pytest.raises(RefusedEdit, match="FLEET-640"):
        service.running()


def test_a_server_looks_each_minute_for_what_is_due(serving: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, int]] = []
    monkeypatch.setattr(serving.scheduler, "each_minute", lambda work, minutes: asked.append((work, minutes)))
    monkeypatch.setattr(serving.scheduler, "start", lambda: None)
    serving.start()
    assert {(serving.nightly.look, 1), (serving.kept.look, 1)} <= set(asked)
