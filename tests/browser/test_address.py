"""The address holds what one looks at: it can be sent to somebody else, and it does not follow one about."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.model import Actor, ResourceKey
from tests.browser.conftest import Screen, Server

ME = Actor("ana")


def test_an_address_opens_the_same_view_and_only_the_account_goes_along(
    server: Server, browser: Callable[..., Screen]
) -> None:
    with server.store() as workbench:
        for account in ("one", "two"):
            for name in ("nginx", "redis"):
                workbench.set_resource(ME, ResourceKey(account, "modules", name), {})
    server.start()
    screen = browser().open("/fleet?account=two")
    screen.page.get_by_test_id("stMain").get_by_text("modules", exact=True).first.click()
    screen.calm()
    screen.fill("Search", "ngi")
    assert {"account=two", "section=modules", "q=ngi"} <= set(screen.page.url.partition("?")[2].split("&"))
    other = browser().open(screen.page.url.removeprefix(server.address))
    other.sees("1 in total")
    for page in ("Runs", "Graph", "Fleet"):
        screen.page.get_by_role("link", name=re.compile(page)).first.click()
        screen.calm()
        assert screen.page.url.partition("?")[2] == "account=two", page
    screen.sees("2 in total")


def test_the_back_button_goes_back(server: Server, browser: Callable[..., Screen]) -> None:
    server.start()
    screen = browser().open("/")
    screen.page.get_by_role("link", name=re.compile("Settings")).first.click()
    screen.calm().sees("Limits in force")
    screen.page.go_back()
    screen.calm().sees("No repository is registered yet")
