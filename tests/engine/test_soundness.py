"""What is told of an unsound fleet does not depend on the order in which it happens to be held."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from engine.kinds.fleet import FLEET
from engine.soundness import FleetState, reached

DEPENDENCIES = {"a": ["b", "c"], "b": ["a"], "c": ["a"], "d": ["b"]}


def held(names: tuple[str, ...]) -> FleetState:
    modules = {name: {"depends_on": DEPENDENCIES[name]} for name in names}
    return FleetState(FLEET, {"modules": modules}, {})


def test_of_several_cycles_it_is_always_the_same_that_is_told() -> None:
    found = {tuple(held(names).cycle() or ()) for names in permutations(DEPENDENCIES)}
    assert len(found) == 1
    assert {name for _, name in found.pop()} < {"a", "b", "c"}


def test_who_refers_to_a_resource_follows_what_is_put() -> None:
    state = held(("a", "b", "c", "d"))
    assert state.referrers(("modules", "b")) == [("modules", "a"), ("modules", "d")]
    state.put(("modules", "d"), {"depends_on": ["c"]})
    state.put(("modules", "e"), {"depends_on": ["b"]})
    state.put(("modules", "a"), None)
    assert state.referrers(("modules", "b")) == [("modules", "e")]
    assert state.referrers(("modules", "c")) == [("modules", "d")]
    assert state.referrers(("modules", "a")) == [("modules", "b"), ("modules", "c")]


def test_a_change_reaches_the_nodes_that_hang_on_it() -> None:
    specs: dict[str, dict[str, dict[str, Any]]] = {
        "modules": {"m": {}, "base": {}},
        "templates": {"t": {"modules": ["m@1"]}},
        "nodes": {"n": {"template": "t"}, "o": {"template": None}, "p": {}},
        "assignments": {"o:m": {}, "p:base": {}},
    }
    state = FleetState(FLEET, specs, {})
    assert reached(state, FLEET, [("modules", "m")]) == {("nodes", "n"), ("nodes", "o")}
    assert reached(state, FLEET, [("templates", "t")]) == {("nodes", "n")}
    assert reached(state, FLEET, [("assignments", "p:base")]) == {("nodes", "p")}
