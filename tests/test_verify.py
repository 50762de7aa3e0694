"""The verifier of the intermediate representation finds what a pass could break."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s2s_ad.frontend.lower import lower_module
from s2s_ad.ir import nodes as n
from s2s_ad.ir.verify import BrokenIR, check_free_names, unbound_reads, verify

X, Y = n.Name("x"), n.Name("y")


def lowered(text: str) -> n.Function:
    (function,) = lower_module(text, "<verified>").values()
    return function


@pytest.mark.parametrize(
    "body",
    [
        "    y = x\n    return y",
        "    if x > 0:\n        y = x\n    return y",
        "    for i in range(3):\n        if i:\n            x = y\n        y = x * i\n    return x",
        "    while x > 1:\n        x, y = x / 2, x\n    return y",
        "    try:\n        y = 1 / x\n    except ZeroDivisionError:\n        y = 0.0\n    return y",
        "    return [y for y in x if (k := y) > 0], k",
        "    with open(x) as y:\n        z = y\n    return z",
        "    def g(z):\n        return z + x\n    return g(x)",
    ],
)
def test_what_may_be_bound_is_accepted(body):
    function = lowered(f"def f(x):\n{body}\n")
    verify(function, "reading")
    assert not unbound_reads(function)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("    z = y\n    y = x\n    return z", "y"),
        ("    y += x\n    return y", "y"),
        ("    for i in range(i):\n        x = x + i\n    return x", "i"),
        ("    if x > 0:\n        z = y\n    else:\n        y = x\n    return x", "y"),
        ("    y.append(x)\n    y = [x]\n    return y", "y"),
        ("    y[0] = x\n    y = [x]\n    return y", "y"),
    ],
)
def test_a_read_before_any_assignment_is_found(body, name):
    function = lowered(f"def f(x):\n{body}\n")
    with pytest.raises(BrokenIR, match=rf"a pass of f: read before any assignment: \['{name}'\]"):
        verify(function, "a pass")
    verify(function, "a pass", frozenset([name]))


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (n.Break(), "outside of a loop"),
        (X, "where a statement belongs"),
        (n.Assign((n.Binary("+", X, X),), X), "as a target"),
        (n.Assign((n.TupleExpr((X, n.Const("1", 1))),), X), "as a target"),
        (n.Assign((Y,), 1.5), "in Assign.value"),
        (n.Assign((Y,), n.Binary("*", X, n.Pass())), "in Binary.right"),
        (n.If((n.Branch(X, [n.Pass()]),)), "in Branch.body"),
    ],
)
def test_a_malformed_statement_is_found(statement, what):
    function = n.Function("f", (n.Param("x"),), (statement,))
    with pytest.raises(BrokenIR, match=what):
        verify(function, "a pass")


def test_a_name_the_module_does_not_have_is_found():
    function = lowered("def f(x):\n    return helper(x) + len(x)\n")
    check_free_names([function], ["helper"])
    check_free_names([function, replace(function, name="helper")], [])
    with pytest.raises(BrokenIR, match=r"\['helper'\]"):
        check_free_names([function], [])


def test_users_do_not_pay_for_it(monkeypatch):
    monkeypatch.delenv("S2S_AD_CHECK")
    verify(n.Function("f", (), (n.Break(),)), "a pass")
