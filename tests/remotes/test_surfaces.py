"""Private remotes as people meet them: `fleet repo …` and the repositories page, on real servers."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.flow.sync import fingerprint, read_host_key
from engine.server import service
from engine.server.service import Service
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.pages.conftest import ME, Dashboard, dashboard, texts
from tests.pages.test_approvals import press, run
from tests.remotes.conftest import HTTPS_PATH, SSH_PATH
from tests.remotes.servers import Nginx, Sshd
from tests.remotes.test_hostile import children
from tests.remotes.vault_double import TOKEN, VaultDouble

__all__ = ["dashboard"]

ROOT = Path(__file__).resolve().parent.parent.parent

Fleet = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(reaching: Settings, vault: VaultDouble, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "FLEET_HOME": str(reaching.home),
        "FLEET_ACTOR": "ana",
        "FLEET_GIT_CA_FILE": reaching.git_ca_file,
        "FLEET_REMOTE_HOSTS": reaching.remote_hosts,
        "VAULT_ADDR": vault.address,
        "VAULT_CACERT": reaching.vault_ca_file,
        "VAULT_TOKEN": TOKEN,
    }


@pytest.fixture
def fleet(environment: dict[str, str]) -> Fleet:
    def call(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "engine.cli", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


def answered(environment: dict[str, str], answer: str, *arguments: str) -> tuple[int, str]:
    """Call `fleet` on a terminal, where somebody types an answer; gives exit code and what the terminal showed."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "engine.cli", *arguments]
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = b""
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:
            break
    os.close(ours)
    return child.wait(timeout=60), shown.decode()


def test_a_check_says_what_it_found_at_each_step(fleet: Fleet, nginx: Nginx, sshd: Sshd, served: GitRepository) -> None:
    fleet(
        "repo",
        "add",
        "web",
        nginx.url("private", served.path / ".git"),
        "--account",
        "acme",
        "--vault-path",
        HTTPS_PATH,
    )
    fleet("repo", "add", "deep", sshd.url(served.path), "--account", "acme", "--vault-path", SSH_PATH)
    web, deep = fleet("repo", "check", "web").stdout, fleet("repo", "check", "deep").stdout
    assert f"username and password at {HTTPS_PATH} in Vault" in web
    assert "host key" not in web, "an https host has none"
    assert f"ssh_key at {SSH_PATH} in Vault" in deep
    assert f"{fingerprint(read_host_key(sshd.host_key))}, not pinned yet" in deep
    assert "declares 1 resource in account acme" in deep
    assert json.loads(fleet("run", "list", "--json").stdout)["items"] == [], "without syncing"


def test_a_changed_host_key_is_compared_and_trusted(
    fleet: Fleet, environment: dict[str, str], sshd: Sshd, served: GitRepository
) -> None:
    fleet("repo", "add", "fc", sshd.url(served.path), "--account", "acme", "--vault-path", SSH_PATH)
    fleet("sync", "fc")
    old = fingerprint(read_host_key(sshd.host_key))
    new = fingerprint(read_host_key((sshd.folder / "host-2.pub").read_text()))
    assert old in fleet("repo", "show", "fc").stdout
    assert "nothing to do" in fleet("repo", "trust", "fc").stdout
    sshd.start("host-2")
    assert "FLEET-216" in fleet("sync", "fc", code=1).stderr
    assert "FLEET-216" in fleet("repo", "check", "fc", code=1).stderr
    asked = fleet("repo", "trust", "fc", code=2)
    assert "--fingerprint" in asked.stderr
    assert "FLEET-216" in fleet("repo", "trust", "fc", "--fingerprint", old, code=1).stderr
    code, shown = answered(environment, "n\n", "repo", "trust", "fc")
    assert (code, old in shown, new in shown, "Nothing was changed" in shown) == (1, True, True, True)
    fleet("sync", "fc", code=1)
    code, shown = answered(environment, "y\n", "repo", "trust", "fc")
    assert (code, f"{new} is trusted" in shown) == (0, True)
    fleet("sync", "fc")
    sshd.start("host-1")
    body = json.loads(fleet("repo", "trust", "fc", "--fingerprint", old, "--json").stdout)
    assert body["gitops_repository"]["ssh_host_key"] == read_host_key(sshd.host_key)
    fleet("sync", "fc")


