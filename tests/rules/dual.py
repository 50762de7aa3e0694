"""Derivatives of templates by the rules of what they call: what the engine does to its own output.

Takes a template and (value, differential) by name, gives the same of the template. A differential
of None stands for zero.
"""

from __future__ import annotations

import builtins
import math

import numpy as np

from s2s_ad import runtime
from s2s_ad.analysis.observe import kind_of
from s2s_ad.ir import nodes as n
from s2s_ad.ir.text import expr_text
from s2s_ad.rules import registry
from s2s_ad.rules.checking import NAMESPACE
from tests.rules import SCIPY

Pair = tuple[object, object]

MODULES = {"np": np, "math": math, **SCIPY}
GLOBALS = {**vars(builtins), **NAMESPACE, **MODULES}
SEQUENCES = {list, tuple, zip, reversed}


def dual(expr: n.Expr, env: dict[str, Pair]) -> Pair:
    """Return the value of `expr` and its differential."""
    match expr:
        case n.Const():
            return expr.value, None
        case n.Name():
            return env[expr.id] if expr.id in env else (GLOBALS[expr.id], None)
        case n.Attribute():
            value, dot = dual(expr.value, env)
            if dot is None or expr.attr == "dtype":
                return getattr(value, expr.attr), None
            return applied(registry.lookup_attribute(expr.attr), [(value, dot)], {})
        case n.Unary(op="not"):
            return not dual(expr.operand, env)[0], None
        case n.Unary():
            return applied(registry.lookup_operator("u" + expr.op), [dual(expr.operand, env)], {})
        case n.Binary():
            pairs = [dual(expr.left, env), dual(expr.right, env)]
            return applied(registry.lookup_operator(expr.op), pairs, {})
        case n.Compare():
            values = [dual(part, env)[0] for part in (expr.left, *expr.rights)]
            return eval(f"a {expr.ops[0]} b", dict(zip("ab", values))), None
        case n.BoolOp():
            values = [dual(part, env)[0] for part in expr.values]
            return (all(values) if expr.op == "and" else any(values)), None
        case n.IfExp():
            return dual(expr.body if dual(expr.test, env)[0] else expr.orelse, env)
        case n.Subscript():
            (value, dot), index = dual(expr.value, env), dual(expr.index, env)[0]
            return value[index], None if dot is None else dot[index]
        case n.Slice():
            parts = (expr.lower, expr.upper, expr.step)
            return slice(*(None if p is None else dual(p, env)[0] for p in parts)), None
        case n.TupleExpr() | n.ListExpr():
            kind = tuple if isinstance(expr, n.TupleExpr) else list
            return joined(kind, [pair for item in expr.items for pair in items_of(item, env)])
        case n.Comprehension():
            return joined(list, list(iterated(expr, env)))
        case n.Call():
            return called(expr, env)
    raise AssertionError(f"templates do not hold {type(expr).__name__}")


def joined(kind: type, pairs: list[Pair]) -> Pair:
    """Return one sequence of several values."""
    values = kind(value for value, _ in pairs)
    if all(dot is None for _, dot in pairs):
        return values, None
    return values, [runtime.zeros_like(v) if dot is None else dot for v, dot in pairs]


def items_of(item: n.Expr, env: dict[str, Pair]) -> list[Pair]:
    if not isinstance(item, n.Starred):
        return [dual(item, env)]
    return split(dual(item.value, env))


def split(pair: Pair) -> list[Pair]:
    """Return the items of a sequence, each with its differential."""
    values, dots = pair
    values = list(values)
    return list(zip(values, [None] * len(values) if dots is None else dots))


def iterated(expr: n.Comprehension, env: dict[str, Pair]):
    (clause,) = expr.clauses
    for item in split(dual(clause.iter, env)):
        inner = dict(env)
        if isinstance(clause.target, n.TupleExpr):
            names = [target.id for target in clause.target.items]
            inner.update(zip(names, split(item)))
        else:
            inner[clause.target.id] = item
        if all(dual(condition, inner)[0] for condition in clause.conditions):
            yield dual(expr.element, inner)


