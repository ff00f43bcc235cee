"""Advice on a fleet file that is right: a fleet file in, what `fleet validate` warns of out.

Knows no live fleet: what the file refers to may be live already. Never refuses anything.
"""

from __future__ import annotations

from engine.errors import Problem
from engine.flow.parse import codes
from engine.flow.parse.document import FleetFile, references
from engine.kinds import Kind, Kinds, Target
from engine.kinds.fields import shown
from engine.model import Spec


def file_warnings(fleet: FleetFile, kinds: Kinds) -> list[Problem]:
    """What may go wrong when the file is applied: references that lead to nothing in it, pins, fields that a create needs, and
    what a kind advises against.

    Shape: sorted by line and column. Effects: none. Raises: nothing.
    """
    found: list[Problem] = []
    for section in kinds.managed:
        kind = kinds[section]
        for name, spec in fleet.sections.get(section, {}).items():
            found.extend(_missing_fields(fleet, kind, name, spec))
            pinnable = set(kind.pinnable(spec)) if kind.pins else set()
            for path, target in references(kind, name, spec):
                place = (section, name, *path)
                line, column = fleet.positions.value(place) if path else fleet.positions.key(place)
                if advice := _reference(fleet, kinds, target, may_pin=target in pinnable):
                    code, message, hint = advice
                    found.append(Problem(code, message, hint, fleet.file, line, column))
        for advise in kind.advice:
            for name, path, message, hint in advise(fleet.sections.get(section, {}), fleet.find):
                place = fleet.locate(section, name, *path)
                found.append(Problem(codes.HARDLY_MEANT, message, hint, fleet.file, *place))
    return sorted(found, key=lambda p: (p.line, p.column, p.code, p.message))


def _missing_fields(fleet: FleetFile, kind: Kind, name: str, spec: Spec) -> list[Problem]:
    missing = [field for field in kind.required if field not in spec]
    if not missing:
        return []
    message = f"{kind.section}/{_name(name)} does not declare {' and '.join(missing)}"
    hint = "declare it if the file creates the resource; an update does not need it"
    place = fleet.positions.key((kind.section, name))
    return [Problem(codes.REQUIRED_FIELD_MISSING, message, hint, fleet.file, *place)]


def _reference(fleet: FleetFile, kinds: Kinds, target: Target, *, may_pin: bool) -> tuple[str, str, str] | None:
    """What to say of one reference: code, message, hint."""
    address = f"{target.kind}/{_name(target.name)}"
    spec = fleet.sections.get(target.kind, {}).get(target.name)
    if spec is None:
        hint = "declare it, or make sure that it is live: until then, changes that refer to it are withheld"
        return codes.TARGET_UNKNOWN, f"{address} is not in this file", hint
    field = kinds[target.kind].version_field
    version = spec.get(field) if field else None
    listed = fleet.listed.get(target.kind, {}).get(target.name, ())
    if target.version is not None and target.version != version and target.version not in listed:
        says = "declares no version of it" if version is None else f"declares version {shown(version)}"
        hint = "pin the declared version, list the other one under versions, or make sure that it was live before"
        return (
            codes.PINNED_VERSION_UNKNOWN,
            f"{address} is pinned to {shown(target.version)}, but this file {says}",
            hint,
        )
    if target.version is None and may_pin and version is not None:
        message = f"{address} is not pinned: it means {shown(version)} today"
        return (
            codes.REFERENCE_UNPINNED,
            message,
            "pin it as name@version, so that it changes only when the file changes",
        )
    return None


def _name(name: str) -> str:
    return shown(name)[1:-1]
