"""No difference looks like none: values that differ are shown differently wherever they stand beside each other."""

from __future__ import annotations

import unicodedata
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flow import export
from engine.kinds.fleet import FLEET
from engine.model import FieldChange, canonical
from engine.paths import field_changes
from engine.present import values, words

ALIKE = [
    ("1", 1), ("1.0", 1.0), (1, True), ("true", True), ("none", None), ("null", None), ("[1]", [1]), ('{"a":1}', {"a": 1}), ('"true"', "true"),
    ("a\tb", "a\nb"), ("a\u200bb", "a\u200cb"), ("a\u200bb", "ab"), ("eu west", "eu\u00a0west"), ("caf\u00e9", "cafe\u0301"), ("paypal", "p\u0430ypal"),
    ("a-b", "a\u2013b"), ("x" * 300 + "1", "x" * 300 + "2"), ("x" * 300, "x" * 301), (["x" * 300, 1], ["x" * 300, True]), ({"a": "1"}, {"a": 1}),
    ({"k": "caf\u00e9"}, {"k": "cafe\u0301"}), ("", None), (" a", "a"), ("\\u00a0", "\u00a0"), ("…x", "x"), ("<U+00A0>", "\u00a0"), ([], "[]"),
]  # fmt: skip
LISTS: list[tuple[list[Any], list[Any]]] = [
    (["a", "b", "c"], ["c", "b", "a", "d"]), ([1, "x"], [True, "x", "z"]), (["a", "a", "b"], ["a", "b", "c"]), (["a", "b"], ["b", "a"]), ([1], ["1"]),
    (["x" * 99 + "1"], ["x" * 99 + "2"]), (["a", "a"], ["a"]), ([], ["a"]), (["a", "b"], ["c", "a", "b"]),
]  # fmt: skip
MOST = [24, 40, 60, 80, 200]


def eye(text: str) -> str:
    """What somebody sees who looks quickly: composed, without what has no width, blanks alike."""
    kept = "".join(
        " " if c.isspace() else c
        for c in unicodedata.normalize("NFC", text)
        if unicodedata.category(c) not in {"Cf", "Cc"}
    )
    return kept.translate({ord("а"): "a", ord("–"): "-"})


@pytest.mark.parametrize("most", MOST)
@pytest.mark.parametrize(("one", "other"), ALIKE, ids=range(len(ALIKE)))
def test_values_that_look_alike_are_told_apart(one: Any, other: Any, most: int) -> None:
    first, second = values.beside([one, other], most)
    assert eye(first) != eye(second)
    assert values.beside([one, one, other], most)[0] == values.beside([one, one, other], most)[1]


texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [text for pair in ALIKE for text in pair if isinstance(text, str)]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(anything, min_size=2, max_size=3), st.sampled_from(MOST), st.text("xy", max_size=300))
def test_different_values_are_never_shown_alike(given_: list[Any], most: int, prefix: str) -> None:
    longer = [prefix + item if isinstance(item, str) else [prefix, item] for item in given_]
    for shown_of in (given_, longer):
        shown = values.beside(shown_of, most)
        for (one, first), (other, second) in combinations(zip(shown_of, shown, strict=True), 2):
            assert (canonical(one) == canonical(other)) == (first == second)


@given(st.lists(anything, max_size=4), st.lists(anything, max_size=4))
def test_list_words_say_all_or_nothing(current: list[Any], desired: list[Any]) -> None:
    said = values.moved_in_list(current, desired)
    if canonical(current) == canonical(desired):
        assert said == ""
    change = FieldChange("config.x", "changed", current, desired)
    if canonical(current) != canonical(desired):
        before, _, after = words.change_words(change).removeprefix("config.x ").partition(" → ")
        assert said or before != after


def test_list_words_by_example() -> None:
    said = [values.moved_in_list(*pair) for pair in LISTS]
    assert said == [
        "+d order changed", "+true +z -1 order changed", "+c -a", "order changed", '+"1" -1', "", "-a", "+a", "+c order changed",
    ]  # fmt: skip


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), texts | st.integers(0, 9), max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c"]), texts | st.integers(0, 9), max_size=3))  # fmt: skip
def test_a_unified_diff_shows_every_difference(before: dict[str, Any], after: dict[str, Any]) -> None:
    def lines(config: dict[str, Any]) -> list[str]:
        return export.snippet("modules", "m", FLEET["modules"].complete({"config": config})).splitlines()

    made = values.unified(lines(before), lines(after), ("live", "desired"))
    gone, new = ([line[1:] for line in made[2:] if line.startswith(sign)] for sign in "-+")
    if canonical(before) == canonical(after):
        assert not made
    else:
        assert gone != new
        assert not {eye(line) for line in gone} & {eye(line) for line in new} or sorted(map(eye, gone)) != sorted(
            map(eye, new)
        )


def test_every_field_of_a_change_says_what_changes() -> None:
    for one, other in ALIKE:
        for change in field_changes({"config": {"x": one}}, {"config": {"x": other}}):
            before, _, after = words.change_words(change, 40).partition(" → ")
            assert before.removeprefix("config.x ") != after
