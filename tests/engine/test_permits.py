"""Who may do what: every verb of the workbench, with every permission alone, in its own account and from another one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

import engine.flow.sync
from engine.access.permits import Need, declared, lacking, need_of, reading, require, within
from engine.errors import FleetError
from engine.model import Actor, Permission, ResourceKey, Status
from engine.workbench import Workbench
from engine.workbench.reader import Reader
from tests.engine.conftest import ANA, Bench, modules

READ, WRITE, SYNC, REVIEW, APPLY, EDIT, TOKENS = (
    Permission.READ, Permission.WRITE, Permission.SYNC, Permission.REVIEW, Permission.APPLY, Permission.FLEET_WRITE, Permission.TOKENS,
)  # fmt: skip


@dataclass(frozen=True)
class Aim:
    """What a verb is tried on."""

    repository: str = "fc"
    run: int = 1
    proposal: int = 1
    token: int = 1


REAL, NOTHING = Aim(), Aim("nope", 77, 77, 77)

KEY = ResourceKey("acme", "modules", "a")

OWN = "its own"
"""The verb is about the actor's own account unless they name another."""

TABLE: dict[str, tuple[Permission, str, Callable[[Workbench, Actor, Aim, Path], Any]]] = {
    "seen_by": (READ, "FLEET-600", lambda w, who, aim, out: w.seen_by(who, "acme")),
    "add_repository": (WRITE, OWN, lambda w, who, aim, out: w.add_repository(who, f"of-{who.account}", "https://git.example.com/x")),
    "change_repository": (WRITE, "FLEET-603", lambda w, who, aim, out: w.change_repository(who, aim.repository, {"path_prefix": "x"})),
    "offered_host_key": (WRITE, "FLEET-603", lambda w, who, aim, out: w.offered_host_key(who, aim.repository)),
    "trust_host_key": (WRITE, "FLEET-603", lambda w, who, aim, out: w.trust_host_key(who, aim.repository, HOST_KEY)),
    "trust_credential": (WRITE, "everywhere", lambda w, who, aim, out: w.trust_credential(who, aim.repository, "secret/data/x", "h:443")),
    "people": (TOKENS, "everywhere", lambda w, who, aim, out: w.people(who)),
    "sign_out": (TOKENS, "everywhere", lambda w, who, aim, out: w.sign_out(who, "eve@acme.example")),
    "let_in": (TOKENS, "everywhere", lambda w, who, aim, out: w.let_in(who, "eve@acme.example")),
    "revoke_tokens_by": (TOKENS, OWN, lambda w, who, aim, out: w.revoke_tokens_by(who, "nobody")),
    "pause": (APPLY, "FLEET-603", lambda w, who, aim, out: w.pause(who, "why", aim.repository)),
    "resume": (APPLY, "FLEET-603", lambda w, who, aim, out: w.resume(who, aim.repository)),
    "create_token": (TOKENS, OWN, lambda w, who, aim, out: w.create_token(who, "x", permissions=[TOKENS])),
    "tokens": (TOKENS, OWN, lambda w, who, aim, out: w.tokens(who)),
    "revoke_token": (TOKENS, "FLEET-672", lambda w, who, aim, out: w.revoke_token(who, aim.token)),
    "create_gitea_repository": (WRITE, OWN, lambda w, who, aim, out: w.create_gitea_repository(who, "acme", "x")),
    "test_notifications": (WRITE, "everywhere", lambda w, who, aim, out: w.test_notifications(who)),
    "snapshot": (READ, "everywhere", lambda w, who, aim, out: w.snapshot(who, out / "snapshot.duckdb")),
    "prune": (WRITE, "everywhere", lambda w, who, aim, out: w.prune(who)),
    "compact": (WRITE, "everywhere", lambda w, who, aim, out: w.compact(who)),
    "sync": (SYNC, "FLEET-603", lambda w, who, aim, out: w.sync(who, aim.repository)),
    "dry_run": (SYNC, "FLEET-603", lambda w, who, aim, out: w.dry_run(who, aim.repository)),
    "check_repository": (WRITE, "FLEET-600", lambda w, who, aim, out: w.check_repository(who, "ftp://nowhere", account="acme")),
    "look_at": (WRITE, "FLEET-603", lambda w, who, aim, out: w.look_at(who, aim.repository)),
    "approve": (REVIEW, "FLEET-401", lambda w, who, aim, out: w.approve(who, [aim.proposal])),
    "unapprove": (REVIEW, "FLEET-401", lambda w, who, aim, out: w.unapprove(who, [aim.proposal])),
    "reject": (REVIEW, "FLEET-401", lambda w, who, aim, out: w.reject(who, [aim.proposal], "why")),
    "revert": (WRITE, "FLEET-401", lambda w, who, aim, out: w.revert(who, [aim.proposal])),
    "revert_run": (WRITE, "FLEET-604", lambda w, who, aim, out: w.revert_run(who, aim.run)),
    "apply": (APPLY, "FLEET-603", lambda w, who, aim, out: w.apply(who, repository=aim.repository)),
    "drill": (APPLY, "FLEET-600", lambda w, who, aim, out: w.drill(who, "acme")),
    "set_resource": (EDIT, "FLEET-600", lambda w, who, aim, out: w.set_resource(who, KEY, {"priority": 3})),
    "delete_resource": (EDIT, "FLEET-600", lambda w, who, aim, out: w.delete_resource(who, KEY)),
    "release": (WRITE, "FLEET-600", lambda w, who, aim, out: w.release(who, ResourceKey("acme", "modules", "b"))),
    "remove_repository": (WRITE, "FLEET-603", lambda w, who, aim, out: w.remove_repository(who, aim.repository)),
}  # fmt: skip
"""Each verb: what it takes, what an actor of another account gets, and a call of it on something of account acme.

`everywhere`: only for actors of every account.
"""

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43

