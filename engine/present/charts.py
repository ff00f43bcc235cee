"""Figures that pages and notebooks share. Pure: domain objects in, plotly figures out.

One colour has one meaning, on light and dark backgrounds, and is never used alone: a shape or a word says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import fmean
from typing import Any

import plotly.graph_objects as go

from engine import phrases
from engine.model import Episode, Mark, ResourceKey, Status
from engine.workbench.graph import Graph, Grouped

GREEN, AMBER, RED, BLUE, VIOLET, GREY = "#3f9164", "#c17f24", "#c44f46", "#4484bf", "#8563b8", "#8b959d"

OUTCOMES: Mapping[Status, tuple[str, str]] = {
    Status.APPLIED: (GREEN, ""),
    Status.REJECTED: (AMBER, "/"),
    Status.FAILED: (RED, "x"),
    Status.WITHDRAWN: (GREY, "."),
    Status.SUPERSEDED: (GREY, "\\"),
}
"""Colour and pattern of what became of a proposal."""

STATES: Mapping[str, tuple[str, str]] = {
    "in_sync": (GREEN, "circle"),
    "pending": (AMBER, "diamond"),
    "waiting": (BLUE, "hourglass"),
    "drifted": (VIOLET, "triangle-up"),
    "failed": (RED, "x"),
    "unmanaged": (GREY, "circle-open"),
    "past": (GREY, "square"),
}
"""Colour and shape of each state of a resource."""

MARKS: Mapping[str, tuple[str, str]] = {
    "edit": (VIOLET, "diamond"),
    "apply": (GREEN, "circle"),
    "commit": (BLUE, "line-ns"),
}
"""Colour and shape of what happens on a timeline."""

LABELLED = 70
"""Most nodes that are drawn with their names; with more, names are read by hovering."""


def outcomes_by_day(rows: Sequence[tuple[str, Status, int]], last: date, days: int) -> go.Figure:
    """Proposals by the day on which they ended and how, stacked. `rows` as `Reader.outcomes` gives them."""
    axis = [(last - timedelta(days=back)).isoformat() for back in reversed(range(days))]
    figure = _figure(height=250)
    for status, (colour, pattern) in OUTCOMES.items():
        by_day = {day: count for day, found, count in rows if found is status}
        if by_day:
            figure.add_bar(
                x=axis,
                y=[by_day.get(day, 0) for day in axis],
                name=status.value,
                marker={"color": colour, "pattern": {"shape": pattern, "size": 5, "fgopacity": 0.55}},
                hovertemplate="%{x}: %{y} " + status.value + "<extra></extra>",
            )
    figure.update_layout(barmode="stack", bargap=0.25, hovermode="x unified")
    figure.update_xaxes(type="date", showgrid=False, range=_padded(axis))
    figure.update_yaxes(rangemode="tozero", tickformat=",d", gridcolor="rgba(128,128,128,0.18)")
    return figure


def _padded(axis: Sequence[str]) -> list[str] | None:
    if not axis:
        return None
    first, last = date.fromisoformat(axis[0]), date.fromisoformat(axis[-1])
    return [f"{first - timedelta(days=1)}T12:00", f"{last}T12:00"]


def drift_timeline(episodes: Sequence[Episode], marks: Sequence[Mark], now: datetime) -> go.Figure:
    """Episodes as bars, one lane for each resource, with edits, applies and, in a lane of their own, commits."""
    lanes = list(dict.fromkeys(episode.key for episode in episodes))
    names = {key: _lane(key) for key in lanes}
    figure = _figure(height=130 + 30 * len(lanes))
    for standing, colour, pattern in (("open", VIOLET, ""), ("closed", GREY, "/")):
        chosen = [e for e in episodes if (e.closed_at is None) == (standing == "open")]
        if chosen:
            figure.add_bar(
                orientation="h",
                base=[e.moved_at or e.opened_at for e in chosen],
                x=[((e.closed_at or now) - (e.moved_at or e.opened_at)).total_seconds() * 1000 for e in chosen],
                y=[names[e.key] for e in chosen],
                name=f"{standing} episode",
                width=0.5,
                marker={"color": colour, "pattern": {"shape": pattern, "size": 6, "fgopacity": 0.4}},
                customdata=[[_told(e)] for e in chosen],
                hovertemplate="%{customdata[0]}<extra></extra>",
            )
    for what, (colour, symbol) in MARKS.items():
        chosen_marks = [m for m in marks if m.what == what and (m.key is None or m.key in names)]
        if chosen_marks:
            figure.add_scatter(
                x=[m.at for m in chosen_marks],
                y=["commits" if m.key is None else names[m.key] for m in chosen_marks],
                mode="markers",
                name=what,
                marker={"symbol": symbol, "color": colour, "size": 10, "line": {"width": 2, "color": colour}},
                customdata=[[f"{what} by {_text(m.by)}<br>{_text(m.detail)}"] for m in chosen_marks],
                hovertemplate="%{customdata[0]}<br>%{x}<extra></extra>",
            )
    order = [*(names[key] for key in reversed(lanes)), "commits"]
    figure.update_yaxes(categoryorder="array", categoryarray=order, showgrid=False, automargin=True)
    figure.update_xaxes(type="date", gridcolor="rgba(128,128,128,0.18)")
    figure.update_layout(barmode="overlay")
    return figure


def _lane(key: ResourceKey) -> str:
    return _text(key.address if len(key.address) <= 44 else f"{key.address[:43]}…")


def _told(episode: Episode) -> str:
    fields = ", ".join(row["path"] for row in episode.fields[:4])
    return f"{_text(episode.key.address)}<br>{_text(fields)}<br>by {_text(episode.moved_by or 'unknown')}, {episode.outcome or 'open'}"


def fleet_graph(graph: Graph) -> go.Figure:
    """Resources in layers from left to right, as an apply would make them; an arrowless line leads to what each refers to."""
    places = _placed(graph)
    figure = _figure(height=min(1600, max(420, 44 * _tallest(graph))))
    xs: list[float | None] = []
    ys: list[float | None] = []
    for one, other in graph.edges:
        xs += [places[one][0], places[other][0], None]
        ys += [places[one][1], places[other][1], None]
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="lines",
        line={"width": 1, "color": "rgba(128,128,128,0.32)"},
        hoverinfo="skip",
        showlegend=False,
    )
    labelled = len(graph.nodes) <= LABELLED
    for state, (colour, symbol) in STATES.items():
        chosen = [node for node in graph.nodes if node.state == state]
        if chosen:
            figure.add_scatter(
                x=[places[node.key][0] for node in chosen],
                y=[places[node.key][1] for node in chosen],
                mode="markers+text" if labelled else "markers",
                text=[_text(node.key.name[:28]) for node in chosen] if labelled else None,
                # Names of neighbouring layers lie at different heights, so that they do not run into each other.
                textposition=[
                    "top center" if node.layer % 2 else "bottom center" if node.layer else "bottom right"
                    for node in chosen
                ],
                cliponaxis=False,
                textfont={"size": 11},
                name=f"{state.replace('_', ' ')} {len(chosen):,}",
                marker={"symbol": symbol, "color": colour, "size": 11, "line": {"width": 1.5, "color": colour}},
                customdata=[
                    [node.key.text, _text(node.key.address), _text(node.repository or "no repository")]
                    for node in chosen
                ],
                hovertemplate="%{customdata[1]}<br>" + state.replace("_", " ") + "<br>%{customdata[2]}<extra></extra>",
            )
    deepest = max((node.layer for node in graph.nodes), default=0)
    _bare_axes(figure, [f"layer {layer}" for layer in range(deepest + 1)])
    return figure


def group_graph(found: Grouped) -> go.Figure:
    """Groups of resources in layers, each as large as it has members; lines as strong as references are many."""
    rows: dict[int, int] = {}
    places = []
    for group in found.groups:
        rows[group.layer] = rows.get(group.layer, 0) + 1
        places.append((float(group.layer), -float(rows[group.layer])))
    figure = _figure(height=max(380, 90 * max(rows.values(), default=1)))
    # One trace for each strength, not for each line: figures with many traces are slow to make and to draw.
    strengths: dict[int, list[tuple[int, int]]] = {}
    for pair, count in sorted(found.edges.items()):
        strengths.setdefault(min(4, len(str(count))), []).append(pair)
    for strength, pairs in sorted(strengths.items()):
        xs: list[float | None] = []
        ys: list[float | None] = []
        for one, other in pairs:
            xs += [places[one][0], places[other][0], None]
            ys += [places[one][1], places[other][1], None]
        figure.add_scatter(
            x=xs,
            y=ys,
            mode="lines",
            line={"width": strength, "color": "rgba(128,128,128,0.4)"},
            hoverinfo="skip",
            showlegend=False,
        )
    for state, (colour, symbol) in STATES.items():
        chosen = [place for place, group in enumerate(found.groups) if group.state == state]
        if chosen:
            figure.add_scatter(
                x=[places[place][0] for place in chosen],
                y=[places[place][1] for place in chosen],
                mode="markers+text",
                text=[f"{found.groups[place].section} {found.groups[place].size:,}" for place in chosen],
                textposition="top center",
                name=state.replace("_", " "),
                marker={
                    "symbol": symbol,
                    "color": colour,
                    "size": [14 + min(34, found.groups[place].size ** 0.5) for place in chosen],
                    "line": {"width": 1.5, "color": colour},
                },
                customdata=[[found.groups[place].section, state, found.groups[place].size] for place in chosen],
                hovertemplate="%{customdata[2]:,} %{customdata[0]}, " + state.replace("_", " ") + "<extra></extra>",
            )
    deepest = max((group.layer for group in found.groups), default=0)
    _bare_axes(figure, [f"layer {layer}" for layer in range(deepest + 1)])
    return figure


def _placed(graph: Graph) -> dict[ResourceKey, tuple[float, float]]:
    """Position of each node: by layer, and within it near the middle of its targets, so that few lines cross."""
    targets: dict[ResourceKey, list[ResourceKey]] = {}
    for one, other in graph.edges:
        targets.setdefault(one, []).append(other)
    places: dict[ResourceKey, tuple[float, float]] = {}
    for layer in range(max((node.layer for node in graph.nodes), default=-1) + 1):
        here = [node.key for node in graph.nodes if node.layer == layer]
        here.sort(key=lambda key: (_middle(key, targets, places), key))
        for place, key in enumerate(here):
            places[key] = (float(layer), (place + 0.5) / len(here))
    return places


def _middle(
    key: ResourceKey,
    targets: Mapping[ResourceKey, Sequence[ResourceKey]],
    places: Mapping[ResourceKey, tuple[float, float]],
) -> float:
    heights = [places[other][1] for other in targets.get(key, ()) if other in places]
    return fmean(heights) if heights else 0.0


def _tallest(graph: Graph) -> int:
    sizes: dict[int, int] = {}
    for node in graph.nodes:
        sizes[node.layer] = sizes.get(node.layer, 0) + 1
    return max(sizes.values(), default=1)


def _text(text: str) -> str:
    """Text as plotly shows it: it reads a few tags, so none may come from outside."""
    return phrases.clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _bare_axes(figure: go.Figure, layers: Sequence[str]) -> None:
    figure.update_xaxes(
        tickmode="array",
        tickvals=list(range(len(layers))),
        ticktext=list(layers),
        showgrid=False,
        zeroline=False,
        range=[-0.2, len(layers) - 0.05],
    )
    figure.update_yaxes(visible=False)


def _figure(**layout: Any) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        dragmode=False,
        **layout,
    )
    return figure
