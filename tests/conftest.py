"""What the tests share: a home of their own, a real git repository, a clock that can be set, a workbench."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from engine.model import Actor, ResourceKey
from engine.server import service
from engine.server.service import Service
from engine.settings import Settings
from engine.workbench import Workbench

hypothesis_settings.register_profile("default", deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
hypothesis_settings.register_profile(
    "thorough", deadline=None, max_examples=1000, suppress_health_check=list(HealthCheck)
)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

T = TypeVar("T")

GIT_ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class GitRepository:
    """A real git repository with a work tree, as a team would push to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Ana Duarte", "-c", "user.email=ana@acme.example"]
        command = ["git", "-C", str(self.path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=GIT_ENVIRONMENT).stdout.strip()

    def push(
        self,
        text: str | bytes,
        *,
        file: str = "fleet.yaml",
        subject: str = "Change the fleet",
        author: str | None = None,
    ) -> str:
        """Commit a file; gives the commit's id."""
        target = self.path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject, *(["--author", author] if author else []))
        return self.git("rev-parse", "HEAD")


@cache
def rest() -> ASGIApp:
    """The API, built once, behind the limits that are around everything: what it serves is found at each request."""
    from engine import api
    from engine.web.limits import Limits

    mounted = api.build()
    return Limits(
        Starlette(
            routes=[
                Route("/healthz", api.healthz),
                Route("/metrics", api.metrics),
                Route("/api", mounted),
                api.below("/api", mounted),
            ]
        )
    )


@contextmanager
def listening() -> Iterator[int]:
    """The API over real HTTP, in a thread of this process, while the block runs; gives its port."""
    server = uvicorn.Server(uvicorn.Config(rest(), log_config=None, lifespan="off"))
    # Named as TCP, so that asyncio sends small pieces at once, as a real server does.
    with socket.socket(proto=socket.IPPROTO_TCP) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([own],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield own.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives, run in a thread of its own: a browser that the same worker drives has a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Served:
    """A home served in this process, to whom commands find their way; its scheduler does not tick by itself."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> Service:
        self._listening = listening()
        self.service = service.open_(self._settings)
        self.service.local.announce("127.0.0.1", self._listening.__enter__())
        return self.service

    def __exit__(self, *_: object) -> None:
        self._listening.__exit__(None, None, None)
        service.use(None)
        self.service.close()


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background so. Children would inherit it, and Ctrl-C is part of what is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class SetClock:
    """A clock that moves on by a second each time it is read, and by what a test adds."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings.from_environment(home, {"FLEET_ALLOW_LOCAL_REMOTES": "1", "FLEET_LOCK_WAIT_S": "0"})


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def git_repo(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "remote")


@pytest.fixture
def workbench(settings: Settings) -> Iterator[Workbench]:
    with Workbench.open_home(settings) as opened:
        yield opened


@pytest.fixture
def serving(workbench: Workbench) -> Iterator[Service]:
    """The workbench, served; its scheduler does not tick by itself."""
    made = Service(workbench)
    service.use(made)
    yield made
    service.use(None)
    made.jobs.close()


def fill_account(workbench: Workbench, account: str, folder: Path) -> GitRepository:
    """Give an account a repository with something pending, applied, drifted and withheld, all named after the account."""
    me = Actor("ana")
    remote = GitRepository(folder / f"remote-{account}")
    text = f"version: 1\naccount: {account}\nmodules:\n  {account}-one: {{priority: 1}}\n"
    remote.push(text, subject=f"{account}-commit")
    workbench.add_repository(me, f"{account}-repo", str(remote.path), account=account)
    workbench.approve(me, [p.id for p in workbench.sync(me, f"{account}-repo").proposals])
    workbench.apply(me, account=account)
    key = ResourceKey(account, "modules", f"{account}-one")
    workbench.set_resource(Actor(f"{account}-ben"), key, {"priority": 9}, note=f"{account}-note")
    more = f"{text}  {account}-two: {{}}\n  {account}-three: {{depends_on: [{account}-gone]}}\n"
    remote.push(more, subject=f"{account}-next")
    workbench.sync(me, f"{account}-repo")
    return remote


@pytest.fixture
def two(workbench: Workbench, tmp_path: Path) -> Workbench:
    """In each account something pending, applied, drifted, withheld, failed and paused, named after the account."""
    me = Actor("ana")
    for account in ("acme", "rival"):
        fill_account(workbench, account, tmp_path)
        workbench.drill(me, account)
        undone = [p.id for p in workbench.live_proposals(account=account) if p.key.name == f"{account}-two"]
        workbench.approve(me, undone)
        workbench.apply(me, account=account)
        workbench.revert(me, undone)
        workbench.add_repository(me, f"{account}-lost", str(tmp_path / "nowhere"), account=account)
        workbench.sync(me, f"{account}-lost")
        workbench.note_deliveries(
            "github", f"{account}-delivery", None, [(workbench.repository(f"{account}-repo").id, "x")]
        )
        workbench.pause(me, f"{account}-freeze", f"{account}-repo")
    workbench.approve(me, [p.id for p in workbench.live_proposals(account="rival")][:1])
    return workbench
