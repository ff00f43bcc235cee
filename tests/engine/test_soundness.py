"""When a fleet is unsound and what is said of it, which does not depend on the order in which it happens to be held."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from engine.flow.soundness import FleetState, reached
from engine.kinds.fleet import FLEET

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


def state(known: dict[tuple[str, str], set[str]] | None = None, **specs: dict[str, dict[str, Any]]) -> FleetState:
    whole = {
        kind: {name: FLEET[kind].complete(spec) for name, spec in entries.items()} for kind, entries in specs.items()
    }
    return FleetState(FLEET, whole, known or {})


def wrong(
    state: FleetState, kind: str, name: str, spec: dict[str, Any] | None, **options: bool
) -> tuple[str, str, tuple[str, ...]] | None:
    found = state.unsound((kind, name), spec if spec is None else FLEET[kind].complete(spec), **options)
    return None if found is None else (found.reason, found.detail, found.others)


def test_what_others_refer_to_may_not_go_and_up_to_five_of_them_are_named() -> None:
    users = {f"u{number}": {"depends_on": ["m"]} for number in range(7)}
    held_by = state(modules={"m": {}, "free": {"depends_on": ["free"]}, **users})
    reason, detail, others = wrong(held_by, "modules", "m", None) or ("", "", ())
    five = ", ".join(f"modules/u{number}" for number in range(5))
    assert (reason, detail) == ("still_referenced", f"still referred to by {five} and 2 more")
    assert others == tuple(f"modules/u{number}" for number in range(7))
    assert wrong(held_by, "modules", "free", None) is None, "what refers to itself alone may go"
    assert wrong(held_by, "modules", "u1", None) is None
    for name in ("u5", "u6"):
        held_by.put(("modules", name), None)
    assert (wrong(held_by, "modules", "m", None) or ("", ""))[1] == f"still referred to by {five}"


def test_a_reference_leads_to_what_is_there_in_a_version_that_it_had() -> None:
    known = state({("modules", "m"): {"1", "2"}}, modules={"m": {"version": "2"}})
    assert wrong(known, "templates", "t", {"modules": ["m", "m@1", "m@2"]}) is None
    assert wrong(known, "templates", "t", {"modules": ["m@3"]}) == (
        "missing_reference",
        "refers to modules/m@3, but modules/m never had version 3",
        ("modules/m",),
    )
    assert wrong(known, "templates", "t", {"modules": ["n"]}) == (
        "missing_reference",
        "refers to modules/n, but modules/n does not exist",
        ("modules/n",),
    )
    assert (wrong(state(modules={"m": {}}), "templates", "t", {"modules": ["m@1"]}) or ("",))[0] == "missing_reference"


def test_what_must_be_declared_is_named() -> None:
    found = state().unsound(("sdwan_virtual_ips", "vip"), {"address": "10.0.0.1"})
    assert found is not None
    assert (found.reason, found.detail) == ("conflict", "network and primary_holder must be declared to create it")


def test_a_name_that_differs_by_case_alone_is_refused_to_who_comes_second() -> None:
    two = state(modules={"App": {}})
    assert wrong(two, "modules", "app", {}) == (
        "conflict",
        "its name differs only by case from modules/App",
        ("modules/App",),
    )
    assert wrong(two, "modules", "App", {}) is None
    assert wrong(two, "nodes", "app", {}) is None
    two.put(("modules", "APP"), {})
    assert (wrong(two, "modules", "app", {}) or ("", "", ()))[2] == ("modules/APP", "modules/App")
    for name in ("App", "APP"):
        two.put(("modules", name), None)
    assert wrong(two, "modules", "app", {}) is None
    both = state(modules={"App": {}, "app": {}})
    assert wrong(both, "modules", "app", {"priority": 2}) is None, "who was there already keeps its name"


def test_a_cycle_is_told_along_its_references_and_only_by_who_closes_it() -> None:
    chain = state(modules={"a": {"depends_on": ["b"]}, "b": {"depends_on": ["c", "d"]}, "c": {}, "d": {}})
    assert wrong(chain, "modules", "c", {"depends_on": ["a"]}) == (
        "conflict",
        "closes a cycle: modules/c → modules/a → modules/b → modules/c",
        ("modules/a", "modules/b"),
    )
    assert wrong(chain, "modules", "c", {"depends_on": ["d"]}) is None
    assert wrong(chain, "modules", "c", {"depends_on": ["c"]}) == (
        "conflict",
        "closes a cycle: modules/c → modules/c",
        (),
    )
    assert wrong(chain, "modules", "c", {"depends_on": ["a"]}, cycles=False) is None
    chain.put(("modules", "c"), {"depends_on": ["a"]})
    assert wrong(chain, "modules", "c", {"depends_on": ["a"], "priority": 3}) is None, "it closed that before"
    assert [name for _, name in chain.cycle() or []].count("d") == 0
    chain.put(("modules", "c"), {"depends_on": []})
    assert chain.cycle() is None


def test_an_address_outside_its_network_is_told_from_either_side() -> None:
    vip = {"network": "net", "address": "10.0.0.1", "primary_holder": "n"}
    placed = state(nodes={"n": {}}, sdwan_networks={"net": {"cidr": "10.0.0.0/24"}}, sdwan_virtual_ips={"vip": vip})
    assert wrong(placed, "sdwan_virtual_ips", "vip", {**vip, "address": "10.0.0.9"}) is None
    assert wrong(placed, "sdwan_networks", "net", {"cidr": "10.0.0.0/16"}) is None
    own = wrong(placed, "sdwan_virtual_ips", "vip", {**vip, "address": "10.1.0.1"})
    other = wrong(placed, "sdwan_networks", "net", {"cidr": "10.1.0.0/24"})
    assert own is not None
    assert other is not None
    assert (own[0], own[2]) == ("conflict", ())
    assert (other[0], other[2]) == ("conflict", ("sdwan_virtual_ips/vip",))
    assert other[1].startswith("sdwan_virtual_ips/vip: ")
    assert wrong(placed, "sdwan_networks", "net", {"cidr": "10.1.0.0/24"}, constraints=False) is None


def test_trying_a_change_leaves_what_it_was_made_of_alone() -> None:
    specs: dict[str, dict[str, dict[str, Any]]] = {"modules": {"a": {"depends_on": []}}}
    tried = FleetState(FLEET, specs, {})
    tried.put(("modules", "a"), None)
    tried.put(("modules", "b"), {"depends_on": []})
    assert specs == {"modules": {"a": {"depends_on": []}}}
    assert (tried.get("modules", "a"), tried.get("modules", "b")) == (None, {"depends_on": []})
    assert tried.targets(("modules", "a")) == []


def test_a_change_reaches_no_further_than_its_references_carry_it() -> None:
    """Up from a module to all that is built on it; a node's own entry in a network reaches the node, its network alone does not."""
    carried = state(
        modules={"base": {}, "mid": {"depends_on": ["base"]}, "top": {"depends_on": ["mid"]}},
        nodes={"n": {}, "o": {}, "p": {}},
        assignments={"n:top": {}},
        sdwan_networks={"net": {"cidr": "10.0.0.0/24"}},
        sdwan_peers={"net:o": {}},
        sdwan_virtual_ips={
            "vip": {"network": "net", "address": "10.0.0.1", "primary_holder": "p", "failover_holders": ["o"]}
        },
    )
    assert reached(carried, FLEET, [("modules", "base")]) == {("nodes", "n")}
    assert reached(carried, FLEET, [("sdwan_networks", "net")]) == {("nodes", "o"), ("nodes", "p")}
    assert reached(carried, FLEET, [("sdwan_peers", "net:o")]) == {("nodes", "o")}
    assert reached(carried, FLEET, [("nodes", "n")]) == {("nodes", "n")}
    assert reached(carried, FLEET, []) == set()
