"""Which statement of the user each line of a generated module comes from.

Takes the text and the functions it was printed from, gives origins by line; requires `ir`. The
text has been laid out anew since it was printed, so both are walked side by side.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from s2s_ad.ir import nodes as n
from s2s_ad.ir.walk import blocks


def line_origins(
    text: str, functions: Sequence[n.Function], table: Mapping[int, n.Origin]
) -> dict[int, n.Origin]:
    """Return the origin of each line that has one.

    table: the origins of statements of the user by uid, for those that serve another statement.
    """
    found: dict[int, n.Origin] = {}
    defined = {x.name: x for x in ast.parse(text).body if isinstance(x, ast.FunctionDef)}

    def note(node: ast.stmt | ast.expr, origin: n.Origin | None, last: int) -> None:
        if origin is not None:
            for line in range(node.lineno, last + 1):
                found[line] = origin

    def walk(block: n.Block, nodes: Sequence[ast.stmt]) -> None:
        for s, node in zip(block, nodes):
            origin = s.origin or table.get(s.of if s.of is not None else -1)
            if isinstance(s, n.If):
                choose(s, node, origin)
                continue
            inner = [x for x in blocks(s) if x]
            body: list[list[ast.stmt]] = [
                x for name in ("body", "orelse") if (x := getattr(node, name, None))
            ]
            header = body[0][0].lineno - 1 if body else node.end_lineno or node.lineno
            note(node, origin, header)
            for part, parts in zip(inner, body):
                walk(part, parts)

    def choose(s: n.If, node: ast.stmt, origin: n.Origin | None) -> None:
        for k, branch in enumerate(s.branches):
            if not isinstance(node, ast.If):
                return
            note(node, branch.origin or origin, node.test.end_lineno or node.lineno)
            walk(branch.body, node.body)
            if k + 1 < len(s.branches):
                node = node.orelse[0]
        if isinstance(node, ast.If):
            walk(s.orelse, node.orelse)

    for function in functions:
        node = defined.get(function.name)
        if node is None:
            continue
        nodes = node.body[1:] if function.docstring is not None else node.body
        walk(function.body, nodes)
        if function.origin is not None:
            found.setdefault(node.lineno, function.origin)
    return found
