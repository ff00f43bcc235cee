"""Proposals and the moves of their status. Only `move` changes a status; each move leaves its event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from engine.errors import StoreError
from engine.model import (
    Cause,
    Change,
    Event,
    NewProposal,
    Origin,
    Proposal,
    Repository,
    ResourceKey,
    Risk,
    Spec,
    Status,
    StatusMove,
    canonical,
)
from engine.paths import as_json, from_json
from engine.store import columns, events, repositories
from engine.store.database import Transaction, moment, time_of


def open_all(
    tx: Transaction,
    repository: Repository,
    run_id: int,
    revision: str,
    actor: str,
    new: Sequence[NewProposal],
) -> list[int]:
    """Open proposals; gives their ids, in order."""
    if not new:
        return []
    ids = tx.ids("proposal_id", len(new))
    differences = [item.difference for item in new]
    live_keys = [f"{repository.id}/{d.key.text}" for d in differences]
    tx.run("proposals/take_keys", live_key=live_keys, id=ids)
    tx.run(
        "proposals/insert_proposals",
        id=ids,
        live_key=live_keys,
        repository_id=repository.id,
        repository=repository.name,
        key=[d.key.text for d in differences],
        account=[d.key.account for d in differences],
        kind=[d.key.kind for d in differences],
        name=[d.key.name for d in differences],
        change=[d.change for d in differences],
        current=[_text(d.current) for d in differences],
        desired=[_text(d.desired) for d in differences],
        declared=[list(d.declared) for d in differences],
        base=[_text(d.base) for d in differences],
        fields=[as_json(item.fields) for item in new],
        cause=[d.cause for d in differences],
        origin=[Origin.GIT if item.reverts is None else Origin.REVERT for item in new],
        fingerprint=[item.fingerprint for item in new],
        revision=revision,
        run_id=run_id,
        refers_to=[list(item.references) for item in new],
        blast_radius=[item.blast_radius for item in new],
        at=tx.at,
        reverts=[item.reverts for item in new],
    )
    events.record(
        tx,
        actor,
        [
            Event(
                "gitops.proposal_opened",
                d.key.account,
                repository.id,
                run_id,
                id_,
                d.key.kind,
                d.key.name,
                data={"change": d.change, "cause": d.cause}
                | ({} if item.reverts is None else {"reverts": item.reverts}),
            )
            for id_, item, d in zip(ids, new, differences, strict=True)
        ],
    )
    repositories.bump_proposals(tx, [repository.id])
    return ids


def move(tx: Transaction, actor: str, moves: Sequence[StatusMove], run_id: int | None = None) -> None:
    """Move statuses, each from the one that the mover saw, with an event each.

    Raises: StoreError FLEET-306 when a proposal has moved since.
    """
    if not moves:
        return
    moved = tx.value(
        "proposals/move_status",
        at=tx.at,
        actor=actor,
        id=[m.proposal.id for m in moves],
        seen=[m.proposal.status for m in moves],
        status=[m.to for m in moves],
        live=[m.live for m in moves],
        decided=[m.decided for m in moves],
        reopened=[int(m.reopened) for m in moves],
        reason=[m.reason for m in moves],
        error=[None if m.error is None else orjson.dumps(m.error, default=str).decode() for m in moves],
    )
    if moved != len(moves):
        raise StoreError(
            "FLEET-306",
            "A proposal changed during the write.",
            "Nothing was written. Load it again and try again.",
        )
    if ended := [m.proposal.id for m in moves if not m.live]:
        tx.run("proposals/free_keys", ids=ended)
    record = []
    for m in moves:
        key, p = m.proposal.key, m.proposal
        data = {"from": p.status, "to": m.to} | ({"error": m.error} if m.error else {})
        record.append(Event(m.event, key.account, p.repository_id, run_id, p.id, key.kind, key.name, m.reason, data))
    events.record(tx, actor, record)
    repositories.bump_proposals(tx, [m.proposal.repository_id for m in moves])


def by_ids(tx: Transaction, ids: Sequence[int]) -> dict[int, Proposal]:
    """Proposals by id; unknown ids are left out, however large."""
    possible = [id_ for id_ in ids if 0 < id_ < 2**63]
    return {proposal.id: proposal for proposal in map(_proposal, tx.rows("proposals/get_proposals", ids=possible))}


def live_of(
    tx: Transaction, *, repository_id: int | None = None, account: str | None = None, status: Status | None = None
) -> list[Proposal]:
    """Live proposals in the order of their ids, which within one tick is the apply order."""
    return [
        _proposal(row)
        for row in tx.rows("proposals/list_live_proposals", repository_id=repository_id, account=account, status=status)
    ]


def read(
    tx: Transaction,
    *,
    account: str | None = None,
    repository_id: int | None = None,
    status: str | None = None,
    kind: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Proposal]:
    """Proposals, newest first."""
    rows = tx.rows(
        "proposals/list_proposals",
        account=account,
        repository_id=repository_id,
        status=status,
        kind=kind,
        before=before,
        limit=limit,
    )
    return [_proposal(row) for row in rows]


@dataclass(frozen=True, slots=True)
class ProposalFilter:
    """Which proposals a list shows; what is None or empty lets everything through."""

    account: str | None = None
    repositories: Sequence[str] = ()
    statuses: Sequence[str] = ()
    kinds: Sequence[str] = ()
    changes: Sequence[str] = ()
    causes: Sequence[str] = ()
    risks: Sequence[str] = ()
    run_id: int | None = None
    opened_before: datetime | None = None
    text: str | None = None
    """Part of the resource's name or of a reason, in any case."""

    def parameters(self) -> dict[str, Any]:
        """The filter as statements take it."""
        lists = ("repositories", "statuses", "kinds", "changes", "causes", "risks")
        return {
            "account": self.account,
            "run_id": self.run_id,
            "opened_before": self.opened_before,
            "text": self.text or None,
            **{name: list(map(str, getattr(self, name))) or None for name in lists},
        }


