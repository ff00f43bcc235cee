"""Sign-in: what the dashboard's OIDC client is told, and where a server may listen."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from engine.errors import RefusedEdit
from engine.settings import Settings
from engine.system.keys import key_of

_CONFIGURE = (
    "set FLEET_OIDC_METADATA_URL, FLEET_OIDC_CLIENT_ID, FLEET_OIDC_CLIENT_SECRET, FLEET_ROLES and FLEET_PUBLIC_URL"
)


def client(settings: Settings) -> dict[str, Any]:
    """What Streamlit's `st.login` goes by; empty where nobody signs in. Effects: a key for its cookies in the home."""
    if not settings.signs_in:
        return {}
    # Streamlit puts the port in; behind a proxy the public address counts.
    public = settings.public_url or "http://localhost:{port}"
    return {
        "auth": {
            "redirect_uri": f"{public}/oauth2callback",
            "cookie_secret": key_of(settings.home, "cookies").hex(),
            "client_id": settings.oidc_client_id,
            "client_secret": settings.oidc_client_secret,
            "server_metadata_url": settings.oidc_metadata_url,
            "client_kwargs": {"scope": settings.oidc_scope},
        }
    }


def hosts(settings: Settings, host: str) -> list[str]:
    """Names under which browsers may reach the dashboard: a page of somebody else's must not drive it."""
    names = ["localhost", "127.0.0.1", "::1"]
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return list(dict.fromkeys([*names, *([public] if public else []), *([host] if not _everywhere(host) else [])]))


def check_binding(settings: Settings, host: str) -> None:
    """Refuse to be reached by others while nobody has to sign in.

    Raises: RefusedEdit FLEET-641 for an address beyond loopback, or a public address, without sign-in.
    """
    if settings.signs_in:
        return
    if not _loopback(host):
        raise RefusedEdit(
            "FLEET-641",
            f"{host[:80] or 'every address'} is not a loopback address, and sign-in is not set up.",
            f"Listen on 127.0.0.1, or set up sign-in: {_CONFIGURE}.",
        )
    public = urlsplit(settings.public_url).hostname or "" if settings.public_url else ""
    if public and not _loopback(public):
        raise RefusedEdit(
            "FLEET-641",
            f"FLEET_PUBLIC_URL is set ({public[:80]}), but sign-in is not set up.",
            f"Unset it, or set up sign-in: {_CONFIGURE}.",
        )


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _everywhere(host: str) -> bool:
    return host in {"", "0.0.0.0", "::"}  # noqa: S104
