"""Drift by itself: which episodes open, go on and close, and what they say. Pure, so by differences made here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.flow.drift import detect, drifting, first_move
from engine.kinds.fleet import FLEET
from engine.model import Cause, Change, Difference, OpenEpisode, ResourceKey, Spec

A, B, C = (ResourceKey("acme", "modules", name) for name in "abc")
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def drifted(
    key: ResourceKey, base: Spec | None, live: Spec | None, desired: Spec | None, cause: Cause = Cause.LIVE_MOVED
) -> Difference:
    change = Change.DESTROY if desired is None else Change.CREATE if live is None else Change.UPDATE
    return Difference(key, change, live, desired, cause, base, live_version=None if live is None else 3)


def episode(
    key: ResourceKey, version: int | None, *fields: dict[str, Any], change: Change = Change.UPDATE
) -> OpenEpisode:
    return OpenEpisode(7, key, change, fields, version)


MOVED = drifted(A, {"priority": 1}, {"priority": 2}, {"priority": 1})
ROW = {"path": "priority", "base": 1, "live": 2, "desired": 1}


def test_only_what_live_moved_away_from_a_base_drifts() -> None:
    of_git = drifted(B, {"priority": 1}, {"priority": 1}, {"priority": 2}, Cause.GIT_MOVED)
    of_both = drifted(C, {"priority": 1}, {"priority": 3}, {"priority": 2}, Cause.BOTH)
    without_base = drifted(B, None, {"priority": 1}, {"priority": 2}, Cause.LIVE_MOVED)
    assert drifting([MOVED, of_git, of_both, without_base]) == {A: MOVED, C: of_both}


def test_what_drifts_anew_opens_with_who_moved_it_in_order_of_key() -> None:
    gone = drifted(C, {"priority": 1}, None, {"priority": 1})
    moves = detect([gone, drifted(B, {}, {"priority": 1}, {}), MOVED], [], {}, {A: (WHEN, "ben")})
    assert (moves.moved_on, moves.closed) == ((), ())
    assert [(d.key, d.change, d.live_version, d.severity, d.moved_by, d.moved_at) for d in moves.opened] == [
        (A, "update", 3, "medium", "ben", WHEN),
        (B, "update", 3, "medium", None, None),
        (C, "create", None, "high", None, None),
    ]
    assert moves.opened[0].fields == (ROW,)


@pytest.mark.parametrize(("count", "severity"), [(10, "medium"), (11, "high")])
def test_more_than_ten_that_open_at_once_are_severe(count: int, severity: str) -> None:
    many = [drifted(A._replace(name=f"m{n}"), {"priority": 1}, {"priority": 2}, {"priority": 1}) for n in range(count)]
    assert [d.severity for d in detect(many, [], {}, {}).opened] == [severity] * count
    assert [d.severity for d in detect([*many, MOVED], [episode(A, 1)], {}, {}).opened] == [severity] * count


@pytest.mark.parametrize(
    ("base", "live", "desired", "row"),
    [
        ({"priority": 1}, {"priority": 2}, {"priority": 5}, {"path": "priority", "base": 1, "live": 2, "desired": 5}),
        ({"priority": 1}, {"priority": 2}, None, {"path": "priority", "base": 1, "live": 2, "desired": None}),
        ({"priority": 1}, None, {"priority": 1}, {"path": "priority", "base": 1, "live": None, "desired": 1}),
        ({"priority": 1}, {"priority": 2, "description": "x"}, {"priority": 1}, ROW),
        ({"config": {"a": 1, "b": 2}}, {"config": {"a": 3, "b": 2}}, {"config": {"a": 1, "b": 2}}, {"path": "config.a", "base": 1, "live": 3, "desired": 1}),
    ],
)  # fmt: skip
def test_an_episode_tells_of_each_value_that_is_not_as_the_base_has_it(
    base: Spec, live: Spec | None, desired: Spec | None, row: dict[str, Any]
) -> None:
    (opened,) = detect([drifted(A, base, live, desired)], [], {}, {}).opened
    assert opened.fields == (row,)


@pytest.mark.parametrize(
    ("standing", "goes_on"),
    [
        (episode(A, 3, ROW), False),
        (episode(A, 2, ROW), True),
        (episode(A, 3), True),
        (episode(A, 3, ROW, change=Change.DESTROY), True),
    ],
)
def test_an_open_episode_moves_on_when_anything_of_it_is_another(standing: OpenEpisode, goes_on: bool) -> None:
    moves = detect([MOVED], [standing], {A: 3}, {})
    assert (moves.opened, moves.closed) == ((), ())
    assert [id_ for id_, _ in moves.moved_on] == ([7] if goes_on else [])


def test_episodes_move_on_and_close_in_order_of_key() -> None:
    differences = [drifted(key, {"priority": 1}, {"priority": 2}, {"priority": 1}) for key in (C, A, B)]
    standing = [episode(key, 1) for key in (B, C, A)]
    assert [d.key for _, d in detect(differences, standing, {}, {}).moved_on] == [A, B, C]
    assert [e.key for e, _ in detect([], standing, {}, {}).closed] == [A, B, C]


@pytest.mark.parametrize(
    ("version", "held", "outcome"),
    [
        (3, {A: 3}, "codified"),
        (3, {A: 4}, "reverted"),
        (3, {}, "removed"),
        (None, {}, "codified"),
        (None, {A: None}, "codified"),
        (None, {A: 4}, "reverted"),
    ],
)
def test_how_an_episode_ended(version: int | None, held: dict[ResourceKey, int | None], outcome: str) -> None:
    closed = detect([], [episode(A, version)], held, {}).closed
    assert [(each.key, said) for each, said in closed] == [(A, outcome)]


def test_who_moved_it_first_is_who_did_since_it_last_agreed() -> None:
    one, two = FLEET["modules"].complete({"priority": 1}), FLEET["modules"].complete({"priority": 2})
    at = [WHEN.replace(day=day) for day in range(1, 6)]
    versions = [(two, at[0], "eve"), (one, at[1], "ana"), (two, at[2], "ben"), (None, at[3], "bob")]
    assert first_move(FLEET, A, {"priority": 1}, versions) == (at[2], "ben")
    assert first_move(FLEET, A, {"priority": 1}, versions[:1]) == (at[0], "eve")
    assert first_move(FLEET, A, {"priority": 1}, versions[:2]) is None


def test_what_git_no_longer_declares_is_no_drift() -> None:
    only_priority = drifted(A, {"priority": 1, "description": "x"}, {"priority": 2}, {"priority": 1})
    (opened,) = detect([only_priority], [], {}, {}).opened
    assert list(opened.fields) == [ROW]
    destroyed = drifted(A, {"priority": 1, "description": "x"}, {"priority": 2, "description": "x", "config": {}}, None)
    (opened,) = detect([destroyed], [], {}, {}).opened
    assert [row["path"] for row in opened.fields] == ["priority"], "of a destroy live is known as a whole"
