"""Turns in making pages: a few at once, so that the server answers others beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from engine.errors import RefusedEdit
from engine.web.limits import settings
from engine.web.turns import Turns
from pages.components.session import refused

P = ParamSpec("P")
T = TypeVar("T")


@cache
def _turns(most: int) -> Turns:
    return Turns(most)


@contextmanager
def turn() -> Iterator[None]:
    """Hold a turn while the block runs. The page ends with a callout where none came up in time."""
    with ExitStack() as held:
        try:
            held.enter_context(_turns(settings().max_page_runs).one(st.context.ip_address or ""))
        except RefusedEdit as error:
            refused(error)
            st.stop()
        yield


def in_turn(work: Callable[P, T]) -> Callable[P, T]:
    """The same work, within a turn: for what runs again by itself, without its page."""

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with turn():
            return work(*args, **kwargs)

    return run
