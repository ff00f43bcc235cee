"""How a call of the workbench crosses to another process and back: arguments and answers as JSON, by the type hints of its verbs."""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from engine import errors
from engine.access.permits import may_cross
from engine.errors import FleetError, FleetFileInvalid, Problem
from engine.flow.parse import FleetFile
from engine.model import Actor
from engine.workbench import Workbench


@cache
def verbs() -> Mapping[str, Callable[..., Any]]:
    """Everything that may be asked of a workbench in another process, by name: the methods that say `@crosses`."""
    return {name: verb for name, verb in inspect.getmembers(Workbench, inspect.isfunction) if may_cross(verb)}


@cache
def hints(verb: str) -> dict[str, Any]:
    """Types of a verb's parameters, and of what it gives under `return`."""
    return typing.get_type_hints(verbs()[verb], localns={"FleetFile": FleetFile})


def callbacks(verb: str) -> list[str]:
    """Parameters through which a verb tells how far it is."""
    return [name for name, hint in hints(verb).items() if typing.get_origin(hint) is collections.abc.Callable]


def packed(value: Any) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value, enc_hook=_out)


def unpacked(value: Any, hint: Any) -> Any:
    """A value from what JSON made of it. Raises: msgspec.ValidationError where it is none of that type."""
    return msgspec.convert(value, hint, dec_hook=_in)


def arguments(verb: str, given: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """Arguments of a call by name, as the verb takes them. Raises: msgspec.ValidationError."""
    types = dict(hints(verb))
    for parameter in inspect.signature(verbs()[verb]).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            rest = types.pop(parameter.name)
            types = dict.fromkeys(given, rest) | types
    if unknown := given.keys() - types.keys():
        raise msgspec.ValidationError(f"{verb} has no parameter {min(unknown)}")
    made = {name: unpacked(value, types[name]) for name, value in given.items()}
    return {**made, "actor": actor} if "actor" in types else made


def error_of(body: Mapping[str, Any]) -> FleetError:
    """An error from its body."""
    made = getattr(errors, str(body.get("class")), FleetError)
    facts = dict(body.get("facts") or {})
    if made is FleetFileInvalid:
        return FleetFileInvalid([Problem(**problem) for problem in body["problems"]])
    if not (isinstance(made, type) and issubclass(made, FleetError)):
        made = FleetError
    return made(str(body["code"]), str(body["message"]), str(body.get("hint", "")), **facts)


def _out(value: Any) -> Any:
    if isinstance(value, FleetError):
        body: dict[str, Any] = {
            "class": type(value).__name__, "code": value.code, "message": value.message, "hint": value.hint, "facts": value.facts,
        }  # fmt: skip
        if isinstance(value, FleetFileInvalid):
            body |= {"facts": {}, "problems": [problem.body() for problem in value.problems]}
        return body
    if isinstance(value, collections.abc.Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} crosses to no other process")


def _in(hint: type, value: Any) -> Any:
    if isinstance(hint, type) and issubclass(hint, FleetError):
        return error_of(value)
    if hint is Path:
        return Path(value)
    raise NotImplementedError(f"{hint} crosses to no other process")
