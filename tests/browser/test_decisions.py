"""Deciding in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from engine.model import Actor, Status
from engine.workbench import Workbench
from tests.browser.conftest import Screen, Server
from tests.conftest import GitRepository

ME = Actor("ana")
MODULES = "".join(f"  m{number}: {{priority: {number}}}\n" for number in range(8))


@pytest.fixture
def pending(server: Server, git_repo: GitRepository) -> Server:
    """Eight modules and a node pending in repository `fc`."""
    git_repo.push(f"version: 1\naccount: acme\nmodules:\n{MODULES}nodes: {{app-01: {{}}}}\n")
    with server.store() as workbench:
        workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
        workbench.sync(ME, "fc")
    return server.start()


def told(screen: Screen, text: str) -> None:
    """What became of a decision, and nothing of the question any more."""
    screen.sees(text)
    screen.calm()
    for left in (screen.dialog.get_by_role("button", name="Cancel"), screen.dialog.get_by_role("textbox")):
        expect(left).to_have_count(0)
    expect(screen.dialog.get_by_role("button", name=re.compile("^(Approve|Reject|Apply|Take back)"))).to_have_count(0)


def statuses(workbench: Workbench) -> dict[str, str]:
    return {p.key.address: p.status.value for p in workbench.proposals(limit=1000)}


def test_some_are_approved_one_is_rejected_and_applied(pending: Server, browser: Callable[..., Screen]) -> None:
    screen = browser().open("/app/approvals")
    screen.tick(0, 0, 1, 2)
    screen.sees("3 selected:")
    screen.press("Approve 3")
    screen.sees("3 create")
    screen.press("Approve 3", screen.dialog)
    told(screen, "3 approved")
    screen.press("Done", screen.dialog)
    screen.tick(0, 0)
    screen.press("Reject")
    screen.fill("Reason", "not before the sale", screen.dialog)
    screen.press("Reject", screen.dialog)
    told(screen, "1 rejected")
    screen.press("Done", screen.dialog)
    screen.open("/approvals?status=approved").tick(0, 0, 1, 2)
    screen.press("Apply now")
    screen.press("Apply", screen.dialog)
    told(screen, "3 applied")
    assert screen.troubles == []
    assert pending.stop() == 0
    with pending.store() as workbench:
        assert sorted(statuses(workbench).values()) == ["applied"] * 3 + ["pending"] * 5 + ["rejected"]
        (rejected,) = workbench.live_proposals(status=Status.REJECTED)
        assert rejected.reason == "not before the sale"
        assert rejected.decided_by == "ana"


def test_a_destroy_asks_for_the_number(
    pending: Server, browser: Callable[..., Screen], git_repo: GitRepository
) -> None:
    pending.stop()
    with pending.store() as workbench:
        workbench.approve(ME, [p.id for p in workbench.live_proposals()])
        workbench.apply(ME)
        git_repo.push("version: 1\naccount: acme\nmodules:\n  m0: {priority: 0}\nnodes: {app-01: {}}\n")
        workbench.sync(ME, "fc")
    pending.start()
    screen = browser().open("/approvals")
    screen.press("Select all 7")
    screen.press("Approve and apply 7")
    screen.sees("This destroys 7 resources")
    screen.press("Approve and apply 7", screen.dialog)
    screen.sees("Type 7 first")
    screen.fill("Type 7 to confirm", "6", screen.dialog)
    screen.press("Approve and apply 7", screen.dialog)
    screen.sees("Type 7 first")
    screen.fill("Type 7 to confirm", "7", screen.dialog)
    screen.press("Approve and apply 7", screen.dialog)
    told(screen, "7 applied")
    pending.stop()
    with pending.store() as workbench:
        assert [r.key.address for r in workbench.resources()] == ["modules/m0", "nodes/app-01"]


def test_two_browsers_decide_on_one_proposal_and_one_is_told(pending: Server, browser: Callable[..., Screen]) -> None:
    ana, ben = browser().open("/proposal?id=1"), browser().open("/proposal?id=1")
    ana.press("Approve")
    ben.press("Reject")
    ana.press("Approve", ana.dialog)
    ana.sees("1 approved")
    ben.fill("Reason", "no", ben.dialog)
    ben.button("Reject", ben.dialog).dblclick()
    ben.calm()
    ben.sees("1 rejected")
    ana.press("Done", ana.dialog)
    ana.sees("rejected")
    pending.stop()
    with pending.store() as workbench:
        kinds = [event.event.type for event in workbench.events(proposal_id=1)]
        assert sorted(kinds) == ["gitops.proposal_approved", "gitops.proposal_opened", "gitops.proposal_rejected"]


def test_the_keyboard_decides(pending: Server, browser: Callable[..., Screen]) -> None:
    screen = browser().open("/proposal?id=1")
    screen.page.keyboard.press("j")
    screen.calm().sees("Proposal 2")
    screen.page.keyboard.press("a")
    screen.calm()
    screen.press("Approve", screen.dialog)
    screen.sees("1 approved")


def test_a_long_apply_freezes_no_page_and_tells_how_it_ended(
    server: Server, browser: Callable[..., Screen], git_repo: GitRepository
) -> None:
    many = 9_000
    modules = "".join(f"  m{number:05}: {{priority: 1}}\n" for number in range(many))
    git_repo.push(f"version: 1\naccount: acme\nmodules:\n{modules}")
    with server.store(POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK=str(many)) as workbench:
        workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
        workbench.sync(ME, "fc")
    server.start()
    screen, other = browser().open("/approvals"), browser().open("/runs")
    screen.press("Select all 9,000")
    screen.sees("9,000 selected")
    screen.press("Approve and apply 9,000")
    screen.button("Approve and apply 9,000", screen.dialog).click()
    began = time.monotonic()
    other.open("/runs?id=1").sees("Differences found")
    assert time.monotonic() - began < 30, "another page is served while the apply goes on"
    expect(screen.page.get_by_text(re.compile("9,000 applied")).first).to_be_visible(timeout=60_000)
    server.stop()
    with server.store() as workbench:
        assert workbench.status().resources == many


def test_typing_a_reason_presses_no_shortcut(pending: Server, browser: Callable[..., Screen]) -> None:
    screen = browser().open("/proposal?id=1")
    screen.press("Reject")
    screen.dialog.get_by_role("textbox", name="Reason").click()
    screen.page.keyboard.type("a jump and a kick, xx", delay=20)
    screen.press("Reject", screen.dialog)
    screen.sees("1 rejected")
    pending.stop()
    with pending.store() as workbench:
        assert workbench.proposal(1).reason == "a jump and a kick, xx"
        assert {p.status.value for p in workbench.live_proposals() if p.id != 1} == {"pending"}


def test_an_open_page_learns_what_others_decide(pending: Server, browser: Callable[..., Screen]) -> None:
    mine, queue, other = browser(), browser(), browser()
    mine.open("/proposal?id=1")
    queue.open("/app/approvals")
    other.open("/proposal?id=1").press("Approve")
    other.press("Approve", other.dialog)
    expect(mine.page.get_by_text("Take back")).to_be_visible(timeout=15_000)
    expect(queue.page.get_by_text("The list has changed")).to_be_visible(timeout=15_000)
    queue.press("Show it")
    expect(queue.page.get_by_text("The list has changed")).to_have_count(0)
