"""Revert: what was applied is taken back by proposals of its own, while git goes on declaring it."""

from __future__ import annotations

import pytest

from engine.errors import FleetError, ReviewError
from engine.model import Actor, Permission, Proposal, Status
from tests.engine.conftest import ANA, TWELVE, Bench, modules


def newest_applied(bench: Bench) -> Proposal:
    return bench.workbench.proposals(status="applied")[0]


def revert(bench: Bench, *ids: int) -> list[Proposal]:
    """Open reverts that must be opened."""
    made = bench.workbench.revert(ANA, ids)
    assert [outcome.error for outcome in made] == [None] * len(ids)
    return [outcome.proposal for outcome in made if outcome.proposal is not None]


def refused(bench: Bench, id_: int) -> FleetError:
    (outcome,) = bench.workbench.revert(ANA, [id_])
    assert outcome.proposal is None
    assert outcome.error is not None
    return outcome.error


def take_back(bench: Bench, *ids: int) -> list[Proposal]:
    """Revert, approve and apply."""
    made = revert(bench, *ids)
    bench.workbench.approve(ANA, [p.id for p in made])
    assert not bench.workbench.apply(ANA).skipped
    return [bench.workbench.proposal(p.id) for p in made]


def test_an_update_is_taken_back_field_by_field_and_only_those_that_it_changed(bench: Bench) -> None:
    bench.settle("modules: {a: {priority: 1, description: x}}\n")
    bench.settle("modules: {a: {priority: 2, description: x}}\n")
    bench.edit("modules", "a", variety="instance")
    undone = newest_applied(bench)
    (made,) = revert(bench, undone.id)
    assert (made.origin, made.reverts, made.status, made.change) == ("revert", undone.id, "pending", "update")
    assert (made.current, made.desired) == ({"priority": 2}, {"priority": 1})
    assert [(c.path, c.current, c.desired) for c in made.fields] == [("priority", 2, 1)]
    bench.workbench.approve(ANA, [made.id])
    assert [step.proposal.id for step in bench.workbench.apply(ANA).applied] == [made.id]
    spec = bench.spec("modules", "a")
    assert (spec["priority"], spec["variety"]) == (1, "instance")


