"""What the columns of each frame mean, said once: the docstrings of `Snapshot` show it, and tests hold the frames against it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from textwrap import fill
from typing import Any, TypeVar

import pandas as pd

from engine.model import FieldChange, ResourceKey, Spec
from engine.paths import field_changes

F = TypeVar("F", bound=Callable[..., object])

_KEY = {"account": "account of the resource", "kind": "section of the fleet file", "name": "name of the resource"}

COLUMNS: dict[str, dict[str, str]] = {
    "proposals": {
        "id": "number of the proposal; the index",
        **_KEY,
        "change": "create, update or destroy",
        "status": "pending, approved, applied, failed, rejected, superseded or withdrawn",
        "cause": "git_moved, live_moved or both",
        "origin": "git or revert",
        "risk": "low, medium or high",
        "repository": "name of the repository that proposes it",
        "run_id": "run that opened it",
        "revision": "commit",
        "reverts": "the proposal that it reverts; missing for proposals from git",
        "fields": "number of paths that it changes",
        "blast_radius": "number of nodes that it reaches",
        "reopened": "number of times that it was reopened after a rejection",
        "opened_at": "time",
        "decided_at": "time of the last decision; missing before a decision",
        "decided_by": "who decided last",
        "decided_after_s": "seconds from opening to that decision",
        "ended_at": "time at which it ended; missing while it is open",
        "reason": "reason of the last rejection, or why it ended",
        "error": "code of the error if its apply failed",
    },
    "runs": {
        "id": "number of the run; the index",
        "repository": "name of the repository",
        "account": "account of the repository",
        "status": "running, failed, partial, success or applied",
        "trigger": "schedule, manual or webhook",
        "actor": "who started it",
        "started_at": "time",
        "seconds": "how long it took",
        "revision": "commit",
        "author": "author of the commit",
        "subject": "first line of the commit's message",
        "diff_count": "differences found",
        "opened": "proposals opened",
        "remaining": "differences withheld",
        "proposals": "proposals opened or reopened",
        "warnings": "how many",
        "failed_stage": "where it failed",
        "error": "code of why it failed",
        "sync_s": "seconds of the stage, as the next four",
        "parse_s": "",
        "diff_s": "",
        "propose_s": "",
        "apply_s": "",
    },
    "diff": {
        **_KEY,
        "change": "create, update or destroy",
        "path": "path within the resource",
        "what": "added, changed or removed; missing where no path is known",
        "base": "value that git and live last agreed on",
        "current": "live value",
        "desired": "declared value",
        "cause": "git_moved, live_moved or both; missing for what a run withheld",
        "withheld": "why it is not proposed; missing if it is proposed",
        "detail": "what it waits for",
        "proposal": "number of its proposal; missing if there is none",
        "status": "status of that proposal",
    },
    "drift": {
        "id": "number of the episode; the index",
        "repository": "name of the repository that owns the resource",
        **_KEY,
        "change": "the change that would restore live",
        "severity": "medium or high",
        "paths": "the fields that changed, separated by commas",
        "moved_by": "who changed live",
        "moved_at": "when",
        "opened_at": "time at which a tick detected it",
        "closed_at": "time at which a tick detected its end; missing while it is open",
        "open": "whether it is open",
        "outcome": "reverted, codified or removed; missing while it is open",
        "lasted_s": "seconds from the change of live to its end, or to the snapshot",
        "opened_run": "run that detected it",
        "closed_run": "run that detected its end",
    },
    "withheld": {
        "id": "number; the index",
        "repository": "name of the repository",
        **_KEY,
        "change": "create, update or destroy",
        "reason": "cap, missing_reference, still_referenced, ownership_conflict or conflict",
        "detail": "what it waits for",
        "opened_at": "time since which it was withheld",
        "closed_at": "time at which it was no longer withheld; missing while it is",
        "open": "whether it is still withheld",
        "lasted_s": "seconds to its end, or to the snapshot",
        "opened_run": "first run that withheld it",
        "closed_run": "first run that no longer withheld it",
    },
    "events": {
        "seq": "number of the event; the index",
        "happened_at": "time",
        "type": "such as gitops.proposal_approved or fleet.updated",
        "actor": "who",
        "account": "account, if it belongs to one",
        "repository": "name of the repository, if it belongs to one",
        "run_id": "run during which it happened",
        "proposal_id": "proposal that it refers to",
        "kind": "section of the resource that it refers to",
        "name": "name of the resource",
        "reason": "why",
    },
    "fleet": {
        **_KEY,
        "spec": "the whole resource as a dict",
        "version": "counts from 1",
        "since": "time of this version",
        "actor": "who wrote it",
        "state": "in_sync, waiting, pending, drifted, failed or unmanaged; absent for a past time",
        "repository": "name of the repository that owns it; absent for a past time",
    },
    "history": {
        "seq": "number of the version in the whole store; the index",
        "version": "counts from 1",
        "valid_from": "time",
        "valid_to": "time at which the next version was written; missing for the newest",
        "actor": "who wrote it",
        "cause": "edit or apply",
        "proposal": "proposal that created it",
        "note": "reason, for an edit",
        "changes": "its changes, in words",
        "spec": "the whole resource as a dict; missing if it was deleted",
    },
    "blame": {
        "path": "path within the resource; the index",
        "value": "its value",
        "since": "time at which it was set",
        "actor": "who set it",
        "cause": "edit or apply",
        "note": "reason, for an edit",
        "proposal": "proposal that created it",
        "revision": "commit behind that proposal",
        "author": "author of the commit",
        "subject": "first line of its message",
    },
    "compare": {
        **_KEY,
        "change": "create, update or destroy",
        "path": "path within the resource",
        "what": "added, changed or removed",
        "before": "value at the earlier time",
        "after": "value at the later time",
        "actor": "who wrote the later version last",
        "at": "when",
        "proposal": "proposal that created it",
    },
    "differences": {
        **_KEY,
        "change": "create, update or destroy",
        "path": "path within the resource",
        "what": "added, changed or removed",
        "before": "value in the snapshot",
        "after": "value afterwards",
    },
    "plan": {
        "wave": "counts from 1; a wave waits for the previous wave",
        "proposal": "number of the proposal in the fork",
        **_KEY,
        "change": "create, update or destroy",
        "blast_radius": "number of nodes that it reaches",
    },
    "what_if_fleet": {**_KEY, "spec": "the whole resource as a dict"},
    "reached": _KEY,
    "broken": {
        **_KEY,
        "change": "create, update or destroy",
        "why": "stale, blocked, failed, missing_reference, still_referenced, conflict or ownership_conflict",
        "detail": "the resources that are missing or block it",
    },
}
"""Meaning of each column by frame, in the order of the columns. Missing values are None, NaN or NaT, as pandas has them."""

INDEX: dict[str, str] = {
    "proposals": "id",
    "runs": "id",
    "drift": "id",
    "withheld": "id",
    "events": "seq",
    "history": "seq",
    "blame": "path",
}
"""Column that is a frame's index."""