def called(expr: n.Call, env: dict[str, Pair]) -> Pair:
    pairs = [pair for arg in expr.args for pair in items_of(arg, env)]
    keywords = {k.name: dual(k.value, env) for k in expr.keywords}
    if isinstance(expr.func, n.Attribute) and not _is_module(expr.func.value, env):
        owner = dual(expr.func.value, env)
        return applied(registry.lookup_method(expr.func.attr), [owner, *pairs], keywords, True)
    function = dual(expr.func, env)[0]
    if function is zip:
        rows = [split(pair) for pair in pairs]
        return joined(list, [joined(tuple, list(row)) for row in zip(*rows)])
    if function in SEQUENCES:
        return joined(list, split(pairs[0])) if pairs else ([], None)
    if all(dot is None for _, dot in (*pairs, *keywords.values())):
        return function(*(v for v, _ in pairs), **{k: v for k, (v, _) in keywords.items()}), None
    return applied(registry.lookup(function), pairs, keywords)


def _is_module(expr: n.Expr, env: dict[str, Pair]) -> bool:
    if isinstance(expr, n.Attribute):
        return _is_module(expr.value, env)
    return isinstance(expr, n.Name) and expr.id not in env and expr.id in MODULES


def applied(rules, pairs: list[Pair], keywords: dict[str, Pair], method: bool = False) -> Pair:
    """Return what a rule's function gives, and its tangent by the templates of the rule."""
    values: dict[str, object] = {}
    dots: dict[str, object] = {}

    def spelled(pair: Pair) -> n.Expr:
        value, dot = pair
        if dot is None and (value is None or type(value) in (bool, int, float, str)):
            return n.Const(repr(value), value)
        if dot is None and isinstance(value, tuple) and all(type(k) is int for k in value):
            return n.TupleExpr(tuple(n.Const(repr(k), k) for k in value))
        name = f"v{len(values)}"
        values[name] = value
        if dot is not None:
            dots[name] = dot
        return n.Name(name)

    args = [spelled(pair) for pair in pairs]
    keyword_args = [n.Keyword(name, spelled(pair)) for name, pair in keywords.items()]
    choice = registry.choose(
        rules,
        args,
        keyword_args,
        lambda e: kind_of(values[e.id] if isinstance(e, n.Name) else _value(e)),
        lambda e: isinstance(e, n.Name) and e.id in dots,
    )
    assert choice is not None, f"no rule of {[r.text for r in rules]} fits"
    out = _result(choice.rule, args, keyword_args, values)
    if not dots:
        return out, None
    namespace = {**GLOBALS, **values, "out_": out, "function": choice.rule.function}
    total = None
    for param, expr in choice.arguments.items():
        if isinstance(expr, n.Name) and expr.id in dots and param in choice.rule.tangent:
            template = choice.tangent(param, n.Name("d_"), n.Name("out_"))
            part = eval(expr_text(template), {**namespace, "d_": dots[expr.id]})
            total = part if total is None else runtime.add(total, part)
    if total is not None and isinstance(out, np.ndarray) and np.shape(total) != out.shape:
        total = np.broadcast_to(total, out.shape)
    return out, total


def _value(expr: n.Expr) -> object:
    return eval(expr_text(expr), {"inf": math.inf})


def _result(rule, args, keywords, values: dict[str, object]) -> object:
    spelled = [expr_text(arg) for arg in args]
    if rule.namespace == "operator":
        text = f"{spelled[0]} {rule.name} {spelled[-1]}"
        if len(args) == 1:
            text = f"{rule.name.removeprefix('u')} {spelled[0]}"
    elif rule.namespace == "attribute":
        text = f"{spelled[0]}.{rule.name}"
    else:
        given = [*spelled, *(f"{k.name}={expr_text(k.value)}" for k in keywords)]
        head = "function"
        if rule.namespace == "method":
            head, given = f"{given[0]}.{rule.name}", given[1:]
        text = f"{head}({', '.join(given)})"
    names = {
        **SCIPY,
        "function": rule.function,
        "np": np,
        "math": math,
        "inf": math.inf,
    }
    return eval(text, {**values, **names})
