"""Reading one file of what was fetched, from the object database: no symlink, FIFO or `..` can lead anywhere.

Whoever may push decides how large a commit and its folders are. So git is asked for the size of each object first, and only then for
the object; what is too large is never read.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import SyncError
from engine.flow.sync.call import Conversation, GitFailed, Limits, Stopped, TimeLimit, clean_environment, conversing
from engine.flow.sync.checkouts import REF
from engine.flow.sync.fetching import BrokenFolder, cleaned, halfway, needs_memory, no_memory
from engine.model import Repository, Revision
from engine.phrases import argument, misnamed
from engine.settings import Settings

MOST_COMMIT_BYTES = 2**20
"""Size of the largest commit that is read. Messages and signatures have a few thousand bytes."""

MOST_TREE_BYTES = 2**24
"""Size of the largest folder that is read: some 400,000 entries."""

_MOST_CHARACTERS = 500
"""Length of an author's name and of a subject, as they are kept."""

_ENCODINGS = {
    "utf-8", "us-ascii", "iso-8859-1", "iso-8859-2", "iso-8859-15", "latin1", "windows-1250", "windows-1251", "windows-1252", "cp1252",
    "koi8-r", "koi8-u", "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr", "gb2312", "gbk", "gb18030", "big5",
}  # fmt: skip
"""Encodings of a commit's texts. Python is asked for no other: it would look for a module of that name, and remember it."""

_LATEST = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
"""A commit of a later time has no time that anything here could work with."""


class _Object(NamedTuple):
    """What git says about an object before it is read."""

    id: str
    kind: str
    size: int


def read(
    folder: Path, repository: Repository, settings: Settings, halted: Callable[[], str | None] = lambda: None
) -> Revision:
    """Read the fleet file at the fetched commit: its place first, then its size, then its content.

    Raises: SyncError FLEET-202 time limit, 203 the branch leads to no commit, 204 no such folder, 205 no fleet file, 206 not a plain
    file, 207 over the size limit, 218 commit, folder or memory over its limit, 502 halted; BrokenFolder when the bare repository
    itself is damaged.
    """
    environment = clean_environment() | {"GIT_DIR": str(folder), "GIT_NO_REPLACE_OBJECTS": "1"}
    command, limits = ["cat-file", "--batch-command"], Limits.of(settings)
    try:
        with conversing(command, cwd=folder, environment=environment, limits=limits, halted=halted) as git:
            return _read(git, repository, settings.max_file_bytes)
    except TimeLimit:
        raise SyncError(
            "FLEET-202",
            f"The fetched revision of {repository.name} could not be read within {settings.git_timeout_s} s.",
            "Find what made the repository grow; FLEET_GIT_TIMEOUT_S raises the limit.",
            repository=repository.name,
        ) from None
    except Stopped:
        raise halfway() from None
    except GitFailed as failed:
        if no_memory(failed.said):
            raise needs_memory(repository) from None
        raise BrokenFolder(cleaned(failed.said)) from None
    except (ValueError, IndexError) as error:
        raise BrokenFolder(f"a fetched object cannot be read ({error})") from error


def _read(git: Conversation, repository: Repository, limit: int) -> Revision:
    commit = _asked(git, REF)
    facts = {"repository": repository.name, "revision": commit.id}
    at = f"{repository.branch} at {commit.id[:12]}"
    if commit.kind != "commit":
        raise SyncError(
            "FLEET-203",
            f"{at} is a {commit.kind}, not a commit.",
            f"Set a branch that points to a commit: fleet repo set {argument(repository.name)} --branch NAME",
            **facts,
        )
    header, message = _parts(git, commit, repository, at, facts)
    file = _file(git, _field(header, b"tree").decode(), repository, at, facts)
    if file.size > limit:
        raise SyncError(
            "FLEET-207",
            f"{repository.file} has {file.size:,} bytes; the limit is {limit:,}.",
            "Find what made it grow with git log --stat; split it by path prefix, or raise FLEET_MAX_FILE_BYTES.",
            size=file.size,
            limit=limit,
            **facts,
        )
    encoding = _field(header, b"encoding")[:20].decode("ascii", "replace").lower()
    return Revision(
        commit=commit.id,
        author=_line(_name(_field(header, b"author")), encoding),
        subject=_line(message.lstrip().partition(b"\n")[0], encoding),
        committed_at=_moment(_field(header, b"committer")),
        file=repository.file,
        content=_contents(git, file),
    )


def _parts(
    git: Conversation, commit: _Object, repository: Repository, at: str, facts: dict[str, Any]
) -> tuple[bytes, bytes]:
    """Header and message of a commit. Raises: SyncError FLEET-218."""
    if commit.size > MOST_COMMIT_BYTES:
        what = f"The commit of {at} has {commit.size:,} bytes; the limit is {MOST_COMMIT_BYTES:,}."
        raise _too_large(what, "Its message is too long. Write a shorter message, and push again.", facts)
    header, _, message = _contents(git, commit).partition(b"\n\n")
    return header, message


