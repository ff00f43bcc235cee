"""Looking at a remote before it is registered, or when a repository fails: each thing that must be right, one by one.

Needs no store and writes nothing; what is fetched lies in a folder of its own, which is removed.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from engine import context
from engine.errors import FleetError
from engine.flow import sync
from engine.kinds import Kinds
from engine.model import Repository, Revision
from engine.phrases import count
from engine.settings import Settings

STEPS = {
    "form": "the URL has a supported form",
    "credential": "none needed",
    "remote": "the remote can be reached",
    "host key": "none needed",
    "access": "the repository can be read",
    "branch": "the branch exists",
    "folder": "the folder exists in the revision",
    "file": "the folder contains fleet.yaml, within the size limit",
    "content": "the file has no problems",
}
"""What is looked at, in the order in which one thing stands on another; and what it means when all is well."""

_FAILS_AT = {
    "FLEET-208": "form",
    "FLEET-616": "credential",
    "FLEET-217": "credential",
    **{f"FLEET-{code}": "credential" for code in range(220, 230)},
    "FLEET-617": "host key",
    "FLEET-216": "host key",
    "FLEET-215": "access",
    "FLEET-203": "branch",
    "FLEET-614": "branch",
    "FLEET-204": "folder",
    "FLEET-615": "folder",
    "FLEET-205": "file",
    "FLEET-206": "file",
    "FLEET-207": "file",
}
"""Where a look that fails with this code has come to; with any other code of a fetch it did not reach the remote."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found at one step."""

    name: str
    ok: bool | None
    """None: not looked at, because it is not needed or because something before it is wrong."""
    detail: str
    error: FleetError | None = None
    account: str | None = None
    """The account that the file says it is of, where it is another than the one that was asked for."""


def check(
    settings: Settings, kinds: Kinds, repository: Repository, refusal: FleetError | None = None
) -> tuple[list[Finding], Revision | None]:
    """Look at everything that a tick of this repository would need; `refusal` says why its credential may not be used.

    Shape: one finding for each step, in their order; and what was fetched.
    """
    from engine.flow.parse import read_fleet_file  # brings libyaml, which nothing else here needs

    try:
        sync.check_url(
            repository.url,
            allow_local=bool(settings.allow_local_remotes),
            local_root=settings.home / "demo",
            allow_http=bool(settings.allow_http_remotes),
        )
    except FleetError as error:
        return refused(error), None
    if refusal is not None:  # neither Vault nor the remote is asked
        return _until("credential", {}, refusal), None
    with tempfile.TemporaryDirectory(prefix="fleet-check-") as folder:
        # A local path was just allowed by its place in the real home, which the fetch cannot see from here.
        local = sync.local_path(repository.url) is not None
        aside = replace(settings, home=Path(folder), allow_local_remotes=int(local))
        facts: dict[str, str] = {}
        try:
            revision = sync.fetch(repository, aside, halted=context.halted, found=facts.__setitem__)
        except FleetError as error:
            return _until(_FAILS_AT.get(error.code, "remote"), facts, error), None
    facts |= {
        "branch": f"{repository.branch} is at {revision.commit[:12]} “{revision.subject}” by {revision.author}",
        "file": f"{revision.file}, {len(revision.content):,} bytes",
    }
    try:
        found = read_fleet_file(
            revision.content, kinds, file=revision.file, limit=settings.max_file_bytes, account=repository.account
        )
    except FleetError as error:
        made = _until("content", facts, error)
        return [replace(f, account=_account_of(revision, kinds, settings)) if f.error else f for f in made], revision
    declared = sum(len(entries) for entries in found.sections.values())
    facts["content"] = f"declares {count(declared, 'resource')} in account {repository.account}"
    return _until(None, facts, None), revision


def _account_of(revision: Revision, kinds: Kinds, settings: Settings) -> str | None:
    """The account of a file that is right but for being another account's; None for any other file."""
    from engine.flow.parse import read_fleet_file

    try:
        return read_fleet_file(revision.content, kinds, file=revision.file, limit=settings.max_file_bytes).account
    except FleetError:
        return None


def refused(error: FleetError) -> list[Finding]:
    """The findings when the form of what was asked for is refused already: nothing was reached."""
    wrong = _FAILS_AT.get(error.code, "form")
    return [Finding(n, False, error.message, error) if n == wrong else Finding(n, None, "not checked") for n in STEPS]


def _until(failed: str | None, facts: dict[str, str], error: FleetError | None) -> list[Finding]:
    """A finding for each step: those before the failed one are right, those after it were not looked at."""
    made: list[Finding] = []
    for name, words in STEPS.items():
        if error is not None and name == failed:
            made.append(Finding(name, False, error.message, error))
        elif made and any(finding.ok is False for finding in made):
            made.append(Finding(name, None, "not checked"))
        else:
            needed = words != "none needed" or name in facts
            made.append(Finding(name, True if needed else None, facts.get(name, words)))
    return made
