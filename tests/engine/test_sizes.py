"""Sizes: no single edit, and no sum of them, takes the way back from an export unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import RefusedEdit
from engine.model import Actor, ResourceKey
from engine.workbench import Workbench

ME = Actor("ana")
BIG = ResourceKey("acme", "modules", "big")


def test_one_resource_may_have_a_quarter_of_a_fleet_file(workbench: Workbench) -> None:
    workbench.settings = replace(workbench.settings, max_file_bytes=8_000)
    workbench.set_resource(ME, BIG, {"description": "x" * 1_500})
    with pytest.raises(RefusedEdit) as refused:
        workbench.set_resource(ME, BIG, {"description": "x" * 2_100})
    assert refused.value.code == "FLEET-631"
    assert (refused.value.facts["limit"], refused.value.facts["size"] > 2_100) == (2_000, True)
    assert "2,000" in refused.value.message
    workbench.set_resource(ME, ResourceKey("acme", "modules", "small"), {"priority": 1})


def test_exactly_a_quarter_is_allowed_and_a_byte_more_is_not(workbench: Workbench) -> None:
    workbench.settings = replace(workbench.settings, max_file_bytes=8_000)
    with pytest.raises(RefusedEdit) as refused:
        workbench.set_resource(ME, BIG, {"description": "x" * 2_100})
    beside = refused.value.facts["size"] - 2_100
    with pytest.raises(RefusedEdit, match="FLEET-631"):
        workbench.set_resource(ME, BIG, {"description": "x" * (2_001 - beside)})
    assert workbench.set_resource(ME, BIG, {"description": "x" * (2_000 - beside)}) == ("created", 1)


def test_what_is_too_large_already_can_still_be_edited_but_not_grow(workbench: Workbench) -> None:
    workbench.set_resource(ME, BIG, {"description": "x" * 3_000, "priority": 60})
    workbench.settings = replace(workbench.settings, max_file_bytes=8_000)
    workbench.set_resource(ME, BIG, {"priority": 10})
    workbench.set_resource(ME, BIG, {"description": "x" * 2_900})
    with pytest.raises(RefusedEdit, match="FLEET-631"):
        workbench.set_resource(ME, BIG, {"description": "x" * 2_950})


def test_accounts_that_do_not_export_to_one_file_are_known(workbench: Workbench) -> None:
    for number in range(6):
        workbench.set_resource(ME, ResourceKey("acme", "modules", f"m{number}"), {"description": "x" * 1_000})
    workbench.set_resource(ME, ResourceKey("zeta", "modules", "m"), {})
    size = len(workbench.export(account="acme").encode())
    assert workbench.exports_too_large() == []
    workbench.settings = replace(workbench.settings, max_file_bytes=size // 2)
    ((account, said),) = workbench.exports_too_large()
    assert account == "acme"
    assert abs(said - size) < 50, "but for what its head says of times"
    assert workbench.exports_too_large("zeta") == []
    assert workbench.seen_by(Actor("zoe", account="zeta")).exports_too_large() == []
