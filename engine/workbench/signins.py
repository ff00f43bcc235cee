"""Sign-ins of people: whether one holds, and how all of a person's end at once.

The browser's cookie carries what the identity provider said, and cannot be taken back. So it grants nothing by itself: it names a row of
the store, which is asked at each use. So the end of a sign-in works at once, in every browser and every tab.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.access import names
from engine.access.roles import Person
from engine.errors import AccessDenied, FleetError, RefusedEdit, StoreError
from engine.model import Actor, Event
from engine.store import Store, Transaction, events, sign_ins
from engine.store.sign_ins import Standing

log = logging.getLogger("fleet.access")

SKEW = timedelta(minutes=5)
"""How far the provider's clock may be ahead of ours."""

_OF_STREAMLIT = {"is_logged_in", "provider", "tokens"}
"""What Streamlit adds to the claims."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in of a person, as the claims in their cookie say."""

    id: str
    """Digest of the claims. They hold the nonce of the sign-in, so that no two are alike."""
    person: Person
    issued_at: datetime | None
    """When the provider signed the claims, by its clock; None where they do not say."""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody who is signed in, or kept out."""

    name: str
    sign_ins: int
    """How many of theirs hold: one for each browser, as a rule."""
    since: datetime | None
    """When the newest of them began; for who is kept out, when they were signed out."""
    until: datetime | None
    """When the newest ends by itself."""
    kept_out: bool
    tokens: int = 0
    """Valid tokens of the API that they made."""


@dataclass(frozen=True, slots=True)
class SignedOut:
    """What ended when somebody was signed out."""

    person: str
    sign_ins: int
    tokens: int
    kept_out: bool


def sign_in_of(claims: Mapping[str, Any], person: Person) -> SignIn:
    """The sign-in that claims stand for."""
    kept = {name: value for name, value in claims.items() if name not in _OF_STREAMLIT}
    text = json.dumps(kept, default=repr, sort_keys=True)
    return SignIn(hashlib.sha256(text.encode()).hexdigest(), person, _moment(claims.get("iat")))


def _moment(seconds: object) -> datetime | None:
    """A time of the claims, which are seconds since 1970; None where it is none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def refusal(sign_in: SignIn, known: Standing, now: datetime, hours: int) -> FleetError | None:
    """Why a sign-in does not hold, or None where it does."""
    issued = sign_in.issued_at
    if known.kept_out:
        return AccessDenied(
            "FLEET-664",
            "An administrator has ended your access.",
            "Ask the administrator of this server to allow you to sign in again.",
        )
    if issued is None:
        return _ended()
    if issued > now + SKEW:
        return AccessDenied(
            "FLEET-664",
            "Your sign-in cannot be used: its time is in the future.",
            "Correct the clocks of this server and of the identity provider, then sign in again.",
        )
    if min(issued, known.began_at or issued) + timedelta(hours=hours) <= now:
        return _ended()
    if known.ended_at is not None:
        # What was seen before is compared by our own clock. For the rest there is only the provider's, which counts whole seconds.
        before = known.began_at or issued + timedelta(seconds=1)
        if before <= known.ended_at:
            return _ended()
    return None


def _ended() -> FleetError:
    return AccessDenied("FLEET-664", "Your sign-in has ended.", "Sign in again.")


def check(store: Store, sign_in: SignIn, hours: int) -> Standing:
    """What the store knows of a sign-in that holds. Raises: AccessDenied FLEET-664 where it does not."""
    names_ = sign_in.person.names
    known = store.remembered(("sign-in", sign_in.id, names_), lambda tx: sign_ins.standing(tx, sign_in.id, names_))
    if error := refusal(sign_in, known, store.clock(), hours):
        raise error
    return known


def begin(store: Store, sign_in: SignIn, actor: Actor, roles: Sequence[str], hours: int) -> None:
    """Record a sign-in at its first use. Effects: its row and one event, once for each sign-in.

    A store that cannot be written (a full disk) lets people look: the sign-in then counts from the time in its claims.
    Raises: AccessDenied FLEET-664 where it was ended meanwhile.
    """
    person = sign_in.person
    try:
        with store.write() as tx:
            known = sign_ins.standing(tx, sign_in.id, person.names)
            if error := refusal(sign_in, known, tx.at, hours):
                raise error
            if known.began_at is None and sign_in.issued_at is not None:
                sign_ins.insert(tx, sign_in.id, person.name, person.subject, sign_in.issued_at)
                data = {"roles": list(roles), "subject": person.subject or None}
                account = None if actor.account == "*" else actor.account
                events.record(tx, actor.name, [Event("access.signed_in", account, data=data)])
    except StoreError as error:
        log.warning("a sign-in could not be recorded: %s", error.code)


def leave(tx: Transaction, person: Person) -> None:
    """End every sign-in of somebody who signs out. Effects: one event."""
    known = sign_ins.names_of(tx, person.names)
    sign_ins.end(tx, known, person.name, keep_out=False)
    events.record(tx, person.name, [Event("access.signed_out", reason=person.name)])


def throw_out(tx: Transaction, actor: Actor, name: str, hours: int, *, keep_out: bool) -> tuple[list[str], int]:
    """End every sign-in of somebody, by one of their names as the audit shows it.

    Gives all their names, and how many sign-ins ended; a name that never signed in ends none, and is recorded all the same.
    Raises: RefusedEdit FLEET-665 where it is no name of somebody who signs in.
    """
    known = sign_ins.names_of(tx, [_named(name)])
    ended = [
        person
        for person, subject, *_ in sign_ins.in_force(tx, tx.at - timedelta(hours=hours))
        if {person, subject} & {*known}
    ]
    sign_ins.end(tx, known, actor.name, keep_out=keep_out)
    data = {"sign_ins": len(ended), "kept_out": keep_out}
    events.record(tx, actor.name, [Event("access.signed_out", reason=_named(name), data=data)])
    return known, len(ended)


def let_in(tx: Transaction, actor: Actor, name: str) -> bool:
    """Keep somebody out no longer; gives whether they were. Effects: one event if so. Raises: RefusedEdit FLEET-665."""
    was = sign_ins.let_in(tx, sign_ins.names_of(tx, [_named(name)]))
    if was:
        events.record(tx, actor.name, [Event("access.let_in", reason=_named(name))])
    return was


def people(tx: Transaction, made: Sequence[str], hours: int) -> list[KnownPerson]:
    """Who is signed in or kept out, by name. `made` has the maker of each valid token of the API, once for each token."""
    found: dict[str, KnownPerson] = {}
    for person, _, issued, began in sign_ins.in_force(tx, tx.at - timedelta(hours=hours)):
        newest = found.get(person)
        until = min(issued, began) + timedelta(hours=hours)
        found[person] = (
            KnownPerson(person, 1, began, until, False, made.count(person))
            if newest is None
            else KnownPerson(person, newest.sign_ins + 1, newest.since, newest.until, False, newest.tokens)
        )
    for name, since, _ in sign_ins.kept_out(tx):
        found[name] = KnownPerson(name, 0, since, None, True, made.count(name))
    return [found[name] for name in sorted(found)]


def _named(name: str) -> str:
    """A name as the audit shows that of a person who signs in. Raises: RefusedEdit FLEET-665."""
    of_subject = names.subject_of(name.removeprefix(names.OIDC)) if name.startswith(names.OIDC) else ""
    if not (found := of_subject or names.address_of(name)):
        raise RefusedEdit(
            "FLEET-665",
            f"{name[:80]!r} is not the name of a person who signs in.",
            "Write it as the audit page shows it: ana@example.com, or oidc:42.",
        )
    return found
