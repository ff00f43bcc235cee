"""A fleet of any size, always the same: as the text of a fleet file, whole or with a share of its resources changed.

10,000 resources are about 1 MiB. Of ten, three are nodes, six and a half assignments; modules, templates and SD-WAN make up the rest, and
everything refers to something that is declared.
"""

from __future__ import annotations

from collections.abc import Iterator

ACCOUNT = "acme"


def fleet_yaml(size: int, changed: float = 0.0) -> str:
    """The text of a fleet of so many resources, of which a share, spread over it evenly, is otherwise than in the text without."""
    lines = ["version: 1", f"account: {ACCOUNT}"]
    number = 0
    for section, resources in _sections(size):
        lines.append(f"{section}:")
        for name, fields in resources:
            # The next whole number of changes is reached here.
            otherwise = int((number + 1) * changed) > int(number * changed)
            number += 1
            lines.append(f"  {name}:")
            lines += [f"    {field}: {more if otherwise and more else text}" for field, text, more in fields]
    return "\n".join(lines) + "\n"


Field = tuple[str, str, str | None]
"""(name, value, the value where the resource is changed)."""


def _sections(size: int) -> Iterator[tuple[str, Iterator[tuple[str, list[Field]]]]]:
    templates, modules = max(1, size // 200), max(3, size * 2 // 100)
    networks = max(1, size // 500)
    nodes = size * 3 // 10
    assignments = size - templates - modules - networks - nodes
    yield "templates", (_template(i, modules) for i in range(templates))
    yield "modules", (_module(i) for i in range(modules))
    yield "nodes", (_node(i, templates) for i in range(nodes))
    yield "assignments", (_assignment(i, nodes, modules) for i in range(assignments))
    yield "sdwan_networks", (_network(i) for i in range(networks))


def _module(i: int) -> tuple[str, list[Field]]:
    fields: list[Field] = [
        ("version", f'"1.{i % 30}.0"', None),
        ("priority", f"{i % 100}", f"{i % 100 + 100}"),
        ("description", f"Module number {i} of the made fleet", None),
        ("config", f"{{workers: {i % 16}, mode: safe}}", None),
    ]
    return f"module-{i:05}", [*fields, ("depends_on", f"[module-{i - 1:05}]", None)] if i % 3 else fields


def _template(i: int, modules: int) -> tuple[str, list[Field]]:
    uses = sorted({(i * 7 + k) % modules for k in range(3)})
    wanted = ", ".join(f"module-{m:05}@1.{m % 30}.0" for m in uses)
    return f"template-{i:04}", [
        ("description", f"Template {i}", f"Template {i}, changed"),
        ("modules", f"[{wanted}]", None),
    ]


def _node(i: int, templates: int) -> tuple[str, list[Field]]:
    return f"node-{i:06}", [
        ("template", f"template-{i % templates:04}", None),
        ("lifecycle_class", "persistent", "spot"),
        ("labels", f"{{rack: r{i % 40}, site: fra}}", None),
    ]


def _assignment(i: int, nodes: int, modules: int) -> tuple[str, list[Field]]:
    name = f"node-{i % nodes:06}:module-{(i // nodes * 13 + i) % modules:05}"
    return name, [
        ("priority", f"{i % 100}", f"{i % 100 + 100}"),
        ("enabled", "false" if i % 5 == 0 else "true", None),
        ("config", f"{{shard: {i % 7}, mode: m{i % 4}}}", None),
    ]


def _network(i: int) -> tuple[str, list[Field]]:
    return f"network-{i:04}", [
        ("cidr", f"10.{i // 250}.{i % 250}.0/24", None),
        ("description", f"Network {i}", f"Net {i}"),
    ]
