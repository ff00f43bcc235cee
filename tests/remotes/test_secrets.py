"""Secrets nowhere: canaries go through every success and every failure, and then everything that was written or said is searched."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import quote

import pytest

from engine.errors import FleetError
from engine.flow.sync.checkouts import private
from engine.kinds.fleet import FLEET
from engine.model import Actor
from engine.settings import Settings
from engine.workbench import Workbench
from engine.workbench.check import check
from tests.builders import query
from tests.conftest import GitRepository
from tests.remotes.conftest import HTTPS_PATH, SSH_PATH
from tests.remotes.servers import PASSWORD, USERNAME, Cutter, Nginx, Sshd, make_key
from tests.remotes.vault_double import ROLE_ID, SECRET_ID, TOKEN, VaultDouble

ME = Actor("ana")
ROOT = Path(__file__).resolve().parent.parent.parent
WRONG = "canary-of-a-wrong-password"


def locked_key(sshd: Sshd) -> str:
    """A key with a passphrase, which nobody here can know."""
    path = sshd.folder / "locked-key"
    if not path.exists():
        make_key(path, passphrase="canary-phrase")
    return path.read_text()


def canaries(sshd: Sshd) -> set[bytes]:
    """Every secret of these tests, as such and in the forms that a tool might write it in."""
    keys = [
        key.read_text().splitlines()[2] for key in (sshd.key, sshd.barred, sshd.stranger, sshd.folder / "locked-key")
    ]
    plain = [PASSWORD, WRONG, TOKEN, SECRET_ID, "hvs.canary-of-a-login", "canary-phrase", *keys]
    basic = [base64.b64encode(f"{USERNAME}:{word}".encode()).decode() for word in (PASSWORD, WRONG)]
    coded = [base64.b64encode(word.encode()).decode().rstrip("=") for word in (PASSWORD, WRONG, TOKEN)]
    return {word.encode() for word in [*plain, *basic, *coded, *(quote(word) for word in plain)]}


class Watch:
    """Looks at what other processes can see of our children, as long as they run."""

    def __init__(self, home: Path) -> None:
        self._ours = f"HOME={private(home)}".encode()
        self.seen: set[bytes] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.002):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    environment = (process / "environ").read_bytes()
                    if self._ours in environment:
                        self.seen |= {environment, (process / "cmdline").read_bytes()}


@contextmanager
def cut(port: int) -> Iterator[int]:
    cutter = Cutter(port, 8_000)
    yield cutter.port
    cutter.close()


def test_no_secret_is_left_or_said_anywhere(
    nginx: Nginx,
    sshd: Sshd,
    served: GitRepository,
    reaching: Settings,
    vault: VaultDouble,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    locked_key(sshd)
    secrets = canaries(sshd)
    fast = replace(reaching, git_timeout_s=5, vault_timeout_s=1)
    https, ssh = nginx.url("private", served.path / ".git"), sshd.url(served.path)
    said: list[str] = []
    codes: set[str] = set()

    def go(settings: Settings = fast) -> None:
        """Everything that reaches out, with every repository."""
        bench.settings = settings
        for name in ("web", "deep"):
            run = bench.sync(ME, name).run
            codes.add(run.error["code"] if run.error else "ok")
            for verb in (lambda name=name: bench.dry_run(ME, name), lambda name=name: bench.offered_host_key(ME, name)):
                try:
                    verb()
                except FleetError as error:
                    said.append("".join(traceback.format_exception(error)) + repr(error) + str(error.facts))
            found = check(settings, FLEET, bench.repository(name))
            said.append(repr(found))

    def secret(web: object, deep: object) -> None:
        vault.secrets.update({HTTPS_PATH: web, SSH_PATH: deep})  # type: ignore[dict-item]

    right = vault.secrets[HTTPS_PATH], vault.secrets[SSH_PATH]
    with Workbench.open_home(fast) as bench, Watch(fast.home) as watch:
        bench.add_repository(ME, "web", https, account="acme", vault_credential_path=HTTPS_PATH)
        bench.add_repository(ME, "deep", ssh, account="acme", vault_credential_path=SSH_PATH)
        go()
        go(replace(fast, vault_token="", vault_role_id=ROLE_ID, vault_secret_id=SECRET_ID))
        go(replace(fast, vault_token="", vault_role_id="wrong", vault_secret_id=SECRET_ID))
        go(replace(fast, git_ca_file=""))
        go(replace(fast, vault_ca_file=""))
        go(replace(fast, vault_address="https://localhost:1"))
        secret({"username": USERNAME, "password": WRONG}, {"ssh_key": sshd.barred.read_text()})
        go()
        secret({"username": WRONG, "pass": PASSWORD}, {"ssh_key": (sshd.folder / "locked-key").read_text()})
        go()
        secret({"username": USERNAME, "password": PASSWORD + "\n" + WRONG}, {"ssh_key": sshd.key.read_text()[40:]})
        go()
        secret(None, {"ssh_key": sshd.stranger.read_text()})
        go()
        secret(*right)
        vault.sealed = True
        go()
        vault.sealed = False
        sshd.start("host-2")
        go()
        sshd.start("host-1")
        served.push(os.urandom(100_000), file="film.bin")
        with cut(nginx.port) as web, cut(sshd.port) as deep:
            bench.change_repository(ME, "web", {"url": https.replace(str(nginx.port), str(web)), "vault_credential_path": HTTPS_PATH})  # fmt: skip
            bench.change_repository(ME, "deep", {"url": ssh.replace(str(sshd.port), str(deep)), "vault_credential_path": SSH_PATH})  # fmt: skip
            for name in ("web", "deep"):
                use = bench.credential_use(name)
                assert use is not None
                bench.trust_credential(ME, name, use.path, use.host)
            go()
        tables = [name for (name,) in query(bench.store, "SELECT table_name FROM duckdb_tables()")]
        rows = [str(query(bench.store, f"SELECT t::VARCHAR FROM {name} t")) for name in tables]
        events = "\n".join(repr(event) for event in bench.events(limit=10_000))
    assert {"ok", "FLEET-201", "FLEET-214", "FLEET-215", "FLEET-216", "FLEET-221", "FLEET-222", "FLEET-225", "FLEET-226", "FLEET-227", "FLEET-228"} <= codes  # fmt: skip
    files = [path.read_bytes() for path in fast.home.rglob("*") if path.is_file()]
    out, err = capfd.readouterr()
    assert len(files) > 10
    assert any(b"git\0" in line and b"fetch" in line for line in watch.seen), "the watch has seen git at work"
    assert any(b"ssh\0-F" in line for line in watch.seen), "and ssh"
    haystacks = {
        "files": b"\n".join(files),
        "rows": "\n".join(rows).encode(),
        "events": events.encode(),
        "errors": "\n".join(said).encode(),
        "log": "\n".join([caplog.text, *(repr(record.args) for record in caplog.records)]).encode(),
        "output": (out + err).encode(),
        "processes": b"\n".join(watch.seen),
    }
    assert HTTPS_PATH.encode() in haystacks["rows"], "the search would find what is there"
    found = [(place, word[:12]) for place, text in haystacks.items() for word in secrets if word in text]
    assert found == []


def test_no_secret_is_shown_by_the_command_line(
    nginx: Nginx, served: GitRepository, reaching: Settings, sshd: Sshd, vault: VaultDouble, tmp_path: Path
) -> None:
    locked = locked_key(sshd)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "FLEET_HOME": str(reaching.home),
        "FLEET_DEBUG": "1",
        "FLEET_ACTOR": "ana",
        "FLEET_GIT_CA_FILE": reaching.git_ca_file,
        "FLEET_REMOTE_HOSTS": reaching.remote_hosts,
        "VAULT_ADDR": vault.address,
        "VAULT_CACERT": reaching.vault_ca_file,
        "VAULT_ROLE_ID": ROLE_ID,
        "VAULT_SECRET_ID": SECRET_ID,
    }

    def fleet(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "engine.cli", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    https = nginx.url("private", served.path / ".git")
    told = [fleet("repo", "add", "web", https, "--account", "acme", "--vault-path", HTTPS_PATH)]
    told += [fleet("repo", "add", "deep", sshd.url(served.path), "--account", "acme", "--vault-path", SSH_PATH)]
    told += [fleet("repo", "check", "web"), fleet("repo", "check", "deep", "--json"), fleet("sync", "--all")]
    assert [code for code, _ in told] == [0] * 5, told
    vault.secrets[HTTPS_PATH] = {"username": USERNAME, "password": WRONG}
    vault.secrets[SSH_PATH] = {"ssh_key": locked}
    failed = [fleet("sync", "--all", "--json"), fleet("repo", "check", "web"), fleet("repo", "check", "deep")]
    environment["VAULT_SECRET_ID"] = WRONG
    failed += [fleet("sync", "web"), fleet("repo", "check", "deep")]
    environment["VAULT_TOKEN"] = WRONG
    failed += [fleet("sync", "web")]
    assert [code for code, _ in failed] == [1] * 6, failed
    told += [*failed, fleet("status", "--json"), fleet("repo", "show", "web"), fleet("run", "list", "--json")]
    everything = "\n".join(text for _, text in told).encode()
    assert [word for word in canaries(sshd) if word in everything] == []
