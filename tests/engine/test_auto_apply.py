"""Auto-apply, sentence by sentence of the design's section 8."""

from __future__ import annotations

from dataclasses import replace

import pytest

import engine.flow.sync
from engine.errors import StoreError, SyncError
from engine.model import Status
from engine.store import live
from tests.engine.conftest import ANA, TWELVE, Bench, modules


def test_creates_and_updates_that_git_moved_are_approved_and_applied_in_the_same_tick(bench: Bench) -> None:
    bench.push(modules("a", "b"))
    bench.change(auto_apply=True)
    run = bench.sync()
    assert (run.status, run.opened, bench.standing()) == ("applied", 2, [])
    assert {p.decided_by for p in bench.workbench.proposals()} == {"gitops_auto_apply"}
    assert bench.sync(modules("a", "b", priority=3)).status == "applied"
    assert bench.spec("modules", "a")["priority"] == 3


def test_drift_waits_for_a_person_unless_auto_heal(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.change(auto_apply=True)
    bench.edit("modules", "a", priority=2)
    bench.sync()
    assert [(p.cause, p.status) for p in bench.standing()] == [("live_moved", "pending")]
    bench.sync(modules("a", priority=3))
    assert [(p.cause, p.status) for p in bench.standing()] == [("both", "pending")]
    bench.change(auto_heal=True)
    bench.sync()
    assert bench.spec("modules", "a")["priority"] == 3


def test_a_destroy_waits_for_a_person_unless_auto_prune(bench: Bench) -> None:
    bench.settle(modules(*TWELVE))
    bench.change(auto_apply=True)
    bench.sync(modules(*TWELVE[1:]))
    assert [(p.change, p.status) for p in bench.standing()] == [("destroy", "pending")]
    bench.change(auto_prune=True)
    assert bench.sync().status == "success"
    assert bench.standing() == []
    assert len(bench.workbench.resources()) == 11


def test_what_a_person_rejected_waits_for_a_person_even_when_git_comes_back_to_it(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.sync(modules("a", priority=2))
    bench.workbench.reject(ANA, [p.id for p in bench.standing()], "no")
    bench.change(auto_apply=True)
    bench.sync()
    assert [p.status for p in bench.standing()] == ["pending"]
    bench.sync(modules("a", priority=3))
    assert (bench.standing(), bench.spec("modules", "a")["priority"]) == ([], 3)
    bench.edit("modules", "a", priority=1)
    bench.change(auto_apply=False)
    bench.settle(modules("a", priority=1))
    bench.change(auto_apply=True)
    bench.sync(modules("a", priority=2))
    assert [p.status for p in bench.standing()] == ["pending"]


@pytest.mark.parametrize(("count", "held"), [(3, False), (4, True)])
def test_more_than_30_percent_of_at_least_10_owned_leaves_all_to_people(bench: Bench, count: int, held: bool) -> None:
    bench.settle(modules(*TWELVE, priority=1))
    bench.change(auto_apply=True)
    more = (
        modules(*TWELVE[count:], priority=1).replace("}}\n", "}, new: {}")
        + "".join(f", {name}: {{priority: 2}}" for name in TWELVE[:count])
        + "}\n"
    )
    run = bench.sync(more)
    said = [warning["message"] for warning in run.warnings]
    assert bool(said) == held
    assert len(bench.standing(Status.PENDING)) == (count + 1 if held else 0)
    if held:
        assert "4 updates are 33 % of 12 owned resources" in said[0]


@pytest.mark.parametrize(
    ("owned", "changed", "held"), [(9, 9, False), (10, 3, False), (10, 4, True)], ids=["9 owned", "30 %", "40 %"]
)
def test_the_borders_of_the_guard(bench: Bench, owned: int, changed: int, held: bool) -> None:
    names = TWELVE[:owned]
    bench.settle(modules(*names, priority=1))
    bench.change(auto_apply=True)
    fields = ", ".join(f"{name}: {{priority: {2 if name in names[:changed] else 1}}}" for name in names)
    run = bench.sync(f"modules: {{{fields}}}\n")
    assert bool(run.warnings) == held
    assert len(bench.standing(Status.PENDING)) == (changed if held else 0)


def test_updates_of_what_another_repository_holds_trip_no_guard(bench: Bench) -> None:
    bench.settle(modules("x0", "x1", "x2", "x3", priority=1), repository="other")
    bench.settle(modules(*TWELVE[:10], priority=1))
    bench.change(auto_apply=True)
    both = modules(*TWELVE[:10], "new", priority=1).removesuffix("}\n")
    run = bench.sync(both + ", " + ", ".join(f"x{number}: {{priority: 2}}" for number in range(4)) + "}\n")
    assert not run.warnings
    assert set(bench.held(run).values()) == {"ownership_conflict"}
    assert bench.spec("modules", "new")


def test_it_takes_up_to_the_cap_whatever_waits_for_people(bench: Bench) -> None:
    bench.workbench.settings = replace(bench.workbench.settings, cap=3)
    bench.settle(modules(*TWELVE[:9]))
    bench.change(auto_apply=True)
    bench.sync(modules(*TWELVE[6:9]))
    assert [p.change for p in bench.standing(Status.PENDING)] == ["destroy"] * 3
    run = bench.sync(
        modules(*TWELVE[6:9]).replace("}}\n", "}") + "".join(f", n{number}: {{}}" for number in range(5)) + "}\n"
    )
    assert (run.opened, run.status) == (3, "partial")
    assert len(bench.workbench.run_detail(run).applied) == 3
    assert len(bench.standing(Status.PENDING)) == 3


def _away(*_: object, **__: object) -> None:
    raise SyncError("FLEET-201", "The remote cannot be fetched.", "Try again.")


def test_a_failed_one_is_tried_again_only_when_git_or_live_moved(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    write = live.write_live
    tried: list[str] = []

    def refuse(*arguments: object, **options: object) -> list[int]:
        # Nothing that a test can do from outside makes one write fail and not the next, so the store's own word is put in its mouth.
        tried.append("a")
        raise StoreError("FLEET-307", "The data read back differs from the data written.", "Nothing was saved.")

    bench.push(modules("a"))
    bench.change(auto_apply=True)
    monkeypatch.setattr(live, "write_live", refuse)
    bench.sync()
    assert [p.status for p in bench.standing()] == ["failed"]
    before = len(tried)
    bench.sync()
    monkeypatch.setattr(engine.flow.sync, "fetch_unless", _away)
    assert bench.sync().status == "failed"
    monkeypatch.setattr(engine.flow.sync, "fetch_unless", bench.fetch_unless)
    bench.sync()
    assert len(tried) == before, "an outage of the remote moves neither git nor live"
    monkeypatch.setattr(live, "write_live", write)
    bench.edit("nodes", "elsewhere")
    bench.sync()
    assert bench.standing() == []
    assert bench.spec("modules", "a")


def test_it_does_not_approve_what_waits_for_a_person(bench: Bench) -> None:
    bench.sync(modules("base"))
    bench.workbench.reject(ANA, [p.id for p in bench.standing()], "no")
    bench.change(auto_apply=True)
    bench.sync("modules: {base: {}, top: {depends_on: [base]}}\n")
    assert [(p.key.name, p.status) for p in bench.standing()] == [("base", "pending"), ("top", "pending")]
