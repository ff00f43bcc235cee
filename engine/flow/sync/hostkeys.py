"""Keys by which ssh hosts are known: one text for each, `TYPE BASE64`, as OpenSSH writes them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from engine.errors import RefusedEdit, SyncError
from engine.flow.sync.call import TimeLimit, answer
from engine.flow.sync.remotes import endpoint
from engine.phrases import argument

_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
"""The types that are taken, the one that is preferred first."""


def read_host_key(text: str) -> str:
    """A host key in its one form, from `TYPE BASE64 [comment]` or a line of known_hosts or ssh-keyscan.

    Raises: RefusedEdit FLEET-617.
    """
    lines = [line for line in text.strip().splitlines() if not line.startswith("#")]  # ssh-keyscan says whom it asked
    words = lines[0].split() if len(lines) == 1 else []
    at = next((place for place, word in enumerate(words[:3]) if word in _TYPES), None)
    if len(text) > 5000 or at is None or len(words) <= at + 1:
        raise _no_key()
    kind, body = words[at], words[at + 1]
    try:
        blob = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise _no_key() from None
    if blob[:4] != len(kind).to_bytes(4, "big") or blob[4 : 4 + len(kind)] != kind.encode() or len(blob) < 40:
        raise _no_key()
    return f"{kind} {body}"


def fingerprint(key: str) -> str:
    """As ssh and the hosters' pages show it: `SHA256:…` of the key's bytes."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def shown_host_key(key: str) -> str:
    """Type and fingerprint of a key."""
    return f"{key.split()[0]} {fingerprint(key)}"


def scan(url: str, timeout_s: int, *, address: str | None = None) -> str:
    """The key that the host of an ssh URL shows now, of the best type that it has; asked at `address`, where one was found for it.

    Raises: SyncError FLEET-201 when it shows none.
    """
    host, port = endpoint(url)
    limit = min(timeout_s, 15)
    command = ["ssh-keyscan", "-T", str(limit), "-p", str(port), "-t", "ed25519,ecdsa,rsa", "--", address or host]
    try:
        _, told = answer(command, limit_s=limit + 5)
    except (OSError, TimeLimit):
        told = ""
    keys = [line.partition(" ")[2] for line in told.splitlines() if re.match(r"[^#\s]\S* ", line)]
    found = sorted((_TYPES.index(key.split()[0]), key) for key in keys if key.split()[0] in _TYPES)
    if not found:
        raise SyncError(
            "FLEET-201",
            f"{host} offers no ssh host key on port {port}.",
            f"Check whether it answers: ssh-keyscan -p {port} {argument(host)}",
        )
    return read_host_key(found[0][1])


def _no_key() -> RefusedEdit:
    return RefusedEdit(
        "FLEET-617",
        "This is not an ssh host key.",
        "Give exactly one key, as ssh-keyscan -t ed25519 HOST prints it: ssh-ed25519 AAAA…",
    )
