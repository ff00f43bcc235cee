"""Looking back and going back: `log`, `blame`, `--at`, `revert`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.flow import export
from tests.cli.conftest import Fleet
from tests.conftest import GitRepository

FIRST = "version: 1\naccount: acme\nmodules: {nginx: {priority: 1, config: {a: 1}}}\n"
SECOND = (
    "version: 1\naccount: acme\nmodules: {nginx: {priority: 2, config: {a: 1, b: 2}}, extra: {depends_on: [nginx]}}\n"
)


@pytest.fixture
def lived(fleet: Fleet, git_repo: GitRepository) -> Fleet:
    """A module that git made, git changed together with a new one, and somebody edited."""
    git_repo.push(FIRST, subject="Bring nginx")
    fleet("repo", "add", "fc", str(git_repo.path), "--account", "acme")
    for text in (FIRST, SECOND):
        git_repo.push(text, subject="Second" if text is SECOND else "First")
        fleet("sync", "fc")
        fleet("approve", "--all")
        assert fleet("apply", "--json").json["failed"] == []
    assert fleet("set", "modules", "nginx", "description=by hand", "--note", "SEV-2").code == 0
    return fleet


def test_log_tells_every_version(lived: Fleet) -> None:
    items = lived("log", "modules", "nginx", "--json").json["items"]
    assert [(v["version"], v["cause"], v["note"]) for v in items] == [
        (3, "edit", "SEV-2"),
        (2, "apply", None),
        (1, "apply", None),
    ]
    assert [[c["path"] for c in v["fields"]] for v in items[:2]] == [["description"], ["config.b", "priority"]]
    assert items[1]["fields"][1]["current"] == 1
    page = lived("log", "modules", "nginx", "--limit", "1", "--json").json
    assert [v["version"] for v in page["items"]] == [3]
    assert [c["path"] for c in page["items"][0]["fields"]] == ["description"], (
        "read from the version before, which is not shown"
    )
    rest = lived("log", "modules", "nginx", "--before", str(page["next"]), "--json").json
    assert [v["version"] for v in rest["items"]] == [2, 1]
    said = lived("log", "modules", "nginx").out
    assert "Version 3" in said
    assert "SEV-2" in said
    assert "priority" in said
    assert lived("log", "modules", "nothing").code == 1
    assert "FLEET-621" in lived("log", "module", "nginx").err


def test_log_tells_of_what_is_gone(lived: Fleet) -> None:
    assert lived("delete", "modules", "extra", "--note", "not needed").code == 0
    newest, first = lived("log", "modules", "extra", "--json").json["items"]
    assert (newest["spec"], newest["note"], first["version"]) == (None, "not needed", 1)
    assert "gone" in lived("log", "modules", "extra").out
    assert "FLEET-627" in lived("blame", "modules", "extra").err


def test_blame_tells_who_set_each_value(lived: Fleet) -> None:
    found = {b["path"]: b for b in lived("blame", "modules", "nginx", "--json").json["items"]}
    assert (found["priority"]["version"], found["priority"]["subject"], found["priority"]["value"]) == (2, "Second", 2)
    assert (found["config.a"]["version"], found["config.b"]["version"]) == (1, 2)
    assert (found["description"]["note"], found["description"]["proposal_id"]) == ("SEV-2", None)
    said = lived("blame", "modules", "nginx").out
    assert "Second" in said
    assert "by hand" in said


def test_graph_and_diff_look_back(lived: Fleet, tmp_path: Path) -> None:
    first = lived("log", "modules", "nginx", "--json").json["items"][-1]["valid_from"]
    assert [n["name"] for n in lived("graph", "--at", first, "--json").json["nodes"]] == ["nginx"]
    nodes = lived("graph", "--json").json["nodes"]
    assert sorted(n["name"] for n in nodes) == ["extra", "nginx"]
    assert "The live fleet was empty at" in lived("graph", "--at", "2001-01-01").out
    file = tmp_path / "fleet.yaml"
    file.write_text(FIRST)
    then = lived("diff", str(file), "--account", "acme", "--at", first, "--json")
    assert (then.code, then.json["differences"]) == (0, [])
    now = lived("diff", str(file), "--account", "acme", "--repo", "fc", "--json")
    assert now.code == 3
    assert {(d["name"], d["change"]) for d in now.json["differences"]} == {("nginx", "update"), ("extra", "destroy")}
    for verb in (["graph"], ["export"], ["diff", str(file), "--account", "acme"]):
        assert lived(*verb, "--at", "yesterday").code == 2


def test_a_proposal_is_reverted_and_what_to_commit_is_said(lived: Fleet) -> None:
    undone = next(p for p in lived("proposals", "--json").json["items"] if p["change"] == "update")
    shown = lived("revert", str(undone["id"]))
    assert shown.code == 0
    assert "modules:\n      nginx:\n        config:\n          a: 1\n        priority: 1" in shown.out
    (made,) = lived("proposals", "--status", "pending", "--json").json["items"]
    assert (made["origin"], made["reverts"], made["desired"]) == (
        "revert",
        undone["id"],
        {"config": {"a": 1}, "priority": 1},
    )
    assert f"a revert of proposal {undone['id']}" in lived("show", str(made["id"])).out
    assert f"proposal {made['id']} (pending)" in lived("show", str(undone["id"])).out
    assert lived("approve", str(made["id"])).code == 0
    assert [s["id"] for s in lived("apply", "--json").json["applied"]] == [made["id"]]
    again = lived("revert", str(undone["id"]), "--json")
    assert (again.code, again.json["items"][0]["error"]["code"], again.json["fleet_yaml"]) == (1, "FLEET-405", "")


def test_a_run_is_reverted_as_far_as_it_can_be(lived: Fleet) -> None:
    run = lived("run", "list", "--json").json["items"][0]
    lived("set", "modules", "nginx", "priority=9")
    made = lived("revert", "--run", str(run["id"]), "--json")
    assert made.code == 1
    assert sorted(
        (i["error"] or {}).get("code", i["proposal"]["change"] if i["proposal"] else "") for i in made.json["items"]
    ) == ["FLEET-406", "destroy"]
    assert made.json["fleet_yaml"] == "# Take modules/extra out.\n"
    assert lived("revert").code == 2
    assert lived("revert", "1", "--run", "1").code == 2
    assert "FLEET-604" in lived("revert", "--run", "999").err


def test_a_time_without_a_zone_is_utc(lived: Fleet) -> None:
    time.sleep(0.01)
    now = datetime.now(UTC).replace(tzinfo=None).isoformat()
    assert lived("export", "--at", now).out == lived("export").out


def test_a_drill_restores_every_account_and_says_how_long_it_took(lived: Fleet) -> None:
    lived("set", "nodes", "n", "--account", "other")
    done = lived("drill", "--json")
    assert (done.code, [(d["account"], d["ok"], d["resources"]) for d in done.json["items"]]) == (
        0,
        [("acme", True, 2), ("other", True, 1)],
    )
    assert set(done.json["items"][0]["stages"]) == {"export", "build", "import", "approve", "apply", "compare"}
    said = lived("drill", "--account", "acme").out
    assert "Passed  acme: 2 resources restored unchanged" in said
    assert "FLEET-629" in lived("drill", "--account", "a/b").err


def test_the_demo_comes_back_before_and_after_a_promotion(here: Fleet) -> None:
    assert here("demo", "--no-serve").code == 0
    first = here("drill")
    assert (first.code, "Passed" in first.out, "Failed" in first.out) == (0, True, False), first.out
    assert here("set", "modules", "nginx-public", "version=1.27.0").code == 0
    second = here("drill")
    assert (second.code, "Passed" in second.out, "Failed" in second.out) == (0, True, False), second.out


@pytest.mark.alone
def test_a_drill_that_fails_says_what_why_and_what_to_do(
    lived: Fleet, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for edit in (
        ("modules", "m", "version=1"),
        ("templates", "t", 'modules=["m@1"]'),
        ("modules", "m", "version=2"),
        ("nodes", "n", "template=t"),
    ):
        assert lived("set", *edit).code == 0
    monkeypatch.setattr(export, "pinned", lambda *_: {})  # an export that forgets which versions are in use
    failed = lived("drill")
    assert failed.code == 1
    assert "Failed  acme: FLEET-632 2 resources missing after the restore, such as nodes/n. Why: " in failed.out
    assert "templates/t was withheld (missing_reference): " in failed.out
    assert "then drill again: fleet drill --account acme" in failed.out
    told = lived("drill", "--json")
    assert told.code == 1
    (body,) = told.json["items"]
    assert (body["ok"], body["code"]) == (False, "FLEET-632")
    assert body["hint"] in " ".join(failed.out.split())
    status = " ".join(lived("status").out.split())
    assert "Needs you: 1 failed restore drill" in status
    assert "restore drill of acme failed" in status
    assert "(FLEET-632): 2 resources missing after the restore" in status
    assert body["hint"][:60] in status
    (last,) = lived("status", "--json").json["drills"]
    assert {name: last[name] for name in ("account", "ok", "code", "hint", "detail")} == {
        name: body[name] for name in ("account", "ok", "code", "hint", "detail")
    }


def test_a_drill_of_nothing_is_no_error(fleet: Fleet) -> None:
    assert (fleet("drill").code, fleet("drill", "--json").json) == (0, {"items": [], "next": None})
