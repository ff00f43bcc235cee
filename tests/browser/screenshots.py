"""Pictures of every page: `uv run python -m tests.browser.screenshots`.

On the demo's fleet, at 1440 and 800 pixels, in light and dark, into `data/screenshots/` (ignored by git). `--readme` takes the three
pictures of the README instead.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from engine.cli import story
from engine.model import Actor, Permission
from engine.settings import Settings
from tests.browser.conftest import CHROMIUM, ROOT, Screen, Server

PAGES = {
    "overview": "/",
    "proposals": "/approvals",
    "proposals-selected": "/approvals?select=41&select=43&select=48",
    "proposal": "/proposal?id=41",
    "proposal-create": "/proposal?id=46",
    "proposal-applied": "/proposal?id=39",
    "proposal-reverting": "/proposal?id=39",
    "runs": "/runs",
    "run-applied": "/runs?id=8",
    "run-partial": "/runs?id=10",
    "run-failed": "/runs?id=6",
    "drift": "/drift",
    "fleet": "/fleet",
    "resource": "/resource?id=northwind/nodes/web-01",
    "resource-module": "/resource?id=northwind/modules/nginx-public",
    "graph": "/graph",
    "graph-past": f"/graph?at={datetime.now(UTC) - timedelta(days=10):%Y-%m-%dT%H:%M}",
    "repositories": "/repositories",
    "repository": "/repositories?name=northwind-fleet",
    "export": "/export",
    "audit": "/audit",
    "settings": "/settings",
    "help": "/help",
    "nothing-there": "/proposal?id=999999",
}
KEYS = {"proposal-reverting": "z"}
"""What is typed on a page before its picture is taken."""

README = {"proposals": "proposals-selected", "proposal": "proposal", "graph": "graph"}


def take(
    browser: Browser,
    server: Server,
    path: str,
    picture: Path,
    *,
    width: int,
    scheme: str,
    whole: bool,
    key: str | None = None,
) -> None:
    """One picture of one page, once it is calm."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=1,
    )
    screen = Screen(context.new_page(), server.address, server).open(path)
    screen.page.wait_for_timeout(900)
    if key:
        screen.page.keyboard.press(key)
        screen.page.wait_for_timeout(900)
    if whole:  # the page scrolls inside a frame of its own: make the window as high as what is in it
        height = screen.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        screen.page.set_viewport_size({"width": width, "height": min(max(900, int(height) + 20), 6_000)})
        screen.page.wait_for_timeout(600)
    picture.parent.mkdir(parents=True, exist_ok=True)
    screen.page.screenshot(path=picture)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readme", action="store_true", help="the three pictures of the README")
    parser.add_argument("--only", help="pages whose name begins so")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        with story.run(Settings.from_environment(home, {}), Actor("ana")).workbench as workbench:
            workbench.create_token(Actor("ana"), "ci", account="*", permissions=[Permission.READ, Permission.SYNC])
            old, _ = workbench.create_token(
                Actor("ana"), "old laptop", account="northwind", permissions=list(Permission)
            )
            workbench.revoke_token(Actor("ben"), old.id)
            workbench.drill(Actor("ben"), "northwind")
            workbench.note_deliveries("gitea", "1", "9f2c41d07be3a5c8", [(1, "tick requested")])
        server = Server(home, FLEET_WEBHOOK_SECRET="s", FLEET_NOTIFY_URL="http://localhost:1/hook").start()
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        try:
            if arguments.readme:
                for name, page in README.items():
                    picture = ROOT / "data" / "pictures" / f"{name}.png"
                    take(browser, server, PAGES[page], picture, width=1440, scheme="light", whole=False)
                return
            for name, path in PAGES.items():
                for width in (1440, 800):
                    for scheme in ("light", "dark"):
                        if name.startswith(arguments.only or ""):
                            picture = ROOT / "data" / "screenshots" / f"{name}-{width}-{scheme}.png"
                            take(
                                browser,
                                server,
                                path,
                                picture,
                                width=width,
                                scheme=scheme,
                                whole=True,
                                key=KEYS.get(name),
                            )
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
