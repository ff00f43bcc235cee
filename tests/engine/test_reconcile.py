"""What a tick decides: causes, claims, ownership, withheld differences, drift, runs."""

from __future__ import annotations

import pytest

import engine.flow.sync
from engine.errors import RefusedEdit, StoreError
from engine.model import ResourceKey, RunStatus, Status
from tests.builders import query
from tests.engine.conftest import ANA, BOB, TWELVE, Bench, modules


@pytest.mark.parametrize(
    ("edit", "pushed", "cause"),
    [
        (None, "{priority: 2}", "git_moved"),
        ({"priority": 9}, "{priority: 1}", "live_moved"),
        ({"priority": 9}, "{priority: 2}", "both"),
        ({"description": "by hand"}, "{priority: 2}", "git_moved"),
        ({"priority": 9}, "{priority: 1, description: new}", "both"),
    ],
)
def test_the_cause_is_read_from_base_live_and_desired(
    bench: Bench, edit: dict[str, object] | None, pushed: str, cause: str
) -> None:
    bench.settle("modules: {a: {priority: 1}}\n")
    if edit:
        bench.edit("modules", "a", **edit)
    bench.sync(f"modules: {{a: {pushed}}}\n")
    assert [p.cause for p in bench.standing()] == [cause]


def test_what_is_not_declared_is_not_managed(bench: Bench) -> None:
    bench.settle("modules: {a: {priority: 1, description: x}}\n")
    bench.edit("modules", "a", config={"by": "hand"})
    assert bench.sync().diff_count == 0
    run = bench.sync("modules: {a: {priority: 1}}\n")
    assert (run.diff_count, [w["code"] for w in run.warnings]) == (0, ["no_longer_declared"])
    assert bench.spec("modules", "a")["description"] == "x"


@pytest.mark.parametrize(("declared", "live"), [("true", 1), ("1", True), ("1", 1.0), ("[]", {}), ("0.0", -0.0)])
def test_values_of_another_type_differ_in_a_map(bench: Bench, declared: str, live: object) -> None:
    bench.edit("modules", "a", config={"x": live})
    bench.sync(f"modules: {{a: {{config: {{x: {declared}}}}}}}\n")
    assert [p.change for p in bench.standing()] == ["update"]


def test_what_is_live_and_equal_is_adopted_without_approval_or_version(bench: Bench) -> None:
    bench.edit("modules", "a", priority=1)
    run = bench.sync("modules: {a: {priority: 1}}\n")
    assert (run.diff_count, bench.standing()) == (0, [])
    found = bench.workbench.resource(ResourceKey("acme", "modules", "a"))
    assert (found.version, found.owned, found.holder) == (1, True, "fc")
    assert bench.workbench.events(kind="modules", name="a")[0].event.type == "gitops.adopted"


def test_only_what_is_owned_is_destroyed(bench: Bench) -> None:
    bench.edit("modules", "by-hand")
    bench.settle(modules("a", "b"))
    bench.sync(modules("a"))
    assert [(p.change, p.key.name) for p in bench.standing()] == [("destroy", "b")]


def test_a_file_that_declares_nothing_is_refused_unless_allowed(bench: Bench) -> None:
    bench.settle(modules("a"))
    run = bench.sync("")
    assert (run.status, run.error and run.error["code"]) == ("failed", "FLEET-210")
    assert len(bench.workbench.resources()) == 1
    bench.change(allow_empty=True)
    bench.sync()
    assert [p.change for p in bench.standing()] == ["destroy"]


@pytest.mark.parametrize(
    ("live", "sections", "held"),
    [
        ([], "nodes: {n: {template: gone}}\nassignments: {'n:m': {}}\n", {"nodes/n": "missing_reference", "assignments/n:m": "missing_reference"}),
        ([], "modules: {m: {version: '1'}}\ntemplates: {t: {modules: [m@2]}}\n", {"templates/t": "missing_reference"}),
        ([("modules", "NGINX", {})], modules("nginx"), {"modules/nginx": "conflict"}),
        ([], "sdwan_networks: {w: {routing_mode: hub}}\n", {"sdwan_networks/w": "conflict"}),
        ([("modules", "a", {}), ("modules", "b", {"depends_on": ["a"]})], "modules: {a: {depends_on: [b]}}\n", {"modules/a": "conflict"}),
    ],
)  # fmt: skip
def test_what_would_leave_the_fleet_unsound_is_withheld_with_its_reason(
    bench: Bench, live: list[tuple[str, str, dict[str, object]]], sections: str, held: dict[str, str]
) -> None:
    for kind, name, fields in live:
        bench.edit(kind, name, **fields)
    assert bench.held(bench.sync(sections)) == held


