"""Where the expressions of a node are: its parts, and a node with others in their place.

Takes nodes, gives their parts in the order in which they run; requires only `ir.nodes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from . import nodes
from .nodes import Expr
from .remembered import remembered, replace

# Where the expressions of a node are, in the order in which they run where that matters. Parts
# that are not expressions themselves (a keyword, a branch) stand for the expressions in them.
_FIELDS: dict[type, tuple[str, ...]] = {
    nodes.Attribute: ("value",),
    nodes.Subscript: ("value", "index"),
    nodes.Slice: ("lower", "upper", "step"),
    nodes.TupleExpr: ("items",),
    nodes.ListExpr: ("items",),
    nodes.SetExpr: ("items",),
    nodes.DictExpr: ("keys", "values"),
    nodes.Unary: ("operand",),
    nodes.Binary: ("left", "right"),
    nodes.Compare: ("left", "rights"),
    nodes.BoolOp: ("values",),
    nodes.IfExp: ("test", "body", "orelse"),
    nodes.Starred: ("value",),
    nodes.Call: ("func", "args", "keywords"),
    nodes.Keyword: ("value",),
    nodes.Lambda: ("params", "body"),
    nodes.Param: ("default",),
    nodes.Comprehension: ("clauses", "key", "element"),
    nodes.Clause: ("target", "iter", "conditions"),
    nodes.FString: ("parts",),
    nodes.FormattedValue: ("value", "spec"),
    nodes.NamedExpr: ("target", "value"),
    nodes.Assign: ("value", "targets"),
    nodes.AugAssign: ("target", "value"),
    nodes.Append: ("value",),
    nodes.Pop: ("target",),
    nodes.ExprStmt: ("value",),
    nodes.If: ("branches",),
    nodes.Branch: ("test",),
    nodes.For: ("iter", "target"),
    nodes.While: ("test",),
    nodes.Return: ("value",),
    nodes.Assert: ("test", "message"),
    nodes.Raise: ("exception", "cause"),
    nodes.Delete: ("targets",),
    nodes.Try: ("handlers",),
    nodes.Handler: ("type",),
    nodes.With: ("items",),
    nodes.FunctionDef: ("function",),
    nodes.Function: ("decorators", "params"),
}
_EXPRESSIONS = frozenset(get_args(Expr))


def _collect(value: Any, found: list[Expr]) -> None:
    """Append to `found` the expressions that `value` (a field of a node) holds."""
    if type(value) in _EXPRESSIONS:
        found.append(value)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, found)
    elif value is not None and not isinstance(value, str):
        for name in _FIELDS[type(value)]:
            _collect(getattr(value, name), found)


@remembered
def parts_of(node: Any) -> tuple[Expr, ...]:
    """Return the expressions directly in a node, those of keywords, branches and the like too."""
    found: list[Expr] = []
    for name in _FIELDS.get(type(node), ()):
        value = getattr(node, name)
        if type(value) in _EXPRESSIONS:
            found.append(value)
        else:
            _collect(value, found)
    return tuple(found)


def _replaced(value: Any, parts: Iterator[Expr]) -> Any:
    """Return `value` with the expressions that `_collect` finds replaced, in the same order."""
    if type(value) in _EXPRESSIONS:
        return next(parts)
    if isinstance(value, tuple):
        items = tuple([_replaced(item, parts) for item in value])
        return value if all(new is old for new, old in zip(items, value)) else items
    return value if value is None or isinstance(value, str) else with_new_parts(value, parts)


def with_parts(node: Any, new: Sequence[Expr]) -> Any:
    """Return `node` with its parts replaced; the same object when none of them changes."""
    for a, b in zip(new, parts_of(node)):
        if a is not b:
            return with_new_parts(node, iter(new))
    return node


def with_new_parts(node: Any, parts: Iterator[Expr]) -> Any:
    """Return `node` with these parts, which need not be all new."""
    changes = {}
    for name in _FIELDS.get(type(node), ()):
        old = getattr(node, name)
        new = _replaced(old, parts)
        if new is not old:
            changes[name] = new
    return replace(node, **changes) if changes else node
