"""What did a tick do, and why did it not do more? Every run, and one of them in full."""

from __future__ import annotations

from collections import Counter
from typing import Any

import streamlit as st

from engine import phrases
from engine.model import Run, RunDetail, RunStatus, Status
from engine.present import words
from engine.workbench.reader import ProposalFilter, RunFilter
from pages.components import reverting
from pages.components.follow import follow
from pages.components.links import commit_page, id_in, link, open_page, to_repository, to_run
from pages.components.markup import show
from pages.components.session import account, attempt, workbench
from pages.components.tables import badge, column, empty, paged, table
from pages.components.text import count, plain

STAGES = ("sync", "parse", "diff", "propose", "apply")

REASONS = {
    "cap": "The cap is reached",
    "missing_reference": "It refers to something that does not exist",
    "still_referenced": "Something still refers to it",
    "ownership_conflict": "Another repository owns it",
    "conflict": "It would break a rule of the fleet",
}


def stages(run: Run) -> list[dict[str, Any]]:
    """The stages in order with how each went: done, failed, going, or not reached."""
    took = {stage["stage"]: stage["seconds"] for stage in run.stages}
    last = run.stages[-1]["stage"] if run.stages else None
    made = []
    for name in STAGES:
        if name in took:
            failed = run.status is RunStatus.FAILED and name == last
            made.append({"name": name, "state": "failed" if failed else "done", "note": duration(took[name])})
        else:
            going = run.status is RunStatus.RUNNING and name == STAGES[len(took)]
            made.append(
                {"name": name, "state": "going" if going else "", "note": "running" if going else "not reached"}
            )
    return made


