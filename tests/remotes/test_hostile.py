"""Remotes that mean ill or die: what they send is bounded in time, bytes and words, and nothing of it stays."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import SyncError
from engine.flow import sync
from engine.flow.sync import call
from engine.flow.sync.checkouts import checkout, private
from engine.model import Repository
from engine.settings import Settings
from tests.conftest import GitRepository
from tests.remotes.conftest import HTTPS_PATH, SSH_PATH, TEXT
from tests.remotes.servers import Cutter, Nginx, Sshd
from tests.remotes.vault_double import VaultDouble

Way = tuple[str, str | None]


def nothing_left(home: Path) -> bool:
    """Whether neither half a pack, nor a lock, nor a secret, nor a child is left."""
    left = [p.name for p in checkout(home, 1).rglob("*") if p.name.startswith("tmp_") or p.suffix == ".lock"]
    return not left and list(private(home).iterdir()) == [] and not children(home)


def children(home: Path) -> list[str]:
    """Processes that were started for a fetch of this home: their environment says so."""
    mine = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"HOME={private(home)}".encode() in (process / "environ").read_bytes():
                mine.append((process / "cmdline").read_text())
    return mine


@pytest.fixture
def heavy(served: GitRepository) -> GitRepository:
    """A repository with three megabytes that cannot be compressed."""
    (served.path / "film.bin").write_bytes(os.urandom(3_000_000))
    served.push(TEXT)
    return served


@pytest.fixture(params=["https", "ssh"])
def cut(
    request: pytest.FixtureRequest, nginx: Nginx, sshd: Sshd, heavy: GitRepository
) -> Iterator[tuple[Repository, Cutter]]:
    """A repository behind something that cuts its connection in the middle of the pack."""
    https = request.param == "https"
    cutter = Cutter(nginx.port if https else sshd.port, 500_000)
    url = nginx.url("private", heavy.path / ".git") if https else sshd.url(heavy.path)
    url = url.replace(f":{nginx.port}/", f":{cutter.port}/").replace(f":{sshd.port}/", f":{cutter.port}/")
    yield Repository(1, "fc", "acme", url, vault_credential_path=HTTPS_PATH if https else SSH_PATH), cutter
    cutter.close()


def test_a_server_that_dies_in_the_middle_fails_the_fetch_and_leaves_nothing(
    cut: tuple[Repository, Cutter], reaching: Settings
) -> None:
    repository, cutter = cut
    with pytest.raises(SyncError, match="FLEET-201"):
        sync.fetch(repository, reaching)
    assert nothing_left(reaching.home)
    cutter._after = 10**9
    assert sync.fetch(repository, reaching).content.decode() == TEXT


def test_a_server_that_falls_silent_in_the_middle_costs_the_time_limit(
    cut: tuple[Repository, Cutter], reaching: Settings
) -> None:
    repository, cutter = cut
    cutter._silent = True
    began = time.monotonic()
    with pytest.raises(SyncError, match=r"FLEET-202 .*within 3 s"):
        sync.fetch(repository, replace(reaching, git_timeout_s=3))
    assert time.monotonic() - began < 8
    assert nothing_left(reaching.home)


def test_whoever_ends_ends_a_fetch_at_once(cut: tuple[Repository, Cutter], reaching: Settings) -> None:
    repository, cutter = cut
    cutter._silent = True
    began = time.monotonic()
    with pytest.raises(SyncError, match="FLEET-502"):
        sync.fetch(repository, reaching, halted=lambda: "ending" if time.monotonic() - began > 2 else None)
    assert time.monotonic() - began < 4
    assert nothing_left(reaching.home)


@pytest.mark.parametrize("way", ["https", "ssh", "local"])
def test_a_fetch_brings_no_more_than_it_may(
    way: str, nginx: Nginx, sshd: Sshd, heavy: GitRepository, reaching: Settings
) -> None:
    urls = {"https": nginx.url("public", heavy.path / ".git"), "ssh": sshd.url(heavy.path), "local": str(heavy.path)}
    path = SSH_PATH if way == "ssh" else None
    repository = Repository(1, "fc", "acme", urls[way], vault_credential_path=path)
    with pytest.raises(SyncError, match=r"FLEET-218 .*2,000,000 bytes.*FLEET_MAX_FETCH_BYTES"):
        sync.fetch(repository, replace(reaching, max_fetch_bytes=2_000_000))
    assert nothing_left(reaching.home)
    assert sum(p.stat().st_size for p in checkout(reaching.home, 1).rglob("*")) < 200_000
    assert sync.fetch(repository, replace(reaching, max_fetch_bytes=4_000_000)).content.decode() == TEXT


def test_what_was_fetched_bit_by_bit_does_not_grow_without_end(served: GitRepository, reaching: Settings) -> None:
    repository = Repository(1, "fc", "acme", str(served.path))
    small = replace(reaching, max_fetch_bytes=2_000_000)
    for _ in range(4):
        (served.path / "film.bin").write_bytes(os.urandom(900_000))
        commit = served.push(TEXT)
        assert sync.fetch(repository, small).commit == commit
    packs = list(checkout(reaching.home, 1).glob("objects/pack/*.pack"))
    assert sum(pack.stat().st_size for pack in packs) < 3_000_000
    assert len(packs) < 4


def test_a_file_of_two_hundred_megabytes_in_a_small_pack_is_measured_and_not_read(
    served: GitRepository, reaching: Settings
) -> None:
    with (served.path / "fleet.yaml").open("wb") as file:
        file.truncate(200_000_000)
    served.git("add", "--all")
    served.git("commit", "--quiet", "--message", "Zeros")
    with pytest.raises(SyncError, match=r"FLEET-207 .*200,000,000 bytes"):
        sync.fetch(Repository(1, "fc", "acme", f"file://{served.path}"), reaching)


def test_an_object_that_declares_two_gigabytes_and_has_none_fails_the_fetch(
    served: GitRepository, reaching: Settings
) -> None:
    import zlib

    blob = served.git("rev-parse", "HEAD:fleet.yaml")
    place = served.path / ".git" / "objects" / blob[:2] / blob[2:]
    place.chmod(0o644)
    place.write_bytes(zlib.compress(b"blob 2147483648\0" + b"x" * 100))
    with pytest.raises(SyncError, match=r"FLEET-20[19]"):
        sync.fetch(Repository(1, "fc", "acme", str(served.path)), reaching)
    assert nothing_left(reaching.home)


def test_a_remote_that_talks_without_end_is_not_listened_to(
    sshd: Sshd, served: GitRepository, reaching: Settings, vault: VaultDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.secrets[SSH_PATH] = {"ssh_key": sshd.flooding.read_text()}
    heard: list[int] = []
    listen = call._listen

    def listening(process: subprocess.Popen[bytes], said: bytearray, *rest: object) -> None:
        try:
            listen(process, said, *rest)  # type: ignore[arg-type]
        finally:
            heard.append(len(said))

    monkeypatch.setattr(call, "_listen", listening)
    repository = Repository(1, "fc", "acme", sshd.url(served.path), vault_credential_path=SSH_PATH)
    with pytest.raises(SyncError, match="FLEET-202"):
        sync.fetch(repository, replace(reaching, git_timeout_s=2))
    assert max(heard) == call.MOST_WORDS, "and not a byte more"
    assert nothing_left(reaching.home)


def test_nothing_that_a_repository_asks_for_is_done(served: GitRepository, reaching: Settings, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    (served.path / ".gitmodules").write_text(f'[submodule "x"]\n  path = x\n  url = ext::sh -c "touch {trap}"\n  update = !touch {trap}\n')  # fmt: skip
    (served.path / ".gitattributes").write_text("* filter=lfs diff=lfs merge=lfs ident\n")
    (served.path / ".lfsconfig").write_text(
        f"[lfs]\n  url = http://127.0.0.1:1/\n  customtransfer.x.path = touch {trap}\n"
    )
    served.git("update-index", "--add", "--cacheinfo", f"160000,{served.git('rev-parse', 'HEAD')},x")
    hooks = served.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    served.push(TEXT)
    assert sync.fetch(Repository(1, "fc", "acme", str(served.path)), reaching).content.decode() == TEXT
    assert not trap.exists()
    assert not list(checkout(reaching.home, 1).rglob("hooks"))
