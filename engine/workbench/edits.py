"""Operator edits: the tactical change beside git, with actor and history. The next tick shows it as drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import RefusedEdit
from engine.flow import export, holding
from engine.flow.soundness import FleetState
from engine.kinds import Kind, Kinds
from engine.kinds.fields import credential_like
from engine.model import Actor, Event, ResourceKey, Spec
from engine.store import Transaction, episodes, live, repositories

LARGEST_PART = 4
"""One resource may have this part of the largest fleet file: no single edit makes an export too large to be read back."""


def kind_of(kinds: Kinds, section: str) -> Kind:
    """The kind of a section. Raises: RefusedEdit FLEET-621."""
    if section not in kinds:
        raise RefusedEdit("FLEET-621", f"There is no section {section}.", f"Sections: {', '.join(kinds)}")
    return kinds[section]


def no_resource(key: ResourceKey) -> RefusedEdit:
    """What is said of a resource that there is not."""
    return RefusedEdit(
        "FLEET-627", f"There is no {key.address} in account {key.account}.", "List all resources: fleet export"
    )


def read_fields(kind: Kind, texts: Mapping[str, str]) -> Spec:
    """Read field values as typed, each by its field's type. Raises: RefusedEdit FLEET-622, FLEET-623."""
    spec: Spec = {}
    for name, text in texts.items():
        field = kind.by_name.get(name)
        if field is None:
            raise RefusedEdit("FLEET-622", f"{kind.section} has no field {name}.", f"Fields: {', '.join(kind.by_name)}")
        try:
            spec[name] = field.from_text(text)
        except ValueError as error:
            raise RefusedEdit("FLEET-623", f"{name}: {error}.", f"{name} is {field.type.words}.", field=name) from error
    return spec


def set_resource(
    tx: Transaction,
    kinds: Kinds,
    actor: Actor,
    key: ResourceKey,
    fields: Spec,
    *,
    file_bytes: int,
    note: str | None = None,
    seen_version: int | None = None,
) -> tuple[str, int]:
    """Create a resource, or change the given fields of one.

    Shape: (`created`, `updated` or `unchanged`; version). With `seen_version` the edit is refused when live has moved on.
    `file_bytes` is the largest fleet file that is read.
    Effects: one new version with its history and event; none when nothing changes.
    Raises: RefusedEdit FLEET-622 to 626, FLEET-631.
    """
    kind = kind_of(kinds, key.kind)
    _check_name(kind, key)
    for fault in kind.faults(fields):
        path = ".".join(str(part) for part in fault.path)
        code = "FLEET-622" if fault.path[0] not in kind.by_name else "FLEET-623"
        raise RefusedEdit(code, f"{path}: {fault.message}.", f"{fault.hint[:1].upper()}{fault.hint[1:]}.", field=path)
    if kind.no_credentials and (secret := _credential_in(fields)):
        raise RefusedEdit(
            "FLEET-624",
            f"{secret} looks like a credential.",
            "Keep credentials in Vault; write only their path, in a key such as secret_ref or secret_path.",
            field=secret,
        )
    fleet = live.read_live(tx, key.account)
    before = fleet.specs.get(key.kind, {}).get(key.name)
    version = fleet.versions.get(key.kind, {}).get(key.name)
    if seen_version is not None and seen_version != version:
        raise RefusedEdit(
            "FLEET-626",
            f"{key.address} has version {version or 'none'}, not {seen_version}.",
            "Load it again, then edit it.",
        )
    after = kind.complete({**(before or {}), **fields})
    if version is not None and before is not None and kind.same(after, before):
        return "unchanged", version
    size = _size(key, after)
    grown = size - (0 if before is None else _size(key, before))
    if grown > 0 and size > file_bytes // LARGEST_PART:
        raise RefusedEdit(
            "FLEET-631",
            f"{key.address} would have {size:,} bytes; the limit for one resource is {file_bytes // LARGEST_PART:,}.",
            f"The limit is a fraction of FLEET_MAX_FILE_BYTES ({file_bytes:,}), because the export must fit into one file. Keep large content elsewhere.",
            size=size,
            limit=file_bytes // LARGEST_PART,
        )
    state = FleetState(kinds, fleet.specs, fleet.known_versions)
    if wrong := state.unsound((key.kind, key.name), after):
        raise RefusedEdit(
            "FLEET-625",
            f"{key.address}: {wrong.detail}.",
            "The live fleet must always follow its rules; correct this first.",
            others=list(wrong.others),
        )
    verb = "created" if before is None else "updated"
    event = Event(f"fleet.{verb}", key.account, None, None, None, key.kind, key.name, note, {"fields": sorted(fields)})
    (made,) = live.write_live(tx, kinds, actor.name, "edit", [live.LiveWrite(key, after, version, event)], note=note)
    episodes.close_settled(tx, kinds, actor.name, [key])
    return verb, made


