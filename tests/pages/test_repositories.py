"""Repositories: how they fare, registering with a check, syncing, dry runs, pausing, changing, removing."""

from __future__ import annotations

from engine.server.service import Service
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.pages.conftest import FLEET_FILE, ME, Dashboard, texts
from tests.pages.test_approvals import press, run


def test_without_one_the_page_says_how_to_begin(dashboard: Dashboard) -> None:
    assert "No repository is registered yet" in texts(dashboard("repositories")).replace("\\", "")


def test_the_worst_comes_first(filled: Workbench, git_repo: GitRepository, dashboard: Dashboard) -> None:
    filled.add_repository(ME, "a-new-one", str(git_repo.path), account="acme", path_prefix="b")
    filled.add_repository(ME, "broken", str(git_repo.path / "nowhere"), account="acme")
    filled.sync(ME, "broken")
    rows = dashboard("repositories").dataframe[0].value.to_dict("records")
    assert [(row["name"], row["health"]) for row in rows] == [
        ("broken", ["failing"]), ("a-new-one", ["never synced"]), ("fc", ["ok"]),
    ]  # fmt: skip
    assert [
        row["name"] for row in dashboard("repositories", health="failing").dataframe[0].value.to_dict("records")
    ] == ["broken"]
    assert "No repository matches" in texts(dashboard("repositories", q="zzz"))


def test_one_is_checked_and_registered(serving: Service, git_repo: GitRepository, dashboard: Dashboard) -> None:
    git_repo.push(FLEET_FILE)
    app = press(dashboard("repositories"), "register")
    app.text_input(key="new_url").input(str(git_repo.path))
    app.text_input(key="new_name").input("fc")
    app.text_input(key="new_account").input("acme")
    app.text_input(key="new_branch").input("nope")
    run(app)
    press(app, "new_check")
    assert "FLEET-203" in texts(app)
    assert serving.workbench.repositories() == []
    app.text_input(key="new_branch").input("main")
    run(app)
    press(app, "new_check")
    assert "declares 8 resources in account acme" in texts(app)
    press(app, "new_save")
    assert [r.name for r in serving.workbench.repositories()] == ["fc"]


def test_a_wrong_url_is_refused_with_its_code_and_nothing_typed_is_lost(serving: Service, dashboard: Dashboard) -> None:
    app = press(dashboard("repositories"), "register")
    app.text_input(key="new_url").input("https://me:secret@git.example.com/x.git")
    app.text_input(key="new_name").input("fc")
    run(app)
    press(app, "new_save")
    said = texts(app)
    assert "FLEET-612" in said
    assert "secret" not in said
    assert app.text_input(key="new_name").value == "fc"
    assert serving.workbench.repositories() == []


def test_it_is_synced_now(filled: Workbench, git_repo: GitRepository, dashboard: Dashboard) -> None:
    git_repo.push(FLEET_FILE.replace("workers: 4", "workers: 8"))
    press(dashboard("repositories", name="fc"), "sync")
    assert [run.trigger.value for run in filled.runs()] == ["manual", "manual"]
    assert filled.runs()[0].actor != "ana"


def test_a_dry_run_lists_differences_and_writes_nothing(
    applied: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    git_repo.push(FLEET_FILE.replace("workers: 4", "workers: 8"))
    before = (applied.runs(), applied.events(), applied.proposals())
    app = press(dashboard("repositories", name="fc"), "dry_run")
    assert "1 difference, 0 of them withheld; 7 resources as declared" in texts(app).replace("\\", "")
    assert (applied.runs(), applied.events(), applied.proposals()) == before
    git_repo.push("version: 1\naccount: acme\nmodules: {a: no}\n")
    assert "FLEET-115" in texts(press(dashboard("repositories", name="fc"), "dry_run"))


def test_it_is_paused_and_resumed(filled: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("repositories", name="fc"), "pause")
    press(app, "pause_one_confirm")
    assert "FLEET-605" in texts(app)
    app.text_input(key="pause_one_reason").input("moving house")
    run(app)
    press(app, "pause_one_confirm")
    assert filled.repository("fc").paused_reason == "moving house"
    assert "moving house" in texts(run(app))
    press(app, "resume")
    assert filled.repository("fc").paused_reason is None


def test_its_settings_change(filled: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("repositories", name="fc"), "change")
    app.toggle(key="set_auto_apply").set_value(True)
    app.text_input(key="set_branch").input("next")
    run(app)
    press(app, "set_save")
    assert (filled.repository("fc").auto_apply, filled.repository("fc").branch) == (True, "next")


def test_what_somebody_else_changes_while_the_dialog_is_open_stays(filled: Workbench, dashboard: Dashboard) -> None:
    filled.add_repository(ME, "web", "https://git.example.com/x", account="acme", vault_credential_path="secret/data/x")
    app = press(dashboard("repositories", name="web"), "change")
    filled.change_repository(ME, "web", {"vault_credential_path": None, "enabled": False, "path_prefix": "prod"})
    app.text_input(key="set_branch").input("next")
    run(app)
    press(app, "set_save")
    web = filled.repository("web")
    assert (web.branch, web.vault_credential_path, web.enabled, web.path_prefix) == ("next", None, False, "prod")


def test_it_is_removed_by_its_name_alone(applied: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("repositories", name="fc"), "remove")
    assert "8 resources will be released" in texts(app)
    press(app, "remove_confirm")
    assert "not the name of the repository" in texts(app)
    app.text_input(key="remove_name").input("fc")
    run(app)
    press(app, "remove_confirm")
    assert applied.repositories() == []
    assert len(applied.resources()) == 8


def test_one_that_is_not_there_is_said_so(dashboard: Dashboard) -> None:
    assert "FLEET-603" in texts(dashboard("repositories", name="nope"))


def test_the_check_gives_what_it_knows_to_the_form(
    workbench: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {m: {}}\n")
    app = dashboard("repositories")
    press(app, "register")
    app.text_input(key="new_url").input(str(git_repo.path))
    app.text_input(key="new_account").input("default")
    press(app, "new_check")
    assert "account_id mismatch" in texts(app).replace("\\", "")
    press(app, "new_take_account")
    assert app.text_input(key="new_account").value == "acme"
    press(app, "new_check")
    press(app, "new_save")
    (found,) = workbench.repositories()
    assert (found.name, found.account) == (git_repo.path.name, "acme")
