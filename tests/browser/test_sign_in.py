"""Signing in with a real browser, against a double of an OIDC provider; and the same behind a real reverse proxy under TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from engine.model import Actor
from tests.browser.conftest import PATIENCE_MS, Screen, Server
from tests.browser.oidc_double import CLIENT_ID, CLIENT_SECRET, OidcDouble
from tests.conftest import GitRepository

ME = Actor("setup")
ROLES = "ana@acme.example=admin, @acme.example=viewer"
Window = Callable[..., Screen]


@pytest.fixture
def provider() -> Iterator[OidcDouble]:
    made = OidcDouble()
    yield made
    made.close()


@pytest.fixture
def server(tmp_path: Path, provider: OidcDouble, git_repo: GitRepository) -> Iterator[Server]:
    git_repo.push("version: 1\naccount: acme\nmodules: {nginx: {priority: 5}}\n")
    made = Server(
        tmp_path / "home", FLEET_OIDC_METADATA_URL=provider.metadata_url, FLEET_OIDC_CLIENT_ID=CLIENT_ID,
        FLEET_OIDC_CLIENT_SECRET=CLIENT_SECRET, FLEET_ROLES=ROLES,
    )  # fmt: skip
    with made.store() as workbench:
        workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
        workbench.sync(ME, "fc")
    made.start()
    made.address = made.address.replace("127.0.0.1", "localhost")  # where the provider leads back to
    yield made
    made.stop()


def test_people_sign_in_act_as_themselves_and_sign_out(server: Server, browser: Window, provider: OidcDouble) -> None:
    screen = browser()
    screen.open("/approvals")
    screen.sees("Sign in to go on")
    expect(screen.page.get_by_text("nginx")).to_have_count(0)
    screen.button("Sign in").click()
    screen.page.wait_for_url(f"{server.address}/", timeout=PATIENCE_MS)
    screen.calm()
    screen.sees("ana@acme.example")
    screen.sees("admin")
    screen.open("/proposal?id=1")
    screen.press("Approve")
    screen.press("Approve", within=screen.dialog)
    screen.press("Done", within=screen.dialog)
    screen.open("/proposal?id=1")
    screen.sees("approved")
    screen.button("Sign out").click()
    screen.page.get_by_text("Sign in to go on").wait_for(timeout=PATIENCE_MS)
    provider.user = {"sub": "2", "email": "ben@acme.example", "email_verified": True}
    screen.button("Sign in").click()
    screen.page.get_by_text("ben@acme.example").first.wait_for(timeout=PATIENCE_MS)
    screen.open("/proposal?id=1")
    expect(screen.button("Take back")).to_be_disabled(timeout=PATIENCE_MS)
    assert provider.faults == []
    assert screen.troubles == []
    server.stop()
    with server.store() as workbench:
        assert workbench.proposal(1).decided_by == "ana@acme.example"
    assert CLIENT_SECRET not in server.log.read_text()


def test_who_has_no_role_stays_outside(server: Server, browser: Window, provider: OidcDouble) -> None:
    provider.user = {"sub": "3", "email": "eve@evil.example", "email_verified": True}
    screen = browser(width=420)
    screen.open("/")
    screen.button("Sign in").click()
    screen.page.get_by_text("no role is given to you here").wait_for(timeout=PATIENCE_MS)
    expect(screen.page.get_by_text("nginx")).to_have_count(0)
