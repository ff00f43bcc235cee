"""The dashboard as a person uses it: a real server process, a real Chromium."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Dialog, Locator, Page, expect, sync_playwright

from engine import remote
from engine.settings import Settings
from engine.workbench import Workbench

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("FLEET_CHROMIUM", "/usr/bin/chromium")
PATIENCE_MS = 20_000


class Server:
    """`fleet serve` on a home, in a process of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("FLEET_", "POWERNODE_"))},
            "FLEET_ALLOW_LOCAL_REMOTES": "1",
            "FLEET_SYNC_INTERVAL_S": "3600",
            "FLEET_ACTOR": "ana",
            **environment,
        }
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = home.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *command: str) -> Server:
        """Start and wait until it answers. `command` instead of `fleet serve`, with `{port}` for the port."""
        words = [word.format(port=self.port) for word in command] or [
            sys.executable, "-m", "engine.cli", "--home", str(self.home), "serve", "--port", str(self.port),
        ]  # fmt: skip
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                words, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log.read_text()
            with suppress(OSError), urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return self
            time.sleep(0.1)
        raise AssertionError(f"the server does not answer: {self.log.read_text()}")

    def stop(self, sign: signal.Signals = signal.SIGINT) -> int:
        """End it as Ctrl-C would; gives its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(sign)
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise

    def link(self) -> str:
        """A new link to the dashboard, as `fleet open --print` gives it; the plain address where none is needed."""
        place = remote.find(self.home)
        assert place is not None
        return remote.link(place, file=False)

    def cookie(self) -> str:
        """A link exchanged, as the `Cookie` header of a browser that was let in."""
        with requests.get(self.link(), allow_redirects=False, timeout=30) as answer:
            return answer.headers["set-cookie"].partition(";")[0]

    def handshake(self, **headers: str) -> int:
        """The status that a websocket is answered with; a browser's headers where no others are given, none where they are empty."""
        sent = {
            "Host": f"127.0.0.1:{self.port}", "Origin": self.address, "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
        } | headers  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.putrequest("GET", "/_stcore/stream", skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders()
        try:
            return connection.getresponse().status
        finally:
            connection.close()

    def let_in(self, context: BrowserContext) -> None:
        """Use a link up in a browser, without drawing the page that it leads to."""
        link = self.link()
        if "key=" in link:
            answer = context.request.get(link, max_redirects=0)
            assert answer.status == 303, answer.text()

    def store(self, **environment: str) -> Workbench:
        """The store of a server that has stopped."""
        return Workbench.open_home(
            Settings.from_environment(self.home, {"FLEET_ALLOW_LOCAL_REMOTES": "1", **environment})
        )


class Screen:
    """One browser window on the dashboard, let in by a link of the server before its first page."""

    def __init__(self, page: Page, address: str, server: Server | None = None) -> None:
        self.page = page
        self._address = address
        self._lets_in = server
        self.troubles: list[str] = []
        self.hosts: set[str] = set()
        """Every host and port that was asked for something; what pages hold in themselves (`data:`) has none."""
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("websocket", lambda socket: self.hosts.add(urlsplit(socket.url).netloc))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path: str = "/") -> Screen:
        if self._lets_in is not None:
            self._lets_in.let_in(self.page.context)
            self._lets_in = None
        self.page.goto(f"{self._address}{path}")
        return self.calm()

    def calm(self) -> Screen:
        """Wait until no script runs and nothing is being drawn anew."""
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=PATIENCE_MS)
        self.page.wait_for_timeout(250)
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=PATIENCE_MS)
        return self

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)

    def lists(self, text: str) -> None:
        """A table holds this text. Tables are drawn on a canvas; what it shows stands beside it for screen readers."""
        expect(self.page.locator("canvas td", has_text=text).first).to_be_attached(timeout=PATIENCE_MS)

    def button(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=re.compile(rf"\b{re.escape(name)}\b")).first

    def press(self, name: str, within: Locator | None = None) -> Screen:
        self.button(name, within).click(timeout=PATIENCE_MS)
        return self.calm()

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def fill(self, label: str, text: str, within: Locator | None = None) -> Screen:
        field = (within or self.page).get_by_role("textbox", name=label).first
        field.fill(text, timeout=PATIENCE_MS)
        field.press("Tab")
        return self.calm()

    def tick(self, table: int, *rows: int) -> Screen:
        """Select rows of the page's nth table by the boxes at their left."""
        for row in rows:
            self._click(table, row, 18)
            self.calm()
        return self

    def click_cell(self, table: int, row: int, x: int) -> Screen:
        self._click(table, row, x)
        return self.calm()

    def _click(self, table: int, row: int, x: int) -> None:
        """Click into a table, which is one canvas: its rows are as high as its header."""
        frame = self.page.get_by_test_id("stDataFrame").nth(table)
        frame.scroll_into_view_if_needed(timeout=PATIENCE_MS)
        rows = frame.locator("canvas table tr").count()
        canvas = frame.locator("canvas").first
        canvas.wait_for(timeout=PATIENCE_MS)
        box = canvas.bounding_box()
        if box is None:  # the page was just drawn anew, with another canvas
            canvas.wait_for(timeout=PATIENCE_MS)
            box = canvas.bounding_box()
        assert box is not None
        height = box["height"] / rows if rows else 35
        self.page.mouse.click(box["x"] + x, box["y"] + height * (row + 1.5))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--host-resolver-rules=MAP fleet.example.com 127.0.0.1",  # where the tests' own proxy answers
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that is not started yet; stopped at the end."""
    made = Server(tmp_path / "home")
    yield made
    with suppress(AssertionError):
        made.stop()


@pytest.fixture
def browser(request: pytest.FixtureRequest, chromium: Browser, server: Server) -> Iterator[Callable[..., Screen]]:
    """browser(width=1440) opens one more window, each with cookies of its own."""
    contexts = []

    def window(width: int = 1440, height: int = 1000, scheme: str = "light") -> Screen:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        contexts.append(context)
        return Screen(context.new_page(), server.address, server)

    yield window
    for number, context in enumerate(contexts):
        if pictures := os.environ.get(
            "FLEET_PICTURES"
        ):  # what each window showed last, for whoever looks into a failure
            context.pages[0].screenshot(path=f"{pictures}/{request.node.name}-{number}.png")
        context.close()
