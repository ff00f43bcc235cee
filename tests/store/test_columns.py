"""A record's columns stand in one list, which is its fields; no statement spells them again."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from engine.model import Proposal, Repository, Run
from engine.store.columns import FRAGMENTS, PROPOSAL, REPOSITORY, RUN, Columns
from engine.store.statements import statement
from tests.store.test_statements import NAMES, STORE

READ = {"__repository__": "get_repository", "__proposal__": "get_proposals", "__run__": "get_runs"}


@pytest.mark.parametrize(
    ("columns", "record", "apart"),
    [(REPOSITORY, Repository, set()), (PROPOSAL, Proposal, set()), (RUN, Run, {"unchanged"})],
)
def test_the_columns_are_the_fields_of_the_record(columns: Columns[object], record: type, apart: set[str]) -> None:
    assert [*columns.names] == [field.name for field in fields(record) if field.name not in apart]


def test_no_statement_spells_the_columns_of_a_record() -> None:
    raw = {name: (STORE / "sql" / f"{name}.sql").read_text() for name in NAMES}
    for columns, last in ((REPOSITORY, "proposals_version"), (PROPOSAL, "fingerprint"), (RUN, "committed_at")):
        spelled = re.compile(rf"SELECT\s+{columns.names[0]}, {columns.names[1]}, {columns.names[2]},[^;]*\b{last}\b")
        assert [name for name, text in raw.items() if spelled.search(text) and not name.startswith("frames/")] == []
    for word, name in READ.items():
        (found,) = [each for each in NAMES if each.endswith(f"/{name}")]
        assert word in raw[found]
        assert FRAGMENTS[word] in statement(found)
    for name in NAMES:
        assert "__" not in statement(name), name
