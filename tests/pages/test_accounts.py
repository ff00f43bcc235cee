"""Narrowed to one account, no page shows anything of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.workbench import Workbench
from tests.conftest import fill_account
from tests.pages.conftest import Dashboard, texts

PAGES = ("overview", "approvals", "runs", "drift", "fleet", "graph", "repositories", "export", "audit")


@pytest.fixture
def two_accounts(workbench: Workbench, tmp_path: Path) -> Workbench:
    """In each account a repository with something pending, applied, drifted and withheld, named after the account."""
    for account in ("acme", "rival"):
        fill_account(workbench, account, tmp_path)
    return workbench


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_one_account_alone(two_accounts: Workbench, dashboard: Dashboard, page: str) -> None:
    for account, other in (("acme", "rival"), ("rival", "acme")):
        app = dashboard(page, account=account)
        said = texts(app)
        assert account in said
        assert f"{other}-" not in said.replace("\\", ""), page
        choices = [
            option for box in (*app.selectbox, *app.multiselect) if box.key != "account" for option in box.options
        ]
        assert not any(option.startswith(other) for option in choices), page
    assert "acme-" in texts(dashboard(page)) or page == "export"
