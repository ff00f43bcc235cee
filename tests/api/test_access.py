"""Who may ask for what: every route, every permission, every kind of token; and the tokens themselves."""

from __future__ import annotations

import base64
import json
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from engine.errors import AccessDenied, RefusedEdit, StoreError
from engine.model import Actor, Permission, ResourceKey
from engine.store import token_rows
from engine.store.events import EventFilter
from engine.system.keys import key_of
from engine.workbench import Workbench
from engine.workbench.tokens import ISSUER
from tests.api.conftest import ME, Api

READ, WRITE, SYNC, REVIEW, APPLY, EDIT = (
    Permission.READ, Permission.WRITE, Permission.SYNC, Permission.REVIEW, Permission.APPLY, Permission.FLEET_WRITE,
)  # fmt: skip

REPOSITORY = "system/gitops_repositories/1"
SEEN = {"vault_credential_path": "secret/data/x", "host": "git.example.com:443"}
NEW = {"gitops_repository": {"name": "new", "repo_url": "https://git.example.com/x.git"}}

ROUTES: list[tuple[str, str, str, Any, Permission]] = [
    ("GET", "system/gitops_repositories", "", None, READ),
    ("POST", "system/gitops_repositories", "", NEW, WRITE),
    ("GET", "system/gitops_repositories/{id}", REPOSITORY, None, READ),
    ("PATCH", "system/gitops_repositories/{id}", REPOSITORY, {"gitops_repository": {"auto_heal": False}}, WRITE),
    ("POST", "system/gitops_repositories/{id}/trust_credential", f"{REPOSITORY}/trust_credential", SEEN, WRITE),
    ("POST", "system/gitops_repositories/{id}/sync_now", f"{REPOSITORY}/sync_now", None, SYNC),
    ("GET", "system/gitops_repositories/{id}/sync_runs", f"{REPOSITORY}/sync_runs", None, READ),
    ("GET", "system/gitops_sync_runs", "", None, READ),
    ("GET", "system/gitops_sync_runs/{id}", "system/gitops_sync_runs/1", None, READ),
    ("GET", "system/proposals", "", None, READ),
    ("GET", "system/proposals/{id}", "system/proposals/1", None, READ),
    ("POST", "system/proposals/{id}/approve", "system/proposals/1/approve", None, REVIEW),
    ("POST", "system/proposals/{id}/unapprove", "system/proposals/1/unapprove", None, REVIEW),
    ("POST", "system/proposals/{id}/reject", "system/proposals/1/reject", {"reason": "no"}, REVIEW),
    ("POST", "system/proposals/{id}/revert", "system/proposals/1/revert", None, WRITE),
    ("POST", "system/gitops_sync_runs/{id}/revert", "system/gitops_sync_runs/1/revert", None, WRITE),
    ("POST", "system/proposals/batch_review", "", {"ids": [2], "action": "approve"}, REVIEW),
    ("POST", "system/apply", "", {}, APPLY),
    ("GET", "system/fleet.yaml", "", None, READ),
    ("GET", "system/fleet/{section}", "system/fleet/modules", None, READ),
    ("GET", "system/fleet/{section}/{name}", "system/fleet/modules/live", None, READ),
    ("GET", "system/fleet/{section}/{name}/history", "system/fleet/modules/live/history", None, READ),
    ("GET", "system/fleet/{section}/{name}/blame", "system/fleet/modules/live/blame", None, READ),
    ("PUT", "system/fleet/{section}/{name}", "system/fleet/modules/live", {"priority": 9}, EDIT),
    ("DELETE", "system/fleet/{section}/{name}", "system/fleet/modules/live", None, EDIT),
    ("GET", "system/drift", "", None, READ),
    ("GET", "system/fleet_events", "", None, READ),
    ("GET", "system/graph", "", None, READ),
    ("GET", "system/status", "", None, READ),
    ("GET", "system/snapshot", "", None, READ),
    ("POST", "system/pause", "", {"reason": "freeze", "repository_id": 1}, APPLY),
    ("POST", "system/resume", "", {"repository_id": 1}, APPLY),
    ("POST", "integrations/gitea/repositories", "", {"owner": "acme", "repo": "fleet"}, WRITE),
    ("DELETE", "system/gitops_repositories/{id}", REPOSITORY, None, WRITE),
]
"""Method, route, a path of it, a body, and the permission that it needs: section 13 of the design, and what stands beside it."""


OF_EVERY_ACCOUNT = {"system/snapshot", "system/gitops_repositories/{id}/trust_credential"}
"""What concerns every account, so it takes a token of every one."""

MAKES = {("POST", "system/gitops_repositories"), ("PUT", "system/fleet/{section}/{name}")}
"""What makes something new, in the caller's own account."""


