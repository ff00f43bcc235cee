"""All that must end in one clear error, quickly, with nothing written: registrations, and what a repository may hold."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import RefusedEdit
from engine.model import Actor
from engine.workbench import Workbench
from tests.conftest import GitRepository

ME = Actor("ana")
TEXT = "version: 1\naccount: acme\nmodules: {m: {}}\n"
GOOD = "https://git.example.com/x.git"

URLS = [
    "ext::sh -c 'touch x'", "ext::git-upload-pack", "file:///etc", "/etc", "../x", "~/x", "git://host/x", "http://host/x", "HTTPS://host/x", "--upload-pack=touch x",
    "https://host/x\ny", "https://host/x\0", "https://token@host/x", "https://user:pass@host/x", "ssh://user:pass@host/x", "ssh://-oProxyCommand=x/y", "ssh://git@-oProxyCommand=x/y",
    "git@-oProxyCommand=x:y", "git@host:-x", "https://[::1/x", "https://[zz::1]/x", "https://[fe80::1%25eth0]/x", "git@[1:2222]:x", "https://hоst.example/x", "https://host。example/x",
    "https://host\u2028/x", "https://host/x#y", "https://host/x?y", "https://host:0/x", "https://host:65536/x", "https://host", "https://", "host:x", "", " ", "x" * 3000,
]  # fmt: skip
BRANCHES = [
    "--orphan",
    "..",
    "a..b",
    "refs/../x",
    "refs/heads/main",
    "a b",
    " ",
    "b" * 300,
    "a\0",
    "a\nb",
    "@{-1}",
    "HEAD~1",
    "x.lock",
    "-",
]
PREFIXES = [
    "..",
    "a/../..",
    "/etc",
    "a\\b",
    "%2e%2e/x",
    "a\0",
    ".git",
    "a/.git",
    "./a",
    "a//b",
    "‥/x\u202e",
    "a" * 2000,
]
PATHS = ["secret", "../sys/seal", "secret/data/../../sys", "/secret/data/x", "secret//x", "secret/x?version=1", "secret/x#y", "secret/%2e%2e/x", "secret/x y", "secret/x\n", "s/" * 400]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "code"),
    [
        *(({"url": url}, "FLEET-61[123]") for url in URLS),
        *(({"branch": branch}, "FLEET-614") for branch in BRANCHES),
        *(({"path_prefix": prefix}, "FLEET-615") for prefix in PREFIXES),
        *(({"vault_credential_path": path}, "FLEET-616") for path in PATHS),
        ({"ssh_host_key": "ssh-ed25519 AAAA"}, "FLEET-617"),
    ],
)
def test_a_registration_is_refused_by_its_form_alone(workbench: Workbench, options: dict[str, str], code: str) -> None:
    workbench.settings = replace(workbench.settings, allow_local_remotes=0)
    workbench.add_repository(ME, "there", GOOD, account="acme")
    before = workbench.events()
    wanted = {"url": GOOD, **options}
    began = time.monotonic()
    with pytest.raises(RefusedEdit, match=code) as caught:
        workbench.add_repository(ME, "fc", account="acme", **wanted)  # type: ignore[arg-type]
    assert caught.value.hint
    assert "pass" not in caught.value.message
    with pytest.raises(RefusedEdit, match=code):
        workbench.change_repository(ME, "there", options)
    (wrong,) = [f for f in workbench.check_repository(ME, account="acme", **wanted) if f.ok is False]  # type: ignore[arg-type]
    assert wrong.error is not None
    assert time.monotonic() - began < 2
    assert [r.name for r in workbench.repositories()] == ["there"]
    assert workbench.events() == before


def _linked(repo: GitRepository, name: str, target: str) -> None:
    (repo.path / name).parent.mkdir(parents=True, exist_ok=True)
    (repo.path / name).symlink_to(target)
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "Link")


def _padded(size: int) -> bytes:
    return TEXT.encode() + b"#" + b"x" * (size - len(TEXT) - 2) + b"\n"


MIB = 1_048_576

REPOSITORIES: dict[str, tuple[Callable[[GitRepository], object], str, str]] = {
    "no commit": (lambda r: None, "", "FLEET-203"),
    "a link that leads out": (lambda r: _linked(r, "fleet.yaml", "/etc/passwd"), "", "FLEET-206"),
    "a link to itself": (lambda r: _linked(r, "fleet.yaml", "fleet.yaml"), "", "FLEET-206"),
    "a link that leads to a good file": (
        lambda r: (r.push(TEXT, file="other.yaml"), _linked(r, "fleet.yaml", "other.yaml")), "", "FLEET-206",
    ),
    "a folder": (lambda r: r.push("x", file="fleet.yaml/inner"), "", "FLEET-206"),
    "a prefix through a link": (lambda r: (r.push(TEXT, file="a/fleet.yaml"), _linked(r, "b", "a")), "b", "FLEET-204"),
    "a prefix through a link that leads out": (lambda r: _linked(r, "b", "/etc"), "b", "FLEET-204"),
    "a byte over the limit": (lambda r: r.push(_padded(MIB + 1)), "", "FLEET-207"),
    "binary": (lambda r: r.push(bytes(range(256))), "", "FLEET-10[23]"),
    "UTF-16": (lambda r: r.push(TEXT.encode("utf-16")), "", "FLEET-102"),
    "empty": (lambda r: r.push(b""), "", "FLEET-12[01]"),
    "only comments": (lambda r: r.push("# nothing\n# yet\n"), "", "FLEET-12[01]"),
    "another account": (lambda r: r.push(TEXT.replace("acme", "other")), "", "FLEET-125"),
}  # fmt: skip


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_repository_that_cannot_be_read_fails_the_run_with_one_error(
    workbench: Workbench, git_repo: GitRepository, name: str
) -> None:
    make, prefix, code = REPOSITORIES[name]
    make(git_repo)
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme", path_prefix=prefix)
    run = workbench.sync(ME, "fc").run
    assert run.status == "failed"
    assert run.error is not None
    assert re.fullmatch(code, run.error["code"])
    assert run.error["hint"]
    assert "root:" not in str(run.error)
    assert (workbench.proposals(), workbench.resources(), run.diff_count, run.remaining) == ([], [], 0, 0)
    (wrong,) = [
        f
        for f in workbench.check_repository(ME, str(git_repo.path), account="acme", path_prefix=prefix)
        if f.ok is False
    ]
    assert wrong.error is not None
    assert wrong.error.code == run.error["code"]


@pytest.mark.parametrize(
    "content", [_padded(MIB), TEXT.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + TEXT.encode()]
)
def test_what_only_looks_odd_is_read(workbench: Workbench, git_repo: GitRepository, content: bytes) -> None:
    git_repo.push(content)
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    assert [p.key.address for p in workbench.sync(ME, "fc").proposals] == ["modules/m"]


def test_a_branch_that_is_deleted_and_comes_back(workbench: Workbench, git_repo: GitRepository, home: Path) -> None:
    git_repo.push(TEXT)
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    first = workbench.sync(ME, "fc").proposals
    git_repo.git("branch", "--move", "main", "aside")
    run = workbench.sync(ME, "fc").run
    assert run.error is not None
    assert run.error["code"] == "FLEET-203"
    assert [p.id for p in workbench.live_proposals()] == [p.id for p in first], "what was proposed still stands"
    git_repo.git("branch", "--move", "aside", "main")
    git_repo.push(TEXT.replace("m:", "n:"))
    assert [p.key.address for p in workbench.sync(ME, "fc").proposals] == ["modules/n"]
