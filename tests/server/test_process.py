"""The one process: what `fleet serve` and `streamlit run app.py` start, what they answer, how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from engine.model import Actor, RunStatus
from tests.browser.conftest import ROOT, Server
from tests.conftest import GitRepository

ME = Actor("ana")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "home")
    yield made
    with suppress(AssertionError):
        made.stop()


def answer(url: str, method: str = "GET") -> tuple[int, str, str]:
    """(status, media type, body), redirects followed."""
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as found:
            return found.status, found.headers.get_content_type(), found.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get_content_type(), error.read().decode()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1/system/nothing", "/api/v1/x%0Ay"])
def test_below_api_everything_unknown_is_a_problem_in_json(running: Server, path: str, method: str) -> None:
    status, media, body = answer(running.address + path, method)
    assert (status, media) == (404, "application/problem+json")
    assert json.loads(body)["code"] == "FLEET-642"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("served") / "home").start()
    yield made
    made.stop()


def test_the_runbooks_address_leads_to_the_queue(running: Server) -> None:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(Stay).open(f"{running.address}/app/approvals?status=failed", timeout=10)
    caught.value.close()
    assert (caught.value.code, caught.value.headers["location"]) == (307, "/approvals?status=failed")


def test_every_page_has_an_address_of_its_own(running: Server) -> None:
    for page in ("", "approvals", "proposal", "runs", "fleet", "resource", "settings"):
        assert answer(f"{running.address}/{page}")[:2] == (200, "text/html")


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 101), ("localhost", 101), ("evil.example", 403)])
def test_only_this_machines_names_lead_to_the_dashboard(running: Server, host: str, status: int) -> None:
    address = f"{host}:{running.port}"
    assert running.handshake(Host=address, Origin=f"http://{address}", Cookie=running.cookie()) == status


def test_it_listens_on_loopback_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "--home", str(tmp_path), "serve", "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert "FLEET-641" in done.stderr


def test_streamlit_itself_is_not_let_beyond_loopback_either(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.address", "0.0.0.0", "--server.port", "0"],
        capture_output=True, text=True, timeout=60, cwd=tmp_path, env={**os.environ, "FLEET_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert done.returncode != 0
    assert "FLEET-641" in done.stderr
    assert "FLEET_OIDC_METADATA_URL" in done.stderr


def test_a_home_that_is_held_is_said_in_a_sentence(running: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "--home", str(running.home), "serve", "--port", "1"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "FLEET_LOCK_WAIT_S": "0"},
    )
    assert done.returncode == 1
    assert "FLEET-301" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_waits_for_a_server_that_is_coming_up(server: Server) -> None:
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(server.start)
        while not (server.home / "server.json").exists():  # left before the server can answer
            assert not started.done()
        done = subprocess.run(
            [sys.executable, "-m", "engine.cli", "--home", str(server.home), "status"],
            capture_output=True,
            text=True,
            timeout=90,
            cwd=ROOT,
            env={**os.environ, "FLEET_LOCK_WAIT_S": "0"},
        )
        assert started.result(60)
    assert (done.returncode, done.stderr.count("Waiting for it")) == (0, 1), done.stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_on_a_signal_and_leaves_nothing_running(server: Server, sign: signal.Signals) -> None:
    server.start()
    code = server.stop(sign)
    assert code in ({0} if sign is signal.SIGINT else {0, 143, -signal.SIGTERM})
    assert "Traceback" not in server.log.read_text()
    with server.store() as workbench:
        assert workbench.status().well
    assert "nanobind" not in server.log.read_text(), "nothing keeps the store alive until the interpreter ends"


def test_it_ticks_by_itself_and_stops_in_the_middle_of_an_apply(tmp_path: Path, git_repo: GitRepository) -> None:
    modules = "".join(f"  m{number:05}: {{}}\n" for number in range(9_000))
    git_repo.push(f"version: 1\naccount: acme\nmodules:\n{modules}")
    server = Server(tmp_path / "home", FLEET_SYNC_INTERVAL_S="1", POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK="9000")
    with server.store() as workbench:
        workbench.add_repository(ME, "fc", str(git_repo.path), account="acme", auto_apply=True)
    server.start()
    time.sleep(3.5)
    server.stop(signal.SIGTERM)
    with server.store() as workbench:
        runs = workbench.runs()
        assert runs, server.log.read_text()
        assert all(run.status is not RunStatus.RUNNING and run.trigger == "schedule" for run in runs)
        live = workbench.resources(account="acme", limit=10_000)
        applied = workbench.proposals(status="applied", limit=10_000)
        assert len(live) == len(applied)
        assert not any(event.event.type == "store.recovered" for event in workbench.events(limit=1000))


def test_streamlit_run_starts_the_same(server: Server, git_repo: GitRepository) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {m: {}}\n")
    with server.store() as workbench:
        workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    server = Server(server.home, FLEET_HOME=str(server.home))
    server.start(sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", "{port}")
    assert answer(f"{server.address}/api/x")[0] == 404
    assert answer(f"{server.address}/approvals")[:2] == (200, "text/html")
    server.stop(signal.SIGTERM)
    assert "Traceback" not in server.log.read_text()
    with server.store() as workbench:
        assert [r.name for r in workbench.repositories()] == ["fc"]
