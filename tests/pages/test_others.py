"""Drift, graph, export, audit and settings."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from engine.model import Actor, Permission, ResourceKey
from engine.paths import field_changes
from engine.present.downloads import parquet
from engine.server.kept import Kept
from engine.server.service import Service
from engine.workbench import Workbench
from engine.workbench.reader import EventFilter, Reader
from tests.conftest import GitRepository
from tests.pages.conftest import FLEET_FILE, ME, Dashboard, texts
from tests.pages.test_approvals import press, run

NGINX = ResourceKey("acme", "modules", "nginx")
BEN = Actor("ben")


@pytest.fixture
def drifted(applied: Workbench) -> Workbench:
    """Ben has changed nginx by hand, and the tick has seen it."""
    applied.set_resource(BEN, NGINX, {"priority": 70}, note="SEV-2")
    applied.sync(ME, "fc")
    return applied


# Drift


def test_without_drift_the_page_says_what_it_is(applied: Workbench, dashboard: Dashboard) -> None:
    assert "There is no drift" in texts(dashboard("drift"))
    assert "No episode matches" in texts(dashboard("drift", show="all"))


def test_an_episode_says_who_and_what_and_is_reverted(drifted: Workbench, dashboard: Dashboard) -> None:
    app = dashboard("drift")
    said = texts(app)
    assert "changed by **ben**" in said
    assert 'priority</td><td class="mono dim">50</td><td class="mono"><span class="was">70</span>' in said
    assert len(app.get("plotly_chart")) == 1
    press(press(app, "revert_1"), "decide_confirm")
    assert drifted.resource(NGINX).spec["priority"] == 50
    drifted.sync(ME, "fc")
    assert "There is no drift" in texts(dashboard("drift"))
    assert "reverted" in texts(dashboard("drift", show="closed"))
    assert list(dashboard("drift").dataframe[0].value["times"]) == [1]


def test_the_lines_to_codify_close_the_episode(
    drifted: Workbench, git_repo: GitRepository, dashboard: Dashboard
) -> None:
    said = texts(press(dashboard("drift"), "codify_1"))
    assert "modules:\n  nginx:\n    priority: 70" in said
    git_repo.push(FLEET_FILE.replace("priority: 50, version", "priority: 70, version"))
    drifted.sync(ME, "fc")
    assert "codified" in texts(dashboard("drift", show="closed"))


def test_a_rejected_revert_says_why_there_is_no_button(drifted: Workbench, dashboard: Dashboard) -> None:
    (proposal,) = drifted.live_proposals()
    drifted.reject(ME, [proposal.id], "keep it until Monday")
    app = press(dashboard("drift"), "revert_1")
    assert "This decision is no longer possible" in texts(app)


# Graph


def test_the_graph_draws_resources_and_the_table_lists_them(drifted: Workbench, dashboard: Dashboard) -> None:
    app = dashboard("graph")
    assert len(app.get("plotly_chart")) == 1
    rows = {row["resource"]: row for row in app.dataframe[0].value.to_dict("records")}
    assert rows["modules/base"]["layer"] == 0
    assert rows["templates/web"]["layer"] == 2
    assert rows["modules/nginx"]["state"] == ["drifted"]
    near = dashboard("graph", near="acme/modules/base").dataframe[0].value
    assert set(near["resource"]) == {"modules/base", "modules/nginx"}
    assert "This resource does not exist" in texts(dashboard("graph", near="modules/nope"))
    assert "Nothing matches" in texts(dashboard("graph", state="failed"))
    assert "The live fleet was empty" in texts(dashboard("graph", at="2020-01-01T00:00"))
    past = dashboard("graph", at="2030-01-01T00:00").dataframe[0].value
    assert {tuple(state) for state in past["state"]} == {("past",)}


def test_what_is_too_much_to_read_is_grouped(serving: Service, dashboard: Dashboard, git_repo: GitRepository) -> None:
    bench = serving.workbench
    bench.set_resource(ME, ResourceKey("acme", "modules", "base"), {})
    for number in range(301):
        bench.set_resource(ME, ResourceKey("acme", "modules", f"m{number:03}"), {"depends_on": ["base"]})
    app = dashboard("graph")
    assert "too many to draw individually" in texts(app)
    assert "modules 302" in app.get("plotly_chart")[0].proto.spec


def test_the_plan_stands_in_waves(filled: Workbench, dashboard: Dashboard) -> None:
    assert "No proposal is approved" in texts(dashboard("graph", view="Plan of the next apply"))
    chosen = dashboard("graph", view="Plan of the next apply", repository="fc")
    assert "Nothing of repository fc is approved" in texts(chosen)
    filled.approve(ME, [p.id for p in filled.live_proposals() if p.key.address != "modules/base"])
    said = texts(dashboard("graph", view="Plan of the next apply"))
    assert "would be skipped" in said
    filled.approve(ME, [1])
    said = texts(dashboard("graph", view="Plan of the next apply"))
    assert said.index("Wave 1") < said.index("modules/base") < said.index("Wave 2") < said.index("nodes/app-01")


# Export


def test_the_export_is_shown_and_drilled(applied: Workbench, dashboard: Dashboard) -> None:
    app = dashboard("export")
    assert "account: acme" in texts(app)
    assert "No drill yet" in texts(app)
    press(app, "drill")
    said = texts(app)
    assert "**Passed.** 8 resources restored unchanged" in said.replace("\\", "")
    assert applied.last_drill("acme") is not None


def test_a_drill_that_failed_is_shown_with_why_and_what_to_do(
    applied: Workbench, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Reader.export
    monkeypatch.setattr(
        Reader, "export", lambda self, **given: real(self, **given).replace("\nmodules:", "\nmodule:", 1)
    )
    app = dashboard("export")
    press(app, "drill")
    said = texts(app).replace("\\", "")
    assert "**Failed.** (FLEET-632) the file was rejected: FLEET-1" in said
    assert "**What to do next.** Change the resources in the message in the live fleet" in said
    (toast,) = app.toast
    assert "(FLEET-632) Change the resources in the message" in toast.value.replace("\\", "")


def test_kept_snapshots_are_shown_and_why_there_is_none(
    applied: Workbench, dashboard: Dashboard, tmp_path: Path
) -> None:
    assert "Kept snapshots" not in texts(dashboard("export"))
    applied.settings = replace(applied.settings, snapshots=str(tmp_path / "kept"))
    said = texts(dashboard("export"))
    assert "every 24 hours and keeps the last 7 of them" in said
    assert "There is no snapshot yet" in said
    Kept(applied).look()
    assert "was written and opened" in texts(dashboard("export")).replace("\\", "")
    applied.settings = replace(applied.settings, snapshots=str(tmp_path / "not-mounted" / "kept"))
    Kept(applied).look()
    said = texts(dashboard("export")).replace("\\", "")
    assert "(FLEET-633) The folder of FLEET_SNAPSHOTS cannot be used" in said
    assert "**What to do next.** Create it or mount its disk" in said
    assert "was written and opened" in said, "what is there to go back to is still shown"


def test_an_export_has_a_scope_and_a_past(drifted: Workbench, dashboard: Dashboard) -> None:
    drifted.set_resource(BEN, ResourceKey("acme", "modules", "own"), {})
    assert "  own:" in texts(dashboard("export", scope="resources that no repository owns"))
    assert "  own:" not in texts(dashboard("export", scope="fc"))
    past = texts(dashboard("export", at="2020-01-01T00:00"))
    assert "nginx" not in past


def test_an_export_over_the_limit_says_the_ways_out(applied: Workbench, dashboard: Dashboard) -> None:
    from dataclasses import replace

    applied.settings = replace(applied.settings, max_file_bytes=100)
    assert "FLEET-630" in texts(dashboard("export"))


# Audit


def test_events_are_found_and_downloaded(drifted: Workbench, dashboard: Dashboard) -> None:
    drifted.reject(ME, [p.id for p in drifted.live_proposals()], "keep it")
    assert len(dashboard("audit").dataframe[0].value) == drifted.count_events(EventFilter())
    only = dashboard("audit", what="decisions of people").dataframe[0].value
    assert set(only["type"]) == {"proposal approved", "proposal rejected"}
    assert list(dashboard("audit", who="ben").dataframe[0].value["resource"]) == ["modules/nginx"]
    assert list(dashboard("audit", q="keep").dataframe[0].value["reason"]) == ["keep it"]
    assert "No event matches" in texts(dashboard("audit", who="nobody"))


def test_a_parquet_download_is_one() -> None:
    rows = [{"at": datetime(2026, 11, 1, tzinfo=UTC), "data": {"a": [1]}, "n": 3}]
    found = pd.read_parquet(io.BytesIO(parquet(rows))).to_dict("records")
    assert found[0]["data"] == '{"a":[1]}'
    assert found[0]["n"] == 3


# Settings


def test_settings_say_what_is_in_force_and_where_it_comes_from(serving: Service, dashboard: Dashboard) -> None:
    said = texts(dashboard("settings"))
    assert "POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK" in said
    row = next(part for part in said.split("<tr>") if "FLEET_ALLOW_LOCAL_REMOTES" in part)
    assert "environment" in row
    assert "not running" in said, "the scheduler of a test does not run"
    assert "fleet_events" in said


def test_who_may_apply_may_drill_and_who_may_only_read_may_look(
    applied: Workbench, serving: Service, dashboard: Dashboard
) -> None:
    serving.operator = Actor("eve", frozenset({Permission.READ, Permission.APPLY}))
    press(dashboard("export"), "drill")
    assert applied.last_drill() is not None
    serving.operator = Actor("eve", frozenset({Permission.READ}))
    assert dashboard("export").button(key="drill").disabled
    for page in (
        "overview",
        "approvals",
        "runs",
        "drift",
        "fleet",
        "graph",
        "repositories",
        "export",
        "audit",
        "settings",
        "help",
    ):
        run(dashboard(page))


def test_the_help_page_shows_the_documentation_without_its_marks(serving: Service, dashboard: Dashboard) -> None:
    said = texts(dashboard("help", topic="security"))
    assert "who trusts whom with what" in said
    assert "FLEET_VAULT_PATHS" in said
    assert "<!--" not in said
    assert "](/help?topic=private-remotes)" in texts(dashboard("help", topic="codes"))


@pytest.mark.parametrize("topic", ["", "nothing-such", "index"])
def test_the_help_page_lists_its_pages(serving: Service, dashboard: Dashboard, topic: str) -> None:
    app = dashboard("help", topic=topic)
    said = texts(app)
    assert ("There is no page" in said) == (topic != "")
    assert [title.value for title in app.title] == ["Help"]
    assert {"Learn", "Do", "Look up", "Understand"} <= {group.value for group in app.subheader}


def test_the_help_page_searches_and_says_what_a_code_means(serving: Service, dashboard: Dashboard) -> None:
    app = dashboard("help", topic="security")
    box = "help_q_security"
    assert "What Vault holds" in texts(app.text_input(key=box).set_value("ssh_key deploy").run())
    assert "No page has all of these words" in texts(app.text_input(key=box).set_value("nosuch <b>").run())
    for said in (
        texts(app.text_input(key=box).set_value("fleet-201").run()),
        texts(dashboard("help", topic="FLEET-201")),
    ):
        assert "The remote cannot be fetched" in said
        assert "fleet repo check NAME" in said


def test_an_event_shows_what_it_changed_from_what_to_what(drifted: Workbench, dashboard: Dashboard) -> None:
    found = drifted.find_events(EventFilter(types=["fleet.updated"]), limit=50)
    app = dashboard("audit", what="fleet.updated")
    app.session_state[f"audit_{found[0].seq}_{len(found)}"] = {"selection": {"rows": [0], "columns": []}}
    said = texts(app.run())
    moved = found[0]
    newest, before = drifted.history(ResourceKey("acme", str(moved.event.kind), str(moved.event.name)), 2)
    for change in field_changes(before.spec, newest.spec):
        assert f'<td class="mono">{change.path}</td>' in said


def test_the_latest_events_lead_on(applied: Workbench, dashboard: Dashboard) -> None:
    applied.set_resource(ME, ResourceKey("acme", "modules", "a&b?"), {})
    said = texts(dashboard())
    assert (
        'href="/resource?id=acme/modules/a%26b%3F"' in said or 'href="/resource?id=acme%2Fmodules%2Fa%26b%3F"' in said
    )
    assert 'href="/runs?id=1"' in said
