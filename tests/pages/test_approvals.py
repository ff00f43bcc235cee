"""The queue: what it lists, what a selection allows, what each decision does in the store."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from engine.model import Actor, ResourceKey, Status
from engine.server.service import Service
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.pages.conftest import FLEET_FILE, ME, Dashboard, calm, texts


def run(app: AppTest) -> AppTest:
    app.run()
    calm(app)
    return app


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return run(app)


def rows(app: AppTest) -> list[dict[str, Any]]:
    return app.dataframe[0].value.to_dict("records")


def test_an_empty_queue_says_what_to_do_next(dashboard: Dashboard) -> None:
    assert "No proposal yet" in texts(dashboard("approvals"))


def test_the_queue_lists_what_is_pending_in_apply_order(filled: Workbench, dashboard: Dashboard) -> None:
    app = dashboard("approvals")
    pending = filled.live_proposals()
    assert [row["resource"] for row in rows(app)] == [p.key.address for p in pending]
    assert "Select rows" in texts(app)


def test_the_address_holds_the_filters(filled: Workbench, dashboard: Dashboard) -> None:
    assert [row["resource"] for row in rows(dashboard("approvals", section="nodes", q="02"))] == ["nodes/app-02"]
    assert "Nothing matches" in texts(dashboard("approvals", status="applied"))
    assert "Nothing matches" in texts(dashboard("approvals", older="30 days"))
    assert len(rows(dashboard("approvals", repository="fc", change="create", cause="git moved", risk="low"))) == 8
    assert "Nothing matches" in texts(dashboard("approvals", cause="live moved"))


def test_a_value_that_no_filter_knows_is_left_aside(filled: Workbench, dashboard: Dashboard) -> None:
    app = dashboard(
        "approvals", section="nonsense", status="odd", page="99", older="never", select=["x", "77777777777777777777"]
    )
    assert app.title[0].value == "Proposals"


def test_some_are_approved_and_applied_in_one_go(filled: Workbench, dashboard: Dashboard) -> None:
    app = dashboard("approvals", select=["1", "2"])
    assert "**2 selected:** 2 can be approved" in texts(app)
    press(press(app, "do_approve_and_apply"), "decide_confirm")
    assert [p.status for p in filled.proposals_by_id([1, 2])] == [Status.APPLIED, Status.APPLIED]
    assert filled.events(proposal_id=1)[0].actor == filled.events(proposal_id=2)[1].actor
    assert "2 applied" in texts(app)
    press(app, "decide_done")
    assert len(rows(app)) == 6


def test_a_rejection_needs_a_reason(filled: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("approvals", select="4"), "do_reject")
    press(app, "decide_confirm")
    assert "needs a reason" in texts(app)
    assert filled.proposal(4).status is Status.PENDING
    app.text_area(key="decide_reason").input("not  before\nthe sale")
    press(app, "decide_confirm")
    assert (filled.proposal(4).status, filled.proposal(4).reason) == (Status.REJECTED, "not before the sale")


def test_what_live_outdated_is_called_stale_and_not_approved(filled: Workbench, dashboard: Dashboard) -> None:
    filled.set_resource(Actor("ben"), ResourceKey("acme", "modules", "base"), {"priority": 9})
    app = dashboard("approvals", select=["1", "2"])
    assert "**2 selected:** 1 can be approved, 1 is stale" in texts(app)
    press(press(app, "do_approve"), "decide_confirm")
    assert sorted(p.status for p in filled.proposals_by_id([1, 2])) == ["approved", "pending"]


def test_what_would_wait_is_called_blocked(filled: Workbench, dashboard: Dashboard) -> None:
    app = dashboard("approvals", select=str(filled.live_proposals()[-1].id))
    assert "1 blocked" in texts(app)
    assert "will wait" in texts(press(app, "do_approve"))


def test_a_decision_that_somebody_else_made_first_is_told(filled: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("approvals", select="1"), "do_approve")
    filled.reject(ME, [1], "no")
    press(app, "decide_confirm")
    assert "Another person may have decided first" in texts(app)
    assert filled.proposal(1).status is Status.REJECTED


def test_one_takes_an_approval_back_and_applies_another(filled: Workbench, dashboard: Dashboard) -> None:
    filled.approve(ME, [1, 2])
    app = dashboard("approvals", status="approved", select="2")
    press(press(app, "do_take_back"), "decide_confirm")
    assert filled.proposal(2).status is Status.PENDING
    app = dashboard("approvals", status="approved", select="1")
    press(press(app, "do_apply"), "decide_confirm")
    assert filled.proposal(1).status is Status.APPLIED


def test_everything_is_paused_and_resumed_from_anywhere(filled: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("approvals"), "strip_pause")
    app.text_input(key="pause_reason").input("release freeze")
    run(app)
    press(app, "pause_confirm")
    assert [pause.reason for pause in filled.pauses()] == ["release freeze"]
    assert "release freeze" in texts(run(app))
    press(app, "strip_resume")
    assert filled.pauses() == []


def test_what_is_paused_is_not_applied_and_says_so(filled: Workbench, dashboard: Dashboard) -> None:
    filled.pause(ME, "freeze")
    app = press(press(dashboard("approvals", select="1"), "do_approve_and_apply"), "decide_confirm")
    assert filled.proposal(1).status is Status.APPROVED
    assert "FLEET-501" in texts(app)


def test_a_long_queue_is_paged_and_can_be_selected_whole(
    serving: Service, git_repo: GitRepository, settings: Settings, dashboard: Dashboard
) -> None:
    bench = serving.workbench
    bench.settings = Settings.from_environment(
        settings.home, {"POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK": "130", "FLEET_ALLOW_LOCAL_REMOTES": "1"}
    )
    modules = "".join(f"  m{number:03}: {{}}\n" for number in range(120))
    git_repo.push(f"version: 1\naccount: acme\nmodules:\n{modules}")
    bench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    bench.sync(ME, "fc")
    app = dashboard("approvals")
    assert "1–50 of 120" in texts(app)
    app = dashboard("approvals", page="3")
    assert "101–120 of 120" in texts(app)
    assert len(rows(app)) == 20
    press(press(press(app, "select_all"), "do_approve"), "decide_confirm")
    assert bench.pulse().approved == 120


def test_the_queue_says_what_is_not_proposed(applied: Workbench, git_repo: GitRepository, dashboard: Dashboard) -> None:
    assert "not proposed" not in texts(dashboard("approvals"))
    git_repo.push(FLEET_FILE.replace("depends_on: [base]", "depends_on: [base, gone]"))
    applied.sync(ME, "fc")
    assert "1 difference not proposed: 1 missing reference" in texts(dashboard("approvals"))
    leading = dashboard("repositories", name="fc").get("page_link")
    assert "1 difference not proposed: show the reasons" in [link.proto.label.replace("\\", "") for link in leading]
