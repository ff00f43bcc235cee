"""The record of applies and of every step tried: `applies` and `apply_steps`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import orjson

from engine.errors import FleetError
from engine.model import Change, ResourceKey, StepRecord
from engine.store.database import Transaction, moment

if TYPE_CHECKING:
    from engine.model import Step


def begin(tx: Transaction, actor: str, trigger: str, run_id: int | None, repository_id: int | None) -> int:
    """Record that an apply runs; returns its id."""
    (id_,) = tx.ids("apply_id", 1)
    tx.run(
        "applies/insert_apply",
        id=id_,
        repository_id=repository_id,
        run_id=run_id,
        trigger=trigger,
        actor=actor,
        at=tx.at,
    )
    return id_


Basis = tuple[object, ...]
"""How far the live fleets of some accounts and the proposals of some repositories have moved, and which of these are paused."""


def basis(tx: Transaction, accounts: Collection[str], repository_ids: Collection[int]) -> Basis:
    """What a plan depends on: if two are equal, a plan made at the first is still valid at the second."""
    row = tx.row("applies/get_basis", accounts=sorted(accounts), repository_ids=sorted(repository_ids))
    return () if row is None else tuple(row)


def finish(tx: Transaction, id_: int, status: str, error: FleetError | None = None) -> None:
    tx.run("applies/finish_apply", id=id_, status=status, at=tx.at, error=_text(error))


def record(
    tx: Transaction, actor: str, apply_id: int, outcome: str, steps: Sequence[tuple[Step, FleetError | None]]
) -> None:
    """Record steps with one outcome, `applied` or `failed`."""
    keys = [step.proposal.key for step, _ in steps]
    tx.run(
        "applies/insert_steps",
        id=tx.ids("step_id", len(steps)),
        apply_id=apply_id,
        proposal_id=[step.proposal.id for step, _ in steps],
        repository_id=[step.proposal.repository_id for step, _ in steps],
        account=[key.account for key in keys],
        kind=[key.kind for key in keys],
        name=[key.name for key in keys],
        change=[step.proposal.change for step, _ in steps],
        wave=[step.wave for step, _ in steps],
        outcome=outcome,
        actor=actor,
        at=tx.at,
        error=[_text(error) for _, error in steps],
    )


def steps_of(tx: Transaction, proposal_ids: Sequence[int]) -> list[StepRecord]:
    """Attempted steps of some proposals, by any actor, oldest first."""
    made = []
    for id_, apply_id, proposal_id, account, kind, name, change, wave, outcome, actor, ended, error in tx.rows(
        "applies/list_steps_of", proposal_ids=list(proposal_ids)
    ):
        when = moment(ended)
        loaded = None if error is None else orjson.loads(error)
        key = ResourceKey(account, kind, name)
        made.append(StepRecord(id_, apply_id, proposal_id, key, Change(change), wave, outcome, actor, when, loaded))
    return made


def _text(error: FleetError | None) -> str | None:
    return None if error is None else orjson.dumps(error.body(), default=str).decode()
