"""The order of changes: what is referred to first, destroys last, few waves. Each by a fleet as small as shows it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from engine.flow.order import Move, Ordering, in_order, waves
from engine.kinds.fleet import FLEET
from engine.model import ResourceKey

Change = tuple[dict[str, Any] | None, dict[str, Any] | None]


def module(*depends_on: str) -> dict[str, Any]:
    return {"depends_on": list(depends_on)}


def new(*depends_on: str) -> Change:
    return None, module(*depends_on)


def gone(*depends_on: str) -> Change:
    return module(*depends_on), None


def ordered(**modules: Change) -> Ordering:
    return in_order(FLEET, {ResourceKey("acme", "modules", name): Move(*change) for name, change in modules.items()})


def names(keys: list[ResourceKey]) -> str:
    return " ".join(key.name for key in keys)


@pytest.mark.parametrize(
    ("changes", "order", "cut"),
    [
        ({"a": new("b"), "b": new(), "c": new()}, "b c a", ["b c", "a"]),
        ({"a": new("b"), "b": new("c"), "c": new(), "d": new()}, "c d b a", ["c d", "b", "a"]),
        ({"a": gone("b"), "b": gone(), "c": gone()}, "c a b", ["c a", "b"]),
        ({"a": gone(), "b": new(), "c": (module(), module())}, "b c a", ["b c a"]),
        ({"a": gone(), "b": (module("a"), module())}, "b a", ["b", "a"]),
        ({"a": gone(), "b": (module("a"), module("c")), "c": new()}, "c b a", ["c", "b", "a"]),
        ({"a": gone(), "c": gone(), "b": (module("c"), module())}, "b c a", ["b", "c a"]),
        ({"a": new(), "x": new(), "y": new("x"), "z": new("a"), "b": new("y")}, "a x y z b", ["a x", "y z", "b"]),
        ({"a": new(), "b": new("a"), "c": new("a", "b"), "z": new("a")}, "a b z c", ["a", "b z", "c"]),
        ({"App": gone(), "app": new()}, "App app", ["App", "app"]),
        ({"App": gone(), "app": (module(), module("b")), "b": new()}, "b app App", ["b", "app App"]),
        ({"a": new("a")}, "a", ["a"]),
        ({"a": gone("a")}, "a", ["a"]),
        ({"a": new("elsewhere")}, "a", ["a"]),
        ({"a": new("b"), "b": gone()}, "a b", ["a b"]),
    ],
)
def test_modules_go_in_this_order(changes: dict[str, Change], order: str, cut: list[str]) -> None:
    found = ordered(**changes)
    assert (names(found.order), found.stuck, found.ring()) == (order, [], [])
    assert [names(wave) for wave in waves(found)] == cut


def test_changes_that_wait_for_one_another_are_stuck_and_so_is_what_waits_for_them() -> None:
    found = ordered(c=new("a"), b=new("a"), a=new("b"), d=new())
    assert (names(found.order), names(found.stuck)) == ("d", "a b c")
    ring = names(found.ring())
    assert ring in {"a b a", "b a b"}


def test_a_ring_is_named_in_the_direction_in_which_its_changes_wait() -> None:
    ring = [key.name for key in ordered(a=new("b"), b=new("c"), c=new("a")).ring()]
    assert ring[0] == ring[-1]
    assert set(pairwise(ring)) == {("a", "b"), ("b", "c"), ("c", "a")}


def test_what_waits_for_a_later_phase_goes_with_it() -> None:
    """A template comes before modules, but not one that waits for a module: then both go in two waves, and not in three."""
    keys = {
        ResourceKey("acme", "templates", "late"): Move(None, {"modules": ["m@1"]}),
        ResourceKey("acme", "templates", "early"): Move(None, {"modules": []}),
        ResourceKey("acme", "modules", "m"): Move(None, module()),
        ResourceKey("acme", "modules", "n"): Move(None, module("m")),
    }
    found = in_order(FLEET, keys)
    assert [names(wave) for wave in waves(found)] == ["early m", "late n"]


def test_destroys_go_through_the_phases_in_reverse() -> None:
    moves = {
        ResourceKey("acme", section, "x"): Move({"modules": [], "depends_on": [], "template": None}, None)
        for section in ("templates", "modules", "nodes")
    }
    assert [key.kind for key in in_order(FLEET, moves).order] == ["nodes", "modules", "templates"]


def test_a_name_in_another_account_is_nothing_to_wait_for() -> None:
    moves = {
        ResourceKey("acme", "modules", "a"): Move(None, module("b")),
        ResourceKey("rival", "modules", "b"): Move(None, module()),
        ResourceKey("rival", "modules", "A"): Move(module(), None),
    }
    assert in_order(FLEET, moves).waits_for == {key: set() for key in moves}
