"""Where a source could be broken by one line, and what it would be then. Pure: reads and writes no file."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlglot
from sqlglot import expressions as sql


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed source."""

    file: str
    line: int
    where: str
    """The function, or the statement."""
    was: str
    now: str
    source: str
    """The whole file with the change."""
    nth: int = 1
    """Of those in its function that read the same."""
    imported: bool = False
    """Whether it runs when the file is imported, before any test: a constant, a default, a table."""

    @property
    def name(self) -> str:
        """Says the change in words that stay the same when lines move."""
        which = "" if self.nth == 1 else f" ({self.nth})"
        return f"{self.file} · {self.where} · {self.was} → {self.now}{which}"


_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE,),
    ast.LtE: (ast.Lt,),
    ast.Gt: (ast.GtE,),
    ast.GtE: (ast.Gt,),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ORDERING = {"sorted": "list", "reversed": "list", "min": "max", "max": "min"}


def python(file: str, source: str) -> list[Mutant]:
    """The mutants of a Python file: comparisons, borders, conditions, calls whose result nobody uses, order, numbers."""
    found = []
    alike: Counter[tuple[str, str, str]] = Counter()
    tree = ast.parse(source)
    for node, where, runs in _inside(tree, "", False):
        for old, new in _changes(node):
            was, now = ast.get_source_segment(source, old) or ast.unparse(old), ast.unparse(new)
            changed = _replaced(source, old, now)
            if was != now and changed is not None:
                words = " ".join(was.split())
                alike[where, words, now] += 1
                nth = alike[where, words, now]
                found.append(Mutant(file, old.lineno, where, words, now, changed, nth, not runs))
    return found


def _inside(node: ast.AST, where: str, runs: bool) -> Iterator[tuple[ast.AST, str, bool]]:
    """Every node of code, with the name of the function around it, and whether it runs at a call. Annotations and decorators are none."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "bases"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            inner = where
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{where}.{child.name}".lstrip(".")
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.keyword) and child.arg == "strict":
                continue  # of zip: a guard against mistakes of ours, which nobody can bring about
            called = runs or (name == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))
            yield child, inner, called
            yield from _inside(child, inner, called)


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, ast.AST]]:
    match node:
        case ast.Compare(ops=[op]):
            for other in _COMPARED.get(type(op), ()):
                yield node, ast.Compare(node.left, [other()], node.comparators)
        case ast.Compare(ops=ops):
            for at, op in enumerate(ops):
                for other in _COMPARED.get(type(op), ()):
                    yield node, ast.Compare(node.left, [*ops[:at], other(), *ops[at + 1 :]], node.comparators)
        case ast.BoolOp(op=op, values=values):
            for at in range(len(values)):
                left = [*values[:at], *values[at + 1 :]]
                yield node, left[0] if len(left) == 1 else ast.BoolOp(op, left)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, operand
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            for value in (True, False):
                if not (isinstance(node, ast.While) and value):
                    yield test, ast.Constant(value)
        case ast.comprehension(ifs=ifs):
            for condition in ifs:
                yield condition, ast.Constant(True)
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield node, ast.Pass()
        case ast.Continue():
            yield node, ast.Pass()
        case ast.Call(func=ast.Name(id=name), args=[_, *_]) if name in _ORDERING:
            keywords = [k for k in node.keywords if name in {"min", "max"} or k.arg not in {"key", "reverse"}]
            if name in {"min", "max"} or len(node.args) == 1:
                yield node, ast.Call(ast.Name(_ORDERING[name]), node.args, keywords)
        case ast.Constant(value=bool() as value):
            yield node, ast.Constant(not value)
        case ast.Constant(value=int() as number):
            yield node, ast.Constant(number + 1)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            yield node, ast.BinOp(node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right)


def _replaced(source: str, node: ast.expr | ast.stmt, text: str) -> str | None:
    """The source with one node as other text, or None where that makes no Python (inside of an f-string)."""
    lines = source.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    whole = source.encode()
    put = text if isinstance(node, ast.stmt) else f"({text})"
    changed = (whole[:start] + put.encode() + whole[end:]).decode()
    try:
        return changed if ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source)) else None
    except SyntaxError:
        return None


_SQL_COMPARED: dict[type[sql.Expr], type[sql.Expression]] = {
    sql.LT: sql.LTE,
    sql.LTE: sql.LT,
    sql.GT: sql.GTE,
    sql.GTE: sql.GT,
    sql.EQ: sql.NEQ,
    sql.NEQ: sql.EQ,
}


def statements(file: str, source: str) -> list[Mutant]:
    """The mutants of a file of SQL: filters left out, comparisons at their border, order turned around, limits gone."""
    found: list[Mutant] = []
    trees = [tree for tree in sqlglot.parse(source, dialect="duckdb") if tree is not None]
    for at, tree in enumerate(trees):
        for number, node in enumerate(tree.walk()):
            for was, now, change in _sql_changes(node):
                copy = tree.copy()
                target = next(other for index, other in enumerate(copy.walk()) if index == number)
                change(target)
                text = ";\n".join(
                    (copy if index == at else other).sql(dialect="duckdb") for index, other in enumerate(trees)
                )
                found.append(Mutant(file, 1, f"node {number}", was, now, text))
    return found


def _keep(target: sql.Expr, side: str) -> None:
    target.replace(getattr(target, side).copy())


def _sql_changes(node: sql.Expr) -> Iterator[tuple[str, str, Callable[[Any], object]]]:
    """What it was, what it would be, and a function that changes the node of a copy."""
    was = node.sql(dialect="duckdb")
    if isinstance(node, sql.And | sql.Or):
        for side in ("left", "right"):
            kept = getattr(node, side)
            yield (
                was,
                kept.sql(dialect="duckdb"),
                partial(_keep, side=side),
            )
    elif type(node) in _SQL_COMPARED:
        other = _SQL_COMPARED[type(node)]
        if isinstance(node.parent, sql.Update | sql.PropertyEQ | sql.Kwarg) and node.arg_key == "expressions":
            return
        changed = other(this=node.this.copy(), expression=node.expression.copy())
        yield (
            was,
            changed.sql(dialect="duckdb"),
            lambda target: target.replace(other(this=target.this.copy(), expression=target.expression.copy())),
        )
    elif isinstance(node, sql.Where | sql.Limit):
        yield was, "", lambda target: target.pop()
    elif isinstance(node, sql.Not):
        yield was, node.this.sql(dialect="duckdb"), lambda target: target.replace(target.this.copy())
    elif isinstance(node, sql.Ordered):
        yield was, "the other way round", lambda target: target.set("desc", not target.args.get("desc"))
    elif isinstance(node, sql.Select) and node.args.get("distinct"):
        yield "SELECT DISTINCT", "SELECT", lambda target: target.set("distinct", None)
