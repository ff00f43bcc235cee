"""`fleet notify`: try whether notifications arrive."""

from __future__ import annotations

from engine.cli.session import Session, verb


@verb("notify")
def notify(session: Session) -> int | None:
    """Send one test message to each notification address, and show the results."""
    with session.open() as workbench:
        outcomes = workbench.test_notifications(session.actor)
    if session.as_json:
        session.json({"items": [{"sink": name, "outcome": outcome} for name, outcome in outcomes], "next": None})
    else:
        from engine.cli import output as out

        for name, outcome in outcomes:
            out.line(out.styled(f"{name:8}", "green" if outcome == "delivered" else "red"), outcome)
        if not outcomes:
            out.line("Notifications are not set up: set FLEET_NOTIFY_URL or FLEET_SLACK_URL.")
    return 0 if all(outcome == "delivered" for _, outcome in outcomes) else 1
