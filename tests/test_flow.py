"""The real input of the design, end to end with real git: rewrites under the cap, prefixes, shared claims, a large fleet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.flow.parse import read_fleet_file
from engine.kinds.fleet import FLEET
from engine.model import Actor, ResourceKey, Status
from engine.settings import Settings
from engine.workbench import Workbench
from tests.conftest import GitRepository
from tests.laws.checks import assert_agreement

ME = Actor("ana")


def _fleet(count: int, **sections: str) -> str:
    modules = "".join(f"  module-{number:03d}: {{priority: {number}}}\n" for number in range(count))
    return f"version: 1\naccount: acme\nmodules:\n{modules}" + "".join(
        f"{name}:\n{text}" for name, text in sections.items()
    )


def test_a_rewrite_with_130_differences_gets_every_one_its_turn(workbench: Workbench, git_repo: GitRepository) -> None:
    git_repo.push(_fleet(130))
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    run = workbench.sync(ME, "fc").run
    assert (run.status, run.diff_count, run.opened, run.remaining) == ("partial", 130, 25, 105)
    pending = [p.id for p in workbench.live_proposals(status=Status.PENDING)]
    rejected = pending[:10]
    workbench.reject(ME, rejected, "not before the sale")
    workbench.approve(ME, pending[10:])
    rounds = 0
    while True:
        rounds += 1
        run = workbench.sync(ME, "fc").run
        waiting = workbench.live_proposals(status=Status.PENDING)
        assert len(waiting) <= 25
        if rounds < 5:
            assert not {p.id for p in waiting} & set(rejected), "a rejected one comes only after those never seen"
        for proposal in waiting:
            if proposal.id in rejected:
                assert (proposal.reopened_count, proposal.reason) == (1, "not before the sale")
        if not waiting and not run.remaining and run.diff_count == 0:
            break
        workbench.approve(ME, [p.id for p in waiting])
        assert rounds < 12
    assert run.status == "success"
    assert all(p.status is Status.APPLIED for p in workbench.proposals(limit=1000))
    assert len(workbench.resources(limit=1000)) == len(workbench.proposals(limit=1000)) == 130
    assert_agreement(workbench.store)


def test_two_prefixes_of_one_repository_are_two_repositories(workbench: Workbench, git_repo: GitRepository) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {prod-only: {}}\n", file="environments/prod/fleet.yaml")
    git_repo.push("version: 1\naccount: acme\nmodules: {staging-only: {}}\n", file="environments/staging/fleet.yaml")
    for name in ("prod", "staging"):
        workbench.add_repository(ME, name, str(git_repo.path), account="acme", path_prefix=f"environments/{name}")
        workbench.approve(ME, [p.id for p in workbench.sync(ME, name).proposals])
    assert len(workbench.apply(ME).applied) == 2
    for name in ("prod", "staging"):
        assert (workbench.sync(ME, name).run.diff_count, workbench.live_proposals()) == (0, [])
    git_repo.push("version: 1\naccount: acme\nmodules: {other: {}}\n", file="environments/prod/fleet.yaml")
    changed = [(p.change.value, p.key.name) for p in workbench.sync(ME, "prod").proposals]
    assert changed == [("create", "other"), ("destroy", "prod-only")]


def test_of_two_repositories_that_claim_one_resource_the_first_holds_it(
    workbench: Workbench, git_repo: GitRepository
) -> None:
    git_repo.push("version: 1\naccount: acme\nmodules: {shared: {priority: 1}}\n", file="one/fleet.yaml")
    git_repo.push("version: 1\naccount: acme\nmodules: {shared: {priority: 2}}\n", file="two/fleet.yaml")
    for name in ("one", "two"):
        workbench.add_repository(ME, name, str(git_repo.path), account="acme", path_prefix=name)
    workbench.sync(ME, "one")
    run = workbench.sync(ME, "two").run
    assert (run.opened, run.remaining) == (0, 1)
    (held,) = workbench.run_detail(run).withheld
    assert (held.reason, "one" in held.detail) == ("ownership_conflict", True)
    workbench.remove_repository(ME, "one")
    (proposal,) = workbench.sync(ME, "two").proposals
    assert proposal.desired is not None
    assert proposal.desired["priority"] == 2


def test_a_repository_that_moves_account_leaves_destroys_or_leaves_things(
    settings: Settings, git_repo: GitRepository
) -> None:
    with Workbench.open_home(settings) as workbench:
        for account, release in (("first", False), ("second", True), ("third", False)):
            git_repo.push(f"version: 1\naccount: {account}\nmodules: {{nginx: {{}}}}\n")
            if not workbench.repositories():
                workbench.add_repository(ME, "fc", str(git_repo.path), account=account)
            else:
                assert workbench.sync(ME, "fc").run.error is not None
                workbench.change_repository(ME, "fc", {"account": account}, release=release)
            workbench.approve(ME, [p.id for p in workbench.sync(ME, "fc").proposals])
            workbench.apply(ME)
            assert not workbench.sync(ME, "fc").run.diff_count
        accounts = [(r.key.account, r.holder) for r in workbench.resources()]
        # First was left with a release and stays, held by nobody; second was left without and was destroyed.
        assert accounts == [("first", None), ("third", "fc")]


def test_a_preview_finds_what_a_tick_finds_in_the_account_that_was_left_and_shows_it_to_whom_it_is_open(
    workbench: Workbench, git_repo: GitRepository
) -> None:
    git_repo.push("version: 1\naccount: first\nmodules: {nginx: {description: canary}}\n")
    workbench.add_repository(ME, "fc", str(git_repo.path), account="first")
    workbench.approve(ME, [p.id for p in workbench.sync(ME, "fc").proposals])
    workbench.apply(ME)
    file = b"version: 1\naccount: second\nmodules: {base: {}}\n"
    workbench.change_repository(ME, "fc", {"account": "second"})
    found = workbench.preview_file(file, file="fleet.yaml", account="second", repository="fc")
    assert [found.place(entry) for entry in found.entries] == ["modules/base", "modules/nginx in account first"]
    narrow = workbench.narrowed("second").preview_file(file, file="fleet.yaml", account="second", repository="fc")
    assert [narrow.place(entry) for entry in narrow.entries] == ["modules/base"]
    assert "canary" not in str(narrow)
    git_repo.push(file.decode())
    assert {p.key.text for p in workbench.sync(ME, "fc").proposals} == {
        entry.difference.key.text for entry in found.entries
    }


def test_a_run_in_two_accounts_shows_each_to_whom_it_is_open(workbench: Workbench, git_repo: GitRepository) -> None:
    git_repo.push("version: 1\naccount: first\nmodules: {nginx: {description: canary}, spare: {}}\n")
    workbench.add_repository(ME, "fc", str(git_repo.path), account="first")
    workbench.approve(ME, [p.id for p in workbench.sync(ME, "fc").proposals])
    workbench.apply(ME)
    workbench.set_resource(ME, ResourceKey("first", "templates", "by-hand"), {"modules": ["nginx"]})
    workbench.change_repository(ME, "fc", {"account": "second"})
    git_repo.push("version: 1\naccount: second\nmodules: {}\nnodes: {app-01: {}}\n")
    synced = workbench.sync(ME, "fc")
    workbench.approve(ME, [p.id for p in synced.proposals])
    workbench.apply(ME)
    whole, narrow = (bench.run_detail(synced.run) for bench in (workbench, workbench.narrowed("second")))
    assert {step.key.text for step in whole.applied} == {"first/modules/spare", "second/nodes/app-01"}
    assert [held.key.text for held in whole.withheld] == ["first/modules/nginx"]
    assert [step.key.text for step in narrow.applied] == ["second/nodes/app-01"]
    assert (narrow.withheld, workbench.narrowed("second").held_by(synced.run)) == ((), [])
    assert "canary" in str(workbench.held_by(synced.run))


def test_a_tick_is_evaluated_again_when_something_that_decides_it_changes(
    workbench: Workbench, git_repo: GitRepository
) -> None:
    git_repo.push(_fleet(2))
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")

    def evaluated() -> bool:
        first, second = workbench.sync(ME, "fc").run, workbench.sync(ME, "fc").run
        assert second.unchanged, second
        return not first.unchanged

    changes: list[Callable[[], object]] = [
        lambda: git_repo.push(_fleet(3)),
        lambda: workbench.change_repository(ME, "fc", {"auto_heal": True}),
        lambda: workbench.set_resource(ME, ResourceKey("acme", "nodes", "made-by-hand"), {}),
        lambda: workbench.approve(ME, [1]) and workbench.unapprove(ME, [1]),
    ]
    assert evaluated()
    for change in changes:
        change()
        assert evaluated()
    workbench.set_resource(ME, ResourceKey("elsewhere", "nodes", "of-no-matter"), {})
    assert not evaluated()


@pytest.mark.slow
def test_a_fleet_of_10000_is_imported_applied_and_exported_twice_the_same(
    settings: Settings, git_repo: GitRepository
) -> None:
    count = 2500
    text = _fleet(
        0,
        templates="".join(f"  t{n}: {{modules: [m{n}@1.{n}]}}\n" for n in range(count)),
        nodes="".join(f"  n{n}: {{template: t{n}, labels: {{rack: r{n % 9}}}}}\n" for n in range(count)),
        assignments="".join(f"  n{n}:m{n}: {{priority: {n}}}\n" for n in range(count)),
    ).replace("modules:\n", "modules:\n" + "".join(f'  m{n}: {{version: "1.{n}"}}\n' for n in range(count)))
    git_repo.push(text)
    raised = Settings(home=settings.home, allow_local_remotes=1, cap=20_000, max_file_bytes=10_000_000)
    with Workbench.open_home(raised) as workbench:
        workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
        synced = workbench.sync(ME, "fc")
        assert (synced.run.status, len(synced.proposals)) == ("success", 10_000)
        workbench.approve(ME, [p.id for p in synced.proposals])
        done: list[int] = []
        applied = workbench.apply(ME, progress=lambda steps, _all: done.append(steps))
        assert (len(applied.applied), applied.failed, applied.skipped) == (10_000, [], ())
        assert done == sorted(done)
        assert done[-1] == 10_000
        assert workbench.run(synced.run.id).status == "applied"
        assert workbench.sync(ME, "fc").run.diff_count == 0
        exported = workbench.export(account="acme")
        assert exported == workbench.export(account="acme")
        read = read_fleet_file(exported.encode(), FLEET, limit=10_000_000)
        preview = workbench.preview(read, account="acme", repository="fc")
        assert (preview.entries, preview.unchanged) == ((), 10_000)
