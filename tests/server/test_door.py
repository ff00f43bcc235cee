"""Who gets into the dashboard, what every answer carries, and what is said to whom: by real HTTP against a real server."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.types import Message, Receive, Scope, Send

from engine import remote
from engine.cli import story
from engine.model import Actor, Permission, ResourceKey
from engine.remote.local import started_as
from engine.server.links import COOKIE_S, LINK_S, LocalLinks, page_of
from engine.server.service import Service
from engine.server.site import Origin, Site
from engine.settings import Settings
from engine.web.headers import Headers
from tests.browser.conftest import ROOT, Server
from tests.conftest import in_a_loop
from tests.remotes.servers import free_port

ME = Actor("ana")
NEEDED, USED, FOREIGN = "FLEET-667", "FLEET-668", "FLEET-669"
SENTENCE = f"This dashboard opens only with a link. In a terminal on the machine where it runs, run: <code>{started_as()} open</code>"
HEADERS = {
    "Content-Security-Policy": {"frame-ancestors 'none'"},
    "X-Frame-Options": {"DENY"},
    "X-Content-Type-Options": {"nosniff"},
    "Referrer-Policy": {"same-origin", "no-referrer"},
}


@pytest.fixture(scope="module")
def tokens() -> dict[str, str]:
    """Tokens of the module's server, by the account that they are of."""
    return {}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, tokens: dict[str, str]) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("door") / "home")
    with made.store() as workbench:
        for account, granted in (("*", Permission.READ), ("acme", Permission.READ), ("none", Permission.SYNC)):
            of = "*" if account == "none" else account
            tokens[account] = workbench.create_token(ME, account, account=of, permissions=[granted])[1]
    made.start()
    yield made
    made.stop()


def get(server: Server, path: str, method: str = "GET", **headers: str) -> requests.Response:
    """One answer, redirects not followed and the path as it stands."""
    prepared = requests.Request(method, server.address, headers=headers).prepare()
    prepared.url = f"{server.address}{path}"
    with requests.Session() as session:
        return session.send(prepared, allow_redirects=False, timeout=30)


