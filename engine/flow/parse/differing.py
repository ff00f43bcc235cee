"""Where libyaml takes what YAML 1.2 reads otherwise, or does not allow: another reader would see another file, or none.

A few searches of the text say whether there may be any such place; only then are the tokens gone through, which takes as long as
reading. So what is found is exact, and a file without such places pays next to nothing.
Source: YAML 1.2.2, and the cases of the YAML test suite that libyaml answers otherwise.
"""

from __future__ import annotations

import re
from typing import Final

from yaml._yaml import CParser
from yaml.error import Mark, YAMLError
from yaml.tokens import (
    BlockEndToken,
    BlockMappingStartToken,
    BlockSequenceStartToken,
    DirectiveToken,
    DocumentEndToken,
    DocumentStartToken,
    FlowEntryToken,
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    KeyToken,
    ScalarToken,
    StreamEndToken,
    Token,
    ValueToken,
)

from engine.flow.parse import codes
from engine.flow.parse.flaws import MOST_PROBLEMS, Flaw, place
from engine.kinds.fields import MAX_DEPTH

_HASH = re.compile(r"""#(?:(?<=["'\[\]{},:|>]#)|(?<=[|>][-+0-9]#)|(?<=[|>][-+0-9]{2}#))""")
_QUESTION = re.compile(r"\?(?=\S)(?<=[\s\[{,]\?)")
_DASH = re.compile(r"-(?=[,\]}])(?<=[\s\[{,:]-)")
"""Each finds more than what is refused, and all of it. They begin with one letter, for which the search is quick."""

_HEADERS = re.compile(r"[|>][-+0-9]*+[ \t]*+(?:#[^\r\n]*+)?(?:\r\n?|\n|\Z)")
_HEADER = re.compile(r"[|>](?P<how>[-+0-9]*)(?P<hash>#?)[^\r\n]*+(?:\r\n?|\n|\Z)")
_LINE = re.compile(r"(?:\r\n?|\n)(?P<spaces> *)(?P<tab>[ \t]*)(?P<first>[^\r\n]?)")
_BLANK_LINES = re.compile(r"(?P<blank>(?: *(?:\r\n?|\n))*)(?P<spaces> *)(?P<first>[^\r\n]?)")

_OPENED: Final = (FlowMappingStartToken, FlowSequenceStartToken)
_CLOSED: Final = (FlowMappingEndToken, FlowSequenceEndToken)
_BEFORE_HASH: Final = (*_OPENED, *_CLOSED, FlowEntryToken, ValueToken, DirectiveToken)


def may_differ(text: str) -> bool:
    """Whether to go through the tokens, by a quick look. Does not see lines that are indented too little."""
    return (
        _HASH.search(text) is not None
        or _QUESTION.search(text) is not None
        or _DASH.search(text) is not None
        or text.endswith((" ", "\t"))
        or "%YAML" in text
        or any(_odd_header(text, header) for header in _HEADERS.finditer(text))
    )


def _odd_header(text: str, header: re.Match[str]) -> bool:
    """Whether what may be the beginning of a text stands alone in its line, or has blank lines and then a # below it."""
    before, lines = header.start(), _BLANK_LINES.match(text, header.end())
    while before and text[before - 1] == " ":
        before -= 1
    alone = not before or text[before - 1] in "\r\n"
    return alone or (lines is not None and lines["first"] == "#" and " " in lines["blank"])


def differing(data: bytes, text: str) -> list[Flaw]:
    """Every place of the first document that another reader takes otherwise. Effects: none. Raises: nothing."""
    found = _Tokens(text)
    next_token = CParser(data).get_token
    try:
        while (token := next_token()) is not None and found.take(token) and len(found.flaws) < MOST_PROBLEMS:
            pass
    except (YAMLError, UnicodeDecodeError):
        return found.flaws  # reading has told of it
    found.at_the_end()
    return found.flaws


