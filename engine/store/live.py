"""The live fleet, its history and its claims. `write_live` is the one way in for every live write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from engine.errors import StoreError
from engine.kinds import Kinds
from engine.model import Claim, Event, LiveFleet, Resource, ResourceKey, Spec, Specs, Version, canonical
from engine.store import events
from engine.store.database import Transaction, moment, time_of


@dataclass(frozen=True, slots=True)
class LiveWrite:
    """One resource's next spec (None: it goes), and the version that the writer saw (None: absent)."""

    key: ResourceKey
    spec: Spec | None
    seen_version: int | None
    event: Event
    proposal_id: int | None = None


def write_live(
    tx: Transaction,
    kinds: Kinds,
    actor: str,
    cause: str,
    writes: Sequence[LiveWrite],
    *,
    apply_id: int | None = None,
    note: str | None = None,
) -> list[int]:
    """Write resources with their history and events, and read them back before the transaction goes on.

    Shape: one new version number for each write, in order. Cause is `edit` or `apply`.
    Raises: StoreError FLEET-306 when a resource moved since it was seen, FLEET-307 when what stands there is not what was written.
    """
    if not writes:
        return []
    keys = [write.key.text for write in writes]
    texts = [None if write.spec is None else canonical(write.spec).decode() for write in writes]
    if tx.value("live/check_versions", keys=keys, versions=[write.seen_version for write in writes]) != len(writes):
        raise StoreError("FLEET-306", "The live fleet changed during the write.", "Nothing was written. Try again.")
    absent = [write.key.text for write in writes if write.seen_version is None]
    last = dict(tx.rows("live/last_versions", keys=absent)) if absent else {}
    versions = [
        (last.get(key, 0) if write.seen_version is None else write.seen_version) + 1
        for key, write in zip(keys, writes, strict=True)
    ]

    ensure_accounts(tx, {write.key.account for write in writes})
    tx.run("live/close_versions", at=tx.at, keys=keys)
    tx.run(
        "live/insert_versions",
        seq=tx.ids("history_seq", len(writes)),
        key=keys,
        account=[write.key.account for write in writes],
        kind=[write.key.kind for write in writes],
        name=[write.key.name for write in writes],
        version=versions,
        spec=texts,
        at=tx.at,
        actor=actor,
        cause=cause,
        proposal_id=[write.proposal_id for write in writes],
        apply_id=apply_id,
        note=note,
    )
    put = [place for place, write in enumerate(writes) if write.spec is not None]
    if put:
        tx.run(
            "live/put_resources",
            key=[keys[place] for place in put],
            account=[writes[place].key.account for place in put],
            kind=[writes[place].key.kind for place in put],
            name=[writes[place].key.name for place in put],
            spec=[texts[place] for place in put],
            version=[versions[place] for place in put],
            at=tx.at,
            actor=actor,
        )
    if len(put) < len(writes):
        tx.run("live/delete_resources", keys=[key for key, text in zip(keys, texts, strict=True) if text is None])
    if dict(tx.rows("live/read_back", keys=keys)) != {
        key: text for key, text in zip(keys, texts, strict=True) if text is not None
    }:
        raise StoreError(
            "FLEET-307",
            "The data read back differs from the data written.",
            "Nothing was saved. Try again; if it fails again, check the disk.",
        )
    remember_versions(tx, kinds, ((write.key, write.spec) for write in writes if write.spec is not None))
    bump_accounts(tx, {write.key.account for write in writes})
    events.record(tx, actor, [write.event for write in writes])
    return versions


def ensure_accounts(tx: Transaction, accounts: Iterable[str]) -> None:
    for account in sorted(accounts):
        tx.run("live/ensure_account", name=account, at=tx.at)


def bump_accounts(tx: Transaction, accounts: Iterable[str]) -> None:
    """Note that live, claims or known versions of these accounts moved, so that no tick passes as unchanged."""
    if moved := sorted(set(accounts)):
        tx.run("live/bump_accounts", accounts=moved)


