"""Traversal of the intermediate representation: children, names, substitution, mapping.

Takes expressions, statements and blocks, gives new ones or facts about them; requires only
`ir.nodes` and `ir.parts`.

Expressions are walked with an explicit stack, never by recursion: a sum of 1000 terms is 1000
levels deep. Statements are walked by recursion, as Python itself bounds their nesting.
What does not change is returned as the same object, so that `is` tells whether a pass did anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, KeysView, Mapping, Sequence
from itertools import chain, count
from typing import Any, TypeVar

from . import nodes
from .nodes import Block, Expr, Function, Lambda, Name, NamedExpr, Stmt
from .parts import parts_of, with_new_parts, with_parts
from .remembered import remembered, replace

E = TypeVar("E")
T = TypeVar("T")

# -- expressions ------------------------------------------------------------------------


def children(e: Expr) -> tuple[Expr, ...]:
    """Return the direct sub-expressions of `e`, targets included.

    Of a comprehension the clauses come first, as they run first.
    """
    return parts_of(e)


def container_of(e: Expr) -> Expr:
    """Return what an expression is a part of: x of `x[i].a`; itself when it is no part."""
    while isinstance(e, (nodes.Subscript, nodes.Attribute)):
        e = e.value
    return e


@remembered
def _upwards(e: Expr) -> tuple[Any, ...]:
    """Return the nodes in `e`, the leaves first, each node followed by its parts: not as pairs, of
    which there would be many. `e` itself is none of them: what it held would hold it."""
    found: list[Any] = []
    todo = list(parts_of(e))
    while todo:
        node = todo.pop()
        parts = parts_of(node)
        found.append(parts)
        found.append(node)
        todo.extend(parts)
    found.reverse()
    return tuple(found)


def _with_their_parts(e: Expr) -> Iterator[tuple[Expr, tuple[Expr, ...]]]:
    every = iter(_upwards(e))
    return chain(zip(every, every), ((e, parts_of(e)),))


def fold(e: Expr, combine: Callable[[Expr, list[T]], T]) -> T:
    """Combine `e` bottom-up: `combine(node, results of its children)`, from the leaves to `e`."""
    done: list[T] = []
    for node, parts in _with_their_parts(e):
        size = len(done) - len(parts)
        results = done[size:]
        del done[size:]
        done.append(combine(node, results))
    return done[0]


def map_expr(e: Expr, fn: Callable[[Expr], Expr]) -> Expr:
    """Rebuild `e` bottom-up, `fn` applied to each rebuilt node (targets and lambdas included)."""
    if isinstance(e, (Name, nodes.Const)):
        return fn(e)
    done: list[Expr] = []
    for node, parts in _with_their_parts(e):
        if parts:
            size = len(done) - len(parts)
            for k, part in enumerate(parts, size):
                if done[k] is not part:
                    node = with_new_parts(node, iter(done[size:]))
                    break
            del done[size:]
        done.append(fn(node))
    return done[0]


def subexprs(e: Expr) -> tuple[Expr, ...]:
    """Return `e` and all expressions inside it, each before its parts."""
    return (e, *_below(e))


@remembered
def _below(e: Expr) -> tuple[Expr, ...]:
    """Return the expressions inside `e`, not itself: what it held would hold it."""
    found: list[Expr] = []
    todo = list(reversed(parts_of(e)))
    while todo:
        node = todo.pop()
        found.append(node)
        todo.extend(reversed(parts_of(node)))
    return tuple(found)


def each_target(target: Expr) -> Iterator[Expr]:
    """Yield what an assignment to `target` gives a value to: names, `a[i]`, `a.b`."""
    match target:
        case nodes.Starred():
            yield from each_target(target.value)
        case nodes.TupleExpr() | nodes.ListExpr():
            for item in target.items:
                yield from each_target(item)
        case _:
            yield target


@remembered
def target_names(target: Expr) -> KeysView[str]:
    """Return the names that an assignment to `target` binds (none for `a[i]` and `a.b`), a set in
    the order in which they stand there."""
    return {x.id: None for x in each_target(target) if isinstance(x, Name)}.keys()


def _bound(e: Lambda | nodes.Comprehension) -> frozenset[str]:
    """Return the names of the scope that `e` opens."""
    if isinstance(e, Lambda):
        return frozenset({*(param.name for param in e.params), *_walrus_names(e.body)})
    return frozenset(name for clause in e.clauses for name in target_names(clause.target))


def _outer(e: Lambda | nodes.Comprehension) -> Iterator[bool]:
    """Say of each part of `e` whether it runs outside: defaults and the first iterable do."""
    last = len(parts_of(e)) - 1
    return (i < last if isinstance(e, Lambda) else i == 1 for i in range(last + 1))


def names(e: Expr) -> frozenset[str]:
    """Return the variables `e` reads from outside: not the parameters of its lambdas.

    >>> sorted(names(nodes.Binary("+", Name("x"), Lambda((nodes.Param("y"),), Name("y")))))
    ['x']
    """
    return _names_in(e)[0]


def _walrus_names(e: Expr) -> frozenset[str]:
    """Return the names that `:=` binds in the scope of `e`: lambdas keep theirs to themselves."""
    return _names_in(e)[1]


@remembered
def _names_in(e: Expr) -> tuple[frozenset[str], frozenset[str]]:
    """Return the variables `e` reads from outside, and the names that `:=` binds in its scope."""
    found: set[str] = set()
    todo = [e]
    while todo:
        node = todo.pop()
        if isinstance(node, Name):
            found.add(node.id)
        elif type(node) in _SCOPED:
            return _names_of_scopes(e)
        else:
            todo.extend(parts_of(node))
    return frozenset(found), _NO_NAMES


_SCOPED = frozenset((Lambda, nodes.Comprehension, NamedExpr))
_NO_NAMES: frozenset[str] = frozenset()
_NO_SET: set[str] = set()  # `union` makes another of it


def _names_of_scopes(e: Expr) -> tuple[frozenset[str], frozenset[str]]:
    found: set[str] = set()
    made: set[str] = set()
    todo: list[tuple[Expr, frozenset[str], bool]] = [(e, _NO_NAMES, True)]
    while todo:
        node, bound, ours = todo.pop()
        parts = parts_of(node)
        if isinstance(node, Name):
            found |= {node.id} - bound
        elif isinstance(node, (Lambda, nodes.Comprehension)):
            own = bound | _bound(node)
            inner = ours and not isinstance(node, Lambda)
            every = zip(parts, _outer(node))
            todo.extend(
                (x, bound if outer else own, ours if outer else inner) for x, outer in every
            )
        elif isinstance(node, NamedExpr):
            made |= {node.target.id} if ours else set()
            todo.append((node.value, bound, ours))
        else:
            todo.extend((part, bound, ours) for part in parts)
    return frozenset(found), frozenset(made)


def substitute(e: Expr, mapping: Mapping[str, Expr]) -> Expr:
    """Replace names that `e` reads from outside by expressions, all at once.

    Never captures: a parameter of a lambda or a target of a comprehension that is spelled like
    a name brought in gets a number. The target of `:=` follows only when its replacement is a name.

    >>> e = Lambda((nodes.Param("y"),), nodes.Binary("*", Name("x"), Name("y")))
    >>> substitute(e, {"x": Name("y")}).body
    Binary(op='*', left=Name(id='y'), right=Name(id='y_1'))
    """
    if mapping.keys().isdisjoint(names(e)) and mapping.keys().isdisjoint(_walrus_names(e)):
        return e

    def rebuilt(node: Expr, parts: list[Expr]) -> Expr:
        if isinstance(node, Name):
            return mapping.get(node.id, node)
        if isinstance(node, (Lambda, nodes.Comprehension)):
            return _substitute_scope(node, mapping)
        if isinstance(node, NamedExpr) and not isinstance(parts[0], Name):
            parts = [node.target, *parts[1:]]
        result: Expr = with_parts(node, parts)
        return result

    return fold(e, rebuilt)


def _substitute_scope(e: Lambda | nodes.Comprehension, mapping: Mapping[str, Expr]) -> Expr:
    bound = _bound(e)
    inside = [part for part, outer in zip(parts_of(e), _outer(e)) if not outer]
    read = set().union(*map(names, inside))
    inner: dict[str, Expr] = {k: v for k, v in mapping.items() if k in read and k not in bound}
    taken = set().union(*map(names, inner.values()))
    clash = sorted(bound & taken)
    fresh = _fresh(clash, taken | bound | read)
    inner |= {old: Name(new) for old, new in fresh.items()}
    parts = [
        substitute(part, mapping if outer else inner) for part, outer in zip(parts_of(e), _outer(e))
    ]
    result: Lambda | nodes.Comprehension = with_parts(e, parts)
    if isinstance(result, Lambda) and clash:
        params = tuple(replace(p, name=fresh.get(p.name, p.name)) for p in result.params)
        return Lambda(params, result.body)
    return result


def _fresh(wanted: Sequence[str], taken: set[str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for name in wanted:
        chosen[name] = next(new for new in (f"{name}_{k}" for k in count(1)) if new not in taken)
        taken = taken | {chosen[name]}
    return chosen


# -- statements -------------------------------------------------------------------------


@remembered
def stmt_exprs(s: Stmt) -> tuple[Expr, ...]:
    """Return the expressions directly in `s`, targets included, not those of nested blocks.

    The stack of an `Append` or a `Pop` comes as a `Name`. Of a nested function: its
    decorators and defaults, which run when the `def` does; for its body see `free_names`.
    """
    stacks = (Name(s.stack),) if isinstance(s, (nodes.Append, nodes.Pop)) else ()
    return (*stacks, *parts_of(s))


def map_stmt_exprs(s: Stmt, fn: Callable[[Expr], Expr]) -> Stmt:
    """Return `s` with `fn` applied to each expression of `stmt_exprs`, stacks excepted."""
    result: Stmt = with_parts(s, [fn(e) for e in parts_of(s)])
    return result


def map_parts(s: Stmt, fn: Callable[[Expr], Expr]) -> Stmt:
    """Return `s` with `fn` applied to each rebuilt node of its expressions (see `map_expr`)."""
    return map_stmt_exprs(s, lambda e: map_expr(e, fn))


@remembered
def all_parts(s: Stmt) -> tuple[Expr, ...]:
    """Return the expressions of `stmt_exprs` and all inside them, each before its parts."""
    return tuple([e for whole in stmt_exprs(s) for e in subexprs(whole)])


@remembered
def _by_class(node: Expr | Stmt) -> dict[type, tuple[Any, ...]]:
    found: dict[type, list[Expr]] = {}
    for e in all_parts(node) if isinstance(node, Stmt) else _below(node):
        found.setdefault(type(e), []).append(e)
    return {cls: tuple(several) for cls, several in found.items()}


def inside(node: Expr | Stmt, cls: type[E]) -> tuple[E, ...]:
    """Return the expressions of one class in an expression, itself included, or in a statement
    (see `all_parts`), each before its parts."""
    found: tuple[E, ...] = _by_class(node).get(cls, ())
    return (node, *found) if type(node) is cls else found


def each_of(e: Expr) -> tuple[Expr, ...]:
    """Return the items of a tuple, and what is none alone: what an index says axis by axis."""
    return e.items if isinstance(e, nodes.TupleExpr) else (e,)


def is_starred(call: nodes.Call) -> bool:
    """True for a call with `*args` or `**kwargs`: which arguments there are is not known."""
    starred = any(isinstance(a, nodes.Starred) for a in call.args)
    return starred or any(k.name is None for k in call.keywords)


def every_block(body: Block) -> Iterator[Block]:
    """Yield a block and all blocks in its statements, not those of nested functions."""
    yield body
    for s in walk_stmts(body):
        yield from blocks(s)


def blocks(s: Stmt) -> tuple[Block, ...]:
    """Return the blocks nested in `s`, empty ones included; not the body of a nested function."""
    return _blocks(s) if type(s) in _HOLDING else ()


_HOLDING = frozenset((nodes.If, nodes.For, nodes.While, nodes.Try, nodes.With))


@remembered
def _blocks(s: Stmt) -> tuple[Block, ...]:
    match s:
        case nodes.If():
            return (*(branch.body for branch in s.branches), s.orelse)
        case nodes.For() | nodes.While():
            return (s.body, s.orelse)
        case nodes.Try():
            return (s.body, *(handler.body for handler in s.handlers), s.orelse, s.final)
        case nodes.With():
            return (s.body,)
    raise AssertionError(f"{type(s).__name__} has no blocks")


def _with_blocks(s: Stmt, new: Sequence[Block]) -> Stmt:
    """Return `s` with its blocks replaced, in the order of `blocks`."""
    match s:
        case nodes.If():
            branches = tuple(replace(b, body=body) for b, body in zip(s.branches, new))
            return replace(s, branches=branches, orelse=new[-1])
        case nodes.For() | nodes.While():
            return replace(s, body=new[0], orelse=new[1])
        case nodes.Try():
            handlers = tuple(replace(h, body=body) for h, body in zip(s.handlers, new[1:]))
            return replace(s, body=new[0], handlers=handlers, orelse=new[-2], final=new[-1])
        case nodes.With():
            return replace(s, body=new[0])
    raise AssertionError(f"{type(s).__name__} has no blocks")


def with_each_block(s: Stmt, visit: Callable[[Block], Block]) -> Stmt:
    """Return a statement that holds blocks with each of them, empty ones included, as given."""
    return _with_blocks(s, [visit(inner) for inner in _blocks(s)])


def walk_stmts(block: Block) -> Iterator[Stmt]:
    """Yield every statement of `block`, nested ones after the one that holds them."""
    for s in block:
        yield s
        if type(s) in _HOLDING:
            for inner in _blocks(s):
                yield from walk_stmts(inner)


def map_block(block: Block, fn: Callable[[Stmt], Sequence[Stmt]]) -> Block:
    """Rebuild `block` bottom-up: `fn` gets each statement, its blocks mapped, and replaces it."""
    result: list[Stmt] = []
    for s in block:
        if type(s) in _HOLDING:
            old = _blocks(s)
            new = tuple(map_block(inner, fn) for inner in old)
            if any(a is not b for a, b in zip(old, new)):
                s = _with_blocks(s, new)
        result.extend(fn(s))
    same = len(result) == len(block) and all(a is b for a, b in zip(result, block))
    return block if same else tuple(result)


def bound_names(block: Block) -> set[str]:
    """Return the names that `block` binds or deletes by Python's rules of scope."""
    return _NO_SET.union(*map(_bound_by, block))


