"""Floods from one address, beside somebody who only wants an answer. A server process that may open 1,024 files, as many systems have it."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.browser.conftest import Server
from tests.conftest import in_a_loop

FILES = 1_024
SOMEBODY_ELSE = "127.0.0.2"
"""Another address of this machine: what one address holds must not keep others out."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(
        tmp_path_factory.mktemp("flooded") / "home",
        FLEET_REQUEST_WAIT_S="1",
        FLEET_LOCAL_LINK="off",
        FLEET_WEBHOOK_SECRET="flooded",
    )
    serve = [sys.executable, "-m", "engine.cli", "--home", str(made.home), "serve", "--port", "{port}"]
    made.start("/bin/sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh", *serve)
    yield made
    made.stop()


@pytest.fixture
def lines(server: Server) -> Iterator[list[str]]:
    """What the server wrote while the test ran, once it has ended."""
    before = len(server.log.read_text())
    found: list[str] = []
    yield found
    written = server.log.read_text()[before:]
    assert len(written.splitlines()) < 30, written[:3000]
    assert "Traceback" not in written


def answered(server: Server, source: str = SOMEBODY_ELSE) -> float:
    """Seconds until a request of somebody else's was answered."""
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5, source_address=(source, 0))
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    return time.monotonic() - start


def memory(server: Server) -> int:
    """Most bytes of memory that the server ever had."""
    assert server._process is not None
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server._process.pid}/status").read_text())[0]) * 1024


def test_half_sent_requests_make_room_and_are_closed_in_time(server: Server, lines: list[str]) -> None:
    before = memory(server)
    with ExitStack() as held:
        sockets = []
        for _ in range(1_150):
            each = held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            each.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ")
            sockets.append(each)
        assert answered(server) < 2
        assert answered(server, "127.0.0.1") < 2, "the address of the flood itself is not shut out either"
        for each in sockets:  # the server closes every one of them: by a reset, or by the end of the stream
            with suppress(ConnectionResetError):
                assert each.recv(1) == b""
    assert memory(server) - before < 64 * 2**20


def test_whoever_drips_after_the_answer_is_closed_too(server: Server, lines: list[str]) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as each:
        each.sendall(b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nx")
        answer, start = b"", time.monotonic()
        with suppress(ConnectionResetError, BrokenPipeError):
            while piece := each.recv(4096):
                answer += piece
                each.sendall(b"x")
        assert answer.startswith(b"HTTP/1.1 405")
        assert time.monotonic() - start < 5


def test_a_body_that_does_not_come_in_time_is_a_coded_answer(server: Server, lines: list[str]) -> None:
    asked = ["POST /api/v1/webhooks/github", "POST /api/v1/system/gitops_repositories", "PUT /_stcore/upload_file/a/b"]
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10)) for _ in asked]
        for each, what in zip(sockets, asked, strict=True):
            each.sendall(f"{what} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{{".encode())
        answers = [b"".join(iter(partial(each.recv, 4096), b"")) for each in sockets]
    assert answers[0].startswith(b"HTTP/1.1 408"), "its body is read before anything else"
    for answer in answers:
        assert answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 401", b"HTTP/1.1 403")), (
            answer
        )  # the others are refused before
        assert (b"FLEET-649" in answer) == (b" 408 " in answer[:14])
        assert b"connection: close" in answer.lower()


def test_posts_that_are_closed_after_their_head_write_nothing(server: Server, lines: list[str]) -> None:
    size = len(server.log.read_text())
    for _ in range(300):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as each:
            each.sendall(b"POST /api/v1/webhooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n{")
    assert answered(server) < 2
    assert len(server.log.read_text()) - size < 2_000


def test_windows_have_a_limit_for_each_address_and_in_all(server: Server, lines: list[str]) -> None:
    kept: list[ClientConnection] = []

    async def window(source: str) -> int:
        where, origin = f"ws://127.0.0.1:{server.port}/_stcore/stream", Origin(f"http://127.0.0.1:{server.port}")
        try:
            kept.append(await connect(where, origin=origin, local_addr=(source, 0)))
        except InvalidStatus as refused:
            assert b"FLEET-647" in (refused.response.body or b"")
            return refused.response.status_code
        return 101

    async def flood() -> tuple[list[int], int, float]:
        first = [await window("127.0.0.1") for _ in range(300)]
        found = first, await window(SOMEBODY_ELSE), await asyncio.to_thread(answered, server)
        await asyncio.gather(*(each.close() for each in kept))
        return found

    first, other, took = in_a_loop(flood())
    assert set(first) == {101, 503}
    assert first.count(101) < 100
    assert (other, took < 2) == (101, True)
