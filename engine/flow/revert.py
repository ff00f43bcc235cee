"""Revert: an applied proposal and the states around its write in, the inverse difference out. Pure; `decisions.py` opens it.

Git still declares what a revert undoes. So while a revert is open, the tick's own difference for the resource is withheld; once
it is applied, that difference is proposed again, as a move of live that people decide on.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import ReviewError
from engine.flow.review import stale
from engine.kinds import Kind, Kinds
from engine.model import Cause, Change, Claim, Difference, LiveFleet, Origin, Proposal, ResourceKey, Spec, Status
from engine.phrases import argument


def inverse(
    kinds: Kinds, undone: Proposal, before: Spec | None, after: Spec | None, spec: Spec | None, claim: Claim | None
) -> Difference:
    """The difference that takes an applied proposal's change back.

    `before` and `after` are the whole specs around its write; `spec` and `claim` are the current state of the resource.
    Raises: ReviewError FLEET-405 (not applied), 406 (live, or who holds it, has moved since).
    """
    key = undone.key
    if undone.status is not Status.APPLIED:
        raise ReviewError(
            "FLEET-405",
            f"Proposal {undone.id} is {undone.status}: only an applied proposal can be reverted.",
            f"See it: fleet show {undone.id}",
        )
    if claim is not None and claim.repository_id != undone.repository_id:
        raise _moved(undone, f"another repository owns {key.address} now")
    base = claim.base if claim is not None else None
    if before is not None and after is None:
        return _recreated(undone, before, spec, base)
    if spec is None:
        raise _moved(undone, f"{key.address} no longer exists")
    kind = kinds[key.kind]
    watched = _watched(kind, undone, before, after or {}, spec)
    if claim is None or not claim.owned:
        raise _moved(undone, f"repository {undone.repository} released {key.address}")
    if before is None:
        return Difference(key, Change.DESTROY, spec, None, Cause.GIT_MOVED, base, ())
    current, desired = ({name: side[name] for name in watched} for side in (kind.complete(spec), kind.complete(before)))
    return Difference(key, Change.UPDATE, current, desired, Cause.GIT_MOVED, base, tuple(watched))


def _recreated(undone: Proposal, before: Spec, spec: Spec | None, base: Spec | None) -> Difference:
    """What takes a destroy back. Raises: ReviewError FLEET-406 if the resource exists again."""
    if spec is not None:
        raise _moved(undone, f"{undone.key.address} exists again")
    declared = tuple(sorted(undone.base or before))
    return Difference(undone.key, Change.CREATE, None, before, Cause.GIT_MOVED, base, declared)


def _watched(kind: Kind, undone: Proposal, before: Spec | None, after: Spec, spec: Spec) -> list[str]:
    """The fields that the write changed, which are as it left them. Raises: ReviewError FLEET-406 if one has moved."""
    now = kind.complete(spec)
    watched = sorted(after if before is None else [f for f in after if kind.differs(f, after, kind.complete(before))])
    if moved := [name for name in watched if kind.differs(name, after, now)]:
        raise _moved(undone, f"{' and '.join(moved)} of {undone.key.address} moved")
    return watched


def _moved(undone: Proposal, why: str) -> ReviewError:
    return ReviewError(
        "FLEET-406",
        f"Proposal {undone.id} cannot be reverted: {why} since it was applied.",
        f"See its current value: fleet log {undone.key.kind} {argument(undone.key.name)}. Then set the value that you want: fleet set",
    )


def standing_reverts(
    kinds: Kinds, fleet: LiveFleet, standing: Sequence[Proposal]
) -> tuple[dict[ResourceKey, str], list[tuple[Proposal, str]]]:
    """The open reverts of one account.

    Shape: why a tick does not change the resource, by key, for valid reverts; and the stale reverts, with what changed.
    """
    reserved: dict[ResourceKey, str] = {}
    outdated = []
    for proposal in standing:
        key = proposal.key
        if proposal.origin is not Origin.REVERT or key.account != fleet.account:
            continue
        spec, claim = fleet.specs.get(key.kind, {}).get(key.name), fleet.claims.get(key.kind, {}).get(key.name)
        if why := stale(kinds, proposal, spec, claim):
            outdated.append((proposal, why))
        else:
            reserved[key] = f"proposal {proposal.id}, which reverts proposal {proposal.reverts}, is {proposal.status}"
    return reserved, outdated