def test_a_dropped_credential_is_told_with_the_commands_that_bring_it_back(
    fleet: Fleet, environment: dict[str, str], nginx: Nginx, served: GitRepository
) -> None:
    url = nginx.url("private", served.path / ".git")
    fleet("repo", "add", "web", url, "--account", "acme", "--vault-path", HTTPS_PATH)
    said = fleet("repo", "set", "web", "--url", url.replace("localhost", "127.0.0.1")).stderr
    command = re.search(r"fleet (repo set web --vault-path \S+)", said)
    assert command is not None, said
    assert "FLEET-215" in fleet("sync", "web", code=1).stderr
    changed = fleet(*command[1].split())
    assert "It is not yet confirmed" in changed.stderr
    assert "repo trust web --credential" in changed.stdout
    for verb in ("sync", "repo check"):
        assert "FLEET-229" in fleet(*verb.split(), "web", code=1).stderr
    assert "--host" in fleet("repo", "trust", "web", "--credential", code=2).stderr
    assert (
        "FLEET-229" in fleet("repo", "trust", "web", "--credential", "--host", f"localhost:{nginx.port}", code=1).stderr
    )
    code, shown = answered(environment, "n\n", "repo", "trust", "web", "--credential")
    assert (code, HTTPS_PATH in shown, f"127.0.0.1:{nginx.port}" in shown, "Nothing was changed" in shown) == (
        1,
        True,
        True,
        True,
    )
    fleet("sync", "web", code=1)
    code, shown = answered(environment, "y\n", "repo", "trust", "web", "--credential")
    assert (code, "may be sent to" in shown) == (0, True)
    fleet("sync", "web")
    fleet("repo", "trust", "web", "--credential", "--host", f"127.0.0.1:{nginx.port}", "--json")


@pytest.fixture
def serving(reaching: Settings) -> Iterator[Service]:
    with Workbench.open_home(reaching) as bench:
        made = Service(bench)
        service.use(made)
        yield made
        service.use(None)
        made.jobs.close()


def test_the_page_registers_a_private_repository_after_a_check(
    serving: Service, dashboard: Dashboard, sshd: Sshd, served: GitRepository
) -> None:
    app = press(dashboard("repositories"), "register")
    app.text_input(key="new_url").input(sshd.url(served.path))
    app.text_input(key="new_name").input("fc")
    app.text_input(key="new_account").input("acme")
    run(app)
    press(app, "new_check")
    assert "FLEET-217" in texts(app)
    app.text_input(key="new_vault").input(SSH_PATH)
    run(app)
    press(app, "new_check")
    said = texts(app)
    assert f"ssh_key at {SSH_PATH} in Vault" in said
    assert fingerprint(read_host_key(sshd.host_key)) in said
    app.text_input(key="new_host_key").input(sshd.host_key)
    run(app)
    press(app, "new_save")
    assert serving.workbench.repository("fc").ssh_host_key == read_host_key(sshd.host_key)


def test_the_page_shows_both_host_keys_and_trusts_the_new_one(
    serving: Service, dashboard: Dashboard, sshd: Sshd, served: GitRepository
) -> None:
    bench = serving.workbench
    bench.add_repository(ME, "fc", sshd.url(served.path), account="acme", vault_credential_path=SSH_PATH)
    bench.sync(ME, "fc")
    sshd.start("host-2")
    bench.sync(ME, "fc")
    app = dashboard("repositories", name="fc")
    assert "The last tick failed" in texts(app)
    assert "FLEET-216" in texts(app).replace("\\", "")
    press(app, "host_key")
    new = read_host_key((sshd.folder / "host-2.pub").read_text())
    for key in (read_host_key(sshd.host_key), new):
        assert fingerprint(key) in texts(app)
    press(app, "trust")
    assert bench.repository("fc").ssh_host_key == new
    assert bench.sync(ME, "fc").run.status == "success"


