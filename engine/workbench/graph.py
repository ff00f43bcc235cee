"""The fleet as a graph of references: layers, neighbourhoods, and groups for large graphs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.model import ResourceKey

STATES = ("failed", "drifted", "pending", "waiting", "unmanaged", "in_sync")
"""The states of a resource, the worst first."""


@dataclass(frozen=True, slots=True)
class GraphNode:
    key: ResourceKey
    state: str
    """in_sync, waiting, pending, drifted, failed or unmanaged; past for a fleet as it was, of which that is not known."""
    layer: int
    """0 for what refers to nothing, else one more than the deepest that it refers to."""
    repository: str | None


@dataclass(frozen=True, slots=True)
class Graph:
    nodes: tuple[GraphNode, ...]
    edges: tuple[tuple[ResourceKey, ResourceKey], ...]
    """From a resource to what it refers to."""


@dataclass(frozen=True, slots=True)
class Group:
    """Resources that are drawn as one."""

    label: str
    section: str
    state: str
    size: int
    layer: int


@dataclass(frozen=True, slots=True)
class Grouped:
    groups: tuple[Group, ...]
    edges: Mapping[tuple[int, int], int]
    """How many references go from one group to another, by their places."""


def layered(targets: Mapping[ResourceKey, Sequence[ResourceKey]]) -> dict[ResourceKey, int]:
    """The layer of each resource: 0 where it refers to nothing, else one more than the deepest that it refers to."""
    layers: dict[ResourceKey, int] = {}
    for start in targets:
        stack = [start]
        while stack:
            here = stack[-1]
            if here in layers:
                stack.pop()
                continue
            open_ = [other for other in targets[here] if other not in layers]
            if open_:
                stack.extend(open_)
                continue
            layers[here] = 1 + max((layers[other] for other in targets[here]), default=-1)
            stack.pop()
    return layers


def narrowed(
    graph: Graph,
    *,
    sections: Sequence[str] = (),
    states: Sequence[str] = (),
    near: ResourceKey | None = None,
    depth: int = 1,
) -> Graph:
    """The part of a graph that passes the filters; `near` keeps resources at most `depth` references away from one resource, in both directions."""
    kept = {
        node.key
        for node in graph.nodes
        if (not sections or node.key.kind in sections) and (not states or node.state in states)
    }
    if near is not None:
        kept &= _around(graph, near, depth)
    if len(kept) == len(graph.nodes):
        return graph
    return Graph(
        tuple(node for node in graph.nodes if node.key in kept),
        tuple((one, other) for one, other in graph.edges if one in kept and other in kept),
    )


def _around(graph: Graph, near: ResourceKey, depth: int) -> set[ResourceKey]:
    """Resources within this number of references from a resource, in both directions."""
    import networkx  # slow to import, so imported only when needed

    whole = networkx.Graph(graph.edges)
    if near not in whole:
        return {node.key for node in graph.nodes if node.key == near}
    return set(networkx.single_source_shortest_path_length(whole, near, cutoff=depth))


def grouped(graph: Graph) -> Grouped:
    """The graph with all resources of one section and state as one group."""
    place_of: dict[tuple[str, str], int] = {}
    sizes: Counter[int] = Counter()
    layers: dict[int, int] = {}
    home: dict[ResourceKey, int] = {}
    for node in graph.nodes:
        place = place_of.setdefault((node.key.kind, node.state), len(place_of))
        sizes[place] += 1
        layers[place] = max(layers.get(place, 0), node.layer)
        home[node.key] = place
    edges = Counter((home[one], home[other]) for one, other in graph.edges)
    groups = tuple(
        Group(f"{section} {state.replace('_', ' ')}", section, state, sizes[place], layers[place])
        for (section, state), place in place_of.items()
    )
    return Grouped(groups, {pair: count for pair, count in edges.items() if pair[0] != pair[1]})