def documented(name: str) -> Callable[[F], F]:
    """Add the meaning of a frame's columns to the docstring of what gives it."""

    def document(function: F) -> F:
        lines = [f"    {column}" + (f": {meaning}" if meaning else "") for column, meaning in COLUMNS[name].items()]
        wrapped = "\n".join(fill(line, 110, subsequent_indent="        ") for line in lines)
        function.__doc__ = f"{inspect.getdoc(function)}\n\nColumns:\n{wrapped}\n"
        return function

    return document


_TIMES = {"valid_from", "valid_to", "since", "at"}
_NUMBERS = {"proposal", "proposal_id", "run_id", "reverts", "opened_run", "closed_run"}
"""Columns of whole numbers that may be missing."""


def frame(name: str, rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame with its documented columns; what a row leaves out is missing."""
    made = pd.DataFrame(list(rows), columns=list(COLUMNS[name]), dtype=object)
    for column in _TIMES & set(made.columns):
        made[column] = pd.to_datetime(made[column], utc=True)
    return framed(name, made)


def framed(name: str, made: pd.DataFrame) -> pd.DataFrame:
    """A frame with its index, and whole numbers that may be missing as such."""
    for column in _NUMBERS & set(made.columns):
        made[column] = made[column].astype("Int64")
    return made.set_index(INDEX[name]) if name in INDEX else made


def key_columns(key: ResourceKey) -> dict[str, str]:
    """What names a resource, column by column."""
    return {"account": key.account, "kind": key.kind, "name": key.name}


def changed(change: FieldChange | None) -> dict[str, Any]:
    """One path of a difference, column by column."""
    if change is None:
        return {}
    return {
        "path": change.path, "what": change.change, "base": change.base, "current": change.current, "desired": change.desired,
    }  # fmt: skip


def change_of(before: Spec | None, after: Spec | None) -> str:
    """What leads from one state of a resource to another."""
    return "create" if before is None else "destroy" if after is None else "update"


def differences(before: Mapping[ResourceKey, Spec], after: Mapping[ResourceKey, Spec]) -> pd.DataFrame:
    """What one fleet has otherwise than another, path by path; the columns of `compare` that need no history."""
    rows = [
        {
            **key_columns(key), "change": change_of(before.get(key), after.get(key)), "path": c.path, "what": c.change,
            "before": c.current, "after": c.desired,
        }
        for key in sorted({*before, *after})
        for c in field_changes(before.get(key), after.get(key))
    ]  # fmt: skip
    return frame("differences", rows)
