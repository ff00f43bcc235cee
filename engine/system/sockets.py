"""Socket options: answers are sent immediately."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path


def send_at_once(port: int) -> None:
    """Have what is bound to a port, and every connection that it takes from now on, send small pieces without waiting.

    Streamlit binds its socket so that asyncio does not know it for TCP and leaves Nagle's algorithm on. Head and body of an answer
    are two pieces: on a connection that is kept alive, each body would wait 40 ms until the client has acknowledged its head.
    """
    for entry in Path("/dev/fd").iterdir():
        # One of them was the listing's own, and is closed by now.
        with suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(int(entry.name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as found:  # a second handle on the same socket
                inet = found.family in {socket.AF_INET, socket.AF_INET6} and found.type == socket.SOCK_STREAM
                if inet and found.getsockname()[1] == port:
                    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
