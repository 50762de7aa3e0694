"""Quotients that are computed again go into those that are divided anyway, and are read no more."""

from __future__ import annotations

from s2s_ad.frontend.lower import lower_module
from s2s_ad.ir.text import function_text
from s2s_ad.ir.walk import walk_stmts
from s2s_ad.simplify.quotients import Dividing, reuse_quotients

TOOLS = Dividing(lambda e: True, str, lambda e: True)


def test_a_quotient_that_is_gone_is_not_read():
    text = "q = b * s / r\np = d / r\nx = d * q / r\nreturn p, x"
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    function = lower_module(f"def f(b, s, r, d):\n{lines}", "m.py")["f"]
    uids = frozenset(s.uid for s in walk_stmts(function.body))
    again = frozenset({function.body[0].uid})
    body, _ = reuse_quotients(function.body, uids, again, TOOLS)
    found = [line.strip() for line in function_text(type(function)("f", (), body)).splitlines()]
    assert found[1:] == ["p = d / r", "x = p * b * s / r", "return p, x"]
