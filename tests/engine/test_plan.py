"""The plan: what is a step, what is skipped and why. Pure, so each by proposals and a fleet made here."""

from __future__ import annotations

from engine.flow.plan import Plan, build
from engine.kinds.fleet import FLEET
from engine.model import Claim, LiveFleet, Proposal, Spec
from tests.engine.conftest import fleet, proposal


def planned(wanted: list[Proposal], live: LiveFleet) -> Plan:
    """The plan where repository 1 holds all that the proposals are on."""
    for each in wanted:
        live.claims.setdefault(each.key.kind, {})[each.key.name] = Claim(1)
    return build(FLEET, wanted, {"acme": live})


def steps(plan: Plan) -> list[list[str]]:
    return [[step.proposal.key.name for step in wave] for wave in plan.waves]


def skipped(plan: Plan) -> list[tuple[int, str, str]]:
    return [(skip.proposal.id, skip.reason, skip.detail) for skip in plan.skipped]


def test_a_step_holds_the_whole_spec_after_it_and_the_version_that_it_was_planned_on() -> None:
    wanted = [
        proposal(1, "modules", "a", {"priority": 1}, {"priority": 2}),
        proposal(2, "modules", "b", None, {"depends_on": ["a"]}),
        proposal(3, "modules", "c", FLEET["modules"].complete({"priority": 7}), None),
    ]
    live = fleet(modules={"a": {"priority": 1, "description": "kept"}, "c": {"priority": 7}})
    plan = planned(wanted, live)
    assert [(s.proposal.id, s.wave, s.seen_version) for s in plan.steps] == [(1, 1, 4), (2, 2, None), (3, 2, 4)]
    changed, created, destroyed = (step.spec for step in plan.steps)
    assert changed == FLEET["modules"].complete({"priority": 2, "description": "kept"})
    assert created == {"depends_on": ["a"]}
    assert destroyed is None
    assert live.specs["modules"]["a"]["priority"] == 1, "live itself is left alone"
    assert not plan.skipped


def test_what_is_stale_or_blocked_is_skipped_in_order_of_key_and_then_of_number() -> None:
    wanted = [
        proposal(9, "modules", "b", None, {"depends_on": ["nowhere"]}),
        proposal(8, "modules", "a", {"priority": 1}, {"priority": 2}, repository=2),
        proposal(7, "modules", "a", {"priority": 0}, {"priority": 2}),
    ]
    plan = planned(wanted, fleet(modules={"a": {"priority": 1}}))
    assert skipped(plan) == [
        (7, "stale", "priority of modules/a moved since it was proposed"),
        (8, "stale", "another repository owns modules/a now"),
        (9, "blocked", "refers to modules/nowhere, but modules/nowhere does not exist"),
    ]
    assert not plan.steps


def test_what_waits_for_a_blocked_one_is_blocked_too_and_the_rest_goes_on() -> None:
    wanted = [
        proposal(1, "modules", "a", None, {"depends_on": ["nowhere"]}),
        proposal(2, "modules", "b", None, {"depends_on": ["a"]}),
        proposal(3, "modules", "c", None, {"depends_on": []}),
        proposal(4, "modules", "d", FLEET["modules"].complete({}), None),
        proposal(5, "modules", "e", None, {"depends_on": ["c"]}),
    ]
    plan = planned(wanted, fleet(modules={"d": {}, "user": {"depends_on": ["d"]}}))
    assert steps(plan) == [["c"], ["e"]]
    assert skipped(plan) == [
        (1, "blocked", "refers to modules/nowhere, but modules/nowhere does not exist"),
        (2, "blocked", "refers to modules/a, but modules/a does not exist"),
        (4, "blocked", "still referred to by modules/user"),
    ]


def test_what_waits_for_one_another_says_for_which_and_not_for_what_has_a_place() -> None:
    wanted = [
        proposal(1, "modules", "a", None, {"depends_on": ["b", "c"]}),
        proposal(2, "modules", "b", None, {"depends_on": ["a", "c"]}),
        proposal(3, "modules", "c", None, {"depends_on": []}),
    ]
    plan = planned(wanted, fleet())
    assert steps(plan) == [["c"]]
    assert skipped(plan) == [
        (1, "blocked", "waits for modules/b, which in turn waits for it"),
        (2, "blocked", "waits for modules/a, which in turn waits for it"),
    ]


