"""Domain objects as JSON bodies: the one form that the API and `--json` give."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, cast

from engine.flow.apply import Applied
from engine.flow.export import amendment
from engine.flow.plan import Plan, Skip
from engine.flow.sync import shown_url
from engine.model import (
    SWITCHES,
    Episode,
    FieldChange,
    HeldDifference,
    Proposal,
    RecordedEvent,
    Repository,
    Resource,
    ResourceKey,
    RunDetail,
    Step,
    StepRecord,
    Token,
    Version,
)
from engine.present import contract
from engine.store.pauses import Pause
from engine.workbench.decisions import Reverted, Reviewed
from engine.workbench.graph import Graph

if TYPE_CHECKING:
    from engine.model import Drill
    from engine.workbench.reader import Blamed, FleetStatus
    from engine.workbench.signins import KnownPerson, SignedOut

T = TypeVar("T")


def when(moment: datetime | None) -> str | None:
    """A time as RFC 3339 in UTC, to the microsecond."""
    return None if moment is None else moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def page(items: Sequence[T], next_: int | str | None = None) -> contract.Page[T]:
    return {"items": list(items), "next": next_}


def repository(r: Repository) -> contract.RepositoryBody:
    switches = {switch.name: getattr(r, switch.name) for switch in SWITCHES}
    return {
        "id": r.id,
        "name": r.name,
        "account": r.account,
        "repo_url": shown_url(r.url),
        "branch": r.branch,
        "path_prefix": r.path_prefix,
        "vault_credential_path": r.vault_credential_path,
        "ssh_host_key": r.ssh_host_key,
        "enabled": r.enabled,
        **cast("contract.Switches", switches),
        "paused": None
        if r.paused_reason is None
        else {"reason": r.paused_reason, "by": r.paused_by, "at": when(r.paused_at)},
        "failure_count": r.failure_count,
        "next_attempt_at": when(r.next_attempt_at),
        "created_at": when(r.created_at),
    }


def run(detail: RunDetail) -> contract.RunBody:
    """A run with what it withheld, and the steps tried on the proposals that it opened or reopened."""
    r = detail.run
    return {
        "id": r.id,
        "repository": r.repository,
        "repository_id": r.repository_id,
        "account": r.account,
        "status": r.status,
        "unchanged": r.unchanged,
        "trigger": r.trigger,
        "actor": r.actor,
        "revision": r.revision,
        "author": r.author,
        "subject": r.subject,
        "committed_at": when(r.committed_at),
        "started_at": when(r.started_at),
        "finished_at": when(r.finished_at),
        "stages": list(cast("tuple[contract.StageBody, ...]", r.stages)),
        "diff_count": r.diff_count,
        "remaining": r.remaining,
        "opened": r.opened,
        "counts": r.counts,
        "informational": list(cast("tuple[contract.Informational, ...]", r.informational)),
        "waiting": list(cast("tuple[contract.WaitingBody, ...]", r.waiting)),
        "proposal_ids": list(r.proposal_ids),
        "applied_actions": [_record(s) for s in detail.applied],
        "failed_actions": [_record(s) for s in detail.failed],
        "withheld": [_held(w) for w in detail.withheld],
        "warnings": list(r.warnings),
        "error": r.error,
        "request_id": r.request_id,
    }


def _held(w: HeldDifference) -> contract.WithheldBody:
    return {
        "account": w.key.account, "kind": w.key.kind, "name": w.key.name, "change": w.change, "reason": w.reason, "detail": w.detail,
    }  # fmt: skip


def _record(s: StepRecord) -> contract.ActionBody:
    return {
        "id": s.proposal_id,
        "kind": s.key.kind,
        "name": s.key.name,
        "change": s.change,
        "wave": s.wave,
        "apply_id": s.apply_id,
        "actor": s.actor,
        "at": when(s.ended_at),
        "error": s.error,
    }


def one_proposal(p: Proposal, awaited: Sequence[str]) -> contract.OneProposalBody:
    return {**proposal(p), "waits_for": list(awaited)}


def field_change(c: FieldChange) -> contract.FieldChangeBody:
    return {"path": c.path, "change": c.change, "base": c.base, "current": c.current, "desired": c.desired}


def proposal(p: Proposal) -> contract.ProposalBody:
    return {
        "id": p.id,
        "account": p.key.account,
        "kind": p.key.kind,
        "name": p.key.name,
        "change": p.change,
        "status": p.status,
        "current": p.current,
        "desired": p.desired,
        "base": p.base,
        "fields": [field_change(c) for c in p.fields],
        "cause": p.cause,
        "origin": p.origin,
        "fingerprint": p.fingerprint,
        "repository": p.repository,
        "repository_id": p.repository_id,
        "revision": p.revision,
        "run_id": p.run_id,
        "reverts": p.reverts,
        "references": list(p.references),
        "blast_radius": p.blast_radius,
        "risk": p.risk,
        "reopened_count": p.reopened_count,
        "reason": p.reason,
        "error": p.error,
        "opened_at": when(p.opened_at),
        "decided_at": when(p.decided_at),
        "decided_by": p.decided_by,
        "ended_at": when(p.ended_at),
    }


def step(s: Step) -> contract.StepBody:
    p = s.proposal
    return {
        "id": p.id,
        "account": p.key.account,
        "kind": p.key.kind,
        "name": p.key.name,
        "change": p.change,
        "repository": p.repository,
        "wave": s.wave,
        "blast_radius": p.blast_radius,
    }


def skip(s: Skip) -> contract.SkipBody:
    p = s.proposal
    return {
        "id": p.id,
        "account": p.key.account,
        "kind": p.key.kind,
        "name": p.key.name,
        "change": p.change,
        "repository": p.repository,
        "reason": s.reason,
        "detail": s.detail,
    }


def plan(p: Plan) -> contract.PlanBody:
    return {"waves": [[step(s) for s in wave] for wave in p.waves], "skipped": [skip(s) for s in p.skipped]}


def applied(a: Applied) -> contract.AppliedBody:
    return {
        "applied": [step(s) for s in a.applied],
        "failed": [{**step(s), "error": error.body()} for s, error in a.failed],
        "skipped": [skip(s) for s in a.skipped],
        "stopped": a.stopped,
    }


def reviewed(outcomes: Sequence[Reviewed]) -> contract.ReviewedList:
    return {
        "items": [
            {"id": o.id, "status": o.status, "error": None if o.error is None else o.error.body()} for o in outcomes
        ]
    }


def episode(e: Episode) -> contract.EpisodeBody:
    return {
        "id": e.id,
        "repository": e.repository,
        "account": e.key.account,
        "kind": e.key.kind,
        "name": e.key.name,
        "change": e.change,
        "fields": list(cast("tuple[contract.DriftField, ...]", e.fields)),
        "severity": e.severity,
        "moved_by": e.moved_by,
        "moved_at": when(e.moved_at),
        "opened_at": when(e.opened_at),
        "opened_run": e.opened_run,
        "closed_at": when(e.closed_at),
        "closed_run": e.closed_run,
        "outcome": e.outcome,
    }


def resource(r: Resource) -> contract.ResourceBody:
    return {
        "account": r.key.account,
        "kind": r.key.kind,
        "name": r.key.name,
        "spec": r.spec,
        "version": r.version,
        "updated_at": when(r.updated_at),
        "updated_by": r.updated_by,
        "repository": r.holder,
        "owned": r.owned,
    }


def version(v: Version, changes: Sequence[FieldChange]) -> contract.VersionBody:
    return {
        "seq": v.seq,
        "version": v.version,
        "spec": v.spec,
        "valid_from": when(v.valid_from),
        "valid_to": when(v.valid_to),
        "actor": v.actor,
        "cause": v.cause,
        "proposal_id": v.proposal_id,
        "note": v.note,
        "fields": [field_change(c) for c in changes],
    }


def blamed(b: Blamed) -> contract.BlameBody:
    v = b.blame.version
    return {
        "path": b.blame.path,
        "value": b.blame.value,
        "since": when(v.valid_from),
        "actor": v.actor,
        "version": v.version,
        "cause": v.cause,
        "note": v.note,
        "proposal_id": v.proposal_id,
        "run_id": b.run.id if b.run else None,
        "revision": b.proposal.revision if b.proposal else None,
        "author": b.run.author if b.run else None,
        "subject": b.run.subject if b.run else None,
    }


def reverted(outcomes: Sequence[Reverted]) -> contract.RevertedList:
    return {
        "items": [
            {
                "id": o.id,
                "proposal": None if o.proposal is None else proposal(o.proposal),
                "error": None if o.error is None else o.error.body(),
            }
            for o in outcomes
        ],
        "fleet_yaml": amendment([o.proposal for o in outcomes if o.proposal is not None]),
    }


def event(e: RecordedEvent) -> contract.EventBody:
    return {
        "seq": e.seq,
        "at": when(e.at),
        "type": e.event.type,
        "actor": e.actor,
        "account": e.event.account,
        "repository_id": e.event.repository_id,
        "run_id": e.event.run_id,
        "proposal_id": e.event.proposal_id,
        "kind": e.event.kind,
        "name": e.event.name,
        "reason": e.event.reason,
        "data": e.event.data,
        "request_id": e.request_id,
    }


def pause(p: Pause) -> contract.PauseOf:
    return {"repository": p.repository, "reason": p.reason, "by": p.by, "at": when(p.at)}


def graph(g: Graph) -> contract.GraphBody:
    return {
        "nodes": [{**_key(n.key), "state": n.state, "layer": n.layer, "repository": n.repository} for n in g.nodes],
        "edges": [{"from": _key(a), "to": _key(b)} for a, b in g.edges],
    }


def drill(d: Drill) -> contract.DrillBody:
    return {
        "account": d.account,
        "ok": d.ok,
        "detail": d.detail,
        "code": d.code,
        "hint": d.hint,
        "bytes": d.size,
        "resources": d.resources,
        "seconds": round(d.seconds, 3),
        "stages": {stage: round(seconds, 3) for stage, seconds in d.stages},
    }


def last_drill(e: RecordedEvent) -> contract.LastDrillBody:
    data = e.event.data or {}
    return {
        "account": e.event.account,
        "at": when(e.at),
        "actor": e.actor,
        "ok": e.event.type == "gitops.drill_passed",
        "detail": e.event.reason,
        "code": data.get("code"),
        "hint": data.get("hint", ""),
    }


def kept_snapshot(e: RecordedEvent) -> contract.KeptSnapshotBody:
    data = e.event.data or {}
    return {
        "at": when(e.at),
        "ok": e.event.type == "gitops.snapshot_kept",
        "file": data.get("file"),
        "detail": e.event.reason,
        "code": data.get("code"),
        "hint": data.get("hint", ""),
    }


def token(t: Token, now: datetime) -> contract.TokenBody:
    return {
        "id": t.id,
        "name": t.name,
        "account": t.account,
        "permissions": list(t.permissions),
        "state": t.state(now),
        "created_at": when(t.created_at),
        "created_by": t.created_by,
        "expires_at": when(t.expires_at),
        "revoked_at": when(t.revoked_at),
        "revoked_by": t.revoked_by,
    }


def known_person(p: KnownPerson) -> contract.PersonBody:
    return {
        "name": p.name,
        "state": "kept_out" if p.kept_out else "signed_in",
        "sign_ins": p.sign_ins,
        "since": when(p.since),
        "until": when(p.until),
        "tokens": p.tokens,
    }


def signed_out(done: SignedOut) -> contract.SignedOutBody:
    return {"person": done.person, "sign_ins": done.sign_ins, "tokens": done.tokens, "kept_out": done.kept_out}


def synced(detail: RunDetail, proposals: Sequence[Proposal]) -> contract.SyncBody:
    return {"gitops_sync_run": run(detail), "proposals": [proposal(p) for p in proposals]}


def status(s: FleetStatus) -> contract.StatusBody:
    return {
        "ok": s.well,
        "accounts": list(s.accounts),
        "resources": s.resources,
        "owned": s.owned,
        "proposals": {status.value: count for status, count in s.counts.items()},
        "oldest_pending_at": when(s.oldest_pending_at),
        "withheld": dict(s.withheld),
        "drift": [episode(e) for e in s.drift],
        "pauses": [pause(p) for p in s.pauses],
        "drills": [last_drill(e) for e in s.drills],
        "snapshots": [kept_snapshot(e) for e in s.snapshots],
        "repositories": [
            {
                **repository(h.repository),
                "last_run": None
                if h.last is None
                else {
                    "id": h.last.id,
                    "status": h.last.status,
                    "started_at": when(h.last.started_at),
                    "error": h.last.error,
                },
                "reached_at": when(h.checked_at),
                "pending": h.pending,
                "approved": h.approved,
                "failed": h.failed,
                "withheld": dict(h.withheld),
            }
            for h in s.repositories
        ],
    }


def _key(key: ResourceKey) -> contract.KeyBody:
    return {"account": key.account, "kind": key.kind, "name": key.name}
