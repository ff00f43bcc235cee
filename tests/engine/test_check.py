"""Looking at a remote before it is registered: each step by itself, nothing written, nothing left behind."""

from __future__ import annotations

import pytest

from engine.errors import RefusedEdit
from engine.model import Actor, Permission
from engine.workbench import Workbench
from engine.workbench.check import STEPS
from tests.conftest import GitRepository

ME = Actor("ana")
TEXT = "version: 1\naccount: acme\nmodules: {m: {}}\n"


def failed_at(workbench: Workbench, url: str, **options: str) -> tuple[str, str]:
    """(step, code) of the one thing that is wrong."""
    found = workbench.check_repository(ME, url, account="acme", **options)  # type: ignore[arg-type]
    assert [finding.name for finding in found] == list(STEPS)
    (wrong,) = [finding for finding in found if finding.ok is False]
    assert wrong.error is not None
    assert wrong.error.hint
    after = found[list(STEPS).index(wrong.name) + 1 :]
    assert all(finding.ok is None for finding in after), "what stands on the wrong thing was not looked at"
    return wrong.name, wrong.error.code


def test_all_is_well(workbench: Workbench, git_repo: GitRepository) -> None:
    git_repo.push(TEXT, subject="Begin")
    found = {f.name: f for f in workbench.check_repository(ME, str(git_repo.path), account="acme")}
    assert all(finding.ok is not False for finding in found.values())
    assert "Begin" in found["branch"].detail
    assert found["content"].detail == "declares 1 resource in account acme"
    assert workbench.repositories() == []
    assert workbench.events() == []
    assert not (workbench.settings.home / "git").exists(), "what was fetched lay elsewhere and is gone again"


def test_each_step_says_what_is_wrong_with_it(workbench: Workbench, git_repo: GitRepository) -> None:
    git_repo.push(TEXT)
    url = str(git_repo.path)
    assert failed_at(workbench, "ext::sh -c x") == ("form", "FLEET-611")
    assert failed_at(workbench, "https://me:pw@git.example.com/x.git") == ("form", "FLEET-612")
    assert failed_at(workbench, "git@git.example.com:x.git") == ("credential", "FLEET-217")
    assert failed_at(workbench, "git@git.example.com:x.git", ssh_host_key="nonsense") == ("host key", "FLEET-617")
    https = "https://git.example.com/x.git"
    assert failed_at(workbench, https, vault_credential_path="../x") == ("credential", "FLEET-616")
    assert failed_at(workbench, https, vault_credential_path="secret/data/x") == ("credential", "FLEET-220")
    assert failed_at(workbench, f"{url}/nowhere") == ("remote", "FLEET-201")
    assert failed_at(workbench, url, branch="nope") == ("branch", "FLEET-203")
    assert failed_at(workbench, url, branch="--orphan") == ("branch", "FLEET-614")
    assert failed_at(workbench, url, path_prefix="nope") == ("folder", "FLEET-204")
    assert failed_at(workbench, url, path_prefix="../x") == ("folder", "FLEET-615")
    git_repo.push(TEXT, file="other/x.yaml")
    assert failed_at(workbench, url, path_prefix="other") == ("file", "FLEET-205")
    git_repo.push(TEXT.replace("acme", "other"))
    assert failed_at(workbench, url) == ("content", "FLEET-125")


def test_it_asks_for_permission(workbench: Workbench, git_repo: GitRepository) -> None:
    with pytest.raises(RefusedEdit, match="FLEET-600"):
        workbench.check_repository(Actor("eve", frozenset({Permission.READ})), str(git_repo.path))


def test_a_dry_run_finds_what_a_sync_would_and_writes_nothing(workbench: Workbench, git_repo: GitRepository) -> None:
    git_repo.push(TEXT)
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    before = workbench.events()
    revision, preview = workbench.dry_run(ME, "fc")
    assert revision.content.decode() == TEXT
    assert [entry.difference.key.address for entry in preview.entries] == ["modules/m"]
    assert (workbench.events(), workbench.runs(), workbench.proposals()) == (before, [], [])
    assert [p.key.address for p in workbench.sync(ME, "fc").proposals] == ["modules/m"]