OTHERS = {
    "bearer": "it says who comes with a token",
    "close": "it ends the process's own work",
    "credential_waits": "it reads, of a repository that this workbench may see",
    "credential_use": "it reads, of a repository that this workbench may see",
    "enter": "it says who has signed in",
    "leave": "it ends the sign-ins of the person who signed in with these claims",
    "note_deliveries": "the webhook's secret was checked",
    "open_home": "it opens a home",
    "permit": "it is the check itself",
    "stop": "it ends the process's own work",
}
"""Public methods that nobody asks for as an actor, and why."""


@pytest.fixture
def filled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """Account acme with a repository, a run, proposals, a token and live resources; account rival with a resource."""
    monkeypatch.setattr(engine.flow.sync, "fetch", bench.fetch)
    bench.sync(modules("a", "b"))
    bench.workbench.approve(ANA, [2])
    bench.workbench.apply(ANA)
    bench.workbench.create_token(ANA, "ci", account="acme", permissions=[READ])
    bench.workbench.set_resource(ANA, KEY, {})
    bench.workbench.set_resource(ANA, ResourceKey("rival", "modules", "theirs"), {})
    return bench.workbench


class Untouched:
    """Stands for a store that nobody may ask."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the store was asked for {name} before the permission was checked")


def outcome(ask: Callable[[], Any]) -> str:
    """The error that a call ends in, raised or in its outcomes; empty when it was done."""
    try:
        found = ask()
    except FleetError as error:
        return str(error)
    errors = [each.error for each in found if getattr(each, "error", None)] if isinstance(found, list) else []
    return str(errors[0]) if errors else ""


def test_every_public_method_says_what_it_takes() -> None:
    of_old = {"open", "connect"}  # the package's own functions, under the names by which notebooks of before call them
    methods = {
        name: m
        for name, m in inspect.getmembers(Workbench, inspect.isroutine)
        if not name.startswith("_") and name not in of_old
    }
    asked = {name for name, method in methods.items() if "actor" in inspect.signature(method).parameters}
    assert asked - OTHERS.keys() == set(TABLE), "a verb without a row"
    assert {name for name in asked - OTHERS.keys() if not declared(methods[name])} == set()
    reading = {name for name, _ in inspect.getmembers(Reader, inspect.isfunction) if not name.startswith("_")}
    assert methods.keys() == TABLE.keys() | reading | OTHERS.keys()
    assert {need_of(methods[name]).permission for name in reading} == {READ}
    declarations = {name: (need_of(methods[name]).permission, need_of(methods[name]).everywhere) for name in TABLE}
    assert declarations == {name: (takes, foreign == "everywhere") for name, (takes, foreign, _) in TABLE.items()}


def test_without_its_permission_a_verb_asks_nothing_and_writes_nothing(filled: Workbench, tmp_path: Path) -> None:
    before, store = filled.events(), filled.store
    filled.store = Untouched()  # type: ignore[assignment]
    for name, (takes, _, call) in TABLE.items():
        for account in ("*", "acme", "rival"):
            for held in [frozenset(Permission) - {takes}, *(frozenset({p}) for p in Permission if p != takes)]:
                refused = outcome(partial(call, filled, Actor("eve", held, account), REAL, tmp_path))  # fmt: skip
                assert refused.startswith(f"FLEET-600 eve may not do this: {takes} is missing."), (name, held, refused)
    filled.store = store
    assert filled.events() == before


def test_with_its_permission_alone_a_verb_works_in_its_own_account(filled: Workbench, tmp_path: Path) -> None:
    for name, (takes, foreign, call) in TABLE.items():
        own = Actor("eve", frozenset({takes}), "acme")
        if foreign == "everywhere":
            assert outcome(partial(call, filled, own, REAL, tmp_path)).startswith("FLEET-600"), name
            own = Actor("eve", frozenset({takes}))
        said = outcome(partial(call, filled, own, REAL, tmp_path))
        assert not said.startswith(("FLEET-600", "FLEET-603", "FLEET-604", "FLEET-401")), (name, said)


def test_what_another_account_has_is_like_what_does_not_exist(filled: Workbench, tmp_path: Path) -> None:
    rival = Actor("rob", account="rival")
    before = [e for e in filled.events(limit=1000) if e.event.account == "acme"]
    for name, (_, foreign, call) in TABLE.items():
        theirs = outcome(partial(call, filled, rival, REAL, tmp_path))
        if foreign == OWN:
            assert theirs == "" or theirs.startswith("FLEET-681"), (name, theirs)
            continue
        assert theirs.startswith("FLEET-600" if foreign == "everywhere" else foreign), (name, theirs)
        unknown = outcome(partial(call, filled, rival, NOTHING, tmp_path))
        for real, nothing in zip(("fc", "run 1", "proposal 1", "token 1"), ("nope", "run 77", "proposal 77", "token 77"), strict=True):  # fmt: skip
            unknown = unknown.replace(f" {nothing}", f" {real}")
        assert theirs == unknown, name
    assert [e for e in filled.events(limit=1000) if e.event.account == "acme"] == before
    assert filled.proposal(1).status is Status.PENDING
    assert [r.account for r in filled.repositories()] == ["acme", "rival"]


def test_the_whole_home_is_paused_by_actors_of_every_account_alone(filled: Workbench) -> None:
    own = Actor("eve", account="acme")
    assert outcome(lambda: filled.pause(own, "why")).startswith("FLEET-600")
    filled.pause(ANA, "why")
    assert outcome(lambda: filled.resume(own)).startswith("FLEET-600")
    assert filled.resume(ANA)


@pytest.mark.parametrize("name", ["fc", "of-nobody"])
def test_a_name_that_another_account_uses_is_refused_without_saying_so(filled: Workbench, name: str) -> None:
    filled.add_repository(ANA, "of-nobody", "https://git.example.com/x", account="third")
    url = "https://git.example.com/x"
    said = outcome(lambda: filled.add_repository(Actor("rob", account="rival"), name, url))
    assert said == f"FLEET-601 The name {name} cannot be used. Choose another, such as rival-{name}."
    for owner in (ANA, Actor("eve", account=filled.repository(name).account)):
        known = outcome(partial(filled.add_repository, owner, name, url))
        assert f"The repository {name} already exists" in known


@pytest.mark.parametrize(
    ("wanted", "why", "message", "hint"),
    [
        (
            [WRITE],
            "",
            "eve may not do this: system.gitops.write is missing.",
            "Ask for a token or role with this permission.",
        ),
        (
            [READ, WRITE, SYNC],
            "Ticks would decide",
            "eve may not do this: system.gitops.write and system.gitops.sync are missing. Ticks would decide.",
            "Ask for a token or role with these permissions.",
        ),
    ],
)
def test_a_refusal_names_all_that_is_missing_and_why(
    wanted: list[Permission], why: str, message: str, hint: str
) -> None:
    with pytest.raises(FleetError) as refused:
        require(Actor("eve", frozenset({READ})), wanted, why)
    assert (refused.value.message, refused.value.hint) == (message, hint)


def test_what_an_actor_lacks_for_verbs_is_named_once_in_their_order() -> None:
    verbs: list[Callable[..., Any]] = [Workbench.sync, Workbench.approve, Workbench.reject, Workbench.apply]
    eve = Actor("eve", frozenset({APPLY}))
    assert lacking(eve, verbs, [WRITE, REVIEW, APPLY]) == [SYNC, REVIEW, WRITE]
    assert lacking(eve, [Workbench.apply]) == []


def test_only_public_methods_of_a_class_that_reads_take_the_permission_to_read() -> None:
    @reading
    class Asks:
        known: ClassVar[list[str]] = []

        def ask(self) -> None: ...

        def _within(self) -> None: ...

    assert need_of(Asks.ask) == Need(READ, everywhere=False)
    assert not declared(Asks._within)


def test_what_concerns_the_whole_home_is_for_actors_of_every_account() -> None:
    own, every = Actor("eve", account="acme"), Actor("ana")
    Need(WRITE).check(own)
    Need(WRITE, everywhere=True).check(every)
    with pytest.raises(FleetError, match="FLEET-600 eve may use account acme only"):
        Need(WRITE, everywhere=True).check(own)


def test_every_account_that_is_touched_must_be_the_actors_own() -> None:
    eve = Actor("eve", account="acme")
    within(eve, "acme", "acme")
    within(Actor("ana"), "acme", "rival", "*")
    for accounts in (("acme", "rival"), ("rival", "acme"), ("*",)):
        with pytest.raises(FleetError, match="FLEET-600"):
            within(eve, *accounts)
