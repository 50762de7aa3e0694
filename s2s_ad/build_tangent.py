"""Forward mode of one prepared function, sub-expressions given names as they are needed.

Takes a `Prepared` function, gives its tangent function; requires `transform`, `simplify`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from s2s_ad.build_finish import live, sharing_of
from s2s_ad.build_naming import name_expressions, wish
from s2s_ad.build_prepare import Prepared
from s2s_ad.build_variables import tangents_of
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import said_by
from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, adjoint_kind
from s2s_ad.ir.names import marked
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, blocks, names, walk_stmts
from s2s_ad.simplify import factors, plain
from s2s_ad.simplify.early import early
from s2s_ad.simplify.inline import Inlining, inline
from s2s_ad.simplify.ownership import Buffers, own
from s2s_ad.simplify.share import share
from s2s_ad.transform.context import Context, NeedsName
from s2s_ad.transform.copies import copied_adjoint
from s2s_ad.transform.tangent import tangent

ROUNDS = 4  # what has got one name may make more alike


def tangent_function(
    prepared: Prepared, wrt: tuple[str, ...], name: str, pure: Callable[[n.Expr], bool]
) -> tuple[n.Function, Mapping[str, Kind]]:
    """Return the tangent function, called `name`, and the kinds of the primal's variables in it."""
    options = prepared.program.options
    tidy = plain if "algebra" in options else factors
    called = None if "share" in options else wish
    while True:
        taken = set(prepared.names.taken)
        context = prepared.context()
        try:
            found, made = tangent(context, wrt, name, tidy, called)
        except NeedsName as need:
            prepared.names.taken = taken
            wanted = [(need.uid, need.expr)]
            prepared.function = name_expressions(prepared, wanted, lambda e: True)
            continue
        kinds = {**context.facts.kinds(), **made}
        body = _owned(prepared, context, kinds, found.body)
        body = live(body, pure, options, prepared.context().changes_others())
        if "share" not in options:
            body = _shared(prepared, context, kinds, made, body, pure)
        return replace(found, body=body), kinds


def _shared(
    prepared: Prepared,
    context: Context,
    kinds: Mapping[str, Kind],
    made: Collection[str],
    body: n.Block,
    pure: Callable[[n.Expr], bool],
) -> n.Block:
    """Return the body with what a tangent and its primal, or two tangents, compute named once."""
    dots = {dot for (_, mark), dot in context.marks.items() if mark == "dot"}
    primal = {s.uid for s in walk_stmts(prepared.function.body)}
    back = frozenset(
        s.uid for s in walk_stmts(body) if s.uid not in primal or not dots.isdisjoint(_mentioned(s))
    )
    arrays = {x for x, kind in tangents_of(kinds).items() if isinstance(kind, Array) and kind.dims}

    def called(e: n.Expr) -> str:
        return marked(wish(e), "dot") if names(e) & dots else wish(e)

    sharing = sharing_of(prepared, [(kinds, context)], "dot", back, pure, called)
    sharing = replace(sharing, least=2, held=1, array=arrays.__contains__, buffers=False)
    sharing = replace(sharing, name=prepared.names.fresh_value)
    users = {x for x, _ in context.marks} - set(made) | prepared.subject.locals
    users |= {context.mark(x, "dot") for x in users if (x, "dot") in context.marks}
    for _ in range(ROUNDS):
        before = body
        body, back = share(body, replace(sharing, back=back))
        ours = {x for s in walk_stmts(body) for x in assigned((s,))} - users
        body = early(body, ours.__contains__)
        body = inline(body, Inlining(ours.__contains__, pure, back))
        if body == before:
            break
    return body


def _mentioned(s: n.Stmt) -> set[str]:
    bound = set[str]() if any(blocks(s)) else assigned((s,))
    return bound | said_by(s)


def _owned(
    prepared: Prepared, context: Context, kinds: Mapping[str, Kind], body: n.Block
) -> n.Block:
    """Copy tangents that are stored into where their storage may be that of another variable."""
    of = {dot: name for (name, mark), dot in context.marks.items() if mark == "dot"}

    def kind(name: str) -> Kind:
        known = kinds.get(of.get(name, name), UNKNOWN)
        return adjoint_kind(known) if name in of else known

    def add(a: n.Expr, b: n.Expr) -> n.Expr:
        return n.Call(context.helper("add"), (a, b))

    def copy(dot: str, whole: bool) -> n.Expr:
        return copied_adjoint(context, dot, kind(dot), True)

    buffers = Buffers(kind, prepared.newness_here, add, copy, frozenset(of), adds=False)
    return own(body, buffers)
