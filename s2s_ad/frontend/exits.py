"""Early exits made structural: after this pass a path through a block ends only at its end.

Takes a Function, gives one with the same values in which nothing follows a `return`, `break` or
`continue`, loops have no `else`, and `return` is the last statement of the body. What an
exit would skip becomes the `else` of its `if`; a flag is used only where no `else` can say it.
The reverse sweep then needs no account of exits beyond the conditions. Requires `ir`.

    if x < 0:               if x < 0:
        return 0.0              result = 0.0
    y = f(x)          →     else:
    return y                    y = f(x)
                                result = y
                            return result
"""

from __future__ import annotations

from s2s_ad.ir import nodes as n
from s2s_ad.ir.names import Names
from s2s_ad.ir.remembered import replace

TRUE = n.Const("True", True)
FALSE = n.Const("False", False)


def structure(function: n.Function, names: Names, wanted: str | None = None) -> n.Function:
    """Return `function` with structural exits. A body that never returns a value gets none.

    wanted: the variable that is to be returned, if one is settled already.
    """
    body = function.body
    returns = [s for s in _direct(body) if isinstance(s, n.Return)]
    if not returns:
        return replace(function, body=_Structure(names, None, None).nest(body))
    settled = wanted is None or all(r.value == n.Name(wanted) for r in returns)
    only = len(returns) == 1 and body[-1] is returns[0] and settled
    if only:
        inner = _Structure(names, None, None).nest(body[:-1])
        return replace(function, body=(*inner, returns[0]))
    first = returns[0].value
    same = all(r.value == first and isinstance(r.value, n.Name) for r in returns)
    same = same and settled
    result = None if same else wanted or names.fresh("result")
    run = _Structure(names, result, returns)
    inner = run.nest(body if not falls(body) else (*body, n.Return()))
    value = first if same else n.Name(result or "")
    last = returns[-1]
    return replace(function, body=(*run.flags, *inner, n.Return(value, origin=last.origin)))


def _direct(block: n.Block) -> list[n.Stmt]:
    """Return all statements of a block and those nested in it, functions left out."""
    found: list[n.Stmt] = []
    for s in block:
        found.append(s)
        for inner in _inner(s):
            found.extend(_direct(inner))
    return found


def _inner(s: n.Stmt) -> list[n.Block]:
    if isinstance(s, n.If):
        return [*(b.body for b in s.branches), s.orelse]
    if isinstance(s, (n.For, n.While)):
        return [s.body, s.orelse]
    if isinstance(s, n.With):
        return [s.body]
    if isinstance(s, n.Try):
        return [s.body, *(h.body for h in s.handlers), s.orelse, s.final]
    return []


def exits(s: n.Stmt) -> bool:
    """True when executing `s` may leave the block it stands in."""
    if isinstance(s, (n.Return, n.Break, n.Continue)):
        return True
    if isinstance(s, (n.If, n.With, n.Try)):
        return any(exits(x) for block in _inner(s) for x in block)
    if isinstance(s, (n.For, n.While)):
        if any(exits(x) for x in s.orelse):
            return True
        return any(isinstance(x, n.Return) for x in _direct((s,)))
    return False


def falls(block: n.Block) -> bool:
    """True when the end of the block may be reached."""
    for s in block:
        if isinstance(s, (n.Return, n.Break, n.Continue, n.Raise)):
            return False
        if isinstance(s, n.If) and not any(falls(inner) for inner in _inner(s)):
            return False
        if isinstance(s, n.With) and not falls(s.body):
            return False
        if isinstance(s, n.Try) and not _falls_out(s):
            return False
        endless = isinstance(s, n.While) and isinstance(s.test, n.Const) and s.test.value
        if isinstance(s, n.While) and endless and not breaks(s.body):
            return False
    return True


def _falls_out(s: n.Try) -> bool:
    ends = [(*s.body, *s.orelse), *(h.body for h in s.handlers)]
    return any(falls(end) for end in ends) and falls(s.final)


def breaks(block: n.Block) -> bool:
    """True when a `break` of the loop whose body this is stands in it."""
    return any(isinstance(s, n.Break) or any(breaks(b) for b in _same_loop(s)) for s in block)


def _same_loop(s: n.Stmt) -> list[n.Block]:
    """Return the blocks in `s` whose `break` leaves the loop around `s`."""
    if isinstance(s, (n.If, n.With, n.Try)):
        return _inner(s)
    return [s.orelse] if isinstance(s, (n.For, n.While)) else []


