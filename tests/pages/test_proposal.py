"""One proposal: why, what, what it touches, who decided; and the decisions from its own page."""

from __future__ import annotations

import pytest

from engine.model import Actor, ResourceKey, Status
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.pages.conftest import FLEET_FILE, ME, Dashboard, texts
from tests.pages.test_approvals import press, run

NGINX = ResourceKey("acme", "modules", "nginx")


@pytest.mark.parametrize("named", [None, "", "x", "0", "999", "-1", "99999999999999999999", "9" * 5000])
def test_a_proposal_that_is_not_there_is_said_so(filled: Workbench, dashboard: Dashboard, named: str | None) -> None:
    said = texts(dashboard("proposal", **({} if named is None else {"id": named})))
    assert "The address contains no proposal" in said or "There is no proposal" in said


def test_the_field_table_shows_which_side_moved(
    applied: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    applied.set_resource(Actor("ben"), NGINX, {"priority": 70, "config": {"workers": 4, "mode": "fast"}}, note="SEV-2")
    git_repo.push(FLEET_FILE.replace("version: 1.26.0", "version: 1.27.0").replace("workers: 4", "workers: 8"))
    found = applied.sync(ME, "fc").proposals
    (update,) = [p for p in found if p.key == NGINX]
    said = texts(dashboard("proposal", id=str(update.id)))
    table = {
        row.split("</td>")[0].split(">")[-1]: [
            cell.split(">")[-1] for cell in row.replace("</span>", "").split("</td>")
        ]
        for row in said.split("<tr><td")[1:]
    }
    assert table["version"][4] == "git"
    assert table["priority"][4] == "live"
    assert table["config.workers"][4] == "git"
    assert table["config.mode"][4] == "live"
    assert "both moved" in said
    assert "overwrites that change" in said
    assert "-    priority: 70" in said
    assert "+    priority: 50" in said
    assert "Ana Duarte" in said
    assert f"fleet approve {update.id}" in said


def test_what_it_touches_leads_on(applied: Workbench, git_repo: GitRepository, dashboard: Dashboard) -> None:
    git_repo.push(FLEET_FILE.replace("workers: 4", "workers: 8"))
    (update,) = applied.sync(ME, "fc").proposals
    app = dashboard("proposal", id=str(update.id))
    assert "Reaches 2 nodes:" in texts(app)
    labels = [link.proto.label for link in app.get("page_link")]
    assert {"app\\-01", "app\\-02", "modules/base", "fc"} <= {label.replace("\\/", "/") for label in labels}


def test_it_is_approved_and_taken_back(filled: Workbench, dashboard: Dashboard) -> None:
    app = press(press(dashboard("proposal", id="1"), "do_approve"), "decide_confirm")
    assert filled.proposal(1).status is Status.APPROVED
    press(app, "decide_done")
    press(press(app, "do_take_back"), "decide_confirm")
    assert filled.proposal(1).status is Status.PENDING
    said = texts(run(app))
    assert said.index("<b>taken back</b>") < said.index("<b>approved</b>") < said.index("<b>opened</b>")


def test_a_rejected_one_says_why_and_offers_nothing_but_its_past(filled: Workbench, dashboard: Dashboard) -> None:
    filled.reject(ME, [1], "not before the sale")
    app = dashboard("proposal", id="1")
    assert "not before the sale" in texts(app).replace("\\", "")
    assert not [button.key for button in app.button if (button.key or "").startswith("do_")]


def test_a_stale_one_says_what_moved_and_cannot_be_approved(filled: Workbench, dashboard: Dashboard) -> None:
    filled.set_resource(Actor("ben"), ResourceKey("acme", "modules", "base"), {"priority": 9})
    app = dashboard("proposal", id="1")
    assert "modules/base now exists" in texts(app).replace("\\", "")
    assert [button.key for button in app.button if (button.key or "").startswith("do_")] == ["do_reject"]


def test_a_destroy_shows_what_goes_and_asks_for_the_number(
    applied: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    git_repo.push(FLEET_FILE.replace("assignments:\n  app-01:nginx: {priority: 60}\n", ""))
    (destroy,) = applied.sync(ME, "fc").proposals
    app = dashboard("proposal", id=str(destroy.id))
    assert "deletes the whole resource" in texts(app)
    press(press(app, "do_approve"), "decide_confirm")
    assert "Type 1 first" in texts(app)
    assert applied.proposal(destroy.id).status is Status.PENDING
    app.text_input(key="decide_number").input("1")
    press(app, "decide_confirm")
    assert applied.proposal(destroy.id).status is Status.APPROVED


def test_what_was_applied_is_reverted_from_its_page(applied: Workbench, dashboard: Dashboard) -> None:
    (undone,) = [p for p in applied.proposals(status="applied") if p.key.kind == "sdwan_peers"]
    app = press(dashboard("proposal", id=str(undone.id)), "do_revert")
    assert "Git still declares the change" in texts(app)
    app = press(app, "revert_confirm")
    (made,) = applied.live_proposals()
    assert (made.reverts, made.change, made.status) == (undone.id, "destroy", Status.PENDING)
    assert "# Take sdwan_peers/backbone:app-01 out." in texts(app)
    app = press(app, "revert_see")
    said = texts(app)
    assert f"undoes the change of proposal {undone.id}." in said
    assert "revert]" in said
    labels = [link.proto.label for link in dashboard("proposal", id=str(undone.id)).get("page_link")]
    assert any(f"Proposal {made.id}" in label and "reverts this one" in label for label in labels)


def test_what_cannot_be_reverted_says_why(applied: Workbench, dashboard: Dashboard) -> None:
    undone = next(p for p in applied.proposals(status="applied") if p.key == NGINX)
    applied.set_resource(Actor("ben"), NGINX, {"priority": 9})
    app = press(press(dashboard("proposal", id=str(undone.id)), "do_revert"), "revert_confirm")
    assert "priority of modules/nginx moved since it was applied" in texts(app).replace("\\", "")
    press(app, "revert_done")
    assert not applied.live_proposals()


def test_what_somebody_changed_by_hand_is_read_before_it_is_taken_back(
    applied: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    applied.set_resource(Actor("ben"), NGINX, {"priority": 70}, note="OPS-342: a connection at peak")
    (drift,) = applied.sync(ME, "fc").proposals
    app = dashboard("proposal", id=str(drift.id))
    said = texts(app)
    assert "ben" in said
    assert "OPS" in said
    assert "a connection at peak" in said
    press(app, "codify")
    assert "priority: 70" in texts(app)
    card = texts(dashboard("drift"))
    assert "a connection at peak" in card
    app = dashboard("proposal", id=str(drift.id))
    press(app, "do_approve")
    assert texts(app).count("a connection at peak") == 2, "in the dialog, too"


def test_a_resource_that_only_a_proposal_makes_is_no_dead_end(
    applied: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    git_repo.push(FLEET_FILE.replace("modules:\n", "modules:\n  fresh: {}\n"))
    applied.sync(ME, "fc")
    said = texts(dashboard("resource", id="acme/modules/fresh"))
    assert "This resource does not exist yet" in said
    assert "has never existed" not in said
    assert "has never existed" in texts(dashboard("resource", id="acme/sdwan_networks/other"))


def test_an_applied_one_tells_of_before_and_after(
    applied: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    git_repo.push(FLEET_FILE.replace("workers: 4", "workers: 8"))
    (update,) = applied.sync(ME, "fc").proposals
    waits = texts(dashboard("proposal", id=str(update.id)))
    assert "Git declares a new value; live has not changed since the last agreement." in waits
    assert "<th>Live</th><th>Desired</th>" in waits
    applied.approve(ME, [update.id])
    applied.apply(ME)
    done = texts(dashboard("proposal", id=str(update.id)))
    assert "Git declared a new value; live had not changed since the last agreement." in done
    assert "<th>Before</th><th>After</th>" in done
    assert "--- before" in done
    assert "Live" not in done.split("<th>Field</th>")[1]
