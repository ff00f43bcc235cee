"""A ninth kind, declared here and nowhere else, goes from the file to the export with no other change."""

from __future__ import annotations

import pytest

from engine.errors import FleetFileInvalid
from engine.flow.parse import read_fleet_file
from engine.kinds import Field, Kind, Kinds
from engine.kinds.fields import Integer, Map, Ref, RefList, Text
from engine.kinds.fleet import FLEET
from engine.kinds.schema import fleet_schema, schema_table
from engine.model import Actor, ResourceKey
from engine.settings import Settings
from engine.workbench import Workbench
from tests.builders import query
from tests.conftest import GitRepository

ME = Actor("ana")

ALERT = Kind(
    section="alerts",
    view="node_alerts",
    title="alert",
    phase=6,
    doc="What wakes somebody up.",
    fields=(
        Field("node", Ref("nodes"), "Node that it watches."),
        Field("modules", RefList("modules"), "Modules that it watches.", []),
        Field("threshold", Integer(1), "How often before it fires.", 3),
        Field("message", Text(), "What it says.", ""),
        Field("routing", Map(), "Whom it wakes.", {}),
    ),
)
NINE = Kinds((*FLEET.values(), ALERT))

TEXT = """version: 1
account: acme
nodes: {app-01: {}}
alerts:
  disk-full: {node: app-01, routing: {team: storage}}
"""


def test_a_ninth_kind_goes_from_the_file_to_the_export(settings: Settings, git_repo: GitRepository) -> None:
    key = ResourceKey("acme", "alerts", "disk-full")
    git_repo.push(TEXT)
    with Workbench.open_home(settings, kinds=NINE) as workbench:
        workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
        proposals = workbench.sync(ME, "fc").proposals
        assert [p.key.address for p in proposals] == ["nodes/app-01", "alerts/disk-full"]
        assert proposals[1].references == ("nodes/app-01",)
        assert proposals[0].blast_radius == 1
        workbench.approve(ME, [p.id for p in proposals])
        assert [len(wave) for wave in workbench.plan().waves] == [1, 1]
        workbench.apply(ME)
        assert query(workbench.store, "SELECT name, node, threshold, routing ->> 'team' FROM node_alerts") == [
            ("disk-full", "app-01", 3, "storage")
        ]
        with pytest.raises(Exception, match="FLEET-625"):
            workbench.delete_resource(ME, ResourceKey("acme", "nodes", "app-01"))
        workbench.set_resource(Actor("bob"), key, {"threshold": 9, "routing": {"team": "web"}})
        git_repo.push(TEXT.replace("node: app-01,", "node: app-01, threshold: 3,"))
        (update,) = workbench.sync(ME, "fc").proposals
        assert [change.path for change in update.fields] == ["routing.team", "threshold"]
        text = workbench.export(account="acme")
        assert "alerts:\n  disk-full:\n    node: app-01\n" in text
        assert not workbench.preview(read_fleet_file(text.encode(), NINE), account="acme").entries


def test_a_ninth_kind_is_validated_and_described() -> None:
    wrong = "version: 1\naccount: acme\nalerts:\n  a: {node: x, threshold: 0}\n  b: {nodes: x}\n"
    with pytest.raises(FleetFileInvalid) as caught:
        read_fleet_file(wrong.encode(), NINE)
    assert [(problem.code, problem.line) for problem in caught.value.problems] == [("FLEET-134", 4), ("FLEET-133", 5)]
    with pytest.raises(FleetFileInvalid, match="alerts"):
        read_fleet_file(b"version: 1\naccount: acme\nalerts: {}\n", FLEET)
    assert fleet_schema(NINE)["properties"]["alerts"]["additionalProperties"]["properties"]["threshold"]["minimum"] == 1
    assert "| `alerts` | What wakes somebody up. |" in schema_table(NINE)
