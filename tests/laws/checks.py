"""What must be true of a store at any moment, checked without the engine's own rules.

What the kinds refer to is said here a second time and by hand, on purpose: read from the kinds' declarations, a wrong declaration would
be wrong here in the same way, and nobody would notice. So a ninth kind stands outside the laws until its references are written here
too; tests/test_ninth_kind.py takes one through the loop without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import orjson

from engine.store import Store
from tests.builders import query

Specs = dict[str, dict[str, dict[str, Any]]]


TABLES = ["accounts", "resources", "resource_history", "module_versions", "claims", "waiting_claims", "gitops_repositories", "credential_hosts", "gitops_sync_runs", "proposals", "live_keys", "withheld_diffs", "applies", "apply_steps", "drift_episodes", "fleet_events", "store_notes", "schema_versions"]  # fmt: skip


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as text."""
    return {table: sorted(query(store, f"SELECT CAST(t AS VARCHAR) FROM {table} t")) for table in TABLES}


def specs_at(store: Store, account: str, at: str | None = None) -> Specs:
    """The live fleet, or what `fleet_at` says that it was."""
    source = "resources" if at is None else f"fleet_at(TIMESTAMPTZ '{at}')"
    found: Specs = {}
    for kind, name, spec in query(store, f"SELECT kind, name, spec FROM {source} WHERE account = '{account}'"):
        assert name not in found.setdefault(kind, {}), f"{kind}/{name} stands twice"
        found[kind][name] = orjson.loads(spec)
    return found


