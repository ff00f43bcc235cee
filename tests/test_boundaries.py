"""Who may import whom: the store's database, the purity of the pure stages, the thinness of the surfaces."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / "engine"
PAGES = ROOT / "pages"
RANKS = {
    "errors": 0, "model": 0, "context": 0, "phrases": 0, "paths": 0,
    "access": 1,
    "system": 2,
    "settings": 3, "kinds": 3,
    "store": 4,
    "flow": 5, "notify": 5,
    "workbench": 6,
    "present": 7, "remote": 7, "reader": 7,
    "analysis": 8, "server": 8,
    "web": 9,
    "api": 10, "cli": 10,
}  # fmt: skip
"""Every module and package directly in the engine. Each imports what stands lower, and itself; the lowest ones import each other."""

ASKS_THE_STORE = {"tick", "record", "apply", "confirmations", "pinning", "holding"}
"""Modules of the flow that read and write the store; all others take domain objects and give domain objects."""

PURE = [
    "model.py", "paths.py", "store/views.py", "flow/sync/remotes.py", "server/webhooks.py", "notify/messages.py",
    *(f"workbench/{name}.py" for name in ("blame", "graph", "prospects")),
    *(f"{folder}/{p.name}" for folder in ("access", "kinds", "flow/parse", "present") for p in (ENGINE / folder).glob("*.py")),
    *(f"flow/{p.name}" for p in (ENGINE / "flow").glob("*.py") if p.stem not in ASKS_THE_STORE),
]  # fmt: skip
IMPURE = {
    "duckdb", "git", "os", "random", "secrets", "subprocess", "time", "uuid",
    "engine.store", "engine.flow.sync", "engine.workbench", "engine.reader", "engine.settings",
}  # fmt: skip
MAY = {"bodies.py": {"engine.flow.sync"}}
"""How a URL and a host key are shown is asked of sync."""


def _imports(path: Path, *, for_types: bool = False) -> set[str]:
    """Every module that a file imports, at its top or inside; what only types need is left out unless it is asked for."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not for_types
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


def _room(name: str) -> str:
    """The module or package directly in the engine that a module belongs to; empty for others and for the engine itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "engine" and len(parts) > 1 and parts[1] in RANKS else ""


def test_each_package_imports_what_stands_lower() -> None:
    there = {path.stem for path in ENGINE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert there - {"__init__", "_data"} == RANKS.keys()
    wrong = {
        f"{path.relative_to(ROOT)} → {name}"
        for path in _files(ENGINE)
        if (own := _room(".".join(path.relative_to(ROOT).with_suffix("").parts)))
        for name in _imports(path, for_types=True)
        if (other := _room(name)) and other != own and RANKS[other] >= max(RANKS[own], 1)
    }
    assert wrong == set()


def test_at_most_eight_modules_stand_directly_in_the_engine() -> None:
    assert len(list(ENGINE.glob("*.py"))) <= 8


def test_no_two_modules_below_the_surfaces_have_one_name() -> None:
    names = Counter(
        path.stem
        for path in _files(ENGINE)
        if path.stem not in {"__init__", "reader"} and path.relative_to(ENGINE).parts[0] not in {"api", "cli"}
    )
    assert [name for name, times in names.items() if times > 1] == []


def test_what_stands_below_the_surfaces_brings_none_of_their_libraries() -> None:
    for path in _files(ENGINE):
        room = _room(".".join(path.relative_to(ROOT).with_suffix("").parts))
        if room and RANKS[room] <= RANKS["present"] and path.name not in {"charts.py", "downloads.py"}:
            assert _imports(path).isdisjoint({"pandas", "plotly", "fastapi", "click", "streamlit"}), path


def test_only_the_store_knows_its_database() -> None:
    assert [p for p in _files(ENGINE) if "duckdb" in _imports(p) and p.parent.name != "store"] == []


@pytest.mark.parametrize("name", PURE)
def test_a_pure_stage_knows_no_store_git_clock_or_chance(name: str) -> None:
    path = ENGINE / name
    imported = _imports(path)
    assert imported.isdisjoint(IMPURE - MAY.get(path.name, set())), imported & IMPURE
    assert not re.search(r"\.now\(|\.utcnow\(|\bopen\(", path.read_text())


def test_pages_go_through_the_workbench_alone() -> None:
    for path in [ROOT / "app.py", *_files(PAGES)]:
        imported = _imports(path)
        assert imported.isdisjoint({"duckdb", "yaml", "git", "subprocess", "sqlite3"}), path
        assert not any(name == "engine.store" or name.startswith("engine.store.") for name in imported), path
        assert not re.search(r"unsafe_allow|\bSELECT\b .* FROM", path.read_text()), path


SHOWS_MARKDOWN = {
    "markdown", "write", "caption", "title", "header", "subheader", "error", "warning", "info", "success", "toast", "badge", "button",
    "page_link", "link_button", "checkbox", "toggle", "radio", "selectbox", "multiselect", "pills", "segmented_control", "text_input", "text_area",
    "number_input", "metric", "expander", "popover", "tabs", "dialog", "status", "progress", "form_submit_button", "download_button", "table",
}  # fmt: skip
"""Calls of Streamlit that read their text as Markdown."""

SAFE = {
    "plain", "count", "len", "ago", "exact", "badge", "reach", "sum_of", "cause_of", "duration", "min", "max", "sum", "round", "int", "size", "day", "isoformat", "strftime",
}  # fmt: skip
"""Calls that give text of ours, or escaped text."""

OURS = {
    "id",
    "code",
    "value",
    "version",
    "status",
    "of",
    "done",
    "run_id",
    "seq",
    "total",
    "open",
    "pending",
    "approved",
    "failed",
    "cap",
    "reopened_count",
}
"""Attributes that hold numbers or words of ours."""


def _called(function: ast.AST) -> str:
    """Name of what is called: of Streamlit's, or of our own button."""
    match function:
        case ast.Attribute(attr=name):
            return name
        case ast.Name(id="act"):
            return "button"
    return ""


