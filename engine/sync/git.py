"""Fetching one branch with git and reading one file of it. The remote is untrusted; nothing of it is ever checked out.

The file is read from the object database at the fetched commit, so that no symlink, FIFO or `..` can lead anywhere.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import git
from git.exc import GitCommandError, GitCommandNotFound, GitError
from git.objects import Blob, Tree

from engine.errors import SyncError
from engine.model import Repository, Revision
from engine.settings import Settings
from engine.sync.checkouts import checkout, remove_checkout
from engine.sync.remotes import local_path, needs_credentials_support, shown_url

_REF = "refs/fleet/head"


def fetch(repository: Repository, settings: Settings) -> Revision:
    """Bring the newest commit of the registered branch and give its fleet file.

    Effects: a bare repository under `<home>/git/<id>`, at most one commit deep.
    Raises: SyncError FLEET-201 unreachable, 202 time limit, 203 no such branch, 204 no such folder, 205 no fleet file,
    206 not a plain file, 207 over the size limit, 208 remote not supported, 209 git failed.
    """
    if needs_credentials_support(repository.url) or repository.vault_credential_path:
        raise SyncError(
            "FLEET-208",
            "Credentials from Vault and ssh remotes are not supported by this version.",
            "Use an https remote that needs no credential.",
            repository=repository.name,
        )
    try:
        return _fetch_and_read(repository, settings)
    except _BrokenFolder:
        # A killed git or a bad disk: what we hold can be fetched again, so that is done at once, and only once.
        remove_checkout(settings.home, repository.id)
    try:
        return _fetch_and_read(repository, settings)
    except _BrokenFolder as broken:
        raise SyncError(
            "FLEET-209",
            f"Git failed: {_cleaned(str(broken))}",
            "Try again; if it stays, check the disk and the remote.",
        ) from broken


class _BrokenFolder(Exception):
    """Git cannot work with what lies in our own folder."""


def _fetch_and_read(repository: Repository, settings: Settings) -> Revision:
    folder = checkout(settings.home, repository.id)
    try:
        _make(folder, settings)
        _fetch(folder, repository, settings)
        with git.Repo(folder) as repo:
            return _read(repo, repository, settings.max_file_bytes)
    except (GitError, OSError, ValueError) as error:
        raise _BrokenFolder(str(error)) from error


def _environment(settings: Settings) -> dict[str, str]:
    """What git may see: no configuration of the user or the system, no prompt, no transport but those meant."""
    local = "file:" if settings.allow_local_remotes else ""
    return {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_ALLOW_PROTOCOL": f"{local}https:ssh",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "HOME": str(settings.home / "git"),
        "XDG_CONFIG_HOME": str(settings.home / "git"),
        "LC_ALL": "C",
        # Variables of a surrounding git (a hook, a rebase) must not redirect ours.
        "GIT_DIR": "",
        "GIT_WORK_TREE": "",
        "GIT_INDEX_FILE": "",
    }


def _run(folder: Path, settings: Settings, *arguments: str) -> str:
    environment = _environment(settings)
    environment["GIT_DIR"] = str(folder)
    del environment["GIT_WORK_TREE"], environment["GIT_INDEX_FILE"]
    command = [
        "git",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "http.followRedirects=initial",
        "-c",
        "protocol.version=2",
        "-c",
        "gc.autoDetach=false",
        "-c",
        "maintenance.autoDetach=false",
        *arguments,
    ]
    result = git.cmd.Git(folder if folder.is_dir() else folder.parent).execute(
        command, env=environment, kill_after_timeout=settings.git_timeout_s, with_extended_output=False
    )
    return str(result)


def _make(folder: Path, settings: Settings) -> None:
    if not (folder / "HEAD").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(mode=0o700)
        _run(folder, settings, "init", "--bare", "--quiet", "--template=", "--initial-branch=fleet", str(folder))


def _fetch(folder: Path, repository: Repository, settings: Settings) -> None:
    url = repository.url
    if (path := local_path(url)) is not None:
        url = str(path.expanduser())
        if not settings.allow_local_remotes and not path.resolve().is_relative_to((settings.home / "demo").resolve()):
            raise SyncError(
                "FLEET-208",
                "Local paths and file:// are for tests.",
                "Use https or ssh, or set FLEET_ALLOW_LOCAL_REMOTES=1.",
                repository=repository.name,
            )
    refspec = f"+refs/heads/{repository.branch}:{_REF}"
    arguments = [
        "fetch",
        "--quiet",
        "--depth=1",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-write-commit-graph",
        "--update-shallow",
        "--",
        url,
        refspec,
    ]
    allowed = settings if settings.allow_local_remotes or path is None else replace(settings, allow_local_remotes=1)
    try:
        _run(folder, allowed, *arguments)
    except GitCommandNotFound as error:
        raise SyncError("FLEET-209", "There is no git on this machine.", "Install git 2.39 or newer.") from error
    except GitCommandError as error:
        if str(folder) in str(error.stderr):
            raise
        raise _explained(str(error.stderr), repository, settings) from error


def _explained(stderr: str, repository: Repository, settings: Settings) -> SyncError:
    where = shown_url(repository.url)
    facts = {"repository": repository.name, "url": where}
    lowered = stderr.lower()
    if "timeout: the command" in lowered or "did not complete in" in lowered:
        return SyncError(
            "FLEET-202",
            f"{where} did not answer within {settings.git_timeout_s} s.",
            "Check the remote; FLEET_GIT_TIMEOUT_S raises the limit.",
            **facts,
        )
    if "couldn't find remote ref" in lowered:
        return SyncError(
            "FLEET-203",
            f"{where} has no branch {repository.branch}.",
            f"Push it, or name another: fleet repo set {repository.name} --branch NAME",
            branch=repository.branch,
            **facts,
        )
    return SyncError(
        "FLEET-201",
        f"Failed to fetch {where}: {_cleaned(stderr)}",
        f"Check that it exists and can be read: git ls-remote {where}. Live state is not affected; with the remote lost, fleet export rebuilds the file.",
        **facts,
    )


def _cleaned(text: str) -> str:
    """Git's words, short and fit to be shown: no user information of URLs, no control characters."""
    body = re.sub(r"stderr: |(?m:^\s*(?:remote: )?(?:fatal|error): )", " ", text)
    body = re.sub(r"(?<=://)[^/@\s]*@", "", body)
    body = " ".join(re.sub(r"[\x00-\x1f\x7f]+", " ", body).split()).strip(" '")
    return body[:300] or "git gave no reason."


