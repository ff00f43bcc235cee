"""State, drift, blast radius: one answer everywhere, and at the moment in which it becomes true."""

from __future__ import annotations

import pytest

from engine.model import ResourceKey, Status
from tests.engine.conftest import ANA, BOB, Bench, modules

A = ResourceKey("acme", "modules", "a")


def state(bench: Bench, key: ResourceKey = A) -> str | None:
    return bench.workbench.state_of(key)


def test_what_is_not_proposed_is_waiting_and_says_why(bench: Bench) -> None:
    bench.settle("modules: {a: {}, b: {depends_on: [a]}}\nnodes: {n: {}}\n")
    assert state(bench) == "in_sync"
    run = bench.sync("modules: {a: {depends_on: [gone]}, b: {depends_on: [a]}}\nnodes: {n: {}}\n")
    assert bench.held(run) == {"modules/a": "missing_reference"}
    assert state(bench) == "waiting"
    (held,) = bench.workbench.held_back(A)
    assert (held.repository, held.change, held.reason, held.run_id) == ("fc", "update", "missing_reference", run.id)
    assert bench.workbench.states("acme")["modules"] == {"waiting": 1, "in_sync": 1}
    bench.sync("modules: {a: {}, b: {depends_on: [a]}}\nnodes: {n: {}}\n")
    assert state(bench) == "in_sync"
    assert not bench.workbench.held_back(A)


def test_a_removed_repository_holds_nothing_back(bench: Bench) -> None:
    bench.settle(modules("a"))
    bench.sync("modules: {a: {depends_on: [gone]}}\n")
    bench.workbench.remove_repository(ANA, "fc")
    assert state(bench) == "unmanaged"


def test_an_edit_is_drift_at_once_and_what_takes_it_back_ends_it_at_once(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.edit("modules", "a", description="not declared")
    assert state(bench) == "in_sync"
    bench.edit("modules", "a", priority=2)
    assert state(bench) == "drifted"
    bench.edit("modules", "a", priority=1)
    assert state(bench) == "in_sync"


@pytest.mark.parametrize("by", ["apply", "edit"])
def test_drift_ends_with_the_write_that_brings_live_back(bench: Bench, by: str) -> None:
    bench.settle(modules("a", priority=1))
    bench.edit("modules", "a", priority=2)
    bench.sync()
    if by == "apply":
        bench.workbench.approve(ANA, [p.id for p in bench.standing(Status.PENDING)])
        bench.workbench.apply(ANA)
    else:
        bench.edit("modules", "a", priority=1)
    (episode,) = bench.workbench.drift()
    assert (episode.outcome, episode.closed_at) == ("reverted", bench.workbench.history(A)[0].valid_from)
    assert not bench.workbench.status().drift
    resolved = [e for e in bench.workbench.events(kind="modules", name="a") if e.event.type == "gitops.drift_resolved"]
    assert [e.event.reason for e in resolved] == ["reverted"]
    bench.sync()
    assert len(bench.workbench.drift()) == 1, "and the next tick has nothing to add"
    assert state(bench) == "in_sync"


def test_an_edit_that_leaves_it_away_ends_nothing(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.edit("modules", "a", priority=2)
    bench.sync()
    bench.edit("modules", "a", priority=3)
    bench.workbench.set_resource(BOB, ResourceKey("acme", "nodes", "n"), {})
    assert len(bench.workbench.drift(open_=True)) == 1


def test_a_destroy_ends_the_drift_of_what_it_takes_away(bench: Bench) -> None:
    bench.settle(modules("a", "b", priority=1))
    bench.edit("modules", "a", priority=2)
    bench.sync()
    bench.sync(modules("b", priority=1))
    bench.workbench.approve(ANA, [p.id for p in bench.standing(Status.PENDING)])
    bench.workbench.apply(ANA)
    assert [e.outcome for e in bench.workbench.drift()] == ["removed"]


TREE = "modules: {m: {}}\ntemplates: {t: {modules: [m]}}\nnodes: {n: {template: t}, o: {template: t}}\n"


def test_a_change_reaches_as_many_nodes_wherever_it_is_shown(bench: Bench) -> None:
    bench.settle(TREE)
    bench.sync(TREE.replace("m: {}", "m: {priority: 5}"))
    (update,) = bench.standing()
    assert update.blast_radius == len(bench.workbench.prospects([update.id]).nodes) == 2
    bench.sync(
        TREE.replace("m: {}", "m: {priority: 5}").replace("o: {template: t}", "o: {template: t}, p: {template: t}")
    )
    again = bench.workbench.proposal(update.id)
    assert (again.status, again.blast_radius) == ("pending", 3), "what it says follows the fleet"
    assert again.blast_radius == len(bench.workbench.prospects([update.id]).nodes)


def test_a_destroy_reaches_who_loses_it(bench: Bench) -> None:
    bench.settle(TREE)
    bench.sync("modules: {x: {}}\n")
    destroys = {p.key.kind: p for p in bench.standing() if p.change == "destroy"}
    for kind in ("modules", "templates"):
        assert destroys[kind].blast_radius == len(bench.workbench.prospects([destroys[kind].id]).nodes) == 2


def test_who_changed_it_by_hand_since_it_was_agreed_on(bench: Bench) -> None:
    bench.workbench.set_resource(BOB, A, {"priority": 7}, note="before git")
    bench.settle(modules("a", priority=1))
    assert not bench.workbench.edits_since_agreed(A)
    for priority, note in ((2, "first"), (3, "then")):
        bench.workbench.set_resource(BOB, A, {"priority": priority}, note=note)
    assert [(v.actor, v.note) for v in bench.workbench.edits_since_agreed(A)] == [("bob", "then"), ("bob", "first")]
    bench.workbench.release(ANA, A)
    assert not bench.workbench.edits_since_agreed(A)
