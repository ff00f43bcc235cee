"""`validate` and `diff` on large, wrong and unknown: what is printed has a bound, says what it left out, and leads to the place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import FILE, Fleet

HEAD = "version: 1\naccount: acme\n"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of 3,000 nodes over 30 templates that are not in it."""
    nodes = "".join(f"  n{n:04}: {{template: t{n % 30:02}, labels: {{a: b, c: '{n}'}}}}\n" for n in range(3000))
    file = tmp_path / "many.yaml"
    file.write_text(f"{HEAD}nodes:\n{nodes}")
    return file


def test_one_line_for_one_missing_target(here: Fleet, many: Path) -> None:
    said = here("validate", str(many)).out
    assert len(said.splitlines()) < 100
    assert "templates/t00 is not in this file" in said
    assert "100 times: also at " in said
    assert len(json.loads(here("validate", str(many), "--json").out)["warnings"]) == 3000


def test_many_problems_are_bounded(here: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(f"{HEAD}modules:\n" + "".join(f"  m{n}: {{priority: -{n + 1}, colour{n}: 1}}\n" for n in range(80)))
    done = here("validate", str(file))
    assert done.code == 3
    assert len(done.out.splitlines()) < 160
    assert "use --json for all of them" in done.out


@pytest.mark.parametrize("nodes", [1, 3000])
def test_a_comment_fits_and_says_what_it_left_out(here: Fleet, many: Path, nodes: int) -> None:
    if nodes == 1:
        many.write_text(f"{HEAD}nodes: {{n: {{}}}}\n")
    said = here("diff", str(many), "--account", "acme", "--markdown").out
    assert len(said) < 65_536
    assert said.startswith("<!-- fleet-diff acme  -->\n**fleet diff**")
    assert f"+{nodes} ~0 -0" in said
    assert ("do not fit into this comment" in said) == (nodes == 3000)
    assert said.count("<details>") == said.count("</details>")


def test_what_is_dangerous_comes_first(registered: Fleet, tmp_path: Path) -> None:
    registered("sync", "fc")
    registered("approve", "--all")
    registered("apply")
    file = tmp_path / "f.yaml"
    more = "".join(f"  new-{n:04}: {{}}\n" for n in range(3000))
    file.write_text(f"{HEAD}modules:\n{more}")
    said = registered("diff", str(file), "--account", "acme", "--repo", "fc", "--markdown").out
    signs = [line[2:5] for line in said.splitlines() if line.startswith("| `")]
    assert signs[0] == "`-`"
    assert signs == sorted(signs, key=["`-`", "`~`", "`+`"].index)
    assert len(said) < 65_536
    assert "<details><summary>3,000 creates</summary>" in said


def test_an_invalid_file_is_a_comment_as_well(here: Fleet, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(f"{HEAD}modules: {{m: {{priority: -1, <b>: 1}}}}\n")
    said = here("diff", str(tmp_path), "--account", "acme", "--markdown").out
    assert said.startswith("<!-- fleet-diff acme  -->\n**fleet diff**: 2 problems")
    assert "- **FLEET-" in said
    assert "fleet\\.yaml\\:3\\:" in said
    assert "<b>" not in said


def test_a_place_is_one_that_an_editor_can_open(here: Fleet, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(f"{HEAD}modules: {{m: {{priority: -1}}}}\n")
    assert f"{tmp_path}/fleet.yaml:3:" in here("validate", str(tmp_path)).out


def test_an_account_that_this_home_does_not_know_is_said(registered: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text("version: 1\naccount: zeta\nmodules: {m: {}}\n")
    for form in ((), ("--markdown",), ("--json",)):
        done = registered("diff", str(file), "--account", "zeta", *form)
        assert "has no account zeta" in done.err
        if form == ("--markdown",):
            assert "has no account" in done.out
        if form == ("--json",):
            assert json.loads(done.out)["account_known"] is False
    file.write_text(FILE)
    known = registered("diff", str(file), "--account", "acme", "--json")
    assert "has no account" not in known.err
    assert json.loads(known.out)["account_known"] is True


def test_one_of_a_kind_is_said_in_the_singular(here: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(f"{HEAD}modules: {{m: {{}}}}\nnodes: {{a: {{}}, b: {{}}}}\n")
    assert "declares 1 module, 2 nodes." in here("validate", str(file)).out
