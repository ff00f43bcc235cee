"""Sync: a registered repository in, the fleet file at its fetched commit out. Writes nothing but its own git folder.

remotes.py        which URLs, branches and prefixes may be registered (pure)
vault.py          the secret at a path, anew at each sync
credentials.py    what such a secret must hold for a remote (pure)
lookup.py         where a remote's host is, and whether a remote may be there
hostkeys.py       the keys by which ssh hosts are known
access.py         the private folder and the environment of one call
call.py           starting programs: git under its limits, an environment without secrets
fetching.py       bringing one branch, and what git's failures mean
reading.py        one file from the object database
checkouts.py      where what was fetched lies, and what is removed
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache

from engine.errors import SyncError
from engine.flow.sync import call
from engine.flow.sync.checkouts import checkout, fetched_commit, reached_at, remove_checkout, tidy
from engine.flow.sync.hostkeys import fingerprint, read_host_key, scan, shown_host_key
from engine.flow.sync.lookup import check_host, find
from engine.flow.sync.remotes import (
    check_branch,
    check_prefix,
    check_url,
    commit_page,
    endpoint,
    is_ssh,
    local_path,
    shown_url,
    transport,
)
from engine.flow.sync.secrets import Credential, DeployKey, shaped
from engine.model import Repository, Revision
from engine.phrases import argument
from engine.settings import Settings
from engine.system import surroundings

__all__ = [
    "check_branch",
    "check_host",
    "check_prefix",
    "check_url",
    "commit_page",
    "endpoint",
    "fetch",
    "fetch_unless",
    "fingerprint",
    "git_version",
    "is_ssh",
    "is_too_old",
    "local_path",
    "offered_host_key",
    "reached_at",
    "read_host_key",
    "remove_checkout",
    "scan",
    "shown_host_key",
    "shown_url",
    "tidy",
    "transport",
]

LEAST_GIT = (2, 37)
"""The oldest git that works: it knows `cat-file --batch-command` (2.36) and `http.curloptResolve` (2.37).

