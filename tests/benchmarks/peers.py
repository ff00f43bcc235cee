"""The peers at the like work. They come with the group `peers`, which the benchmark command alone installs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.floors import Fleet

ABSENT = "peers are installed by the benchmark command alone"


def ruamel_reader() -> Callable[[bytes], Any]:
    ruamel = pytest.importorskip("ruamel.yaml", reason=ABSENT)
    return lambda data: ruamel.YAML().load(data)


def deepdiff() -> Callable[[Fleet, Fleet], Any]:
    module = pytest.importorskip("deepdiff", reason=ABSENT)
    return lambda one, other: module.DeepDiff(one, other)


def diffsync() -> Callable[[Fleet, Fleet], int]:
    """Loads both sides into adapters and compares them; gives how many differ."""
    module = pytest.importorskip("diffsync", reason=ABSENT)

    class Thing(module.DiffSyncModel):  # type: ignore[misc, name-defined]
        _modelname = "resource"
        _identifiers = ("kind", "name")
        _attributes = ("spec",)
        kind: str
        name: str
        spec: dict[str, Any]

    class Side(module.Adapter):  # type: ignore[misc, name-defined]
        resource = Thing
        top_level = ("resource",)

        def fill(self, fleet: Fleet) -> Side:
            for kind, specs in fleet.items():
                for name, spec in specs.items():
                    self.add(Thing(kind=kind, name=name, spec=spec))
            return self

    def compare(desired: Fleet, live: Fleet) -> int:
        summary = Side().fill(live).diff_from(Side().fill(desired)).summary()
        return int(summary["create"] + summary["update"] + summary["delete"])

    return compare


def octodns(folder: Path, size: int, changed: float) -> Callable[[], int]:
    """Plans a zone of as many records, a share of which has another TTL; gives how many it would change."""
    yaml = pytest.importorskip("octodns.provider.yaml", reason=ABSENT)
    from octodns.zone import Zone

    for name, share in (("source", changed), ("target", 0.0)):
        (folder / name).mkdir()
        (folder / name / "example.com.yaml").write_text(_zone(size, share))

    def plan() -> int:
        source = yaml.YamlProvider("source", str(folder / "source"), enforce_order=False, escaped_semicolons=False)
        target = yaml.YamlProvider("target", str(folder / "target"), enforce_order=False, escaped_semicolons=False)
        zone = Zone("example.com.", [])
        source.populate(zone)
        planned = target.plan(zone)
        return 0 if planned is None else len(planned.changes)

    return plan


def _zone(size: int, changed: float) -> str:
    lines = ["---"]
    for i in range(size):
        otherwise = int((i + 1) * changed) > int(i * changed)
        address = f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"
        lines += [f"node-{i:06}:", "  type: A", f"  ttl: {600 if otherwise else 300}", f"  value: {address}"]
    return "\n".join(lines) + "\n"
