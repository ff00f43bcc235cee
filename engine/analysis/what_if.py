"""What if: proposals or an edited file applied to a fork of a snapshot. The fork is gone at the end; nothing else is touched."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from engine.analysis.frames import differences, frame, key_columns
from engine.errors import FleetError, RefusedEdit
from engine.flow.plan import Plan
from engine.model import Actor, Proposal, Repository, ResourceKey, Spec, Status
from engine.phrases import count
from engine.workbench import Workbench
from engine.workbench.reader import Reader
from engine.workbench.rehearsal import NOWHERE, rehearsal, tick

WHAT_IF = Actor("what_if")


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would be."""

    fleet: pd.DataFrame
    """The fleet afterwards: account, kind, name, spec (a dict)."""
    differences: pd.DataFrame
    """What is otherwise than in the snapshot, path by path: account, kind, name, change, path, what, before, after."""
    plan: pd.DataFrame
    """The steps in apply order: wave, proposal, account, kind, name, change, blast_radius."""
    reached: pd.DataFrame
    """The blast radius, nodes that the steps reach: account, kind, name."""
    broken: pd.DataFrame
    """What cannot be made, or would break a reference: account, kind, name, change, why, detail."""

    @property
    def ok(self) -> bool:
        """Whether all of it can be made."""
        return len(self.broken) == 0

    def __str__(self) -> str:
        waves = int(self.plan["wave"].max()) if len(self.plan) else 0
        return (
            f"{count(len(self.plan), 'step')} in {count(waves, 'wave')}, {count(len(self.differences), 'path')} changed, "
            f"{count(len(self.reached), 'node')} reached; {len(self.broken):,} cannot be made"
        )

    def _repr_html_(self) -> str:
        shown = self.broken if len(self.broken) else self.differences
        return f"<p>{html.escape(str(self))}.</p>{shown.head(20).to_html()}"


@contextmanager
def _fork(reader: Reader, path: Path) -> Iterator[Workbench]:
    """A copy of the snapshot at `path` on which nothing is paused: a pause is for the fleet, not for a rehearsal of it."""
    with rehearsal(reader.settings, reader.kinds, fork=path) as bench:
        for pause in bench.pauses():
            bench.resume(WHAT_IF, pause.repository)
        yield bench


def approved(reader: Reader, path: Path, ids: Sequence[int]) -> WhatIf:
    """These proposals approved and applied to a fork of the snapshot at `path`."""
    with _fork(reader, path) as bench:
        return _applied(bench, ids, [])


def edited(reader: Reader, path: Path, content: bytes, repository: str | None) -> WhatIf:
    """A fleet file pushed to a repository of a fork of the snapshot at `path`, and all that it makes differ applied.

    Raises: FleetFileInvalid; RefusedEdit FLEET-603 (no such repository), FLEET-646 (several could be meant).
    """
    found = reader.read_file(content, file="fleet.yaml")
    with _fork(reader, path) as bench:
        owner = _owner(bench, found.account, repository)
        standing = bench.live_proposals(repository=owner.name)
        bench.unapprove(WHAT_IF, [p.id for p in standing if p.status is Status.APPROVED])  # only the file counts
        run = tick(bench, WHAT_IF, owner, content)
        if run.error is not None:
            raise FleetError(run.error["code"], run.error["message"], run.error.get("hint", ""))
        broken = [
            {
                "account": owner.account, "kind": held.key.kind, "name": held.key.name, "change": held.change, "why": held.reason,
                "detail": held.detail,
            }
            for held in bench.run_detail(run).withheld
        ]  # fmt: skip
        ids = [p.id for p in bench.live_proposals(repository=owner.name) if p.reverts is None]
        return _applied(bench, ids, broken)


def _owner(bench: Workbench, account: str, name: str | None) -> Repository:
    """The repository to which the file is pushed, without auto-apply. Raises: RefusedEdit FLEET-603, 646."""
    if name is None:
        there = [r.name for r in bench.repositories(account)]
        if len(there) > 1:
            raise RefusedEdit(
                "FLEET-646",
                f"Account {account} has several repositories.",
                f"Name the repository of the file: {', '.join(there[:10])}.",
            )
        name = there[0] if there else None
    if name is None:
        return bench.add_repository(WHAT_IF, "what-if", NOWHERE, account=account)
    return bench.change_repository(WHAT_IF, bench.repository(name).name, {"auto_apply": False, "enabled": True})


def _applied(bench: Workbench, ids: Sequence[int], broken: list[dict[str, Any]]) -> WhatIf:
    """What an apply of these would do, and what is there afterwards."""
    before = _fleet(bench)
    found = bench.prospects(ids)
    waiting = [item.proposal.id for item in found.items if item.proposal.status is not Status.APPROVED]
    refused = {o.id: o.error for o in bench.approve(WHAT_IF, waiting) if o.error is not None}
    by_id = {item.proposal.id: item.proposal for item in found.items}
    broken += [
        _broken(by_id[id_], "stale" if error.code == "FLEET-403" else "refused", error.message)
        for id_, error in refused.items()
    ]
    chosen = [id_ for id_ in by_id if id_ not in refused]
    planned: Plan = bench.plan(proposal_ids=chosen)
    applied = bench.apply(WHAT_IF, proposal_ids=chosen)
    broken += [_broken(skip.proposal, skip.reason, skip.detail) for skip in applied.skipped]
    broken += [_broken(step.proposal, "failed", error.message) for step, error in applied.failed]
    after = _fleet(bench)
    steps = [
        {
            "wave": step.wave, "proposal": step.proposal.id, **key_columns(step.proposal.key), "change": step.proposal.change.value,
            "blast_radius": step.proposal.blast_radius,
        }
        for step in planned.steps
    ]  # fmt: skip
    return WhatIf(
        frame("what_if_fleet", ({**key_columns(key), "spec": spec} for key, spec in after.items())),
        differences(before, after),
        frame("plan", steps),
        frame("reached", (key_columns(key) for key in found.nodes)),
        frame("broken", broken),
    )


def _broken(proposal: Proposal, why: str, detail: str) -> dict[str, Any]:
    return {**key_columns(proposal.key), "change": proposal.change.value, "why": why, "detail": detail}


def _fleet(bench: Workbench) -> dict[ResourceKey, Spec]:
    return {key: spec for account in bench.accounts() for key, spec in bench.fleet(account=account).items()}
