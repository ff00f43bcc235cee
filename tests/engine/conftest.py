"""A workbench on a remote that is a double: what a test pushes is what the next tick fetches. Real git is tested elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

import engine.flow.sync
from engine.kinds.fleet import FLEET
from engine.model import (
    Actor,
    Cause,
    Change,
    Claim,
    LiveFleet,
    Origin,
    Proposal,
    Repository,
    ResourceKey,
    Revision,
    Risk,
    Run,
    Spec,
    Status,
    canonical,
)
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import SetClock

ANA, BOB = Actor("ana"), Actor("bob")


class Bench:
    """Short words for what the tests of this folder do."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self.pushed: dict[str, tuple[int, str]] = {}

    def fetch(self, repository: Repository, _settings: Settings, **_told: object) -> Revision:
        number, text = self.pushed[repository.name]
        return Revision(
            f"{number:040x}", "Ana Duarte", "Change", datetime(2026, 11, 1, tzinfo=UTC), "fleet.yaml", text.encode()
        )

    def fetch_unless(
        self, known: Callable[[str], bool], repository: Repository, *rest: Any, **more: Any
    ) -> Revision | None:
        revision = self.fetch(repository, *rest, **more)
        return None if known(revision.commit) else revision

    def push(self, sections: str, *, repository: str = "fc", account: str = "acme") -> None:
        """Push sections as the next commit; the repository is registered when it is first named."""
        number = self.pushed.get(repository, (0, ""))[0]
        self.pushed[repository] = (number + 1, f"version: 1\naccount: {account}\n{sections}")
        if repository not in {r.name for r in self.workbench.repositories()}:
            self.workbench.add_repository(ANA, repository, f"/remote/{repository}", account=account)

    def change(self, repository: str = "fc", **changes: Any) -> None:
        self.workbench.change_repository(ANA, repository, changes)

    def sync(self, sections: str | None = None, *, repository: str = "fc") -> Run:
        if sections is not None:
            self.push(sections, repository=repository)
        return self.workbench.sync(ANA, repository).run

    def settle(self, sections: str, *, repository: str = "fc") -> None:
        """Push, approve all, apply, and tick until nothing is left."""
        self.sync(sections, repository=repository)
        for _ in range(10):
            self.workbench.approve(ANA, [p.id for p in self.standing(Status.PENDING)])
            self.workbench.apply(ANA)
            if self.sync(repository=repository).unchanged:
                return

    def standing(self, status: Status | None = None) -> list[Proposal]:
        return self.workbench.live_proposals(status=status)

    def edit(self, kind: str, name: str, **fields: Any) -> None:
        self.workbench.set_resource(BOB, ResourceKey("acme", kind, name), fields)

    def spec(self, kind: str, name: str) -> dict[str, Any]:
        return self.workbench.resource(ResourceKey("acme", kind, name)).spec

    def held(self, run: Run) -> dict[str, str]:
        """What a run withheld: address to reason."""
        return {row.key.address: row.reason for row in self.workbench.run_detail(run).withheld}


@pytest.fixture
def bench(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with Workbench.open_home(settings, clock=SetClock()) as workbench:
        made = Bench(workbench)
        monkeypatch.setattr(engine.flow.sync, "fetch_unless", made.fetch_unless)
        yield made


def modules(*names: str, **fields: Any) -> str:
    """A section of modules, all with the same fields."""
    inner = ", ".join(f"{field}: {value}" for field, value in fields.items())
    return "modules: {" + ", ".join(f"{name}: {{{inner}}}" for name in names) + "}\n"


def proposal(
    id_: int, kind: str, name: str, current: Spec | None, desired: Spec | None, repository: int = 1, **more: Any
) -> Proposal:
    """An approved proposal, for what is pure."""
    change = Change.CREATE if current is None else Change.DESTROY if desired is None else Change.UPDATE
    made = Proposal(
        id=id_, repository_id=repository, repository="fc", key=ResourceKey("acme", kind, name), change=change, status=Status.APPROVED,
        current=current, desired=desired, declared=(), base=None, fields=(), cause=Cause.GIT_MOVED, origin=Origin.GIT, fingerprint="f", revision="r",
        run_id=1, references=(), blast_radius=0, reopened_count=0, reason=None, error=None, opened_at=datetime(2026, 11, 1, tzinfo=UTC), decided_at=None,
        decided_by=None, ended_at=None, reverts=None, risk=Risk.LOW,
    )  # fmt: skip
    return replace(made, **more)


def agreed(spec: Spec, version: int = 4, repository: int = 1, **more: Any) -> Claim:
    """The claim of a repository that agreed with live on this."""
    return Claim(repository, canonical(spec).decode(), "r0", version, **more)


def fleet(claims: Mapping[str, Claim] | None = None, **sections: Mapping[str, Spec]) -> LiveFleet:
    """A live fleet of account acme, with defaults, each resource at version 4. `claims` are on modules, by name."""
    live = LiveFleet("acme")
    for kind, entries in sections.items():
        live.specs[kind] = {name: FLEET[kind].complete(dict(spec)) for name, spec in entries.items()}
        live.versions[kind] = dict.fromkeys(entries, 4)
    live.claims["modules"] = dict(claims or {})
    return live


TWELVE = [f"m{number:02d}" for number in range(12)]
