"""What well-known accidents make of a fleet file, told by name: a pointer or a cipher in its place, a merge that was not finished.

Also reads what JSON encoders write for characters beyond U+FFFF: two escapes of half a character each, which libyaml refuses.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from yaml._yaml import CParser
from yaml.error import YAMLError
from yaml.tokens import (
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    ScalarToken,
)

from engine.flow.parse import codes
from engine.flow.parse.flaws import MOST_PROBLEMS, Flaw, place
from engine.kinds.fields import MAX_DEPTH

_DECRYPT = "commit it in plain text: a fleet file contains no secrets, they belong in Vault"
_UNPACK = "commit the YAML text itself"

_BEGINNINGS = (
    (
        b"version https://git-lfs.github.com/spec/",
        codes.NOT_A_FLEET_FILE,
        "this is a Git LFS pointer, not the file itself",
        "remove the file from LFS (git lfs untrack fleet.yaml, then git add --renormalize fleet.yaml), commit and push it",
    ),
    (b"\0GITCRYPT", codes.NOT_UTF8, "the file is encrypted by git-crypt", f"remove it from .gitattributes and {_DECRYPT}"),
    (b"$ANSIBLE_VAULT;", codes.NOT_A_FLEET_FILE, "the file is encrypted by ansible-vault", _DECRYPT),
    (b"-----BEGIN PGP MESSAGE", codes.NOT_A_FLEET_FILE, "the file is encrypted by PGP", _DECRYPT),
    (b"-----BEGIN AGE ENCRYPTED", codes.NOT_A_FLEET_FILE, "the file is encrypted by age", _DECRYPT),
    (b"age-encryption.org/", codes.NOT_A_FLEET_FILE, "the file is encrypted by age", _DECRYPT),
    (b"\x1f\x8b", codes.NOT_UTF8, "the file is compressed by gzip", _UNPACK),
    (b"\x28\xb5\x2f\xfd", codes.NOT_UTF8, "the file is compressed by zstd", _UNPACK),
    (b"PK\x03\x04", codes.NOT_UTF8, "the file is a zip archive", _UNPACK),
)  # fmt: skip

_MARKER = re.compile(r"(?:\A|(?<=[\r\n]))(<{7}|={7}|>{7}|\|{7})(?=[ \r\n]|\Z)")
_WHOLE_CONFLICT = re.compile(r"<[|]?=>")

_HALVES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_HALF = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_ESCAPE = re.compile(rf"{_HALVES.pattern}|\\.", re.DOTALL)
_LINE_BREAK = re.compile(r"\r\n?|\n")


def told(data: bytes) -> Flaw | None:
    """What the file is instead of a fleet file, by how it begins."""
    for beginning, code, message, hint in _BEGINNINGS:
        if data.startswith(beginning):
            return Flaw(code, 0, 0, message, hint)
    return None


def conflicts(text: str, *, whole: bool) -> list[Flaw]:
    """Where merges were not finished. `whole`: only if all marks of one are there, which no fleet file has; else any of them."""
    if not any(mark in text for mark in ("<<<<<<<", ">>>>>>>") + (() if whole else ("=======",))):
        return []
    marks = list(_MARKER.finditer(text))
    if not marks or (whole and not _WHOLE_CONFLICT.search("".join(mark[1][0] for mark in marks))):
        return []
    begun = [mark for mark in marks if mark[1][0] == "<"] or marks[:1]
    message = "a merge conflict is not resolved: a line begins with {value}"
    hint = "keep one of the two sides, remove the lines with <<<<<<<, ======= and >>>>>>>, and commit the file"
    return [
        Flaw(codes.YAML_SYNTAX, *place(text, mark.start()), message.replace("{value}", mark[1]), hint)
        for mark in begun[: MOST_PROBLEMS // 100]
    ]


class Whole(NamedTuple):
    """A file in which no character is written in halves, and where its places were before."""

    data: bytes
    joined: dict[int, list[int]]
    """By line, from 0: the columns at which a character ends that took two more columns."""

    def column(self, line: int, column: int) -> int:
        """The column in the file as it was, from that in `data`; both from 0."""
        return column + 2 * bisect_right(self.joined.get(line, ()), column)


def whole_characters(data: bytes) -> Whole:
    """Write a character that double quotes hold as two halves (`\\ud83d\\ude00`) as one. Any other file is given as it is."""
    if b"\\u" not in data:
        return Whole(data, {})
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Whole(data, {})
    if not _HALVES.search(text):
        return Whole(data, {})
    made: list[str] = []
    joined: dict[int, list[int]] = {}
    last = length = line = begin = 0
    for start, end, character in _pairs(text):
        between = text[last:start]
        for match in _LINE_BREAK.finditer(between):
            line, begin = line + 1, length + match.end()
        length += len(between) + len(character)
        made += between, character
        joined.setdefault(line, []).append(length - begin)
        last = end
    return Whole("".join([*made, text[last:]]).encode(), joined)


def _pairs(text: str) -> list[tuple[int, int, str]]:
    """Beginning, end and escape of each character that is written in halves within double quotes.

    Quotes are found by libyaml, in a text of the same length where it takes the halves.
    """
    found: list[tuple[int, int, str]] = []
    next_token = CParser(_HALF.sub(r"\\u0041", text)).get_token
    depth = 0
    try:
        while (token := next_token()) is not None and 0 <= depth <= MAX_DEPTH:
            if isinstance(token, ScalarToken) and token.style == '"':
                for match in _ESCAPE.finditer(text, token.start_mark.index, token.end_mark.index):
                    if match[1]:
                        high, low = int(match[1], 16), int(match[2], 16)
                        character = 0x10000 + ((high - 0xD800) << 10) + low - 0xDC00
                        found.append((match.start(), match.end(), f"\\U{character:08X}"))
            elif isinstance(token, FlowMappingStartToken | FlowSequenceStartToken):
                depth += 1
            elif isinstance(token, FlowMappingEndToken | FlowSequenceEndToken):
                depth -= 1
    except (YAMLError, UnicodeDecodeError):
        pass  # reading tells of it
    return found
