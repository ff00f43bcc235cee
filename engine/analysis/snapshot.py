"""A snapshot opened for analysis. Nothing can be written to it; forks of it are written to, and go away."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, SupportsInt

import networkx as nx
import orjson
import pandas as pd

from engine.analysis.frames import change_of, changed, documented, frame, framed, key_columns
from engine.analysis.what_if import WhatIf, approved, edited
from engine.errors import RefusedEdit
from engine.kinds import Kinds
from engine.kinds.fleet import FLEET
from engine.model import Drill, ResourceKey
from engine.paths import field_changes
from engine.present import charts, words
from engine.present.moments import read_moment
from engine.settings import Settings
from engine.store import FILE_NAME, Store, frame_rows, live
from engine.system import private
from engine.workbench import utc_now
from engine.workbench.blame import logged
from engine.workbench.drill import drill
from engine.workbench.edits import no_resource
from engine.workbench.graph import grouped
from engine.workbench.reader import MOST, Reader

if TYPE_CHECKING:
    import plotly.graph_objects as go

Moment = datetime | str
"""A time: a datetime or pandas Timestamp, or ISO 8601 as text. Without a zone it is UTC."""

Address = ResourceKey | str
"""A resource: `modules/nginx`, or `acme/modules/nginx` where there are several accounts."""

MOST_DRAWN = 300
"""A graph of more nodes is drawn as groups."""


class Snapshot:
    """One moment of a whole store: every method reads it, as often as you like, and gets the same.

    Every frame is a pandas DataFrame with documented columns; `reader` gives the same as domain objects.

    >>> wb = engine.open("monday.duckdb")
    >>> wb.proposals().query("status == 'pending'").sort_values("blast_radius")
    """

    def __init__(
        self, path: Path, *, kinds: Kinds = FLEET, account: str | None = None, owned: ExitStack | None = None
    ) -> None:
        """Open a snapshot file; one of an older version is brought up to date in a copy. What is `owned` ends with it.

        Raises: StoreError FLEET-302 (newer), 303 (no store); RefusedEdit FLEET-607 (no such file).
        """
        self._stack = owned or ExitStack()
        self.path = path
        if not path.is_file():
            raise RefusedEdit("FLEET-607", f"{path} is not a file.", "Create one with: fleet snapshot OUT")
        settings = Settings.from_environment(str(path.parent))
        self._store = self._open(path, kinds)
        self.reader = Reader(self._store, kinds, settings)
        """All reading as domain objects: what pages and the command line read."""
        if account is not None:
            self.reader = self.reader.narrowed(account)
        self.account = account
        """The one account in view, or None for all of them."""

    def _open(self, path: Path, kinds: Kinds) -> Store:
        store = Store.open_snapshot(path, kinds, utc_now)
        self._file = path
        if not store.current(kinds):
            store.close()
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-snapshot-")))
            self._file = folder / FILE_NAME
            private.copy(path, self._file)
            Store.open(folder, kinds, utc_now).close()
            store = Store.open_snapshot(self._file, kinds, utc_now)
        self._stack.callback(store.close)
        return store

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def taken_at(self) -> datetime:
        """The time of the last write that is in it: its `now`."""
        return self._store.last_write

    # Frames

    @documented("proposals")
    def proposals(self) -> pd.DataFrame:
        """Every proposal, oldest first.

        >>> wb.proposals().groupby("status").size()
        """
        with self._store.read() as tx:
            return framed("proposals", frame_rows.proposals(tx, self.account))

    @documented("runs")
    def runs(self) -> pd.DataFrame:
        """Every run, oldest first.

        >>> wb.runs().groupby("repository")["seconds"].describe()
        """
        with self._store.read() as tx:
            return framed("runs", frame_rows.runs(tx, self.account))

    @documented("drift")
    def drift(self) -> pd.DataFrame:
        """Every drift episode, oldest first.

        >>> wb.drift().groupby("name").size().nlargest(10)
        """
        with self._store.read() as tx:
            return framed("drift", frame_rows.drift(tx, self.account, self.taken_at))

    @documented("withheld")
    def withheld(self) -> pd.DataFrame:
        """Every difference that was not proposed, oldest first, each with how long.

        >>> wb.withheld().groupby("reason")["lasted_s"].median()
        """
        with self._store.read() as tx:
            return framed("withheld", frame_rows.withheld(tx, self.account, self.taken_at))

    @documented("events")
    def events(self) -> pd.DataFrame:
        """Every decision, move and edit, oldest first.

        >>> wb.events()["type"].value_counts()
        """
        with self._store.read() as tx:
            return framed("events", frame_rows.events(tx, self.account))

    @documented("fleet")
    def fleet(self, at: Moment | None = None) -> pd.DataFrame:
        """The fleet as it is, or as it was at a time.

        >>> wb.fleet(at="2026-11-20T02:13:00Z").query("kind == 'modules'")
        """
        with self._store.read() as tx:
            made = (
                frame_rows.fleet(tx, self.account)
                if at is None
                else frame_rows.fleet_at(tx, self.account, read_moment(at))
            )
        made["spec"] = pd.Series([orjson.loads(text) for text in made["spec"]], dtype=object)
        return made

    @documented("diff")
    def diff(self, run_or_yaml: SupportsInt | str | Path, *, repository: str | None = None) -> pd.DataFrame:
        """What a run found, field by field; or what a tick would find in a fleet file, given as text or path.

        With a file, destroys are found only as a repository sees them: name it.
        Raises: RefusedEdit FLEET-604 (no such run), 603 (no such repository); FleetFileInvalid, with every problem.

        >>> wb.diff(wb.runs().index[-1]).query("path == 'priority'")
        >>> wb.diff(Path("fleet.yaml"), repository="northwind-fleet")
        """
        if isinstance(run_or_yaml, str | Path):
            return frame("diff", self._file_diff(_content(run_or_yaml), repository))
        return frame("diff", self._run_diff(int(run_or_yaml)))

    def _run_diff(self, id_: int) -> Iterable[dict[str, Any]]:
        run = self.reader.run(id_)
        for p in self.reader.proposals_by_id(run.proposal_ids):
            shared = {**key_columns(p.key), "change": p.change, "cause": p.cause, "proposal": p.id, "status": p.status}
            for change in p.fields or [None]:
                yield {**shared, **changed(change)}
        for held in self.reader.held_by(run):
            shared = {**key_columns(held.key), "change": held.change, "withheld": held.reason, "detail": held.detail}
            for change in held.fields or [None]:
                yield {**shared, **changed(change)}

    def _file_diff(self, content: bytes, repository: str | None) -> Iterable[dict[str, Any]]:
        reader = self.reader
        account = None if repository is None else reader.repository(repository).account
        desired = reader.read_file(content, file="fleet.yaml", account=account)
        preview = reader.preview(desired, account=desired.account, repository=repository)
        for entry in preview.entries:
            d = entry.difference
            shared = {**key_columns(d.key), "change": d.change, "cause": d.cause, "withheld": entry.withheld}
            shared |= {"detail": entry.detail or None}
            for change in entry.fields or [None]:
                yield {**shared, **changed(change)}

    @documented("history")
    def history(self, resource: Address) -> pd.DataFrame:
        """Every version of a resource, newest first.

        Raises: RefusedEdit FLEET-627 (there never was one).

        >>> wb.history("modules/nginx-public")[["valid_from", "actor", "changes"]]
        """
        key = self.key(resource)
        found = self.reader.history(key, MOST)
        if not found:
            raise no_resource(key)
        rows = [
            {
                "seq": v.seq, "version": v.version, "valid_from": v.valid_from, "valid_to": v.valid_to, "actor": v.actor, "cause": v.cause,
                "proposal": v.proposal_id, "note": v.note, "spec": v.spec,
                "changes": "gone" if v.spec is None else "; ".join(words.change_words(c, 60) for c in changes),
            }
            for v, changes in logged(found)
        ]  # fmt: skip
        return frame("history", rows)

    @documented("blame")
    def blame(self, resource: Address) -> pd.DataFrame:
        """Each value of a live resource: since when, by whom, through which proposal and commit.

        Raises: RefusedEdit FLEET-627 (there is none).

        >>> wb.blame("modules/nginx-public").loc["priority"]
        """
        key = self.key(resource)
        self.reader.resource(key)
        rows = [
            {
                "path": b.blame.path, "value": b.blame.value, "since": b.blame.version.valid_from, "actor": b.blame.version.actor,
                "cause": b.blame.version.cause, "note": b.blame.version.note, "proposal": b.blame.version.proposal_id,
                "revision": b.proposal.revision if b.proposal else None, "author": b.run.author if b.run else None,
                "subject": b.run.subject if b.run else None,
            }
            for b in self.reader.blame(key)
        ]  # fmt: skip
        return frame("blame", rows)

    @documented("compare")
    def compare(self, since: Moment, until: Moment | None = None) -> pd.DataFrame:
        """What is otherwise at a later time (now unless given) than at an earlier one, path by path, and who made it so.

        >>> wb.compare("2026-11-20", "2026-11-21")
        """
        later = self.taken_at if until is None else read_moment(until)
        with self._store.read() as tx:
            found = live.changed(tx, self.account, read_moment(since), later)
        rows = [
            {
                **key_columns(row.key), "change": change_of(row.before, row.after), "actor": row.actor, "at": row.at, "proposal": row.proposal_id,
                "path": c.path, "what": c.change, "before": c.current, "after": c.desired,
            }
            for row in found
            for c in field_changes(row.before, row.after)
        ]  # fmt: skip
        return frame("compare", rows)

    def graph(self, at: Moment | None = None) -> nx.DiGraph:
        """The fleet as a networkx graph, as it is or was: an edge leads from each resource to what it refers to.

        Nodes are keys, such as `acme/modules/nginx`, with `account`, `kind`, `name`, `state`, `layer` and `repository`.

        >>> nx.ancestors(wb.graph(), "northwind/modules/nginx-public")
        """
        found = self.reader.graph(account=self.account, at=None if at is None else read_moment(at))
        made = nx.DiGraph()
        for n in found.nodes:
            made.add_node(n.key.text, **key_columns(n.key), state=n.state, layer=n.layer, repository=n.repository)
        made.add_edges_from((one.text, other.text) for one, other in found.edges)
        return made

    def sql(self, query: str, *, seconds: float = 30, rows: int = 1_000_000, **parameters: Any) -> pd.DataFrame:
        """One SELECT of your own over all tables and views; `$name` takes a parameter.

        Nothing can be written, and nothing but the snapshot can be reached. `seconds` and `rows` are limits.
        Each kind has a view with its fields as columns, and with `live_version`, `updated_at` and `updated_by` of its rows.
        It sees every account, whichever is in view. Raises: QueryError FLEET-651 to 655.

        >>> wb.sql("SELECT name, priority FROM node_modules WHERE priority > $least", least=50)
        >>> wb.sql("SELECT count(*) FROM fleet_at($then::TIMESTAMPTZ)", then="2026-11-20")
        """
        return self._store.ask(query, parameters, seconds=seconds, most=rows)

    # Figures: the same that the pages show

    def plot_outcomes(self, days: int = 30) -> go.Figure:
        """Proposals by the day on which they ended and how."""
        last = self.taken_at.date()
        since = datetime(last.year, last.month, last.day, tzinfo=UTC) - timedelta(days=days - 1)
        return charts.outcomes_by_day(self.reader.outcomes(since, self.account), last, days)

    def plot_drift(self, days: int = 30, most: int = 40) -> go.Figure:
        """Drift episodes of the last days on a timeline, with edits, applies and commits."""
        since = self.taken_at - timedelta(days=days)
        episodes = [
            e for e in self.reader.drift(account=self.account, limit=MOST) if e.closed_at is None or e.closed_at > since
        ][:most]
        return charts.drift_timeline(episodes, self.reader.drift_marks(episodes, since), self.taken_at)

    def plot_graph(self, at: Moment | None = None) -> go.Figure:
        """The fleet in layers; as groups where there are too many resources to draw."""
        found = self.reader.graph(account=self.account, at=None if at is None else read_moment(at))
        return charts.fleet_graph(found) if len(found.nodes) <= MOST_DRAWN else charts.group_graph(grouped(found))

    # Trying things on

    def what_if(
        self,
        proposals: Sequence[int] | str | None = None,
        *,
        yaml: str | Path | None = None,
        repository: str | None = None,
    ) -> WhatIf:
        """What would be if these proposals were applied, or if this file were pushed and all of it applied.

        `proposals`: their numbers, or `"open"` for all that are pending or approved. `yaml`: a whole fleet file as text or
        path; `repository` is whose it is, else the only one of its account, else a new one.
        It is applied to a fork that goes away: nothing reaches the store from which the snapshot came.
        Raises: RefusedEdit FLEET-603, 646; ReviewError FLEET-401; FleetFileInvalid.

        >>> friday = wb.what_if("open")
        >>> friday.broken
        """
        if (proposals is None) == (yaml is None):
            raise RefusedEdit(
                "FLEET-646",
                "Give either proposals or a fleet file.",
                'what_if([4, 5]), what_if("open") or what_if(yaml=…)',
            )
        if yaml is not None:
            return edited(self.reader, self._file, _content(yaml), repository)
        chosen = (
            [p.id for p in self.reader.live_proposals(account=self.account) if p.status in {"pending", "approved"}]
            if proposals == "open"
            else [self.reader.proposal(int(id_)).id for id_ in proposals or ()]
        )
        return approved(self.reader, self._file, chosen)

    def drill(self, account: str | None = None) -> Drill:
        """Restore an account's fleet from nothing but its export into an empty store, and compare. Recorded nowhere.

        >>> wb.drill().stages
        """
        return drill(self.reader, self.reader.account(account or self.account))

    def export(self, account: str | None = None, at: Moment | None = None) -> str:
        """The canonical fleet.yaml of an account, as it is or was. Raises: RefusedEdit FLEET-630."""
        account = self.reader.account(account or self.account)
        return self.reader.export(account=account, at=None if at is None else read_moment(at))

    # Naming things

    def key(self, resource: Address) -> ResourceKey:
        """The resource meant. Raises: RefusedEdit FLEET-646 where it is no address."""
        if isinstance(resource, ResourceKey):
            return resource
        parts = resource.split("/")
        if len(parts) == 2:
            parts = [self.reader.account(self.account), *parts]
        if len(parts) != 3:
            raise RefusedEdit(
                "FLEET-646", f"{resource[:80]!r} is not a resource.", "Write it as modules/nginx or acme/modules/nginx."
            )
        self.reader.kind(parts[1])
        return ResourceKey(*parts)

    def __repr__(self) -> str:
        return f"Snapshot({str(self.path)!r}, taken_at={self.taken_at.isoformat(timespec='seconds')})"

    def _repr_html_(self) -> str:
        status = self.reader.status(self.account)
        counts = ", ".join(f"{count:,} {name.value}" for name, count in status.counts.items()) or "none"
        rows = [
            ("Last write", f"{self.taken_at:%Y-%m-%d %H:%M:%S} UTC"),
            ("Accounts", ", ".join(status.accounts) or "none"),
            ("Resources", f"{status.resources:,}, {status.owned:,} of them owned"),
            ("Repositories", f"{len(status.repositories):,}"),
            ("Standing proposals", counts),
            ("Drifted", f"{len(status.drift):,}"),
            ("Withheld", f"{sum(status.withheld.values()):,}"),
        ]
        cells = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in rows
        )
        return f"<b>{html.escape(str(self.path))}</b><table>{cells}</table>"


def _content(yaml: str | Path) -> bytes:
    """The bytes of a fleet file given as text or path. Raises: RefusedEdit FLEET-607."""
    if isinstance(yaml, str) and "\n" in yaml:
        return yaml.encode()
    try:
        return Path(yaml).read_bytes()
    except OSError as error:
        raise RefusedEdit(
            "FLEET-607", f"The file {yaml} cannot be read: {error.strerror}.", "Give a fleet file as text, or its path."
        ) from error