def _read(repo: git.Repo, repository: Repository, limit: int) -> Revision:
    commit = repo.commit(_REF)
    facts = {"repository": repository.name, "revision": commit.hexsha}
    tree: Tree = commit.tree
    hint = f"Name the folder that holds fleet.yaml: fleet repo set {repository.name} --path-prefix FOLDER"
    walked: list[str] = []
    for part in repository.path_prefix.split("/") if repository.path_prefix else []:
        walked.append(part)
        entry = _entry(tree, part)
        if not isinstance(entry, Tree):
            found = "does not exist" if entry is None else "is not a folder"
            raise SyncError(
                "FLEET-204",
                f"{'/'.join(walked)} {found} in {repository.branch} at {commit.hexsha[:12]}.",
                hint,
                **facts,
            )
        tree = entry
    entry = _entry(tree, "fleet.yaml")
    if entry is None:
        raise SyncError(
            "FLEET-205", f"There is no {repository.file} in {repository.branch} at {commit.hexsha[:12]}.", hint, **facts
        )
    if not isinstance(entry, Blob) or entry.mode not in {0o100644, 0o100755}:
        kind = "a symbolic link" if isinstance(entry, Blob) else "a folder or a submodule"
        raise SyncError("FLEET-206", f"{repository.file} is {kind}, not a file.", "Commit the file itself.", **facts)
    if entry.size > limit:
        raise SyncError(
            "FLEET-207",
            f"{repository.file} has {entry.size:,} bytes; the limit is {limit:,}.",
            "See what made it grow with git log --stat; split it by path prefix, or raise FLEET_MAX_FILE_BYTES.",
            size=entry.size,
            limit=limit,
            **facts,
        )
    return Revision(
        commit=commit.hexsha,
        author=_line(commit.author.name or ""),
        subject=_line(str(commit.summary)),
        committed_at=datetime.fromtimestamp(commit.committed_date, UTC),
        file=repository.file,
        content=entry.data_stream.read(),
    )


def _entry(tree: Tree, name: str) -> object | None:
    # By path, not by name: GitPython knows no name of a submodule, and one may lie beside the file.
    return next((entry for entry in tree if posixpath.basename(str(entry.path)) == name), None)


def _line(text: str) -> str:
    """One line of a commit's text, as text: no control characters, not endless."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:500]