def _is_ours(node: ast.AST, numbers: set[str]) -> bool:
    """Whether what an f-string shows there cannot hold text of a repository or a person."""
    match node:
        case ast.Constant() | ast.BinOp(op=ast.Sub() | ast.Mult() | ast.Div()) | ast.Compare():
            return True
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in SAFE or name == "join":
            return True
        case ast.Call(func=ast.Attribute(value=inner, attr="lower" | "capitalize" | "title")):
            return _is_ours(inner, numbers)
        case ast.Subscript(value=ast.Name(id=name)):
            return name.isupper()
        case ast.IfExp(body=body, orelse=other):
            return _is_ours(body, numbers) and _is_ours(other, numbers)
        case ast.BoolOp(values=values):
            return all(_is_ours(value, numbers) for value in values)
        case ast.Attribute(attr=name):
            return name in OURS
        case ast.Name(id=name):
            return name in numbers
        case ast.JoinedStr(values=values):
            return all(not isinstance(v, ast.FormattedValue) or _shown_as_ours(v, numbers) for v in values)
    return False


def _shown_as_ours(value: ast.FormattedValue, numbers: set[str]) -> bool:
    """A thousands separator or a number of digits fits numbers alone."""
    if value.format_spec is not None and re.fullmatch(
        r"'[,.0-9]*[,dfx%+]?[0-9.]*f?'", ast.unparse(value.format_spec).lstrip("f")
    ):
        return True
    return _is_ours(value.value, numbers)


def _shown(node: ast.AST) -> Iterator[ast.FormattedValue]:
    """What the f-strings of an expression show, but for those that are escaped as a whole."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAFE:
        return
    if isinstance(node, ast.FormattedValue):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _shown(child)


def test_text_of_others_is_never_given_to_markdown_unescaped() -> None:
    wrong = []
    for path in _files(PAGES):
        tree = ast.parse(path.read_text())
        numbers = {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and _is_ours(node.value, set())
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and _called(node.func) in SHOWS_MARKDOWN):
                continue
            texts = [
                *(node.args[:1] if _called(node.func) != "page_link" else []),
                *(k.value for k in node.keywords if k.arg in {"label", "help", "body", "text"}),
            ]
            for text in texts:
                for part in _shown(text):
                    if not _shown_as_ours(part, numbers):
                        wrong.append(f"{path.name}:{part.lineno} {ast.unparse(part.value)}")
    assert not wrong, "\n".join(wrong)


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
            ours = [line for line in path.read_text().splitlines() if not line.lstrip().startswith(">>>")]
            assert not statement.search("\n".join(ours)), path


def test_no_error_is_swallowed_whole() -> None:
    for path in _files(ENGINE):
        assert not re.search(r"except( Exception| BaseException)?:\s*\n\s*pass", path.read_text()), path


def test_what_a_test_asks_of_the_database_goes_through_one_place() -> None:
    """So that the same tests can run on another database."""
    reaching = [p for p in _files(ROOT / "tests") if re.search(r"\w\._(connection|cursor)\b", p.read_text())]
    assert [p.name for p in reaching] == ["builders.py"]
