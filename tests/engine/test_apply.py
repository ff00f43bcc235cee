"""Apply: steps in order, a failure alone, what is skipped and why."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import StoreError
from engine.model import ResourceKey, Status
from engine.store import live
from engine.system import surroundings
from tests.builders import query
from tests.engine.conftest import ANA, Bench, modules
from tests.laws.checks import assert_agreement

TREE = "modules: {base: {}, mid: {depends_on: [base]}, top: {depends_on: [mid]}, other: {}}\n"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> str:
    """The live write of modules/mid fails. Nothing from outside can make one write fail and not its neighbours, so the store is made to say so."""
    write = live.write_live

    def refuse(tx: Any, kinds: Any, actor: str, cause: str, writes: Any, **options: Any) -> list[int]:
        if any(w.key.name == "mid" for w in writes):
            write(tx, kinds, actor, cause, writes, **options)
            raise StoreError("FLEET-307", "The data read back differs from the data written.", "Nothing was saved.")
        return write(tx, kinds, actor, cause, writes, **options)

    monkeypatch.setattr(live, "write_live", refuse)
    return "mid"


def test_a_step_that_fails_stops_only_what_depends_on_it(bench: Bench, failing: str) -> None:
    run = bench.sync(TREE)
    bench.workbench.approve(ANA, [p.id for p in bench.standing()])
    applied = bench.workbench.apply(ANA)
    assert {step.proposal.key.name for step in applied.applied} == {"base", "other"}
    assert [(step.proposal.key.name, error.code) for step, error in applied.failed] == [(failing, "FLEET-307")]
    assert [(skip.proposal.key.name, skip.reason) for skip in applied.skipped] == [("top", "blocked")]
    assert {p.key.name: p.status for p in bench.workbench.proposals()} == {
        "base": "applied",
        "mid": "failed",
        "top": "approved",
        "other": "applied",
    }
    failed = next(p for p in bench.standing() if p.status is Status.FAILED)
    assert failed.error is not None
    assert failed.error["code"] == "FLEET-307"
    detail = bench.workbench.run_detail(bench.workbench.run(run.id))
    assert ([step.key.name for step in detail.failed], len(detail.applied)) == (["mid"], 2)
    assert not query(bench.workbench.store, "SELECT * FROM resource_history WHERE name = 'mid'")
    assert_agreement(bench.workbench.store)


def test_a_failed_one_can_be_approved_again_or_rejected(
    bench: Bench, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.sync(TREE)
    bench.workbench.approve(ANA, [p.id for p in bench.standing()])
    bench.workbench.apply(ANA)
    monkeypatch.undo()
    (id_,) = [p.id for p in bench.standing(Status.FAILED)]
    assert bench.workbench.reject(ANA, [id_], "look first")[0].status == "rejected"
    assert bench.workbench.approve(ANA, [id_])[0].error is not None


def test_nothing_is_written_when_nothing_is_approved(bench: Bench) -> None:
    bench.sync(modules("a"))
    assert not bench.workbench.apply(ANA).touched
    assert query(bench.workbench.store, "SELECT count(*) FROM applies") == [(0,)]


def test_an_approval_that_went_stale_is_skipped_and_replaced_by_the_next_tick(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.sync(modules("a", priority=2))
    (id_,) = [p.id for p in bench.standing()]
    bench.workbench.approve(ANA, [id_])
    bench.edit("modules", "a", priority=7)
    (skip,) = bench.workbench.apply(ANA).skipped
    assert (skip.reason, "priority" in skip.detail) == ("stale", True)
    assert bench.spec("modules", "a")["priority"] == 7
    bench.sync()
    assert bench.workbench.proposal(id_).status == "superseded"
    assert [p.current for p in bench.standing()] == [{"priority": 7}]


def test_an_edit_elsewhere_outdates_nothing(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.sync(modules("a", priority=2))
    bench.workbench.approve(ANA, [p.id for p in bench.standing()])
    bench.edit("modules", "a", description="not declared")
    bench.edit("nodes", "n")
    assert len(bench.workbench.apply(ANA).applied) == 1
    assert bench.spec("modules", "a")["description"] == "not declared"


def test_what_waits_for_one_not_approved_is_blocked_and_says_so(bench: Bench) -> None:
    bench.sync(TREE)
    top = next(p for p in bench.standing() if p.key.name == "top")
    bench.workbench.approve(ANA, [top.id])
    (skip,) = bench.workbench.apply(ANA).skipped
    assert (skip.reason, "modules/mid" in skip.detail) == ("blocked", True)


def test_the_next_tick_picks_up_what_is_approved(bench: Bench) -> None:
    bench.sync(modules("a"))
    bench.workbench.approve(ANA, [1])
    run = bench.sync()
    assert (run.diff_count, run.opened, run.inputs) == (1, 0, None)
    assert bench.workbench.proposal(1).status == "applied"
    assert bench.sync().diff_count == 0
    assert bench.sync().unchanged


def test_history_says_which_proposal_and_who(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.edit("modules", "a", priority=2)
    newest, first = bench.workbench.history(ResourceKey("acme", "modules", "a"))
    assert (first.cause, first.proposal_id, first.actor) == ("apply", 1, "ana")
    assert (newest.cause, newest.proposal_id, newest.actor) == ("edit", None, "bob")
    assert first.valid_to == newest.valid_from


@pytest.mark.parametrize("code", sorted(surroundings.LOCAL))
def test_what_the_machine_refuses_fails_no_proposal(bench: Bench, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    bench.sync(modules("a", "b"))
    bench.workbench.approve(ANA, [1, 2])

    def refuse(*_: Any, **__: Any) -> list[int]:
        raise StoreError(code, "It is full.", "Make room.")

    monkeypatch.setattr(live, "write_live", refuse)
    with pytest.raises(StoreError, match=code):
        bench.workbench.apply(ANA)
    assert {p.status for p in bench.standing()} == {Status.APPROVED}
    monkeypatch.undo()
