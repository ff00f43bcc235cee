"""The server while much goes on: readers beside a large apply, and a kill in the middle of one."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.model import Actor, Permission
from tests.browser.conftest import Server
from tests.conftest import GitRepository

ME = Actor("ana")
READERS = 200


class Client:
    def __init__(self, address: str, token: str) -> None:
        self.address = f"{address}/api/v1/system/"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, self.address + path, json=body, timeout=120)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        return answer.json()


def fleet_file(count: int) -> str:
    return "version: 1\naccount: acme\nmodules:\n" + "".join(
        f"  m{number:05}: {{priority: {number}}}\n" for number in range(count)
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "home", POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK="20000")
    yield made
    if made._process is not None and made._process.poll() is None:
        made.stop()


def prepared(server: Server, remote: GitRepository, count: int, **options: bool) -> str:
    """A repository of so many modules, registered; gives a token."""
    remote.push(fleet_file(count))
    with server.store() as workbench:
        workbench.add_repository(ME, "fc", str(remote.path), account="acme", **options)
        return workbench.create_token(ME, "load", account="*", permissions=list(Permission))[1]


def test_two_hundred_readers_beside_an_apply_see_it_done_or_not_done(server: Server, git_repo: GitRepository) -> None:
    token = prepared(server, git_repo, 1_000)
    server.start()
    client = Client(server.address, token)
    synced = client("POST", "gitops_repositories/1/sync_now")
    run = synced["gitops_sync_run"]["id"]
    ids = [p["id"] for p in synced["proposals"]]
    assert len(ids) == 1_000
    client("POST", "proposals/batch_review", {"ids": ids, "action": "approve"})
    troubles: list[BaseException] = []
    seen: set[tuple[str, int]] = set()
    answered = [0]
    ending, guard = threading.Event(), threading.Lock()

    def torn(name: str, sizes: set[int]) -> None:
        with guard:
            seen.update((name, size) for size in sizes)
            answered[0] += 1
        assert sizes <= {0, 1_000}, (name, sizes)

    def reading(number: int) -> None:
        reader = Client(server.address, token)
        try:
            while not ending.is_set():
                match number % 5:
                    case 0:
                        body = reader("GET", f"gitops_sync_runs/{run}")
                        assert (body["status"] == "applied") == (len(body["applied_actions"]) == 1_000)
                        torn("run", {len(body["applied_actions"])})
                    case 1:
                        standing = reader("GET", "status")
                        approved = standing["proposals"].get("approved", 0)
                        assert approved + standing["resources"] == 1_000
                        torn("status", {approved, standing["resources"], standing["owned"]})
                    case 2:
                        rows = reader("GET", "fleet/modules?limit=10000")["items"]
                        assert all(row["owned"] and row["version"] == 1 for row in rows)
                        torn("fleet", {len(rows)})
                    case 3:
                        applied = reader("GET", "proposals?status=applied&limit=10000")["items"]
                        torn("proposals", {len(applied)})
                    case 4:
                        events = reader("GET", "fleet_events?type=fleet.created&limit=10000")["items"]
                        torn("events", {len(events)})
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=reading, args=(number,)) for number in range(READERS)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    applied = client("POST", "apply")
    time.sleep(1.5)
    ending.set()
    for thread in threads:
        thread.join(120)
    assert troubles == []
    assert len(applied["applied"]) == 1_000
    assert answered[0] > READERS
    for name in ("run", "status", "fleet", "proposals", "events"):
        assert {(name, 0), (name, 1_000)} <= seen, f"{name} was read before and after"
    assert "Traceback" not in server.log.read_text()


def test_a_kill_in_the_middle_of_an_apply_is_told_by_the_api(server: Server, git_repo: GitRepository) -> None:
    count = 9_000
    token = prepared(server, git_repo, count, auto_apply=True)
    server.start()
    client = Client(server.address, token)

    def syncing() -> None:
        with pytest.raises(requests.RequestException):
            Client(server.address, token)("POST", "gitops_repositories/1/sync_now")

    thread = threading.Thread(target=syncing)
    thread.start()
    deadline = time.monotonic() + 60
    while not 0 < client("GET", "status")["resources"] < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGKILL)
    server._process.wait()
    thread.join(60)

    server.start()
    client = Client(server.address, token)
    run = client("GET", "gitops_sync_runs?limit=1")["items"][0]
    assert (run["status"], run["error"]["code"]) == ("failed", "FLEET-502")
    landed = {action["name"] for action in run["applied_actions"]}
    live = {row["name"] for row in client("GET", "fleet/modules?limit=10000")["items"]}
    applied = {p["name"] for p in client("GET", "proposals?status=applied&limit=10000")["items"]}
    approved = {p["name"] for p in client("GET", "proposals?status=approved&limit=10000")["items"]}
    assert landed == live == applied
    assert 0 < len(live) < count
    assert len(approved) == count - len(live), "what was not reached is approved as before"
    events = client("GET", "fleet_events?type=store.recovered")["items"]
    assert len(events) == 1
    done = client("POST", "apply")
    assert {step["name"] for step in done["applied"]} == approved
    again = client("POST", "gitops_repositories/1/sync_now")["gitops_sync_run"]
    assert (again["status"], again["diff_count"], again["error"]) == ("success", 0, None)
