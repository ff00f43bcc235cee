"""Doubles of services that misbehave, and what becomes of one call to them, measured in a process of its own.

`serving(...)` gives a double for each behaviour. `python -m tests.hostile SERVICE '{"behaviour": "http://…", …}'` calls each once and
prints what came of it: outcome, seconds, growth of the peak of memory beside a call that goes well.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from typing import Any

LIMIT_S = 1
"""The deadline of each service's requests in these tests."""

_PATIENCE_S = 0.1
_MOST = 3_000
"""Pieces that a double sends at most, so that a client without limits ends, too."""

Behaviour = Callable[[socket.socket, str], None]

GOOD: dict[str, Any] = {
    "/api/v1/user": {"login": "acme"},
    "/.well-known/openid-configuration": {"issuer": "https://id.example.com", "authorization_endpoint": "https://id.example.com/a"},
    "/v1/secret/data/x/y": {"data": {"data": {"token": "t"}, "metadata": {"version": 1}}},
}  # fmt: skip


def _answer(connection: socket.socket, body: bytes, status: str = "200 OK", *headers: str) -> None:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", ""]
    connection.sendall("\r\n".join(lines).encode() + body)


def made_by_gitea(url: str, **odd: Any) -> dict[str, Any]:
    """What Gitea says of a repository acme/x that it has made, with some fields replaced."""
    return {
        "owner": {"login": "acme"}, "name": "x", "private": True, "clone_url": f"{url}/acme/x.git", "html_url": f"{url}/acme/x",
        "ssh_url": "git@localhost:acme/x.git", "default_branch": "main", **odd,
    }  # fmt: skip


def well(connection: socket.socket, path: str) -> None:
    if path.startswith("/api/v1/orgs/") or path == "/api/v1/user/repos":
        port = connection.getsockname()[1]
        _answer(connection, json.dumps(made_by_gitea(f"http://127.0.0.1:{port}")).encode(), "201 Created")
    else:
        _answer(connection, json.dumps(GOOD.get(path, {})).encode())


def _endless(connection: socket.socket, _path: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(_MOST):
        connection.sendall(b"[" * 65_536)


@cache
def _packed() -> bytes:
    """200 MB in 200 kB. Made before anybody waits for it: it takes a second or more."""
    return gzip.compress(bytes(200_000_000), 9)


def _bomb(connection: socket.socket, _path: str) -> None:
    _answer(connection, _packed(), "200 OK", "Content-Encoding: gzip")


def _drips(connection: socket.socket, _path: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    _drip(connection, b"[")


def _drips_headers(connection: socket.socket, _path: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    _drip(connection, b"X: y\r\n")


def _drip(connection: socket.socket, piece: bytes) -> None:
    for _ in range(300):
        connection.sendall(piece)
        time.sleep(_PATIENCE_S)


def _endless_headers(connection: socket.socket, _path: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(_MOST):
        connection.sendall(b"".join(b"X-%d-%d: y\r\n" % (number, part) for part in range(4_000)))


def _brackets(connection: socket.socket, path: str) -> None:
    _answer(connection, b"[" * 200_000, "201 Created" if path.endswith("/repos") else "200 OK")


def _redirects(connection: socket.socket, _path: str) -> None:
    _answer(connection, b"", "302 Found", f"Location: http://127.0.0.1:{connection.getsockname()[1]}/elsewhere")


def _is_silent(connection: socket.socket, _path: str) -> None:
    connection.settimeout(30)
    connection.recv(1)


def _hangs_up(connection: socket.socket, _path: str) -> None:
    connection.close()


BEHAVIOURS: dict[str, Behaviour] = {
    "well": well, "endless": _endless, "bomb": _bomb, "drips": _drips, "drips headers": _drips_headers,
    "endless headers": _endless_headers, "brackets": _brackets, "redirects": _redirects, "silent": _is_silent, "hangs up": _hangs_up,
}  # fmt: skip


class Double:
    """A server on loopback that behaves in one way; remembers which paths it was asked for."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.asked: list[str] = []
        self.arrived, self.left = threading.Event(), threading.Event()
        """Set once it was asked, and once somebody who asked has gone away before the end of the answer."""
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(IndexError, ValueError), connection, connection.makefile("rb") as lines:
            path = lines.readline().split(b" ")[1].decode()
            size = 0
            while (line := lines.readline().strip()) != b"":
                name, _, text = line.partition(b":")
                size = int(text) if name.lower() == b"content-length" else size
            lines.read(size)
            self.asked.append(path)
            self.arrived.set()
            try:
                self.behaviour(connection, path)
            except OSError:
                self.left.set()

    def close(self) -> None:
        self._socket.close()


@contextmanager
def double(behaviour: Behaviour) -> Iterator[Double]:
    if behaviour is _bomb:
        _packed()
    made = Double(behaviour)
    yield made
    made.close()


def _vault(url: str) -> str:
    from engine.errors import SyncError
    from engine.flow.sync.vault import read_secret
    from engine.settings import Settings

    with tempfile.TemporaryDirectory() as home:
        settings = Settings.from_environment(
            home, {"VAULT_ADDR": url, "VAULT_TOKEN": "canary", "FLEET_VAULT_TIMEOUT_S": str(LIMIT_S)}
        )
        try:
            return f"read {len(read_secret('secret/data/x/y', settings))}"
        except SyncError as error:
            assert "canary" not in f"{error}{error.facts}"
            return error.code


def _gitea(url: str) -> str:
    from engine.errors import RefusedEdit
    from engine.settings import Settings
    from engine.workbench import gitea

    gitea.TIMEOUT_S = LIMIT_S
    with tempfile.TemporaryDirectory() as home:
        settings = replace(Settings.from_environment(home, {}), gitea_url=url, gitea_token="canary")
        try:
            return gitea.create_repository(settings, "acme", "x", private=True).repo
        except RefusedEdit as error:
            assert "canary" not in f"{error}{error.facts}"
            return error.code


def _sink(url: str) -> str:
    from datetime import UTC, datetime

    from engine.notify import sinks

    sinks.TIMEOUT_S = LIMIT_S
    return sinks.test_sink(sinks.Sink("webhook", f"{url}/canary"), datetime.now(UTC), "ana").partition(":")[0]


def _oidc(url: str) -> str:
    from engine.server import provider

    provider.TIMEOUT_S = LIMIT_S
    provider.bound(lambda: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from authlib.integrations.starlette_client import OAuth

    made = OAuth()
    made.register(
        "fleet", client_id="x", client_secret="y", server_metadata_url=f"{url}/.well-known/openid-configuration"
    )
    try:
        return str(asyncio.run(made.create_client("fleet").load_server_metadata())["issuer"])
    except Exception as error:  # Streamlit answers any of them with one sentence
        assert "canary" not in str(error)
        return "refused"


CALLS: dict[str, Callable[[str], str]] = {"vault": _vault, "gitea": _gitea, "sink": _sink, "oidc": _oidc}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(service: str, urls: dict[str, str]) -> None:
    """Prints a JSON object: by behaviour [outcome, seconds, MiB by which the peak of memory has grown since the call that went well]."""
    call, found = CALLS[service], {}
    call(urls["well"])
    peak = _peak()
    for behaviour, url in urls.items():
        began = time.monotonic()
        try:
            outcome = call(url)
        except Exception as error:
            outcome = type(error).__name__
        found[behaviour] = [outcome, time.monotonic() - began, _peak() - peak]
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
