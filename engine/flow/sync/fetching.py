"""Fetching one branch of an untrusted remote: its newest commit, and nothing else of it. Nothing is ever checked out."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.errors import SyncError
from engine.flow.sync.access import Access
from engine.flow.sync.call import GitFailed, Limits, Stopped, TimeLimit, run
from engine.flow.sync.checkouts import REF, note_reached, outgrown, remove_leftovers
from engine.flow.sync.remotes import is_ssh, local_path, shown_url
from engine.model import Repository
from engine.phrases import argument
from engine.settings import Settings
from engine.system import surroundings

_USUAL_MEMORY = 2**27
"""Address space of each process of git, which is enough for nearly every fetch, that of a pack of 256 MiB among them."""

_MUCH_MEMORY = threading.Lock()
"""Held by the one fetch that may take all of `FLEET_GIT_MEMORY_BYTES`."""


class BrokenFolder(Exception):
    """Git cannot work with what lies in our own folder."""


def fetch(
    folder: Path,
    repository: Repository,
    access: Access,
    settings: Settings,
    halted: Callable[[], str | None],
    meanwhile: Callable[[], object],
) -> None:
    """Bring the newest commit of the registered branch into a bare repository, at most one commit deep.

    Raises: SyncError FLEET-201 to 203, 209, 213 to 216, 218, 502; BrokenFolder.
    """
    try:
        _make(folder, access, settings)
        _fetch(folder, repository, access, settings, halted, meanwhile)
        note_reached(folder)
    except FileNotFoundError as error:
        raise no_git() from error
    except OSError as error:
        if (known := surroundings.told(error)) is not None and known.code == "FLEET-304":
            raise known from error
        raise BrokenFolder(error.strerror or "the disk reported an error") from error


def _make(folder: Path, access: Access, settings: Settings) -> None:
    if (folder / "HEAD").exists() and not outgrown(folder, settings.max_fetch_bytes):
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        run(
            ["init", "--bare", "--quiet", "--template=", "--initial-branch=fleet", str(folder)],
            cwd=access.folder,
            environment=access.environment,
            limits=Limits.of(settings),
        )
    except GitFailed as error:
        if re.search(_FULL, error.said, re.IGNORECASE):
            raise surroundings.disk_full("Git's folder cannot be created") from error
        raise BrokenFolder(cleaned(error.said)) from error


def _fetch(
    folder: Path,
    repository: Repository,
    access: Access,
    settings: Settings,
    halted: Callable[[], str | None],
    meanwhile: Callable[[], object],
) -> None:
    path = local_path(repository.url)
    command = [
        "fetch",
        "--quiet",
        "--depth=1",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-write-commit-graph",
        "--no-auto-maintenance",
        "--update-shallow",
        "--",
        repository.url if path is None else str(path.expanduser().absolute()),
        f"+refs/heads/{repository.branch}:{REF}",
    ]
    environment, limits = access.environment | {"GIT_DIR": str(folder)}, Limits.of(settings)
    usual = replace(limits, memory_bytes=min(_USUAL_MEMORY, limits.memory_bytes))
    try:
        try:
            run(command, cwd=access.folder, environment=environment, limits=usual, halted=halted, meanwhile=meanwhile)
        except GitFailed as failed:
            if not no_memory(failed.said) or usual == limits:
                raise
            remove_leftovers(folder)
            with _alone(limits.seconds, halted):
                run(command, cwd=access.folder, environment=environment, limits=limits, halted=halted)
    except TimeLimit:
        remove_leftovers(folder)
        where = shown_url(repository.url)
        raise SyncError(
            "FLEET-202",
            f"{where} did not answer within {settings.git_timeout_s} s.",
            "Check the remote; FLEET_GIT_TIMEOUT_S raises the limit.",
            repository=repository.name,
            url=where,
        ) from None
    except Stopped:
        remove_leftovers(folder)
        raise halfway() from None
    except GitFailed as failed:
        remove_leftovers(folder)
        if str(folder) in failed.said and not re.search(_FULL, failed.said, re.IGNORECASE):
            raise BrokenFolder(cleaned(failed.said)) from None
        raise explained(failed.said, repository, settings) from None


@contextmanager
def _alone(limit_s: float, halted: Callable[[], str | None]) -> Iterator[None]:
    """Wait until no other fetch of this process takes much memory. Raises: TimeLimit, Stopped."""
    deadline = time.monotonic() + limit_s
    while not _MUCH_MEMORY.acquire(timeout=0.2):
        if halted():
            raise Stopped
        if time.monotonic() > deadline:
            raise TimeLimit
    try:
        yield
    finally:
        _MUCH_MEMORY.release()


def no_git() -> SyncError:
    """For a machine without git."""
    return SyncError("FLEET-209", "git is not installed on this machine.", "Install git 2.37 or newer.")


def halfway() -> SyncError:
    """For a git that was ended because its caller is ending."""
    return SyncError("FLEET-502", "The fetch was stopped: the server is shutting down.", "The next tick starts again.")


def needs_memory(repository: Repository) -> SyncError:
    """For what git, or this process, has no memory for."""
    where = shown_url(repository.url)
    return SyncError(
        "FLEET-218",
        f"The fetch of {where} needs more memory than the limit.",
        "Find what made the repository grow; keep the fleet in a separate repository, or raise FLEET_GIT_MEMORY_BYTES.",
        repository=repository.name,
        url=where,
    )


def no_memory(said: str) -> bool:
    """Whether git says that it got no memory."""
    return re.search(_NO_MEMORY, said, re.IGNORECASE) is not None


def _own_words(said: str) -> str:
    """What git, curl and ssh say by themselves. A remote's own words follow a mark or stand in quotes, and may have line ends in them."""
    lines = "\n".join(
        line for line in re.split(r"[\r\n]+", said) if not re.match(r"remote:|[A-Z][a-z ]+: +\d+% ", line)
    )
    before, error, _ = lines.partition("remote error:")
    if error:
        return f"{before.removesuffix('fatal: ')}the remote reports an error"
    return re.sub(
        r"(?s)((?:received|got|response[:;]|unexpected|line:|by server:?)\s+)'.*'", r"\1something else", lines
    )