def test_a_pin_to_any_version_ever_known_is_good(bench: Bench) -> None:
    for version in ("1", "2"):
        bench.settle(f"modules: {{m: {{version: '{version}'}}}}\n")
    run = bench.sync("modules: {m: {version: '2'}}\ntemplates: {old: {modules: [m@1]}, loose: {modules: [m]}}\n")
    assert (run.opened, run.remaining) == (2, 0)
    assert [w["message"] for w in run.warnings] == [
        "templates/loose refers to modules/m without a version; the current version is 2."
    ]


def test_a_run_warns_of_what_is_probably_wrong_in_the_fleet_as_it_would_be(bench: Bench) -> None:
    around = "nodes: {n1: {}}\nsdwan_networks: {w: {cidr: 10.0.0.0/24}}\nsdwan_virtual_ips:\n"
    vip = "  {}: {{network: w, address: 10.0.0.{}, primary_holder: n1}}\n"
    bench.settle(around + vip.format("b", 9))
    assert bench.sync(around + vip.format("renamed", 9)).warnings == ()
    bench.edit("sdwan_virtual_ips", "z", network="w", address="10.0.0.8", primary_holder="n1")
    run = bench.sync(around + vip.format("a", 8) + vip.format("b", 9) + vip.format("c", 255))
    assert [(w["code"], w["message"]) for w in run.warnings] == [
        (
            "probably_wrong",
            "sdwan_virtual_ips/a: address 10.0.0.8 is also the address of sdwan_virtual_ips/z, in network w.",
        ),
        (
            "probably_wrong",
            "sdwan_virtual_ips/c: address 10.0.0.255 is the broadcast address of sdwan_networks/w (10.0.0.0/24).",
        ),
    ]


def test_a_destroy_of_what_is_still_referred_to_names_by_whom(bench: Bench) -> None:
    bench.settle(modules("a", "b"))
    bench.edit("templates", "by-hand", modules=["b"])
    run = bench.sync(modules("a"))
    (row,) = bench.workbench.run_detail(run).withheld
    assert (row.reason, "templates/by-hand" in row.detail) == ("still_referenced", True)


def test_a_rename_by_case_waits_for_its_destroy(bench: Bench) -> None:
    bench.settle(modules("web", "other"))
    bench.sync(modules("Web", "other"))
    assert [(p.change, p.key.name) for p in bench.standing()] == [("destroy", "web"), ("create", "Web")]
    bench.workbench.approve(ANA, [p.id for p in bench.standing() if p.change == "create"])
    assert [skip.reason for skip in bench.workbench.plan().skipped] == ["blocked"]
    bench.workbench.approve(ANA, [p.id for p in bench.standing(Status.PENDING)])
    assert [step.proposal.key.name for step in bench.workbench.apply(ANA).applied] == ["web", "Web"]


def test_turning_a_dependency_round_is_applied_in_the_order_that_stays_sound(bench: Bench) -> None:
    bench.settle("modules: {a: {depends_on: [b]}, b: {depends_on: []}}\n")
    bench.sync("modules: {a: {depends_on: []}, b: {depends_on: [a]}}\n")
    second = [p for p in bench.standing() if p.key.name == "b"]
    bench.workbench.approve(ANA, [second[0].id])
    (skip,) = bench.workbench.plan().skipped
    assert "closes a cycle" in skip.detail
    bench.workbench.approve(ANA, [p.id for p in bench.standing(Status.PENDING)])
    assert [step.proposal.key.name for step in bench.workbench.apply(ANA).applied] == ["a", "b"]


