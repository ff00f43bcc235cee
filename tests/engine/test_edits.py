"""Edits beside git: what is refused and in which words, what an edit leaves behind, and what a release lets go of."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import FleetError
from engine.kinds.fleet import FLEET
from engine.model import ResourceKey
from engine.store.events import EventFilter
from engine.workbench import Workbench
from engine.workbench.edits import kind_of, read_fields
from tests.engine.conftest import ANA, BOB, Bench, modules

A = ResourceKey("acme", "modules", "a")


def refused(bench: Bench, key: ResourceKey, fields: dict[str, Any], **more: Any) -> FleetError:
    with pytest.raises(FleetError) as caught:
        bench.workbench.set_resource(BOB, key, fields, **more)
    return caught.value


def test_an_unknown_section_or_field_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(FleetError, match="FLEET-621 There is no section gadgets") as section:
        kind_of(FLEET, "gadgets")
    assert section.value.hint == f"Sections: {', '.join(FLEET)}"
    with pytest.raises(FleetError, match="FLEET-622 nodes has no field colour") as field:
        read_fields(FLEET["nodes"], {"template": "web", "colour": "red"})
    assert field.value.hint == "Fields: template, lifecycle_class, labels"


def test_typed_fields_are_read_each_by_its_type() -> None:
    typed = {"priority": "7", "depends_on": '["a", "b"]', "config": '{"x": 1}', "description": "7"}
    assert read_fields(FLEET["modules"], typed) == {
        "priority": 7,
        "depends_on": ["a", "b"],
        "config": {"x": 1},
        "description": "7",
    }
    with pytest.raises(FleetError, match="FLEET-623 priority: ") as caught:
        read_fields(FLEET["modules"], {"priority": "high"})
    assert caught.value.hint == f"priority is {FLEET['modules'].by_name['priority'].type.words}."


@pytest.mark.parametrize(
    ("fields", "code", "field", "hint"),
    [
        ({"colour": "red"}, "FLEET-622", "colour", f"Fields: {', '.join(FLEET['modules'].by_name)}."),
        ({"priority": "high"}, "FLEET-623", "priority", "Write an integer."),
        ({"config": {"a": {"b": object()}}}, "FLEET-623", "config.a.b", "Use a finite number or quote it as text."),
    ],
)
def test_a_field_that_is_wrong_is_named_by_its_path(
    bench: Bench, fields: dict[str, Any], code: str, field: str, hint: str
) -> None:
    error = refused(bench, A, fields)
    assert (error.code, error.body()["field"], error.hint) == (code, field, hint)
    assert error.message.startswith(f"{field}: ")
    assert not bench.workbench.resources()


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"api_token": "x"}, "config.api_token"),
        ({"a": {"password": "x"}}, "config.a.password"),
        ({"a": [1, {"fine": 1}, {"secret": "x"}]}, "config.a[2].secret"),
        ({"a": [[{"secret": "x"}]]}, "config.a[0][0].secret"),
        ({"secret_ref": "secret/data/x", "a": ["password"], "b": "token"}, None),
    ],
)
def test_what_looks_like_a_credential_is_refused_where_credentials_have_no_place(
    bench: Bench, config: dict[str, Any], named: str | None
) -> None:
    key = ResourceKey("acme", "provider_configs", "p")
    if named is None:
        assert bench.workbench.set_resource(BOB, key, {"config": config})[0] == "created"
        return
    error = refused(bench, key, {"config": config})
    assert (error.code, error.message, error.body()["field"]) == (
        "FLEET-624",
        f"{named} looks like a credential.",
        named,
    )
    assert bench.workbench.set_resource(BOB, A, {"config": config})[0] == "created", "other kinds say nothing of it"


def test_what_is_no_name_is_refused_before_anything_is_looked_at(bench: Bench) -> None:
    error = refused(bench, A._replace(name="a:b"), {"colour": "red"})
    assert error.code == "FLEET-629"
    assert error.message.startswith("'a:b' cannot be a name in modules: ")
    assert error.hint == "Choose another name."


def test_an_edit_creates_updates_or_changes_nothing_and_says_which_with_its_version(bench: Bench) -> None:
    edit = bench.workbench.set_resource
    assert edit(BOB, A, {"priority": 1}, note="why") == ("created", 1)
    assert edit(BOB, A, {"variety": "instance", "description": "x"}) == ("updated", 2)
    assert edit(BOB, A, {"description": "x"}) == ("unchanged", 2)
    assert (bench.spec("modules", "a")["priority"], bench.spec("modules", "a")["description"]) == (1, "x")
    found = bench.workbench.find_events(EventFilter(types=("fleet.created", "fleet.updated")))
    assert [(e.actor, e.event.type, e.event.name, e.event.reason, e.event.data) for e in found] == [
        ("bob", "fleet.updated", "a", None, {"fields": ["description", "variety"]}),
        ("bob", "fleet.created", "a", "why", {"fields": ["priority"]}),
    ]


def test_an_edit_of_another_version_than_was_seen_is_refused(bench: Bench) -> None:
    nothing = refused(bench, A, {}, seen_version=1)
    assert (nothing.code, nothing.message) == ("FLEET-626", "modules/a has version none, not 1.")
    bench.edit("modules", "a", priority=1)
    bench.edit("modules", "a", priority=2)
    late = refused(bench, A, {"priority": 3}, seen_version=1)
    assert (late.code, late.message) == ("FLEET-626", "modules/a has version 2, not 1.")
    assert bench.workbench.set_resource(BOB, A, {"priority": 3}, seen_version=2) == ("updated", 3)
    with pytest.raises(FleetError, match="FLEET-626 modules/a has version 3, not 2"):
        bench.workbench.delete_resource(BOB, A, seen_version=2)
    assert bench.workbench.delete_resource(BOB, A, seen_version=3) == 4


def test_an_edit_that_would_leave_the_fleet_unsound_names_what_is_in_the_way(bench: Bench) -> None:
    error = refused(bench, A, {"depends_on": ["gone"]})
    assert (error.code, error.body()["others"]) == ("FLEET-625", ["modules/gone"])
    bench.edit("modules", "a")
    bench.edit("modules", "b", depends_on=["a"])
    with pytest.raises(FleetError) as caught:
        bench.workbench.delete_resource(BOB, A)
    assert (caught.value.code, caught.value.message) == ("FLEET-625", "modules/a is still referred to by modules/b.")
    assert caught.value.body()["others"] == ["modules/b"]


def test_what_is_not_there_is_neither_deleted_nor_released(bench: Bench) -> None:
    with pytest.raises(FleetError, match="FLEET-621 There is no section gadgets"):
        bench.workbench.delete_resource(BOB, A._replace(kind="gadgets"))
    with pytest.raises(FleetError, match="FLEET-627 There is no modules/a in account acme"):
        bench.workbench.delete_resource(BOB, A)
    with pytest.raises(FleetError, match="FLEET-628 No repository owns modules/a in account acme"):
        bench.workbench.release(BOB, A)


def test_an_edit_back_to_what_was_agreed_on_ends_the_drift_at_once(bench: Bench) -> None:
    bench.settle(modules("a", priority=1))
    bench.edit("modules", "a", priority=2)
    bench.sync()
    assert [e.outcome for e in bench.workbench.drift()] == [None]
    bench.edit("modules", "a", priority=1)
    assert [e.outcome for e in bench.workbench.drift()] == ["reverted"]


def test_a_release_withdraws_what_stands_on_the_resource_and_on_no_other(bench: Bench) -> None:
    bench.settle(modules("a", "b", priority=1))
    bench.sync(modules("a", "b", priority=2))
    assert bench.workbench.release(BOB, A) == "fc"
    stood = {p.key.name: (p.status, p.reason) for p in bench.workbench.proposals(limit=2)}
    assert stood == {"a": ("withdrawn", "released by bob"), "b": ("pending", None)}
    (said,) = bench.workbench.find_events(EventFilter(types=("gitops.released",)))
    assert (said.event.name, said.event.reason, said.actor) == ("a", "released by bob", "bob")


@pytest.mark.parametrize("change", [{}, {"enabled": False}, {"account": "zeta"}])
def test_who_was_released_waits_for_it_only_where_it_still_has_ticks(bench: Bench, change: dict[str, Any]) -> None:
    """Whoever holds it next finds the other waiting, as it may declare it still."""
    bench.settle(modules("a", priority=1))
    if change:
        bench.change(**change)
    bench.workbench.release(BOB, A)
    bench.settle(modules("a", priority=1), repository="other")
    bench.sync(modules("z"), repository="other")
    waits = not change
    assert bench.workbench.resource(A).holder == ("fc" if waits else "other")


def test_whoever_edits_needs_no_repository(workbench: Workbench) -> None:
    assert workbench.set_resource(ANA, A, {}) == ("created", 1)
    assert workbench.delete_resource(ANA, A, note="not needed") == 2
    (gone,) = workbench.find_events(EventFilter(types=("fleet.destroyed",)))
    assert (gone.event.name, gone.event.reason) == ("a", "not needed")
