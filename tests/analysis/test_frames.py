"""What frames hold: the columns that are documented, the rows that the engine has, and only what may be seen."""

from __future__ import annotations

import doctest
import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest

import engine
from engine import Workbench
from engine.analysis import Snapshot
from engine.analysis.frames import COLUMNS, INDEX
from engine.errors import FleetError, FleetFileInvalid
from engine.model import ResourceKey
from engine.settings import Settings
from tests.analysis.conftest import ME
from tests.conftest import fill_account

NGINX = "modules/nginx-public"

FRAMES: dict[str, Callable[[Snapshot], pd.DataFrame]] = {
    "proposals": lambda wb: wb.proposals(),
    "runs": lambda wb: wb.runs(),
    "drift": lambda wb: wb.drift(),
    "withheld": lambda wb: wb.withheld(),
    "events": lambda wb: wb.events(),
    "fleet": lambda wb: wb.fleet(),
    "diff": lambda wb: wb.diff(1),
    "history": lambda wb: wb.history(NGINX),
    "blame": lambda wb: wb.blame(NGINX),
    "compare": lambda wb: wb.compare("2020-01-01"),
}
TIMES = {
    "opened_at",
    "decided_at",
    "ended_at",
    "started_at",
    "moved_at",
    "closed_at",
    "happened_at",
    "since",
    "valid_from",
    "valid_to",
    "at",
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_has_the_columns_that_its_docstring_names(wb: Snapshot, name: str) -> None:
    found = FRAMES[name](wb)
    assert len(found)
    if name in INDEX:
        assert found.index.name == INDEX[name]
        assert found.index.is_unique
        found = found.reset_index()
    assert list(found.columns) == list(COLUMNS[name])
    doc = inspect.getdoc(getattr(Snapshot, name)) or ""
    named = [
        line.strip().partition(":")[0]
        for line in doc.partition("Columns:\n")[2].splitlines()
        if line.startswith("    ") and line[4] != " "
    ]
    assert named == list(COLUMNS[name])
    for column in TIMES & set(found.columns):
        assert isinstance(found[column].dtype, pd.DatetimeTZDtype), column
        assert str(found[column].dt.tz) == "UTC"


def test_frames_of_an_empty_store_are_empty_and_have_their_columns(workbench: Workbench, tmp_path: Path) -> None:
    workbench.snapshot(ME, tmp_path / "empty.duckdb")
    with engine.open(tmp_path / "empty.duckdb") as wb:
        for name in ("proposals", "runs", "drift", "withheld", "events", "fleet", "compare"):
            found = FRAMES[name](wb)
            assert len(found) == 0
            assert list((found.reset_index() if name in INDEX else found).columns) == list(COLUMNS[name])
        assert len(wb.graph()) == 0
        assert wb.what_if("open").ok
        assert "none" in wb._repr_html_()
        for plot in (wb.plot_outcomes, wb.plot_drift, wb.plot_graph):
            plot()


def test_frames_say_what_the_engine_says(wb: Snapshot) -> None:
    reader = wb.reader
    proposals = reader.proposals(limit=10_000)
    found = wb.proposals()
    assert found.index.tolist() == [p.id for p in reversed(proposals)]
    assert (
        found["status"].value_counts().to_dict()
        == pd.Series([p.status.value for p in proposals]).value_counts().to_dict()
    )
    one = reader.proposal(3)
    row = found.loc[3]
    assert (row["name"], row["risk"], row["fields"], row["decided_by"]) == (
        one.key.name,
        one.risk,
        len(one.fields),
        one.decided_by,
    )
    assert one.decided_at is not None
    assert row["decided_after_s"] == pytest.approx((one.decided_at - one.opened_at).total_seconds())
    runs, failed = wb.runs(), [r for r in reader.runs() if r.error]
    assert len(runs) == len(reader.runs())
    assert runs.loc[failed[0].id, ["failed_stage", "error"]].tolist() == [
        "parse",
        failed[0].error["code"] if failed[0].error else "",
    ]
    assert runs["parse_s"].notna().all()
    drift = reader.drift(limit=1000)
    assert wb.drift().index.tolist() == [e.id for e in reversed(drift)]
    assert wb.drift()["paths"].tolist() == [", ".join(row["path"] for row in e.fields) for e in reversed(drift)]
    assert len(wb.events()) == len(reader.events(limit=10_000))
    fleet = reader.fleet(account="northwind")
    assert {ResourceKey(r.account, r.kind, r.name): r.spec for r in wb.fleet().itertuples()} == fleet
    held = wb.withheld().query("open")
    assert len(held) == sum(reader.status().withheld.values())


def test_a_run_is_shown_field_by_field_with_what_it_withheld(wb: Snapshot) -> None:
    run = wb.reader.run(1)
    found = wb.diff(1)
    assert set(found["proposal"].dropna()) == set(run.proposal_ids)
    held = found.query("withheld.notna()")
    assert len(held[["kind", "name"]].drop_duplicates()) == run.remaining
    assert held["path"].notna().any()
    newest = wb.diff(wb.runs().index[-1])
    assert (newest["status"].dropna() == "pending").all()


def test_a_file_is_compared_as_text_or_path(wb: Snapshot, tmp_path: Path) -> None:
    text = wb.export()
    assert wb.diff(text).empty
    edited = text.replace("priority: 50", "priority: 51", 1)
    (tmp_path / "fleet.yaml").write_text(edited)
    for given in (edited, tmp_path / "fleet.yaml", str(tmp_path / "fleet.yaml")):
        row = wb.diff(given).iloc[0]
        assert (row["path"], row["current"], row["desired"], row["what"]) == ("priority", 50, 51, "changed")
    nothing = "version: 1\naccount: northwind\n"
    assert wb.diff(nothing).empty
    assert set(wb.diff(nothing, repository="northwind-fleet")["change"]) == {"destroy"}
    with pytest.raises(FleetFileInvalid, match="FLEET-1"):
        wb.diff("version: 1\naccount: northwind\nmodule: {}\n")


def test_any_time_can_be_asked_for(wb: Snapshot) -> None:
    history = wb.history(NGINX)
    assert len(history) > 1
    newest, before = history.iloc[0], history.iloc[1]
    assert newest["changes"]
    then = wb.fleet(at=before["valid_from"]).query("kind == 'modules' and name == 'nginx-public'").iloc[0]
    assert (then["spec"], then["version"]) == (before["spec"], before["version"])
    assert wb.fleet(at="2001-01-01").empty
    changes = wb.compare(before["valid_from"], newest["valid_from"]).query("name == 'nginx-public'")
    assert not changes.empty
    assert set(changes["actor"]) == {newest["actor"]}
    since_ever = wb.compare("2001-01-01", newest["valid_from"])
    assert not since_ever.duplicated(["kind", "name", "path"]).any(), "a version that ends just then is no more"
    assert len(wb.graph(at=before["valid_from"])) == len(wb.fleet(at=before["valid_from"]))
    assert wb.taken_at == wb.events()["happened_at"].max()
    assert wb.fleet(at="2026-11-20").equals(wb.fleet(at=datetime(2026, 11, 20, tzinfo=UTC)))


def test_a_comparison_leads_from_one_fleet_to_the_other(wb: Snapshot) -> None:
    """Every resource that differs is in it, and nothing else."""
    middle = wb.history(NGINX).iloc[-1]["valid_from"]
    before = {(r.kind, r.name): r.spec for r in wb.fleet(at=middle).itertuples()}
    after = {(r.kind, r.name): r.spec for r in wb.fleet().itertuples()}
    changed = wb.compare(middle).groupby(["kind", "name"])["change"].first().to_dict()
    assert changed == {
        place: "create" if place not in before else "destroy" if place not in after else "update"
        for place in before.keys() | after.keys()
        if json.dumps(before.get(place), sort_keys=True) != json.dumps(after.get(place), sort_keys=True)
    }


def test_the_graph_is_networkx_as_it_is(wb: Snapshot) -> None:
    graph = wb.graph()
    assert nx.is_directed_acyclic_graph(graph)
    key = "northwind/modules/nginx-public"
    assert graph.nodes[key]["kind"] == "modules"
    assert {key.split("/")[1] for key in nx.ancestors(graph, key)} >= {"templates", "nodes"}


def test_figures_are_those_of_the_pages(wb: Snapshot) -> None:
    assert [trace.name for trace in wb.plot_outcomes().data]
    assert any("episode" in trace.name for trace in wb.plot_drift().data)
    assert len(wb.plot_graph().data) > 1


def test_one_account_alone_can_be_opened(workbench: Workbench, tmp_path: Path) -> None:
    for account in ("acme", "rival"):
        fill_account(workbench, account, tmp_path)
    workbench.snapshot(ME, tmp_path / "two.duckdb")
    with (
        engine.open(tmp_path / "two.duckdb") as both,
        engine.open(tmp_path / "two.duckdb", account="acme") as one,
    ):
        for name in ("proposals", "runs", "drift", "withheld", "events", "fleet", "compare"):
            assert "rival" in FRAMES[name](both).to_string()
            assert "rival" not in FRAMES[name](one).to_string()
        assert "rival" not in repr([*one.graph()])
        assert one.key("modules/acme-one") == ResourceKey("acme", "modules", "acme-one")
        for ask in (lambda: one.history("rival/modules/rival-one"), lambda: one.export("rival"), lambda: one.diff(3)):
            with pytest.raises(FleetError):
                ask()


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda wb: wb.history("modules/nothing"), "FLEET-627"),
        (lambda wb: wb.blame("modules/nothing"), "FLEET-627"),
        (lambda wb: wb.history("nginx"), "FLEET-646"),
        (lambda wb: wb.history("module/nginx"), "FLEET-621"),
        (lambda wb: wb.diff(99_999), "FLEET-604"),
        (lambda wb: wb.diff("no/such/file.yaml"), "FLEET-607"),
        (lambda wb: wb.diff("version: 1\naccount: x\n", repository="nope"), "FLEET-603"),
        (lambda wb: wb.fleet(at="yesterday"), "FLEET-646"),
        (lambda wb: wb.what_if(), "FLEET-646"),
        (lambda wb: wb.what_if([99_999]), "FLEET-401"),
    ],
)
def test_what_is_not_there_is_said_in_a_line(wb: Snapshot, ask: Callable[[Snapshot], object], code: str) -> None:
    with pytest.raises(FleetError, match=code) as caught:
        ask(wb)
    shown = caught.value._render_traceback_()
    assert shown[0].startswith(code)
    assert len(shown) == 2


