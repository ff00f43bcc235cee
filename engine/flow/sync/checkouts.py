"""Files of sync in a home: one bare repository per registered repository, under `git/<id>`; and secrets, only during a call."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

REF = "refs/fleet/head"
"""The ref of the fetched commit in our bare repository."""

_REACHED = "fleet-reached"
"""A file in a bare repository, as old as the last fetch that succeeded."""

_MOST_PACKS = 30
"""Each fetch with new objects adds a pack; instead of repacking a remote's objects, the repository is then recreated."""


def checkout(home: Path, repository_id: int) -> Path:
    return home / "git" / str(repository_id)


def private(home: Path) -> Path:
    """Where secrets lie for the length of a call."""
    return home / "private"


def remove_checkout(home: Path, repository_id: int) -> None:
    """Remove what was fetched for a repository."""
    shutil.rmtree(checkout(home, repository_id), ignore_errors=True)


def tidy(home: Path, registered: Collection[int]) -> None:
    """Remove what a process that was killed has left: secrets, and what was fetched for repositories that are gone."""
    shutil.rmtree(private(home), ignore_errors=True)
    with suppress(OSError):
        kept = {str(id_) for id_ in registered}
        for folder in (home / "git").iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a fetch that was stopped leaves in a bare repository: half a pack, locks."""
    for pattern in ("objects/**/tmp_*", "objects/tmp_*", "**/*.lock"):
        for path in folder.glob(pattern):
            with suppress(OSError):
                path.unlink()


def outgrown(folder: Path, max_bytes: int) -> bool:
    """Whether so many packs have accumulated that recreating the repository is better."""
    packs = [path.stat().st_size for path in folder.glob("objects/pack/*.pack")]
    return len(packs) > _MOST_PACKS or sum(packs) > max_bytes


def fetched_commit(folder: Path) -> str:
    """The commit that the last fetch brought, as git wrote it down; empty where it is written elsewhere."""
    with suppress(OSError):
        return (folder / REF).read_text().strip()
    return ""


def reached_at(home: Path, repository_id: int) -> datetime | None:
    """When the remote was last reached, whether or not anything had moved; None before the first time."""
    with suppress(OSError):
        return datetime.fromtimestamp((checkout(home, repository_id) / _REACHED).stat().st_mtime, UTC)
    return None


def note_reached(folder: Path) -> None:
    """Keep that the remote has just answered. (Git touches its own FETCH_HEAD when a fetch fails, too.)"""
    (folder / _REACHED).touch()
