"""Which tests a mutant is tried against."""

from __future__ import annotations

from collections import Counter

from tests.mutation import trial
from tests.mutation.mutants import python
from tests.mutation.reach import Reached


def test_a_line_concerns_who_reaches_it_and_what_an_import_runs_whoever_uses_the_file() -> None:
    lines = {"engine/x.py": {2: ["slow", "quick"], 3: ["third"]}, "engine/y.py": {1: ["other"]}}
    reached = Reached(lines, {}, {"slow": 2, "quick": 1, "third": 3}, Counter(third=5))
    assert reached.tests("engine/x.py", 2) == ["quick", "slow"]
    assert reached.tests("engine/x.py", 1) == []
    assert reached.users("engine/x.py") == ["quick", "slow", "third"]


def test_who_reaches_little_else_comes_first_and_its_file_before_all_others() -> None:
    reached = Reached(
        {"engine/x.py": {1: ["a::wide", "b::narrow"]}},
        {},
        {"a::wide": 1, "b::narrow": 2},
        Counter({"a::wide": 9, "b::narrow": 2}),
    )
    assert reached.tests("engine/x.py", 1) == ["b::narrow", "a::wide"]
    named = Reached(
        {"engine/x.py": {1: ["a::narrow", "tests/test_x.py::wide"]}}, {}, {}, Counter({"tests/test_x.py::wide": 9})
    )
    assert named.users("engine/x.py") == ["tests/test_x.py::wide", "a::narrow"]
    assert trial._batches(["a::1", "b::1", "a::2", "c::1", "d::1", "a::3"]) == (
        ["a::1", "b::1", "a::2", "c::1", "a::3"],
        ["d::1"],
    )


def test_a_constant_and_a_default_run_with_the_import() -> None:
    made = python("engine/x.py", "A = 1\nclass B:\n    c: int = 2\n    def d(self, e=3):\n        return 4\n")
    assert {each.was: each.imported for each in made} == {"1": True, "2": True, "3": True, "4": False}
