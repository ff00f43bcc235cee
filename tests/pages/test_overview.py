"""The overview and the strip on top of every page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model import Actor, ResourceKey
from engine.workbench import Workbench
from engine.workbench.reader import Reader
from tests.conftest import GitRepository
from tests.pages.conftest import FLEET_FILE, ME, Dashboard, texts


def tiles(said: str) -> dict[str, str]:
    """Figure of each tile by its label."""
    found = {}
    for part in said.split('<div class="fw tile">')[1:]:
        cells = [cell.split(">")[-1] for cell in part.split("</div>")[:2]]
        found[cells[0]] = cells[1]
    return found


def test_an_empty_home_says_how_to_begin(dashboard: Dashboard) -> None:
    said = texts(dashboard())
    assert "No repository is registered yet" in said.replace("\\", "")
    assert tiles(said) == {
        "Repositories": "none", "Pending proposals": "0", "Drifted": "0", "Failed applies": "0", "Restore drill": "never",
    }  # fmt: skip


def test_the_tiles_say_what_waits_and_what_is_wrong(
    applied: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    applied.set_resource(Actor("ben"), ResourceKey("acme", "modules", "nginx"), {"priority": 70})
    git_repo.push(FLEET_FILE.replace('version: "1.0"', 'version: "1.1"'))
    applied.sync(ME, "fc")
    applied.drill(ME, "acme")
    said = texts(dashboard())
    assert tiles(said)["Pending proposals"] == "2"
    assert "risk: 1 medium, 1 low" in said
    assert tiles(said)["Drifted"] == "1"
    assert tiles(said)["Restore drill"].endswith(("ago", "now"))
    assert "Recent events" in said
    git_repo.push("version: 2\n")
    applied.sync(ME, "fc")
    said = texts(dashboard())
    assert tiles(said)["Repositories"] == "1 failing"
    assert "1 failing</b>: fc" in said


def test_the_strip_stands_on_every_page(filled: Workbench, dashboard: Dashboard) -> None:
    filled.pause(ME, "audit week", "fc")
    for page in (
        "overview",
        "approvals",
        "runs",
        "drift",
        "fleet",
        "graph",
        "repositories",
        "export",
        "audit",
        "settings",
    ):
        said = texts(dashboard(page))
        assert "<b>acme</b>" in said
        assert "<b>8 proposals</b></a> pending, " in said
        assert "fc paused" in said
        assert "local operator" in said


def test_two_accounts_can_be_told_apart(filled: Workbench, dashboard: Dashboard) -> None:
    filled.set_resource(ME, ResourceKey("other", "modules", "lonely"), {})
    assert "all accounts" in texts(dashboard())
    app = dashboard("fleet", account="other")
    assert list(app.dataframe[0].value["resource"]) == ["modules/lonely"]
    assert "nothing pending" in texts(app)


def test_an_account_that_no_longer_exports_to_a_fleet_file_is_shown(applied: Workbench, dashboard: Dashboard) -> None:
    assert tiles(texts(dashboard()))["Restore drill"] == "never"
    size = len(applied.export(account="acme").encode())
    applied.settings = replace(applied.settings, max_file_bytes=size // 2)
    said = texts(dashboard())
    assert tiles(said)["Restore drill"] == "too large"
    assert "acme exports to" in said


def test_a_failed_drill_of_one_account_is_not_hidden_by_a_later_one_of_another(
    applied: Workbench, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Reader.export
    with monkeypatch.context() as patch:
        patch.setattr(Reader, "export", lambda self, **given: real(self, **given).replace("\nmodules:", "\nmodule:", 1))
        applied.drill(ME, "acme")
    applied.drill(ME, "zeta")
    said = texts(dashboard())
    assert tiles(said)["Restore drill"] == "failed"
    assert "acme, " in said
    applied.drill(ME, "acme")
    said = texts(dashboard())
    assert tiles(said)["Restore drill"] != "failed"
    assert "passed, by ana" in said
