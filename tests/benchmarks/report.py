"""What was measured, as a listing, as the table of the page on speed, and as a picture."""

from __future__ import annotations

import json
import math
import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

MAIN, SMALL, LARGE = 10_000, 1_000, 100_000
WORKS = (
    "parse",
    "diff, 1% changed",
    "diff, 100% changed",
    "tick, 1% changed",
    "tick, nothing moved",
    "apply, all created",
    "export",
    "a round of repositories",
)
"""The rows of the table, in its order."""
VERSIONS = ("duckdb", "pyyaml", "streamlit", "octodns", "diffsync", "deepdiff", "ruamel-yaml")
_OF_A_FLEET = "a fleet's page "
_BLOCK = re.compile(r"(<!-- speed[^>]* -->\n).*?(<!-- /speed -->)", re.DOTALL)


@dataclass(frozen=True)
class Taken:
    """The times of one subject at one piece of work, in seconds."""

    work: str
    size: int
    subject: str
    median: float
    least: float
    most: float
    facts: dict[str, Any]

    @property
    def ours(self) -> bool:
        return self.subject == "ours"


def read(path: Path) -> list[Taken]:
    """What a run of pytest-benchmark left."""
    made = []
    for each in json.loads(path.read_text())["benchmarks"]:
        info, stats = dict(each["extra_info"]), each["stats"]
        made.append(
            Taken(
                info.pop("work"),
                info.pop("size"),
                info.pop("subject"),
                stats["median"],
                stats["min"],
                stats["max"],
                info,
            )
        )
    return made


def listing(taken: Iterable[Taken]) -> str:
    """Everything, beside ours of the same work and size."""
    taken = list(taken)
    ours = {(t.work, t.size): t.median for t in taken if t.ours}
    lines = [f"{'work':38} {'size':>9}  {'subject':34} {'median':>9} {'least':>9} {'most':>9}   of ours"]
    for t in sorted(taken, key=lambda t: (t.work, t.size, not t.ours)):
        own = ours.get((t.work, t.size))
        share = "" if own is None or t.ours else f"{t.median / own:9.2f}"
        facts = " ".join(f"{name} {value}" for name, value in t.facts.items())
        times = f"{shown(t.median):>9} {shown(t.least):>9} {shown(t.most):>9}"
        lines.append(f"{t.work:38} {t.size:>9,}  {t.subject:34} {times} {share:>9}  {facts}")
    return "\n".join(lines)


