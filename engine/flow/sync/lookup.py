"""Finding the host of a remote: its name is resolved once, its addresses are checked, and git connects to these addresses only.

Where the environment names an http proxy, the proxy resolves the name. Then only the name is checked here.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network

from engine.access.hosts import Address, address_of, read_hosts
from engine.errors import FleetError, RefusedEdit, SyncError
from engine.flow.sync.remotes import endpoint, is_ssh, local_path, shown_url, transport
from engine.settings import Settings

PROXIES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
EXCEPTIONS = ("no_proxy", "NO_PROXY")
"""Variables that name a proxy, and variables that list the hosts for which no proxy is used."""

_LOOKS_UP_ITSELF = ("socks4://", "socks5://")
"""Proxies that expect an address: the name is resolved here, as it is without a proxy."""


@dataclass(frozen=True, slots=True)
class Place:
    """The host of a remote with its checked addresses. Git connects to these addresses and to no others."""

    host: str
    port: int
    addresses: tuple[str, ...]
    """Checked, in the order that the system gives; empty where a proxy resolves the name."""
    proxied: bool

    def one(self, limit_s: float = 6) -> str:
        """One address, for programs that take only one: of several, the first that accepts a connection. Effects: connects."""
        if len(self.addresses) > 1:
            until = time.monotonic() + limit_s
            for address in self.addresses:
                with (
                    suppress(OSError),
                    socket.create_connection(
                        (address, self.port), timeout=max(0.1, min(3.0, until - time.monotonic()))
                    ),
                ):
                    return address
        return self.addresses[0]


def check_host(url: str, settings: Settings, error: type[FleetError] = RefusedEdit) -> None:
    """Refuse a URL whose host is not allowed, as far as the URL alone shows. Nothing is resolved. Raises: `error` FLEET-219."""
    if not _admitted(url, settings, looked_up_later=True):
        raise error("FLEET-219", *_words(url))


def find(url: str, settings: Settings, halted: Callable[[], str | None] = lambda: None) -> Place | None:
    """Find and check the host of a remote; None for a local one.

    Raises: SyncError FLEET-219 (not allowed; the text is the same whatever answers there), 201 (the name does not resolve), 202 (time
    limit), 502 (halted).
    """
    if local_path(url) is not None:
        return None
    host, port = endpoint(url)
    proxy = None if is_ssh(url) else _proxy_for(transport(url), host, port, os.environ)
    if proxy is not None and not proxy.startswith(_LOOKS_UP_ITSELF):
        if not _admitted(url, settings, looked_up_later=False):
            raise SyncError("FLEET-219", *_words(url))
        return Place(host, port, (), proxied=True)
    written = address_of(host)
    found = [written] if written is not None else _looked_up(url, host, port, settings, halted)
    if not read_hosts(settings.remote_hosts).admits(host, found):
        raise SyncError("FLEET-219", *_words(url))
    return Place(host, port, tuple(map(str, found)), proxied=proxy is not None)


def _admitted(url: str, settings: Settings, *, looked_up_later: bool) -> bool:
    if local_path(url) is not None:
        return True
    return read_hosts(settings.remote_hosts).admits_name(endpoint(url)[0], looked_up_later=looked_up_later)


def _words(url: str) -> tuple[str, str]:
    hint = (
        "Ask the administrator of the server to add the host, address or network to FLEET_REMOTE_HOSTS. "
        "Loopback, link-local and cloud metadata addresses are refused unless they are listed there."
    )
    return f"The settings do not allow a remote on the host of {shown_url(url)}.", hint


def _looked_up(url: str, host: str, port: int, settings: Settings, halted: Callable[[], str | None]) -> list[Address]:
    """All addresses of a host name. The system's call has no time limit, so a separate thread makes it."""
    answers: queue.SimpleQueue[list[Address] | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            answers.put(None)
            return
        found = [address_of(str(row[4][0])) for row in rows]
        answers.put(list(dict.fromkeys(address for address in found if address is not None)))

    threading.Thread(target=ask, name="lookup", daemon=True).start()
    until = time.monotonic() + settings.git_timeout_s
    where = shown_url(url)
    while not halted():
        if time.monotonic() > until:
            raise SyncError(
                "FLEET-202",
                f"The host name {host} was not resolved within {settings.git_timeout_s} s.",
                "Check the name servers of this machine; FLEET_GIT_TIMEOUT_S raises the limit.",
                url=where,
            )
        with suppress(queue.Empty):
            found = answers.get(timeout=0.2)
            if not found:
                raise SyncError(
                    "FLEET-201",
                    f"Failed to fetch {where}: could not resolve host {host}.",
                    "Check the URL, and the name servers of this machine. Live state is not affected; if the remote is lost, fleet export recreates the file.",
                    url=where,
                )
            return found[:16]
    raise SyncError("FLEET-502", "The fetch was stopped: the server is shutting down.", "The next tick starts again.")


def _proxy_for(scheme: str, host: str, port: int, environment: Mapping[str, str]) -> str | None:
    """The proxy that the environment names for a remote, as curl reads it. Source: curl's manual, ENVIRONMENT."""
    names = ("https_proxy", "HTTPS_PROXY") if scheme == "https" else ("http_proxy",)
    proxy = next((environment[name] for name in (*names, "all_proxy", "ALL_PROXY") if environment.get(name)), None)
    exceptions = next((environment[name] for name in EXCEPTIONS if environment.get(name)), "")
    if proxy is None or _excepted(host, port, exceptions):
        return None
    return proxy.lower()


def _excepted(host: str, port: int, exceptions: str) -> bool:
    """Whether the list excludes a host from the proxy: by its name, a parent domain, its network, or `*`."""
    address = address_of(host)
    for entry in exceptions.lower().replace(",", " ").split():
        if entry == "*" or entry.strip("[]") == host:
            return True
        if address is not None:
            with suppress(ValueError):
                if address in ip_network(entry, strict=False):
                    return True
            continue
        name = entry.lstrip(".")
        if f".{host}".endswith(f".{name}") or f".{host}:{port}".endswith(f".{name}"):
            return True
    return False
