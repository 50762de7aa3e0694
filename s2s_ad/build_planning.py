"""The search for the variables of a function that hold objects, and for what is done with them.

Takes subjects and the classes of parameters, gives plans: calls that make objects, or change them,
get statements of their own, operators are written as the methods that they call, and what the
classes decide is folded. Requires `build_sites`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from s2s_ad.build_records import FIELD, is_constant, is_record, member
from s2s_ad.build_sites import OPERATORS, Book, Plan, Sites, is_field
from s2s_ad.build_subject import Subject
from s2s_ad.frontend.exits import falls
from s2s_ad.ir import nodes as n
from s2s_ad.ir.parts import parts_of, with_parts
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import all_parts, bound_here, map_block, map_parts, subexprs, walk_stmts

ROUNDS = 40
TRUE, FALSE = n.Const("True", True), n.Const("False", False)
NONE = n.Const("None", None)


class Analysis:
    """The search for the variables of a function that hold objects."""

    def __init__(
        self,
        book: Book,
        base: Subject,
        given: Mapping[str, type],
        banned: set[str],
        name: str,
        makes: bool,
    ) -> None:
        self.book = book
        self.base = base
        self.given = given
        self.banned = banned
        self.name = name
        self.makes = makes
        self.names = base.fresh_names()
        self.function = book.function(base)

    def plan(self) -> Plan | None:
        if any(x in s for s in self.rebound() for x in self.given):
            return None
        body = self.function.body
        classes: dict[str, type] = dict(self.given)
        if not self.given and not self.may_make(body):
            return None
        for _ in range(ROUNDS):
            before = body, classes
            sites = Sites(self.book, self.base, classes, body)
            body = _reached(map_block(body, functools.partial(self.plainer, sites)))
            classes = self.inferred(body)
            sites = Sites(self.book, self.base, classes, body)
            body = map_block(body, functools.partial(self.apart, sites))
            if (body, classes) == before:
                break
        else:
            return None
        function = replace(self.function, body=body)
        plan = Plan(
            self.base, self.name, function, classes, dict(self.given), self.makes, self.names
        )
        for x in classes:
            plan.stores[x] = _stores(function, x, sites)
        ends = [s.value for s in walk_stmts(body) if isinstance(s, n.Return)]
        found = {
            classes.get(e.id) if isinstance(e, n.Name) and e.id not in self.given else None
            for e in ends
        }
        if len(found) == 1 and not falls(body) and not self.makes:
            plan.result = found.pop()
            if plan.result is not None and not self.name and not plan.result.__weakrefoffset__:
                plan.result = None  # an instance of it could not be told from others
        if plan.result is not None:
            plan.holds.update(*(plan.stores[e.id] for e in ends if isinstance(e, n.Name)))
        return plan

    def may_make(self, body: n.Block) -> bool:
        """True for a function that makes an object, or calls one that may."""
        sites = Sites(self.book, self.base, {}, body)
        calls = {e for s in walk_stmts(body) for e in all_parts(s) if isinstance(e, n.Call)}
        for e in calls:
            found = sites.object_of(e.func)
            if isinstance(found, type) and is_record(found):
                return True
            if e in sites.used and sites.at(e) is not None:
                return True
        return False

    def rebound(self) -> Iterator[frozenset[str]]:
        return (bound_here(s) for s in walk_stmts(self.function.body))

    # -- what is decided, and operators as the methods they call

    def plainer(self, sites: Sites, s: n.Stmt) -> tuple[n.Stmt, ...]:
        s = map_parts(s, lambda e: self.written_out(e, sites))
        if isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
            cls = sites.classes.get(s.target.id)
            if cls is not None and member(cls, f"__i{OPERATORS.get(s.op)}__") is FIELD:
                value = sites.operator(n.Binary(s.op, s.target, s.value))
                return (n.Assign((s.target,), value, origin=s.origin, comments=s.comments),)
        if not isinstance(s, n.If):
            return (s,)
        branches: list[n.Branch] = []
        for b in s.branches:
            known = self.truth(b.test, sites)
            if known:
                return (*b.body,) if not branches else (_if(s, branches, b.body),)
            if known is None:
                branches.append(b)
        if len(branches) == len(s.branches):
            return (s,)
        return (_if(s, branches, s.orelse),) if branches else s.orelse

    def truth(self, test: n.Expr, sites: Sites) -> bool | None:
        """Return what a test gives, where the classes of objects decide it."""
        if isinstance(test, n.Unary) and test.op == "not":
            inner = self.truth(test.operand, sites)
            return None if inner is None else not inner
        if isinstance(test, n.BoolOp):
            stop = test.op == "or"
            for part in test.values:
                known = self.truth(part, sites)
                if known is None or known is stop:
                    return known
            return not stop
        none = isinstance(test, n.Compare) and test.rights == (NONE,)
        if isinstance(test, n.Compare) and none and test.ops in (("is",), ("is not",)):
            found = self.constant(test.left, sites)
            return None if found is None else (found[0] is None) is (test.ops == ("is",))
        found = self.constant(test, sites)
        return None if found is None else bool(found[0])

    def shortened(self, e: n.BoolOp, sites: Sites) -> n.Expr:
        """Return `a and b` without what the classes decide."""
        parts: list[n.Expr] = []
        for k, part in enumerate(e.values):
            known = self.truth(part, sites)
            if known is None or known is (e.op == "or") or k == len(e.values) - 1:
                parts.append(part)
            if known is (e.op == "or"):
                break
        if len(parts) == len(e.values):
            return e
        return parts[0] if len(parts) == 1 else replace(e, values=tuple(parts))

    def constant(self, e: n.Expr, sites: Sites) -> tuple[object] | None:
        """Return what an expression always is: a literal, or a plain constant of a class."""
        if e in (TRUE, FALSE):
            return (e == TRUE,)
        if not isinstance(e, n.Attribute) or not isinstance(e.value, n.Name):
            return None
        cls = sites.classes.get(e.value.id)
        if cls is None or is_field(cls, e.attr):
            return None
        found = member(cls, e.attr)
        if not is_constant(found) or type(found) not in (bool, str, type(None)):
            return None
        self.book.linker.reads_numbers = True  # the text is for this value
        return (found,)

    def written_out(self, e: n.Expr, sites: Sites) -> n.Expr:
        if isinstance(e, n.Binary):
            return sites.operator(e)
        if isinstance(e, n.Call):
            decided = self.instance(e, sites)
            if decided is not None:
                return decided
            if isinstance(e.func, n.Name) and e.func.id in sites.classes:
                return n.Call(n.Attribute(e.func, "__call__"), e.args, e.keywords)
            if isinstance(e.func, n.Name) and len(e.args) == 2 and not e.keywords:
                key = e.args[1].value if isinstance(e.args[1], n.Const) else None
                owner = isinstance(e.args[0], n.Name) and e.args[0].id in sites.classes
                if isinstance(key, str) and owner and sites.object_of(e.func) is getattr:
                    return n.Attribute(e.args[0], key)
        if isinstance(e, n.Unary):
            if e.op == "not" and e.operand in (TRUE, FALSE):
                return FALSE if e.operand == TRUE else TRUE
            if e.op == "-" and sites.has(e.operand, "__neg__"):
                return n.Call(n.Attribute(e.operand, "__neg__"), ())
        indexed = isinstance(e, n.Subscript) and not isinstance(e.index, n.Slice)
        if isinstance(e, n.Subscript) and indexed and sites.has(e.value, "__getitem__"):
            return n.Call(n.Attribute(e.value, "__getitem__"), (e.index,))
        if isinstance(e, n.Compare) and len(e.ops) == 1 and isinstance(e.left, n.Name):
            none = isinstance(e.rights[0], n.Const) and e.rights[0].value is None
            if e.left.id in sites.classes and none and e.ops[0] in ("is", "is not"):
                return TRUE if e.ops[0] == "is not" else FALSE
        if isinstance(e, n.BoolOp):
            return self.shortened(e, sites)
        if isinstance(e, n.IfExp) and (known := self.truth(e.test, sites)) is not None:
            return e.body if known else e.orelse
        return e

    def instance(self, e: n.Call, sites: Sites) -> n.Expr | None:
        """Return what `isinstance` says of an object."""
        if len(e.args) != 2 or e.keywords or not isinstance(e.args[0], n.Name):
            return None
        cls = sites.classes.get(e.args[0].id)
        if cls is None or sites.object_of(e.func) is not isinstance:
            return None
        of = e.args[1].items if isinstance(e.args[1], n.TupleExpr) else (e.args[1],)
        found = [sites.object_of(x) for x in of]
        if not all(type(x) is type for x in found):
            return None
        return TRUE if any(x in cls.__mro__ for x in found) else FALSE

    # -- which variables hold objects

    def inferred(self, body: n.Block) -> dict[str, type]:
        values: dict[str, list[n.Expr]] = {}
        never = set(self.banned) | {p.name for p in self.function.params}
        for s in walk_stmts(body):
            target = s.targets[0] if isinstance(s, n.Assign) and len(s.targets) == 1 else None
            if isinstance(s, n.Assign) and isinstance(target, n.Name):
                values.setdefault(target.id, []).append(s.value)
            elif isinstance(s, n.AugAssign) and isinstance(s.target, n.Name):
                operator = n.Binary(s.op, s.target, s.value)
                values.setdefault(s.target.id, []).append(operator)
            else:
                never |= bound_here(s)
            if isinstance(s, (n.Append, n.Pop)):
                never.add(s.stack)
            if isinstance(s, n.Global):
                never |= set(s.names)
            for e in all_parts(s):
                if isinstance(e, n.Lambda):
                    never |= {p.name for p in e.params}
                elif isinstance(e, n.Comprehension):
                    inner = [x for c in e.clauses for x in subexprs(c.target)]
                    never |= {x.id for x in inner if isinstance(x, n.Name)}
        classes: dict[str, type] = dict(self.given)
        candidates = {x: es for x, es in values.items() if x not in never}
        candidates = {x: es for x, es in candidates.items() if all(map(_may_make, es))}
        while True:
            sites = Sites(self.book, self.base, classes, body)
            kinds = {x: {sites.class_of(e) for e in es} for x, es in candidates.items()}
            found = {
                x: cls
                for x, every in kinds.items()
                if x not in classes and len(every - {None}) == 1
                for cls in every - {None}
                if cls is not None
            }
            if found:
                # what else it is given may be what becomes of itself
                classes = {**classes, **found}
                continue
            wrong = {x for x, every in kinds.items() if x in classes and every != {classes[x]}}
            if not wrong:
                return classes
            candidates = {x: es for x, es in candidates.items() if x not in wrong}
            classes = dict(self.given)

    # -- calls that make or change objects in statements of their own

    def apart(self, sites: Sites, s: n.Stmt) -> tuple[n.Stmt, ...]:
        out: list[n.Stmt] = []
        while (found := self.first(s, sites)) is not None:
            wanted, whole = found
            name = n.Name(self.names.fresh(_wish(wanted, sites)))
            out.append(n.Assign((name,), wanted, origin=s.origin))
            s = _with_part(s, whole, wanted, name)
        return (*out, s)

    def first(self, s: n.Stmt, sites: Sites) -> tuple[n.Expr, n.Expr] | None:
        """Return a call that is to have a statement of its own, and the expression it is in."""
        whole = _evaluated_first(s)
        if whole is None:
            return None
        alone = isinstance(s, n.ExprStmt) or (
            isinstance(s, n.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], n.Name)
        )
        earlier: list[n.Expr] = []
        for e in _in_order(whole):
            site = sites.at(e) if not (alone and e is whole) else None
            if site is not None and site.is_effect:
                inside = {id(x) for x in subexprs(e)}
                before = [x for x in earlier if id(x) not in inside and not _is_method(x, whole)]
                return (before[-1] if before else e), whole
            if not isinstance(e, (n.Name, n.Const)) and sites.object_of(e) is None:
                earlier.append(e)
        return None


def _reached(block: n.Block) -> n.Block:
    """Return a block without what follows a `return` or `raise`."""
    out: list[n.Stmt] = []
    for s in block:
        if isinstance(s, n.If):
            inner = tuple(replace(b, body=_reached(b.body)) for b in s.branches)
            same = all(x.body is b.body for x, b in zip(inner, s.branches))
            orelse = _reached(s.orelse)
            if not same or orelse is not s.orelse:
                s = replace(s, branches=inner, orelse=orelse)
        elif isinstance(s, (n.For, n.While, n.With)):
            body = _reached(s.body)
            s = s if body is s.body else replace(s, body=body)
        out.append(s)
        if isinstance(s, (n.Return, n.Raise)):
            break
    same = len(out) == len(block) and all(a is b for a, b in zip(out, block))
    return block if same else tuple(out)


def _may_make(e: n.Expr) -> bool:
    return isinstance(e, (n.Call, n.Attribute, n.Binary))


def _wish(e: n.Expr, sites: Sites) -> str:
    site = sites.at(e)
    if site is not None and site.gives is not None:
        return site.gives.__name__.strip("_").lower()
    func = e.func if isinstance(e, n.Call) else e
    return getattr(func, "attr", getattr(func, "id", "value")).strip("_")


def _evaluated_first(s: n.Stmt) -> n.Expr | None:
    """Return the expression that a statement evaluates once, before all else."""
    if isinstance(s, (n.Assign, n.ExprStmt, n.Return)):
        return s.value
    if isinstance(s, n.AugAssign):
        return s.value if isinstance(s.target, n.Name) else None
    if isinstance(s, n.If):
        return s.branches[0].test
    return s.iter if isinstance(s, n.For) else None


def _with_part(s: n.Stmt, whole: n.Expr, old: n.Expr, new: n.Expr) -> n.Stmt:
    changed = _replaced(whole, old, new)
    if isinstance(s, n.If):
        first = replace(s.branches[0], test=changed)
        return replace(s, branches=(first, *s.branches[1:]))
    return replace(s, **{"iter" if isinstance(s, n.For) else "value": changed})


def _replaced(e: n.Expr, old: n.Expr, new: n.Expr) -> n.Expr:
    if e is old:
        return new
    result: n.Expr = with_parts(e, [_replaced(x, old, new) for x in parts_of(e)])
    return result


def _in_order(e: n.Expr) -> Iterator[n.Expr]:
    """Yield the parts of an expression that run whatever happens, each behind its own parts."""
    parts = parts_of(e)
    if isinstance(e, (n.Lambda, n.Comprehension, n.NamedExpr)):
        return
    if isinstance(e, (n.BoolOp, n.IfExp)):
        parts = parts[:1]
    if isinstance(e, n.Compare):
        parts = parts[:2]
    for x in parts:
        yield from _in_order(x)
    yield e


def _is_method(e: n.Expr, whole: n.Expr) -> bool:
    """True for what is called, not read."""
    return any(isinstance(x, n.Call) and x.func is e for x in subexprs(whole))


def _if(s: n.If, branches: list[n.Branch], orelse: n.Block) -> n.Stmt:
    return replace(s, branches=tuple(branches), orelse=orelse)


def _stores(function: n.Function, var: str, sites: Sites) -> set[str]:
    """Return the attributes of an object that a function may give values."""
    found: set[str] = set()
    for s in walk_stmts(function.body):
        targets = s.targets if isinstance(s, n.Assign) else ()
        if isinstance(s, (n.AugAssign, n.For)):
            targets = (s.target,)
        if isinstance(s, n.With):
            targets = tuple(to for _, to in s.items if to is not None)
        for t in targets:
            for x in each_target(t):
                if isinstance(x, n.Attribute) and x.value == n.Name(var):
                    found.add(x.attr)
        for e in all_parts(s):
            site = sites.at(e) if isinstance(e, (n.Call, n.Attribute)) else None
            if site is not None:
                own = [p for p, x in site.given.items() if x == var]
                found.update(*(site.plan.stores[p] for p in own))
        made = sites.at(s.value) if isinstance(s, n.Assign) and n.Name(var) in s.targets else None
        if made is not None and made.made is not None:
            found |= made.plan.stores[made.plan.function.params[0].name]
        elif made is not None:
            found |= made.plan.holds
    return found


def each_target(t: n.Expr) -> Iterator[n.Expr]:
    if isinstance(t, (n.TupleExpr, n.ListExpr)):
        for x in t.items:
            yield from each_target(x)
    elif isinstance(t, n.Starred):
        yield from each_target(t.value)
    else:
        yield t
