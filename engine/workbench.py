"""`Workbench`: everything one can do. Pages, the command line, the API and notebooks go through it alike.

Each verb takes the `Actor` who asks; what they may do is checked here, for every surface.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from engine import apply as applying
from engine import check as checking
from engine import contract, edits, registry, sync, tokens
from engine.check import Finding
from engine.decisions import Reverted, Reviewed, decide, revert
from engine.errors import ApplyError, RefusedEdit, ReviewError, SyncError
from engine.keys import key_of
from engine.kinds import Kinds, name_problem
from engine.kinds.fleet import FLEET
from engine.model import (
    Actor,
    Clock,
    Event,
    Permission,
    Proposal,
    Repository,
    ResourceKey,
    Revision,
    Run,
    Spec,
    Status,
    Token,
    Trigger,
)
from engine.reader import Preview, Reader
from engine.review import Verb
from engine.settings import Settings
from engine.store import FILE_NAME, Store, deliveries, events, pauses, proposals, repositories, retention
from engine.store import tokens as token_rows

if TYPE_CHECKING:
    from engine.analysis import Snapshot
    from engine.drill import Drill

SNAPSHOTS = "snapshots"
"""Where snapshots lie in a home while they are sent to somebody."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Going:
    """A tick that goes on, for whoever asks for another."""

    actor: str
    since: datetime
    run_id: int | None = None

    def begins(self, run_id: int) -> None:
        """Its run has begun."""
        self.run_id = run_id

    def __str__(self) -> str:
        seconds = (utc_now() - self.since).total_seconds()
        what = f"run {self.run_id}" if self.run_id else "it is fetching"
        return f"{what}, asked for by {self.actor} {seconds:.0f} s ago"


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync gives: its run, and the proposals that the run opened or reopened, in apply order."""

    run: Run
    proposals: list[Proposal]


class Workbench(Reader):
    """A Reader with the verbs. Owns the store of a home until closed."""

    def __init__(self, store: Store, kinds: Kinds, settings: Settings) -> None:
        super().__init__(store, kinds, settings)
        self._ticking: dict[int, _Going] = {}
        self._ticking_guard = threading.Lock()
        self._stopping = threading.Event()
        self.on_ticked: Callable[[Run], None] | None = None
        """Told of each tick that ended. Must neither raise nor take long."""

    @classmethod
    def open_home(
        cls,
        settings: Settings,
        *,
        kinds: Kinds = FLEET,
        clock: Clock = utc_now,
        on_wait: Callable[[str], None] = lambda _message: None,
    ) -> Self:
        """Open the home that the settings name. Raises: StoreError, StoreLocked."""
        store = Store.open(settings.home, kinds, clock, lock_wait_s=settings.lock_wait_s, on_wait=on_wait)
        with store.read() as tx:
            registered = {repository.id for repository in repositories.registered(tx)}
        # Whatever a killed process left there is nobody's: this process holds the store.
        sync.tidy(settings.home, registered)
        shutil.rmtree(settings.home / SNAPSHOTS, ignore_errors=True)
        return cls(store, kinds, settings)

    @staticmethod
    def open(path: str | os.PathLike[str] | None = None, *, account: str | None = None) -> Snapshot:
        """Open a snapshot for analysis: frames, figures, SQL, what-if. A home is given as its folder: a fresh copy of it is made.

        Without a path it is what `FLEET_SNAPSHOT` names, else the home of this machine.

        Raises: RefusedEdit FLEET-607 (no such file); StoreError FLEET-302, 303.

        >>> wb = Workbench.open("monday.duckdb")
        """
        from engine.analysis.sources import open_path  # brings pandas and plotly, which only notebooks need

        return open_path(None if path is None else Path(path), account)

    @staticmethod
    def connect(url: str, token: str, *, account: str | None = None) -> Snapshot:
        """Fetch a fresh snapshot from a running server and open it. The token must be one of every account.

        Raises: StoreError FLEET-310 (it is away), 312 (it is none); FleetError FLEET-600, 66x as the server refuses.

            wb = Workbench.connect("https://fleet.example.com", os.environ["FLEET_TOKEN"])
        """
        from engine.analysis.sources import fetch  # brings pandas and plotly, which only notebooks need

        return fetch(url, token, account)

    def stop(self) -> None:
        """Have what runs end soon: a fetch at once, an apply after the transaction in hand; what it did not reach stays approved."""
        self._stopping.set()

    def close(self) -> None:
        self.store.close()

    def seen_by(self, actor: Actor, account: str | None = None) -> Self:
        """This workbench as an actor may read it: of one account alone, where they name one or may touch no other.

        Raises: RefusedEdit FLEET-600.
        """
        self.permit(actor, Permission.READ, *([] if account is None else [account]))
        return self.narrowed(account or actor.account)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Repositories

    def add_repository(
        self, actor: Actor, name: str, url: str, *, account: str | None = None, **options: Any
    ) -> Repository:
        """Register a repository. Its first tick is due one interval later."""
        account = self.account(account)
        self.permit(actor, Permission.WRITE, account)
        with self.store.write() as tx:
            return registry.register(tx, self.settings, actor, name, url, account, options)

    def change_repository(
        self, actor: Actor, name: str, changes: Mapping[str, Any], *, release: bool = False
    ) -> Repository:
        """Change a repository's settings from the next tick on."""
        repository = self.repository(name)
        self.permit(
            actor, Permission.WRITE, repository.account, *([changes["account"]] if "account" in changes else [])
        )
        with self.store.write() as tx:
            return registry.change(tx, self.settings, actor, repository, changes, release=release)

    def remove_repository(self, actor: Actor, name: str) -> dict[str, int]:
        """Take a repository out of service; live state is not touched. Raises: SyncError FLEET-211 (a tick is going on)."""
        repository = self.repository(name)
        self.permit(actor, Permission.WRITE, repository.account)
        with self._alone(actor, repository):
            with self.store.write() as tx:
                facts = registry.remove(tx, actor, repository)
            sync.remove_checkout(self.settings.home, repository.id)
        return facts

    def offered_host_key(self, actor: Actor, name: str) -> str:
        """The key that a repository's ssh host shows now, as `TYPE BASE64`. Writes nothing.

        Raises: RefusedEdit FLEET-617 (no ssh remote); SyncError FLEET-201.
        """
        repository = self.repository(name)
        self.permit(actor, Permission.WRITE, repository.account)
        if not sync.is_ssh(repository.url):
            raise RefusedEdit(
                "FLEET-617",
                f"{name} has no ssh remote.",
                "An https host is known by its certificate; nothing to trust.",
            )
        return sync.scan(repository.url, self.settings.git_timeout_s)

    def trust_host_key(self, actor: Actor, name: str, key: str) -> Repository:
        """Pin the key that a repository's ssh host shall show from now on."""
        repository = self.repository(name)
        self.permit(actor, Permission.WRITE, repository.account)
        with self.store.write() as tx:
            registry.trust_host_key(tx, actor, repository, sync.read_host_key(key))
        return self.repository(name)

    def pause(self, actor: Actor, reason: str, repository: str | None = None) -> None:
        """Stop ticks and applies until `resume`."""
        chosen = None if repository is None else self.repository(repository)
        self.permit(actor, Permission.APPLY, chosen.account if chosen else "*")
        with self.store.write() as tx:
            registry.pause(tx, actor, chosen, reason)

    def resume(self, actor: Actor, repository: str | None = None) -> bool:
        """Let work go on; gives whether anything was paused."""
        chosen = None if repository is None else self.repository(repository)
        self.permit(actor, Permission.APPLY, chosen.account if chosen else "*")
        with self.store.write() as tx:
            return registry.resume(tx, actor, chosen)

    # Tokens of the API

    def create_token(
        self,
        actor: Actor,
        name: str,
        *,
        account: str | None = None,
        permissions: Collection[Permission],
        days: int = 90,
    ) -> tuple[Token, str]:
        """Make a token; gives its row and the token itself, which cannot be had again."""
        account = self.account(account)
        self.permit(actor, Permission.TOKENS, account)
        with self.store.write() as tx:
            return tokens.create(tx, self._token_key, actor, name, account, permissions, days)

    def tokens(self, actor: Actor) -> list[Token]:
        """Tokens that were made, newest first."""
        self.permit(actor, Permission.TOKENS)
        with self.store.read() as tx:
            return token_rows.all_(tx, None if actor.account == "*" else actor.account)

    def revoke_token(self, actor: Actor, id_: int) -> Token:
        """End a token now."""
        self.permit(actor, Permission.TOKENS)
        with self.store.write() as tx:
            return tokens.revoke(tx, actor, id_)

    def bearer(self, token: str) -> Actor:
        """Who comes with a token. Raises: AccessDenied FLEET-661, 662, 663."""
        jti = tokens.read(token, self._token_key)
        known = self.store.remembered(("token", jti), lambda tx: token_rows.by_jti(tx, jti))
        return tokens.bearer(known, self.store.clock())

    @cached_property
    def _token_key(self) -> bytes:
        return key_of(self.settings.home, "tokens")

    # Git hosts

    def create_gitea_repository(
        self, actor: Actor, owner: str, repo: str, *, private: bool = True
    ) -> contract.CreatedRepository:
        """Make an empty repository in Gitea. Raises: RefusedEdit FLEET-681 to 684, 687; SyncError of Vault."""
        self.permit(actor, Permission.WRITE)
        from engine import gitea

        made = gitea.create_repository(self.settings, owner, repo, private=private)
        account = None if actor.account == "*" else actor.account
        with self.store.write() as tx:
            data = {"owner": made["owner"], "repo": made["repo"], "private": made["private"]}
            events.record(tx, actor.name, [Event("gitops.gitea_repository_created", account, data=data)])
        return made

    def note_deliveries(
        self, provider: str, delivery: str | None, revision: str | None, outcomes: Sequence[tuple[int, str]]
    ) -> None:
        """Keep that a webhook came in. Shape: `outcomes` of (repository id, what comes of it)."""
        with self.store.write() as tx:
            deliveries.record(tx, provider, delivery, revision, outcomes)

    # Notifications

    def test_notifications(self, actor: Actor) -> list[tuple[str, str]]:
        """Send a test message to each sink, once. Shape: (sink, `delivered` or why not) in the order of the settings."""
        self.permit(actor, Permission.WRITE, "*")
        from engine.notify.sinks import sinks_of, test_sink

        return [(sink.name, test_sink(sink, utc_now(), actor.name)) for sink in sinks_of(self.settings)]

    # Snapshots

    def snapshot(self, actor: Actor, path: Path) -> int:
        """Copy the whole store, but for its tokens, into a file while it runs; gives the file's bytes.

        Raises: RefusedEdit FLEET-600 for who may not read every account, FLEET-607 where a home's store is; StoreError FLEET-304, 305.
        """
        self.permit(actor, Permission.READ, "*")
        if path.name == FILE_NAME and path.exists():
            # Ours, or another home's: whoever has it open would go on writing into a file that nobody finds again.
            raise RefusedEdit(
                "FLEET-607",
                f"{path} is a home's store, which no snapshot replaces.",
                "Name another file, or an empty home.",
            )
        self.store.snapshot(path)
        return path.stat().st_size

    # Retention

    def prune(self, actor: Actor) -> dict[str, int]:
        """Forget events and runs that are older than the settings keep and explain nothing of today.

        Shape: rows that went, by table. Effects: one event when any did.
        """
        self.permit(actor, Permission.WRITE, "*")
        with self.store.write() as tx:
            days, failed = timedelta(days=self.settings.keep_days), timedelta(days=self.settings.keep_failed_days)
            gone = retention.prune(tx, tx.at - days, tx.at - max(days, failed))
            if gone:
                events.record(tx, actor.name, [Event("store.pruned", data=dict(gone))])
        return gone

    def compact(self, actor: Actor) -> tuple[int, int]:
        """Write the store anew without what it has forgotten; gives its bytes before and after. Others read meanwhile.

        Effects: one event. Raises: StoreError FLEET-304 (no room for a second file), FLEET-313 (not now).
        """
        self.permit(actor, Permission.WRITE, "*")
        before, after = self.store.compact()
        with self.store.write() as tx:
            events.record(tx, actor.name, [Event("store.compacted", data={"before": before, "after": after})])
        return before, after

    # Ticks

    def sync(
        self,
        actor: Actor,
        name: str,
        *,
        trigger: Trigger = Trigger.MANUAL,
        watcher: Callable[[str], None] = lambda _stage: None,
        progress: applying.Progress = lambda _done, _all: None,
    ) -> Synced:
        """Run one tick of a repository now. What is wrong with its remote or file is in the run.

        Raises: SyncError FLEET-211 (one is going on), FLEET-212 (disabled); ApplyError FLEET-501 (paused).
        """
        repository = self.repository(name)
        self.permit(actor, Permission.SYNC, repository.account)
        if not repository.enabled:
            raise SyncError(
                "FLEET-212", f"Repository {name} is disabled.", f"Enable it first: fleet repo set {name} --enabled"
            )
        self._refuse_paused([repository])
        from engine import reconcile  # brings the reader of fleet files, which only a tick needs

        with self._alone(actor, repository) as going:
            run = reconcile.tick(
                self.store,
                self.kinds,
                self.settings,
                repository,
                actor,
                trigger,
                watcher=watcher,
                progress=progress,
                halted=self._halted,
                began=going.begins,
            )
        if self.on_ticked is not None:
            self.on_ticked(run)
        return Synced(run, [] if run.unchanged else self.proposals_by_id(run.proposal_ids))

    def check_repository(
        self,
        actor: Actor,
        url: str,
        *,
        branch: str = "main",
        path_prefix: str = "",
        account: str | None = None,
        vault_credential_path: str | None = None,
        ssh_host_key: str | None = None,
    ) -> list[Finding]:
        """Look at a remote as a tick would need it, before it is registered or when it fails. Writes nothing."""
        account = self.account(account)
        self.permit(actor, Permission.WRITE, account)
        wanted: dict[str, Any] = {
            "url": url, "branch": branch, "path_prefix": path_prefix, "vault_credential_path": vault_credential_path,
            "ssh_host_key": ssh_host_key,
        }  # fmt: skip
        try:
            registry.check_form(wanted, self.settings)
        except RefusedEdit as error:
            return checking.refused(error)
        return checking.check(self.settings, self.kinds, Repository(0, "checked", account, **wanted))[0]

    def look_at(self, actor: Actor, name: str) -> tuple[list[Finding], Revision | None]:
        """Look at the remote of a registered repository as a tick would need it; gives what was fetched, too. Writes nothing."""
        repository = self.repository(name)
        self.permit(actor, Permission.WRITE, repository.account)
        return checking.check(self.settings, self.kinds, repository)

    def dry_run(self, actor: Actor, name: str) -> tuple[Revision, Preview]:
        """What a sync of this repository would find now: the commit, and each difference. Writes nothing.

        Raises: SyncError as a tick would fail, FLEET-211 (one is going on); FleetFileInvalid.
        """
        repository = self.repository(name)
        self.permit(actor, Permission.SYNC, repository.account)
        with self._alone(actor, repository):
            revision = sync.fetch(repository, self.settings, halted=self._halted)
        found = self.read_file(revision.content, file=revision.file, account=repository.account)
        return revision, self.preview(found, account=repository.account, repository=name)

    # Review and apply

    def approve(self, actor: Actor, ids: Sequence[int]) -> list[Reviewed]:
        """Approve proposals, each by itself."""
        return self._decide(actor, Verb.APPROVE, ids)

    def reject(self, actor: Actor, ids: Sequence[int], reason: str) -> list[Reviewed]:
        """Reject proposals with a reason. The same difference comes back at a later sync."""
        return self._decide(actor, Verb.REJECT, ids, reason)

    def unapprove(self, actor: Actor, ids: Sequence[int]) -> list[Reviewed]:
        """Take approvals back."""
        return self._decide(actor, Verb.TAKE_BACK, ids)

    def revert(self, actor: Actor, ids: Sequence[int]) -> list[Reverted]:
        """Open proposals that take the change of applied ones back, to be reviewed and applied as any other.

        Git still declares what they take back: a sync after they are applied proposes it again.
        """
        self.permit(actor, Permission.WRITE, actor.account)
        with self.store.write() as tx:
            return revert(tx, self.kinds, actor, ids)

    def revert_run(self, actor: Actor, id_: int) -> list[Reverted]:
        """Open proposals that take back all that was applied of a run. Raises: RefusedEdit FLEET-604; ReviewError FLEET-405."""
        self.permit(actor, Permission.WRITE)
        run = self.run(id_)
        self.permit(actor, Permission.WRITE, run.account)
        with self.store.write() as tx:
            reverted = {p.reverts for p in proposals.reverts_of(tx, run.proposal_ids) if p.status is Status.APPLIED}
            found = proposals.by_ids(tx, run.proposal_ids).values()
            applied = [p.id for p in found if p.status is Status.APPLIED and p.id not in reverted]
            if not applied:
                raise ReviewError(
                    "FLEET-405",
                    f"Nothing of run {id_} is applied" + (" that was not reverted." if reverted else "."),
                    f"See it: fleet run show {id_}",
                )
            return revert(tx, self.kinds, actor, applied)

    def apply(
        self,
        actor: Actor,
        *,
        account: str | None = None,
        repository: str | None = None,
        proposal_ids: Sequence[int] | None = None,
        progress: applying.Progress = lambda _done, _all: None,
    ) -> applying.Applied:
        """Apply what is approved now, in dependency order. Raises: ApplyError FLEET-501 (paused)."""
        chosen = None if repository is None else self.repository(repository)
        if account is None and actor.account != "*":
            account = actor.account
        self.permit(actor, Permission.APPLY, account or (chosen.account if chosen else "*"))
        self._refuse_paused([chosen] if chosen else [])
        return applying.apply(
            self.store,
            self.kinds,
            actor,
            trigger="manual",
            repository_id=chosen.id if chosen else None,
            account=account,
            proposal_ids=proposal_ids,
            progress=progress,
            halted=self._halted,
        )

    def drill(self, actor: Actor, account: str, *, watcher: Callable[[str], None] = lambda _stage: None) -> Drill:
        """Restore an account's fleet from its export into an empty store, compare, and record what came of it.

        Effects: one event; neither live nor git is touched. Raises: RefusedEdit FLEET-630 (the export is over its limit).
        """
        self.permit(actor, Permission.READ, account)
        from engine.drill import drill  # opens a workbench in turn

        made = drill(self, account, watcher)
        data = {
            "bytes": made.size,
            "resources": made.resources,
            "seconds": round(made.seconds, 3),
            "stages": {stage: round(seconds, 3) for stage, seconds in made.stages},
        }
        name = "gitops.drill_passed" if made.ok else "gitops.drill_failed"
        with self.store.write() as tx:
            events.record(tx, actor.name, [Event(name, account, reason=made.detail, data=data)])
        return made

    # Operator edits

    def set_resource(
        self, actor: Actor, key: ResourceKey, fields: Spec, *, note: str | None = None, seen_version: int | None = None
    ) -> tuple[str, int]:
        """Create a live resource or change some of its fields. Gives (created, updated or unchanged; version)."""
        self.permit(actor, Permission.FLEET_WRITE, key.account)
        if problem := name_problem(key.account):
            raise RefusedEdit("FLEET-629", f"{key.account[:80]!r} cannot be the account: {problem}.", "Choose another.")
        with self.store.write() as tx:
            return edits.set_resource(
                tx, self.kinds, actor, key, fields,
                file_bytes=self.settings.max_file_bytes, note=note, seen_version=seen_version,
            )  # fmt: skip

    def delete_resource(
        self, actor: Actor, key: ResourceKey, *, note: str | None = None, seen_version: int | None = None
    ) -> int:
        """Take a resource out of the live fleet."""
        self.permit(actor, Permission.FLEET_WRITE, key.account)
        with self.store.write() as tx:
            return edits.delete_resource(tx, self.kinds, actor, key, note=note, seen_version=seen_version)

    def release(self, actor: Actor, key: ResourceKey) -> str:
        """Let go of a resource; live keeps it. Gives the name of the repository that held it."""
        self.permit(actor, Permission.WRITE, key.account)
        edits.kind_of(self.kinds, key.kind)
        with self.store.write() as tx:
            return edits.release(tx, actor, key)

    def _decide(self, actor: Actor, verb: Verb, ids: Sequence[int], reason: str | None = None) -> list[Reviewed]:
        self.permit(actor, Permission.REVIEW, actor.account)
        with self.store.write() as tx:
            return decide(tx, self.kinds, actor, verb, ids, reason)

    @contextmanager
    def _alone(self, actor: Actor, repository: Repository) -> Iterator[_Going]:
        """Keep any other tick of the repository out. Raises: SyncError FLEET-211, with the run that is going on."""
        with self._ticking_guard:
            if going := self._ticking.get(repository.id):
                raise SyncError(
                    "FLEET-211",
                    f"A tick of {repository.name} is going on already: {going}.",
                    f"Wait for it: fleet run show {going.run_id}" if going.run_id else "Wait for it: fleet run list",
                    run_id=going.run_id,
                )
            mine = self._ticking[repository.id] = _Going(actor.name, utc_now())
        try:
            yield mine
        finally:
            with self._ticking_guard:
                del self._ticking[repository.id]

    def _halted(self) -> str | None:
        return "the server is shutting down" if self._stopping.is_set() else None

    def _refuse_paused(self, chosen: Sequence[Repository]) -> None:
        home = self.store.remembered("paused", pauses.of_home)
        if home is not None:
            reason: str | None = f"everything is paused by {home.by}: {home.reason}"
        else:
            paused = next((r for r in chosen if r.paused_reason is not None), None)
            reason = f"{paused.name} is paused by {paused.paused_by}: {paused.paused_reason}" if paused else None
        if reason:
            where = f" --repo {chosen[0].name}" if chosen and "everything is paused" not in reason else ""
            raise ApplyError("FLEET-501", f"Work is paused: {reason}.", f"Go on with: fleet resume{where}")

    @staticmethod
    def permit(actor: Actor, permission: Permission, *accounts: str) -> None:
        """The one place where permission is checked. Raises: RefusedEdit FLEET-600."""
        if permission not in actor.permissions:
            raise RefusedEdit(
                "FLEET-600",
                f"{actor.name} may not do this: {permission} is missing.",
                "Ask for a token or role that has it.",
            )
        if actor.account != "*" and any(account != actor.account for account in accounts):
            raise RefusedEdit(
                "FLEET-600",
                f"{actor.name} may only touch account {actor.account}.",
                "Use a token of that account, or of all.",
            )
