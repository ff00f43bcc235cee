"""Sentences about proposals that several pages say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.model import Cause, Change, Proposal, Status
from engine.phrases import count

CAUSES = {
    Cause.GIT_MOVED: "git moved",
    Cause.LIVE_MOVED: "live moved",
    Cause.BOTH: "both moved",
}

CAUSES_EXPLAINED = {
    Cause.GIT_MOVED: "Git declares a new value; live has not changed since the last agreement.",
    Cause.LIVE_MOVED: "Live was changed outside git. Applying this undoes that change.",
    Cause.BOTH: "Git declares a new value, and live was changed outside git. Applying this overwrites that change.",
}

CAUSES_OF_APPLIED = {
    Cause.GIT_MOVED: "Git declared a new value; live had not changed since the last agreement.",
    Cause.LIVE_MOVED: "Live had been changed outside git. This undid that change.",
    Cause.BOTH: "Git declared a new value, and live had been changed outside git. This overwrote that change.",
}

REVERT = "revert"


def cause_of(proposal: Proposal) -> str:
    """Why it is there, in two words."""
    return CAUSES[proposal.cause] if proposal.reverts is None else REVERT


def explained(proposal: Proposal) -> str:
    """Why it is there, in a sentence."""
    applied = proposal.status is Status.APPLIED
    if proposal.reverts is None:
        return (CAUSES_OF_APPLIED if applied else CAUSES_EXPLAINED)[proposal.cause]
    if applied:
        return f"A revert: it undid the change of proposal {proposal.reverts}."
    return f"A revert: it undoes the change of proposal {proposal.reverts}. Git still declares that change, so a sync proposes it again."


_ORDER = (Change.CREATE, Change.UPDATE, Change.DESTROY)


def sum_of(proposals: Sequence[Proposal]) -> str:
    """`10 create, 18 update, 3 destroy`."""
    found = Counter(proposal.change for proposal in proposals)
    return ", ".join(f"{found[change]:,} {change.value}" for change in _ORDER if found[change]) or "nothing"


def reach(nodes: int) -> str:
    """`reaches 12 nodes`."""
    return f"reaches {count(nodes, 'node')}" if nodes else "reaches no nodes"
