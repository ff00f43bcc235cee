"""Laws 1 and 7 on the pure stages, with the hardest values that a fleet may hold."""

from __future__ import annotations

import random
from collections.abc import MutableMapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.flow import diff, export
from engine.flow.order import Move, in_order, waves
from engine.flow.parse import read_fleet_file
from engine.kinds.fleet import FLEET
from engine.model import Claim, LiveFleet, canonical
from tests.laws.checks import references
from tests.laws.fleets import Declared, declared, file_of, maps, texts

names = st.one_of(
    st.sampled_from(["no", "Null", "1e5", "012", "a b", "x'y", "é", "日本", "n"]),
    st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True),
)


def live_of(fleet: Declared, *, owner: int | None = None) -> LiveFleet:
    """The live fleet that declares everything so, with defaults for the rest."""
    specs: dict[str, MutableMapping[str, dict[str, Any]]] = {
        kind: {name: FLEET[kind].complete(spec) for name, spec in entries.items()} for kind, entries in fleet.items()
    }
    live = LiveFleet("acme", specs, {kind: dict.fromkeys(entries, 1) for kind, entries in specs.items()})
    if owner is not None:
        live.claims = {
            kind: {name: Claim(owner, canonical(spec).decode(), "r", 1) for name, spec in entries.items()}
            for kind, entries in fleet.items()
        }
    return live


def shuffled(fleet: Declared, seed: int) -> Declared:
    """The same fleet, written in another order."""
    chance = random.Random(seed)

    def mixed(entries: dict[str, Any]) -> dict[str, Any]:
        keys = list(entries)
        chance.shuffle(keys)
        return {key: mixed(entries[key]) if isinstance(entries[key], dict) else entries[key] for key in keys}

    return mixed(fleet)


@given(declared())
def test_a_fleet_differs_in_nothing_from_itself(fleet: Declared) -> None:
    found = diff.compare(FLEET, fleet, live_of(fleet, owner=1), 1, "r", {})
    assert (found.differences, found.foreign, found.released, found.claimed) == ((), (), (), {})
    assert sum(counts["unchanged"] for counts in found.counts.values()) == sum(
        len(entries) for entries in fleet.values()
    )


@given(declared(), declared(), st.integers())
def test_the_order_of_the_file_and_of_the_live_fleet_does_not_matter(
    before: Declared, after: Declared, seed: int
) -> None:
    lives = live_of(before, owner=1), live_of(shuffled(before, seed), owner=1)
    one, other = (
        diff.compare(FLEET, fleet, live, 1, "r", {})
        for fleet, live in zip((after, shuffled(after, seed)), lives, strict=True)
    )
    assert one == other
    settled, otherwise = (
        diff.withhold(FLEET, found.differences, live) for found, live in zip((one, other), lives, strict=True)
    )
    assert (settled.withheld, settled.ordering) == (otherwise.withheld, otherwise.ordering)
    assert read_fleet_file(file_of(after), FLEET) == read_fleet_file(file_of(shuffled(after, seed)), FLEET)


@given(declared(), declared())
def test_every_step_follows_what_it_refers_to_and_destroys_run_in_reverse(before: Declared, after: Declared) -> None:
    live = live_of(before, owner=1)
    settled = diff.withhold(FLEET, diff.compare(FLEET, after, live, 1, "r", {}).differences, live)
    place = {key: index for index, key in enumerate(settled.ordering.order)}
    assert not settled.ordering.stuck
    gone = {key for key in place if settled.after.get(key.kind, key.name) is None}
    for key in place:
        old, new = live.specs.get(key.kind, {}).get(key.name), settled.after.get(key.kind, key.name)
        for kind, name in references(key.kind, key.name, new) if new else ():
            target = key._replace(kind=kind, name=name)
            assert target not in place or (target not in gone and place[target] < place[key])
        for kind, name in references(key.kind, key.name, old) if old else ():
            target = key._replace(kind=kind, name=name)
            assert target not in gone or place[key] < place[target]
    numbered = [key for wave in waves(settled.ordering) for key in wave]
    assert numbered == settled.ordering.order


@given(st.lists(st.sampled_from(sorted(FLEET)), min_size=1, unique=True))
def test_ties_go_by_phase_and_then_by_key(sections: list[str]) -> None:
    from engine.model import ResourceKey

    keys = [
        ResourceKey("acme", section, name if not FLEET[section].key else f"{name}:{name}")
        for section in sections
        for name in ("b", "a")
    ]
    spec = {"network": "other", "primary_holder": "other", "address": "10.0.0.1"}
    creates = in_order(
        FLEET,
        {key: Move(None, FLEET[key.kind].complete(spec if key.kind == "sdwan_virtual_ips" else {})) for key in keys},
    )
    ranked = [(FLEET[key.kind].phase, key) for key in creates.order if not FLEET[key.kind].key]
    assert ranked == sorted(ranked)


@given(st.dictionaries(names, st.fixed_dictionaries({"description": texts, "config": maps}), max_size=4), texts)
def test_every_live_fleet_exports_to_a_file_that_reads_the_same(modules: dict[str, Any], provider: str) -> None:
    unlike = {name.casefold(): name for name in modules}
    fleet = {
        "modules": {name: FLEET["modules"].complete(modules[name]) for name in unlike.values()},
        "provider_configs": {"p": FLEET["provider_configs"].complete({"provider": provider})},
    }
    text = export.render(
        FLEET, "acme", fleet, pins=export.pinned(FLEET, fleet), as_of=None, scope="all", store_version=1
    )
    read = read_fleet_file(text.encode(), FLEET, limit=10**9)
    assert (
        export.render(
            FLEET,
            "acme",
            read.sections,
            pins=export.pinned(FLEET, read.sections),
            as_of=None,
            scope="all",
            store_version=1,
        )
        == text
    )
    for kind, entries in fleet.items():
        for name, spec in entries.items():
            assert FLEET[kind].same(spec, read.sections[kind][name])
