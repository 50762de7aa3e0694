"""Traversal: nothing is missed, nothing is captured, what does not change stays the same object."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from s2s_ad.frontend.lower import lower_module
from s2s_ad.ir import nodes
from s2s_ad.ir.blocks import changed_by, stored_by
from s2s_ad.ir.nodes import Binary, Const, Expr, Lambda, Name, Param, Pass
from s2s_ad.ir.text import expr_text, function_text
from s2s_ad.ir.walk import (
    all_parts,
    assigned,
    blocks,
    bound_names,
    children,
    free_names,
    inside,
    map_block,
    map_expr,
    map_parts,
    map_stmt_exprs,
    names,
    subexprs,
    substitute,
    walk_stmts,
)

X, Y = Name("x"), Name("y")


def parsed(text):
    return lower_module(f"def f():\n    return ({text})\n", "m.py")["f"].body[0].value


def body_of(text):
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    return lower_module(f"def f():\n{lines}", "m.py")["f"].body


EVERYTHING = """
a0 = [a1, *a2, (a3, a4), {a5}, {a6: a7, **a8}, -a9, a10 + a11, a12 < a13 < a14, a15 and a16]
a17[a18:a19:a20].attr = a21 if a22 else a23(a24, *a25, k=a26, **a27)
a28 = lambda p, q=a29: a30
a31 = [a32 for a33 in a34 if a35 if a36]
a37 = {a38: a39 for a40 in a41}
a42 = f"{a43!r:>{a44}}", (a45 := a46)
a47 += a48
a49.append(a50)
a51 = a52.pop()
if a53:
    a54()
elif a55:
    a56()
else:
    a57()
for a58 in a59:
    a60()
else:
    a61()
while a62:
    a63()
else:
    a64()
try:
    a65()
except a66 as e:
    a67()
else:
    a68()
finally:
    a69()
with a70 as a71, a72:
    a73()
assert a74, a75
raise a76 from a77
del a78[a79]
return a80
"""


def test_every_expression_of_every_statement_is_visited_and_mapped():
    body = body_of(EVERYTHING)
    found = [e.id for s in walk_stmts(body) for e in all_parts(s) if isinstance(e, Name)]
    assert sorted(found, key=lambda name: int(name[1:])) == [f"a{k}" for k in range(81)]

    def renamed(e):
        return Name(e.id + "_") if isinstance(e, Name) else e

    new = map_block(body, lambda s: [map_parts(s, renamed)])
    text = function_text(nodes.Function("f", (), new))
    want = [f"a{k}" if k in (49, 52) else f"a{k}_" for k in range(81)]  # stacks are no expressions
    assert [name in text.replace(":", " ") for name in want] == [True] * 81
    assert text.count("a49.append") == text.count("a52.pop") == 1


def test_children_are_all_the_expressions_a_node_holds():
    """Every field that can hold an expression is walked: none was forgotten when it was added."""
    held = {"Expr", "Name", "Keyword", "Param", "Clause", "FormattedValue"}
    for kind in typing.get_args(Expr):
        fields = [
            field.name
            for field in dataclasses.fields(kind)
            if any(name in str(field.type) for name in held)
        ]
        leaves = {"Const", "Name"}
        assert bool(fields) == (kind.__name__ not in leaves), kind


def test_map_expr_rebuilds_bottom_up_and_shares_what_does_not_change():
    e = parsed("f(x + 1, [y for y in z], k=-x)")
    assert map_expr(e, lambda node: node) is e
    doubled = map_expr(e, lambda node: Name("xx") if node == X else node)
    assert expr_text(doubled) == "f(xx + 1, [y for y in z], k=-xx)"
    assert doubled.args[1] is e.args[1]
    seen = []
    map_expr(parsed("(a + b) * c"), lambda node: seen.append(expr_text(node)) or node)
    assert seen == ["a", "b", "a + b", "c", "(a + b) * c"]


def test_inside_finds_what_is_of_one_class_in_order():
    e = parsed("f(x)(g(y) + (lambda z: z)(y))")
    assert [expr_text(x) for x in inside(e, nodes.Call)] == [
        "f(x)(g(y) + (lambda z: z)(y))",
        "f(x)",
        "g(y)",
        "(lambda z: z)(y)",
    ]
    (s,) = lower_module("def h(a):\n    a[i] += a[j]\n", "<test>")["h"].body
    assert [x.id for x in inside(s, Name)] == ["a", "i", "a", "j"]
    assert inside(s, Lambda) == ()


@pytest.mark.parametrize(
    "text, free",
    [
        ("x + y.z[i]", "x y i"),
        ("lambda a, b=c: a + d", "c d"),
        ("lambda x: x + (lambda y: x + y + z)(x)", "z"),
        ("[a for a in b if a > c]", "b c"),
        ("[a for a in a]", "a"),
        ("[a + b for a in x for b in a]", "x"),
        ("[a for a in x for b in b]", "x"),
        ("{k: v for k, (v, *w) in items if w}", "items"),
        ("[y for y in x if (last := y)]", "x"),
        ("(y := x) + y", "x y"),
        ("lambda x: (t := x) + t", ""),
        ("f(k=v, **w)", "f v w"),
        ('f"{x!r:{y}} z"', "x y"),
        ("[i for t[i] in x]", "t i x"),
    ],
)
def test_names_respect_scopes(text, free):
    assert names(parsed(text)) == set(free.split())


@pytest.mark.parametrize(
    "text, mapping, result",
    [
        ("x * y", {"x": "a + b"}, "(a + b) * y"),
        ("x + y", {"x": "y", "y": "x"}, "y + x"),
        ("lambda x: x + y", {"x": "1", "y": "2"}, "lambda x: x + 2"),
        ("lambda y: x + y", {"x": "y"}, "lambda y_1: y + y_1"),
        ("lambda y, y_1: x + y + y_1", {"x": "y"}, "lambda y_2, y_1: y + y_2 + y_1"),
        ("lambda y=y: y + x", {"y": "z"}, "lambda y=z: y + x"),
        (
            "lambda y: lambda z: x + y + z",
            {"x": "y * z"},
            "lambda y_1: lambda z_1: y * z + y_1 + z_1",
        ),
        ("[x for x in x]", {"x": "a"}, "[x for x in a]"),
        ("[x + i for i in x]", {"x": "i"}, "[i + i_1 for i_1 in i]"),
        ("[j for i in a for j in i if x]", {"x": "i + j"}, None),
        ("{i: x for i in x}", {"x": "i"}, "{i_1: i for i_1 in i}"),
        ("(x := y) + x", {"x": "z"}, "(z := y) + z"),
        ("(x := y)", {"x": "z + 1"}, "(x := y)"),
        ("x.y[x]", {"y": "z"}, "x.y[x]"),
    ],
)
def test_substitute_never_captures(text, mapping, result):
    got = substitute(parsed(text), {name: parsed(value) for name, value in mapping.items()})
    if result is None:
        assert names(got) == (names(parsed(text)) - set(mapping)) | {"i", "j"}
    else:
        assert expr_text(got).strip("()") == result.strip("()")


def test_substitute_tells_apart_equal_objects_inside_and_outside_of_a_scope():
    shared = Name("x")
    e = nodes.Comprehension("list", shared, (nodes.Clause(Name("x"), shared),))
    assert expr_text(substitute(e, {"x": Y})) == "[x for x in y]"
    same = Lambda((Param("x", shared),), shared)
    assert expr_text(substitute(same, {"x": Y})) == "lambda x=y: x"


def test_substitute_returns_what_it_does_not_change():
    e = parsed("f(x, [a for a in b])")
    assert substitute(e, {"q": Y}) is e


def test_names_that_a_block_binds():
    body = body_of(
        """