def remember_versions(tx: Transaction, kinds: Kinds, specs: Iterable[tuple[ResourceKey, Spec]]) -> None:
    """Remember the version that each spec names, where its kind has versions."""
    by_account: dict[str, list[tuple[str, str, str]]] = {}
    for key, spec in specs:
        field = kinds[key.kind].version_field
        if field is not None and (version := spec.get(field)) is not None:
            by_account.setdefault(key.account, []).append((key.kind, key.name, version))
    for account, found in sorted(by_account.items()):
        put_versions(tx, account, found)


def put_versions(tx: Transaction, account: str, found: Iterable[tuple[str, str, str]]) -> None:
    """Remember (kind, name, version) of an account. At least one."""
    kind, name, version = (list(column) for column in zip(*found, strict=True))
    tx.run("live/put_module_versions", account=account, kind=kind, name=name, version=version, at=tx.at)


def accounts(tx: Transaction) -> list[str]:
    return [name for (name,) in tx.rows("live/list_accounts")]


def live_versions(tx: Transaction, names: Iterable[str]) -> dict[str, int]:
    """How far live, claims and known versions of some accounts have moved, by account."""
    return dict(tx.rows("live/get_live_versions", accounts=sorted(names)))


def read_live(tx: Transaction, account: str, at: datetime | None = None) -> LiveFleet:
    """The live fleet of one account with its claims and known versions; or the fleet as it was, with those of today.

    Within a section, resources and claims are in no order.
    """
    fleet = LiveFleet(account)
    if at is None:
        texts: dict[str, dict[str, str]] = {}
        for kind, rows in groupby(tx.rows("live/collect_resources", account=account), itemgetter(0)):
            specs, versions = texts.setdefault(kind, {}), fleet.versions.setdefault(kind, {})
            for _, name, spec, version in rows:
                specs[name], versions[name] = spec, version
        fleet.specs = {kind: Specs(specs) for kind, specs in texts.items()}
    else:
        for key, past, version, _ in read_fleet_at(tx, account, at):
            fleet.specs.setdefault(key.kind, {})[key.name] = past
            fleet.versions.setdefault(key.kind, {})[key.name] = version
    for kind, rows in groupby(tx.rows("live/collect_claims", account=account), itemgetter(0)):
        claims = fleet.claims.setdefault(kind, {})
        for row in rows:
            claims[row[1]] = Claim._make(row[2:])
    for kind, name, known in tx.rows("live/read_module_versions", account=account):
        fleet.known_versions.setdefault((kind, name), set()).add(known)
    return fleet


class PastResource(NamedTuple):
    """A resource as it was at some time, and since when."""

    key: ResourceKey
    spec: Spec
    version: int
    valid_from: datetime


def read_specs(tx: Transaction, account: str, at: datetime | None = None) -> dict[str, dict[str, Spec]]:
    """The specs of one account's fleet by section and name, as it is or as it was; within a section in no order."""
    rows = (
        tx.rows("live/collect_specs", account=account)
        if at is None
        else tx.rows("live/collect_specs_at", account=account, at=at)
    )
    loads = orjson.loads
    made: dict[str, dict[str, Spec]] = {}
    for kind, group in groupby(rows, itemgetter(0)):
        specs = made.setdefault(kind, {})
        for _, name, spec in group:
            specs[name] = loads(spec)
    return made


def read_fleet_at(tx: Transaction, account: str, at: datetime) -> list[PastResource]:
    """The fleet of one account as it was at a time, sorted by key."""
    return [
        PastResource(ResourceKey(account, kind, name), orjson.loads(spec), version, moment(since))
        for kind, name, spec, version, since in tx.rows("live/read_fleet_at", account=account, at=at)
    ]


class Changed(NamedTuple):
    """A resource that two times find otherwise; None where it was not there."""

    key: ResourceKey
    before: Spec | None
    after: Spec | None
    actor: str
    """Who made it as it was at the later time, when, and through which proposal."""
    at: datetime
    proposal_id: int | None