def shown(seconds: float) -> str:
    """A time with three digits that count."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


def growth(taken: Sequence[Taken], work: str) -> float | None:
    """The exponent with which our time grows from 1,000 to 100,000 resources: 1 is linear."""
    times = {t.size: t.median for t in taken if t.ours and t.work == work}
    small, large = times.get(SMALL), times.get(LARGE)
    return None if small is None or large is None else math.log(large / small) / math.log(LARGE / SMALL)


def table(taken: Sequence[Taken]) -> str:
    """The table of the page on speed: our time at 10,000 resources, its floor, its peers, and how it grows."""
    rows = [
        "| 10,000 resources | ours (least–most) | floor | peers | 100,000 | growth |",
        "|---|---:|---|---|---:|---:|",
    ]
    for work in WORKS:
        here = [t for t in taken if t.work == work and t.size in {MAIN, 1_000 if "round" in work else MAIN}]
        ours = next(t for t in here if t.ours)
        others = sorted((t for t in here if not t.ours), key=lambda t: t.median)
        floor = [t for t in others if not t.facts.get("peer")]
        peers = [t for t in others if t.facts.get("peer")]
        large = next((t for t in taken if t.ours and t.work == work and t.size == LARGE), None)
        exponent = growth(taken, work)
        rows.append(
            f"| {work}{' (1,000)' if 'round' in work else ''} | **{shown(ours.median)}** ({shown(ours.least)}–{shown(ours.most)}) "
            f"| {'; '.join(f'{t.subject}: {shown(t.median)}, × {ours.median / t.median:.1f}' for t in floor)} "
            f"| {'; '.join(f'{t.subject}: {shown(t.median)}, × {t.median / ours.median:.0f}' for t in peers) or '–'} "
            f"| {shown(large.median) if large else '–'} | {'–' if exponent is None else f'{exponent:.2f}'} |"
        )
    return "\n".join(rows)


def notes(taken: Sequence[Taken]) -> str:
    """What has no place in the table: starts, pages, the API, memory, and where all this was measured."""
    by = {(t.work, t.subject): t for t in taken}
    pages = sorted((t for t in taken if t.work.startswith("page ")), key=lambda t: t.median)
    slowest = ", ".join(f"`{t.work.removeprefix('page ')}` {shown(t.median)}" for t in reversed(pages[-3:]))
    middle = pages[len(pages) // 2]
    grown = {t.work: growth(taken, t.work) or 0.0 for t in taken if t.work.startswith(_OF_A_FLEET)}
    steepest = sorted(grown, key=lambda work: -grown[work])[:3]
    growing = ", ".join(f"`{work.removeprefix(_OF_A_FLEET)}` {grown[work]:.2f}" for work in steepest)
    starts = ", ".join(f"`{t.subject}` {shown(t.median)}" for t in taken if t.work == "start of a command")
    api = ", ".join(
        f"{t.work.removeprefix('API, ')} {t.facts['reads'] / t.median:,.0f}/s"
        for t in taken
        if t.work.startswith("API") and t.ours
    )
    bare = next(t for t in taken if t.work.startswith("API") and not t.ours)
    idle = by["start of a command", "python -c pass"].facts["peak_mb"]
    memory = ", ".join(
        f"`{t.subject}` {t.facts['peak_mb'] - idle:.0f} MB" for t in taken if t.work == "a command on the fleet"
    )
    diff = [f"{t.size:,}: {shown(t.median)}" for t in taken if t.ours and t.work == "diff, 0% changed"]
    return "\n".join(
        [
            f"- **Pages** over 100,000 proposals and a million versions: {len(pages)} pages, half of them within {shown(middle.median)}; the slowest are {slowest}.",
            f"- **Pages** from a fleet of 1,000 to one of 100,000 resources grow with an exponent of at most {growing}.",
            f"- **API**, one connection, one request after the other: {api}; a bare route {bare.facts['reads'] / bare.median:,.0f}/s.",
            f"- **Start**: {starts}.",
            f"- **Memory** above the bare interpreter, a whole command on 10,000 resources: {memory}.",
            f"- **Diff** with nothing changed: {', '.join(diff)}.",
        ]
    )


def machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    pages = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")]
    memory = int(pages[0].split()[1]) / 1_048_576
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in VERSIONS)
    cores = len(os.sched_getaffinity(0))
    return (
        f"{date.today()}, {cores} cores of {model}, {memory:.0f} GiB, Python {platform.python_version()}; {versions}."  # noqa: DTZ011 - the day here
    )


def write(taken: Sequence[Taken], root: Path) -> None:
    """Effects: the block `speed` of the page on speed, and its picture."""
    page = root / "pages" / "help" / "speed.md"
    block = f"{table(taken)}\n\n{notes(taken)}\n\nMeasured on {machine()}\n"
    page.write_text(_BLOCK.sub(lambda match: match[1] + block + match[2], page.read_text()))
    picture(taken, root / "data" / "pictures" / "speed.png")


def picture(taken: Sequence[Taken], path: Path) -> None:
    """Bars of every subject by work at 10,000 resources, on a logarithmic axis."""
    import plotly.graph_objects as go
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM

    bars = [
        t
        for work in reversed(WORKS[:-1])
        for t in sorted((t for t in taken if (t.work, t.size) == (work, MAIN)), key=lambda t: -t.median)
    ]
    colours = {"ours": "#2b5f94"}
    figure = go.Figure(
        go.Bar(
            x=[t.median * 1000 for t in bars],
            y=[[t.work for t in bars], [t.subject for t in bars]],
            orientation="h",
            text=[shown(t.median) for t in bars],
            textposition="outside",
            cliponaxis=False,
            marker_color=[colours.get(t.subject, "#b07d2b" if t.facts.get("peer") else "#a9b3bb") for t in bars],
        )
    )
    figure.update_layout(
        template="plotly_white",
        width=1200,
        height=120 + 26 * len(bars),
        margin={"l": 20, "r": 90, "t": 50, "b": 40},
        title={
            "text": "10,000 resources: ours (blue), floors (grey), peers (ochre); milliseconds, logarithmic",
            "font": {"size": 15},
        },
        xaxis={"type": "log", "dtick": 1},
        yaxis={"automargin": True},
        font={"family": "DejaVu Sans, sans-serif", "size": 12},
        bargap=0.25,
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1220, "height": 140 + 26 * len(bars)})
        page.set_content(figure.to_html(include_plotlyjs=True, config={"displayModeBar": False}))
        page.wait_for_selector(".js-plotly-plot .bars")
        page.locator(".js-plotly-plot").screenshot(path=path)
        browser.close()
