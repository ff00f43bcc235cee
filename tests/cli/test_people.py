"""`fleet people`, `sign-out`, `let-in` and `token revoke --by`: throwing somebody out, as it is typed at night."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from engine.errors import AccessDenied
from engine.settings import Settings
from engine.workbench import Workbench
from tests.cli.conftest import Fleet


@pytest.fixture
def people(settings: Settings) -> list[dict[str, Any]]:
    """Two people who have signed in, and the token that one of them made. Gives their claims."""
    now = int(time.time())
    made: list[dict[str, Any]] = [
        {"sub": "1", "email": "ana@x.example", "email_verified": True, "iat": now, "nonce": "1"},
        {"sub": "auth0|2", "iat": now, "nonce": "2"},
    ]

    with Workbench.open_home(replace(settings, roles="*=admin")) as bench:
        for claims in made:
            actor, _ = bench.enter(claims) or (None, None)
            assert actor is not None
            bench.create_token(actor, f"of-{claims['sub'][-1]}", account="*", permissions=actor.permissions)
    return made


def is_in(settings: Settings, claims: dict[str, Any]) -> bool:

    with Workbench.open_home(replace(settings, roles="*=admin")) as bench:
        try:
            return bench.enter(claims) is not None
        except AccessDenied:
            return False


@pytest.mark.alone
def test_somebody_is_thrown_out_and_let_in_again(
    people: list[dict[str, Any]], settings: Settings, fleet: Fleet
) -> None:
    listed = fleet("people", "--json").json["items"]
    assert [(p["name"], p["state"], p["sign_ins"], p["tokens"]) for p in listed] == [
        ("ana@x.example", "signed_in", 1, 1),
        ("oidc:auth0|2", "signed_in", 1, 1),
    ]
    shown = fleet("people")
    assert "sign-out ana@x.example" in shown.out
    done = fleet("sign-out", "oidc:auth0|2", "--keep-out", "--json").json
    assert done == {"person": "oidc:auth0|2", "sign_ins": 1, "tokens": 1, "kept_out": True}
    assert [is_in(settings, claims) for claims in people] == [True, False]
    states = {t["name"]: t["state"] for t in fleet("token", "list", "--json").json["items"]}
    assert states == {"of-1": "valid", "of-2": "revoked"}
    again = fleet("sign-out", "oidc:auth0|2", "--keep-out")
    assert "0 sign-ins of oidc:auth0|2 ended, 0 tokens revoked" in again.out
    assert "let-in 'oidc:auth0|2'" in again.out, "what is to be pasted is quoted"
    assert fleet("people", "--json").json["items"][1]["state"] == "kept_out"
    assert fleet("let-in", "oidc:auth0|2", "--json").json == {"person": "oidc:auth0|2", "was_kept_out": True}
    assert "was not kept out" in fleet("let-in", "oidc:auth0|2").out
    newer = {**people[1], "iat": int(time.time()) + 1, "nonce": "3"}
    assert [is_in(settings, claims) for claims in (people[1], newer)] == [False, True]


@pytest.mark.alone
def test_a_sign_out_says_what_is_left(people: list[dict[str, Any]], fleet: Fleet) -> None:
    out = fleet("sign-out", "ana@x.example").out
    assert "1 sign-in of ana@x.example ended, 0 tokens revoked" in out
    assert "token revoke --by ana@x.example" in out
    gone = fleet("token", "revoke", "--by", "ana@x.example", "--json").json["items"]
    assert [(t["name"], t["state"]) for t in gone] == [("of-1", "revoked")]
    assert "has no valid token" in fleet("token", "revoke", "--by", "ana@x.example").out
    assert fleet("sign-out", "ana@x.example", "--tokens").code == 0


def test_who_nobody_signs_in_as_is_said(fleet: Fleet) -> None:
    assert "Nobody is signed in" in fleet("people").out
    refused = fleet("sign-out", "ana")
    assert (refused.code, "FLEET-665" in refused.err) == (1, True)
    assert "No person with this name was signed in" in fleet("sign-out", "ana@x.example").out
    for wrong in (("token", "revoke"), ("token", "revoke", "1", "--by", "ana")):
        assert fleet(*wrong).code == 2
