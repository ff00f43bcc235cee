"""Files that somebody sent: whatever is in them that we did not make is refused before it is asked, and no other file is read."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pytest

import engine
from engine.errors import FleetError, StoreError
from engine.kinds.fleet import FLEET
from engine.model import Actor, ResourceKey
from engine.settings import Settings
from engine.store import Store
from engine.workbench import Workbench, utc_now
from tests.builders import query
from tests.conftest import fill_account
from tests.test_ninth_kind import NINE

ME = Actor("ana")
OTHER_DIGEST = "UPDATE store_notes SET value = '\"old\"' WHERE name = 'views_digest'"
READS = "SELECT content AS account, content AS name FROM read_text('{file}')"


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot as it should be, made once."""
    folder = tmp_path_factory.mktemp("taken")
    settings = Settings.from_environment(folder / "home", {"FLEET_ALLOW_LOCAL_REMOTES": "1"})
    with Workbench.open_home(settings) as bench:
        fill_account(bench, "acme", folder)
        bench.snapshot(ME, folder / "good.duckdb")
    return folder / "good.duckdb"


def changed(taken: Path, folder: Path, *statements: str) -> Path:
    """A copy of the snapshot in which somebody has run something."""
    path = Path(shutil.copy(taken, folder / "sent.duckdb"))
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


@contextmanager
def watched(path: Path) -> Iterator[list[str]]:
    """A FIFO; gives whether anybody has opened it for reading. Whoever does gets a line, so that nothing hangs."""
    os.mkfifo(path)
    seen: list[str] = []
    over = threading.Event()

    def feed() -> None:
        with suppress(BrokenPipeError), path.open("w") as file:
            if not over.is_set():
                seen.append("read")
            file.write("CANARY")

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    yield seen
    over.set()
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    feeder.join(10)


def home_of(path: Path, folder: Path) -> Settings:
    """A home whose store is that file."""
    home = folder / "restored"
    home.mkdir(mode=0o700)
    shutil.copy(path, home / "fleet.duckdb")
    return Settings.from_environment(home, {})


WAYS: dict[str, Callable[[Path, Path], object]] = {
    "snapshot": lambda path, _: engine.open(path),
    "home": lambda path, folder: Workbench.open_home(home_of(path, folder)),
}

