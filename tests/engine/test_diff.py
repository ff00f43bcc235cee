"""The differences between what git declares and what is live, by themselves: pure, so by fleets as small as show each rule."""

from __future__ import annotations

from typing import Any

import pytest

from engine.flow.diff import Diff, Settled, compare, unpinned, withhold
from engine.kinds.fleet import FLEET
from engine.model import Cause, Change, Claim, Difference, LiveFleet, ResourceKey, Spec, Withheld, canonical
from tests.engine.conftest import agreed, fleet

A, B, C = (ResourceKey("acme", "modules", name) for name in "abc")
ONE, TWO = {"priority": 1}, {"priority": 2}
HELD = {2: "core"}


def found(live: LiveFleet, declared: dict[str, Spec] | None = None, reserved: tuple[ResourceKey, ...] = ()) -> Diff:
    return compare(FLEET, {"modules": declared or {}}, live, 1, "r", HELD, reserved)


def text(spec: Spec) -> str:
    return canonical(spec).decode()


def test_what_was_agreed_on_and_has_not_moved_is_at_rest() -> None:
    diff = found(fleet({"a": agreed(ONE)}, modules={"a": ONE}), {"a": ONE})
    assert (diff.differences, diff.claimed, diff.adopted, diff.no_longer_declared) == ((), {}, (), ())
    assert diff.counts == {"modules": {"create": 0, "update": 0, "destroy": 0, "unchanged": 1}}
    assert diff.owned == 1


def test_what_came_back_to_what_was_agreed_on_is_no_difference_and_nothing_new() -> None:
    diff = found(fleet({"a": agreed(ONE, version=2)}, modules={"a": ONE}), {"a": ONE})
    assert (diff.differences, diff.claimed, diff.adopted, diff.owned) == ((), {}, (), 1)


@pytest.mark.parametrize("claim", [None, Claim(1, rejections=2)])
def test_what_is_live_and_equal_is_adopted(claim: Claim | None) -> None:
    diff = found(fleet({"a": claim} if claim else {}, modules={"a": ONE}), {"a": ONE})
    assert (diff.adopted, diff.owned, diff.counts["modules"]["unchanged"]) == ((A,), 0, 1)
    assert diff.claimed == {A: Claim(1, text(ONE), "r", 4, 2 if claim else 0)}


def test_what_git_came_to_is_agreed_on_anew_and_not_adopted() -> None:
    diff = found(fleet({"a": agreed(ONE, version=3, rejections=1)}, modules={"a": TWO}), {"a": TWO})
    assert (diff.differences, diff.adopted) == ((), ())
    assert diff.claimed == {A: Claim(1, text(TWO), "r", 4, 1)}


@pytest.mark.parametrize("priority", [1, 2])
def test_fields_that_are_not_declared_any_more_are_told(priority: int) -> None:
    claim = agreed({"priority": 1, "description": "x", "config": {}})
    diff = found(fleet({"a": claim}, modules={"a": {"priority": 1, "description": "x"}}), {"a": {"priority": priority}})
    assert diff.no_longer_declared == ((A, ("config", "description")),)


@pytest.mark.parametrize(("claim", "claimed"), [(None, {A: Claim(1)}), (Claim(1), {})])
def test_what_is_not_there_is_created_with_its_defaults(claim: Claim | None, claimed: dict[ResourceKey, Claim]) -> None:
    diff = found(fleet({"a": claim} if claim else {}), {"a": {"priority": 1, "depends_on": ["b"]}})
    wanted = FLEET["modules"].complete({"priority": 1, "depends_on": ["b"]})
    assert diff.differences == (
        Difference(A, Change.CREATE, None, wanted, Cause.GIT_MOVED, None, ("depends_on", "priority"), None),
    )
    assert (diff.claimed, diff.owned) == (claimed, 0)
    assert diff.counts == {"modules": {"create": 1, "update": 0, "destroy": 0, "unchanged": 0}}


