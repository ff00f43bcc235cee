"""Kinds that cannot stand beside one another are refused when they are declared, in words that name what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.kinds import ROW_COLUMNS, STORE_TABLES, Field, KeyPart, Kinds
from engine.kinds.fields import Integer, Text
from engine.kinds.fleet import FLEET
from engine.store.views import definitions
from engine.workbench import Workbench
from tests.builders import query

ALERT = replace(FLEET["nodes"], section="alerts", view="node_alerts")


def fields(*names: str) -> dict[str, Any]:
    return {"fields": tuple(Field(name, Integer(0), "A number.", 0) for name in names)}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"section": "nodes"}, "kind nodes is declared twice"),
        ({"section": "account"}, "kind account has the name of a key that every fleet file has"),
        ({"version_field": "nope"}, "kind alerts has the version field nope, which is not one of its fields"),
        ({"view": "Node_Modules"}, "kind alerts has the view Node_Modules, which is that of kind modules, too"),
        ({"view": "resources"}, "kind alerts has the view resources, which is the name of a table of the store"),
        *((fields(column), f"kind alerts has a field or key part {column}, which is") for column in ROW_COLUMNS),
        (fields("Name"), "kind alerts has a field or key part Name, which is a column of every row"),
        (fields("a", "b", "A"), "kind alerts has two fields or key parts A"),
        ({**fields("node"), "key": (KeyPart("node", "nodes"),)}, "kind alerts has two fields or key parts node"),
        ({"key": (KeyPart("rack", "racks"),)}, "kind alerts refers to undeclared racks"),
    ],
)
def test_a_kind_that_cannot_be_is_refused_by_name(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Kinds((*FLEET.values(), replace(ALERT, **changed)))


def test_a_kind_may_have_a_version_of_its_own() -> None:
    versioned = replace(ALERT, fields=(Field("version", Text(), "Which.", None),), version_field="version")
    assert "alerts" in Kinds((*FLEET.values(), versioned))


def test_no_view_of_a_kind_can_take_a_name_that_the_store_has(workbench: Workbench) -> None:
    tables = {name for (name,) in query(workbench.store, "SELECT table_name FROM duckdb_tables() WHERE NOT internal")}
    ours = {name for what, name in definitions(FLEET) if what == "view"} - {kind.view for kind in FLEET.values()}
    assert tables | ours == STORE_TABLES


def test_every_view_has_the_columns_of_a_row_and_each_column_once(workbench: Workbench) -> None:
    for kind in FLEET.values():
        found = [row[0] for row in query(workbench.store, f"DESCRIBE {kind.view}")]
        assert set(ROW_COLUMNS) <= set(found)
        assert [*kind.by_name] == [name for name in found if name in kind.by_name]
        assert len({name.lower() for name in found}) == len(found)
