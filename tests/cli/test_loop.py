"""The main job on the command line, as scripts and people run it: from a commit to an applied fleet and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Fleet
from tests.conftest import GitRepository

MINIMAL = """version: 1
account: "acme"

templates:
  web-server:
    name: web-server
    description: Standard nginx node
    node_platform_id: "<node-platform-uuid>"

modules:
  nginx-public:
    name: nginx-public
    priority: 50
    variety: config
    config:
      nginx_workers: 4

assignments:
  app-01:nginx-public:
    enabled: true
    priority: 50
  app-02:nginx-public:
    enabled: false      # disabled on app-02 without detaching the module
"""


@pytest.fixture(params=["process"])
def registered(request: pytest.FixtureRequest, git_repo: GitRepository) -> Fleet:
    if request.param == "served":
        request.getfixturevalue("served")
    fleet: Fleet = request.getfixturevalue("process" if request.param == "process" else "here")
    git_repo.push(MINIMAL, subject="Bring the fleet into git")
    assert fleet("repo", "add", "fleet-config", str(git_repo.path), "--account", "acme").code == 0
    return fleet


def _with_nodes(fleet: Fleet) -> None:
    for node in ("app-01", "app-02"):
        assert fleet("set", "nodes", node, "--account", "acme").code == 0


def test_the_runbooks_minimal_example_is_proposed_approved_applied_and_then_at_rest(registered: Fleet) -> None:
    _with_nodes(registered)
    synced = registered("sync", "fleet-config", "--json").json
    run, proposals = synced["gitops_sync_run"], synced["proposals"]
    assert (run["status"], run["diff_count"], run["opened"], run["remaining"]) == ("success", 4, 4, 0)
    assert [f"{p['kind']}/{p['name']}" for p in proposals] == [
        "templates/web-server",
        "modules/nginx-public",
        "assignments/app-01:nginx-public",
        "assignments/app-02:nginx-public",
    ]
    pinned = {
        "id",
        "kind",
        "name",
        "change",
        "status",
        "current",
        "desired",
        "fields",
        "cause",
        "origin",
        "fingerprint",
        "repository",
    }
    assert pinned | {"revision", "reopened_count", "reason", "error"} <= proposals[0].keys()
    assert proposals[3]["desired"] == {"config": {}, "enabled": False, "priority": 0}

    approved = registered("approve", "1-4", "--json").json
    assert approved == {"items": [{"id": id_, "status": "approved", "error": None} for id_ in (1, 2, 3, 4)]}
    planned = registered("apply", "--dry-run", "--json").json
    assert [[step["id"] for step in wave] for wave in planned["waves"]] == [[1, 2], [3, 4]]
    assert planned == registered("plan", "--json").json
    applied = registered("apply", "--json").json
    assert [step["id"] for step in applied["applied"]] == [1, 2, 3, 4]
    assert (applied["failed"], applied["skipped"]) == ([], [])

    shown = registered("run", "show", str(run["id"]), "--json").json
    assert shown["status"] == "applied"
    assert [action["id"] for action in shown["applied_actions"]] == [1, 2, 3, 4]
    assert shown["failed_actions"] == []

    after = registered("sync", "fleet-config", "--json").json["gitops_sync_run"]
    assert (after["diff_count"], after["unchanged"], after["id"]) == (0, False, run["id"] + 1)
    at_rest = registered("sync", "fleet-config", "--json").json
    assert (at_rest["gitops_sync_run"]["id"], at_rest["gitops_sync_run"]["unchanged"], at_rest["proposals"]) == (
        after["id"],
        True,
        [],
    )


@pytest.mark.parametrize("registered", ["here", "served"], indirect=True)
def test_without_its_nodes_two_differences_are_withheld(registered: Fleet) -> None:
    synced = registered("sync", "fleet-config", "--json").json
    assert len(synced["proposals"]) == 2
    withheld = registered("run", "show", "1", "--json").json["withheld"]
    assert [(row["kind"], row["name"], row["change"], row["reason"]) for row in withheld] == [
        ("assignments", "app-01:nginx-public", "create", "missing_reference"),
        ("assignments", "app-02:nginx-public", "create", "missing_reference"),
    ]
    assert "nodes/app-01" in withheld[0]["detail"]


@pytest.mark.parametrize("registered", ["here", "served"], indirect=True)
def test_an_export_is_the_same_twice_validates_and_differs_in_nothing(registered: Fleet, tmp_path: Path) -> None:
    _with_nodes(registered)
    registered("sync", "fleet-config")
    registered("approve", "--all")
    registered("apply")
    file = tmp_path / "fleet.yaml"
    assert registered("export", "--out", str(file)).code == 0
    assert registered("export").out == file.read_text() == registered("export", "--account", "acme").out
    assert registered("validate", str(file)).code == 0
    compared = registered("diff", str(file), "--account", "acme", "--json")
    assert (compared.code, compared.json["differences"]) == (0, [])
    part = registered("export", "--repo", "fleet-config").out
    assert "nginx-public" in part
    assert "\nnodes:" not in part
    unmanaged = registered("export", "--unmanaged").out
    assert "\nnodes:" in unmanaged
    assert "nginx-public" not in unmanaged


@pytest.mark.parametrize("registered", ["here", "served"], indirect=True)
def test_an_edit_by_hand_shows_as_drift_and_can_be_undone(registered: Fleet) -> None:
    _with_nodes(registered)
    registered("sync", "fleet-config")
    registered("approve", "--all")
    registered("apply")
    edit = registered(
        "set",
        "modules",
        "nginx-public",
        "priority=60",
        'config={"nginx_workers": 8}',
        "--note",
        "SEV-2",
        "--json",
        FLEET_ACTOR="bob",
    )
    assert (edit.json["version"], edit.json["spec"]["config"], edit.json["updated_by"]) == (
        2,
        {"nginx_workers": 8},
        "bob",
    )
    (proposal,) = registered("sync", "fleet-config", "--json").json["proposals"]
    assert proposal["cause"] == "live_moved"
    assert {change["path"] for change in proposal["fields"]} == {"priority", "config.nginx_workers"}
    (episode,) = registered("drift", "--json").json["items"]
    assert (episode["moved_by"], episode["severity"], episode["closed_at"]) == ("bob", "medium", None)
    registered("approve", str(proposal["id"]))
    registered("apply", "--repo", "fleet-config")
    registered("sync", "fleet-config")
    assert registered("drift", "--json").json == {"items": [], "next": None}
    assert registered("drift", "--all", "--json").json["items"][0]["outcome"] == "reverted"


@pytest.mark.parametrize("registered", ["here", "served"], indirect=True)
def test_a_rejection_comes_back_with_its_reason(registered: Fleet) -> None:
    registered("sync", "fleet-config")
    rejected = registered("reject", "1", "--reason", "not before the sale", "--json")
    assert rejected.json["items"][0]["status"] == "rejected"
    synced = registered("sync", "fleet-config", "--json").json
    assert [(p["id"], p["reopened_count"], p["reason"], p["status"]) for p in synced["proposals"]] == [
        (1, 1, "not before the sale", "pending")
    ]


@pytest.mark.parametrize("registered", ["here", "served"], indirect=True)
def test_brakes_stop_ticks_and_applies_and_every_surface_says_so(registered: Fleet) -> None:
    registered("sync", "fleet-config")
    registered("approve", "1")
    assert registered("pause", "--reason", "freeze for the audit").code == 0
    for verb in (["sync", "fleet-config"], ["apply"]):
        refused = registered(*verb, "--json")
        assert refused.code == 1
        assert refused.json["code"] == json.loads(refused.err)["code"] == "FLEET-501"
    assert "freeze for the audit" in registered("status").out
    assert registered("status", "--json").json["ok"] is False
    assert registered("resume").code == 0
    assert registered("unapprove", "1", "--json").json["items"] == [{"id": 1, "status": "pending", "error": None}]
    registered("pause", "--reason", "one only", "--repo", "fleet-config")
    assert registered("apply", "--repo", "fleet-config").code == 1
    assert registered("resume", "--repo", "fleet-config").code == 0


def test_the_demo_ends_with_success_and_is_harmless_twice(process: Fleet) -> None:
    first = process("demo", "--json").json
    assert first["gitops_sync_run"]["status"] == "partial"
    standing = process("proposals", "--status", "pending", "--json").json["items"]
    assert len(standing) == 25
    again = process("demo", "--json").json
    assert (again["played"], again["gitops_sync_run"]["unchanged"]) == (False, True)
    done = process("demo", "--yes", "--json").json
    assert (done["gitops_sync_run"]["status"], done["gitops_sync_run"]["remaining"]) == ("success", 0)
    assert process("proposals", "--status", "pending", "--json").json["items"] == []
    outcomes = [episode["outcome"] for episode in process("drift", "--all", "--json").json["items"]]
    assert outcomes == ["reverted", "reverted"]
    assert any(run["status"] == "failed" for run in process("run", "list", "--json").json["items"])
    sections = [
        line for line in process("export").out.splitlines() if line.endswith(":") and not line.startswith((" ", "#"))
    ]
    assert len(sections) == 8


def test_what_a_pause_holds_back_is_said_and_nothing_is_called_well_before_it_is(
    fleet: Fleet, git_repo: GitRepository
) -> None:
    for name in ("p", "q"):
        git_repo.push(f"version: 1\naccount: acme\nmodules: {{of-{name}: {{}}}}\n", file=f"{name}/fleet.yaml")
        assert fleet("repo", "add", name, str(git_repo.path), "--account", "acme", "--path-prefix", name).code == 0
        assert fleet("sync", name).code == 0
    assert "No proposal is approved, so nothing was applied." in fleet("apply").out
    assert fleet("status").out.startswith("Waiting: 2 proposals for a decision.")
    fleet("approve", "2")
    for verb, end in (("plan", "."), ("apply", ", so nothing was applied.")):
        assert (
            f"Nothing of repository p in account acme is approved{end}"
            in fleet(verb, "--repo", "p", "--account", "acme").out
        ), "there is something of q"
    fleet("approve", "1")
    assert fleet("status").out.startswith("Waiting: 2 approved proposals to apply.")

    fleet("pause", "--repo", "p", "--reason", "incident")
    assert fleet("status").out.startswith("Needs you: work is paused.")
    planned = fleet("plan", "--json").json
    assert [[step["id"] for step in wave] for wave in planned["waves"]] == [[2]]
    done = fleet("apply", "--json")
    (held,) = done.json["skipped"]
    assert (done.code, [step["id"] for step in done.json["applied"]], done.json["stopped"]) == (0, [2], None)
    assert (held["id"], held["reason"], held["detail"].startswith("p is paused by ")) == (1, "paused", True)
    again = fleet("apply").out
    assert again.startswith("Nothing was applied.\n1 skipped, still approved:\n"), again
    assert "paused" in again
    assert fleet("apply", "--repo", "p").code == 1, "FLEET-501: what was asked for is paused"
    fleet("resume", "--repo", "p")
    assert fleet("apply", "--json").json["stopped"] is None
    for name in ("p", "q"):
        fleet("sync", name)
    assert fleet("status").out.startswith("All is well.")
