"""Generated modules are laid out as black does, most lines without asking it."""

from __future__ import annotations

import black
import pytest

from s2s_ad.emit.layout import laid_out
from s2s_ad.emit.module import by_black
from s2s_ad.ir.quote import parse_expr
from s2s_ad.ir.text import expr_text
from tests.test_golden import FILES, MARK, name_of

LONG = " + ".join(f"term_{k}" for k in range(14))
ARGUMENTS = ", ".join(f"argument_{k}" for k in range(9))

# lines as the printer may write them, each one statement
LINES = {
    "short": ["x = a + b", "y = a**2 - x[i + 1 :]"],
    "long": [f"x = {LONG}", f"return {LONG}"],
    "in a loop": ["for i in range(n):", "    while x:", f"        y = f({ARGUMENTS}, x[i])"],
    "long heads": [
        f"def f({ARGUMENTS}, another):",
        f"    for i in range({LONG}):",
        f"        if {LONG} > 1:",
        "            pass",
        f"        elif {LONG} > 2 and x:",
        "            break",
        "    try:",
        "        pass",
        f"    except (KeyError, IndexError, ZeroDivisionError, ArithmeticError, OSError, {LONG}):",
        "        pass",
    ],
    "comments": [
        "#as a user writes it",
        "x = 1  #here too",
        "if x:",
        "    #and here",
        "    pass",
        f"y = 2  # {LONG} # {LONG}",
        f"# {LONG} {LONG}",
        f"z = a + b  # {LONG}",
    ],
    "numbers": ["x = 1e+16", "y = 1E5 + 0XFF", "z = 2J"],
    "commas": ["x = (a,)", "x = [a, b,]", "y = f(a, b,)", "z = a[1,]"],
    "parentheses": [
        "for i in (a, b):",
        "    return (x)",
        "x = (a)",
        "del (a)",
        "while (x):",
        "    assert (x), (y)",
        "for (a, b) in c:",
        "    pass",
    ],
    "several parentheses": [
        "x = (a + b) * (c + d)",
        "y = (a) == (b)",
        "z += (a) if b else (c)",
        "return result, (x_bar, y_bar)",
        "return (a + b) / (c + d)",
        "return (a + ')') + (b)",
    ],
    "letters": [f"x = '{'宽' * 40}'", "y = 'é'"],
    "strings": ["x = '''one", "    two''' + y", "z = 'a' # b"],
    "nested": ["def f():", "    x = 1", "    def g():", "        return x", "    return g"],
    "imports": ["def f():", "    import math", "    return math.pi"],
    "docstrings": ["def f():", '    r"""One.', "", f"    {LONG} {LONG}", '    """', "    return 1"],
    "a string in a line": ["def f():", '    """One."""', f"    return {LONG}"],
}


def whole(text: str) -> str:
    return black.format_str(text, mode=black.Mode(string_normalization=False))


@pytest.mark.parametrize("name", LINES)
def test_lines_are_laid_out_as_black_does(name):
    lines = LINES[name]
    assert laid_out(lines, by_black) == whole("\n".join(lines) + "\n")


def test_what_is_short_is_not_given_to_black():
    def refuse(text: str, width: int) -> str:
        raise AssertionError(text)

    lines = ["def f(x):", '    """Of x."""', "", "    # L1: y = x", "    return 2.0 * x**2"]
    assert laid_out(lines, refuse) == "\n".join(lines) + "\n"


OPERANDS = ("a", "-1", "-a", "a.b", "a + 1", "-(a + b)", "not a", "f(x)", "a[1]", "-f(x)", "a**2")


@pytest.mark.parametrize("a", OPERANDS)
def test_powers_and_slices_are_spelled_as_black_does(a):
    forms = "({0})**({1}); -({0})**({1}); x[{0}:{1}]; x[{0}:{1}:2]; x[:{0}, {1}::{0}]; x[::{1}]"
    for form in forms.split("; "):
        lines = [expr_text(parse_expr(form.format(a, b))) for b in OPERANDS]
        assert "\n".join(lines) + "\n" == whole("\n".join(lines) + "\n")


@pytest.mark.parametrize("file", FILES[::3], ids=name_of)
def test_whole_modules_are_as_black_writes_them(file):
    _, _, text = file.read_text(encoding="utf-8").partition(MARK)
    assert whole(text) == text


def test_black_is_not_asked_where_nothing_is_to_be_done():
    def asked(text, width):
        raise AssertionError(text)

    lines = ["x = (a + b) ** 2 / (2.0 + c**2)", "return result, (x_bar, y_bar)"]
    assert laid_out(lines, asked) == "\n".join(lines) + "\n"
