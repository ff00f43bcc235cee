"""A double of Vault: no Vault can be had here.

It answers over TLS with the status codes and bodies that Vault's API documents for KV version 2 and the logins by AppRole and
Kubernetes, and is strict: an unknown route, a missing header or a wrong body is an error, as it is there.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.remotes.authority import Authority

TOKEN = "hvs.canary-of-the-operator-7f3a"
ROLE_ID, SECRET_ID = "role-7d1c", "canary-secret-id-91b2"
KUBERNETES_ROLE, KUBERNETES_TOKEN = "fleet", "canary.kubernetes.token"


@dataclass
class VaultDouble:
    """What it holds and how it behaves may be set at any time."""

    secrets: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    """By `mount/data/name`: the newest version's data; None: deleted."""
    destroyed: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    version_1: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What a KV version 1 engine would give."""
    namespace: str | None = None
    sealed: bool = False
    initialized: bool = True
    slow_s: float = 0
    instead: tuple[int, bytes] | None = None
    """Status and page with which something in between answers in its place."""
    failing: int = 0
    """So many requests are answered with 502 first."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    revoked: list[str] = field(default_factory=list)

    def start(self, authority: Authority) -> None:
        certificate = authority.certificate("vault")
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(*double._get(self.path, dict(self.headers)))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self._answer(*double._post(self.path, dict(self.headers), json.loads(body or b"{}")))

            def _answer(self, status: int, body: dict[str, Any] | None) -> None:
                content = b"" if body is None else json.dumps(body).encode()
                if double.instead:
                    status, content = double.instead
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if double.instead else "application/json")
                if 300 <= status < 400:
                    self.send_header("Location", "https://localhost:1/v1/elsewhere")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that gave up is no news
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.file, certificate.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.address = f"https://localhost:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _first(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, Any] | None] | None:
        """What is answered before the route is looked at."""
        self.requests.append((method, path))
        time.sleep(self.slow_s)
        if self.failing:
            self.failing -= 1
            return 502, {"errors": ["bad gateway"]}
        if not self.initialized:
            return 501, {"errors": ["Vault is not initialized"]}
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if headers.get("X-Vault-Request") != "true":
            return 412, {"errors": ["required X-Vault-Request header is missing"]}
        if headers.get("X-Vault-Namespace") != self.namespace:
            return 404, {"errors": [f'no handler for route "{path[4:]}". route entry not found.']}
        return None

    def _get(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, Any] | None]:
        if said := self._first("GET", path, headers):
            return said
        if headers.get("X-Vault-Token") not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        key = path.removeprefix("/v1/")
        if key in self.denied:
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        if key in self.version_1:
            return 200, {"request_id": "x", "lease_duration": 2764800, "data": self.version_1[key]}
        if "/data/" not in key:
            return 404, {"errors": [f'no handler for route "{key}". route entry not found.']}
        if key not in self.secrets:
            return 404, {"errors": []}
        data = self.secrets[key]
        metadata = {
            "created_time": "2026-11-01T08:00:00.000000000Z",
            "custom_metadata": None,
            "deletion_time": "" if data is not None else "2026-11-02T08:00:00.000000000Z",
            "destroyed": key in self.destroyed,
            "version": 3,
        }
        body = {"request_id": "x", "lease_id": "", "renewable": False, "data": {"data": data, "metadata": metadata}}
        return (200 if data is not None else 404), body

    def _post(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        if said := self._first("POST", path, headers):
            return said
        if path == "/v1/auth/approle/login":
            if body != {"role_id": ROLE_ID, "secret_id": SECRET_ID}:
                return 400, {"errors": ["invalid role or secret ID"]}
            return 200, self._logged_in()
        if path == "/v1/auth/team-cluster/login":
            if body != {"role": KUBERNETES_ROLE, "jwt": KUBERNETES_TOKEN}:
                return 403, {"errors": ["permission denied"]}
            return 200, self._logged_in()
        if path == "/v1/auth/token/revoke-self":
            token = headers.get("X-Vault-Token", "")
            if token not in self.tokens:
                return 403, {"errors": ["permission denied"]}
            self.tokens.discard(token)
            self.revoked.append(token)
            return 204, None
        return 404, {"errors": [f'no handler for route "{path[4:]}". route entry not found.']}

    def _logged_in(self) -> dict[str, Any]:
        token = f"hvs.canary-of-a-login-{len(self.tokens) + len(self.revoked)}"
        self.tokens.add(token)
        return {
            "request_id": "x",
            "auth": {"client_token": token, "policies": ["default"], "lease_duration": 1200, "renewable": True},
        }
