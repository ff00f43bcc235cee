"""What scripts rely on: exit codes, JSON on stdout, errors on stderr, options before and after the verb; and quick starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import FILE, Fleet
from tests.conftest import GitRepository

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
        (["approve"], 2, "Give proposals"),
        (["approve", "x-y"], 2, "not a number"),
        (["reject", "1"], 2, "--reason"),
        (["repo", "set", "x"], 2, "nothing to change"),
        (["repo", "set", "x", "--release"], 2, "nothing to change"),
        (["repo", "set", "x", "--url", "https://host/x", "--release"], 2, "requires --account"),
        (["approve", "9-7"], 2, "not an ascending range"),
        (["approve", "1", "--all"], 2, "Give proposals"),
        (["approve", "1", "--repo", "x"], 2, "require --all"),
        (["approve", "99999999999999999999"], 2, "not a range"),
        (["show", "99999999999999999999"], 2, "not in the range"),
        (["run", "show", "99999999999999999999"], 2, "not in the range"),
        (["proposals", "--before", "99999999999999999999"], 2, "not in the range"),
        (["sync"], 2, "Give one repository"),
        (["sync", "x", "--all"], 2, "Give one repository"),
        (["set", "nodes", "x", "labels"], 2, "the form FIELD=VALUE"),
        (["export", "--at", "9999-12-31T23:59:59-14:00"], 2, "not a time"),
        (["graph", "--at", "0001-01-01T00:00:00+14:00"], 2, "not a time"),
        (["pause", "--reason", "x\udcff"], 2, "not valid UTF-8"),
        (["set", "nodes", "x\udcff"], 2, "not valid UTF-8"),
        (["set", "nodes", "x", "template=\udcff"], 2, "not valid UTF-8"),
        (["export", "--repo", "x", "--unmanaged"], 2, "exclude each other"),
        (["export", "--at", "yesterday"], 2, "not a time"),
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
    assert registered("diff", str(file), "--account", "acme", "--markdown").out.startswith(
        "<!-- fleet-diff acme  -->\n**fleet diff**"
    )
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
    assert registered("repo", "remove", "fc", "--json").json == {
        "name": "fc",
        "withdrawn": 1,
        "released": 1,
        "handed_over": 0,
    }
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


def test_a_graph_of_several_accounts_tells_their_resources_apart(fleet: Fleet) -> None:
    for account in ("acme", "other"):
        fleet("set", "nodes", "app-01", "--account", account)
    assert '"acme/nodes/app-01";\n  "other/nodes/app-01";' in fleet("graph", "--dot").out
    assert fleet("graph").out.split() == ["Layer", "0", "acme/nodes/app-01", "unmanaged", "other/nodes/app-01", "unmanaged"]  # fmt: skip


def test_home_and_json_stand_at_the_group_too(fleet: Fleet, tmp_path: Path) -> None:
    other = str(tmp_path / "other")
    fleet("repo", "--home", other, "add", "x", "https://git.example.com/x")
    forms = (["--home", other, "--json", "repo", "list"], ["repo", "--json", "list", "--home", other])
    assert [item["name"] for form in forms for item in fleet(*form).json["items"]] == ["x", "x"]
    assert fleet("repo", "list", "--json").json["items"] == []


def test_a_list_pages_on_with_its_next(fleet: Fleet, git_repo: GitRepository) -> None:
    git_repo.push(FILE + "  one: {}\n  two: {}\n")
    fleet("repo", "add", "fc", str(git_repo.path), "--account", "acme")
    fleet("sync", "fc")
    first = fleet("proposals", "--limit", "2", "--json").json
    second = fleet("proposals", "--limit", "2", "--before", str(first["next"]), "--json").json
    assert [item["id"] for item in (*first["items"], *second["items"])] == [3, 2, 1]
    assert (first["next"], second["next"]) == (2, None)


def test_ids_are_taken_as_numbers_and_ranges(fleet: Fleet, git_repo: GitRepository) -> None:
    git_repo.push(FILE + "".join(f"  m{number}: {{}}\n" for number in range(6)))
    fleet("repo", "add", "fc", str(git_repo.path), "--account", "acme")
    fleet("sync", "fc")
    approved = fleet("approve", "1-3", "5", "2", "--json").json["items"]
    assert sorted(item["id"] for item in approved) == [1, 2, 3, 5]
    assert "approve 4 6-7" in fleet("status").out
    assert fleet("unapprove", "1-3").out.startswith("3 taken back: 1-3\n")
    assert fleet("approve", "--all", "--repo", "fc").out.startswith("6 approved: 1-4 6-7\n")


@pytest.mark.parametrize(
    ("change", "fails_at", "code"),
    [
        ([], None, None),
        (["--url", "/no/such/remote"], "remote", "FLEET-201"),
        (["--branch", "gone"], "branch", "FLEET-203"),
        (["--path-prefix", "gone"], "folder", "FLEET-204"),
        (["--path-prefix", "empty"], "file", "FLEET-205"),
        (["--account", "other"], "content", "FLEET-125"),
    ],
)
def test_a_check_goes_as_far_as_it_can_and_writes_nothing(
    registered: Fleet, git_repo: GitRepository, change: list[str], fails_at: str | None, code: str | None
) -> None:
    git_repo.push("", file="empty/keep")
    if change:
        registered("repo", "set", "fc", *change)
    checked = registered("repo", "check", "fc", "--json")
    names = ["form", "remote", "access", "branch", "folder", "file", "content"]
    assert [row["check"] for row in checked.json["checks"]] == names[: names.index(fails_at) + 1 if fails_at else 7]
    assert [row["check"] for row in checked.json["checks"] if not row["ok"]] == ([fails_at] if fails_at else [])
    assert (checked.code, checked.json["ok"]) == ((1, False) if fails_at else (0, True))
    shown = registered("repo", "check", "fc")
    assert shown.code == checked.code
    if code is not None:
        assert json.loads(checked.err)["code"] == code
        assert code in shown.err
    assert registered("run", "list", "--json").json["items"] == []


@pytest.mark.alone
def test_a_local_remote_that_is_not_allowed_is_not_reached_by_a_check(registered: Fleet) -> None:
    checked = registered("repo", "check", "fc", "--json", FLEET_ALLOW_LOCAL_REMOTES="0")
    assert [(row["check"], row["error"]["code"]) for row in checked.json["checks"]] == [("form", "FLEET-613")]


def test_who_acts_is_named_or_else_logged_in(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "login")
    assert fleet("set", "nodes", "a", "--account", "acme", "--json", FLEET_ACTOR="bob").json["updated_by"] == "bob"
    assert fleet("set", "nodes", "d", "--json", FLEET_ACTOR="b\udcff").json["updated_by"] == "b?"
    assert fleet("set", "nodes", "b", "--json", FLEET_ACTOR=" ").json["updated_by"] == "login"

    def nobody() -> str:
        raise KeyError("uid 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert fleet("set", "nodes", "c", "--json", FLEET_ACTOR="").json["updated_by"] == "operator"


@pytest.mark.alone
def test_an_unexpected_error_is_one_line_or_one_document_and_no_traceback(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret that no message may carry")

    monkeypatch.setattr("engine.workbench.Workbench.status", broken)
    shown = fleet("status")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err == "FLEET-900 An unexpected error (RuntimeError). Please report it; FLEET_DEBUG=1 shows where it happened.\n"  # fmt: skip
    as_json = fleet("status", "--json")
    assert (as_json.code, as_json.json["code"], json.loads(as_json.err)) == (1, "FLEET-900", as_json.json)
    assert "secret" not in as_json.out


def test_an_export_that_cannot_be_written_leaves_nothing_behind(fleet: Fleet, tmp_path: Path) -> None:
    fleet("set", "nodes", "a", "--account", "acme")
    refused = fleet("export", "--out", str(tmp_path / "no" / "such" / "fleet.yaml"), "--json")
    assert (refused.code, refused.json["code"]) == (1, "FLEET-607")
    assert "FLEET-607" in fleet("export", "--out", str(tmp_path / ("x" * 300))).err
    assert not list(tmp_path.glob(".fleet-export-*"))


def test_an_export_never_replaces_a_store(fleet: Fleet, tmp_path: Path) -> None:
    fleet("set", "nodes", "a", "--account", "acme")
    copy, text = tmp_path / "copy.duckdb", tmp_path / "fleet.yaml"
    assert fleet("snapshot", str(copy)).code == 0
    before = copy.read_bytes()
    refused = fleet("export", "--out", str(copy), "--json")
    assert (refused.code, refused.json["code"], copy.read_bytes()) == (1, "FLEET-607", before)
    text.write_text("version: 1")
    assert fleet("export", "--out", str(text)).code == 0
    assert text.read_text().count("nodes:") == 1


def test_a_folder_whose_file_has_another_name_says_so(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "fleet.yml").write_text("version: 1\naccount: acme\n")
    refused = fleet("validate", str(tmp_path), "--json").json
    assert (refused["code"], "fleet.yml: rename it to fleet.yaml" in refused["hint"]) == ("FLEET-607", True)


def test_a_path_may_be_any_bytes(fleet: Fleet, tmp_path: Path) -> None:
    path = f"{tmp_path}/\udcff.yaml"
    assert fleet("validate", path, "--json").json["code"] == "FLEET-607"
    Path(path).write_text("version: 1\naccount: yes\n")
    broken = fleet("validate", path, "--json")
    assert (broken.code, broken.json["problems"][0]["code"]) == (3, "FLEET-115")
    assert "\ufffd.yaml:2:10" in fleet("validate", path).out


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
        ("--help", {"duckdb", "git", "rich", "yaml", "pandas"}),
        ("validate --json {file}", {"duckdb", "git", "rich", "pandas"}),
        ("validate {file}", {"duckdb", "git", "pandas"}),
        ("schema", {"duckdb", "git", "rich", "yaml", "pandas"}),
        ("status --json", {"git", "rich", "yaml", "pandas", "pyarrow", "streamlit", "networkx"}),
        ("export", {"git", "rich", "pandas", "pyarrow", "streamlit", "networkx"}),
        ("sync --all --json", {"rich", "pandas", "pyarrow", "streamlit", "networkx"}),
    ],
)
def test_quick_verbs_import_nothing_heavy(home: Path, tmp_path: Path, verb: str, banned: set[str]) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FILE)
    code = (
        "import sys; sys.argv[1:] = sys.argv[1].split()\n"
        "from engine.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(','.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"--home {home} {verb.format(file=file)}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert banned.isdisjoint(done.stderr.split(",")), banned & set(done.stderr.split(","))
