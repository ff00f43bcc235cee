"""Others write between two chunks of an apply, from threads of their own: a lock lets its own thread in, which would prove nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import StoreError
from engine.flow import apply as applying
from engine.flow.apply import Applied
from engine.flow.plan import build
from engine.kinds.fleet import FLEET
from engine.model import Actor, ResourceKey, Status
from engine.store import live
from engine.store.gate import InTurn
from engine.workbench import Workbench
from tests.builders import query
from tests.engine.conftest import ANA, BOB, Bench, modules
from tests.laws.checks import assert_agreement, assert_sound, specs_at

EVE = Actor("eve")


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.flow.apply.CHUNK", 1)


def elsewhere(act: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result(20)


def meanwhile(bench: Bench, act: Callable[[Workbench], Any], *, after: int = 1, **options: Any) -> Applied:
    """Apply, and have somebody else act once that many steps are done."""
    acted: list[Any] = []

    def progress(done: int, _all: int) -> None:
        if done == after and not acted:
            acted.append(elsewhere(lambda: act(bench.workbench)))

    applied = bench.workbench.apply(ANA, progress=progress, **options)
    assert acted, "somebody acted in the middle"
    assert_agreement(bench.workbench.store)
    assert_sound(specs_at(bench.workbench.store, "acme"))
    return applied


def told(applied: Applied) -> dict[str, str]:
    """What is told of each proposal, which is told once."""
    rows = [
        *((step.proposal.key.name, "applied") for step in applied.applied),
        *((step.proposal.key.name, "failed") for step, _ in applied.failed),
        *((skip.proposal.key.name, skip.reason) for skip in applied.skipped),
    ]
    assert len(rows) == len(dict(rows)), "each is in exactly one list"
    return dict(rows)


def approved(bench: Bench, sections: str, repository: str = "fc") -> None:
    bench.sync(sections, repository=repository)
    bench.workbench.approve(ANA, [p.id for p in bench.standing(Status.PENDING)])


def id_of(bench: Workbench, name: str) -> int:
    return next(p.id for p in bench.live_proposals() if p.key.name == name)


def key(name: str) -> ResourceKey:
    return ResourceKey("acme", "modules", name)


def test_a_pause_of_everything_stops_it(bench: Bench) -> None:
    approved(bench, modules("a", "b", "c"))
    applied = meanwhile(bench, lambda w: w.pause(BOB, "incident"))
    assert told(applied) == {"a": "applied", "b": "stopped", "c": "stopped"}
    assert applied.stopped == "everything is paused by bob: incident"
    bench.workbench.resume(BOB)
    assert told(bench.workbench.apply(ANA)) == {"b": "applied", "c": "applied"}


def test_a_pause_of_one_repository_skips_its_own_steps_alone(bench: Bench) -> None:
    approved(bench, modules("a1", "b1", "c1"), "fc")
    approved(bench, modules("a2", "b2"), "other")
    applied = meanwhile(bench, lambda w: w.pause(BOB, "incident", "fc"))
    assert told(applied) == {"a1": "applied", "a2": "applied", "b2": "applied", "b1": "paused", "c1": "paused"}
    assert {skip.detail for skip in applied.skipped} == {"fc is paused by bob: incident"}
    assert applied.stopped is None


def test_a_repository_that_is_paused_before_skips_its_own_steps_alone(bench: Bench) -> None:
    approved(bench, modules("a"), "fc")
    approved(bench, modules("b"), "other")
    bench.workbench.pause(BOB, "incident", "fc")
    assert [skip.reason for skip in bench.workbench.plan().skipped] == ["paused"]
    assert told(bench.workbench.apply(ANA)) == {"a": "paused", "b": "applied"}


DECISIONS: dict[str, tuple[Callable[[Workbench], Any], str, str]] = {
    "taken back": (lambda w: w.unapprove(BOB, [id_of(w, "b")]), "bob withdrew the approval", "pending"),
    "rejected": (lambda w: w.reject(BOB, [id_of(w, "b")], "no"), "bob rejected it", "rejected"),
    "released": (lambda w: w.release(BOB, key("b")), "it was withdrawn meanwhile: released by bob", "withdrawn"),
    "applied by another": (lambda w: w.apply(BOB, proposal_ids=[id_of(w, "b")]), "another apply applied it", "applied"),
}


@pytest.mark.parametrize("what", DECISIONS)
def test_what_somebody_decides_meanwhile_is_not_applied(bench: Bench, what: str) -> None:
    act, detail, status = DECISIONS[what]
    approved(bench, modules("a", "b", "c"))
    applied = meanwhile(bench, act)
    assert told(applied) == {"a": "applied", "b": "decided", "c": "applied"}
    assert [(skip.detail, skip.proposal.status) for skip in applied.skipped] == [(detail, status)]


def test_an_edit_meanwhile_makes_a_step_stale_or_is_kept(bench: Bench) -> None:
    bench.settle(modules("a", "b", "c", priority=1))
    approved(bench, modules("a", "b", "c", priority=2))

    def edit(workbench: Workbench) -> None:
        workbench.set_resource(BOB, key("b"), {"priority": 9})
        workbench.set_resource(BOB, key("c"), {"description": "mine"})

    assert told(meanwhile(bench, edit)) == {"a": "applied", "b": "stale", "c": "applied"}
    assert bench.spec("modules", "b")["priority"] == 9
    assert (bench.spec("modules", "c")["priority"], bench.spec("modules", "c")["description"]) == (2, "mine")


def test_a_reference_that_somebody_makes_or_takes_away_blocks(bench: Bench) -> None:
    bench.settle(modules("base", "gone"))
    bench.workbench.set_resource(BOB, key("free"), {})
    approved(bench, "modules: {base: {}, a: {}, top: {depends_on: [free]}}\n")

    def act(workbench: Workbench) -> None:
        workbench.set_resource(BOB, key("user"), {"depends_on": ["gone"]})
        workbench.delete_resource(BOB, key("free"))

    assert told(meanwhile(bench, act)) == {"a": "applied", "top": "blocked", "gone": "blocked"}


def test_another_repository_that_declares_it_meanwhile_stops_its_destroy(bench: Bench) -> None:
    bench.settle(modules("a", "b", "c"))
    approved(bench, modules("a"))
    bench.push(modules("b"), repository="west")
    applied = meanwhile(bench, lambda w: w.sync(BOB, "west"))
    assert told(applied) == {"c": "applied", "b": "stale"}
    assert "west" in applied.skipped[0].detail


def test_a_run_tells_that_its_apply_was_stopped(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.flow.apply.FIRST_CHUNK", 1)
    bench.push(modules("a", "b", "c"))
    bench.change(auto_apply=True)
    paused: list[Any] = []

    def progress(done: int, _all: int) -> None:
        if not paused:
            paused.append(elsewhere(lambda: bench.workbench.pause(BOB, "incident", "fc")))

    run = bench.workbench.sync(ANA, "fc", progress=progress).run
    (warning,) = [w for w in run.warnings if w["code"] == "apply_stopped"]
    assert (
        "paused during the tick (fc is paused by bob: incident). 2 approved proposals are left." in warning["message"]
    )
    bench.workbench.resume(BOB, "fc")
    assert not bench.sync().unchanged
    assert {p.status for p in bench.workbench.proposals()} == {"applied"}


def test_two_applies_at_once_share_the_work(bench: Bench) -> None:
    approved(bench, modules(*(f"m{number:02d}" for number in range(20))))
    barrier = threading.Barrier(2)

    def work() -> Applied:
        barrier.wait(10)
        return bench.workbench.apply(ANA)

    with ThreadPoolExecutor(2) as pool:
        both = [running.result(60) for running in [pool.submit(work), pool.submit(work)]]
    done = [step.proposal.id for applied in both for step in applied.applied]
    assert sorted(done) == list(range(1, 21)), "each once"
    for applied in both:
        told(applied)
        assert not applied.failed
    assert query(bench.workbench.store, "SELECT DISTINCT status FROM applies") == [("done",)]
    assert_agreement(bench.workbench.store)


def test_what_is_approved_after_it_began_waits_for_the_next(bench: Bench) -> None:
    bench.sync(modules("a", "b", "c"))
    bench.workbench.approve(ANA, [1, 2])
    assert told(meanwhile(bench, lambda w: w.approve(BOB, [3]))) == {"a": "applied", "b": "applied"}
    assert told(bench.workbench.apply(ANA)) == {"c": "applied"}


def test_every_chunk_is_told_the_last_one_too(bench: Bench) -> None:
    approved(bench, modules("a", "b", "c"))
    steps: list[tuple[int, int]] = []
    bench.workbench.apply(ANA, progress=lambda done, of: steps.append((done, of)))
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_a_rejection_between_a_failed_write_and_its_record_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    approved(bench, modules("a", "b"))
    write, threads = live.write_live, list[threading.Thread]()

    def refuse(tx: Any, kinds: Any, actor: str, cause: str, writes: Any, **options: Any) -> list[int]:
        if writes[0].key.name != "a" or threads:
            return write(tx, kinds, actor, cause, writes, **options)
        threads.append(threading.Thread(target=lambda: bench.workbench.reject(BOB, [1], "no")))
        threads[0].start()
        while not bench.workbench.store._write_lock._waiting:  # until it is next in turn
            pass
        raise StoreError("FLEET-307", "The data read back differs from the data written.", "Nothing was saved.")

    monkeypatch.setattr(live, "write_live", refuse)
    applied = bench.workbench.apply(ANA)
    threads[0].join(10)
    assert told(applied) == {"a": "decided", "b": "applied"}
    assert bench.workbench.proposal(1).status == "rejected"
    assert_agreement(bench.workbench.store)


def test_an_empty_selection_applies_nothing(bench: Bench) -> None:
    approved(bench, modules("a"))
    assert told(bench.workbench.apply(ANA, proposal_ids=[])) == {}
    assert not bench.workbench.plan(proposal_ids=[]).steps
    assert told(bench.workbench.apply(ANA, proposal_ids=[1])) == {"a": "applied"}


@pytest.mark.parametrize("act", ["edit", "approve", "reject"])
def test_what_happens_after_a_tick_has_decided_is_new_to_the_next(bench: Bench, act: str) -> None:
    bench.settle(modules("a", priority=1))
    bench.sync(modules("a", "b", priority=1))
    acts: dict[str, Callable[[], Any]] = {
        "edit": lambda: bench.edit("modules", "a", priority=9),
        "approve": lambda: bench.workbench.approve(BOB, [id_of(bench.workbench, "b")]),
        "reject": lambda: bench.workbench.reject(BOB, [id_of(bench.workbench, "b")], "no"),
    }
    bench.push(modules("a", "b", priority=1))
    began: list[str] = []

    def watcher(stage: str) -> None:
        if stage == "apply" and not began:
            began.append(stage)
            elsewhere(acts[act])

    bench.workbench.sync(ANA, "fc", watcher=watcher)
    assert began
    run = bench.sync()
    if act == "edit":
        assert not run.unchanged
        assert len(bench.workbench.drift(open_=True)) == 1
    elif act == "approve":
        assert bench.spec("modules", "b")["priority"] == 1
    else:
        assert not run.unchanged


def test_the_lock_of_writers_lets_them_in_as_they_came() -> None:
    lock, order, waits = InTurn(), list[int](), list[threading.Thread]()

    def other(number: int) -> None:
        with lock, lock:  # who has it may take it again
            order.append(number)

    with lock:
        for number in range(5):
            waits.append(threading.Thread(target=other, args=(number,)))
            waits[-1].start()
            while len(lock._waiting) <= number:  # until it has asked
                pass
    with lock:
        order.append(99)
    for thread in waits:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4, 99]


def test_proposals_of_several_repositories_on_one_resource_are_each_told(bench: Bench) -> None:
    """While a resource passes from one repository to another, each may have an approved proposal on it."""
    bench.sync("modules: {x: {}, a: {depends_on: [x]}}\n")
    (mine,) = [p for p in bench.standing() if p.key.name == "a"]
    others = [replace(mine, id=90 + number, repository_id=70 + number) for number in range(2)]
    with bench.workbench.store.read() as tx:
        fleet = live.read_live(tx, "acme")
    skipped = build(FLEET, [*others, mine], {"acme": fleet}).skipped
    assert [(skip.proposal.id, skip.reason) for skip in skipped] == [(mine.id, "blocked"), (90, "stale"), (91, "stale")]


def test_what_refers_to_what_a_pause_holds_back_is_blocked(bench: Bench) -> None:
    bench.settle(modules("base"))
    bench.workbench.delete_resource(BOB, key("base"))
    bench.sync()
    bench.workbench.set_resource(BOB, key("base"), {})
    approved(bench, "modules: {top: {depends_on: [base]}}\n", "other")
    bench.workbench.delete_resource(BOB, key("base"))
    bench.workbench.approve(ANA, [id_of(bench.workbench, "base")])
    bench.workbench.pause(BOB, "incident", "fc")
    assert told(bench.workbench.apply(ANA)) == {"base": "paused", "top": "blocked"}


def test_the_end_of_the_server_stops_it(bench: Bench) -> None:
    approved(bench, modules("a", "b"))
    applied = meanwhile(bench, lambda w: w.stop())
    assert told(applied) == {"a": "applied", "b": "stopped"}
    assert [skip.detail for skip in applied.skipped] == [applied.stopped] == ["the server is shutting down"]


def test_somebody_who_never_stops_writing_does_not_hold_it_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """They write whenever a plan was made beside them, so that every such plan is outdated."""
    approved(bench, modules("a", "b", "c"))
    plan, numbers, beside = applying.plan, iter(range(1000)), list[int]()

    def planning(*given: Any, **more: Any) -> Any:
        made = plan(*given, **more)
        if not bench.workbench.store._write_lock._taken:
            beside.append(next(numbers))
            elsewhere(lambda: bench.workbench.set_resource(BOB, key("z"), {"priority": beside[-1]}))
        return made

    monkeypatch.setattr(applying, "plan", planning)
    assert told(bench.workbench.apply(ANA)) == {"a": "applied", "b": "applied", "c": "applied"}
    assert len(beside) > 1, "others may write while what is left is planned anew"


@pytest.mark.parametrize(
    ("steps", "seconds", "next_steps"), [(500, 0.05, 2500), (2500, 0.4, 2500), (2500, 4.0, 250), (1, 9.0, 1), (10, 0.0, 2500)]
)  # fmt: skip
def test_a_transaction_holds_as_many_steps_as_its_time_allows(
    monkeypatch: pytest.MonkeyPatch, steps: int, seconds: float, next_steps: int
) -> None:
    monkeypatch.setattr(applying, "CHUNK", 2500)
    assert applying.fitting(steps, seconds) == next_steps


def test_a_slow_machine_writes_less_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "CHUNK", 2500)
    monkeypatch.setattr(applying, "FIRST_CHUNK", 4)
    approved(bench, modules(*(f"m{number:02d}" for number in range(12))))
    write, now, sizes = live.write_live, [0.0], list[int]()

    def slowly(tx: Any, kinds: Any, actor: str, cause: str, writes: Any, **options: Any) -> list[int]:
        now[0] += 0.19 * len(writes)
        sizes.append(len(writes))
        return write(tx, kinds, actor, cause, writes, **options)

    monkeypatch.setattr(live, "write_live", slowly)
    monkeypatch.setattr(applying, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert len(bench.workbench.apply(ANA).applied) == 12
    assert sizes == [4, 2, 2, 2, 2]