class _Deferred:
    """The flags that exits out of a `with` or `try` set, each made when there is such an exit."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.leaving = ""
        self.skipping = ""

    def flag(self, continues: bool) -> str:
        if continues:
            self.skipping = self.skipping or self.names.fresh("skipping")
            return self.skipping
        self.leaving = self.leaving or self.names.fresh("leaving")
        return self.leaving

    def used(self) -> list[str]:
        return [flag for flag in (self.leaving, self.skipping) if flag]


def _exits_in(block: n.Block) -> list[n.Stmt]:
    """Return the exits from the loop around a block, or from one step of it."""
    found: list[n.Stmt] = []
    for s in block:
        if isinstance(s, (n.Return, n.Break, n.Continue)):
            found.append(s)
        for inner in _same_loop(s):
            found.extend(_exits_in(inner))
        if isinstance(s, (n.For, n.While)):
            found.extend(x for x in _direct(s.body) if isinstance(x, n.Return))
    return found


def _leaves_loop(s: n.Stmt) -> bool:
    return isinstance(s, (n.Break, n.Return)) and s is not _END


class _Structure:
    def __init__(self, names: Names, result: str | None, returns: list[n.Return] | None) -> None:
        self.names = names
        self.result = result
        self.flags: list[n.Stmt] = []
        self.loops: list[str | None] = []
        self.returned: str | None = None
        # flags of the branches around, which an exit sets; `left`: only some exits leave the loop
        self.skip: list[str] = []
        self.left: str | None = None
        self.deferred: _Deferred | None = None

    def nest(self, block: n.Block) -> n.Block:
        out: list[n.Stmt] = []
        for k, s in enumerate(block):
            rest = block[k + 1 :]
            if isinstance(s, n.Try) and s.orelse and not s.final:
                out.extend(self.nest((*self.without_else(s), *rest)))
                return tuple(out)
            if isinstance(s, (n.Return, n.Break, n.Continue)):
                out.extend(self.leave(s))
                return tuple(out)
            if isinstance(s, (n.For, n.While)):
                loop, following = self.loop(s)
                out.extend(loop)
                if following:
                    out.extend(self.nest((*following, *rest)))
                    return tuple(out)
                continue
            if isinstance(s, n.If) and exits(s):
                out.extend(self.branch(s, rest))
                return tuple(out)
            if isinstance(s, (n.With, n.Try)) and exits(s):
                out.extend(self.guarded(s, rest))
                return tuple(out)
            out.append(self.descend(s))
        return tuple(out)

    def descend(self, s: n.Stmt) -> n.Stmt:
        if isinstance(s, n.If):
            branches = tuple(replace(b, body=self.nest(b.body)) for b in s.branches)
            return replace(s, branches=branches, orelse=self.nest(s.orelse))
        return self.inside(s) if isinstance(s, (n.With, n.Try)) else s

    def without_else(self, s: n.Try) -> list[n.Stmt]:
        """Return a `try` that notes whether its body was gone through, and its `else` behind it."""
        finished = n.Name(self.names.fresh("finished"))
        start = n.Assign((finished,), FALSE, origin=s.origin)
        done = n.Assign((finished,), TRUE, origin=s.origin)
        then = n.If((n.Branch(finished, s.orelse),), (), origin=s.origin)
        return [start, replace(s, body=(*s.body, done), orelse=()), then]

    def inside(self, s: n.With | n.Try) -> n.Stmt:
        """Return a `with` or `try` whose blocks have structural exits."""
        if isinstance(s, n.With):
            return replace(s, body=self.nest(s.body))
        body = self.nest(s.body)
        ended = self.deferred.used() if self.deferred is not None else []
        orelse = self.nest(s.orelse)
        if orelse and ended:
            # it runs only when the end of the body was reached
            tests = tuple(n.Unary("not", n.Name(flag)) for flag in ended)
            test = tests[0] if len(tests) == 1 else n.BoolOp("and", tests)
            orelse = (n.If((n.Branch(test, orelse),), (), origin=s.origin),)
        handlers = tuple(replace(h, body=self.nest(h.body)) for h in s.handlers)
        return replace(s, body=body, handlers=handlers, orelse=orelse, final=self.nest(s.final))

    def guarded(self, s: n.With | n.Try, rest: n.Block) -> list[n.Stmt]:
        """Let exits out of a `with` or `try` only set flags, which decide what comes after it."""
        outer, self.deferred = self.deferred, _Deferred(self.names)
        inner = self.inside(s)
        flags, self.deferred = self.deferred, outer
        out: list[n.Stmt] = [
            n.Assign((n.Name(flag),), FALSE, origin=s.origin) for flag in flags.used()
        ]
        branches: list[n.Branch] = []
        for flag, ending in ((flags.leaving, n.Break()), (flags.skipping, n.Continue())):
            way_out = _END if flag and not self.loops else replace(ending, origin=s.origin)
            if flag:
                branches.append(n.Branch(n.Name(flag), tuple(self.leave(way_out))))
        following = self.nest(rest)
        if len(branches) == 1 and not branches[0].body:
            test = n.Unary("not", branches[0].test)
            branches, following = [n.Branch(test, following)], ()
        out.append(inner)
        if branches and (following or any(b.body for b in branches)):
            out.append(n.If(tuple(branches), following, origin=s.origin))
        return out

    def leave(self, s: n.Stmt) -> list[n.Stmt]:
        """Return what stands in the place of an exit."""
        out: list[n.Stmt] = [n.Assign((n.Name(flag),), TRUE, origin=s.origin) for flag in self.skip]
        if self.left and _leaves_loop(s):
            out.append(n.Assign((n.Name(self.left),), TRUE, origin=s.origin))
        if self.deferred is not None:
            flag = self.deferred.flag(isinstance(s, n.Continue))
            out.append(n.Assign((n.Name(flag),), TRUE, origin=s.origin))
        if s is _END:
            return out
        if isinstance(s, n.Return):
            if self.result is not None:
                value = s.value if s.value is not None else n.Const("None", None)
                out.insert(
                    0,
                    n.Assign((n.Name(self.result),), value, origin=s.origin, comments=s.comments),
                )
            if self.loops:
                assert self.returned is not None
                out.append(n.Assign((n.Name(self.returned),), TRUE, origin=s.origin))
                if self.ends_here():
                    out.append(n.Break(origin=s.origin))
            return out
        if isinstance(s, n.Break) and self.loops[-1]:
            out.append(n.Assign((n.Name(self.loops[-1]),), TRUE, origin=s.origin))
        return [*out, s] if self.ends_here() else out

    def ends_here(self) -> bool:
        """True where an exit may stand: nothing is skipped by a flag, no block is to be left."""
        return self.deferred is None and not self.skip

    def branch(self, s: n.If, rest: n.Block) -> list[n.Stmt]:
        bodies = [*(b.body for b in s.branches), s.orelse]
        falling = [k for k, body in enumerate(bodies) if falls(body)]
        mixed = any(falls(body) and any(exits(x) for x in body) for body in bodies)
        if rest and falling and (mixed or len(falling) > 1):
            return self.flagged(s, rest)
        if rest and falling:
            bodies[falling[0]] = (*bodies[falling[0]], *rest)
        nested = [self.nest(body) for body in bodies]
        branches = tuple(replace(b, body=body) for b, body in zip(s.branches, nested))
        return [replace(s, branches=branches, orelse=nested[-1])]

    def flagged(self, s: n.If, rest: n.Block) -> list[n.Stmt]:
        """Skip the rest by a flag; a loop is left behind the rest, where a path through it ends."""
        flag = n.Name(self.names.fresh("done"))
        start: list[n.Stmt] = [n.Assign((flag,), FALSE, origin=s.origin)]
        outermost = not self.skip
        ends = outermost and self.loops and self.deferred is None
        leaving = [_leaves_loop(x) for x in _exits_in((s,))] if ends else []
        left: n.Expr = flag
        if any(leaving) and not all(leaving):
            self.left = self.names.fresh("left")
            left = n.Name(self.left)
            start.append(n.Assign((left,), FALSE, origin=s.origin))
        self.skip.append(flag.id)
        inner = self.branch(s, ())
        self.skip.pop()
        if outermost:
            self.left = None
        branches = [n.Branch(n.Unary("not", flag), self.nest(rest))]
        orelse: n.Block = (n.Break(origin=s.origin),) if any(leaving) else ()
        if orelse and left is not flag:
            branches.append(n.Branch(left, orelse))
            orelse = ()
        return [*start, *inner, n.If(tuple(branches), orelse, origin=s.origin)]

    def loop(self, s: n.For | n.While) -> tuple[list[n.Stmt], list[n.Stmt]]:
        """Return the loop without `else`, and what follows it (its `else`, a way further out)."""
        returns = any(isinstance(x, n.Return) for x in _direct(s.body))
        before: list[n.Stmt] = []
        following: list[n.Stmt] = []
        broke = None
        if s.orelse and breaks(s.body):
            broke = self.names.fresh("broke")
            before.append(n.Assign((n.Name(broke),), FALSE, origin=s.origin))
        if returns and self.returned is None:
            self.returned = self.names.fresh("returned")
            self.flags.append(n.Assign((n.Name(self.returned),), FALSE))
        outside = self.skip, self.left, self.deferred
        self.skip, self.left, self.deferred = [], None, None
        self.loops.append(broke)
        body = self.nest(s.body)
        self.loops.pop()
        self.skip, self.left, self.deferred = outside
        loop = replace(s, body=body, orelse=())
        if returns:
            assert self.returned is not None
            test: n.Expr = n.Name(self.returned)
            ending: n.Stmt = n.Break(origin=s.origin) if self.loops else _END
            following.append(n.If((n.Branch(test, (ending,)),), (), origin=s.origin))
        if s.orelse and broke:
            test = n.Unary("not", n.Name(broke))
            following.append(n.If((n.Branch(test, s.orelse),), (), origin=s.origin))
        elif s.orelse:
            following.extend(s.orelse)
        return [*before, loop], following


class _End(n.Return):
    """The end of a path whose result is already assigned."""


_END = _End()
