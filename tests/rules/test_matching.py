"""Which rule a call gets, and its templates with the arguments of the call put in."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad.ir.kinds import FLOAT, UNKNOWN, Array, ListOf, Object, fresh_dim
from s2s_ad.ir.quote import parse_expr
from s2s_ad.ir.text import expr_text
from s2s_ad.rules import registry

VECTOR = Array((fresh_dim(False),))
MATRIX = Array((fresh_dim(False), fresh_dim(False)))
KINDS = {
    "x": FLOAT,
    "y": FLOAT,
    "n": FLOAT,
    "v": VECTOR,
    "w": VECTOR,
    "M": MATRIX,
    "xs": ListOf(FLOAT),
    "vs": ListOf(VECTOR),
    "float": Object(float),
    "int": Object(int),
}


def chosen(obj, text, active="x y v w M xs vs u", rules=None):
    call = parse_expr(text)
    names = set(active.split())
    return registry.choose(
        registry.lookup(obj) if rules is None else rules,
        call.args,
        call.keywords,
        lambda e: KINDS.get(expr_text(e), UNKNOWN),
        lambda e: any(name in names for name in _names(e)),
    )


def _names(expr):
    from s2s_ad.ir.walk import names

    return names(expr)


def adjoints(choice):
    d, out = parse_expr("d_bar"), parse_expr("out")
    return {
        expr_text(choice.arguments[name]): expr_text(choice.adjoint(name, d, out))
        for name in choice.rule.adjoint
    }


@pytest.mark.parametrize(
    "function, text, want",
    [
        (math.sin, "sin(x)", {"x": "math.cos(x) * d_bar"}),
        (np.sin, "sin(v)", {"v": "np.cos(v) * d_bar"}),
        (np.sqrt, "sqrt(x)", {"x": "0.5 * d_bar / out if d_bar else 0.0"}),
        (np.sqrt, "sqrt(v)", {"v": "quotient(0.5 * d_bar, out)"}),
        (np.exp, "exp(xs)", {"xs": "out * d_bar"}),
        (np.sin, "sin(xs)", {"xs": "np.cos(np.asarray(xs)) * d_bar"}),
        (pow, "pow(x, 3)", {"x": "3 * x**2 * d_bar"}),
        (pow, "pow(x, 2)", {"x": "2.0 * x * d_bar"}),
        (np.dot, "dot(M, v)", {"M": "np.outer(d_bar, v)", "v": "M.T @ d_bar"}),
        (np.dot, "dot(x, v)", {"x": "np.sum(d_bar * v)", "v": "x * d_bar"}),
        (np.mean, "mean(M, 1)", {"M": "expand(d_bar / M.shape[1], M, 1, False)"}),
        (np.mean, "mean(M)", {"M": "expand(d_bar / M.size, M, None, False)"}),
        (np.var, "var(v, ddof=1)", {"v": "(v - np.mean(v)) * (2.0 * d_bar / (v.size - 1))"}),
        (np.var, "var(v)", {"v": "(v - np.mean(v)) * (2.0 * d_bar / v.size)"}),
        (np.max, "max(v)", {"v": "expand(d_bar, v, None, False) * ties(v, out)"}),
        (sum, "sum([x, y, 1.0])", {"x": "d_bar", "y": "d_bar", "1.0": "d_bar"}),
        (sum, "sum(xs)", {"xs": "[d_bar] * len(xs)"}),
        (sum, "sum(vs)", {"vs": "spread(d_bar, vs)"}),
        (math.prod, "prod([x, y])", {"x": "d_bar * y", "y": "d_bar * x"}),
        (np.array, "array([x, y])", {"[x, y]": "d_bar"}),
        (np.array, "array(xs)", {"xs": "unbroadcast(d_bar, xs)"}),
        (np.asarray, "asarray(v, float)", {"v": "d_bar"}),
        (np.asarray, "asarray(v, int)", {}),
        (np.clip, "clip(v, None, 1.0)", {"v": "d_bar * (v < 1.0)"}),
        (math.log, "log(x, 2)", {"x": "d_bar / (x * math.log(2))", "2": None}),
    ],
)
def test_choice(function, text, want):
    got = adjoints(chosen(function, text))
    assert {k: v for k, v in got.items() if want.get(k, v) is not None} == {
        k: v for k, v in want.items() if v is not None
    }


def test_a_maximum_depends_on_what_is_differentiated():
    assert adjoints(chosen(max, "max(x, n)")) == {"x": "d_bar if x > n else 0.0"}
    assert adjoints(chosen(max, "max(n, x)")) == {"x": "d_bar if x > n else 0.0"}
    both = adjoints(chosen(max, "max(x, y)"))
    assert both["x"] == "d_bar if x > y else 0.5 * d_bar if x == y else 0.0"
    three = adjoints(chosen(max, "max(x, y, n)"))
    assert three["x"] == "d_bar / [x, y].count(out) if x == out and n != out else 0.0"
    assert adjoints(chosen(max, "max(x, n, 2.0)"))["x"] == (
        "d_bar if x == out and n != out and 2.0 != out else 0.0"
    )


@pytest.mark.parametrize(
    "function, text",
    [
        (np.sum, "sum(v, dtype=int)"),
        (np.sum, "sum(v, out=w)"),
        (np.sum, "sum(*vs)"),
        (np.sin, "sin(v, where=w)"),
        (np.arange, "arange(x)"),
        (np.linalg.norm, "norm(M, 2, (1, 0))"),
        (math.sin, "sin(x, y)"),
        (max, "max(xs, key=f)"),
        (pow, "pow(x, y, 3)"),
        (np.take, "take(v, [0], out=w)"),
        (len, "len()"),
    ],
)
def test_a_call_that_no_rule_covers_has_none(function, text):
    assert chosen(function, text) is None


def test_what_has_no_rule():
    assert registry.lookup(print) == ()
    assert registry.lookup(lambda x: x) == ()
    assert registry.lookup([1]) == ()
    assert registry.lookup_method("not_a_method") == ()


def test_methods_are_written_as_methods():
    call = parse_expr("M.sum(axis=0)")
    choice = chosen(None, "f(M, axis=0)", rules=registry.lookup_method("sum"))
    assert expr_text(choice.tangent("a", parse_expr("M_dot"), parse_expr("out"))) == (
        expr_text(call).replace("M", "M_dot")
    )
    choice = chosen(None, "f(M, 3, -1)", rules=registry.lookup_method("reshape"))
    assert expr_text(choice.tangent("a", parse_expr("M_dot"), parse_expr("out"))) == (
        "M_dot.reshape(3, -1)"
    )


def test_tangents_of_linear_calls_are_the_calls():
    choice = chosen(np.sum, "sum(M, axis=1, keepdims=True)")
    tangent = expr_text(choice.tangent("a", parse_expr("M_dot"), parse_expr("out")))
    assert tangent == "np.sum(M_dot, axis=1, keepdims=True)"


def test_the_argument_may_be_called_like_a_name_of_the_template():
    call = parse_expr("atan2(d, out)")
    choice = registry.choose(
        registry.lookup(math.atan2), call.args, (), lambda e: FLOAT, lambda e: True
    )
    got = expr_text(choice.adjoint("y", parse_expr("x"), parse_expr("y")))
    assert got == "x * out / (out * out + d * d) if out * out + d * d else 0.0"