def test_the_page_asks_before_a_credential_goes_to_another_host(
    serving: Service, dashboard: Dashboard, nginx: Nginx, served: GitRepository
) -> None:
    bench = serving.workbench
    url = nginx.url("private", served.path / ".git")
    bench.add_repository(ME, "fc", url, account="acme", vault_credential_path=HTTPS_PATH)
    elsewhere = url.replace("localhost", "127.0.0.1")
    for confirmed in (False, True):
        app = press(dashboard("repositories", name="fc"), "change")
        app.text_input(key="set_url").input(elsewhere)
        run(app)
        if confirmed:
            app.checkbox(key="set_confirmed").check()
        press(app, "set_save")
        assert bench.repository("fc").url == elsewhere
        assert bench.repository("fc").vault_credential_path == (HTTPS_PATH if confirmed else None)
        if not confirmed:
            bench.change_repository(ME, "fc", {"url": url, "vault_credential_path": HTTPS_PATH})
    assert bench.sync(ME, "fc").run.status == "success", "who may write in every account confirms by that"


def test_the_page_says_where_an_unconfirmed_credential_would_go_and_confirms_what_it_showed(
    serving: Service, dashboard: Dashboard, nginx: Nginx, served: GitRepository
) -> None:
    bench = serving.workbench
    url = nginx.url("private", served.path / ".git")
    bench.add_repository(ME, "fc", url, account="acme", vault_credential_path=HTTPS_PATH)
    elsewhere = {"url": url.replace("localhost", "127.0.0.1"), "vault_credential_path": HTTPS_PATH}
    assert "It is not confirmed" not in texts(dashboard("repositories", name="fc"))
    bench.change_repository(ME, "fc", elsewhere)
    app = press(dashboard("repositories", name="fc"), "credential")
    assert f"127.0.0.1:{nginx.port}" in texts(app)
    evil = {"url": "https://git.evil.example/x.git", "vault_credential_path": HTTPS_PATH}
    bench.change_repository(ME, "fc", evil)  # between the look and the press
    press(app, "confirm_credential")
    assert "FLEET-229" in texts(app).replace("\\", "")
    for given in (evil, elsewhere):
        bench.change_repository(ME, "fc", given)
        error = bench.sync(ME, "fc").run.error
        assert error is not None
        assert error["code"] == "FLEET-229", given
    app = dashboard("repositories", name="fc")
    assert "The last tick failed" not in texts(app), "what has to be done is said once"
    press(press(app, "credential"), "confirm_credential")
    assert bench.sync(ME, "fc").run.status == "success"


def test_the_settings_page_shows_how_the_outside_is_reached_and_no_secret(
    serving: Service, dashboard: Dashboard
) -> None:
    said = texts(dashboard("settings"))
    for shown in ("VAULT_ADDR", serving.workbench.settings.vault_address, "FLEET_GIT_CA_FILE", "VAULT_SECRET_ID"):
        assert shown in said
    assert TOKEN not in said


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_ended_ends_its_git(
    environment: dict[str, str], reaching: Settings, fleet: Fleet, ending: signal.Signals
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/x.git"
        fleet("repo", "add", "fc", url, "--account", "acme")
        child = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "sync", "fc"], cwd=ROOT, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with silent.accept()[0]:
            assert children(reaching.home)
            child.send_signal(ending)
            assert child.wait(timeout=20) == {signal.SIGTERM: 143, signal.SIGINT: 130}[ending]
            assert children(reaching.home) == []
        assert list((reaching.home / "private").iterdir()) == []
    assert json.loads(fleet("run", "list", "--json").stdout)["items"][0]["error"]["code"] == "FLEET-502"
