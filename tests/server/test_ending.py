"""How a server ends while others hang: within its limit, and by itself."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from engine.model import Actor, Permission
from engine.server import service
from engine.server.jobs import Jobs
from engine.server.service import Service
from engine.settings import Settings
from engine.system import ending
from engine.workbench import Workbench
from tests.browser.conftest import Server
from tests.conftest import GitRepository
from tests.hostile import BEHAVIOURS, Double, double

ME = Actor("ana")
LIMIT_S = 20


@pytest.fixture
def hanging() -> Iterator[dict[str, Double]]:
    """Vault, Gitea and a receiver of notifications, each of which sends a byte now and then."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(double(BEHAVIOURS["drips headers"])) for name in ("vault", "gitea", "receiver")
        }


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_time_while_everything_outside_hangs(
    tmp_path: Path, git_repo: GitRepository, hanging: dict[str, Double], sign: signal.Signals
) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {m: {}}\n")
    server = Server(
        tmp_path / "home", VAULT_ADDR=hanging["vault"].url, VAULT_TOKEN="canary", FLEET_VAULT_TIMEOUT_S="300",
        FLEET_GITEA_URL=hanging["gitea"].url, FLEET_GITEA_TOKEN="canary", FLEET_NOTIFY_URL=hanging["receiver"].url,
        FLEET_REMOTE_HOSTS="127.0.0.1",
    )  # fmt: skip
    with server.store(FLEET_REMOTE_HOSTS="127.0.0.1") as workbench:
        workbench.add_repository(ME, "told", str(git_repo.path), account="acme")
        for number in range(6):
            workbench.add_repository(
                ME, f"r{number}", f"https://127.0.0.1:1/{number}.git", account="acme", vault_credential_path="secret/data/x/y"
            )  # fmt: skip
        token = workbench.create_token(ME, "ci", account="*", permissions=list(Permission))[1]
    server.start()
    headers = {"Authorization": f"Bearer {token}"}

    def ask(path: str, body: object = None) -> None:
        with suppress(requests.RequestException):
            requests.post(f"{server.address}/api/v1/{path}", json=body, headers=headers, timeout=60)

    ask("system/gitops_repositories/1/sync_now")
    asking = [threading.Thread(target=ask, args=(f"system/gitops_repositories/{id_}/sync_now",)) for id_ in range(2, 8)]
    asking.append(
        threading.Thread(target=ask, args=("integrations/gitea/repositories", {"owner": "acme", "repo": "x"}))
    )
    for thread in asking:
        thread.start()
    assert all(other.arrived.wait(20) for other in hanging.values())
    with socket.create_connection(("127.0.0.1", server.port)) as half:  # somebody who never ends a request
        half.sendall(
            f"PUT /api/v1/system/fleet/modules/m HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n{{".encode()
        )
        began = time.monotonic()
        code = server.stop(sign)
        took = time.monotonic() - began
    assert took < LIMIT_S
    assert code in ({0, 130} if sign is signal.SIGINT else {143, -signal.SIGTERM})
    for thread in asking:
        thread.join(10)
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "canary" not in log
    assert "the server did not stop within" not in log
    with server.store() as workbench:
        assert [r.failure_count for r in workbench.repositories()] == [0] * 7, (
            "an ending server is no failure of a repository"
        )
        assert not any(e.event.type == "store.recovered" for e in workbench.events(limit=1000))
        told = [e.event.type for e in workbench.events(limit=1000) if "gitea" in e.event.type]
        assert told == ["gitops.gitea_repository_refused", "gitops.gitea_repository_asked"]


def test_what_hangs_for_good_is_left_behind(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service, "CLOSE_S", 0.3)
    let_go = threading.Event()
    made = Service(Workbench.open_home(settings))
    made.start()
    made.jobs.begin("x", "hangs", "ana", lambda _tell: let_go.wait(30))
    began = time.monotonic()
    made.close()
    assert time.monotonic() - began < 3
    assert "the server stops while jobs are still running: jobs" in caplog.text
    let_go.set()
    Jobs.close(made.jobs)
    made.workbench.close()


def test_a_process_whose_threads_never_end_is_ended(tmp_path: Path) -> None:
    text = """
import os, signal, threading
from engine.system import ending
class Stuck:
    closed = threading.Event()
    def end_soon(self): print("soon", flush=True)
    def close(self): print("closed", flush=True)
ending.PATIENCE_S, ending.LONGEST_S = 0.1, 0.5
signal.signal(signal.SIGTERM, lambda *_: None)
ending.on_signals(Stuck())
threading.Thread(target=threading.Event().wait, args=(60,), name="stuck").start()
os.kill(os.getpid(), signal.SIGTERM)
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stdout.split() == ["soon", "closed"]
    assert "hanging threads:" in done.stderr
    assert "stuck" in done.stderr
    assert ending.LONGEST_S < LIMIT_S
    assert ending.PATIENCE_S + service.CLOSE_S < ending.LONGEST_S, "closing has its time"
