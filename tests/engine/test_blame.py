"""Who set each value: read from versions, path by path; and that it agrees with the history whatever was done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.model import Version
from engine.paths import field_changes
from engine.workbench.blame import blame

START = datetime(2026, 11, 1, tzinfo=UTC)


def versions(*specs: dict[str, Any] | None) -> list[Version]:
    """Versions with these specs, newest first, each by an actor of its own."""
    made = [
        Version(n, n, spec, START + timedelta(hours=n), None, f"actor {n}", "edit", None, None, None)
        for n, spec in enumerate(specs, 1)
    ]
    return made[::-1]


def who(*specs: dict[str, Any] | None) -> dict[str, int]:
    """The version that each path is blamed on."""
    return {b.path: b.version.version for b in blame(versions(*specs))}


def test_each_path_is_blamed_on_the_version_that_brought_its_value() -> None:
    assert who({"a": 1, "m": {"x": 1, "y": 1}}, {"a": 2, "m": {"x": 1, "y": 1}}, {"a": 2, "m": {"x": 1, "y": 3}}) == {
        "a": 2, "m.x": 1, "m.y": 3,
    }  # fmt: skip


def test_a_value_that_went_and_came_back_is_blamed_on_its_return() -> None:
    assert who({"a": 1}, {"a": 2}, {"a": 1}) == {"a": 3}
    assert who({"a": 1}, None, {"a": 1}) == {"a": 3}
    assert who({"m": {"x": 1}}, {"m": {}}, {"m": {"x": 1}}) == {"m.x": 3}


def test_what_is_gone_has_no_blame() -> None:
    assert who({"a": 1}, None) == {}
    assert blame([]) == []


SPECS = st.dictionaries(
    st.sampled_from("abc"), st.integers(0, 2) | st.dictionaries(st.sampled_from("xy"), st.integers(0, 1)), max_size=3
)


@given(st.lists(SPECS | st.none(), min_size=1, max_size=6))
def test_since_the_blamed_version_the_value_has_stood(specs: list[dict[str, Any] | None]) -> None:
    found = versions(*specs)
    blamed = blame(found)
    assert [b.path for b in blamed] == [c.path for c in field_changes(None, specs[-1])]
    for b in blamed:
        for spec in specs[b.version.version - 1 :]:
            values = {c.path: c.desired for c in field_changes(None, spec)}
            assert values.get(b.path) == b.value
        if b.version.version > 1:
            before = {c.path: c.desired for c in field_changes(None, specs[b.version.version - 2])}
            assert b.path not in before or before[b.path] != b.value
