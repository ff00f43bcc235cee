"""The documentation says what the code says: its tables are made from the declarations, and what it names exists.

`UPDATE_README=1 pytest tests/test_docs.py -p no:randomly -n 0` writes the tables anew, in the README and in `pages/help/`.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import fields
from pathlib import Path

import click
import pytest

from engine import errors
from engine.flow import parse
from engine.settings import ACCESS, SERVING, SETTINGS, Setting, Settings, Text
from tests.documentation import BLOCKS, HELP, PAGES, README, ROOT, block, commands, page, place


@pytest.mark.parametrize("name", BLOCKS)
def test_a_table_of_the_documentation_is_what_the_code_declares(name: str) -> None:
    path, found = place(name)
    wanted = BLOCKS[name]().strip() + "\n"
    if os.environ.get("UPDATE_README"):
        text = path.read_text()
        path.write_text(text[: found.start(2)] + wanted + text[found.end(2) :])
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


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 200


def test_every_page_is_in_the_index_once_and_begins_with_its_title() -> None:
    listed = re.findall(r"^- \[([^\]]+)\]\(([a-z-]+)\.md\): \S.*\.$", page("index"), re.MULTILINE)
    assert sorted(name for _, name in listed) == sorted(path.stem for path in HELP.glob("*.md") if path.stem != "index")
    for path in HELP.glob("*.md"):
        assert re.match(r"# \S", path.read_text()), path.name
        assert len(re.findall(r"^# ", _prose(path.read_text()), re.MULTILINE)) == 1, path.name


def _prose(text: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_link_leads_to_a_file(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", _prose(path.read_text())):
        if "://" not in target:
            assert (path.parent / target).is_file(), target


def test_every_module_of_the_documentation_exists() -> None:
    for path in PAGES:
        for name in re.findall(r"`((?:engine|tests|data|pages|notebooks)/[\w./-]*)`", path.read_text()):
            known = name.startswith(("data/state", "data/screenshots"))
            assert known or (ROOT / name).exists(), f"{path.name}: {name}"


KNOWN = dict(commands())
"""Commands by the words that are typed for them."""


def _typed(path: Path) -> list[str]:
    """What a page shows to be typed: lines of its shell blocks, and commands within a sentence."""
    text = re.sub(r"^<!-- commands:.*?<!-- /commands -->$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lines = [line for found in blocks for line in found.replace("\\\n", " ").splitlines()]
    spans = re.findall(r"`((?:uv run )?fleet [^`\n]+)`", _prose(text))
    return [
        found
        for line in [*lines, *spans]
        for found in re.findall(r"(?:^|[\s(])((?<![/.\-])fleet [a-z].*)$", line.split("  #")[0])
        if not line.lstrip().startswith(("#", "sudo", "git ", "curl", "podman"))
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_command_shown_exists_and_takes_the_options_shown(path: Path) -> None:
    for line in _typed(path):
        words = shlex.split(re.split(r"\s(?:\||>|&&|\|\|)\s|\)", line.replace("’", ""))[0], comments=True)
        name = " ".join(words[:3]) if " ".join(words[:3]) in KNOWN else " ".join(words[:2])
        assert name in KNOWN, f"{path.name}: {line}"
        command = KNOWN[name]
        assert isinstance(command, click.Command)
        options = {opt for p in command.params for opt in (*p.opts, *p.secondary_opts)} | {"--help"}
        for word in words:
            if word.startswith("--") and word != "--":
                assert word.partition("=")[0] in options, f"{path.name}: {line}"


ELSEWHERE = {"FLEET_HOME", "FLEET_ACTOR", "FLEET_DEBUG", "FLEET_TOKEN", "FLEET_SNAPSHOT"}
"""Variables that are no settings: read before there are any, or of an example."""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_setting_and_code_that_is_named_exists(path: Path) -> None:
    text = path.read_text()
    known = {setting.variable for group in (SETTINGS, ACCESS, SERVING) for setting in group.values()} | ELSEWHERE
    assert set(re.findall(r"\b(?:FLEET|VAULT)_[A-Z_]*[A-Z]\b", text)) <= known
    assert set(re.findall(r"\bFLEET-[0-9]{3}\b", text)) <= {*errors.CODES, *parse.CODES}


def test_every_event_is_documented_and_every_documented_event_is_recorded() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "engine").rglob("*.py"))
    recorded = set(re.findall(r'"((?:gitops|access|store)\.[a-z_]*[a-z])"', sources))
    text = block("notifications").sub("", page("events"))
    documented = set(re.findall(r"`((?:gitops|access|store)\.[a-z_]+)`", text))
    assert recorded - documented == set()
    assert {name for name in documented - recorded if not name.startswith("gitops.gitea_repository_")} == set()
