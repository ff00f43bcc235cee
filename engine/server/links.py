"""Links that open the dashboard where nobody signs in, and the cookies that they are exchanged for.

A link holds a secret, works once and within ten minutes; only its hash is kept, in memory. A cookie is signed with a key of the home,
so that a browser that opened a link once has access across restarts, for 30 days or until `<home>/keys/door` is removed.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

from engine.errors import StoreError
from engine.server.site import Origin
from engine.system.keys import key_of

PATH = "/open"
LINK_S = 600
COOKIE_S = 30 * 86_400
_MOST = 32
"""Links that are open at once; with one more, the oldest ends."""
_AHEAD_S = 60
"""How far the clock may have been set back since a cookie was made."""

_LEADS_ON = """<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={0}"><title>Fleet Workbench</title><p><a href="{0}">Open Fleet Workbench</a>
"""


class LocalLinks:
    """Links and cookies of one home on one port. Safe for threads."""

    def __init__(self, home: Path, *, needed: bool, now: Callable[[], float] = time.time) -> None:
        self.needed = needed
        """Whether the dashboard asks for a link at all."""
        self._home = home
        self._folder = home / "links"
        self._now = now
        self._lock = threading.Lock()
        self._open: dict[bytes, tuple[float, Path | None]] = {}
        """Hash of each link's secret: when it ends, and the file that leads to it. The oldest is first."""
        self._port = 0
        self._address = ""

    def announce(self, address: Origin, port: int) -> None:
        """Say where browsers reach the dashboard, and the port that the server listens on. Effects: files of an earlier server are removed."""
        self._address, self._port = str(address), port
        self._remove_files()

    def make(self, page: str = "/") -> str:
        """A new link, which leads to a page; the plain address of the page where none is needed."""
        return self._make(page, None) if self.needed else f"{self._address}{page_of(page)}"

    def make_file(self, page: str = "/") -> Path:
        """A file that leads to a new link, for a browser that is opened with an address: arguments of a process are readable by everybody.

        Effects: `<home>/links/<random>.html`, mode 600, removed once the link was used or has ended. Raises: StoreError FLEET-305.
        """
        path = self._folder / f"{secrets.token_hex(8)}.html"
        text = _LEADS_ON.format(html.escape(self._make(page, path)))
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
        except OSError as error:
            raise StoreError(
                "FLEET-305",
                f"The file {path}, which opens the dashboard in a browser, cannot be created: {error.strerror}.",
                "Check the owner and mode of the home, or copy the link from: fleet open --print",
            ) from error
        return path

    def take(self, secret: str) -> bool:
        """Use a link up. False where there is no such link, where it was used before, and where it is too old."""
        with self._lock:
            self._end_old()
            found = self._open.pop(_hash(secret), None)
        if found is None:
            return False
        _remove(found[1])
        return True

    @property
    def cookie_name(self) -> str:
        """Named for home and port: browsers send a cookie to every port of a host, so two servers must not share a name."""
        return f"fleet-{self._port}-{hashlib.sha256(os.fsencode(self._home)).hexdigest()[:8]}"

    def cookie(self) -> str:
        """The value of a new cookie. Raises: StoreError where the key cannot be read."""
        issued = int(self._now())
        return f"{issued}.{self._signature(issued)}"

    def admits(self, cookie: str | None) -> bool:
        """Whether a cookie was made here, for this home and port, within 30 days. Raises: StoreError where the key cannot be read."""
        issued, _, signature = (cookie or "").partition(".")
        if not (issued.isascii() and issued.isdecimal() and len(issued) < 13 and signature.isascii()):
            return False
        age = self._now() - int(issued)
        return -_AHEAD_S <= age <= COOKIE_S and hmac.compare_digest(signature, self._signature(int(issued)))

    def tidy(self) -> None:
        """Remove what leads to links that have ended."""
        with self._lock:
            self._end_old()

    def close(self) -> None:
        """End every link."""
        with self._lock:
            self._open.clear()
        self._remove_files()

    def _make(self, page: str, path: Path | None) -> str:
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._end_old()
            while len(self._open) >= _MOST:
                _remove(self._open.pop(next(iter(self._open)))[1])
            self._open[_hash(secret)] = (self._now() + LINK_S, path)
        asked = {"key": secret} | ({"to": page_of(page)} if page_of(page) != "/" else {})
        return f"{self._address}{PATH}?{urlencode(asked)}"

    def _end_old(self) -> None:
        now = self._now()
        for key in [key for key, (ends, _) in self._open.items() if not now < ends <= now + LINK_S]:
            _remove(self._open.pop(key)[1])

    def _signature(self, issued: int) -> str:
        said = b"\0".join([b"door", os.fsencode(self._home), str(self._port).encode(), str(issued).encode()])
        return hmac.new(key_of(self._home, "door"), said, hashlib.sha256).hexdigest()

    def _remove_files(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def page_of(text: str) -> str:
    """A page of this server, from what an address says; the overview where it could lead anywhere else."""
    inside = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isascii() and text.isprintable()
    return text if inside and "\\" not in text and text.partition("?")[0] != PATH else "/"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _remove(path: Path | None) -> None:
    if path is not None:
        with suppress(OSError):
            path.unlink()
