"""Reading a credential from Vault's KV version 2, anew at each sync; nothing of it is kept.

Source of the requests and answers: https://developer.hashicorp.com/vault/api-docs (secret/kv/kv-v2, auth/approle, auth/kubernetes).
No message of Vault or of a library is handed on: each failure has its own code, and words of ours.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hvac
import requests
from hvac import exceptions as refusals
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from engine import context
from engine.access.credentials import split_path
from engine.errors import SyncError
from engine.phrases import argument
from engine.settings import Settings
from engine.system import outbound
from engine.system.outbound import Call, CallFailed, Why

_KUBERNETES_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105  a path, not a secret
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
TRIES = 3
"""How often a request is made before Vault counts as away."""

_AGAIN = {412, 429, 500, 502, 504}
"""Statuses that pass by themselves: a node behind the leader, a rate limit, a proxy whose Vault restarts. Sealed (503) does not."""

_PAUSE_S = 0.2
_FAREWELL_S = 2.0
"""Most seconds that giving a token back may take, also where the time of the call is over or the server ends."""


def read_secret(path: str, settings: Settings) -> Mapping[str, Any]:
    """The newest version of the secret at a path, as Vault keeps it.

    One request takes at most `vault_timeout_s`, the whole call three times that, and two seconds for giving a token back. It ends at
    once when `context.halted` gives a reason.
    Raises: SyncError FLEET-220 not set up, 221 away, 222 sealed, 223 denied, 224 nothing there, 225 deleted, 226 login refused,
    502 halted, 648 too many calls to Vault.
    """
    mount, name = split_path(path)
    with _reaching(settings) as client, _explained(path, "FLEET-223", "denied access to it"):
        answer = client.secrets.kv.v2.read_secret_version(path=name, mount_point=mount, raise_on_deleted_version=False)
    if not isinstance(answer, dict):
        raise _no_vault()
    body = answer.get("data")
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(metadata, dict):
        raise SyncError(
            "FLEET-224",
            f"The value in Vault at {path} is not a secret of a KV version 2 engine.",
            "Keep it in a KV version 2 engine, and write its path as secret/data/team/name.",
            vault_path=path,
        )
    if body.get("data") is None:
        gone = "destroyed" if metadata.get("destroyed") else "deleted"
        raise SyncError(
            "FLEET-225",
            f"The newest version of {path} in Vault was {gone}.",
            f"Restore it with vault kv undelete, or write it again: vault kv put {argument(mount + '/' + name)} …",
            vault_path=path,
        )
    secret = body["data"]
    return secret if isinstance(secret, dict) else {}


@contextmanager
def _reaching(settings: Settings) -> Iterator[hvac.Client]:
    """A client that has come in. A token that was got by a login is given back at the end."""
    address = settings.vault_address
    if not address:
        raise SyncError(
            "FLEET-220",
            "The repository's credential is in Vault, but VAULT_ADDR is not set.",
            "Set VAULT_ADDR and a login method (VAULT_TOKEN, VAULT_ROLE_ID or VAULT_KUBERNETES_ROLE), then restart.",
        )
    if not _is_safe(address):
        raise SyncError(
            "FLEET-220",
            "VAULT_ADDR is not https://host:port (http is allowed for this machine only).",
            "Correct it, then restart.",
        )
    transport = _Transport(settings)
    session = requests.Session()
    session.trust_env = False  # no password out of a ~/.netrc; proxies are the client's business
    session.mount(address, transport)
    try:
        client = hvac.Client(
            url=address,
            token="",
            namespace=settings.vault_namespace or None,
            allow_redirects=False,  # the token would go along
            session=session,
        )
        given_back = _come_in(client, settings)
        try:
            yield client
        finally:
            if given_back:
                with suppress(refusals.VaultError, requests.RequestException), transport.farewell():
                    client.auth.token.revoke_self()
    finally:
        session.close()


class _Transport(BaseAdapter):
    """Carries hvac's requests through the server's one client: at most three tries of each, and one deadline over all of them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._limit_s = float(settings.vault_timeout_s)
        self._ca_file = settings.vault_ca_file
        self._deadline = time.monotonic() + TRIES * self._limit_s
        self._tries = TRIES

    @contextmanager
    def farewell(self) -> Iterator[None]:
        """Have the block's requests tried once, for a moment, whatever ends the rest."""
        self._tries, self._limit_s = 1, min(self._limit_s, _FAREWELL_S)
        self._deadline = time.monotonic() + self._limit_s
        with context.unending():
            yield

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        """Raises: _NoAnswer."""
        for left in reversed(range(self._tries)):
            try:
                answer = self._once(request)
            except CallFailed as failed:
                if failed.why not in {Why.AWAY, Why.LATE} or not left or not self._waited():
                    raise _NoAnswer(failed.why) from None
            else:
                if answer.status not in _AGAIN or not left or not self._waited():
                    return _response(request, answer)
        raise _NoAnswer(Why.LATE)  # for mypy: the last try has returned or raised

    def close(self) -> None:
        """Nothing is kept between requests."""

    def _once(self, request: requests.PreparedRequest) -> outbound.Answer:
        limit_s = min(self._limit_s, self._deadline - time.monotonic())
        if limit_s <= 0:
            raise CallFailed(Why.LATE)
        headers = {name: _text(value) for name, value in request.headers.items()}
        body = _text(request.body).encode() if isinstance(request.body, str | bytes) else None
        return outbound.ask(
            Call("Vault", _text(request.method), _text(request.url), limit_s, headers, body, self._ca_file)
        )

    def _waited(self) -> bool:
        """Pause before the next try; gives whether there is time for one."""
        threading.Event().wait(_PAUSE_S)
        return time.monotonic() < self._deadline and context.halted() is None


