"""Every program that the product starts gets an environment without the secrets of this process; an old git is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from engine.errors import FleetError, SyncError
from engine.flow import sync
from engine.flow.sync import access
from engine.flow.sync.secrets import DeployKey
from engine.model import Actor, Repository
from engine.settings import ACCESS, SERVING, Settings
from tests.conftest import GitRepository

CANARY = "canary-of-the-environment"
SECRETS = [text.variable for text in [*ACCESS.values(), *SERVING.values()] if text.secret]
RECORDER = """#!/bin/sh
# Writes down what it is called with, then does the work.
{ echo "= ${0##*/} $*"; env; } >> "$(dirname "$0")/record"
%s
"""


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder first on PATH whose programs record their environments; this process has every secret in its own."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("git", "ssh", "ssh-keygen", "ssh-keyscan"):
        real = shutil.which(name)
        assert real, name
        (folder / name).write_text(RECORDER % f'exec {real} "$@"')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    for name in [*SECRETS, "GIT_DIR", "GIT_TRACE", "SSH_AUTH_SOCK", "AWS_SECRET_ACCESS_KEY"]:
        monkeypatch.setenv(name, CANARY)
    return folder / "record"


def fetch(settings: Settings, remote: GitRepository) -> None:
    remote.push("version: 1\naccount: acme\n")
    sync.fetch(Repository(1, "fc", "acme", str(remote.path)), settings)


def check_key(settings: Settings, _remote: GitRepository) -> None:
    repository = Repository(1, "fc", "acme", "ssh://git@127.0.0.1:1/x", vault_credential_path="secret/data/x")
    key = DeployKey("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    with suppress(FleetError), access.reaching(repository, key, settings, None):
        pass


def scan(_settings: Settings, _remote: GitRepository) -> None:
    with suppress(FleetError):
        sync.scan("ssh://git@127.0.0.1:1/x", 1)


def version(_settings: Settings, _remote: GitRepository) -> None:
    assert sync.git_version()


def demo(settings: Settings, _remote: GitRepository) -> None:
    from engine.cli import story as playing

    with playing.run(settings, Actor("ana")).workbench:
        pass


CHILDREN: dict[str, tuple[Callable[[Settings, GitRepository], None], list[str]]] = {
    "a fetch": (fetch, ["= git version", "init --bare", "fetch --quiet", "cat-file --batch-command"]),
    "a look at a key": (check_key, ["= ssh-keygen -y"]),
    "a scan of a host": (scan, ["= ssh-keyscan -T"]),
    "the version": (version, ["= git version"]),
    "the demo": (demo, ["init --quiet", "cat-file --batch-command"]),
}
"""For each thing that starts children: how it is done, and what is seen of them."""


@pytest.mark.parametrize("what", CHILDREN)
def test_no_child_gets_a_secret(what: str, record: Path, settings: Settings, git_repo: GitRepository) -> None:
    assert {"VAULT_TOKEN", "FLEET_WEBHOOK_SECRET", "FLEET_OIDC_CLIENT_SECRET"} <= set(SECRETS)
    do, started = CHILDREN[what]
    record.unlink(missing_ok=True)
    do(settings, git_repo)
    # The tests' own repository is made by a git of the tests, with the tests' environment.
    calls = [call for call in record.read_text().split("= ") if "user.email=ana@acme.example" not in call]
    said = "= ".join(calls)
    assert [words for words in started if words not in f"= {said}"] == []
    assert CANARY not in said


def test_only_one_module_starts_programs() -> None:
    """A new child has to go through it, or to be looked at here."""
    import engine

    assert engine.__file__
    root = Path(engine.__file__).parent
    starts = ("subprocess", "os.exec", "os.spawn", "os.system", "os.popen", "posix_spawn", "create_subprocess")
    found = {
        str(path.relative_to(root)) for path in root.rglob("*.py") if any(word in path.read_text() for word in starts)
    }
    assert found <= {"sync/call.py", "cli/notebook.py", "store/console.py"}


def test_the_notebook_gets_no_secret(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    from click.testing import CliRunner

    from engine.cli import cli

    given: dict[str, str] = {}
    monkeypatch.setattr(os, "execve", lambda _program, _command, environment: given.update(environment))
    for name in SECRETS:
        monkeypatch.setenv(name, f"https://{CANARY}.example.com" if name.endswith("URL") else CANARY)
    monkeypatch.setenv("FLEET_HOME", str(settings.home))
    monkeypatch.setenv("FLEET_OIDC_METADATA_URL", "https://idp.example.com/.well-known/openid-configuration")
    monkeypatch.setenv("FLEET_OIDC_CLIENT_ID", "fleet")
    monkeypatch.setenv("FLEET_ROLES", "*=viewer")
    done = CliRunner().invoke(cli, ["notebook", "--no-browser"])
    assert given, done.output
    assert given["FLEET_HOME"] == str(settings.home)
    assert CANARY not in str(given)


@pytest.mark.parametrize(
    ("said", "old"),
    [
        ("2.36.9", True), ("1.8.3.1", True), ("2.37.0", False), ("2.39.5 (Apple Git-154)", False), ("2.51.0.windows.1", False), ("3.0.0-rc1", False), ("unknown", False),
    ],
)  # fmt: skip
def test_an_old_git_is_refused_before_anything_is_fetched(
    said: str, old: bool, tmp_path: Path, settings: Settings, git_repo: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_repo.push("version: 1\naccount: acme\n")
    real, programs = shutil.which("git"), tmp_path / "old"
    programs.mkdir()
    (programs / "git").write_text(
        f'#!/bin/sh\n[ "$1" = version ] && echo "git version {said}" && exit\nexec {real} "$@"\n'
    )
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    repository = Repository(1, "fc", "acme", str(git_repo.path))
    assert sync.is_too_old(said) is old
    if not old:
        assert sync.fetch(repository, settings).content
        return
    with pytest.raises(SyncError, match=r"FLEET-232 .*2\.37") as caught:
        sync.fetch(repository, settings)
    assert "2.37" in caught.value.hint
    assert not (settings.home / "git").exists()


@pytest.mark.parametrize(
    ("call", "does", "code", "words"),
    [
        ("init", "echo 'fatal: cannot mkdir HEAD: No space left on device' >&2; exit 128", "FLEET-304", "disk is full"),
        ("fetch", "kill -9 $$", "FLEET-209", "killed by signal 9"),
        (
            "fetch",
            "echo 'fatal: fetch-pack: index-pack died of signal 9' >&2; exit 128",
            "FLEET-209",
            "killed by signal 9",
        ),
        ("fetch", "echo 'fatal: write error: No space left on device' >&2; exit 128", "FLEET-304", "disk is full"),
        ("fetch", "echo 'error: unable to write file: Disk quota exceeded' >&2; exit 128", "FLEET-304", "disk is full"),
        ("fetch", "echo 'fatal: cannot mkdir: Read-only file system' >&2; exit 128", "FLEET-305", "read-only"),
        (
            "fetch",
            "echo 'remote: No space left on device' >&2; echo 'fatal: early EOF' >&2; exit 128",
            "FLEET-201",
            "early EOF",
        ),
    ],
)
def test_what_this_machine_did_to_git_is_not_put_down_to_the_remote(
    settings: Settings, git_repo: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, does: str, code: str, words: str
) -> None:  # fmt: skip
    """A git in whose place a script fails as git does: a full disk cannot be had without the right to mount one."""
    git_repo.push("version: 1\naccount: acme\n")
    real, folder = shutil.which("git"), tmp_path / "programs"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\ncase "$*" in *" {call} "*) {does};; esac\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    with pytest.raises(FleetError, match=code) as caught:
        sync.fetch(Repository(1, "fc", "acme", str(git_repo.path)), settings)
    assert words in caught.value.message
    assert caught.value.hint


def test_a_lower_limit_of_the_system_does_not_keep_git_from_starting(
    settings: Settings, git_repo: GitRepository
) -> None:
    git_repo.push("version: 1\naccount: acme\n")
    limit = 100 * 2**20
    code = (
        "import resource; from pathlib import Path; from engine import sync; from engine.model import Repository; from engine.settings import Settings\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        f"settings = Settings.from_environment({str(settings.home)!r}, {{'FLEET_ALLOW_LOCAL_REMOTES': '1'}})\n"
        f"print(sync.fetch(Repository(1, 'fc', 'acme', {str(git_repo.path)!r}), settings).content)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "account: acme" in done.stdout, done.stderr
