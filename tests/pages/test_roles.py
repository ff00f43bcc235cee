"""Who is signed in decides what every page shows and which button may be pressed; the engine has the last word."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.access.permits import need_of
from engine.access.roles import PERMISSIONS, Role
from engine.errors import AccessDenied
from engine.model import Actor, Permission, ResourceKey, Status
from engine.server.jobs import Job
from engine.server.service import Service
from engine.workbench import Workbench
from pages.components.people import key_of
from tests.pages.conftest import ME, NAVIGATION, Dashboard, calm, texts

READ, WRITE, REVIEW, APPLY = Permission.READ, Permission.WRITE, Permission.REVIEW, Permission.APPLY

NGINX = ResourceKey("acme", "modules", "nginx")

W = Workbench

BUTTONS: list[tuple[str, dict[str, str], str, tuple[Any, ...]]] = [
    ("approvals", {"select": "1"}, "do_approve", (W.approve,)),
    ("approvals", {"select": "1"}, "do_approve_and_apply", (W.approve, W.apply)),
    ("approvals", {"select": "1"}, "do_reject", (W.reject,)),
    ("proposal", {"id": "1"}, "do_approve", (W.approve,)),
    ("proposal", {"id": "1"}, "do_approve_and_apply", (W.approve, W.apply)),
    ("proposal", {"id": "1"}, "do_reject", (W.reject,)),
    ("proposal", {"id": "2"}, "do_take_back", (W.unapprove,)),
    ("proposal", {"id": "2"}, "do_apply", (W.apply,)),
    ("fleet", {}, "new_resource", (W.set_resource,)),
    ("resource", {"id": "acme/modules/live"}, "do_editing", (W.set_resource,)),
    ("resource", {"id": "acme/modules/live"}, "do_deleting", (W.delete_resource,)),
    ("repositories", {}, "register", (W.add_repository,)),
    ("repositories", {"name": "fc"}, "sync", (W.sync,)),
    ("repositories", {"name": "fc"}, "dry_run", (W.dry_run,)),
    ("repositories", {"name": "fc"}, "check", (W.look_at,)),
    ("repositories", {"name": "fc"}, "pause", (W.pause,)),
    ("repositories", {"name": "fc"}, "remove", (W.remove_repository,)),
    ("repositories", {"name": "fc"}, "change", (W.change_repository,)),
    ("repositories", {"name": "by-ssh"}, "host_key", (W.offered_host_key,)),
    ("export", {}, "drill", (W.drill,)),
    ("overview", {}, "strip_pause", (W.pause,)),
    ("settings", {}, "token_new", (W.create_token,)),
    ("settings", {}, "notify_test", (W.test_notifications,)),
    ("settings", {}, "compact", (W.prune, W.compact)),
]
"""Page, its address, a button, and the verbs that it leads to: what they declare is what it takes to press it."""


@pytest.fixture
def ready(filled: Workbench) -> Workbench:
    """One proposal pending, one approved, one resource made by hand; and somewhere to send notifications to."""
    filled.approve(ME, [2])
    filled.set_resource(ME, ResourceKey("acme", "modules", "live"), {})
    filled.add_repository(ME, "by-ssh", "ssh://git@git.example.com/x.git", account="acme")
    filled.settings = replace(filled.settings, notify_url="http://127.0.0.1:1/hook")
    return filled


@pytest.mark.parametrize(("page", "query", "key", "verbs"), BUTTONS)
def test_a_button_is_for_those_who_may(
    ready: Workbench,
    serving: Service,
    dashboard: Dashboard,
    page: str,
    query: dict[str, str],
    key: str,
    verbs: tuple[Any, ...],
) -> None:
    needs = {need_of(verb).permission for verb in verbs}
    serving.operator = Actor("eve", frozenset({READ, *needs}))
    button = dashboard(page, **query).button(key=key)
    assert not button.disabled
    for lacking in needs:
        serving.operator = Actor("eve", frozenset(Permission) - {lacking})
        button = dashboard(page, **query).button(key=key)
        assert button.disabled
        assert str(lacking) in button.help.replace("\\", "")


def test_a_role_that_is_taken_away_in_between_is_noticed_at_the_click(
    ready: Workbench, serving: Service, dashboard: Dashboard
) -> None:
    app = dashboard("approvals", select="1")
    app.button(key="do_approve").click().run()
    serving.operator = Actor("eve", frozenset({READ}))
    app.button(key="decide_confirm").click().run()
    calm(app)
    assert "FLEET-600" in texts(app).replace("\\", "")
    assert ready.proposal(1).status is Status.PENDING
    serving.operator = Actor("eve")
    app = dashboard("resource", id="acme/modules/live")
    app.button(key="do_editing").click().run()
    app.number_input(key="edit_priority").set_value(77).run()
    serving.operator = Actor("eve", frozenset({READ}))
    app.button(key="edit_save").click().run()
    assert "FLEET-600" in texts(app).replace("\\", "")
    assert ready.resource(ResourceKey("acme", "modules", "live")).spec["priority"] == 0


@pytest.fixture
def signing_in(ready: Workbench, serving: Service) -> Workbench:
    rules = "ana@acme.example=admin, group:sre=operator, group:leads=reviewer+operator, @acme.example=viewer, @rival.example=admin:rival"
    ready.settings = replace(
        ready.settings,
        oidc_metadata_url="https://idp.example/x",
        oidc_client_id="fw",
        oidc_client_secret="s",
        roles=rules,
    )
    return ready


def as_user(page: str, claims: dict[str, Any], **query: str) -> AppTest:
    app = AppTest.from_file(str(NAVIGATION), default_timeout=30)
    app.user = claims
    if page != "overview":
        app.switch_page(f"{page}.py")
    for name, given in query.items():
        app.query_params[name] = given
    app.run()
    calm(app)
    return app


def claims(email: str, **more: Any) -> dict[str, Any]:
    """What the provider says of somebody who has just signed in; `nonce` tells two sign-ins apart."""
    return {
        "is_logged_in": True, "email": email, "email_verified": True, "sub": email, "iat": int(time.time()), "nonce": "1", **more,
    }  # fmt: skip


def test_nobody_sees_anything_before_they_have_signed_in(signing_in: Workbench) -> None:
    for page in ("overview", "approvals", "settings", "repositories", "export"):
        app = as_user(page, {"is_logged_in": False})
        assert [b.label for b in app.button] == ["Sign in"]
        said = texts(app)
        assert "fc" not in said.split()
        assert "nginx" not in said


def test_who_has_no_role_is_told_so_and_sees_nothing(signing_in: Workbench) -> None:
    for known in (claims("eve@evil.example"), claims("ana@acme.example", email_verified=False)):
        app = as_user("approvals", known)
        assert "you have no role here" in texts(app)
        assert [b.label for b in app.button] == ["Sign out"]
        assert "nginx" not in texts(app)
    assert "does not confirm that your address is verified" in texts(app)
    assert "for example oidc:ana@acme.example=viewer" in texts(app).replace("\\", "").replace("\u2060", "")


@pytest.mark.parametrize(
    ("known", "name", "roles"),
    [
        (claims("Ana@acme.example"), "ana@acme.example", {Role.ADMIN}),
        (claims("ben@acme.example"), "ben@acme.example", {Role.VIEWER}),
        (claims("cy@other.example", groups=["sre", "x"]), "cy@other.example", {Role.OPERATOR}),
        (claims("dee@acme.example", groups=["leads"]), "dee@acme.example", {Role.REVIEWER, Role.OPERATOR}),
    ],
)
def test_a_role_decides_what_may_be_pressed(
    signing_in: Workbench, known: dict[str, Any], name: str, roles: set[Role]
) -> None:
    may = frozenset[Permission]().union(*(PERMISSIONS[role] for role in roles))
    app = as_user("approvals", known, select="1")
    assert name in texts(app).replace("\\", "")
    assert " and ".join(sorted(roles)) in texts(app)
    assert app.button(key="do_approve").disabled is (REVIEW not in may)
    assert app.button(key="do_approve_and_apply").disabled is (not {REVIEW, APPLY} <= may)
    if REVIEW in may:
        app.button(key="do_approve").click().run()
        app.button(key="decide_confirm").click().run()
        calm(app)
        assert signing_in.proposal(1).decided_by == name


def test_who_belongs_to_one_account_sees_and_stops_nothing_else(signing_in: Workbench) -> None:
    signing_in.set_resource(ME, ResourceKey("rival", "modules", "theirs"), {})
    for page in ("overview", "approvals", "runs", "drift", "fleet", "graph", "repositories", "export", "audit"):
        said = texts(as_user(page, claims("rob@rival.example"))).replace("\\", "")
        assert "nginx" not in said, page
        assert "acme" not in said, page
    assert "FLEET-603" in texts(as_user("repositories", claims("rob@rival.example"), name="fc"))
    assert "nginx" not in texts(as_user("proposal", claims("rob@rival.example"), id="1"))
    assert "nginx" not in texts(as_user("resource", claims("rob@rival.example"), id="acme/modules/live"))
    assert as_user("overview", claims("rob@rival.example")).button(key="strip_pause").disabled
    app = as_user("fleet", claims("rob@rival.example"), account="acme")
    assert "theirs" in texts(app), "an address that names another account changes nothing"


HOUSE = {
    "roles": "ana@acme.example=admin, @rival.example=viewer:rival, ops@canary-of-a-rule.example=viewer",
    "vault_address": "https://canary-of-vault.example.com",
    "vault_role_id": "canary-of-a-role",
    "git_ca_file": "/etc/canary-of-a-file.pem",
    "gitea_url": "https://canary-of-gitea.example.com",
    "notify_url": "https://hooks.example.com/canary-of-a-notification",
}
"""Settings that say how the house is set up."""

SECRET = {"notify_url"}
"""Those that nobody is shown."""


def test_what_is_of_the_house_is_shown_to_people_of_every_account_alone(
    signing_in: Workbench, serving: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing_in.settings = replace(signing_in.settings, **HOUSE)  # type: ignore[arg-type]
    theirs = Job(1, "sync fc", "Sync fc", "ana@acme.example")
    monkeypatch.setattr(serving.jobs, "going", lambda: [theirs])
    viewer, admin = claims("rob@rival.example"), claims("ana@acme.example")
    for page in ("overview", "approvals", "runs", "drift", "fleet", "graph", "repositories", "export", "audit", "settings"):  # fmt: skip
        said = texts(as_user(page, viewer))
        for word in ("canary", str(signing_in.settings.home), "Sync fc", "fleet_events", "ana@acme.example", "duckdb"):
            assert word not in said, (page, word)
    app = as_user("settings", viewer)
    assert {"compact", "notify_test"}.isdisjoint({button.key for button in app.button})
    assert not app.expander
    said = texts(as_user("settings", admin))
    for name, text in HOUSE.items():
        assert (text in said) is (name not in SECRET), name
    assert "Sync fc" in said
    assert "FLEET_NOTIFY_URL" in said
    assert str(signing_in.settings.home) in said


def test_a_switch_that_lets_ticks_decide_is_for_those_who_may_decide(
    ready: Workbench, serving: Service, dashboard: Dashboard
) -> None:
    ready.change_repository(ME, "fc", {"auto_heal": True})
    for lacking in (REVIEW, APPLY):
        serving.operator = Actor("eve", frozenset(Permission) - {lacking})
        app = dashboard("repositories")
        app.button(key="register").click().run()
        for name in ("auto_apply", "auto_prune", "auto_heal"):
            assert app.checkbox(key=f"new_{name}").disabled
            assert lacking in app.checkbox(key=f"new_{name}").help.replace("\\", "")
        app = dashboard("repositories", name="fc")
        app.button(key="change").click().run()
        calm(app)
        able = {name: not app.toggle(key=f"set_{name}").disabled for name in ("enabled", "auto_apply", "auto_heal")}
        assert able == {"enabled": True, "auto_apply": False, "auto_heal": True}, "off is for everybody who may write"
        app.text_input(key="set_branch").set_value("next").run()
        app.button(key="set_save").click().run()
        assert "FLEET-600" in texts(app).replace("\\", "")
        assert str(lacking) in texts(app).replace("\\", "")
        assert ready.repository("fc").branch == "main"
    serving.operator = Actor("eve", frozenset({READ, WRITE, REVIEW, APPLY}))
    app = dashboard("repositories", name="fc")
    app.button(key="change").click().run()
    app.toggle(key="set_auto_apply").set_value(True).run()
    app.button(key="set_save").click().run()
    assert ready.repository("fc").auto_apply


def test_trusting_another_host_key_is_for_those_who_may_decide(
    ready: Workbench, serving: Service, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, pinned = (f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{letter * 43}" for letter in "AB")
    monkeypatch.setattr("engine.flow.sync.offered_host_key", lambda *_: shown)
    for key, needs in ((None, {WRITE}), (pinned, {WRITE, REVIEW, APPLY})):
        ready.change_repository(ME, "by-ssh", {"ssh_host_key": key})
        for held in (needs, needs - {REVIEW}):
            serving.operator = Actor("eve", frozenset({READ, *held}))
            app = dashboard("repositories", name="by-ssh")
            app.button(key="host_key").click().run()
            calm(app)
            assert app.button(key="trust").disabled is (not needs <= held), (key, held)


ENDED = "Your sign-in has ended."


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    calm(app)
    return app


def outside(app: AppTest) -> None:
    """The door is all that there is, and it says why."""
    calm(app)
    assert ENDED in texts(app).replace("\\", "")
    assert "Sign in again" in texts(app)
    assert [b.label for b in app.button] == ["Sign in"]
    assert "nginx" not in texts(app)


def test_signing_out_in_one_tab_ends_the_others_before_they_do_anything(signing_in: Workbench) -> None:
    """Each tab holds a button of another kind: one that calls back, one in a dialog, one in a strip that draws itself anew."""
    ana = claims("ana@acme.example")
    first, strip, dialog, proposal = (
        as_user("overview", ana),
        as_user("overview", ana),
        as_user("approvals", ana, select="1"),
        as_user("proposal", ana, id="1"),
    )
    elsewhere = as_user("overview", claims("ana@acme.example", nonce="another browser"))
    press(strip, "strip_pause")
    strip.text_input(key="pause_reason").set_value("frozen").run()
    press(dialog, "do_approve")
    press(first, "sign_out")
    for app, key in (
        (strip, "pause_confirm"),
        (dialog, "decide_confirm"),
        (proposal, "do_reject"),
        (elsewhere, "strip_pause"),
    ):
        outside(app.button(key=key).click().run())
    assert signing_in.pauses() == []
    assert signing_in.proposal(1).status is Status.PENDING
    outside(as_user("approvals", ana))
    back = as_user("approvals", claims("ana@acme.example", nonce="2", iat=int(time.time()) + 1))
    assert "nginx" in texts(back)
    types = [e.event.type for e in signing_in.events() if e.event.type.startswith("access.")]
    assert types == ["access.signed_in", "access.signed_out", "access.signed_in", "access.signed_in"]


def test_a_button_that_calls_back_does_nothing_after_the_end_of_the_sign_in(signing_in: Workbench) -> None:
    signing_in.pause(ME, "frozen")
    ana = claims("ana@acme.example")
    app = as_user("overview", ana)
    signing_in.leave(ana)
    outside(app.button(key="strip_resume").click().run())
    assert len(signing_in.pauses()) == 1


def test_a_sign_in_ends_with_its_hours_on_a_page_that_stays_open(signing_in: Workbench) -> None:
    app = as_user("approvals", claims("ana@acme.example"), select="1")
    press(app, "do_approve")
    now = signing_in.store.clock
    signing_in.store.clock = lambda: now() + timedelta(hours=11, minutes=59)
    app.run()
    assert "nginx" in texts(app)
    signing_in.store.clock = lambda: now() + timedelta(hours=12)
    outside(app.button(key="decide_confirm").click().run())
    assert signing_in.proposal(1).status is Status.PENDING


def test_who_has_no_name_that_is_allowed_is_told_what_to_do(signing_in: Workbench) -> None:
    app = as_user("approvals", claims("gitops@", sub="gitops_auto_apply", email_verified=False))
    said = texts(app).replace("\\", "")
    assert "FLEET-665" in said
    assert "Ask the administrator of the identity provider" in said
    assert "nginx" not in said


def test_an_admin_sees_who_is_signed_in_and_throws_them_out_with_their_tokens(signing_in: Workbench) -> None:
    ana, ben = claims("ana@acme.example"), claims("ben@acme.example")
    theirs = as_user("overview", ben)
    assert "People" not in [each.value for each in as_user("settings", ben).subheader]
    rob = as_user("settings", claims("rob@rival.example"))
    assert "People" not in [each.value for each in rob.subheader], "of every account, so for nobody of one"
    _, jwt = signing_in.create_token(Actor("ben@acme.example"), "cron", account="*", permissions=[READ])
    app = as_user("settings", ana)
    assert "ben@acme.example" in texts(app)
    app.session_state[key_of(signing_in.people(ME))] = {"selection": {"rows": [1], "columns": []}}
    app.run()
    press(app, "person_out")
    app.checkbox(key="person_keep_out").check().run()
    press(app, "person_out_confirm")
    theirs.run()
    assert "An administrator has ended your access" in texts(theirs)
    again = as_user("overview", claims("ben@acme.example", nonce="2", iat=int(time.time()) + 2))
    assert "An administrator has ended your access" in texts(again)
    with pytest.raises(AccessDenied, match="FLEET-663"):
        signing_in.bearer(jwt)
    app = as_user("settings", ana)
    assert "kept out" in texts(app)
    app.session_state[key_of(signing_in.people(ME))] = {"selection": {"rows": [1], "columns": []}}
    app.run()
    press(app, "person_let_in")
    again.run()
    assert "ben@acme.example" in texts(again).replace("\\", "").replace("\u2060", "")
