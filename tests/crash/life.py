"""A stretch of a fleet's life, run in a process of its own that can be told to kill itself at a chosen commit.

python -m tests.crash.life HOME REMOTE before|after N     kill -9 before or after the N-th commit
python -m tests.crash.life HOME REMOTE never 0            run to the end and print how many commits there were
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.flow import apply as applying
from engine.model import Actor, ResourceKey, Status
from engine.settings import Settings
from engine.store import Store, Transaction
from engine.workbench import Workbench
from tests.conftest import GitRepository

ME = Actor("ana")

FIRST = """version: 1
account: acme
modules:
  base: {version: "1"}
  nginx: {priority: 50, depends_on: [base]}
templates:
  web: {modules: [nginx, base@1]}
nodes:
  app-01: {template: web}
  app-02: {template: web}
assignments:
  app-01:nginx: {}
  app-02:nginx: {enabled: false}
"""

SECOND = """version: 1
account: acme
modules:
  base: {version: "2"}
  caddy: {depends_on: [base]}
templates:
  web: {modules: [caddy, base@2], description: "now with caddy"}
nodes:
  app-01: {template: web}
  App-03: {template: web}
"""

_commits = 0


def _count_and_kill(when: str, at: int) -> None:
    write = Store.write

    @contextmanager
    def counted(store: Store) -> Iterator[Transaction]:
        global _commits
        with write(store) as tx:
            yield tx
            _commits += 1
            if when == "before" and _commits == at:
                os.kill(os.getpid(), signal.SIGKILL)
        if when == "after" and _commits == at:
            os.kill(os.getpid(), signal.SIGKILL)

    Store.write = counted  # type: ignore[method-assign, assignment]


def live_through(home: Path, remote: Path) -> None:
    """Ticks, decisions, applies in small transactions, an edit by hand, a second revision that destroys."""
    applying.CHUNK = 2
    applying.TURN_S = 60  # on a slow machine as many commits as on a fast one
    repository = object.__new__(GitRepository)
    repository.path = remote
    with Workbench.open_home(Settings.from_environment(home, {"FLEET_ALLOW_LOCAL_REMOTES": "1"})) as workbench:
        if not workbench.repositories():
            workbench.add_repository(ME, "fc", str(remote), account="acme")
        for text in (FIRST, SECOND):
            repository.push(text)
            for _ in range(2):
                workbench.sync(ME, "fc")
                workbench.approve(ME, [p.id for p in workbench.live_proposals(status=Status.PENDING)])
                workbench.apply(ME)
            workbench.set_resource(
                Actor("bob"), ResourceKey("acme", "modules", "base"), {"priority": 7, "description": text[:20]}
            )
            workbench.sync(ME, "fc")


def main() -> None:
    home, remote, when, at = sys.argv[1:]
    _count_and_kill(when, int(at))
    live_through(Path(home), Path(remote))
    sys.stdout.write(f"{_commits}\n")


if __name__ == "__main__":
    main()
