"""Answers are not held back by the system."""

from __future__ import annotations

import socket
from pathlib import Path

from engine.system.sockets import send_at_once


def nodelay(connection: socket.socket) -> bool:
    return bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def handles() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_every_connection_that_a_port_takes_sends_at_once() -> None:
    with socket.socket() as ours, socket.socket() as other:
        for bound in (ours, other):
            bound.bind(("127.0.0.1", 0))
        before = handles()
        send_at_once(ours.getsockname()[1])
        assert handles() == before
        assert (nodelay(ours), nodelay(other)) == (True, False)
        ours.listen()
        with socket.create_connection(ours.getsockname()), ours.accept()[0] as taken:
            assert nodelay(taken)
