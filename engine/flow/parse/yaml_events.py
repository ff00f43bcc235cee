"""Structure of a fleet file: bytes in, plain values out, with everything that YAML itself, or our subset of it, refuses.

Works on libyaml's events and never keeps a position of what is right (see `positions.py`). Knows no kind and no field.
What cannot be read becomes `BROKEN` in its place, so that the rest is read and judged as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from yaml._yaml import CParser
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from engine.flow.parse import codes
from engine.flow.parse.accidents import conflicts, told
from engine.flow.parse.differing import differing, may_differ
from engine.flow.parse.flaws import MOST_PROBLEMS, Flaw, place
from engine.flow.parse.scalars import Refused, plain_value
from engine.kinds.fields import MAX_DEPTH, credential_like, shown


class Structure(NamedTuple):
    """What a fleet file holds, by YAML alone."""

    root: Any
    flaws: list[Flaw]
    complete: bool
    """Whether the file was read to its end: if not, what is missing may stand in the rest."""


class _Broken:
    def __repr__(self) -> str:
        return "BROKEN"


BROKEN: Final = _Broken()
"""Stands where a value could not be read."""

_UNSEEN: Final = object()

_QUOTES: Final = ("'", '"')
_VALUES: Final = (ScalarEvent, CollectionStartEvent)

_TAG = "tag:yaml.org,2002:"
_NULLS = {"~", "Null", "NULL"}
"""What YAML 1.2 reads as null besides `null`: as a key it is no text to any reader."""
_CORE = {f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}

_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ufffd\\U00010000-\\U0010ffff]")
_BREAKS_OF_OLD = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")
"""U+0085, U+2028 and U+2029 end a line, and so a comment, in YAML 1.1 but not in 1.2: the same file would say two things."""

_TAG_DIRECTIVE = re.compile(r"(?:[ \t]*+(?:#[^\r\n]*+)?+(?:\r\n?|\n)|%(?!TAG)[^\r\n]*+(?:\r\n?|\n))*+%TAG")
_LINE_BREAK = re.compile(r"\r\n?|\n")
_NOTHING_MORE = re.compile(r"(?:\.\.\.|[ \t]++|#[^\r\n]*+|\r\n?|\n)*+")

_SYNTAX_HINTS = (
    ("found character that cannot start any token", "put the value in quotes; indent with spaces, not tabs"),
    (
        "mapping values are not allowed",
        "indent the line like its neighbours, or put a value that contains ': ' in quotes",
    ),
    ("could not find expected ':'", "write `key: value`, with a space after the colon"),
    ("did not find expected key", "indent the line like its neighbours"),
    ("did not find expected '-' indicator", "indent the line like its neighbours"),
    (
        "invalid Unicode character escape code",
        "write the character itself: each of \\ud800 to \\udfff is only half of a character",
    ),
    ("unexpected end of stream", "close the quote or bracket that was opened here"),
    ("did not find expected ','", "close the bracket, or put a comma between the items"),
)

_TEMPLATES = ("{{", "{%")
_RENDER = "templates such as {{ name }} are not rendered: commit the rendered file, or put the text in quotes to keep the braces"


def read_structure(data: bytes) -> Structure:
    """Read the values of a file that is within the size limit.

    Shape: maps are dicts with text keys in the order of the file, the first of two equal keys wins; nothing is nested
    deeper than MAX_DEPTH, every integer fits in 64 bits, every float is finite, all text is Unicode.
    Effects: none. Raises: nothing for any bytes.
    """
    if accident := told(data):
        return Structure(BROKEN, [accident], complete=False)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Structure(BROKEN, [_not_utf8(data, error.start)], complete=False)
    if b"\0" in data[:2]:
        return Structure(BROKEN, [_not_utf8(data, 0)], complete=False)
    if any(mark in data for mark in _BREAKS_OF_OLD):
        return Structure(BROKEN, _forbidden(text), complete=False)
    if b"%TAG" in data and (directive := _TAG_DIRECTIVE.match(text)):
        # Before libyaml reads them: it takes quadratic time over many.
        line, column = place(text, directive.end() - len("%TAG"))
        flaw = Flaw(
            codes.UNSUPPORTED_TAG,
            line,
            column,
            "a %TAG directive is not allowed",
            "remove it; only YAML's core tags are allowed",
        )
        return Structure(BROKEN, [flaw], complete=False)
    if found := conflicts(text, whole=True):
        return Structure(BROKEN, found, complete=False)
    return _Reading(data, text).read()


def _not_utf8(data: bytes, position: int) -> Flaw:
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:2]
    text = data[:position].decode("utf-8-sig", "replace")
    line, column = (0, 0) if wide else place(text, len(text))
    message = "the file is UTF-16 or UTF-32, not UTF-8" if wide else f"byte 0x{data[position]:02X} is not UTF-8"
    if not wide and b"\0" in data:
        return Flaw(codes.NOT_UTF8, line, column, f"the file is binary: {message}", "commit the YAML text itself")
    return Flaw(codes.NOT_UTF8, line, column, message, "save the file as UTF-8")


def _forbidden(text: str) -> list[Flaw]:
    """The characters that may not stand in a fleet file, each at its place."""
    flaws: list[Flaw] = []
    line, start = 0, 0
    for match in re.finditer(rf"(?P<end>\r\n?|\n)|{_FORBIDDEN.pattern}", text):
        if match["end"]:
            line, start = line + 1, match.end()
            continue
        name = f"U+{ord(match[0]):04X}"
        message = (
            f"{name} ends a line in YAML 1.1 but not in YAML 1.2"
            if match[0] in "\x85\u2028\u2029"
            else f"the control character {name} is not allowed"
        )
        hint = f'remove it, or write it as "\\u{ord(match[0]):04X}" in double quotes'
        flaws.append(Flaw(codes.FORBIDDEN_CHARACTER, line, match.start() - start, message, hint))
        if len(flaws) == MOST_PROBLEMS:
            break
    return flaws


def _too_many(line: int, column: int) -> Flaw:
    message = f"{MOST_PROBLEMS} problems were found; the rest of the file was not read"
    return Flaw(codes.TOO_MANY_PROBLEMS, line, column, message, "fix these first")


class _Stop(Exception):
    """Nothing after this place is read."""


class _Reading:
    """One pass over the events of a file.

    Containers are put in their place before they are filled: whatever stops the pass, all that was read is there.
    """

    def __init__(self, data: bytes, text: str) -> None:
        self._data = data
        self._text = text
        self._next: Callable[[], Event] = CParser(data).get_event  # type: ignore[assignment]  # None only after the end
        self._values: dict[str, Any] = {}
        """Plain scalars seen, with what they mean: most values of a fleet occur often."""
        self._keys: dict[str, str] = {}
        self._flaws: list[Flaw] = []
        self._continued = False

    def read(self) -> Structure:
        root: list[Any] = []
        complete = False
        try:
            self._document(root)
            complete = True
        except _Stop:
            return Structure(root[0] if root else BROKEN, self._flaws, complete=False)
        except YAMLError as error:
            self._flaws.extend(self._syntax(error))
        except UnicodeDecodeError:
            # libyaml lets a tag through whose escapes are not UTF-8; PyYAML stumbles over it.
            line, column = self._last_place()
            message = "a tag or name here is not valid Unicode"
            self._flaws.append(
                Flaw(codes.UNSUPPORTED_TAG, line, column, message, "remove the tag; only YAML's core tags are allowed")
            )
        if self._continued or may_differ(self._text):
            self._flaws.extend(differing(self._data, self._text))
            if len(self._flaws) >= MOST_PROBLEMS:
                last = self._flaws[-1]
                self._flaws.append(_too_many(last.line, last.column))
        # What was not read is missing, not null.
        return Structure(root[0] if root else None if complete else BROKEN, self._flaws, complete)

    def _document(self, root: list[Any]) -> None:
        """Read the one document into `root`, as its only item."""
        for event in self._events():
            if isinstance(event, NodeEvent):
                self._node(event, root.append, 1)
            elif isinstance(event, DocumentEndEvent):
                end = event.end_mark.index if event.end_mark else 0
                self._rest(end, explicit=bool(event.explicit))
                return

    def _events(self) -> Iterator[Event]:
        while (event := self._next()) is not None:
            yield event

    def _rest(self, end: int, *, explicit: bool) -> None:
        """Refuse what follows the document, unread: libyaml takes quadratic time over the directives of many documents."""
        if _FORBIDDEN.search(self._text, end):
            self._flaws.extend(_forbidden(self._text))
        index = next(match.end() for match in _NOTHING_MORE.finditer(self._text, end))
        if index == len(self._text):
            return
        line, column = place(self._text, index)
        if explicit or self._text.startswith(("---", "%"), index):
            message, hint = "a second YAML document begins here", "keep one document; `---` is allowed only before it"
            self._flaws.append(Flaw(codes.SEVERAL_DOCUMENTS, line, column, message, hint))
        else:
            message, hint = (
                "text follows the end of the document",
                "indent the line like its neighbours, or remove it",
            )
            self._flaws.append(Flaw(codes.YAML_SYNTAX, line, column, message, hint))

    def _mapping(self, made: dict[str, Any], depth: int) -> Event:
        """Fill a map with what follows its start, up to its end, which is given. The hot loop, with `_sequence`: plain scalars are handled in place."""
        next_event, keys, values = self._next, self._keys, self._values
        while True:
            event = next_event()
            if type(event) is MappingEndEvent:
                return event
            key: str | None
            if type(event) is ScalarEvent and event.tag is None and event.anchor is None:
                key = event.value
                if not event.style:
                    key = keys.get(key) or self._plain_key(event)
            else:
                key = self._unusual_key(event, depth)
            into = made
            if key is None or key in made:
                # Its value is read for what is wrong in it, then dropped.
                into = {}
                if key is None:
                    key = ""
                else:
                    self._flaw(
                        event,
                        codes.DUPLICATE_KEY,
                        f"the key {shown(key)} appears twice in this map",
                        "keep one of them",
                    )

            event = next_event()
            if type(event) is ScalarEvent and event.tag is None and event.anchor is None:
                text = event.value
                if event.style:
                    into[key] = text
                    if event.style in _QUOTES:
                        self._goes_on(event, event)
                else:
                    value = values.get(text, _UNSEEN)
                    into[key] = value if value is not _UNSEEN else self._plain(event, key)
            else:
                found = len(self._flaws)
                try:
                    if (
                        type(event) is MappingStartEvent
                        and event.tag is None
                        and event.anchor is None
                        and depth < MAX_DEPTH
                    ):
                        child: dict[str, Any] = {}
                        into[key] = child
                        end = self._mapping(child, depth + 1)
                        if event.flow_style:
                            self._goes_on(event, end)
                    else:
                        self._node(event, into.__setitem__, depth + 1, key)
                finally:
                    if len(self._flaws) > found and credential_like(key):
                        self._flaws[found:] = [flaw._replace(value=None) for flaw in self._flaws[found:]]

    def _sequence(self, made: list[Any], depth: int) -> Event:
        """Fill a list with what follows its start, up to its end, which is given."""
        next_event, values = self._next, self._values
        while True:
            event = next_event()
            if type(event) is ScalarEvent and event.tag is None and event.anchor is None:
                text = event.value
                if event.style:
                    made.append(text)
                    if event.style in _QUOTES:
                        self._goes_on(event, event)
                else:
                    value = values.get(text, _UNSEEN)
                    made.append(value if value is not _UNSEEN else self._plain(event))
            elif type(event) is SequenceEndEvent:
                return event
            else:
                self._node(event, made.append, depth + 1)

    def _node(self, event: Event, put: Callable[..., None], depth: int, *place: str) -> None:
        """Read a value of any form, `depth` deep if it is a container, and put it in its place."""
        if isinstance(event, AliasEvent):
            self._flaw(event, codes.ALIAS, "aliases are not allowed", "write the value itself")
            put(*place, BROKEN)
            return
        if not isinstance(event, _VALUES):
            raise TypeError(f"libyaml returned {type(event).__name__} instead of a value")
        if event.anchor is not None:
            self._flaw(
                event,
                codes.ANCHOR,
                "anchors are not allowed",
                "remove it, and write the value itself in every place",
            )
        if isinstance(event, ScalarEvent):
            put(*place, self._scalar(event, *place))
            if event.style in _QUOTES:
                self._goes_on(event, event)
            return
        if depth > MAX_DEPTH:
            self._flaw(
                event,
                codes.TOO_DEEP,
                f"nested deeper than {MAX_DEPTH} levels; the rest of the file was not read",
                "flatten the value",
            )
            raise _Stop
        made: dict[str, Any] | list[Any] = {} if isinstance(event, MappingStartEvent) else []
        put(*place, made if self._tag_fits(event) else BROKEN)
        end = self._mapping(made, depth) if isinstance(made, dict) else self._sequence(made, depth)
        if event.flow_style:
            self._goes_on(event, end)

    def _goes_on(self, begun: Event, ended: Event) -> None:
        """Take note of text in quotes, or a map or list in brackets, that goes on in another line."""
        if begun.start_mark and ended.end_mark and begun.start_mark.line != ended.end_mark.line:
            self._continued = True

    def _tag_fits(self, event: CollectionStartEvent) -> bool:
        form = "map" if isinstance(event, MappingStartEvent) else "seq"
        if event.tag in (None, "!", _TAG + form):
            return True
        self._refuse_tag(event, "a map" if form == "map" else "a list")
        return False

    def _refuse_tag(self, event: ScalarEvent | CollectionStartEvent, value: str) -> None:
        tag = event.tag or ""
        if tag in _CORE:
            self._flaw(
                event,
                codes.TAG_DISAGREES,
                f"the tag !!{tag.removeprefix(_TAG)} does not match its value, {value}",
                "remove the tag",
            )
        else:
            self._flaw(
                event,
                codes.UNSUPPORTED_TAG,
                f"the tag {shown(tag)} is not allowed",
                "do not put encrypted values into the file: secrets belong in Vault"
                if tag == "!vault"
                else "remove it; only YAML's core tags are allowed",
            )

    def _scalar(self, event: ScalarEvent, key: str = "") -> Any:
        """Read a scalar of any style, tagged or not."""
        tag, text = event.tag, event.value
        if tag is None:
            return text if event.style else self._plain(event, key)
        if tag in ("!", _TAG + "str"):
            return text
        value = plain_value(text)
        match tag.removeprefix(_TAG), value:
            case ("int", int()) | ("bool", bool()) if (tag == _TAG + "bool") is isinstance(value, bool):
                return value
            case "float", int() | float() if not isinstance(value, bool):
                return float(value)
            case "null", None:
                return None
        if tag in _CORE and isinstance(value, Refused):
            return self._refuse_value(event, value, key)
        self._refuse_tag(event, "a scalar")
        return BROKEN

    def _plain(self, event: ScalarEvent, key: str = "") -> Any:
        """Read a plain scalar for the first time."""
        value = plain_value(event.value)
        if type(value) is Refused:
            return self._refuse_value(event, value, key)
        # The cached text is given out again, so that equal texts are one object.
        self._values[event.value] = value
        return value

    def _refuse_value(self, event: ScalarEvent, refused: Refused, key: str) -> Any:
        self._flaw(event, refused.code, refused.message, refused.hint, None if credential_like(key) else event.value)
        return BROKEN

    def _plain_key(self, event: ScalarEvent) -> str | None:
        """Read a plain key for the first time: its text, or None where it is refused. Ambiguous words are text here."""
        text = event.value
        if text == "<<":
            self._flaw(
                event,
                codes.MERGE_KEY,
                "merge keys are not allowed",
                'write the fields themselves, or write "<<" in quotes to use it as a key',
            )
            return None
        value = plain_value(text)
        if text in _NULLS:
            self._refuse_key(event)
            return None
        if type(value) is str or (type(value) is Refused and value.code == codes.AMBIGUOUS_VALUE):
            self._keys[text] = text
            return text
        self._refuse_key(event)
        return None

    def _refuse_key(self, event: ScalarEvent) -> None:
        """Refuse a key that YAML reads as something else than text."""
        found = f"the key {shown(event.value)} is" if event.value else "an empty key is"
        self._flaw(event, codes.KEY_NOT_TEXT, f"{found} not text", "put the key in quotes")

    def _unusual_key(self, event: Event, depth: int) -> str | None:
        """Read a key that is not a bare scalar: its text, or None where it is refused."""
        if isinstance(event, ScalarEvent):
            if event.anchor is not None:
                self._flaw(event, codes.ANCHOR, "anchors are not allowed", "remove it")
            if event.tag is None:
                return event.value if event.style else self._plain_key(event)
            key = self._scalar(event)
            if isinstance(key, str):
                return key
            if key is not BROKEN:
                self._refuse_key(event)
            return None
        if isinstance(event, CollectionStartEvent):
            index = event.start_mark.index if event.start_mark else 0
            if self._text.startswith("{{", index - 1) and index:
                self._flaw(event, codes.COMPLEX_KEY, "a map cannot be a key, and {{ }} is a map used as a key", _RENDER)
                found = len(self._flaws)
                self._node(event, [].append, depth + 1)
                del self._flaws[found:]  # what stands within a template is not meant as YAML
                return None
            self._flaw(event, codes.COMPLEX_KEY, "a map or list cannot be a key", "write the key as text")
        self._node(event, [].append, depth + 1)
        return None

    def _flaw(self, event: Event, code: str, message: str, hint: str, value: str | None = None) -> None:
        mark = event.start_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        self._flaws.append(Flaw(code, line, column, message, hint, value))
        if len(self._flaws) >= MOST_PROBLEMS:
            self._flaws.append(_too_many(line, column))
            raise _Stop

    def _syntax(self, error: YAMLError) -> list[Flaw]:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is None:
            return _forbidden(self._text)
        if unfinished := conflicts(self._text, whole=False):
            return unfinished
        problem, context = getattr(error, "problem", None) or "cannot be read", getattr(error, "context", None)
        message = f"{context}: {problem}" if context else problem
        hint = next(
            (hint for part, hint in _SYNTAX_HINTS if part in problem), "check this place and the lines above it"
        )
        if any(mark in line for line in self._lines(mark.line - 1, mark.line) for mark in _TEMPLATES):
            hint = f"{hint}; {_RENDER}"
        return [Flaw(codes.YAML_SYNTAX, mark.line, mark.column, f"not YAML: {message}", hint)]

    def _lines(self, first: int, last: int) -> list[str]:
        return _LINE_BREAK.split(self._text, last + 1)[max(first, 0) : last + 1]

    def _last_place(self) -> tuple[int, int]:
        """Where the last event ended before libyaml's binding gave up."""
        events = CParser(self._data)
        last = (0, 0)
        try:
            while (event := events.get_event()) is not None:
                if event.end_mark:
                    last = event.end_mark.line, event.end_mark.column
        except UnicodeDecodeError:
            pass
        return last
