"""Figures for Prometheus: what is counted as it happens, and how things stand, asked of the store at each scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from engine.model import RecordedEvent, Run, Status
from engine.notify.courier import Standing
from engine.workbench.reader import Reader

MOST_REPOSITORIES = 200
"""Repositories that have figures of their own; the others share those of `_other`, so that labels stay bounded."""

SINK_STATES = ("ok", "away", "misplaced")
"""What a sink of notifications may be: misplaced where its address or credential is wrong."""

_STAGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The figures of one process. An observer; reads the store only when it is scraped."""

    def __init__(self, reader: Reader) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.registry.register(_Standing(reader))
        self._ticks = Counter(
            "fleet_ticks", "Finished ticks by outcome.", ["outcome", "trigger"], registry=self.registry
        )
        self._stages = Histogram(
            "fleet_tick_stage_seconds",
            "Duration of tick stages in seconds.",
            ["stage"],
            buckets=_STAGES,
            registry=self.registry,
        )
        self._errors = Counter(
            "fleet_sync_errors",
            "Ticks that failed because of git, Vault or the file, by code.",
            ["code"],
            registry=self.registry,
        )
        self._steps = Counter("fleet_apply_steps", "Apply steps by outcome.", ["outcome"], registry=self.registry)
        self._decisions = Counter(
            "fleet_decisions", "Decisions on proposals, by people or auto-apply.", ["decision"], registry=self.registry
        )
        self.requests = Counter(
            "fleet_api_requests", "Requests answered by the API.", ["method", "status"], registry=self.registry
        )
        self.deliveries = Counter(
            "fleet_webhook_deliveries", "Webhooks received.", ["provider", "outcome"], registry=self.registry
        )
        self.notifications = Counter(
            "fleet_notifications", "Notifications sent.", ["sink", "outcome"], registry=self.registry
        )

    def show_sinks(self, standings: Callable[[], Sequence[Standing]]) -> None:
        """Have figures of how each sink of notifications does, asked at each scrape."""
        self.registry.register(_Sinks(standings))

    def ticked(self, run: Run) -> None:
        """Count a tick."""
        self._ticks.labels("unchanged" if run.unchanged else _ended(run), run.trigger).inc()
        if not run.unchanged:
            for stage in run.stages:
                self._stages.labels(stage["stage"]).observe(stage["seconds"])

    def recorded(self, found: Sequence[RecordedEvent]) -> None:
        """Count what happened."""
        for e in found:
            match e.event.type:
                case "gitops.proposal_applied" | "gitops.proposal_failed":
                    self._steps.labels(e.event.type.removeprefix("gitops.proposal_")).inc()
                case "gitops.proposal_approved" | "gitops.proposal_rejected" | "gitops.proposal_taken_back":
                    self._decisions.labels(e.event.type.removeprefix("gitops.proposal_")).inc()
                case "gitops.run_failed":
                    self._errors.labels((e.event.data or {}).get("code", "unknown")).inc()

    def render(self, accept: str) -> tuple[bytes, str]:
        """All figures as text, and its media type."""
        encoder, media = choose_encoder(accept)
        return encoder(self.registry), media


def _ended(run: Run) -> str:
    """How a tick ended; what became of its proposals later is no outcome of the tick."""
    return "success" if run.status == "applied" else run.status.value


class _Standing(Collector):
    """How things stand now."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def collect(self) -> Iterator[GaugeMetricFamily]:
        standing = self._reader.status()
        shown = sorted(standing.repositories, key=lambda h: (-(h.pending + h.approved + h.failed), h.repository.name))
        named = {h.repository.id for h in shown[:MOST_REPOSITORIES]}

        proposals: dict[tuple[str, str], int] = {}
        withheld: dict[tuple[str, str], int] = {}
        for h in standing.repositories:
            name = h.repository.name if h.repository.id in named else "_other"
            for status, count in (
                (Status.PENDING, h.pending),
                (Status.APPROVED, h.approved),
                (Status.FAILED, h.failed),
            ):
                proposals[name, status] = proposals.get((name, status), 0) + count
            for reason, count in h.withheld.items():
                withheld[name, reason] = withheld.get((name, reason), 0) + count
        yield _gauge("fleet_proposals_open", "Open proposals.", ("repository", "status"), proposals)
        yield _gauge("fleet_withheld_differences", "Withheld differences.", ("repository", "reason"), withheld)
        drift: dict[tuple[str, ...], float] = {("medium",): 0, ("high",): 0}
        for episode in standing.drift:
            drift[(episode.severity,)] = drift.get((episode.severity,), 0) + 1
        yield _gauge("fleet_drift_open", "Open drift episodes.", ("severity",), drift)
        oldest = standing.oldest_pending_at
        age = 0.0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds()
        yield _gauge("fleet_pending_oldest_age_seconds", "Age of the oldest pending proposal.", (), {(): max(age, 0.0)})
        yield _gauge("fleet_resources", "Live resources.", (), {(): standing.resources})
        failing = sum(h.last is not None and h.last.status == "failed" for h in standing.repositories)
        repositories = {("failing",): failing, ("ok",): len(standing.repositories) - failing}
        yield _gauge("fleet_repositories", "Repositories by the outcome of their last tick.", ("state",), repositories)
        yield _gauge("fleet_paused", "Pauses in force.", (), {(): len(standing.pauses)})


class _Sinks(Collector):
    """How the sinks of notifications do now."""

    def __init__(self, standings: Callable[[], Sequence[Standing]]) -> None:
        self._standings = standings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = self._standings()
        states = {(each.sink, state): float(state == each.state) for each in found for state in SINK_STATES}
        yield _gauge("fleet_notification_sink", "Notification sinks by state.", ("sink", "state"), states)
        yield _gauge(
            "fleet_notification_under_way_seconds",
            "Seconds since a sink started to send its current message; 0 if it sends none.",
            ("sink",),
            {(each.sink,): each.under_way_s for each in found},
        )


def _gauge(name: str, doc: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, doc, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family
