"""What a store file may hold: tables, and the views and macros that this version makes. Anything else is refused before it is asked.

A file that somebody sent can hold a view under the name of one of our tables, or a view of ours with other text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from engine.errors import StoreError
from engine.kinds import Kinds
from engine.store.statements import statement
from engine.store.views import definitions, views_script

_Object = tuple[str, str]
"""What it is (view or macro) and its name."""

_forms: dict[str, dict[_Object, str | None]] = {}
"""What `_expected` gives, by the digest of the script; made once in the life of a process."""

_COLUMN = (
    r"""(?:[\w"]+|split_part\("?name"?, ':', \d+\) AS [\w"]+|spec\.[\w"]+ AS [\w"]+|"?version"? AS live_version)"""
)
_TYPED_VIEW = re.compile(
    "".join(
        (
            rf"SELECT {_COLUMN}(?:, {_COLUMN})* ",
            r"""FROM \(SELECT account, "name", from_json\(spec, '[^']*'\) AS spec, "version", updated_at, updated_by """,
            r"""FROM "?resources"? WHERE \(kind = '[^']*'\)\);?""",
        )
    )
)
"""The typed view of a kind, whichever kinds the file was written with: it reads `resources` and nothing else."""


def refuse_foreign(cursor: duckdb.DuckDBPyConnection, path: Path, kinds: Kinds) -> None:
    """Refuse a file that holds anything but tables and what this version makes.

    Views and macros of a file that another version wrote are taken by name: they are made anew before anything asks them.
    Effects: asks the catalog and, where it is a table, `store_notes`. Raises: StoreError FLEET-303.
    """
    found = cursor.execute(statement("store/list_objects")).fetchall()
    tables = {name for what, schema, name, _ in found if what == "table" and schema == "main"}
    known = definitions(kinds)
    others: dict[_Object, str] = {}
    for what, schema, name, text in found:
        if schema != "main" or what == "trigger":
            raise _foreign(path, what, name)
        if what != "table":
            others[what, name] = _body(what, text)
    for (what, name), body in others.items():
        if (what, name) not in known and not (what == "view" and _TYPED_VIEW.fullmatch(body)):
            raise _foreign(path, what, name)
    if others and _says_current(cursor, tables, kinds):
        ours = [each for each in others if each in known]
        for each, form in zip(ours, _normal(cursor, [others[each] for each in ours]), strict=True):
            if form is None or form != _expected(cursor, kinds)[each]:
                raise _foreign(path, *each)


def _says_current(cursor: duckdb.DuckDBPyConnection, tables: set[str], kinds: Kinds) -> bool:
    """Whether the file says that its views are those of this version, so that they would be asked as they are."""
    if "store_notes" not in tables:
        return False
    note = cursor.execute(statement("store/get_note"), {"name": "views_digest"}).fetchone()
    try:
        return note is not None and json.loads(note[0]) == views_script(kinds)[1]
    except ValueError:
        return False


def _body(what: str, text: str | None) -> str:
    """The SELECT of a view or macro, without its name."""
    text = (text or "").strip()
    if what == "view":
        return text.partition(" AS ")[2]
    return text if text.upper().startswith("SELECT") else f"SELECT {text}"


def _expected(cursor: duckdb.DuckDBPyConnection, kinds: Kinds) -> dict[_Object, str | None]:
    """The SELECT of each view and macro as the catalog would show it."""
    digest = views_script(kinds)[1]
    if digest not in _forms:
        known = definitions(kinds)
        _forms[digest] = dict(zip(known, _normal(cursor, list(known.values())), strict=True))
    return _forms[digest]


def _normal(cursor: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> list[str | None]:
    """Each SELECT in the one form that DuckDB writes, for comparison; None for what it cannot read. It is parsed, never run."""
    return [form for (form,) in cursor.execute(statement("store/normal_form"), {"texts": list(texts)}).fetchall()]


def _foreign(path: Path, what: str, name: str) -> StoreError:
    return StoreError(
        "FLEET-303",
        f"{path} contains the {what} {name[:80]!r}, which Fleet Workbench did not create.",
        "Nothing was read from it. Use a file created by: fleet snapshot OUT",
    )