@remembered
def bound_here(s: Stmt) -> frozenset[str]:
    """Return the names that a statement itself binds or deletes, whatever its blocks do."""
    found: set[str] = set()
    match s:
        case nodes.Assign() | nodes.Delete():
            found.update(name for target in s.targets for name in target_names(target))
        case nodes.AugAssign() | nodes.Pop() | nodes.For():
            found.update(target_names(s.target))
        case nodes.Import():
            found.update(name for name, _, _ in s.bindings)
        case nodes.FunctionDef():
            found.add(s.function.name)
        case nodes.Try():
            found.update(handler.name for handler in s.handlers if handler.name)
        case nodes.With():
            found.update(name for _, to in s.items if to for name in target_names(to))
    for e in stmt_exprs(s):
        found |= _walrus_names(e)
    return frozenset(found)


@remembered
def _bound_by(s: Stmt) -> frozenset[str]:
    inner = (_bound_by(x) for block in blocks(s) for x in block)
    return bound_here(s).union(*inner)


def assigned(block: Block) -> set[str]:
    """Return every name whose value `block` may change: `bound_names`, and the stacks it works."""
    return _NO_SET.union(*map(_assigned_by, block))


@remembered
def _assigned_by(s: Stmt) -> frozenset[str]:
    found = set(_bound_by(s))
    if isinstance(s, (nodes.Append, nodes.Pop)):
        found.add(s.stack)
    for inner in blocks(s):
        found.update(*map(_assigned_by, inner))
    return frozenset(found)


def free_names(f: Function) -> set[str]:
    """Return the names that the body of `f`, nested functions included, takes from outside it."""
    found: set[str] = set()
    declared: set[str] = set()
    for s in walk_stmts(f.body):
        for e in stmt_exprs(s):
            found |= names(e)
        if isinstance(s, nodes.FunctionDef):
            found |= free_names(s.function)
        if isinstance(s, nodes.Global):
            declared.update(s.names)
    own = (bound_names(f.body) | {param.name for param in f.params}) - declared
    return (found | declared) - own


def popped(s: Stmt) -> tuple[Expr, str] | None:
    """Return the target and the stack of a statement that takes back what was kept."""
    if isinstance(s, nodes.Pop):
        return s.target, s.stack
    if not isinstance(s, nodes.Assign) or not isinstance(s.value, nodes.Call):
        return None
    func, target = s.value.func, s.targets[0]
    if not isinstance(func, nodes.Attribute) or func.attr != "pop" or len(s.targets) > 1:
        return None
    return (target, func.value.id) if isinstance(func.value, Name) and not s.value.args else None
