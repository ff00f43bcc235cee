"""The proof that a fleet comes back from its own export: written twice alike, read, and without a difference to live."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import FleetFileInvalid

if TYPE_CHECKING:
    from engine.reader import Reader


@dataclass(frozen=True, slots=True)
class Proof:
    """What the round trip gave."""

    account: str
    ok: bool
    detail: str
    """In words: what was proved, or what differs."""
    size: int
    """Bytes of the export."""
    resources: int
    seconds: float


def prove(reader: Reader, account: str) -> Proof:
    """Export an account's whole fleet twice, read it as a tick would, and compare it with live. Effects: none.

    Raises: RefusedEdit FLEET-630 when the export is over the size limit.
    """
    start = time.perf_counter()
    text, again = reader.export(account=account), reader.export(account=account)
    data = text.encode()
    wrong, resources = "", 0
    try:
        found = reader.read_file(data, file="fleet.yaml", account=account)
    except FleetFileInvalid as error:
        wrong = f"the export does not parse: {error.message}"
    else:
        resources = sum(len(entries) for entries in found.sections.values())
        differing = [entry.difference.key.address for entry in reader.preview(found, account=account).entries]
        if differing:
            wrong = f"{len(differing):,} resources differ, such as {differing[0]}"
    if not wrong and text != again:
        wrong = "two exports in a row differ"
    detail = wrong or f"{resources:,} resources come back without a difference; two exports gave the same bytes"
    return Proof(account, not wrong, detail, len(data), resources, time.perf_counter() - start)
