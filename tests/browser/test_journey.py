"""The main job from beginning to end, as a person does it in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.flow.parse import read_fleet_file
from engine.kinds.fleet import FLEET
from tests.browser.conftest import Screen, Server
from tests.conftest import GitRepository

TEXT = """version: 1
account: acme
modules:
  base: {version: "1.0"}
  nginx: {priority: 50, config: {workers: 4}, depends_on: [base]}
  beta: {priority: 1}
templates:
  web: {modules: [nginx]}
nodes:
  app-01: {template: web}
"""


def test_from_a_repository_to_a_restored_file(
    server: Server, browser: Callable[..., Screen], git_repo: GitRepository, tmp_path: Path
) -> None:
    git_repo.push(TEXT, subject="Bring the fleet into git")
    server.start()
    screen = browser().open("/")

    # Register, with a look at the remote before.
    screen.page.get_by_role("link", name="Register a repository").click()
    screen.calm().press("Register")
    screen.fill("URL", str(git_repo.path), screen.dialog)
    screen.page.get_by_role("dialog").get_by_role("textbox", name="Name", exact=True).fill("fleet-config")
    screen.fill("Account", "acme", screen.dialog)
    screen.press("Check", screen.dialog)
    screen.sees("declares 5 resources in account acme")
    screen.press("Register", screen.dialog)
    screen.sees("No tick yet")

    # Sync, and read a diff.
    screen.press("Sync now")
    screen.sees("5 proposals pending")
    screen.page.get_by_role("link", name="5 proposals pending").click()
    screen.calm()
    screen.click_cell(0, 1, 60)
    screen.sees("Create module")
    screen.sees("Bring the fleet into git")
    screen.page.go_back()
    screen.calm().sees("5 in total")

    # Approve some, reject one with a reason, apply.
    screen.open("/approvals?q=beta").tick(0, 0)
    screen.press("Reject")
    screen.fill("Reason", "not before the sale", screen.dialog)
    screen.press("Reject", screen.dialog)
    screen.sees("1 rejected")
    screen.press("Done", screen.dialog)
    screen.open("/approvals")
    screen.press("Select all 4")
    screen.press("Approve 4")
    screen.press("Approve 4", screen.dialog)
    screen.sees("4 approved")
    screen.press("Done", screen.dialog)
    screen.open("/approvals?status=approved")
    screen.press("Select all 4")
    screen.press("Apply now 4")
    screen.press("Apply 4", screen.dialog)
    screen.sees("4 applied")
    screen.press("Done", screen.dialog)
    screen.open("/runs?id=1").sees("success")

    # The rejected one comes back at the next tick; with it applied, the run is.
    git_repo.push(TEXT.replace("  beta: {priority: 1}\n", ""), subject="No beta yet")
    screen.open("/repositories?name=fleet-config").press("Sync now")
    screen.lists("No beta yet")
    git_repo.push(
        TEXT.replace("workers: 4", "workers: 8").replace("  beta: {priority: 1}\n", ""), subject="More workers"
    )
    screen.press("Sync now")
    screen.lists("More workers")
    screen.page.get_by_role("link", name="1 proposal pending").click()
    screen.calm().tick(0, 0)
    screen.press("Approve and apply")
    screen.press("Approve and apply", screen.dialog)
    screen.sees("1 applied")
    screen.press("Done", screen.dialog)
    screen.open("/runs?id=3").sees("applied")

    # Somebody edits by hand; the next tick shows it as drift; it is reverted.
    screen.open("/resource?id=acme/modules/nginx").press("Edit")
    field = screen.dialog.get_by_role("spinbutton", name="priority")
    field.fill("99")
    field.press("Tab")
    screen.calm()
    screen.fill("Note", "SEV-2", screen.dialog)
    screen.press("Save", screen.dialog)
    screen.sees("version 3")
    screen.open("/repositories?name=fleet-config").press("Sync now")
    screen.sees("1 drifted")
    screen.page.get_by_role("link", name="1 drifted").click()
    screen.calm().sees("ana")
    screen.press("Revert")
    screen.press("Approve and apply", screen.dialog)
    screen.sees("1 applied")
    screen.press("Done", screen.dialog)
    screen.open("/resource?id=acme/modules/nginx").sees("version 4")

    # Export, drill, download.
    screen.open("/export").press("Drill now")
    screen.sees("Passed.")
    with screen.page.expect_download() as waiting:
        screen.button("Download fleet.yaml").click()
    saved = tmp_path / "fleet.yaml"
    waiting.value.save_as(saved)
    found = read_fleet_file(saved.read_bytes(), FLEET, file="fleet.yaml", limit=2**20, account="acme")
    assert found.sections["modules"]["nginx"]["priority"] == 50
    assert found.sections["modules"]["nginx"]["config"] == {"workers": 8}
    assert screen.troubles == []

    assert server.stop() == 0
    with server.store() as workbench:
        kinds = [event.event.type for event in reversed(workbench.events(limit=1000))]
        for wanted in (
            "gitops.repository_added", "gitops.proposal_opened", "gitops.proposal_rejected", "gitops.proposal_approved", "fleet.created",
            "gitops.drift_detected", "gitops.drill_passed",
        ):  # fmt: skip
            assert wanted in kinds
        assert {event.actor for event in workbench.events(limit=1000)} == {"ana"}
