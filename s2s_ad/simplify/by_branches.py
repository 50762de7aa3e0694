"""What a small reverse function gives in each of its branches is added there: for compiled code.

Takes the functions of a module, gives them so; requires `ir`, `simplify.algebra`.

    a_bar, b_bar = minmod_reverse(u, v, d)         if u * v <= 0.0:
    x_bar[i] += a_bar - b_bar                          pass
    x_bar[j] += b_bar                       →      elif abs(u) < abs(v):
                                                       x_bar[i] += d
                                                   else:
                                                       x_bar[i] -= d
                                                       x_bar[j] += d

A compiler that has the function in its place still adds the zeros: to a float they may make a
difference, to an adjoint they make none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned, read_by, renamed, said_by, sole_target, with_blocks
from s2s_ad.ir.names import Names
from s2s_ad.ir.nodes import ZERO
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    assigned,
    bound_names,
    each_of,
    free_names,
    is_starred,
    map_block,
    map_stmt_exprs,
    names,
    substitute,
    walk_stmts,
)
from s2s_ad.ir.walk import inside as inside_of
from s2s_ad.simplify.algebra import terms, total

MOST_LEAVES = 4
MOST_STATEMENTS = 8  # that read what is returned, and are written once for each branch
_SIMPLE = (n.Assign, n.AugAssign)


def by_branches(
    functions: Sequence[n.Function], back: set[int], number: Callable[[str, str], bool]
) -> list[n.Function]:
    """Return the functions with such calls written out, without those that are not called now.

    back: uids of the statements of reverse sweeps; new ones are added to it. number: whether a
    variable of a function is a number; what a function of numbers gives is no array, to which its
    own callees might add.
    """
    small = {f.name: f for f in functions if _fits(f, number)}
    taken = _called(functions) | {f.name for f in functions}
    new = [_Caller(f, small, taken, back).whole() for f in functions]
    gone = _called(functions) & small.keys() - _called(new)
    return [f for f in new if f.name not in gone]


def _called(functions: Sequence[n.Function]) -> set[str]:
    return set[str]().union(*(free_names(f) for f in functions))


def _fits(f: n.Function, number: Callable[[str, str], bool]) -> bool:
    """True for a function of plain statements about numbers that returns from branches."""
    if any(p.kind != "normal" or p.default is not None for p in f.params):
        return False
    if not all(number(f.name, p.name) for p in f.params):
        return False
    if f.name in free_names(f):
        return False
    for s in walk_stmts(f.body):
        targets = s.targets if isinstance(s, n.Assign) else ()
        if isinstance(s, n.AugAssign):
            targets = (s.target,)
        if not all(isinstance(t, n.Name) for t in targets):
            return False
        if not isinstance(s, (*_SIMPLE, n.If, n.Return, n.Pass)):
            return False
    ends: list[n.Expr] = []

    def leaf(value: n.Expr, before: n.Block) -> n.Block:
        ends.append(value)
        return ()

    whole = _with_leaves(f.body, (), leaf)
    return whole is not None and 1 < len(ends) <= MOST_LEAVES


def _with_leaves(
    block: n.Block, before: n.Block, leaf: Callable[[n.Expr, n.Block], n.Block]
) -> n.Block | None:
    """Return a block with other statements in the place of those that return; None where not all
    ways through it do.

    leaf: what stands for a value that is returned behind some statements.
    """
    for k, s in enumerate(block):
        run = block[:k]
        if isinstance(s, n.Return) and s.value is not None:
            return (*run, *leaf(s.value, (*before, *run)))
        if isinstance(s, n.If) and any(isinstance(x, n.Return) for x in walk_stmts((s,))):
            here = (*before, *run)
            bodies = [_with_leaves(b.body, here, leaf) for b in s.branches]
            rest = _with_leaves((*s.orelse, *block[k + 1 :]), here, leaf)
            if rest is None or any(body is None for body in bodies):
                return None
            pairs = zip(s.branches, bodies)
            branches = tuple(replace(b, body=body or (n.Pass(),)) for b, body in pairs)
            only = rest[0] if len(rest) == 1 else None
            if isinstance(only, n.If) and only.comments == n.NO_COMMENTS:
                branches, rest = (*branches, *only.branches), only.orelse
            return (*run, replace(s, branches=branches, orelse=rest))
    return None


class _Caller:
    def __init__(
        self,
        function: n.Function,
        small: Mapping[str, n.Function],
        taken: set[str],
        back: set[int],
    ) -> None:
        self.function = function
        self.small = small
        self.back = back
        self.own = bound_names(function.body) | {p.name for p in function.params}
        self.names = Names(self.own | taken)

    def whole(self) -> n.Function:
        return replace(self.function, body=self.block(self.function.body))

    def block(self, block: n.Block) -> n.Block:
        out: list[n.Stmt] = []
        k = 0
        while k < len(block):
            s = block[k]
            found = self.called(s)
            end = self.end(block, k) if found is not None else None
            if found is None or end is None or s.uid not in self.back:
                out.append(with_blocks(s, self.block))
                k += 1
                continue
            out.extend(self.written_out(s, found, block[k + 1 : end]))
            k = end
        return tuple(out)

    def called(self, s: n.Stmt) -> n.Call | None:
        """Return the call whose pieces a statement takes, if its function can be written out."""
        if not isinstance(s, n.Assign) or len(s.targets) != 1 or not isinstance(s.value, n.Call):
            return None
        func = s.value.func
        callee = self.small.get(func.id) if isinstance(func, n.Name) else None
        if callee is None or s.value.keywords or len(s.value.args) != len(callee.params):
            return None
        if is_starred(s.value) or free_names(callee) & self.own:
            return None
        parts = each_of(s.targets[0])
        pieces = (r.value for r in walk_stmts(callee.body) if isinstance(r, n.Return) and r.value)
        alike = all(len(each_of(e)) == len(parts) for e in pieces)
        return s.value if alike and all(isinstance(t, n.Name) for t in parts) else None

    def end(self, block: n.Block, k: int) -> int | None:
        """Return how far the statements go that read what statement `k` gives; None where others
        than a few plain ones of the same block do."""
        made = assigned((block[k],))
        readers = [j for j in range(k + 1, len(block)) if made & mentioned((block[j],))]
        end = readers[-1] + 1 if readers else k + 1
        inside = block[k + 1 : end]
        plain = all(isinstance(s, _SIMPLE) and s.uid in self.back for s in inside)
        if not plain or len(inside) > MOST_STATEMENTS or made & assigned(inside):
            return None
        if any(inside_of(s, n.Call) for s in inside):
            return None  # a call once for each branch, which may make arrays, is worse than a zero
        here = {s.uid for s in block[k:end]}
        others = (s for s in walk_stmts(self.function.body) if s.uid not in here)
        return None if any(made & said_by(s) for s in others) else end

    def written_out(self, s: n.Stmt, call: n.Call, behind: n.Block) -> Iterator[n.Stmt]:
        """Yield what stands for a call, and for the statements that read what it gives."""
        assert isinstance(s, n.Assign) and isinstance(call.func, n.Name)
        callee = self.small[call.func.id]
        bound = bound_names(callee.body)
        new: dict[str, n.Expr] = {}
        lead: list[n.Stmt] = []
        for p, arg in zip(callee.params, call.args):
            plain = isinstance(arg, n.Name) and arg.id not in assigned(behind)
            if p.name not in bound and (plain or isinstance(arg, n.Const)):
                new[p.name] = arg
                continue
            name = n.Name(self.names.fresh(p.name))
            new[p.name] = name
            lead.append(n.Assign((name,), arg, of=s.of, origin=s.origin))
        for x in sorted(bound - new.keys()):
            new[x] = n.Name(self.names.fresh(x))
        targets = each_of(s.targets[0])

        def leaf(value: n.Expr, before: n.Block) -> n.Block:
            pieces = {
                t.id: _resolved(e, before)
                for t, e in zip(targets, each_of(value))
                if isinstance(t, n.Name)
            }
            return tuple(_with_pieces(behind, pieces, s))

        # the statements of the caller are put in behind: their names are none of the callee's
        body = _with_leaves(renamed(callee.body, new), (), leaf)
        assert body is not None
        made = {x.id for x in new.values() if isinstance(x, n.Name)} - self.own
        read = {x for t in walk_stmts(body) for x in read_by(t)}
        idle = made - read

        def kept(t: n.Stmt) -> tuple[n.Stmt, ...]:
            return () if sole_target(t) in idle else self.ours(t)

        first = (*lead, *map_block(body, kept))
        comments = replace(first[0].comments, before=s.comments.before)
        yield replace(first[0], comments=comments)
        yield from first[1:]

    def ours(self, s: n.Stmt) -> tuple[n.Stmt, ...]:
        """Return a statement as one of this function alone."""
        s = replace(s, uid=n.fresh_uid())
        self.back.add(s.uid)
        return (s,)


def _resolved(e: n.Expr, before: n.Block) -> n.Expr:
    """Return what a variable was given by the last of some statements that bind it, where that is
    zero, or another variable that has not changed since."""
    changed: set[str] = set()
    for s in reversed(before):
        if isinstance(e, n.Name) and e.id in assigned((s,)):
            value = s.value if isinstance(s, n.Assign) and s.targets == (e,) else None
            plain = isinstance(value, n.Name) and value.id not in changed | {e.id}
            return value if value is not None and (plain or value == ZERO) else e
        changed |= assigned((s,))
    return e


def _with_pieces(behind: n.Block, pieces: Mapping[str, n.Expr], s: n.Stmt) -> Iterator[n.Stmt]:
    """Yield statements with pieces in the place of their names, without what adds nothing."""
    changed = assigned(behind)
    put: dict[str, n.Expr] = {}
    for name, e in pieces.items():
        if e == ZERO or (isinstance(e, n.Name) and e.id not in changed):
            put[name] = e
        else:
            yield n.Assign((n.Name(name),), e, of=s.of, origin=s.origin)
    zeros = {name for name, e in put.items() if e == ZERO}
    for x in behind:
        adds = isinstance(x, n.AugAssign) and x.op in ("+", "-") and zeros & names(x.value)
        new = map_stmt_exprs(x, lambda e: substitute(e, put))
        if adds and isinstance(new, n.AugAssign):
            sign, value = total(terms(new.value))
            if value == ZERO:
                continue
            op = new.op if sign > 0 else "-" if new.op == "+" else "+"
            new = replace(new, op=op, value=value)
        yield new