FOREIGN: dict[str, tuple[str, ...]] = {
    "a table is a view": ("DROP TABLE gitops_sync_runs", f"CREATE VIEW gitops_sync_runs AS {READS}"),
    "a table is a view, and the views are said to be older": (
        "DROP TABLE gitops_sync_runs",
        f"CREATE VIEW gitops_sync_runs AS {READS}",
        OTHER_DIGEST,
    ),
    "the notes are a view": ("DROP TABLE store_notes", f"CREATE VIEW store_notes AS {READS}"),
    "the versions are a view": ("DROP TABLE schema_versions", f"CREATE VIEW schema_versions AS {READS}"),
    "a view of ours has another text": (f"CREATE OR REPLACE VIEW node_modules AS {READS}",),
    "the states are others": (f"CREATE OR REPLACE VIEW resource_states AS {READS}",),
    "a macro of ours has another text": (
        "CREATE OR REPLACE MACRO risk_of(change, cause, reached) AS (SELECT content FROM read_text('{file}'))",
    ),
    "the past has another text": (f"CREATE OR REPLACE MACRO fleet_at(ts) AS TABLE {READS}",),
    "another view": (f"CREATE VIEW extra AS {READS}",),
    "another view that looks like a typed one": (
        (
            'CREATE VIEW extra AS SELECT account, name FROM (SELECT account, name, from_json(spec, \'{"a": "VARCHAR"}\') AS spec, version, '
            "updated_at, updated_by FROM resources WHERE kind = (SELECT content FROM read_text('{file}')))"
        ),
    ),
    "another macro": ("CREATE MACRO upper(x) AS (SELECT content FROM read_text('{file}'))",),
    "another macro, and the views are said to be older": (
        f"CREATE MACRO extra() AS TABLE {READS}",
        OTHER_DIGEST,
    ),
    "another schema": ("CREATE SCHEMA other", f"CREATE VIEW other.resources AS {READS}"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", FOREIGN)
def test_what_we_did_not_make_is_refused_and_never_asked(taken: Path, tmp_path: Path, what: str, way: str) -> None:
    with watched(tmp_path / "pipe") as seen:
        path = changed(taken, tmp_path, *(text.replace("{file}", str(tmp_path / "pipe")) for text in FOREIGN[what]))
        seen.clear()  # DuckDB itself looked when the view was made
        with pytest.raises(FleetError, match="FLEET-303") as refused:
            WAYS[way](path, tmp_path)
        assert refused.value.hint
        assert not seen


@pytest.mark.parametrize("way", WAYS)
def test_the_content_of_a_plain_file_is_never_shown(taken: Path, tmp_path: Path, way: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("CANARY")
    path = changed(
        taken,
        tmp_path,
        "DROP TABLE gitops_sync_runs",
        f"CREATE VIEW gitops_sync_runs AS SELECT content AS subject FROM read_text('{secret}')",
    )
    with pytest.raises(FleetError, match="FLEET-303") as refused:
        WAYS[way](path, tmp_path)
    assert "CANARY" not in str(refused.value)


def test_a_store_reads_and_writes_no_other_file(taken: Path, tmp_path: Path) -> None:
    """Even what got past the check cannot reach out: live store and snapshot alike are shut off for good."""
    (tmp_path / "plain").write_text("CANARY")
    other = tmp_path / "other.duckdb"
    with Workbench.open_home(home_of(taken, tmp_path)) as bench, engine.open(taken) as snapshot:
        for store in (bench.store, snapshot._store):
            for statement in (
                f"SELECT content FROM read_text('{tmp_path}/plain')",
                f"SELECT * FROM read_csv('{tmp_path}/plain')",
                f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
                f"ATTACH '{other}' AS other",
                f"ATTACH '{bench.settings.home}/copies/../../other.duckdb' AS other",
                f"EXPORT DATABASE '{tmp_path}/out'",
                "SET GLOBAL enable_external_access = true",
                "SET GLOBAL allowed_directories = ['/']",
                "RESET GLOBAL lock_configuration",
                "INSTALL httpfs",
                "LOAD httpfs",
            ):
                with pytest.raises(StoreError) as refused:
                    query(store, statement)
                assert isinstance(refused.value.__cause__, duckdb.Error)
    assert not other.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain", "restored"]


def test_what_is_ours_is_opened_whichever_version_and_kinds_it_is_of(taken: Path, tmp_path: Path) -> None:
    for number, statements in enumerate(
        (
            (),
            ("DROP VIEW node_modules", OTHER_DIGEST),
            ("CREATE OR REPLACE VIEW resource_states AS SELECT 1 AS older", OTHER_DIGEST),
            ("CREATE TABLE notes_of_mine AS SELECT 1 AS a",),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = changed(taken, folder, *statements)
        with engine.open(path) as wb:
            assert len(wb.fleet())
        with Workbench.open_home(home_of(path, folder)) as bench:
            assert bench.resources()
    home = home_of(taken, tmp_path)
    for kinds in (NINE, FLEET, NINE):
        with Workbench.open_home(home, kinds=kinds) as bench:
            assert bench.resources()
    with engine.open(home.home) as wb:
        assert len(wb.fleet())


def test_a_file_put_in_the_place_of_a_known_store_is_looked_through(taken: Path, tmp_path: Path) -> None:
    home = home_of(taken, tmp_path)
    with Workbench.open_home(home) as bench:
        bench.set_resource(ME, ResourceKey("acme", "modules", "later"), {"priority": 1})
    with Workbench.open_home(home):
        pass
    sent = changed(
        taken, tmp_path, f"CREATE VIEW extra AS {READS.replace('{file}', str(tmp_path / 'x'))}", OTHER_DIGEST
    )
    shutil.copy(sent, home.home / "fleet.duckdb")
    with pytest.raises(FleetError, match="FLEET-303"):
        Store.open(home.home, FLEET, utc_now)
    shutil.copy(taken, home.home / "fleet.duckdb")
    with Workbench.open_home(home) as bench:
        assert bench.resources(), "a refused file holds nothing up"
