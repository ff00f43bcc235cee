"""The kinds of a fleet. This file is the only place that names them (section 4 of the design).

To add a kind, declare it here and add it to `FLEET`. Parsing, validation, JSON Schema, diff, apply order, views, export
and the README's table follow.

`reaches=True` on a reference or key part has a change of the kind count the nodes that it reaches; `phase` is its place in the apply order.
A new type of field is declared in `fields.py`. `Kinds` refuses declarations that cannot stand beside one another.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from engine.kinds import Derived, Doubt, Field, KeyPart, Kind, Kinds, Lookup, Referrers
from engine.kinds.fields import Address, Boolean, Choice, Endpoint, Integer, Map, Network, Ref, RefList, Text, Texts
from engine.model import Spec


def address_within_network(spec: Spec, lookup: Lookup) -> str | None:
    """A virtual IP's address lies in the network that it names."""
    network = lookup("sdwan_networks", spec["network"])
    if network is None or ipaddress.ip_address(spec["address"]) in ipaddress.ip_network(network["cidr"]):
        return None
    return f"address {spec['address']} is not within {network['cidr']} of sdwan_networks/{spec['network']}"


def addresses_used_twice(specs: Mapping[str, Spec], lookup: Lookup) -> Iterator[Doubt]:
    """Two virtual IPs of one network that have one address."""
    first: dict[tuple[str, str], str] = {}
    for name, spec in specs.items():
        if "network" in spec and "address" in spec:
            address = Address().normal(spec["address"])
            if (other := first.setdefault((spec["network"], address), name)) != name:
                message = (
                    f"address {address} is also the address of sdwan_virtual_ips/{other}, in network {spec['network']}"
                )
                yield Doubt(name, ("address",), message, "give each virtual IP of a network a different address")


def addresses_of_no_host(specs: Mapping[str, Spec], lookup: Lookup) -> Iterator[Doubt]:
    """Virtual IPs whose address no node of the network can have."""
    for name, spec in specs.items():
        if "network" in spec and "address" in spec and (what := _reserved(spec["address"], spec["network"], lookup)):
            yield Doubt(name, ("address",), f"address {what}", "give it the address of a host within the network")


def endpoints_of_no_host(specs: Mapping[str, Spec], lookup: Lookup) -> Iterator[Doubt]:
    """Peers whose endpoint is an address that no node of the network can have."""
    for name, spec in specs.items():
        host = (spec.get("endpoint") or "").rpartition(":")[0].strip("[]")
        if host and (what := _reserved(host, name.partition(":")[0], lookup)):
            yield Doubt(name, ("endpoint",), f"endpoint {what}", "write the address of the node, or a host name")


def holders_named_twice(specs: Mapping[str, Spec], lookup: Lookup) -> Iterator[Doubt]:
    """Virtual IPs that would fall over to the node that holds them."""
    for name, spec in specs.items():
        primary, others = spec.get("primary_holder"), spec.get("failover_holders") or []
        if primary in others:
            message = f"failover_holders names {primary}, which is already the primary holder"
            yield Doubt(name, ("failover_holders", others.index(primary)), message, "remove it from failover_holders")


def _reserved(address: str, network: str, lookup: Lookup) -> str | None:
    """What an address of a network is, if no host can have it. A network of one or two addresses has none to spare."""
    cidr = (lookup("sdwan_networks", network) or {}).get("cidr")
    try:
        host, whole = ipaddress.ip_address(address), ipaddress.ip_network(cidr or "")
    except ValueError:  # a host name, or a network that is not known
        return None
    if whole.prefixlen < whole.max_prefixlen - 1:
        if host == whole.network_address:
            return f"{address} is the network address of sdwan_networks/{network} ({cidr})"
        if host.version == 4 and host == whole.broadcast_address:
            return f"{address} is the broadcast address of sdwan_networks/{network} ({cidr})"
    return None


def effective_modules(node: str, spec: Spec, lookup: Lookup, referrers: Referrers) -> list[tuple[Any, ...]]:
    """The modules that a node carries, by priority: its template's, then its assignments, which go before them."""
    carried: dict[str, tuple[Any, ...]] = {}
    template = spec.get("template")
    for entry in (lookup("templates", template) or {}).get("modules", []) if template else []:
        name, _, pin = entry.partition("@")
        module = lookup("modules", name) or {}
        carried[name] = (module.get("priority", 0), name, pin or module.get("version"), "on", f"templates/{template}")
    for key, assignment in referrers("assignments").items():
        holder, _, name = key.partition(":")
        if holder != node:
            continue
        version = carried[name][2] if name in carried else (lookup("modules", name) or {}).get("version")
        state = "on" if assignment.get("enabled", True) else "off"
        carried[name] = (assignment.get("priority", 0), name, version, state, f"assignments/{key}")
    return sorted(carried.values(), key=lambda row: (row[0], row[1]))


