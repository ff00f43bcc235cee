"""The state machine: every move that there is, and none other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.errors import FleetError, ReviewError
from engine.flow.review import Verb, moved, stale
from engine.kinds.fleet import FLEET
from engine.model import Actor, Cause, Change, Claim, Origin, Permission, Proposal, ResourceKey, Risk, Status
from tests.engine.conftest import ANA, Bench, modules

MOVES = {
    "pending": {"approve": "approved", "reject": "rejected"},
    "approved": {"take_back": "pending", "reject": "rejected", "apply": "applied", "fail": "failed"},
    "failed": {"approve": "approved", "reject": "rejected"},
    "rejected": {"reopen": "pending"},
    "applied": {},
    "superseded": {},
    "withdrawn": {},
}  # fmt: skip
ENDS = {"supersede": "superseded", "withdraw": "withdrawn"}

PROPOSAL = Proposal(
    id=7, repository_id=1, repository="fc", key=ResourceKey("acme", "modules", "a"), change=Change.UPDATE, status=Status.PENDING,
    current={"priority": 1, "config": {"x": 1}}, desired={"priority": 2, "config": {"x": 1}}, declared=("config", "priority"), base=None, fields=(),
    cause=Cause.GIT_MOVED, origin=Origin.GIT, fingerprint="f", revision="r", run_id=1, references=(), blast_radius=0, reopened_count=0, reason=None,
    error=None, opened_at=datetime(2026, 11, 1, tzinfo=UTC), decided_at=None, decided_by=None, ended_at=None, reverts=None, risk=Risk.LOW,
)  # fmt: skip


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("verb", Verb)
def test_a_move_is_made_if_and_only_if_the_design_draws_it(status: Status, verb: Verb) -> None:
    wanted = MOVES[status].get(verb) or (ENDS.get(verb) if status.live else None)
    proposal = replace(PROPOSAL, status=status)
    if wanted:
        assert moved(proposal, verb).to == wanted
    else:
        with pytest.raises(ReviewError, match="FLEET-402") as caught:
            moved(proposal, verb)
        assert caught.value.hint


@pytest.mark.parametrize(
    ("status", "verb", "hint"),
    [
        ("pending", Verb.TAKE_BACK, "From pending one can: approve, reject."),
        ("approved", Verb.APPROVE, "From approved one can: reject, take back."),
        ("failed", Verb.TAKE_BACK, "From failed one can: approve, reject."),
        ("applied", Verb.REJECT, "No further action is possible. See it: fleet show 7."),
    ],
)
def test_a_move_that_there_is_not_is_refused_with_those_that_there_are(status: str, verb: Verb, hint: str) -> None:
    with pytest.raises(ReviewError) as refused:
        moved(replace(PROPOSAL, status=Status(status)), verb)
    assert refused.value.hint == hint


def test_a_move_says_whether_somebody_decides_and_whether_it_opens_anew() -> None:
    made = {
        verb: moved(replace(PROPOSAL, status=Status(status)), verb)
        for status, verbs in MOVES.items()
        for verb in map(Verb, [*verbs, *(ENDS if status == "pending" else [])])
    }
    assert made.keys() == set(Verb)
    assert {verb for verb, move in made.items() if move.decided} == {Verb.APPROVE, Verb.REJECT, Verb.TAKE_BACK}
    assert {verb for verb, move in made.items() if move.reopened} == {Verb.REOPEN}


@pytest.mark.parametrize(
    ("origin", "status", "verb", "live"),
    [
        (Origin.GIT, "pending", Verb.REJECT, True),
        (Origin.REVERT, "pending", Verb.REJECT, False),
        (Origin.REVERT, "pending", Verb.APPROVE, True),
        (Origin.GIT, "approved", Verb.APPLY, False),
    ],
)
def test_a_rejected_revert_has_ended_as_no_other_rejected_one_has(
    origin: Origin, status: str, verb: Verb, live: bool
) -> None:
    assert moved(replace(PROPOSAL, origin=origin, status=Status(status)), verb).live is live


@pytest.mark.parametrize(
    ("proposal", "spec", "claim", "why"),
    [
        (PROPOSAL, {"priority": 1, "config": {"x": 1}, "description": "other"}, Claim(1), None),
        (PROPOSAL, {"priority": 3, "config": {"x": 1}}, Claim(1), "priority"),
        (PROPOSAL, {"priority": 1, "config": {"x": True}}, Claim(1), "config"),
        (PROPOSAL, None, Claim(1), "no longer exists"),
        (PROPOSAL, {"priority": 1, "config": {"x": 1}}, Claim(2), "another repository"),
        (PROPOSAL, {"priority": 1, "config": {"x": 1}}, None, "no longer owns"),
        (replace(PROPOSAL, current=None), {"priority": 1}, Claim(1), "now exists"),
        (replace(PROPOSAL, current=None), None, Claim(1), None),
        (PROPOSAL, {"priority": 3, "config": {"x": 2}}, Claim(1), "config and priority of modules/a moved"),
        (replace(PROPOSAL, desired=None), {"priority": 1, "config": {"x": 1}, "description": "other"}, Claim(1), "description"),
        (replace(PROPOSAL, desired=None), {"priority": 3, "config": {}, "description": "x"}, Claim(1), "config and description and priority of"),
        (replace(PROPOSAL, desired=None), {"priority": 1, "config": {"x": 1}}, Claim(1, waiting=["zeta", "core"]), "repository zeta declares modules/a and takes it over"),
        (PROPOSAL, {"priority": 1, "config": {"x": 1}}, Claim(1, waiting=["zeta"]), None),
        (replace(PROPOSAL, desired=None, origin=Origin.REVERT), {"priority": 1, "config": {"x": 1}}, Claim(1, waiting=["zeta"]), None),
    ],
)  # fmt: skip
def test_a_proposal_is_stale_when_its_slice_or_owner_moved(
    proposal: Proposal, spec: dict[str, object] | None, claim: Claim | None, why: str | None
) -> None:
    found = stale(FLEET, proposal, spec, claim)
    assert (found is None) if why is None else (found is not None and why in found)


def test_every_move_leaves_an_event_with_actor_and_reason(bench: Bench) -> None:
    bench.sync(modules("a"))
    bench.workbench.approve(ANA, [1])
    bench.workbench.unapprove(Actor("mirela"), [1])
    bench.workbench.reject(Actor("bob"), [1], "not\n  now ")
    bench.sync()
    found = [
        (e.event.type.removeprefix("gitops.proposal_"), e.actor, e.event.reason)
        for e in bench.workbench.events(proposal_id=1)
    ]
    assert found[::-1] == [
        ("opened", "ana", None), ("approved", "ana", None), ("taken_back", "mirela", None), ("rejected", "bob", "not now"), ("reopened", "ana", None),
    ]  # fmt: skip


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_a_rejection_needs_a_reason(bench: Bench, reason: str) -> None:
    bench.sync(modules("a"))
    with pytest.raises(ReviewError, match="FLEET-404"):
        bench.workbench.reject(ANA, [1], reason)
    assert bench.workbench.proposal(1).status == "pending"


def test_each_verb_asks_for_its_permission(bench: Bench) -> None:
    bench.sync(modules("a"))
    key = ResourceKey("acme", "nodes", "n")
    wb = bench.workbench
    verbs = {
        Permission.SYNC: lambda who: wb.sync(who, "fc"),
        Permission.REVIEW: lambda who: wb.approve(who, [1]),
        Permission.APPLY: lambda who: wb.apply(who),
        Permission.WRITE: lambda who: wb.change_repository(who, "fc", {"branch": "next"}),
        Permission.FLEET_WRITE: lambda who: wb.set_resource(who, key, {}),
    }
    for permission, verb in verbs.items():
        for actor in (Actor("eve", frozenset(Permission) - {permission}), Actor("eve", account="other")):
            if permission is Permission.REVIEW and actor.account == "other":
                assert [outcome.error and outcome.error.code for outcome in wb.approve(actor, [1])] == ["FLEET-401"]
            elif permission is not Permission.APPLY or actor.account == "*":
                # To another account's actor, an existing repository is like one that does not exist.
                foreign = actor.account == "other" and permission in {Permission.SYNC, Permission.WRITE}
                with pytest.raises(FleetError, match="FLEET-603" if foreign else "FLEET-600"):
                    verb(actor)
        verb(Actor("ana", frozenset({permission})))
