"""Roles: what people who sign in may do, from what the identity provider says of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from engine.access import names
from engine.errors import AccessDenied
from engine.model import Actor, Permission


class Role(StrEnum):
    """What somebody is here. Whoever proposes or applies need not be who approves."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    ADMIN = "admin"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.OPERATOR: frozenset(
        {Permission.READ, Permission.WRITE, Permission.SYNC, Permission.APPLY, Permission.FLEET_WRITE}
    ),
    Role.REVIEWER: frozenset({Permission.READ, Permission.SYNC, Permission.REVIEW}),
    Role.ADMIN: frozenset(Permission),
}

EVERYBODY = "*"
GROUP = "group:"


@dataclass(frozen=True, slots=True)
class Rule:
    """Whom a role is for: an address, a whole domain (`@example.com`), `oidc:SUB`, a group (`group:sre`), or everybody (`*`)."""

    who: str
    roles: frozenset[Role]
    account: str = "*"

    def fits(self, person: Person) -> bool:
        """Whether this rule is for a person. Only a verified address counts as one."""
        if self.who == EVERYBODY:
            return True
        if self.who.startswith(GROUP):
            return self.who.removeprefix(GROUP) in person.groups
        if self.who.startswith(names.OIDC):
            return self.who == person.subject
        if self.who.startswith("@"):
            return person.address.partition("@")[2] == self.who.removeprefix("@")
        return self.who == person.address


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the identity provider has signed in."""

    name: str
    """The actor's name in the audit: the verified address, else the subject."""
    subject: str
    """`oidc:SUB`; empty where the provider's `sub` cannot be used."""
    address: str
    """The verified address in lower case; empty where there is none."""
    groups: frozenset[str] = frozenset()
    display: str = ""
    """What the provider calls them. Anybody may choose it: it is shown beside the name, and never takes its place."""
    unverified: bool = False
    """Whether the provider gives an address that does not count."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name by which the store may know them."""
        return tuple(dict.fromkeys(name for name in (self.name, self.subject) if name))


@lru_cache(maxsize=8)
def read_rules(text: str) -> tuple[Rule, ...]:
    """Rules as a setting has them: `ana@example.com=admin, group:sre=operator+reviewer, @example.com=viewer:acme`.

    Raises: ValueError, saying which part is wrong.
    """
    rules = []
    for part in text.replace(",", " ").split():
        who, equals, rest = part.rpartition("=")
        of_role, colon, account = rest.partition(":")
        try:
            roles = frozenset(Role(name) for name in of_role.split("+"))
        except ValueError:
            roles = frozenset()
        chosen = _who(who)
        if not equals or not roles or not chosen or (colon and not account):
            raise ValueError(
                f"{part[:80]!r} is not a rule such as ana@example.com=admin or group:sre=operator+reviewer or "
                "@example.com=viewer:acme or oidc:42=viewer"
            )
        rules.append(Rule(chosen, roles, account or "*"))
    return tuple(rules)


def _who(text: str) -> str:
    """Whom a rule names, in the form that people are compared with; nothing where it names nobody."""
    if text == EVERYBODY or (text.startswith(GROUP) and text != GROUP):
        return text
    if text.startswith(names.OIDC):
        return names.subject_of(text.removeprefix(names.OIDC))
    if text.startswith("@"):
        return text.lower() if names.is_domain(text[1:]) else ""
    return names.address_of(text)


def person_of(claims: Mapping[str, Any], *, trust_email: bool = False) -> Person:
    """Who somebody is, from the claims of their sign-in.

    An address counts only where `email_verified` is true, or where it is not sent at all and `trust_email` is set. Everybody else is
    `oidc:SUB`. No other claim names anybody. Raises: AccessDenied FLEET-665 where neither can be used as a name.
    """
    verified = claims.get("email_verified") is True or (trust_email and "email_verified" not in claims)
    address = names.address_of(claims.get("email")) if verified else ""
    subject = names.subject_of(claims.get("sub"))
    if not address and not subject:
        raise AccessDenied(
            "FLEET-665",
            "Your sign-in has no usable name: it has neither a verified address nor a valid subject.",
            "Ask the administrator of the identity provider to send email_verified, or a sub of 1 to 255 ASCII characters that is "
            "not reserved by this system.",
        )
    groups = {
        group
        for claim in ("groups", "roles")
        if isinstance(found := claims.get(claim), list | tuple)
        for group in found
        if isinstance(group, str)
    }
    shown = (claims.get(claim) for claim in ("name", "preferred_username", "email"))
    display = next((text[:80] for text in shown if isinstance(text, str) and text), "")
    return Person(
        address or subject, subject, address, frozenset(groups), display, bool(claims.get("email")) and not address
    )


def role_of(person: Person, rules: Sequence[Rule]) -> tuple[Actor, frozenset[Role]] | None:
    """Who a person acts as: by the first rule that fits them. None where none does."""
    rule = next((rule for rule in rules if rule.fits(person)), None)
    if rule is None:
        return None
    permissions = frozenset[Permission]().union(*(PERMISSIONS[role] for role in rule.roles))
    return Actor(person.name, permissions, rule.account), rule.roles


def actor_of(
    claims: Mapping[str, Any], rules: Sequence[Rule], *, trust_email: bool = False
) -> tuple[Actor, frozenset[Role]] | None:
    """Who the claims of a sign-in act as; None where no rule fits, or where they carry no name that is allowed."""
    try:
        return role_of(person_of(claims, trust_email=trust_email), rules)
    except AccessDenied:
        return None
