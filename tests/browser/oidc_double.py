"""A double of an OIDC provider: no real one can be had here. It is strict about what a client must send (PKCE, state, nonce, its secret)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "fleet", "canary-of-an-oidc-client"


class OidcDouble:
    """Signs in whoever `user` says, without asking."""

    def __init__(self) -> None:
        self.user: dict[str, Any] = {"sub": "1", "email": "ana@acme.example", "email_verified": True}
        self.faults: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
        double = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                match parts.path:
                    case "/.well-known/openid-configuration":
                        self._json(double.metadata)
                    case "/jwks":
                        self._json({"keys": [double._key.as_dict(private=False)]})
                    case "/authorize":
                        self.send_response(302)
                        self.send_header("Location", double.authorize(query))
                        self.end_headers()
                    case "/logout":
                        self.send_response(302)
                        self.send_header("Location", query.get("post_logout_redirect_uri", "/"))
                        self.end_headers()
                    case _:
                        self.send_error(404)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._json(double.token(form, self.headers.get("Authorization", "")))

            def _json(self, body: Any) -> None:
                self.send_response(200 if "error" not in body else 400)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.metadata_url = f"{self.issuer}/.well-known/openid-configuration"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks", "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"], "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }  # fmt: skip

    def authorize(self, query: dict[str, str]) -> str:
        for name in ("state", "nonce", "code_challenge", "redirect_uri"):
            if not query.get(name):
                self.faults.append(f"authorize without {name}")
        if query.get("client_id") != CLIENT_ID or query.get("code_challenge_method") != "S256":
            self.faults.append("authorize of a stranger")
        code = secrets.token_hex(8)
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query.get('state', '')})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        asked = self._codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if asked is None or (authorization != f"Basic {basic}" and form.get("client_secret") != CLIENT_SECRET):
            self.faults.append("token without a code or the client's secret")
            return {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            self.faults.append("token without the verifier")
            return {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 600,
            "nonce": asked["nonce"],
            **self.user,
        }
        return {
            "access_token": secrets.token_hex(8), "token_type": "Bearer", "expires_in": 600,
            "id_token": jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self._key),
        }  # fmt: skip
