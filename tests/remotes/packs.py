"""Repositories as somebody who means ill would make them: any object, of any size, in a pack that stays small."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from tests.conftest import GitRepository

_KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}

WHO = b"Eve <eve@evil.example> 1790000000 +0000"


def chunks(part: bytes, times: int) -> Iterator[bytes]:
    """A part again and again, in pieces of about a megabyte."""
    at_once = max(1, 1_000_000 // len(part))
    while times > 0:
        yield part * min(at_once, times)
        times -= at_once


class Pack:
    """Objects for one repository, written as one pack with its index: git itself looks at none of them."""

    def __init__(self) -> None:
        self._body = bytearray()
        self._index: list[tuple[bytes, int, int]] = []

    def add(self, kind: str, content: Iterable[bytes], size: int | None = None) -> str:
        """Add an object, whose parts are not held in memory where `size` says how long they are; gives its id."""
        parts = [content] if isinstance(content, bytes) else content
        if size is None:
            parts = list(parts)
            size = sum(map(len, parts))
        digest, packed = hashlib.sha1(f"{kind} {size}\0".encode(), usedforsecurity=False), zlib.compressobj(1)
        entry, left = bytearray([_KINDS[kind] << 4 | size & 15]), size >> 4
        while left:
            entry[-1] |= 128
            entry.append(left & 127)
            left >>= 7
        for part in parts:
            digest.update(part)
            entry += packed.compress(part)
        entry += packed.flush()
        self._index.append((digest.digest(), zlib.crc32(entry), 12 + len(self._body)))
        self._body += entry
        return digest.hexdigest()

    def commit(self, tree: str, message: Iterable[bytes] = (b"Change\n",), *, header: bytes = b"", who: bytes = WHO, size: int | None = None) -> str:  # fmt: skip
        """Add a commit; `size` is that of the message where it is not to be held in memory."""
        head = b"tree %s\nauthor %s\ncommitter %s\n%s\n" % (tree.encode(), who, who, header)
        return self.add("commit", _after(head, message), None if size is None else len(head) + size)

    def tree(self, *entries: tuple[str, str, str]) -> str:
        """Add a folder of (mode, name, object)."""
        return self.add("tree", [f"{mode} {name}\0".encode() + bytes.fromhex(id_) for mode, name, id_ in entries])

    def write(self, remote: GitRepository, tip: str) -> None:
        """Put the pack into a repository, with its branch at `tip`."""
        head = b"PACK" + struct.pack(">II", 2, len(self._index))
        trailer = hashlib.sha1(head + self._body, usedforsecurity=False).digest()
        rows = sorted(self._index)
        counts = [0] * 256
        for id_, _, _ in rows:
            counts[id_[0]] += 1
        fanout = list(accumulate(counts))
        index = b"\xfftOc" + struct.pack(">I", 2) + struct.pack(">256I", *fanout) + b"".join(id_ for id_, _, _ in rows)
        index += b"".join(struct.pack(">I", crc) for _, crc, _ in rows)
        index += b"".join(struct.pack(">I", place) for _, _, place in rows) + trailer
        folder = remote.path / ".git" / "objects" / "pack"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"pack-{trailer.hex()}.pack").write_bytes(head + self._body + trailer)
        (folder / f"pack-{trailer.hex()}.idx").write_bytes(index + hashlib.sha1(index, usedforsecurity=False).digest())
        branch(remote.path / ".git", tip)


def branch(git_folder: Path, tip: str, name: str = "main") -> None:
    (git_folder / "refs" / "heads" / name).write_text(tip + "\n")


def _after(head: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest
