"""A flood of the same trouble writes one line a minute."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable

EVERY_S = 60.0
_MOST_KINDS = 1_000

LOGGERS = ("asyncio", "uvicorn.error", "streamlit.web.server.starlette.starlette_websocket", "fleet.limits")
"""Loggers that anybody who reaches the port can make write."""

_SHORT_OF = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class OneAMinute(logging.Filter):
    """Lets a line of each kind through once a minute, and says how many were left out since the last one.

    A kind is logger, level, first line of the message before its arguments are put in, and where an exception came from.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._guard = threading.Lock()
        self._seen: dict[tuple[object, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        kind = (record.name, record.levelno, str(record.msg).partition("\n")[0], type(error), _place(error))
        with self._guard:
            now = self._clock()
            since, left_out = self._seen.get(kind, (now - EVERY_S, 0))
            if now - since < EVERY_S:
                self._seen[kind] = (since, left_out + 1)
                return False
            if len(self._seen) >= _MOST_KINDS:
                self._seen.clear()
            self._seen[kind] = (now, 0)
        if (
            isinstance(error, OSError) and error.errno in _SHORT_OF
        ):  # where it happened says nothing: anything may be hit
            words = f"{record.getMessage().partition(chr(10))[0]}: {error.strerror}"
            record.msg, record.args, record.exc_info = words.replace("%", "%%"), None, None
        if left_out:
            record.msg = f"{record.msg} (similar lines not written: {left_out})"
        return True


def _place(error: BaseException | None) -> tuple[str, int] | None:
    """File and line in which an exception was raised."""
    trace = error.__traceback__ if error else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace is not None else None


_filter = OneAMinute()


def quiet() -> None:
    """Keep the loggers that a flood reaches to one line a minute for each kind of trouble. Effects: a filter on each of them."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_filter)  # a second time it does nothing
