"""The store itself: `snapshot`, `compact`, and `notebook` on a snapshot."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.analysis import Snapshot
from tests.cli.conftest import FILE, Fleet
from tests.conftest import GitRepository
from tests.remotes.servers import free_port


def test_a_snapshot_is_taken(registered: Fleet, tmp_path: Path) -> None:
    registered("sync", "fc")
    path = tmp_path / "copy.duckdb"
    taken = registered("snapshot", str(path), "--json")
    assert taken.json == {"path": str(path), "bytes": path.stat().st_size}
    with Snapshot(path) as found:
        assert found.proposals()["name"].tolist() == ["nginx"]
    assert "Wrote" in registered("snapshot", str(path)).out
    refused = registered("snapshot", str(tmp_path / "nowhere" / "copy.duckdb"))
    assert (refused.code, "FLEET-305" in refused.err) == (1, True)


@pytest.mark.usefixtures("served")
def test_several_commands_at_once_say_that_they_wrote_what_is_there(
    here: Fleet, process: Fleet, git_repo: GitRepository, tmp_path: Path
) -> None:
    git_repo.push(FILE)
    assert here("repo", "add", "fc", str(git_repo.path), "--account", "acme").code == 0
    here("sync", "fc")
    paths = [tmp_path / f"{number}.duckdb" for number in range(3)]

    def take(path: Path) -> object:
        taken = process("snapshot", str(path), "--json").json
        with Snapshot(path) as found:  # at once, while the others go on
            return taken["bytes"] == path.stat().st_size, found.proposals()["name"].tolist()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(take, paths)) == [(True, ["nginx"])] * 3


def test_the_store_is_compacted(registered: Fleet) -> None:
    registered("sync", "fc")
    done = registered("compact", "--json").json
    assert done["pruned"] == {}
    assert 0 < done["bytes_after"] <= done["bytes_before"]
    assert "The store has" in registered("compact").out
    assert [p["name"] for p in registered("proposals", "--json").json["items"]] == ["nginx"]


def test_jupyter_opens_on_the_notebooks_with_a_fresh_snapshot(
    registered: Fleet, home: Path, environment: dict[str, str], away: Path
) -> None:
    registered("sync", "fc")
    kept = home / "notebooks" / "05_review_flow.ipynb"
    kept.parent.mkdir()
    kept.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    port = free_port()
    command = [sys.executable, "-m", "engine.cli", "notebook", "--json", "--no-browser", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--", "--allow-root", "--ServerApp.port_retries=0"],
        cwd=away,
        env={**environment, "JUPYTER_TOKEN": "canary", "JUPYTER_CONFIG_DIR": str(away)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as jupyter:
        try:
            listed = _asked(f"http://127.0.0.1:{port}/api/contents", jupyter)
            environ = Path(f"/proc/{jupyter.pid}/environ").read_bytes().decode().split("\0")
        finally:
            jupyter.send_signal(signal.SIGTERM)
            out, err = jupyter.communicate(timeout=30)
    names = sorted(entry["name"] for entry in listed["content"])
    assert [name[:2] for name in names] == ["01", "02", "03", "04", "05"]
    assert json.loads(kept.read_text())["cells"] == [], "what is somebody's own is not written over"
    said = json.loads(out)
    assert said["notebooks"] == str(home / "notebooks")
    assert f"FLEET_SNAPSHOT={said['snapshot']}" in environ
    assert "Traceback" not in err
    with Snapshot(Path(said["snapshot"])) as found:
        assert found.proposals()["name"].tolist() == ["nginx"]


def test_without_jupyter_it_says_how_to_get_it(registered: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    refused = registered("notebook")
    assert (refused.code, "FLEET-609" in refused.err, "uv sync --extra notebook" in refused.err) == (1, True, True)


def _asked(url: str, jupyter: subprocess.Popen[str]) -> dict[str, list[dict[str, str]]]:
    """What Jupyter answers once it is up."""
    request = urllib.request.Request(url, headers={"Authorization": "token canary"})
    for _ in range(600):
        assert jupyter.poll() is None, jupyter.stderr
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                found: dict[str, list[dict[str, str]]] = json.load(answer)
                return found
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("Jupyter did not come up")