def explained(said: str, repository: Repository, settings: Settings) -> SyncError:
    """What git's words mean, with a next step. What the remote itself says is not believed, and not shown."""
    own = _own_words(said)
    if no_memory(own):
        return needs_memory(repository)
    where, name = shown_url(repository.url), repository.name
    facts = {"repository": name, "url": where}
    for pattern, code, message, hint in _MEANINGS:
        if found := re.search(pattern, own, re.IGNORECASE):
            words = {
                "where": where,
                "name": argument(name),
                "branch": repository.branch,
                "limit": settings.max_fetch_bytes,
                **found.groupdict(),
            }
            return SyncError(code, message.format(**words), hint.format(**words), **facts, **found.groupdict())
    came_in = is_ssh(repository.url) and not re.search(_AWAY, own, re.IGNORECASE)
    barred = came_in and "could not read from remote repository" in own.lower()
    if barred or re.search("|".join(_REFUSED), own, re.IGNORECASE):
        return _refused(repository, where, facts)
    return SyncError(
        "FLEET-201",
        f"Failed to fetch {where}: {cleaned(own)}",
        f"See which step fails: fleet repo check {argument(name)}. Live state is not affected; if the remote is lost, fleet export recreates the file.",
        **facts,
    )


_FULL = r"no space left on device|disk quota exceeded"

