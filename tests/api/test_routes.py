"""Each route as a script uses it: what it takes, what it gives, what it refuses."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import pytest
import requests

from engine.model import Actor, ResourceKey
from engine.store.events import EventFilter
from engine.workbench import Workbench
from tests.api.conftest import FILE, ME, Api
from tests.conftest import GitRepository


def test_the_runbook_from_registration_to_an_applied_run(
    call: Api, workbench: Workbench, git_repo: GitRepository
) -> None:
    git_repo.push(FILE)
    wanted = {
        "gitops_repository": {
            "name": "fleet-config", "repo_url": str(git_repo.path), "branch": "main", "path_prefix": "", "enabled": True,
            "auto_apply": False, "account": "acme",
        }
    }  # fmt: skip
    made = call("POST", "system/gitops_repositories", wanted)
    assert made.status_code == 201
    id_ = made.json()["gitops_repository"]["id"]
    assert made.headers["Location"] == f"/api/v1/system/gitops_repositories/{id_}"
    assert call("GET", made.headers["Location"]).json()["gitops_repository"] == made.json()["gitops_repository"]
    synced = call("POST", f"system/gitops_repositories/{id_}/sync_now")
    assert synced.status_code == 200
    run, proposals = synced.json()["gitops_sync_run"], synced.json()["proposals"]
    assert (run["status"], run["trigger"], run["actor"]) == ("success", "manual", "token:ci")
    assert [f"{p['kind']}/{p['name']}" for p in proposals] == ["modules/base", "modules/nginx"]
    ids = [p["id"] for p in proposals]
    reviewed = call("POST", "system/proposals/batch_review", {"ids": [*ids, 99], "action": "approve"}).json()["items"]
    assert [(item["id"], item["status"]) for item in reviewed] == [*((id_, "approved") for id_ in ids), (99, None)]
    assert reviewed[-1]["error"]["code"] == "FLEET-401"
    plan = call("POST", "system/apply", {"dry_run": True, "repository_id": id_}).json()
    assert [[step["name"] for step in wave] for wave in plan["waves"]] == [["base"], ["nginx"]]
    applied = call("POST", "system/apply").json()
    assert [step["name"] for step in applied["applied"]] == ["base", "nginx"]
    assert (applied["failed"], applied["skipped"]) == ([], [])
    after = call("GET", f"system/gitops_sync_runs/{run['id']}").json()
    assert after["status"] == "applied"
    assert [action["id"] for action in after["applied_actions"]] == ids
    assert after["failed_actions"] == []
    again = call("POST", f"system/gitops_repositories/{id_}/sync_now").json()
    assert again["gitops_sync_run"]["status"] == "success"
    assert again["proposals"] == []
    unchanged = call("POST", f"system/gitops_repositories/{id_}/sync_now").json()
    assert unchanged["gitops_sync_run"]["unchanged"] is True
    listed = call("GET", f"system/gitops_repositories/{id_}/sync_runs").json()
    assert [r["id"] for r in listed["items"]] == [again["gitops_sync_run"]["id"], run["id"]]


def test_a_failed_sync_is_an_answer_and_not_an_error(call: Api, workbench: Workbench, git_repo: GitRepository) -> None:
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    answer = call("POST", "system/gitops_repositories/1/sync_now")
    assert answer.status_code == 200
    run = answer.json()["gitops_sync_run"]
    assert (run["status"], run["error"]["code"], run["error"]["stage"]) == ("failed", "FLEET-203", "sync")


def test_a_repository_is_named_by_its_name_too(call: Api, registered: Workbench) -> None:
    where = "system/gitops_repositories"
    assert call("GET", f"{where}/fc").json() == call("GET", f"{where}/1").json()
    assert call("POST", f"{where}/fc/sync_now").json()["gitops_sync_run"]["repository"] == "fc"
    assert call("GET", f"{where}/fc/sync_runs").json() == call("GET", f"{where}/1/sync_runs").json()
    assert call("PATCH", f"{where}/fc", {"gitops_repository": {"branch": "main"}}).json()["notes"] == []
    for name in ("gone", "7", "9" * 30):
        answer = call("GET", f"{where}/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "FLEET-603"), name
    assert call("DELETE", f"{where}/fc").json()["name"] == "fc"


def test_what_a_change_of_the_url_takes_away_is_told(call: Api) -> None:
    where = "system/gitops_repositories"
    wanted = {
        "name": "web",
        "repo_url": "https://one.example/a.git",
        "account": "acme",
        "vault_credential_path": "secret/data/a",
    }
    made = call("POST", where, {"gitops_repository": wanted}).json()
    assert made["notes"] == []
    moved = call("PATCH", f"{where}/web", {"gitops_repository": {"repo_url": "https://two.example/a.git"}}).json()
    assert moved["gitops_repository"]["vault_credential_path"] is None
    assert moved["notes"] == [
        "The new URL has another host. The credential at secret/data/a is for the old host, so it is dropped."
    ]
    given = call("PATCH", f"{where}/web", {"gitops_repository": {"vault_credential_path": "secret/data/a"}}).json()
    (waits,) = given["notes"]
    assert "may be sent to two.example:443" in waits
    assert waits.endswith("Confirm it: POST gitops_repositories/1/trust_credential.")


def test_a_request_id_goes_from_the_caller_to_runs_events_and_back(call: Api, registered: Workbench) -> None:
    answer = call("POST", "system/gitops_repositories/1/sync_now", headers={"X-Request-Id": "cron-4711"})
    assert answer.headers["X-Request-Id"] == "cron-4711"
    assert answer.json()["gitops_sync_run"]["request_id"] == "cron-4711"
    opened = call("GET", "system/fleet_events?type=gitops.proposal_opened").json()["items"]
    assert {event["request_id"] for event in opened} == {"cron-4711"}
    refused = call("GET", "system/proposals/99", headers={"X-Request-Id": "bad id\u00e9".encode().decode("latin-1")})
    assert refused.json()["request_id"] == refused.headers["X-Request-Id"]
    assert len(refused.headers["X-Request-Id"]) == 16, "one of ours instead of what cannot stand in a log"


def test_one_proposal_is_decided_on_and_a_refusal_says_why(call: Api, registered: Workbench) -> None:
    ids = [p.id for p in registered.sync(ME, "fc").proposals]
    approved = call("POST", f"system/proposals/{ids[0]}/approve")
    assert approved.json() == {"items": [{"id": ids[0], "status": "approved", "error": None}]}
    twice = call("POST", f"system/proposals/{ids[0]}/approve")
    assert (twice.status_code, twice.json()["code"], twice.headers["Content-Type"]) == (
        409, "FLEET-402", "application/problem+json",
    )  # fmt: skip
    assert call("POST", f"system/proposals/{ids[0]}/unapprove").json()["items"][0]["status"] == "pending"
    silent = call("POST", f"system/proposals/{ids[1]}/reject", {"reason": "  "})
    assert (silent.status_code, silent.json()["code"]) == (422, "FLEET-404")
    rejected = call("POST", f"system/proposals/{ids[1]}/reject", {"reason": "not now"})
    assert rejected.json()["items"][0]["status"] == "rejected"
    assert call("GET", f"system/proposals/{ids[1]}").json()["reason"] == "not now"
    assert call("POST", "system/proposals/99/approve").status_code == 404


def test_what_live_has_outdated_is_not_approved(call: Api, registered: Workbench) -> None:
    (first, *_) = registered.sync(ME, "fc").proposals
    registered.set_resource(Actor("ben"), first.key, {})
    answer = call("POST", f"system/proposals/{first.id}/approve")
    assert (answer.status_code, answer.json()["code"]) == (409, "FLEET-403")


def test_lists_come_in_pages_and_the_last_one_says_so(call: Api, workbench: Workbench, git_repo: GitRepository) -> None:
    modules = "".join(f"  m{number:02}: {{}}\n" for number in range(12))
    git_repo.push(f"version: 1\naccount: acme\nmodules:\n{modules}")
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    ids = [p.id for p in workbench.sync(ME, "fc").proposals]
    workbench.approve(ME, ids)
    workbench.apply(ME)

    def pages(path: str, cursor: str, limit: int) -> list[list[Any]]:
        found, next_ = [], None
        while True:
            page = call("GET", path, params={"limit": limit, **({cursor: next_} if next_ is not None else {})}).json()
            found.append([row.get("id") or row.get("seq") or row["name"] for row in page["items"]])
            next_ = page["next"]
            if next_ is None:
                return found

    assert pages("system/proposals", "before", 5) == [ids[:6:-1], ids[6:1:-1], ids[1::-1]]
    assert [len(page) for page in pages("system/proposals", "before", 6)] == [6, 6]
    names = [f"m{number:02}" for number in range(12)]
    assert pages("system/fleet/modules", "after", 5) == [names[:5], names[5:10], names[10:]]
    events = [seq for page in pages("system/fleet_events", "before", 7) for seq in page]
    assert events == sorted(events, reverse=True)
    assert len(events) == workbench.count_events(EventFilter())
    assert call("GET", "system/proposals", params={"status": ["applied", "pending"], "kind": "modules"}).json()["items"]
    assert call("GET", "system/proposals?status=pending").json() == {"items": [], "next": None}


def test_an_edit_by_hand_changes_what_is_given_and_minds_the_version(call: Api, workbench: Workbench) -> None:
    made = call("PUT", "system/fleet/modules/nginx?account=acme&note=SEV-2", {"priority": 5, "config": {"a": 1}})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    changed = call("PUT", "system/fleet/modules/nginx?account=acme", {"priority": 6}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert (changed.json()["spec"]["priority"], changed.json()["spec"]["config"]) == (6, {"a": 1})
    late = call("PUT", "system/fleet/modules/nginx?account=acme", {"priority": 7}, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "FLEET-626")
    odd = call("PUT", "system/fleet/modules/nginx?account=acme", {}, headers={"If-Match": "*"})
    assert (odd.status_code, odd.json()["code"]) == (422, "FLEET-646")
    for body, code in (
        ({"priorty": 1}, "FLEET-622"),
        ({"priority": "x"}, "FLEET-623"),
        ({"depends_on": ["no"]}, "FLEET-625"),
    ):
        refused = call("PUT", "system/fleet/modules/nginx?account=acme", body)
        assert refused.json()["code"] == code
    assert call("PUT", "system/fleet/modules/a:b?account=acme", {}).json()["code"] == "FLEET-629"
    assert call("PUT", "system/fleet/nothing/x?account=acme", {}).json()["code"] == "FLEET-621"
    call("PUT", "system/fleet/templates/web?account=acme", {"modules": ["nginx"]})
    held = call("DELETE", "system/fleet/modules/nginx?account=acme")
    assert (held.status_code, held.json()["code"], held.json()["others"]) == (409, "FLEET-625", ["templates/web"])
    assert call("DELETE", "system/fleet/templates/web?account=acme", headers={"If-Match": '"9"'}).status_code == 412
    gone = call("DELETE", "system/fleet/templates/web?account=acme").json()
    assert (gone["deleted"], gone["version"]) == (True, 2)
    assert call("GET", "system/fleet/templates/web?account=acme").status_code == 404
    assert [v.note for v in workbench.history(ResourceKey("acme", "modules", "nginx"))] == [None, "SEV-2"]


def test_names_of_any_script_stand_in_addresses(call: Api) -> None:
    for name in ("über-ñandú", "日本", "a b", "50%25", "x?y", "x#y"):
        path = f"system/fleet/modules/{quote(name, safe='')}?account=acme"
        assert call("PUT", path, {}).status_code == 201
        assert call("GET", path).json()["name"] == name


def test_the_export_is_the_file_then_and_now(call: Api, workbench: Workbench) -> None:
    key = ResourceKey("acme", "modules", "nginx")
    workbench.set_resource(ME, key, {"priority": 5})
    then = workbench.history(key)[0].valid_from
    workbench.set_resource(ME, key, {"priority": 6})
    now = call("GET", "system/fleet.yaml?account=acme")
    assert now.headers["Content-Type"] == "application/yaml"
    assert now.text == workbench.export(account="acme")
    past = call("GET", "system/fleet.yaml", params={"account": "acme", "at": then.isoformat()})
    assert past.text == workbench.export(account="acme", at=then)
    assert "priority: 5" in past.text
    assert call("GET", "system/fleet.yaml?repository=x&unmanaged=true").json()["code"] == "FLEET-646"
    assert call("GET", "system/fleet.yaml?repository=x").json()["code"] == "FLEET-603"


def test_drift_graph_and_status_are_what_the_workbench_says(call: Api, registered: Workbench) -> None:
    registered.approve(ME, [p.id for p in registered.sync(ME, "fc").proposals])
    registered.apply(ME)
    registered.sync(ME, "fc")
    registered.set_resource(Actor("ben"), ResourceKey("acme", "modules", "nginx"), {"priority": 1})
    registered.sync(ME, "fc")
    (episode,) = call("GET", "system/drift?open=true").json()["items"]
    assert (episode["name"], episode["moved_by"], episode["fields"][0]["live"]) == ("nginx", "ben", 1)
    assert call("GET", "system/drift?open=false").json()["items"] == []
    graph = call("GET", "system/graph").json()
    assert graph["edges"] == [
        {
            "from": {"account": "acme", "kind": "modules", "name": "nginx"},
            "to": {"account": "acme", "kind": "modules", "name": "base"},
        }
    ]
    standing = call("GET", "system/status").json()
    assert (standing["ok"], standing["repositories"][0]["pending"]) == (False, 1)


def test_a_repository_is_changed_paused_and_removed(call: Api, registered: Workbench) -> None:
    path = "system/gitops_repositories/1"
    changed = call("PATCH", path, {"gitops_repository": {"auto_heal": True, "path_prefix": "prod"}}).json()
    assert (changed["gitops_repository"]["auto_heal"], changed["gitops_repository"]["path_prefix"]) == (True, "prod")
    for body in ({"auto_heal": "yes"}, {"branch": None}, {"nam": "x"}, {"name": "other"}):
        assert call("PATCH", path, {"gitops_repository": body}).json()["code"] == "FLEET-646", body
    assert call("PATCH", path, {"gitops_repository": {"branch": ".."}}).json()["code"] == "FLEET-614"
    assert call("POST", "system/pause", {"reason": "freeze", "repository_id": 1}).json() == {
        "paused": True,
        "repository": "fc",
    }
    held = call("POST", f"{path}/sync_now")
    assert (held.status_code, held.json()["code"]) == (409, "FLEET-501")
    call("POST", "system/resume", {"repository_id": 1})
    assert call("POST", "system/pause", {"reason": "all"}).json()["repository"] is None
    assert call("POST", "system/apply").json()["code"] == "FLEET-501"
    assert call("POST", "system/resume").json() == {"paused": False, "repository": None}
    call("PATCH", path, {"gitops_repository": {"enabled": False}})
    assert call("POST", f"{path}/sync_now").json()["code"] == "FLEET-212"
    assert call("DELETE", path).json() == {"name": "fc", "withdrawn": 0, "released": 0, "handed_over": 0}
    assert call("GET", path).status_code == 404
    assert call("GET", "system/gitops_repositories").json() == {"items": [], "next": None}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/x",
        "/api/v1/system",
        "/api/v1/system/nothing",
        "/api/x%0Ay",
        "/api/v1/system/graph/%0D%0A",
    ],
)
def test_anything_unknown_is_a_problem_in_json(call: Api, path: str, method: str) -> None:
    answer = call(method, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert method == "HEAD" or answer.json()["code"] == "FLEET-642"


def test_a_method_that_a_route_does_not_know_is_said_with_those_it_does(call: Api) -> None:
    answer = call("DELETE", "system/proposals")
    assert (answer.status_code, answer.headers["Allow"], answer.json()["code"]) == (405, "GET", "FLEET-643")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "FLEET-645"),
        (b'{"ids": [1], "action": NaN}', 400, "FLEET-645"),
        (b'{"ids": [1], "action": "\\ud800"}', 400, "FLEET-645"),
        (b"\xff", 400, "FLEET-645"),
        (b"[]", 422, "FLEET-646"),
        (b'{"ids": ["1"], "action": "approve"}', 422, "FLEET-646"),
        (b'{"ids": [true], "action": "approve"}', 422, "FLEET-646"),
        (b'{"ids": [99999999999999999999], "action": "approve"}', 422, "FLEET-646"),
        (b'{"ids": [], "action": "approve"}', 422, "FLEET-646"),
        (b'{"ids": [1], "action": "canary-of-a-secret"}', 422, "FLEET-646"),
        (b'{"ids": [1], "action": "approve", "canary-of-a-secret": 1}', 422, "FLEET-646"),
        (b'"' + b"x" * 1_048_577 + b'"', 413, "FLEET-644"),
    ],
)
def test_a_bad_body_has_one_clear_answer_that_quotes_nothing(call: Api, body: bytes, status: int, code: str) -> None:
    path = "/api/v1/system/proposals/batch_review"
    answer = requests.post(
        f"{call.address}{path}", data=body, headers={**call.headers, "Content-Type": "application/json"}, timeout=30
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["hint"]
    assert "canary-of-a-secret" not in answer.text.replace("body.canary-of-a-secret", "")


def test_a_body_in_pieces_is_capped_too(call: Api) -> None:
    pieces = (b"x" * 65_536 for _ in range(40))
    answer = requests.post(
        f"{call.address}/api/v1/system/apply",
        data=pieces,
        headers={**call.headers, "Content-Type": "application/json"},
        timeout=30,
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "FLEET-644")


def test_what_nobody_foresaw_is_coded_and_said_without_its_words(
    call: Api, workbench: Workbench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("canary-of-a-secret")

    monkeypatch.setattr(Workbench, "graph", broken)
    answer = call("GET", "system/graph")
    assert (answer.status_code, answer.json()["code"]) == (500, "FLEET-900")
    assert "canary-of-a-secret" not in answer.text
    deadline = time.monotonic() + 5  # the answer goes before the line in the log
    while not any(record.exc_info for record in caplog.records if record.name == "fleet.request"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_type_of_a_problem_leads_to_what_it_means(call: Api) -> None:
    problem = call.bearing(None)("GET", "system/proposals").json()
    assert problem["type"] == "/api/problems/FLEET-660"
    assert call("GET", problem["type"]).json() == {"code": "FLEET-660", "meaning": "A token is required"}
    assert call("GET", "/api/problems/FLEET-104").status_code == 200
    assert call("GET", "/api/problems/x").status_code == 404