@pytest.fixture
def filled(registered: Workbench) -> Workbench:
    registered.sync(ME, "fc")
    registered.set_resource(ME, ResourceKey("acme", "modules", "live"), {})
    return registered


def forged(claims: dict[str, Any], key: bytes, algorithm: str = "HS256") -> str:
    good = {"iss": ISSUER, "sub": "x", "iat": datetime.now(UTC), "exp": datetime.now(UTC) + timedelta(hours=1)}
    return jwt.encode({name: value for name, value in {**good, **claims}.items() if value is not None}, key, algorithm)


def unsigned(claims: dict[str, Any]) -> str:
    """A token that says it needs no signature."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    exp = int(datetime.now(UTC).timestamp()) + 3600
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part({'iss': ISSUER, 'exp': exp, **claims})}."


def bad_tokens(workbench: Workbench) -> dict[str, tuple[str | None, str]]:
    """Each kind of token that opens nothing, and the code that says so."""
    key = key_of(workbench.settings.home, "tokens")
    row, good = workbench.create_token(ME, "good", account="*", permissions=tuple(Permission))
    gone, revoked = workbench.create_token(ME, "gone", account="*", permissions=tuple(Permission))
    workbench.revoke_token(ME, gone.id)
    past = datetime.now(UTC) - timedelta(seconds=1)
    head, body, signature = good.split(".")
    return {
        "none": (None, "FLEET-660"),
        "empty": ("", "FLEET-66[01]"),
        "garbage": ("x.y.z", "FLEET-661"),
        "alg=none": (unsigned({"jti": row.jti}), "FLEET-661"),
        "alg=none with its signature": (f"{unsigned({'jti': row.jti})}{signature}", "FLEET-661"),
        "another key": (forged({"jti": row.jti}, b"k" * 32), "FLEET-661"),
        "another algorithm": (forged({"jti": row.jti}, key, "HS512"), "FLEET-661"),
        "another issuer": (forged({"jti": row.jti, "iss": "x"}, key), "FLEET-661"),
        "no jti": (forged({}, key), "FLEET-661"),
        "a jti that is nobody's": (forged({"jti": "f" * 32}, key), "FLEET-661"),
        "no exp": (forged({"jti": row.jti, "exp": None}, key), "FLEET-661"),
        "expired": (forged({"jti": row.jti, "exp": past}, key), "FLEET-662"),
        "another body": (f"{head}.{body[:-2]}AA.{signature}", "FLEET-661"),
        "revoked": (revoked, "FLEET-663"),
    }


def test_the_table_names_every_route(call: Api) -> None:
    described = call("GET", "/api/openapi.json").json()["paths"]
    found = {
        (method.upper(), path.removeprefix("/v1/")): route.get("x-permission")
        for path, routes in described.items()
        for method, route in routes.items()
    }
    assert found.pop(("POST", "webhooks/{provider}"), "missing") is None, "their secret is their permission"
    assert found == {(method, route): permission for method, route, _, _, permission in ROUTES}


@pytest.mark.filterwarnings("ignore:The HMAC key is 32 bytes long")  # an attacker does not mind
def test_every_route_wants_its_permission_and_a_token_that_holds(filled: Workbench, call: Api, rest_of: Any) -> None:
    bad = bad_tokens(filled)
    alone = {p: rest_of("acme", [p], p.short) for p in Permission}
    without = {p: rest_of("acme", set(Permission) - {p}, f"all but {p.short}") for p in Permission}
    for method, route, path, body, permission in ROUTES:
        path = path or route
        for kind, (token, code) in bad.items():
            answer = call.bearing(token)(method, path, body)
            assert answer.status_code == 401, (method, route, kind)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert re.fullmatch(code, answer.json()["code"]), (route, kind, answer.json())
        for other in set(Permission) - {permission}:
            answer = alone[other](method, path, body)
            assert (answer.status_code, answer.json()["code"]) == (403, "FLEET-600"), (method, route, other)
        assert without[permission](method, path, body).status_code == 403, (method, route)
        asking = alone[permission]
        if route in OF_EVERY_ACCOUNT:
            assert asking(method, path, body).json()["code"] == "FLEET-600"
            asking = rest_of("*", [permission], "all")
        answer = asking(method, path, body)
        assert answer.status_code in {200, 201, 409} or answer.json()["code"] in {"FLEET-681", "FLEET-229"}, (
            method,
            route,
            answer.text,
        )


def test_a_token_of_another_account_finds_nothing_and_changes_nothing(filled: Workbench, rest_of: Any) -> None:
    other = rest_of("rival")
    before = filled.count_events(EventFilter())
    for method, route, path, body, _ in ROUTES:
        if route in {"system/fleet_events", "system/snapshot"} or (method, route) in MAKES:
            continue
        answer = other(method, path or route, body)
        if path and route != "system/fleet/{section}":
            whose = 403 if route.endswith("trust_credential") else 404  # which is for tokens of every account alone
            assert answer.status_code == whose, (method, route, answer.text)
        elif route.startswith("integrations"):
            assert answer.json()["code"] == "FLEET-681"
        elif method == "GET" and route != "system/fleet.yaml":
            body_ = answer.json()
            assert not body_.get("items") and not body_.get("nodes") and not body_.get("repositories"), (route, body_)  # noqa: PT018
        named = other(method, f"{path or route}?account=acme", body)
        assert (named.status_code, named.json()["code"]) == (403, "FLEET-600"), (method, route)
    assert "acme" not in other("GET", "system/fleet.yaml").text
    assert {
        e.event.account
        for e in filled.find_events(EventFilter(), limit=1000)[: filled.count_events(EventFilter()) - before]
    } <= {"rival"}
    mine = other(
        "POST", "system/gitops_repositories", {"gitops_repository": {**NEW["gitops_repository"], "account": "acme"}}
    )
    assert (mine.status_code, mine.json()["code"]) == (403, "FLEET-600")
    reviewed = other("POST", "system/proposals/batch_review", {"ids": [1, 2], "action": "approve"}).json()["items"]
    assert [item["error"]["code"] for item in reviewed] == ["FLEET-401"] * 2


def test_a_token_of_every_account_names_one_and_means_it(filled: Workbench, call: Api) -> None:
    filled.set_resource(ME, ResourceKey("rival", "modules", "theirs"), {})
    assert [r["name"] for r in call("GET", "system/fleet/modules").json()["items"]] == ["live", "theirs"]
    assert [r["name"] for r in call("GET", "system/fleet/modules?account=rival").json()["items"]] == ["theirs"]
    assert call("GET", "system/gitops_repositories/1?account=rival").status_code == 404
    made = call("POST", "system/gitops_repositories?account=rival", NEW).json()["gitops_repository"]
    assert made["account"] == "rival"
    wanted = {"gitops_repository": {**NEW["gitops_repository"], "name": "third", "account": "third"}}
    assert call("POST", "system/gitops_repositories", wanted).json()["gitops_repository"]["account"] == "third"


def test_a_token_that_may_write_does_not_decide(filled: Workbench, rest_of: Any) -> None:
    writer, decider = rest_of("acme", [READ, WRITE], "w"), rest_of("acme", [READ, WRITE, REVIEW, APPLY], "d")
    before = filled.repository("fc")
    for switch in ("auto_apply", "auto_prune", "auto_heal", "allow_empty"):
        for method, path, body in (
            ("PATCH", REPOSITORY, {switch: True}),
            ("POST", "system/gitops_repositories", {**NEW["gitops_repository"], switch: True}),
        ):
            answer = writer(method, path, {"gitops_repository": body})
            assert (answer.status_code, answer.json()["code"]) == (403, "FLEET-600"), (method, switch)
            assert f"{REVIEW} and {APPLY} are missing" in answer.json()["message"]
    assert filled.repositories() == [before]
    assert decider("PATCH", REPOSITORY, {"gitops_repository": {"auto_apply": True}}).status_code == 200
    assert writer("PATCH", REPOSITORY, {"gitops_repository": {"branch": "x"}}).json()["code"] == "FLEET-600"
    assert writer("PATCH", REPOSITORY, {"gitops_repository": {"auto_apply": False, "branch": "x"}}).status_code == 200


def test_a_name_that_another_account_uses_cannot_be_used_and_nothing_more_is_said(
    filled: Workbench, rest_of: Any
) -> None:
    answer = rest_of("rival")("POST", "system/gitops_repositories", {"gitops_repository": {**NEW["gitops_repository"], "name": "fc"}})  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (409, "FLEET-601")
    assert (answer.json()["message"], answer.json()["hint"]) == ("The name fc cannot be used.", "Choose another, such as rival-fc.")  # fmt: skip


def test_a_number_means_the_repository_that_was_asked_about(
    filled: Workbench, rest_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right before each change is written, the repository is removed and another one gets its name."""
    api = rest_of("acme")
    write, going = filled.store.write, threading.Lock()

    def meanwhile() -> None:
        filled.remove_repository(ME, "fc")
        filled.add_repository(ME, "fc", "https://git.example.com/other.git", account="acme")

    @contextmanager
    def writing() -> Iterator[Any]:
        if threading.current_thread().name != "other" and going.acquire(blocking=False):
            other = threading.Thread(target=meanwhile, name="other")
            other.start()
            other.join(20)
        with write() as tx:
            yield tx

    monkeypatch.setattr(filled.store, "write", writing)
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", "", {"gitops_repository": {"branch": "next"}}),
        ("POST", "pause", {"reason": "x"}),
    ]
    for method, verb, body in asked:
        newest = filled.repository("fc")
        path = f"system/{verb}" if verb else f"system/gitops_repositories/{newest.id}"
        answer = api(method, path, body if not verb else {**body, "repository_id": newest.id})
        assert (answer.status_code, answer.json()["code"]) == (404, "FLEET-603"), answer.text
        other = filled.repository("fc")
        assert (other.id != newest.id, other.branch, other.paused_reason) == (True, "main", None)
        going.release()


