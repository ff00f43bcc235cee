"""Times as people, scripts and addresses give them: one reader for every surface. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.errors import RefusedEdit

EXAMPLE = "2026-11-20T02:13:00Z"


def in_utc(moment: datetime) -> datetime:
    """The same time in UTC; without a zone it is UTC. Raises: ValueError where UTC has no such year (1 to 9999)."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC this is before the year 1 or after the year 9999") from None


def read_moment(given: datetime | str) -> datetime:
    """A time in UTC, from a time or from its text in ISO 8601. Raises: RefusedEdit FLEET-646 for what is no such time."""
    try:
        return in_utc(given if isinstance(given, datetime) else datetime.fromisoformat(given))
    except (TypeError, ValueError) as error:
        raise RefusedEdit("FLEET-646", f"{str(given)[:80]!r} is not a valid time.", f"Give it as {EXAMPLE}.") from error