def test_git_proposes_it_again_as_a_move_of_live_and_drift_says_who(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.settle(modules("a", priority=2))
    take_back(bench, newest_applied(bench).id)
    bench.sync()
    (again,) = bench.standing()
    assert (again.origin, again.cause, again.current, again.desired) == (
        "git",
        "live_moved",
        {"priority": 1},
        {"priority": 2},
    )
    (episode,) = bench.workbench.drift(open_=True)
    assert (episode.moved_by, episode.fields[0]["path"]) == ("ana", "priority")
    bench.workbench.approve(ANA, [again.id])
    bench.workbench.apply(ANA)
    assert bench.spec("modules", "a")["priority"] == 2


def test_what_git_then_declares_as_well_is_agreed_on(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.settle(modules("a", priority=2))
    take_back(bench, newest_applied(bench).id)
    bench.sync()
    bench.sync(modules("a", priority=1))
    assert bench.standing() == []
    assert [e.outcome for e in bench.workbench.drift(open_=False)] == ["codified"]


def test_while_a_revert_stands_the_tick_leaves_its_resource_alone(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.settle(modules("a", priority=2))
    (made,) = revert(bench, newest_applied(bench).id)
    run = bench.sync(modules("a", priority=3))
    assert bench.held(run) == {"modules/a": "conflict"}
    (row,) = bench.workbench.run_detail(run).withheld
    assert row.detail == f"proposal {made.id}, which reverts proposal {made.reverts}, is pending"
    assert [p.id for p in bench.standing()] == [made.id]
    bench.workbench.approve(ANA, [made.id])
    bench.sync()
    assert bench.spec("modules", "a")["priority"] == 1
    bench.sync()
    assert [(p.cause, p.desired) for p in bench.standing()] == [("both", {"priority": 3})]


def test_a_revert_that_is_rejected_has_ended_and_git_goes_on(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.settle(modules("a", priority=2))
    (made,) = revert(bench, newest_applied(bench).id)
    bench.workbench.reject(ANA, [made.id], "no")
    assert bench.standing() == []
    bench.sync(modules("a", priority=3))
    assert [(p.origin, p.desired) for p in bench.standing()] == [("git", {"priority": 3})]
    assert bench.workbench.proposal(made.id).status == "rejected"


def test_a_revert_that_live_outdates_cannot_be_approved_and_the_next_tick_supersedes_it(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.settle(modules("a", priority=2))
    (made,) = revert(bench, newest_applied(bench).id)
    bench.edit("modules", "a", description="elsewhere")
    bench.sync()
    assert bench.workbench.proposal(made.id).status == "pending", "a move on other fields outdates nothing"
    bench.edit("modules", "a", priority=7)
    (outcome,) = bench.workbench.approve(ANA, [made.id])
    assert outcome.error is not None
    assert outcome.error.code == "FLEET-403"
    bench.sync()
    ended = bench.workbench.proposal(made.id)
    assert (ended.status, ended.reason) == ("superseded", "priority of modules/a moved since it was proposed")
    bench.sync()
    assert [(p.origin, p.cause) for p in bench.standing()] == [("git", "live_moved")]


def test_a_create_is_taken_back_and_proposed_again(bench: Bench) -> None:
    bench.settle(modules("a"))
    (made,) = take_back(bench, newest_applied(bench).id)
    assert (made.change, made.status) == ("destroy", "applied")
    assert bench.workbench.resources() == []
    bench.sync()
    (again,) = bench.standing()
    assert (again.change, again.cause) == ("create", "live_moved")
    assert [e.severity for e in bench.workbench.drift(open_=True)] == ["high"]


def test_a_destroy_is_taken_back_with_its_owner(bench: Bench) -> None:
    bench.settle(modules("a", "b", priority=4))
    bench.settle(modules("b", priority=4))
    undone = newest_applied(bench)
    (made,) = revert(bench, undone.id)
    run = bench.sync()
    assert run.opened == 0
    assert bench.workbench.proposal(made.id).status == "pending", "the claim that it needs is not let go of"
    bench.workbench.approve(ANA, [made.id])
    bench.workbench.apply(ANA)
    resource = bench.workbench.resource(made.key)
    assert (resource.spec["priority"], resource.holder, resource.owned) == (4, "fc", True)
    bench.sync()
    assert [(p.change, p.key.name) for p in bench.standing()] == [("destroy", "a")]
    run = bench.sync(modules("a", "b", priority=4))
    assert (bench.standing(), run.warnings) == ([], ())


def test_a_destroy_whose_revert_is_rejected_leaves_no_claim_behind(bench: Bench) -> None:
    bench.settle(modules("a", "b"))
    bench.settle(modules("b"))
    (made,) = revert(bench, newest_applied(bench).id)
    bench.workbench.reject(ANA, [made.id], "no")
    bench.sync()
    assert bench.workbench.owned_by("fc") == 1


def test_a_revert_can_be_reverted(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.settle(modules("a", priority=2))
    undone = newest_applied(bench)
    (back,) = take_back(bench, undone.id)
    assert f"reverted by proposal {back.id}" in refused(bench, undone.id).message
    take_back(bench, back.id)
    assert bench.spec("modules", "a")["priority"] == 2
    run = bench.sync()
    assert (run.opened, run.warnings, bench.standing()) == (0, (), [])
    assert bench.workbench.drift(open_=True) == []


@pytest.mark.parametrize("sections", [modules("a"), modules("a", "b")])
def test_a_reverted_create_or_destroy_can_be_reverted(bench: Bench, sections: str) -> None:
    bench.settle(modules("a", "b"))
    bench.settle(sections)
    undone = newest_applied(bench)
    (back,) = take_back(bench, undone.id)
    take_back(bench, back.id)
    run = bench.sync()
    assert (run.opened, run.warnings, bench.standing()) == (0, (), [])
    assert len(bench.workbench.resources()) == sections.count("{}")


@pytest.mark.parametrize("heal", [False, True])
def test_auto_apply_leaves_what_was_reverted_alone_until_git_moves(bench: Bench, heal: bool) -> None:
    bench.settle(modules(*TWELVE, priority=1))
    bench.change(auto_apply=True, auto_prune=True, auto_heal=heal)
    changed = modules(*TWELVE[2:], priority=1).replace("}}\n", "}, m01: {priority: 2}, new: {}}\n")
    bench.sync(changed)  # m00 goes, m01 moves, new comes
    assert bench.standing() == []
    for outcome in bench.workbench.revert_run(ANA, bench.workbench.runs()[0].id):
        assert outcome.proposal is not None
        bench.workbench.approve(ANA, [outcome.proposal.id])
    bench.workbench.apply(ANA)
    names = {r.key.name: r.spec["priority"] for r in bench.workbench.resources()}
    assert ("new" in names, names["m00"], names["m01"]) == (False, 1, 1)
    for _ in range(2):
        bench.sync()
        standing = {p.key.name: (p.change, p.status) for p in bench.standing()}
        assert standing == {"m00": ("destroy", "pending"), "m01": ("update", "pending"), "new": ("create", "pending")}
    bench.edit("modules", "m00", description="by hand")
    bench.sync()
    assert {p.key.name for p in bench.standing()} == {"m00", "m01", "new"}, (
        "an edit does not hand it back to auto-apply"
    )
    bench.sync(
        changed.replace("m01: {priority: 2}", "m01: {priority: 3}").replace(
            "new: {}", "new: {priority: 5}, m00: {priority: 2}"
        )
    )
    left = {p.key.name: p.cause for p in bench.standing()}
    assert left == ({} if heal else {"m01": "both", "new": "both"}), "on m00 only git moved"


def test_a_run_is_taken_back_whole_in_an_order_that_holds(bench: Bench) -> None:
    bench.settle("modules: {base: {}}\n")
    text = "modules: {base: {priority: 9}, app: {depends_on: [base]}}\ntemplates: {t: {node_platform_id: x, modules: [app]}}\nnodes: {n: {template: t}}\n"
    bench.settle(text)
    run = next(run for run in bench.workbench.runs() if run.opened == 4)
    before = bench.workbench.export(account="acme", at=run.started_at)
    made = bench.workbench.revert_run(ANA, run.id)
    assert [outcome.error for outcome in made] == [None] * 4
    bench.workbench.approve(ANA, [outcome.proposal.id for outcome in made if outcome.proposal])
    assert len(bench.workbench.apply(ANA).applied) == 4
    body = "version: 1"
    assert bench.workbench.export(account="acme").partition(body)[2] == before.partition(body)[2]
    with pytest.raises(ReviewError, match="FLEET-405"):
        bench.workbench.revert_run(ANA, run.id)


def test_of_a_run_only_what_can_be_is_taken_back(bench: Bench) -> None:
    bench.settle(modules("a", "b", priority=1))
    bench.settle(modules("a", "b", priority=2))
    bench.edit("modules", "b", priority=5)
    run = next(run for run in bench.workbench.runs() if run.opened == 2)
    made = bench.workbench.revert_run(ANA, run.id)
    assert [outcome.error and outcome.error.code for outcome in made] == [None, "FLEET-406"]
    assert "priority of modules/b moved since it was applied" in str(made[1].error)


def test_it_is_refused_where_live_has_moved_since(bench: Bench) -> None:
    bench.settle(modules("a", "b"))
    created = bench.workbench.proposals(status="applied")
    bench.settle(modules("b"))
    destroyed = newest_applied(bench)
    bench.edit("modules", "a", priority=1)
    assert "modules/a exists again" in refused(bench, destroyed.id).message
    a = next(p for p in created if p.key.name == "a")
    assert "priority of modules/a moved" in refused(bench, a.id).message
    bench.workbench.delete_resource(ANA, a.key)
    assert "no longer exists" in refused(bench, a.id).message


def test_it_is_refused_where_another_repository_holds_the_resource(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.settle(modules("a", priority=2))
    undone = newest_applied(bench)
    bench.workbench.release(ANA, undone.key)
    bench.push(modules("a", priority=2), repository="other")
    bench.sync(repository="other")
    assert (error := refused(bench, undone.id)).code == "FLEET-406"
    assert "another repository owns modules/a" in error.message


def test_it_is_refused_where_the_repository_let_go_of_the_resource(bench: Bench) -> None:
    bench.settle(modules("a", "b", priority=1))
    bench.settle(modules("a", "b", priority=2))
    update, create = (next(p for p in bench.workbench.proposals(status="applied") if (p.key.name, p.change) == ("a", change)) for change in ("update", "create"))  # fmt: skip
    bench.workbench.release(ANA, update.key)
    assert (error := refused(bench, update.id)).code == "FLEET-406"
    assert "repository fc released modules/a" in error.message
    bench.edit("modules", "a", priority=1)
    assert "repository fc released modules/a" in refused(bench, create.id).message, "it is not destroyed"


def test_it_is_refused_where_it_has_no_sense(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.sync(modules("a", priority=2))
    (pending,) = bench.standing()
    assert refused(bench, pending.id).code == "FLEET-405"
    assert refused(bench, 10**9).code == "FLEET-401"
    created = newest_applied(bench)
    bench.workbench.approve(ANA, [pending.id])
    assert (error := refused(bench, created.id)).code == "FLEET-407", error
    bench.workbench.unapprove(ANA, [pending.id])
    (made,) = revert(bench, created.id)
    withdrawn = bench.workbench.proposal(pending.id)
    assert (withdrawn.status, withdrawn.reason) == ("withdrawn", f"a revert of proposal {created.id} replaces it")
    assert refused(bench, created.id).code == "FLEET-407"
    bench.workbench.reject(ANA, [made.id], "no")
    bench.workbench.remove_repository(ANA, "fc")
    assert "is no longer registered" in refused(bench, created.id).message


def test_two_reverts_on_one_resource_come_one_after_the_other(bench: Bench) -> None:
    bench.settle("modules: {a: {priority: 1, description: x}}\n")
    bench.settle("modules: {a: {priority: 2, description: x}}\n")
    first = newest_applied(bench).id
    bench.settle("modules: {a: {priority: 2, description: z}}\n")
    second = newest_applied(bench).id
    made = bench.workbench.revert(ANA, [second, first])
    assert [outcome.error and outcome.error.code for outcome in made] == [None, "FLEET-407"]


def test_reverts_stand_outside_the_cap(bench: Bench) -> None:
    bench.settle(modules(*TWELVE, priority=1))
    bench.settle(modules(*TWELVE, priority=2))
    run = next(run for run in bench.workbench.runs() if run.diff_count == 12 and run.counts["modules"]["update"])
    assert len(bench.workbench.revert_run(ANA, run.id)) == 12
    bench.workbench.settings = type(bench.workbench.settings)(
        bench.workbench.settings.home, cap=2, allow_local_remotes=True
    )
    run = bench.sync(modules(*TWELVE, priority=2).replace("}}\n", "}, x: {}, y: {}, z: {}}\n"))
    assert run.opened == 2
    assert len(bench.standing(Status.PENDING)) == 14


def test_it_takes_the_right_to_propose(bench: Bench) -> None:
    bench.settle(modules("a"))
    reader = Actor("eve", frozenset({Permission.READ, Permission.REVIEW}))
    for ask in (lambda: bench.workbench.revert(reader, [1]), lambda: bench.workbench.revert_run(reader, 1)):
        with pytest.raises(FleetError, match="FLEET-600"):
            ask()
    stranger = Actor("eve", account="other")
    assert bench.workbench.revert(stranger, [1])[0].error is not None
    with pytest.raises(FleetError, match="FLEET-604"):
        bench.workbench.revert_run(stranger, 1)


def test_each_says_in_the_record_what_it_takes_back(bench: Bench) -> None:
    bench.settle(modules("a"))
    undone = newest_applied(bench)
    (made,) = revert(bench, undone.id)
    (event,) = bench.workbench.events(proposal_id=made.id)
    assert (event.event.type, event.actor, event.event.data) == (
        "gitops.proposal_opened", "ana", {"change": "destroy", "cause": "git_moved", "reverts": undone.id},
    )  # fmt: skip
