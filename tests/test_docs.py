"""The README says what the code says: its tables are made from the declarations, and its commands are those that run.

`UPDATE_README=1 pytest tests/test_docs.py` writes the tables anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from engine import errors
from engine.flow import parse
from engine.kinds.fleet import FLEET
from engine.kinds.schema import schema_table
from engine.settings import ACCESS, SECURITY, SERVING, SETTINGS, Setting, Settings, Text
from tests.test_failure_modes import MODES

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def _codes(table: dict[str, str], begin: str) -> str:
    rows = [
        f"| {code} | {meaning[0].upper() + meaning[1:].rstrip('.')} |"
        for code, meaning in sorted(table.items())
        if code >= begin
    ]
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def _failure_modes() -> str:
    rows = [f"| {mode.runbook} | {mode.happens} | {mode.then} |" for mode in MODES.values()]
    return "\n".join(["| the runbook's words | what happens now | what to do |", "|---|---|---|", *rows])


def _settings() -> str:
    rows = [f"| `{s.variable}` | {s.default:,} | {s.meaning} |" for s in SETTINGS.values()]
    return "\n".join(["| variable | default | meaning |", "|---|---:|---|", *rows])


def _texts(group: Mapping[str, Text]) -> str:
    rows = [f"| `{s.variable}` | {s.meaning} |" for s in group.values()]
    return "\n".join(["| variable | meaning |", "|---|---|", *rows])


def _security() -> str:
    texts = {**ACCESS, **SERVING}
    rows = [
        f"| `{SETTINGS[name].variable}` | {SETTINGS[name].default:,} | {SETTINGS[name].meaning} |"
        if name in SETTINGS
        else f"| `{texts[name].variable}` | | {texts[name].meaning} |"
        for name in SECURITY
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---:|---|", *rows])


BLOCKS = {
    "kinds": lambda: schema_table(FLEET),
    "file codes": lambda: _codes(parse.CODES, ""),
    "failure modes": _failure_modes,
    "codes": lambda: _codes(errors.CODES, ""),
    "settings": _settings,
    "access": lambda: _texts(ACCESS),
    "serving": lambda: _texts(SERVING),
    "security": _security,
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_table_of_the_documentation_is_what_the_code_declares(name: str) -> None:
    file = ROOT / "pages" / "help" / "security.md" if name == "security" else README
    text = file.read_text()
    pattern = re.compile(rf"(<!-- {name}(?::[^>]*)? -->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)
    found = pattern.search(text)
    assert found, f"{file.name} has no block {name}"
    wanted = BLOCKS[name]().strip() + "\n"
    if os.environ.get("UPDATE_README"):
        file.write_text(text[: found.start(2)] + wanted + text[found.end(2) :])
        return
    assert found[2] == wanted, "run: UPDATE_README=1 pytest tests/test_docs.py -p no:randomly -n 0"


def test_a_setting_is_declared_once_and_its_meaning_tells_its_default() -> None:
    declared: dict[str, Setting | Text] = {**SETTINGS, **ACCESS, **SERVING}
    assert [f.name for f in fields(Settings) if f.name not in {"home", "sources"}] == list(declared)
    assert len({asked.variable for asked in declared.values()}) == len(declared)
    for asked in (*ACCESS.values(), *SERVING.values()):
        assert not asked.default or f"(default: `{asked.default}`)" in asked.meaning, asked.variable
    for name in declared:
        assert len(re.findall(rf"^    {name}: ", (ROOT / "engine" / "settings.py").read_text(), re.MULTILINE)) == 1


def test_every_code_is_documented_and_every_documented_code_is_used() -> None:
    sources = [
        p
        for p in (ROOT / "app.py", *(ROOT / "engine").rglob("*.py"), *(ROOT / "pages").rglob("*.py"))
        if p.name != "codes.py" and p != ROOT / "engine" / "errors.py"
    ]
    used = set(re.findall(r"FLEET-[2-9][0-9]{2}", "\n".join(path.read_text() for path in sources)))
    assert used == set(errors.CODES)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = re.search(r"^uv run \.ci/test$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert command
    assert f"&& {command[0]}\n" in README.read_text()


def test_every_module_of_the_stage_table_exists() -> None:
    for path in re.findall(r"\| `(engine/[^`]+)` \|", README.read_text()):
        assert (ROOT / path).exists(), path


def test_every_verb_shown_in_the_readme_exists() -> None:
    from engine.cli import cli

    verbs = set(re.findall(r"(?:^|[`(] ?|uv run )fleet ([a-z]+(?:-[a-z]+)*)", README.read_text(), re.MULTILINE))
    assert verbs
    assert verbs <= set(cli.list_commands(None))  # type: ignore[arg-type]
