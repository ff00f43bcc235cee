"""`/healthz` and `/metrics`: what they say as things happen, and that they name nothing without bound."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from engine.model import Actor, ResourceKey
from engine.server import metrics, service
from engine.server.metrics import Metrics
from engine.server.service import Service
from engine.workbench import Workbench
from tests.api.conftest import ME
from tests.conftest import GitRepository


def figures(address: str) -> dict[str, float]:
    """Each figure of ours by name and labels, as a scraper reads them."""
    text = requests.get(f"{address}/metrics", timeout=30).text
    return {
        f"{sample.name}{sample.labels}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("fleet_")
    }


@pytest.fixture
def watched(serving: Service, address: str) -> Iterator[str]:
    """The service with those who look on, without ticks of its own."""
    serving._observers.start()
    serving.workbench.store.on_recorded = serving._observers.recorded
    serving.workbench.on_ticked = serving._observers.ticked
    yield address
    serving._observers.close()


def wait_for(address: str, name: str, value: float) -> dict[str, float]:
    deadline = time.monotonic() + 10
    while (found := figures(address)).get(name) != value:
        assert time.monotonic() < deadline, (name, found)
        time.sleep(0.02)
    return found


def test_figures_follow_what_happens(watched: str, registered: Workbench, tmp_path: Path) -> None:
    registered.sync(ME, "fc")
    found = wait_for(watched, "fleet_ticks_total{'outcome': 'success', 'trigger': 'manual'}", 1)
    assert found["fleet_proposals_open{'repository': 'fc', 'status': 'pending'}"] == 2
    assert found["fleet_pending_oldest_age_seconds{}"] >= 0
    assert found["fleet_tick_stage_seconds_count{'stage': 'sync'}"] == 1
    registered.approve(ME, [1, 2])
    registered.apply(ME)
    found = wait_for(watched, "fleet_apply_steps_total{'outcome': 'applied'}", 2)
    assert found["fleet_decisions_total{'decision': 'approved'}"] == 2
    assert found["fleet_resources{}"] == 2
    assert found["fleet_proposals_open{'repository': 'fc', 'status': 'pending'}"] == 0
    registered.sync(ME, "fc")
    registered.sync(ME, "fc")
    wait_for(watched, "fleet_ticks_total{'outcome': 'unchanged', 'trigger': 'manual'}", 1)
    registered.set_resource(Actor("ben"), ResourceKey("acme", "modules", "nginx"), {"priority": 1})
    registered.sync(ME, "fc")
    found = wait_for(watched, "fleet_ticks_total{'outcome': 'success', 'trigger': 'manual'}", 3)
    assert found["fleet_drift_open{'severity': 'medium'}"] == 1
    registered.add_repository(ME, "lost", str(tmp_path / "nowhere"), account="acme")
    registered.sync(ME, "lost")
    found = wait_for(watched, "fleet_sync_errors_total{'code': 'FLEET-201'}", 1)
    assert found["fleet_repositories{'state': 'failing'}"] == 1
    registered.pause(ME, "freeze")
    assert figures(watched)["fleet_paused{}"] == 1


def test_names_follow_the_conventions_of_prometheus(watched: str, registered: Workbench) -> None:
    registered.sync(ME, "fc")
    answer = requests.get(f"{watched}/metrics", timeout=30)
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    for family in text_string_to_metric_families(answer.text):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", family.name)
        assert family.documentation
        if family.name.startswith("fleet_") and family.samples and not family.name.endswith("_created"):
            assert (family.type == "counter") == all(s.name.endswith("_total") for s in family.samples)
            assert "milliseconds" not in family.name
    opened = requests.get(f"{watched}/metrics", headers={"Accept": "application/openmetrics-text"}, timeout=30)
    assert opened.text.endswith("# EOF\n")


def test_labels_are_bounded_and_hold_names_alone(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(metrics, "MOST_REPOSITORIES", 3)
    for number in range(6):
        remote = GitRepository(tmp_path / f"r{number}")
        remote.push(
            "version: 1\naccount: acme\nmodules:\n" + "".join(f"  r{number}-m{n}: {{}}\n" for n in range(number + 1))
        )
        workbench.add_repository(ME, f'r{number}" evil\\', str(remote.path), account="acme")
        workbench.sync(ME, f'r{number}" evil\\')
    text, _ = Metrics(workbench).render("")
    samples = [
        s for f in text_string_to_metric_families(text.decode()) for s in f.samples if s.name == "fleet_proposals_open"
    ]
    pending = {s.labels["repository"]: s.value for s in samples if s.labels["status"] == "pending"}
    assert pending == {'r5" evil\\': 6, 'r4" evil\\': 5, 'r3" evil\\': 4, "_other": 6}


def test_the_api_counts_what_it_answers(watched: str, call: Any) -> None:
    before = figures(watched)
    call("GET", "system/proposals")
    call.bearing(None)("GET", "system/proposals")
    found = figures(watched)
    for status in ("200", "401"):
        name = f"fleet_api_requests_total{{'method': 'GET', 'status': '{status}'}}"
        assert found[name] == before.get(name, 0) + 1


def test_health_tells_the_last_and_the_next_tick(serving: Service, address: str, registered: Workbench) -> None:
    dead = requests.get(f"{address}/healthz", timeout=30)
    assert (dead.status_code, dead.json()["status"]) == (503, "failing"), "a scheduler that does not run is an illness"
    registered.sync(ME, "fc")
    serving.scheduler.start()
    well = requests.get(f"{address}/healthz", timeout=30)
    body = well.json()
    assert (well.status_code, body["status"], body["scheduler"]["running"]) == (200, "ok", True)
    assert body["scheduler"]["last_tick_at"] is not None
    assert datetime.fromisoformat(body["scheduler"]["next_round_at"]) > datetime.now(UTC)
    serving.scheduler.interval = timedelta(seconds=1)
    serving.scheduler._jobs.pause()
    serving.scheduler._round_ended -= 10
    late = requests.get(f"{address}/healthz", timeout=30)
    assert (late.status_code, late.json()["status"]) == (503, "failing")
    serving.scheduler.stop()
    service.use(None)
    gone = requests.get(f"{address}/healthz", timeout=30)
    assert (gone.status_code, gone.json()["code"]) == (503, "FLEET-640")
