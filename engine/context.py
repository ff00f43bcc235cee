"""The current request, and the reason to stop it early.

Surfaces set the request; the store adds it to events and runs, the log to its lines. A server that shuts down, or a caller
who goes away, ends what is done for them: whatever waits for another machine asks `halted` again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import ParamSpec, TypeVar

Halted = Callable[[], str | None]
"""Returns why work has to end now; None while it may go on. It is asked often, and from other threads."""

_request: ContextVar[str | None] = ContextVar("request", default=None)
_enders: ContextVar[tuple[Halted, ...]] = ContextVar("enders", default=())

P = ParamSpec("P")
T = TypeVar("T")


def current_request() -> str | None:
    """Id of the request in hand; None outside of any."""
    return _request.get()


@contextmanager
def in_request(id_: str | None) -> Iterator[None]:
    """Attribute everything in the block to one request."""
    token = _request.set(id_)
    try:
        yield
    finally:
        _request.reset(token)


@contextmanager
def ended_by(halted: Halted) -> Iterator[None]:
    """Have waiting for other machines end as soon as `halted` gives a reason, within the block and what the block starts.

    Blocks may be nested: each reason counts.
    """
    token = _enders.set((*_enders.get(), halted))
    try:
        yield
    finally:
        _enders.reset(token)


@contextmanager
def unending() -> Iterator[None]:
    """Have the block go on whatever `halted` said before: for a short last word to another machine."""
    token = _enders.set(())
    try:
        yield
    finally:
        _enders.reset(token)


def halted() -> str | None:
    """Why the work in hand has to end now; None while it may go on."""
    return _reason(_enders.get())


def enders() -> Halted:
    """`halted` of the work in hand, for a thread that does not share its context."""
    found = _enders.get()
    return lambda: _reason(found)


def _reason(found: tuple[Halted, ...]) -> str | None:
    return next((reason for ends in found if (reason := ends()) is not None), None)


def carried(work: Callable[P, T]) -> Callable[P, T]:
    """The same work, to be done by another thread as part of the request in hand."""
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.run(work, *args, **kwargs)

    return run
