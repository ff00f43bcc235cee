"""Looking at a remote before it is registered, or when a repository fails: each thing that must be right, one by one.

Writes nothing to the store; what is fetched is removed again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine import sync
from engine.errors import FleetError, FleetFileInvalid
from engine.kinds import Kinds
from engine.model import Repository
from engine.settings import Settings

STEPS = ("URL", "Host key", "Credential", "Reachable", "Branch", "Path prefix", "Fleet file", "Contents")
"""What is looked at, in the order in which one thing stands on another."""

_FAILS_AT = {
    "FLEET-208": "Credential",
    "FLEET-201": "Reachable",
    "FLEET-202": "Reachable",
    "FLEET-209": "Reachable",
    "FLEET-203": "Branch",
    "FLEET-204": "Path prefix",
    "FLEET-205": "Fleet file",
    "FLEET-206": "Fleet file",
    "FLEET-207": "Fleet file",
    "FLEET-614": "Branch",
    "FLEET-615": "Path prefix",
    "FLEET-616": "Credential",
}
"""The step that an error belongs to; all else is the URL's."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found at one step."""

    name: str
    ok: bool | None
    """None: not looked at, because it does not apply or because something before it is wrong."""
    detail: str
    code: str = ""
    hint: str = ""


def check(settings: Settings, kinds: Kinds, repository: Repository) -> list[Finding]:
    """Look at everything that a tick of this repository would need. Shape: one finding for each step, in their order."""
    from engine.parse import read_fleet_file  # brings libyaml, which nothing else here needs

    # A folder of its own: the one of the registered repository may be in use.
    tried = replace(repository, id=-secrets.randbelow(2**31) - 1)
    facts = {"URL": sync.shown_url(repository.url)}
    try:
        revision = sync.fetch(tried, settings)
    except FleetError as error:
        return list(_until(_FAILS_AT.get(error.code, "URL"), facts, error))
    finally:
        sync.remove_checkout(settings.home, tried.id)
    facts |= {
        "Reachable": "the remote answers",
        "Branch": f"{repository.branch} is at {revision.commit[:12]}, “{revision.subject}” by {revision.author}",
        "Path prefix": repository.path_prefix or "the top of the repository",
        "Fleet file": f"{revision.file}, {len(revision.content):,} bytes",
    }
    try:
        found = read_fleet_file(
            revision.content, kinds, file=revision.file, limit=settings.max_file_bytes, account=repository.account
        )
    except FleetFileInvalid as error:
        return list(_until("Contents", facts, error))
    declared = sum(len(entries) for entries in found.sections.values())
    facts["Contents"] = f"declares {declared:,} resources of account {repository.account}"
    return list(_until(None, facts, None))


def refused(error: FleetError) -> list[Finding]:
    """The findings when the form of what was asked for is refused already: nothing was reached."""
    wrong = _FAILS_AT.get(error.code, "URL")
    return [
        Finding(name, False, error.message, error.code, error.hint) if name == wrong else Finding(name, None, _NOT_YET)
        for name in STEPS
    ]


_NOT_YET = "not looked at"


def _until(failed: str | None, facts: dict[str, str], error: FleetError | None) -> Iterator[Finding]:
    """A finding for each step: those before the failed one are right, those after it were not looked at."""
    stopped = False
    for name in STEPS:
        if name == failed and error is not None:
            stopped = True
            yield Finding(name, False, error.message, error.code, error.hint)
        elif stopped:
            yield Finding(name, None, _NOT_YET)
        elif name in {"Host key", "Credential"}:
            yield Finding(name, None, "none needed")
        else:
            yield Finding(name, True, facts.get(name, ""))
