"""Where snapshots come from, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

import engine
from engine import Reader, Workbench
from engine.errors import FleetError
from engine.model import Permission, ResourceKey
from engine.settings import Settings
from tests.analysis.conftest import ME
from tests.conftest import Served, listening

KEY = ResourceKey("acme", "modules", "m")


def altered(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def test_what_the_package_gives_is_the_engine() -> None:
    assert issubclass(Workbench, Reader)
    with pytest.raises(AttributeError):
        __import__("engine").nothing  # noqa: B018


def test_opening_leaves_the_file_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    with engine.open(path) as one, engine.open(path) as two:
        assert one.proposals().equals(two.proposals())
        one.what_if("open")
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir() if p.name.startswith("monday")) == ["monday.duckdb"]


def test_one_whose_views_are_of_another_version_is_brought_up_to_date_in_a_copy(path: Path) -> None:
    altered(path, "DROP VIEW node_modules", "UPDATE store_notes SET value = '\"old\"' WHERE name = 'views_digest'")
    before = path.read_bytes()
    with engine.open(path) as wb:
        assert len(wb.sql("SELECT * FROM node_modules"))
        assert len(wb.what_if("open").plan)
    assert path.read_bytes() == before


def test_what_is_no_snapshot_is_said_so(path: Path, tmp_path: Path) -> None:
    other = altered(tmp_path / "other.duckdb", "CREATE TABLE t (a INT)")
    text = tmp_path / "text.duckdb"
    text.write_text("not a database")
    newer = altered(
        Path(shutil.copy(path, tmp_path / "newer.duckdb")), "UPDATE schema_versions SET version = 999 WHERE version = 1"
    )
    for given, code in (
        (other, "FLEET-303"),
        (text, "FLEET-303"),
        (newer, "FLEET-302"),
        (tmp_path / "none", "FLEET-607"),
    ):
        with pytest.raises(FleetError, match=code) as caught:
            engine.open(given)
        assert caught.value.hint


def test_a_home_is_copied_whether_or_not_a_server_holds_it(
    home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workbench.open_home(settings) as workbench:
        workbench.set_resource(ME, KEY, {})
    with engine.open(home) as wb:
        assert len(wb.fleet()) == 1
        assert list(wb.path.parent.iterdir()) == [wb.path]
    assert not wb.path.exists(), "its copy goes with it"
    with Served(settings) as served:
        with engine.open(home) as wb:
            served.workbench.set_resource(ME, KEY, {"priority": 9})
            assert wb.fleet()["spec"][0]["priority"] == 0, "of the moment at which it was taken"
        monkeypatch.setenv("FLEET_HOME", str(home))
        with engine.open() as wb:
            assert wb.fleet()["spec"][0]["priority"] == 9


def test_the_one_that_is_named_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_SNAPSHOT", str(path))
    with engine.open() as wb:
        assert wb.path == path
        assert "monday.duckdb" in repr(wb)


@pytest.mark.usefixtures("serving")
def test_one_is_fetched_from_a_running_server(workbench: Workbench) -> None:
    workbench.set_resource(ME, KEY, {"priority": 3})
    _, good = workbench.create_token(ME, "notebook", account="*", permissions=[Permission.READ])
    _, narrow = workbench.create_token(ME, "narrow", account="acme", permissions=[Permission.READ])
    with listening() as port:
        url = f"http://127.0.0.1:{port}"
        for given in (url, f"{url}/"):
            with engine.connect(given, good, account="acme") as wb:
                assert wb.blame("modules/m").loc["priority", "value"] == 3
                assert wb.sql("SELECT * FROM api_tokens").empty
            assert not wb.path.exists()
        for address, token, code in (
            (url, narrow, "FLEET-600"),
            (url, "wrong", "FLEET-661"),
            (f"{url}/elsewhere", good, "FLEET-312"),
            ("http://127.0.0.1:9", good, "FLEET-310"),
            ("nonsense", good, "FLEET-310"),
        ):
            with pytest.raises(FleetError, match=code) as caught:
                engine.connect(address, token)
            assert token not in str(caught.value)
