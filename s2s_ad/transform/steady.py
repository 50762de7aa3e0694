"""What is read for its shape alone is read off a variable that keeps its value.

Takes the statements of a reverse sweep, gives them with other templates in loops; requires `ir`,
`analysis`.

    flux_bar = np.zeros_like(flux)      →       flux_bar = np.zeros_like(conductivity)

where `flux` is a variable of the loop, and has the shape of `conductivity`. Otherwise it would be
kept at each step for its shape. Where nothing has that, and the reverse reads it for nothing else,
its lengths are written out: `np.zeros((speed.shape[0] + 2, 3))`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from s2s_ad.analysis.values import PASSIVE, Value
from s2s_ad.ir import nodes as n
from s2s_ad.ir.kinds import Array, Dim, Kind
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, assigned, bound_names, map_block, map_parts, walk_stmts
from s2s_ad.transform.context import Context
from s2s_ad.transform.shapes import same_shape
from s2s_ad.transform.stand_ins import shown


def steady(context: Context, backward: n.Block) -> n.Block:
    """Return a reverse sweep in which loops read shapes off variables that keep their values."""
    return _Steady(context).block(backward)


class _Steady:
    def __init__(self, context: Context) -> None:
        self.context = context
        # how often the loop at hand reads a variable, other than for its shape
        self.read: Counter[str] = Counter()
        body = context.function.body
        bound = Counter(x for s in walk_stmts(body) for x in bound_names((s,)) if _binds(s, x))
        params = [p.name for p in context.function.params]
        made = [
            s.targets[0].id
            for s in body
            if isinstance(s, n.Assign) and isinstance(s.targets[0], n.Name) and len(s.targets) == 1
        ]
        self.kept = [x for x in params if not bound[x]] + [x for x in made if bound[x] == 1]
        every = assigned(body)
        self.kept = [x for x in dict.fromkeys(self.kept) if x in every or x in params]
        self.defined = {
            s.targets[0].id: s
            for s in walk_stmts(body)
            if isinstance(s, n.Assign)
            and len(s.targets) == 1
            and isinstance(s.targets[0], n.Name)
            and bound[s.targets[0].id] == 1
        }

    def block(self, backward: n.Block) -> n.Block:
        def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
            if isinstance(s, n.For):
                every = [e for x in walk_stmts(s.body) for e in all_parts(x)]
                self.read = Counter(e.id for e in every if isinstance(e, n.Name))
                self.read.subtract(x for e in every if (x := self.like(e)))
                return (replace(s, body=map_block(s.body, inside)),)
            return (s,)

        def inside(s: n.Stmt) -> tuple[n.Stmt, ...]:
            if s.of is None or not isinstance(s, (n.Assign, n.AugAssign)):
                return (s,)
            return (map_parts(s, lambda x: self.templates(x, s)),)

        return map_block(backward, visit)

    def templates(self, e: n.Expr, s: n.Stmt) -> n.Expr:
        """Return a call with another argument in the place of one that is there for its shape."""
        place = shown(e)
        if isinstance(e, n.Call) and isinstance(e.func, n.Attribute):
            if e.func != self.context.np("zeros_like") or len(e.args) != 1 or e.keywords:
                return e
            like = self.other(e.args[0], s, double=True)
            return self.zeros(e, s) or e if like is None else replace(e, args=(like,))
        if not isinstance(e, n.Call) or place != 1 or e.func != self.context.helper("unbroadcast"):
            return e
        like = self.other(e.args[1], s)
        return e if like is None else replace(e, args=(e.args[0], like))

    def like(self, e: n.Expr) -> str:
        """Return the variable that zeros are made of the shape of, "" for other expressions."""
        if not isinstance(e, n.Call) or e.func != self.context.np("zeros_like") or e.keywords:
            return ""
        return e.args[0].id if len(e.args) == 1 and isinstance(e.args[0], n.Name) else ""

    def zeros(self, e: n.Call, s: n.Stmt) -> n.Expr | None:
        """Return zeros of lengths that are written out, for those of the shape of a variable."""
        like = self.like(e)
        if s.of is None or not like or like in self.kept or self.read[like]:
            return None
        env, after = self.context.facts.before.get(s.of, {}), self.context.facts.after.get(s.of, {})
        kind = env.get(like, PASSIVE).kind
        if not _equal(kind, after.get(like, PASSIVE).kind):
            return None
        if not isinstance(kind, Array) or not kind.double or kind.dims is None:
            return None
        lengths = [self.length(dim, env) for dim in kind.dims]
        shape = tuple(x for x in lengths if x is not None)
        if not shape or len(shape) < len(lengths):
            return None
        whole = n.TupleExpr(shape) if len(shape) > 1 else shape[0]
        return n.Call(self.context.np("zeros"), (whole,))

    def length(self, dim: Dim, env: Mapping[str, Value]) -> n.Expr | None:
        """Return a length as that of an axis of a variable that keeps its value."""
        if dim.symbol.isdigit():
            count = int(dim.symbol) + dim.offset
            return n.Const(str(count), count)
        found: list[tuple[int, n.Expr]] = []
        for x in self.kept:
            kind = env.get(x, PASSIVE).kind
            for axis, own in enumerate((kind.dims if isinstance(kind, Array) else None) or ()):
                by = dim.offset - own.offset
                if own.symbol == dim.symbol and (by >= 0 or dim.least > 0):
                    place = n.Const(str(axis), axis)
                    found.append((by, n.Subscript(n.Attribute(n.Name(x), "shape"), place)))
        if not found:
            return None
        by, length = min(found, key=lambda pair: abs(pair[0]))
        more = n.Const(str(abs(by)), abs(by))
        return n.Binary("+" if by > 0 else "-", length, more) if by else length

    def other(self, e: n.Expr, s: n.Stmt, double: bool = False) -> n.Expr | None:
        """Return an expression of the same shape that reads a variable which keeps its value."""
        if isinstance(e, n.Subscript):
            like = self.other(e.value, s)
            return None if like is None or double else replace(e, value=like)
        if not isinstance(e, n.Name) or e.id in self.kept or s.of is None:
            return None
        env = self.context.facts.before.get(s.of, {})
        after = self.context.facts.after.get(s.of, {})
        kind = env.get(e.id, PASSIVE).kind
        # of what the statement binds, either value may be meant
        if _equal(kind, after.get(e.id, PASSIVE).kind):
            for x in self.kept:
                other = env.get(x, PASSIVE).kind
                if _equal(kind, other) and _suits(kind, other, double):
                    return n.Name(x)
        definition = self.defined.get(e.id)
        if definition is None:
            return None
        env = self.context.facts.before.get(definition.uid, {})
        kind = self.context.facts.after.get(definition.uid, {}).get(e.id, PASSIVE).kind
        for part in _operands(definition.value):
            if isinstance(part, n.Name) and part.id in self.kept and part.id in env:
                other = env[part.id].kind
                if same_shape(kind, other) and _suits(kind, other, double):
                    return part
        return None


def _suits(kind: Kind, other: Kind, double: bool) -> bool:
    """True when zeros like one are zeros like the other, if that matters."""
    if not isinstance(kind, Array) or not isinstance(other, Array):
        return False
    return not double or (kind.double and other.double)


def _binds(s: n.Stmt, name: str) -> bool:
    """True for a statement that itself, not one inside it, binds a variable."""
    if isinstance(s, (n.If, n.While, n.Try, n.With)):
        return isinstance(s, (n.Try, n.With))
    return not isinstance(s, n.For) or name in bound_names((replace(s, body=(), orelse=()),))


def _equal(a: Kind, b: Kind) -> bool:
    """True for arrays with the same lengths by name, wherever they come from."""
    if not isinstance(a, Array) or not isinstance(b, Array) or not a.dims or not b.dims:
        return False
    pairs = [((x.symbol, x.offset), (y.symbol, y.offset)) for x, y in zip(a.dims, b.dims)]
    return len(a.dims) == len(b.dims) and all(x == y for x, y in pairs)


def _operands(e: n.Expr) -> list[n.Expr]:
    """Return the operands that NumPy broadcasts against each other in an arithmetic expression."""
    if isinstance(e, n.Binary) and e.op in "+-*/":
        return [*_operands(e.left), *_operands(e.right)]
    return _operands(e.operand) if isinstance(e, n.Unary) else [e]