@pytest.mark.parametrize(
    ("base", "live", "declared", "cause"),
    [
        (None, ONE, TWO, Cause.GIT_MOVED),
        (ONE, ONE, TWO, Cause.GIT_MOVED),
        (ONE, TWO, ONE, Cause.LIVE_MOVED),
        (ONE, TWO, {"priority": 3}, Cause.BOTH),
        ({**ONE, "description": "x"}, {**TWO, "description": "y"}, ONE, Cause.LIVE_MOVED),
        (ONE, {**ONE, "description": "y"}, {**ONE, "description": "x"}, Cause.GIT_MOVED),
        ({**ONE, "description": "x"}, {**TWO, "description": "x"}, {**ONE, "description": "z"}, Cause.BOTH),
        (ONE, None, ONE, Cause.LIVE_MOVED),
        (ONE, None, TWO, Cause.BOTH),
        ({}, None, {}, Cause.LIVE_MOVED),
    ],
)  # fmt: skip
def test_who_moved_is_read_over_the_fields_that_differ(
    base: Spec | None, live: Spec | None, declared: Spec, cause: Cause
) -> None:
    claims = {} if base is None else {"a": agreed(base, version=3)}
    (difference,) = found(fleet(claims, modules={} if live is None else {"a": live}), {"a": declared}).differences
    assert (difference.cause, difference.base) == (cause, base)
    if live is not None:
        assert (difference.change, difference.desired, difference.live_version) == ("update", declared, 4)
        complete = FLEET["modules"].complete(live)
        assert difference.current == {name: complete[name] for name in declared}, "nothing that is not declared"


@pytest.mark.parametrize(("holder", "name"), [(2, "core"), (3, "number 3")])
def test_what_another_holds_is_set_aside_and_waited_for(holder: int, name: str) -> None:
    live = fleet(
        {"a": agreed(ONE, repository=holder), "b": agreed(ONE, repository=holder)}, modules={"a": ONE, "b": ONE}
    )
    diff = found(live, {"b": TWO, "a": ONE, "c": ONE})
    assert diff.waiting == ((A, name), (B, name))
    ((row),) = diff.foreign
    assert (row.difference.key, row.reason, row.detail) == (
        B,
        Withheld.OWNERSHIP_CONFLICT,
        f"owned by repository {name}",
    )
    assert (row.difference.base, row.difference.cause) == (None, Cause.GIT_MOVED), "what they agreed on is not ours"
    assert [difference.key for difference in diff.differences] == [C]
    assert (diff.claimed, diff.owned, diff.adopted) == ({C: Claim(1)}, 0, ())
    assert diff.counts["modules"] == {"create": 1, "update": 1, "destroy": 0, "unchanged": 1}


@pytest.mark.parametrize(("live", "cause"), [(ONE, Cause.GIT_MOVED), (TWO, Cause.BOTH), ({**ONE, "description": "x"}, Cause.GIT_MOVED)])  # fmt: skip
def test_what_is_owned_and_not_declared_any_more_is_destroyed(live: Spec, cause: Cause) -> None:
    diff = found(fleet({"a": agreed(ONE)}, modules={"a": live}))
    whole = FLEET["modules"].complete(live)
    assert diff.differences == (Difference(A, Change.DESTROY, whole, None, cause, ONE, (), 4),)
    assert (diff.released, diff.owned) == ((), 1)
    assert diff.counts == {"modules": {"create": 0, "update": 0, "destroy": 1, "unchanged": 0}}


def test_what_is_not_to_be_destroyed_is_let_go_of_unless_a_revert_stands_on_it() -> None:
    live = fleet({"a": agreed(ONE), "b": Claim(1), "c": Claim(2)}, modules={"b": ONE, "c": ONE})
    diff = found(live)
    assert (diff.differences, diff.released, diff.owned) == ((), (A, B), 1)
    assert found(live, reserved=(A,)).released == (B,)


def test_what_another_declares_is_handed_over_to_who_waits_longest() -> None:
    live = fleet({"a": agreed(ONE, waiting=["zeta", "core"]), "b": Claim(1, waiting=["core"])}, modules={"a": ONE})
    diff = found(live)
    assert (diff.handed_over, diff.differences, diff.released) == ({A: "zeta", B: "core"}, (), ())
    stands = found(live, reserved=(A,))
    assert (stands.handed_over, [d.change for d in stands.differences]) == ({B: "core"}, ["destroy"])


def test_everything_is_sorted_and_sections_without_anything_are_left_out() -> None:
    names = ["c", "a", "b"]
    diff = compare(
        FLEET,
        {"nodes": {"n": {}}, "modules": dict.fromkeys(names, ONE), "templates": {}},
        fleet({"x": Claim(1), "w": Claim(1)}, modules={}),
        1,
        "r",
        HELD,
    )
    assert [d.key.name for d in diff.differences] == ["a", "b", "c", "n"]
    assert [key.name for key in diff.claimed] == ["a", "b", "c", "n"]
    assert [key.name for key in diff.released] == ["w", "x"]
    assert set(diff.counts) == {"modules", "nodes"}


