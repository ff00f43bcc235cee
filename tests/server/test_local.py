"""The way from a command to the server on its home: who may come in, what crosses, and what happens when the server is gone."""

from __future__ import annotations

import inspect
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from engine import remote
from engine.access.permits import crosses
from engine.errors import ApplyError, FleetError, FleetFileInvalid, Problem, RefusedEdit
from engine.model import Actor, ResourceKey
from engine.remote import Place, RemoteWorkbench, wire
from engine.remote.local import LocalAccess
from engine.server.service import Service
from engine.settings import Settings
from engine.workbench import Workbench
from tests.browser.conftest import ROOT, Server
from tests.builders import rivals
from tests.conftest import GitRepository, Served, listening

ME = Actor("ana")


@pytest.fixture
def served(settings: Settings) -> Iterator[Service]:
    with Served(settings) as made:
        yield made


@pytest.fixture
def place(served: Service) -> Place:
    found = remote.find(served.workbench.settings.home)
    assert found is not None
    return found


def test_the_word_of_a_server_is_its_owners_alone_and_goes_with_it(settings: Settings) -> None:
    with Served(settings):
        assert stat.S_IMODE((settings.home / "server.json").stat().st_mode) == 0o600
        assert remote.find(settings.home) is not None
    assert remote.find(settings.home) is None
    assert not (settings.home / "server.json").exists()


def test_only_the_homes_own_token_opens_and_it_changes(served: Service, place: Place) -> None:
    def ask(token: str | None, verb: str = "accounts") -> requests.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        body = {"actor": "ana", "arguments": {}, "tell": []}
        return requests.post(f"http://127.0.0.1:{place.port}/api/local/{verb}", json=body, headers=headers, timeout=30)

    _, jwt = served.workbench.create_token(ME, "x", account="*", permissions=[*Actor("x").permissions])
    for token in (None, "", "x", place.token[:-1], jwt):
        assert ask(token).status_code == 401
    assert ask(place.token).text == '{"gives":[]}\n'
    served.local.renew()
    assert ask(place.token).status_code == 200, "who has just read it is let in"
    served.local.renew()
    assert ask(place.token).status_code == 401
    newest = remote.find(served.workbench.settings.home)
    assert newest is not None
    assert ask(newest.token).status_code == 200
    for verb in (
        "close",
        "stop",
        "open_home",
        "_halted",
        "bearer",
        "permit",
        "note_deliveries",
        "__class__",
        "store",
        "nothing",
    ):
        assert ask(newest.token, verb).status_code == 404, verb


def test_a_word_that_others_could_have_written_is_not_believed(served: Service) -> None:
    home = served.workbench.settings.home
    (home / "server.json").chmod(0o644)
    assert remote.find(home) is None


@pytest.mark.parametrize(
    "word", ["", "{}", "[]", '{"host": 1, "port": "x"}', '{"host":"127.0.0.1","port":1,"token":"x","pid":1}']
)
def test_a_word_that_leads_nowhere_is_passed_over(home: Path, word: str) -> None:
    home.mkdir()
    path = home / "server.json"
    path.write_text(word)
    path.chmod(0o600)
    assert remote.find(home) is None