def references(kind: str, name: str, spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a resource refers to, as section 4 of the design says it."""
    match kind:
        case "templates":
            yield from (("modules", pin.split("@")[0]) for pin in spec["modules"])
        case "modules":
            yield from (("modules", other) for other in spec["depends_on"])
        case "nodes":
            if spec["template"] is not None:
                yield "templates", spec["template"]
        case "assignments":
            node, module = name.split(":")
            yield from (("nodes", node), ("modules", module))
        case "sdwan_peers":
            network, node = name.split(":")
            yield from (("sdwan_networks", network), ("nodes", node))
        case "sdwan_virtual_ips":
            yield from (("sdwan_networks", spec["network"]), ("nodes", spec["primary_holder"]))
            yield from (("nodes", node) for node in spec["failover_holders"])


def assert_sound(specs: Specs) -> None:
    """No reference to nothing, no cycle, no two names alike up to case."""
    graph = {
        (kind, name): list(references(kind, name, spec))
        for kind, entries in specs.items()
        for name, spec in entries.items()
    }
    for entries in specs.values():
        assert len({name.casefold() for name in entries}) == len(entries), entries.keys()
    for place, targets in graph.items():
        for target in targets:
            assert target in graph, f"{place} refers to {target}, which is not live"
    done: set[tuple[str, str]] = set()
    for start in graph:
        path: list[tuple[str, str]] = []

        def visit(place: tuple[str, str], path: list[tuple[str, str]] = path) -> None:
            assert place not in path, f"a cycle: {path} → {place}"
            if place not in done:
                path.append(place)
                for target in graph[place]:
                    visit(target)
                path.pop()
                done.add(place)

        visit(start)


def assert_agreement(store: Store) -> None:
    """Live, history, proposals, claims, steps and events tell one story (law 8), and history is ordered (law 10)."""
    history: dict[str, list[tuple[Any, ...]]] = {}
    rows = query(
        store,
        "SELECT key, seq, version, spec, epoch_us(valid_from), epoch_us(valid_to), cause, proposal_id, actor FROM resource_history ORDER BY seq",
    )
    last_from = 0
    for key, *row in rows:
        history.setdefault(key, []).append(tuple(row))
        assert row[3] >= last_from, "times follow the sequence"
        last_from = row[3]
    live = {
        key: (spec, version, actor)
        for key, spec, version, actor in query(store, "SELECT key, spec, version, updated_by FROM resources")
    }
    for key, versions in history.items():
        for one, other in pairwise(versions):
            assert one[4] == other[3], f"{key}: a version ends when the next begins"
            assert other[1] == one[1] + 1, f"{key}: versions count up by one"
        newest = versions[-1]
        assert newest[4] is None, f"{key}: the newest version is open"
        assert (live.get(key, (None,))[0], key in live) == (newest[2], newest[2] is not None), (
            f"{key}: live is the newest version"
        )
        if key in live:
            assert live[key][1:] == (newest[1], newest[7])
    assert live.keys() <= history.keys()

    by_proposal: dict[int, list[str]] = {}
    for key, versions in history.items():
        for version in versions:
            assert (version[5] == "apply") == (version[6] is not None)
            if version[6] is not None:
                by_proposal.setdefault(version[6], []).append(key)
    proposals = {
        row[0]: row
        for row in query(
            store, "SELECT id, key, status, live_key IS NOT NULL, repository_id, change, origin FROM proposals"
        )
    }
    steps = {id_ for (id_,) in query(store, "SELECT proposal_id FROM apply_steps WHERE outcome = 'applied'")}
    for id_, key, status, has_live_key, _, _, origin in proposals.values():
        assert (status == "applied") == (by_proposal.get(id_) == [key]), f"proposal {id_} is {status}"
        assert (status == "applied") == (id_ in steps)
        assert has_live_key == (status in {"pending", "approved", "failed", *(["rejected"] if origin == "git" else [])})
    assert set(by_proposal) <= set(proposals)
    assert not query(
        store, "SELECT repository_id, key FROM proposals WHERE live_key IS NOT NULL GROUP BY ALL HAVING count(*) > 1"
    )
    held = set(query(store, "SELECT live_key, proposal_id FROM live_keys"))
    assert held == set(query(store, "SELECT live_key, id FROM proposals WHERE live_key IS NOT NULL"))

    for key, base, version in query(store, "SELECT key, base, base_version FROM claims WHERE base IS NOT NULL"):
        agreed = next(v for v in history[key] if v[1] == version)
        spec = orjson.loads(agreed[2])
        assert {name: spec[name] for name in orjson.loads(base)} == orjson.loads(base), (
            f"{key}: the base is what was agreed on"
        )
    assert not query(
        store,
        "SELECT id FROM gitops_sync_runs WHERE status = 'running' UNION ALL SELECT id FROM applies WHERE status = 'running'",
    )
    assert not query(
        store, "SELECT w.key FROM waiting_claims w JOIN claims c ON c.key = w.key AND c.repository_id = w.repository_id"
    )
    _assert_story(store)


def _assert_story(store: Store) -> None:
    """Every status is the last of its events; nothing unapproved is applied (law 5); repositories keep to their own (law 6)."""
    status: dict[int, str] = {}
    owner: dict[str, int | None] = {}
    moves = {"opened": "pending", "taken_back": "pending", "reopened": "pending"}
    rows = query(
        store,
        "SELECT e.type, e.proposal_id, e.repository_id, concat_ws('/', e.account, e.kind, e.name), p.change, p.origin, g.id"
        " FROM fleet_events e LEFT JOIN proposals p ON p.id = e.proposal_id LEFT JOIN gitops_repositories g ON g.name = e.data->>'to'"
        " ORDER BY e.seq",
    )
    for type_, proposal_id, repository_id, key, change, origin, taker in rows:
        if type_.startswith("gitops.proposal_"):
            word = type_.removeprefix("gitops.proposal_")
            if word == "applied":
                assert status[proposal_id] == "approved", (
                    f"proposal {proposal_id} was {status[proposal_id]} when applied"
                )
                assert owner.get(key) in ({repository_id} if change == "destroy" else {None, repository_id}), (
                    f"{key} was owned by {owner.get(key)}"
                )
                if (change, origin) != ("destroy", "revert"):  # git still declares it, so the repository still owns it
                    owner[key] = None if change == "destroy" else repository_id
            status[proposal_id] = moves.get(word, word)
        elif type_ == "gitops.adopted":
            assert owner.get(key) is None
            owner[key] = repository_id
        elif type_ == "gitops.released":
            owner[key] = None
        elif type_ == "gitops.handed_over":
            assert owner.get(key) in {None, repository_id}
            if owner.get(key) is not None:
                owner[key] = taker
    assert status == dict(query(store, "SELECT id, status FROM proposals"))
    owned = {key: id_ for key, id_ in owner.items() if id_ is not None}
    assert owned == dict(query(store, "SELECT key, repository_id FROM claims WHERE base IS NOT NULL"))