a = b = 1
c, (d, *e) = x
f[0] = g.h = 1
i += 1
j[0] += 1
for k, l in x: pass
with x as m: pass
try: pass
except E as n: pass
import o.p, q as r
from s import t as u
def v(): w = 1
if (aa := 1): ab = (lambda: (ac := 1), [ad := 1 for ae in x])
del af, ag[0]
ah: float = 1
ai.append(1)
aj = ak.pop()
"""
    )
    want = "a b c d e i k l m n o r u v aa ab ad af ah aj".split()
    assert bound_names(body) == set(want)
    assert assigned(body) == {*want, "ai", "ak"}


def test_free_names_of_a_function():
    text = """
def f(a, b=c):
    global d
    d = a + e
    def g(h=i):
        return a + h + j + k
    j = 1
    return g
"""
    assert free_names(lower_module(text, "m.py")["f"]) == {"d", "e", "i", "k"}


def test_blocks_and_walk():
    body = body_of("if a:\n    b()\nelse:\n    for c in d:\n        e()")
    assert [type(s).__name__ for s in walk_stmts(body)] == ["If", "ExprStmt", "For", "ExprStmt"]
    assert [len(block) for block in blocks(body[0])] == [1, 1]


def test_map_block_works_from_the_inside_and_shares_what_does_not_change():
    body = body_of("for i in x:\n    if i:\n        a()\n    b()\nc()")
    assert map_block(body, lambda s: [s]) is body
    seen = []

    def fn(s):
        seen.append(type(s).__name__)
        if isinstance(s, nodes.If):
            return s.branches[0].body
        return [s, Pass()] if isinstance(s, nodes.For) else [s]

    new = map_block(body, fn)
    assert seen == ["ExprStmt", "If", "ExprStmt", "For", "ExprStmt"]
    text = function_text(nodes.Function("f", (), new))
    assert text == "def f():\n    for i in x:\n        a()\n        b()\n    pass\n    c()\n"
    assert new[0].uid == body[0].uid


def test_map_block_reaches_every_block():
    body = body_of(EVERYTHING)
    kept = map_block(body, lambda s: [] if isinstance(s, nodes.ExprStmt) else [s])
    assert not any(isinstance(s, nodes.ExprStmt) for s in walk_stmts(kept))


def test_map_stmt_exprs_keeps_the_statement_when_nothing_changes():
    for s in walk_stmts(body_of(EVERYTHING)):
        assert map_stmt_exprs(s, lambda e: e) is s


@pytest.mark.parametrize(
    "target, stored",
    [("v", set()), ("v[i]", {"v"}), ("v.a[i].b", {"v"}), ("v, (w[i], u)", {"w"})],
)
def test_what_a_statement_stores_into(target, stored):
    (bound,) = body_of(f"{target} = e")
    place = bound.targets[0]
    (loop,) = body_of(f"for {target} in e:\n    pass")
    (outside,) = body_of(f"if c:\n    for j in k:\n        {target} = e")
    for s in (bound, nodes.Pop(place, "stack"), loop, outside):
        assert stored_by(s) == stored
        assert changed_by(s) >= stored | assigned((s,))


def test_children_of_leaves():
    assert list(children(X)) == list(children(Const("1", 1))) == []


def test_long_chains_need_no_deep_stack():
    e = X
    for _ in range(20_000):
        e = Binary("+", e, Y)
    assert names(e) == {"x", "y"}
    assert names(substitute(e, {"x": Name("z")})) == {"y", "z"}
    assert sum(1 for _ in subexprs(e)) == 40_001
