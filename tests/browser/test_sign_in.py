"""Signing in with a real browser, against a double of an OIDC provider; and the same behind a real reverse proxy under TLS."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from playwright.sync_api import Browser, expect

from engine.model import Actor
from tests.browser.conftest import PATIENCE_MS, ROOT, Screen, Server
from tests.browser.oidc_double import CLIENT_ID, CLIENT_SECRET, OidcDouble
from tests.conftest import GitRepository
from tests.remotes.authority import Authority
from tests.remotes.servers import free_port, program

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
    screen.sees("Sign in to continue")
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
    screen.page.get_by_text("Sign in to continue").wait_for(timeout=PATIENCE_MS)
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
    screen.page.get_by_text("you have no role here").wait_for(timeout=PATIENCE_MS)
    expect(screen.page.get_by_text("nginx")).to_have_count(0)


ANA = {"sub": "1", "email": "ana@acme.example"}

NOT_ANA: list[dict[str, Any]] = [
    {**ANA, "email_verified": False, "preferred_username": "ana@acme.example"},
    {**ANA},
    {**ANA, "email_verified": "true"},
    {**ANA, "email_verified": None, "sub": "ana@acme.example", "name": "ana@acme.example"},
    {**ANA, "email_verified": True, "email": "\u0430na@acme.example"},
    {"sub": "4", "preferred_username": "gitops_auto_apply"},
]
"""Claims by which an identity provider does not say that somebody is Ana."""


def test_who_only_says_that_they_are_somebody_is_not_them(
    server: Server, browser: Window, provider: OidcDouble
) -> None:
    screen = browser()
    for claims in NOT_ANA:
        provider.user = claims
        screen.page.context.clear_cookies()
        screen.open("/approvals")
        screen.button("Sign in").click()
        screen.page.get_by_text("you have no role here").wait_for(timeout=PATIENCE_MS)
        expect(screen.page.get_by_text(f"oidc:{claims['sub']}".replace("@", "@\u2060")).first).to_be_visible()
        expect(screen.page.get_by_text("nginx")).to_have_count(0)
    provider.user = {"sub": "gitops_scheduler"}
    screen.page.context.clear_cookies()
    screen.open("/approvals")
    screen.button("Sign in").click()
    screen.sees("FLEET-665")
    screen.sees("Ask the administrator of the identity provider")
    assert provider.faults == []
    server.stop()
    with server.store() as workbench:
        assert not [e for e in workbench.events() if e.event.type.startswith("access.")]


def signed_in(window: Window, path: str = "/") -> Screen:
    screen = window()
    screen.open("/")
    screen.button("Sign in").click()
    screen.page.get_by_text("acme.example").first.wait_for(timeout=PATIENCE_MS)
    return screen.open(path)


def another_tab(screen: Screen, server: Server, path: str) -> Screen:
    return Screen(screen.page.context.new_page(), server.address).open(path)


def test_signing_out_ends_every_tab_and_every_copy_of_the_cookie(
    server: Server, browser: Window, chromium: Browser, provider: OidcDouble
) -> None:
    first = signed_in(browser)
    tab, page = another_tab(first, server, "/approvals"), another_tab(first, server, "/proposal?id=1")
    elsewhere = signed_in(browser, "/repositories?name=fc")
    cookies = first.page.context.cookies()
    (kept,) = [cookie for cookie in cookies if cookie["name"] == "_streamlit_user"]
    assert (kept["httpOnly"], kept["sameSite"]) == (True, "Lax")
    assert kept["expires"] - time.time() <= 12 * 3600
    tab.press("Pause")
    tab.fill("Reason", "frozen", within=tab.dialog)
    first.button("Sign out").click()
    first.page.get_by_text("Sign in to continue").wait_for(timeout=PATIENCE_MS)
    tab.button("Pause", within=tab.dialog).click()
    page.button("Approve").click()
    elsewhere.button("Sync now").click()
    for each in (tab, page, elsewhere):
        each.sees("Your sign-in has ended")
        expect(each.button("Sign in")).to_be_visible()
        expect(each.page.get_by_text("nginx")).to_have_count(0)
    thief = chromium.new_context()
    try:
        thief.add_cookies(cast("Any", cookies))
        copied = Screen(thief.new_page(), server.address).open("/approvals")
        copied.sees("Your sign-in has ended")
        expect(copied.page.get_by_text("nginx")).to_have_count(0)
    finally:
        thief.close()
    tab.button("Sign in").click()
    tab.page.get_by_text("ana@acme.example").first.wait_for(timeout=PATIENCE_MS)
    command = [
        sys.executable,
        "-m",
        "engine.cli",
        "--home",
        str(server.home),
        "sign-out",
        "ana@acme.example",
        "--keep-out",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "FLEET_ACTOR": "night"}, capture_output=True, text=True, timeout=60
    )
    assert "1 sign-in of ana@acme.example ended" in done.stdout
    tab.sees("An administrator has ended your access")
    tab.button("Sign in").click()
    tab.sees("An administrator has ended your access")
    server.stop()
    with server.store() as workbench:
        assert workbench.pauses() == []
        assert workbench.proposal(1).status == "pending"
        assert len(workbench.runs()) == 1
        happened = [(e.event.type, e.actor) for e in reversed(workbench.events()) if e.event.type.startswith("access.")]
    ana = "ana@acme.example"
    assert happened == [
        ("access.signed_in", ana), ("access.signed_in", ana), ("access.signed_out", ana), ("access.signed_in", ana),
        ("access.signed_out", "night"),
    ]  # fmt: skip


def test_an_old_sign_in_is_over_and_a_new_one_is_asked_for(
    server: Server, browser: Window, provider: OidcDouble
) -> None:
    provider.user = {**ANA, "email_verified": True, "iat": int(time.time()) - 12 * 3600}
    screen = browser()
    screen.open("/approvals")
    screen.button("Sign in").click()
    screen.sees("Your sign-in has ended")
    expect(screen.page.get_by_text("nginx")).to_have_count(0)
    provider.user = {**ANA, "email_verified": True}
    screen.button("Sign in").click()
    screen.page.get_by_text("ana@acme.example").first.wait_for(timeout=PATIENCE_MS)


@pytest.fixture
def behind(
    tmp_path: Path, provider: OidcDouble, git_repo: GitRepository, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, str]]:
    """A server behind the help page's proxy, and the address at which others reach it."""
    block = re.search(
        r"<!-- proxy:[^>]*-->\n```nginx\n(.*?)```", (ROOT / "pages" / "help" / "sign-in.md").read_text(), re.DOTALL
    )
    assert block is not None
    certificate = Authority(tmp_path_factory.mktemp("pki") / "proxy").certificate(host="fleet.example.com")
    port = free_port()
    public = f"https://fleet.example.com:{port}"
    git_repo.push("version: 1\naccount: acme\nmodules: {nginx: {priority: 5}}\n")
    made = Server(
        tmp_path / "home", FLEET_OIDC_METADATA_URL=provider.metadata_url, FLEET_OIDC_CLIENT_ID=CLIENT_ID,
        FLEET_OIDC_CLIENT_SECRET=CLIENT_SECRET, FLEET_ROLES=ROLES, FLEET_PUBLIC_URL=public,
    )  # fmt: skip
    with made.store() as workbench:
        workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    made.start()
    folder = tmp_path / "nginx"
    folder.mkdir()
    text = (
        block[1]
        .replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
        .replace("http://127.0.0.1:3000", made.address)
        .replace("/etc/ssl/fleet.example.com.pem", str(certificate.file))
        .replace("/etc/ssl/fleet.example.com.key", str(certificate.key))
    )
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} daemon off; pid {folder}/pid; error_log {folder}/log;"
        f"events {{}} http {{ access_log off; {temporary}\n{text}\n}}"
    )
    process = subprocess.Popen(
        [program("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "log")], start_new_session=True
    )
    yield made, public
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    made.stop()


def test_behind_the_readmes_proxy_people_sign_in_over_tls(
    behind: tuple[Server, str], provider: OidcDouble, chromium: Browser
) -> None:
    server, public = behind
    context = chromium.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900})
    try:
        screen = Screen(context.new_page(), public)
        screen.open("/")
        screen.button("Sign in").click()
        screen.page.wait_for_url(f"{public}/", timeout=PATIENCE_MS)
        screen.calm()
        screen.sees("ana@acme.example")
        kept = context.cookies()
        assert {cookie["name"] for cookie in kept} >= {"_streamlit_user", "_streamlit_xsrf"}
        assert [
            cookie["name"] for cookie in kept if not cookie["secure"] and cookie["domain"] == "fleet.example.com"
        ] == []
        screen.open("/repositories?name=fc")
        screen.press("Sync now")
        screen.page.get_by_text("1 proposal pending").first.wait_for(timeout=PATIENCE_MS)
        screen.sees(f"{public}/api/v1/webhooks/github")
        asked = {"/healthz": 200, "/api/v1/system/proposals": 401, "/metrics": 404, "/api/local/accounts": 404}
        answers = {path: screen.page.evaluate("async path => (await fetch(path)).status", path) for path in asked}
        assert answers == asked
        said = screen.page.evaluate("async () => (await fetch('/healthz')).json()")
        assert said == {"status": "ok"}, "what runs here, and since when, is said on the machine itself"
        assert (screen.troubles, provider.faults) == ([], [])
    finally:
        context.close()
    assert requests.get(f"{server.address}/metrics", timeout=30).status_code == 200
