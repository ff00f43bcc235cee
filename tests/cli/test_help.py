"""`fleet help`: pages, codes, verbs and a search; and the parts of the documentation that it is made from."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from engine import errors
from engine.cli import cli
from engine.flow import parse
from engine.present import manual
from tests.documentation import HELP

PAGES = manual.read({path.stem: path.read_text() for path in HELP.glob("*.md")})


def ask(*words: str) -> Result:
    return CliRunner().invoke(cli, ["help", *words])


def test_without_an_argument_it_lists_every_page_in_the_order_of_the_index() -> None:
    said = ask().stdout
    places = [said.index(f"  {name} ") for name in PAGES]
    assert places == sorted(places)
    assert said.startswith("Learn\n  tutorial ")
    assert [topic["topic"] for topic in json.loads(ask("--json").stdout)["topics"]] == list(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_printed_without_marks_and_with_topics_for_links(name: str) -> None:
    done = ask(name)
    assert done.exit_code == 0
    assert done.stdout.startswith("# ")
    assert "<!--" not in done.stdout
    assert ".md)" not in done.stdout.replace("`name.md`", "")
    assert json.loads(ask(name, "--json").stdout)["text"].startswith("# ")


def test_every_code_has_a_meaning_and_says_what_to_do() -> None:
    for code in [*errors.CODES, *parse.CODES]:
        found = manual.meaning(PAGES, code)
        assert found is not None
        assert found.text.endswith(".")
        assert found.todo
        assert not found.todo.endswith(": "), code
    for spelled in ("FLEET-201", "fleet-201", "201"):
        said = ask(spelled).stdout
        assert said.startswith("FLEET-201  The remote cannot be fetched")
        assert "fleet repo check NAME" in said
    assert json.loads(ask("FLEET-115", "--json").stdout)["code"] == "FLEET-115"
    assert ask("FLEET-999").exit_code == 2


def test_a_verb_gives_its_help_and_the_pages_that_use_it() -> None:
    said = ask("repo", "add").stdout
    assert "Usage: fleet repo add" in said
    assert "private-remotes" in said
    assert json.loads(ask("status", "--json").stdout)["verb"] == "status"
    both = ask("drift")
    assert both.stdout.startswith("# Drift")
    assert "fleet drift --help" in both.stderr


def test_words_find_sections_and_nothing_found_is_wrong_usage() -> None:
    assert ask("deploy", "key").stdout.startswith("private-remotes  ")
    found = json.loads(ask("host", "key", "--json").stdout)["found"]
    assert found[0]["heading"] == "ssh host keys"
    assert manual.search(PAGES, "  ") == []
    nothing = ask("nosuchword")
    assert nothing.exit_code == 2
    assert "nosuchword" in nothing.stderr


def test_headings_within_a_shell_block_are_no_sections() -> None:
    pages = manual.read(
        {"index": "## Do\n\n- [A](a.md): b.\n- [Gone](gone.md): c.", "a": "# A\n\n```sh\n# x y\n```\n\n## B\nw z"}
    )
    assert list(pages) == ["a"]
    assert [found.heading for found in manual.search(pages, "x")] == ["A"]
    assert [found.heading for found in manual.search(pages, "z")] == ["B"]
