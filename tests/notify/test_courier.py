"""Notifications over real HTTP: told in order, again when the other side was away, never in the way of a tick."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tenacity import RetryCallState, Retrying

from engine.model import Actor, ResourceKey
from engine.notify import courier as couriers
from engine.notify.courier import Courier
from engine.notify.sinks import Away, Misplaced, Refused, Sink, signed, sinks_of
from engine.server.service import Service
from engine.settings import Settings
from engine.store import outbox
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.hostile import BEHAVIOURS, double

ME = Actor("ana")
SECRET = "canary-of-a-signature"


class Receiver:
    """A webhook of somebody's: keeps what comes, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.slow_s = 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(receiver.slow_s)
                status = receiver.answers.pop(0) if receiver.answers else 200
                if status == 200:
                    receiver.got.append(({name.lower(): text for name, text in self.headers.items()}, body))
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]

    def wait(self, count: int, seconds: float = 20) -> list[Any]:
        deadline = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < deadline, self.bodies
            time.sleep(0.02)
        return self.bodies

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries are short."""
    monkeypatch.setattr(couriers, "wait_random_exponential", lambda **_: lambda _state: 0.05)


@pytest.fixture
def bench(workbench: Workbench, git_repo: GitRepository) -> Workbench:
    git_repo.push("version: 1\naccount: acme\nmodules: {a: {priority: 1}, b: {depends_on: [a]}}\n")
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    return workbench


Serve = Callable[..., Service]


@pytest.fixture
def serve(bench: Workbench) -> Iterator[Serve]:
    """serve(**settings) runs a service with these settings; its scheduler has nothing to do."""
    made: list[Service] = []

    def run(**given: Any) -> Service:
        bench.settings = replace(bench.settings, **given)
        made.append(Service(bench))
        made[-1].start()
        return made[-1]

    yield run
    for service in made:
        service.close()


def test_a_fleets_day_is_told_in_order_signed_and_as_cloud_events(
    bench: Workbench, serve: Serve, receiver: Receiver
) -> None:
    serve(notify_url=receiver.url, notify_secret=SECRET, public_url="http://localhost:3000")
    ids = [p.id for p in bench.sync(ME, "fc").proposals]
    bench.approve(ME, ids)
    bench.apply(ME)
    bench.sync(ME, "fc")
    bench.set_resource(Actor("ben"), ResourceKey("acme", "modules", "a"), {"priority": 5}, note="SEV-2")
    bench.sync(ME, "fc")
    bench.change_repository(ME, "fc", {"branch": "gone"})
    bench.sync(ME, "fc")
    bench.sync(ME, "fc")
    bench.change_repository(ME, "fc", {"branch": "main"})
    bench.sync(ME, "fc")
    bench.change_repository(ME, "fc", {"branch": "gone"})
    bench.sync(ME, "fc")
    told = receiver.wait(8)
    time.sleep(0.3)
    assert [body["type"].removeprefix("fleet-workbench.") for body in receiver.bodies] == [
        "proposals.opened", "proposals.applied", "fleet.edited", "proposals.opened", "drift.detected", "repository.failing",
        "repository.well", "repository.failing",
    ], "a repository that goes on failing alike is told of once, until it was well"  # fmt: skip
    assert told[2]["data"]["title"] == "ben updated modules/a in acme by hand: SEV-2"
    assert told[2]["data"]["link"] == "http://localhost:3000/resource?id=acme%2Fmodules%2Fa"
    assert told[-2]["data"]["title"] == "fc has recovered"
    assert told[0]["data"]["title"] == "2 proposals opened in fc"
    assert told[0]["data"]["resources"] == ["modules/a", "modules/b"]
    assert told[-1]["data"]["title"].startswith("fc is failing: ")
    assert told[-1]["data"]["title"].endswith("(FLEET-203)")
    assert len({body["id"] for body in told}) == 8
    headers, body = receiver.got[0]
    assert headers["content-type"].startswith("application/cloudevents+json")
    stamp = headers["webhook-timestamp"]
    digest = hmac.new(SECRET.encode(), f"{headers['webhook-id']}.{stamp}.".encode() + body, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert abs(int(stamp) - time.time()) < 60


def test_both_sinks_are_told_each_in_its_own_form(bench: Workbench, serve: Serve, receiver: Receiver) -> None:
    serve(notify_url=receiver.url, slack_url=receiver.url)
    bench.sync(ME, "fc")
    forms = {"text" if "text" in body else "event" for body in receiver.wait(2)}
    assert forms == {"text", "event"}


@pytest.mark.usefixtures("quick")
def test_a_sink_that_is_away_is_told_later_and_no_tick_waits(
    bench: Workbench, serve: Serve, receiver: Receiver
) -> None:
    receiver.answers = [503, 500, 429, 408]
    receiver.slow_s = 0.3
    service = serve(notify_url=receiver.url)
    began = time.monotonic()
    bench.sync(ME, "fc")
    assert time.monotonic() - began < 1.2, "four slow refusals have nothing to do with it"
    assert receiver.wait(1)[0]["type"] == "fleet-workbench.proposals.opened"
    deadline = time.monotonic() + 5
    count = service.metrics.registry.get_sample_value
    while count("fleet_notifications_total", {"sink": "webhook", "outcome": "delivered"}) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert count("fleet_notifications_total", {"sink": "webhook", "outcome": "away"}) == 4


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("status", [400, 410, 422])
def test_what_is_refused_is_dropped_and_the_next_one_told(
    bench: Workbench, serve: Serve, receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [status]
    serve(notify_url=receiver.url)
    ids = [p.id for p in bench.sync(ME, "fc").proposals]
    bench.approve(ME, ids)
    bench.apply(ME)
    assert receiver.wait(1)[0]["type"] == "fleet-workbench.proposals.applied"
    assert f"refused a message (HTTP {status})" in caplog.text


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 404])
def test_what_meets_a_wrong_address_is_kept_and_shown_until_the_next_success(
    bench: Workbench, serve: Serve, receiver: Receiver, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = threading.Event()
    mended = threading.Event()

    def pause(_seconds: float) -> None:
        paused.set()
        mended.wait(10)

    monkeypatch.setattr(couriers, "sleep_using_event", lambda _event: pause)
    receiver.answers = [status]
    service = serve(notify_url=receiver.url)
    bench.sync(ME, "fc")
    assert paused.wait(10)
    (standing,) = service.sinks()
    assert (standing.sink, standing.state, standing.trouble[:8]) == ("webhook", "misplaced", f"HTTP {status}")
    assert standing.under_way_s > 0
    figures = service.metrics.render("")[0].decode()
    assert 'fleet_notification_sink{sink="webhook",state="misplaced"} 1.0' in figures
    assert 'fleet_notification_sink{sink="webhook",state="ok"} 0.0' in figures
    assert 'fleet_notification_under_way_seconds{sink="webhook"} 0.0\n' not in figures
    mended.set()
    assert receiver.wait(1)[0]["type"] == "fleet-workbench.proposals.opened"
    deadline = time.monotonic() + 10
    while service.sinks()[0].state != "ok":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert service.sinks()[0].trouble == ""


def test_the_pause_is_the_longest_where_the_address_is_wrong() -> None:
    for error, pauses in ((Misplaced("HTTP 404"), {couriers.LONGEST_PAUSE_S}), (Away("HTTP 503"), range(2))):
        tries = RetryCallState(Retrying(), None, (), {})
        tries.set_exception((type(error), error, None))
        assert int(couriers._pause(tries)) in pauses


def test_a_sink_that_drips_ends_with_its_courier(bench: Workbench) -> None:
    with double(BEHAVIOURS["drips headers"]) as sink:
        bench.settings = replace(bench.settings, notify_url=sink.url)
        service = Service(bench)
        service.start()
        bench.sync(ME, "fc")
        assert sink.arrived.wait(10)
        began = time.monotonic()
        service.close()
        assert time.monotonic() - began < 3


@pytest.mark.usefixtures("quick")
def test_an_answer_that_drips_is_left_at_its_deadline_and_the_message_tried_again(
    bench: Workbench, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.notify.sinks.TIMEOUT_S", 0.5)
    with double(BEHAVIOURS["drips headers"]) as sink:
        service = serve(notify_url=sink.url)
        bench.sync(ME, "fc")
        assert sink.left.wait(10)
        sink.behaviour = BEHAVIOURS["well"]
        deadline = time.monotonic() + 10
        while not (len(sink.asked) > 1 and service.sinks()[0].state == "ok"):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def telling_position(service: Service) -> int | None:
    """The last event that the sink has taken, as the store remembers it."""
    with service.workbench.store.read() as tx:
        return outbox.position(tx, "webhook")


@pytest.mark.usefixtures("quick")
def test_what_happened_while_nobody_served_is_told_by_the_next_process(
    settings: Settings, git_repo: GitRepository, receiver: Receiver
) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {a: {}}\n")
    telling = replace(settings, notify_url=receiver.url)
    with Workbench.open_home(settings) as bench:
        bench.add_repository(ME, "fc", str(git_repo.path), account="acme")
        bench.sync(ME, "fc")
    service = Service(Workbench.open_home(telling))
    service.start()
    service.close()
    assert receiver.got == [], "the past before the first start is no news"
    with Workbench.open_home(settings) as bench:
        bench.approve(ME, [1])
        bench.apply(ME)
    service = Service(Workbench.open_home(telling))
    told = telling_position(service)
    service.start()
    assert receiver.wait(1)[0]["type"] == "fleet-workbench.proposals.applied"
    deadline = time.monotonic() + 20
    while (
        telling_position(service) == told and time.monotonic() < deadline
    ):  # it has arrived; its answer is still on the way
        time.sleep(0.02)
    service.close()
    service = Service(Workbench.open_home(telling))
    service.start()
    time.sleep(0.3)
    service.close()
    assert len(receiver.got) == 1, "and not twice"


def test_a_server_ends_soon_while_a_sink_is_away(bench: Workbench, receiver: Receiver) -> None:
    receiver.answers = [503] * 100
    bench.settings = replace(bench.settings, notify_url=receiver.url)
    service = Service(bench)
    service.start()
    bench.sync(ME, "fc")
    time.sleep(0.5)
    began = time.monotonic()
    service.close()
    assert time.monotonic() - began < 3


def test_no_address_and_no_secret_is_said(bench: Workbench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sink = Sink("slack", "http://127.0.0.1:1/services/canary-of-a-token", SECRET)
    assert "canary" not in repr(sink)
    heard = Courier(bench.store, sink)
    heard.start()
    bench.sync(ME, "fc")
    heard.recorded(bench.events())
    deadline = time.monotonic() + 10
    while "is not reachable" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    heard.stop()
    assert "canary" not in "".join(r.getMessage() for r in caplog.records if r.name.startswith("fleet"))


def test_a_test_message_says_what_came_of_it(bench: Workbench, receiver: Receiver) -> None:
    assert bench.test_notifications(ME) == []
    bench.settings = replace(bench.settings, notify_url=receiver.url, slack_url="http://127.0.0.1:1/x")
    assert bench.test_notifications(ME) == [
        ("webhook", "delivered"),
        ("slack", "away: it cannot be reached, or closed the connection"),
    ]
    assert receiver.bodies[0]["type"] == "fleet-workbench.test"
    receiver.answers = [404, 410]
    assert bench.test_notifications(ME)[0] == (
        "webhook",
        "away: HTTP 404: check the address and its credential",
    )
    assert bench.test_notifications(ME)[0] == ("webhook", "refused: HTTP 410")


def test_a_secret_of_standard_webhooks_is_read_as_they_write_it() -> None:
    key = b"k" * 24
    plain = signed("msg_1", 5, b"{}", "whsec_" + base64.b64encode(key).decode())
    digest = hmac.new(key, b"msg_1.5.{}", hashlib.sha256).digest()
    assert plain["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_the_settings_name_the_sinks(home: Path) -> None:
    given = {"FLEET_NOTIFY_URL": "https://h.example/x", "FLEET_SLACK_URL": "https://hooks.example/y"}
    assert [sink.name for sink in sinks_of(Settings.from_environment(home, given))] == ["webhook", "slack"]
    assert sinks_of(Settings.from_environment(home, {})) == []
    assert issubclass(Away, Exception)
    assert issubclass(Refused, Exception)
