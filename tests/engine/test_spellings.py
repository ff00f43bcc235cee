"""Equal values are equal however they are spelled; what readers read differently, or nobody can see, is refused."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import FleetFileInvalid
from engine.flow.parse import read_fleet_file
from engine.kinds.fields import Address, Endpoint, Network, credential_like, name_problem
from engine.kinds.fleet import FLEET
from engine.model import ResourceKey
from tests.engine.conftest import BOB, Bench

FLEET_TEXT = """
nodes: {n1: {}}
sdwan_networks: {w: {cidr: "fd00:20::/64"}}
sdwan_peers: {"w:n1": {endpoint: "edge.example.com:51820"}}
sdwan_virtual_ips: {v: {network: w, address: "fd00:20::10", primary_holder: n1}}
"""
RESPELLED = (
    FLEET_TEXT.replace('"fd00:20::/64"', '"FD00:0020:0::/64"')
    .replace('"fd00:20::10"', '"fd00:0020:0:0::10"')
    .replace("edge.example.com", "Edge.EXAMPLE.com")
)


def test_another_spelling_is_no_difference(bench: Bench) -> None:
    bench.settle(FLEET_TEXT)
    run = bench.sync(RESPELLED)
    assert (run.diff_count, bench.standing()) == (0, [])
    key = ResourceKey("acme", "sdwan_virtual_ips", "v")
    before = bench.workbench.resource(key).version
    assert bench.workbench.set_resource(BOB, key, {"address": "FD00:20:0:0::10"})[0] == "unchanged"
    assert bench.workbench.resource(key).version == before
    assert bench.workbench.state_of(key) == "in_sync"
    bench.sync(RESPELLED.replace("::10", "::11"))
    assert [p.key.kind for p in bench.standing()] == ["sdwan_virtual_ips"]


@given(st.ip_addresses(v=6))
def test_all_spellings_of_an_address_are_one(address: ipaddress.IPv6Address) -> None:
    for text in (address.compressed, address.exploded, address.exploded.upper()):
        assert not list(Address().faults(text))
        assert Address().normal(text) == address.compressed
        assert Endpoint().normal(f"[{text}]:080") == f"[{address.compressed}]:80"
    kind = FLEET["sdwan_virtual_ips"]
    assert kind.same({"address": address.exploded}, {"address": address.compressed})
    assert not kind.same(
        {"address": address.exploded}, {"address": str(address + 1 if int(address) < 2**128 - 1 else address - 1)}
    )


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("10.20.0.0/16", True), ("fd00:20::/64", True), ("10.20.0.0/255.255.0.0", False), ("10.21.0.0/0.0.255.255", False),
        ("0.0.0.0/0.0.0.0", False), ("fe80::%eth0/64", False), ("10.20.0.0", False), ("10.20.0.1/16", False), ("10.20.0.0/١٦", False),
    ],
)  # fmt: skip
def test_a_network_has_a_prefix_length_and_nothing_else(value: str, right: bool) -> None:
    assert (not list(Network().faults(value))) == right


@pytest.mark.parametrize(("value", "right"), [("10.0.0.1", True), ("fe80::1%eth0", False), ("10.0.0.1/24", False)])
def test_an_address_is_an_address_alone(value: str, right: bool) -> None:
    assert (not list(Address().faults(value))) == right


@pytest.mark.parametrize("key", ["~", "? ~", "null", "Null", "NULL"])
def test_a_key_that_is_null_to_a_reader_is_refused(key: str) -> None:
    with pytest.raises(FleetFileInvalid, match="FLEET-112"):
        read_fleet_file(f"version: 1\naccount: a\nmodules:\n  m: {{config: {{{key}: 1}}}}\n".encode(), FLEET, file="f")
    read_fleet_file(b'version: 1\naccount: a\nmodules:\n  m: {config: {"~": 1, yes: 2, "null": 3}}\n', FLEET, file="f")


@pytest.mark.parametrize("name", ["web01\u200b", "a\u00adb", "a\u202eb", "a\u2066b", "a\ufeffb"])
def test_a_name_has_nothing_that_is_not_seen(name: str) -> None:
    assert "invisible" in (name_problem(name) or "")


CREDENTIALS = "password passwd pwd pw pin psk pre_shared_key signing_key encryption_key hmac_key master_key account_key connection_string dsn webhook_url snmp_community jwt cookie kubeconfig id_rsa basic_auth api_key apiKey api_keys dbpassword authtoken mysecret secretkey accesstokens rootPasswd clientSecret secret token auth_token".split()  # noqa: SIM905
OTHERS = "bypass compass surpass secret_name secret_ref vault_secret_path credentials_from_vault max_tokens token_ttl tokenizer authorization_mode key keys region project tokenise path url passport secretary keyboard monkey".split()  # noqa: SIM905


@pytest.mark.parametrize("key", CREDENTIALS)
def test_a_key_that_holds_a_secret(key: str) -> None:
    assert credential_like(key)


@pytest.mark.parametrize("key", OTHERS)
def test_a_key_that_only_sounds_like_one_or_refers_to_one(key: str) -> None:
    assert not credential_like(key)
