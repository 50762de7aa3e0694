"""From libcst expressions to ours, told apart by the names of their classes.

Takes expression nodes of libcst without importing it (`lower` alone does), gives expressions and
parameters; requires `ir`. Raises `Refused` for what the representation cannot hold: the caller
knows where the statement is.

Left-hand chains (`a + b + c ...`, `a.b().c()...`) are walked in a loop, not by recursion: a sum
of 1000 terms is 1000 levels deep.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from ..ir import nodes as ir
from ..ir.nodes import Expr, Param
from ..ir.text import expr_text


class Refused(Exception):
    """A construct inside an expression. types: how `ast` calls it, to find its place."""

    def __init__(self, what: str, hint: str, *types: type[ast.AST]) -> None:
        super().__init__(what)
        self.what, self.hint, self.types = what, hint, types


def operator(node: Any) -> str:
    """Return the text of an operator; that of `x += y` is `+`."""
    return _OPERATORS[type(node).__name__.removesuffix("Assign")]


def expr(node: Any) -> Expr:
    """Return a libcst expression as ours."""
    return _EXPRESSIONS[type(node).__name__](node)


def optional(node: Any) -> Expr | None:
    return None if node is None else expr(node)


def params(node: Any) -> tuple[Param, ...]:
    """Return the parameters of a `def` or a `lambda`."""
    return tuple(
        Param(
            param.name.value,
            optional(param.default),
            kind,
            expr(param.annotation.annotation) if param.annotation else None,
        )
        for kind, param in _kinds_of_params(node)
    )


def _kinds_of_params(node: Any) -> Iterator[tuple[str, Any]]:
    yield from (("positional_only", param) for param in node.posonly_params)
    yield from (("normal", param) for param in node.params)
    if type(node.star_arg).__name__ == "Param":
        yield "star", node.star_arg
    yield from (("keyword_only", param) for param in node.kwonly_params)
    if node.star_kwarg is not None:
        yield "double_star", node.star_kwarg


_OPERATORS = {
    "Add": "+",
    "Subtract": "-",
    "Multiply": "*",
    "Divide": "/",
    "FloorDivide": "//",
    "Modulo": "%",
    "Power": "**",
    "MatrixMultiply": "@",
    "LeftShift": "<<",
    "RightShift": ">>",
    "BitAnd": "&",
    "BitOr": "|",
    "BitXor": "^",
    "Minus": "-",
    "Plus": "+",
    "BitInvert": "~",
    "Not": "not",
    "And": "and",
    "Or": "or",
    "Equal": "==",
    "NotEqual": "!=",
    "LessThan": "<",
    "LessThanEqual": "<=",
    "GreaterThan": ">",
    "GreaterThanEqual": ">=",
    "In": "in",
    "NotIn": "not in",
    "Is": "is",
    "IsNot": "is not",
}

_KEYWORDS = {"True": True, "False": False, "None": None}


def _name(node: Any) -> Expr:
    if node.value in _KEYWORDS:
        return ir.Const(node.value, _KEYWORDS[node.value])
    return ir.Name(node.value)


def _number(convert: Callable[[str], object]) -> Callable[[Any], Expr]:
    def lower(node: Any) -> Expr:
        text = _normal_number(node.value)
        return ir.Const(text, convert(text))

    return lower


def _normal_number(text: str) -> str:
    """Return a number as black spells it, so that formatting a function does not change it.

    >>> [_normal_number(text) for text in ("1.", ".5E+3", "0XfF", "2J", "1_000")]
    ['1.0', '0.5e3', '0xFF', '2j', '1_000']
    """
    text = text.lower()
    if text.startswith(("0b", "0o")):
        return text
    if text.startswith("0x"):
        return "0x" + text[2:].upper()
    if text.endswith("j"):
        return _normal_number(text[:-1]) + "j"
    digits, e, exponent = text.partition("e")
    whole, dot, part = digits.partition(".")
    digits = f"{whole or 0}.{part or 0}" if dot else digits
    return digits + e + exponent.removeprefix("+")


def _string(node: Any) -> Expr:
    return ir.Const(node.value, ast.literal_eval(node.value))


def _concatenated(node: Any) -> Expr:
    pieces = []
    while type(node).__name__ == "ConcatenatedString":
        pieces.append(expr(node.left))
        node = node.right
    pieces.append(expr(node))
    if all(isinstance(piece, ir.Const) for piece in pieces):
        text = " ".join(expr_text(piece) for piece in pieces)
        return ir.Const(text, ast.literal_eval(text))
    total = pieces[0]
    for piece in pieces[1:]:
        total = ir.Binary("+", total, piece)  # an f-string beside a string: the same value
    return total


def _binary(node: Any) -> Expr:
    spine = []
    while type(node).__name__ == "BinaryOperation":
        spine.append((operator(node.operator), node.right))
        node = node.left
    result = expr(node)
    for op, right in reversed(spine):
        result = ir.Binary(op, result, expr(right))
    return result


def _boolean(node: Any) -> Expr:
    op = type(node.operator)
    values: list[Expr] = []
    todo = [node]
    while todo:
        part = todo.pop()
        flat = part is node or (not part.lpar and type(getattr(part, "operator", None)) is op)
        if flat and type(part).__name__ == "BooleanOperation":
            todo += [part.right, part.left]
        else:
            values.append(expr(part))
    return ir.BoolOp(operator(node.operator), tuple(values))


def _comparison(node: Any) -> Expr:
    return ir.Compare(
        expr(node.left),
        tuple(operator(part.operator) for part in node.comparisons),
        tuple(expr(part.comparator) for part in node.comparisons),
    )


def _items(node: Any) -> tuple[Expr, ...]:
    return tuple(_element(element) for element in node.elements)


def _element(node: Any) -> Expr:
    value = expr(node.value)
    return ir.Starred(value) if type(node).__name__ == "StarredElement" else value


def _dict(node: Any) -> Expr:
    keys = tuple(optional(getattr(element, "key", None)) for element in node.elements)
    return ir.DictExpr(keys, tuple(expr(element.value) for element in node.elements))


def _postfix(node: Any) -> Expr:
    """Return `a.b(c)[d]...`, from the left."""
    spine = []
    while type(node).__name__ in _POSTFIX:
        spine.append(node)
        node = node.func if type(node).__name__ == "Call" else node.value
    result = expr(node)
    for part in reversed(spine):
        result = _POSTFIX[type(part).__name__](part, result)
    return result


def _attribute(node: Any, value: Expr) -> Expr:
    return ir.Attribute(value, node.attr.value)


def _subscript(node: Any, value: Expr) -> Expr:
    items = tuple(_index(element.slice) for element in node.slice)
    lone = len(items) == 1 and type(node.slice[0].comma).__name__ != "Comma"
    if lone and not isinstance(items[0], ir.Starred):
        return ir.Subscript(value, items[0])
    return ir.Subscript(value, ir.TupleExpr(items))


def _index(node: Any) -> Expr:
    if type(node).__name__ == "Slice":
        return ir.Slice(optional(node.lower), optional(node.upper), optional(node.step))
    value = expr(node.value)
    return ir.Starred(value) if node.star else value


def _call(node: Any, func: Expr) -> Expr:
    args: list[Expr] = []
    keywords: list[ir.Keyword] = []
    for arg in node.args:
        value = expr(arg.value)
        if arg.keyword is not None or arg.star == "**":
            keywords.append(ir.Keyword(arg.keyword.value if arg.keyword else None, value))
        else:
            args.append(ir.Starred(value) if arg.star else value)
    return ir.Call(func, tuple(args), tuple(keywords))


_POSTFIX = {"Attribute": _attribute, "Subscript": _subscript, "Call": _call}


def _comprehension(kind: str) -> Callable[[Any], Expr]:
    def lower(node: Any) -> Expr:
        clauses, part = [], node.for_in
        while part is not None:
            if part.asynchronous is not None:
                raise Refused("`async` in differentiated code", ASYNC, *_COMPREHENSIONS)
            conditions = tuple(expr(condition.test) for condition in part.ifs)
            clauses.append(ir.Clause(expr(part.target), expr(part.iter), conditions))
            part = part.inner_for_in
        element = node.value if kind == "dict" else node.elt
        key = expr(node.key) if kind == "dict" else None
        return ir.Comprehension(kind, expr(element), tuple(clauses), key)

    return lower


def _fstring(node: Any) -> Expr:
    return ir.FString(tuple(_formatted(node.parts)), node.start.replace("f", "").replace("F", ""))


def _formatted(parts: Any) -> Iterator[str | ir.FormattedValue]:
    """Yield the parts of an f-string; neighbouring literals come as one."""
    literal = ""
    for part in parts or ():
        if type(part).__name__ == "FormattedStringText":
            literal += part.value
            continue
        value, spec = expr(part.expression), tuple(_formatted(part.format_spec))
        conversion = part.conversion or ""
        if part.equal is not None:
            literal += _shown(part, value)
            conversion = conversion or ("" if part.format_spec is not None else "r")
        if literal:
            yield literal
            literal = ""
        yield ir.FormattedValue(value, conversion, spec)
    if literal:
        yield literal


def _shown(part: Any, value: Expr) -> str:
    """Return what `{value = }` shows before the value: its text as written."""
    plain = value
    while isinstance(plain, ir.Attribute):
        plain = plain.value
    if not isinstance(plain, ir.Name):
        hint = "write the text in front of the braces"
        raise Refused("`=` behind an expression in an f-string", hint, ast.JoinedStr)
    before, after = part.whitespace_before_expression.value, part.whitespace_after_expression.value
    equal = part.equal.whitespace_before.value + "=" + part.equal.whitespace_after.value
    return f"{before}{expr_text(value)}{after}{equal}"


def _named(node: Any) -> Expr:
    return ir.NamedExpr(ir.Name(node.target.value), expr(node.value))


def _refuse(what: str, hint: str, *types: type[ast.AST]) -> Callable[[Any], Expr]:
    def refuse(node: Any) -> Expr:
        raise Refused(what, hint, *types)

    return refuse


ASYNC = "differentiate the synchronous part, and await outside of it"
_COMPREHENSIONS = ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp

_EXPRESSIONS: dict[str, Callable[[Any], Expr]] = {
    "Name": _name,
    "Integer": _number(lambda text: int(text, 0)),
    "Float": _number(float),
    "Imaginary": _number(complex),
    "Ellipsis": lambda node: ir.Const("...", ...),
    "SimpleString": _string,
    "ConcatenatedString": _concatenated,
    "FormattedString": _fstring,
    "Attribute": _postfix,
    "Subscript": _postfix,
    "Call": _postfix,
    "UnaryOperation": lambda node: ir.Unary(operator(node.operator), expr(node.expression)),
    "BinaryOperation": _binary,
    "BooleanOperation": _boolean,
    "Comparison": _comparison,
    "IfExp": lambda node: ir.IfExp(expr(node.test), expr(node.body), expr(node.orelse)),
    "Tuple": lambda node: ir.TupleExpr(_items(node)),
    "List": lambda node: ir.ListExpr(_items(node)),
    "Set": lambda node: ir.SetExpr(_items(node)),
    "Dict": _dict,
    "StarredElement": _element,
    "Lambda": lambda node: ir.Lambda(params(node.params), expr(node.body)),
    "ListComp": _comprehension("list"),
    "SetComp": _comprehension("set"),
    "DictComp": _comprehension("dict"),
    "GeneratorExp": _comprehension("generator"),
    "NamedExpr": _named,
    "Yield": _refuse(
        "`yield` inside a differentiated function",
        "return a list, or differentiate the function that consumes it",
        ast.Yield,
        ast.YieldFrom,
    ),
    "Await": _refuse("`await` inside a differentiated function", ASYNC, ast.Await),
    "TemplatedString": _refuse("a template string", "use an f-string", ast.expr),
}
