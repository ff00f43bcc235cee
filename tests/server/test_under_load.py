"""The server while much goes on: readers beside a large apply, and a kill in the middle of one."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
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


def test_two_hundred_readers_beside_an_apply_see_whole_chunks_of_it(server: Server, git_repo: GitRepository) -> None:
    count = 1_000
    token = prepared(server, git_repo, count)
    server.start()
    client = Client(server.address, token)
    synced = client("POST", "gitops_repositories/1/sync_now")
    run = synced["gitops_sync_run"]["id"]
    ids = [p["id"] for p in synced["proposals"]]
    assert len(ids) == count
    client("POST", "proposals/batch_review", {"ids": ids, "action": "approve"})
    troubles: list[BaseException] = []
    seen: dict[str, set[int]] = {}
    answered = [0]
    ending, guard = threading.Event(), threading.Lock()

    def applied_by(reader: Client, number: int) -> tuple[str, int]:
        """How much of the apply one surface tells of, its facts agreeing with each other."""
        match number % 5:
            case 0:
                body = reader("GET", f"gitops_sync_runs/{run}")
                assert (body["status"] == "applied") == (len(body["applied_actions"]) == count)
                return "run", len(body["applied_actions"])
            case 1:
                standing = reader("GET", "status")
                approved = standing["proposals"].get("approved", 0)
                assert approved + standing["resources"] == count
                assert standing["resources"] == standing["owned"]
                return "status", standing["resources"]
            case 2:
                rows = reader("GET", "fleet/modules?limit=10000")["items"]
                assert all(row["owned"] and row["version"] == 1 for row in rows)
                return "fleet", len(rows)
            case 3:
                return "proposals", len(reader("GET", "proposals?status=applied&limit=10000")["items"])
            case _:
                return "events", len(reader("GET", "fleet_events?type=fleet.created&limit=10000")["items"])

    def reading(number: int) -> None:
        reader = Client(server.address, token)
        latest = 0
        try:
            while not ending.is_set():
                surface, found = applied_by(reader, number)
                assert found >= latest, (surface, "went back", latest, found)
                latest = found
                with guard:
                    seen.setdefault(surface, set()).add(found)
                    answered[0] += 1
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
    assert len(applied["applied"]) == count
    assert answered[0] > READERS
    # One transaction has one time, so the times of the events say what each chunk left.
    chunks = Counter(e["at"] for e in client("GET", "fleet_events?type=fleet.created&limit=10000")["items"])
    left = {0, *accumulate(chunks[at] for at in sorted(chunks))}
    for surface in ("run", "status", "fleet", "proposals", "events"):
        assert {0, count} <= seen[surface] <= left, f"{surface} told of what no commit left"
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
