"""Messages for notifications, made from events. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from engine.model import RecordedEvent
from engine.phrases import clean, count

TOLD = {
    "gitops.proposal_opened": "proposals.opened",
    "gitops.proposal_reopened": "proposals.opened",
    "gitops.proposal_applied": "proposals.applied",
    "gitops.proposal_failed": "proposals.failed",
    "gitops.drift_detected": "drift.detected",
    "gitops.drift_resolved": "drift.resolved",
    "gitops.run_failed": "repository.failing",
    "gitops.run_recovered": "repository.well",
    "fleet.created": "fleet.edited",
    "fleet.updated": "fleet.edited",
    "fleet.destroyed": "fleet.edited",
    "gitops.drill_failed": "drill.failed",
    "gitops.snapshot_failed": "snapshot.failed",
}
"""The events that are reported, with the type of their message. A change of live is reported if a person made it by hand."""

_TITLES = {
    "proposals.opened": ("proposal", "opened in"),
    "proposals.applied": ("proposal", "applied from"),
    "proposals.failed": ("proposal", "failed from"),
    "drift.detected": ("resource", "drifted from"),
    "drift.resolved": ("resource", "in sync again in"),
}

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Message:
    """One notification."""

    seq: int
    """The last event in it: the message's number."""
    type: str
    at: datetime
    account: str | None
    repository: str
    title: str
    """One line for people."""
    page: str
    """Path of the page that shows it."""
    resources: tuple[str, ...] = ()
    """Addresses of what it is about, the first few."""
    count: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)


def messages(found: Sequence[RecordedEvent], names: Mapping[int, str]) -> list[Message]:
    """What events say, one message for all of a kind that one transaction did to one repository.

    Edits by hand have a transaction each, so a script's would be a flood: those of one person in one account that follow each other are
    one message.
    Shape: `found` in the order of its numbers; `names` of repositories by id. Events that are not reported are left out.
    """
    made = []
    worth = [e for e in found if e.event.type in TOLD and not _is_step(e)]
    for _, together in groupby(worth, key=_together):
        transaction = list(together)
        kinds: dict[tuple[str, int | None], list[RecordedEvent]] = {}
        for e in transaction:
            kinds.setdefault((TOLD[e.event.type], e.event.repository_id), []).append(e)
        for (type_, repository_id), group in kinds.items():
            name = names.get(repository_id or 0, "a removed repository")
            made.append(_message(type_, group[-1].at, name, group))
    return sorted(made, key=lambda message: message.seq)


def _together(found: RecordedEvent) -> tuple[object, ...]:
    """What events that are reported together have in common."""
    if TOLD[found.event.type] == "fleet.edited":
        return ("edits", found.event.account, found.actor)
    return (found.at, found.actor)


def _is_step(found: RecordedEvent) -> bool:
    """Whether a change of live is the step of a proposal, which has its own message."""
    return TOLD[found.event.type] == "fleet.edited" and found.event.proposal_id is not None


def _message(type_: str, at: datetime, repository: str, group: Sequence[RecordedEvent]) -> Message:
    first, last = group[0], group[-1]
    if type_ == "repository.failing":
        code = (first.event.data or {}).get("code", "")
        title = f"{repository} is failing: {first.event.reason or ''} ({code})"
        page = f"/runs?id={first.event.run_id}"
        return Message(last.seq, type_, at, first.event.account, repository, title, page, data={"code": code})
    if type_ == "repository.well":
        page = f"/runs?id={first.event.run_id}"
        return Message(last.seq, type_, at, first.event.account, repository, f"{repository} has recovered", page)
    if type_ == "fleet.edited":
        return _edited(at, group)
    if type_ in {"drill.failed", "snapshot.failed"}:
        return _rescue_failed(type_, last)
    thing, verb = _TITLES[type_]
    resources = tuple(dict.fromkeys(f"{e.event.kind}/{e.event.name}" for e in group))
    page = {
        "proposals.opened": "/approvals",
        "proposals.applied": f"/proposal?id={first.event.proposal_id}",
        "proposals.failed": "/approvals?status=failed",
    }.get(type_, "/drift")
    movers = sorted({mover for e in group if (mover := (e.event.data or {}).get("moved_by"))})
    title = f"{count(len(group), thing)} {verb} {repository}" + (f", by {', '.join(movers[:3])}" if movers else "")
    data: dict[str, Any] = {"actor": first.actor}
    if first.event.run_id is not None:
        data["run_id"] = first.event.run_id
    ids = [e.event.proposal_id for e in group if e.event.proposal_id is not None]
    if ids:
        data["proposal_ids"] = ids[:100]
    return Message(
        last.seq, type_, at, first.event.account, repository, title, page, resources[:_SHOWN], len(group), data
    )


