"""What is forgotten with age, and what never is: whatever explains how things stand today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RefusedEdit
from engine.model import Actor, Permission, ResourceKey
from engine.settings import Settings
from engine.store.events import EventFilter
from engine.workbench import Workbench
from tests.conftest import GitRepository, SetClock

ME = Actor("ana")
KEY = ResourceKey("acme", "modules", "m")


@pytest.fixture
def bench(settings: Settings, clock: SetClock) -> Iterator[Workbench]:
    with Workbench.open_home(settings, clock=clock) as made:
        yield made


def file(priority: int, more: str = "") -> str:
    return f"version: 1\naccount: acme\nmodules: {{m: {{priority: {priority}}}{more}}}\n"


def runs(bench: Workbench) -> list[tuple[int, str]]:
    return [(run.id, run.status.value) for run in bench.runs(limit=1000)]


def settle(bench: Workbench) -> int:
    """Sync, approve and apply; gives the run's id."""
    synced = bench.sync(ME, "fc")
    bench.approve(ME, [p.id for p in synced.proposals])
    bench.apply(ME)
    return synced.run.id


def test_old_runs_go_at_their_ages_and_what_explains_today_stays(
    bench: Workbench, clock: SetClock, git_repo: GitRepository
) -> None:
    git_repo.push(file(1))
    bench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    wrote = settle(bench)
    bench.sync(ME, "fc")
    noise = bench.runs(limit=1)[0].id
    bench.change_repository(ME, "fc", {"branch": "gone"})
    failed = bench.sync(ME, "fc").run.id
    bench.change_repository(ME, "fc", {"branch": "main"})
    bench.set_resource(Actor("ben"), KEY, {"priority": 9})
    drifted = bench.sync(ME, "fc").run.id
    git_repo.push(file(1, ", waits: {depends_on: [nothing]}"))
    withheld = bench.sync(ME, "fc").run.id
    git_repo.push(file(1, ", waits: {depends_on: [nothing]}, mine: {}"))
    opened = bench.sync(ME, "fc").run.id
    clock.advance(days=91)
    git_repo.push(file(1, ", waits: {depends_on: [nothing]}, mine: {}, late: {}"))
    newest = bench.sync(ME, "fc").run.id
    explaining = {wrote, drifted, withheld, opened, newest}
    assert len(explaining) == 5
    blamed, pending = bench.blame(KEY), bench.live_proposals()
    assert bench.prune(ME)["gitops_sync_runs"] >= 1
    kept = {id_ for id_, _ in runs(bench)}
    assert noise not in kept, "a run that changed nothing is forgotten after 90 days"
    assert {*explaining, failed} <= kept
    assert bench.blame(KEY) == blamed, "who set what is still known, with its commit"
    assert bench.live_proposals() == pending
    assert [{e.event.type for e in bench.events(proposal_id=p.id)} for p in pending] == [{"gitops.proposal_opened"}] * 3
    assert [row.key.name for row in bench.run_detail(bench.run(withheld)).withheld] == ["waits"]
    clock.advance(days=275)
    bench.prune(ME)
    kept = {id_ for id_, _ in runs(bench)}
    assert failed not in kept, "a failed one after 365"
    assert explaining <= kept
    assert bench.blame(KEY) == blamed


def test_the_run_of_an_old_proposal_may_be_gone_and_nobody_stumbles(
    bench: Workbench, clock: SetClock, git_repo: GitRepository
) -> None:
    git_repo.push(file(1, ", gone: {}"))
    bench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    settle(bench)
    git_repo.push(file(1))
    settle(bench)  # destroys modules/gone
    clock.advance(days=400)
    bench.sync(ME, "fc")
    bench.delete_resource(ME, KEY)
    bench.prune(ME)
    applied = bench.proposals(status="applied")
    assert len(applied) == 3
    assert {bench.run_of(p) for p in applied} == {None}
    assert len(runs(bench)) == 1, "the newest run of a repository stays, however old: what a tick finds unchanged"
    assert [v.cause for v in bench.history(KEY)] == ["edit", "apply"], "the history of resources is never forgotten"


