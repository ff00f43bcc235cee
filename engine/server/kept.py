"""Snapshots that a server keeps by itself in a folder of the operator's choice, and the removal of those that are too many."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from engine.errors import FleetError, StoreError
from engine.model import SCHEDULER, Event
from engine.store import Store, events, kept_snapshots
from engine.store.kept_snapshots import Entry
from engine.system import private, surroundings
from engine.workbench import Workbench

log = logging.getLogger(__name__)

EVERY_MIN = 1
"""How often to look whether a snapshot is due, in minutes."""

RETRY_S = 3600.0
"""How long to wait after a failure, in seconds; less where snapshots are due more often."""

_NAME = re.compile(r"fleet-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\.duckdb")


def file_name(at: datetime) -> str:
    """A new name for a snapshot of this moment (UTC)."""
    return f"fleet-{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.duckdb"


def wait(newest: datetime | None, now: datetime, every: timedelta) -> timedelta:
    """How long until the next snapshot is due, with the newest one of `newest`. One of the future was made while the clock was ahead."""
    age = every if newest is None else now - newest
    return every - age if timedelta(0) <= age < every else timedelta(0)


class Kept:
    """Keeps snapshots. `look` is called every few minutes, by one thread at a time, and never raises what a folder or a disk refuses.

    The store remembers the name of each file before it is written. Only files with such a name are ever removed, and only those
    that open as a snapshot: whatever else is in the folder, or took the place of such a file, stays.
    """

    def __init__(self, workbench: Workbench, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._workbench = workbench
        self._monotonic = monotonic
        self._next = monotonic()
        """When to look into the folder again, by a clock that nobody sets."""

    def look(self) -> None:
        """Keep a snapshot if one is due. Effects: its file, old files removed, one event; a failure that lasts is recorded once."""
        settings = self._workbench.settings
        if not settings.snapshots or self._monotonic() < self._next:
            return
        every = timedelta(hours=settings.snapshot_every_h)
        try:
            folder = Path(settings.snapshots)
            pause = wait(self._newest(folder), self._workbench.store.clock(), every)
            if not pause:
                self._keep(folder)
                pause = every
        except FleetError as error:
            pause = self._failed(error, every)
        except Exception as error:
            log.exception("the snapshot that the server keeps")
            unexpected = f"An unexpected error ({type(error).__name__})."
            known = surroundings.told(error)
            pause = self._failed(
                known or FleetError("FLEET-900", unexpected, "Please report it; the log shows where it happened."),
                every,
            )
        self._next = self._monotonic() + pause.total_seconds()

    def _newest(self, folder: Path) -> datetime | None:
        there = self._there(folder)
        return there[-1].at if there else None

    def _there(self, folder: Path) -> list[Entry]:
        """What the store has written into a folder and is still there, oldest first."""
        with self._workbench.store.read() as tx:
            written = kept_snapshots.written(tx)
        return [e for e in written if e.path.parent == folder and _NAME.fullmatch(e.path.name) and _is_file(e.path)]

    def _keep(self, folder: Path) -> None:
        """Write a snapshot, open it, and remove what is too many. Raises: FleetError; OSError."""
        store, settings = self._workbench.store, self._workbench.settings
        _make(folder)
        with store.write() as tx:
            path = folder / file_name(tx.at)
            kept_snapshots.add(tx, Entry(path, tx.at))
        try:
            size = self._workbench.snapshot(SCHEDULER, path)
        except StoreError as error:
            if error.code == "FLEET-305":
                raise _unusable("It is not writable.") from error
            raise
        if not self._opens(path):
            path.unlink(missing_ok=True)
            raise StoreError(
                "FLEET-634",
                "A new snapshot cannot be opened; it was removed.",
                "Check the disk of FLEET_SNAPSHOTS; older snapshots there were not changed.",
            )
        good = [entry for entry in self._there(folder) if self._opens(entry.path)]
        surplus = good[: -settings.snapshot_keep]
        stuck = [entry for entry in surplus if not _removed(entry.path)]
        facts = {"file": path.name, "bytes": size, "kept": len(good) - len(surplus) + len(stuck)}
        facts["removed"] = len(surplus) - len(stuck)
        said = f"{path.name} was written and opened"
        with store.write() as tx:
            kept_snapshots.forget(
                tx,
                {
                    entry.path
                    for entry in kept_snapshots.written(tx)
                    if entry.path.parent == folder and not _is_file(entry.path)
                },
            )
            events.record(tx, SCHEDULER.name, [Event("gitops.snapshot_kept", reason=said, data=facts)])
        if stuck:
            raise StoreError(
                "FLEET-635",
                f"A snapshot was saved, but {len(stuck)} old snapshots cannot be removed, such as {stuck[0].path.name}.",
                "Check the owner and mode of the folder in FLEET_SNAPSHOTS, or remove them by hand.",
            )

    def _opens(self, path: Path) -> bool:
        """Whether a file is a snapshot of a store of this program, whole as far as opening it shows."""
        try:
            Store.open_snapshot(path, self._workbench.kinds, self._workbench.store.clock).close()
        except FleetError as error:
            log.warning("the snapshot %s cannot be opened and is skipped: %s %s", path.name, error.code, error.message)
            return False
        return True

    def _failed(self, error: FleetError, every: timedelta) -> timedelta:
        """Record a failure unless the last snapshot failed in the same way; gives how long to wait until the next try."""
        log.warning("no snapshot could be saved: %s %s", error.code, error.message)
        event = Event(
            "gitops.snapshot_failed",
            reason=error.message.rstrip("."),
            data={"code": error.code, "hint": error.hint},
        )
        try:
            last = self._workbench.kept_snapshots()
            same = last and last[-1].event.type == event.type and (last[-1].event.data or {}).get("code") == error.code
            if not same:
                with self._workbench.store.write() as tx:
                    events.record(tx, SCHEDULER.name, [event])
        except FleetError as refused:
            log.warning("this failure could not be recorded: %s %s", refused.code, refused.message)
        return min(every, timedelta(seconds=RETRY_S))


def _make(folder: Path) -> None:
    """Make the folder itself, mode 700, but none above it: a disk that is not mounted has to be noticed. Raises: StoreError FLEET-633."""
    try:
        folder.mkdir(mode=private.FOLDER)
    except FileExistsError:
        if not folder.is_dir():
            raise _unusable("It is not a folder.") from None
    except OSError as error:
        raise _unusable(f"It cannot be created: {error.strerror}.") from error


def _unusable(why: str) -> StoreError:
    return StoreError(
        "FLEET-633",
        f"The folder of FLEET_SNAPSHOTS cannot be used. {why}",
        "Create it or mount its disk, and give the server's user write access; the server tries again within an hour.",
    )


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _removed(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
