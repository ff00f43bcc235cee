"""The way in, with a real browser: a link, once; and foreign pages, ports and frames, which get nowhere."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from engine import remote
from tests.browser.conftest import PATIENCE_MS, ROOT, Screen, Server

TELLS = "This dashboard opens only with a link"


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that was never here."""
    made = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield made
    made.close()


@pytest.fixture
def foreign() -> Iterator[Callable[[str, str], str]]:
    """foreign(host, html) serves a page under a host, on a port of its own; gives its address."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def serve(host: str, text: str) -> str:
        pages[f"/{len(pages)}"] = text
        return f"http://{host}:{server.server_port}/{len(pages) - 1}"

    yield serve
    server.shutdown()
    server.server_close()


def test_a_person_comes_by_a_link_from_a_chat_and_is_told_what_to_type(
    server: Server, context: BrowserContext, chromium: Browser
) -> None:
    server.start()
    page = context.new_page()
    first = Screen(page, server.address)
    deep = f"{server.address}/settings?account=acme"
    page.goto(deep)
    expect(page.get_by_text(TELLS)).to_be_visible()
    expect(page.get_by_text("fleet open", exact=False).first).to_be_visible()
    typed = subprocess.run(
        [sys.executable, "-m", "engine.cli", "--home", str(server.home), "open", "--print"],
        cwd=ROOT, env=server._environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    link = typed.stdout.strip()

    other = context.new_page()
    screen = Screen(other, server.address)
    other.goto(link)
    screen.calm().sees("No repository is registered yet")
    assert other.url == f"{server.address}/", "the secret is in no address"
    page.get_by_role("link", name="open this page again").click()
    first.calm().sees("Limits in force")
    assert page.url == deep
    assert (first.hosts | screen.hosts) - {""} == {f"127.0.0.1:{server.port}"}, "no other host is asked for anything"
    icons = page.eval_on_selector_all("link[rel~=icon]", "found => found.map(each => each.href)")
    assert icons
    assert all(icon.startswith(("data:", server.address)) for icon in icons), icons
    assert page.evaluate("document.cookie.includes('fleet')") is False, "no script reads the cookie"

    stranger = chromium.new_context()
    try:
        late = stranger.new_page()
        late.goto(link)
        expect(late.get_by_text("This link was already used")).to_be_visible()
    finally:
        stranger.close()

    server.stop()
    server.start()
    screen.open("/settings").sees("Limits in force")
    (server.home / "keys" / "door").unlink()
    other.goto(f"{server.address}/settings")
    expect(other.get_by_text(TELLS)).to_be_visible()
    assert screen.troubles == []


def test_a_page_that_waits_opens_when_one_comes_back_to_it(server: Server, context: BrowserContext) -> None:
    server.start()
    page = context.new_page()
    loads: list[str] = []
    page.on("load", lambda _: loads.append(page.url))
    page.goto(f"{server.address}/settings")
    expect(page.get_by_text(TELLS)).to_be_visible()
    server.let_in(context)
    assert len(loads) == 1, "it does not load itself anew without end"
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    Screen(page, server.address).calm().sees("Limits in force")


def test_the_file_for_a_browser_leads_on_and_goes(server: Server, context: BrowserContext) -> None:
    server.start()
    place = remote.find(server.home)
    assert place is not None
    file = remote.link(place, file=True)
    assert "key=" not in file
    page = context.new_page()
    page.goto(file)
    page.wait_for_url(f"{server.address}/", timeout=PATIENCE_MS)
    Screen(page, server.address).calm().sees("No repository is registered yet")
    assert list((server.home / "links").iterdir()) == []


SOCKET = """<script>
const socket = new WebSocket("ws://127.0.0.1:{port}/_stcore/stream", "streamlit");
socket.onopen = () => document.title = "open";
socket.onclose = () => document.title = "refused";
</script>"""
READ = """<script>
Promise.allSettled(["/", "/healthz", "/metrics", "/_stcore/host-config", "/api/openapi.json"].map(
  path => fetch("http://127.0.0.1:{port}" + path, {{ credentials: "include" }}))
).then(found => document.title = found.map(each => each.status).join());
</script>"""
POST = """<form method="post" action="http://127.0.0.1:{port}/_stcore/upload_file/a/b"><input name="x"></form>
<script>document.forms[0].submit()</script>"""
FRAME = """<iframe src="http://127.0.0.1:{port}/approvals" width="900" height="700"></iframe>"""


def test_a_page_of_another_port_or_host_gets_nowhere_in_a_browser_that_was_let_in(
    server: Server, context: BrowserContext, foreign: Callable[[str, str], str]
) -> None:
    server.start()
    server.let_in(context)
    page = context.new_page()
    for host in ("127.0.0.1", "localhost", "fleet.example.com"):
        page.goto(foreign(host, SOCKET.format(port=server.port)))
        expect(page).to_have_title("refused")
        page.goto(foreign(host, READ.format(port=server.port)))
        expect(page).to_have_title(",".join(["rejected"] * 5))
        with page.expect_response(lambda answer: answer.request.method == "POST") as refused:
            page.goto(foreign(host, POST.format(port=server.port)))
        assert refused.value.status == 403
        page.goto(foreign(host, FRAME.format(port=server.port)))
        page.wait_for_load_state("networkidle")
        assert page.frames[1].url.startswith("chrome-error:"), "the frame stays empty"
    page.goto(f"{server.address}/settings")
    Screen(page, server.address).calm().sees("Limits in force")


def test_two_servers_on_one_machine_do_not_disturb_one_another(
    server: Server, context: BrowserContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    second = Server(tmp_path_factory.mktemp("second") / "home")
    try:
        for each in (server, second):
            each.start()
            each.let_in(context)
        page = context.new_page()
        for each in (server, second, server):
            page.goto(f"{each.address}/settings")
            Screen(page, each.address).calm().sees("Limits in force")
        assert len({cookie.get("name") for cookie in context.cookies() if "fleet" in str(cookie.get("name"))}) == 2
    finally:
        second.stop()