def changed(tx: Transaction, account: str | None, since: datetime, until: datetime) -> list[Changed]:
    """What is otherwise at a later time than at an earlier one, sorted by key."""
    return [
        Changed(
            ResourceKey(account_, kind, name),
            None if before is None else orjson.loads(before),
            None if after is None else orjson.loads(after),
            actor,
            moment(at),
            proposal_id,
        )
        for account_, kind, name, before, after, actor, at, proposal_id in tx.rows(
            "live/list_changed", account=account, since=since, until=until
        )
    ]


def owners(tx: Transaction, account: str) -> dict[ResourceKey, int]:
    """Id of the repository that owns each owned resource of an account."""
    return {ResourceKey(account, kind, name): id_ for kind, name, id_ in tx.rows("live/list_owners", account=account)}


def last_change_at(tx: Transaction, account: str, at: datetime | None = None) -> datetime | None:
    """When the account's fleet last changed, up to a time."""
    return time_of(tx.value("live/last_change_at", account=account, at=at))


def resource(tx: Transaction, key: ResourceKey) -> Resource | None:
    row = tx.row("live/get_resource", key=key.text)
    return None if row is None else _resource((*key, *row))


def resources(
    tx: Transaction, *, account: str | None = None, kind: str | None = None, after: str | None = None, limit: int = 100
) -> list[Resource]:
    """Live resources in the order of their keys."""
    return [
        _resource(row) for row in tx.rows("live/list_resources", account=account, kind=kind, after=after, limit=limit)
    ]


def _resource(row: Sequence[Any]) -> Resource:
    account, kind, name, spec, version, updated, by, holder, owned = row
    when = moment(updated)
    return Resource(ResourceKey(account, kind, name), orjson.loads(spec), version, when, by, holder, bool(owned))


def history(tx: Transaction, key: ResourceKey, limit: int = 100, before: int | None = None) -> list[Version]:
    """Versions of one resource, newest first."""
    made = []
    for seq, version, spec, start, end, actor, cause, proposal_id, apply_id, note in tx.rows(
        "live/list_history", key=key.text, limit=limit, before=before
    ):
        valid_from = moment(start)
        loaded = None if spec is None else orjson.loads(spec)
        made.append(Version(seq, version, loaded, valid_from, time_of(end), actor, cause, proposal_id, apply_id, note))
    return made


def around(tx: Transaction, proposal_ids: Sequence[int]) -> dict[int, tuple[Spec | None, Spec | None]]:
    """The whole spec before and after the write of each applied proposal, by its id; None where nothing stood."""
    return {
        id_: (None if before is None else orjson.loads(before), None if after is None else orjson.loads(after))
        for id_, before, after in tx.rows("live/list_around", proposal_ids=list(proposal_ids))
    }


def versions_since(
    tx: Transaction, agreed: Mapping[ResourceKey, int]
) -> dict[ResourceKey, list[tuple[Spec | None, datetime, str]]]:
    """For each key, its versions from the agreed one on, oldest first: spec, time, actor."""
    keys = sorted(agreed)
    found: dict[ResourceKey, list[tuple[Spec | None, datetime, str]]] = {key: [] for key in keys}
    rows = tx.rows("live/read_versions_since", keys=[key.text for key in keys], versions=[agreed[key] for key in keys])
    for text, _, spec, start, actor in rows:
        when = moment(start)
        found[ResourceKey.of(text)].append((None if spec is None else orjson.loads(spec), when, actor))
    return found


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """One resource of the inventory, live or as it was."""

    key: ResourceKey
    spec: Spec
    version: int
    updated_at: datetime
    updated_by: str
    holder: str | None
    """The repository that claims it; None where none does, and for a past time."""
    state: str | None
    """in_sync, waiting, pending, drifted, failed or unmanaged; None for a past time."""


