"""Who may let ticks decide in place of people: `write` alone never does, in no way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from engine.access.roles import PERMISSIONS, Role
from engine.errors import RefusedEdit
from engine.model import Actor, Permission, ResourceKey
from engine.store.events import EventFilter
from engine.workbench import Workbench

ME = Actor("ana")
URL, SSH = "https://git.example.com/team/fleet.git", "ssh://git@git.example.com/team/fleet.git"
KEY, OTHER = (f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{letter * 43}" for letter in "AB")
WRITES = frozenset({Permission.READ, Permission.WRITE})
DECIDES = WRITES | {Permission.REVIEW, Permission.APPLY}

Before = dict[str, Any]


def switched(name: str) -> list[tuple[Before, Before, bool]]:
    """What a switch takes: itself on and off, and what it makes of every other setting while it is on."""
    on = {name: True}
    return [
        ({}, on, True),
        ({"enabled": False}, on, True),
        (on, {name: False}, False),
        (on, on, False),
        (on, {"url": "https://other.example.com/x.git"}, True),
        (on, {"branch": "next"}, True),
        (on, {"path_prefix": "prod"}, True),
        (on, {"account": "acme2"}, True),
        (on, {"branch": "main", "path_prefix": ""}, False),
        (on, {"branch": "next", name: False}, False),
        (on, {"enabled": False}, False),
        ({**on, "enabled": False}, {"enabled": True}, True),
        ({**on, "enabled": False}, {"branch": "next"}, True),
        (on, {"vault_credential_path": "secret/data/acme/x"}, False),
    ]


CHANGES: list[tuple[Before, Before, bool]] = [
    *(row for name in ("auto_apply", "auto_prune", "auto_heal", "allow_empty") for row in switched(name)),
    ({"auto_apply": True}, {"auto_prune": True}, True),
    ({"auto_apply": True, "auto_prune": True}, {"auto_prune": False, "branch": "next"}, True),
    ({}, {"url": "https://other.example.com/x.git", "branch": "next", "path_prefix": "prod", "account": "acme2"}, False),
    ({}, {"enabled": False}, False),
    ({"enabled": False}, {"enabled": True}, False),
    ({"url": SSH}, {"ssh_host_key": KEY}, False),
    ({"url": SSH, "ssh_host_key": KEY}, {"ssh_host_key": KEY}, False),
    ({"url": SSH, "ssh_host_key": KEY}, {"ssh_host_key": OTHER}, True),
    ({"url": SSH, "ssh_host_key": KEY}, {"ssh_host_key": None}, True),
    ({"url": SSH, "ssh_host_key": KEY}, {"ssh_host_key": ""}, True),
    ({"url": SSH, "ssh_host_key": KEY}, {"url": SSH.replace("fleet", "other")}, False),
    ({"url": SSH, "ssh_host_key": KEY}, {"url": SSH.replace("fleet", "other"), "ssh_host_key": OTHER}, True),
    ({"url": SSH, "ssh_host_key": KEY}, {"url": "ssh://git@b.example.com/x.git", "ssh_host_key": OTHER}, False),
]  # fmt: skip
"""Settings before, the change, and whether it takes the permissions to review and to apply beside the one to write."""


def refused(ask: Callable[[], Any], *missing: Permission) -> None:
    with pytest.raises(RefusedEdit, match=r"FLEET-600 .* missing\. ") as caught:
        ask()
    assert all(permission in caught.value.message for permission in missing)


def test_a_change_takes_review_and_apply_where_ticks_would_decide_more(workbench: Workbench) -> None:
    writer = Actor("ben", WRITES)
    workbench.settings = replace(workbench.settings, vault_paths="*=*")
    for number, (before, change, decides) in enumerate(CHANGES):
        name = f"r{number}"
        made = workbench.add_repository(ME, name, **{"url": URL, "account": "acme", **before})  # type: ignore[arg-type]
        if not decides:
            workbench.change_repository(writer, name, change)
            continue
        for lacking in (Permission.REVIEW, Permission.APPLY):
            less = Actor("ben", frozenset(Permission) - {lacking})
            refused(partial(workbench.change_repository, less, name, change), lacking)
        refused(partial(workbench.change_repository, writer, name, change), *DECIDES - WRITES)
        assert workbench.repository(name) == made, (before, change)
        changed = workbench.change_repository(Actor("ben", DECIDES), name, change)
        assert changed != made, (before, change)


@pytest.mark.parametrize("switch", ["auto_apply", "auto_prune", "auto_heal", "allow_empty"])
def test_so_does_registering_and_the_event_says_who_switched_what(workbench: Workbench, switch: str) -> None:
    writer, decider = Actor("ben", WRITES), Actor("cleo", DECIDES)
    refused(lambda: workbench.add_repository(writer, "fc", URL, account="acme", **{switch: True}), *DECIDES - WRITES)
    assert workbench.repositories() == []
    workbench.add_repository(writer, "plain", URL, account="acme", **{switch: False})
    workbench.add_repository(decider, "fc", URL, account="acme", **{switch: True})
    workbench.change_repository(decider, "plain", {switch: True})
    workbench.change_repository(writer, "plain", {switch: False})
    wanted = EventFilter(types=("gitops.repository_added", "gitops.repository_changed"))
    told = [(e.actor, (e.event.data or {}).get(switch)) for e in workbench.find_events(wanted)]
    assert told[::-1] == [("ben", None), ("cleo", True), ("cleo", True), ("ben", False)]


def test_trusting_another_key_takes_it_too_and_the_first_one_does_not(workbench: Workbench) -> None:
    writer = Actor("ben", WRITES)
    workbench.add_repository(ME, "fc", SSH, account="acme")
    assert workbench.trust_host_key(writer, "fc", KEY).ssh_host_key == KEY
    assert workbench.trust_host_key(writer, "fc", KEY).ssh_host_key == KEY
    refused(lambda: workbench.trust_host_key(writer, "fc", OTHER), *DECIDES - WRITES)
    assert workbench.repository("fc").ssh_host_key == KEY
    assert workbench.trust_host_key(Actor("cleo", DECIDES), "fc", OTHER).ssh_host_key == OTHER
    workbench.change_repository(ME, "fc", {"url": URL})
    with pytest.raises(RefusedEdit, match="FLEET-617"):
        workbench.trust_host_key(ME, "fc", KEY)


def test_in_no_other_way_may_a_writer_let_ticks_decide(workbench: Workbench) -> None:
    writer = Actor("ben", WRITES)
    workbench.add_repository(ME, "fc", URL, account="acme", auto_apply=True)
    refused(lambda: workbench.resume(writer, "fc"), Permission.APPLY)
    workbench.remove_repository(writer, "fc")
    refused(lambda: workbench.add_repository(writer, "fc", URL, account="acme", auto_apply=True), Permission.REVIEW)
    again = workbench.add_repository(writer, "fc", URL, account="acme")
    assert not again.auto_apply, "a name that is registered again starts with every switch off"
    for permissions in ([Permission.REVIEW], [Permission.APPLY], list(Permission)):
        maker = Actor("eve", WRITES | {Permission.TOKENS})
        with pytest.raises(RefusedEdit, match="FLEET-671"):
            workbench.create_token(maker, "x", account="acme", permissions=permissions)
    refused(lambda: workbench.set_resource(writer, ResourceKey("acme", "modules", "a"), {}), Permission.FLEET_WRITE)


def test_which_roles_may(workbench: Workbench) -> None:
    may = {}
    for role in Role:
        who = Actor(role, PERMISSIONS[role])
        try:
            workbench.add_repository(who, role, URL, account="acme", auto_apply=True)
        except RefusedEdit as error:
            assert error.code == "FLEET-600"
            may[role] = False
        else:
            may[role] = True
    assert may == {Role.VIEWER: False, Role.OPERATOR: False, Role.REVIEWER: False, Role.ADMIN: True}
    both = Actor("both", PERMISSIONS[Role.OPERATOR] | PERMISSIONS[Role.REVIEWER])
    assert workbench.add_repository(both, "both", URL, account="acme", auto_apply=True).auto_apply
