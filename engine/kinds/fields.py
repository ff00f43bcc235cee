"""The types that a kind's fields may have: what a value must look like, and how people and schemas say so.

A field type answers, for every surface alike: is this value right, what JSON Schema describes it, how is it read from
the command line, what does it refer to. It knows no kind by name but the one that it refers to.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

MAX_DEPTH = 32
"""Deepest nesting of a fleet file, counted from its top mapping."""

SPEC_DEPTH = 3
"""Depth at which a resource's own mapping stands: file, section, resource."""

INT_MIN, INT_MAX = -(2**63), 2**64 - 1


class Fault(NamedTuple):
    """Something wrong inside a value: where (path below the field), what, and how to mend it."""

    path: tuple[str | int, ...]
    message: str
    hint: str


class Target(NamedTuple):
    """What a reference leads to."""

    kind: str
    name: str
    version: str | None = None
    """The pinned version, if the reference pins one."""

    @property
    def address(self) -> str:
        return f"{self.kind}/{self.name}" + (f"@{self.version}" if self.version else "")


_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")


def name_problem(name: str) -> str | None:
    """What is wrong with a name, in words, or None. One name, not a composite key."""
    if _PLAIN_NAME.fullmatch(name):
        return None
    if not name:
        return "a name must not be empty"
    if len(name) > 255:
        return f"a name has at most 255 characters, this one has {len(name)}"
    if name in {".", ".."}:
        return "a name must not be . or .."
    if name != name.strip() or name[0].isspace() or name[-1].isspace():
        return "a name must not begin or end with a space"
    for character in name:
        if character in "/:@":
            return f"a name must not contain {character}"
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            return f"a name must not contain the control or invisible character U+{ord(character):04X}"
    if not unicodedata.is_normalized("NFC", name):
        return "a name must be in Unicode normal form C"
    return None


def alike(name: str) -> str:
    """What two names share that differ only by case."""
    if name.isascii():  # most are, and these need no tables
        return name.lower()
    return unicodedata.normalize("NFC", name.casefold())


_SECRET_WORDS = {
    "pass", "password", "passwd", "passphrase", "pwd", "pw", "pin", "psk", "secret", "secrets", "token", "tokens", "credential", "credentials",
    "auth", "authorization", "bearer", "jwt", "cookie", "cookies", "kubeconfig", "dsn", "apikey", "privatekey", "accesskey", "sshkey", "clientkey",
}  # fmt: skip
_RUN_TOGETHER = re.compile(
    r"(?:password|passwd|passphrase|secret|token|credential|(?:private|api|access|secret|ssh|client|signing|master)key)s?$"
)
"""Ends of words that hold a secret however they begin: `dbpassword`, `authtoken`."""
_SECRET_PAIRS = {
    "private_key", "api_key", "access_key", "ssh_key", "client_key", "signing_key", "encryption_key", "hmac_key", "master_key", "account_key",
    "shared_key", "secret_key", "connection_string", "webhook_url", "snmp_community", "id_rsa", "id_ed25519", "basic_auth",
}  # fmt: skip
_REFERS = {"name", "ref", "reference", "path", "id", "ttl", "mode", "type", "vault", "count", "limit", "length", "policy", "url"}  # fmt: skip
"""Last words of a key that only tells where a secret is, or how it is used: the way to name one without holding it."""
_COUNTS = {"max", "min", "num", "number", "total"}


def credential_like(key: str) -> bool:
    """Whether a map's key looks as if its value were a secret: by whole words, unless it only refers to one (`secret_name`, `token_ttl`)."""
    parts = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()).strip("_").split("_")
    pairs = {f"{one}_{other}".removesuffix("s") for one, other in pairwise(parts)}
    if pairs & _SECRET_PAIRS and parts[-1] not in _REFERS - {"url"}:
        return True
    named = not _SECRET_WORDS.isdisjoint(parts) or any(map(_RUN_TOGETHER.search, parts))
    return named and parts[-1] not in _REFERS and parts[0] not in _COUNTS


def json_faults(value: Any, depth: int, path: tuple[str | int, ...] = ()) -> Iterator[Fault]:
    """What keeps a free value out of a fleet file: depth, numbers without a JSON form, text that is not Unicode."""
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            yield Fault(path, f"nested deeper than {MAX_DEPTH} levels", "flatten the value")
            return
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str) and not _unicode(key):
                yield Fault(path, "a key is not valid Unicode", "use complete characters")
            yield from json_faults(item, depth + 1, (*path, key))
    elif isinstance(value, str):
        if not _unicode(value):
            yield Fault(path, "the text is not valid Unicode", "use complete characters")
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if not INT_MIN <= value <= INT_MAX:
            yield Fault(path, "the number does not fit in 64 bits", "quote it to keep it as text")
    elif not (isinstance(value, float) and math.isfinite(value)):
        yield Fault(path, "the value has no JSON form", "use a finite number or quote it as text")


def _unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_SHOWN = 60