def address(network: str, at: str) -> Spec:
    return FLEET["sdwan_virtual_ips"].complete({"network": network, "address": at, "primary_holder": "n"})


def test_an_address_is_judged_by_the_network_that_it_ends_in() -> None:
    network = {"cidr": "10.0.0.0/24"}
    wanted = [
        proposal(1, "sdwan_networks", "net", network, {"cidr": "10.1.0.0/24"}),
        proposal(2, "sdwan_virtual_ips", "vip", {"address": "10.0.0.1"}, {"address": "10.1.0.1"}),
    ]
    live = fleet(
        nodes={"n": {}}, sdwan_networks={"net": network}, sdwan_virtual_ips={"vip": address("net", "10.0.0.1")}
    )
    together = planned(wanted, live)
    assert [step.proposal.id for step in together.steps] == [1, 2]
    for alone in wanted:
        (skip,) = planned([alone], live).skipped
        assert skip.reason == "blocked"
        assert "10." in skip.detail


def test_an_address_whose_network_stays_is_blocked_with_it() -> None:
    """The network's change is blocked by another address; then the first address, tried again without it, fits no more."""
    network = {"cidr": "10.0.0.0/24"}
    wanted = [
        proposal(1, "sdwan_networks", "net", network, {"cidr": "10.1.0.0/24"}),
        proposal(2, "sdwan_virtual_ips", "vip", {"address": "10.0.0.1"}, {"address": "10.1.0.1"}),
        proposal(3, "modules", "m", None, {}),
    ]
    both = {"vip": address("net", "10.0.0.1"), "other": address("net", "10.0.0.2")}
    plan = planned(wanted, fleet(nodes={"n": {}}, sdwan_networks={"net": network}, sdwan_virtual_ips=both))
    assert steps(plan) == [["m"]]
    assert [(skip.proposal.id, skip.reason) for skip in plan.skipped] == [(1, "blocked"), (2, "blocked")]


def test_an_address_goes_with_its_network() -> None:
    vip, network = address("net", "10.0.0.1"), FLEET["sdwan_networks"].complete({"cidr": "10.0.0.0/24"})
    wanted = [proposal(1, "sdwan_networks", "net", network, None), proposal(2, "sdwan_virtual_ips", "vip", vip, None)]
    plan = planned(wanted, fleet(nodes={"n": {}}, sdwan_networks={"net": network}, sdwan_virtual_ips={"vip": vip}))
    assert (steps(plan), skipped(plan)) == ([["vip"], ["net"]], [])


def test_what_is_blocked_in_the_end_still_holds_what_it_refers_to() -> None:
    """The address would leave node `n` for `new`, but fits only a network whose own change is blocked: so `n` may not go."""
    before, after = address("net", "10.0.0.1"), {"address": "10.1.0.1", "primary_holder": "new"}
    wanted = [
        proposal(1, "sdwan_networks", "net", {"cidr": "10.0.0.0/24"}, {"cidr": "10.1.0.0/24"}),
        proposal(2, "sdwan_virtual_ips", "vip", {"address": "10.0.0.1", "primary_holder": "n"}, after),
        proposal(3, "nodes", "n", FLEET["nodes"].complete({}), None),
    ]
    live = fleet(
        nodes={"n": {}, "new": {}},
        sdwan_networks={"net": {"cidr": "10.0.0.0/24"}},
        sdwan_virtual_ips={"vip": before, "other": {**address("net", "10.0.0.2"), "primary_holder": "new"}},
    )
    plan = planned(wanted, live)
    assert not plan.steps
    assert [(id_, reason) for id_, reason, _ in skipped(plan)] == [(3, "blocked"), (1, "blocked"), (2, "blocked")]


def test_all_that_one_waits_for_is_named_in_order() -> None:
    names = "bcdefg"
    wanted = [proposal(1, "modules", "a", None, {"depends_on": list(names)})]
    wanted += [proposal(number, "modules", name, None, {"depends_on": ["a"]}) for number, name in enumerate(names, 2)]
    first = planned(wanted, fleet()).skipped[0]
    assert first.detail == f"waits for {', '.join(f'modules/{name}' for name in names)}, and that in turn for it"
