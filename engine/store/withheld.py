"""Differences that are not proposed, as intervals from the run that withheld them first to the one that no longer did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.model import Change, Difference, HeldBack, HeldDifference, ResourceKey, WithheldDiff
from engine.paths import as_json, field_changes, from_json
from engine.store.database import Transaction

_Facts = tuple[Any, ...]
"""(account, section, name, change, reason, detail, place): what an interval is about."""

_UNKNOWN = "[]"
"""The fields of a row that an older version wrote. No difference is without any."""


def settle(tx: Transaction, repository_id: int, run_id: int, withheld: Sequence[WithheldDiff]) -> None:
    """Make the open intervals of a repository those of this run: keep what stays, close what ended, open what is new."""
    standing: dict[_Facts, tuple[int, str]] = {}
    for id_, *facts, fields, position in tx.rows("withheld/list_open", repository_id=repository_id):
        standing[(*facts, position)] = id_, fields
    wanted: dict[_Facts, str] = {}
    for place, w in enumerate(withheld):
        wanted[(*w.difference.key, w.difference.change.value, w.reason.value, w.detail, place)] = _fields(w.difference)
    # A row of an older version has no fields: it goes on, and gets them.
    known = {
        facts: id_
        for facts, (id_, fields) in standing.items()
        if facts in wanted and fields in {wanted[facts], _UNKNOWN}
    }
    if ended := [id_ for facts, (id_, _) in standing.items() if facts not in known]:
        tx.run("withheld/close_withheld", ids=ended, run_id=run_id, at=tx.at)
    if bare := [facts for facts in known if standing[facts][1] != wanted[facts]]:
        tx.run("withheld/set_fields", ids=[known[facts] for facts in bare], fields=[wanted[facts] for facts in bare])
    new = sorted(((*facts, wanted[facts]) for facts in wanted.keys() - known.keys()), key=lambda facts: facts[-2])
    if new:
        account, kind, name, change, reason, detail, position, fields = (list(c) for c in zip(*new, strict=True))
        tx.run(
            "withheld/insert_withheld",
            id=tx.ids("withheld_id", len(new)),
            repository_id=repository_id,
            run_id=run_id,
            at=tx.at,
            account=account,
            kind=kind,
            name=name,
            change=change,
            reason=reason,
            detail=detail,
            fields=fields,
            position=position,
        )


def _fields(d: Difference) -> str:
    return as_json(field_changes(d.current, d.desired, d.base))


def close_all(tx: Transaction, repository_id: int) -> None:
    """A removed repository withholds nothing."""
    tx.run("withheld/close_repository", repository_id=repository_id, at=tx.at)


def of_runs(tx: Transaction, found: Sequence[tuple[int, int]]) -> dict[int, list[HeldDifference]]:
    """What runs withheld, without its fields, by run id. Shape: `found` names (repository id, run id); runs that withheld nothing are left out."""
    made: dict[int, list[HeldDifference]] = {}
    if found:
        repository_ids, run_ids = (list(column) for column in zip(*found, strict=True))
        rows = tx.rows("withheld/list_of_runs", repository_ids=repository_ids, run_ids=run_ids)
        for run_id, account, kind, name, change, reason, detail in rows:
            held = HeldDifference(ResourceKey(account, kind, name), Change(change), reason, detail)
            made.setdefault(run_id, []).append(held)
    return made


def of_run(tx: Transaction, repository_id: int, run_id: int) -> list[HeldDifference]:
    """What one run withheld, in the order in which the cap lets them through."""
    rows = tx.rows("withheld/list_of_run", repository_id=repository_id, run_id=run_id)
    return [
        HeldDifference(ResourceKey(account, kind, name), Change(change), reason, detail, from_json(fields))
        for account, kind, name, change, reason, detail, fields in rows
    ]


def of_resource(tx: Transaction, key: ResourceKey) -> list[HeldBack]:
    """What is withheld now on a resource, by repository."""
    rows = tx.rows("withheld/list_of_resource", account=key.account, kind=key.kind, name=key.name)
    return [HeldBack(*row) for row in rows]


def counts(tx: Transaction, account: str | None = None) -> list[tuple[int, str, int]]:
    """(repository id, reason, how many) that are withheld now."""
    return [(row[0], row[1], row[2]) for row in tx.rows("withheld/count_open", account=account)]
