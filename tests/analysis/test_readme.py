"""The README's lines of Python, run as they stand."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"


def test_each_line_gives_something(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    found = re.search(r"<!-- python:.*?```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    shown = []
    for node in ast.parse(found[1]).body:
        if isinstance(node, ast.Expr):
            shown.append(eval(compile(ast.Expression(node.value), "README.md", "eval"), names))  # noqa: S307
        else:
            exec(compile(ast.Module([node], []), "README.md", "exec"), names)  # noqa: S102
    assert len(shown) == 7
    for each in shown:
        assert each is not None
        assert getattr(each, "empty", False) is False
    names["wb"].close()
