"""What is told, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.model import Event, RecordedEvent
from engine.notify.messages import TOLD, cloud_event, messages, slack

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
NAMES = {1: "fleet-config", 2: "fleet-edge"}


def recorded(
    seq: int, type_: str, at: datetime = NOW, actor: str = "ana", repository: int = 1, **more: object
) -> RecordedEvent:
    event = Event(type_, "acme", repository, 7, seq, "modules", f"m{seq}", **more)  # type: ignore[arg-type]
    return RecordedEvent(seq, at, actor, event)


def test_what_one_transaction_did_is_one_message_for_each_kind_and_repository() -> None:
    found = [
        *(recorded(n, "gitops.proposal_opened") for n in (1, 2, 3)),
        recorded(4, "gitops.adopted"),
        recorded(5, "gitops.proposal_reopened"),
        recorded(6, "gitops.drift_detected", data={"moved_by": "ben"}),
        recorded(7, "gitops.proposal_opened", repository=2),
        recorded(8, "gitops.proposal_opened", at=NOW + timedelta(seconds=1)),
    ]
    made = messages(found, NAMES)
    assert [(m.type, m.repository, m.count, m.seq, m.title) for m in made] == [
        ("proposals.opened", "fleet-config", 4, 5, "4 proposals opened in fleet-config"),
        ("drift.detected", "fleet-config", 1, 6, "1 resource drifted from fleet-config, by ben"),
        ("proposals.opened", "fleet-edge", 1, 7, "1 proposal opened in fleet-edge"),
        ("proposals.opened", "fleet-config", 1, 8, "1 proposal opened in fleet-config"),
    ]
    assert made[0].resources == ("modules/m1", "modules/m2", "modules/m3", "modules/m5")
    assert made[0].data["proposal_ids"] == [1, 2, 3, 5]


@pytest.mark.parametrize("type_", TOLD)
def test_each_kind_has_its_words_as_cloud_event_and_for_slack(type_: str) -> None:
    of_account = type_.startswith("fleet.") or type_ in {"gitops.drill_failed", "gitops.snapshot_failed"}
    about = "acme" if of_account else "fleet-config"
    found = recorded(1, type_, reason="the remote is away", data={"code": "FLEET-201"})
    if type_.startswith("fleet."):  # as somebody's edit by hand leaves it: of no repository, run or proposal
        found = replace(found, event=replace(found.event, repository_id=None, run_id=None, proposal_id=None))
        step = replace(found, event=replace(found.event, proposal_id=4))
        assert messages([step], NAMES) == [], "the step of a proposal is told as applied"
    (message,) = messages([found], NAMES)
    event = cloud_event(message, "https://fleet.example.com")
    assert {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"} == event.keys()
    assert (event["specversion"], event["type"], event["subject"]) == (
        "1.0",
        f"fleet-workbench.{TOLD[type_]}",
        about,
    )
    assert event["time"] == "2026-11-24T03:12:00Z"
    assert event["data"]["link"].startswith("https://fleet.example.com/")
    assert about in slack(message, "")["text"]
    assert "<https://fleet.example.com/" in slack(message, "https://fleet.example.com")["text"]


def test_text_of_others_means_nothing_to_slack() -> None:
    hostile = "<!channel> <https://evil|click> *bold* `x` @here #ops\u202e\n:bomb:"
    found = [
        RecordedEvent(
            1, NOW, "eve", Event("gitops.run_failed", "acme", 1, 7, reason=hostile, data={"code": "FLEET-201"})
        )
    ]
    (message,) = messages(found, {1: hostile})
    text = slack(message, "")["text"]
    assert "<" not in text
    assert ">" not in text
    assert "\n" not in text
    assert "\u202e" not in text
    assert "*bold*" not in text
    assert ":bomb:" not in text
    assert "@here" not in text


def test_many_are_counted_and_the_first_few_named() -> None:
    (message,) = messages([recorded(n, "gitops.proposal_applied") for n in range(1, 2501)], NAMES)
    assert (message.count, len(message.resources), len(message.data["proposal_ids"])) == (2500, 10, 100)
    assert "and 2,490 more" in slack(message, "")["text"]


def test_edits_by_hand_that_follow_each_other_are_one_message() -> None:
    def edit(
        seq: int, type_: str, actor: str, account: str = "acme", name: str = "", reason: str | None = None
    ) -> RecordedEvent:
        event = Event(f"fleet.{type_}", account, kind="modules", name=name or f"m{seq}", reason=reason)
        return RecordedEvent(seq, NOW + timedelta(seconds=seq), actor, event)

    found = [
        *(edit(n, "created", "ana", reason="x" * 5_000) for n in range(1, 4_001)),
        edit(4_001, "updated", "ben", name="a"),
        edit(4_002, "updated", "ana", "rival", name="a"),
        edit(4_003, "created", "ana", name="b"),
        edit(4_004, "destroyed", "ana", name="b"),
    ]
    made = messages(found, NAMES)
    assert [(m.seq, m.count, m.account, m.title.partition(":")[0]) for m in made] == [
        (4_000, 4_000, "acme", "ana changed 4,000 resources in acme by hand"),
        (4_001, 1, "acme", "ben updated modules/a in acme by hand"),
        (4_002, 1, "rival", "ana updated modules/a in rival by hand"),
        (4_004, 1, "acme", "ana changed modules/b in acme by hand"),
    ]
    assert len(made[0].title) < 300, "a note of any length fits"
