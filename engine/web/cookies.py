"""Cookies of the dashboard: secure if the dashboard uses TLS, and not valid longer than a sign-in.

Streamlit sets its cookies without `Secure` and, those of a sign-in, for 30 days. Their other attributes (HttpOnly, SameSite=Lax) stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.settings import Settings

_SIGN_IN = "_streamlit_user"
"""How the names of the cookies begin that hold a sign-in."""

Headers = Iterable[tuple[bytes, bytes]]


class Cookies:
    """Middleware that completes what each answer says of cookies. `settings` gives those in force, or None before there are any."""

    def __init__(self, app: ASGIApp, settings: Callable[[], Settings | None]) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings = self._settings() if scope["type"] == "http" else None
        if settings is None:
            await self._app(scope, receive, send)
            return
        secure = settings.public_url.startswith("https://")
        longest = settings.sign_in_hours * 3600

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _completed(message.get("headers", ()), secure, longest)}
            await send(message)

        await self._app(scope, receive, completed)


def _completed(headers: Headers, secure: bool, longest: int) -> list[tuple[bytes, bytes]]:
    return [
        (name, cookie(value.decode("latin-1"), secure, longest).encode("latin-1"))
        if name.lower() == b"set-cookie"
        else (name, value)
        for name, value in headers
    ]


def cookie(text: str, secure: bool, longest: int) -> str:
    """The value of one `Set-Cookie` header with `Secure` where it belongs, and with no longer age than `longest` seconds for a sign-in."""
    first, *attributes = [part.strip() for part in text.split(";")]
    kept = [each for each in attributes if each.lower() != "secure"] if secure else attributes
    if first.startswith(_SIGN_IN):
        kept = [_shortened(each, longest) for each in kept]
    return "; ".join([first, *kept, *(["Secure"] if secure else [])])


def _shortened(attribute: str, longest: int) -> str:
    name, _, age = attribute.partition("=")
    if name.strip().lower() != "max-age" or not age.strip().isdecimal():
        return attribute
    return f"{name}={min(int(age), longest)}"
