"""Names of generated variables: numbered in the order of the lines, the user's left alone."""

from __future__ import annotations

import builtins
import math

from s2s_ad.build import Request, derive
from s2s_ad.build_numbering import numbering, with_numbers
from s2s_ad.frontend.lower import lower_module
from s2s_ad.ir.kinds import FLOAT
from s2s_ad.ir.text import function_text


def numbered(text: str, users: set[str]) -> list[str]:
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    function = lower_module(f"def f(x):\n{lines}", "m.py")["f"]
    lines = function_text(with_numbers(function, numbering(function, users))).splitlines()
    return [line.strip() for line in lines[1:]]


def test_numbers_follow_the_lines_without_gaps():
    text = "ratio3 = x\nratio = ratio3 * x\nreturn ratio"
    assert numbered(text, {"x"}) == ["ratio = x", "ratio2 = ratio * x", "return ratio2"]


def test_the_adjoint_of_a_variable_keeps_its_name():
    text = "x_bar3 = x\nx_bar = x_bar3\nreturn x_bar"
    assert numbered(text, {"x"}) == ["x_bar2 = x", "x_bar = x_bar2", "return x_bar"]


def test_names_of_the_user_are_neither_changed_nor_taken():
    text = "y4 = x\nsqrt3 = y4\nreturn sqrt3 + sqrt(sqrt2)"
    wanted = ["y4 = x", "sqrt3 = y4", "return sqrt3 + sqrt(sqrt2)"]
    assert numbered(text, {"x", "y4"}) == wanted


def test_a_helper_of_the_same_stem_does_not_hold_a_name():
    text = "def f(x):\n    ratio_bar3 = x\n    ratio_bar = ratio_bar3\n    return ratio_bar\n"
    function = lower_module(text, "m.py")
    assert numbering(function["f"], {"x"}, {"ratio"}) == {
        "ratio_bar3": "ratio_bar",
        "ratio_bar": "ratio_bar2",
    }


def test_what_a_comprehension_binds_is_left_alone():
    text = "v2 = x\nreturn [v2 for v2 in range(3)], v2"
    assert numbered(text, {"x"}) == ["v2 = x", "return [v2 for v2 in range(3)], v2"]


def test_what_belongs_to_a_temporary_follows_it():
    text = "sum7 = x\nsum7_dot = sum7 * sum7\nsum_dot = sum7_dot\nreturn sum_dot"
    wanted = ["sum2 = x", "sum2_dot = sum2 * sum2", "sum_dot = sum2_dot", "return sum_dot"]
    assert numbered(text, {"x"}) == wanted


def test_branches_may_use_one_name():
    text = """if x > 0:
    ratio3 = x
    y = ratio3
elif x > 1:
    ratio = x
    while ratio2(ratio):
        y = ratio
else:
    y = x
    for i in y:
        ratio4 = i
        y = ratio4
return y"""
    lines = numbered(text, {"x", "y", "i", "ratio2"})
    assert [line for line in lines if "ratio" in line] == [
        "ratio = x",
        "y = ratio",
        "ratio = x",
        "while ratio2(ratio):",
        "y = ratio",
        "ratio = i",
        "y = ratio",
    ]


def test_what_goes_into_a_branch_or_comes_out_has_a_name_of_its_own():
    text = """if x > 0:
    ratio3 = x
else:
    ratio = x
    y = ratio
    ratio3 = y
while x:
    x = ratio4
    ratio4 = x
for i in x:
    ratio5 = i
    for j in x:
        ratio6 = j + ratio5
        y = ratio6
return ratio3 + y"""
    lines = numbered(text, {"x", "y", "i", "j"})
    assert [line for line in lines if "ratio" in line] == [
        "ratio = x",
        "ratio2 = x",
        "y = ratio2",
        "ratio = y",
        "x = ratio3",
        "ratio3 = x",
        "ratio2 = i",
        "ratio4 = j + ratio2",
        "y = ratio4",
        "return ratio + y",
    ]


def test_names_that_a_session_adds_to_the_builtins_change_nothing():
    """An interactive session keeps its last value in `_`, IPython adds `display`."""

    def text():
        def last_of(x):
            total = x
            while total < 10.0:
                total = total * x
            display = math.sin(total)
            return display * display

        return derive(Request(last_of, "adjoint", ("x",), {"x": FLOAT})).text

    before = text()
    builtins._, builtins.display = None, print
    try:
        assert text() == before
    finally:
        del builtins._, builtins.display