def shown(text: str) -> str:
    """A text of the file or the command line inside a message: quoted, on one line, shortened."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _said(error: ValueError, value: str) -> str:
    """What `ipaddress` says of a value, without a long value in it."""
    return str(error) if len(value) <= _SHOWN else f"{shown(value)} is not an address"


def described(value: Any) -> str:
    """A value's type as a person would say it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "a map"


@dataclass(frozen=True, slots=True)
class FieldType:
    """Base of the field types. `shape` is the JSON shape: string, integer, boolean, map or list (of strings)."""

    @property
    def shape(self) -> str:
        raise NotImplementedError

    @property
    def words(self) -> str:
        """The type in a table's cell."""
        raise NotImplementedError

    def faults(self, value: Any) -> Iterator[Fault]:
        """What is wrong with the value. Nothing yielded: it is right."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        raise NotImplementedError

    def from_text(self, text: str) -> Any:
        """Read a value as typed on a command line. Raises ValueError with a sentence."""
        return text

    def targets(self, value: Any) -> Iterator[Target]:
        """What a right value refers to."""
        return iter(())

    @property
    def has_spellings(self) -> bool:
        """Whether one value may be written in several ways, which `normal` makes equal."""
        return False

    def normal(self, value: Any) -> Any:
        """The one form of a right value; any other value as it is."""
        return value


class _Spelled(FieldType):
    """A type whose equal values may be spelled differently. Right values are read by `_read`."""

    __slots__ = ()

    @property
    def has_spellings(self) -> bool:
        return True

    def normal(self, value: Any) -> Any:
        try:
            return self._read(value) if isinstance(value, str) else value
        except ValueError:
            return value

    def _read(self, text: str) -> str:
        raise NotImplementedError


def _wrong(value: Any, wanted: str) -> Fault:
    return Fault((), f"expected {wanted}, found {described(value)}", f"write {wanted}")


@dataclass(frozen=True, slots=True)
class Text(FieldType):
    shape = "string"
    words = "string"

    def faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault((), f"expected a string, found {described(value)}", "put it in quotes")
        elif not _unicode(value):
            yield Fault((), "the text is not valid Unicode", "use complete characters")

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class Texts(FieldType):
    """Different texts that are not empty."""

    shape = "list"
    words = "list of strings"

    def faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield _wrong(value, "a list of strings")
            return
        for index, item in enumerate(value):
            if not isinstance(item, str):
                yield Fault((index,), f"expected a string, found {described(item)}", "put it in quotes")
            elif not item:
                yield Fault((index,), "an entry must not be empty", "write a text, or remove the entry")
            elif not _unicode(item):
                yield Fault((index,), "the text is not valid Unicode", "use complete characters")
            elif item in value[:index]:
                yield Fault((index,), f"{shown(item)} is listed twice", "list each entry once")

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}

    def from_text(self, text: str) -> Any:
        return _json(text, "a list")


@dataclass(frozen=True, slots=True)
class Integer(FieldType):
    minimum: int = INT_MIN

    shape = "integer"

    @property
    def words(self) -> str:
        return "integer" if self.minimum == INT_MIN else f"integer ≥ {self.minimum}"

    def faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield _wrong(value, "an integer")
        elif value < self.minimum:
            yield Fault((), f"{value} is below {self.minimum}", f"write an integer of at least {self.minimum}")
        elif value > 2**63 - 1:
            yield Fault((), "the number does not fit in 64 bits with a sign", "write a smaller integer")

    def schema(self) -> dict[str, Any]:
        return {"type": "integer"} | ({} if self.minimum == INT_MIN else {"minimum": self.minimum})

    def from_text(self, text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,20}", text):
            raise ValueError(f"expected an integer, found {text!r}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Boolean(FieldType):
    shape = "boolean"
    words = "boolean"

    def faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, bool):
            yield _wrong(value, "true or false")

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def from_text(self, text: str) -> bool:
        if text not in {"true", "false"}:
            raise ValueError(f"expected true or false, found {text!r}")
        return text == "true"


@dataclass(frozen=True, slots=True)
class Choice(FieldType):
    options: tuple[str, ...] = ()

    shape = "string"

    @property
    def words(self) -> str:
        return " / ".join(f"`{option}`" for option in self.options)

    def faults(self, value: Any) -> Iterator[Fault]:
        if value not in self.options or not isinstance(value, str):
            found = shown(value) if isinstance(value, str) else described(value)
            yield Fault(
                (), f"expected one of {', '.join(self.options)}, found {found}", f"write {' or '.join(self.options)}"
            )

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.options)}


@dataclass(frozen=True, slots=True)
class Map(FieldType):
    """A free map, managed as a whole and shown path by path."""

    shape = "map"
    words = "map"

    def faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield _wrong(value, "a map")
        else:
            yield from json_faults(value, SPEC_DEPTH + 1)

    def schema(self) -> dict[str, Any]:
        return {"type": "object"}

    def from_text(self, text: str) -> Any:
        return _json(text, "a map")


@dataclass(frozen=True, slots=True)
class Ref(FieldType):
    """One resource of another kind, by name."""

    kind: str = ""
    reaches: bool = False
    """Whether a change here reaches the target (an assignment reaches its node), rather than the other way."""

    shape = "string"

    @property
    def words(self) -> str:
        return f"name in `{self.kind}`"

    def faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault((), f"expected a name in {self.kind}, found {described(value)}", "write the name as text")
        elif problem := name_problem(value):
            yield Fault((), problem, f"write the name of an entry of {self.kind}")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}

    def targets(self, value: Any) -> Iterator[Target]:
        if value is not None:
            yield Target(self.kind, value)


@dataclass(frozen=True, slots=True)
class RefList(FieldType):
    """Resources of another kind, by name; with `pins`, each may name the version that it means."""

    kind: str = ""
    pins: bool = False
    reaches: bool = False

    shape = "list"

    @property
    def words(self) -> str:
        return f"list of names in `{self.kind}`" + (", each `name` or `name@version`" if self.pins else "")

    def faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield _wrong(value, f"a list of names in {self.kind}")
            return
        seen: set[str] = set()
        for index, item in enumerate(value):
            if not isinstance(item, str):
                yield Fault(
                    (index,), f"expected a name in {self.kind}, found {described(item)}", "write the name as text"
                )
                continue
            name, at, version = item.partition("@") if self.pins else (item, "", "")
            if problem := name_problem(name):
                yield Fault((index,), problem, f"write the name of an entry of {self.kind}")
            elif at and not version:
                yield Fault(
                    (index,), f"{shown(item)} has no version after the @", "write name@version, or the name alone"
                )
            elif not _unicode(version):
                yield Fault((index,), "the text is not valid Unicode", "use complete characters")
            elif name in seen:
                yield Fault((index,), f"{shown(name)} is named twice", "name each entry once")
            seen.add(name)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}

    def from_text(self, text: str) -> Any:
        return _json(text, "a list")

    def targets(self, value: Any) -> Iterator[Target]:
        for item in value or ():
            name, _, version = item.partition("@") if self.pins else (item, "", "")
            yield Target(self.kind, name, version or None)


@dataclass(frozen=True, slots=True)
class Network(_Spelled):
    shape = "string"
    words = "IPv4 or IPv6 network"

    def faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield _wrong(value, "a network such as 10.20.0.0/16")
            return
        try:
            self._read(value)
        except ValueError as error:
            yield Fault((), _said(error, value), "write a network such as 10.20.0.0/16 or fd00:20::/64")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[^/%]+/[0-9]{1,3}$"}

    def _read(self, text: str) -> str:
        address, slash, length = text.partition("/")
        if not slash:
            raise ValueError(f"{shown(text)} has no prefix length")
        if not (length.isascii() and length.isdigit()):
            raise ValueError(f"{shown(length)} is not a prefix length")
        if "%" in address:
            raise ValueError(f"{shown(text)} names an interface")
        return str(ipaddress.ip_network(text))


@dataclass(frozen=True, slots=True)
class Address(_Spelled):
    shape = "string"
    words = "IP address"

    def faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield _wrong(value, "an IP address")
            return
        try:
            self._read(value)
        except ValueError as error:
            yield Fault((), _said(error, value), "write an address such as 10.20.0.10")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}

    def _read(self, text: str) -> str:
        if "/" in text:
            raise ValueError(f"{shown(text)} has a prefix length, which belongs to a network")
        if "%" in text:
            raise ValueError(f"{shown(text)} names an interface")
        return str(ipaddress.ip_address(text))


_ENDPOINT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]/@]+)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Endpoint(_Spelled):
    shape = "string"
    words = "`host:port`"

    def faults(self, value: Any) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield _wrong(value, "host:port")
            return
        match = _ENDPOINT.fullmatch(value)
        if not match or not 0 < int(match["port"]) < 65536 or not _unicode(value):
            yield Fault(
                (), f"{shown(value)} is not host:port", "write a host and a port, such as edge-ams.example.com:51820"
            )
        elif match["six"]:
            try:
                ipaddress.IPv6Address(match["six"])
            except ValueError as error:
                yield Fault((), _said(error, value), "write an IPv6 host in brackets, such as [fd00::1]:51820")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^(\\[[0-9A-Fa-f:.]+\\]|[^\\s:\\[\\]/@]+):[0-9]{1,5}$"}

    def _read(self, text: str) -> str:
        match = _ENDPOINT.fullmatch(text)
        if match is None:
            raise ValueError(text)
        host = f"[{ipaddress.IPv6Address(match['six'])}]" if match["six"] else match["host"].lower()
        return f"{host}:{int(match['port'])}"


def _json(text: str, wanted: str) -> Any:
    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} has no JSON form")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("a key is given twice")
        return made

    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected {wanted} as JSON: {error}") from error
