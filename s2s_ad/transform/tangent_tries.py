"""Forward mode: `try`. What tangents raise is not for the handlers of the user.

Takes a `try` of a function in normal form, gives it beside the tangents; requires `ir`,
`analysis`.

    try:                            try:
        y = 1.0 / x                     y = 1.0 / x
    except ZeroDivisionError:  →    except ZeroDivisionError:
        y = x                           y_dot = x_dot
                                        y = x
                                    else:
                                        y_dot = -x_dot * y / x
"""

from __future__ import annotations

from abc import abstractmethod

from s2s_ad.analysis.values import PASSIVE
from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import stored_by
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import assigned, inside, map_block, stmt_exprs, walk_stmts
from s2s_ad.transform.tangent_calls import TangentCalls
from s2s_ad.transform.tries import (
    copy_of,
    ends_plainly,
    guarded,
    happens_once,
    leaves_early,
    run_twice,
    seen_behind,
    unless_seen,
    until_it_holds,
    whole_body,
)


class TangentTries(TangentCalls):
    """Writes `try` beside the tangents. trying: whether tangents stand apart from the primal."""

    trying: bool

    @abstractmethod
    def block(self, block: n.Block, *at: int) -> n.Block:
        """Return the tangent of a block, `at`: the place it has in what holds it."""

    @abstractmethod
    def statement(self, s: n.Stmt) -> list[n.Stmt]:
        """Return a statement beside its tangent."""

    @abstractmethod
    def returned(self, s: n.Return) -> list[n.Stmt]:
        """Return what returns a value and its tangent."""

    @abstractmethod
    def passive(self, s: n.Stmt) -> list[n.Stmt]:
        """Clear the tangents of what a passive statement binds."""

    def passive_try(self, s: n.Try) -> list[n.Stmt]:
        """Return a `try` in which nothing varies; what it returns has a tangent all the same."""
        if self.is_active_inside(s):
            return self.active_try(s)
        self.context.check_inside(s)

        def visit(x: n.Stmt) -> list[n.Stmt]:
            return self.returned(x) if isinstance(x, n.Return) else [x]

        return [*map_block((s,), visit), *self.passive(s)]

    def active_try(self, s: n.Try) -> list[n.Stmt]:
        """Return a `try` with the tangents of its body behind it: they may raise, too."""
        plain = ends_plainly(s, self.context.changed)
        body = whole_body(s, self.context.function) if plain else None
        dots: list[n.Stmt] = []
        primal = list(s.body)
        apart = body is not None and happens_once(body)
        before, self.trying = self.trying, True
        for k, x in enumerate(body or ()):
            if isinstance(x, n.Return) and x.value is not None:
                result = n.Name(self.context.names.fresh("result"))
                primal[k] = n.Assign((result,), x.value, origin=x.origin, comments=x.comments)
                dots.extend(_returning(result, self.returned(replace(x, comments=n.NO_COMMENTS))))
                continue
            out = self.statement(replace(x, comments=n.NO_COMMENTS))
            dots.extend(r for r in out if r.uid != x.uid)
            apart = apart and any(r.uid == x.uid and _same_values(r, x) for r in out)
        if not apart:
            self.trying = before
            return self.tried_first(s)
        for last in s.body[len(body or ()) :]:
            dots.extend(r for r in self.statement(last) if r.uid != last.uid)
        self.trying = before
        handlers = tuple(replace(h, body=self.block(h.body)) for h in s.handlers)
        dots.extend(self.block(s.orelse))
        return [replace(s, body=tuple(primal), handlers=handlers, orelse=tuple(dots))]

    def tried_first(self, s: n.Try) -> list[n.Stmt]:
        """Return a `try` whose body is run for its values, and behind it once more with tangents:
        what these raise is not for the handlers."""
        changed = self.context.changed
        ahead = until_it_holds(s.body)
        again = run_twice(ahead, changed)
        *rest, last = ahead
        result = n.Name(self.context.names.fresh("result"))
        if isinstance(last, n.Return) and last.value is not None:
            rest.append(n.Assign((result,), last.value, uid=last.uid, origin=last.origin))
        else:
            rest.append(last)
        calls = ((x, e) for x in walk_stmts(ahead) for e in inside(x, n.Call))
        pure = all(self.context.is_pure(e, x) or self.context.is_harmless(e, x) for x, e in calls)
        if again is None or leaves_early(s.body) or not pure or not ends_plainly(s, changed):
            raise self.context.refuse(
                s, None, "`try` around active statements", "move them out of the block"
            )
        flag = n.Name(self.context.names.fresh("halfway"))
        seen = seen_behind(s, self.context.function, changed, self.dotted)
        noted = guarded(tuple(rest), seen, flag)
        kept = [(n.Name(x), n.Name(self.context.names.fresh(f"{x}_before"))) for x in again]
        handlers = tuple(replace(h, body=self.block(h.body)) for h in s.handlers)
        if noted is not None:
            handlers = tuple(unless_seen(h, flag) for h in handlers)
        behind = (
            *(n.Assign((x,), before) for x, before in kept),
            *self.block(s.body),
            *self.block(s.orelse),
        )
        body = copy_of(tuple(rest) if noted is None else noted)
        made = replace(s, body=body, handlers=handlers, orelse=behind)
        return [*(n.Assign((before,), x) for x, before in kept), made]

    def is_active_inside(self, s: n.Stmt) -> bool:
        """True when a statement nested in `s` gives a variable an active value or returns one."""
        for x in walk_stmts((s,)):
            env = self.facts.after.get(x.uid, {})
            if any(env.get(name, PASSIVE).varied for name in assigned((x,)) | stored_by(x)):
                return True
            value = x.value if isinstance(x, n.Return) else None
            if value is not None and self.facts.varied(value, x.uid):
                return True
        return False


def _returning(result: n.Name, statements: list[n.Stmt]) -> list[n.Stmt]:
    """Have the statements that return a value and its tangent return a variable for the value."""
    last = statements[-1]
    assert isinstance(last, n.Return) and isinstance(last.value, n.TupleExpr)
    pair = replace(last.value, items=(result, *last.value.items[1:]))
    return [*statements[:-1], replace(last, value=pair)]


def _same_values(a: n.Stmt, b: n.Stmt) -> bool:
    return stmt_exprs(a) == stmt_exprs(b)
