"""The decisions of people on proposals: each by itself, checked as the fleet is now, and what a rejection and a revert count."""

from __future__ import annotations

import pytest

from engine.errors import ReviewError
from engine.model import Actor, ResourceKey, Status
from engine.store import live
from tests.engine.conftest import ANA, BOB, Bench, modules

A = ResourceKey("acme", "modules", "a")


def rejections(bench: Bench, key: ResourceKey) -> int:
    with bench.workbench.store.read() as tx:
        claim = live.specs_and_claims(tx, [key])[key][1]
    assert claim is not None
    return claim.rejections


def test_each_id_has_one_outcome_in_the_order_given_and_a_refused_one_stops_no_other(bench: Bench) -> None:
    bench.sync(modules("a", "b", "c"))
    bench.workbench.reject(BOB, [2], "no")
    made = bench.workbench.approve(ANA, [3, 77, 2, 3, 1])
    assert [(each.id, each.status, each.error and each.error.code) for each in made] == [
        (3, "approved", None),
        (77, None, "FLEET-401"),
        (2, "rejected", "FLEET-402"),
        (1, "approved", None),
    ]
    assert str(made[1].error).startswith("FLEET-401 There is no proposal 77.")
    assert {p.key.name: p.status for p in bench.standing()} == {"a": "approved", "b": "rejected", "c": "approved"}


def test_to_an_actor_of_another_account_there_is_no_such_proposal(bench: Bench) -> None:
    bench.sync(modules("a"))
    (theirs,) = bench.workbench.approve(Actor("rob", account="rival"), [1])
    assert (theirs.status, str(theirs.error).split(" ")[0]) == (None, "FLEET-401")
    (own,) = bench.workbench.approve(Actor("eve", account="acme"), [1])
    assert (own.status, own.error) == ("approved", None)


