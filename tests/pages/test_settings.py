"""The Settings page: tokens made, shown once and revoked; notifications tried; webhooks on a repository's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from streamlit.testing.v1 import AppTest

from engine.model import Permission
from engine.server.service import Service
from engine.store.events import EventFilter
from engine.workbench import Workbench
from tests.notify.test_courier import Receiver
from tests.pages.conftest import ME, Dashboard, calm, texts


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    calm(app)
    return app


def test_a_token_is_made_shown_once_and_works(filled: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("settings"), "token_new")
    app.text_input(key="token_name").set_value("nightly").run()
    app.selectbox(key="token_account").set_value("acme").run()
    app.multiselect(key="token_permissions").set_value([Permission.READ, Permission.SYNC]).run()
    app.selectbox(key="token_days").set_value(7).run()
    press(app, "token_make")
    (text,) = [code.value for code in app.code]
    actor = filled.bearer(text)
    assert (actor.name, actor.account, actor.permissions) == (
        "token:nightly",
        "acme",
        {Permission.READ, Permission.SYNC},
    )
    (token,) = filled.tokens(ME)
    assert (token.expires_at - datetime.now(UTC)).days in {6, 7}
    press(app, "token_done")
    assert not app.code
    assert text not in texts(app)
    assert "nightly" in texts(app)
    assert text not in texts(dashboard("settings"))


def test_what_cannot_be_made_is_said_and_nothing_typed_is_lost(filled: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("settings"), "token_new")
    app.text_input(key="token_name").set_value("a/b").run()
    press(app, "token_make")
    assert "FLEET-629" in texts(app)
    assert app.text_input(key="token_name").value == "a/b"
    app.text_input(key="token_name").set_value("ok").run()
    app.multiselect(key="token_permissions").set_value([]).run()
    press(app, "token_make")
    assert "FLEET-671" in texts(app)
    assert filled.tokens(ME) == []


def test_a_token_is_revoked_after_a_question(filled: Workbench, dashboard: Dashboard) -> None:
    row, text = filled.create_token(ME, "gone", account="*", permissions=[Permission.READ])
    app = dashboard("settings")
    app.session_state[f"tokens_{row.id}_1"] = {"selection": {"rows": [0], "columns": []}}
    app.run()
    press(app, "token_revoke")
    press(app, "token_revoke_confirm")
    assert filled.tokens(ME)[0].revoked_at is not None
    assert "revoked" in texts(app)
    assert text not in texts(app)


def test_a_test_of_notifications_says_what_came_of_it(filled: Workbench, dashboard: Dashboard) -> None:
    assert "Notifications are not set up" in texts(dashboard("settings"))
    receiver = Receiver()
    filled.settings = replace(filled.settings, notify_url=receiver.url, slack_url="http://127.0.0.1:1/canary-of-slack")
    said = texts(press(dashboard("settings"), "notify_test"))
    assert "webhook: delivered" in said.replace("\\", "")
    assert "slack: away: it cannot be reached" in said.replace("\\", "")
    assert "canary-of-slack" not in said
    assert receiver.bodies[0]["type"] == "fleet-workbench.test"
    receiver.close()


def test_the_store_is_compacted_and_what_is_kept_is_said(filled: Workbench, dashboard: Dashboard) -> None:
    app = dashboard("settings")
    said = texts(app)
    assert "events and runs 90 days, failed and partial runs 365 days" in said
    press(app, "compact")
    assert "Deleted nothing; the store has" in app.toast[0].value
    assert len(filled.find_events(EventFilter(types=("store.compacted",)))) == 1


def test_a_repository_shows_where_pushes_go_and_what_came_in(
    filled: Workbench, serving: Service, dashboard: Dashboard
) -> None:
    said = texts(dashboard("repositories", name="fc"))
    assert "/api/v1/webhooks/github" in said
    assert "webhooks are refused until FLEET_WEBHOOK_SECRET is set" in said
    filled.settings = replace(
        filled.settings, webhook_secret="canary-of-a-hook", public_url="https://fleet.example.com"
    )
    assert "No push was received yet" in texts(dashboard("repositories", name="fc"))
    filled.note_deliveries("gitlab", "7", "<b>9f2c41d0</b>", [(1, "tick requested")])
    said = texts(dashboard("repositories", name="fc"))
    assert "https://fleet.example.com/api/v1/webhooks/gitlab" in said
    assert "&lt;b&gt;9f2c" in said
    assert "tick requested" in said
    assert "canary-of-a-hook" not in said
