"""A workbench in a temporary folder for trials; nothing reaches the real store or a remote."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.flow.tick import run
from engine.kinds import Kinds
from engine.model import Actor, Repository, Revision, Run, Trigger
from engine.settings import Settings
from engine.store import FILE_NAME
from engine.system import private
from engine.workbench import Workbench

NOWHERE = "https://rehearsal.invalid/fleet.git"
"""The remote of a repository that is made for a rehearsal. Nothing is ever fetched from it."""

UNCAPPED = 1_000_000_000


@contextmanager
def rehearsal(settings: Settings, kinds: Kinds, *, fork: Path | None = None) -> Iterator[Workbench]:
    """A workbench on an empty store, or on a copy of a snapshot, without a cap. It is gone at the end.

    Raises: StoreError, as opening a home does.
    """
    with tempfile.TemporaryDirectory(prefix="fleet-rehearsal-") as folder:
        home = Path(folder)
        if fork is not None:
            private.copy(fork, home / FILE_NAME)
        with Workbench.open_home(replace(settings, home=home, cap=UNCAPPED), kinds=kinds) as bench:
            yield bench


def tick(
    bench: Workbench,
    actor: Actor,
    repository: Repository,
    content: bytes,
    watcher: Callable[[str], None] = lambda _stage: None,
) -> Run:
    """One tick with this file instead of the remote's. Problems of the file are in the run."""
    commit = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    revision = Revision(commit, actor.name, "Rehearsal", bench.store.clock(), repository.file, content)
    return run(
        bench.store,
        bench.kinds,
        bench.settings,
        repository,
        actor,
        Trigger.MANUAL,
        source=lambda known, *_rest, **_options: None if known(commit) else revision,
        watcher=watcher,
    )
