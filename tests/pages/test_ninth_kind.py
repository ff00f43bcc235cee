"""A ninth kind, declared in one place, reaches every page with no change to a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.model import ResourceKey
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.pages.conftest import ME, Dashboard, texts
from tests.pages.test_approvals import press, run
from tests.test_ninth_kind import NINE, TEXT

KEY = ResourceKey("acme", "alerts", "disk-full")


@pytest.fixture
def workbench(settings: Settings) -> Iterator[Workbench]:
    with Workbench.open_home(settings, kinds=NINE) as opened:
        yield opened


def test_a_ninth_kind_is_on_every_page(workbench: Workbench, git_repo: GitRepository, dashboard: Dashboard) -> None:
    git_repo.push(TEXT)
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    found = {p.key.address: p.id for p in workbench.sync(ME, "fc").proposals}
    assert list(dashboard("approvals", section="alerts").dataframe[0].value["resource"]) == ["alerts/disk-full"]
    assert "Create alert disk-full" in texts(dashboard("proposal", id=str(found["alerts/disk-full"]))).replace("\\", "")
    assert "alerts" in texts(dashboard("runs", id="1"))
    workbench.approve(ME, list(found.values()))
    workbench.apply(ME)
    assert list(dashboard("fleet", section="alerts").dataframe[0].value["resource"]) == ["alerts/disk-full"]
    assert list(dashboard("graph", section="alerts").dataframe[0].value["resource"]) == ["alerts/disk-full"]
    assert "alerts:\n  disk-full:" in texts(dashboard("export"))
    app = press(dashboard("resource", id=KEY.text), "do_editing")
    app.number_input(key="edit_threshold").set_value(9)
    app.multiselect(key="edit_modules").set_value([])
    app.text_area(key="edit_routing").input('{"team": "web"}')
    run(app)
    press(app, "edit_save")
    assert workbench.resource(KEY).spec == {
        "node": "app-01", "modules": [], "threshold": 9, "message": "", "routing": {"team": "web"},
    }  # fmt: skip
    workbench.sync(ME, "fc")
    assert "alerts/disk-full" in texts(dashboard("drift", show="all"))
    assert "alerts/disk-full" in texts(dashboard("audit"))
