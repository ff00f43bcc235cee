"""The log of a server: a line for each event and each request, for people or, as JSON, for machines. Written to standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from engine.context import current_request
from engine.model import RecordedEvent, Run
from engine.phrases import clean
from engine.present import bodies

OURS = ("fleet", "engine")
"""Our loggers; the loggers of libraries are not changed."""

events = logging.getLogger("fleet.event")
ticks = logging.getLogger("fleet.tick")


@contextmanager
def written(form: str, stream: TextIO | None = None) -> Iterator[None]:
    """Write what our loggers say to standard error, or a stream, as `text` or as `json`, while the block runs."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Json() if form == "json" else Text())
    handler.addFilter(_with_request)
    ours = [logging.getLogger(name) for name in OURS]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in ours]
    for logger in ours:
        logger.handlers[:], logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, (handlers, level, propagate) in zip(ours, before, strict=True):
            logger.handlers[:], logger.propagate = handlers, propagate
            logger.setLevel(level)


def _with_request(record: logging.LogRecord) -> bool:
    """Add the current request to a line, unless the line has its own."""
    if not hasattr(record, "request_id"):
        record.request_id = current_request()
    return True


class Json(logging.Formatter):
    """One JSON object a line: at, level, logger, message, request_id, and the facts of the case."""

    def format(self, record: logging.LogRecord) -> str:
        body: dict[str, Any] = {
            "at": _when(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", None),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            body["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(body, default=str).decode()


class Text(logging.Formatter):
    """One line for people; text of others cannot begin another one."""

    def format(self, record: logging.LogRecord) -> str:
        request = getattr(record, "request_id", None)
        line = f"{_when(record)} {record.levelname:7} {clean(record.getMessage())}" + (
            f" [{request}]" if request else ""
        )
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _when(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class EventLog:
    """Logs what happened."""

    def recorded(self, found: Sequence[RecordedEvent]) -> None:
        """A line for each event."""
        for e in found:
            facts = {name: value for name, value in bodies.event(e).items() if value is not None and name != "at"}
            events.info("%s", _sentence(e), extra={"facts": facts, "request_id": e.request_id})

    def ticked(self, run: Run) -> None:
        """A line for each tick that moved something."""
        if not run.unchanged:
            facts = {"run_id": run.id, "repository": run.repository, "status": run.status, "diff_count": run.diff_count}
            ticks.info(
                "run %d of %s: %s, %d differences, %d opened, %d withheld",
                run.id, run.repository, run.status, run.diff_count, run.opened, run.remaining,
                extra={"facts": facts, "request_id": run.request_id},
            )  # fmt: skip


def _sentence(e: RecordedEvent) -> str:
    """`gitops.proposal_approved modules/nginx in acme, proposal 4 by ana: reason`"""
    event = e.event
    what = f" {event.kind}/{event.name}" if event.kind else ""
    where = f" in {event.account}" if event.account else ""
    which: Mapping[str, int | None] = {"proposal": event.proposal_id, "run": event.run_id}
    numbers = "".join(f", {word} {number}" for word, number in which.items() if number is not None)
    why = f": {event.reason}" if event.reason else ""
    return f"{event.type}{what}{where}{numbers} by {e.actor}{why}"
