"""Values put into words so that no difference looks like none: other types, invisible characters, look-alikes, long texts that differ late.

One value alone: `value`. Values that are compared (base, live and desired; before and after): `beside`, which gives different
words for different values, whatever they are. Lists: `moved_in_list`. Whole resources, line by line: `unified`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from engine.model import canonical

ABSENT = "none"
_SHOWN_AS = {"true", "false", "null", ABSENT}
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
"""Unicode categories of what is not seen, or seen as an ordinary blank."""

_TWINS = {
    ord(pair[0]): pair[1]
    for pair in [
        "аa",
        "еe",
        "оo",
        "рp",
        "сc",
        "уy",
        "хx",
        "іi",
        "јj",
        "ѕs",
        "һh",
        "ԁd",
        "ԛq",
        "ԝw",
        "кk",
        "мm",
        "тt",
        "АA",
        "ВB",
        "ЕE",
        "КK",
        "МM",
        "НH",
        "ОO",
        "РP",
        "СC",
        "ТT",
        "УY",
        "ХX",
        "ІI",
        "ЈJ",
        "ЅS",
        "οo",
        "αa",
        "νv",
        "ρp",
        "υu",
        "ιi",
        "κk",
        "τt",
        "χx",
        "ΑA",
        "ΒB",
        "ΕE",
        "ΖZ",
        "ΗH",
        "ΙI",
        "ΚK",
        "ΜM",
        "ΝN",
        "ΟO",
        "ΡP",
        "ΤT",
        "ΥY",
        "ΧX",
        "ıi",
        "ℓl",
        "‐-",
        "‑-",
        "‒-",
        "–-",
        "—-",
        "−-",
        "‘'",
        "’'",
        "‚'",
        '“"',
        '”"',
        '„"',
        "´'",
        "ʼ'",
    ]
}
"""Letters of other scripts, dashes and quotes to what they look like."""


def value(item: Any, most: int = 60) -> str:
    """One value: text as it is where that is clear, all else as JSON; long ones end in `…`."""
    full = _full(item)
    return full if len(full) <= most else f"{full[: most - 1]}…"


def beside(values: Sequence[Any], most: int = 60) -> list[str]:
    """Values that are compared with each other, each in at most about `most` characters: different ones never read alike."""
    kinds = [canonical(item) for item in values]
    alike = len({_skeleton(item) for item in values}) < len(set(kinds))
    full = [_full(item, plain=not alike) for item in values]
    if all(len(each) <= most for each in full):
        return full
    start = max(0, _first_difference(set(full)) - most // 3)
    shown = [each if len(each) <= most else _window(each, start, most) for each in full]
    # Where one of three differs early and the others late, the window may hold no difference of those.
    known: dict[str, set[bytes]] = {}
    for text, kind in zip(shown, kinds, strict=True):
        known.setdefault(text, set()).add(kind)
    return [
        text if len(known[text]) == 1 else f"{text} (digest {hashlib.sha256(kind).hexdigest()[:8]})"
        for text, kind in zip(shown, kinds, strict=True)
    ]


def moved_in_list(current: list[Any], desired: list[Any], most: int = 60) -> str:
    """What entered and left a list, `+valkey@8.0.1 -redis@7.2`, or that its order changed; empty where that would not say all."""
    before, after = [canonical(item) for item in current], [canonical(item) for item in desired]
    entered, left = Counter(after) - Counter(before), Counter(before) - Counter(after)
    stayed = _without(before, left)
    order = [] if stayed + list(entered.elements()) == after else ["order changed"]
    shown = [
        *(f"+{value(orjson.loads(item), most)}" for item in entered.elements()),
        *(f"-{value(orjson.loads(item), most)}" for item in left.elements()),
    ]
    if len({text[1:] for text in shown}) < len({*entered, *left}):
        return ""
    return " ".join([*shown, *order])


def unified(before: Iterable[str], after: Iterable[str], names: tuple[str, str]) -> list[str]:
    """A unified diff of lines in which what is invisible or looks like something else is written by its code point."""
    one, other = list(before), list(after)
    twins = Counter(map(_look, {*one, *other}))

    def shown(line: str) -> str:
        alike = twins[_look(line[1:])] > 1
        text = line.replace("<U+", "<U+003C>U+")
        return "".join(f"<U+{ord(c):04X}>" if _hidden(c) or (alike and not c.isascii()) else c for c in text)

    # Lines are compared as they are: two that look alike would count as equal otherwise.
    made = difflib.unified_diff(one, other, *names, lineterm="", n=99)
    return [line if place < 2 else shown(line) for place, line in enumerate(made)]


def _full(item: Any, *, plain: bool = True) -> str:
    """A value in whole. Not `plain`: text in quotes, every character beyond ASCII by its code point."""
    if item is None:
        return ABSENT
    if not isinstance(item, str):
        text = orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()
        return "".join(_escaped(c) if _hidden(c) or not (plain or c.isascii()) else c for c in text)
    if plain and item and _is_clear(item):
        return item
    composed = unicodedata.is_normalized("NFC", item)
    text = json.dumps(item, ensure_ascii=False)
    return "".join(
        _escaped(c) if _hidden(c) or not (plain or c.isascii()) or not (composed or not unicodedata.combining(c)) else c
        for c in text
    )


def _is_clear(text: str) -> bool:
    """Whether a text needs no quotes: it does not look like another value, and all its characters are visible."""
    if text in _SHOWN_AS or text != text.strip() or text[0] in "\"'[{…" or any(map(_hidden, text)):
        return False
    if not unicodedata.is_normalized("NFC", text):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return True
    return False


def _hidden(character: str) -> bool:
    if character.isascii():
        return not character.isprintable()
    return unicodedata.category(character) in _HIDDEN


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if not character.isascii() else f"\\u{ord(character):04x}"


def _skeleton(item: Any) -> str:
    """What a value looks like."""
    return _look(item if isinstance(item, str) else canonical(item).decode())


def _look(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_TWINS)


def _first_difference(texts: set[str]) -> int:
    first, last = min(texts), max(texts)
    place = 0
    for one, other in zip(first, last, strict=False):
        if one != other:
            break
        place += 1
    return place


def _window(text: str, start: int, most: int) -> str:
    if start == 0:
        return f"{text[: most - 1]}…"
    end = start + most - 2
    return f"…{text[start:end]}{'…' if end < len(text) else ''} (from character {start + 1:,})"


def _without(items: list[bytes], left: Counter[bytes]) -> list[bytes]:
    """Items without so many of each, the last ones first."""
    gone, kept = Counter(left), []
    for item in reversed(items):
        if gone[item]:
            gone[item] -= 1
        else:
            kept.append(item)
    return kept[::-1]
