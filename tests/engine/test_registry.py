"""Repositories registered, changed, paused and removed: what is refused, what a change drops, and what each leaves in the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.errors import FleetError
from engine.flow import pinning
from engine.model import Repository, ResourceKey
from engine.store import repositories
from engine.store.events import EventFilter
from engine.workbench import Workbench, registry
from tests.engine.conftest import ANA, BOB, Bench, modules

URL, SSH = "https://git.example.com/team/fleet.git", "ssh://git@git.example.com/team/fleet.git"
KEY, OTHER = (f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{letter * 43}" for letter in "AB")
VAULT = "secret/data/acme/reader"


@pytest.fixture
def wb(workbench: Workbench) -> Workbench:
    workbench.settings = replace(workbench.settings, vault_paths="*=*")
    return workbench


def told(wb: Workbench, *types: str) -> list[tuple[str, str | None, Any]]:
    """Events of these types, oldest first: actor, reason, data."""
    found = wb.find_events(EventFilter(types=tuple(f"gitops.{each}" for each in types)))
    return [(e.actor, e.event.reason, e.event.data) for e in reversed(found)]


def backed_off(wb: Workbench) -> Repository:
    """`fc`, after two failed ticks."""
    with wb.store.write() as tx:
        repositories.set_health(tx, wb.repository("fc").id, 2, datetime(2027, 1, 1, tzinfo=UTC))
    return wb.repository("fc")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"vault_credential_path": "../x"}, "FLEET-616 The Vault path is not valid"),
        (
            {"url": "/srv/fleet.git", "vault_credential_path": VAULT},
            "FLEET-616 A credential may be sent to https and ssh",
        ),
        ({"ssh_host_key": KEY}, "FLEET-617 Only an ssh remote has a host key"),
        ({"account": "a/b"}, "FLEET-629 'a/b' cannot be the account"),
        ({"branch": "-x"}, "FLEET-61"),
        ({"path_prefix": "../x"}, "FLEET-61"),
        ({"url": "nothing"}, "FLEET-61"),
    ],
)
def test_settings_that_cannot_be_right_are_refused_at_both_doors(
    wb: Workbench, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(FleetError) as caught:
        wb.add_repository(ANA, "fc", **{"url": URL, "account": "acme", **options})
    assert str(caught.value).startswith(said)
    wb.add_repository(ANA, "fc", URL, account="acme")
    with pytest.raises(FleetError) as caught:
        wb.change_repository(ANA, "fc", options)
    assert str(caught.value).startswith(said)
    assert wb.repository("fc").url == URL


def test_a_name_that_is_no_name_or_taken_is_refused(wb: Workbench) -> None:
    with pytest.raises(FleetError, match="FLEET-629 'a/b' cannot be the name"):
        wb.add_repository(ANA, "a/b", URL, account="acme")
    wb.add_repository(ANA, "my fc", URL, account="acme")
    with pytest.raises(FleetError, match="FLEET-601 The repository my fc already exists") as caught:
        wb.add_repository(ANA, "my fc", URL, account="acme")
    assert caught.value.hint == "Change it with fleet repo set 'my fc', or choose another name."


def test_what_is_left_out_has_its_default_and_what_is_empty_is_none(wb: Workbench) -> None:
    made = wb.add_repository(ANA, "fc", URL, account="acme", vault_credential_path="", ssh_host_key="")
    assert {name: getattr(made, name) for name in registry.DEFAULTS} == {
        "branch": "main", "path_prefix": "", "vault_credential_path": None, "ssh_host_key": None, "enabled": True,
        "auto_apply": False, "auto_prune": False, "auto_heal": False, "allow_empty": False,
    }  # fmt: skip
    assert (made.failure_count, made.next_attempt_at, made.paused_reason) == (0, None, None)
    assert told(wb, "repository_added") == [("ana", None, {"url": URL, "branch": "main", "path_prefix": ""})]


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"url": SSH.replace("team", "other")}, True),
        ({"branch": "next"}, True),
        ({"url": SSH.replace("git.example.com", "git.example.org")}, False),
        ({"url": SSH.replace("git.example.com", "git.example.com:2222")}, False),
    ],
)
def test_a_credential_and_a_host_key_stay_with_the_host_that_they_were_given_for(
    wb: Workbench, changes: dict[str, Any], kept: bool
) -> None:
    wb.add_repository(ANA, "fc", SSH, account="acme", vault_credential_path=VAULT, ssh_host_key=KEY)
    changed = wb.change_repository(ANA, "fc", changes)
    assert (changed.vault_credential_path, changed.ssh_host_key) == ((VAULT, KEY) if kept else (None, None))
    assert wb.repository("fc") == changed


def test_given_with_another_host_they_go_to_it(wb: Workbench) -> None:
    wb.add_repository(ANA, "fc", SSH, account="acme", vault_credential_path=VAULT, ssh_host_key=KEY)
    elsewhere = SSH.replace("example.com", "example.org")
    changed = wb.change_repository(ANA, "fc", {"url": elsewhere, "vault_credential_path": VAULT, "ssh_host_key": OTHER})
    assert (changed.vault_credential_path, changed.ssh_host_key) == (VAULT, OTHER)


def test_a_change_says_what_is_another_now_and_one_that_changes_nothing_says_nothing(wb: Workbench) -> None:
    wb.add_repository(ANA, "fc", URL, account="acme")
    before = wb.repository("fc")
    assert wb.change_repository(BOB, "fc", {"branch": "main", "path_prefix": ""}) == before
    assert told(wb, "repository_changed") == []
    wb.change_repository(BOB, "fc", {"branch": "next", "path_prefix": "prod/", "auto_apply": False})
    assert told(wb, "repository_changed") == [("bob", None, {"branch": "next", "path_prefix": "prod"})]


@pytest.mark.parametrize(
    ("change", "tried"),
    [
        ({"branch": "next"}, True),
        ({"path_prefix": "prod"}, True),
        ({"url": URL.replace("team", "other")}, True),
        ({"account": "zeta"}, True),
        ({"vault_credential_path": VAULT}, True),
        ({"auto_prune": True}, False),
        ({"enabled": False}, False),
    ],
)
def test_once_what_is_fetched_is_another_the_next_tick_does_not_back_off(
    wb: Workbench, change: dict[str, Any], tried: bool
) -> None:
    wb.add_repository(ANA, "fc", URL, account="acme")
    before = backed_off(wb)
    wb.change_repository(ANA, "fc", change)
    after = wb.repository("fc")
    assert (after.failure_count, after.next_attempt_at) == (2, None if tried else before.next_attempt_at)


def test_trusting_a_key_ends_the_backing_off_and_is_told_with_the_key_before(wb: Workbench) -> None:
    wb.add_repository(ANA, "fc", SSH, account="acme")
    backed_off(wb)
    wb.trust_host_key(BOB, "fc", KEY)
    assert (wb.repository("fc").next_attempt_at, wb.repository("fc").ssh_host_key) == (None, KEY)
    wb.trust_host_key(BOB, "fc", OTHER)
    (first, second) = told(wb, "host_key_trusted")
    assert (first[0], first[2]["before"]) == ("bob", None)
    assert second[2]["before"] == first[2]["host_key"] != second[2]["host_key"]


@pytest.mark.parametrize(
    ("change", "pinned"),
    [({}, KEY), ({"url": SSH.replace("team", "other")}, None), ({"ssh_host_key": OTHER}, OTHER)],
)
def test_the_first_key_is_pinned_unless_the_repository_is_another_by_now(
    wb: Workbench, change: dict[str, Any], pinned: str | None
) -> None:
    seen = wb.add_repository(ANA, "fc", SSH, account="acme")
    wb.change_repository(ANA, "fc", change)
    with wb.store.write() as tx:
        pinning.pin_first(tx, ANA, seen, KEY)
    assert wb.repository("fc").ssh_host_key == pinned
    assert len(told(wb, "host_key_pinned")) == (0 if change else 1)


def test_another_key_of_a_host_is_told_once_for_each(wb: Workbench) -> None:
    made = wb.add_repository(ANA, "fc", SSH, account="acme", ssh_host_key=KEY)
    for offered in ("one", "one", "two", "one"):
        with wb.store.write() as tx:
            pinning.note_changed(tx, ANA, made, 1, offered)
    assert [data["offered"] for _, _, data in told(wb, "host_key_changed")] == ["one", "two", "one"]
    wb.trust_host_key(ANA, "fc", OTHER)
    with wb.store.write() as tx:
        pinning.note_changed(tx, ANA, wb.repository("fc"), 1, "one")
    assert len(told(wb, "host_key_changed")) == 4, "since it was trusted, it is news again"


@pytest.mark.parametrize("name", ["fc", None])
def test_a_pause_has_a_reason_and_its_end_is_told_once(wb: Workbench, name: str | None) -> None:
    wb.add_repository(ANA, "fc", URL, account="acme")
    with pytest.raises(FleetError, match="FLEET-605"):
        wb.pause(BOB, " \n ", name)
    assert wb.resume(BOB, name) is False
    wb.pause(BOB, " a\n freeze ", name)
    assert [(pause.reason, pause.by) for pause in wb.pauses()] == [("a freeze", "bob")]
    assert wb.resume(BOB, name) is True
    assert wb.resume(BOB, name) is False
    assert (wb.pauses(), told(wb, "paused"), told(wb, "resumed")) == (
        [],
        [("bob", "a freeze", None)],
        [("bob", None, None)],
    )
    about = [(e.event.account, e.event.repository_id) for e in wb.events(limit=2)]
    assert about == [("acme", 1) if name else (None, None)] * 2


def test_removing_says_what_it_let_go_of_and_ends_what_was_open(bench: Bench) -> None:
    bench.settle(modules("a", "b", "shared", priority=1))
    bench.settle(modules("shared", priority=1).replace("}}\n", "}, own: {}}\n"), repository="other")
    bench.edit("modules", "a", priority=2)
    bench.sync(modules("a", "b", "shared", priority=1).replace("}}\n", "}, lost: {depends_on: [gone]}}\n"))
    facts = bench.workbench.remove_repository(BOB, "fc")
    assert facts == {"withdrawn": 1, "released": 3, "handed_over": 1}
    assert told(bench.workbench, "repository_removed") == [("bob", "fc", facts)]
    assert {r.key.name: r.holder for r in bench.workbench.resources()} == {
        "a": None,
        "b": None,
        "shared": "other",
        "own": "other",
    }
    assert [e.outcome for e in bench.workbench.drift()] == ["removed"]
    assert bench.workbench.withheld_counts() == {}
    assert [p.reason for p in bench.workbench.proposals(limit=1)] == ["repository fc was removed"]


@pytest.mark.parametrize("release", [True, False])
def test_what_is_left_behind_by_a_move_to_another_account_is_released_only_when_asked(
    bench: Bench, release: bool
) -> None:
    bench.settle(modules("a"))
    bench.workbench.change_repository(BOB, "fc", {"account": "zeta"}, release=release)
    left = bench.workbench.resource(ResourceKey("acme", "modules", "a"))
    assert left.holder == (None if release else "fc")
    assert told(bench.workbench, "released") == (
        [("bob", "left behind when fc moved to zeta", None)] if release else []
    )
    bench.workbench.change_repository(BOB, "fc", {"branch": "next"}, release=True)
    assert len(told(bench.workbench, "released")) == int(release), "with the account alone"
