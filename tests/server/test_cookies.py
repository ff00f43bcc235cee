"""What the server says of cookies: over TLS alone where people reach it so, and no longer than a sign-in holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import Message

from engine.settings import Settings
from engine.web.cookies import Cookies, cookie
from tests.conftest import in_a_loop

SIGN_IN = "_streamlit_user=abc; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax"


@pytest.mark.parametrize(
    ("before", "secure", "after"),
    [
        (SIGN_IN, False, "_streamlit_user=abc; HttpOnly; Max-Age=43200; Path=/; SameSite=lax"),
        (SIGN_IN, True, "_streamlit_user=abc; HttpOnly; Max-Age=43200; Path=/; SameSite=lax; Secure"),
        ("_streamlit_user_1=x; Max-Age=2592000", True, "_streamlit_user_1=x; Max-Age=43200; Secure"),
        ("_streamlit_user_tokens=x; max-age=2592000", False, "_streamlit_user_tokens=x; max-age=43200"),
        ("_streamlit_user=; Max-Age=0; Path=/", True, "_streamlit_user=; Max-Age=0; Path=/; Secure"),
        ("_streamlit_user=x; Max-Age=60", False, "_streamlit_user=x; Max-Age=60"),
        ("_streamlit_user=x; Max-Age=-1", False, "_streamlit_user=x; Max-Age=-1"),
        ("_streamlit_xsrf=x; Path=/; SameSite=Lax", True, "_streamlit_xsrf=x; Path=/; SameSite=Lax; Secure"),
        ("session=x; max-age=1209600; secure", True, "session=x; max-age=1209600; Secure"),
        ("session=x; max-age=1209600; secure", False, "session=x; max-age=1209600; secure"),
        ("a=Max-Age=9999999", True, "a=Max-Age=9999999; Secure"),
    ],
)
def test_a_cookie_is_completed_and_what_it_said_stays(before: str, secure: bool, after: str) -> None:
    assert cookie(before, secure, 12 * 3600) == after


def headers_of(answer: Response, settings: Settings | None) -> list[tuple[str, str]]:
    """What a browser gets of an answer that has gone through the middleware."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    in_a_loop(Cookies(answer, lambda: settings)({"type": "http", "method": "GET"}, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[1]["body"] == b"ok"
    return [(name.decode(), value.decode()) for name, value in sent[0]["headers"] if not name.startswith(b"content")]


@pytest.mark.parametrize(
    ("public", "expected"),
    [
        ("https://fleet.example.com", ["a=1; Path=/; Secure", "_streamlit_user=2; Max-Age=7200; Secure"]),
        ("http://localhost:8080", ["a=1; Path=/", "_streamlit_user=2; Max-Age=7200"]),
        ("", ["a=1; Path=/", "_streamlit_user=2; Max-Age=7200"]),
        (None, ["a=1; Path=/", "_streamlit_user=2; Max-Age=2592000"]),  # no service yet, so no settings
    ],
)
def test_each_cookie_of_an_answer_is_completed(tmp_path: Path, public: str | None, expected: list[str]) -> None:
    given = {"FLEET_SIGN_IN_HOURS": "2", **({"FLEET_PUBLIC_URL": public} if public else {})}
    answer = Response("ok", headers={"X-Other": "Max-Age=9"})
    answer.headers.append("set-cookie", "a=1; Path=/")
    answer.headers.append("set-cookie", "_streamlit_user=2; Max-Age=2592000")
    got = headers_of(answer, None if public is None else Settings.from_environment(tmp_path, given))
    assert got == [("x-other", "Max-Age=9"), *(("set-cookie", each) for each in expected)]
