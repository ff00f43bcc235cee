"""The request in whose course something happens. Surfaces set it; the store writes it beside events and runs, the log beside its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import ParamSpec, TypeVar

_request: ContextVar[str | None] = ContextVar("request", default=None)

P = ParamSpec("P")
T = TypeVar("T")


def current_request() -> str | None:
    """Id of the request in hand; None outside of any."""
    return _request.get()


@contextmanager
def in_request(id_: str | None) -> Iterator[None]:
    """Have all that the block does stand under one request."""
    token = _request.set(id_)
    try:
        yield
    finally:
        _request.reset(token)


def carried(work: Callable[P, T]) -> Callable[P, T]:
    """The same work, to be done by another thread as part of the request in hand."""
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.run(work, *args, **kwargs)

    return run