def find(
    tx: Transaction,
    wanted: ProposalFilter,
    *,
    oldest_first: bool = False,
    before: int | None = None,
    skip: int = 0,
    limit: int = 50,
) -> list[Proposal]:
    """A page of the proposals that a filter lets through."""
    rows = tx.rows(
        "proposals/find_proposals",
        oldest_first=oldest_first,
        before=before,
        skip=skip,
        limit=limit,
        **wanted.parameters(),
    )
    return [_proposal(row) for row in rows]


def count_found(tx: Transaction, wanted: ProposalFilter) -> int:
    count: int = tx.value("proposals/count_found", **wanted.parameters())
    return count


def undecided(tx: Transaction, repository_ids: Iterable[int]) -> dict[ResourceKey, Spec | None]:
    """What the proposals of some repositories that may still be applied would make of their resources; None: they go."""
    rows = tx.rows("proposals/list_undecided", repository_ids=sorted(set(repository_ids)))
    return {ResourceKey.of(key): _loaded(desired) for key, desired in rows}


def pending_beside(tx: Transaction, id_: int, account: str) -> tuple[int | None, int | None]:
    """Ids of the pending proposals of an account before and after one."""
    before, after = tx.rows("proposals/pending_beside", id=id_, account=account)[0]
    return before, after


def counts(tx: Transaction, account: str | None = None) -> list[tuple[int, Status, int, Any]]:
    """(repository id, status, how many, oldest opened_at) of live proposals."""
    return [
        (row[0], Status(row[1]), row[2], time_of(row[3]))
        for row in tx.rows("proposals/count_proposals", account=account)
    ]


def set_blast_radius(tx: Transaction, reached: Mapping[int, int]) -> None:
    """Set how many nodes proposals reach, by id."""
    if reached:
        tx.run("proposals/set_blast_radius", ids=list(reached), reached=list(reached.values()))


def awaited(tx: Transaction, ids: Sequence[int]) -> dict[int, list[str]]:
    """Repositories that may yet declare what some destroys take away, by the destroy's id: they had no good run since it was opened."""
    found: dict[int, list[str]] = {}
    for id_, name in tx.rows("proposals/list_awaited", ids=list(ids)) if ids else ():
        found.setdefault(id_, []).append(name)
    return found


def waited_for(tx: Transaction, repository_id: int, account: str, run_id: int) -> bool:
    """Whether other repositories' destroys waited for this run of a repository."""
    count: int = tx.value("proposals/count_let_go", repository_id=repository_id, account=account, run_id=run_id)
    return count > 0


def rejected_before(tx: Transaction, repository_id: int, fingerprints: Sequence[str]) -> set[str]:
    """Which of these differences a person has rejected before, under whatever proposal."""
    if not fingerprints:
        return set()
    return {
        value
        for (value,) in tx.rows(
            "proposals/rejected_fingerprints", repository_id=repository_id, fingerprints=list(fingerprints)
        )
    }


def reverts_of(tx: Transaction, ids: Sequence[int]) -> list[Proposal]:
    """Proposals that take back the change of one of these, oldest first."""
    found = [id_ for (id_,) in tx.rows("proposals/list_reverts", ids=list(ids))]
    return list(by_ids(tx, found).values()) if found else []


def reverted(tx: Transaction, repository_id: int) -> dict[ResourceKey, Change]:
    """Resources of a repository on which the change applied last is a revert, with what that revert was."""
    rows = tx.rows("proposals/list_reverted", repository_id=repository_id)
    return {ResourceKey.of(key): Change(change) for key, change in rows}


def _text(value: Any) -> str | None:
    return None if value is None else canonical(value).decode()


def _loaded(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


_proposal = columns.PROPOSAL.reader(
    key=ResourceKey.of,
    change=Change,
    status=Status,
    current=orjson.loads,
    desired=orjson.loads,
    declared=tuple,
    base=orjson.loads,
    fields=from_json,
    cause=Cause,
    origin=Origin,
    references=tuple,
    error=orjson.loads,
    opened_at=moment,
    decided_at=moment,
    ended_at=moment,
    risk=Risk,
)
