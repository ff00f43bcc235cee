"""Runs: the list, and one run in full: what a tick did and why it did no more."""

from __future__ import annotations

import pytest

from engine.server.service import Service
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.pages.conftest import FLEET_FILE, ME, Dashboard, texts
from tests.pages.test_approvals import press


def test_without_a_run_the_page_says_what_one_is(dashboard: Dashboard) -> None:
    assert "No run yet" in texts(dashboard("runs"))


def test_runs_are_listed_and_filtered(applied: Workbench, git_repo: GitRepository, dashboard: Dashboard) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {a: no}\n", subject="Break it")
    applied.sync(ME, "fc")
    rows = dashboard("runs").dataframe[0].value.to_dict("records")
    assert [(row["status"], row["subject"]) for row in rows] == [
        (["failed"], "Break it"),
        (["applied"], "Change the fleet"),
    ]
    assert len(dashboard("runs", status="failed").dataframe[0].value) == 1
    assert len(dashboard("runs", q="break").dataframe[0].value) == 1
    assert "No run matches" in texts(dashboard("runs", q="nothing like it"))


@pytest.mark.parametrize("named", ["x", "0", "77", "99999999999999999999999", "9" * 5000])
def test_a_run_that_is_not_there_is_said_so(dashboard: Dashboard, named: str) -> None:
    assert "There is no run" in texts(dashboard("runs", id=named))


def test_a_partial_run_says_what_the_next_tick_takes(
    serving: Service, git_repo: GitRepository, settings: Settings, dashboard: Dashboard
) -> None:
    bench = serving.workbench
    bench.settings = Settings.from_environment(
        settings.home, {"POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK": "5", "FLEET_ALLOW_LOCAL_REMOTES": "1"}
    )
    git_repo.push(FLEET_FILE)
    bench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    run = bench.sync(ME, "fc").run
    said = texts(dashboard("runs", id=str(run.id)))
    assert "3 differences are withheld only because of the cap of 5. After you decide on pending proposals" in said
    bench.approve(ME, [1, 2])
    assert "The next tick proposes 2 of them." in texts(dashboard("runs", id=str(run.id)))


def test_what_is_withheld_stands_with_its_reason(
    filled: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    git_repo.push(FLEET_FILE.replace("template: web}", "template: gone}"))
    run = filled.sync(ME, "fc").run
    said = texts(dashboard("runs", id=str(run.id)))
    assert "It refers to something that does not exist" in said
    assert "templates/gone" in said


def test_a_failed_run_says_where_what_and_how_to_mend_it(
    filled: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {a: {priority: yes}, b: {prioriti: 1}}\n")
    run = filled.sync(ME, "fc").run
    app = dashboard("runs", id=str(run.id))
    assert "Failed in parse" in texts(app)
    assert list(app.dataframe[0].value["code"]) == ["FLEET-115", "FLEET-133"]
    assert 'class="failed"' in texts(app)


def test_what_was_applied_stands_with_whoever_did_it(applied: Workbench, dashboard: Dashboard) -> None:
    said = texts(dashboard("runs", id="1"))
    assert "Applied and failed" in said
    assert "ana" in said
    assert said.count("not reached") == 0


def test_a_run_stands_beside_the_one_before(applied: Workbench, git_repo: GitRepository, dashboard: Dashboard) -> None:
    git_repo.push(FLEET_FILE.replace("workers: 4", "workers: 8"))
    applied.sync(ME, "fc")
    said = texts(dashboard("runs", id="2"))
    assert "Compared with the previous run" in said
    assert "-7" in said


def test_a_run_is_reverted_from_its_page(applied: Workbench, dashboard: Dashboard) -> None:
    run = applied.runs()[-1]
    app = press(press(dashboard("runs", id=str(run.id)), "do_revert"), "revert_confirm")
    standing = applied.live_proposals()
    assert {p.reverts for p in standing} == set(run.proposal_ids)
    assert f"{len(standing)} proposals opened" in texts(app)
    press(app, "revert_done")


def test_a_commit_leads_to_its_git_host(filled: Workbench, dashboard: Dashboard) -> None:
    revision = filled.run(1).revision
    assert "commit/" not in texts(dashboard("runs", id="1")), "a local remote has no page"
    filled.change_repository(ME, "fc", {"url": "https://git.example.com/acme/fleet.git"})
    leads = f'href="https://git.example.com/acme/fleet/commit/{revision}"'
    assert leads in texts(dashboard("runs", id="1"))
    assert leads in texts(dashboard("proposal", id="1"))
