"""Each failure mode of the operator runbook, made to happen, with the message that an operator gets now.

`MODES` is also the runbook's table: `tests/test_docs.py` holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from engine.model import Actor, ResourceKey
from engine.workbench import Workbench

ME = Actor("ana")
MODULE = "version: 1\naccount: acme\nmodules:\n  nginx-public:\n    priority: 50\n"


@dataclass(frozen=True)
class Mode:
    """One row: what the runbook calls it, how it is made to happen, and what is said now."""

    runbook: str
    happens: str
    says: str
    """Words that the message must hold."""
    then: str


MODES = {
    "date": Mode(
        "`YAML safe_load: undefined class Date`",
        "the run fails at `parse`, with the place of every such value",
        "FLEET-115 fleet.yaml:6:14",
        'quote the value: `since: "2026-11-23"`',
    ),
    "too_big": Mode(
        "`fleet.yaml` rejected at the 1 MiB limit",
        "the run fails at `sync`, before the file is read; exactly 1,048,576 bytes are accepted",
        "the limit is 1,048,576",
        "find what made it grow (`git log --stat`), split by path prefix, or raise `FLEET_MAX_FILE_BYTES`",
    ),
    "away": Mode(
        "Repository keeps clone-erroring",
        "each run fails at `sync` with git's reason; scheduled ticks back off from 5 minutes to 1 hour; live state is not touched",
        "Failed to fetch",
        "`fleet repo check NAME` says what is reachable; with the remote lost, `fleet export` rebuilds the file",
    ),
    "equal": Mode(
        "Ticks succeed but no proposals open: the file matches live",
        "the run is `success` with 0 differences and counts what is unchanged; what is withheld stands there with its reason",
        "success",
        "nothing; `fleet run show` is the answer",
    ),
    "prefix": Mode(
        "Ticks succeed but no proposals open: `path_prefix` leads nowhere",
        "the run fails at `sync`",
        "FLEET-204",
        "`fleet repo set NAME --path-prefix FOLDER`",
    ),
    "account": Mode(
        "`Resource constraint: account_id mismatch`",
        "the run fails at `parse` with the line of `account:` and both accounts",
        "Resource constraint: account_id mismatch",
        "correct the file, or re-bind: `fleet repo set NAME --account OTHER`",
    ),
    "by_hand": Mode(
        "Operator changed the fleet by hand; proposals to revert it keep coming",
        "one proposal with cause `live_moved`, and one drift episode with who and when; no second row, however many ticks pass",
        "live_moved",
        "approve it (git wins), or put the change into `fleet.yaml` (it closes as codified)",
    ),
    "order": Mode(
        "Apply runs in wrong order, FK violation",
        "cannot happen: the plan follows the real references; what would refer to nothing is `blocked`, stays approved and says what it waits for",
        "modules/nginx-public does not exist",
        "approve what it waits for",
    ),
}


@pytest.fixture
def registered(workbench: Workbench, git_repo: Any) -> Callable[..., Any]:
    """Push a text, register the repository once, sync, and give the run."""

    def sync(text: str, **options: Any) -> Any:
        git_repo.push(text)
        if not workbench.repositories():
            workbench.add_repository(ME, "fleet-config", str(git_repo.path), account="acme", **options)
        return workbench.sync(ME, "fleet-config")

    return sync


def _failed(run: Any, stage: str, mode: str) -> None:
    assert run.status == "failed"
    assert run.error["stage"] == stage
    assert MODES[mode].says in f"{run.error['code']} {run.error['message']}"
    assert run.error["hint"]


def test_a_date_is_a_problem_with_its_place(registered: Callable[..., Any]) -> None:
    run = registered("version: 1\naccount: acme\nmodules:\n  nginx-public:\n    config:\n      since: 2026-11-23\n").run
    _failed(run, "parse", "date")


def test_a_file_over_the_limit_is_not_read(registered: Callable[..., Any]) -> None:
    _failed(registered(MODULE + "#" * 1_048_576).run, "sync", "too_big")


def test_a_remote_that_is_away_fails_the_run_and_backs_off(
    registered: Callable[..., Any], workbench: Workbench, git_repo: Any
) -> None:
    registered(MODULE)
    git_repo.path.rename(git_repo.path.with_name("gone"))
    _failed(workbench.sync(ME, "fleet-config").run, "sync", "away")
    (repository,) = workbench.repositories()
    assert repository.failure_count == 1
    assert repository.next_attempt_at is not None


def test_a_file_that_matches_live_opens_nothing_and_says_so(
    registered: Callable[..., Any], workbench: Workbench
) -> None:
    workbench.set_resource(ME, ResourceKey("acme", "modules", "nginx-public"), {"priority": 50})
    run = registered(MODULE).run
    assert run.status == MODES["equal"].says
    assert (run.diff_count, run.counts["modules"]["unchanged"]) == (0, 1)


def test_a_prefix_that_leads_nowhere_fails_the_run(registered: Callable[..., Any]) -> None:
    _failed(registered(MODULE, path_prefix="environments/prod").run, "sync", "prefix")


def test_another_account_is_refused_with_the_way_to_rebind(registered: Callable[..., Any]) -> None:
    run = registered(MODULE.replace("account: acme", "account: other")).run
    _failed(run, "parse", "account")
    assert "fleet repo set" in str(run.error["problems"])


def test_an_edit_by_hand_gives_one_proposal_however_many_ticks(
    registered: Callable[..., Any], workbench: Workbench
) -> None:
    opened = registered(MODULE).proposals
    workbench.approve(ME, [proposal.id for proposal in opened])
    workbench.apply(ME)
    workbench.set_resource(Actor("bob"), ResourceKey("acme", "modules", "nginx-public"), {"priority": 60})
    for text in (MODULE + "# one\n", MODULE + "# two\n", MODULE + "# three\n"):
        registered(text)
    standing = workbench.live_proposals()
    assert [proposal.cause for proposal in standing] == [MODES["by_hand"].says]
    assert [episode.moved_by for episode in workbench.drift(open_=True)] == ["bob"]


def test_what_would_refer_to_nothing_is_blocked_not_applied(
    registered: Callable[..., Any], workbench: Workbench
) -> None:
    text = MODULE + "templates:\n  web:\n    modules: [nginx-public]\n"
    opened = {proposal.key.kind: proposal for proposal in registered(text).proposals}
    workbench.approve(ME, [opened["templates"].id])
    applied = workbench.apply(ME)
    assert not applied.applied
    (skip,) = applied.skipped
    assert skip.reason == "blocked"
    assert MODES["order"].says in skip.detail
