"""Fetching from real git repositories: each way in which a remote can be wrong, and what it cannot do to us."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import SyncError
from engine.flow import sync
from engine.flow.sync import fetching
from engine.flow.sync.checkouts import checkout
from engine.model import Repository, Revision
from engine.settings import Settings
from tests.conftest import GitRepository

TEXT = "version: 1\naccount: acme\n"

Fetch = Callable[..., Revision]


@pytest.fixture
def fetch(git_repo: GitRepository, settings: Settings) -> Fetch:
    """Fetch from the test's repository, with a repository's settings changed as given."""

    def call(*, limit: int = 1_048_576, **changes: object) -> Revision:
        repository = Repository(id=1, name="fc", account="acme", url=str(git_repo.path))
        return sync.fetch(replace(repository, **changes), replace(settings, max_file_bytes=limit))  # type: ignore[arg-type]

    return call


def _link(repo: GitRepository, name: str, target: str) -> None:
    (repo.path / name).parent.mkdir(parents=True, exist_ok=True)
    (repo.path / name).symlink_to(target)
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "Link")


def test_a_revision_has_its_commit_author_subject_and_file(git_repo: GitRepository, fetch: Fetch) -> None:
    commit = git_repo.push(TEXT, subject="Bring\x1b[31m it in\n\nbody", author="Jonas <jonas@acme.example>")
    found = fetch()
    assert (found.commit, found.author, found.content.decode(), found.file) == (commit, "Jonas", TEXT, "fleet.yaml")
    assert found.subject.isprintable()


def test_an_empty_repository_has_no_branch(git_repo: GitRepository, fetch: Fetch) -> None:
    assert git_repo.path.exists()
    with pytest.raises(SyncError, match="FLEET-203"):
        fetch()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"branch": "none-such"}, "FLEET-203"),
        ({"path_prefix": "none/such"}, "FLEET-204"),
        ({"path_prefix": "fleet.yaml"}, "FLEET-204"),
        ({"path_prefix": "linked"}, "FLEET-204"),
        ({"path_prefix": "empty"}, "FLEET-205"),
        ({"path_prefix": "as-link"}, "FLEET-206"),
        ({"path_prefix": "as-folder"}, "FLEET-206"),
        ({"path_prefix": "as-module"}, "FLEET-206"),
        ({"url": "/none/such"}, "FLEET-201"),
        ({"url": "git@git.example.com:acme/fleet.git"}, "FLEET-217"),
        ({"url": "https://git.example.com/x", "vault_credential_path": "secret/data/x"}, "FLEET-220"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_remote_has_its_own_code_and_a_next_step(
    git_repo: GitRepository, fetch: Fetch, changes: dict[str, str], code: str
) -> None:
    git_repo.push(TEXT)
    git_repo.push(TEXT, file="empty/other.yaml")
    git_repo.push(TEXT, file="as-folder/fleet.yaml/inner.yaml")
    _link(git_repo, "linked", "empty")
    _link(git_repo, "as-link/fleet.yaml", "/etc/passwd")
    git_repo.git(
        "update-index", "--add", "--cacheinfo", f"160000,{git_repo.git('rev-parse', 'HEAD')},as-module/fleet.yaml"
    )
    git_repo.git("commit", "--quiet", "--message", "A submodule where the file should be")
    with pytest.raises(SyncError, match=code) as caught:
        fetch(**changes)
    assert caught.value.hint
    assert "root:" not in str(caught.value)


@pytest.mark.parametrize("name", ["fleet.yml", "Fleet.yaml", "FLEET.YAML", "Fleet.YML", "fleet.json", "fleet.yaml.txt"])
@pytest.mark.parametrize("prefix", ["", "prod/"])
def test_a_file_of_another_name_is_named(git_repo: GitRepository, fetch: Fetch, name: str, prefix: str) -> None:
    git_repo.push(TEXT, file=f"{prefix}{name}")
    with pytest.raises(SyncError, match="FLEET-205") as caught:
        fetch(path_prefix=prefix.strip("/"))
    assert f"but {prefix}{name}." in caught.value.message
    assert f"git mv {name} fleet.yaml" in caught.value.hint


@pytest.mark.parametrize("name", ["myfleet.yaml", "fleet.yaml.bak", "fleet.toml", "fleet.yml/inner.yaml"])
def test_a_file_that_is_not_meant_is_not_named(git_repo: GitRepository, fetch: Fetch, name: str) -> None:
    git_repo.push(TEXT, file=name)
    with pytest.raises(SyncError, match="FLEET-205") as caught:
        fetch()
    assert "Set the folder that contains fleet.yaml" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("fatal: dumb http transport does not support shallow capabilities", "plain web server"),
        ("fatal: Server does not support shallow clients", "not support shallow fetches"),
        ("fatal: Server does not support shallow requests", "not support shallow fetches"),
        ("fatal: the remote does not support --depth", "not support shallow fetches"),
    ],
)
def test_a_server_without_shallow_fetch_is_named(settings: Settings, said: str, word: str) -> None:
    error = fetching.explained(said, Repository(1, "fc", "acme", "https://git.example.com/x"), settings)
    assert (error.code, word in error.message) == ("FLEET-201", True)
    assert "URL" in error.hint


def test_a_file_at_the_limit_is_read_and_one_byte_more_is_not(git_repo: GitRepository, fetch: Fetch) -> None:
    git_repo.push(TEXT)
    assert fetch(limit=len(TEXT)).content.decode() == TEXT
    with pytest.raises(SyncError, match="FLEET-207"):
        fetch(limit=len(TEXT) - 1)


def test_a_force_push_and_a_vanished_branch_are_seen_at_the_next_tick(git_repo: GitRepository, fetch: Fetch) -> None:
    git_repo.push(TEXT)
    git_repo.push(TEXT + "# two\n")
    fetch()
    git_repo.git("reset", "--quiet", "--hard", "HEAD~1")
    forced = git_repo.push(TEXT + "# another two\n")
    assert fetch().commit == forced
    git_repo.git("branch", "--move", "main", "trunk")
    with pytest.raises(SyncError, match="FLEET-203"):
        fetch()
    assert fetch(branch="trunk").commit == forced


def test_a_server_that_accepts_and_stays_silent_costs_the_time_limit_and_leaves_nothing(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/x.git"
        began = time.monotonic()
        with pytest.raises(SyncError, match="FLEET-202"):
            sync.fetch(
                Repository(id=1, name="fc", account="acme", url=url),
                Settings(home=home, git_timeout_s=2, remote_hosts="127.0.0.1"),
            )
        assert time.monotonic() - began < 15
    left = subprocess.run(["pgrep", "--full", url], capture_output=True, text=True, check=False)
    assert left.stdout == ""


def test_what_is_done_meanwhile_is_done_while_git_works_and_ends_it_when_it_fails(home: Path) -> None:
    def at_work() -> bool:
        return bool(subprocess.run(["pgrep", "--full", url], capture_output=True, check=False).stdout)

    def meanwhile() -> None:
        assert at_work()
        raise KeyError("done")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/x.git"
        repository = Repository(id=1, name="fc", account="acme", url=url)
        with pytest.raises(KeyError, match="done"):
            sync.fetch_unless(
                lambda _commit: False, repository, Settings(home=home, remote_hosts="127.0.0.1"), meanwhile=meanwhile
            )
    assert not at_work()


def test_a_broken_git_folder_is_made_anew(git_repo: GitRepository, fetch: Fetch, home: Path) -> None:
    commit = git_repo.push(TEXT)
    fetch()
    for path in (checkout(home, 1) / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"broken")
    assert fetch().commit == commit


def test_nothing_of_the_users_git_is_read_and_no_hook_is_run(
    git_repo: GitRepository, fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_repo.push(TEXT)
    trap = tmp_path / "trap"
    hostile = tmp_path / "user"
    (hostile / "hooks").mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"):
        hook = hostile / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
        hook.chmod(0o755)
    (hostile / ".netrc").write_text("machine localhost login canary password canary\n")
    (hostile / ".gitconfig").write_text(
        f'[core]\n  hooksPath = {hostile}/hooks\n[url "/none/such/"]\n  insteadOf = {git_repo.path}\n[credential]\n  helper = !touch {trap}\n'
    )
    monkeypatch.setenv("HOME", str(hostile))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(hostile / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"touch {trap}")
    for name in ("GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_PROXY_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_EDITOR"):
        monkeypatch.setenv(name, f"touch {trap}")
    for name in (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_TEMPLATE_DIR",
        "GIT_EXEC_PATH",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_SHALLOW_FILE",
        "GIT_TRACE",
        "GIT_TRACE_CURL",
    ):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert fetch().content.decode() == TEXT
    assert not trap.exists()
    assert not (tmp_path / "elsewhere").exists()


def test_local_remotes_need_to_be_allowed(git_repo: GitRepository, settings: Settings) -> None:
    git_repo.push(TEXT)
    repository = Repository(id=1, name="fc", account="acme", url=str(git_repo.path))
    with pytest.raises(SyncError, match="FLEET-208"):
        sync.fetch(repository, replace(settings, allow_local_remotes=0))
    assert sync.fetch(replace(repository, url=f"file://{git_repo.path}"), settings).content.decode() == TEXT
    assert os.environ.get("GIT_DIR") is None
