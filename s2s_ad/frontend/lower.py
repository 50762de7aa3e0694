"""From text to the intermediate representation. The only module that knows libcst.

Takes a `Source` or the text of a module, gives a `Function` whose statements know where they come
from and keep every comment; requires libcst, `frontend.layout`, `ir` and `errors`. What the
representation cannot hold is refused with its place (UnsupportedSyntax).

The first string of a body is its docstring, cleaned of its indentation. A declaration without
a value (`x: float`) does nothing in a function and is dropped. Comments inside an expression that
spans several lines go above its statement.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import libcst as cst

from s2s_ad.ir.remembered import replace

from ..errors import Place, UnsupportedSyntax
from ..ir import nodes as ir
from ..ir.nodes import NO_COMMENTS, Block, Comments, Expr, Function, Stmt
from ..ir.text import expr_text
from ..ir.walk import names
from . import layout
from .layout import Layout
from .lower_expr import ASYNC, Refused, expr, operator, optional
from .lower_expr import params as params_of
from .private import with_private_names

if TYPE_CHECKING:
    from .source import Source


@functools.lru_cache(maxsize=1024)
def lower(source: Source) -> Function:
    """Return the function that `source` holds, without decorators; a lambda is `anonymous`."""
    # parentheses and `if` let indented text parse; dedenting would change its multi-line strings
    anonymous = source.name == "<lambda>"
    text = f"(\n{source.text}\n)" if anonymous else f"if True:\n{source.text}"
    if not anonymous and not source.text[:1].isspace():
        text = f"\n{source.text}"
    tree, at = layout.parse(text, source.file, source.first_line - 2)
    module = _parsed(text, at)
    nodes: Sequence[Any] = module.body
    [node], [place] = nodes, tree.body
    if anonymous:
        f = _anonymous(node, place, at)
    else:
        if isinstance(node, cst.If) and isinstance(place, ast.If):
            [node], [place] = node.body.body, place.body
        f = replace(_function(_refused_async(node, place, at), place, at), decorators=())
    return with_private_names(f, source.owner) if source.owner else f


def lower_module(text: str, file: str) -> dict[str, Function]:
    """Return every function that is defined at the top level of `text`, by name."""
    tree, at = layout.parse(text, file, 0)
    module = _parsed(text, at)
    found: dict[str, Function] = {}
    header = _comments_of(module.header)
    for node, place in _pairs(module.body, tree.body):
        if isinstance(node, cst.FunctionDef):
            f = _function(_refused_async(node, place, at), place, at)
            if header:
                f = _with_before(f, header)
            found[f.name] = f
        header = ()
    return found


def _parsed(text: str, at: Layout) -> cst.Module:
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        line = min(error.raw_line, len(at.lines))
        shown = at.lines[line - 1]
        place = Place(at.file, line + at.shift, error.raw_column, len(shown), shown)
        message = "syntax that the parser of s2s_ad does not know"
        raise UnsupportedSyntax(message, place, "a newer libcst may know it") from error


# -- refusals ---------------------------------------------------------------------------


def _located(refused: Refused, statement: ast.stmt, at: Layout) -> UnsupportedSyntax:
    """Return the refusal of what is in `statement`, but not in the blocks below it."""
    todo: list[ast.AST] = [statement]
    for node in todo:
        if isinstance(node, refused.types) and isinstance(node, (ast.expr, ast.stmt)):
            return UnsupportedSyntax(refused.what, at.place(node), refused.hint)
        todo += [n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.stmt)]
    return UnsupportedSyntax(refused.what, at.place(statement), refused.hint)


_REFUSED: dict[type[cst.CSTNode], tuple[str, str]] = {
    cst.ClassDef: ("a class defined inside a function", "define the class at module level"),
    cst.Match: ("`match` inside a differentiated function", "write it with `if` and `elif`"),
    cst.TryStar: ("`except*` inside a differentiated function", "catch plain exceptions"),
    cst.TypeAlias: ("a `type` statement inside a function", "define the alias at module level"),
}


def _refused_async(node: Any, place: ast.AST, at: Layout) -> Any:
    """Return `node` when it runs synchronously."""
    if getattr(node, "asynchronous", None) is not None:
        assert isinstance(place, ast.stmt)
        raise UnsupportedSyntax("`async` in differentiated code", at.place(place), ASYNC)
    return node


# -- comments ---------------------------------------------------------------------------


def _comments_of(lines: Iterable[cst.EmptyLine]) -> tuple[str, ...]:
    return tuple(line.comment.value for line in lines if line.comment)


def _above(lines: Sequence[cst.EmptyLine]) -> tuple[str, ...]:
    """Return the comments above a statement, the empty lines among them as empty comments."""
    found: list[str] = []
    for line in lines:
        text = line.comment.value if line.comment else ""
        if text or not found or found[-1]:
            found.append(text)
    return tuple(found)


def _trailing(whitespace: cst.TrailingWhitespace) -> str | None:
    return whitespace.comment.value if whitespace.comment else None


def _with_before(node: Any, comments: tuple[str, ...]) -> Any:
    """Return a statement, branch, handler or function with `comments` above its own."""
    if not comments:
        return node
    return replace(node, comments=replace(node.comments, before=comments + node.comments.before))


def _with_after(s: Stmt, comments: tuple[str, ...]) -> Stmt:
    return replace(s, comments=replace(s.comments, after=s.comments.after + comments))


# -- functions and blocks ---------------------------------------------------------------


def _function(node: cst.FunctionDef, place: Any, at: Layout) -> Function:
    before = _comments_of(node.leading_lines)
    for decorator, where in zip(node.decorators, place.decorator_list):
        before += _comments_of(decorator.leading_lines)
        before += at.inner_comments(where.lineno, where.end_lineno)
        before += tuple(filter(None, [_trailing(decorator.trailing_whitespace)]))
    before += _comments_of(node.lines_after_decorators) + _header_comments(node, place, at)
    try:
        params = params_of(node.params)
        decorators = tuple(expr(decorator.decorator) for decorator in node.decorators)
        returns = expr(node.returns.annotation) if node.returns else None
    except Refused as refused:
        raise _located(refused, place, at) from None
    generic = {param.name for param in getattr(place, "type_params", ())}
    if generic:  # `def f[T](x: T)`: T is known nowhere else
        params = tuple(replace(p, annotation=_unless(p.annotation, generic)) for p in params)
        returns = _unless(returns, generic)
    docstring = ast.get_docstring(place)
    body, rest = _block(node.body, place.body, at, docstring=True)
    if not body and docstring is None:
        body, rest = (ir.Pass(comments=Comments(before=rest)),), ()
    return Function(
        name=node.name.value,
        params=params,
        body=body,
        docstring=docstring and "\n".join(map(str.rstrip, docstring.split("\n"))).strip("\n"),
        returns=returns,
        decorators=decorators,
        origin=at.origin(place),
        comments=Comments(before=before, trailing=_header_trailing(node.body), after=rest),
    )


def _unless(annotation: Expr | None, generic: set[str]) -> Expr | None:
    return None if annotation is None or names(annotation) & generic else annotation


def _anonymous(node: Any, place: ast.stmt, at: Layout) -> Function:
    assert isinstance(place, ast.Expr)
    value = node.body[0].value
    try:
        params, result = params_of(value.params), expr(value.body)
    except Refused as refused:
        raise _located(refused, place, at) from None
    origin = at.origin(place.value)
    comments = Comments(before=at.inner_comments(1, len(at.lines)))
    body = (ir.Return(value=result, origin=origin, comments=comments),)
    return Function("anonymous", params, body, origin=origin)


def _pairs(body: Sequence[Any], places: list[ast.stmt]) -> Iterator[tuple[Any, Any]]:
    """Yield the lines and compound statements of a block, each with its place.

    The place of a line is the list of those of its statements (`a = 1; b = 2` are two).
    """
    start = 0
    for node in body:
        if isinstance(node, cst.SimpleStatementLine):
            yield node, places[start : start + len(node.body)]
            start += len(node.body)
        else:
            yield node, places[start]
            start += 1


def _block(
    node: Any, places: list[ast.stmt], at: Layout, docstring: bool = False
) -> tuple[Block, tuple[str, ...]]:
    """Return the statements of a body, and the comments that are left when it is empty."""
    if isinstance(node, cst.SimpleStatementSuite):
        # comments of its logical line were found when its header was read
        pairs: Iterator[tuple[Any, Any]] = iter([(node, places)])
        footer: tuple[str, ...] = ()
    else:
        pairs = _pairs(node.body, places)
        footer = _comments_of(node.footer)
    found: list[Stmt] = []
    pending: tuple[str, ...] = ()
    first = docstring
    for item, where in pairs:
        if isinstance(where, list):
            new, left = _line(item, where, at, first)
        else:
            new, left = [_compound(item, where, at)], ()
        if new:
            new[0] = _with_before(new[0], pending)
            pending = ()
        found += new
        pending += left
        first = False
    if found and found[0].comments.before[:1] == ("",):
        before = found[0].comments.before[1:]
        found[0] = replace(found[0], comments=replace(found[0].comments, before=before))
    rest = tuple(filter(None, pending + footer))
    if found and rest:
        found[-1] = _with_after(found[-1], rest)
        rest = ()
    return tuple(found), rest


def _line(
    node: Any, places: list[Any], at: Layout, docstring: bool
) -> tuple[list[Stmt], tuple[str, ...]]:
    """Return the statements of one line, or the comments it leaves when it holds none."""
    before: tuple[str, ...] = ()
    if isinstance(node, cst.SimpleStatementLine):
        before = _above(node.leading_lines)
        before += at.inner_comments(places[0].lineno, places[-1].end_lineno)
    trailing = _trailing(node.trailing_whitespace)
    found: list[Stmt] = []
    for small, place in zip(node.body, places):
        if docstring and _is_string(place):
            docstring = False
            continue
        docstring = False
        if isinstance(small, cst.AnnAssign) and small.value is None:
            continue
        try:
            found.append(_SIMPLE[type(small)](small, {"origin": at.origin(place)}))
        except Refused as refused:
            raise _located(refused, place, at) from None
    if not found:
        return [], before + tuple(filter(None, [trailing]))
    found[0] = _with_before(found[0], before)
    if trailing:
        found[-1] = replace(found[-1], comments=replace(found[-1].comments, trailing=trailing))
    return found, ()


def _is_string(place: ast.stmt) -> bool:
    value = place.value if isinstance(place, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _header_comments(node: Any, place: Any, at: Layout) -> tuple[str, ...]:
    """Return the comments inside the header of a compound statement that spans several lines."""
    body = place.body[0]
    suite = isinstance(node.body, cst.SimpleStatementSuite)
    return at.inner_comments(place.lineno, body.end_lineno if suite else body.lineno - 1)


def _header_trailing(body: Any) -> str | None:
    return _trailing(body.header) if isinstance(body, cst.IndentedBlock) else None


# -- statements -------------------------------------------------------------------------


def _compound(node: Any, place: Any, at: Layout) -> Stmt:
    if type(node) in _REFUSED:
        what, hint = _REFUSED[type(node)]
        raise UnsupportedSyntax(what, at.place(place), hint)
    _refused_async(node, place, at)
    if isinstance(node, cst.FunctionDef):
        f = _function(node, place, at)
        comments = f.comments
        return ir.FunctionDef(
            function=replace(f, comments=NO_COMMENTS), origin=f.origin, comments=comments
        )
    before = _above(node.leading_lines) + _header_comments(node, place, at)
    comments = Comments(before=before, trailing=_header_trailing(node.body))
    meta = {"origin": at.origin(place), "comments": comments}
    try:
        return _COMPOUND[type(node)](node, place, at, meta)
    except Refused as refused:
        raise _located(refused, place, at) from None


def _else(node: Any, places: list[ast.stmt], at: Layout, meta: dict[str, Any]) -> Block:
    """Return the block of `else:`, its comments added to those in `meta`."""
    if node is None:
        return ()
    meta["comments"] = replace(
        meta["comments"],
        orelse=_comments_of(node.leading_lines),
        orelse_trailing=_header_trailing(node.body),
    )
    return _filled(node.body, places, at)


def _filled(node: Any, places: list[ast.stmt], at: Layout) -> Block:
    """Return the statements of a body; one `pass` when nothing else is left of it."""
    body, rest = _block(node, places, at)
    return body or (ir.Pass(comments=Comments(before=rest)),)


def _if(node: cst.If, place: ast.If, at: Layout, meta: dict[str, Any]) -> Stmt:
    branches = [ir.Branch(expr(node.test), _filled(node.body, place.body, at))]
    branches[0] = replace(branches[0], origin=meta["origin"])
    while isinstance(node.orelse, cst.If):
        [below] = place.orelse
        assert isinstance(below, ast.If)
        node, place = node.orelse, below
        before = _comments_of(node.leading_lines) + _header_comments(node, place, at)
        comments = Comments(before=before, trailing=_header_trailing(node.body))
        body = _filled(node.body, place.body, at)
        try:
            test = expr(node.test)
        except Refused as refused:
            raise _located(refused, place, at) from None
        branches.append(ir.Branch(test, body, comments, at.origin(place)))
    orelse = _else(node.orelse, place.orelse, at, meta)
    return ir.If(branches=tuple(branches), orelse=orelse, **meta)


def _for(node: cst.For, place: ast.For, at: Layout, meta: dict[str, Any]) -> Stmt:
    target, items = expr(node.target), expr(node.iter)
    body = _filled(node.body, place.body, at)
    orelse = _else(node.orelse, place.orelse, at, meta)
    return ir.For(target=target, iter=items, body=body, orelse=orelse, **meta)


def _while(node: cst.While, place: ast.While, at: Layout, meta: dict[str, Any]) -> Stmt:
    test, body = expr(node.test), _filled(node.body, place.body, at)
    return ir.While(test=test, body=body, orelse=_else(node.orelse, place.orelse, at, meta), **meta)


def _with(node: cst.With, place: ast.With, at: Layout, meta: dict[str, Any]) -> Stmt:
    items = tuple(
        (expr(item.item), expr(item.asname.name) if item.asname else None) for item in node.items
    )
    return ir.With(items=items, body=_filled(node.body, place.body, at), **meta)


def _try(node: cst.Try, place: ast.Try, at: Layout, meta: dict[str, Any]) -> Stmt:
    body = _filled(node.body, place.body, at)
    handlers = []
    for handler, where in zip(node.handlers, place.handlers):
        before = _comments_of(handler.leading_lines) + _header_comments(handler, where, at)
        comments = Comments(before=before, trailing=_header_trailing(handler.body))
        name = handler.name.name if handler.name else None
        handlers.append(
            ir.Handler(
                optional(handler.type),
                name.value if isinstance(name, cst.Name) else None,
                _filled(handler.body, where.body, at),
                comments,
            )
        )
    orelse = _else(node.orelse, place.orelse, at, meta)
    final: Block = ()
    if node.finalbody:
        final = _filled(node.finalbody.body, place.finalbody, at)
        above = _comments_of(node.finalbody.leading_lines)
        above += tuple(filter(None, [_header_trailing(node.finalbody.body)]))
        final = (_with_before(final[0], above), *final[1:])
    return ir.Try(body=body, handlers=tuple(handlers), orelse=orelse, final=final, **meta)


_COMPOUND: dict[type, Callable[[Any, Any, Layout, dict[str, Any]], Stmt]] = {
    cst.If: _if,
    cst.For: _for,
    cst.While: _while,
    cst.With: _with,
    cst.Try: _try,
}


def _assign(node: cst.Assign, meta: dict[str, Any]) -> Stmt:
    targets = tuple(expr(target.target) for target in node.targets)
    match targets, expr(node.value):
        case (ir.Name() as target,), ir.Call(ir.Attribute(ir.Name(stack), "pop"), (), ()):
            return ir.Pop(target=target, stack=stack, **meta)
        case _, value:
            return ir.Assign(targets=targets, value=value, **meta)


def _ann_assign(node: cst.AnnAssign, meta: dict[str, Any]) -> Stmt:
    assert node.value is not None
    target, annotation = expr(node.target), expr(node.annotation.annotation)
    return ir.Assign(targets=(target,), value=expr(node.value), annotation=annotation, **meta)


def _expr_stmt(node: cst.Expr, meta: dict[str, Any]) -> Stmt:
    match expr(node.value):
        case ir.Call(ir.Attribute(ir.Name(stack), "append"), (value,), ()) if not isinstance(
            value, ir.Starred
        ):
            return ir.Append(stack=stack, value=value, **meta)
        case value:
            return ir.ExprStmt(value=value, **meta)


def _del(node: cst.Del, meta: dict[str, Any]) -> Stmt:
    target = expr(node.target)
    return ir.Delete(
        targets=target.items if isinstance(target, ir.TupleExpr) else (target,), **meta
    )


def _raise(node: cst.Raise, meta: dict[str, Any]) -> Stmt:
    cause = node.cause.item if node.cause else None
    return ir.Raise(exception=optional(node.exc), cause=optional(cause), **meta)


def _declared(node: cst.Global | cst.Nonlocal) -> tuple[str, ...]:
    return tuple(item.name.value for item in node.names)


def _import(node: cst.Import | cst.ImportFrom, meta: dict[str, Any]) -> Stmt:
    if isinstance(node.names, cst.ImportStar):
        raise Refused("`import *` inside a function", "import the names that are used", ast.stmt)
    start, module = "import", ""
    if isinstance(node, cst.ImportFrom):
        module = "." * len(node.relative) + (expr_text(expr(node.module)) if node.module else "")
        start = f"from {module} import"
    shown: list[str] = []
    bindings: list[tuple[str, str, str | None]] = []
    for alias in node.names:
        name, asname = alias.evaluated_name, alias.evaluated_alias
        shown.append(f"{name} as {asname}" if asname else name)
        if module:
            bindings.append((asname or name, module, name))
        elif asname:
            bindings.append((asname, name, None))
        else:
            bindings.append((name.split(".")[0], name.split(".")[0], None))
    return ir.Import(text=f"{start} {', '.join(shown)}", bindings=tuple(bindings), **meta)


_SIMPLE: dict[type, Callable[[Any, dict[str, Any]], Stmt]] = {
    cst.Assign: _assign,
    cst.AnnAssign: _ann_assign,
    cst.AugAssign: lambda node, meta: ir.AugAssign(
        target=expr(node.target),
        op=operator(node.operator),
        value=expr(node.value),
        **meta,
    ),
    cst.Expr: _expr_stmt,
    cst.Return: lambda node, meta: ir.Return(value=optional(node.value), **meta),
    cst.Pass: lambda node, meta: ir.Pass(**meta),
    cst.Break: lambda node, meta: ir.Break(**meta),
    cst.Continue: lambda node, meta: ir.Continue(**meta),
    cst.Assert: lambda node, meta: ir.Assert(
        test=expr(node.test), message=optional(node.msg), **meta
    ),
    cst.Raise: _raise,
    cst.Del: _del,
    cst.Global: lambda node, meta: ir.Global(names=_declared(node), **meta),
    cst.Nonlocal: lambda node, meta: ir.Global(names=_declared(node), keyword="nonlocal", **meta),
    cst.Import: _import,
    cst.ImportFrom: _import,
}
