"""Every page, run through Streamlit's AppTest: queries, frames, figures and the messages for the browser, all that the server does."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.benchmarks.big import ACCOUNT

NAVIGATION = Path(__file__).resolve().parents[2] / "pages" / "navigation.py"

PAGES: list[tuple[str, dict[str, str]]] = [
    ("overview", {}),
    ("approvals", {}),
    ("approvals", {"q": "0042", "page": "2"}),
    ("proposal", {"id": "{proposal}"}),
    ("runs", {}),
    ("runs", {"id": "{run}"}),
    ("drift", {}),
    ("fleet", {}),
    ("resource", {"id": f"{ACCOUNT}/nodes/node-00042"}),
    ("graph", {}),
    ("graph", {"view": "Plan of the next apply"}),
    ("graph", {"near": f"{ACCOUNT}/nodes/node-00042", "depth": "2"}),
    ("repositories", {}),
    ("repositories", {"name": "repository-0007"}),
    ("export", {}),
    ("audit", {}),
    ("settings", {}),
]


def address(page: str, query: dict[str, str]) -> str:
    """How a page is called in the table."""
    return f"/{page}" + ("?" + "&".join(f"{n}={v}" for n, v in query.items()) if query else "")


def prepare(page: str, query: dict[str, str]) -> AppTest:
    """A page opened in a new browser, so to say, that has not run yet."""
    app = AppTest.from_file(str(NAVIGATION), default_timeout=120)
    if page != "overview":
        app.switch_page(f"{page}.py")
    for name, text in query.items():
        app.query_params[name] = text
    return app


def run(app: AppTest) -> None:
    """Run a page. Raises: AssertionError when it ends in an exception."""
    app.run()
    assert not app.exception, [each.value for each in app.exception]
