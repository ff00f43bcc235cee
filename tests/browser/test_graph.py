"""The graph in a browser: a click leads to the resource, a group to what is in it."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from engine.model import Actor, ResourceKey
from tests.browser.conftest import PATIENCE_MS, Screen, Server

ME = Actor("ana")


def click_point(screen: Screen, number: int) -> None:
    """Click one of the points that plotly has drawn."""
    point = screen.page.locator(".js-plotly-plot .points path").nth(number)
    expect(point).to_be_attached(timeout=PATIENCE_MS)
    box = point.bounding_box()
    assert box is not None
    screen.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_click_on_a_node_opens_the_resource(server: Server, browser: Callable[..., Screen]) -> None:
    with server.store() as workbench:
        workbench.set_resource(ME, ResourceKey("acme", "modules", "base"), {})
        workbench.set_resource(ME, ResourceKey("acme", "modules", "nginx"), {"depends_on": ["base"]})
    server.start()
    screen = browser().open("/graph")
    click_point(screen, 1)
    screen.page.wait_for_url(re.compile(r"/resource\?.*id=acme(/|%2F)modules(/|%2F)nginx"), timeout=PATIENCE_MS)
    screen.calm().sees("module in account acme")


def test_after_coming_back_a_click_opens_the_resource_again(server: Server, browser: Callable[..., Screen]) -> None:
    with server.store() as workbench:
        workbench.set_resource(ME, ResourceKey("acme", "modules", "base"), {})
        workbench.set_resource(ME, ResourceKey("acme", "modules", "nginx"), {"depends_on": ["base"]})
    server.start()
    screen = browser().open("/graph")
    for point, name in ((1, "nginx"), (1, "nginx"), (0, "base")):
        screen.calm()
        click_point(screen, point)
        screen.page.wait_for_url(re.compile(rf"/resource\?.*id=acme(/|%2F)modules(/|%2F){name}"), timeout=PATIENCE_MS)
        screen.calm().sees("module in account acme")
        screen.page.go_back()
        screen.page.wait_for_url(re.compile(r"/graph"), timeout=PATIENCE_MS)


def test_a_click_on_a_group_looks_into_it(server: Server, browser: Callable[..., Screen]) -> None:
    with server.store() as workbench:
        workbench.set_resource(ME, ResourceKey("acme", "nodes", "app-01"), {})
        for number in range(301):
            workbench.set_resource(ME, ResourceKey("acme", "modules", f"m{number:03}"), {})
    server.start()
    screen = browser().open("/graph")
    screen.sees("too many to draw individually")
    labels = screen.page.locator(".js-plotly-plot .textpoint")
    expect(labels).to_have_count(2, timeout=PATIENCE_MS)
    names = labels.all_text_contents()
    click_point(screen, next(place for place, name in enumerate(names) if name.startswith("nodes")))
    screen.page.wait_for_url(re.compile(r"section=nodes.*state=unmanaged"), timeout=PATIENCE_MS)
    expect(labels).to_have_count(1, timeout=PATIENCE_MS)
    screen.calm()
    click_point(screen, 0)
    screen.page.wait_for_url(re.compile(r"/resource\?.*id=acme(/|%2F)nodes(/|%2F)app-01"), timeout=PATIENCE_MS)