def inventory(
    tx: Transaction,
    *,
    account: str | None,
    kind: str | None,
    state: str | None,
    repository: str | None,
    text: str | None,
    at: datetime | None,
    skip: int,
    limit: int,
) -> tuple[list[InventoryRow], int]:
    """A page of what is live, or was at a time (state and repository then filter nothing); and how many there are in all."""
    shared = {"account": account, "kind": kind, "text": text or None, "skip": skip, "limit": limit}
    rows = (
        tx.rows("live/list_inventory", state=state, repository=repository, **shared)
        if at is None
        else tx.rows("live/list_inventory_at", at=at, **shared)
    )
    made = [
        InventoryRow(
            ResourceKey(account_, kind_, name), orjson.loads(spec), version, moment(updated), by, holder, standing
        )
        for account_, kind_, name, spec, version, updated, by, holder, standing, _ in rows
    ]
    return made, rows[0][-1] if rows else 0


GraphRow = tuple[ResourceKey, Spec, str, str | None]
"""(key, spec, state, holder)"""


def graph_rows(
    tx: Transaction, account: str | None, repository: str | None, at: datetime | None = None
) -> list[GraphRow]:
    """Live resources, in the order of their keys; or as they were, then the state is `past`."""
    rows = (
        tx.rows("live/list_graph", account=account, repository=repository)
        if at is None
        else tx.rows("live/list_graph_at", account=account, repository=repository, at=at)
    )
    return [
        (ResourceKey(account_, kind, name), orjson.loads(spec), state, holder)
        for account_, kind, name, spec, state, holder in rows
    ]


def states(tx: Transaction, account: str | None) -> dict[str, dict[str, int]]:
    """How many live resources stand how, by section, then state."""
    found: dict[str, dict[str, int]] = {}
    for kind, state, count in tx.rows("live/count_states", account=account):
        found.setdefault(kind, {})[state] = count
    return found


def state_of(tx: Transaction, key: ResourceKey) -> str | None:
    """How one live resource stands; None when there is none."""
    row = tx.row("live/get_state", key=key.text)
    return None if row is None else str(row[0])


def mentioning(tx: Transaction, key: ResourceKey, kinds: Iterable[str]) -> dict[ResourceKey, Spec]:
    """Live resources of some sections that name this one anywhere: whoever asks looks closer."""
    quoted = canonical(key.name).decode()[1:-1]
    rows = tx.rows("live/list_mentions", account=key.account, kinds=list(kinds), name=key.name, quoted=quoted)
    return {ResourceKey(key.account, kind, name): orjson.loads(spec) for kind, name, spec in rows}


def counts(tx: Transaction, account: str | None = None) -> list[tuple[str, str, int, int]]:
    """(account, section, resources, owned) for each section that has any."""
    return [(row[0], row[1], row[2], row[3]) for row in tx.rows("live/count_resources", account=account)]


def spec_sizes(tx: Transaction) -> list[tuple[str, int]]:
    """(account, characters of its specs and names as they are kept) of each account that has any resource."""
    return [(row[0], int(row[1])) for row in tx.rows("live/sum_specs")]


def put_claims(tx: Transaction, repository_id: int, claims: Mapping[ResourceKey, Claim]) -> None:
    """Claim resources for a repository, or set what its claims agreed on. Bumps their accounts."""
    if not claims:
        return
    keys = sorted(claims)
    found = [claims[key] for key in keys]
    tx.run(
        "live/put_claims",
        repository_id=repository_id,
        at=tx.at,
        key=[key.text for key in keys],
        account=[key.account for key in keys],
        kind=[key.kind for key in keys],
        name=[key.name for key in keys],
        base=[claim.agreed for claim in found],
        base_revision=[claim.base_revision for claim in found],
        base_version=[claim.base_version for claim in found],
        rejections=[claim.rejections for claim in found],
    )
    bump_accounts(tx, {key.account for key in keys})


def delete_claims(tx: Transaction, keys: Sequence[ResourceKey]) -> None:
    """Release resources. Bumps their accounts."""
    if keys:
        tx.run("live/delete_claims", keys=[key.text for key in keys])
        bump_accounts(tx, {key.account for key in keys})


