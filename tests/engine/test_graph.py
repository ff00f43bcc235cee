"""The fleet as a graph: layers, neighbourhoods and groups, and the figures made of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.model import Actor, Change, Episode, Mark, ResourceKey, Status
from engine.present import charts
from engine.workbench import Workbench
from engine.workbench.graph import STATES, Graph, GraphNode, grouped, layered, narrowed


def key(name: str, kind: str = "modules") -> ResourceKey:
    return ResourceKey("acme", kind, name)


def chain(size: int, state: str = "in_sync") -> Graph:
    """m0 ← m1 ← m2 …"""
    nodes = tuple(GraphNode(key(f"m{n}"), state, n, "fc") for n in range(size))
    return Graph(nodes, tuple((key(f"m{n + 1}"), key(f"m{n}")) for n in range(size - 1)))


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40))
def test_each_layer_is_one_more_than_the_deepest_below(pairs: list[tuple[int, int]]) -> None:
    targets: dict[ResourceKey, list[ResourceKey]] = {key(str(n)): [] for n in range(13)}
    for one, other in pairs:
        if other < one:  # a fleet has no cycle
            targets[key(str(one))].append(key(str(other)))
    layers = layered(targets)
    assert layers.keys() == targets.keys()
    for here, others in targets.items():
        assert layers[here] == 1 + max((layers[other] for other in others), default=-1)


def test_a_chain_as_long_as_a_fleet_breaks_no_stack() -> None:
    targets = {key(str(n)): [key(str(n - 1))] if n else [] for n in range(20_000)}
    assert layered(dict(reversed(targets.items())))[key("19999")] == 19_999


def test_it_is_made_once_until_something_is_written(workbench: Workbench) -> None:
    workbench.set_resource(Actor("ana"), key("a"), {})
    first = workbench.graph(account="acme")
    assert workbench.graph(account="acme") is first
    workbench.set_resource(Actor("ana"), key("b"), {"depends_on": ["a"]})
    assert [n.key.name for n in workbench.graph(account="acme").nodes] == ["a", "b"]
    assert workbench.graph(account="acme").edges == ((key("b"), key("a")),)
    assert workbench.graph(account="rival").nodes == ()


def test_what_is_near_is_counted_both_ways() -> None:
    graph = chain(6)
    assert {n.key.name for n in narrowed(graph, near=key("m2"), depth=1).nodes} == {"m1", "m2", "m3"}
    assert {n.key.name for n in narrowed(graph, near=key("m2"), depth=2).nodes} == {"m0", "m1", "m2", "m3", "m4"}
    assert narrowed(graph, near=key("nope")).nodes == ()
    assert [n.key.name for n in narrowed(chain(1), near=key("m0")).nodes] == ["m0"], "what stands alone is near itself"
    left = narrowed(graph, sections=["nodes"])
    assert (left.nodes, left.edges) == ((), ())


def test_groups_hold_all_and_keep_the_references_between_them() -> None:
    nodes = (*chain(3).nodes, GraphNode(key("n", "nodes"), "drifted", 3, None))
    found = grouped(
        Graph(nodes, ((key("n", "nodes"), key("m0")), (key("n", "nodes"), key("m1")), (key("m1"), key("m0"))))
    )
    assert [(g.section, g.state, g.size, g.layer) for g in found.groups] == [
        ("modules", "in_sync", 3, 2), ("nodes", "drifted", 1, 3),
    ]  # fmt: skip
    assert found.edges == {(1, 0): 2}


def test_figures_name_every_state_by_word_and_shape() -> None:
    nodes = tuple(GraphNode(key(state), state, place, None) for place, state in enumerate(STATES))
    figure = charts.fleet_graph(Graph(nodes, ()))
    drawn = {trace.name.rpartition(" ")[0]: trace.marker.symbol for trace in figure.data if trace.name}
    assert set(drawn) == {state.replace("_", " ") for state in STATES}
    assert len(set(drawn.values())) == len(STATES), "no two states share a shape"
    assert figure.to_json()
    assert charts.group_graph(grouped(chain(400))).to_json()
    assert charts.fleet_graph(Graph((), ())).to_json()


def test_text_in_a_figure_stays_text() -> None:
    hostile = GraphNode(key("<b onmouseover=x>&"), "in_sync", 0, "fc")
    text = charts.fleet_graph(Graph((hostile,), ())).data[1].text[0]
    assert text == "&lt;b onmouseover=x&gt;&amp;"


def test_days_without_an_outcome_are_zero() -> None:
    figure = charts.outcomes_by_day(
        [("2026-11-02", Status.APPLIED, 3), ("2026-11-02", Status.FAILED, 1)], date(2026, 11, 3), 3
    )
    assert {trace.name: list(trace.y) for trace in figure.data} == {"applied": [0, 3, 0], "failed": [0, 1, 0]}
    assert list(figure.data[0].x) == ["2026-11-01", "2026-11-02", "2026-11-03"]


def test_a_timeline_has_a_lane_for_each_resource() -> None:
    now = datetime(2026, 11, 3, tzinfo=UTC)
    open_ = Episode(
        1, 1, "fc", key("a"), Change.UPDATE, (), "medium", "ben", now - timedelta(hours=2), now, 1, None, None, None
    )
    closed = Episode(
        2, 1, "fc", key("b"), Change.UPDATE, (), "high", None, None, now - timedelta(hours=5), 1, now - timedelta(hours=1), 2, "reverted"
    )  # fmt: skip
    marks = [
        Mark("edit", key("a"), now, "ben", "version 2"),
        Mark("commit", None, now, "ana", "abc"),
        Mark("apply", key("zzz"), now, "x", "y"),
    ]
    figure = charts.drift_timeline([open_, closed], marks, now)
    bars = {trace.name: (list(trace.y), list(trace.x)) for trace in figure.data if trace.type == "bar"}
    assert bars == {
        "open episode": (["modules/a"], [7_200_000.0]),
        "closed episode": (["modules/b"], [14_400_000.0]),
    }
    assert {trace.name for trace in figure.data if trace.type == "scatter"} == {"edit", "commit"}