def test_events_of_host_keys_registrations_and_proofs_stay(
    bench: Workbench, clock: SetClock, git_repo: GitRepository
) -> None:
    bench.add_repository(ME, "fc", "git@host.example:x.git", account="acme")
    bench.set_resource(ME, KEY, {})
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1w9uE2qZb1s6Q3kz6xE4h0xYQmB1v5n8G6yT4c2o9K"
    bench.trust_host_key(ME, "fc", key)
    bench.drill(ME, "acme")
    bench.set_resource(ME, KEY, {"priority": 3})
    clock.advance(days=100)
    gone = bench.prune(ME)
    types = [e.event.type for e in bench.find_events(EventFilter())]
    assert sorted(types) == [
        "gitops.drill_passed",
        "gitops.host_key_trusted",
        "gitops.repository_added",
        "store.pruned",
    ]
    assert gone == {"fleet_events": 2}
    assert bench.prune(ME) == {}
    assert len(bench.find_events(EventFilter())) == 4, "nothing to forget leaves no event"


def test_tokens_and_deliveries_and_closed_withholdings_go_too(
    bench: Workbench, clock: SetClock, git_repo: GitRepository
) -> None:
    git_repo.push(file(1, ", waits: {depends_on: [nothing]}"))
    bench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    bench.sync(ME, "fc")
    git_repo.push(file(1))
    bench.sync(ME, "fc")
    bench.create_token(ME, "short", account="*", permissions=[Permission.READ], days=1)
    bench.create_token(ME, "long", account="*", permissions=[Permission.READ], days=200)
    bench.note_deliveries("github", "x", None, [(1, "tick requested")])
    clock.advance(days=95)
    gone = bench.prune(ME)
    assert (gone["withheld_diffs"], gone["webhook_deliveries"], gone["api_tokens"]) == (1, 1, 1)
    assert [t.name for t in bench.tokens(ME)] == ["long"]


def test_the_settings_say_how_long(bench: Workbench, clock: SetClock, git_repo: GitRepository) -> None:
    bench.set_resource(ME, KEY, {})
    clock.advance(days=8)
    assert bench.prune(ME) == {}
    bench.settings = replace(bench.settings, keep_days=7)
    assert bench.prune(ME) == {"fleet_events": 1}


def test_it_wants_permission_for_everything(bench: Workbench) -> None:
    for actor in (Actor("eve", frozenset({Permission.READ})), Actor("eve", account="acme")):
        with pytest.raises(RefusedEdit, match="FLEET-600"):
            bench.prune(actor)


@settings(max_examples=15)
@given(
    story=st.lists(
        st.tuples(st.sampled_from(["push", "edit", "reject", "approve", "apply", "sync", "wait"]), st.integers(1, 3)),
        max_size=12,
    )
)
def test_whatever_happened_forgetting_changes_no_answer_about_today(
    story: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder: Path = tmp_path_factory.mktemp("story")
    clock = SetClock()
    remote = GitRepository(folder / "remote")
    remote.push(file(0))
    given_settings = Settings.from_environment(folder / "home", {"FLEET_ALLOW_LOCAL_REMOTES": "1"})
    with Workbench.open_home(given_settings, clock=clock) as bench:
        bench.add_repository(ME, "fc", str(remote.path), account="acme")
        for verb, number in story:
            live = [p.id for p in bench.live_proposals()]
            match verb:
                case "push":
                    remote.push(file(number, ", x: {}" if number == 2 else ""))
                case "edit":
                    bench.set_resource(ME, KEY, {"priority": 10 + number})
                case "reject":
                    bench.reject(ME, live[:number], "no")
                case "approve":
                    bench.approve(ME, live[:number])
                case "apply":
                    bench.apply(ME)
                case "sync":
                    bench.sync(ME, "fc")
                case "wait":
                    clock.advance(days=60 * number)

        def today() -> list[object]:
            resources = bench.resources()
            last = bench.runs(limit=1)
            return [
                resources,
                [bench.blame(r.key) for r in resources],
                [bench.history(r.key) for r in resources],
                bench.live_proposals(),
                [(p.id, bench.run_of(p)) for p in bench.live_proposals()],
                [bench.events(proposal_id=p.id) for p in bench.live_proposals()],
                bench.drift(open_=True),
                bench.run_details(last),
                bench.export(account="acme"),
                bench.status(),
            ]

        before = today()
        clock.advance(days=500)
        bench.prune(ME)
        assert today() == before
        run = bench.sync(ME, "fc").run
        assert run.error is None
