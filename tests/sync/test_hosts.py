"""Where remotes may be: names, addresses in every spelling, what a name leads to, and that the judged address is the one used."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from engine.access.hosts import address_of, read_hosts
from engine.errors import RefusedEdit, SyncError
from engine.flow.sync import access, check_host
from engine.flow.sync.lookup import EXCEPTIONS, PROXIES, Place, _proxy_for, find
from engine.model import Actor, Repository
from engine.settings import Settings
from engine.workbench import Workbench

ME = Actor("ana")

REFUSED = [
    "127.0.0.1", "127.255.0.9", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.169.254", "169.254.0.1", "fe80::1", "224.0.0.1", "ff02::1",
    "255.255.255.255", "240.0.0.1", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "fe80::5efe:7f00:1", "2001:db8::5efe:7f00:1",
]  # fmt: skip
TAKEN = [
    "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "8.8.8.8", "fd12:3456::1", "2001:db8::1", "::ffff:10.0.0.1", "64:ff9b::808:808",
    "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "taken"), [*((a, False) for a in REFUSED), *((a, True) for a in TAKEN)], ids=[*REFUSED, *TAKEN]
)
def test_addresses_of_this_machine_its_link_and_metadata_are_refused(address: str, taken: bool) -> None:
    judged = ip_address(address)
    for setting in ("", "*", "*.example.com"):
        assert read_hosts(setting).admits("git.example.com", [judged]) is taken, setting
        assert not read_hosts(setting).admits("git.example.com", [judged, ip_address("127.0.0.1")]), "all of them count"
    for setting in (address, f"{address}/32" if judged.version == 4 else f"{address}/128", "git.example.com"):
        assert read_hosts(setting).admits("git.example.com", [judged]), "unless it is named"


@pytest.mark.parametrize(
    ("setting", "host", "address", "taken"),
    [
        ("git.example.com", "git.example.com", "8.8.8.8", True),
        ("git.example.com", "git.example.com.evil.example", "8.8.8.8", False),
        ("git.example.com", "evil.example", "8.8.8.8", False),
        ("*.example.com", "a.b.example.com", "8.8.8.8", True),
        ("*.example.com", "example.com", "8.8.8.8", False),
        ("*.example.com", "evilexample.com", "8.8.8.8", False),
        ("GIT.Example.com", "git.example.com", "8.8.8.8", True),
        ("10.0.0.0/8", "anything.example", "10.1.2.3", True),
        ("10.0.0.0/8", "anything.example", "11.1.2.3", False),
        ("10.0.0.0/8", "anything.example", "::ffff:10.1.2.3", True),
        ("a.example, b.example 10.0.0.1", "b.example", "8.8.8.8", True),
        ("[::1]", "x.example", "::1", True),
        ("127.1", "x.example", "127.0.0.1", True),
        ("127.0.0.1", "x.example", "127.0.0.2", False),
        ("8.8.8.8", "x.example", "2001:0:808:808:0:0:80ff:fffe", False),  # carries 127.0.0.1 beside what is named
    ],
)
def test_the_setting_limits_hosts_and_addresses(setting: str, host: str, address: str, taken: bool) -> None:
    assert read_hosts(setting).admits(host, [ip_address(address)]) is taken


@pytest.mark.parametrize(
    "text", ["https://git.example.com", "git.example.com:443", "a/b", "10.0.0.0/99", "..", "-x", "a..b"]
)
def test_a_setting_that_is_not_understood_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedEdit, match="FLEET-602 FLEET_REMOTE_HOSTS"):
        Settings.from_environment(tmp_path, {"FLEET_REMOTE_HOSTS": text})


SEEN_IN_THE_URL = [
    "https://127.0.0.1:8200/a", "https://169.254.169.254/latest", "https://[::1]/a", "https://0x7f.1/a", "https://2130706433/a",
    "https://127.1/a", "https://0177.0.0.1/a", "https://0/a", "https://localhost/a", "https://LOCALHOST:8443/a", "https://a.localhost/a",
    "https://[::ffff:127.0.0.1]/a", "ssh://git@127.0.0.1:22/a", "git@localhost:a.git", "git@127.0.0.1:a.git", "ssh://git@[::1]/a",
]  # fmt: skip


@pytest.mark.parametrize("url", SEEN_IN_THE_URL)
def test_what_the_url_itself_shows_is_refused_when_it_is_registered(workbench: Workbench, url: str) -> None:
    with pytest.raises(RefusedEdit, match="FLEET-219"):
        workbench.add_repository(ME, "fc", url, account="acme")
    workbench.add_repository(ME, "fc", "https://git.example.com/x", account="acme")
    with pytest.raises(RefusedEdit, match="FLEET-219"):
        workbench.change_repository(ME, "fc", {"url": url})
    (wrong,) = [f for f in workbench.check_repository(ME, url, account="acme") if f.ok is False]
    assert (wrong.name, wrong.error and wrong.error.code) == ("form", "FLEET-219")


def test_a_host_beside_the_list_is_refused_when_it_is_registered(workbench: Workbench) -> None:
    workbench.settings = replace(workbench.settings, remote_hosts="*.example.com")
    workbench.add_repository(ME, "fc", "https://git.example.com/x", account="acme")
    with pytest.raises(RefusedEdit, match="FLEET-219"):
        workbench.add_repository(ME, "evil", "https://evil.example/x", account="acme")


def led_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Have every name lead to these addresses, as the name server of whoever owns it could; gives the names asked for."""
    asked: list[str] = []

    def answer(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    for name in (*PROXIES, *EXCEPTIONS):
        monkeypatch.delenv(name, raising=False)
    return asked


@pytest.mark.parametrize(
    "url", ["https://git.evil.example/x", "ssh://git@git.evil.example/x", "git@git.evil.example:x"]
)
@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
def test_what_a_name_leads_to_is_judged_with_one_text_whatever_answers_there(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, url: str, address: str
) -> None:
    led_to(monkeypatch, "8.8.8.8", address)
    said = set()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        for port in (listening.getsockname()[1], 1):
            at = url.replace(".example/", f".example:{port}/")
            repository = Repository(1, "fc", "acme", at)
            with pytest.raises(SyncError, match="FLEET-219") as caught:
                find(at, workbench.settings)
            said.add(str(caught.value).replace(f":{port}", ""))
            if url.startswith("ssh"):
                workbench.add_repository(ME, f"fc-{port}", repository.url, account="acme")
                with pytest.raises(SyncError, match="FLEET-219"):
                    workbench.offered_host_key(ME, f"fc-{port}")
        listening.settimeout(0)
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert len(said) == 1


def test_a_run_on_a_refused_address_says_so_and_looks_the_name_up_once(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = led_to(monkeypatch, "127.0.0.1")
    workbench.add_repository(ME, "fc", "https://git.evil.example/x", account="acme")
    run = workbench.sync(ME, "fc").run
    assert run.error is not None
    assert (run.error["code"], asked) == ("FLEET-219", ["git.evil.example"])
    (wrong,) = [f for f in workbench.look_at(ME, "fc")[0] if f.ok is False]
    assert (wrong.name, wrong.error and wrong.error.code) == ("remote", "FLEET-219")


def test_a_name_that_leads_nowhere_or_whose_server_is_silent_has_its_own_code(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    led_to(monkeypatch)
    with pytest.raises(SyncError, match="FLEET-201"):
        find("https://git.example.com/x", settings)
    answered = threading.Event()

    def silent(*_: Any, **__: Any) -> list[Any]:
        answered.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    with pytest.raises(SyncError, match="FLEET-502"):
        find("https://git.example.com/x", settings, lambda: "ending")
    with pytest.raises(SyncError, match="FLEET-202"):
        find("https://git.example.com/x", replace(settings, git_timeout_s=0))
    answered.set()


def way(place: Place, settings: Settings, url: str) -> dict[str, str]:
    """What git is told of the way to a place."""
    with access.reaching(Repository(1, "fc", "acme", url), None, settings, place) as reached:
        return reached.environment


def test_git_is_given_the_addresses_that_were_judged(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    led_to(monkeypatch, "10.0.0.1", "fd12::1")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", ".example.com")
    url = "https://Git.Example.com:8443/x"
    place = find(url, settings)
    assert place is not None
    environment = way(place, settings, url)
    assert environment["GIT_CONFIG_VALUE_0"] == "git.example.com:8443:10.0.0.1,[fd12::1]"
    assert not {*PROXIES, *EXCEPTIONS} & environment.keys(), "what was looked up here does not go by a proxy"


def test_a_proxy_looks_up_and_the_name_alone_is_judged(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = led_to(monkeypatch, "127.0.0.1")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "elsewhere.example")
    url = "https://git.example.com/x"
    place = find(url, settings)
    assert place is not None
    assert (place.addresses, asked) == ((), [])
    environment = way(place, settings, url)
    assert environment["https_proxy"] == "http://proxy.example:3128"
    assert not {*EXCEPTIONS, "GIT_CONFIG_COUNT"} & environment.keys(), (
        "git has no reason of its own to go past the proxy"
    )
    for refused in ("https://127.0.0.1/x", "https://localhost/x", "https://0x7f.1/x"):
        with pytest.raises(SyncError, match="FLEET-219"):
            find(refused, settings)
    with pytest.raises(SyncError, match="FLEET-219"):
        find(url, replace(settings, remote_hosts="other.example 10.0.0.0/8"))
    assert find("git@git.example.com:x", replace(settings, remote_hosts="git.example.com")), "ssh knows no proxy"
    assert asked == ["git.example.com"]
    monkeypatch.setenv("https_proxy", "socks5://proxy.example")  # is given an address
    with pytest.raises(SyncError, match="FLEET-219"):
        find(url, settings)


@pytest.mark.parametrize(
    ("environment", "host", "proxied"),
    [
        ({}, "git.example.com", False),
        ({"https_proxy": "http://p"}, "git.example.com", True),
        ({"HTTPS_PROXY": "http://p"}, "git.example.com", True),
        ({"all_proxy": "http://p"}, "git.example.com", True),
        ({"http_proxy": "http://p"}, "git.example.com", False),
        ({"https_proxy": "http://p", "no_proxy": "*"}, "git.example.com", False),
        ({"https_proxy": "http://p", "no_proxy": "a.example,example.com"}, "git.example.com", False),
        ({"https_proxy": "http://p", "NO_PROXY": ".example.com"}, "git.example.com", False),
        ({"https_proxy": "http://p", "no_proxy": "example.com"}, "gitexample.com", True),
        ({"https_proxy": "http://p", "no_proxy": "10.0.0.0/8"}, "10.1.2.3", False),
        ({"https_proxy": "http://p", "no_proxy": "10.0.0.0/8"}, "git.example.com", True),
    ],
)
def test_which_remotes_go_by_a_proxy(environment: dict[str, str], host: str, proxied: bool) -> None:
    assert (_proxy_for("https", host, 443, environment) is not None) is proxied


def test_ssh_takes_one_address_that_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert Place("h", port, ("127.0.0.2", "127.0.0.1"), proxied=False).one(5) == "127.0.0.1"
    assert Place("h", port, ("10.0.0.9",), proxied=False).one(5) == "10.0.0.9", "the only one is not tried first"


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.1", "127.0.0.1"), ("0x7f.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0177.1", "127.0.0.1"), ("deadbeef", None), ("a.1", None)],
)  # fmt: skip
def test_every_spelling_of_an_address_counts(text: str, address: str | None) -> None:
    assert address_of(text) == (None if address is None else ip_address(address))
    if address is not None:
        assert {row[4][0] for row in socket.getaddrinfo(text, 1, type=socket.SOCK_STREAM)} == {address}, "so the system"


def test_a_check_of_the_form_raises_what_it_is_asked_for(settings: Settings) -> None:
    raises: list[Callable[[], None]] = [
        lambda: check_host("https://127.0.0.1/x", settings),
        lambda: check_host("https://127.0.0.1/x", settings, SyncError),
    ]
    for check, error in zip(raises, (RefusedEdit, SyncError), strict=True):
        with pytest.raises(error, match="FLEET-219"):
            check()
