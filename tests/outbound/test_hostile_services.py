"""Whatever a service of others answers: a coded outcome, within the deadline, in little memory, and never a call to another address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.browser.conftest import ROOT
from tests.hostile import BEHAVIOURS, LIMIT_S, Double, double

EXPECTED = {
    "vault": {"well": "read 1"} | dict.fromkeys(BEHAVIOURS.keys() - {"well"}, "FLEET-221"),
    "gitea": {"well": "x"} | dict.fromkeys(BEHAVIOURS.keys() - {"well"}, "FLEET-684") | {"redirects": "FLEET-683"},
    # Only its status counts: whatever follows is not read.
    "sink": dict.fromkeys(BEHAVIOURS, "away") | dict.fromkeys(("well", "endless", "bomb", "drips", "brackets"), "delivered"),
    "oidc": {"well": "https://id.example.com"} | dict.fromkeys(BEHAVIOURS.keys() - {"well"}, "refused"),
}  # fmt: skip
"""By service and behaviour: what a caller is told."""

TRIES = {"vault": 3}
MOST_MIB = 40
"""Memory that calls may take beside what a call that goes well takes; an answer that is kept whole takes at least 190."""

Measured = dict[str, tuple[str, float, int]]


@pytest.fixture(scope="module")
def doubles() -> Iterator[dict[str, Double]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(double(behaviour)) for name, behaviour in BEHAVIOURS.items()}


@pytest.fixture(scope="module", params=list(EXPECTED))
def measured(request: pytest.FixtureRequest, doubles: dict[str, Double]) -> tuple[str, Measured]:
    """A service, and what came of one call for each behaviour; all in one process, which costs a start only once."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("FLEET_", "VAULT_"))}
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile", request.param, json.dumps({name: made.url for name, made in doubles.items()})],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return request.param, {name: (outcome, seconds, grown) for name, (outcome, seconds, grown) in found.items()}


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_call_ends_coded_in_time_and_in_little_memory(measured: tuple[str, Measured], behaviour: str) -> None:
    service, found = measured
    outcome, seconds, grown = found[behaviour]
    assert outcome == EXPECTED[service][behaviour]
    assert seconds < TRIES.get(service, 1) * (LIMIT_S + 0.5) + 1
    assert grown < MOST_MIB


@pytest.mark.usefixtures("measured")
def test_no_redirect_is_followed(doubles: dict[str, Double]) -> None:
    asked = doubles["redirects"].asked
    assert asked
    assert "/elsewhere" not in asked
