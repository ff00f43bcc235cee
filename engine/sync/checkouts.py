"""Where what is fetched lies: one bare repository for each registered one, under `<home>/git/<id>`."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path


def checkout(home: Path, repository_id: int) -> Path:
    return home / "git" / str(repository_id)


def remove_checkout(home: Path, repository_id: int) -> None:
    """Remove what was fetched for a repository."""
    shutil.rmtree(checkout(home, repository_id), ignore_errors=True)


def head_moved_at(home: Path, repository_id: int) -> datetime | None:
    """When the remote was last reached, whether or not anything had moved; None before the first time."""
    with suppress(OSError):
        return datetime.fromtimestamp((checkout(home, repository_id) / "FETCH_HEAD").stat().st_mtime, UTC)
    return None
