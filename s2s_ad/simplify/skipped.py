"""What only a choice that was not made would add is not computed: for compiled code.

Takes the body of a generated function, gives it so; requires `ir`, `simplify.algebra`.

    hold_bar = v_bar if hold > ex else 0.0         hold_bar = v_bar if hold > ex else 0.0
    ex_bar = v_bar - hold_bar                      ex_bar = v_bar - hold_bar
    s_bar -= ex_bar * u ** n                 →     if ex_bar != 0.0:
                                                       s_bar -= ex_bar * u ** n

An adjoint may be zero for other reasons too: the derivative of the text would be another one.
Compiled text is never differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import changed_by, sole_target, with_blocks
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import subexprs
from s2s_ad.simplify.algebra import terms


@dataclass(frozen=True)
class Skipping:
    """number: whether a variable certainly is a float. work: whether an expression is a call that
    takes long and has no effect."""

    number: Callable[[str], bool]
    work: Callable[[n.Expr], bool]


def skipped(body: n.Block, tools: Skipping) -> n.Block:
    """Return the body with such statements in branches."""

    def visit(block: n.Block) -> n.Block:
        chosen: set[str] = set()
        out: list[n.Stmt] = []
        for s in block:
            s = with_blocks(s, visit)
            guard = next((x for x in sorted(chosen) if _is_of(s, x, tools)), None)
            out = _guarded(out, s, guard) if guard is not None else [*out, s]
            chosen -= changed_by(s)
            name = sole_target(s)
            if name is not None and isinstance(s, n.Assign) and tools.number(name):
                chosen |= {name} if _is_choice(s.value, chosen) else set()
        return tuple(out)

    return visit(body)


def _is_choice(e: n.Expr, chosen: set[str]) -> bool:
    """True for a value that is zero if something else was chosen, or the rest of such a value."""
    if isinstance(e, n.IfExp):
        return ZERO in (e.body, e.orelse) or _is_choice(e.orelse, chosen)
    rest = isinstance(e, n.Binary) and e.op == "-" and isinstance(e.left, n.Name)
    return rest and isinstance(e, n.Binary) and e.right in {n.Name(x) for x in chosen}


def _is_of(s: n.Stmt, name: str, tools: Skipping) -> bool:
    """True for a statement that adds nothing where a variable is zero, and computes for long."""
    if not isinstance(s, n.AugAssign) or s.op not in "+-" or s.comments.trailing is not None:
        return False
    return _vanishes(s.value, n.Name(name)) and any(map(tools.work, subexprs(s.value)))


def _vanishes(e: n.Expr, name: n.Name) -> bool:
    if isinstance(e, n.IfExp):
        return all(x == ZERO or _vanishes(x, name) for x in (e.body, e.orelse))
    return all(("*", name) in t.factors for t in terms(e))


def _guarded(out: list[n.Stmt], s: n.Stmt, name: str) -> list[n.Stmt]:
    """Return statements with one more, in the branch that the last one is if it is the same."""
    test = n.Compare(n.Name(name), ("!=",), (ZERO,))
    last = out[-1] if out else None
    if isinstance(last, n.If) and last.branches[0].test == test and not last.orelse:
        (branch,) = last.branches
        return [*out[:-1], replace(last, branches=(replace(branch, body=(*branch.body, s)),))]
    inner = replace(s, comments=n.NO_COMMENTS)
    return [*out, n.If((n.Branch(test, (inner,)),), of=s.of, origin=s.origin, comments=s.comments)]
