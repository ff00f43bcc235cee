"""Limits, each alone: whose connection it is, whose turn it is, what descriptors leave room for, what a flood writes."""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RefusedEdit
from engine.settings import Settings
from engine.web.connections import PEER, Book, Guard
from engine.web.descriptors import room
from engine.web.limits import Limits, address_of
from engine.web.quiet import EVERY_S, OneAMinute
from engine.web.turns import Turns
from tests.conftest import in_a_loop

DEFAULTS = Settings(home=Path())


@pytest.mark.parametrize(
    ("peer", "said", "public", "address"),
    [
        ("127.0.0.1", "203.0.113.9", "https://fleet.example.com", "203.0.113.9"),
        ("::1", "203.0.113.9", "https://fleet.example.com", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9", "", "127.0.0.1"),
        ("198.51.100.7", "203.0.113.9", "https://fleet.example.com", "198.51.100.7"),
        ("198.51.100.7", "127.0.0.1", "", "198.51.100.7"),
        ("unix:", "203.0.113.9", "https://fleet.example.com", "unix:"),
    ],
)
def test_what_a_proxy_says_counts_from_this_machine_and_with_a_public_address(
    peer: str, said: str, public: str, address: str
) -> None:
    assert address_of({"client": (said, 0), "state": {PEER: peer}}, public) == address


def test_descriptors_decide_where_they_are_few() -> None:
    plenty = room(DEFAULTS, 20_000)
    assert (plenty.sockets, plenty.sockets_per_address) == (DEFAULTS.max_sockets, DEFAULTS.max_sockets_per_address)
    for had in (256, 1_024, 4_096):
        few = room(DEFAULTS, had)
        assert few.sockets >= few.sockets_per_address * 2 or few.sockets_per_address == DEFAULTS.max_sockets_per_address
        assert min(few) > 0
        assert had <= 1_024 or few.sockets * 4 + few.connections < had


def test_windows_that_close_make_room() -> None:
    async def go() -> list[int]:
        open_, ending = asyncio.Event(), asyncio.Event()
        count = 0

        async def app(_scope: Any, _receive: Any, _send: Any) -> None:
            nonlocal count
            count += 1
            open_.set()
            await ending.wait()

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        said: list[Any] = []

        async def send(message: Any) -> None:
            said.append(message)

        limits = Limits(app)

        def window(peer: str) -> asyncio.Task[None]:
            scope = {"type": "websocket", "client": (peer, 1), "state": {PEER: peer}, "path": "/", "extensions": {}}
            return asyncio.create_task(limits(scope, receive, send))

        most = room(DEFAULTS, 10**6).sockets_per_address
        first = [window("10.0.0.1") for _ in range(most + 5)]
        other = window("10.0.0.2")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        counts = [count, len([each for each in said if each["code"] == 1013])]
        ending.set()
        await asyncio.gather(*first, other)
        again = window("10.0.0.1")
        await again
        return [*counts, count]

    most = room(DEFAULTS, 10**6).sockets_per_address
    assert in_a_loop(go()) == [most + 1, 5, most + 2]


def test_the_address_with_most_connections_makes_room_first() -> None:
    class Cycle:
        response_complete, more_body = False, False

    class Inner:
        cycle: Any = None

    ended: list[Guard] = []

    class Noted(Guard):
        def end(self) -> None:
            ended.append(self)
            super().end()

    book = Book(lambda: 4, lambda: 1)

    def connection(address: str) -> Noted:
        made = Noted(Inner(), book)
        made.address = address
        return made

    one, busy, three, other = connection("a"), connection("a"), connection("a"), connection("b")
    busy._inner.cycle = one._inner.cycle = Cycle()  # whole requests in hand
    assert all(book.enter(each) for each in (one, busy, three, other))
    assert book.enter(connection("c"))
    assert ended == [three], "neither what is being answered, nor who has only one"
    three._inner.cycle = other._inner.cycle = Cycle()
    assert book.enter(connection("d"))


def test_turns_go_to_whose_address_has_fewest() -> None:
    turns, order, guard = Turns(2), [], threading.Lock()
    inside, ending = threading.Semaphore(0), threading.Semaphore(0)

    def page(address: str) -> None:
        with turns.one(address), turns.one(address):  # within a turn it is the same one
            with guard:
                order.append(address)
            inside.release()
            ending.acquire()

    threads = []

    def begin(address: str) -> None:
        threads.append(threading.Thread(target=page, args=(address,)))
        waiting = len(turns._waiting) + turns._going.total()
        threads[-1].start()
        while len(turns._waiting) + turns._going.total() == waiting:
            threading.Event().wait(0.001)

    for address in ("flood", "flood", "flood", "flood", "ben"):
        begin(address)
    inside.acquire()
    inside.acquire()
    assert order == ["flood", "flood"]
    ending.release()
    inside.acquire()
    assert order == ["flood", "flood", "ben"], "who came last, from an address that has none going"
    for _ in range(4):
        ending.release()
    for thread in threads:
        thread.join(10)
    assert order == ["flood", "flood", "ben", "flood", "flood"]
    assert (turns._waiting, turns._going.total()) == ([], 0)


def test_a_turn_that_does_not_come_up_is_a_coded_error() -> None:
    turns = Turns(1)
    held, ending = threading.Event(), threading.Event()

    def page() -> None:
        with turns.one("a"):
            held.set()
            ending.wait(10)

    thread = threading.Thread(target=page)
    thread.start()
    held.wait(10)
    with pytest.raises(RefusedEdit, match="FLEET-647"), turns.one("b", wait_s=0.01):
        pass
    ending.set()
    thread.join(10)
    with turns.one("b", wait_s=10):
        pass


def test_a_flood_writes_one_line_a_minute_and_says_how_many_more() -> None:
    now = [0.0]
    found = OneAMinute(lambda: now[0])

    def line(message: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
        raised = (type(error), error, None) if error else None
        return logging.LogRecord("asyncio", logging.ERROR, "x.py", 1, message, arguments, raised)  # type: ignore[arg-type]

    full = OSError(errno.EMFILE, "Too many open files")
    lines = [line(f"socket.accept() out of system resource\nsocket: {n}", error=full) for n in range(1_000)]
    kept = [each for each in lines if found.filter(each)]
    assert len(kept) == 1
    assert kept[0].getMessage() == "socket.accept() out of system resource: Too many open files"
    assert kept[0].exc_info is None
    assert found.filter(line("of another kind: %s", "x"))
    assert not found.filter(line("of another kind: %s", "y"))
    now[0] += EVERY_S
    again = line("socket.accept() out of system resource\nsocket: x", error=full)
    assert found.filter(again)
    assert again.getMessage().endswith("(similar lines not written: 999)")
    last = line("of another kind: %s", "100%")
    assert found.filter(last)
    assert last.getMessage() == "of another kind: 100% (similar lines not written: 1)"