def test_a_revocation_works_at_once_and_shows_who(workbench: Workbench, rest_of: Any) -> None:
    api = rest_of(name="cron")
    assert api("GET", "system/proposals").status_code == 200
    (token,) = workbench.tokens(ME)
    workbench.revoke_token(Actor("ben"), token.id)
    assert api("GET", "system/proposals").json()["code"] == "FLEET-663"
    (gone,) = workbench.tokens(ME)
    assert (gone.state(datetime.now(UTC)), gone.revoked_by) == ("revoked", "ben")
    assert workbench.revoke_token(ME, token.id).revoked_by == "ben", "once is enough"
    events = [(e.event.type, e.actor, e.event.reason) for e in workbench.events()]
    assert events == [("access.token_revoked", "ben", "cron"), ("access.token_created", "ana", "cron")]


def test_a_row_that_has_expired_ends_a_token_whatever_it_says_itself(workbench: Workbench, clock: Any) -> None:
    row, _ = workbench.create_token(ME, "x", account="*", permissions=[READ], days=1)
    token = forged(
        {"jti": row.jti, "exp": datetime.now(UTC) + timedelta(days=99)}, key_of(workbench.settings.home, "tokens")
    )
    assert workbench.bearer(token).name == "token:x"
    workbench.store.clock = lambda: datetime.now(UTC) + timedelta(days=2)
    with pytest.raises(AccessDenied, match="FLEET-662"):
        workbench.bearer(token)