An older one ignores a setting that it does not know, and so would go to another address than the one that was checked.
"""

Found = Callable[[str, str], None]
"""Told, by step of a check, what was found there."""


def fetch(
    repository: Repository,
    settings: Settings,
    *,
    halted: Callable[[], str | None] = lambda: None,
    found: Found = lambda _step, _detail: None,
) -> Revision:
    """Bring the newest commit of the registered branch and give its fleet file. Raises, effects: as `fetch_unless`."""
    revision = fetch_unless(lambda _commit: False, repository, settings, halted=halted, found=found)
    assert revision is not None  # noqa: S101  for mypy: no commit is known
    return revision


def fetch_unless(
    known: Callable[[str], bool],
    repository: Repository,
    settings: Settings,
    *,
    halted: Callable[[], str | None] = lambda: None,
    found: Found = lambda _step, _detail: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Revision | None:
    """Bring the newest commit of the registered branch and give its fleet file; None, unread, where that commit is known.

    `meanwhile` is called while git is at work, which costs nobody time.
    Effects: a bare repository under `<home>/git/<id>`, at most one commit deep; for the length of the call, the credential in a
    private folder.
    Raises: SyncError FLEET-201 unreachable, 202 time limit, 203 no such branch, 204 no such folder, 205 no fleet file,
    206 not a plain file, 207 file over its limit, 208 remote not taken, 209 git failed, 213 redirect, 214 certificate,
    215 credential refused, 216 host key, 217 no key for ssh, 218 fetch over its limit, 219 host not allowed, 220 to 228 Vault and what it holds,
    232 git too old, 502 halted.
    """
    # What a tick alone needs is imported by it.
    from engine.flow.sync import access, fetching

    _check_git()
    _check_allowed(repository, settings)
    credential = _credential(repository, settings, found)
    place = find(repository.url, settings, halted)
    folder = checkout(settings.home, repository.id)

    def once() -> Revision | None:
        with access.reaching(repository, credential, settings, place) as reached:
            try:
                fetching.fetch(folder, repository, reached, settings, halted, meanwhile)
            finally:
                key = reached.host_key()
                if key is not None:
                    found("host key", shown_host_key(key) + ("" if repository.ssh_host_key else ", not pinned yet"))
        if known(fetched_commit(folder)) and (key is None or repository.ssh_host_key):
            return None
        from engine.flow.sync import reading

        revision = reading.read(folder, repository, settings, halted)
        return revision if repository.ssh_host_key else replace(revision, host_key=key)

    try:
        return once()
    except (fetching.BrokenFolder, OSError):
        # A killed git or a bad disk: what we hold can be fetched again, so that is done at once, and only once.
        remove_checkout(settings.home, repository.id)
    except MemoryError:
        raise fetching.needs_memory(repository) from None
    try:
        return once()
    except MemoryError:
        raise fetching.needs_memory(repository) from None
    except (fetching.BrokenFolder, OSError) as broken:
        if (local := surroundings.told(broken)) is not None:
            raise local from broken
        raise SyncError(
            "FLEET-209",
            f"Git failed: {fetching.cleaned(str(broken))}",
            "Try again; if it fails again, check the disk and the remote.",
        ) from broken


def offered_host_key(url: str, settings: Settings) -> str:
    """The key that the host of an ssh URL shows now. Raises: SyncError FLEET-201, 202, 219."""
    place = find(url, settings)
    limit = min(settings.git_timeout_s, 15)
    return scan(url, limit, address=None if place is None else place.one())


def git_version() -> str | None:
    """Version of the git that fetches; None where there is none. Each git on PATH is asked once."""
    found = shutil.which("git")
    return _version_of(found) if found else None


@cache
def _version_of(git: str) -> str | None:
    with suppress(OSError, call.TimeLimit):
        code, said = call.answer([git, "version"], limit_s=5)
        return said.removeprefix("git version ").strip() if code == 0 else None
    return None


def is_too_old(version: str) -> bool:
    """Whether this git lacks what a fetch needs. One whose version cannot be read is taken for new enough."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) < LEAST_GIT


def _check_git() -> None:
    version = git_version()
    if version is not None and is_too_old(version):
        least = ".".join(map(str, LEAST_GIT))
        raise SyncError(
            "FLEET-232",
            f"The git version of this machine is {version[:40]}; the minimum is {least}.",
            f"Install git {least} or newer; the Settings page shows the version in use.",
        )


def _check_allowed(repository: Repository, settings: Settings) -> None:
    """Refuse a kind of remote that the settings no longer allow, as they may have when it was registered."""
    path = local_path(repository.url)
    demo = (settings.home / "demo").resolve()
    if path is not None and not settings.allow_local_remotes and not path.expanduser().resolve().is_relative_to(demo):
        raise SyncError(
            "FLEET-208",
            "Local paths and file:// are for tests.",
            "Use https or ssh, or set FLEET_ALLOW_LOCAL_REMOTES=1.",
            repository=repository.name,
        )
    if repository.url.startswith("http://") and not settings.allow_http_remotes:
        raise SyncError(
            "FLEET-208",
            "http:// remotes are not allowed: anyone on the network path could change the fleet file.",
            "Use https, or set FLEET_ALLOW_HTTP_REMOTES=1 if you trust the network.",
            repository=repository.name,
        )
    check_host(repository.url, settings, SyncError)


def _credential(repository: Repository, settings: Settings, found: Found) -> Credential | None:
    path = repository.vault_credential_path
    if path is None:
        if is_ssh(repository.url):
            raise SyncError(
                "FLEET-217",
                f"{repository.name} uses ssh, but it has no key.",
                f"Put a deploy key into Vault and set its path: fleet repo set {argument(repository.name)} --vault-path secret/data/team/name",
                repository=repository.name,
            )
        return None
    from engine.flow.sync import vault

    credential = shaped(vault.read_secret(path, settings), repository.url, path)
    held = "ssh_key" if isinstance(credential, DeployKey) else "username and password"
    found("credential", f"{held} at {path} in Vault")
    return credential
