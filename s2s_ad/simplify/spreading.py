"""What is not spread out to the shape of an array, since NumPy does that where it is read.

Takes the statements of a function, gives them with numbers for arrays full of one, and with the
contribution first that has the shape of its variable; requires `ir`.

    y_bar = np.full_like(y, result_bar)             y_bar = result_bar
    a_bar = y_bar * b                       →       a_bar = y_bar * b

    x_bar = np.zeros_like(x) - d[:, None]           x_bar = x * e
    x_bar += x * e                          →       x_bar -= d[:, None]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from s2s_ad.ir import nodes as n
from s2s_ad.ir.blocks import mentioned
from s2s_ad.ir.walk import assigned, inside, names, target_names, walk_stmts
from s2s_ad.simplify.algebra import simplify_sum

Same = Callable[[str, str], bool]


def without_spreading(body: n.Block, back: frozenset[int], same: Same) -> n.Block:
    """Return a body in which as little as possible is spread out.

    back: uids of the statements of the reverse sweep. same: whether two variables, or what they
    are the adjoints of, are arrays proved to have one shape.
    """
    return tuple(_numbers(_full_first(list(body), back, same), back, same))


def _numbers(body: list[n.Stmt], back: frozenset[int], same: Same) -> list[n.Stmt]:
    """Put numbers for arrays full of them that are only read where other operands give the shape.

    That are statements of the function itself: what is said of shapes holds there all the time.
    """
    bound = Counter(x for s in walk_stmts(tuple(body)) for x in _bound(s))
    out = list(body)
    for k, s in enumerate(body):
        name, like, value = _filled(s)
        if s.uid not in back or not name or bound[name] != 1 or name not in assigned((s,)):
            continue
        rest = tuple(out[k + 1 :])
        if all(_in_shape(x, name, like, same) for x in rest):
            assert isinstance(s, n.Assign)
            out[k] = n.Assign(s.targets, value, of=s.of, uid=s.uid, comments=s.comments)
    return out


def _bound(s: n.Stmt) -> list[str]:
    if isinstance(s, n.Assign):
        return [x for t in s.targets for x in (*target_names(t), *_roots(t))]
    if isinstance(s, n.AugAssign):
        return [*target_names(s.target), *_roots(s.target)]
    if isinstance(s, n.Pop):
        return list(target_names(s.target))
    return list(target_names(s.target)) if isinstance(s, n.For) else []


def _roots(target: n.Expr) -> list[str]:
    return [] if isinstance(target, n.Name) else sorted(names(target))


def _filled(s: n.Stmt) -> tuple[str, str, n.Expr]:
    """Return what `y_bar = np.full_like(y, d)` says."""
    nothing: tuple[str, str, n.Expr] = ("", "", n.Name(""))
    if not isinstance(s, n.Assign) or len(s.targets) != 1 or not isinstance(s.value, n.Call):
        return nothing
    call, target = s.value, s.targets[0]
    full = isinstance(call.func, n.Attribute) and call.func.attr == "full_like"
    if not full or len(call.args) != 2 or call.keywords or not isinstance(target, n.Name):
        return nothing
    like, value = call.args
    return (target.id, like.id, value) if isinstance(like, n.Name) else nothing


def _in_shape(s: n.Stmt, name: str, like: str, same: Same) -> bool:
    """True when a statement reads a variable only beside others of its shape, or not at all."""
    if name not in mentioned((s,)):
        return True
    if not isinstance(s, (n.Assign, n.AugAssign)):
        return False
    targets = s.targets if isinstance(s, n.Assign) else (s.target,)
    return all(name not in names(t) for t in targets) and _is_given(s.value, name, like, same)


def _is_given(e: n.Expr, name: str, like: str, same: Same) -> bool:
    """True when each place where an expression reads a variable has its shape from elsewhere."""
    if name not in names(e):
        return True
    if isinstance(e, n.Binary) and e.op in "+-*/":
        full = _is_full(e, name, like, same)
        sides = (e.left, e.right)
        return all((full and _is_bare(x, name)) or _is_given(x, name, like, same) for x in sides)
    if isinstance(e, n.Call):
        inside = (*e.args, *(k.value for k in e.keywords))
        return name not in names(e.func) and all(_is_given(x, name, like, same) for x in inside)
    if isinstance(e, n.Unary):
        return _is_given(e.operand, name, like, same)
    if isinstance(e, n.Subscript):
        return name not in names(e.index) and _is_given(e.value, name, like, same)
    return isinstance(e, n.Attribute) and e.attr == "T" and _is_given(e.value, name, like, same)


def _is_bare(e: n.Expr, name: str) -> bool:
    """True for a variable times and divided by what does not read it: spread out further up."""
    if isinstance(e, n.Unary):
        return _is_bare(e.operand, name)
    if isinstance(e, n.Binary) and e.op in "+-*/":
        return all(_is_bare(x, name) for x in (e.left, e.right))
    return e == n.Name(name) or name not in names(e)


def _is_full(e: n.Expr, name: str, like: str, same: Same) -> bool:
    """True for arithmetic with an operand of the shape that the variable has, other than it."""
    if isinstance(e, n.Name):
        return e.id != name and same(e.id, like)
    if isinstance(e, n.Unary):
        return _is_full(e.operand, name, like, same)
    if isinstance(e, n.Binary) and e.op in "+-*/":
        return any(_is_full(x, name, like, same) for x in (e.left, e.right))
    return False


def _full_first(body: list[n.Stmt], back: frozenset[int], same: Same) -> list[n.Stmt]:
    """Put the first contribution of the whole shape in front of one that is spread out."""
    out = list(body)
    for k, s in enumerate(out):
        name, like, sign, part = _spread(s)
        if s.uid not in back or not name:
            continue
        read = names(part)
        for j in range(k + 1, len(out)):
            t = out[j]
            adds = isinstance(t, n.AugAssign) and t.target == n.Name(name) and t.op in "+-"
            full = adds and isinstance(t, n.AugAssign) and _is_full(t.value, name, like, same)
            if full and isinstance(t, n.AugAssign) and name not in names(t.value):
                value = t.value if t.op == "+" else simplify_sum(n.Unary("-", t.value))
                first = n.Assign((t.target,), value, of=t.of, comments=t.comments)
                then = n.AugAssign(t.target, sign, part, of=t.of)
                out[j : j + 1] = [first, then]
                del out[k]
                return _full_first(out, back | {first.uid, then.uid}, same)
            if name in mentioned((t,)) or read & (assigned((t,)) | _changed(t)):
                break
    return out


def _spread(s: n.Stmt) -> tuple[str, str, str, n.Expr]:
    """Return what `x_bar = np.zeros_like(x) - d`, or `x_bar = d + np.zeros_like(x)`, says."""
    nothing: tuple[str, str, str, n.Expr] = ("", "", "", n.Name(""))
    if not isinstance(s, n.Assign) or len(s.targets) != 1 or not isinstance(s.targets[0], n.Name):
        return nothing
    e = s.value
    if not isinstance(e, n.Binary) or e.op not in "+-":
        return nothing
    for zeros, part in ((e.left, e.right), (e.right, e.left)):
        like = zeros.args[0] if isinstance(zeros, n.Call) and len(zeros.args) == 1 else None
        func = zeros.func if isinstance(zeros, n.Call) else None
        named = isinstance(func, n.Attribute) and func.attr == "zeros_like"
        if named and isinstance(like, n.Name) and (e.op == "+" or zeros is e.left):
            return s.targets[0].id, like.id, e.op, part
    return nothing


def _changed(s: n.Stmt) -> set[str]:
    """Return what a statement may change in place: whatever it stores into or hands to a call."""
    found: set[str] = set()
    for x in walk_stmts((s,)):
        found |= set(_bound(x))
        if isinstance(x, n.ExprStmt):
            found |= names(x.value)
        for call in inside(x, n.Call):
            if isinstance(call.func, n.Name):
                found |= names(call)
    return found
