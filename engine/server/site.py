"""The site: the host names of this server, its origins, and which requests come from this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from engine.server.signin import hosts
from engine.settings import Settings

_PORTS = {"http": 80, "https": 443}
_SCHEMES = {"ws": "http", "wss": "https"}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
_FORWARDED = frozenset(
    {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
"""Headers that a proxy adds: with one of them, the address of the connection is not the client's."""


class Origin(NamedTuple):
    """Scheme, name and port; the port that a scheme implies is filled in, so that equal origins compare equal."""

    scheme: str
    name: str
    port: int

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{self.scheme}://{name}" + (f":{self.port}" if self.port != _PORTS[self.scheme] else "")


def origin_of(text: str) -> Origin | None:
    """The origin in an `Origin` header or an address without a path; None for `null` and for malformed values."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    odd = parts.path or parts.query or parts.fragment or "@" in parts.netloc or not text.isascii()
    if parts.scheme not in _PORTS or not parts.hostname or odd:
        return None
    return Origin(parts.scheme, parts.hostname.rstrip("."), _PORTS[parts.scheme] if port is None else port)


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The value of a header; None if it is missing or given twice, because then it is ambiguous."""
    values = [value for key, value in headers if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


@dataclass(frozen=True, slots=True)
class Site:
    """One server, as others address it."""

    names: frozenset[str]
    """Names and addresses that a `Host` header may say, in lower case."""
    own: Origin
    """Where the server itself listens."""
    public: Origin | None
    """Origin of `FLEET_PUBLIC_URL`, if it is set."""

    @classmethod
    def of(cls, settings: Settings, host: str, port: int) -> Self:
        """The site of a server that listens on a host and a port."""
        parts = urlsplit(settings.public_url)
        public = origin_of(f"{parts.scheme}://{parts.netloc}") if settings.public_url else None
        names = frozenset(name.lower().rstrip(".") for name in hosts(settings, host))
        return cls(names, Origin("http", _EVERYWHERE.get(host, host).lower(), port), public)

    @property
    def address(self) -> Origin:
        """Where people reach the dashboard: the public address, else where the server listens."""
        return self.public or self.own

    def asked(self, scope: Mapping[str, Any]) -> Origin | None:
        """The origin that a request addresses by its `Host` header; None where the header is missing, malformed, or names another host."""
        host = header(scope["headers"], b"host")
        scheme = _SCHEMES.get(scope["scheme"], scope["scheme"])
        found = origin_of(f"{scheme}://{host}") if host else None
        return found if found and found.name in self.names else None

    def owns(self, origin: str, scope: Mapping[str, Any]) -> bool:
        """Whether an `Origin` header names this server, by the host of the request or by `FLEET_PUBLIC_URL`."""
        found = origin_of(origin)
        return found is not None and found in {self.asked(scope), self.public}

    def near(self, scope: Mapping[str, Any]) -> bool:
        """Whether a request comes from this machine: from a loopback address, or from the address that it is sent to.

        A request through a proxy does not, where the proxy adds a header or keeps the public name; a proxy on this machine that does
        neither looks the same as a command on this machine.
        """
        asked, client, server = self.asked(scope), scope.get("client"), scope.get("server")
        if asked is None or not client or any(name in _FORWARDED for name, _ in scope["headers"]):
            return False
        if self.public and asked.name == self.public.name and asked.name not in _LOOPBACK:
            return False
        try:
            address = ipaddress.ip_address(client[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback or bool(server and client[0] == server[0])
