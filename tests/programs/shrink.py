"""Makes a failing program as small as it gets while it fails in the same way.

Takes a program and a predicate on programs; gives a program. Statements are removed or replaced by
their bodies, expressions by their parts; requires the standard library's `ast` only, so comments
are lost.
"""

from __future__ import annotations

import ast
import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from .generate import Program

Fails = Callable[[Program], bool]


def shrink(program: Program, fails: Fails, seconds: float = 60.0) -> Program:
    """Return the smallest program found within the time that still fails."""
    end = time.monotonic() + seconds
    tree = ast.parse(program.text)
    while True:
        for smaller in _smaller(tree):
            if time.monotonic() > end:
                return replace(program, text=_text(tree))
            if _still(fails, replace(program, text=_text(smaller))):
                tree = smaller
                break
        else:
            return replace(program, text=_text(tree))


def _still(fails: Fails, program: Program) -> bool:
    try:
        return fails(program)
    except Exception:  # a removal too many: not even a module with that function any more
        return False


def _text(tree: ast.Module) -> str:
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _smaller(tree: ast.Module) -> Iterator[ast.Module]:
    """Yield copies of the tree with one thing less, the largest things first."""
    blocks = _blocks(tree)
    for size in (8, 4, 2, 1):
        for k, (_, _, statements) in enumerate(blocks):
            for start in range(len(statements) - size, -1, -1):
                yield _with_block(tree, k, start, size, [])
    for k, (_, _, statements) in enumerate(blocks):
        for start, statement in enumerate(statements):
            for body in _bodies(statement):
                yield _with_block(tree, k, start, 1, copy.deepcopy(body))
    count = sum(1 for _ in _expression_slots(tree))
    for k in range(count):
        holder, field, index = list(_expression_slots(tree))[k]
        for part in _parts(_get(holder, field, index)):
            smaller = copy.deepcopy(tree)
            where, name, at = list(_expression_slots(smaller))[k]
            _set(where, name, at, copy.deepcopy(part))
            yield smaller


def _blocks(tree: ast.Module) -> list[tuple[ast.AST, str, list[ast.stmt]]]:
    found = []
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            statements = getattr(node, field, None)
            if isinstance(statements, list) and statements:
                found.append((node, field, statements))
    return found


def _with_block(tree: ast.Module, k: int, start: int, size: int, put: list[ast.stmt]) -> ast.Module:
    smaller = copy.deepcopy(tree)
    node, field, statements = _blocks(smaller)[k]
    left = statements[:start] + put + statements[start + size :]
    if not left and field == "body":
        left = [ast.Pass()]
        if statements and isinstance(statements[0], ast.Pass):
            return smaller
    setattr(node, field, left)
    return smaller


def _bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield what a compound statement can be replaced by."""
    if isinstance(statement, (ast.If, ast.For, ast.While)):
        yield [s for s in statement.body if not isinstance(s, (ast.Break, ast.Continue))]
        if statement.orelse:
            yield statement.orelse


def _expression_slots(tree: ast.Module) -> Iterator[tuple[ast.AST, str, int | None]]:
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr) and not isinstance(
                getattr(value, "ctx", None), ast.Store
            ):
                yield node, field, None
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    if isinstance(item, ast.expr) and not isinstance(
                        getattr(item, "ctx", None), ast.Store
                    ):
                        yield node, field, index


def _get(holder: ast.AST, field: str, index: int | None) -> ast.expr:
    value = getattr(holder, field)
    found: ast.expr = value if index is None else value[index]
    return found


def _set(holder: ast.AST, field: str, index: int | None, part: ast.expr) -> None:
    if index is None:
        setattr(holder, field, part)
    else:
        getattr(holder, field)[index] = part


def _parts(expression: ast.expr) -> Iterator[ast.expr]:
    """Yield what an expression can be replaced by: its parts, then a number."""
    if isinstance(expression, (ast.Constant, ast.Name)):
        return
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, ast.expr) and not isinstance(child, (ast.Slice, ast.Starred)):
            yield child
        if isinstance(child, ast.keyword):
            yield child.value
    yield ast.Constant(1.5)
