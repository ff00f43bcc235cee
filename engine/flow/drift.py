"""Drift: where live stands away from what git and the base agreed on. Pure: differences and open episodes in, moves of episodes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.kinds import Kinds
from engine.model import Cause, Difference, Drifted, DriftMoves, OpenEpisode, ResourceKey, Spec
from engine.paths import field_changes

MANY_AT_ONCE = 10
"""More episodes than this opening in one tick make each of them severe."""


def drifting(differences: Sequence[Difference]) -> dict[ResourceKey, Difference]:
    """Differences in which live moved from a base."""
    return {d.key: d for d in differences if d.base is not None and d.cause is not Cause.GIT_MOVED}


def detect(
    differences: Sequence[Difference],
    standing: Sequence[OpenEpisode],
    held: Mapping[ResourceKey, int | None],
    movers: Mapping[ResourceKey, tuple[datetime, str]],
) -> DriftMoves:
    """Tell which episodes open, go on and close.

    `held` gives the live version (None: absent) of every resource that the repository still claims; `movers` who moved
    each drifting resource first, and when. Effects: none.
    """
    now = drifting(differences)
    known = {episode.key: episode for episode in standing}
    new = sorted(now.keys() - known.keys())
    many = len(new) > MANY_AT_ONCE
    opened = []
    for key in new:
        when, who = movers.get(key, (None, None))
        opened.append(_drifted(now[key], "high" if many or now[key].live_version is None else "medium", who, when))
    moved_on = []
    for key in sorted(now.keys() & known.keys()):
        drifted = _drifted(now[key], "medium")
        if (drifted.fields, drifted.live_version, drifted.change) != (
            known[key].fields,
            known[key].live_version,
            known[key].change,
        ):
            moved_on.append((known[key].id, drifted))
    closed = [(known[key], _outcome(known[key], held)) for key in sorted(known.keys() - now.keys())]
    return DriftMoves(tuple(opened), tuple(moved_on), tuple(closed))


def _outcome(episode: OpenEpisode, held: Mapping[ResourceKey, int | None]) -> str:
    """Live stayed and git came to it: codified. Live came back: reverted. Not held any more: removed."""
    if episode.key not in held:
        return "codified" if episode.live_version is None else "removed"
    return "codified" if held[episode.key] == episode.live_version else "reverted"


def _drifted(difference: Difference, severity: str, who: str | None = None, when: datetime | None = None) -> Drifted:
    """Shape of `fields`: path, base, live, desired; only where live is not as the base has it."""
    base, live, desired = difference.base or {}, difference.current, difference.desired
    if live is not None and desired is not None:
        # Of an update both sides are known where git declares: what it no longer declares is nobody's drift.
        base = {name: value for name, value in base.items() if name in desired}
    rows = []
    for change in field_changes(base, {} if live is None else {name: live[name] for name in base if name in live}):
        rows.append(
            {
                "path": change.path,
                "base": change.current,
                "live": change.desired,
                "desired": _at(desired, change.path, base),
            }
        )
    return Drifted(difference.key, difference.change, tuple(rows), difference.live_version, severity, who, when)


def _at(desired: Spec | None, path: str, base: Spec) -> Any:
    if desired is None:
        return None
    if desired == base:
        return next((c.current for c in field_changes(base, {}) if c.path == path), None)
    return next((c.desired for c in field_changes({}, desired) if c.path == path), None)


def first_move(
    kinds: Kinds, key: ResourceKey, base: Spec, versions: Sequence[tuple[Spec | None, datetime, str]]
) -> tuple[datetime, str] | None:
    """Who first moved a resource away from its base: (when, actor), from its versions since the one agreed on, oldest first."""
    differs = kinds[key.kind].differs
    found = None
    for spec, when, actor in reversed(versions):
        if spec is not None and not any(differs(name, base, spec) for name in base):
            break
        found = (when, actor)
    return found
