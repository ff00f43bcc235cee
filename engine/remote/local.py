"""The token by which commands on this machine reach the server: made at its start, changed now and then, kept in memory and the home."""

from __future__ import annotations

import hmac
import os
import secrets
from collections import deque
from pathlib import Path

from engine import remote


def started_as() -> str:
    """How `fleet` is called on this machine: by uv, if uv started this process."""
    return "uv run fleet" if os.environ.get("UV_RUN_RECURSION_DEPTH") else "fleet"


class LocalAccess:
    """Access for every user who can read the home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._tokens: deque[str] = deque(maxlen=2)
        """The newest last; the one before it holds a while longer, for who has just read it."""
        self._place: tuple[str, int] | None = None

    def announce(self, host: str, port: int) -> None:
        """Say where the server answers."""
        self._place = ({"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(host, host), port)  # noqa: S104
        self.renew()

    def renew(self) -> None:
        """Change the token. Effects: the home's `server.json`."""
        if self._place is not None:
            self._tokens.append(secrets.token_urlsafe(32))
            remote.leave(self._home, *self._place, self._tokens[-1])

    def opens(self, token: str) -> bool:
        """Whether a token is one of the last two."""
        return any(hmac.compare_digest(token.encode(), known.encode()) for known in self._tokens)

    def close(self) -> None:
        """Stop accepting clients."""
        self._tokens.clear()
        if self._place is not None:
            remote.take_back(self._home)
