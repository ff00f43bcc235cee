"""Another writer between what a verb has looked at and what it writes: nothing that they did is undone, and nobody is let through.

The other one writes from a thread of its own, right before the verb's first transaction begins (a lock lets its own thread in).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

import engine.flow.sync
from engine.errors import FleetError
from engine.model import Actor, Permission, ResourceKey
from engine.store import repositories
from engine.workbench import Workbench
from tests.engine.conftest import ANA, Bench, modules

URL, SSH = "https://git.example.com/team/fleet.git", "ssh://git@git.example.com/team/fleet.git"
KEY, OTHER = (f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{letter * 43}" for letter in "AB")
VAULT = "secret/data/acme/reader"
EVE = Actor("eve", account="acme")
WRITER = Actor("ben", frozenset({Permission.WRITE}), "acme")
OPERATOR = Actor("oli", frozenset({Permission.SYNC, Permission.APPLY}), "acme")
M1 = ResourceKey("acme", "modules", "m1")

Do = Callable[[Workbench], Any]


def change(who: Actor = ANA, **changes: Any) -> Do:
    return lambda w: w.change_repository(who, "fc", changes)


def fails(workbench: Workbench) -> None:
    """A tick of `fc` has failed five times."""
    with workbench.store.write() as tx:
        repositories.set_health(tx, 1, 5, datetime(2027, 1, 1, tzinfo=UTC))


def gone_and_new(workbench: Workbench) -> None:
    """`fc` is removed, and another repository gets its name."""
    workbench.remove_repository(ANA, "fc")
    workbench.add_repository(ANA, "fc", URL, account="acme", branch="of-another")


MOVED, REMOVED = change(account="rival"), lambda w: w.remove_repository(ANA, "fc")

ROWS: list[tuple[str, dict[str, Any], Do, Do, str, dict[str, Any]]] = [
    ("a change keeps what it does not name", {"vault_credential_path": VAULT}, change(EVE, branch="next"),
     change(vault_credential_path=None, enabled=False), "", {"branch": "next", "vault_credential_path": None, "enabled": False}),
    ("a change of a repository that left the account", {}, change(EVE, branch="next"), MOVED, "FLEET-603", {"account": "rival", "branch": "main"}),
    ("a change of a removed repository", {}, change(EVE, branch="next"), REMOVED, "FLEET-603", {}),
    ("a change by number of a repository whose name is another's by now", {}, lambda w: w.change_repository(EVE, 1, {"branch": "next"}),
     gone_and_new, "FLEET-603", {"branch": "of-another"}),
    ("a writer's change of what decides by itself by now", {}, change(WRITER, branch="next"), change(auto_apply=True), "FLEET-600",
     {"branch": "main", "auto_apply": True}),
    ("a writer's other key where one is pinned by now", {"url": SSH}, change(WRITER, ssh_host_key=OTHER),
     lambda w: w.trust_host_key(ANA, "fc", KEY), "FLEET-600", {"ssh_host_key": KEY}),
    ("a change of the remote keeps the count of failures", {}, change(EVE, branch="next"), fails, "", {"failure_count": 5, "next_attempt_at": None}),
    ("a change of the account keeps the count of failures", {}, change(ANA, account="rival"), fails, "",
     {"failure_count": 5, "next_attempt_at": None}),
    ("a removal of a repository that left the account", {}, lambda w: w.remove_repository(EVE, "fc"), MOVED, "FLEET-603", {"account": "rival"}),
    ("a pause of a repository that left the account", {}, lambda w: w.pause(EVE, "why", "fc"), MOVED, "FLEET-603", {"paused_reason": None}),
    ("a pause of a removed repository", {}, lambda w: w.pause(EVE, "why", "fc"), REMOVED, "FLEET-603", {}),
    ("a resume of what is resumed by now", {"paused": True}, lambda w: w.resume(EVE, "fc"), lambda w: w.resume(ANA, "fc"), "", {"paused_reason": None}),
    ("a resume of what is paused by now", {}, lambda w: w.resume(EVE, "fc"), lambda w: w.pause(ANA, "why", "fc"), "", {"paused_reason": None}),
    ("a resume of a repository that left the account", {"paused": True}, lambda w: w.resume(EVE, "fc"), MOVED, "FLEET-603", {"paused_reason": "first"}),
    ("a trusted key of a repository that left the account", {"url": SSH}, lambda w: w.trust_host_key(EVE, "fc", KEY), MOVED, "FLEET-603",
     {"ssh_host_key": None}),
    ("a writer's trust where a key is pinned by now", {"url": SSH}, lambda w: w.trust_host_key(WRITER, "fc", OTHER),
     lambda w: w.trust_host_key(ANA, "fc", KEY), "FLEET-600", {"ssh_host_key": KEY}),
    ("a trusted key where the remote has none by now", {"url": SSH}, lambda w: w.trust_host_key(EVE, "fc", KEY), change(url=URL), "FLEET-617",
     {"ssh_host_key": None}),
    ("a trusted key keeps the count of failures", {"url": SSH}, lambda w: w.trust_host_key(EVE, "fc", KEY), fails, "",
     {"failure_count": 5, "next_attempt_at": None}),
    ("a sync of a repository that left the account", {}, lambda w: w.sync(OPERATOR, "fc"), MOVED, "FLEET-603", {"account": "rival"}),
    ("a sync of a removed repository", {}, lambda w: w.sync(OPERATOR, "fc"), REMOVED, "FLEET-603", {}),
    ("a sync of a repository that is disabled by now", {}, lambda w: w.sync(OPERATOR, "fc"), change(enabled=False), "FLEET-212", {"enabled": False}),
    ("a sync of a repository that is paused by now", {}, lambda w: w.sync(OPERATOR, "fc"), lambda w: w.pause(ANA, "why", "fc"), "FLEET-501", {}),
    ("a dry run of a repository that left the account", {}, lambda w: w.dry_run(OPERATOR, "fc"), MOVED, "FLEET-603", {}),
    ("a dry run of a removed repository", {}, lambda w: w.dry_run(OPERATOR, "fc"), REMOVED, "FLEET-603", {}),
    ("a name that is taken by now", {}, lambda w: w.add_repository(EVE, "new", URL), lambda w: w.add_repository(ANA, "new", URL, account="rival"),
     "FLEET-601", {}),
]  # fmt: skip
"""What is tried, settings of the repository before, the verb, what somebody else does meanwhile, the error, and how it stands in the end."""


@contextmanager
def interfering(workbench: Workbench, monkeypatch: pytest.MonkeyPatch, others: Do) -> Iterator[list[Any]]:
    """Have another thread write right before the first transaction, or the first tick, that this one begins."""
    mine, began = threading.get_ident(), list[Any]()
    write, guard = workbench.store.write, workbench._ticking_guard

    def meanwhile() -> None:
        if threading.get_ident() == mine and not began:
            began.append(True)
            other = threading.Thread(target=lambda: began.append(others(workbench)))
            other.start()
            other.join(20)
            assert len(began) == 2, "the other one could not write"

    @contextmanager
    def writing() -> Iterator[Any]:
        meanwhile()
        with write() as tx:
            yield tx

    class Guard:
        """Who is at which repository, asked right after the others have written."""

        def __enter__(self) -> None:
            meanwhile()
            guard.acquire()

        def __exit__(self, *_: object) -> None:
            guard.release()

    with monkeypatch.context() as patch:
        patch.setattr(workbench.store, "write", writing)
        patch.setattr(workbench, "_ticking_guard", Guard())
        yield began


@pytest.mark.parametrize(("what", "before", "verb", "others", "code", "after"), ROWS, ids=[row[0] for row in ROWS])
def test_what_another_writer_did_in_between_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, what: str, before: dict[str, Any], verb: Do, others: Do, code: str, after: dict[str, Any]
) -> None:  # fmt: skip
    workbench = bench.workbench
    monkeypatch.setattr(engine.flow.sync, "fetch", bench.fetch)
    bench.pushed["fc"] = (1, f"version: 1\naccount: acme\n{modules('m1')}")
    settings = {name: given for name, given in before.items() if name != "paused"}
    workbench.add_repository(ANA, "fc", **{"url": URL, "account": "acme", **settings})
    if "paused" in before:
        workbench.pause(ANA, "first", "fc")
    with interfering(workbench, monkeypatch, others) as began:
        try:
            verb(workbench)
        except FleetError as error:
            assert error.code == code, error
        else:
            assert not code
    assert began, "there was something in between"
    assert workbench.runs() == [], "no tick began"
    found = {r.name: r for r in workbench.repositories()}.get("fc")
    assert {name: getattr(found, name) for name in after} == after
