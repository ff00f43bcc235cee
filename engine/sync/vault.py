"""Reading a credential from Vault's KV version 2, anew at each sync; nothing of it is kept.

Source of the requests and answers: https://developer.hashicorp.com/vault/api-docs (secret/kv/kv-v2, auth/approle, auth/kubernetes).
No message of Vault or of a library is handed on: each failure has its own code, and words of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hvac
import requests
from hvac import exceptions as refusals
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from engine.credentials import split_path
from engine.errors import SyncError
from engine.settings import Settings
from engine.words import argument

_KUBERNETES_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105  a path, not a secret
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_RETRY = Retry(
    total=2,
    other=0,  # a certificate that is not trusted stays so
    backoff_factor=0.2,
    # What passes by itself: a node behind the leader, a rate limit, a proxy whose Vault restarts. Sealed (503) does not.
    status_forcelist=(412, 429, 500, 502, 504),
    allowed_methods=None,
    raise_on_status=False,
    respect_retry_after_header=False,
)


def read_secret(path: str, settings: Settings) -> Mapping[str, Any]:
    """The newest version of the secret at a path, as Vault keeps it.

    Raises: SyncError FLEET-220 not set up, 221 away, 222 sealed, 223 denied, 224 nothing there, 225 deleted.
    """
    mount, name = split_path(path)
    with _reaching(settings) as client, _explained(path, "FLEET-223", "does not allow reading it"):
        answer = client.secrets.kv.v2.read_secret_version(path=name, mount_point=mount, raise_on_deleted_version=False)
    if not isinstance(answer, dict):
        raise SyncError(
            "FLEET-221",
            "What answers at VAULT_ADDR is not Vault: it leads on elsewhere, or shows a page.",
            "Name the active node itself, or whatever passes requests on to it.",
        )
    body = answer.get("data")
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(metadata, dict):
        raise SyncError(
            "FLEET-224",
            f"What Vault keeps at {path} is no secret of a KV version 2 engine.",
            "Keep it in a KV version 2 engine, and name it as secret/data/team/name.",
            vault_path=path,
        )
    if body.get("data") is None:
        gone = "destroyed" if metadata.get("destroyed") else "deleted"
        raise SyncError(
            "FLEET-225",
            f"The newest version of {path} in Vault was {gone}.",
            f"Bring it back with vault kv undelete, or write it anew: vault kv put {argument(mount + '/' + name)} …",
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
            "The repository's credential is in Vault, and VAULT_ADDR does not say where that is.",
            "Set VAULT_ADDR and a way to come in (VAULT_TOKEN, VAULT_ROLE_ID or VAULT_KUBERNETES_ROLE), then start again.",
        )
    if not _is_safe(address):
        raise SyncError(
            "FLEET-220",
            "VAULT_ADDR is not https://host:port (http is taken on this machine alone).",
            "Correct it, then start again.",
        )
    session = requests.Session()
    session.verify = settings.vault_ca_file or True
    session.mount(address, HTTPAdapter(max_retries=_RETRY))
    try:
        client = hvac.Client(
            url=address,
            token="",
            namespace=settings.vault_namespace or None,
            timeout=settings.vault_timeout_s,
            allow_redirects=False,  # the token would go along
            session=session,
        )
        given_back = _come_in(client, settings)
        try:
            yield client
        finally:
            if given_back:
                with suppress(refusals.VaultError, requests.RequestException):
                    client.auth.token.revoke_self()
    finally:
        session.close()


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
        "Nothing says how to come into Vault.",
        "Set VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_ROLE_ID with VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE, then start again.",
    )


def _log_in(way: str, login: Callable[[], object]) -> None:
    with _explained(f"the login by {way}", "FLEET-226", "refused it"):
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
            "FLEET-220", f"The file that {variable} names has no token in it.", "See what should write it.", file=path
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
            "Check the role and its secret, and where the method is mounted (VAULT_AUTH_MOUNT)."
            if denied == "FLEET-226"
            else f"Give its token the capability read on {'/data/'.join(split_path(what))}; an expired token is denied, too."
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
            f"Look with vault kv get {argument(mount + '/' + name)}; correct it with fleet repo set NAME --vault-path PATH",
        )
    except refusals.VaultError:
        error = SyncError("FLEET-221", "Vault answered with an error of its own.", "See its log, and try again.")
    except requests.exceptions.SSLError:
        error = SyncError(
            "FLEET-221",
            "Vault's certificate is not of an authority that is trusted, or has expired, or names another host.",
            "Name the authority with VAULT_CACERT, then start again.",
        )
    except requests.exceptions.RequestException:
        error = SyncError(
            "FLEET-221",
            "Vault cannot be reached, or did not answer in time.",
            "Check VAULT_ADDR, and whether Vault is up.",
        )
    raise error from None
