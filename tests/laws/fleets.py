"""Generated fleets, edits and hard values for the property tests."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

MODULES = ["m0", "m1", "m2", "M1", "mü"]
TEMPLATES = ["t0", "t1", "T0"]
NODES = ["n0", "n1", "n2", "N0"]
NETWORKS = ["w0", "w1"]
ADDRESSES = ["10.0.0.5", "10.1.0.5"]

Declared = dict[str, dict[str, dict[str, Any]]]

numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 1, -1, 1.0, -0.0, 1e16, 1e-7, 5e-324, 1.7976931348623157e308, 2**53 + 1]),
)
texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from(
        ["", "no", "Null", "012", "1:30", "2026-11-23", "a: b", "- x", "#x", "'", '"', "\\", "\x00\x07", "\u2028", "\ufeff", "😀", " x ", "x\ny", "~", "<<", "=", "|", "%TAG", "a" * 1100]
    ),
)  # fmt: skip
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
maps = st.dictionaries(texts, values, max_size=4)


def _unlike(names: list[str]) -> list[str]:
    """Without the later of two names alike up to case."""
    seen: set[str] = set()
    return [name for name in names if not (name.casefold() in seen or seen.add(name.casefold()))]  # type: ignore[func-returns-value]


@st.composite
def declared(draw: st.DrawFn) -> Declared:
    """What one revision may declare: acyclic in itself; references may lead to nothing, or to what others made."""

    def some(names: list[str]) -> list[str]:
        return _unlike(draw(st.lists(st.sampled_from(names), unique=True)))

    order = draw(st.permutations(MODULES))
    fleet: Declared = {
        "modules": {},
        "templates": {},
        "nodes": {},
        "assignments": {},
        "sdwan_networks": {},
        "sdwan_virtual_ips": {},
    }
    for name in some(MODULES):
        earlier: list[str | None] = [*order[: order.index(name)]] or [None]
        spec: dict[str, Any] = {"depends_on": draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2))}
        spec["depends_on"] = [other for other in spec["depends_on"] if other is not None]
        if draw(st.booleans()):
            spec["priority"] = draw(st.integers(0, 2))
        if draw(st.booleans()):
            spec["version"] = draw(st.sampled_from(["1", "2"]))
        if draw(st.booleans()):
            spec["config"] = draw(st.sampled_from([{}, {"a": 1}, {"a": True}, {"a": 1.0}, {"a": {"b": [1]}}]))
        fleet["modules"][name] = spec
    for name in some(TEMPLATES):
        pins = [other + draw(st.sampled_from(["", "@1", "@2"])) for other in some(MODULES)[:2]]
        fleet["templates"][name] = {"modules": pins}
    for name in some(NODES):
        fleet["nodes"][name] = {"template": draw(st.sampled_from([None, *TEMPLATES]))}
    for name in _unlike(
        draw(st.lists(st.sampled_from([f"{n}:{m}" for n in NODES for m in MODULES]), unique=True, max_size=4))
    ):
        fleet["assignments"][name] = {"enabled": draw(st.booleans())}
    for name in some(NETWORKS):
        fleet["sdwan_networks"][name] = {"cidr": draw(st.sampled_from(["10.0.0.0/24", "10.1.0.0/24"]))}
    for name in draw(st.lists(st.sampled_from(["v0", "v1"]), unique=True)):
        network = draw(st.sampled_from(NETWORKS))
        cidr = fleet["sdwan_networks"].get(network, {}).get("cidr")
        address = draw(st.sampled_from(ADDRESSES)) if cidr is None else cidr.replace("0/24", "5")
        fleet["sdwan_virtual_ips"][name] = {
            "network": network,
            "address": address,
            "primary_holder": draw(st.sampled_from(NODES)),
        }
    return fleet


def file_of(fleet: Declared, account: str = "acme") -> bytes:
    """The fleet as a file: JSON is YAML."""
    return json.dumps({"version": 1, "account": account, **fleet}).encode()


edits = st.one_of(
    st.tuples(st.just("modules"), st.sampled_from(MODULES), st.fixed_dictionaries({}, optional={"priority": st.integers(0, 3), "config": maps, "version": st.sampled_from([None, "1", "2", "3"])})),
    st.tuples(st.just("modules"), st.sampled_from(MODULES), st.fixed_dictionaries({"depends_on": st.lists(st.sampled_from(MODULES), unique=True, max_size=2)})),
    st.tuples(st.just("nodes"), st.sampled_from(NODES), st.fixed_dictionaries({"template": st.sampled_from([None, *TEMPLATES])})),
    st.tuples(st.just("templates"), st.sampled_from(TEMPLATES), st.fixed_dictionaries({"description": texts})),
    st.tuples(st.just("assignments"), st.sampled_from(["n0:m0", "n1:m1"]), st.fixed_dictionaries({"enabled": st.booleans()})),
    st.tuples(st.just("provider_configs"), st.sampled_from(["p0", "p1"]), st.fixed_dictionaries({"provider": texts})),
    st.tuples(st.just("sdwan_networks"), st.sampled_from(NETWORKS), st.fixed_dictionaries({"cidr": st.sampled_from(["10.0.0.0/24", "10.1.0.0/24"])})),
)  # fmt: skip
"""Operator edits: (section, name, fields)."""

places = st.one_of(
    st.tuples(st.just("modules"), st.sampled_from(MODULES)),
    st.tuples(st.just("nodes"), st.sampled_from(NODES)),
    st.tuples(st.just("templates"), st.sampled_from(TEMPLATES)),
    st.tuples(st.just("sdwan_networks"), st.sampled_from(NETWORKS)),
)