def _edited(at: datetime, group: Sequence[RecordedEvent]) -> Message:
    """The message for edits of the live fleet by hand. The subject is the account."""
    first, last = group[0], group[-1]
    account = first.event.account or ""
    resources = tuple(dict.fromkeys(f"{e.event.kind}/{e.event.name}" for e in group))
    what = resources[0] if len(resources) == 1 else count(len(resources), "resource")
    verb = first.event.type.removeprefix("fleet.") if len(group) == 1 else "changed"
    title = f"{first.actor} {verb} {what} in {account} by hand" + (
        f": {first.event.reason[:200]}" if first.event.reason else ""
    )
    page = f"/resource?{urlencode({'id': f'{account}/{resources[0]}'})}" if len(resources) == 1 else "/audit"
    facts = {"actor": first.actor}
    return Message(
        last.seq, "fleet.edited", at, account, account, title, page, resources[:_SHOWN], len(resources), facts
    )


def _rescue_failed(type_: str, found: RecordedEvent) -> Message:
    """The message for a failed restore drill, or a failed snapshot. The subject is its account, or `the store`."""
    event, data = found.event, found.event.data or {}
    about = event.account or "the store"
    what = (
        f"The restore drill of account {about} failed"
        if type_ == "drill.failed"
        else f"A snapshot of {about} could not be saved"
    )
    title = f"{what}: {event.reason or ''}"
    facts = {name: data.get(name, "") for name in ("code", "hint")} | {"actor": found.actor}
    return Message(found.seq, type_, found.at, event.account, about, title, "/export", data=facts)


def cloud_event(message: Message, public_url: str) -> dict[str, Any]:
    """A message as a CloudEvent 1.0, in the structured form."""
    return {
        "specversion": "1.0",
        "id": str(message.seq),
        "source": public_url or "/fleet-workbench",
        "type": f"fleet-workbench.{message.type}",
        "subject": message.repository,
        "time": message.at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {
            "title": message.title,
            "account": message.account,
            "repository": message.repository,
            "count": message.count,
            "resources": list(message.resources),
            "link": f"{public_url}{message.page}" if public_url else None,
            **message.data,
        },
    }


def slack(message: Message, public_url: str) -> dict[str, Any]:
    """A message as Slack takes it. Text of others cannot mention, link or format anything there."""
    icon = {
        "proposals.failed": ":x:",
        "repository.failing": ":x:",
        "drill.failed": ":x:",
        "snapshot.failed": ":x:",
        "drift.detected": ":warning:",
        "fleet.edited": ":pencil2:",
        "proposals.opened": ":inbox_tray:",
    }
    text = f"{icon.get(message.type, ':white_check_mark:')} {_escaped(message.title)}"
    if message.resources:
        more = message.count - len(message.resources)
        listed = ", ".join(_escaped(each) for each in message.resources) + (f" and {more:,} more" if more > 0 else "")
        text += f"\n{listed}"
    if hint := message.data.get("hint"):
        text += f"\n{_escaped(str(hint))}"
    if public_url:
        text += f"\n<{public_url}{message.page}|Open>"
    return {"text": text}


def _escaped(text: str) -> str:
    """Text that Slack shows as it is: its own escapes, and a mark that keeps `*`, `_`, `~`, backticks and `:` from meaning anything."""
    plain = clean(text)[:500].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\u2060{c}\u2060" if c in "*_~`:@#" else c for c in plain)
