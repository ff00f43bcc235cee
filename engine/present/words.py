"""How changes and proposals are put into words, for every surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.kinds import Kinds
from engine.model import Change, FieldChange, Proposal
from engine.phrases import clean
from engine.present.values import beside, moved_in_list, value


def change_words(change: FieldChange, most: int = 40) -> str:
    """One field change: `priority 50 → 60`."""
    if change.change == "added":
        return f"{clean(change.path)} = {value(change.desired, most)}"
    if change.change == "removed":
        return f"{clean(change.path)} removed"
    both = isinstance(change.current, list) and isinstance(change.desired, list)
    if both and (moved := moved_in_list(change.current, change.desired, most)):
        return f"{clean(change.path)} {moved}"
    before, after = beside([change.current, change.desired], most)
    return f"{clean(change.path)} {before} → {after}"


def sentence(kinds: Kinds, proposal: Proposal) -> str:
    """The change in words: `Update module nginx-public: priority 50 → 60 and 2 more.`"""
    key = proposal.key
    thing = f"{kinds[key.kind].title if key.kind in kinds else key.kind} {clean(key.name)}"
    if proposal.change is Change.UPDATE:
        shown = ", ".join(change_words(change) for change in proposal.fields[:2])
        rest = f" and {len(proposal.fields) - 2} more" if len(proposal.fields) > 2 else ""
        return f"Update {thing}: {shown}{rest}."
    return f"{proposal.change.value.capitalize()} {thing}."


def says_something(change: FieldChange) -> bool:
    """Whether a field of a create holds more than emptiness."""
    return change.desired is not None and change.desired not in ("", [], {})


class Changes(Protocol):
    """What changes a resource, proposed or withheld."""

    @property
    def change(self) -> Change: ...

    @property
    def fields(self) -> Sequence[FieldChange]: ...


def summary(what: Changes) -> str:
    """What a proposal, or a difference that is withheld, changes: for the last column of a list."""
    if what.change is Change.UPDATE:
        return ", ".join(change_words(change, 24) for change in what.fields)
    if what.change is Change.CREATE:
        return ", ".join(change_words(change, 24) for change in what.fields if says_something(change))
    return "all of it"