def duration(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def took(run: Run) -> float | None:
    """Seconds from begin to end; None while it goes on."""
    return None if run.finished_at is None else (run.finished_at - run.started_at).total_seconds()


def every_run() -> None:
    bench = workbench()
    st.title("Runs")
    statuses = st.pills(
        "Status", [s.value for s in RunStatus], selection_mode="multi", key="status", bind="query-params"
    )
    with st.grid(3, min_column_width=220):
        names = [repository.name for repository in bench.repositories(account())]
        repositories = st.multiselect("Repository", names, key="repository", bind="query-params", placeholder="All")
        text = st.text_input("Search", placeholder="Commit, subject or author", key="q", bind="query-params")
    wanted = RunFilter(account(), repositories, statuses or (), text.strip() or None)
    total = bench.count_runs(wanted)
    if not total:
        if bench.count_runs(RunFilter()):
            empty("No run matches these filters.")
        else:
            empty("No run yet.", "A run is the record of one tick. Sync a repository, or wait for the next tick.")
            link("repositories", "Repositories", icon=":material/source:")
        return
    found = bench.find_runs(wanted, skip=paged(total))
    key = f"runs_{found[0].id}_{found[-1].id}"
    table(
        [
            {
                "open": str(run.id),
                "status": [run.status.value],
                "repository": run.repository,
                "started": run.started_at,
                "took": took(run),
                "diffs": run.diff_count,
                "opened": run.opened,
                "remaining": run.remaining,
                "commit": (run.revision or "")[:12],
                "subject": phrases.clean(run.subject or ""),
                "author": phrases.clean(run.author or ""),
                "by": run.actor,
            }
            for run in found
        ],
        {
            "open": st.column_config.ButtonColumn("Id", type="tertiary", key=f"{key}_open", width=64),
            "status": column.status(),
            "repository": column.text("Repository"),
            "started": column.time("Started"),
            "took": st.column_config.NumberColumn("Seconds", format="%.2f", width=80),
            "diffs": column.number("Differences", 95),
            "opened": column.number("Opened", 75),
            "remaining": column.number("Withheld", 80),
            "commit": column.text("Commit", 115),
            "subject": column.text("Subject", 260),
            "author": column.text("Author", 120),
            "by": column.text("Started by", 130),
        },
        key=key,
        alt="Runs",
    )
    if clicked := st.session_state.get(f"{key}_open"):
        open_page("runs", id=found[clicked["row"]].id)


def one_run(run: Run) -> None:
    bench = workbench()
    detail = bench.run_detail(run)
    follow(lambda: bench.run(run.id))
    st.title(f"Run {run.id}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{badge(run.status.value)} :gray[started by {plain(run.actor)}]")
        to_repository(run.repository)
        link("runs", "All runs", icon=":material/list:")
        if detail.applied:
            reverting.button(run=run.id)
    show("run.html", run=run, took=took(run), duration=duration, page=commit_page(run.repository_id, run.revision))
    show("steps.html", steps=stages(run))
    failure(run)
    with st.grid(4, min_column_width=150):
        st.metric("Differences found", run.diff_count, border=True)
        st.metric("Proposals opened", run.opened, border=True)
        st.metric("Withheld", run.remaining, border=True)
        st.metric("Applied so far", len(detail.applied), border=True)
    sections(run)
    proposals(run)
    withheld(run)
    waiting(run)
    warnings(run)
    steps(detail)
    compared(run)
    reverting.dialog()


def failure(run: Run) -> None:
    if run.error:
        where = run.stages[-1]["stage"] if run.stages else "sync"
        st.error(
            f"**Failed in {plain(where)}.** {plain(run.error.get('message', ''))}  \n{plain(run.error.get('hint', ''))}  \n"
            f":small[:gray[{plain(run.error.get('code', ''))}]]",
            icon=":material/error:",
        )
        problems = run.error.get("problems") or []
        if problems:
            table(
                [
                    {"code": p.get("code"), "line": p.get("line"), "what": p.get("message"), "hint": p.get("hint")}
                    for p in problems
                ],
                {
                    "code": column.text("Code", 100),
                    "line": column.number("Line", 60),
                    "what": column.text("Problem", 480),
                    "hint": column.text("Solution", 420),
                },
                alt="Problems of the fleet file",
            )


def sections(run: Run) -> None:
    rows = [
        {
            "section": section,
            **{change: counts.get(change, 0) for change in ("create", "update", "destroy", "unchanged")},
        }
        for section, counts in run.counts.items()
        if any(counts.values())
    ]
    if rows:
        st.subheader("By section")
        show("counts.html", rows=rows)
    if run.informational:
        st.caption(
            f"{count(len(run.informational), 'informational difference')}: operators write these resources, git never does."
        )


def waiting(run: Run) -> None:
    """What is declared here while another repository holds it."""
    if not run.waiting:
        return
    st.subheader("Owned by other repositories")
    st.caption("Also declared here. This repository takes them over when the other repository no longer declares them.")
    table(
        [{"resource": f"{row['kind']}/{row['name']}", "holder": row["holder"]} for row in run.waiting[:500]],
        {"resource": column.text("Resource", 360), "holder": column.text("Owned by", 260)},
        alt="Resources that other repositories own",
    )
    if len(run.waiting) > 500:
        st.caption(f"and {len(run.waiting) - 500:,} more")


def proposals(run: Run) -> None:
    if not run.proposal_ids:
        return
    bench = workbench()
    st.subheader("Proposals")
    offset = paged(len(run.proposal_ids), key="proposals")
    found = bench.proposals_by_id(run.proposal_ids[offset : offset + 50])
    key = f"run_{run.id}_{offset}"
    table(
        [
            {
                "open": str(p.id),
                "change": [p.change.value],
                "resource": p.key.address,
                "what": words.summary(p),
                "status": [p.status.value],
            }
            for p in found
        ],
        {
            "open": st.column_config.ButtonColumn("Id", type="tertiary", key=f"{key}_open", width=64),
            "change": column.change(),
            "resource": column.text("Resource", 260),
            "what": column.text("What", 420),
            "status": column.status(),
        },
        key=key,
        alt="Proposals that this run opened or reopened",
    )
    if clicked := st.session_state.get(f"{key}_open"):
        open_page("proposal", id=found[clicked["row"]].id)


def withheld(run: Run) -> None:
    """What was not proposed, and why: the answer to a tick that opens nothing."""
    rows = workbench().held_by(run)
    if not rows:
        if not run.opened and run.status in {RunStatus.SUCCESS, RunStatus.APPLIED}:
            st.caption("Nothing was withheld: live matches git, or every difference already has its proposal.")
        return
    st.subheader("Withheld")
    capped = sum(row.reason == "cap" for row in rows)
    if capped:
        room = room_under_cap(run)
        said = f"{count(capped, 'difference')} {'is' if capped == 1 else 'are'} withheld only because of the cap of {workbench().settings.cap}. "
        said += (
            f"The next tick proposes {min(room, capped):,} of them."
            if room
            else "After you decide on pending proposals, the next tick proposes the same number of them."
        )
        st.info(said, icon=":material/hourglass_empty:")
        link("approvals", "Decide on pending proposals", icon=":material/rule:", repository=run.repository)
    others = Counter(row.reason for row in rows if row.reason != "cap")
    for reason, number in others.most_common():
        st.caption(f"{number:,} × {REASONS[reason].lower()}")
    table(
        [
            {
                "change": [row.change.value],
                "resource": row.key.address,
                "reason": REASONS.get(row.reason, row.reason),
                "detail": phrases.clean(row.detail),
                "what": words.summary(row),
            }
            for row in rows[:500]
        ],
        {
            "change": column.change(),
            "resource": column.text("Resource", 260),
            "reason": column.text("Why", 260),
            "detail": column.text("In detail", 300),
            "what": column.text("What", 300),
        },
        alt="Withheld differences",
    )
    if len(rows) > 500:
        st.caption(f"and {len(rows) - 500:,} more")


def room_under_cap(run: Run) -> int:
    """How many proposals the next tick may open."""
    bench = workbench()
    pending = bench.count_proposals(
        ProposalFilter(repositories=[run.repository], statuses=[Status.PENDING.value], account=run.account)
    )
    return max(0, bench.settings.cap - pending)


def warnings(run: Run) -> None:
    if run.warnings:
        st.subheader("Warnings")
        show("warnings.html", warnings=run.warnings)


def steps(detail: RunDetail) -> None:
    """What was applied and what failed, whoever applied it."""
    tried = [*detail.failed, *detail.applied]
    if not tried:
        return
    st.subheader("Applied and failed")
    table(
        [
            {
                "outcome": [step.outcome],
                "change": [step.change.value],
                "resource": step.key.address,
                "wave": step.wave,
                "by": step.actor,
                "error": "" if not step.error else f"{step.error['code']} {step.error['message']}",
            }
            for step in tried[:500]
        ],
        {
            "outcome": column.status("Outcome"),
            "change": column.change(),
            "resource": column.text("Resource", 260),
            "wave": column.number("Wave", 70),
            "by": column.text("By", 140),
            "error": column.text("Why it failed", 480),
        },
        alt="Attempted steps",
    )
    if len(tried) > 500:
        st.caption(f"and {len(tried) - 500:,} more")


def compared(run: Run) -> None:
    """Beside the run before: what became more, what became less."""
    before = workbench().run_before(run)
    if before is None:
        return
    st.subheader("Compared with the previous run")
    to_run(before.id)
    rows = [
        ("Commit", (before.revision or "")[:12], (run.revision or "")[:12]),
        ("Status", before.status.value, run.status.value),
        ("Differences", before.diff_count, run.diff_count),
        ("Opened", before.opened, run.opened),
        ("Withheld", before.remaining, run.remaining),
        ("Warnings", len(before.warnings), len(run.warnings)),
    ]
    show("compare.html", rows=rows, before=before.id, run=run.id)


def main() -> None:
    wanted = st.query_params.get("id")
    if wanted is None:
        every_run()
        return
    with attempt() as tried:
        run = workbench().run(id_in(wanted))
    if tried.ok:
        one_run(run)
    else:
        link("runs", "All runs", icon=":material/list:")


main()
