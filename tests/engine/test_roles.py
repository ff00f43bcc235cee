"""Roles, where a server may listen, and the settings of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RefusedEdit
from engine.model import Permission
from engine.roles import PERMISSIONS, Role, actor_of, name_of, read_rules
from engine.settings import Settings
from engine.signin import check_binding, client, hosts

OIDC = {
    "FLEET_OIDC_METADATA_URL": "https://idp.example/.well-known/openid-configuration",
    "FLEET_OIDC_CLIENT_ID": "fleet",
    "FLEET_OIDC_CLIENT_SECRET": "canary-of-a-client",
    "FLEET_ROLES": "ana@acme.example=admin",
}


def settings(home: Path, **given: str) -> Settings:
    return Settings.from_environment(home, given)


def test_the_first_rule_that_fits_counts() -> None:
    rules = read_rules("ana@x.example=admin, group:sre=operator+reviewer, @x.example=viewer:acme *=viewer:public")

    def found(**claims: Any) -> Any:
        actor, roles = actor_of({"sub": "1", **claims}, rules) or (None, frozenset())
        return actor and (actor.name, actor.account, set(roles))

    assert found(email="Ana@X.example") == ("ana@x.example", "*", {Role.ADMIN})
    assert found(email="ben@x.example", groups=["sre"]) == ("ben@x.example", "*", {Role.OPERATOR, Role.REVIEWER})
    assert found(email="ben@x.example", roles=["sre"]) == ("ben@x.example", "*", {Role.OPERATOR, Role.REVIEWER})
    assert found(email="ben@x.example", groups="sre") == ("ben@x.example", "acme", {Role.VIEWER})
    assert found(email="ben@evil-x.example") == ("ben@evil-x.example", "public", {Role.VIEWER})
    assert found(email="ana@x.example", email_verified=False) == ("1", "public", {Role.VIEWER}), (
        "anybody may claim an address"
    )
    assert found(preferred_username="ana@x.example") == ("ana@x.example", "public", {Role.VIEWER}), (
        "a name is no address"
    )
    assert actor_of({"email": "eve@evil.example"}, read_rules("@x.example=viewer")) is None
    assert actor_of({}, read_rules("@x.example=viewer")) is None


def test_who_proposes_or_applies_need_not_be_who_approves() -> None:
    assert Permission.REVIEW not in PERMISSIONS[Role.OPERATOR]
    assert not {Permission.APPLY, Permission.FLEET_WRITE, Permission.WRITE} & PERMISSIONS[Role.REVIEWER]
    assert PERMISSIONS[Role.ADMIN] == set(Permission)
    assert all(Permission.READ in permissions for permissions in PERMISSIONS.values())
    assert [role for role in Role if Permission.TOKENS in PERMISSIONS[role]] == [Role.ADMIN]


@pytest.mark.parametrize(
    "text", ["ana", "ana=admin", "=admin", "a@x.example=boss", "a@x.example=", "group:=viewer", "a@x.example=viewer+"]
)
def test_what_is_no_rule_is_said(home: Path, text: str) -> None:
    with pytest.raises(ValueError, match="no rule"):
        read_rules(text)
    with pytest.raises(RefusedEdit, match=r"FLEET-602.*FLEET_ROLES"):
        settings(home, **{**OIDC, "FLEET_ROLES": text})


@given(st.dictionaries(st.sampled_from(["email", "email_verified", "groups", "roles", "sub", "preferred_username"]), st.none() | st.booleans() | st.text() | st.lists(st.text() | st.integers()) | st.integers()))  # fmt: skip
def test_any_claims_end_in_a_name_and_no_more_than_a_viewer(claims: dict[str, Any]) -> None:
    assert isinstance(name_of(claims), str)
    found = actor_of(claims, read_rules("ana@x.example=admin *=viewer"))
    assert found is not None
    assert found[0].permissions == PERMISSIONS[Role.VIEWER] or str(claims["email"]).lower() == "ana@x.example"


@pytest.mark.parametrize("missing", OIDC)
def test_half_a_sign_in_is_refused(home: Path, missing: str) -> None:
    with pytest.raises(RefusedEdit, match=f"FLEET-602.*{missing}"):
        settings(home, **{name: text for name, text in OIDC.items() if name != missing})


def test_roles_alone_are_no_sign_in(home: Path) -> None:
    assert not settings(home, FLEET_ROLES=OIDC["FLEET_ROLES"]).signs_in


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.4", "fleet.example.com", "2001:db8::1"])
def test_beyond_loopback_people_have_to_sign_in(home: Path, host: str) -> None:
    with pytest.raises(RefusedEdit, match=r"FLEET-641 .*FLEET_OIDC_METADATA_URL"):
        check_binding(settings(home), host)
    check_binding(settings(home, **OIDC), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_on_loopback_nobody_has_to_unless_others_are_led_there(home: Path, host: str) -> None:
    check_binding(settings(home), host)
    check_binding(settings(home, FLEET_PUBLIC_URL="http://localhost:8080"), host)
    with pytest.raises(RefusedEdit, match="FLEET-641 FLEET_PUBLIC_URL"):
        check_binding(settings(home, FLEET_PUBLIC_URL="https://fleet.example.com"), host)
    check_binding(settings(home, FLEET_PUBLIC_URL="https://fleet.example.com", **OIDC), host)


def test_browsers_come_by_the_names_of_the_server_alone(home: Path) -> None:
    local = ["localhost", "127.0.0.1", "::1"]
    assert hosts(settings(home), "127.0.0.1") == local
    public = settings(home, FLEET_PUBLIC_URL="https://fleet.example.com", **OIDC)
    assert hosts(public, "0.0.0.0") == [*local, "fleet.example.com"]
    assert hosts(public, "10.0.0.4") == [*local, "fleet.example.com", "10.0.0.4"]


def test_the_client_is_told_where_the_provider_leads_back_to(home: Path) -> None:
    assert client(settings(home)) == {}
    told = client(settings(home, FLEET_PUBLIC_URL="https://fleet.example.com/", **OIDC))["auth"]
    assert told["redirect_uri"] == "https://fleet.example.com/oauth2callback"
    assert len(told["cookie_secret"]) == 64
    assert told["cookie_secret"] == client(settings(home, **OIDC))["auth"]["cookie_secret"], "who is signed in stays so"
    assert "canary-of-a-client" not in repr(settings(home, **OIDC))


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("FLEET_PUBLIC_URL", "fleet.example.com"),
        ("FLEET_PUBLIC_URL", "http://fleet.example.com"),
        ("FLEET_NOTIFY_URL", "https://user:canary@h.example/x"),
        ("FLEET_SLACK_URL", "http://hooks.example/canary"),
        ("FLEET_GITEA_URL", "ftp://h.example"),
        ("FLEET_LOG_FORMAT", "xml"),
        ("FLEET_KEEP_DAYS", "0"),
        ("FLEET_GIT_CA_FILE", "/nowhere/ca.pem"),
    ],
)
def test_a_wrong_setting_is_named_and_a_secret_one_not_quoted(home: Path, variable: str, text: str) -> None:
    with pytest.raises(RefusedEdit, match=f"FLEET-602.*{variable}") as caught:
        settings(home, **{variable: text})
    if variable in {"FLEET_SLACK_URL", "FLEET_NOTIFY_URL"}:
        assert "canary" not in str(caught.value)