class _Tokens:
    def __init__(self, text: str) -> None:
        self._text = text
        self._blocks = [-1]
        """Columns of the block maps and lists that are open."""
        self._block = -1
        """The column of the one that the last block scalar stands in."""
        self._flow = 0
        self._opened: Mark | None = None
        self._last: ScalarToken | None = None
        """The block scalar that nothing follows yet."""
        self._documents = 0
        self._shallow: set[int] = set()
        """Lines that are told to be indented too little."""
        self.flaws: list[Flaw] = []

    def take(self, token: Token) -> bool:
        """Look at the next token; False where the document ends."""
        start, end = token.start_mark, token.end_mark
        if isinstance(token, BlockMappingStartToken | BlockSequenceStartToken):
            self._blocks.append(start.column)
        elif isinstance(token, BlockEndToken):
            self._blocks.pop()
            return True
        elif isinstance(token, StreamEndToken):
            return True
        elif isinstance(token, ScalarToken):
            self._scalar(token)
            return True
        elif isinstance(token, _OPENED):
            if self._flow == 0:
                self._opened = start
            self._flow += 1
        elif isinstance(token, _CLOSED):
            self._flow -= 1
            if self._flow == 0 and self._opened is not None:
                self._continued(self._opened, end, in_quotes=False)
        elif isinstance(token, KeyToken):
            self._question(start)
        elif isinstance(token, DocumentStartToken):
            self._documents += 1
        self._last = None
        if isinstance(token, _BEFORE_HASH):
            self._hash(end.index, end.line, end.column)
        # Many brackets within each other would cost libyaml quadratic time; reading has refused them.
        return self._documents < 2 and not isinstance(token, DocumentEndToken) and 0 <= self._flow <= MAX_DEPTH

    def _scalar(self, token: ScalarToken) -> None:
        self._last = None
        start, end = token.start_mark, token.end_mark
        if token.style in ("|", ">"):
            self._last, self._block = token, self._blocks[-1]
            self._block_scalar(start)
        elif token.style:
            self._hash(end.index, end.line, end.column)
            if start.line != end.line:
                self._continued(start, end, in_quotes=True)
        elif self._flow and token.value == "-" and self._text[end.index : end.index + 1] in {",", "]", "}"}:
            message = "- alone within brackets is text for some YAML readers, and an error for others"
            self._report(
                codes.YAML_SYNTAX, start.line, start.column, message, 'write it in quotes, as "-", or remove it'
            )

    def _hash(self, index: int, line: int, column: int) -> None:
        if self._text[index : index + 1] == "#":
            message = "# without a space before it is a comment for some YAML readers, and an error for others"
            self._report(codes.YAML_SYNTAX, line, column, message, "put a space before the #")

    def _question(self, start: Mark) -> None:
        if self._flow and (two := self._text[start.index : start.index + 2])[0] == "?" and two[1:].strip():
            message = "? at the beginning of text within brackets is part of the text for some YAML readers, and marks a key for others"
            hint = 'put the text in quotes, as in "?text"; to mark a key, put a space after the ?'
            self._report(codes.AMBIGUOUS_VALUE, start.line, start.column, message, hint)

    def _continued(self, start: Mark, end: Mark, *, in_quotes: bool) -> None:
        """Refuse lines that are not deeper than the block around them; a bracket that closes may stand at any column."""
        column = self._blocks[-1]
        if column < 0:
            return
        for at, line in enumerate(_LINE.finditer(self._text, start.index, end.index), start.line + 1):
            passed_over = (
                line["tab"] == "" or not in_quotes if not line["first"] else line["first"] in "#]}" and not in_quotes
            )
            if passed_over or len(line["spaces"]) > column:
                continue
            if at not in self._shallow:
                self._shallow.add(at)
                spaces = f"{column + 1} space{'s' if column else ''}"
                how = f"is indented with a tab, not with {spaces}" if line["tab"] else f"is not indented by {spaces}"
                what = "text in quotes" if in_quotes else "a list or map in brackets"
                message = f"{what} continues in a line that {how}: some YAML readers do not allow it"
                self._report(codes.YAML_SYNTAX, at, 0, message, f"begin each of its lines with at least {spaces}")
            return

    def _block_scalar(self, start: Mark) -> None:
        header = _HEADER.match(self._text, start.index)
        if header is None:
            return
        if start.column <= self._blocks[-1]:
            message = (
                f"{header[0][0]} starts text in a line with too little indentation: some YAML readers do not allow it"
            )
            self._report(
                codes.YAML_SYNTAX,
                start.line,
                start.column,
                message,
                f"write {header[0][0]} directly after the key, or indent the line",
            )
        if header["hash"]:
            index = header.start("hash")
            self._hash(index, start.line, start.column + index - start.index)
        lines = _BLANK_LINES.match(self._text, header.end())
        if lines is None or lines["first"] != "#" or header["how"].strip("-+"):
            return
        deepest = max(map(len, re.split(r"[\r\n]", lines["blank"])))
        if self._blocks[-1] < len(lines["spaces"]) < deepest:
            down, column = place(
                self._text[header.start() : lines.start("first")], lines.start("first") - header.start()
            )
            message = "this line is a comment for some YAML readers, and text for others: the blank lines above it are indented deeper"
            hint = "remove the spaces from the blank lines above"
            self._report(codes.AMBIGUOUS_VALUE, start.line + down, column, message, hint)

    def at_the_end(self) -> None:
        """Refuse a last line of blanks, without a line end, that belongs to a text."""
        token, text = self._last, self._text
        if token is None or not text.endswith((" ", "\t")):
            return
        header = _HEADER.match(text, token.start_mark.index)
        last = max(text.rfind("\n"), text.rfind("\r")) + 1
        if header is None or header.end() > last or text[last:].strip(" \t") or text[token.end_mark.index :].strip():
            return
        digits = header["how"].strip("-+")
        first = _BLANK_LINES.match(text, header.end())
        indent = max(self._block, 0) + int(digits) if digits else len(first["spaces"]) if first else 0
        if digits or text[header.end() :].strip():
            differs = len(text) - last > indent and "-" not in header["how"]
        else:
            differs = len(text) - last > self._block and "+" in header["how"]
        if differs:
            at, _ = place(text, last)
            message = (
                "the file ends within a text, in blanks without a line break: YAML readers differ on how the text ends"
            )
            hint = "remove the blanks, or add a line break"
            self._report(codes.AMBIGUOUS_VALUE, at, 0, message, hint)

    def _report(self, code: str, line: int, column: int, message: str, hint: str) -> None:
        self.flaws.append(Flaw(code, line, column, message, hint))