def _examples(thing: object) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(inspect.getdoc(thing) or "")


EXAMPLES = [
    (name, example.source)
    for name, thing in [
        ("Snapshot", Snapshot),
        ("open", engine.open),
        *inspect.getmembers(Snapshot, inspect.isfunction),
    ]
    for example in _examples(thing)
]


def test_everything_has_an_example() -> None:
    lacking = {"close", "export", "key", "plot_outcomes", "plot_drift", "plot_graph"}
    public = {name for name, _ in inspect.getmembers(Snapshot, inspect.isfunction) if not name.startswith("_")}
    assert {name for name, _ in EXAMPLES} >= public - lacking


@pytest.mark.parametrize(("name", "source"), EXAMPLES)
def test_the_examples_run(wb: Snapshot, path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str) -> None:
    monkeypatch.chdir(path.parent)
    Path("fleet.yaml").write_text(wb.export())
    known = {"wb": wb, "engine": engine, "Path": Path, "nx": nx, "friday": wb.what_if("open")}
    exec(source, known)  # noqa: S102 - our own examples


def test_settings_of_the_machine_count(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_MAX_FILE_BYTES", "5000")
    with engine.open(path) as wb, pytest.raises(FleetError, match="FLEET-630"):
        wb.export()
    assert Settings.from_environment(None).max_file_bytes == 5000
