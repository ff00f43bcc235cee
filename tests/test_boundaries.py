"""Who may import whom: the store's database, the purity of the pure stages, the thinness of the surfaces."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / "engine"
PURE = [
    "model.py", "fields.py", "soundness.py", "order.py", "diff.py", "propose.py", "drift.py", "plan.py", "export.py", "schema.py",
    *(f"kinds/{p.name}" for p in (ENGINE / "kinds").glob("*.py")), *(f"parse/{p.name}" for p in (ENGINE / "parse").glob("*.py")),
    "store/views.py", "sync/remotes.py", "review.py",
]  # fmt: skip
IMPURE = {
    "duckdb",
    "git",
    "os",
    "random",
    "secrets",
    "subprocess",
    "time",
    "uuid",
    "engine.store",
    "engine.sync",
    "engine.workbench",
    "engine.reader",
    "engine.settings",
}


def _imports(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside; what only types need is left out."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def test_only_the_store_knows_its_database() -> None:
    assert [p for p in _files(ENGINE) if "duckdb" in _imports(p) and p.parent.name != "store"] == []


@pytest.mark.parametrize("name", PURE)
def test_a_pure_stage_knows_no_store_git_clock_or_chance(name: str) -> None:
    path = ENGINE / name
    imported = _imports(path)
    assert imported.isdisjoint(IMPURE), imported & IMPURE
    assert not re.search(r"\.now\(|\.utcnow\(|\bopen\(", path.read_text())


def test_the_engine_knows_no_surface() -> None:
    for path in _files(ENGINE):
        roots = {name.partition(".")[0] for name in _imports(path)}
        assert "streamlit" not in roots
        if path.parent.name != "cli":
            assert roots.isdisjoint({"click", "rich"}), path


def test_sql_stands_in_files_of_its_own() -> None:
    statement = re.compile(r"\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b")
    for path in _files(ENGINE):
        if path != ENGINE / "store" / "views.py":
            assert not statement.search(path.read_text()), path


def test_no_error_is_swallowed_whole() -> None:
    for path in _files(ENGINE):
        assert not re.search(r"except( Exception| BaseException)?:\s*\n\s*pass", path.read_text()), path
