"""How the sign-in library reaches the identity provider: through the server's one client.

Streamlit signs people in with Authlib, which asks the provider for its description, its keys and a token over httpx, by itself and
without a limit of time or size. Authlib lets an application say what makes its requests; ours hands them to `outbound`.
"""

from __future__ import annotations

import warnings
from typing import Any

import httpx

from engine import context
from engine.system import outbound
from engine.system.outbound import Call, CallFailed

TIMEOUT_S = 10
"""Most seconds that one request to the provider may take; signing in makes at most three."""


def bound(halted: context.Halted) -> None:
    """Have every request of Authlib's in this process made by our client. `halted` says why requests have to end now, or None.

    Effects: the class attribute `client_cls` of Authlib's Starlette app.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Authlib announces a successor of httpx at its import
        from authlib.integrations.httpx_client import AsyncOAuth2Client
        from authlib.integrations.httpx_client.utils import HTTPX_CLIENT_KWARGS
        from authlib.integrations.starlette_client import StarletteOAuth2App

    transport = _Transport(halted)

    def client(*args: Any, **given: Any) -> Any:
        # Authlib hands over every field of the provider's description, and takes some of them for options of the connection.
        ours = {name: value for name, value in given.items() if name not in HTTPX_CLIENT_KWARGS}
        return AsyncOAuth2Client(*args, **ours, transport=transport)

    StarletteOAuth2App.client_cls = staticmethod(client)


class _Transport(httpx.AsyncBaseTransport):
    """Makes requests of httpx by our client."""

    def __init__(self, halted: context.Halted) -> None:
        self._halted = halted

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises: httpx.TransportError, in words of ours."""
        body = await request.aread()
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        call = Call("the sign-in provider", request.method, str(request.url), TIMEOUT_S, headers, body or None)
        try:
            answer = await outbound.asked(call, self._halted)
        except CallFailed as failed:
            raise httpx.TransportError(f"The sign-in provider did not answer: {failed.why}.") from None
        kept = [pair for pair in answer.headers if pair[0].lower() not in {"transfer-encoding", "content-encoding"}]
        return httpx.Response(answer.status, headers=kept, content=answer.body, request=request)
