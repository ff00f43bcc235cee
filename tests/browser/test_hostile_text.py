"""Text of repositories and people is shown as text: no page makes markup, a link or a script of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from engine.model import Actor, ResourceKey
from tests.browser.conftest import Screen, Server
from tests.conftest import GitRepository

ME = Actor("ana")
SCRIPT = "<script>window.hurt = 1</script><img src=x onerror='window.hurt=2'>"
LINK = "[click](javascript:window.hurt=3) **bold** :red[x] $x^2$ :material/home: https://evil.example"
LONG = "w" * 10_000
TURNED = "\u05e9\u05dc\u05d5\u05dd \u0627\u0644\u0633\u0644\u0627\u0645"
NAME = "a<b>[x](mailto)*y* `z` $q$"
WORDS = (SCRIPT, LINK, TURNED)


@pytest.fixture
def hostile(server: Server, git_repo: GitRepository) -> Server:
    """Hostile text wherever a repository, a commit, a person or a resource may hold text."""
    described = "".join(
        f"  m{number}: {{description: {json.dumps(text)}}}\n"
        for number, text in enumerate((LINK, TURNED, LONG, SCRIPT))
    )
    git_repo.push(
        f"version: 1\naccount: acme\nmodules:\n{described}  {json.dumps(NAME)}: {{}}\n",
        subject=f"{SCRIPT} {LINK}",
    )
    with server.store() as workbench:
        workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
        ids = [p.id for p in workbench.sync(ME, "fc").proposals]
        workbench.reject(ME, ids[:1], f"{SCRIPT} {LINK} {LONG}")
        workbench.approve(ME, ids[1:])
        workbench.apply(ME)
        workbench.set_resource(
            Actor(f"<b>{NAME}</b>"), ResourceKey("acme", "modules", NAME), {"description": SCRIPT}, note=LINK
        )
        workbench.sync(ME, "fc")
        workbench.pause(ME, f"{SCRIPT} {LINK}", "fc")
    return server.start()


def test_no_page_takes_text_for_markup(hostile: Server, browser: Callable[..., Screen]) -> None:
    screen = browser()
    with_ids = [
        "/proposal?id=1",
        "/proposal?id=5",
        "/proposal?id=6",
        "/runs?id=1",
        "/runs?id=2",
        "/repositories?name=fc",
    ]
    resource = f"/resource?id=acme/modules/{NAME}"
    pages = [
        "/",
        "/approvals?status=pending&status=rejected",
        "/runs",
        "/drift",
        "/fleet",
        "/graph",
        "/repositories",
        "/export",
        "/audit",
        "/settings",
    ]
    for path in [
        *pages,
        *with_ids,
        resource,
        "/resource?id=acme/modules/m2",
        "/approvals?q=<img src=x onerror=window.hurt=9>",
    ]:
        screen.open(path)
        assert screen.page.evaluate("window.hurt") is None, path
        assert screen.page.locator("a[href^='javascript']").count() == 0, path
        assert screen.page.locator("a[href*='evil.example']").count() == 0, path
        assert screen.page.locator("[data-testid='stMain'] img[src='x']").count() == 0, path
        wide = screen.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth")
        assert wide <= 0, (path, wide)
        assert "unexpected error" not in screen.page.inner_text("body"), path
    assert screen.troubles == []
    assert screen.hosts - {""} == {f"127.0.0.1:{hostile.port}"}, "no page asks another host for anything"


def test_what_was_hostile_can_be_read(hostile: Server, browser: Callable[..., Screen]) -> None:
    screen = browser().open("/proposal?id=5")
    text = screen.page.inner_text("[data-testid='stMain']")
    assert "<script>window.hurt = 1</script>" in text
    screen.open("/runs?id=1")
    assert "[click](javascript:window.hurt=3) **bold** :red[x]" in screen.page.inner_text("[data-testid='stMain']")


def test_tables_offer_no_download_of_their_own(hostile: Server, browser: Callable[..., Screen]) -> None:
    """Streamlit's own file would hold `=HYPERLINK(…)` of a commit as a formula; the downloads of the pages do not."""
    screen = browser().open("/runs")
    table = screen.page.get_by_test_id("stDataFrame").first
    table.hover()
    toolbar = table.get_by_test_id("stElementToolbar").or_(screen.page.get_by_test_id("stElementToolbar")).first
    toolbar.wait_for(state="attached")
    names = [
        button.get_attribute("aria-label") or ""
        for button in screen.page.get_by_test_id("stElementToolbar").get_by_role("button").all()
    ]
    assert names, "the toolbar is there"
    assert not any("ownload" in name for name in names), names
