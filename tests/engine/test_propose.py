"""The decision of a tick by itself: what is kept, opened, reopened, approved and withheld. Pure, so by differences made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.flow.propose import Candidates, Decision, decide, fingerprints, guard
from engine.model import (
    Cause,
    Change,
    Difference,
    Origin,
    Proposal,
    Repository,
    ResourceKey,
    Status,
    Withheld,
    WithheldDiff,
)
from tests.engine.conftest import proposal

BY_PEOPLE = Repository(1, "fc", "acme", "https://git.example.com/x")
AUTO = Repository(1, "fc", "acme", "https://git.example.com/x", auto_apply=True)
PRUNE = Repository(1, "fc", "acme", "https://git.example.com/x", auto_apply=True, auto_prune=True)
HEAL = Repository(1, "fc", "acme", "https://git.example.com/x", auto_apply=True, auto_heal=True)


def key(name: str) -> ResourceKey:
    return ResourceKey("acme", "modules", name)


def difference(name: str, change: Change = Change.UPDATE, cause: Cause = Cause.GIT_MOVED) -> Difference:
    current = None if change is Change.CREATE else {"priority": 1}
    return Difference(key(name), change, current, None if change is Change.DESTROY else {"priority": 2}, cause)


def candidates(*order: Difference, waits: Mapping[str, str] | None = None, **more: Any) -> Candidates:
    """`waits`: by name, the names of those it waits for."""
    waits_for = {key(name): [key(other) for other in others.split()] for name, others in (waits or {}).items()}
    given: dict[str, Any] = {"unsound": (), "rejections": {}, "owned": 0, **more}
    return Candidates(order, waits_for, **given)


def standing(id_: int, of: Difference, status: str = "pending", **more: Any) -> Proposal:
    """A proposal that says what the difference says."""
    (print_,) = fingerprints(1, candidates(of)).values()
    given: dict[str, Any] = {"status": Status(status), "fingerprint": print_, **more}
    return proposal(id_, "modules", of.key.name, of.current, of.desired, **given)


def decided(found: Candidates, *live: Proposal, by: Repository = BY_PEOPLE, cap: int = 3, **more: Any) -> Decision:
    return decide(by, found, live, cap, fingerprints(1, found), **more)


def names(keys: Any) -> str:
    return " ".join(getattr(each, "key", each).name for each in keys)


def withheld(decision: Decision) -> str:
    return names(row.difference for row in decision.withheld)


A, B, C, D, E = (difference(name) for name in "abcde")


def test_the_cap_is_filled_in_order_and_the_rest_is_withheld() -> None:
    found = decided(candidates(B, A, D, C, E))
    assert (names(found.opened), withheld(found)) == ("b a d", "c e")
    assert {(row.reason, row.detail) for row in found.withheld} == {
        (Withheld.CAP, "the cap of 3 is reached; a later tick proposes it")
    }


@pytest.mark.parametrize(
    ("statuses", "opened"),
    [("pending", "c d"), ("approved", "c d e"), ("failed", "c d e"), ("rejected", "c d")],
)
def test_of_what_stands_only_what_waits_for_people_takes_room(statuses: str, opened: str) -> None:
    """A rejected one is opened again, and so takes the room of a new one."""
    found = decided(candidates(A, C, D, E), standing(1, A, statuses))
    assert names(found.opened) == opened
    assert names(found.reopened) == ("a" if statuses == "rejected" else "")
    assert names(proposal_.key for proposal_, _ in found.kept) == "a"


def test_more_that_waits_than_a_smaller_cap_allows_leaves_no_room() -> None:
    found = decided(candidates(A, B, C), standing(1, A), standing(2, B), cap=1)
    assert (names(found.opened), withheld(found)) == ("", "c")


def test_what_was_rejected_comes_after_what_was_not_and_what_waits_for_it_too() -> None:
    found = candidates(A, B, C, D, waits={"b": "a"}, rejections={key("a"): 2, key("c"): 1})
    assert (names(decided(found, cap=1).opened), withheld(decided(found, cap=1))) == ("d", "c a b")
    assert names(decided(found, cap=2).opened) == "c d", "in apply order"


@pytest.mark.parametrize(
    ("live", "superseded", "withdrawn"),
    [
        ([standing(1, A)], "", []),
        ([standing(1, A, fingerprint="other")], "a", []),
        ([standing(1, A, fingerprint="other", origin=Origin.REVERT)], "", []),
        ([standing(1, E)], "", [("e", "the difference is gone")]),
        ([standing(1, B)], "", [("b", "now withheld, conflict: why")]),
        ([standing(1, D)], "", [("d", "repository zeta declares it now and takes it over")]),
    ],
)
def test_what_stands_is_kept_until_it_is_outdated(
    live: list[Proposal], superseded: str, withdrawn: list[tuple[str, str]]
) -> None:
    found = candidates(A, unsound=[WithheldDiff(B, Withheld.CONFLICT, "why")], handed_over={key("d"): "zeta"})
    decision = decided(found, *live)
    assert names(p.key for p, _ in decision.superseded) == superseded
    assert all(reason == "the difference has changed" for _, reason in decision.superseded)
    assert [(p.key.name, reason) for p, reason in decision.withdrawn] == withdrawn
    assert withheld(decision) == "b"


def test_reverts_that_live_has_outdated_are_superseded_with_what_moved() -> None:
    old = standing(1, A, origin=Origin.REVERT)
    assert decided(candidates(outdated=[(old, "it moved")])).superseded == ((old, "it moved"),)


@pytest.mark.parametrize(
    ("of", "by", "taken"),
    [
        (A, BY_PEOPLE, False),
        (A, AUTO, True),
        (difference("a", Change.CREATE), AUTO, True),
        (difference("a", Change.DESTROY), AUTO, False),
        (difference("a", Change.DESTROY), PRUNE, True),
        (difference("a", cause=Cause.LIVE_MOVED), AUTO, False),
        (difference("a", cause=Cause.LIVE_MOVED), HEAL, True),
        (difference("a", cause=Cause.BOTH), AUTO, False),
        (difference("a", cause=Cause.BOTH), HEAL, True),
    ],
)
def test_what_auto_apply_takes(of: Difference, by: Repository, taken: bool) -> None:
    found = decided(candidates(of), by=by)
    assert (names(found.approved), names(found.opened)) == ("a" if taken else "", "a")


@pytest.mark.parametrize(
    ("stands", "taken"),
    [
        (standing(1, A), True),
        (standing(1, A, reopened_count=1), False),
        (standing(1, A, "approved"), False),
        (standing(1, A, "rejected"), False),
        (standing(1, A, "failed"), False),
        (standing(2, A, "failed"), True),
    ],
)
def test_what_stands_already_is_taken_unless_people_had_a_say(stands: Proposal, taken: bool) -> None:
    assert names(decided(candidates(A), stands, by=AUTO, retry={2}).approved) == ("a" if taken else "")


def test_what_people_refused_or_others_may_yet_declare_or_was_taken_back_waits_for_people() -> None:
    (print_,) = fingerprints(1, candidates(A)).values()
    assert names(decided(candidates(A, B), by=AUTO, refused={print_}).approved) == "b"
    gone = [difference(name, Change.DESTROY) for name in "ab"]
    assert names(decided(candidates(*gone), by=PRUNE, awaited={key("a")}).approved) == "b"
    assert names(decided(candidates(A, B), by=AUTO, awaited={key("a")}).approved) == "a b"
    taken_back = {key("a"): Change.CREATE, key("b"): Change.UPDATE}
    assert names(decided(candidates(*gone, reverted=taken_back), by=PRUNE).approved) == "b"
    moved = [difference("a", cause=Cause.LIVE_MOVED), difference("b", cause=Cause.BOTH)]
    assert names(decided(candidates(*moved, reverted=taken_back), by=HEAL).approved) == "b"


def test_auto_apply_takes_nothing_before_what_it_waits_for() -> None:
    of_people = difference("a", cause=Cause.LIVE_MOVED)
    waits = {"b": "a", "c": "b"}
    assert names(decided(candidates(of_people, B, C, D, waits=waits), by=AUTO).approved) == "d"
    assert names(decided(candidates(A, B, C, D, waits=waits), by=AUTO).approved) == "a b c"
    assert names(decided(candidates(A, B, waits={"b": "a elsewhere"}), by=AUTO).approved) == "a b"
    approved = standing(1, of_people, "approved")
    assert names(decided(candidates(of_people, B, waits=waits), approved, by=AUTO).approved) == "b"


def test_auto_apply_takes_as_many_as_the_cap_and_leaves_the_others_to_the_next_tick() -> None:
    """What it could take is not opened for people beside it; what it may not take is."""
    of_people = difference("e", Change.DESTROY)
    found = decided(candidates(A, B, C, of_people), by=AUTO, cap=2)
    assert (names(found.approved), names(found.opened), withheld(found)) == ("a b", "a b e", "c")
    waiting = decided(candidates(A, B), standing(1, A), by=AUTO, cap=1)
    assert (names(waiting.approved), names(waiting.opened)) == ("a", "")
    beside = decided(candidates(A, of_people), standing(1, A), by=AUTO, cap=1)
    assert (names(beside.approved), names(beside.opened)) == ("a", "e"), "what is taken waits for nobody"


def test_what_waits_for_one_beyond_the_cap_is_not_taken_before_it() -> None:
    found = candidates(A, B, C, waits={"b": "a"}, rejections={key("b"): 0, key("a"): 1})
    assert names(decided(found, by=AUTO, cap=1).approved) == "c"
    assert names(decided(found, by=AUTO, cap=2).approved) == "a c"


@pytest.mark.parametrize(
    ("owned", "change", "count", "said"),
    [
        (10, Change.UPDATE, 3, None),
        (10, Change.UPDATE, 4, "4 updates are 40 % of 10 owned resources; the limit is 30 %."),
        (9, Change.UPDATE, 9, None),
        (10, Change.UPDATE, 9, "9 updates are 90 % of 10 owned resources; the limit is 30 %."),
        (20, Change.DESTROY, 7, "7 destroys are 35 % of 20 owned resources; the limit is 30 %."),
        (20, Change.DESTROY, 6, None),
        (10, Change.CREATE, 10, None),
    ],
)
def test_the_guard_counts_updates_and_destroys_by_themselves(
    owned: int, change: Change, count: int, said: str | None
) -> None:
    many = [difference(f"m{number}", change) for number in range(count)]
    found = guard(candidates(*many, owned=owned))
    assert found == (None if said is None else f"Auto-apply decided nothing: {said}")
    decision = decided(candidates(*many, owned=owned), by=PRUNE, cap=20)
    assert decision.guard == found
    assert len(decision.approved) == (0 if said else count)
    assert decided(candidates(*many, owned=owned)).guard is None, "nobody asked for auto-apply"


def test_the_guard_counts_what_is_withheld_but_for_what_another_repository_holds() -> None:
    rows = [WithheldDiff(each, Withheld.CONFLICT, "why") for each in (A, B)]
    assert guard(candidates(C, D, unsound=rows, owned=10))
    others = [WithheldDiff(each, Withheld.OWNERSHIP_CONFLICT, "why") for each in (A, B)]
    assert guard(candidates(C, D, unsound=others, owned=10)) is None
