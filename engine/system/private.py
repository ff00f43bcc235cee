"""Files and folders for the eyes of their owner alone: folders 0700 and files 0600 from the moment they are made, whatever the umask.

A file is built in a private folder beside its place and takes that place in one step, so nobody ever sees half of it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shlex
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import StoreError

FOLDER, FILE = 0o700, 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

PREFIX = ".fleet-"
"""How the name of each private folder begins that stands beside a file while the file is built."""


def close_umask() -> None:
    """Keep what this process and its children make from the group and from others. Effects: the umask of the process."""
    os.umask(_OTHERS)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are not there, with mode 0700. One that is there keeps its mode.

    Raises: OSError.
    """
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for each in reversed(missing):
        try:
            each.mkdir(mode=FOLDER)  # a umask takes bits away and adds none
        except FileExistsError:
            if not each.is_dir():
                raise


@contextmanager
def room_beside(path: Path) -> Iterator[Path]:
    """A private folder in the folder of a file that is to be made; it is gone at the end with all that is in it.

    Raises: OSError where the folder cannot be written.
    """
    folder = path.absolute().parent / f"{PREFIX}{secrets.token_hex(8)}"
    folder.mkdir(mode=FOLDER)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_file(path: Path) -> int:
    """A descriptor that writes to a file made now, mode 0600. Raises: FileExistsError and other OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE)
    os.fchmod(descriptor, FILE)  # a umask may have taken what the owner needs
    return descriptor


def write(path: Path, content: bytes) -> None:
    """Write a file, mode 0600, whole or not at all; one that is there is replaced. Raises: OSError."""
    with room_beside(path) as room:
        made = room / path.name
        with os.fdopen(new_file(made), "wb") as file:
            file.write(content)
        made.replace(path)


def copy(source: Path, target: Path) -> None:
    """Copy a file's content to a new file, mode 0600, on disk when this returns. Raises: OSError."""
    with source.open("rb") as read, os.fdopen(new_file(target), "wb") as written:
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())


def settle(folder: Path) -> None:
    """Bring the names in a folder to the disk, so that a file that took its place there stays. Raises: OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # a file system that cannot do it for a folder
            raise
    finally:
        os.close(descriptor)


def close_home(home: Path, *, group: bool) -> None:
    """Make sure that only its owner can write into a home; with `group`, its group may as well.

    Effects: takes from the home's mode what the group may write, unless `group`. Where others may look into the home, the
    umask of the process becomes 077: the database makes files beside its own that take their mode from the umask alone.
    Raises: StoreError FLEET-314 where others may write, or the group may and the mode cannot be changed; FLEET-305 where the
    home cannot be looked at.
    """
    try:
        mode = stat.S_IMODE(home.stat().st_mode)
    except OSError as error:
        raise StoreError(
            "FLEET-305", f"The home {home} cannot be read: {error.strerror}.", "Check its owner and mode."
        ) from error
    if mode & stat.S_IWOTH:
        raise StoreError(
            "FLEET-314",
            f"All users of this machine may write to the home {home} (mode {mode:03o}).",
            f"Check its content, then run: chmod 700 {shlex.quote(str(home))}",
        )
    if mode & stat.S_IWGRP and not group:
        with suppress(OSError):
            home.chmod(mode & ~stat.S_IWGRP)
        mode = stat.S_IMODE(home.stat().st_mode)
        if mode & stat.S_IWGRP:
            raise StoreError(
                "FLEET-314",
                f"The group of the home {home} may write to it (mode {mode:03o}), and the mode cannot be changed.",
                f"Run this as its owner: chmod 700 {shlex.quote(str(home))} "
                "(or set FLEET_HOME_GROUP=1 for a volume that its group must be able to write)",
            )
    if mode & (stat.S_IXGRP | stat.S_IXOTH):
        close_umask()


def close_file(path: Path) -> None:
    """Give a file that is there mode 0600, unless somebody else owns it. Raises: nothing."""
    with suppress(OSError):
        if stat.S_IMODE(path.stat().st_mode) != FILE:
            path.chmod(FILE)