def fleet(server: Server, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine.cli", "--home", str(server.home), *words], cwd=ROOT, env={**server._environment, **environment},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


# Links and cookies


def test_a_link_opens_once_and_its_secret_stays_in_no_address(running: Server) -> None:
    link = fleet(running, "open", "--print").stdout.strip()
    assert re.fullmatch(rf"{running.address}/open\?key=[\w-]{{43}}", link)
    path = link.removeprefix(running.address)
    assert get(running, path, "HEAD").status_code == 403, "a preview uses nothing up"
    opened = get(running, path)
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    name, *said = opened.headers["set-cookie"].split("; ")
    assert re.fullmatch(rf"fleet-{running.port}-[0-9a-f]{{8}}=\d+\.[0-9a-f]{{64}}", name)
    assert {"HttpOnly", "Path=/", "SameSite=lax", f"Max-Age={30 * 86_400}"} <= set(said)
    assert (opened.headers["referrer-policy"], opened.headers["cache-control"]) == ("no-referrer", "no-store")
    again = get(running, path)
    assert again.status_code == 403
    assert "set-cookie" not in again.headers
    assert USED in again.text
    assert f"run: <code>{started_as()} open</code>" in again.text
    assert get(running, path, Cookie=name).headers["location"] == "/", "a browser that was let in goes on"
    assert json.loads(fleet(running, "--json", "open").stdout).keys() == {"url"}
    assert running.handshake(Cookie=name) == 101
    assert link.partition("key=")[2] not in running.log.read_text()


@pytest.mark.parametrize(
    ("page", "leads"),
    [
        ("/approvals?status=failed", "/approvals?status=failed"),
        ("/fleet%20x", "/fleet%20x"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("approvals", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("/a\tb", "/"),
        ("/\N{FULLWIDTH SOLIDUS}evil.example", "/"),
        ("/open?key=x", "/"),
        ("", "/"),
    ],
)
def test_a_link_leads_to_pages_of_this_server_alone(page: str, leads: str) -> None:
    assert page_of(page) == leads


@pytest.mark.parametrize(
    "path",
    ["/", "/approvals", "/proposal?id=1", "/nothing/here", "/x%00y", "/..%2f..%2fetc", "//evil.example/x", "/overview.html"],
)  # fmt: skip
def test_a_page_without_a_cookie_says_what_to_type(running: Server, path: str) -> None:
    answer = get(running, path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert SENTENCE in answer.text
    assert NEEDED in answer.text
    assert "evil" not in answer.text, "it leads back to this server alone"
    assert str(running.home) not in answer.text
    if path == "/proposal?id=1":
        assert 'href="/proposal?id=1"' in answer.text


def test_markup_in_an_address_is_text(running: Server) -> None:
    assert "<b>" not in get(running, '/x"><b>y?z=<b>').text


def test_this_machine_by_another_name_is_led_to_the_name_of_the_links(running: Server) -> None:
    answer = get(running, "/proposal?id=1", Host=f"localhost:{running.port}")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{running.address}/proposal?id=1")
    forwarded = get(running, "/proposal?id=1", Host="localhost:8080")
    assert SENTENCE in forwarded.text, "a port that was forwarded leads here by that port alone"


@pytest.mark.parametrize("path", ["/media/x.csv", "/component/x/y.js", "/_stcore/upload_file/a/b", "/_stcore/script-health-check"])  # fmt: skip
def test_what_pages_fetch_is_closed_too(running: Server, path: str) -> None:
    answer = get(running, path)
    assert (answer.status_code, answer.json()["code"]) == (403, NEEDED)
    assert NEEDED not in get(running, path, Cookie=running.cookie()).text


@pytest.mark.parametrize(
    "cookie",
    [
        "", "x=y", "{name}=", "{name}=1.2", "{name}={issued}.{signature}0", "{name}={later}.{signature}", "{name}={issued}.",
        "{name}={issued}.é", "{name}=²²²²²²²²².{signature}", "x{name}={issued}.{signature}",
    ],
)  # fmt: skip
def test_a_cookie_that_was_not_made_here_opens_nothing(running: Server, cookie: str) -> None:
    name, _, value = running.cookie().partition("=")
    issued, _, signature = value.partition(".")
    sent = cookie.format(name=name, issued=issued, later=int(issued) + 1, signature=signature)
    assert running.handshake(Cookie=sent.encode("utf-8").decode("latin-1")) == 403
    assert running.handshake(Cookie=f"jupyter=a b; {name}={value}; z=ä".encode().decode("latin-1")) == 101


def test_a_cookie_survives_a_restart_and_ends_with_the_key_and_two_homes_do_not_meet(tmp_path: Path) -> None:
    first, second = (Server(tmp_path / name).start() for name in ("one", "two"))
    try:
        mine, other = first.cookie(), second.cookie()
        assert mine.partition("=")[0] != other.partition("=")[0]
        both = f"{mine}; {other}"
        assert (first.handshake(Cookie=both), second.handshake(Cookie=both)) == (101, 101)
        borrowed = f"{other.partition('=')[0]}={mine.partition('=')[2]}"
        assert (first.handshake(Cookie=other), second.handshake(Cookie=borrowed)) == (403, 403)
        second.stop()
        first.stop()
        old = re.search(r"/open\?key=\S+", first.log.read_text())
        first.start()
        assert first.handshake(Cookie=mine) == 101
        assert old is not None
        assert get(first, old[0]).status_code == 403, "a link ends with its server"
        new = re.search(r"/open\?key=\S+", first.log.read_text())
        assert new is not None
        assert get(first, new[0]).status_code == 303, "a server prints a link when it starts"
        (first.home / "keys" / "door").unlink()
        assert first.handshake(Cookie=mine) == 403
        assert SENTENCE in get(first, "/", Cookie=mine).text
        assert first.handshake(Cookie=first.cookie()) == 101
    finally:
        first.stop()
        second.stop()


def test_streamlit_run_prints_a_link_too_and_off_means_off(tmp_path: Path) -> None:
    server = Server(tmp_path / "home", FLEET_HOME=str(tmp_path / "home"))
    server.start(sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", "{port}")
    found = re.search(rf"{server.address}(/open\?key=\S+)", server.log.read_text())
    assert found is not None
    assert get(server, found[1]).status_code == 303
    server.stop(signal.SIGTERM)
    off = Server(tmp_path / "home", FLEET_LOCAL_LINK="off").start()
    assert "key=" not in off.log.read_text()
    assert off.handshake() == 101
    assert off.link() == f"{off.address}/"
    assert SENTENCE not in get(off, "/approvals").text
    assert off.handshake(Origin="http://127.0.0.1:1") == 403, "a foreign page is refused all the same"
    off.stop()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can act as somebody else")
def test_another_user_of_the_machine_gets_nothing(running: Server) -> None:
    script = (
        "import sys; sys.path[:0] = [sys.argv[2]]\n"
        "import http.client, pathlib\n"
        "home, port = pathlib.Path(sys.argv[1]), int(sys.argv[3])\n"
        "for name in ('server.json', 'keys/door', 'fleet.duckdb', 'links'):\n"
        "    try:\n"
        "        (home / name).open('rb').read(); print('read', name)\n"
        "    except OSError as error:\n"
        "        print(type(error).__name__)\n"
        "c = http.client.HTTPConnection('127.0.0.1', port, timeout=10)\n"
        "own = {'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13',\n"
        "       'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Origin': f'http://127.0.0.1:{port}'}\n"
        "c.request('GET', '/_stcore/stream', headers=own); a = c.getresponse(); print(a.status, a.read().decode())\n"
        "c = http.client.HTTPConnection('127.0.0.1', port, timeout=10)\n"
        "c.request('GET', '/approvals'); print(c.getresponse().read().decode())\n"
        "c.request('POST', '/api/local/link', '{\"file\": false}'); print(c.getresponse().status)\n"
    )
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/env", "python3", "-I", "-c", script,
         str(running.home), str(ROOT), str(running.port)],
        capture_output=True, text=True, timeout=60, cwd="/",
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[:4] == ["PermissionError"] * 4, done.stderr
    assert lines[4].startswith("403 ")
    assert NEEDED in lines[4]
    assert SENTENCE in done.stdout
    assert lines[-1] == "401"


def test_a_browser_is_given_a_private_file_and_no_secret(running: Server, tmp_path: Path) -> None:
    arguments = tmp_path / "arguments"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {arguments}\n')
    script.chmod(0o755)
    done = fleet(running, "open", DISPLAY=":0", BROWSER=f"{script} %s")
    assert done.returncode == 0, done.stderr
    assert "key=" not in done.stdout + done.stderr
    given = arguments.read_text().strip()
    path = Path(given.removeprefix("file://"))
    assert given.startswith(f"file://{running.home}/links/")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    link = re.search(r"/open\?key=[\w-]+", path.read_text())
    assert link is not None
    assert link[0].partition("key=")[2] not in given
    assert get(running, link[0]).status_code == 303
    assert not path.exists(), "it leads nowhere any more"


def test_a_server_on_a_terminal_with_a_display_opens_a_browser_itself(tmp_path: Path) -> None:
    arguments = tmp_path / "arguments"
    os.mkfifo(arguments)
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {arguments}\n')
    script.chmod(0o755)
    port, (master, terminal) = free_port(), pty.openpty()
    environment = {**Server(tmp_path / "home")._environment, "DISPLAY": ":0", "BROWSER": f"{script} %s"}
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "--home", str(tmp_path / "home"), "serve", "--port", str(port)],
        cwd=ROOT, env=environment, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    try:
        given = arguments.read_text().strip()  # waits for the browser
        assert given.startswith(f"file://{tmp_path}/home/links/")
        text = Path(given.removeprefix("file://")).read_text()
        link = re.search(r'http://[^"]+key=[\w-]+', text)
        assert link is not None
        with requests.get(link[0], allow_redirects=False, timeout=30) as answer:
            assert answer.status_code == 303
        assert list((tmp_path / "home" / "links").iterdir()) == []
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        os.close(master)
        os.close(terminal)
    assert not (tmp_path / "home" / "links").exists()


def test_open_without_a_server_says_how_to_start_one(tmp_path: Path) -> None:
    done = fleet(Server(tmp_path / "home"), "open")
    assert (done.returncode, "FLEET-640" in done.stderr, "serve" in done.stderr) == (1, True, True)


def test_the_demo_opens_without_a_link_while_it_holds_the_example_alone(tmp_path: Path) -> None:
    server = Server(tmp_path / "home")
    server.start(sys.executable, "-m", "engine.cli", "--home", str(server.home), "demo", "--port", "{port}")
    assert server.handshake() == 101
    server.stop()
    said = server.log.read_text()
    assert "The dashboard opens without a link, because this home contains only the example." in said
    assert "key=" not in said
    with server.store() as workbench:
        assert story.is_alone(workbench)
        workbench.set_resource(ME, ResourceKey("acme", "modules", "real"), {})
        assert not story.is_alone(workbench)
        workbench.delete_resource(ME, ResourceKey("acme", "modules", "real"))
        workbench.add_repository(ME, "real", "https://git.example.com/acme/real.git", account="northwind")
        assert not story.is_alone(workbench)
        for needed in (False, True):
            assert Service(workbench, link_needed=needed).links.needed is needed


class Time:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def links(home: Path) -> LocalLinks:
    home.mkdir(mode=0o700)
    made = LocalLinks(home, needed=True, now=Time())
    made.announce(Origin("http", "127.0.0.1", 3000), 3000)
    return made


def passes(links: LocalLinks, seconds: float) -> None:
    assert isinstance(links._now, Time)
    links._now.now += seconds


def secret(link: str) -> str:
    return link.partition("key=")[2].partition("&")[0]


@pytest.mark.parametrize(("seconds", "opens"), [(0, True), (LINK_S - 1, True), (LINK_S, False), (LINK_S + 1, False), (-LINK_S, False)])  # fmt: skip
def test_a_link_lives_ten_minutes(links: LocalLinks, seconds: float, opens: bool) -> None:
    key = secret(links.make())
    passes(links, seconds)
    assert links.take(key) is opens


@pytest.mark.parametrize(("seconds", "admits"), [(0, True), (COOKIE_S, True), (COOKIE_S + 1, False), (-30, True), (-3600, False)])  # fmt: skip
def test_a_cookie_lives_thirty_days(links: LocalLinks, seconds: float, admits: bool) -> None:
    cookie = links.cookie()
    passes(links, seconds)
    assert links.admits(cookie) is admits


def test_of_many_who_use_a_link_at_once_one_gets_in(links: LocalLinks) -> None:
    key = secret(links.make())
    gate = threading.Barrier(8)

    def use(_: int) -> bool:
        gate.wait()
        return links.take(key)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(8))) == [*[False] * 7, True]


def test_links_that_nobody_uses_do_not_pile_up(links: LocalLinks, home: Path) -> None:
    first = links.make_file()
    made = [secret(links.make()) for _ in range(100)]
    assert not first.exists()
    assert [links.take(key) for key in made].count(True) == 32
    old = links.make_file()
    passes(links, LINK_S)
    links.tidy()
    assert not old.exists()
    links.make_file()
    links.close()
    assert not (home / "links").exists()


def test_what_is_kept_of_a_link_does_not_open(links: LocalLinks) -> None:
    links.make()
    for kept in links._open:
        assert not links.take(kept.hex())
        assert not links.take(kept.decode("latin-1"))


# Hosts and origins


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:{port}", 101),
        ("", 403),
        ("null", 403),
        ("file://", 403),
        ("http://127.0.0.1", 403),
        ("http://127.0.0.1:9999", 403),
        ("http://localhost:{port}", 403),
        ("http://localhost:8888", 403),
        ("http://0.0.0.0:{port}", 403),
        ("https://127.0.0.1:{port}", 403),
        ("https://127.0.0.1", 403),
        ("http://[::1]:{port}", 403),
        ("http://evil.example", 403),
        ("http://127.0.0.1.evil.example:{port}", 403),
        ("http://127.0.0.1:{port}@evil.example", 403),
        ("http://evil.example@127.0.0.1:{port}", 403),
        ("http://evil.example#127.0.0.1:{port}", 403),
        ("http://127.0.0.1:{port}/", 403),
        ("http://127.0.0.1:{port} http://evil.example", 403),
        ("http://127.0.0.1:x", 403),
        ("http://[", 403),
    ],
)
def test_a_websocket_opens_to_pages_of_this_server_alone(running: Server, origin: str, status: int) -> None:
    assert running.handshake(Origin=origin.format(port=running.port), Cookie=running.cookie()) == status


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "localhost."])
def test_every_name_of_this_machine_is_an_origin_of_its_own(running: Server, name: str) -> None:
    for port in (running.port, 8080):  # a port that was forwarded
        address = f"{name}:{port}"
        cookie = running.cookie()
        assert running.handshake(Host=address, Origin=f"http://{address}", Cookie=cookie) == 101


