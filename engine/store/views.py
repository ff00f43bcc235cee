"""The typed views, one for each kind, made from the declarations; `fleet_at`, the fleet at any past time; `risk_of` a proposal;
`resource_states`."""

from __future__ import annotations

import hashlib
import json

from engine.kinds import ROW_COLUMNS, Kind, Kinds

_TYPES = {"string": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN", "map": "JSON", "list": ["VARCHAR"]}

_FLEET_AT = """
SELECT key, account, kind, name, version, spec, valid_from, actor
FROM resource_history
WHERE valid_from <= ts AND (valid_to IS NULL OR valid_to > ts) AND spec IS NOT NULL
"""

_RISK_OF = """
CASE WHEN change = 'destroy' OR cause = 'both' THEN 'high' WHEN cause = 'live_moved' OR reached >= 10 THEN 'medium' ELSE 'low' END
"""
"""How closely a proposal wants to be looked at: what destroys or meets a change on both sides, then what undoes somebody's edit or reaches far."""


_RESOURCE_STATES = """
SELECT r.key, r.account, r.kind, r.name, g.name AS holder,
       CASE WHEN p.failed THEN 'failed' WHEN d.key IS NOT NULL OR edited_away(c.base, c.base_version, r.spec, r.version) THEN 'drifted'
            WHEN p.key IS NOT NULL THEN 'pending' WHEN w.key IS NOT NULL THEN 'waiting' WHEN c.base IS NOT NULL THEN 'in_sync' ELSE 'unmanaged' END AS state
FROM resources r
LEFT JOIN claims c ON c.key = r.key
LEFT JOIN gitops_repositories g ON g.id = c.repository_id
LEFT JOIN (SELECT key, bool_or(status = 'failed') AS failed FROM proposals WHERE live_key IS NOT NULL GROUP BY key) p ON p.key = r.key
LEFT JOIN (SELECT DISTINCT account || '/' || kind || '/' || name AS key FROM drift_episodes WHERE closed_at IS NULL) d ON d.key = r.key
LEFT JOIN (SELECT DISTINCT account || '/' || kind || '/' || name AS key FROM withheld_diffs WHERE closed_run IS NULL) w ON w.key = r.key
"""
"""How each live resource stands: the worst of failed, drifted (an edit by hand at once), pending, waiting (a difference is withheld) and
in_sync; unmanaged where no repository owns it."""

_EDITED_AWAY = """
base IS NOT NULL AND version <> base_version
AND len(list_filter(json_keys(base), lambda field: json_extract(base, '$.' || field) IS DISTINCT FROM json_extract(spec, '$.' || field))) > 0
"""
"""Whether live was written since it was agreed on and is otherwise by now. Both are canonical text, field by field."""


def definitions(kinds: Kinds) -> dict[tuple[str, str], str]:
    """The SELECT of each view and macro by (view or macro, name): all that a store holds beside its tables."""
    return {
        ("macro", "fleet_at"): _FLEET_AT,
        ("macro", "risk_of"): f"SELECT {_RISK_OF}",
        ("macro", "edited_away"): f"SELECT {_EDITED_AWAY}",
        ("view", "resource_states"): _RESOURCE_STATES,
        **{("view", kind.view): _typed(kind) for kind in kinds.values()},
    }


def views_script(kinds: Kinds) -> tuple[str, str]:
    """The script that makes every view anew, and its digest (to make them only when a declaration changed)."""
    script = (
        f"CREATE OR REPLACE MACRO fleet_at(ts) AS TABLE {_FLEET_AT};\n"
        f"CREATE OR REPLACE MACRO risk_of(change, cause, reached) AS {_RISK_OF};\n"
        f"CREATE OR REPLACE MACRO edited_away(base, base_version, spec, version) AS {_EDITED_AWAY};\n"
        f"CREATE OR REPLACE VIEW resource_states AS {_RESOURCE_STATES};\n"
    ) + "".join(f"CREATE OR REPLACE VIEW {_quoted(kind.view)} AS {_typed(kind)};\n" for kind in kinds.values())
    return script, hashlib.sha256(script.encode()).hexdigest()


def _typed(kind: Kind) -> str:
    shape = json.dumps({field.name: _TYPES[field.type.shape] for field in kind.fields}).replace("'", "''")
    parts = [f"split_part(name, ':', {place}) AS {_quoted(part.label)}" for place, part in enumerate(kind.key, 1)]
    fields = [f"spec.{_quoted(field.name)} AS {_quoted(field.name)}" for field in kind.fields]
    row = {"live_version": "version AS live_version"}  # a kind may well have a field of its own that is called version
    own = [row.get(column, column) for column in ROW_COLUMNS]
    columns = ", ".join([*own[:2], *parts, *fields, *own[2:]])
    return f"""
SELECT {columns}
FROM (SELECT account, name, from_json(spec, '{shape}') AS spec, version, updated_at, updated_by
      FROM resources WHERE kind = '{kind.section.replace("'", "''")}')
"""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
