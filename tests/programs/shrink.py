"""Makes a failing program as small as it gets while it fails in the same way.

Takes a program and a predicate on programs; gives a program. Statements are removed or replaced by
their bodies, expressions by their parts; requires the standard library's `ast` only, so comments
are lost.
"""

from __future__ import annotations

import ast
import copy
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

from .generate import Program

Fails = Callable[[Program], bool]
Edit = Callable[[], ast.Module]


def shrink(program: Program, fails: Fails, seconds: float = 60.0) -> Program:
    """Return the smallest program found within the time that still fails."""
    end = time.monotonic() + seconds
    tree = ast.parse(program.text)
    progress = True
    while progress:
        progress = False
        edits = _edits(tree)
        at = 0
        while at < len(edits):
            if time.monotonic() > end:
                return replace(program, text=_text(tree))
            smaller = edits[at]()
            if _still(fails, replace(program, text=_text(smaller))):
                # what follows is tried on the smaller program at once; the rest in the next round
                tree = smaller
                edits = _edits(tree)
                progress = True
            else:
                at += 1
    return replace(program, text=_text(tree))


def _still(fails: Fails, program: Program) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return fails(program)
    except Exception:  # a removal too many: not even a module with that function any more
        return False


def _text(tree: ast.Module) -> str:
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _edits(tree: ast.Module) -> list[Edit]:
    """Return what makes copies of the tree with one thing less, the largest things first."""
    edits: list[Edit] = []
    blocks = _blocks(tree)
    for size in (8, 4, 2, 1):
        for k, (_, field, statements) in enumerate(blocks):
            empty = field == "body" and len(statements) == 1 and isinstance(statements[0], ast.Pass)
            for start in range(len(statements) - size, -1, -1):
                if not empty:
                    edits.append(_replacement(tree, k, start, size, []))
    for k, (_, _, statements) in enumerate(blocks):
        for start, statement in enumerate(statements):
            edits += [_replacement(tree, k, start, 1, body) for body in _bodies(statement)]
    for k, (holder, field, index) in enumerate(_expression_slots(tree)):
        for part in _parts(_get(holder, field, index)):
            edits.append(_substitution(tree, k, part))
    return edits


def _blocks(tree: ast.Module) -> list[tuple[ast.AST, str, list[ast.stmt]]]:
    found = []
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            statements = getattr(node, field, None)
            if isinstance(statements, list) and statements:
                found.append((node, field, statements))
    return found


def _replacement(tree: ast.Module, k: int, start: int, size: int, put: list[ast.stmt]) -> Edit:
    def edit() -> ast.Module:
        smaller = copy.deepcopy(tree)
        node, field, statements = _blocks(smaller)[k]
        left = statements[:start] + copy.deepcopy(put) + statements[start + size :]
        setattr(node, field, left or ([ast.Pass()] if field == "body" else []))
        return smaller

    return edit


def _substitution(tree: ast.Module, k: int, part: ast.expr) -> Edit:
    def edit() -> ast.Module:
        smaller = copy.deepcopy(tree)
        holder, field, index = _expression_slots(smaller)[k]
        if index is None:
            setattr(holder, field, copy.deepcopy(part))
        else:
            getattr(holder, field)[index] = copy.deepcopy(part)
        return smaller

    return edit


def _bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield what a compound statement can be replaced by."""
    if isinstance(statement, (ast.If, ast.For, ast.While)):
        yield [s for s in statement.body if not isinstance(s, (ast.Break, ast.Continue))]
        if statement.orelse:
            yield statement.orelse


def _expression_slots(tree: ast.Module) -> list[tuple[ast.AST, str, int | None]]:
    slots: list[tuple[ast.AST, str, int | None]] = []
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            called = isinstance(node, ast.Call) and field == "func"
            for index, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
                read = not isinstance(getattr(item, "ctx", None), (ast.Store, ast.Del))
                if isinstance(item, ast.expr) and read and not called:
                    slots.append((node, field, index))
    return slots


def _get(holder: ast.AST, field: str, index: int | None) -> ast.expr:
    value = getattr(holder, field)
    found: ast.expr = value if index is None else value[index]
    return found


def _parts(expression: ast.expr) -> Iterator[ast.expr]:
    """Yield what an expression can be replaced by: its parts, then a constant."""
    if isinstance(expression, (ast.Constant, ast.Name, ast.Slice, ast.Starred)):
        return
    if isinstance(expression, (ast.Compare, ast.BoolOp)):
        yield ast.Constant(True)
        yield ast.Constant(False)
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, ast.expr) and not isinstance(child, (ast.Slice, ast.Starred)):
            yield child
        if isinstance(child, ast.keyword):
            yield child.value
    yield ast.Constant(1.5)
