"""What scripts rely on: exit codes, JSON on stdout, errors on stderr, options before and after the verb; and quick starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Fleet
from tests.conftest import GitRepository

FILE = "version: 1\naccount: acme\nmodules:\n  nginx:\n    priority: 1\n"
VERBS = [
    "status",
    "repo list",
    "run list",
    "proposals",
    "plan",
    "apply",
    "drift",
    "graph",
    "schema",
    "sync --all",
    "approve --all",
]


@pytest.fixture
def registered(fleet: Fleet, git_repo: GitRepository) -> Fleet:
    git_repo.push(FILE)
    fleet("repo", "add", "fc", str(git_repo.path), "--account", "acme")
    return fleet


@pytest.mark.parametrize("verb", VERBS)
def test_an_empty_home_is_no_error_for_any_verb(fleet: Fleet, verb: str) -> None:
    assert fleet(*verb.split(), "--json").json is not None
    shown = fleet(*verb.split())
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.strip()


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["sync", "nowhere"], 1, "FLEET-603"),
        (["show", "99"], 1, "FLEET-401"),
        (["run", "show", "99"], 1, "FLEET-604"),
        (["repo", "add", "x", "https://user:pass@host/x"], 1, "FLEET-612"),
        (["repo", "add", "x", "https://token@host/x"], 1, "FLEET-612"),
        (["repo", "add", "x", "ext::sh -c id"], 1, "FLEET-611"),
        (["repo", "add", "x", "https://host/x", "--branch", "--orphan"], 1, "FLEET-614"),
        (["repo", "add", "x", "https://host/x", "--path-prefix", "../up"], 1, "FLEET-615"),
        (["set", "gadgets", "x"], 1, "FLEET-621"),
        (["set", "nodes", "x", "colour=red"], 1, "FLEET-622"),
        (["set", "modules", "x", "priority=high"], 1, "FLEET-623"),
        (["set", "provider_configs", "x", 'config={"api_token": "t"}'], 1, "FLEET-624"),
        (["set", "nodes", "x", "template=none-such"], 1, "FLEET-625"),
        (["set", "nodes", "a/b"], 1, "FLEET-629"),
        (["delete", "nodes", "x"], 1, "FLEET-627"),
        (["release", "nodes", "x"], 1, "FLEET-628"),
        (["proposals", "--limit", "10001"], 1, "FLEET-606"),
        (["validate", "/no/such/file"], 1, "FLEET-607"),
        (["nonsense"], 2, "No such command"),
        (["approve"], 2, "Name proposals"),
        (["approve", "x-y"], 2, "no number"),
        (["reject", "1"], 2, "--reason"),
        (["repo", "set", "x"], 2, "Nothing to set"),
        (["export", "--at", "yesterday"], 2, "no time"),
        (["diff", "/no/such/file"], 2, "--account"),
    ],
)  # fmt: skip
def test_a_refusal_has_its_exit_code_and_says_why_on_stderr(
    fleet: Fleet, arguments: list[str], code: int, error: str
) -> None:
    refused = fleet(*arguments)
    assert (refused.code, error in refused.err) == (code, True), refused
    if code == 1:
        as_json = fleet(*arguments, "--json")
        assert as_json.code == 1
        assert as_json.json["code"] == json.loads(as_json.err)["code"] == error
        assert as_json.json["message"]
        assert as_json.json["hint"]


def test_home_and_json_are_taken_before_and_after_the_verb(fleet: Fleet, tmp_path: Path) -> None:
    other = str(tmp_path / "other")
    fleet("--home", other, "set", "nodes", "x", "--account", "acme")
    before, after = fleet("--home", other, "--json", "export"), fleet("export", "--home", other, "--json")
    assert before.json == after.json
    assert "x:" in before.json["fleet_yaml"]
    assert "x:" not in fleet("export").out


def test_a_failed_run_is_printed_and_ends_with_one(registered: Fleet, git_repo: GitRepository) -> None:
    git_repo.push(FILE + "  nginx:\n    priority: yes\n")
    failed = registered("sync", "fc", "--json")
    assert failed.code == 1
    run = failed.json["gitops_sync_run"]
    assert (run["status"], run["error"]["stage"], failed.json["proposals"]) == ("failed", "parse", [])
    assert [problem["line"] for problem in run["error"]["problems"]] == [6, 7]
    assert json.loads(failed.err)["code"] == run["error"]["code"]
    assert "FLEET-110 fleet.yaml:6:3" in registered("sync", "fc").out


def test_one_refused_approval_does_not_stop_the_others(registered: Fleet) -> None:
    registered("sync", "fc")
    mixed = registered("approve", "1", "7", "--json")
    assert mixed.code == 1
    assert [(item["id"], item["status"], item["error"] and item["error"]["code"]) for item in mixed.json["items"]] == [
        (1, "approved", None),
        (7, None, "FLEET-401"),
    ]
    twice = registered("approve", "1", "--json")
    assert (twice.code, twice.json["items"][0]["error"]["code"]) == (1, "FLEET-402")


def test_a_stale_approval_is_refused_and_a_stale_step_skipped(registered: Fleet) -> None:
    registered("sync", "fc")
    registered("approve", "1")
    registered("set", "modules", "nginx", "priority=9")
    skipped = registered("apply", "--json")
    assert (skipped.code, [s["reason"] for s in skipped.json["skipped"]]) == (0, ["stale"])
    registered("unapprove", "1")
    stale = registered("approve", "1", "--json")
    assert (stale.code, stale.json["items"][0]["error"]["code"]) == (1, "FLEET-403")


def test_validate_and_diff_end_with_three_when_there_is_something(registered: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FILE)
    assert registered("validate", str(file)).code == 0
    assert registered("validate", str(tmp_path)).code == 0
    found = registered("diff", str(file), "--account", "acme", "--json")
    assert (found.code, [d["change"] for d in found.json["differences"]]) == (3, ["create"])
    assert registered("diff", str(file), "--account", "acme", "--markdown").out.startswith("**fleet diff**")
    file.write_text(FILE + "nodes: {a: {template: gone}}\nprovider_configs: {p: {provider: x}}\n")
    warned = registered("validate", str(file), "--json")
    assert (warned.code, [w["code"] for w in warned.json["warnings"]]) == (0, ["FLEET-151"])
    file.write_text("version: 1\naccount: acme\nprovider_configs: {p: {provider: x}}\n")
    assert registered("diff", str(file), "--account", "acme").code == 0
    file.write_text("version: 2\naccount: yes\n")
    broken = registered("validate", str(file), "--json")
    assert (broken.code, broken.json["valid"], len(broken.json["problems"])) == (3, False, 2)
    assert registered("diff", str(file), "--account", "acme").code == 3


def test_destroys_are_shown_only_as_a_repository_sees_them(registered: Fleet, tmp_path: Path) -> None:
    registered("sync", "fc")
    registered("approve", "--all")
    registered("apply")
    file = tmp_path / "fleet.yaml"
    file.write_text("version: 1\naccount: acme\nnodes: {a: {}}\n")
    changes = {
        tuple(
            d["change"] for d in registered("diff", str(file), "--account", "acme", *more, "--json").json["differences"]
        )
        for more in ([], ["--repo", "fc"])
    }
    assert changes == {("create",), ("create", "destroy")}


def test_repository_text_cannot_steer_the_terminal(fleet: Fleet, git_repo: GitRepository) -> None:
    nasty = "\x1b[31mred [bold]x[/bold] \u202eevil"
    git_repo.push(FILE + '    description: "\\e[2J[red]wipe\\u202e"\n', subject=nasty.replace("\x1b", "\x1b"))
    fleet("repo", "add", "fc", str(git_repo.path), "--account", "acme")
    for verb in (["sync", "fc"], ["show", "1"], ["run", "show", "1"], ["run", "list"], ["proposals"]):
        out = fleet(*verb).out
        assert "\x1b" not in out
        assert "\u202e" not in out
    assert "[red]wipe" in fleet("show", "1").out


def test_repositories_are_changed_checked_and_removed(registered: Fleet, git_repo: GitRepository) -> None:
    changed = registered("repo", "set", "fc", "--auto-apply", "--branch", "prod", "--disabled", "--json").json[
        "gitops_repository"
    ]
    assert (changed["auto_apply"], changed["branch"], changed["enabled"]) == (True, "prod", False)
    assert registered("sync", "fc").code == 1
    failed = registered("repo", "check", "fc", "--json")
    assert (failed.code, failed.json["checks"][-1]["error"]["code"]) == (1, "FLEET-203")
    registered("repo", "set", "fc", "--branch", "main", "--enabled", "--no-auto-apply")
    assert registered("repo", "check", "fc", "--json").json["ok"] is True
    assert registered("run", "list", "--json").json["items"] == []
    registered("sync", "fc")
    assert registered("repo", "remove", "fc", "--json").json == {"name": "fc", "withdrawn": 1, "released": 1}
    assert registered("proposals", "--json").json["items"][0]["status"] == "withdrawn"
    assert registered("repo", "add", "fc", str(git_repo.path), "--json").json["gitops_repository"]["id"] == 2


def test_a_graph_is_text_dot_or_json(fleet: Fleet) -> None:
    fleet("set", "templates", "web", "--account", "acme")
    fleet("set", "nodes", "app-01", "template=web")
    assert '"nodes/app-01" -> "templates/web";' in fleet("graph", "--dot").out
    found = fleet("graph", "--json").json
    assert [(n["name"], n["layer"], n["state"]) for n in found["nodes"]] == [
        ("app-01", 1, "unmanaged"),
        ("web", 0, "unmanaged"),
    ]
    assert found["edges"][0]["to"]["name"] == "web"
    assert "Layer 1" in fleet("graph").out


def test_the_schema_describes_every_section(fleet: Fleet) -> None:
    schema = fleet("schema").json
    assert schema["properties"]["sdwan_networks"]["additionalProperties"]["properties"]["routing_mode"]["enum"] == [
        "hub",
        "mesh",
    ]
    assert schema["properties"]["nodes"]["additionalProperties"]["properties"]["template"]["default"] is None


@pytest.mark.parametrize(
    ("verb", "banned"),
    [
        ("schema", {"duckdb", "git", "rich", "yaml", "pandas"}),
        ("status --json", {"git", "rich", "yaml", "pandas", "pyarrow", "streamlit", "networkx"}),
        ("export", {"git", "rich", "pandas", "pyarrow", "streamlit", "networkx"}),
        ("sync --all --json", {"rich", "pandas", "pyarrow", "streamlit", "networkx"}),
    ],
)
def test_quick_verbs_import_nothing_heavy(home: Path, verb: str, banned: set[str]) -> None:
    code = (
        "import sys; sys.argv[1:] = sys.argv[1].split()\n"
        "from engine.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(','.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"--home {home} {verb}"], capture_output=True, text=True, check=True
    )
    assert banned.isdisjoint(done.stderr.split(",")), banned & set(done.stderr.split(","))