def test_an_address_and_its_network_move_together(bench: Bench) -> None:
    text = "nodes: {hub: {}}\nsdwan_networks: {w: {cidr: 10.0.0.0/24}}\nsdwan_virtual_ips: {v: {network: w, address: 10.0.0.5, primary_holder: hub}}\n"
    bench.settle(text)
    bench.settle(text.replace("10.0.0.", "10.9.0."))
    assert bench.spec("sdwan_virtual_ips", "v")["address"] == "10.9.0.5"
    bench.sync(text.replace("10.0.0.", "10.8.0."))
    bench.workbench.approve(ANA, [p.id for p in bench.standing() if p.key.kind == "sdwan_networks"])
    (skip,) = bench.workbench.plan().skipped
    assert "is not within" in skip.detail


def test_a_proposal_lives_until_its_difference_is_another_one_or_gone(bench: Bench) -> None:
    bench.sync(modules("a", "b", priority=1))
    first = [p.id for p in bench.standing()]
    bench.sync(modules("a", priority=2))
    assert [bench.workbench.proposal(id_).status for id_ in first] == ["superseded", "withdrawn"]
    bench.sync(modules("a", priority=2) + "# another commit, the same fleet\n")
    assert len(bench.workbench.proposals()) == 3


def test_a_proposal_whose_target_went_away_is_withheld_until_it_is_there(bench: Bench) -> None:
    bench.edit("templates", "t")
    bench.sync("nodes: {n: {template: t}}\n")
    bench.workbench.approve(ANA, [1])
    bench.workbench.delete_resource(BOB, ResourceKey("acme", "templates", "t"))
    assert [skip.reason for skip in bench.workbench.apply(ANA).skipped] == ["blocked"]
    assert bench.held(bench.sync()) == {"nodes/n": "missing_reference"}
    assert bench.workbench.proposal(1).status == "withdrawn"
    bench.edit("templates", "t")
    assert bench.sync().opened == 1


def test_failed_and_approved_ones_are_outside_the_cap(bench: Bench) -> None:
    bench.push(modules(*(f"x{number:03d}" for number in range(40))))
    bench.sync()
    bench.workbench.approve(ANA, [p.id for p in bench.standing()][:5])
    bench.workbench.pause(ANA, "look at the queue alone")
    bench.workbench.resume(ANA)
    assert bench.sync().opened == 5
    assert len(bench.standing(Status.PENDING)) == 25


def test_informational_entries_count_nowhere_and_are_never_written(bench: Bench) -> None:
    run = bench.sync("provider_configs: {p: {provider: openstack}}\n" + modules("a"))
    assert (run.diff_count, run.opened) == (1, 1)
    assert run.informational == ({"kind": "provider_configs", "name": "p", "change": "create"},)
    bench.edit("provider_configs", "p", provider="openstack")
    assert bench.sync().informational == ()
    assert "provider: openstack" in bench.workbench.export(account="acme")


@pytest.mark.parametrize("outcome", ["reverted", "codified", "removed"])
def test_a_drift_episode_ends_as_it_was_ended(bench: Bench, outcome: str) -> None:
    bench.settle(modules("a", priority=1))
    bench.edit("modules", "a", priority=2)
    bench.workbench.set_resource(ANA, ResourceKey("acme", "modules", "a"), {"description": "later, by another"})
    bench.sync()
    (episode,) = bench.workbench.drift(open_=True)
    assert (episode.moved_by, episode.severity) == ("bob", "medium")
    assert [(row["path"], row["base"], row["live"], row["desired"]) for row in episode.fields] == [
        ("priority", 1, 2, 1)
    ]
    if outcome == "reverted":
        bench.workbench.approve(ANA, [p.id for p in bench.standing()])
        bench.workbench.apply(ANA)
    elif outcome == "codified":
        bench.push(modules("a", priority=2))
    else:
        bench.workbench.release(ANA, ResourceKey("acme", "modules", "a"))
    bench.sync()
    (closed,) = bench.workbench.drift()
    assert closed.outcome == outcome
    types = [e.event.type for e in bench.workbench.events(kind="modules", name="a")]
    assert types.count("gitops.drift_detected") == types.count("gitops.drift_resolved") == 1