def _file(git: Conversation, root: str, repository: Repository, at: str, facts: dict[str, Any]) -> _Object:
    """The object of the fleet file, found from the top folder on. Raises: SyncError FLEET-204, 205, 206, 218."""
    hint = f"Set the folder that contains fleet.yaml: fleet repo set {argument(repository.name)} --path-prefix FOLDER"
    folder, walked = _asked(git, root), ""
    for part in repository.path_prefix.split("/") if repository.path_prefix else []:
        mode, id_ = _entry(git, folder, part, walked, at, facts)
        walked = f"{walked}/{part}" if walked else part
        inner = _asked(git, id_) if stat.S_ISDIR(mode) else None
        if inner is None or inner.kind != "tree":
            found = "is not a folder" if id_ else "does not exist"
            raise SyncError("FLEET-204", f"{walked} {found} in {at}.", hint, **facts)
        folder = inner
    mode, id_ = _entry(git, folder, "fleet.yaml", walked, at, facts)
    if not id_:
        what = f"There is no {repository.file} in {at}"
        if meant := misnamed(_files(git, folder)):
            what += f", but {f'{walked}/' if walked else ''}{meant[0]}"
            hint = f"Only fleet.yaml is read. Rename it: git mv {meant[0]} fleet.yaml, then commit and push."
        raise SyncError("FLEET-205", f"{what}.", hint, **facts)
    file = _asked(git, id_) if stat.S_ISREG(mode) else None
    if file is None or file.kind != "blob":
        kind = "a symbolic link" if stat.S_ISLNK(mode) else "a folder or a submodule"
        raise SyncError("FLEET-206", f"{repository.file} is {kind}, not a file.", "Commit the file itself.", **facts)
    return file


def _entry(git: Conversation, folder: _Object, name: str, path: str, at: str, facts: dict[str, Any]) -> tuple[int, str]:
    """Mode and object of what has this name in a folder; (0, "") where nothing has. Raises: SyncError FLEET-218."""
    if folder.size > MOST_TREE_BYTES:
        what = f"The list of files in {path or 'the top folder'} of {at} has {folder.size:,} bytes; the limit is {MOST_TREE_BYTES:,}."
        raise _too_large(what, "Keep the fleet in a folder or repository with fewer files.", facts)
    wanted = name.encode()
    return next(((mode, id_) for mode, known, id_ in _entries(git, folder) if known == wanted), (0, ""))


def _files(git: Conversation, folder: _Object) -> list[str]:
    """Names of the plain files in a folder that is not too large."""
    return [name.decode("utf-8", "replace") for mode, name, _ in _entries(git, folder) if stat.S_ISREG(mode)]


def _entries(git: Conversation, folder: _Object) -> Iterator[tuple[int, bytes, str]]:
    """Mode, name and object of each thing in a folder."""
    entries, id_bytes = _contents(git, folder), len(folder.id) // 2
    place = 0
    while place < len(entries):  # each is written as: mode, space, name, NUL, object id
        start, space = place, entries.index(b" ", place, place + 8)
        end = entries.index(b"\0", space)
        place = end + 1 + id_bytes
        yield int(entries[start:space], 8), entries[space + 1 : end], entries[end + 1 : place].hex()


def _asked(git: Conversation, name: str) -> _Object:
    git.ask(f"info {name}")
    id_, kind, *size = git.line().split(" ")
    if len(size) != 1:
        raise BrokenFolder(f"the object {name} is missing")
    return _Object(id_, kind, int(size[0]))


def _contents(git: Conversation, found: _Object) -> bytes:
    """An object whole, of a size that has been looked at."""
    git.ask(f"contents {found.id}")
    git.line()
    content = git.take(found.size)
    git.take(1)
    return content


def _field(header: bytes, name: bytes) -> bytes:
    """The value of the first line of a commit's header that has this name; empty where none has."""
    found = re.search(rb"^" + name + rb" (.*)", header, re.MULTILINE)
    return found[1] if found else b""


def _name(author: bytes) -> bytes:
    """The name out of `Name <mail> time zone`, or the address where there is no name."""
    name, _, rest = author.partition(b"<")
    return name.strip() or rest.partition(b">")[0]


def _moment(committer: bytes) -> datetime:
    """The time out of `Name <mail> time zone`; 1970 for what is no time, as in git."""
    found = re.search(rb" (\d{1,12}) [-+]\d{1,6}$", committer)
    seconds = int(found[1]) if found else 0
    return datetime.fromtimestamp(seconds if seconds < _LATEST else 0, UTC)


def _line(text: bytes, encoding: str) -> str:
    """One line of a commit's text, as text: no control characters, and cut before anything looks at each character."""
    cut = text[: 4 * _MOST_CHARACTERS].decode(encoding if encoding in _ENCODINGS else "utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in cut).split())[:_MOST_CHARACTERS]


def _too_large(what: str, hint: str, facts: dict[str, Any]) -> SyncError:
    return SyncError("FLEET-218", what, hint, **facts)