HOSTS = ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "127.0.0.1:x", "a@127.0.0.1:{port}", "127.0.0.1:{port}/x", "[::1", "0.0.0.0:{port}"]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/", "/approvals", "/api/docs", "/api/openapi.json", "/api/local/accounts", "/_stcore/host-config", "/_stcore/metrics", "/favicon.png", "/open?key=x", "/api"])  # fmt: skip
def test_a_page_under_a_foreign_name_is_refused(running: Server, host: str, path: str) -> None:
    answer = get(running, path, Host=host.format(port=running.port), Cookie=running.cookie())
    assert (answer.status_code, answer.json()["code"]) == (421, FOREIGN)


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/_stcore/host-config", "/api/v1/system/status", "/api/docs"])  # fmt: skip
@pytest.mark.parametrize("origin", ["null", "http://evil.example", "http://localhost:8888"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_page_may_ask_nothing(running: Server, method: str, path: str, origin: str, tokens: Any) -> None:
    answer = get(running, path, method, Origin=origin, Authorization=f"Bearer {tokens['*']}")
    assert (answer.status_code, answer.json()["code"]) == (403, FOREIGN)
    assert "access-control-allow-origin" not in answer.headers


def test_the_api_and_probes_answer_under_any_name(running: Server, tokens: dict[str, str]) -> None:
    bearer = f"Bearer {tokens['*']}"
    assert get(running, "/api/v1/system/status", Host="fleet.internal", Authorization=bearer).status_code == 200
    assert get(running, "/api/v1/system/status", Host="fleet.internal").status_code == 401
    assert get(running, "/healthz", Host="10.1.2.3:3000").json() == {"status": "ok"}
    assert get(running, "/metrics", Host="10.1.2.3:3000").status_code == 401
    assert get(running, "/metrics", Host="10.1.2.3:3000", Authorization=bearer).status_code == 200


# What every answer carries

ANSWERS = [
    "/", "/approvals", "/app/approvals", "/open?key=x", "/favicon.png", "/static/nothing.js", "/x%00y", "/static/..%2fx", "//x", "/media/x",
    "/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/_stcore/nothing", "/healthz", "/metrics", "/api", "/api/docs",
    "/api/openapi.json", "/api/assets/swagger-ui.css", "/api/v1/system/status", "/api/v1/nothing", "/api/problems/FLEET-667", "/api/local/x",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("let_in", [False, True])
@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_refuses_frames_and_guesses(running: Server, path: str, let_in: bool, method: str) -> None:
    cookie = {"Cookie": running.cookie()} if let_in else {}
    for more in ({}, {"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        answer = get(running, path, method, **cookie, **more)
        assert answer.status_code < 500
        for name, said in HEADERS.items():
            assert answer.headers[name] in said, (path, name)


def test_a_refused_websocket_carries_them_too(running: Server) -> None:
    own = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}  # fmt: skip
    answer = get(running, "/_stcore/stream", Origin=running.address, **own)
    assert (answer.status_code, answer.json()["code"]) == (403, NEEDED)
    assert {name.lower() for name in HEADERS} <= {name.lower() for name in answer.headers}


@pytest.mark.parametrize("began", [False, True])
def test_what_nobody_foresaw_is_answered_with_them_too(began: bool) -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        if began:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("canary-of-an-error")

    sent: list[Any] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    asked = Headers(fails)({"type": "http", "method": "GET", "path": "/x"}, receive, send)
    with pytest.raises(RuntimeError) if began else nullcontext():
        in_a_loop(asked)
    assert sent[0]["status"] == (200 if began else 500)
    assert {name.lower().encode() for name in HEADERS} <= {name for name, _ in sent[0]["headers"]}
    assert b"canary" not in b"".join(message.get("body", b"") for message in sent)


def test_no_other_site_may_send_messages_to_the_dashboard(running: Server) -> None:
    assert get(running, "/_stcore/host-config").json()["allowedOrigins"] == []


# Who asks


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Proto"])
def test_through_a_proxy_figures_need_a_token_and_the_rest_is_short(
    running: Server, tokens: dict[str, str], header: str
) -> None:
    def asked(path: str, token: str = "") -> requests.Response:
        more = {"Authorization": f"Bearer {token}"} if token else {}
        return get(running, path, **{header: "127.0.0.1"}, **more)

    assert asked("/healthz").json() == {"status": "ok"}
    assert asked("/_stcore/metrics").status_code == 404
    codes = {name: (asked("/metrics", token).status_code) for name, token in tokens.items()}
    assert codes == {"*": 200, "acme": 403, "none": 403}
    assert [asked("/metrics", token).status_code for token in ("", "x")] == [401, 401]
    place = remote.find(running.home)
    assert place is not None
    for verb in ("accounts", "link"):
        bearing = {"Authorization": f"Bearer {place.token}"}
        refused = requests.post(f"{running.address}/api/local/{verb}", json={"file": False}, headers={header: "127.0.0.1", **bearing}, timeout=30)  # fmt: skip
        assert (refused.status_code, refused.json()["code"]) == (404, "FLEET-642")


def test_on_this_machine_they_need_none(running: Server) -> None:
    assert {"version", "scheduler"} <= get(running, "/healthz").json().keys()
    assert "fleet_paused" in get(running, "/metrics").text
    assert get(running, "/_stcore/metrics").status_code == 200


PUBLIC = {
    "FLEET_PUBLIC_URL": "https://fleet.example.com", "FLEET_OIDC_METADATA_URL": "https://idp.example.com/x", "FLEET_OIDC_CLIENT_ID": "x",
    "FLEET_OIDC_CLIENT_SECRET": "x", "FLEET_ROLES": "ana@example.com=admin",
}  # fmt: skip


@pytest.mark.parametrize(
    ("client", "server", "host", "near"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1:3000", True),
        ("127.0.0.9", "127.0.0.1", "localhost", True),
        ("::1", "::1", "[::1]:3000", True),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1:3000", True),
        ("192.0.2.7", "192.0.2.7", "192.0.2.7:3000", True),  # a command on this machine, to where the server is bound
        ("192.0.2.8", "192.0.2.7", "192.0.2.7:3000", False),
        ("192.0.2.8", "192.0.2.7", "127.0.0.1:3000", False),
        ("127.0.0.1", "127.0.0.1", "fleet.example.com", False),  # a proxy on this machine that keeps the name
        ("127.0.0.1", "127.0.0.1", "evil.example", False),
        ("127.0.0.1", "127.0.0.1", "", False),
        ("::ffff:192.0.2.8", "::ffff:192.0.2.7", "192.0.2.7:3000", False),
        ("a unix socket", "127.0.0.1", "127.0.0.1:3000", False),
    ],
)
def test_who_is_on_this_machine(home: Path, client: str, server: str, host: str, near: bool) -> None:
    site = Site.of(Settings.from_environment(home, PUBLIC), "192.0.2.7", 3000)
    headers = [(b"host", host.encode())] if host else []
    scope = {"scheme": "http", "client": (client, 5), "server": (server, 3000), "headers": headers}
    assert site.near(scope) is near
    assert not site.near({**scope, "headers": [*headers, (b"x-forwarded-for", b"127.0.0.1")]})
    assert not site.near({**scope, "headers": [*headers, (b"host", b"127.0.0.1:3000")]}) or not host
    assert not site.near({**scope, "client": None})


@pytest.mark.parametrize(
    ("origin", "scheme", "owned"),
    [
        ("https://fleet.example.com", "ws", True),  # the proxy ends TLS and says nothing of it
        ("https://fleet.example.com:443", "ws", True),
        ("https://fleet.example.com", "wss", True),
        ("http://fleet.example.com", "wss", False),
        ("https://fleet.example.com:8443", "ws", False),
        ("https://www.fleet.example.com", "ws", False),
        ("https://example.com", "ws", False),
    ],
)
def test_the_public_address_is_an_origin_too(home: Path, origin: str, scheme: str, owned: bool) -> None:
    site = Site.of(Settings.from_environment(home, PUBLIC), "127.0.0.1", 3000)
    scope = {"scheme": scheme, "headers": [(b"host", b"fleet.example.com")]}
    assert site.owns(origin, scope) is owned
