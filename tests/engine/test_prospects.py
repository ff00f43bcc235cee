"""What a person could do with proposals now: the base of the selection bar, the dialog and a proposal's page."""

from __future__ import annotations

from engine.flow.review import Verb
from engine.model import Actor, ResourceKey, Status
from engine.workbench import Workbench
from tests.conftest import GitRepository

ME = Actor("ana")
TEXT = """version: 1
account: acme
modules: {base: {priority: 1}, nginx: {depends_on: [base]}}
templates: {web: {modules: [nginx]}}
nodes: {app-01: {template: web}, app-02: {template: web}}
"""


def opened(workbench: Workbench, git_repo: GitRepository) -> dict[str, int]:
    git_repo.push(TEXT)
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    return {p.key.address: p.id for p in workbench.sync(ME, "fc").proposals}


def test_a_proposal_alone_is_blocked_by_what_it_refers_to(workbench: Workbench, git_repo: GitRepository) -> None:
    ids = opened(workbench, git_repo)
    (item,) = workbench.prospects([ids["modules/nginx"]]).items
    assert item.blocked == "refers to modules/base, but modules/base does not exist"
    assert item.can(Verb.APPROVE), "it may be approved: it waits"
    both = workbench.prospects([ids["modules/nginx"], ids["modules/base"]])
    assert [item.blocked for item in both.items] == [None, None]
    workbench.approve(ME, [ids["modules/base"]])
    assert workbench.prospects([ids["modules/nginx"]]).items[0].blocked is None, "what is approved already counts"


def test_the_blast_radius_is_of_all_together(workbench: Workbench, git_repo: GitRepository) -> None:
    ids = opened(workbench, git_repo)
    for chosen in (["modules/base"], ["modules/base", "modules/nginx", "nodes/app-01"]):
        found = workbench.prospects([ids[address] for address in chosen])
        assert [key.name for key in found.nodes] == ["app-01", "app-02"], (
            "each node counts once, also one to be created"
        )


def test_a_stale_one_cannot_be_approved_but_rejected(workbench: Workbench, git_repo: GitRepository) -> None:
    ids = opened(workbench, git_repo)
    workbench.set_resource(Actor("ben"), ResourceKey("acme", "modules", "base"), {"priority": 5})
    (item,) = workbench.prospects([ids["modules/base"]]).items
    assert item.stale == "modules/base now exists"
    assert (item.can(Verb.APPROVE), item.can(Verb.REJECT)) == (False, True)


def test_what_has_ended_allows_nothing(workbench: Workbench, git_repo: GitRepository) -> None:
    ids = opened(workbench, git_repo)
    workbench.approve(ME, list(ids.values()))
    workbench.apply(ME)
    found = workbench.prospects([*ids.values(), 999, -4, 2**70])
    assert {item.proposal.status for item in found.items} == {Status.APPLIED}
    assert not any(item.can(verb) for item in found.items for verb in Verb)
    assert all(item.stale is None for item in found.items)


def test_a_look_writes_nothing(workbench: Workbench, git_repo: GitRepository) -> None:
    ids = opened(workbench, git_repo)
    before = workbench.events()
    workbench.prospects(list(ids.values()))
    assert workbench.events() == before
