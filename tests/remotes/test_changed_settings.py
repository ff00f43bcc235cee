"""Settings of a repository that are changed: what takes effect, and which secrets stay behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RefusedEdit, SyncError
from engine.flow import sync
from engine.model import Actor, Revision
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository, SetClock
from tests.remotes.conftest import HTTPS_PATH, SSH_PATH, TEXT
from tests.remotes.servers import Nginx, Sshd
from tests.remotes.vault_double import VaultDouble

ME = Actor("ana")


@pytest.fixture
def bench(reaching: Settings) -> Iterator[Workbench]:
    with Workbench.open_home(reaching) as opened:
        yield opened


def test_another_url_branch_or_prefix_takes_effect_at_the_next_tick(
    bench: Workbench, git_repo: GitRepository, tmp_path: Path
) -> None:
    other = GitRepository(tmp_path / "other")
    git_repo.push(TEXT)
    git_repo.push(TEXT.replace("m:", "prod:"), file="prod/fleet.yaml")
    other.push(TEXT.replace("m:", "other:"))
    other.git("branch", "release")
    other.push(TEXT.replace("m:", "later:"))
    bench.add_repository(ME, "fc", str(git_repo.path), account="acme")

    def proposed() -> list[str]:
        return [p.key.name for p in bench.sync(ME, "fc").proposals]

    assert proposed() == ["m"]
    bench.change_repository(ME, "fc", {"path_prefix": "prod"})
    assert proposed() == ["prod"]
    bench.change_repository(ME, "fc", {"path_prefix": "", "url": str(other.path)})
    assert proposed() == ["later"]
    bench.change_repository(ME, "fc", {"branch": "release"})
    assert proposed() == ["other"]
    assert bench.sync(ME, "fc").run.unchanged


def test_a_change_in_the_middle_of_a_tick_is_not_lost(
    bench: Workbench, git_repo: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_repo.push(TEXT)
    git_repo.push(TEXT.replace("m:", "prod:"), file="prod/fleet.yaml")
    bench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    fetch = sync.fetch_unless

    def changed_meanwhile(*given: Any, **more: Any) -> Revision | None:
        fetched = fetch(*given, **more)
        bench.change_repository(ME, "fc", {"path_prefix": "prod"})
        return fetched

    with monkeypatch.context() as patch:
        patch.setattr(sync, "fetch_unless", changed_meanwhile)
        run = bench.sync(ME, "fc").run
        assert (run.status, run.error and run.error["code"]) == ("failed", "FLEET-233"), "it fetched by other settings"
    again = bench.sync(ME, "fc")
    assert not again.run.unchanged
    assert [p.key.name for p in again.proposals] == ["prod"]


def test_a_credential_is_not_sent_to_another_host_until_it_is_confirmed(
    bench: Workbench, nginx: Nginx, served: GitRepository, vault: VaultDouble
) -> None:
    url = nginx.url("private", served.path / ".git")
    bench.add_repository(ME, "fc", url, account="acme", vault_credential_path=HTTPS_PATH)
    assert bench.sync(ME, "fc").run.status == "success"
    asked = len(vault.requests)
    elsewhere = url.replace("localhost", "127.0.0.1")
    changed = bench.change_repository(ME, "fc", {"url": elsewhere})
    assert changed.vault_credential_path is None
    event = bench.events()[0].event
    assert event.data == {"url": elsewhere, "vault_credential_path": None}
    run = bench.sync(ME, "fc").run
    assert run.error is not None
    assert run.error["code"] == "FLEET-215"
    assert len(vault.requests) == asked, "Vault is not even asked"
    bench.change_repository(ME, "fc", {"vault_credential_path": HTTPS_PATH})
    assert bench.repository("fc").next_attempt_at is None, "once mended, the schedule does not wait"
    run = bench.sync(ME, "fc").run
    assert run.error is not None
    assert (run.error["code"], len(vault.requests)) == ("FLEET-229", asked), "given is not confirmed"
    bench.trust_credential(ME, "fc", HTTPS_PATH, f"127.0.0.1:{nginx.port}")
    assert bench.repository("fc").next_attempt_at is None, "nor does it wait once confirmed"
    assert bench.sync(ME, "fc").run.status == "success"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://git.example.com/acme/other.git", True),
        ("https://GIT.example.com:443/acme/fleet.git", True),
        ("https://git.example.com:8443/acme/fleet.git", False),
        ("https://git.example.com.evil.example/acme/fleet.git", False),
        ("https://example.com/acme/fleet.git", False),
        ("ssh://git@git.example.com/acme/fleet.git", False),
        ("git@git.example.com:acme/fleet.git", False),
    ],
)
def test_what_counts_as_another_host(bench: Workbench, url: str, kept: bool) -> None:
    first = "https://git.example.com/acme/fleet.git"
    bench.add_repository(ME, "fc", first, account="acme", vault_credential_path=HTTPS_PATH)
    assert (bench.change_repository(ME, "fc", {"url": url}).vault_credential_path is not None) is kept
    again = bench.change_repository(ME, "fc", {"url": first, "vault_credential_path": "secret/data/given"})
    assert again.vault_credential_path == "secret/data/given", "given with the URL, it is kept"


def test_a_host_key_belongs_to_its_host(bench: Workbench, sshd: Sshd) -> None:
    options = {"vault_credential_path": SSH_PATH, "ssh_host_key": sshd.host_key}
    bench.add_repository(ME, "fc", "git@one.example.com:x.git", account="acme", **options)
    moved = bench.change_repository(ME, "fc", {"url": "ssh://deploy@one.example.com:22/y.git"})
    assert (moved.vault_credential_path, moved.ssh_host_key is None) == (SSH_PATH, False)
    moved = bench.change_repository(ME, "fc", {"url": "git@two.example.com:x.git"})
    assert (moved.vault_credential_path, moved.ssh_host_key) == (None, None)


def test_a_credential_travels_by_https_and_ssh_only(bench: Workbench, git_repo: GitRepository) -> None:
    bench.settings = replace(bench.settings, allow_http_remotes=1)
    for url in ("http://git.example.com/x.git", str(git_repo.path)):
        with pytest.raises(RefusedEdit, match="FLEET-616"):
            bench.add_repository(ME, "fc", url, account="acme", vault_credential_path=HTTPS_PATH)
    bench.add_repository(ME, "fc", "https://git.example.com/x", account="acme", vault_credential_path=HTTPS_PATH)
    assert bench.change_repository(ME, "fc", {"url": "http://git.example.com/x"}).vault_credential_path is None
    with pytest.raises(RefusedEdit, match="FLEET-616"):
        bench.change_repository(ME, "fc", {"vault_credential_path": HTTPS_PATH})


def test_a_remote_that_is_no_longer_allowed_can_still_be_disabled(bench: Workbench, git_repo: GitRepository) -> None:
    git_repo.push(TEXT)
    bench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    bench.settings = replace(bench.settings, allow_local_remotes=0)
    assert bench.sync(ME, "fc").run.error["code"] == "FLEET-208"  # type: ignore[index]
    assert not bench.change_repository(ME, "fc", {"enabled": False}).enabled
    with pytest.raises(SyncError, match="FLEET-212"):
        bench.sync(ME, "fc")


def test_what_is_removed_or_was_left_by_a_kill_is_cleared_away(
    reaching: Settings, git_repo: GitRepository, clock: SetClock
) -> None:
    git_repo.push(TEXT)
    with Workbench.open_home(reaching) as bench:
        for name in ("stays", "goes"):
            bench.add_repository(ME, name, str(git_repo.path), account="acme")
            bench.sync(ME, name)
        folders = reaching.home / "git"
        assert sorted(p.name for p in folders.iterdir()) == ["1", "2"]
        bench.remove_repository(ME, "goes")
        assert [p.name for p in folders.iterdir()] == ["1"]
        (folders / "77" / "objects").mkdir(parents=True)
        (reaching.home / "private" / "left").mkdir(parents=True)
        (reaching.home / "private" / "left" / "key").write_text("canary")
    with Workbench.open_home(reaching):
        assert [p.name for p in folders.iterdir()] == ["1"]
        assert not list(reaching.home.glob("private/*"))
