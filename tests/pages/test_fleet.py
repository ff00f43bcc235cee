"""The inventory and a resource's page: standing, blame, references, past, and edits by hand."""

from __future__ import annotations

import csv
import io

import pytest
from streamlit.testing.v1 import AppTest

from engine.model import Actor, ResourceKey
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.pages.conftest import FLEET_FILE, ME, Dashboard, texts
from tests.pages.test_approvals import press, run

NGINX = ResourceKey("acme", "modules", "nginx")
BEN = Actor("ben")


def states(app: AppTest) -> dict[str, str]:
    return {row["resource"]: row["state"][0] for row in app.dataframe[0].value.to_dict("records")}


def test_an_empty_fleet_says_how_it_fills(dashboard: Dashboard) -> None:
    assert "The live fleet is empty" in texts(dashboard("fleet"))


def test_each_resource_shows_how_it_stands(applied: Workbench, git_repo: GitRepository, dashboard: Dashboard) -> None:
    applied.set_resource(BEN, NGINX, {"priority": 70})
    applied.set_resource(BEN, ResourceKey("acme", "modules", "own"), {})
    git_repo.push(FLEET_FILE.replace("rack: a1", "rack: a2"))
    applied.sync(ME, "fc")
    found = states(dashboard("fleet"))
    assert found["modules/nginx"] == "drifted"
    assert found["modules/own"] == "unmanaged"
    assert found["nodes/app-01"] == "pending"
    assert found["nodes/app-02"] == "in sync"
    assert set(states(dashboard("fleet", state="drifted"))) == {"modules/nginx"}
    assert set(states(dashboard("fleet", section="nodes", q="02"))) == {"nodes/app-02"}
    assert "Nothing matches" in texts(dashboard("fleet", q="zzz"))


def test_the_past_is_listed_as_it_was(applied: Workbench, dashboard: Dashboard) -> None:
    applied.delete_resource(BEN, ResourceKey("acme", "assignments", "app-01:nginx"))
    before = applied.events(limit=1)[0].at.replace(second=0, microsecond=0)
    said = dashboard("fleet", at=before.strftime("%Y-%m-%dT%H:%M"))
    assert "The fleet at" in texts(said) or "Nothing matches" in texts(said)


def test_values_show_who_set_them(applied: Workbench, dashboard: Dashboard) -> None:
    applied.set_resource(BEN, NGINX, {"priority": 70}, note="SEV-2")
    said = texts(dashboard("resource", id=NGINX.text))
    row = next(part for part in said.split("<tr>") if ">priority<" in part)
    assert "ben" in row
    assert "by hand" in row
    assert "SEV-2" in row
    row = next(part for part in said.split("<tr>") if ">config.workers<" in part)
    assert "proposal 2" in row
    assert "Change the fleet" in row


def test_a_node_shows_its_effective_modules_by_priority(applied: Workbench, dashboard: Dashboard) -> None:
    said = texts(dashboard("resource", id="acme/nodes/app-01"))
    table = said[said.index("<th>Priority</th>") :].split("</table>")[0]
    cells = [cell.split(">")[-1] for cell in table.split("</td>")][:5]
    assert cells == ["60", "nginx", "1.26.0", "on", "assignments/app-01:nginx"]
    said = texts(dashboard("resource", id="acme/nodes/app-02"))
    assert "templates/web" in said[said.index("<th>Priority</th>") :]


def test_references_lead_both_ways(applied: Workbench, dashboard: Dashboard) -> None:
    app = dashboard("resource", id=NGINX.text)
    labels = {link.proto.label.replace("\\", "") for link in app.get("page_link")}
    assert {"modules/base", "templates/web", "assignments/app-01:nginx"} <= labels
    assert "nodes/app-02" not in labels


def test_an_edit_by_hand_sends_what_changed_with_its_note(applied: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("resource", id=NGINX.text), "do_editing")
    assert "Repository fc owns this resource" in texts(app)
    press(app, "edit_save")
    assert "You have not changed anything yet" in texts(app)
    app.number_input(key="edit_priority").set_value(77)
    app.text_area(key="edit_config").input('{"workers": 16}')
    app.text_input(key="edit_note").input("SEV-2")
    run(app)
    press(app, "edit_save")
    newest, before = applied.history(NGINX)[:2]
    assert newest.spec == {**(before.spec or {}), "priority": 77, "config": {"workers": 16}}
    assert (newest.note, newest.cause) == ("SEV-2", "edit")
    assert applied.events(limit=1)[0].event.data == {"fields": ["config", "priority"]}


def test_a_map_that_cannot_be_read_is_told_and_kept(applied: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("resource", id=NGINX.text), "do_editing")
    app.text_area(key="edit_config").input("{workers: ")
    run(app)
    assert "FLEET-623" in texts(app)
    assert app.text_area(key="edit_config").value == "{workers: "


def test_an_edit_of_what_moved_meanwhile_is_refused(applied: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("resource", id=NGINX.text), "do_editing")
    applied.set_resource(BEN, NGINX, {"priority": 1})
    app.number_input(key="edit_priority").set_value(77)
    run(app)
    press(app, "edit_save")
    assert "FLEET-626" in texts(app)
    assert applied.resource(NGINX).spec["priority"] == 1