_MEANINGS = (
    (
        _FULL,
        "FLEET-304",
        "This machine's disk is full: git could not save the fetch of {where}.",
        "Free disk space; the next tick continues. The remote is not the cause, and live state is not affected.",
    ),
    (
        r"read-only file system",
        "FLEET-305",
        "This machine's disk is read-only: git could not save the fetch of {where}.",
        "Check the disk and the home. The remote is not the cause, and live state is not affected.",
    ),
    (
        r"died of signal (?P<signal>\d{1,3})",
        "FLEET-209",
        "Git was killed by signal {signal} while it fetched {where}.",
        "Signal 9 often means that the system is out of memory: see the system log, and give the server more memory. The next tick tries again.",
    ),
    (
        r"couldn't find remote ref",
        "FLEET-203",
        "{where} has no branch {branch}.",
        "Push it, or set another: fleet repo set {name} --branch NAME",
    ),
    (
        r"(?s)remote host identification has changed.*?\s(?P<offered>SHA256:[A-Za-z0-9+/]{20,60})",
        "FLEET-216",
        "The ssh host key of {where} differs from the pinned key.",
        "Someone may be intercepting the connection. Ask the host's administrator for the key, then compare and decide: fleet repo trust {name}",
    ),
    (
        r"host key verification failed|no matching host key type",
        "FLEET-216",
        "The ssh host of {where} offers no key of the pinned type.",
        "Someone may be intercepting the connection. Ask the host's administrator for the key, then compare and decide: fleet repo trust {name}",
    ),
    (
        r"file too large",
        "FLEET-218",
        "The fetch of one commit from {where} is larger than {limit:,} bytes.",
        "Find what made the repository grow; keep the fleet in a separate repository, or raise FLEET_MAX_FETCH_BYTES.",
    ),
    (
        r"dumb http transport",
        "FLEET-201",
        "{where} is a plain web server, not a git server: it cannot send a single commit.",
        "Serve it with git's smart protocol (git http-backend, or a forge), or check the URL of the repository.",
    ),
    (
        r"does not support (?:--depth|shallow)",
        "FLEET-201",
        "The git server of {where} cannot send a single commit: it does not support shallow fetches.",
        "Serve the repository with a current git (git http-backend over https, git over ssh) or with a forge, and register that URL.",
    ),
    (
        r"unable to update url base from redirection|returned error: 30\d|redirect",
        "FLEET-213",
        "{where} redirects to another address; redirects are not followed.",
        "Register the final address (it often ends in .git): fleet repo set {name} --url URL",
    ),
    (
        r"certificate|gnutls_handshake|ssl_connect",
        "FLEET-214",
        "The certificate of {where} is not trusted: its authority is unknown, it has expired, or it is for another host.",
        "Renew the certificate, or set FLEET_GIT_CA_FILE to its authority.",
    ),
)
"""What git, curl and ssh say, in English; the first that fits."""

_NO_MEMORY = r"out of memory|memory exhausted|cannot allocate|mmap failed|std::bad_alloc"

_AWAY = r"ssh: connect to host|could not resolve host|connection (?:closed|reset|refused|timed out)|kex_exchange"
"""What ssh says when it has not come as far as the key."""

_REFUSED = (
    r"authentication failed",
    r"could not read (?:username|password)",
    r"returned error: 40[13]",
    r"http basic: access denied",
    r"permission denied",
    r"too many authentication failures",
    r"no supported authentication methods",
)


def _refused(repository: Repository, where: str, facts: dict[str, str]) -> SyncError:
    if repository.vault_credential_path is None:
        return SyncError(
            "FLEET-215",
            f"{where} requires authentication, and the repository has no credential.",
            f"Put one into Vault and set its path: fleet repo set {argument(repository.name)} --vault-path secret/data/team/name",
            **facts,
        )
    what = "deploy key" if is_ssh(repository.url) else "user name and password"
    return SyncError(
        "FLEET-215",
        f"{where} rejected the {what} in Vault at {repository.vault_credential_path}.",
        "Check that it is correct, has not expired, and may read this repository.",
        **facts,
    )


def cleaned(text: str) -> str:
    """Git's words, short and fit to be shown: no user information of URLs, no control characters."""
    body = re.sub(r"(?m:^\s*(?:fatal|error): )", " ", text)
    body = re.sub(r"(?<=://)[^/@\s]*@", "", body)
    body = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", body).split()).strip(" '")
    return body[:300] or "git gave no reason."
