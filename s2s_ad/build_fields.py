"""A planned function with variables in the place of the attributes of its objects.

Takes plans, gives functions; requires `build_sites`, `build_records`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from s2s_ad.build_handing import handed_on, in_tries, of_a_list, unbound
from s2s_ad.build_planning import each_target
from s2s_ad.build_records import is_constant, is_frozen, member
from s2s_ad.build_sites import Book, Plan, Site, Sites, in_order, is_field
from s2s_ad.frontend.exits import falls
from s2s_ad.ir import nodes as n
from s2s_ad.ir.remembered import replace
from s2s_ad.ir.walk import (
    all_parts,
    bound_here,
    map_block,
    map_expr,
    map_parts,
    names,
    stmt_exprs,
    walk_stmts,
)

Wanted = tuple[tuple[str, str], ...]  # attributes of parameters
NONE = n.Const("None", None)
# what sees variables without naming them: `super()` is told of the object that way too
_OF_ITS_PLACE = (super, locals, vars, dir, eval, exec)
ROUNDS = 60


class EscapeError(Exception):
    """An object is seen by what is not known to keep to its attributes. name: its variable."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True)
class Asked:
    """What a function is to return. value: whether its own value, where that is no object.

    stores: attributes of parameters that it leaves. result: those of the object it returns.
    """

    value: bool = True
    stores: Wanted = ()
    result: tuple[str, ...] = ()


@dataclass(eq=False)
class Rendered:
    """A function that takes and returns attributes. takes: those of parameters that it reads.

    calls: the functions that it calls, by what stands for their names. lacks: whether an attribute
    that may be missing is None in it, or in these; asks: whether something may catch that one is.
    """

    plan: Plan
    function: n.Function
    takes: Mapping[str, tuple[str, ...]]
    calls: dict[str, Rendered] = field(default_factory=dict)
    lacks: bool = False
    asks: bool = False


def rendered(book: Book, plan: Plan, asked: Asked = Asked()) -> Rendered:
    """Return a planned function in the form that is asked for. Raises EscapeError."""
    key = (id(plan), asked)
    if key not in book.forms:
        book.forms[key] = plan, _Form(book, plan, asked).rendered()
    found: Rendered = book.forms[key][1]
    return found


def checked(book: Book, plan: Plan) -> None:
    """Raise EscapeError where an object is used as what it is not."""
    if not plan.classes:
        return
    # an `__init__` is asked for what is read later: what it may not set is no matter before
    stores = [] if plan.makes else [(p, f) for p in plan.given for f in sorted(plan.stores[p])]
    _Form(book, plan, Asked(True, tuple(stores), ())).rendered()


