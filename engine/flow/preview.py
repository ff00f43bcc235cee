"""What a tick finds: a file and the live fleet in, their differences and what must be withheld out. Pure; ticks and previews ask it alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import SyncError
from engine.flow import diff as diffing
from engine.flow.revert import standing_reverts
from engine.kinds import Kinds
from engine.model import Change, Difference, FieldChange, LiveFleet, Proposal, Repository, Spec
from engine.paths import field_changes
from engine.phrases import argument, count

if TYPE_CHECKING:
    from engine.flow.parse import FleetFile  # brings libyaml, which most reading does not need


@dataclass(slots=True)
class Compared:
    """One account beside a file: the account that the file is for, or one that its repository has left but still holds something in."""

    live: LiveFleet
    desired: Mapping[str, Mapping[str, Spec]]
    diff: diffing.Diff
    settled: diffing.Settled
    outdated: list[tuple[Proposal, str]]
    """Open reverts that are stale, because live has changed; each with the reason."""
    learned: list[tuple[str, str, str]]
    """Versions that the file names first: (section, name, version)."""

    @property
    def destroys(self) -> int:
        return sum(d.change is Change.DESTROY for d in self.diff.differences)


def compare(
    kinds: Kinds,
    desired: FleetFile | None,
    fleet: LiveFleet,
    repository_id: int,
    revision: str,
    names: Mapping[int, str],
    standing: Sequence[Proposal],
) -> Compared:
    """Compare one account with what a file declares for it, which is nothing where `desired` is None.

    Shape: `names` of repositories by id; `standing` are the repository's live proposals.
    Effects: the fleet knows the versions that the file names from then on.
    """
    learned = []
    for section, name, version in desired.known_versions(kinds) if desired else ():
        known = fleet.known_versions.setdefault((section, name), set())
        if version not in known:
            known.add(version)
            learned.append((section, name, version))
    declared = desired.sections if desired else {}
    reserved, outdated = standing_reverts(kinds, fleet, standing)
    found = diffing.compare(kinds, declared, fleet, repository_id, revision, names, reserved)
    return Compared(
        fleet, declared, found, diffing.withhold(kinds, found.differences, fleet, reserved), outdated, learned
    )


def refuse_empty(repository: Repository, desired: FleetFile, accounts: Sequence[Compared]) -> None:
    """Refuse a file that declares nothing while its repository owns something. Raises: SyncError FLEET-210."""
    if not desired.is_empty or repository.allow_empty:
        return
    if owned := sum(account.destroys for account in accounts):
        raise SyncError(
            "FLEET-210",
            f"{repository.file} declares nothing, but the repository owns {count(owned, 'resource')}: all of them would be destroyed.",
            f"If you want this: fleet repo set {argument(repository.name)} --allow-empty",
            owned=owned,
        )


@dataclass(frozen=True, slots=True)
class PreviewEntry:
    """One difference between a file at hand and the live fleet."""

    difference: Difference
    fields: tuple[FieldChange, ...]
    withheld: str | None
    """The reason for which a tick would not propose it, or None."""
    detail: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a tick would find if this file were pushed."""

    account: str
    entries: tuple[PreviewEntry, ...]
    informational: tuple[dict[str, Any], ...]
    unchanged: int
    known: bool = True
    """Whether the store has the account; else the file was compared with an empty fleet."""

    @property
    def counts(self) -> dict[str, int]:
        """How many resources would be created, updated or destroyed, and how many stay."""
        counts = {"create": 0, "update": 0, "destroy": 0, "unchanged": self.unchanged}
        for entry in self.entries:
            counts[entry.difference.change.value] += 1
        return counts

    def place(self, entry: PreviewEntry) -> str:
        """What an entry is called: its address, with the account if that is another one, which the repository has left."""
        key = entry.difference.key
        return key.address if key.account == self.account else f"{key.address} in account {key.account}"


def preview(account: str, accounts: Sequence[Compared], *, known: bool) -> Preview:
    """What was found, in the order in which an apply would do it; what is withheld comes last in each account."""
    entries = []
    for compared in accounts:
        unsound = [*compared.settled.withheld, *compared.diff.foreign]
        by_key = {d.key: d for d in compared.diff.differences}
        held = {w.difference.key: w for w in unsound}
        ordered = [by_key[key] for key in compared.settled.ordering.order] + [w.difference for w in unsound]
        for d in ordered:
            why = held.get(d.key)
            fields = field_changes(d.current, d.desired, d.base)
            entries.append(PreviewEntry(d, fields, why.reason.value if why else None, why.detail if why else ""))
    return Preview(
        account,
        tuple(entries),
        tuple(entry for compared in accounts for entry in compared.diff.informational),
        sum(counts["unchanged"] for compared in accounts for counts in compared.diff.counts.values()),
        known,
    )
