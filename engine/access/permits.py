"""Who may do what: each verb declares what it takes, and this declaration is what every surface checks and shows.

    @needs(Permission.WRITE)
    def remove_repository(self, actor: Actor, name: str) -> …

`needs` checks the permission before the verb reads anything. Which account a verb touches is known only once it has read the row,
so the verb checks that itself, on the row that it is about to change; a repository or a run of an account that the actor may not
touch is refused with the words for one that does not exist.

The REST routes and their description, the buttons of the pages, and the help of the command line ask `need_of` for the same
declaration.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from engine.errors import RefusedEdit
from engine.model import Actor, Permission

V = TypeVar("V", bound=Callable[..., Any])
C = TypeVar("C", bound=type)

DECIDING = (Permission.REVIEW, Permission.APPLY)
"""What a change of settings takes, beside its own permission, when ticks decide more by themselves after it."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a verb takes."""

    permission: Permission
    everywhere: bool = False
    """Whether it concerns the whole home, so that only actors of every account may do it."""

    def check(self, actor: Actor) -> None:
        """Raises: RefusedEdit FLEET-600."""
        require(actor, [self.permission])
        if self.everywhere:
            within(actor, "*")


_NEEDS: dict[Callable[..., Any], Need] = {}


def needs(permission: Permission, *, everywhere: bool = False) -> Callable[[V], V]:
    """Declare what a verb takes, and have it checked before the verb begins. The verb's first argument is the actor.

    The verb then raises RefusedEdit FLEET-600, too.
    """
    need = Need(permission, everywhere)

    def declare(verb: V) -> V:
        @wraps(verb)
        def checked(self: Any, actor: Actor, *args: Any, **kwargs: Any) -> Any:
            need.check(actor)
            return verb(self, actor, *args, **kwargs)

        _NEEDS[checked] = need
        return cast("V", checked)

    return declare


def reading(class_: C) -> C:
    """Declare that every public method of a class takes the permission to read. Nothing is checked at the call.

    Such methods take no actor: who asks is checked where they get the reader, in `Workbench.seen_by` and in the API's `Caller.may`.
    """
    for name, method in vars(class_).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            _NEEDS[method] = Need(Permission.READ)
    return class_


def crosses(verb: V) -> V:
    """Declare that a command on this machine may ask a server for a verb: its arguments and its answer cross as JSON.

    A verb without it stays in its process, as what is about the process itself must, or about objects that live in one alone.
    """
    verb.__dict__[_CROSSES] = True
    return verb


def may_cross(verb: Callable[..., Any]) -> bool:
    """Whether a verb may be asked for from another process."""
    return _CROSSES in vars(verb)


_CROSSES = "crosses"


def need_of(verb: Callable[..., Any]) -> Need:
    """What a verb takes, as it was declared. Raises: KeyError for one without a declaration."""
    return _NEEDS[getattr(verb, "__func__", verb)]


def declared(verb: Callable[..., Any]) -> bool:
    """Whether a verb says what it takes."""
    return verb in _NEEDS


def require(actor: Actor, permissions: Iterable[Permission], why: str = "") -> None:
    """Check that an actor has all of these. `why` says, as a sentence without its full stop, what about the wish takes them.

    Raises: RefusedEdit FLEET-600, naming what is missing.
    """
    if missing := [permission for permission in permissions if permission not in actor.permissions]:
        said = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        raise RefusedEdit(
            "FLEET-600",
            f"{actor.name} may not do this: {said}." + (f" {why}." if why else ""),
            f"Ask for a token or role with {'this permission' if len(missing) == 1 else 'these permissions'}.",
        )


def within(actor: Actor, *accounts: str) -> None:
    """Check that an actor may touch these accounts; `*` stands for every one. Raises: RefusedEdit FLEET-600."""
    if actor.account != "*" and any(account != actor.account for account in accounts):
        raise RefusedEdit(
            "FLEET-600",
            f"{actor.name} may use account {actor.account} only.",
            "Use a token for the other account, or for all accounts.",
        )


def lacking(actor: Actor, verbs: Collection[Callable[..., Any]], also: Collection[Permission] = ()) -> list[Permission]:
    """The permissions that an actor lacks for these verbs, each once, for a surface to show before anybody tries."""
    wanted = dict.fromkeys([*(need_of(verb).permission for verb in verbs), *also])
    return [permission for permission in wanted if permission not in actor.permissions]