def test_what_live_outdated_is_not_approved_and_can_still_be_rejected(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.sync(modules("a", priority=2))
    (stale,) = bench.standing()
    bench.edit("modules", "a", priority=7)
    (refused,) = bench.workbench.approve(ANA, [stale.id])
    assert (refused.status, bench.workbench.proposal(stale.id).status) == ("pending", "pending")
    assert refused.error is not None
    assert (refused.error.code, refused.error.message) == (
        "FLEET-403",
        f"Proposal {stale.id} is stale: priority of modules/a moved since it was proposed.",
    )
    assert refused.error.hint == "The next tick replaces it: fleet sync fc"
    (rejected,) = bench.workbench.reject(ANA, [stale.id], "no")
    assert (rejected.status, rejected.error) == ("rejected", None)


def test_only_rejections_that_were_made_are_counted(bench: Bench) -> None:
    bench.sync(modules("a", "b"))
    bench.workbench.approve(ANA, [1])
    bench.workbench.unapprove(ANA, [1])
    assert rejections(bench, A) == 0
    bench.workbench.reject(ANA, [1], "no")
    bench.workbench.reject(ANA, [1], "no")
    assert (rejections(bench, A), rejections(bench, A._replace(name="b"))) == (1, 0)


@pytest.mark.parametrize("reason", [None, "", " \n "])
def test_a_reason_is_wanted_of_rejections_alone_and_kept_as_one_line(bench: Bench, reason: str | None) -> None:
    bench.sync(modules("a"))
    with pytest.raises(ReviewError, match="FLEET-404"):
        bench.workbench.reject(ANA, [1], reason or "")
    assert bench.workbench.approve(ANA, [1])[0].status == "approved"
    bench.workbench.reject(ANA, [1], " not\n now ")
    assert bench.workbench.proposal(1).reason == "not now"


# Reverts


def applied(bench: Bench, *sections: str) -> list[int]:
    """Settle one state after another; gives the applied proposals, oldest first."""
    for each in sections:
        bench.settle(each)
    return sorted(p.id for p in bench.workbench.proposals(status="applied"))


def test_reverts_have_one_outcome_each_in_the_order_given(bench: Bench) -> None:
    one, two = applied(bench, modules("a", priority=1), modules("a", "b", priority=1))
    made = bench.workbench.revert(ANA, [one, 77, two, one])
    assert [(each.id, each.error and each.error.code) for each in made] == [
        (one, None),
        (77, "FLEET-401"),
        (two, None),
    ]
    opened = [each.proposal for each in made if each.proposal is not None]
    assert [(p.reverts, p.key.name, p.change, p.status) for p in opened] == [
        (one, "a", "destroy", "pending"),
        (two, "b", "destroy", "pending"),
    ]
    assert opened[0].id > opened[1].id, "the newest is undone first"


def test_what_was_reverted_is_not_reverted_again_and_says_by_which(bench: Bench) -> None:
    _, id_ = applied(bench, modules("a", priority=1), modules("a", priority=2))
    (made,) = bench.workbench.revert(ANA, [id_])
    assert made.proposal is not None
    bench.workbench.reject(ANA, [made.proposal.id], "no")
    (again,) = bench.workbench.revert(ANA, [id_])
    assert again.proposal is not None, "one that was rejected is no revert"
    bench.workbench.approve(ANA, [again.proposal.id])
    bench.workbench.apply(ANA)
    (refused,) = bench.workbench.revert(ANA, [id_])
    assert refused.error is not None
    assert (refused.error.code, refused.error.message) == (
        "FLEET-405",
        f"Proposal {id_} was reverted by proposal {again.proposal.id}.",
    )
    assert refused.error.hint == f"To apply the change again, revert that proposal: fleet revert {again.proposal.id}"


@pytest.mark.parametrize(
    ("decide", "said"),
    [
        (None, None),
        ("approve", "is a different change and is approved"),
        ("revert", "reverts proposal {} and is pending"),
    ],
)
def test_a_revert_takes_the_place_of_what_nobody_has_approved(
    bench: Bench, decide: str | None, said: str | None
) -> None:
    _, id_ = applied(bench, modules("a", priority=1), modules("a", priority=2))
    bench.sync(modules("a", priority=3))
    (other,) = bench.standing()
    if decide == "approve":
        bench.workbench.approve(ANA, [other.id])
    elif decide == "revert":
        bench.workbench.revert(ANA, [id_])
        (other,) = bench.standing(Status.PENDING)
    (made,) = bench.workbench.revert(ANA, [id_])
    if said is None:
        assert made.error is None
        assert bench.workbench.proposal(other.id).reason == f"a revert of proposal {id_} replaces it"
        return
    assert made.error is not None
    assert made.error.message == f"Proposal {other.id} for modules/a {said.format(id_)}."
    assert made.error.hint == f"Decide on that proposal first: fleet show {other.id}"


def test_of_two_on_one_resource_the_first_named_is_reverted(bench: Bench) -> None:
    states = [
        modules("a", priority=priority, description=text) for priority, text in ((1, "one"), (2, "one"), (2, "two"))
    ]
    _, older, newer = applied(bench, *states)
    done, refused = bench.workbench.revert(ANA, [newer, older])
    assert done.error is None
    assert refused.error is not None
    assert refused.error.message.startswith(f"Proposal {newer} is on modules/a as well")


def test_what_is_brought_back_is_held_again_and_counted_as_it_will_reach(bench: Bench) -> None:
    """A template that was destroyed is brought back with the nodes that will hang on it; its repository claims it anew."""
    tree = "modules: {m: {version: '1'}}\ntemplates: {t: {modules: ['m@1']}}\nnodes: {n: {template: t}}\n"
    bench.settle(tree)
    bench.settle("modules: {z: {}}\n")
    gone = {p.key.name: p.id for p in bench.workbench.proposals(status="applied") if p.change == "destroy"}
    made = bench.workbench.revert(ANA, [gone["m"], gone["t"], gone["n"]])
    assert [each.error for each in made] == [None, None, None]
    radius = {each.proposal.key.name: each.proposal.blast_radius for each in made if each.proposal is not None}
    assert radius == {"m": 1, "t": 1, "n": 1}
    bench.workbench.approve(ANA, [each.proposal.id for each in made if each.proposal is not None])
    assert len(bench.workbench.apply(ANA).applied) == 3
    assert {r.holder for r in bench.workbench.resources()} == {"fc"}


def test_a_revert_of_one_field_shows_what_the_whole_resource_refers_to(bench: Bench) -> None:
    states = [f"modules: {{base: {{}}, a: {{priority: {priority}, depends_on: [base]}}}}\n" for priority in (1, 2)]
    *_, id_ = applied(bench, *states)
    (made,) = bench.workbench.revert(ANA, [id_])
    assert made.proposal is not None
    assert (made.proposal.desired, made.proposal.references) == ({"priority": 1}, ("modules/base",))
