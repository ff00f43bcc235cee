"""The restore drill: that it restores, from the file alone, and that it can fail; and the way back when the remote is lost."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import FleetError, RefusedEdit
from engine.flow import export
from engine.flow.parse import file_warnings, read_fleet_file
from engine.kinds.fleet import FLEET
from engine.model import Actor, Permission, ResourceKey
from engine.notify.messages import messages, slack
from engine.present import bodies
from engine.workbench import Workbench
from engine.workbench.reader import Reader
from tests.benchmarks import big
from tests.conftest import GitRepository, fill_account

ME = Actor("ana")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where rehearsals are; empty when they are over."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_fleet_comes_back_from_its_file_alone(workbench: Workbench, tmp_path: Path, scratch: Path) -> None:
    fill_account(workbench, "acme", tmp_path)
    workbench.set_resource(
        ME, ResourceKey("acme", "modules", "m"), {"config": {"a": "yes", "b": 1.0}, "depends_on": ["acme-one"]}
    )
    workbench.set_resource(
        ME, ResourceKey("acme", "provider_configs", "cloud"), {"provider": "x", "config": {"region": "eu"}}
    )
    before = workbench.export(account="acme"), workbench.live_proposals(), workbench.resources()
    stages: list[str] = []
    made = workbench.drill(ME, "acme", watcher=stages.append)
    assert (made.ok, made.resources) == (True, len(workbench.resources(account="acme"))), made
    assert "restored unchanged" in made.detail
    assert made.size == len(before[0].encode())
    assert stages == [stage for stage, _ in made.stages] == ["export", "build", "import", "approve", "apply", "compare"]
    assert (workbench.export(account="acme"), workbench.live_proposals(), workbench.resources()) == before
    assert list(scratch.iterdir()) == []
    event = workbench.last_drill("acme")
    assert event is not None
    assert (event.event.type, event.actor) == ("gitops.drill_passed", "ana")
    assert event.event.data is not None
    assert event.event.data["seconds"] > 0
    assert workbench.last_drill("other") is None


def test_an_account_without_resources_comes_back_too(workbench: Workbench) -> None:
    made = workbench.drill(ME, "acme")
    assert (made.ok, made.resources) == (True, 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("priority: 3", "priority: 4", "1 resource with other values after the restore, such as modules/m"),
        (
            "  m:\n",
            "  n:\n",
            "1 resource missing after the restore, such as modules/m; 1 resource that did not exist before the restore, such as modules/n",
        ),
        ("  other:\n", "  other:\n    depends_on: [absent]\n", "the file was rejected: FLEET-1"),
        ("\nmodules:", "\nmodule:", "the file was rejected: FLEET-1"),
    ],
)
def test_one_that_does_not_come_back_is_told_and_recorded(
    workbench: Workbench, scratch: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
) -> None:
    for name in ("m", "other"):
        workbench.set_resource(ME, ResourceKey("acme", "modules", name), {"priority": 3})
    real = Reader.export
    monkeypatch.setattr(Reader, "export", lambda self, **given: real(self, **given).replace(old, new, 1))
    made = workbench.drill(ME, "acme")
    assert not made.ok
    assert said in made.detail
    event = workbench.last_drill("acme")
    assert event is not None
    assert (event.event.type, event.event.reason) == ("gitops.drill_failed", made.detail)
    assert list(scratch.iterdir()) == []


Do = Callable[[Workbench], object]


def edit(kind: str, name: str, **fields: object) -> Do:
    return lambda w: w.set_resource(ME, ResourceKey("acme", kind, name), fields)


def gone(kind: str, name: str) -> Do:
    return lambda w: w.delete_resource(ME, ResourceKey("acme", kind, name))


PINNED: list[Do] = [edit("modules", "m", version="1"), edit("templates", "t", modules=["m@1"])]


@pytest.mark.parametrize(
    ("history", "listed"),
    [
        (PINNED, []),
        ([*PINNED, edit("modules", "m", version="2")], ["1"]),
        ([*PINNED, edit("modules", "m", version=None)], ["1"]),
        ([*PINNED, edit("modules", "m", version="2"), edit("modules", "m", version="1")], []),
        ([*PINNED, edit("modules", "m", version="2"), edit("modules", "m", version="3"), edit("templates", "u", modules=["m@2"])], ["1", "2"]),
        ([*PINNED, edit("modules", "m", version="2"), edit("templates", "t", modules=["m@2"])], []),
        ([*PINNED, edit("modules", "m", version="2"), gone("templates", "t")], []),
        ([*PINNED, gone("templates", "t"), gone("modules", "m"), edit("modules", "M", version="2"), edit("templates", "t", modules=["M"])], []),
    ],
    ids=["pinned", "promoted", "no version any more", "back again", "twice", "all follow", "nobody pins it", "renamed by case"],
)  # fmt: skip
def test_a_fleet_comes_back_after_promotions(workbench: Workbench, history: list[Do], listed: list[str]) -> None:
    for do in history:
        do(workbench)
    text = workbench.export(account="acme")
    found = read_fleet_file(text.encode(), FLEET)
    assert found.listed.get("modules", {}).get("m", []) == listed
    assert file_warnings(found, FLEET) == [] or not listed, "a version that is listed is no unknown one"
    made = workbench.drill(ME, "acme")
    assert made.ok, made.detail


def test_versions_are_those_of_the_pins_of_then_and_of_the_whole_account(workbench: Workbench, tmp_path: Path) -> None:
    git = GitRepository(tmp_path / "git")
    git.push("version: 1\naccount: acme\nmodules: {m: {version: '1'}}\n")
    workbench.add_repository(ME, "fc", str(git.path), account="acme")
    workbench.sync(ME, "fc")
    workbench.approve(ME, [p.id for p in workbench.live_proposals()])
    workbench.apply(ME)
    edit("templates", "t", modules=["m@1"])(workbench)
    edit("modules", "m", version="2")(workbench)
    then = workbench.store.newest()
    assert "versions:" in workbench.export(account="acme", repository="fc"), "who pins it is of no repository"
    edit("templates", "t", modules=["m@2"])(workbench)
    assert "versions:" not in workbench.export(account="acme")
    assert 'versions:\n      - "1"' in workbench.export(account="acme", at=then)


def test_a_drill_that_fails_says_why(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for do in (*PINNED, edit("modules", "m", version="2"), edit("nodes", "n", template="t")):
        do(workbench)
    monkeypatch.setattr(export, "pinned", lambda *_: {})
    made = workbench.drill(ME, "acme")
    assert not made.ok
    assert "2 resources missing after the restore, such as nodes/n. Why: " in made.detail
    assert "templates/t was withheld (missing_reference): " in made.detail
    assert "m@1" in made.detail
    assert made.code == "FLEET-632"
    assert "fleet drill --account acme" in made.hint
    event = workbench.last_drill("acme")
    assert event is not None
    assert event.event.data is not None
    assert (event.event.data["code"], event.event.data["hint"]) == (made.code, made.hint)
    assert bodies.drill(made)["hint"] == made.hint
    (message,) = messages([event], {})
    assert (message.type, message.repository, message.data["hint"]) == ("drill.failed", "acme", made.hint)
    assert "fleet drill --account acme" in slack(message, "")["text"].replace("\u2060", "")
    with pytest.raises(FleetError, match="FLEET-632"):
        made.refuse()


@pytest.mark.parametrize(
    ("old", "new", "next_"),
    [
        ("priority: 3", "priority: 4", "Please report it, with the file that fleet export --account acme writes."),
        ("\nmodules:", "\nmodule:", "Change the resources in the message in the live fleet"),
        ("priority: 3", "depends_on: [absent]", "Change "),
    ],
)
def test_what_to_do_next_follows_from_what_went_wrong(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, old: str, new: str, next_: str
) -> None:
    workbench.set_resource(ME, ResourceKey("acme", "modules", "m"), {"priority": 3})
    real = Reader.export
    monkeypatch.setattr(Reader, "export", lambda self, **given: real(self, **given).replace(old, new, 1))
    made = workbench.drill(ME, "acme")
    assert made.hint.startswith(next_)
    assert "Until a drill passes, keep a copy of the whole store" in made.hint


def test_a_drill_that_passes_has_no_code_and_nothing_to_do(workbench: Workbench) -> None:
    made = workbench.drill(ME, "acme")
    assert (made.code, made.hint) == (None, "")
    made.refuse()
    event = workbench.last_drill("acme")
    assert event is not None
    assert messages([event], {}) == []
    assert "code" not in (event.event.data or {})


def test_an_export_over_its_limit_is_no_restore(workbench: Workbench, scratch: Path) -> None:
    workbench.set_resource(ME, ResourceKey("acme", "modules", "m"), {"description": "x" * 2000})
    workbench.settings = replace(workbench.settings, max_file_bytes=1000)
    with pytest.raises(RefusedEdit, match="FLEET-630"):
        workbench.drill(ME, "acme")
    assert workbench.last_drill() is None


def test_it_takes_the_right_to_apply_in_that_account_and_records_nothing_without(workbench: Workbench) -> None:
    everything_else = frozenset(Permission) - {Permission.APPLY}
    for actor in (
        Actor("eve", everything_else),
        Actor("eve", frozenset({Permission.READ})),
        Actor("eve", account="other"),
    ):
        with pytest.raises(RefusedEdit, match="FLEET-600"):
            workbench.drill(actor, "acme")
    assert workbench.events() == []


@pytest.mark.slow
def test_ten_thousand_resources_come_back(tmp_path: Path, workbench: Workbench) -> None:
    home = tmp_path / "big"
    big.fill(home, scale=0.001, resources=10_300, versions=2)
    settings = replace(workbench.settings, home=home, max_file_bytes=2**24)
    with Workbench.open_home(settings) as bench:
        (account,) = bench.accounts()
        made = bench.drill(ME, account)
        assert made.ok, made.detail
        assert made.resources >= 10_000


def test_a_lost_remote_is_replaced_without_a_difference(workbench: Workbench, tmp_path: Path) -> None:
    """The other way back: live goes on, the file is made from it, and the new repository adopts everything."""
    fill_account(workbench, "acme", tmp_path)
    workbench.approve(ME, [p.id for p in workbench.live_proposals()])
    workbench.apply(ME)
    text = workbench.export(account="acme")
    versions = {r.key: r.version for r in workbench.resources()}
    new = GitRepository(tmp_path / "new")
    new.push(text)
    workbench.remove_repository(ME, "acme-repo")
    workbench.add_repository(ME, "new", str(new.path), account="acme")
    run = workbench.sync(ME, "new").run
    assert (run.status, run.diff_count, run.opened) == ("success", 0, 0)
    assert {(r.holder, r.owned) for r in workbench.resources()} == {("new", True)}
    assert {r.key: r.version for r in workbench.resources()} == versions, "adopted without a write"
    assert workbench.sync(ME, "new").run.unchanged


def test_a_repository_pointed_elsewhere_goes_on_without_a_difference(workbench: Workbench, tmp_path: Path) -> None:
    fill_account(workbench, "acme", tmp_path)
    workbench.approve(ME, [p.id for p in workbench.live_proposals()])
    workbench.apply(ME)
    new = GitRepository(tmp_path / "new")
    new.push(workbench.export(account="acme"))
    workbench.change_repository(ME, "acme-repo", {"url": str(new.path)})
    run = workbench.sync(ME, "acme-repo").run
    assert (run.status, run.diff_count, workbench.live_proposals()) == ("success", 0, [])
