"""How requests arrive: whole or not, of one meaning, over the limit; and what is said of those that do not."""

from __future__ import annotations

import http.client
import json
import logging
import socket
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import pytest

from engine.workbench import Workbench
from tests.api.conftest import Api


def raw(call: Api, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """(status, headers by lower-case name, body) of the one answer to these bytes, until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", urlsplit(call.address).port or 0), timeout=10) as connection:
        connection.sendall(request)
        answer = b"".join(iter(partial(connection.recv, 65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), body


def test_two_lengths_are_refused_and_nothing_more_is_read_of_that_connection(call: Api) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"POST /api/v1/system/apply HTTP/1.1\r\nHost: x\r\nContent-Length: {len(hidden) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, headers, body = raw(call, head.encode() + b"0\r\n\r\n" + hidden)
    assert (status, json.loads(body)["code"]) == (400, "FLEET-645")
    assert headers["connection"] == "close"
    assert b"HTTP/1.1" not in body, "what was hidden behind it is not answered"


@pytest.mark.parametrize(
    "path", ["/api/v1/system/x%00y", "/api/v1/..%2f..%2fetc/passwd", "/api/%2e%2e/x", "/api/v1/..%5cx"]
)
def test_paths_with_a_nul_or_a_step_upwards_are_a_problem(call: Api, path: str) -> None:
    status, headers, body = raw(call, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert json.loads(body)["code"] == "FLEET-646"
    assert json.loads(body)["request_id"] == headers["x-request-id"]


@pytest.mark.parametrize("size", [2_000_000, 12_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_too_much_gets_to_read_why(call: Api, size: int, chunked: bool) -> None:
    """A client that looks for an answer only once it has sent everything, on a connection that then is closed."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(call.address).port or 0, timeout=30)
    pieces = (b"x" * 65_536 for _ in range(size // 65_536 + 1))
    headers = {**call.headers, "Content-Type": "application/json"}
    connection.request(
        "POST", "/api/v1/system/apply", pieces if chunked else b"x" * size, headers, encode_chunked=chunked
    )
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (413, "FLEET-644")
    assert answer.headers["Connection"] == "close"
    connection.close()


def test_who_asks_before_sending_is_refused_without_being_waited_for(call: Api) -> None:
    head = "POST /api/v1/system/apply HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\nExpect: 100-continue\r\n\r\n"
    status, _, body = raw(call, head.encode())
    assert (status, json.loads(body)["code"]) == (413, "FLEET-644")


@pytest.mark.parametrize("path", ["webhooks/github", "system/gitops_repositories", "system/proposals/batch_review"])
def test_half_a_request_is_a_line_for_debugging(
    workbench: Workbench, call: Api, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    workbench.settings = replace(workbench.settings, webhook_secret="x")
    caplog.set_level(logging.DEBUG)
    token = call.headers["Authorization"]
    with socket.create_connection(("127.0.0.1", urlsplit(call.address).port or 0), timeout=10) as connection:
        connection.sendall(
            f"POST /api/v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{".encode()
        )
    assert call("GET", "system/status").status_code == 200
    mine = [record for record in caplog.records if path in record.getMessage()]
    assert [record.levelno for record in mine] == [logging.DEBUG] * len(mine) != []
    assert not [record for record in caplog.records if record.exc_info]
