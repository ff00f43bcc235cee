"""The help page's lines of Python, run as they stand."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "pages" / "help" / "notebooks.md"


def test_each_line_gives_something(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    found = re.search(r"<!-- python:.*?```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    shown = []
    for node in ast.parse(found[1]).body:
        if isinstance(node, ast.Expr):
            shown.append(eval(compile(ast.Expression(node.value), "notebooks.md", "eval"), names))  # noqa: S307
        else:
            exec(compile(ast.Module([node], []), "notebooks.md", "exec"), names)  # noqa: S102
    assert len(shown) == 7
    for each in shown:
        assert each is not None
        assert getattr(each, "empty", False) is False
    names["wb"].close()
