"""What-if: the fork tells what would be, and nothing but the fork is changed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

import engine
from engine import Workbench
from engine.analysis import Snapshot, WhatIf
from engine.analysis.frames import COLUMNS
from engine.errors import FleetError, FleetFileInvalid, RefusedEdit
from engine.model import Actor, ResourceKey
from tests.analysis.conftest import ME
from tests.conftest import GitRepository

FRAMES = {
    "fleet": "what_if_fleet",
    "differences": "differences",
    "plan": "plan",
    "reached": "reached",
    "broken": "broken",
}


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where forks are; empty when they are over."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def specs(found: WhatIf) -> dict[tuple[str, str], dict[str, object]]:
    return {(r.kind, r.name): r.spec for r in found.fleet.itertuples()}


def test_all_that_is_open_is_applied_to_the_fork_alone(wb: Snapshot, path: Path, scratch: Path) -> None:
    before, fleet = path.read_bytes(), wb.fleet()
    found = wb.what_if("open")
    standing = [p for p in wb.reader.live_proposals() if p.status in {"pending", "approved"}]
    assert set(found.plan["proposal"]) == {p.id for p in standing}
    assert found.ok
    assert (found.plan["wave"].diff().dropna() >= 0).all()
    assert set(zip(found.differences["kind"], found.differences["name"], strict=True)) == {
        (p.key.kind, p.key.name) for p in standing
    }
    for p in standing:
        if p.desired is not None:
            spec = specs(found)[p.key.kind, p.key.name]
            assert {name: spec[name] for name in p.desired} == p.desired
    assert set(found.reached["kind"]) == {"nodes"}
    for name, columns in FRAMES.items():
        assert list(getattr(found, name).columns) == list(COLUMNS[columns])
    assert path.read_bytes() == before
    assert wb.fleet().equals(fleet)
    assert list(scratch.iterdir()) == []
    assert "steps in 4 waves" in found._repr_html_()


def test_the_plan_is_that_of_the_engine(wb: Snapshot) -> None:
    ids = [p.id for p in wb.reader.live_proposals() if p.status == "pending"]
    found = wb.what_if(ids)
    again = wb.reader.prospects(ids)
    assert [(s.wave, s.proposal.id) for s in again.plan.steps] == list(
        zip(found.plan["wave"], found.plan["proposal"], strict=True)
    )
    assert {(key.kind, key.name) for key in again.nodes} == set(
        zip(found.reached["kind"], found.reached["name"], strict=True)
    )


def test_what_would_break_a_reference_is_told(workbench: Workbench, git_repo: GitRepository, tmp_path: Path) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {base: {}, app: {depends_on: [base]}}\n")
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    workbench.sync(ME, "fc")
    workbench.set_resource(ME, ResourceKey("acme", "modules", "own"), {})
    workbench.snapshot(ME, tmp_path / "s.duckdb")
    with engine.open(tmp_path / "s.duckdb") as wb:
        app = next(p for p in wb.reader.live_proposals() if p.key.name == "app")
        found = wb.what_if([app.id])
        assert not found.ok
        assert found.broken[["name", "why"]].values.tolist() == [["app", "blocked"]]
        assert "modules/base" in found.broken["detail"][0]
        assert found.differences.empty
        absent = wb.what_if(yaml="version: 1\naccount: acme\nmodules: {x: {depends_on: [gone]}, y: {}}\n")
        assert absent.broken[["name", "why"]].values.tolist() == [["x", "missing_reference"]]
        assert absent.differences["name"].unique().tolist() == ["y"]


def test_a_stale_proposal_is_told(workbench: Workbench, git_repo: GitRepository, tmp_path: Path) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {a: {}}\n")
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    (proposal,) = workbench.sync(ME, "fc").proposals
    workbench.set_resource(Actor("ben"), proposal.key, {})
    workbench.pause(ME, "freeze")
    workbench.snapshot(ME, tmp_path / "s.duckdb")
    with engine.open(tmp_path / "s.duckdb") as wb:
        assert wb.what_if([proposal.id]).broken["why"].tolist() == ["stale"]


def test_what_is_approved_already_is_part_of_what_a_file_would_change(
    workbench: Workbench, git_repo: GitRepository, tmp_path: Path
) -> None:
    text = "version: 1\naccount: acme\nmodules: {a: {}, b: {}}\n"
    git_repo.push(text)
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    workbench.approve(ME, [workbench.sync(ME, "fc").proposals[0].id])
    workbench.snapshot(ME, tmp_path / "s.duckdb")
    with engine.open(tmp_path / "s.duckdb") as wb:
        assert set(wb.what_if(yaml=text).differences["name"]) == {"a", "b"}
        assert wb.what_if(yaml=text.replace("a: {}, ", "")).fleet["name"].tolist() == ["b"], "only the file counts"


def test_an_edited_file_is_rehearsed_uncapped_and_through_a_freeze(
    workbench: Workbench, git_repo: GitRepository, tmp_path: Path
) -> None:
    head = "version: 1\naccount: acme\n"
    git_repo.push(f"{head}modules: {{a: {{}}, b: {{}}}}\nnodes: {{n: {{}}}}\nassignments: {{'n:a': {{}}}}\n")
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme", auto_apply=True)
    workbench.sync(ME, "fc")
    workbench.pause(ME, "freeze")
    before = workbench.export(account="acme")
    workbench.snapshot(ME, tmp_path / "s.duckdb")
    many = "".join(f"  m{n:02}: {{}}\n" for n in range(60))
    with engine.open(tmp_path / "s.duckdb") as wb:
        found = wb.what_if(
            yaml=f"{head}modules:\n  a: {{priority: 7}}\n{many}nodes: {{n: {{}}}}\nassignments: {{'n:a': {{}}}}\n"
        )
        assert found.ok
        assert found.plan["change"].value_counts().to_dict() == {"create": 60, "update": 1, "destroy": 1}
        assert found.plan.iloc[-1][["name", "change"]].tolist() == ["b", "destroy"]
        assert found.reached["name"].tolist() == ["n"]
        row = found.differences.query("name == 'a'").iloc[0]
        assert (row["path"], row["before"], row["after"]) == ("priority", 0, 7)
        with pytest.raises(FleetFileInvalid, match="FLEET-1"):
            wb.what_if(yaml=f"{head}modulez: {{}}\n")
        with pytest.raises(FleetError, match="FLEET-210"):
            wb.what_if(yaml=head)
        with pytest.raises(RefusedEdit, match="FLEET-603"):
            wb.what_if(yaml=head, repository="nope")
    assert workbench.export(account="acme") == before


def test_whose_file_it_is_is_asked_for_where_it_could_be_several(workbench: Workbench, tmp_path: Path) -> None:
    for name in ("one", "two"):
        workbench.add_repository(ME, name, str(tmp_path / name), account="acme")
    workbench.snapshot(ME, tmp_path / "s.duckdb")
    text = "version: 1\naccount: acme\nmodules: {a: {}}\n"
    with engine.open(tmp_path / "s.duckdb") as wb:
        with pytest.raises(RefusedEdit, match="FLEET-646") as caught:
            wb.what_if(yaml=text)
        assert "one, two" in caught.value.hint
        assert len(wb.what_if(yaml=text, repository="two").plan) == 1
        assert len(wb.what_if(yaml=text.replace("acme", "new")).plan) == 1, "an account without a repository"
