"""A double of a git server over http that sends what no honest one would. Real git, on our side, talks to it."""

from __future__ import annotations

import hashlib
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from typing import NamedTuple

REFS, PACK = "application/x-git-upload-pack-advertisement", "application/x-git-upload-pack-result"
ABILITIES = b"shallow side-band-64k ofs-delta agent=double"
FLUSH = b"0000"
TIP = "1" * 40


def line(text: bytes) -> bytes:
    """One line of git's protocol."""
    return b"%04x%s" % (len(text) + 4, text)


class Answer(NamedTuple):
    """What the double sends to one request."""

    body: Iterable[bytes]
    kind: str = PACK
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


Answers = Callable[[str, bytes], Answer]
"""Gives the answer to a request from its method and body."""


def smart(answer: Callable[[], Answer]) -> Answers:
    """A server that lists one branch as git's protocol says, and gives this answer to whoever asks for its commit."""

    def answers(method: str, body: bytes) -> Answer:
        if method == "GET":
            return refs()
        return answer() if b"done\n" in body else Answer([FLUSH])

    return answers


def refs(names: Iterable[bytes] = (b"refs/heads/main",), tip: str = TIP) -> Answer:
    """The list of branches, in the first version of the protocol."""

    def lines() -> Iterator[bytes]:
        yield line(b"# service=git-upload-pack\n") + FLUSH
        rest = iter(names)
        yield line(b"%s %s\0%s\n" % (tip.encode(), next(rest), ABILITIES))
        held = bytearray()
        for name in rest:
            held += line(b"%s %s\n" % (tip.encode(), name))
            if len(held) > 60_000:
                yield bytes(held)
                held.clear()
        yield bytes(held) + FLUSH

    return Answer(lines(), REFS)


def banded(band: int, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The answer to a fetch: parts of at most 65,000 bytes on one band; 1 is the pack, 2 what is shown, 3 an error."""
    yield FLUSH + line(b"NAK\n")
    for part in parts:
        yield line(bytes([band]) + part)
    yield FLUSH


def bomb(kind: str, status: int = 200) -> Answer:
    """Three gigabytes of zeros in three megabytes of gzip: one block, again and again."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packed.compress(bytes(1_000_000)) + packed.flush(zlib.Z_FULL_FLUSH)
    headers = (("Content-Encoding", "gzip"), ("WWW-Authenticate", 'Basic realm="x"'))
    return Answer([b"\x1f\x8b\x08" + bytes(6) + b"\xff", *[block] * 3000], kind, status, headers)


def many(count: int) -> Iterator[bytes]:
    """Names of so many branches, of which the first is the one that is asked for."""
    yield b"refs/heads/main"
    for number in range(count):
        yield b"refs/heads/%07d" % number


def pack(*objects: bytes) -> Iterator[bytes]:
    """Parts of a pack out of objects as they stand in one, with the trailer."""
    body = b"PACK" + struct.pack(">II", 2, len(objects)) + b"".join(objects)
    body += hashlib.sha1(body, usedforsecurity=False).digest()
    for place in range(0, len(body), 60_000):
        yield body[place : place + 60_000]


def endless(part: bytes) -> Iterator[bytes]:
    return repeat(part)


@contextmanager
def serving(answers: Answers) -> Iterator[str]:
    """Serve until the block ends; gives the URL of a repository."""

    class Handler(BaseHTTPRequestHandler):
        def _send(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            answer = answers(self.command, self.rfile.read(length))
            with suppress(OSError):
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.end_headers()
                for part in answer.body:
                    self.wfile.write(part)

        do_GET = do_POST = _send  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/acme/fleet.git"
    finally:
        server.shutdown()
        server.server_close()
