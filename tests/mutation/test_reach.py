"""Which tests a mutant is tried against."""

from __future__ import annotations

from tests.mutation.reach import Reached


def test_a_line_concerns_who_reaches_it_and_one_of_an_import_whoever_uses_the_file() -> None:
    reached = Reached(
        {"engine/x.py": {1: [], 2: ["slow", "quick"], 3: ["third"]}}, {}, {"slow": 2, "quick": 1, "third": 3}
    )
    assert reached.tests("engine/x.py", 2) == ["quick", "slow"]
    assert reached.tests("engine/x.py", 1) == ["quick", "slow", "third"]
    assert reached.tests("engine/x.py", 4) == []