def test_a_deleted_resource_and_many_at_once_are_severe(bench: Bench) -> None:
    bench.settle(modules(*TWELVE, priority=1))
    bench.workbench.delete_resource(BOB, ResourceKey("acme", "modules", TWELVE[0]))
    bench.sync()
    assert [(e.severity, e.change) for e in bench.workbench.drift()] == [("high", "create")]
    for name in TWELVE[1:]:
        bench.edit("modules", name, priority=2)
    bench.sync()
    assert {e.severity for e in bench.workbench.drift(open_=True)} == {"high"}


def test_a_repository_that_is_removed_lets_go_of_everything(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.edit("modules", "a", priority=5)
    bench.sync(modules("a", "b", priority=1))
    facts = bench.workbench.remove_repository(ANA, "fc")
    assert facts == {"withdrawn": 2, "released": 2, "handed_over": 0}
    assert {p.status for p in bench.workbench.proposals()} == {Status.WITHDRAWN, Status.APPLIED}
    assert bench.workbench.drift()[0].outcome == "removed"
    assert query(bench.workbench.store, "SELECT count(*) FROM claims") == [(0,)]
    assert bench.spec("modules", "a")["priority"] == 5


def test_failures_are_counted_back_off_and_end_with_a_success(bench: Bench) -> None:
    bench.push("modules: {a: {}, a: {}}\n")
    waits = []
    for _ in range(6):
        run = bench.sync()
        assert run.status is RunStatus.FAILED
        (repository,) = bench.workbench.repositories()
        assert repository.next_attempt_at is not None
        assert run.finished_at is not None
        waits.append(round((repository.next_attempt_at - run.finished_at).total_seconds() / 60))
    assert waits == [5, 10, 20, 40, 60, 60]
    bench.sync(modules("a"))
    (repository,) = bench.workbench.repositories()
    assert (repository.failure_count, repository.next_attempt_at) == (0, None)


def test_a_run_becomes_applied_once_all_that_it_opened_are(bench: Bench) -> None:
    run = bench.sync(modules("a", "b"))
    for id_, status in ((1, "success"), (2, "applied")):
        bench.workbench.approve(ANA, [id_])
        bench.workbench.apply(ANA)
        assert bench.workbench.run(run.id).status == status


def test_listed_versions_are_known_with_the_tick_and_are_no_difference(bench: Bench) -> None:
    bench.settle('modules: {m: {version: "2"}}\n')
    run = bench.sync('modules: {m: {version: "2", versions: ["1", "0.9"]}}\ntemplates: {t: {modules: [m@1]}}\n')
    assert [(p.key.address, p.change) for p in bench.standing()] == [("templates/t", "create")]
    assert (run.diff_count, bench.held(run)) == (1, {})
    assert "versions" not in bench.spec("modules", "m")
    with pytest.raises(RefusedEdit, match="FLEET-622"):
        bench.edit("modules", "m", versions=["1"])


def test_a_version_that_nobody_lists_is_not_known(bench: Bench) -> None:
    run = bench.sync('modules: {m: {version: "2"}}\ntemplates: {t: {modules: [m@1]}}\n')
    assert bench.held(run) == {"templates/t": "missing_reference"}
    run = bench.sync('modules: {m: {version: "2", versions: ["1"]}}\ntemplates: {t: {modules: [m@1]}}\n')
    assert bench.held(run) == {}


@pytest.mark.parametrize(("code", "counted"), [("FLEET-304", 0), ("FLEET-316", 0), ("FLEET-201", 1)])
def test_what_this_machine_refuses_is_no_failure_of_the_repository(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, code: str, counted: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreError(code, "It is full.", "Make room.")

    bench.push(modules("a"))
    monkeypatch.setattr(engine.flow.sync, "fetch_unless", refuse)
    run = bench.sync()
    assert (run.status, run.error and run.error["code"]) == ("failed", code)
    repository = bench.workbench.repository("fc")
    assert (repository.failure_count, repository.next_attempt_at is None) == (counted, not counted)