class _NoAnswer(requests.RequestException):
    """Vault gave no answer."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


def _text(value: str | bytes | None) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""


def _response(request: requests.PreparedRequest, answer: outbound.Answer) -> requests.Response:
    """An answer as hvac reads it."""
    made = requests.Response()
    made.status_code, made.request, made.url = answer.status, request, _text(request.url)
    # Where an answer leads is of no interest: it is not followed.
    made.headers = CaseInsensitiveDict(pair for pair in answer.headers if pair[0].lower() != "location")
    made.raw = BytesIO(answer.body)
    return made


def _is_safe(address: str) -> bool:
    """Whether a token may be sent there: by TLS, or without leaving this machine."""
    try:
        parts = urlsplit(address)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        return bool(parts.hostname) and parts.username is None and (local or parts.scheme == "https")
    except ValueError:
        return False


def _come_in(client: hvac.Client, settings: Settings) -> bool:
    """Get a token by the one way that the settings name; gives whether it was made for this call alone."""
    mount = settings.vault_auth_mount
    if settings.vault_token:
        client.token = settings.vault_token
        return False
    if settings.vault_token_file:
        client.token = _text_of("VAULT_TOKEN_FILE", settings.vault_token_file)
        return False
    if settings.vault_role_id:
        _log_in(
            "AppRole",
            lambda: client.auth.approle.login(
                settings.vault_role_id, settings.vault_secret_id or None, mount_point=mount or "approle"
            ),
        )
        return True
    if settings.vault_kubernetes_role:
        token = _text_of("VAULT_KUBERNETES_TOKEN_FILE", settings.vault_kubernetes_token_file or _KUBERNETES_TOKEN)
        _log_in(
            "Kubernetes",
            lambda: client.auth.kubernetes.login(
                settings.vault_kubernetes_role, token, mount_point=mount or "kubernetes"
            ),
        )
        return True
    raise SyncError(
        "FLEET-220",
        "No login method for Vault is set.",
        "Set VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_ROLE_ID with VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE, then restart.",
    )


def _log_in(way: str, login: Callable[[], object]) -> None:
    with _explained(f"the login by {way}", "FLEET-226", "rejected it"):
        try:
            login()
        except (KeyError, TypeError, refusals.InvalidRequest, refusals.InvalidPath, refusals.Unauthorized):
            raise refusals.Forbidden from None


def _text_of(variable: str, path: str) -> str:
    try:
        text = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text or not text.isprintable():
        raise SyncError(
            "FLEET-220", f"The file in {variable} contains no token.", "Check the process that writes it.", file=path
        )
    return text


@contextmanager
def _explained(what: str, denied: str, denial: str) -> Iterator[None]:
    """Turn what hvac and requests raise into a code and words of ours; theirs could carry what was sent."""
    error: SyncError
    try:
        yield
        return
    except refusals.Forbidden:
        hint = (
            "Check the role and its secret, and the mount of the login method (VAULT_AUTH_MOUNT)."
            if denied == "FLEET-226"
            else f"Give the token the capability read on {'/data/'.join(split_path(what))}; Vault also denies an expired token."
        )
        error = SyncError(denied, f"Vault was asked for {what} and {denial}.", hint)
    except refusals.VaultDown:
        error = SyncError("FLEET-222", "Vault is sealed, or in maintenance.", "Unseal it: vault operator unseal")
    except refusals.VaultNotInitialized:
        error = SyncError("FLEET-222", "Vault is not initialized.", "Initialize it: vault operator init")
    except refusals.InvalidPath:
        mount, name = split_path(what)
        error = SyncError(
            "FLEET-224",
            f"Vault has nothing at {what}.",
            f"Check with vault kv get {argument(mount + '/' + name)}; correct it with fleet repo set NAME --vault-path PATH",
        )
    except refusals.VaultError:
        error = SyncError("FLEET-221", "Vault reported an internal error.", "See the log of Vault, and try again.")
    except _NoAnswer as failed:
        error = _no_answer(failed.why)
    except (requests.RequestException, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        # What answers gave hvac another shape than Vault's API has.
        error = _no_vault()
    raise error from None


def _no_answer(why: Why) -> SyncError:
    match why:
        case Why.UNTRUSTED:
            return SyncError(
                "FLEET-221",
                "Vault's certificate is not trusted: its authority is unknown, it has expired, or it is for another host.",
                "Set VAULT_CACERT to its authority, then restart.",
            )
        case Why.BUSY:
            return outbound.too_many("Vault", SyncError)
        case Why.ENDED:
            return outbound.ended(SyncError)
        case Why.UNFIT:
            return _no_vault()
    return SyncError(
        "FLEET-221", "Vault cannot be reached, or did not answer in time.", "Check VAULT_ADDR, and that Vault runs."
    )


def _no_vault() -> SyncError:
    return SyncError(
        "FLEET-221",
        "The address in VAULT_ADDR is not Vault: it redirects, or returns a web page.",
        "Use the address of the active node, or of a proxy that forwards requests to it.",
    )