TEMPLATES = Kind(
    section="templates",
    view="node_templates",
    title="node template",
    phase=1,
    doc="A type of node: the modules that it carries and its configuration.",
    fields=(
        Field("description", Text(), "Purpose of the template.", ""),
        Field("node_platform_id", Text(), "Id of the node platform.", ""),
        Field("modules", RefList("modules", pins=True), "Modules that the node carries; pin a version with `@`.", []),
        Field("config", Map(), "Free configuration.", {}),
    ),
)

MODULES = Kind(
    section="modules",
    view="node_modules",
    title="module",
    phase=2,
    doc="Software or configuration that nodes carry.",
    version_field="version",
    versions=Field("versions", Texts(), "Other versions that exist and may be pinned.", []),
    fields=(
        Field("description", Text(), "Purpose of the module.", ""),
        Field("priority", Integer(0), "Order among the modules of a node.", 0),
        Field("variety", Choice(("config", "instance", "subscription")), "How a node carries the module.", "config"),
        Field("version", Text(), "Current version, which a pin `name@version` can name.", None),
        Field("config", Map(), "Free configuration.", {}),
        Field("depends_on", RefList("modules"), "Modules that this module requires.", []),
    ),
)

NODES = Kind(
    section="nodes",
    view="nodes",
    title="node",
    phase=3,
    doc="A machine of the fleet.",
    reached=True,
    derived=(
        Derived(
            "Effective modules",
            "The modules of the node in order of priority: its assignments first, then the modules of its template.",
            ("Priority", "Module", "Version", "State", "Comes from"),
            effective_modules,
        ),
    ),
    fields=(
        Field("template", Ref("templates"), "Template of the node.", None),
        Field(
            "lifecycle_class",
            Choice(("persistent", "ephemeral", "spot")),
            "Planned lifetime of the node.",
            "persistent",
        ),
        Field("labels", Map(), "Free labels.", {}),
    ),
)

ASSIGNMENTS = Kind(
    section="assignments",
    view="node_module_assignments",
    title="assignment",
    phase=4,
    doc="A module on one node, in addition to its template; `enabled: false` switches it off without detaching it.",
    key=(KeyPart("node", "nodes", reaches=True), KeyPart("module", "modules")),
    fields=(
        Field("enabled", Boolean(), "Whether the module is on.", True),
        Field("priority", Integer(0), "Order among the modules of the node.", 0),
        Field("config", Map(), "Configuration on this node.", {}),
    ),
)

SDWAN_NETWORKS = Kind(
    section="sdwan_networks",
    view="sdwan_networks",
    title="SD-WAN network",
    phase=5,
    doc="An overlay network.",
    fields=(
        Field("cidr", Network(), "Address range, IPv4 or IPv6."),
        Field("routing_mode", Choice(("hub", "mesh")), "How peers connect to each other.", "mesh"),
        Field("description", Text(), "Purpose of the network.", ""),
    ),
)

SDWAN_PEERS = Kind(
    section="sdwan_peers",
    view="sdwan_peers",
    title="SD-WAN peer",
    phase=5,
    doc="Membership of a node in an overlay network.",
    advice=(endpoints_of_no_host,),
    key=(KeyPart("network", "sdwan_networks"), KeyPart("node", "nodes", reaches=True)),
    fields=(
        Field("publicly_reachable", Boolean(), "Whether other peers can reach it from outside.", False),
        Field("endpoint", Endpoint(), "Address at which other peers reach it.", None),
    ),
)

SDWAN_VIRTUAL_IPS = Kind(
    section="sdwan_virtual_ips",
    view="sdwan_virtual_ips",
    title="SD-WAN virtual IP",
    phase=5,
    doc="An address that moves between nodes.",
    constraints=(address_within_network,),
    advice=(addresses_used_twice, addresses_of_no_host, holders_named_twice),
    fields=(
        Field("network", Ref("sdwan_networks"), "Network of the virtual IP."),
        Field("address", Address(), "Address within the range of the network."),
        Field("primary_holder", Ref("nodes", reaches=True), "Node that holds the address."),
        Field("failover_holders", RefList("nodes", reaches=True), "Nodes that take over the address, in order.", []),
    ),
)

PROVIDER_CONFIGS = Kind(
    section="provider_configs",
    view="provider_connections",
    title="provider connection",
    phase=6,
    doc="A connection to a provider. Git never writes it; operators do. Credentials belong in Vault.",
    informational=True,
    no_credentials=True,
    fields=(
        Field("provider", Text(), "Name of the provider.", ""),
        Field("endpoint_url", Text(), "Address of its API.", ""),
        Field("config", Map(), "Free configuration, without credentials.", {}),
    ),
)

FLEET = Kinds(
    (TEMPLATES, MODULES, NODES, ASSIGNMENTS, SDWAN_NETWORKS, SDWAN_PEERS, SDWAN_VIRTUAL_IPS, PROVIDER_CONFIGS)
)
