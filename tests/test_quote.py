"""Text of templates to expressions: what is read is what the printer writes."""

from __future__ import annotations

import pytest

from s2s_ad.ir.nodes import Const, Name
from s2s_ad.ir.quote import parse_expr, parse_params
from s2s_ad.ir.text import expr_text

TEXTS = [
    "x",
    "2.50 * x",
    "1e-3",
    '"text"',
    "None",
    "-a ** b",
    "(-a) ** b",
    "a @ b.T",
    "f(x, *rest, key=1, **more)",
    "x[1:, ::2, None, ...]",
    "x[i]",
    "a if b else c",
    "a < b <= c",
    "a is not b",
    "x not in y",
    "not a and b or c",
    "lambda x, y=1: x + y",
    "[u * v for u, v in zip(a, b) if u]",
    "{k: v for k, v in items}",
    "{x for x in y}",
    "sum(x for x in y)",
    "(a, b)",
    "(a,)",
    "[a, *b]",
    "{a, b}",
    "{'a': 1, **b}",
    "~a & b | c ^ d << e >> f",
    "a // b % c",
]


@pytest.mark.parametrize("text", TEXTS)
def test_read_and_written_again(text):
    expr = parse_expr(text)
    written = expr_text(expr)
    assert parse_expr(written) == expr
    assert eval(compile(f"lambda: {written}", "", "eval")).__code__.co_consts is not None


def test_literals_keep_their_text():
    assert parse_expr("1_000.0") == Const("1_000.0", 1000.0)
    assert parse_expr("0x10").value == 16


def test_what_templates_cannot_hold():
    for text in ('f"{x}"', "(x := 1)", "await x", "(yield)"):
        with pytest.raises((ValueError, SyntaxError)):
            parse_expr(text)


def test_params():
    kinds = [(p.name, p.kind) for p in parse_params("a, /, b, *c, d=1, **e")]
    assert kinds == [
        ("a", "positional_only"),
        ("b", "normal"),
        ("c", "star"),
        ("d", "keyword_only"),
        ("e", "double_star"),
    ]
    assert parse_params("a, b=x")[1].default == Name("x")
    assert parse_params("") == ()
