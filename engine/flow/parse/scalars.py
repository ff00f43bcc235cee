"""Plain scalars of a fleet file: text in, the one value that YAML 1.1 and YAML 1.2 both read in it out, or why there is none.

Source: yaml.org/type (1.1, as PyYAML resolves it) and the core schema of YAML 1.2.2, section 10.3. Never looks at where a
scalar stands.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from engine.flow.parse.codes import AMBIGUOUS_VALUE, NUMBER_WITHOUT_JSON_FORM
from engine.kinds.fields import INT_MAX, INT_MIN


class Refused(NamedTuple):
    """Why a plain scalar has no value. `{value}` in the message stands for the scalar's text."""

    code: str
    message: str
    hint: str


_BOOLEAN = Refused(
    AMBIGUOUS_VALUE,
    "{value} is a boolean for some YAML readers and text for others",
    "write true or false, or put it in quotes if it is text",
)
_NULL = Refused(
    AMBIGUOUS_VALUE,
    "{value} is null for some YAML readers and text for others",
    "write null, or put it in quotes if it is text",
)
_SPECIAL = Refused(AMBIGUOUS_VALUE, "{value} has a special meaning for some YAML readers", "put it in quotes")
_DATE = Refused(AMBIGUOUS_VALUE, "{value} is a date for some YAML readers and text for others", "put it in quotes")
_BASE_60 = Refused(
    AMBIGUOUS_VALUE, "{value} is a number in base 60 for some YAML readers and text for others", "put it in quotes"
)
_NUMBER = Refused(
    AMBIGUOUS_VALUE,
    "{value} is not the same number for every YAML reader, or the number has several spellings",
    "put it in quotes if it is text, or write the number in plain decimal digits",
)
_NOT_FINITE = Refused(
    NUMBER_WITHOUT_JSON_FORM, "{value} has no JSON form", "write a finite number, or put it in quotes if it is text"
)
_TOO_BIG = Refused(
    NUMBER_WITHOUT_JSON_FORM, "the number {value} does not fit in 64 bits", "put it in quotes to keep it as text"
)

_EXACT: dict[str, Any] = {
    "": None,
    "null": None,
    "true": True,
    "false": False,
    "~": _NULL,
    "=": _SPECIAL,
    "<<": _SPECIAL,
}
_WORDS = dict.fromkeys(["true", "false", "yes", "no", "on", "off", "y", "n"], _BOOLEAN) | {"null": _NULL}
"""In lower case. Any other spelling of them is refused too, whether or not some reader knows it."""

_LONGEST_WORD = max(map(len, _WORDS))

_NUMERIC_BEGINNINGS = frozenset("0123456789+-.")

_NUMERIC = re.compile(
    r"""(?P<integer>-?(?:0|[1-9][0-9]*))
      | (?P<float>-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?)
      | (?P<number>[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?
                 | [-+]?0(?:o[0-7]+|x[0-9a-fA-F_]+|b[01_]+))
      | (?P<base60>[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+ | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)
      | (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}
               | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?
                 (?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)
      | (?P<special>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))""",
    re.VERBOSE,
)
_REFUSED = {"number": _NUMBER, "base60": _BASE_60, "date": _DATE, "special": _NOT_FINITE}

_LONGEST_INTEGER = len(str(INT_MIN))


def plain_value(text: str) -> Any:
    """Read a plain scalar: text, an integer, a finite float, a boolean, None, or a `Refused`."""
    if text in _EXACT:
        return _EXACT[text]
    if len(text) <= _LONGEST_WORD and (refused := _WORDS.get(text.lower())):
        return refused
    if text[0] not in _NUMERIC_BEGINNINGS:
        return text
    match = _NUMERIC.fullmatch(text)
    if match is None:
        return text
    form = match.lastgroup
    if form == "integer":
        # The length first: converting a million digits takes long.
        return int(text) if len(text) <= _LONGEST_INTEGER and INT_MIN <= int(text) <= INT_MAX else _TOO_BIG
    if form == "float":
        value = float(text)
        return value if math.isfinite(value) else _NOT_FINITE
    return _REFUSED[form or ""]