def test_nobody_gives_away_more_than_they_have(workbench: Workbench) -> None:
    maker = Actor("eve", frozenset({READ, Permission.TOKENS}), "acme")
    row, _ = workbench.create_token(maker, "ok", account="acme", permissions=[READ])
    workbench.create_token(ME, "theirs", account="rival", permissions=[READ])
    for account, permissions, code in (
        ("acme", [READ, APPLY], "FLEET-671"),
        ("rival", [READ], "FLEET-600"),
        ("*", [READ], "FLEET-600"),
        ("acme", [], "FLEET-671"),
    ):
        with pytest.raises(RefusedEdit, match=code):
            workbench.create_token(maker, "x", account=account, permissions=permissions)
    assert [token.id for token in workbench.tokens(maker)] == [row.id]
    with pytest.raises(RefusedEdit, match="FLEET-672"):
        workbench.revoke_token(maker, row.id + 1)
    for verb in (
        lambda who: workbench.create_token(who, "x", account="acme", permissions=[READ]),
        lambda who: workbench.tokens(who),
        lambda who: workbench.revoke_token(who, row.id),
    ):
        with pytest.raises(RefusedEdit, match="FLEET-600"):
            verb(Actor("mallory", frozenset(Permission) - {Permission.TOKENS}))
    for name, days in (("a/b", 1), ("", 1), ("x", 0), ("x", 3651)):
        with pytest.raises(RefusedEdit, match=r"FLEET-6(29|71)"):
            workbench.create_token(ME, name, account="*", permissions=[READ], days=days)


def test_the_key_is_the_owners_alone_and_the_token_is_kept_nowhere(workbench: Workbench) -> None:
    _, token = workbench.create_token(ME, "x", account="*", permissions=[READ])
    home = workbench.settings.home
    path = home / "keys" / "tokens"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    key = key_of(home, "tokens")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with workbench.store.read() as tx:
        rows = repr(token_rows.all_(tx))
    workbench.close()
    everything = b"".join(p.read_bytes() for p in home.rglob("*") if p.is_file() and p != path) + rows.encode()
    for part in (token.encode(), token.split(".")[2].encode(), key, key.hex().encode()):
        assert part not in everything
    assert list((home / "keys").iterdir()) == [path]
    path.write_text("no key")
    with pytest.raises(StoreError, match="FLEET-308"):
        key_of(home, "tokens")


def test_another_home_has_another_key(workbench: Workbench, tmp_path: Any) -> None:
    assert key_of(tmp_path / "one", "tokens") != key_of(tmp_path / "two", "tokens")
    assert key_of(tmp_path / "one", "tokens") == key_of(tmp_path / "one", "tokens")
