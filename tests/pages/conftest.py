"""Pages without a browser: Streamlit's AppTest over a workbench that the real loop filled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.model import Actor
from engine.server.service import Service
from engine.workbench import Workbench
from tests.conftest import GitRepository

NAVIGATION = Path(__file__).resolve().parents[2] / "pages" / "navigation.py"
ME = Actor("ana")

FLEET_FILE = """version: 1
account: acme
modules:
  base: {version: "1.0"}
  nginx: {priority: 50, version: 1.26.0, config: {workers: 4}, depends_on: [base]}
templates:
  web: {modules: [nginx@1.26.0]}
nodes:
  app-01: {template: web, labels: {rack: a1}}
  app-02: {template: web}
assignments:
  app-01:nginx: {priority: 60}
sdwan_networks:
  backbone: {cidr: 10.0.0.0/16}
sdwan_peers:
  backbone:app-01: {}
"""

Dashboard = Callable[..., AppTest]
"""dashboard(page, **query) gives the app after it has run that page with these query parameters."""


@pytest.fixture
def dashboard(serving: Service) -> Dashboard:
    def run(page: str = "overview", /, **query: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(NAVIGATION), default_timeout=30)
        if page != "overview":
            app.switch_page(f"{page}.py")
        for name, given in query.items():
            app.query_params[name] = given
        app.run()
        calm(app)
        return app

    return run


@pytest.fixture
def filled(workbench: Workbench, git_repo: GitRepository) -> Workbench:
    """A repository `fc` of account acme, synced once: every proposal pending."""
    git_repo.push(FLEET_FILE)
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    workbench.sync(ME, "fc")
    return workbench


@pytest.fixture
def applied(filled: Workbench) -> Workbench:
    """The same with everything approved and applied."""
    filled.approve(ME, [proposal.id for proposal in filled.live_proposals()])
    filled.apply(ME)
    return filled


def calm(app: AppTest) -> None:
    """No page ends in an exception."""
    assert not app.exception, [each.value for each in app.exception]


def texts(app: AppTest) -> str:
    """All that a page says, tables included, as one text."""
    said = [
        *(
            e.value
            for group in (app.title, app.header, app.subheader, app.markdown, app.caption, app.text)
            for e in group
        ),
        *(e.value for group in (app.error, app.warning, app.info, app.success, app.code) for e in group),
        *(f"{e.label} {e.value}" for e in app.metric),
        *(frame.value.to_string() for frame in app.dataframe),
        *(str(e.proto.body) for e in app.get("html")),
    ]
    return "\n".join(map(str, said))
