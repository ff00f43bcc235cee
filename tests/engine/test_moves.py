"""A resource that moves from one repository of an account to another keeps its place in live, in every order of ticks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from engine.errors import ReviewError
from engine.model import ResourceKey, Status
from tests.engine.conftest import ANA, Bench, modules

A = ResourceKey("acme", "modules", "a")
ORDERS = list(permutations(["east", "west"]))
EQUAL, OTHERWISE = "{priority: 1}", "{priority: 2}"
DROP = "fleet.destroyed"


@pytest.fixture
def two(bench: Bench) -> Bench:
    """East owns `a` and `b`, west owns `c`; all is at rest."""
    bench.settle("modules: {a: {priority: 1}, b: {}}\n", repository="east")
    bench.settle(modules("c"), repository="west")
    bench.sync(repository="east")
    return bench


def moved(bench: Bench, to: str = EQUAL) -> None:
    """One commit that moves `a` from east to west."""
    bench.push(modules("b"), repository="east")
    bench.push(f"modules: {{c: {{}}, a: {to}}}\n", repository="west")


def holder(bench: Bench, key: ResourceKey = A) -> str | None:
    return bench.workbench.resource(key).holder


def events(bench: Bench, type_: str) -> list[Any]:
    return [e for e in bench.workbench.events(kind="modules", name="a") if e.event.type == type_]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("to", [EQUAL, OTHERWISE])
@pytest.mark.parametrize("auto", [False, True])
def test_a_move_hands_the_resource_over(two: Bench, order: tuple[str, str], to: str, auto: bool) -> None:
    before = two.workbench.resource(A)
    if auto:
        for name in order:
            two.change(name, auto_apply=True, auto_prune=True)
    moved(two, to)
    for _ in range(3):
        for name in order:
            run = two.sync(repository=name)
            assert run.status != "failed"
            two.workbench.resource(A)  # it never goes
    assert holder(two) == "west"
    assert not events(two, DROP)
    assert [e.event.data for e in events(two, "gitops.handed_over")] == [{"from": "east", "to": "west"}]
    standing = two.standing(Status.PENDING)
    if to == EQUAL:
        assert two.workbench.resource(A).version == before.version, "nothing was written"
        assert not standing
    elif auto:
        assert two.spec("modules", "a")["priority"] == 2
        assert not standing
    else:
        assert [(p.repository, p.key, p.change, p.cause) for p in standing] == [("west", A, "update", "git_moved")]
        assert standing[0].base == {"priority": 1}
    for name in order:
        assert two.sync(repository=name).unchanged


@pytest.mark.parametrize("order", ORDERS)
def test_a_resource_that_both_drop_is_destroyed_once(two: Bench, order: tuple[str, str]) -> None:
    two.sync("modules: {c: {}, a: {priority: 1}}\n", repository="west")
    two.push(modules("b"), repository="east")
    two.push(modules("c"), repository="west")
    for _ in range(3):
        for name in order:
            two.sync(repository=name)
            assert holder(two) is not None
    (destroy,) = two.standing(Status.PENDING)
    assert (destroy.key, destroy.change) == (A, "destroy")
    assert destroy.repository == holder(two)
    two.workbench.approve(ANA, [destroy.id])
    assert len(two.workbench.apply(ANA).applied) == 1
    for name in order:
        assert two.sync(repository=name).diff_count == 0


def test_the_repository_that_waits_longest_takes_over(two: Bench) -> None:
    for name in ("north", "west", "south"):
        two.sync("modules: {a: {priority: 1}}\n", repository=name)
    for leaver, taker in (("east", "north"), ("north", "west"), ("west", "south")):
        two.sync(modules(f"only-{leaver}"), repository=leaver)
        assert holder(two) == taker
        for name in ("north", "west", "south"):
            two.sync(repository=name)
        assert holder(two) == taker


def test_a_run_lists_what_it_declares_and_another_holds(two: Bench) -> None:
    run = two.sync("modules: {c: {}, a: {priority: 1}, b: {priority: 3}}\n", repository="west")
    assert list(run.waiting) == [
        {"kind": "modules", "name": "a", "holder": "east"},
        {"kind": "modules", "name": "b", "holder": "east"},
    ]
    assert run.diff_count == run.remaining == 1, "what is equal is no difference"
    assert two.held(run) == {"modules/b": "ownership_conflict"}
    two.sync(repository="east")
    assert two.sync(repository="west").unchanged
    assert two.sync(repository="east").unchanged
    assert two.sync(modules("c"), repository="west").waiting == ()


GONE: dict[str, Callable[[Bench], Any]] = {
    "disabled": lambda b: b.change("west", enabled=False),
    "removed": lambda b: b.workbench.remove_repository(ANA, "west"),
    "bound to another account": lambda b: b.change("west", account="zeta"),
}


@pytest.mark.parametrize("gone", GONE)
def test_who_has_no_ticks_in_the_account_waits_for_nothing(two: Bench, gone: str) -> None:
    two.sync("modules: {c: {}, a: {priority: 1}}\n", repository="west")
    GONE[gone](two)
    two.sync(modules("b"), repository="east")
    assert holder(two) == "east"
    assert [(p.key, p.change) for p in two.standing(Status.PENDING) if p.repository == "east"] == [(A, "destroy")]


def failing(bench: Bench) -> None:
    bench.push("modules: [\n", repository="west")
    assert bench.sync(repository="west").status == "failed"


AWAY: dict[str, Callable[[Bench], Any]] = {
    "paused": lambda b: b.workbench.pause(ANA, "incident", "west"),
    "failing": failing,
}


@pytest.mark.parametrize("away", AWAY)
def test_what_an_absent_repository_may_declare_is_not_destroyed_without_a_person(two: Bench, away: str) -> None:
    two.change("east", auto_apply=True, auto_prune=True)
    AWAY[away](two)
    run = two.sync(modules("b"), repository="east")
    assert [w["code"] for w in run.warnings] == ["destroys_wait"]
    assert "until west had a successful run" in run.warnings[0]["message"]
    (destroy,) = two.standing(Status.PENDING)
    assert two.workbench.awaited(destroy) == ["west"]
    assert two.sync(repository="east").unchanged, "and nothing is written while it waits"
    two.workbench.approve(ANA, [destroy.id])
    assert len(two.workbench.apply(ANA).applied) == 1, "a person need not wait"


@pytest.mark.parametrize("away", AWAY)
def test_a_repository_that_waits_takes_over_even_while_it_has_no_ticks(two: Bench, away: str) -> None:
    two.sync("modules: {c: {}, a: {priority: 1}}\n", repository="west")
    AWAY[away](two)
    two.sync(modules("b"), repository="east")
    assert holder(two) == "west"


def test_auto_prune_goes_on_when_every_other_repository_had_a_run(two: Bench) -> None:
    two.change("east", auto_apply=True, auto_prune=True)
    two.sync(modules("d"), repository="other")
    two.workbench.pause(ANA, "incident", "other")
    two.sync(modules("b"), repository="east")
    (destroy,) = (p for p in two.standing(Status.PENDING) if p.repository == "east")
    assert two.workbench.awaited(destroy) == ["other", "west"]
    assert not two.sync(repository="west").unchanged, "a destroy has everybody look again"
    two.sync(repository="east")
    assert two.workbench.awaited(destroy) == ["other"]
    two.change("other", enabled=False)
    assert not two.sync(repository="east").unchanged
    assert len(events(two, DROP)) == 1


def test_a_run_that_began_before_the_destroy_was_opened_does_not_count(two: Bench) -> None:
    two.change("east", auto_apply=True, auto_prune=True)

    def meanwhile(stage: str) -> None:
        if stage == "parse":
            two.sync(modules("b"), repository="east")

    two.push(modules("c", priority=5), repository="west")  # east lets go while west still reads what was before
    two.workbench.sync(ANA, "west", watcher=meanwhile)
    two.sync(repository="east")
    assert not events(two, DROP)
    two.sync("modules: {c: {}, a: {priority: 1}}\n", repository="west")
    two.sync(repository="east")
    assert holder(two) == "west"


def test_an_approved_destroy_of_what_another_declares_meanwhile_is_stale(two: Bench) -> None:
    two.sync(modules("b"), repository="east")
    (destroy,) = two.standing(Status.PENDING)
    two.workbench.approve(ANA, [destroy.id])
    two.sync("modules: {c: {}, a: {priority: 1}}\n", repository="west")
    (skip,) = two.workbench.apply(ANA).skipped
    assert (skip.reason, skip.detail) == ("stale", "repository west declares modules/a and takes it over")
    two.sync(repository="east")
    assert two.workbench.proposal(destroy.id).status == "withdrawn"
    assert two.workbench.proposal(destroy.id).reason == "repository west declares it now and takes it over"
    assert holder(two) == "west"


def test_a_destroy_of_what_another_declares_cannot_be_approved(two: Bench) -> None:
    two.sync(modules("b"), repository="east")
    (destroy,) = two.standing(Status.PENDING)
    two.sync("modules: {c: {}, a: {priority: 1}}\n", repository="west")
    (outcome,) = two.workbench.approve(ANA, [destroy.id])
    assert isinstance(outcome.error, ReviewError)
    assert (outcome.error.code, "repository west" in outcome.error.message) == ("FLEET-403", True)


@pytest.mark.parametrize("order", ORDERS)
def test_a_whole_file_moves(two: Bench, order: tuple[str, str]) -> None:
    two.push("", repository="east")
    two.push("modules: {a: {priority: 1}, b: {}, c: {}}\n", repository="west")
    statuses = [two.sync(repository=name).status for name in order] + [
        two.sync(repository=name).status for name in order
    ]
    if order == ("east", "west"):
        assert statuses[0] == "failed", "nobody is known to take anything over yet"
    assert statuses[-2:] == ["success", "success"]
    assert {holder(two, ResourceKey("acme", "modules", name)) for name in "abc"} == {"west"}
    assert not two.standing()


def test_removing_the_holder_hands_over(two: Bench) -> None:
    two.sync("modules: {c: {}, a: {priority: 1}}\n", repository="west")
    facts = two.workbench.remove_repository(ANA, "east")
    assert facts == {"withdrawn": 0, "released": 1, "handed_over": 1}
    assert holder(two) == "west"
    assert two.sync(repository="west").diff_count == 0


def test_a_holder_that_is_bound_to_another_account_hands_over(two: Bench) -> None:
    two.sync("modules: {c: {}, a: {priority: 1}}\n", repository="west")
    two.change("east", account="zeta")
    two.push("modules: {a: {priority: 1}, b: {}}\n", repository="east", account="zeta")
    two.sync(repository="east")
    assert holder(two) == "west"
    assert [(p.key.name, p.change) for p in two.standing() if p.key.account == "acme"] == [("b", "destroy")]


def test_a_name_in_another_account_is_another_resource(two: Bench) -> None:
    two.push("modules: {a: {priority: 1}}\n", repository="elsewhere", account="zeta")
    two.sync(repository="elsewhere")
    two.change("east", auto_apply=True, auto_prune=True)
    two.sync(repository="west")
    two.sync(modules("b"), repository="east")
    assert "elsewhere" not in two.workbench.awaited(two.standing(Status.PENDING)[-1])


def test_what_was_proposed_before_it_existed_is_handed_over_too(bench: Bench) -> None:
    bench.sync(modules("a"), repository="east")
    bench.sync(modules("a"), repository="west")
    bench.sync(modules("b"), repository="east")
    bench.sync(repository="west")
    assert [(p.repository, p.key.name) for p in bench.standing()] == [("east", "b"), ("west", "a")]


def test_who_was_released_still_declares_it(two: Bench) -> None:
    """East held it and is released; west, which waited, takes it, lets go again, and east is not forgotten."""
    two.sync("modules: {c: {}, a: {priority: 1}}\n", repository="west")
    two.workbench.release(ANA, A)
    two.sync(repository="west")
    assert holder(two) == "west"
    two.sync(modules("c"), repository="west")
    assert holder(two) == "east"


def test_drift_of_the_old_holder_ends_and_the_new_one_sees_its_own(two: Bench) -> None:
    two.sync("modules: {c: {}, a: {priority: 1}}\n", repository="west")
    two.edit("modules", "a", priority=9)
    two.sync(repository="east")
    moved(two)
    two.sync(repository="east")
    two.sync(repository="west")
    found = two.workbench.drift(account="acme")
    assert [(e.repository, e.outcome) for e in found] == [("west", None), ("east", "removed")]