def hand_over(tx: Transaction, takers: Mapping[ResourceKey, str]) -> None:
    """Make other repositories, by name, the holders of resources; what was agreed on stays. Bumps their accounts."""
    if takers:
        keys = [key.text for key in takers]
        tx.run("live/hand_over", keys=keys, takers=list(takers.values()), at=tx.at)
        tx.run("live/delete_taken", keys=keys)
        bump_accounts(tx, {key.account for key in takers})


def takers(tx: Transaction, repository_id: int) -> dict[ResourceKey, str]:
    """What a repository holds and others wait for, with the name of the one that waits longest."""
    return {ResourceKey(*row[:3]): row[3] for row in tx.rows("live/list_takers", repository_id=repository_id)}


def set_waiting(tx: Transaction, repository_id: int, wanted: Collection[ResourceKey]) -> None:
    """Set what a repository waits for; what it waited for already keeps its time. Bumps the accounts of what is new or gone."""
    standing = {ResourceKey(*row) for row in tx.rows("live/list_waiting", repository_id=repository_id)}
    if gone := sorted(standing.difference(wanted)):
        tx.run("live/delete_waiting", repository_id=repository_id, keys=[key.text for key in gone])
        bump_accounts(tx, {key.account for key in gone})
    add_waiting(tx, repository_id, sorted(set(wanted) - standing))


def add_waiting(tx: Transaction, repository_id: int, keys: Sequence[ResourceKey]) -> None:
    """Have a repository wait for what it does not wait for yet. Bumps their accounts."""
    if keys:
        tx.run(
            "live/insert_waiting",
            repository_id=repository_id,
            at=tx.at,
            key=[key.text for key in keys],
            account=[key.account for key in keys],
            kind=[key.kind for key in keys],
            name=[key.name for key in keys],
        )
        bump_accounts(tx, {key.account for key in keys})


def count_rejections(tx: Transaction, keys: Sequence[ResourceKey]) -> None:
    if keys:
        tx.run("live/count_rejections", keys=[key.text for key in keys])


def count_held_by(tx: Transaction, repository_id: int) -> int:
    """How many resources a repository holds."""
    count: int = tx.value("live/count_owned", repository_id=repository_id)
    return count


def claimed_accounts(tx: Transaction, repository_id: int) -> list[str]:
    """Accounts in which a repository holds claims."""
    return [account for (account,) in tx.rows("live/claimed_accounts", repository_id=repository_id)]


def repository_claims(tx: Transaction, repository_id: int, *, kept: str | None = None) -> list[ResourceKey]:
    """Resources that a repository holds, in accounts other than `kept`."""
    return [ResourceKey(*row) for row in tx.rows("live/list_repository_claims", repository_id=repository_id, kept=kept)]


def claim_of(tx: Transaction, key: ResourceKey) -> tuple[int, bool, str] | None:
    """(repository id, whether owned, repository name) of the claim on a resource, or None."""
    row = tx.row("live/get_claim", key=key.text)
    return None if row is None else (row[0], bool(row[1]), row[2])


def specs_and_claims(
    tx: Transaction, keys: Sequence[ResourceKey]
) -> dict[ResourceKey, tuple[Spec | None, Claim | None]]:
    """Spec and claim of some resources; None for what there is not."""
    found: dict[ResourceKey, tuple[Spec | None, Claim | None]] = {}
    for text, spec, *claimed in tx.rows("live/read_some", keys=[key.text for key in keys]):
        claim = None if claimed[0] is None else Claim._make(claimed)
        found[ResourceKey.of(text)] = (None if spec is None else orjson.loads(spec), claim)
    return found


def missing(tx: Transaction, keys: Iterable[ResourceKey]) -> list[str]:
    """Text keys among these that are not live."""
    return [key for (key,) in tx.rows("live/list_missing", keys=sorted({key.text for key in keys}))]


def held_by(tx: Transaction, keys: Sequence[ResourceKey], repository_ids: Sequence[int]) -> int:
    """How many of these resources are claimed by the repository named beside each."""
    count: int = tx.value("live/count_held", keys=[key.text for key in keys], repository_ids=list(repository_ids))
    return count
