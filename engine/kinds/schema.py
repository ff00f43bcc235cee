"""The JSON Schema of the fleet file and the README's table of kinds, made from the declarations. Pure."""

from __future__ import annotations

import json
from typing import Any

from engine.kinds import Field, Kind, Kinds


def fleet_schema(kinds: Kinds) -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) with which editors complete and check fleet.yaml.

    What no schema can say (references, cycles, two names alike) `fleet validate` checks.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fleet.yaml",
        "description": "The desired state of a fleet, version 1.",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "account"],
        "properties": {
            "version": {"const": 1, "description": "Version of this format."},
            "account": {
                "type": "string",
                "minLength": 1,
                "maxLength": 255,
                "description": "Account of the fleet.",
            },
            **{section: _section(kind) for section, kind in kinds.items()},
        },
    }


def _section(kind: Kind) -> dict[str, Any]:
    form = ":".join(f"<{part.label}>" for part in kind.key) or "name"
    part = "[^/:@]{1,255}"
    return {
        "type": ["object", "null"],
        "description": f"{kind.doc} Key: {form}.",
        "propertyNames": {"pattern": f"^{':'.join([part] * max(1, len(kind.key)))}$"},
        "additionalProperties": {
            "title": kind.title,
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": (
                {} if kind.key else {"name": {"type": "string", "description": "The key again; may be left out."}}
            )
            | {field.name: _field(field) for field in kind.in_file},
        },
    }


def _field(field: Field) -> dict[str, Any]:
    made = field.type.schema()
    if field.nullable:
        made = {"anyOf": [made, {"type": "null"}]}
    made["description"] = field.doc + (" Must be declared when the resource is created." if field.required else "")
    if not field.required:
        made["default"] = field.default
    return made


def schema_table(kinds: Kinds) -> str:
    """The kinds as a Markdown table."""
    rows = ["| section | what | key | fields (default) | refers to |", "|---|---|---|---|---|"]
    for section, kind in kinds.items():
        key = ":".join(f"<{part.label}>" for part in kind.key)
        fields = ", ".join(f"`{field.name}` {field.type.words} ({_default(field)})" for field in kind.in_file)
        refers = ", ".join(f"`{other}`" for other in kinds if other in kind.refers_to) or "–"
        what = kind.doc + (" Informational." if kind.informational else "")
        rows.append(f"| `{section}` | {what} | {f'`{key}`' if key else 'name'} | {fields} | {refers} |")
    return "\n".join(rows) + "\n"


def _default(field: Field) -> str:
    if field.required:
        return "required in a create"
    return "none" if field.default is None else f"`{json.dumps(field.default)}`"
