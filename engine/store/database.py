"""Opening, locking, migrating and asking the store file. What the tables mean stands in the modules beside this one."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from engine.context import current_request
from engine.errors import FleetError, QueryError, StoreError, StoreLocked
from engine.kinds import Kinds
from engine.model import Clock, Event, RecordedEvent
from engine.store import console, contents, opening, snapshots
from engine.store.gate import Gate, InTurn, Turns
from engine.store.statements import migrations, parsed, statement
from engine.store.views import views_script
from engine.system import private, surroundings

if TYPE_CHECKING:
    from pandas import DataFrame

FILE_NAME = "fleet.duckdb"
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_open_files: set[Path] = set()
"""Files that this process has open: DuckDB would silently share them, and our write lock would not."""
_open_guard = threading.Lock()


def time_of(microseconds: int | None) -> datetime | None:
    """A time from `epoch_us(column)`. (Fetching TIMESTAMPTZ itself would need pytz and six times the time.)"""
    return None if microseconds is None else moment(microseconds)


def moment(microseconds: int) -> datetime:
    """A time from `epoch_us(column)` of a column that is never NULL."""
    return _EPOCH + timedelta(microseconds=microseconds)


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """How the store is."""

    path: Path
    size: int
    """Bytes on disk, the write-ahead log included."""
    free: int
    """Bytes of it that hold nothing any more; compacting gives them back."""
    oldest: datetime | None
    """When the first event was that is still kept."""
    schema_version: int
    engine_version: str
    rows: dict[str, int]
    """Rows of the large tables, by name."""


_MOST_REMEMBERED = 5_000
"""Answers kept at once; more than there are repositories, each of which asks two."""

COPY_WAIT_S = 60
"""How long somebody waits for the copies of others to be made."""

_MOST_WAITING = 8
"""Copies asked for beside the one that is made; each keeps a thread of the server."""

T = TypeVar("T")
Listener = Callable[[Sequence[RecordedEvent]], None]


class Transaction:
    """One consistent view of the store; for a write, one unit that lands whole or not at all."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, at: datetime) -> None:
        self._cursor = cursor
        self.at = at
        """The time of everything that this transaction writes; later than that of every write before."""
        self.request_id = current_request()
        self.recorded: list[tuple[str, Sequence[int], Sequence[Event]]] = []
        """(actor, sequence numbers, events) in the order in which they were recorded."""

    def rows(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a named statement."""
        return self._execute(name, parameters).fetchall()

    def row(self, name: str, /, **parameters: Any) -> tuple[Any, ...] | None:
        """The first row of a named statement, or None."""
        return self._execute(name, parameters).fetchone()

    def value(self, name: str, /, **parameters: Any) -> Any:
        """The only value of a named statement that always gives one row."""
        row = self.row(name, **parameters)
        return None if row is None else row[0]

    def frame(self, name: str, /, **parameters: Any) -> DataFrame:
        """All rows of a named statement as a frame."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # DuckDB's own use of pandas
            return self._execute(name, parameters).df()

    def run(self, name: str, /, **parameters: Any) -> None:
        self._execute(name, parameters)

    def _execute(self, name: str, parameters: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
        return self._cursor.execute(parsed(name, self._cursor), parameters or None)

    def ids(self, sequence: str, count: int) -> list[int]:
        """The next `count` numbers of a sequence, ascending. Numbers of an undone transaction are not used again."""
        if not count:
            return []
        return sorted(value for (value,) in self.rows("store/next_ids", sequence=sequence, count=count))


class Store:
    """An open store file. One process owns it; each thread reads through its own cursor; writes take turns."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self._connection = connection
        self._write_lock = InTurn()
        self._gate = Gate()
        self._copying = Turns(_MOST_WAITING)
        self._last_at = _EPOCH
        self._writes = 0
        self._seen = self._folded = -1
        """How many writes there were when `fold_when_idle` was asked last, and when the log was brought into the file."""
        self._remembered: dict[object, tuple[int, Any]] = {}
        self._console: console.Console | None = None
        self.on_recorded: Listener | None = None
        """Told the events of each write once it has landed, in their order. Must neither raise nor take long."""

    @classmethod
    def open(
        cls,
        home: Path,
        kinds: Kinds,
        clock: Clock,
        *,
        lock_wait_s: float = 0,
        on_wait: Callable[[str], None] = lambda _: None,
        group: bool = False,
    ) -> Store:
        """Open the store of a home, making and migrating it when needed. `group` allows a home that its group may write.

        Effects: makes the home (mode 700) and the file (mode 600); takes from the home what its group may write; finishes the
        bookkeeping of a process that was killed and removes what it left. Where others may look into the home, the umask of the
        process becomes 077.
        Raises: StoreLocked FLEET-301; StoreError FLEET-302 (newer), 303 (not a store, or damaged), 304 (disk full), 305 (no
        right to write), 314 (others may write into the home).
        """
        path = home / FILE_NAME
        try:
            private.make_folder(home)
        except OSError as error:
            raise StoreError(
                "FLEET-305",
                f"The home {home} cannot be created: {error.strerror}.",
                "Choose another home with --home or FLEET_HOME.",
            ) from error
        private.close_home(home, group=group)
        resolved = path.resolve()
        with _open_guard:
            if resolved in _open_files:
                raise _locked(path, os.getpid())
            _open_files.add(resolved)
        try:
            connection, known = _connect(path, lock_wait_s, on_wait)
            store = cls(connection, path, clock)
            try:
                store._prepare(kinds, known=known)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            _open_files.discard(resolved)
            raise
        _write_holder(path)
        for left in home.glob(f".{path.name}.*"):
            _remove(left)  # of an earlier version that was killed in the middle of a copy: the store is ours alone
        snapshots.clear(_copies(path))
        return store

    @classmethod
    def open_snapshot(cls, path: Path, kinds: Kinds, clock: Clock) -> Store:
        """Open a snapshot for reading alone, shut off from all other files: people may ask it SQL of their own (`ask`).

        Raises: StoreError FLEET-302 (newer), 303 (no store, or damaged); StoreLocked FLEET-301.
        """
        with translated(path):
            connection = opening.read_only(path)
        store = cls(connection, path, clock)
        store._console = console.Console(path)
        try:
            with store.read() as tx:
                contents.refuse_foreign(tx._cursor, path, kinds)
                store._refuse_newer(int(tx.value("store/schema_version") or 0))
                store._last_at = time_of(tx.value("store/last_time")) or _EPOCH
        except StoreError as error:
            store.close()
            if error.code == "FLEET-309":  # none of our tables is there
                raise StoreError(
                    "FLEET-303",
                    f"{path} is not a store of Fleet Workbench.",
                    "Create a snapshot with: fleet snapshot OUT",
                ) from error
            raise
        return store

    def current(self, kinds: Kinds) -> bool:
        """Whether schema and views are those of this version and of these kinds."""
        with self.read() as tx:
            note = tx.row("store/get_note", name="views_digest")
            version = tx.value("store/schema_version")
        return version == self.schema_version and note is not None and json.loads(note[0]) == views_script(kinds)[1]

    def ask(self, sql: str, parameters: Mapping[str, Any], *, seconds: float, most: int) -> DataFrame:
        """A query of somebody's own, of a snapshot. Raises: QueryError FLEET-651 to 655."""
        if self._console is None:
            raise QueryError(
                "FLEET-652", "SQL queries are allowed on a snapshot only.", "Create one with: fleet snapshot OUT"
            )
        return self._console.ask(sql, parameters, seconds=seconds, most=most)

    @property
    def schema_version(self) -> int:
        return migrations()[-1][0]

    @property
    def last_write(self) -> datetime:
        """The time of the last write; 1970 for a store that has none."""
        return self._last_at

    def newest(self) -> datetime:
        """A time that no write lies after: the clock, unless it stepped back behind the last write."""
        return max(self.clock(), self._last_at)

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        with self._write_lock:
            if self._console is not None:
                self._console.close()
            ours = self.path.resolve() in _open_files
            with suppress(duckdb.Error):
                if ours:  # so that a copy of the file alone is whole
                    self._connection.execute("CHECKPOINT")
            with suppress(duckdb.Error):
                self._connection.close()
            if ours:
                _note_known(self.path)
                _open_files.discard(self.path.resolve())
                with suppress(OSError):
                    _holder(self.path).unlink()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent view; sees no write that lands after it begins."""
        with self._gate.together(), translated(self.path):
            cursor = self._connection.cursor()
            try:
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                yield Transaction(cursor, self.clock())
            finally:
                _end(cursor)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One write: commits at the end, undone whole by any error. Writers of one process take turns."""
        with self._write_lock, translated(self.path):
            cursor = self._connection.cursor()
            try:
                cursor.execute("BEGIN TRANSACTION")
                # Strictly later than every write before, even when the clock steps back: history stays ordered by time.
                transaction = Transaction(cursor, max(self.clock(), self._last_at + _MICROSECOND))
                yield transaction
                cursor.execute("COMMIT")
                self._last_at = transaction.at
                self._writes += 1
                self._remembered = {}
            finally:
                _end(cursor)
            if transaction.recorded and self.on_recorded is not None:
                self.on_recorded(_events_of(transaction))

    def fold_when_idle(self) -> bool:
        """Bring the log into the file when nothing was written since this was asked last: then a copy of the file alone is whole.

        Gives whether it did. Asked every minute by a server; the log is folded at 16 MB and on closing besides.
        """
        writes = self._writes
        idle, self._seen = self._seen == writes, writes
        if not idle or self._folded == writes:
            return False
        # Where a long read is in the way, or the disk is full, the next minute will do.
        with self._write_lock, suppress(duckdb.Error):
            cursor = self._connection.cursor()
            try:
                cursor.execute("CHECKPOINT")
                self._folded = writes
            finally:
                cursor.close()
        return self._folded == writes

    def remembered(self, about: object, ask: Callable[[Transaction], T]) -> T:
        """What `ask` gives, asked once as long as nothing is written: this process is the only one that writes.

        `about` names the question. What it gives must be immutable.
        """
        writes = self._writes  # looked at before the reading begins: what is newer than it says is only asked again
        known = self._remembered.get(about)
        if known is not None and known[0] == writes:
            answer: T = known[1]
            return answer
        with self.read() as tx:
            answer = ask(tx)
        if len(self._remembered) >= _MOST_REMEMBERED:  # questions with what somebody typed in them never end
            self._remembered = {}
        self._remembered[about] = (writes, answer)
        return answer

    def snapshot(self, path: Path, wait_s: float = COPY_WAIT_S) -> None:
        """Copy the whole store, but for its tokens, into a file, whole or not at all; others read and write meanwhile.

        One copy is made at a time; `wait_s` is how long to wait for those of others.
        Effects: the file, mode 600, on disk and checked when this returns; one that is there is replaced.
        Raises: StoreError FLEET-304 (disk full), FLEET-305 (no right), FLEET-307 (the copy is not whole), FLEET-315 (not now).
        """
        try:
            with self._turn(wait_s), snapshots.room(_copies(self.path), path) as room:
                with self._gate.together():
                    self._copy(room.made, without=snapshots.TOKENS)
                snapshots.place(room, path)
        except OSError as error:
            raise _unwritable(error, str(path), "Choose a file in a writable folder.") from error

    def compact(self, wait_s: float = 10, turn_s: float = COPY_WAIT_S) -> tuple[int, int]:
        """Write the store anew into a file of its own and go on with that: what is gone from it takes no space any more.

        Gives its bytes before (the log brought in) and after. `wait_s` is how long to wait for reads to end, `turn_s` for the
        copies of others. Others read while it writes; writes wait. Killed at any moment, it leaves the file of before or the
        new one, whole.
        Raises: StoreError FLEET-304 (no room for a second file), FLEET-305, FLEET-307, FLEET-313 (a read did not end in time),
        FLEET-315 (copies are being made); then nothing changed.
        """
        try:
            with self._turn(turn_s), self._write_lock, snapshots.room(_copies(self.path), self.path) as room:
                self._copy(room.made)
                room.made.chmod(private.FILE)
                with self._gate.alone(wait_s):
                    return self._exchange(room.made), self.size()
        except TimeoutError:
            raise StoreError(
                "FLEET-313",
                "A read from the store is still running.",
                "Nothing was changed. Try again later.",
            ) from None
        except OSError as error:
            raise _unwritable(error, f"The home {self.path.parent}", "Check its owner and mode.") from error

    @contextmanager
    def _turn(self, wait_s: float) -> Iterator[None]:
        """Be the only one who copies: DuckDB finishes the file of one copy only when no other is going on. Raises: FLEET-315."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self._copying.taken(wait_s))
            except TimeoutError:
                raise StoreError(
                    "FLEET-315",
                    "Other copies of the store are being made; they must finish first.",
                    "Nothing was written. Try again in a minute.",
                ) from None
            yield

    def _copy(self, path: Path, without: Collection[str] = ()) -> None:
        """Make a copy in a new file and check it."""
        with translated(path):
            cursor = self._connection.cursor()
            try:
                counts = snapshots.write(cursor, path, without=without)
            finally:
                cursor.close()
            snapshots.check(path, counts)

    def _exchange(self, made: Path) -> int:
        """Take another file over in the place of this one, whose bytes it gives; nobody reads or writes."""
        with _at_the_door(self.path), translated(self.path):
            self._connection.execute("CHECKPOINT")
            before = self.size()
            self._connection.close()
            try:
                if self.path.with_name(f"{self.path.name}.wal").exists():
                    raise StoreError(  # what the log still holds would be played over the new file
                        "FLEET-313",
                        "The store's log could not be merged into its file.",
                        "Nothing was changed. Try again later.",
                    )
                made.replace(self.path)
                private.settle(self.path.parent)
            finally:
                self._connection = _opened(self.path)
        return before

    def facts(self) -> StoreFacts:
        """Size and versions of the store, and how many rows its large tables hold."""
        with self.read() as tx:
            rows = dict(tx.rows("store/count_rows"))
            free = int(tx.value("store/free_bytes") or 0)
            oldest = time_of(tx.value("store/first_time"))
        return StoreFacts(self.path, self.size(), free, oldest, self.schema_version, str(duckdb.__version__), rows)

    def size(self) -> int:
        """Bytes on disk, the write-ahead log included."""
        return sum(path.stat().st_size for path in self.path.parent.glob(f"{self.path.name}*") if path.is_file())

    def _prepare(self, kinds: Kinds, *, known: bool) -> None:
        """Check what is in the file, unless it is known, and bring it up to date."""
        with _told_as_damage(self.path), translated(self.path):
            cursor = self._connection.cursor()
            if not known:
                contents.refuse_foreign(cursor, self.path, kinds)
            cursor.execute(statement("store/make_schema_versions"))
            found = cursor.execute(statement("store/schema_version")).fetchone()
        with translated(self.path):
            self._migrate(cursor, found[0] if found else 0)
            script, digest = views_script(kinds)
            note = cursor.execute(statement("store/get_note"), {"name": "views_digest"}).fetchone()
            if note is None or json.loads(note[0]) != digest:
                cursor.execute("BEGIN TRANSACTION")
                cursor.execute(script)
                cursor.execute(statement("store/put_note"), {"name": "views_digest", "value": json.dumps(digest)})
                cursor.execute("COMMIT")
            last = cursor.execute(statement("store/last_time")).fetchone()
            self._last_at = (time_of(last[0]) if last else None) or _EPOCH
            _end(cursor)
        self._recover()

    def _migrate(self, cursor: duckdb.DuckDBPyConnection, version: int) -> None:
        self._refuse_newer(version)
        for number, name, script in migrations():
            if number > version:
                cursor.execute("BEGIN TRANSACTION")
                cursor.execute(script)
                cursor.execute(
                    statement("store/record_migration"), {"version": number, "name": name, "at": self.clock()}
                )
                cursor.execute("COMMIT")

    def _refuse_newer(self, version: int) -> None:
        if version > self.schema_version:
            raise StoreError(
                "FLEET-302",
                f"The store {self.path} has schema {version}; this version of Fleet Workbench supports {self.schema_version}.",
                "Use the newer version that wrote it, or use another home.",
            )

    def _recover(self) -> None:
        """Finish what a killed process left: this process is the only owner, so whatever is `running` was interrupted."""
        with self.read() as tx:
            if not tx.value("store/count_running"):
                return
        error = json.dumps(
            {
                "code": "FLEET-502",
                "message": "The process stopped before this was finished.",
                "hint": "The finished steps are listed; the next tick continues.",
            }
        )
        with self.write() as tx:
            tx.run("store/interrupt_runs", at=tx.at, error=error)
            tx.run("store/interrupt_applies", at=tx.at, error=error)
            tx.run("store/note_interruption", at=tx.at, seq=tx.ids("event_seq", 1)[0])


def _events_of(tx: Transaction) -> list[RecordedEvent]:
    return [
        RecordedEvent(seq, tx.at, actor, event, tx.request_id)
        for actor, seqs, events in tx.recorded
        for seq, event in zip(seqs, events, strict=True)
    ]


def _end(cursor: duckdb.DuckDBPyConnection) -> None:
    """Leave no transaction open; after a commit or a failed one there is none, which DuckDB says by raising."""
    with suppress(duckdb.Error):
        cursor.execute("ROLLBACK")
    cursor.close()


def _connect(path: Path, lock_wait_s: float, on_wait: Callable[[str], None]) -> tuple[duckdb.DuckDBPyConnection, bool]:
    """Open the file of a home, and say whether it is the one that this home closed last."""
    deadline = time.monotonic() + lock_wait_s
    waited = False
    while True:
        try:
            with _at_the_door(path), _told_as_damage(path), translated(path):
                known = _is_known(path)
                return _opened(path), known
        except StoreLocked as locked:
            if time.monotonic() >= deadline:
                raise
            if not waited:
                on_wait(locked.message)
                waited = True
            time.sleep(0.05)  # DuckDB offers no call that blocks until the file is free
        except StoreError:
            # A process killed while it made the file leaves it empty, which holds nothing and is in nobody's hands.
            if not path.exists() or path.stat().st_size:
                raise
            path.unlink()


def _opened(path: Path) -> duckdb.DuckDBPyConnection:
    if not path.exists():
        _make(path)
    for each in (path, path.with_name(f"{path.name}.wal")):
        private.close_file(each)
    return opening.read_write(path, _copies(path))


def _make(path: Path) -> None:
    """Make an empty store, mode 600 from its first byte: DuckDB goes by the umask, so it makes the file in a private folder.

    Raises: duckdb.Error; StoreError FLEET-304, FLEET-305.
    """
    try:
        with snapshots.room(_copies(path), path) as room:
            opening.read_write(room.made, _copies(path)).close()
            snapshots.place(room, path)
    except OSError as error:
        raise _unwritable(
            error, f"The home {path.parent}", "Check its owner and mode, or use another home with --home."
        ) from error


def _copies(path: Path) -> Path:
    """The folder in which copies of a store are made."""
    return path.parent.resolve() / snapshots.COPIES


@contextmanager
def _at_the_door(path: Path) -> Iterator[None]:
    """Keep other processes from opening the file: for the moment in which one is exchanged for another, it is nobody's.

    Raises: StoreError FLEET-304, FLEET-305.
    """
    try:
        door = os.open(path.with_suffix(".door"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, private.FILE)
    except OSError as error:
        raise _unwritable(
            error, f"The home {path.parent}", "Check its owner and mode, or use another home with --home."
        ) from error
    try:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield
    finally:
        os.close(door)


def _unwritable(error: OSError, what: str, hint: str) -> StoreError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return StoreError(
            "FLEET-304",
            f"{what} cannot be written: {error.strerror}.",
            "Free disk space, then try again. Nothing was changed.",
        )
    return StoreError("FLEET-305", f"{what} cannot be written: {error.strerror}.", hint)


def _remove(path: Path) -> None:
    for left in (path, path.with_name(f"{path.name}.wal")):
        left.unlink(missing_ok=True)


def _is_known(path: Path) -> bool:
    """Whether a store is the file that this home closed last, untouched: then what is in it need not be looked through again.

    That takes longer than everything else in opening. A file that was put in its place is another one, or has another time.
    """
    try:
        return path.with_suffix(".known").read_text() == _appearance(path)
    except (OSError, ValueError):
        return False


def _note_known(path: Path) -> None:
    """Note how the store looks after it was closed. Never needed for correctness. Effects: `fleet.known` beside it."""
    with suppress(OSError):
        private.write(path.with_suffix(".known"), _appearance(path).encode())


def _appearance(path: Path) -> str:
    """What tells one file from another, and from itself once it was written to; with its log, if one is there."""
    parts = [str(duckdb.__version__)]
    for each in (path, path.with_name(f"{path.name}.wal")):
        if each.exists():
            found = each.stat()
            parts.append(f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}")
    return " ".join(parts)


def _holder(path: Path) -> Path:
    return path.with_suffix(".holder")


def _write_holder(path: Path) -> None:
    """Leave word of who holds the store, for the message of whoever comes next. Never needed for correctness."""
    command = (
        " ".join(["fleet", *sys.argv[1:3]])
        if Path(sys.argv[0]).name in {"fleet", "__main__.py"}
        else Path(sys.argv[0] or "python").name
    )
    word = {"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat(timespec="seconds")}
    with suppress(OSError):
        private.write(_holder(path), json.dumps(word).encode())


def _locked(path: Path, pid: int | None) -> StoreLocked:
    command = since = None
    with suppress(OSError, ValueError):
        word = json.loads(_holder(path).read_text())
        if pid is None or word["pid"] == pid:
            pid, command, since = word["pid"], word["command"], word["since"]
    who = (f"process {pid}" if pid else "another process") + (f" ({command}, since {since})" if command else "")
    return StoreLocked(
        "FLEET-301",
        f"The store {path} is in use by {who}.",
        "Wait for it to end, stop it, or use another home with --home.",
        pid=pid,
        command=command,
        since=since,
    )


def _pid_in(message: str) -> int | None:
    _, found, rest = message.partition("(PID ")
    digits = rest.split(")", 1)[0]
    return int(digits) if found and digits.isdecimal() else None


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what DuckDB raises into the store's errors; its text is kept out where it could quote data."""
    try:
        yield
    except FleetError:
        raise
    except duckdb.Error as error:
        text = str(error)
        lowered = text.lower()
        if "could not set lock" in lowered:
            raise _locked(path, _pid_in(text)) from error
        if "no space left" in lowered or "disk quota" in lowered or "file too large" in lowered:
            raise StoreError(
                "FLEET-304",
                f"The disk that holds {path} is full; nothing was written.",
                "Free disk space, then try again.",
            ) from error
        if isinstance(error, duckdb.OutOfMemoryException) or "cannot allocate memory" in lowered:
            raise surroundings.no_memory() from error
        if "permission denied" in lowered or "read-only" in lowered or "read only file system" in lowered:
            raise StoreError(
                "FLEET-305",
                f"The store {path} is not writable.",
                "Check the owner and mode of the home, or use another home with --home.",
            ) from error
        if "newer version of duckdb" in lowered or "newer duckdb version" in lowered:
            raise StoreError(
                "FLEET-302",
                f"The store {path} was written by a newer version.",
                "Use the newer version that wrote it, or use another home.",
            ) from error
        # A wrong checksum is the plain class of all errors.
        if type(error) is duckdb.Error or isinstance(
            error, duckdb.IOException | duckdb.SerializationException | duckdb.FatalException | duckdb.InternalException
        ):
            raise _damaged(path) from error
        raise StoreError(
            "FLEET-309",
            f"The store rejected a statement ({type(error).__name__}).",
            "Nothing was written. Please report it.",
        ) from error


@contextmanager
def _told_as_damage(path: Path) -> Iterator[None]:
    """Whatever is refused before anything of ours was asked is wrong with the file."""
    try:
        yield
    except StoreError as error:
        if error.code == "FLEET-309":
            raise _damaged(path) from error
        raise


def _damaged(path: Path) -> StoreError:
    """What is said of a store that cannot be read, with the ways back."""
    log = path.with_name(f"{path.name}.wal")
    without = (
        f" If only its log is damaged, move the log away to open the store without its last changes: mv {log} {log}.damaged."
        if log.exists()
        else ""
    )
    return StoreError(
        "FLEET-303",
        f"The store {path} cannot be read: it is damaged, or not a store of Fleet Workbench.",
        f"Keep a copy of the file. Restore the store from a snapshot, or start an empty home with --home and import an exported fleet.yaml.{without}",
    )


def lists(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """Turn rows into one list per column, as set-based statements take them."""
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}