def test_a_delete_that_would_break_something_names_it(applied: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("resource", id=NGINX.text), "do_deleting")
    app.text_input(key="delete_name").input("nginx")
    run(app)
    press(app, "delete_confirm")
    assert "FLEET-625" in texts(app)
    key = ResourceKey("acme", "assignments", "app-01:nginx")
    app = press(dashboard("resource", id=key.text), "do_deleting")
    app.text_input(key="delete_name").input(key.name)
    run(app)
    press(app, "delete_confirm")
    assert applied.history(key)[0].spec is None
    assert "no longer live" in texts(dashboard("resource", id=key.text))


def test_it_is_let_go_of(applied: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("resource", id=NGINX.text), "do_releasing")
    press(app, "release_confirm")
    assert applied.resource(NGINX).holder is None


def test_one_is_made_by_hand(applied: Workbench, dashboard: Dashboard) -> None:
    app = press(dashboard("fleet"), "new_resource")
    app.selectbox(key="new_section").set_value("modules")
    run(app)
    app.text_input(key="new_name").input("varnish")
    app.number_input(key="new_modules_priority").set_value(5)
    run(app)
    press(app, "new_create")
    assert applied.resource(ResourceKey("acme", "modules", "varnish")).spec["priority"] == 5


@pytest.mark.parametrize("named", ["", "x", "acme/nonsense/x", "acme/nodes/never", "a/b/c/d", "acme//x"])
def test_a_resource_that_is_not_there_is_said_so(applied: Workbench, dashboard: Dashboard, named: str) -> None:
    said = texts(dashboard("resource", id=named))
    assert "The address contains no resource" in said.replace("\\", "") or "has never existed" in said


def test_the_list_downloads_without_formulas(applied: Workbench) -> None:
    from engine.present.downloads import csv as written

    rows = list(csv.DictReader(io.StringIO(written([{"name": "=1+1", "spec": {"a": 1}, "n": 3}]).decode())))
    assert rows == [{"name": "'=1+1", "spec": '{"a":1}', "n": "3"}]


@pytest.mark.parametrize(
    "at", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00", "9999-12-31T23:59", "x", "\0"]
)
@pytest.mark.parametrize("page", ["fleet", "graph", "export", "resource"])
def test_a_time_in_the_address_that_cannot_be_is_left_out(
    applied: Workbench, dashboard: Dashboard, page: str, at: str
) -> None:
    assert "nginx" in texts(dashboard(page, at=at, **({"id": NGINX.text} if page == "resource" else {})))


def test_an_earlier_version_is_restored_by_hand(applied: Workbench, dashboard: Dashboard) -> None:
    applied.set_resource(Actor("ben"), NGINX, {"priority": 70, "config": {"workers": 9}})
    app = dashboard("resource", id=NGINX.text)
    assert not [button for button in app.button if button.key == "do_restoring"], "it stands as the newest one says"
    app.selectbox(key="version_shown").select_index(1)
    app = press(run(app), "do_restoring")
    said = texts(app)
    assert 'class="was">70' in said[said.index("Changes the live fleet immediately") :]
    press(app, "restore_confirm")
    newest = applied.history(NGINX, 1)[0]
    assert (newest.spec or {})["priority"] == 50
    assert (newest.spec or {})["config"] == {"workers": 4}
    assert (newest.actor, newest.note) == ("root", "Back to version 1")


def test_a_version_of_one_resource_is_not_restored_over_another(applied: Workbench, dashboard: Dashboard) -> None:
    applied.set_resource(Actor("ben"), NGINX, {"priority": 70})
    app = dashboard("resource", id=NGINX.text)
    app.selectbox(key="version_shown").select_index(1)
    app = press(run(app), "do_restoring")
    app.query_params["id"] = "acme/modules/base"  # as Back does it, with the dialog open
    app = run(app)
    assert "base" in app.title[0].value
    assert not [button for button in app.button if button.key == "restore_confirm"]


def test_what_moved_while_the_dialog_was_open_is_not_restored_over(applied: Workbench, dashboard: Dashboard) -> None:
    applied.set_resource(Actor("ben"), NGINX, {"priority": 70})
    app = dashboard("resource", id=NGINX.text)
    app.selectbox(key="version_shown").select_index(1)
    app = press(run(app), "do_restoring")
    applied.set_resource(Actor("eve"), NGINX, {"priority": 80})
    assert "FLEET-626" in texts(press(app, "restore_confirm"))
    assert applied.resource(NGINX).spec["priority"] == 80


def test_what_is_gone_is_restored_from_its_past(applied: Workbench, dashboard: Dashboard) -> None:
    gone = ResourceKey("acme", "modules", "spare")
    applied.set_resource(Actor("ben"), gone, {"priority": 5})
    applied.delete_resource(Actor("ben"), gone)
    app = dashboard("resource", id=gone.text)
    app.selectbox(key="version_shown").select_index(1)
    press(press(run(app), "do_restoring"), "restore_confirm")
    assert applied.resource(gone).spec["priority"] == 5
