"""`Workbench`: everything one can do. Pages, the command line, the API and notebooks go through it alike.

Each verb takes the `Actor` who asks and declares with `needs` which permission it takes; that is checked for every surface before
the verb reads anything. Whose account it is, the verb checks on the row that it is about to change.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine import context
from engine.access import credentials, permits
from engine.access.permits import crosses, needs
from engine.access.roles import Role, person_of, read_rules, role_of
from engine.errors import ApplyError, FleetError, RefusedEdit, ReviewError, SyncError
from engine.flow import apply as applying
from engine.flow import confirmations, sync
from engine.flow.preview import Preview
from engine.flow.review import Verb
from engine.kinds import Kinds, name_problem
from engine.kinds.fleet import FLEET
from engine.model import (
    Actor,
    Clock,
    CreatedRepository,
    Drill,
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
from engine.phrases import argument
from engine.settings import Settings
from engine.store import (
    FILE_NAME,
    Store,
    Transaction,
    deliveries,
    events,
    pauses,
    proposals,
    repositories,
    retention,
    token_rows,
)
from engine.system import homes
from engine.system.keys import key_of
from engine.workbench import check as checking
from engine.workbench import edits, registry, signins, tokens
from engine.workbench.check import Finding
from engine.workbench.decisions import Reverted, Reviewed, decide, revert
from engine.workbench.reader import Reader
from engine.workbench.signins import KnownPerson, SignedOut

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
        return f"{what}, started by {self.actor} {seconds:.0f} s ago"


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
        """Open the home that the settings name. Raises: StoreError (FLEET-321: an older version left data elsewhere), StoreLocked."""
        homes.refuse_left_behind(settings.home, FILE_NAME)
        store = Store.open(
            settings.home,
            kinds,
            clock,
            lock_wait_s=settings.lock_wait_s,
            on_wait=on_wait,
            group=bool(settings.home_group),
        )
        with store.read() as tx:
            registered = {repository.id for repository in repositories.registered(tx)}
        # Whatever a killed process left there is nobody's: this process holds the store.
        sync.tidy(settings.home, registered)
        shutil.rmtree(settings.home / SNAPSHOTS, ignore_errors=True)
        confirmations.take_over(store)
        return cls(store, kinds, settings)

    def stop(self) -> None:
        """Have what runs end soon: a fetch at once, an apply after the transaction in hand; what it did not reach stays approved."""
        self._stopping.set()

    def close(self) -> None:
        self.store.close()

    @needs(Permission.READ)
    def seen_by(self, actor: Actor, account: str | None = None) -> Self:
        """This workbench as an actor may read it: of one account alone, where they name one or may touch no other.

        Raises: RefusedEdit FLEET-600.
        """
        permits.within(actor, *([] if account is None else [account]))
        return self.narrowed(account or actor.account)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Repositories

    @crosses
    @needs(Permission.WRITE)
    def add_repository(
        self, actor: Actor, name: str, url: str, *, account: str | None = None, **options: Any
    ) -> Repository:
        """Register a repository. Its first tick is due one interval later.

        With a switch that lets ticks decide, such as `auto_apply`, it takes the permissions to review and to apply as well.
        """
        account = self._account(actor, account)
        with self.store.write() as tx:
            return registry.register(tx, self.settings, actor, name, url, account, options)

    @crosses
    @needs(Permission.WRITE)
    def change_repository(
        self, actor: Actor, name: str | int, changes: Mapping[str, Any], *, release: bool = False
    ) -> Repository:
        """Change the given settings of a repository, named by name or number, from the next tick on; the others stay as they are.

        Where ticks decide more by themselves afterwards, it takes the permissions to review and to apply as well.
        """
        with self.store.write() as tx:
            repository = self._repository(tx, name, actor.account)
            permits.within(actor, *([changes["account"]] if "account" in changes else []))
            return registry.change(tx, self.settings, actor, repository, changes, release=release)

    @crosses
    @needs(Permission.WRITE)
    def remove_repository(self, actor: Actor, name: str | int) -> dict[str, int]:
        """Take a repository out of service; live state is not touched. Raises: SyncError FLEET-211 (a tick is going on)."""
        with self._alone(actor, name) as (repository, _):
            with self.store.write() as tx:
                facts = registry.remove(tx, actor, self._repository(tx, repository.id, actor.account))
            sync.remove_checkout(self.settings.home, repository.id)
        return facts

    @crosses
    @needs(Permission.WRITE)
    def offered_host_key(self, actor: Actor, name: str) -> str:
        """The key that a repository's ssh host shows now, as `TYPE BASE64`. Writes nothing.

        Raises: RefusedEdit FLEET-617 (no ssh remote); SyncError FLEET-201, 219.
        """
        repository = self._find(name, actor.account)
        registry.refuse_without_ssh(repository)
        with context.ended_by(self._halted):
            return sync.offered_host_key(repository.url, self.settings)

    @crosses
    @needs(Permission.WRITE)
    def trust_host_key(self, actor: Actor, name: str, key: str) -> Repository:
        """Pin the key that a repository's ssh host must show from now on.

        In place of another key, it takes the permissions to review and to apply as well. Raises: RefusedEdit FLEET-617.
        """
        key = sync.read_host_key(key)
        with self.store.write() as tx:
            repository = self._repository(tx, name, actor.account)
            registry.trust_host_key(tx, actor, repository, key)
            return repositories.get(tx, repository.id)

    @crosses
    def credential_use(self, name: str) -> confirmations.CredentialUse | None:
        """The credential that a repository names, where it would be sent, and whether it may be; None where it names none."""
        repository = self.repository(name)
        if repository.vault_credential_path is None:
            return None
        about = ("credential of", repository, self.settings.vault_paths)
        return self.store.remembered(about, lambda tx: confirmations.seen(tx, self.settings, repository))

    @crosses
    def credential_waits(self, name: str) -> str | None:
        """Why the runs of a repository fail until somebody confirms the host of its credential; None where they do not."""
        found = self.credential_use(name)
        if found is None or found.verdict is not credentials.Verdict.UNCONFIRMED:
            return None
        return f"It is not yet confirmed that the credential at {found.path} may be sent to {found.host}; until then its runs fail."

    @crosses
    @needs(Permission.WRITE, everywhere=True)
    def trust_credential(self, actor: Actor, name: str | int, path: str, host: str) -> Repository:
        """Confirm that a repository's credential may be sent to its host, both as they were seen.

        Raises: RefusedEdit FLEET-600 for who may not write in every account; FLEET-229 (not allowed, or changed meanwhile).
        """
        with self.store.write() as tx:
            repository = self._repository(tx, name, actor.account)
            confirmations.confirm(tx, self.settings, actor, repository, path, host)
            return repositories.get(tx, repository.id)

    @crosses
    @needs(Permission.APPLY)
    def pause(self, actor: Actor, reason: str, repository: str | int | None = None) -> None:
        """Stop ticks and applies until `resume`: of one repository, or of everything, which takes an actor of every account."""
        with self.store.write() as tx:
            registry.pause(tx, actor, self._braked(tx, actor, repository), reason)

    @crosses
    @needs(Permission.APPLY)
    def resume(self, actor: Actor, repository: str | int | None = None) -> bool:
        """Let work go on; gives whether anything was paused."""
        with self.store.write() as tx:
            return registry.resume(tx, actor, self._braked(tx, actor, repository))

    # Tokens of the API

    @crosses
    @needs(Permission.TOKENS)
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
        account = self._account(actor, account)
        with self.store.write() as tx:
            return tokens.create(tx, self._token_key, actor, name, account, permissions, days)

    @crosses
    @needs(Permission.TOKENS)
    def tokens(self, actor: Actor) -> list[Token]:
        """Tokens that were made, newest first."""
        with self.store.read() as tx:
            return token_rows.all_(tx, None if actor.account == "*" else actor.account)

    @crosses
    @needs(Permission.TOKENS)
    def revoke_token(self, actor: Actor, id_: int) -> Token:
        """End a token now."""
        with self.store.write() as tx:
            return tokens.revoke(tx, actor, id_)

    @crosses
    @needs(Permission.TOKENS)
    def revoke_tokens_by(self, actor: Actor, maker: str) -> list[Token]:
        """End every token that somebody made, and those that were made with these. Gives those that ended now."""
        with self.store.write() as tx:
            return tokens.revoke_made_by(tx, actor, {maker})

    def bearer(self, token: str) -> Actor:
        """Who comes with a token. Raises: AccessDenied FLEET-661, 662, 663."""
        jti = tokens.read(token, self._token_key)
        known = self.store.remembered(("token", jti), lambda tx: token_rows.by_jti(tx, jti))
        return tokens.bearer(known, self.store.clock())

    @cached_property
    def _token_key(self) -> bytes:
        return key_of(self.settings.home, "tokens")

    # People who sign in

    def enter(self, claims: Mapping[str, Any]) -> tuple[Actor, frozenset[Role]] | None:
        """Whoever has signed in with these claims of the identity provider, and their roles; None where no rule gives them one.

        Asked at each use, so that the end of a sign-in works at once. Effects: at the first use of a sign-in, its row and one event.
        Raises: AccessDenied FLEET-664 (the sign-in has ended), FLEET-665 (they have no name that is allowed).
        """
        person = person_of(claims, trust_email=bool(self.settings.oidc_trust_email))
        sign_in = signins.sign_in_of(claims, person)
        hours = self.settings.sign_in_hours
        known = signins.check(self.store, sign_in, hours)
        found = role_of(person, read_rules(self.settings.roles))
        if found is not None and known.began_at is None:
            signins.begin(self.store, sign_in, found[0], sorted(found[1]), hours)
        return found

    def leave(self, claims: Mapping[str, Any]) -> None:
        """Sign somebody out in every browser. Raises: AccessDenied FLEET-665; StoreError."""
        person = person_of(claims, trust_email=bool(self.settings.oidc_trust_email))
        with self.store.write() as tx:
            signins.leave(tx, person)

    @crosses
    @needs(Permission.TOKENS, everywhere=True)
    def people(self, actor: Actor) -> list[KnownPerson]:
        """Who is signed in, or kept out, by name."""
        with self.store.read() as tx:
            return signins.people(tx, token_rows.makers(tx), self.settings.sign_in_hours)

    @crosses
    @needs(Permission.TOKENS, everywhere=True)
    def sign_out(self, actor: Actor, person: str, *, with_tokens: bool = False, keep_out: bool = False) -> SignedOut:
        """End every sign-in of a person now, named as the audit shows them; with `with_tokens` their tokens of the API too.

        With `keep_out` they and their tokens stay outside until `let_in`, even if they sign in again. Work that they began goes on.
        Raises: RefusedEdit FLEET-665 where it is no name of a person who signs in.
        """
        with self.store.write() as tx:
            known, ended = signins.throw_out(tx, actor, person, self.settings.sign_in_hours, keep_out=keep_out)
            gone = tokens.revoke_made_by(tx, actor, known) if with_tokens or keep_out else []
        return SignedOut(person, ended, len(gone), keep_out)

    @crosses
    @needs(Permission.TOKENS, everywhere=True)
    def let_in(self, actor: Actor, person: str) -> bool:
        """Keep a person out no longer; gives whether they were kept out. Raises: RefusedEdit FLEET-665."""
        with self.store.write() as tx:
            return signins.let_in(tx, actor, person)

    # Git hosts

    @crosses
    @needs(Permission.WRITE)
    def create_gitea_repository(
        self, actor: Actor, owner: str, repo: str, *, private: bool = True
    ) -> CreatedRepository:
        """Make an empty repository in Gitea.

        Effects: one event that says what was asked, before Gitea is asked, and one with the outcome: made, refused or unclear.
        Raises: RefusedEdit FLEET-502, 648, 681 to 684, 687, 688; SyncError of Vault.
        """
        if self.settings.gitea_url:
            accounts = self.store.remembered("accounts with repositories", repositories.accounts)
            credentials.check_gitea(self.settings.gitea_accounts, accounts, actor.account)
        from engine.workbench import gitea

        gitea.check(self.settings, owner, repo)
        account = None if actor.account == "*" else actor.account
        wanted = {"owner": owner, "repo": repo, "private": private}

        def note(what: str, error: FleetError | None = None) -> None:
            data = wanted if error is None else {**wanted, "code": error.code}
            event = Event(
                f"gitops.gitea_repository_{what}", account, reason=None if error is None else error.message, data=data
            )
            with self.store.write() as tx:
                events.record(tx, actor.name, [event])

        note("asked")
        try:
            with context.ended_by(self._halted):
                made = gitea.create_repository(self.settings, owner, repo, private=private)
        except FleetError as error:
            outcome = error.facts.get("outcome", gitea.Outcome.REFUSED)
            note("created" if outcome == gitea.Outcome.MADE else outcome, error)
            raise
        except BaseException:
            note(gitea.Outcome.UNCLEAR)
            raise
        note("created")
        return made

    def note_deliveries(
        self, provider: str, delivery: str | None, revision: str | None, outcomes: Sequence[tuple[int, str]]
    ) -> None:
        """Keep that a webhook came in. Shape: `outcomes` of (repository id, what comes of it)."""
        with self.store.write() as tx:
            deliveries.record(tx, provider, delivery, revision, outcomes)

    # Notifications

    @crosses
    @needs(Permission.WRITE, everywhere=True)
    def test_notifications(self, actor: Actor) -> list[tuple[str, str]]:
        """Send a test message to each sink, once. Shape: (sink, `delivered` or why not) in the order of the settings."""
        from engine.notify.sinks import sinks_of, test_sink

        with context.ended_by(self._halted):
            return [(sink.name, test_sink(sink, utc_now(), actor.name)) for sink in sinks_of(self.settings)]

    # Snapshots

    @crosses
    @needs(Permission.READ, everywhere=True)
    def snapshot(self, actor: Actor, path: Path) -> int:
        """Copy the whole store, but for its tokens, into a file while it runs; gives the file's bytes.

        Raises: RefusedEdit FLEET-600 for who may not read every account, FLEET-607 where a home's store is; StoreError FLEET-304,
        305, 307 (the copy is not whole), 315 (other copies come first).
        """
        if path.name.startswith(FILE_NAME) and path.with_name(FILE_NAME).exists():
            # The store or its log. Ours, or another home's: whoever has it open would go on writing into a file that nobody finds again.
            raise RefusedEdit(
                "FLEET-607",
                f"{path} is the store of a home; a snapshot must not replace it.",
                "Choose another file, or an empty home.",
            )
        self.store.snapshot(path)
        return path.stat().st_size

    # Retention

    @crosses
    @needs(Permission.WRITE, everywhere=True)
    def prune(self, actor: Actor) -> dict[str, int]:
        """Forget events and runs that are older than the settings keep and explain nothing of today.

        Shape: rows that went, by table. Effects: one event when any did.
        """
        with self.store.write() as tx:
            days, failed = timedelta(days=self.settings.keep_days), timedelta(days=self.settings.keep_failed_days)
            gone = retention.prune(tx, tx.at - days, tx.at - max(days, failed))
            if gone:
                events.record(tx, actor.name, [Event("store.pruned", data=dict(gone))])
        return gone

    @crosses
    @needs(Permission.WRITE, everywhere=True)
    def compact(self, actor: Actor) -> tuple[int, int]:
        """Write the store anew without what it has forgotten; gives its bytes before and after. Others read meanwhile.

        Effects: one event. Raises: StoreError FLEET-304 (no room for a second file), FLEET-313 and 315 (not now).
        """
        before, after = self.store.compact()
        with self.store.write() as tx:
            events.record(tx, actor.name, [Event("store.compacted", data={"before": before, "after": after})])
        return before, after

    # Ticks

    @crosses
    @needs(Permission.SYNC)
    def sync(
        self,
        actor: Actor,
        name: str | int,
        *,
        trigger: Trigger = Trigger.MANUAL,
        watcher: Callable[[str], None] = lambda _stage: None,
        progress: applying.Progress = lambda _done, _all: None,
    ) -> Synced:
        """Run one tick of a repository now. What is wrong with its remote or file is in the run.

        Raises: SyncError FLEET-211 (one is going on), FLEET-212 (disabled); ApplyError FLEET-501 (paused).
        """
        from engine.flow import tick  # brings the stages, which only a tick needs

        with self._alone(actor, name) as (repository, going), context.ended_by(self._halted):
            if not repository.enabled:
                raise SyncError(
                    "FLEET-212",
                    f"Repository {repository.name} is disabled.",
                    f"Enable it first: fleet repo set {argument(repository.name)} --enabled",
                )
            self._refuse_paused([repository])
            run = tick.run(
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

    @crosses
    @needs(Permission.WRITE)
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
        """Look at a remote as a tick would need it, before it is registered or when it fails.

        Effects: none but that the first use of a credential binds it to the host, as a sync does.
        """
        account = self._account(actor, account)
        wanted: dict[str, Any] = {
            "url": url, "branch": branch, "path_prefix": path_prefix, "vault_credential_path": vault_credential_path,
            "ssh_host_key": ssh_host_key,
        }  # fmt: skip
        try:
            registry.check_form(wanted, self.settings)
        except RefusedEdit as error:
            return checking.refused(error)
        asked = Repository(0, "checked", account, **wanted)
        with context.ended_by(self._halted):
            return checking.check(self.settings, self.kinds, asked, self._credential_refusal(actor, asked))[0]

    @crosses
    @needs(Permission.WRITE)
    def look_at(self, actor: Actor, name: str) -> tuple[list[Finding], Revision | None]:
        """Look at the remote of a registered repository as a tick would need it; gives what was fetched, too.

        Effects: as `check_repository`.
        """
        repository = self._find(name, actor.account)
        with context.ended_by(self._halted):
            return checking.check(self.settings, self.kinds, repository, self._credential_refusal(actor, repository))

    @crosses
    @needs(Permission.SYNC)
    def dry_run(self, actor: Actor, name: str) -> tuple[Revision, Preview]:
        """What a sync of this repository would find now: the commit, and each difference.

        Effects: as `check_repository`.
        Raises: SyncError as a tick would fail, FLEET-211 (one is going on); FleetFileInvalid.
        """
        with self._alone(actor, name) as (repository, _), context.ended_by(self._halted):
            confirmations.require(self.store, self.settings, actor, repository)
            revision = sync.fetch(repository, self.settings, halted=self._halted)
        found = self.read_file(revision.content, file=revision.file, account=repository.account)
        return revision, self.preview(found, account=repository.account, repository=name)

    # Review and apply

    @crosses
    @needs(Permission.REVIEW)
    def approve(self, actor: Actor, ids: Sequence[int]) -> list[Reviewed]:
        """Approve proposals, each by itself."""
        return self._decide(actor, Verb.APPROVE, ids)

    @crosses
    @needs(Permission.REVIEW)
    def reject(self, actor: Actor, ids: Sequence[int], reason: str) -> list[Reviewed]:
        """Reject proposals with a reason. The same difference comes back at a later sync."""
        return self._decide(actor, Verb.REJECT, ids, reason)

    @crosses
    @needs(Permission.REVIEW)
    def unapprove(self, actor: Actor, ids: Sequence[int]) -> list[Reviewed]:
        """Take approvals back."""
        return self._decide(actor, Verb.TAKE_BACK, ids)

    @crosses
    @needs(Permission.WRITE)
    def revert(self, actor: Actor, ids: Sequence[int]) -> list[Reverted]:
        """Open proposals that take the change of applied ones back, to be reviewed and applied as any other.

        Git still declares what they take back: a sync after they are applied proposes it again.
        """
        with self.store.write() as tx:
            return revert(tx, self.kinds, actor, ids)

    @crosses
    @needs(Permission.WRITE)
    def revert_run(self, actor: Actor, id_: int) -> list[Reverted]:
        """Open proposals that take back all that was applied of a run. Raises: RefusedEdit FLEET-604; ReviewError FLEET-405."""
        with self.store.write() as tx:
            run = self._run(tx, id_, actor.account)
            reverted = {p.reverts for p in proposals.reverts_of(tx, run.proposal_ids) if p.status is Status.APPLIED}
            found = proposals.by_ids(tx, run.proposal_ids).values()
            applied = [p.id for p in found if p.status is Status.APPLIED and p.id not in reverted]
            if not applied:
                raise ReviewError(
                    "FLEET-405",
                    f"Nothing of run {id_} is applied" + (" that is not reverted yet." if reverted else "."),
                    f"See it: fleet run show {id_}",
                )
            return revert(tx, self.kinds, actor, applied)

    @crosses
    @needs(Permission.APPLY)
    def apply(
        self,
        actor: Actor,
        *,
        account: str | None = None,
        repository: str | int | None = None,
        proposal_ids: Sequence[int] | None = None,
        progress: applying.Progress = lambda _done, _all: None,
    ) -> applying.Applied:
        """Apply what is approved now, in dependency order. Raises: ApplyError FLEET-501 (paused)."""
        if account is None and actor.account != "*":
            account = actor.account
        permits.within(actor, account or "*")
        chosen = None if repository is None else self._find(repository, actor.account)
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

    @crosses
    @needs(Permission.APPLY)
    def drill(self, actor: Actor, account: str, *, watcher: Callable[[str], None] = lambda _stage: None) -> Drill:
        """Restore an account's fleet from its export into an empty store, compare, and record what came of it.

        It takes the permission to apply: a drill does in a store of its own what an import and an apply do, which takes the server's
        time and disk, and it writes an event. Reading is not enough for that, and nothing that git declares or live holds is changed,
        so the permission to write is not needed.
        Effects: one event; neither live nor git is touched. Raises: RefusedEdit FLEET-630 (the export is over its limit).
        """
        permits.within(actor, account)
        from engine.workbench.drill import drill  # opens a workbench in turn

        made = drill(self, account, watcher)
        data: dict[str, Any] = {
            "bytes": made.size,
            "resources": made.resources,
            "seconds": round(made.seconds, 3),
            "stages": {stage: round(seconds, 3) for stage, seconds in made.stages},
        }
        if not made.ok:
            data |= {"code": made.code, "hint": made.hint}
        name = "gitops.drill_passed" if made.ok else "gitops.drill_failed"
        with self.store.write() as tx:
            events.record(tx, actor.name, [Event(name, account, reason=made.detail, data=data)])
        return made

    # Operator edits

    @crosses
    @needs(Permission.FLEET_WRITE)
    def set_resource(
        self, actor: Actor, key: ResourceKey, fields: Spec, *, note: str | None = None, seen_version: int | None = None
    ) -> tuple[str, int]:
        """Create a live resource or change some of its fields. Gives (created, updated or unchanged; version)."""
        permits.within(actor, key.account)
        if problem := name_problem(key.account):
            raise RefusedEdit("FLEET-629", f"{key.account[:80]!r} cannot be the account: {problem}.", "Choose another.")
        with self.store.write() as tx:
            return edits.set_resource(
                tx, self.kinds, actor, key, fields,
                file_bytes=self.settings.max_file_bytes, note=note, seen_version=seen_version,
            )  # fmt: skip

    @crosses
    @needs(Permission.FLEET_WRITE)
    def delete_resource(
        self, actor: Actor, key: ResourceKey, *, note: str | None = None, seen_version: int | None = None
    ) -> int:
        """Take a resource out of the live fleet."""
        permits.within(actor, key.account)
        with self.store.write() as tx:
            return edits.delete_resource(tx, self.kinds, actor, key, note=note, seen_version=seen_version)

    @crosses
    @needs(Permission.WRITE)
    def release(self, actor: Actor, key: ResourceKey) -> str:
        """Let go of a resource; live keeps it. Gives the name of the repository that held it."""
        permits.within(actor, key.account)
        edits.kind_of(self.kinds, key.kind)
        with self.store.write() as tx:
            return edits.release(tx, actor, key)

    def _credential_refusal(self, actor: Actor, repository: Repository) -> SyncError | None:
        """Why the credential of a repository, with exactly these settings, may not be used; None where it may."""
        return confirmations.refusal(self.store, self.settings, actor, repository)

    def _decide(self, actor: Actor, verb: Verb, ids: Sequence[int], reason: str | None = None) -> list[Reviewed]:
        with self.store.write() as tx:
            return decide(tx, self.kinds, actor, verb, ids, reason)

    def _account(self, actor: Actor, account: str | None) -> str:
        """The account meant: the one named, else the actor's own, else the only one there is. Raises: RefusedEdit FLEET-600."""
        chosen = self.account(actor.account if account is None and actor.account != "*" else account)
        permits.within(actor, chosen)
        return chosen

    def _braked(self, tx: Transaction, actor: Actor, repository: str | int | None) -> Repository | None:
        """What a pause is about: a repository, or with None everything. Raises: RefusedEdit FLEET-600, 603."""
        if repository is not None:
            return self._repository(tx, repository, actor.account)
        permits.within(actor, "*")
        return None

    @contextmanager
    def _alone(self, actor: Actor, name: str | int) -> Iterator[tuple[Repository, _Going]]:
        """Keep any other tick of a repository out; gives the repository as it is once they are kept out.

        Raises: SyncError FLEET-211, with the run that is going on; RefusedEdit FLEET-603.
        """
        repository = self._find(name, actor.account)
        with self._ticking_guard:
            if going := self._ticking.get(repository.id):
                raise SyncError(
                    "FLEET-211",
                    f"A tick of {repository.name} is already running: {going}.",
                    f"Wait for it: fleet run show {going.run_id}" if going.run_id else "Wait for it: fleet run list",
                    run_id=going.run_id,
                )
            mine = self._ticking[repository.id] = _Going(actor.name, utc_now())
        try:
            # Only now can nobody remove it any more; it may have been changed or removed since it was looked up.
            yield self._find(repository.id, actor.account), mine
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
            where = f" --repo {argument(chosen[0].name)}" if chosen and "everything is paused" not in reason else ""
            raise ApplyError("FLEET-501", f"Work is paused: {reason}.", f"Resume with: fleet resume{where}")

    @staticmethod
    def permit(actor: Actor, permission: Permission, *accounts: str) -> None:
        """Check a permission, and that these accounts may be touched. Raises: RefusedEdit FLEET-600."""
        permits.require(actor, [permission])
        permits.within(actor, *accounts)
