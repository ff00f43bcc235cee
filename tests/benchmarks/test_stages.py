"""The stages one by one: parse, diff, export; each beside its floor and its peers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
import yaml

from engine.flow import diff
from engine.flow.parse import read_fleet_file
from engine.kinds.fleet import FLEET
from engine.model import Claim, LiveFleet, canonical
from tests.benchmarks import floors, peers
from tests.benchmarks.conftest import MAIN, SIZES, AtRest, Measure
from tests.benchmarks.generator import ACCOUNT, fleet_yaml

at_main_size = pytest.mark.parametrize("size", [MAIN])
at_all_sizes = pytest.mark.parametrize("size", SIZES)
shares = pytest.mark.parametrize("changed", [0.0, 0.01, 1.0])


def read(data: bytes) -> Any:
    return read_fleet_file(data, FLEET, file="fleet.yaml", limit=2**31)


@at_all_sizes
def test_parse(measure: Measure, size: int) -> None:
    data = fleet_yaml(size).encode()
    found = measure("parse", size, "ours", lambda: read(data))
    assert sum(len(specs) for specs in found.sections.values()) == size


@at_all_sizes
def test_parse_floor(measure: Measure, size: int) -> None:
    data = fleet_yaml(size).encode()
    assert measure("parse", size, "libyaml's events, bare", lambda: floors.events(data)) > size


@at_main_size
def test_parse_by_csafeloader(measure: Measure, size: int) -> None:
    data = fleet_yaml(size).encode()
    assert (
        measure("parse", size, "CSafeLoader", lambda: yaml.load(data, yaml.CSafeLoader), peer=True)["account"]
        == ACCOUNT
    )


@at_main_size
def test_parse_by_ruamel(measure: Measure, size: int) -> None:
    load, data = peers.ruamel_reader(), fleet_yaml(size).encode()
    assert measure("parse", size, "ruamel.yaml", lambda: load(data), peer=True)["account"] == ACCOUNT


def sides(size: int, changed: float) -> tuple[floors.Fleet, floors.Fleet]:
    """What git declares, and the live fleet in full."""
    declared = read(fleet_yaml(size, changed).encode()).sections
    live = read(fleet_yaml(size).encode()).sections
    return declared, {s: {n: FLEET[s].complete(spec) for n, spec in specs.items()} for s, specs in live.items()}


def owned(size: int) -> LiveFleet:
    """A fleet at rest, all of it agreed on with repository 1."""
    fleet, (slices, specs) = LiveFleet(ACCOUNT), sides(size, 0.0)
    for section, entries in specs.items():
        fleet.specs[section] = entries
        fleet.versions[section] = dict.fromkeys(entries, 1)
        fleet.claims[section] = {n: Claim(1, canonical(slices[section][n]).decode(), "r", 1) for n in entries}
        if field := FLEET[section].version_field:
            fleet.known_versions |= {(section, n): {spec[field]} for n, spec in entries.items()}
    return fleet


@shares
@at_all_sizes
def test_diff(measure: Measure, size: int, changed: float) -> None:
    (declared, _), live = sides(size, changed), owned(size)

    def compare() -> int:
        found = diff.compare(FLEET, declared, live, 1, "r2", {})
        settled = diff.withhold(FLEET, found.differences, live)
        assert not settled.withheld
        return len(found.differences)

    assert measure(f"diff, {changed:.0%} changed", size, "ours", compare) == int(size * changed)


@shares
@at_all_sizes
def test_diff_floor(measure: Measure, size: int, changed: float) -> None:
    declared, live = sides(size, changed)
    found = measure(f"diff, {changed:.0%} changed", size, "two dicts, bare", lambda: floors.differences(declared, live))
    assert len(found) == int(size * changed)


@at_main_size
def test_diff_by_diffsync(measure: Measure, size: int) -> None:
    compare, (declared, _) = peers.diffsync(), sides(size, 0.01)
    live = sides(size, 0.0)[0]
    assert measure("diff, 1% changed", size, "diffsync", lambda: compare(declared, live), peer=True) == size // 100


@at_main_size
def test_diff_by_deepdiff(measure: Measure, size: int) -> None:
    compare, (declared, _) = peers.deepdiff(), sides(size, 0.01)
    live = sides(size, 0.0)[0]
    assert measure("diff, 1% changed", size, "deepdiff", lambda: compare(declared, live), peer=True)


@at_all_sizes
def test_export(measure: Measure, size: int, at_rest: Callable[[int], AtRest]) -> None:
    bench = at_rest(size).workbench
    text = measure("export", size, "ours", lambda: bench.export(account=ACCOUNT))
    assert sum(len(specs) for specs in read(text.encode()).sections.values()) == size


@at_all_sizes
def test_export_floor(measure: Measure, size: int) -> None:
    live = sides(size, 0.0)[1]
    assert measure("export", size, "orjson, from memory", lambda: orjson.dumps(live))


@at_main_size
def test_export_by_csafedumper(measure: Measure, size: int) -> None:
    live = sides(size, 0.0)[1]
    assert measure(
        "export", size, "CSafeDumper, from memory", lambda: yaml.dump(live, Dumper=yaml.CSafeDumper), peer=True
    )
