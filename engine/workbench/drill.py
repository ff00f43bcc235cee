"""The restore drill: from nothing but an exported fleet file, an empty store becomes the fleet again, timed and compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model import Actor, Drill, ResourceKey, Spec, Status, canonical
from engine.phrases import argument, count
from engine.workbench.rehearsal import NOWHERE, rehearsal, tick

if TYPE_CHECKING:
    from engine.workbench import Workbench
    from engine.workbench.reader import Reader

DRILL = Actor("restore_drill")


@dataclass(slots=True)
class _Stages:
    watcher: Callable[[str], None]
    done: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.watcher(name)
        start = time.perf_counter()
        yield
        self.done.append((name, time.perf_counter() - start))


def drill(reader: Reader, account: str, watcher: Callable[[str], None] = lambda _stage: None) -> Drill:
    """Export an account's fleet, restore it from the file into an empty store, compare. Effects: none on this store.

    Raises: RefusedEdit FLEET-630 when the export is over the size limit, as a restore would end.
    """
    stages = _Stages(watcher)
    start = time.perf_counter()
    at = reader.store.newest()
    with stages.stage("export"):
        text = reader.export(account=account, at=at)
    with ExitStack() as stack:
        with stages.stage("build"):
            bench = stack.enter_context(rehearsal(reader.settings, reader.kinds))
        with stages.stage("import"):
            wrong, causes = _import(bench, account, text.encode())
            refused = bool(wrong)
        with stages.stage("approve"):
            bench.approve(DRILL, [p.id for p in bench.live_proposals(status=Status.PENDING)])
        with stages.stage("apply"):
            applied = bench.apply(DRILL)
            causes += [f"{step.proposal.key.address} failed: {error.message}" for step, error in applied.failed]
            causes += [f"{skip.proposal.key.address} was skipped: {skip.detail}" for skip in applied.skipped]
        with stages.stage("compare"):
            before, after = reader.fleet(account=account, at=at), bench.fleet(account=account)
            wrong = wrong or _difference(before, after)
            if wrong and causes:
                wrong += f". Why: {'; '.join(causes[:_MOST_CAUSES])}"
                wrong += f"; and {len(causes) - _MOST_CAUSES:,} more" if len(causes) > _MOST_CAUSES else ""
            if not wrong and _body(bench.export(account=account)) != _body(text):
                wrong = "the export of the restored fleet differs"
    detail = wrong or f"{count(len(before), 'resource')} restored unchanged, and the export is identical"
    seconds = time.perf_counter() - start
    hint = _what_next(account, refused=refused, known=bool(causes)) if wrong else ""
    return Drill(account, not wrong, detail, len(text.encode()), len(before), seconds, tuple(stages.done), hint)


def _what_next(account: str, *, refused: bool, known: bool) -> str:
    """What to do after a drill that failed: the file was `refused` as a whole, or the cause of what is missing is `known`."""
    again = f"then drill again: fleet drill --account {argument(account)}"
    if refused:
        mend = f"Change the resources in the message in the live fleet, with fleet set or fleet delete, {again}."
    elif known:
        mend = f'Change the resources listed after "Why" in the live fleet, with fleet set or fleet delete, {again}.'
    else:
        mend = f"Please report it, with the file that fleet export --account {argument(account)} writes."
    return f"{mend} Until a drill passes, keep a copy of the whole store: fleet snapshot OUT"


_MOST_CAUSES = 3
"""Shown of what was withheld: one reference to nothing withholds all that follows from it, and the first says why."""


def _import(bench: Workbench, account: str, content: bytes) -> tuple[str, list[str]]:
    """Have a tick take the file; gives what is wrong with it, or nothing, and what the tick withheld and why."""
    repository = bench.add_repository(DRILL, "restored", NOWHERE, account=account)
    run = tick(bench, DRILL, repository, content)
    if run.error is not None:
        return f"the file was rejected: {run.error['code']} {run.error['message']}", []
    found = bench.read_file(content, file=repository.file, account=account)
    for section, specs in found.sections.items():
        if bench.kinds[section].informational:  # git never writes it: an operator does, as after a real loss
            for name, spec in specs.items():
                bench.set_resource(DRILL, ResourceKey(account, section, name), spec)
    held = bench.run_detail(run).withheld
    return "", [f"{each.key.address} was withheld ({each.reason}): {each.detail}" for each in held]


def _difference(before: Mapping[ResourceKey, Spec], after: Mapping[ResourceKey, Spec]) -> str:
    """What did not come back as it was, in words; empty when all did."""
    lost, gained = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
    other = sorted(key for key in before.keys() & after.keys() if canonical(before[key]) != canonical(after[key]))
    return "; ".join(
        f"{count(len(keys), 'resource')} {what}, such as {keys[0].address}"
        for keys, what in (
            (lost, "missing after the restore"),
            (gained, "that did not exist before the restore"),
            (other, "with other values after the restore"),
        )
        if keys
    )


def _body(text: str) -> str:
    """An export without its header, which names times."""
    return text[text.index("\nversion: ") :]
