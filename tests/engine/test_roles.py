"""Roles, where a server may listen, and the settings of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.access.roles import PERMISSIONS, Role, actor_of, person_of, read_rules
from engine.errors import AccessDenied, RefusedEdit
from engine.model import Permission
from engine.server.signin import check_binding, client, hosts
from engine.settings import Settings
from engine.system.operator import local_operator

OIDC = {
    "FLEET_OIDC_METADATA_URL": "https://idp.example/.well-known/openid-configuration",
    "FLEET_OIDC_CLIENT_ID": "fleet",
    "FLEET_OIDC_CLIENT_SECRET": "canary-of-a-client",
    "FLEET_ROLES": "ana@acme.example=admin",
}


def settings(home: Path, **given: str) -> Settings:
    return Settings.from_environment(home, given)


VERIFIED = {"sub": "1", "email": "ana@x.example", "email_verified": True}


def test_the_first_rule_that_fits_counts() -> None:
    rules = read_rules(
        "ana@x.example=admin, oidc:7=operator, group:sre=operator+reviewer, @x.example=viewer:acme *=viewer:public"
    )

    def found(**claims: Any) -> Any:
        actor, roles = actor_of({**VERIFIED, **claims}, rules) or (None, frozenset())
        return actor and (actor.name, actor.account, set(roles))

    assert found(email="Ana@X.example") == ("ana@x.example", "*", {Role.ADMIN})
    assert found(email="ben@x.example", groups=["sre"]) == ("ben@x.example", "*", {Role.OPERATOR, Role.REVIEWER})
    assert found(email="ben@x.example", roles=["sre"]) == ("ben@x.example", "*", {Role.OPERATOR, Role.REVIEWER})
    assert found(email="ben@x.example", groups="sre") == ("ben@x.example", "acme", {Role.VIEWER})
    assert found(email="ben@evil-x.example") == ("ben@evil-x.example", "public", {Role.VIEWER})
    assert found(sub="7", email=None) == ("oidc:7", "*", {Role.OPERATOR})
    assert found(sub="7", email="ben@x.example") == ("ben@x.example", "*", {Role.OPERATOR}), (
        "a subject is theirs, verified or not"
    )
    assert actor_of({**VERIFIED, "email": "eve@evil.example"}, read_rules("@x.example=viewer")) is None
    assert actor_of({}, read_rules("*=viewer")) is None, "without a name nobody comes in"


@pytest.mark.parametrize(
    "verified", [None, False, "true", "True", "false", "", 1, 0, 1.0, [True], [], {"a": True}, "missing"], ids=repr
)
@pytest.mark.parametrize("elsewhere", ["nowhere", "preferred_username", "name", "sub", "upn", "unique_name"])
def test_an_address_that_is_not_verified_is_nobodys(verified: Any, elsewhere: str) -> None:
    claims: dict[str, Any] = {"sub": "1", "email": "ana@x.example", "email_verified": verified}
    if verified == "missing":
        del claims["email_verified"]
    if elsewhere != "nowhere":
        claims[elsewhere] = "ana@x.example"
    person = person_of(claims)
    assert person.name == f"oidc:{claims['sub']}"
    assert (person.address, person.unverified) == ("", True)
    assert actor_of(claims, read_rules("ana@x.example=admin, @x.example=admin")) is None
    actor, _ = actor_of(claims, read_rules("*=viewer")) or (None, None)
    assert actor is not None
    assert actor.name == f"oidc:{claims['sub']}"


@pytest.mark.parametrize(
    "address",
    [
        "\u0131na@x.example",
        "ana@\u212a.example",  # the Kelvin sign is k in lower case
        "an\uff41@x.example",
        "ana\uff20x.example",
        "\u0430na@x.example",
        "ana@x.example.",
        "ana@x.example ",
        " ana@x.example",
        "ana@x.example\n",
        "ana@x.example\u202e",
        "ana@x.example\u200b",
        "ana@@x.example",
        "eve@evil.example@x.example",
        "ana@x.example@evil.example",
        "@x.example",
        "ana@",
        "ana",
        '"eve@evil.example"@x.example',
        "ana@x..example",
        "ana@.x.example",
        "<ana@x.example>",
        "ana@x.example,eve@x.example",
        "token:ana@x.example",
        "",
        "a" * 300 + "@x.example",
        7,
        ["ana@x.example"],
        {"ana@x.example": 1},
        True,
        None,
    ],
    ids=ascii,
)
def test_what_only_looks_like_an_address_is_none_though_it_is_verified(address: Any) -> None:
    claims = {"sub": "1", "email": address, "email_verified": True}
    assert person_of(claims).name == "oidc:1"
    assert actor_of(claims, read_rules("ana@x.example=admin, ana@k.example=admin, @x.example=admin")) is None


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("ana@x.example", True),
        ("ANA@X.EXAMPLE", True),
        ("ana@sub.x.example", False),
        ("ana@evil-x.example", False),
        ("ana@x.example.evil.example", False),
        ("x.example@evil.example", False),
        ("ana+x.example@evil.example", False),
    ],
)
def test_a_domain_is_that_domain_alone(address: str, fits: bool) -> None:
    found = actor_of({**VERIFIED, "email": address}, read_rules("@X.example=viewer"))
    assert (found is not None) is fits


def test_a_provider_that_never_sends_the_claim_may_be_trusted_by_a_setting() -> None:
    rules = read_rules("ana@x.example=admin")
    silent = {"sub": "1", "email": "ana@x.example"}
    assert actor_of(silent, rules) is None
    assert actor_of(silent, rules, trust_email=True) is not None
    for said in (False, None, "true", 1):
        assert actor_of({**silent, "email_verified": said}, rules, trust_email=True) is None, "what is sent counts"


@pytest.mark.parametrize(
    "name",
    [
        "gitops_auto_apply",
        "gitops_scheduler",
        "GitOps_Scheduler",
        "token:cron",
        "webhook:github",
        "oidc:2",
        "restore_drill",
        "a\nb",
        "a\u202eb",
        "a b",
        "\uff54oken:cron",
        "a" * 256,
        "",
        7,
        None,
        ["1"],
    ],
    ids=ascii,
)
def test_a_name_of_the_system_is_no_persons(name: Any) -> None:
    rules = read_rules("*=admin, group:gitops_auto_apply=admin")
    claims = {"sub": name, "preferred_username": "gitops_auto_apply", "name": "token:cron"}
    with pytest.raises(AccessDenied, match=r"FLEET-665.*Ask the administrator of the identity provider"):
        person_of(claims)
    assert actor_of(claims, rules) is None
    actor, _ = actor_of({**claims, "email": "ana@x.example", "email_verified": True}, rules) or (None, None)
    assert actor is not None
    assert actor.name == "ana@x.example", "a verified address is name enough"


@pytest.mark.parametrize("claim", ["preferred_username", "name", "nickname", "given_name", "display_name", "upn"])
@pytest.mark.parametrize("name", ["gitops_auto_apply", "token:cron", "ana@x.example", "a\nb", "\u202eana"], ids=ascii)
def test_what_the_provider_calls_somebody_never_takes_the_place_of_their_name(claim: str, name: str) -> None:
    assert person_of({"sub": "auth0|5f7c", claim: name}).name == "oidc:auth0|5f7c"


@pytest.mark.parametrize(
    "name",
    [
        "gitops_auto_apply",
        "GITOPS_SCHEDULER",
        "gitops_new",
        "restore_drill",
        "token:cron",
        "Token:cron",
        "webhook:gitea",
        "oidc:1",
        "\uff54\uff4f\uff4b\uff45\uff4e\uff1acron",
        "git\u00adops_scheduler",
        "ana\u202e",
        "ana\u200b",
        "ana\nben",
        "\x1b[2Jana",
        "a" * 256,
    ],
    ids=ascii,
)
@pytest.mark.parametrize("by", ["FLEET_ACTOR", "LOGNAME"])
def test_the_local_operator_takes_no_name_of_the_system(monkeypatch: pytest.MonkeyPatch, name: str, by: str) -> None:
    monkeypatch.delenv("FLEET_ACTOR", raising=False)
    monkeypatch.setenv(by, name)
    with pytest.raises(RefusedEdit, match=r"(?s)FLEET-602.*FLEET_ACTOR"):
        local_operator()


@pytest.mark.parametrize("name", ["ana", "ana@x.example", "Ana Duarte", "Jos\u00e9", "CORP\\ana", "token", "git"])
def test_the_local_operator_has_any_other_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("FLEET_ACTOR", name)
    assert local_operator().name == name


def test_who_proposes_or_applies_need_not_be_who_approves() -> None:
    assert Permission.REVIEW not in PERMISSIONS[Role.OPERATOR]
    assert not {Permission.APPLY, Permission.FLEET_WRITE, Permission.WRITE} & PERMISSIONS[Role.REVIEWER]
    assert PERMISSIONS[Role.ADMIN] == set(Permission)
    assert all(Permission.READ in permissions for permissions in PERMISSIONS.values())
    assert [role for role in Role if Permission.TOKENS in PERMISSIONS[role]] == [Role.ADMIN]


@pytest.mark.parametrize(
    "text",
    [
        "ana",
        "ana=admin",
        "=admin",
        "a@x.example=boss",
        "a@x.example=",
        "group:=viewer",
        "a@x.example=viewer+",
        "oidc:=viewer",
        "oidc:token:x=viewer",
        "a@b@x.example=viewer",
        "@=viewer",
        "@x@y.example=viewer",
        "\u212a@x.example=viewer",
        "@x.example=viewer:",
    ],
)
def test_what_is_no_rule_is_said(home: Path, text: str) -> None:
    with pytest.raises(ValueError, match="not a rule"):
        read_rules(text)
    with pytest.raises(RefusedEdit, match=r"FLEET-602.*FLEET_ROLES"):
        settings(home, **{**OIDC, "FLEET_ROLES": text})


@given(st.dictionaries(st.sampled_from(["email", "email_verified", "groups", "roles", "sub", "preferred_username"]), st.none() | st.booleans() | st.text() | st.lists(st.text() | st.integers()) | st.integers()))  # fmt: skip
def test_any_claims_end_in_a_name_and_no_more_than_a_viewer(claims: dict[str, Any]) -> None:
    found = actor_of(claims, read_rules("ana@x.example=admin *=viewer"))
    if found is None:
        with pytest.raises(AccessDenied, match="FLEET-665"):
            person_of(claims)
        return
    assert found[0].name in {f"oidc:{claims.get('sub')}", str(claims.get("email")).lower()}
    assert found[0].permissions == PERMISSIONS[Role.VIEWER] or claims["email_verified"] is True


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
