"""Roles: what people who sign in may do, from what the identity provider says of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Rule:
    """Whom a role is for: an address, a whole domain (`@example.com`), a group (`group:sre`), or everybody (`*`)."""

    who: str
    roles: frozenset[Role]
    account: str = "*"


def read_rules(text: str) -> tuple[Rule, ...]:
    """Rules as a setting has them: `ana@example.com=admin, group:sre=operator+reviewer, @example.com=viewer:acme`.

    Raises: ValueError, saying which part is wrong.
    """
    rules = []
    for part in text.replace(",", " ").split():
        who, equals, rest = part.rpartition("=")
        names, _, account = rest.partition(":")
        try:
            roles = frozenset(Role(name) for name in names.split("+"))
        except ValueError:
            roles = frozenset()
        if (
            not equals
            or not who
            or not roles
            or who == "group:"
            or ("@" not in who and not who.startswith("group:") and who != EVERYBODY)
        ):
            raise ValueError(
                f"{part[:80]!r} is no rule such as ana@example.com=admin or group:sre=operator+reviewer or @example.com=viewer:acme"
            )
        rules.append(Rule(who if who.startswith("group:") else who.lower(), roles, account or "*"))
    return tuple(rules)


def name_of(claims: Mapping[str, Any]) -> str:
    """Who somebody is: their verified address, else their name or number at the provider."""
    email = claims.get("email")
    if isinstance(email, str) and email and claims.get("email_verified") is not False:
        return email.lower()
    for claim in ("preferred_username", "sub"):
        if isinstance(found := claims.get(claim), str) and found:
            return found
    return "somebody"


def actor_of(claims: Mapping[str, Any], rules: Sequence[Rule]) -> tuple[Actor, frozenset[Role]] | None:
    """Who somebody acts as: by the first rule that fits them. None where none does."""
    name = name_of(claims)
    address = name if name == str(claims.get("email", "")).lower() else ""
    groups = {
        group
        for claim in ("groups", "roles")
        if isinstance(found := claims.get(claim), list | tuple)
        for group in found
        if isinstance(group, str)
    }
    for rule in rules:
        if (
            rule.who == EVERYBODY
            or (address and rule.who == address)
            or (rule.who.startswith("@") and address.endswith(rule.who))
            or (rule.who.startswith("group:") and rule.who.removeprefix("group:") in groups)
        ):
            permissions = frozenset[Permission]().union(*(PERMISSIONS[role] for role in rule.roles))
            return Actor(name[:255], permissions, rule.account), rule.roles
    return None
