"""What is withheld, as intervals: one goes on while nothing of it changes, and knows what it would change."""

from __future__ import annotations

from engine.model import Run
from tests.builders import change, query
from tests.engine.conftest import Bench, modules

WAITS = "modules: {a: {}, waits: {depends_on: [nothing], priority: 5}}\n"


def intervals(bench: Bench) -> list[tuple[object, ...]]:
    return query(bench.workbench.store, "SELECT id, opened_run, closed_run FROM withheld_diffs ORDER BY id")


def paths(bench: Bench, run: Run) -> dict[str, list[object]]:
    return {
        change.path: [change.current, change.desired] for held in bench.workbench.held_by(run) for change in held.fields
    }


def test_an_interval_goes_on_until_it_would_change_something_else(bench: Bench) -> None:
    bench.settle(modules("a", "waits"))
    first = bench.sync(WAITS)
    bench.edit("modules", "by-hand")
    same = bench.sync(WAITS)
    assert [(opened, closed) for _, opened, closed in intervals(bench)] == [(first.id, None)]
    assert paths(bench, same) == paths(bench, first) != {}
    other = bench.sync(WAITS.replace("priority: 5", "priority: 6"))
    assert [(opened, closed) for _, opened, closed in intervals(bench)] == [(first.id, other.id), (other.id, None)]
    assert paths(bench, first)["priority"][1] == 5
    assert paths(bench, other)["priority"][1] == 6


def test_an_interval_that_an_older_version_began_goes_on_and_gets_its_fields(bench: Bench) -> None:
    bench.settle(modules("a", "waits"))
    first = bench.sync(WAITS)
    change(bench.workbench.store, "UPDATE withheld_diffs SET fields = '[]'")
    bench.edit("modules", "by-hand")
    later = bench.sync(WAITS)
    assert [(opened, closed) for _, opened, closed in intervals(bench)] == [(first.id, None)]
    assert paths(bench, later)["priority"][1] == 5
