"""The form of a resource, made from its kind's declaration: a kind that is added has its form at once."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from engine.errors import RefusedEdit
from engine.kinds import Field, Kind
from engine.kinds.fields import Choice, Ref, RefList
from engine.model import Spec, canonical
from pages.components.session import workbench
from pages.components.text import plain

MOST_NAMES = 1_000
"""Names that a choice of references offers; others can be typed."""


def form(kind: Kind, account: str, spec: Spec | None, key: str) -> Spec:
    """Show a widget for each field; gives the fields that differ from `spec`, or for a new resource from its defaults.

    Raises: RefusedEdit FLEET-623 for a map that cannot be read; nothing typed is lost.
    """
    before = kind.complete(spec or {})
    given: Spec = {}
    for field in kind.fields:
        now = _widget(field, account, before.get(field.name), f"{key}_{field.name}")
        if field.name not in before and now in (None, "", []):
            continue  # required and not given yet: the engine says so
        if field.name not in before or canonical(now) != canonical(before[field.name]):
            given[field.name] = now
    return given


def _widget(field: Field, account: str, value: Any, key: str) -> Any:
    label = plain(field.name) + (" (required)" if field.required else "")
    doc = plain(field.doc)
    match field.type:
        case Choice(options=options):
            place = options.index(value) if value in options else 0
            return st.selectbox(label, options, index=place, key=key, help=doc)
        case Ref(kind=section):
            names = _names(account, section, [value] if value else [])
            chosen = names.index(value) if value in names else None
            return st.selectbox(
                label,
                names,
                index=chosen,
                key=key,
                help=doc,
                accept_new_options=True,
                placeholder=f"A name in {section}",
            )
        case RefList(kind=section):
            names = _names(account, section, value or [])
            return st.multiselect(
                label,
                names,
                default=value or [],
                key=key,
                help=doc,
                accept_new_options=True,
                placeholder=f"Names in {section}",
            )
    match field.type.shape:
        case "boolean":
            return st.toggle(label, value=bool(value), key=key, help=doc)
        case "integer":
            return st.number_input(label, value=value if isinstance(value, int) else 0, step=1, key=key, help=doc)
        case "map":
            text = st.text_area(
                label,
                value=json.dumps(value or {}, indent=2, ensure_ascii=False, sort_keys=True),
                key=key,
                help=f"{doc} As JSON.",
                height="content",
            )
            try:
                return field.from_text(text.strip() or "{}")
            except ValueError as error:
                raise RefusedEdit(
                    "FLEET-623", f"{field.name}: {error}.", 'Write it as JSON: {"name": value}.'
                ) from error
        case _:
            typed = st.text_input(
                label, value=value or "", key=key, help=doc, placeholder="none" if field.nullable else ""
            )
            return None if field.nullable and not typed else typed


def _names(account: str, section: str, chosen: list[str]) -> list[str]:
    """Names to choose from: those that are chosen, then what is live."""
    found = workbench().resources(account=account, kind=section, limit=MOST_NAMES)
    return list(dict.fromkeys([*chosen, *(resource.key.name for resource in found)]))


def named(kind: Kind, key: str) -> str:
    """Ask for the name of a new resource, in the form that its kind has."""
    if not kind.key:
        return st.text_input("Name", key=f"{key}_name").strip()
    return ":".join(st.text_input(part.label.capitalize(), key=f"{key}_{part.label}").strip() for part in kind.key)


def reset(key: str, kind: Kind) -> None:
    """Forget what was typed into a form."""
    for name in (*kind.by_name, "name", *(part.label for part in kind.key)):
        st.session_state.pop(f"{key}_{name}", None)
