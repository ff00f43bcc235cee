"""Rules at their border: one step before it and one step behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.errors import RefusedEdit
from engine.flow.order import Move, in_order
from engine.flow.propose import fingerprint
from engine.flow.soundness import FleetState, reached
from engine.kinds.fleet import FLEET
from engine.model import Actor, Cause, Change, Difference, ResourceKey, Status
from tests.engine.conftest import ANA, BOB, Bench, modules

A = ResourceKey("acme", "modules", "a")


def test_a_repository_is_not_bound_to_an_account_that_the_actor_has_no_part_in(bench: Bench) -> None:
    bench.push(modules("a"))
    own = Actor("eve", account="acme")
    bench.workbench.change_repository(own, "fc", {"branch": "next"})
    with pytest.raises(RefusedEdit, match="FLEET-600"):
        bench.workbench.change_repository(own, "fc", {"account": "rival"})
    assert bench.workbench.repository("fc").account == "acme"


def test_a_deleted_resource_that_is_declared_by_name_alone_is_drift(bench: Bench) -> None:
    bench.settle("modules: {a: }\n")
    bench.change(auto_apply=True)
    bench.workbench.delete_resource(BOB, A)
    bench.sync()
    (proposal,) = bench.standing()
    assert (proposal.change, proposal.cause, proposal.status) == ("create", "live_moved", "pending")


def test_another_cap_is_something_new(bench: Bench) -> None:
    bench.workbench.settings = replace(bench.workbench.settings, cap=1)
    run = bench.sync(modules("a", "b"))
    assert bench.held(run) == {"modules/b": "cap"}
    assert bench.sync().unchanged
    bench.workbench.settings = replace(bench.workbench.settings, cap=2)
    assert not bench.sync().unchanged
    assert len(bench.standing(Status.PENDING)) == 2


def test_a_proposal_that_live_outdated_is_replaced_by_the_next_tick(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.sync(modules("a", priority=5))
    (before,) = bench.standing()
    bench.edit("modules", "a", priority=3)
    bench.sync()
    (after,) = bench.standing()
    assert (before.current, after.current) == ({"priority": 1}, {"priority": 3})
    assert bench.workbench.proposal(before.id).status == "superseded"


DIFFERENCE = Difference(A, Change.UPDATE, {"priority": 1}, {"priority": 2}, Cause.GIT_MOVED)


@pytest.mark.parametrize(
    "other",
    [
        replace(DIFFERENCE, current={"priority": 3}),
        replace(DIFFERENCE, desired={"priority": 3}),
        replace(DIFFERENCE, current={"priority": True}),
        replace(DIFFERENCE, change=Change.DESTROY),
        replace(DIFFERENCE, key=A._replace(account="zeta")),
        replace(DIFFERENCE, key=A._replace(kind="nodes")),
        replace(DIFFERENCE, key=A._replace(name="b")),
    ],
)
def test_all_parts_of_a_difference_are_in_its_fingerprint(other: Difference) -> None:
    assert fingerprint(1, other) != fingerprint(1, DIFFERENCE) != fingerprint(2, DIFFERENCE)
    assert fingerprint(1, replace(DIFFERENCE, cause=Cause.BOTH)) == fingerprint(1, DIFFERENCE)


@pytest.mark.parametrize(("count", "severity"), [(10, "medium"), (11, "high")])
def test_more_than_ten_at_once_are_severe(bench: Bench, count: int, severity: str) -> None:
    names = [f"m{number:02d}" for number in range(20)]
    bench.settle(modules(*names, priority=1))
    for name in names[:count]:
        bench.edit("modules", name, priority=2)
    bench.sync()
    assert [e.severity for e in bench.workbench.drift(open_=True)] == [severity] * count


def test_a_release_ends_the_drift_at_once(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.edit("modules", "a", priority=2)
    bench.sync()
    bench.workbench.release(ANA, A)
    (episode,) = bench.workbench.drift()
    assert (episode.outcome, episode.closed_run) == ("removed", None)
    assert not bench.workbench.drift(open_=True)


def test_destroys_that_wait_for_nothing_go_in_reverse(bench: Bench) -> None:
    keys = [ResourceKey("acme", kind, name) for kind in ("modules", "nodes") for name in "ab"]
    gone = {key: Move(FLEET[key.kind].complete({}), None) for key in keys}
    assert in_order(FLEET, gone).order == keys[::-1]


def test_a_change_does_not_reach_through_a_node() -> None:
    """What hangs on a node, such as a network's peer and a virtual address, leads to no other node."""
    specs: dict[str, dict[str, dict[str, Any]]] = {
        "modules": {"m": {}},
        "nodes": {"n": {}, "o": {}},
        "assignments": {"n:m": {}},
        "sdwan_networks": {"net": {}},
        "sdwan_virtual_ips": {"vip": {"network": "net", "primary_holder": "o", "failover_holders": ["n"]}},
    }
    assert reached(FleetState(FLEET, specs, {}), FLEET, [("modules", "m")]) == {("nodes", "n")}


def test_a_version_begins_when_it_is_written_and_ends_when_the_next_is(bench: Bench) -> None:
    bench.edit("modules", "a", priority=1)
    first = bench.workbench.store.last_write
    bench.edit("modules", "a", priority=2)
    second = bench.workbench.store.last_write
    instant = timedelta(microseconds=1)

    def priority(at: datetime) -> object:
        return bench.workbench.fleet(account="acme", at=at).get(A, {}).get("priority")

    assert [priority(at) for at in (first - instant, first, second - instant, second)] == [None, 1, 1, 2]
