"""Snapshots: of one moment whatever goes on, without tokens, and good to go on from."""

from __future__ import annotations

import stat
import threading
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import duckdb
import pytest

from engine.errors import RefusedEdit, StoreError
from engine.model import Actor, Permission, ResourceKey
from engine.settings import Settings
from engine.system.keys import key_of
from engine.workbench import Workbench
from tests.api.conftest import Api
from tests.builders import query
from tests.conftest import GitRepository, fill_account, listening

ME = Actor("ana")


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = duckdb.connect(str(path), read_only=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_a_store_restored_from_a_snapshot_takes_over(workbench: Workbench, tmp_path: Path, settings: Settings) -> None:
    remote = fill_account(workbench, "acme", tmp_path)
    workbench.pause(ME, "freeze", "acme-repo")
    path = tmp_path / "copy's.duckdb"
    assert workbench.snapshot(ME, path) == path.stat().st_size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    there = replace(settings, home=tmp_path / "elsewhere")
    there.home.mkdir()
    path.rename(there.home / "fleet.duckdb")
    with Workbench.open_home(there) as restored:
        for ask in (
            lambda b: b.resources(),
            lambda b: b.repositories(),
            lambda b: b.proposals(),
            lambda b: b.runs(),
            lambda b: b.drift(),
            lambda b: b.events(limit=1000),
            lambda b: b.history(ResourceKey("acme", "modules", "acme-one")),
            lambda b: b.export(account="acme"),
            lambda b: b.pauses(),
            lambda b: b.run_details(b.runs()),
        ):
            assert ask(restored) == ask(workbench)
        restored.resume(ME, "acme-repo")
        pending = [p.id for p in restored.live_proposals()]
        assert restored.sync(ME, "acme-repo").run.unchanged, "it owns what it owned, and what was proposed still is"
        assert [p.id for p in restored.live_proposals()] == pending
        restored.approve(ME, pending)
        assert not restored.apply(ME).failed
        remote.push("version: 1\naccount: acme\nmodules: {acme-one: {priority: 5}}\n")
        opened = restored.sync(ME, "acme-repo").proposals
        assert {p.change for p in opened} == {"update", "destroy"}
        assert min(p.id for p in opened) > max(pending), "numbers go on behind those of the copy"


def test_no_store_of_a_home_is_replaced(workbench: Workbench, tmp_path: Path, settings: Settings) -> None:
    own, other = settings.home / "fleet.duckdb", tmp_path / "fleet.duckdb"
    other.write_bytes(b"of another home")
    inode = own.stat().st_ino
    for path in (own, other):
        with pytest.raises(RefusedEdit, match="FLEET-607"):
            workbench.snapshot(ME, path)
    assert own.stat().st_ino == inode
    assert other.read_bytes() == b"of another home"


def test_tokens_and_keys_are_not_in_it(workbench: Workbench, tmp_path: Path) -> None:
    _, token = workbench.create_token(ME, "canary-name", account="*", permissions=[Permission.READ])
    ((jti,),) = query(workbench.store, "SELECT jti FROM api_tokens")
    path = tmp_path / "copy.duckdb"
    workbench.snapshot(ME, path)
    data = path.read_bytes()
    key = key_of(workbench.settings.home, "tokens")
    for secret in (token, jti, key.hex()):
        assert secret.encode() not in data
    assert key not in data
    assert rows(path, "SELECT count(*) FROM api_tokens") == [(0,)]
    assert rows(path, "SELECT type FROM fleet_events") == [("access.token_created",)], "that there was one is no secret"


def test_it_is_of_one_moment_while_a_thousand_steps_are_applied(workbench: Workbench, tmp_path: Path, git_repo: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("engine.flow.apply.CHUNK", 20)  # fifty transactions to be caught between
    monkeypatch.setattr("engine.flow.apply.TURN_S", 60)  # a slow machine makes them no smaller
    workbench.settings = replace(workbench.settings, cap=1_000)
    git_repo.push("version: 1\naccount: acme\nmodules:\n" + "".join(f"  m{n:04}: {{}}\n" for n in range(1_000)))
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    workbench.approve(ME, [p.id for p in workbench.sync(ME, "fc").proposals])
    applying = threading.Thread(target=workbench.apply, args=(ME,))
    taken: list[int] = []
    path = tmp_path / "copy.duckdb"
    applying.start()
    while applying.is_alive():
        workbench.snapshot(ME, path)
        counts = [
            rows(path, sql)[0][0]
            for sql in (
                "SELECT count(*) FROM resources",
                "SELECT count(*) FROM resource_history WHERE valid_to IS NULL AND spec IS NOT NULL",
                "SELECT count(*) FROM proposals WHERE status = 'applied'",
                "SELECT count(*) FROM apply_steps WHERE outcome = 'applied'",
                "SELECT count(*) FROM claims WHERE base IS NOT NULL",
                "SELECT count(*) FROM fleet_events WHERE type = 'fleet.created'",
                "SELECT count(*) FROM fleet_events WHERE type = 'gitops.proposal_applied'",
            )
        ]
        assert len(set(counts)) == 1, counts
        taken.append(counts[0])
    applying.join()
    workbench.snapshot(ME, path)
    assert any(0 < count < 1_000 for count in taken), taken
    chunks = rows(
        path, "SELECT count(*) FROM fleet_events WHERE type = 'fleet.created' GROUP BY happened_at ORDER BY happened_at"
    )
    assert {*taken} <= {0, *accumulate(number for (number,) in chunks)}, "each is what a commit left"


def test_who_sees_one_account_has_no_copy_of_all(workbench: Workbench, tmp_path: Path) -> None:
    for actor in (Actor("eve", account="acme"), Actor("eve", frozenset({Permission.WRITE}))):
        with pytest.raises(RefusedEdit, match="FLEET-600"):
            workbench.snapshot(actor, tmp_path / "x")
    assert not list(tmp_path.glob("x*"))


def test_a_place_that_cannot_be_written_is_said_and_nothing_is_left(workbench: Workbench, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "x.duckdb", Path("/proc/x.duckdb")):
        with pytest.raises(StoreError, match=r"FLEET-30[35]"):
            workbench.snapshot(ME, path)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(StoreError, match="FLEET-305"):
        workbench.snapshot(ME, folder)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "home"]
    for _ in ("new", "again, over the one that is there"):
        assert workbench.snapshot(ME, tmp_path / "good") > 0


@pytest.mark.usefixtures("serving")
def test_the_api_sends_one_and_keeps_none(workbench: Workbench, tmp_path: Path) -> None:
    fill_account(workbench, "acme", tmp_path)
    _, token = workbench.create_token(ME, "x", account="*", permissions=[Permission.READ])
    with listening() as port:
        answer = Api(f"http://127.0.0.1:{port}", token)("GET", "system/snapshot")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/vnd.duckdb"
    assert answer.headers["Content-Disposition"].endswith('.duckdb"')
    path = tmp_path / "got.duckdb"
    path.write_bytes(answer.content)
    assert rows(path, "SELECT count(*) FROM resources") == [(len(workbench.resources()),)]
    assert list((workbench.settings.home / "snapshots").iterdir()) == []


def test_what_a_killed_process_left_half_sent_is_cleared(settings: Settings) -> None:
    left = settings.home / "snapshots" / "x.duckdb"
    left.parent.mkdir(parents=True)
    left.write_text("x")
    with Workbench.open_home(settings):
        assert not left.exists()
