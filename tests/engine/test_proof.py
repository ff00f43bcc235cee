"""The proof of the round trip: what it says when all is well, and that it can fail."""

from __future__ import annotations

import pytest

from engine import proof
from engine.model import Actor, ResourceKey
from engine.reader import Reader
from engine.workbench import Workbench

ME = Actor("ana")


def test_a_fleet_that_comes_back_is_proved(workbench: Workbench) -> None:
    workbench.set_resource(ME, ResourceKey("acme", "modules", "m"), {"config": {"a": "yes", "b": 1.0}})
    found = workbench.prove_export(ME, "acme")
    assert (found.ok, found.resources) == (True, 1)
    assert found.size == len(workbench.export(account="acme").encode())
    event = workbench.last_proof("acme")
    assert event is not None
    assert (event.event.type, event.actor) == ("gitops.export_proved", "ana")
    assert workbench.last_proof("other") is None


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda text: text.replace("priority: 3", "priority: 4"), "differ"),
        (lambda text: text + "modules: {}\n", "does not parse"),
    ],
)
def test_one_that_does_not_is_told_and_recorded(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, spoil: object, word: str
) -> None:
    workbench.set_resource(ME, ResourceKey("acme", "modules", "m"), {"priority": 3})
    real = Reader.export
    monkeypatch.setattr(Reader, "export", lambda self, **given: spoil(real(self, **given)))  # type: ignore[operator]
    found = workbench.prove_export(ME, "acme")
    assert not found.ok
    assert word in found.detail
    event = workbench.last_proof("acme")
    assert event is not None
    assert event.event.type == "gitops.export_unproved"
    assert proof.prove(workbench, "acme").ok is False
