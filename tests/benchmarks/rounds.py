"""A round over many repositories none of which moved, and a bare `git fetch` of each."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.flow.sync.checkouts import checkout
from engine.model import Actor
from engine.server.rounds import Pool
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GIT_ENVIRONMENT, GitRepository

ME = Actor("bench")


def prepare(folder: Path, count: int) -> Workbench:
    """A home in which so many repositories, each with a folder of its own in one git repository, are at rest."""
    remote = GitRepository(folder / "remote")
    for number in range(count):
        place = remote.path / f"r{number}"
        place.mkdir()
        (place / "fleet.yaml").write_text(f"version: 1\naccount: acme\nmodules: {{m{number}: {{}}}}\n")
    remote.git("add", "--all")
    remote.git("commit", "--quiet", "--message", "Begin")
    settings = Settings.from_environment(folder / "home", {"FLEET_ALLOW_LOCAL_REMOTES": "1"})
    bench = Workbench.open_home(settings)
    for number in range(count):
        name = f"r{number}"
        bench.add_repository(ME, name, str(remote.path), account="acme", path_prefix=name, auto_apply=True)
    for _ in range(3):  # apply, look, be unchanged
        round_(bench)
    return bench


def round_(bench: Workbench) -> list[bool]:
    """One round; gives for each tick whether it was unchanged."""
    pool = Pool(bench)
    ticks = [pool.begin(ME, repository) for repository in bench.repositories()]
    unchanged = [tick.result().run.unchanged for tick in ticks]
    pool.close()
    return unchanged


def floor(bench: Workbench) -> None:
    """The same fetches by git alone, as many side by side."""
    environment = {**GIT_ENVIRONMENT, "GIT_TERMINAL_PROMPT": "0"}

    def fetch(folder: Path, url: str) -> None:
        command = ["git", "fetch", "--quiet", "--depth=1", "--no-tags", "--", url, "+refs/heads/main:refs/fleet/head"]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)

    with ThreadPoolExecutor(bench.settings.sync_workers) as threads:
        home = bench.settings.home
        list(threads.map(lambda r: fetch(checkout(home, r.id), r.url), bench.repositories()))