def test_what_is_informational_is_told_and_counts_nowhere() -> None:
    live = fleet(provider_configs={"b": {"provider": "aws"}, "c": {"provider": "aws"}})
    declared = {"c": {"provider": "aws"}, "b": {"provider": "gcp"}, "a": {"provider": "aws"}}
    diff = compare(FLEET, {"provider_configs": declared}, live, 1, "r", HELD)
    assert diff.informational == (
        {"kind": "provider_configs", "name": "a", "change": "create"},
        {"kind": "provider_configs", "name": "b", "change": "update"},
    )
    assert (diff.differences, diff.counts, diff.claimed) == ((), {}, {})


# What would leave the fleet unsound


def settled(live: LiveFleet, declared: dict[str, Spec], **options: Any) -> Settled:
    return withhold(FLEET, found(live, declared).differences, live, **options)


def rows(result: Settled) -> dict[str, tuple[str, str]]:
    return {row.difference.key.name: (row.reason, row.detail) for row in result.withheld}


def test_what_leads_to_nothing_is_withheld_and_what_leads_to_that_in_turn() -> None:
    result = settled(
        fleet(), {"a": {"depends_on": ["b"]}, "b": {"depends_on": ["gone"]}, "c": {"depends_on": ["d"]}, "d": {}}
    )
    assert rows(result) == {
        "a": ("missing_reference", "refers to modules/b, but modules/b does not exist"),
        "b": ("missing_reference", "refers to modules/gone, but modules/gone does not exist"),
    }
    assert [key.name for key in result.ordering.order] == ["d", "c"]
    assert result.after.get("modules", "a") is None
    assert result.after.get("modules", "c") is not None


def test_what_is_reserved_is_withheld_with_the_reason_given_and_stays_as_it_is() -> None:
    live = fleet({"a": agreed(ONE), "b": agreed(ONE)}, modules={"a": ONE, "b": ONE})
    result = settled(live, {"a": TWO, "b": TWO}, reserved={B: "a revert stands", A: "another stands", C: "not this"})
    assert [(row.difference.key, row.reason, row.detail) for row in result.withheld] == [
        (A, "conflict", "another stands"),
        (B, "conflict", "a revert stands"),
    ]
    assert (result.ordering.order, result.after.get("modules", "a")) == ([], live.specs["modules"]["a"])


def test_a_cycle_is_withheld_whole_and_the_rest_goes_on() -> None:
    result = settled(
        fleet(), {"a": {"depends_on": ["b"]}, "b": {"depends_on": ["a"]}, "c": {}, "d": {"depends_on": ["b"]}}
    )
    assert {name: reason for name, (reason, _) in rows(result).items()} == {
        "a": "conflict",
        "b": "conflict",
        "d": "missing_reference",
    }
    assert rows(result)["a"][1] in {
        "closes a cycle: modules/a → modules/b → modules/a",
        "closes a cycle: modules/b → modules/a → modules/b",
    }
    assert [key.name for key in result.ordering.order] == ["c"]


def test_what_no_order_makes_sound_is_withheld_with_the_ring() -> None:
    """`app` may come once `App` is gone, which may go once `x` lets go of it, which needs `app`."""
    live = fleet(
        {"App": agreed({}), "x": agreed({"depends_on": ["App"]})}, modules={"App": {}, "x": {"depends_on": ["App"]}}
    )
    result = settled(live, {"app": {}, "x": {"depends_on": ["app"]}, "y": {}})
    assert {reason for reason, _ in rows(result).values()} <= {"conflict", "missing_reference", "still_referenced"}
    assert set(rows(result)) == {"App", "app", "x"}
    (ring,) = {detail for reason, detail in rows(result).values()}
    assert ring.startswith("no order of these changes is valid, each waits for the next: ")
    assert [key.name for key in result.ordering.order] == ["y"]
    assert result.after.get("modules", "x") == live.specs["modules"]["x"]


def test_references_without_a_version_are_told_where_their_target_has_one() -> None:
    live = fleet(modules={"live": {"version": "1"}, "without": {}})
    declared: dict[str, dict[str, Spec]] = {
        "modules": {"new": {"version": "2"}},
        "templates": {
            "u": {"modules": ["live", "new", "live@1", "without", "nowhere"]},
            "t": {"modules": ["live"]},
        },
    }
    assert unpinned(FLEET, declared, live) == [
        ("templates/t", "modules/live", "1"),
        ("templates/u", "modules/live", "1"),
        ("templates/u", "modules/new", "2"),
    ]
