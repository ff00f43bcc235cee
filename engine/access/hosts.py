"""Which hosts and addresses a remote may have. Pure: nothing is resolved here.

Loopback, link-local, multicast and unspecified addresses, and those where clouds keep metadata, are refused unless `FLEET_REMOTE_HOSTS`
names them; IPv6 addresses that carry such an IPv4 address count too. Private networks are allowed: company git hosts are there.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google, OpenStack and others
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure's host
    )
)
_NOWHERE = tuple(map(ip_network, ("0.0.0.0/8", "240.0.0.0/4", "64:ff9b:1::/48")))
"""Networks without git hosts: this network, reserved addresses, and the local prefix of IPv4 translators."""

_LOCAL_NAME = re.compile(r"(?:.*\.)?(?:localhost|localdomain|ip6-localhost|ip6-loopback)")
_ENTRY = re.compile(r"[a-z0-9_*](?:[a-z0-9_.*-]*[a-z0-9_*])?")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts and addresses that are allowed. Without any entry, every host is allowed unless it has a refused address."""

    names: frozenset[str] = frozenset()
    """Host names, written out."""
    globs: tuple[str, ...] = ()
    """Names with `*` in them, which stands for any characters, dots too."""
    networks: tuple[Network, ...] = ()

    def admits_name(self, host: str, *, looked_up_later: bool) -> bool:
        """Whether a host is allowed, judged by its name alone; `looked_up_later`: its addresses are checked before it is reached."""
        address = address_of(host)
        if address is not None:
            return self.admits(host, [address])
        if host in self.names:
            return True
        if looked_up_later and self.networks:
            return True  # its addresses may be of one of these
        if _LOCAL_NAME.fullmatch(host):
            return False
        return not self._restricts or self._globbed(host)

    def admits(self, host: str, addresses: Sequence[Address]) -> bool:
        """Whether a host with these addresses is allowed. One address that is not allowed is enough to refuse the host."""
        named = host in self.names
        fits = not self._restricts or self._globbed(host)
        for address in () if named else addresses:
            forms = (address, *carried(address))
            listed = [form for form in forms if any(form in network for network in self.networks)]
            if not (fits or listed):
                return False
            if address not in listed and any(_dangerous(form) for form in forms if form not in listed):
                return False
        return bool(addresses)

    @property
    def _restricts(self) -> bool:
        return bool(self.names or self.globs or self.networks)

    def _globbed(self, host: str) -> bool:
        return any(
            re.fullmatch(".*".join(re.escape(piece) for piece in glob.split("*")), host) is not None
            for glob in self.globs
        )


@cache
def read_hosts(text: str) -> Hosts:
    """`git.example.com, *.corp.example 10.0.0.0/8`: names, names with `*`, addresses and networks, by commas or spaces.

    Raises: ValueError, saying what is wrong.
    """
    names, globs, networks = set(), [], []
    for entry in text.replace(",", " ").lower().split():
        with suppress(ValueError):
            networks.append(ip_network(entry.strip("[]")))
            continue
        if (address := address_of(entry)) is not None:
            networks.append(ip_network(address))
        elif not _ENTRY.fullmatch(entry) or ".." in entry:
            raise ValueError(f"{entry[:80]!r} is not a host, address or network (leave out scheme, port and path)")
        elif "*" in entry:
            globs.append(entry)
        else:
            names.add(entry)
    return Hosts(frozenset(names), tuple(globs), tuple(networks))


def address_of(host: str) -> Address | None:
    """The address that a host's text stands for, in any spelling that the system accepts (`127.1`, `0x7f.1`, `2130706433`), or None."""
    with suppress(ValueError):
        return ip_address(host.strip("[]"))
    if re.fullmatch(r"[0-9a-fA-FxX.]+", host):
        with suppress(OSError):
            return IPv4Address(socket.inet_aton(host))
    return None


def carried(address: Address) -> Iterator[Address]:
    """IPv4 addresses that an IPv6 address stands for: mapped, compatible, translated, 6to4, Teredo, ISATAP."""
    if isinstance(address, IPv4Address):
        return
    number = int(address)
    last = IPv4Address(number & 0xFFFFFFFF)
    if number >> 32 in {0, 0xFFFF, 0xFFFF0000, 0x0064FF9B << 64} or (number >> 32) & 0xFFFFFFFF in {0x5EFE, 0x02005EFE}:
        yield last
    if address.sixtofour is not None:
        yield address.sixtofour
    yield from address.teredo or ()


def _dangerous(address: Address) -> bool:
    """Whether an address leads to this machine, to its link, or to what tells machines their secrets."""
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address in _METADATA
        or any(address in network for network in _NOWHERE)
    )
