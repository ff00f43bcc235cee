"""A tick decides with exactly the settings by which it fetched and read its file, whoever changes them while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import engine.flow.sync
from engine.model import Repository
from engine.workbench import Workbench, registry
from tests.engine.conftest import ANA, Bench, modules

OWNED = modules(*(f"m{number}" for number in range(5)))


def removed(workbench: Workbench) -> None:
    """The verb waits for the end of a tick in its own process; another server knows nothing of that tick."""
    with workbench.store.write() as tx:
        registry.remove(tx, ANA, workbench.repository("fc"))


CHANGES: dict[str, Callable[[Workbench], Any]] = {
    "account": lambda w: w.change_repository(ANA, "fc", {"account": "zeta"}),
    "account, what is there is released": lambda w: w.change_repository(ANA, "fc", {"account": "zeta"}, release=True),
    "url": lambda w: w.change_repository(ANA, "fc", {"url": "/remote/other"}),
    "branch": lambda w: w.change_repository(ANA, "fc", {"branch": "next"}),
    "path prefix": lambda w: w.change_repository(ANA, "fc", {"path_prefix": "edge"}),
    "disabled": lambda w: w.change_repository(ANA, "fc", {"enabled": False}),
    "paused": lambda w: w.pause(ANA, "incident", "fc"),
    "home paused": lambda w: w.pause(ANA, "incident"),
    "removed": lambda w: removed(w),
}
STAGES = ("fetch", "parse", "apply")
"""The diff and the proposals are one transaction, which lets nobody in between."""


def from_another_thread(do: Callable[[], Any]) -> None:
    """A lock lets its own thread in, so that the same thread would prove nothing."""
    done: list[Any] = []
    other = threading.Thread(target=lambda: done.append(do()))
    other.start()
    other.join(20)
    assert done, "the other thread could not write"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_settings_in_the_middle_of_a_tick(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, change: str, stage: str
) -> None:
    workbench = bench.workbench
    bench.settle(OWNED)
    bench.change(auto_apply=True, auto_prune=True)
    bench.push(modules("m5"))  # what is there is destroyed, and something new made
    before, runs = workbench.fleet(account="acme"), len(workbench.runs())
    began: list[str] = []

    def meanwhile(at: str) -> None:
        if at == stage and not began:
            began.append(at)
            from_another_thread(lambda: CHANGES[change](workbench))

    def fetch(known: Callable[[str], bool], repository: Repository, *rest: Any, **more: Any) -> Any:
        found = bench.fetch_unless(known, repository, *rest, **more)
        meanwhile("fetch")
        return found

    monkeypatch.setattr(engine.flow.sync, "fetch_unless", fetch)
    run = workbench.sync(ANA, "fc", watcher=meanwhile).run
    assert began == [stage]
    assert workbench.fleet(account="acme") == before, "nothing is applied by settings that somebody has changed"
    assert workbench.fleet(account="zeta") == {}
    if stage == "apply":
        assert run.status == "success", "what was decided was decided by the settings of then"
    else:
        assert run.error is not None
        assert (run.status, run.error["code"]) == ("failed", "FLEET-233")
        assert not workbench.live_proposals()
    assert len(workbench.runs()) == runs + 1
    if change != "removed":
        repository = workbench.repository("fc")
        assert (repository.failure_count, repository.next_attempt_at) == (0, None), "no fault of the remote"


def test_switches_count_as_they_are_at_the_decision(bench: Bench) -> None:
    bench.push(modules("m1"))
    run = bench.workbench.sync(
        ANA,
        "fc",
        watcher=lambda stage: from_another_thread(lambda: bench.change(auto_apply=True)) if stage == "parse" else None,
    ).run
    assert len(bench.workbench.run_detail(run).applied) == 1
