"""Reading one file of what was fetched, from the object database: no symlink, FIFO or `..` can lead anywhere."""

from __future__ import annotations

import os
import posixpath
from datetime import UTC, datetime
from pathlib import Path

import git
from git.exc import GitError
from git.objects import Blob, Tree

from engine.errors import SyncError
from engine.model import Repository, Revision
from engine.sync.checkouts import REF

DAMAGED = (GitError, OSError, ValueError)
"""What GitPython raises when the bare repository itself is damaged."""


def read(folder: Path, repository: Repository, limit: int) -> Revision:
    """Read the fleet file at the fetched commit: its place first, then its size, then its content.

    Raises: SyncError FLEET-204 no such folder, 205 no fleet file, 206 not a plain file, 207 over the size limit;
    one of `DAMAGED` when the bare repository itself is.
    """
    with git.Repo(folder, expand_vars=False) as repo:
        # Named by the environment: GitPython would look for a folder with `$` in its name elsewhere, and then here.
        repo.git.update_environment(GIT_DIR=str(folder), **_ENVIRONMENT)
        return _read(repo, repository, limit)


_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_REPLACE_OBJECTS": "1"}


def _read(repo: git.Repo, repository: Repository, limit: int) -> Revision:
    commit = repo.commit(REF)
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