def delete_resource(
    tx: Transaction,
    kinds: Kinds,
    actor: Actor,
    key: ResourceKey,
    *,
    note: str | None = None,
    seen_version: int | None = None,
) -> int:
    """Take a resource out of the live fleet; gives the version that records its absence.

    Raises: RefusedEdit FLEET-625 while others refer to it (naming them), 626 (moved on), 627 (there is none).
    """
    kind_of(kinds, key.kind)
    fleet = live.read_live(tx, key.account)
    version = fleet.versions.get(key.kind, {}).get(key.name)
    if version is None:
        raise no_resource(key)
    if seen_version is not None and seen_version != version:
        raise RefusedEdit(
            "FLEET-626", f"{key.address} has version {version}, not {seen_version}.", "Load it again, then delete it."
        )
    state = FleetState(kinds, fleet.specs, fleet.known_versions)
    if wrong := state.unsound((key.kind, key.name), None):
        raise RefusedEdit(
            "FLEET-625",
            f"{key.address} is {wrong.detail}.",
            "Delete these resources first, or change their references.",
            others=list(wrong.others),
        )
    event = Event("fleet.destroyed", key.account, None, None, None, key.kind, key.name, note)
    (made,) = live.write_live(tx, kinds, actor.name, "edit", [live.LiveWrite(key, None, version, event)], note=note)
    return made


def release(tx: Transaction, actor: Actor, key: ResourceKey) -> str:
    """Let go of a resource: no repository holds it any more; live keeps it. Gives the name of who held it.

    Effects: its live proposals are withdrawn, its open drift closes. Raises: RefusedEdit FLEET-628 when nobody holds it.
    """
    claim = live.claim_of(tx, key)
    if claim is None:
        raise RefusedEdit(
            "FLEET-628", f"No repository owns {key.address} in account {key.account}.", "There is nothing to release."
        )
    repository_id, _, name = claim
    holding.release_all(tx, actor, repository_id, [key], f"released by {actor.name}")
    repository = repositories.in_service(tx, repository_id)
    if repository is not None and repository.enabled and repository.account == key.account:
        live.add_waiting(tx, repository_id, [key])  # it may declare it still; its next tick tells
    return name


def _size(key: ResourceKey, spec: Spec) -> int:
    """Bytes that a resource has in an export."""
    return len(export.snippet(key.kind, key.name, spec).encode())


def _check_name(kind: Kind, key: ResourceKey) -> None:
    if problem := kind.name_problem(key.name):
        raise RefusedEdit(
            "FLEET-629", f"{key.name[:80]!r} cannot be a name in {kind.section}: {problem}.", "Choose another name."
        )


def _credential_in(value: Any, path: str = "") -> str | None:
    if isinstance(value, dict):
        for name, item in value.items():
            here = f"{path}.{name}" if path else name
            if credential_like(name):
                return here
            if found := _credential_in(item, here):
                return found
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if found := _credential_in(item, f"{path}[{index}]"):
                return found
    return None