def test_a_new_verb_crosses_only_when_it_says_so(
    served: Service, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def newest(self: Workbench) -> int:
        return 7

    def ask() -> requests.Response:
        wire.verbs.cache_clear()
        headers, body = {"Authorization": f"Bearer {place.token}"}, {"actor": "ana", "arguments": {}, "tell": []}
        return requests.post(f"http://127.0.0.1:{place.port}/api/local/newest", json=body, headers=headers, timeout=30)

    before = dict(wire.verbs())
    monkeypatch.setattr(Workbench, "newest", newest, raising=False)
    try:
        assert ask().status_code == 404
        assert wire.verbs() == before
        with pytest.raises(AttributeError):
            RemoteWorkbench(place, served.workbench.settings).newest  # noqa: B018
        crosses(newest)
        assert ask().text == '{"gives":7}\n'
    finally:
        monkeypatch.undo()
        wire.verbs.cache_clear()
    kept_in = {
        name for name, _ in inspect.getmembers(Workbench, inspect.isfunction) if not name.startswith("_")
    } - wire.verbs().keys()
    assert {"bearer", "close", "enter", "leave", "permit", "seen_by", "stop"} <= kept_in, "what is about the process"
    assert not {name for name in wire.verbs() if name.startswith("_")}


def test_every_answer_crosses_unchanged(two: Workbench) -> None:
    crossed = 0
    for name, ask in rivals(two).items():
        if name not in wire.verbs() or name == "drift_figures":  # the table asks for something else there
            continue
        try:
            given = getattr(two, name)
            answer = ask(two)
        except FleetError as error:
            back = wire.error_of(msgspec.json.decode(wire.packed(error)))
            assert (type(back), back.body()) == (type(error), error.body())
            continue
        hint = wire.hints(name)["return"]
        if name in {"run_before", "run_detail", "held_by", "neighbours"}:
            hint = Any  # the table asks for several, or for a part
            continue
        assert given is not None
        assert wire.unpacked(msgspec.json.decode(wire.packed(answer)), hint) == answer, name
        crossed += 1
    assert crossed > 25


@pytest.mark.parametrize(
    "error",
    [
        RefusedEdit("FLEET-625", "no", "mend", others=["a", "b"]),
        ApplyError("FLEET-501", "paused"),
        FleetFileInvalid([Problem("FLEET-104", "m", "h", "f.yaml", 3, 4), Problem("FLEET-105", "n", "i")]),
    ],
)
def test_errors_cross_as_what_they_are(error: FleetError) -> None:
    back = wire.error_of(msgspec.json.decode(wire.packed(error)))
    assert (type(back), back.body(), str(back)) == (type(error), error.body(), str(error))


def test_what_is_told_on_the_way_crosses_too(served: Service, place: Place, git_repo: GitRepository) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {a: {}, b: {}}\n")
    there: Any = RemoteWorkbench(place, served.workbench.settings)
    there.add_repository(ME, "fc", str(git_repo.path), account="acme", auto_apply=True)
    stages: list[str] = []
    steps: list[tuple[int, int]] = []
    synced = there.sync(ME, "fc", watcher=stages.append, progress=lambda done, of: steps.append((done, of)))
    assert stages == ["sync", "parse", "diff", "propose", "apply"]
    assert steps == [(2, 2)]
    assert [p.key for p in synced.proposals] == [
        ResourceKey("acme", "modules", "a"),
        ResourceKey("acme", "modules", "b"),
    ]
    assert synced.run == served.workbench.run(synced.run.id)
    assert [e.actor for e in served.workbench.events(limit=100) if e.event.type == "fleet.created"] == ["ana", "ana"]


def test_arguments_of_another_version_are_said_to_be_that(served: Service, place: Place) -> None:
    there: Any = RemoteWorkbench(place, served.workbench.settings)
    headers = {"Authorization": f"Bearer {place.token}"}
    for arguments in ({"nothing": 1}, {"name": [5]}, {"name": None}):
        answer = requests.post(
            f"http://127.0.0.1:{place.port}/api/local/repository",
            json={"actor": "ana", "arguments": arguments, "tell": []},
            headers=headers,
            timeout=30,
        )
        assert answer.status_code == 404
    with pytest.raises(AttributeError):
        _ = there.nothing
    page = type("Answer", (), {"read": lambda self: b"<html>"})()
    assert there._refused(page).code == "FLEET-311"


def test_a_server_that_ends_in_the_middle_is_said_to(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on = threading.Event(), threading.Event()

    def waiting(self: Workbench) -> list[str]:
        began.set()
        assert go_on.wait(20)
        return []

    monkeypatch.setattr(Workbench, "accounts", waiting)
    with listening() as port:
        access = LocalAccess(settings.home)
        with Served(settings) as service:
            service.local = access
            access.announce("127.0.0.1", port)
            found = remote.find(settings.home)
            assert found is not None
            there: Any = RemoteWorkbench(found, settings)
            caught: list[BaseException] = []

            def ask() -> None:
                try:
                    there.accounts()
                except BaseException as error:
                    caught.append(error)

            thread = threading.Thread(target=ask)
            thread.start()
            assert began.wait(20)
            access.close()
            go_on.set()
            thread.join(20)
            assert caught == [], "what was let in is answered"
            with pytest.raises(FleetError, match="FLEET-661"):
                there.accounts()


def test_commands_find_a_real_server_and_do_without_a_killed_one(tmp_path: Path, git_repo: GitRepository) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {a: {}}\n")
    server = Server(tmp_path / "home").start()
    environment = {**server._environment, "FLEET_HOME": str(server.home)}

    def fleet(*arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "engine.cli", *arguments, "--json"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    fleet("repo", "add", "fc", str(git_repo.path), "--account", "acme")
    opened = fleet("sync", "fc")
    assert opened["gitops_sync_run"]["request_id"], "the server did it"
    fleet("approve", "--all")
    assert fleet("apply")["applied"][0]["name"] == "a"
    before = (server.home / "server.json").read_text()
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGKILL)
    server._process.wait()
    assert (server.home / "server.json").read_text() == before, "it could not take its word back"
    assert fleet("run", "list")["items"][0]["status"] == "applied"
    alone = fleet("sync", "fc")["gitops_sync_run"]
    assert alone["request_id"] is None, "the command did it itself"


def test_a_command_does_not_wait_for_a_server_that_is_starting(tmp_path: Path) -> None:
    server = Server(tmp_path / "home")
    starting = threading.Thread(target=server.start)
    starting.start()
    environment = {**server._environment, "FLEET_HOME": str(server.home), "FLEET_LOCK_WAIT_S": "20"}
    codes = []
    deadline = time.monotonic() + 60
    while starting.is_alive() and time.monotonic() < deadline:
        done = subprocess.run(
            [sys.executable, "-m", "engine.cli", "status", "--json"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            timeout=60,
        )
        codes.append((done.returncode, done.stderr))
    starting.join(60)
    assert all(code == 0 for code, _ in codes), codes
    assert server.stop() == 0
