"""From the text of an expression to the intermediate representation, by the standard library alone.

Takes source text such as the templates of rules, gives expressions and parameters; requires
`ir.nodes`. Used for text we write ourselves: user code comes in through `frontend.lower`, which
keeps comments and positions.
"""

from __future__ import annotations

import ast
from functools import cache

from .nodes import (
    Attribute,
    Binary,
    BoolOp,
    Call,
    Clause,
    Compare,
    Comprehension,
    Const,
    DictExpr,
    Expr,
    IfExp,
    Keyword,
    Lambda,
    ListExpr,
    Name,
    Param,
    SetExpr,
    Slice,
    Starred,
    Subscript,
    TupleExpr,
    Unary,
)

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
}
_UNARY: dict[type[ast.unaryop], str] = {
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Invert: "~",
    ast.Not: "not",
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_COMPREHENSION: dict[type[ast.expr], str] = {
    ast.ListComp: "list",
    ast.SetComp: "set",
    ast.GeneratorExp: "generator",
    ast.DictComp: "dict",
}


@cache
def parse_expr(text: str) -> Expr:
    """Return the expression written in `text`; literals keep their text.

    >>> parse_expr("2.0 * x")
    Binary(op='*', left=Const(text='2.0', value=2.0), right=Name(id='x'))
    """
    return _Reader(text).expr(ast.parse(text, mode="eval").body)


@cache
def parse_params(text: str) -> tuple[Param, ...]:
    """Return the parameters of a signature written without its parentheses.

    >>> parse_params("x, axis=None")[1]
    Param(name='axis', default=Const(text='None', value=None), kind='normal', annotation=None)
    """
    source = f"lambda {text}: 0"
    tree = ast.parse(source, mode="eval").body
    assert isinstance(tree, ast.Lambda)
    return _Reader(source).params(tree.args)


class _Reader:
    """Converts the nodes of one text; the text is needed because literals are kept as written."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.encoded = text.encode()

    def written(self, node: ast.Constant) -> str | None:
        """Return a literal as it stands in the text."""
        if node.end_lineno == 1:  # the library walks through the whole text for each literal
            return self.encoded[node.col_offset : node.end_col_offset].decode()
        return ast.get_source_segment(self.text, node)

    def expr(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant():
                return Const(self.written(node) or repr(node.value), node.value)
            case ast.Name():
                return Name(node.id)
            case ast.Attribute():
                return Attribute(self.expr(node.value), node.attr)
            case ast.Subscript():
                return Subscript(self.expr(node.value), self.expr(node.slice))
            case ast.Slice():
                return Slice(self.maybe(node.lower), self.maybe(node.upper), self.maybe(node.step))
            case ast.UnaryOp():
                return Unary(_UNARY[type(node.op)], self.expr(node.operand))
            case ast.BinOp():
                return Binary(_BINARY[type(node.op)], self.expr(node.left), self.expr(node.right))
            case ast.Compare():
                ops = tuple(_COMPARE[type(op)] for op in node.ops)
                return Compare(self.expr(node.left), ops, self.each(node.comparators))
            case ast.BoolOp():
                op = "and" if isinstance(node.op, ast.And) else "or"
                return BoolOp(op, self.each(node.values))
            case ast.IfExp():
                return IfExp(self.expr(node.test), self.expr(node.body), self.expr(node.orelse))
            case ast.Call():
                keywords = tuple(Keyword(k.arg, self.expr(k.value)) for k in node.keywords)
                return Call(self.expr(node.func), self.each(node.args), keywords)
            case ast.Lambda():
                return Lambda(self.params(node.args), self.expr(node.body))
        return self.display(node)

    def display(self, node: ast.expr) -> Expr:
        match node:
            case ast.Tuple():
                return TupleExpr(self.each(node.elts))
            case ast.List():
                return ListExpr(self.each(node.elts))
            case ast.Set():
                return SetExpr(self.each(node.elts))
            case ast.Dict():
                return DictExpr(tuple(self.maybe(key) for key in node.keys), self.each(node.values))
            case ast.Starred():
                return Starred(self.expr(node.value))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                kind = _COMPREHENSION[type(node)]
                return Comprehension(kind, self.expr(node.elt), self.clauses(node.generators))
            case ast.DictComp():
                clauses = self.clauses(node.generators)
                return Comprehension("dict", self.expr(node.value), clauses, self.expr(node.key))
        raise ValueError(f"a template cannot hold {type(node).__name__}: {self.text}")

    def maybe(self, node: ast.expr | None) -> Expr | None:
        return None if node is None else self.expr(node)

    def each(self, nodes: list[ast.expr]) -> tuple[Expr, ...]:
        return tuple(self.expr(node) for node in nodes)

    def clauses(self, generators: list[ast.comprehension]) -> tuple[Clause, ...]:
        return tuple(
            Clause(self.expr(g.target), self.expr(g.iter), self.each(g.ifs)) for g in generators
        )

    def params(self, args: ast.arguments) -> tuple[Param, ...]:
        positional = [*args.posonlyargs, *args.args]
        defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
        found = [
            Param(
                arg.arg,
                self.maybe(default),
                "positional_only" if arg in args.posonlyargs else "normal",
            )
            for arg, default in zip(positional, defaults)
        ]
        if args.vararg is not None:
            found.append(Param(args.vararg.arg, None, "star"))
        found.extend(
            Param(arg.arg, self.maybe(default), "keyword_only")
            for arg, default in zip(args.kwonlyargs, args.kw_defaults)
        )
        if args.kwarg is not None:
            found.append(Param(args.kwarg.arg, None, "double_star"))
        return tuple(found)
