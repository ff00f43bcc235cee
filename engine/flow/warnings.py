"""What a run warns of, bounded. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.flow import diff, propose
from engine.flow.preview import Compared
from engine.kinds import Kinds
from engine.model import Change, ResourceKey
from engine.phrases import count

MOST = 100
MOST_WAITING = 1000
"""Resources held by others that a run names."""


def of_tick(
    kinds: Kinds,
    accounts: Sequence[Compared],
    decision: propose.Decision,
    awaited: Mapping[ResourceKey, Sequence[str]],
) -> list[dict[str, Any]]:
    """The warnings of one tick, at most `MOST` and one that counts the others.

    Shape: {code, message} and, where it is about one, its resource. `awaited` names for whom destroys wait.
    """
    found: list[dict[str, Any]] = []
    if decision.guard:
        found.append({"code": "auto_apply_guard", "message": decision.guard})
    if awaited:
        found.append({"code": "destroys_wait", "message": _waits(awaited)})
    given: dict[str, list[str]] = {}
    for account in accounts:
        for key, taker in account.diff.handed_over.items():
            given.setdefault(taker, []).append(key.address)
    found.extend({"code": "handed_over", "message": _given(taker, names)} for taker, names in sorted(given.items()))
    left_out = len(accounts[0].diff.waiting) - MOST_WAITING
    if left_out > 0:
        more = f"The file declares {left_out} more resources that other repositories own."
        found.append({"code": "more_waiting", "message": more})
    for account in accounts:
        found.extend(_of_account(kinds, account))
    if len(found) > MOST:
        rest = len(found) - MOST
        found = [*found[:MOST], {"code": "more", "message": f"{rest} more warnings of these kinds."}]
    return found


def of_stopped(why: str, left: int) -> dict[str, Any]:
    """The warning of a run whose apply ended before its plan did; `left` approved proposals were not tried."""
    are = "is" if left == 1 else "are"
    return {
        "code": "apply_stopped",
        "message": f"The apply stopped early: {why.rstrip('.')}. {count(left, 'approved proposal')} {are} left.",
    }


def _of_account(kinds: Kinds, account: Compared) -> list[dict[str, Any]]:
    found = []

    def warn(code: str, address: str, message: str) -> None:
        found.append({"code": code, "resource": address, "message": f"{address} {message}"})

    for key, fields in account.diff.no_longer_declared:
        warn("no_longer_declared", key.address, f"no longer declares {', '.join(fields)}; live keeps its value.")
    for address, target, version in diff.unpinned(kinds, account.desired, account.live):
        warn("unpinned_reference", address, f"refers to {target} without a version; the current version is {version}.")
    leaving = {d.key for d in account.diff.differences if d.change is Change.DESTROY}
    for address, sentence in diff.advised(kinds, account.desired, account.live, leaving):
        found.append({"code": "probably_wrong", "resource": address, "message": f"{address}: {sentence}."})
    return found


def _given(taker: str, addresses: Sequence[str]) -> str:
    """What another repository took over, as a sentence."""
    shown = ", ".join(addresses[:5]) + (f" and {len(addresses) - 5} more" if len(addresses) > 5 else "")
    return f"Repository {taker} declares {shown}; it owns {'it' if len(addresses) == 1 else 'them'} from now on."


def _waits(awaited: Mapping[ResourceKey, Sequence[str]]) -> str:
    """For whom destroys wait, as a sentence."""
    names = sorted({name for names in awaited.values() for name in names})
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    destroys = "1 destroy waits" if len(awaited) == 1 else f"{len(awaited)} destroys wait"
    return (
        f"{destroys} until {shown} had a successful run, because other repositories of the account may declare the same resources. "
        "A person may approve them without waiting."
    )