class _Form:
    def __init__(self, book: Book, plan: Plan, asked: Asked) -> None:
        self.book = book
        self.plan = plan
        self.asked = asked
        self.sites = Sites(book, plan.base, plan.classes, plan.function.body)
        self.need: dict[str, dict[str, None]] = {v: {} for v in plan.classes}
        self.calls: dict[str, Rendered] = {}
        self.made: dict[int, str] = {}
        self.guarded = in_tries(plan.function.body)
        self.lacks = False

    def rendered(self) -> Rendered:
        plan = self.plan
        for p, f in self.asked.stores:
            self.need[p][f] = None
        ends = [s for s in walk_stmts(plan.function.body) if isinstance(s, n.Return)]
        if plan.result is not None:
            for s in ends:
                assert isinstance(s.value, n.Name)
                asked = self.asked.result if plan.name else plan.stores[s.value.id]
                self.need[s.value.id].update(dict.fromkeys(asked))
        for _ in range(ROUNDS):
            before = {v: tuple(fs) for v, fs in self.need.items()}
            self.calls, self.made = {}, {}
            body = map_block(plan.function.body, self.statement)
            if before == {v: tuple(fs) for v, fs in self.need.items()}:
                break
        else:
            raise EscapeError(next(iter(plan.classes)))
        body = self.ended(body)
        takes: dict[str, list[str]] = {p: [] for p in plan.given}
        body = self.defined(body, takes)
        params: list[n.Param] = []
        for param in plan.function.params:
            if param.name not in plan.given:
                params.append(param)
                continue
            taken = in_order(plan.given[param.name], takes[param.name])
            if taken and any(x.default for x in params if x.kind == "normal"):
                raise EscapeError(param.name)
            own = (plan.local(param.name, f) for f in taken)
            params.extend(n.Param(x, None, param.kind) for x in own)
        function = replace(plan.function, params=tuple(params), body=body, docstring=None)
        if not plan.name:
            function = replace(function, docstring=plan.function.docstring)
        found = {p: in_order(plan.given[p], fs) for p, fs in takes.items()}
        lacks = self.lacks or any(x.lacks for x in self.calls.values())
        asks = any(x.asks for x in self.calls.values()) or self.asks(body)
        if lacks and asks:
            raise EscapeError(next(iter(plan.classes)))
        return Rendered(plan, function, found, self.calls, lacks, asks)

    def asks(self, body: n.Block) -> bool:
        """True where something may be done about an attribute that is missing."""
        variables = {*self.plan.locals.values(), *self.calls}
        return any(
            variables & names(e)
            for s in walk_stmts(body)
            if isinstance(s, n.Try) and any(map(self.catches, s.handlers))
            for x in walk_stmts(s.body)
            for e in stmt_exprs(x)
        )

    def catches(self, handler: n.Handler) -> bool:
        """True unless a handler is certainly for other errors than of missing attributes."""
        if handler.type is None:
            return True
        items = handler.type.items if isinstance(handler.type, n.TupleExpr) else (handler.type,)
        found = [self.sites.object_of(e) for e in items]
        return not all(isinstance(x, type) and not issubclass(AttributeError, x) for x in found)

    # -- statements

    def statement(self, s: n.Stmt) -> tuple[n.Stmt, ...]:
        written = not isinstance(self.plan.base.python, type)
        for e in _stored_into(s):
            var = e.value.id if isinstance(e.value, n.Name) else ""
            cls = self.plan.classes.get(var)
            if cls is not None and ((written and is_frozen(cls)) or not is_field(cls, e.attr)):
                raise EscapeError(var)
        made = self.of_site(s)
        if made is None:
            made = (of_a_list(map_parts(s, self.expression), self.plan.locals.values()),)
        for x in made:
            self.check(x)
        return made

    def check(self, s: n.Stmt) -> None:
        if isinstance(s, n.Return) and self.plan.result is not None:
            return
        used = set(bound_here(s)).union(*map(names, stmt_exprs(s)))
        for v in self.plan.classes:
            if v in used:
                raise EscapeError(v)
        for e in all_parts(s):
            if isinstance(e, n.Call) and self.sites.object_of(e.func) in _OF_ITS_PLACE:
                raise EscapeError(next(iter(self.plan.classes)))
            if isinstance(e, n.Lambda) and any(x in names(e) for x in self.plan.locals.values()):
                raise EscapeError(next(iter(self.plan.classes)))

    def of_site(self, s: n.Stmt) -> tuple[n.Stmt, ...] | None:
        """Return a statement that makes an object or changes one, None for any other."""
        e = s.value if isinstance(s, (n.Assign, n.ExprStmt)) else None
        site = self.sites.at(e) if e is not None else None
        if site is None or not site.is_effect:
            return None
        target = s.targets[0] if isinstance(s, n.Assign) else None
        var = target.id if isinstance(target, n.Name) else ""
        if target is not None and (not var or (isinstance(s, n.Assign) and len(s.targets) > 1)):
            return None
        value = target is not None and site.gives is None
        if var in self.plan.classes and site.gives is None:
            raise EscapeError(var)
        stores = tuple(
            (p, f) for p, x in site.given.items() for f in self.need[x] if f in site.plan.stores[p]
        )
        if stores and s.uid in self.guarded:
            raise EscapeError(site.given[stores[0][0]])
        outs: list[n.Expr] = [n.Name(self.local(site.given[p], f)) for p, f in stores]
        if site.gives is not None and var and var not in self.plan.classes:
            if site.given:
                raise EscapeError(next(iter(site.given.values())))
            return None
        if site.made is not None:
            return self.new(s, site, var, stores, outs)
        result: tuple[str, ...] = ()
        if site.gives is not None and var:
            result = in_order(self.plan.classes[var], self.need[var])
            outs = [*(n.Name(self.local(var, f)) for f in result), *outs]
        elif value:
            outs = [n.Name(var), *outs]
        call = self.call(site, Asked(value, stores, result))
        return (_binding(s, outs, call),)

    def new(
        self, s: n.Stmt, site: Site, var: str, stores: Wanted, outs: list[n.Expr]
    ) -> tuple[n.Stmt, ...]:
        """Return a statement that makes an instance."""
        assert site.made is not None
        own = site.plan.function.params[0].name
        need = in_order(site.made, self.need[var]) if var else ()
        given = tuple(f for f in need if f in site.plan.stores[own])
        call = self.call(site, Asked(False, (*((own, f) for f in given), *stores), ()))
        bound: list[n.Expr] = [n.Name(self.local(var, f)) for f in given]
        first = self.short(s, site, call, [*bound, *outs])
        rest: list[n.Stmt] = []
        for f in need:
            if f not in given and is_constant(member(site.made, f)):
                value = n.Attribute(self.class_name(site.made), f)
                rest.append(n.Assign((n.Name(self.local(var, f)),), value, origin=s.origin))
        return (first, *rest)

    def short(self, s: n.Stmt, site: Site, call: n.Call, outs: list[n.Expr]) -> n.Stmt:
        """Return a statement that binds what a call gives, without the call where the function
        only hands on what it is given."""
        found = self.calls[call.func.id] if isinstance(call.func, n.Name) else None
        values = handed_on(found.function, call) if found is not None else None
        if values is None or len(values) != len(outs) or not outs:
            return _binding(s, outs, call)
        value = values[0] if len(values) == 1 else n.TupleExpr(tuple(values))
        return _binding(s, outs, value)

    # -- expressions

    def expression(self, e: n.Expr) -> n.Expr:
        plan = self.plan
        if isinstance(e, n.Attribute) and isinstance(e.value, n.Name):
            cls = plan.classes.get(e.value.id)
            return e if cls is None else self.attribute(e, e.value.id, cls)
        if isinstance(e, n.Call):
            site = self.sites.at(e)
            if site is None or not (site.given or site.gives):
                return e
            if site.gives is None:
                return self.quiet(site, e)
            if site.given:
                raise EscapeError(next(iter(site.given.values())))
        return e

    def quiet(self, site: Site, e: n.Call) -> n.Expr:
        """Return a call that leaves the objects as they are, as far as they are read."""
        for p, x in site.given.items():
            if any(f in self.need[x] for f in site.plan.stores[p]):
                raise EscapeError(x)
        call = self.call(site, Asked(), written=e)
        assert isinstance(call.func, n.Name)
        values = handed_on(self.calls[call.func.id].function, call)
        return values[0] if values is not None and len(values) == 1 else call

    def attribute(self, e: n.Attribute, var: str, cls: type) -> n.Expr:
        found = member(cls, e.attr)
        if is_field(cls, e.attr):
            self.need[var][e.attr] = None
            return n.Name(self.local(var, e.attr))
        if isinstance(found, (staticmethod, classmethod)) or is_constant(found):
            return n.Attribute(self.class_name(cls), e.attr)
        if isinstance(found, property):
            site = self.sites.at(e)
            if site is None or site.gives is not None:
                raise EscapeError(var)
            return self.quiet(site, n.Call(e, ()))
        return e

    def class_name(self, cls: type) -> n.Name:
        base = self.plan.base
        spelled = self.book.linker.claim(cls.__name__, cls, base.locals)
        base.free[spelled] = cls
        return n.Name(spelled)

    def local(self, var: str, name: str) -> str:
        return self.plan.local(var, name)

    # -- calls

    def call(self, site: Site, asked: Asked, written: n.Call | None = None) -> n.Call:
        """Return a call of a planned function with attributes in the place of objects."""
        found = rendered(self.book, site.plan, asked)
        name = self.made.setdefault(id(found), f"callee {len(self.made)}")
        self.calls[name] = found
        e = written if written is not None else site.call
        args: list[n.Expr] = []
        own = site.plan.function.params[0].name if site.own else ""
        if own:
            args.extend(self.fields(found, own, site.given[own]))
        params = {x: p for p, x in site.given.items() if p != own}
        for a in e.args:
            if isinstance(a, n.Name) and a.id in params:
                args.extend(self.fields(found, params[a.id], a.id))
            else:
                args.append(a if written is not None else map_expr(a, self.expression))
        keywords: list[n.Keyword] = []
        for k in e.keywords:
            if isinstance(k.value, n.Name) and k.value.id in params:
                p = params[k.value.id]
                taken = zip(found.takes[p], self.fields(found, p, k.value.id))
                keywords.extend(n.Keyword(found.plan.local(p, f), x) for f, x in taken)
            elif written is not None:
                keywords.append(k)
            else:
                keywords.append(replace(k, value=map_expr(k.value, self.expression)))
        return n.Call(n.Name(name), tuple(args), tuple(keywords))

    def fields(self, found: Rendered, param: str, var: str) -> list[n.Expr]:
        taken = found.takes[param]
        self.need[var].update(dict.fromkeys(taken))
        return [n.Name(self.local(var, f)) for f in taken]

    # -- what is returned, and what has to be there before

    def ended(self, body: n.Block) -> n.Block:
        """Return a body that returns what is asked for."""
        asked, plan = self.asked, self.plan
        if not plan.name:
            return body if plan.result is None else map_block(body, self.instance)
        more = tuple(n.Name(self.local(p, f)) for p, f in asked.stores)

        def visit(s: n.Stmt) -> tuple[n.Stmt, ...]:
            if not isinstance(s, n.Return):
                return (s,)
            if plan.result is not None:
                assert isinstance(s.value, n.Name)
                var = s.value.id
                items = (*(n.Name(self.local(var, f)) for f in asked.result), *more)
                return (replace(s, value=_several(items)),)
            if asked.value:
                return (replace(s, value=_several((s.value or NONE, *more))),)
            kept: list[n.Stmt] = []
            if s.value is not None and not isinstance(s.value, (n.Name, n.Const)):
                kept.append(n.ExprStmt(s.value, origin=s.origin))
            return (*kept, replace(s, value=_several(more)))

        body = map_block(body, visit)
        if not falls(body):
            return body
        items = (*((NONE,) if asked.value else ()), *more)
        if not more:
            return body
        return (*body, n.Return(_several(items), origin=body[-1].origin if body else None))

    def instance(self, s: n.Stmt) -> tuple[n.Stmt, ...]:
        """Return a statement that returns an instance to what knows nothing of its variables."""
        if not isinstance(s, n.Return):
            return (s,)
        assert isinstance(s.value, n.Name)
        var, cls = s.value.id, self.plan.classes[s.value.id]
        fields = in_order(cls, self.plan.stores[var])
        keys = tuple(n.Const(f'"{f}"', f) for f in fields)
        table = n.DictExpr(keys, tuple(n.Name(self.local(var, f)) for f in fields))
        make = n.Name(self.book.linker.alias("as_instance", self.plan.base.locals))
        return (replace(s, value=n.Call(make, (self.class_name(cls), table))),)

    def defined(self, body: n.Block, takes: dict[str, list[str]]) -> n.Block:
        """Return a body in which each attribute has a value where it is read.

        takes: is told of those that a parameter has to have.
        """
        plan = self.plan
        places = {x: place for place, x in plan.locals.items()}
        own = {p.name for p in plan.function.params} - plan.given.keys()
        lead: list[n.Stmt] = []
        for _ in range(ROUNDS):
            have = own | {plan.local(p, f) for p, fs in takes.items() for f in fs}
            missing = unbound(body, have, places)
            if missing is None:
                return (*lead, *body)
            var, name = missing
            if var in plan.given and not (plan.makes and var == plan.function.params[0].name):
                takes[var].append(name)
            elif var in plan.given and is_constant(member(plan.classes[var], name)):
                value = n.Attribute(self.class_name(plan.classes[var]), name)
                x = plan.local(var, name)
                lead.append(n.Assign((n.Name(x),), value))
                own = own | {x}
            else:
                # where it is missing, what reads it fails
                x = plan.local(var, name)
                lead.append(n.Assign((n.Name(x),), NONE))
                own = own | {x}
                self.lacks = True
        raise EscapeError(next(iter(plan.classes)))


def _stored_into(s: n.Stmt) -> Iterator[n.Attribute]:
    """Yield the attributes that a statement gives values."""
    targets = s.targets if isinstance(s, (n.Assign, n.Delete)) else ()
    if isinstance(s, (n.AugAssign, n.For)):
        targets = (s.target,)
    if isinstance(s, n.With):
        targets = tuple(to for _, to in s.items if to is not None)
    for t in targets:
        for x in each_target(t):
            if isinstance(x, n.Attribute):
                yield x


def _several(items: tuple[n.Expr, ...]) -> n.Expr | None:
    if not items:
        return None
    return items[0] if len(items) == 1 else n.TupleExpr(items)


def _binding(s: n.Stmt, outs: list[n.Expr], value: n.Expr) -> n.Stmt:
    if not outs:
        return n.ExprStmt(value, origin=s.origin, comments=s.comments, uid=s.uid)
    target = outs[0] if len(outs) == 1 else n.TupleExpr(tuple(outs))
    return n.Assign((target,), value, origin=s.origin, comments=s.comments, uid=s.uid)
