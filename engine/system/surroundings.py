"""What the machine refuses, told as what it is: no memory, no room, no right, too many files, a bad disk. Not the remote's fault, nor a bug."""

from __future__ import annotations

import errno

from engine.errors import FleetError, StoreError

LOCAL = frozenset({"FLEET-303", "FLEET-304", "FLEET-305", "FLEET-316", "FLEET-317", "FLEET-318", "FLEET-319"})
"""Codes of what this machine refuses. A tick that ends with one is not counted against its repository."""


def no_memory() -> StoreError:
    return StoreError(
        "FLEET-316",
        "There is not enough memory for this operation.",
        "Unfinished work was not written. Give the process more memory, or run less in parallel (FLEET_SYNC_WORKERS).",
    )


def disk_full(what: str) -> StoreError:
    """`what` cannot be written, as the beginning of a sentence."""
    return StoreError(
        "FLEET-304", f"{what}: the disk is full, or a quota is reached.", "Free disk space, then try again."
    )


def told(error: BaseException) -> FleetError | None:
    """The error to show for one that the machine caused; None for any other. Names no path: it may be shown to anybody."""
    if isinstance(error, MemoryError):
        return no_memory()
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return _no_process()
    if not isinstance(error, OSError):
        return None
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return disk_full("A file cannot be written")
    if error.errno == errno.ENOMEM:
        return no_memory()
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return StoreError(
            "FLEET-317",
            "Too many files or connections are open.",
            "Raise the limit: ulimit -n, or LimitNOFILE= of the service.",
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StoreError(
            "FLEET-305",
            f"A file cannot be read or written: {error.strerror}.",
            "Check the owner and mode of the home and of the folder for temporary files.",
        )
    if error.errno == errno.EIO:
        return StoreError(
            "FLEET-318", "The disk reports an error.", "See the system log; keep a snapshot on another disk."
        )
    if error.errno == errno.EAGAIN:
        return _no_process()
    return None


def _no_process() -> StoreError:
    return StoreError(
        "FLEET-319",
        "The system allows no more threads or processes.",
        "Raise the limit: ulimit -u, or TasksMax= of the service.",
    )
