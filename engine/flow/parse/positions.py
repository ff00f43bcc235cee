"""Positions of the values of a fleet file: computed from its bytes only if there is something to report, never for a valid file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from yaml._yaml import CParser
from yaml.error import YAMLError
from yaml.events import CollectionEndEvent, Event, MappingStartEvent, NodeEvent, ScalarEvent, SequenceStartEvent

from engine.kinds.fields import MAX_DEPTH

Place = tuple[int, int]
"""Line and column, counted from 1."""

Path = tuple[str | int, ...]


@dataclass(slots=True)
class _Node:
    value: Place
    key: Place
    """Position of its key; without a key, of the value."""
    children: dict[str | int, _Node] | None = None


class _TooDeep(Exception):
    """Nothing deeper was read, so nothing deeper is needed."""


class Positions:
    """The places of every value and key of one file, by path: section, name, field and so on down."""

    def __init__(self, data: bytes, column: Callable[[int, int], int] = lambda line, column: column) -> None:
        """`column` gives the column to tell, from a line and column of `data`, all from 0."""
        self._data = data
        self._column = column

    def value(self, path: Path) -> Place:
        """Where a value begins; the nearest enclosing one if it is not in the file."""
        return self._told(self._find(path).value)

    def key(self, path: Path) -> Place:
        """Where the key of a value begins; the nearest enclosing key if it is not in the file."""
        return self._told(self._find(path).key)

    def _told(self, place: Place) -> Place:
        line, column = place
        return line, self._column(line - 1, column - 1) + 1

    def _find(self, path: Path) -> _Node:
        node = self._root
        for part in path:
            child = node.children.get(part) if node.children else None
            if child is None:
                break
            node = child
        return node

    @cached_property
    def _root(self) -> _Node:
        """The tree of places, as far as the file can be read."""
        root = _Node((1, 1), (1, 1))
        next_event: Callable[[], Event] = CParser(self._data).get_event  # type: ignore[assignment]  # None only after the end
        try:
            while (event := next_event()) is not None:
                if isinstance(event, NodeEvent):
                    root.value = root.key = _place(event)
                    _fill(root, event, next_event, 1)
                    break
        except (YAMLError, UnicodeDecodeError, _TooDeep):
            pass
        return root


def _place(event: Event) -> Place:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _fill(node: _Node, event: Event, next_event: Callable[[], Event], depth: int) -> None:
    """Read the places within a value. As in reading, the first of two equal keys wins."""
    mapping = isinstance(event, MappingStartEvent)
    if not mapping and not isinstance(event, SequenceStartEvent):
        return
    if depth > MAX_DEPTH:
        raise _TooDeep
    children: dict[str | int, _Node] = {}
    node.children = children
    while not isinstance(event := next_event(), CollectionEndEvent):
        part: str | int | None = len(children)
        key = _place(event)
        if mapping:
            part = event.value if isinstance(event, ScalarEvent) else None
            if part is None:
                _fill(_Node(key, key), event, next_event, depth + 1)
            event = next_event()
        child = _Node(_place(event), key)
        if part is not None:
            children.setdefault(part, child)
        _fill(child, event, next_event, depth + 1)
