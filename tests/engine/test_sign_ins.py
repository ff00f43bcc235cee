"""Sign-ins: when one holds, and how all of a person's end at once, whatever cookie is left somewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.access.roles import Person, person_of
from engine.errors import AccessDenied, FleetError, RefusedEdit, StoreError
from engine.model import Actor, Permission, Token
from engine.settings import Settings
from engine.store import Store
from engine.store.sign_ins import KEPT, Standing
from engine.workbench import Workbench
from engine.workbench.signins import SignIn, refusal, sign_in_of

ADMIN = Actor("admin@x.example")
NOW = datetime.now(UTC).replace(microsecond=0)
"""The present: what signs and reads tokens of the API goes by the clock of the system."""
PERSON = Person("ana@x.example", "oidc:1", "ana@x.example")


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def at(**ago: float) -> datetime:
    return NOW - timedelta(**ago)


@pytest.mark.parametrize(
    ("issued", "known", "holds"),
    [
        (at(minutes=1), Standing(None, None, False), True),
        (at(hours=11, minutes=59), Standing(None, None, False), True),
        (at(hours=12), Standing(None, None, False), False),
        (at(days=20), Standing(None, None, False), False),  # a cookie of before there were sign-ins here
        (at(hours=13), Standing(at(minutes=1), None, False), False),
        (at(hours=1), Standing(at(hours=12), None, False), False),  # the provider's clock is ahead, or was set back
        (None, Standing(None, None, False), False),
        (None, Standing(at(minutes=1), None, False), False),
        (at(minutes=-5), Standing(None, None, False), True),
        (at(minutes=-6), Standing(None, None, False), False),
        (at(days=-3650), Standing(at(minutes=1), None, False), False),
        # Seen: compared by our clock alone, whatever the provider's says.
        (at(minutes=30), Standing(at(minutes=20), at(minutes=10), False), False),
        (at(minutes=-4), Standing(at(minutes=20), at(minutes=10), False), False),
        (at(minutes=30), Standing(at(minutes=10), at(minutes=20), False), True),
        (at(minutes=10), Standing(at(minutes=10), at(minutes=10), False), False),
        # Never seen: an old cookie that turns up after the person has signed out.
        (at(minutes=30), Standing(None, at(minutes=20), False), False),
        (at(minutes=20), Standing(None, at(minutes=30), False), True),
        # Signed in again within the second in which they signed out: the provider counts whole seconds.
        (at(minutes=20), Standing(None, at(minutes=20) + timedelta(milliseconds=700), False), True),
        (at(minutes=20, seconds=1), Standing(None, at(minutes=20), False), False),
        (at(minutes=1), Standing(at(minutes=1), at(hours=1), True), False),
    ],
)
def test_a_sign_in_holds_until_its_end(issued: datetime | None, known: Standing, holds: bool) -> None:
    error = refusal(SignIn("x", PERSON, issued), known, NOW, 12)
    assert (error is None) is holds
    assert error is None or error.code == "FLEET-664"


@pytest.mark.parametrize(
    "iat", [None, True, "1763640000", "now", [], float("nan"), float("inf"), 10**30, -(10**30), {}]
)
def test_a_time_that_is_none_ends_the_sign_in(iat: Any) -> None:
    sign_in = sign_in_of({"sub": "1", "iat": iat}, PERSON)
    assert refusal(sign_in, Standing(None, None, False), NOW, 12) is not None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bench(settings: Settings, clock: Clock) -> Iterator[Workbench]:
    with Workbench.open_home(replace(settings, roles="ana@x.example=admin, @x.example=viewer"), clock=clock) as made:
        yield made


def claims(nonce: str, when: datetime, email: str = "ana@x.example", sub: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "sub": sub, "email": email, "email_verified": True, "iat": int(when.timestamp()), "nonce": nonce, "is_logged_in": True, **more,
    }  # fmt: skip


def is_in(bench: Workbench, given: dict[str, Any]) -> bool:
    try:
        return bench.enter(given) is not None
    except AccessDenied as error:
        assert error.code == "FLEET-664"
        return False


def happened(bench: Workbench) -> list[tuple[str, str, str | None]]:
    return [(e.event.type.removeprefix("access."), e.actor, e.event.reason) for e in reversed(bench.events())]


def test_a_sign_in_is_an_event_once_and_signing_out_ends_all_of_them(bench: Workbench, clock: Clock) -> None:
    one, other, unseen = (claims(nonce, NOW) for nonce in ("one", "other", "unseen"))
    for _ in range(3):
        assert is_in(bench, one)
        assert is_in(bench, {**one, "tokens": {}, "provider": "default"}), "what Streamlit adds is no other sign-in"
    assert is_in(bench, other)
    assert is_in(bench, ben := claims("ben", NOW, "ben@x.example", "2"))
    clock.now = NOW + timedelta(minutes=5)
    bench.leave(one)
    assert [is_in(bench, each) for each in (one, other, unseen)] == [False, False, False]
    assert is_in(bench, ben)
    assert is_in(bench, claims("again", clock.now))
    assert not is_in(bench, one), "and stays so"
    assert happened(bench) == [
        ("signed_in", "ana@x.example", None),
        ("signed_in", "ana@x.example", None),
        ("signed_in", "ben@x.example", None),
        ("signed_out", "ana@x.example", "ana@x.example"),
        ("signed_in", "ana@x.example", None),
    ]


def test_an_end_holds_after_a_restart(settings: Settings, clock: Clock, bench: Workbench) -> None:
    given = claims("one", NOW)
    assert is_in(bench, given)
    bench.leave(given)
    old = bench.settings
    bench.close()
    with Workbench.open_home(old, clock=clock) as again:
        assert not is_in(again, given)


@pytest.mark.parametrize("named", ["ana@x.example", "ANA@X.example", "oidc:1", "old@x.example"])
def test_a_person_is_thrown_out_under_every_name_that_they_had(bench: Workbench, clock: Clock, named: str) -> None:
    before, now, unverified = (
        claims("1", NOW, "old@x.example"),
        claims("2", NOW),
        claims("3", NOW, email_verified=False, groups=["x"]),
    )
    bench.settings = replace(bench.settings, roles="*=viewer")
    assert [is_in(bench, each) for each in (before, now, unverified)] == [True, True, True]
    clock.now = NOW + timedelta(seconds=5)
    done = bench.sign_out(ADMIN, named)
    assert (done.sign_ins, done.tokens, done.kept_out) == (3, 0, False)
    assert [is_in(bench, each) for each in (before, now, unverified)] == [False, False, False]
    assert is_in(bench, claims("4", clock.now)), "they may come back"


def test_who_is_kept_out_comes_back_when_they_are_let_in(bench: Workbench, clock: Clock) -> None:
    assert is_in(bench, claims("1", NOW))
    _, jwt = bench.create_token(Actor("ana@x.example"), "cron", account="*", permissions=list(Permission))
    _, child_jwt = bench.create_token(
        bench.bearer(jwt), "made-by-cron", account="*", permissions=[Permission.READ], days=1
    )
    _, others = bench.create_token(Actor("ben@x.example"), "ben", account="*", permissions=[Permission.READ])
    assert [(p.name, p.sign_ins, p.tokens, p.kept_out) for p in bench.people(ADMIN)] == [("ana@x.example", 1, 1, False)]
    done = bench.sign_out(ADMIN, "ana@x.example", keep_out=True)
    assert (done.sign_ins, done.tokens) == (1, 2)
    for text in (jwt, child_jwt):
        with pytest.raises(AccessDenied, match="FLEET-663"):
            bench.bearer(text)
    assert bench.bearer(others).name == "token:ben"
    clock.now = NOW + timedelta(minutes=1)
    with pytest.raises(AccessDenied, match="FLEET-664 An administrator has ended your access"):
        bench.enter(claims("2", clock.now))
    bench.leave(claims("2", clock.now))
    assert not is_in(bench, claims("3", clock.now)), "signing out oneself changes nothing"
    assert {(p.name, p.kept_out) for p in bench.people(ADMIN)} == {("ana@x.example", True), ("oidc:1", True)}
    clock.now = NOW + timedelta(minutes=2)
    assert bench.let_in(ADMIN, "oidc:1")
    assert not bench.let_in(ADMIN, "ana@x.example")
    assert is_in(bench, claims("4", clock.now))
    assert not is_in(bench, claims("1", NOW))


def test_a_name_that_never_came_can_be_kept_out_before_it_comes(bench: Workbench) -> None:
    assert bench.sign_out(ADMIN, "ana@x.example", keep_out=True).sign_ins == 0
    assert not is_in(bench, claims("1", NOW))


@pytest.mark.parametrize(
    "name", ["ana", "token:cron", "gitops_scheduler", "oidc:", "oidc:a b", "a@b@c", "", "@x.example", "*"]
)
def test_a_name_that_nobody_signs_in_under_is_refused(bench: Workbench, name: str) -> None:
    for verb in (bench.sign_out, bench.let_in):
        with pytest.raises(RefusedEdit, match=r"FLEET-665.*as the audit page shows it"):
            verb(ADMIN, name)


@pytest.mark.parametrize(
    "who",
    [Actor("eve", frozenset(Permission) - {Permission.TOKENS}), Actor("eve", account="acme")],
    ids=["permission", "account"],
)
def test_only_who_may_ends_the_sign_ins_of_others(bench: Workbench, who: Actor) -> None:
    assert is_in(bench, claims("1", NOW))
    for verb in (
        lambda: bench.sign_out(who, "ana@x.example"),
        lambda: bench.let_in(who, "ana@x.example"),
        lambda: bench.people(who),
    ):
        with pytest.raises(RefusedEdit, match="FLEET-600"):
            verb()
    assert is_in(bench, claims("1", NOW))


def test_two_tabs_that_come_at_once_are_one_sign_in(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have asked, and found nothing, before either writes."""
    both = threading.Barrier(2)
    write = Store.write

    def together(store: Store) -> Any:
        both.wait(30)
        return write(store)

    monkeypatch.setattr(Store, "write", together)
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(is_in(bench, claims("1", NOW)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    monkeypatch.undo()
    assert found == [True, True]
    assert happened(bench) == [("signed_in", "ana@x.example", None)]


def test_a_sign_out_between_the_look_and_the_record_counts(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    write, given = Store.write, claims("1", NOW - timedelta(minutes=1))

    def after_the_sign_out(store: Store) -> Any:
        monkeypatch.undo()
        bench.leave(given)
        return write(store)

    monkeypatch.setattr(Store, "write", after_the_sign_out)
    assert not is_in(bench, given)
    assert happened(bench) == [("signed_out", "ana@x.example", "ana@x.example")]


def test_a_store_that_cannot_be_written_lets_people_look(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_store: Store) -> Any:
        raise StoreError("FLEET-304", "The disk is full.", "Make room.")

    monkeypatch.setattr(Store, "write", full)
    assert is_in(bench, claims("1", NOW))
    with pytest.raises(FleetError, match="FLEET-304"):
        bench.leave(claims("1", NOW))


def test_sign_ins_are_kept_as_long_as_a_cookie_can_stand_on_them(bench: Workbench, clock: Clock) -> None:
    bench.settings = replace(bench.settings, keep_days=1, sign_in_hours=720)
    assert is_in(bench, claims("1", NOW))
    bench.sign_out(ADMIN, "eve@x.example", keep_out=True)
    bench.leave(claims("2", NOW, "ben@x.example", "2"))
    clock.now = NOW + timedelta(days=2)
    assert not {"sign_ins", "sign_outs"} & bench.prune(ADMIN).keys()
    assert is_in(bench, claims("1", NOW))
    clock.now = NOW + KEPT + timedelta(minutes=1)
    gone = bench.prune(ADMIN)
    assert (gone["sign_ins"], gone["sign_outs"]) == (1, 2)
    assert {p.name for p in bench.people(ADMIN)} == {"eve@x.example"}


def test_who_has_no_role_is_signed_out_everywhere_too(bench: Workbench, clock: Clock) -> None:
    eve = claims("1", NOW, "eve@evil.example", "9")
    assert bench.enter(eve) is None
    clock.now = NOW + timedelta(seconds=5)
    bench.leave(eve)
    with pytest.raises(AccessDenied, match="FLEET-664"):
        bench.enter(eve)


# Tokens and who made them


def make(bench: Workbench, maker: Actor, name: str, account: str = "*", days: int = 90) -> tuple[Token, str]:
    return bench.create_token(maker, name, account=account, permissions=[Permission.READ, Permission.TOKENS], days=days)


def test_a_token_takes_along_what_was_made_with_it_and_nothing_else(bench: Workbench) -> None:
    first, first_jwt = make(bench, ADMIN, "first")
    second, second_jwt = make(bench, bench.bearer(first_jwt), "second", days=30)
    _, third_jwt = make(bench, bench.bearer(second_jwt), "third", "acme", days=3)
    _, beside_jwt = make(bench, ADMIN, "beside")
    assert (first.made_with, second.made_with) == (None, first.id)
    bench.revoke_token(Actor("ben@x.example"), first.id)
    for gone in (first_jwt, second_jwt, third_jwt):
        with pytest.raises(AccessDenied, match="FLEET-663"):
            bench.bearer(gone)
    assert bench.bearer(beside_jwt).name == "token:beside"
    revoked = [e for e in happened(bench) if e[0] == "token_revoked"]
    assert sorted(reason or "" for _, _, reason in revoked) == ["first", "second", "third"]


def test_a_token_outlives_none_that_it_was_made_with(bench: Workbench) -> None:
    _, jwt = make(bench, ADMIN, "first", days=10)
    with pytest.raises(RefusedEdit, match=r"FLEET-671.*expires with that token at the latest"):
        make(bench, bench.bearer(jwt), "second", days=11)
    make(bench, bench.bearer(jwt), "second", days=9)


def test_tokens_end_by_maker(bench: Workbench) -> None:
    ana, ben = Actor("ana@x.example"), Actor("ben@x.example")
    make(bench, ana, "a")
    make(bench, ana, "b", "acme")
    _, jwt = make(bench, ben, "c")
    assert [t.name for t in bench.revoke_tokens_by(Actor("x", account="acme"), "ana@x.example")] == ["b"]
    assert [t.name for t in bench.revoke_tokens_by(ADMIN, "ana@x.example")] == ["a"]
    assert bench.revoke_tokens_by(ADMIN, "ana@x.example") == []
    assert bench.bearer(jwt).name == "token:c"
    with pytest.raises(RefusedEdit, match="FLEET-600"):
        bench.revoke_tokens_by(Actor("x", frozenset({Permission.READ})), "ben@x.example")


@pytest.mark.parametrize(
    ("account", "name", "refused"),
    [
        ("acme", "ci", True),
        ("acme", "CI", True),
        ("acme", "\uff43\uff49", True),
        ("*", "ci", True),
        ("rival", "ci", False),  # events say the account
        ("acme", "ci2", False),
    ],
)
def test_no_two_people_have_tokens_of_one_name(bench: Workbench, account: str, name: str, refused: bool) -> None:
    make(bench, Actor("ana@x.example"), "ci", "acme")
    make(bench, Actor("ana@x.example"), "ci", "acme")  # one person changes one for another
    eve = Actor("eve@x.example")
    if not refused:
        make(bench, eve, name, account)
        return
    with pytest.raises(RefusedEdit, match=r"FLEET-671.*could not distinguish the two"):
        make(bench, eve, name, account)
    bench.revoke_tokens_by(ADMIN, "ana@x.example")
    make(bench, eve, name, account)


@pytest.mark.parametrize("name", ["c\u200bi", "c\u00adi", "ci\u202e", "c\ni", "token:ci", "ci "])
def test_a_token_has_no_name_that_is_not_seen(bench: Workbench, name: str) -> None:
    with pytest.raises(RefusedEdit, match="FLEET-629"):
        make(bench, ADMIN, name)


def test_person_and_digest_depend_on_nothing_that_streamlit_adds() -> None:
    given = claims("1", NOW)
    bare = {name: value for name, value in given.items() if name != "is_logged_in"}
    assert sign_in_of(given, person_of(given)) == sign_in_of(bare, person_of(bare))
    assert sign_in_of(given, PERSON).id != sign_in_of({**given, "nonce": "2"}, PERSON).id
