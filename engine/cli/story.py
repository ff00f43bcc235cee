"""The demo: a real git repository from the example fleet, and a fortnight of history made by the public verbs alone.

The story stands in `data/example/story.toml`; nothing but the verbs of `Workbench` writes a row. Only the clock is set back.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.errors import RefusedEdit
from engine.flow.sync import call, fetching
from engine.kinds.fleet import FLEET
from engine.model import Actor, ResourceKey, Status
from engine.phrases import count
from engine.settings import SHIPPED, Settings
from engine.system import private
from engine.workbench import Synced, Workbench, utc_now

EXAMPLE = SHIPPED / "data" / "example"
"""The example fleet, and the story of its fortnight."""

REPOSITORY = "northwind-fleet"
ACCOUNT = "northwind"

Teller = Callable[[str, int, int], None]
"""Told what happens in the story as it is played: (sentence, number, of how many)."""


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the demo stands once it has run."""

    workbench: Workbench
    synced: Synced
    git_folder: Path
    played: bool
    """Whether the story was played now; False when it had been before."""


class StoryClock:
    """A clock that can be set back and runs on from there; without a setting it is the real one."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() - self._offset

    def set_back(self, days: float) -> None:
        """Stand as many days before the present, rounded to whole seconds."""
        self._offset = timedelta(seconds=round(days * 86_400))


def run(settings: Settings, actor: Actor, teller: Teller = lambda _sentence, _number, _count: None) -> Demo:
    """Play what of the story has not been played in this home, then sync as of now. The caller closes the workbench.

    Effects: a git repository under `<home>/demo`, the demo's rows; a second run adds nothing to them.
    Raises: FleetError as the verbs do.
    """
    clock = StoryClock()
    folder = settings.home / "demo" / "fleet-config"
    workbench = Workbench.open_home(settings, kinds=FLEET, clock=clock)
    try:
        _make_repository(folder, settings)
        played = _Story(workbench, clock, folder).play(teller)
        clock.set_back(0)
        _register(workbench, actor, folder)
        return Demo(workbench, workbench.sync(actor, REPOSITORY), folder, played)
    except BaseException:
        workbench.close()
        raise


def is_alone(workbench: Workbench) -> bool:
    """Whether a home holds the example and nothing else: no other repository, and nothing live of another account."""
    others = [r.name for r in workbench.repositories() if r.name != REPOSITORY]
    return not others and set(workbench.accounts()) <= {ACCOUNT}


def _register(workbench: Workbench, actor: Actor, folder: Path) -> None:
    if not any(repository.name == REPOSITORY for repository in workbench.repositories()):
        workbench.add_repository(actor, REPOSITORY, str(folder), account=ACCOUNT)


def _make_repository(folder: Path, settings: Settings) -> None:
    if not (folder / ".git").exists():
        private.make_folder(folder)
        command, environment = ["init", "--quiet", "--initial-branch=main"], call.clean_environment()
        try:
            call.run(command, cwd=folder, environment=environment, limits=call.Limits.of(settings))
        except FileNotFoundError:
            raise fetching.no_git() from None


@contextmanager
def _clean_environment() -> Iterator[None]:
    """Give this process the environment of a child while the block runs: GitPython starts git with it.

    Only for a command that has one thread.
    """
    ours = dict(os.environ)
    os.environ.clear()
    os.environ.update(call.clean_environment() | {"GIT_PYTHON_REFRESH": "quiet"})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(ours)


class _Story:
    """Plays the events of the story in order, and remembers in `<home>/demo/story.json` how far it came."""

    def __init__(self, workbench: Workbench, clock: StoryClock, folder: Path) -> None:
        self._workbench = workbench
        self._clock = clock
        self._folder = folder
        self._source = EXAMPLE
        self._progress = folder.parent / "story.json"

    def play(self, teller: Teller) -> bool:
        events = tomllib.loads((self._source / "story.toml").read_text())["event"]
        done = json.loads(self._progress.read_text())["played"] if self._progress.exists() else 0
        for number, event in enumerate(events[done:], done + 1):
            self._clock.set_back(event["day"])
            teller(self._perform(event), number, len(events))
            private.write(self._progress, json.dumps({"played": number}).encode())
        return bool(done < len(events))

    def _perform(self, event: Mapping[str, Any]) -> str:
        """Do one event; gives a sentence for whoever watches."""
        by = event.get("by", "gitops_scheduler")
        actor = Actor(by)
        match event["do"]:
            case "commit":
                subject = self._commit(event)
                _register(self._workbench, Actor("ana"), self._folder)
                return f"{event['author'].partition(' <')[0]} commits: {subject}"
            case "sync":
                run = self._workbench.sync(actor, REPOSITORY).run
                if run.error is not None:
                    return f"the tick finds a problem in the file: {run.error['code']}"
                return f"the tick finds {count(run.diff_count, 'difference')} and opens {count(run.opened, 'proposal')}"
            case "approve":
                return f"{by} approves {len(self._workbench.approve(actor, self._pending(event)))}"
            case "reject":
                return f"{by} rejects {len(self._workbench.reject(actor, self._pending(event), event['reason']))}"
            case "apply":
                return f"{by} applies {len(self._workbench.apply(actor, account=ACCOUNT).applied)}"
            case "set":
                key = ResourceKey(ACCOUNT, event["kind"], event["name"])
                self._workbench.set_resource(actor, key, event["fields"], note=event["note"])
                return f"{by} sets {key.address} by hand"
            case "delete":
                key = ResourceKey(ACCOUNT, event["kind"], event["name"])
                if any(resource.key == key for resource in self._workbench.resources(account=ACCOUNT, kind=key.kind)):
                    self._workbench.delete_resource(actor, key, note=event["note"])
                return f"{by} deletes {key.address} by hand"
            case other:
                raise RefusedEdit(
                    "FLEET-608", f"The story has an unknown event {other!r}.", "Correct data/example/story.toml."
                )

    def _pending(self, event: Mapping[str, Any]) -> list[int]:
        only = event.get("only")
        standing = self._workbench.live_proposals(account=ACCOUNT, repository=REPOSITORY, status=Status.PENDING)
        return [proposal.id for proposal in standing if only is None or proposal.key.address in only]

    def _commit(self, event: Mapping[str, Any]) -> str:
        """Commit one version of the fleet file at the story's time; a version that is there already is left alone."""
        message: str = event["message"].strip()
        subject = message.splitlines()[0]
        with _clean_environment():
            import git

            with git.Repo(self._folder) as repo:
                (self._folder / "fleet.yaml").write_bytes((self._source / event["file"]).read_bytes())
                repo.index.add(["fleet.yaml"])
                if not repo.head.is_valid() or repo.index.write_tree() != repo.head.commit.tree:
                    name, _, mail = event["author"].partition(" <")
                    author = git.Actor(name, mail.rstrip(">"))
                    when = self._clock().astimezone(UTC).replace(microsecond=0)
                    repo.index.commit(
                        message + "\n", author=author, committer=author, author_date=when, commit_date=when
                    )
        return subject


def finish(demo: Demo, actor: Actor, teller: Callable[[Synced, int, int], None], *, most_rounds: int = 100) -> Synced:
    """Approve everything, apply and tick again until the run reports success with nothing remaining and nothing pending.

    `teller` is told each round's run with how many were approved and applied before it. Raises: FleetError as the verbs do.
    """
    workbench, synced = demo.workbench, demo.synced
    for _ in range(most_rounds):
        waiting = workbench.live_proposals(account=ACCOUNT, repository=REPOSITORY, status=Status.PENDING)
        if not waiting and synced.run.status in {"success", "applied"} and not synced.run.remaining:
            break
        approved = workbench.approve(actor, [proposal.id for proposal in waiting])
        applied = workbench.apply(actor, repository=REPOSITORY)
        synced = workbench.sync(actor, REPOSITORY)
        teller(synced, sum(outcome.error is None for outcome in approved), len(applied.applied))
    return synced
