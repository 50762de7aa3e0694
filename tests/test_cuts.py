"""Where a gradient is cut: listed in the header, refused when strict, and nothing else is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2s_ad import grad, hessian, jvp, stop_gradient
from s2s_ad.build import Request, derive
from s2s_ad.errors import UnsupportedSyntax

CUT = []
WHOLE = []


def cut(*texts):
    """Register a function of a number that cuts at these expressions."""

    def register(function):
        CUT.append(pytest.param(function, texts, id=function.__name__))
        return function

    return register


def whole(function):
    """Register a function of a number in which nothing is cut."""
    WHOLE.append(pytest.param(function, id=function.__name__))
    return function


@cut("int(x)", "round(x)")
def rounded(x):
    return x * int(x) + round(x)


@cut("math.floor(x)", "x // 0.3")
def floors(x):
    return x * math.floor(x) + x // 0.3


@cut("np.sign(v)", "v.astype(int)", "np.asarray(v, dtype='i8')", "v.astype(bool)")
def casts(x):
    v = np.array([x, 2.0 * x])
    return np.sum(v * np.sign(v) + v.astype(int) + np.asarray(v, dtype="i8") + v.astype(bool))


@cut("np.histogram(v, 2)", "np.digitize(v, v)")
def counted(x):
    v = np.array([x, 2.0 * x, 2.2 * x])
    counts, edges = np.histogram(v, 2)
    return np.sum(v[:2] * counts) + np.sum(edges) + np.sum(v * np.digitize(v, v))


@cut("x > 1.0")
def comparison_as_a_number(x):
    return x * (x > 1.0)


@cut("f'{x:.2f}'", "str(x)", "'%g' % x")
def texts(x):
    return float(f"{x:.2f}") * x + float(str(x)) + float("%g" % x)


@cut("hash(x)")
def hashes(x):
    return x + 1e-30 * hash(x)


@cut("table[x]", "table.get(x, 1.0)")
def keys(x):
    table = {1.5: 2.0}
    return table[x] * x + table.get(x, 1.0)


@cut("int(x)")
def index(x):
    values = [1.0, 2.0, 3.0]
    return values[int(x)] * x


@cut("int(x * 3)")
def by_way_of_a_variable(x):
    n = int(x * 3)
    total = 0.0
    for _ in range(n):
        total += x / n
    return total


def whole_part(t):
    return int(t)


def times_rounded(t):
    k = round(t)
    return t * k


@cut("whole_part(x)")
def in_a_function_without_derivative(x):
    return x * whole_part(x)


@cut("round(t)")
def in_a_function(x):
    return times_rounded(x) * x


@whole
def conditions(x):
    ok = x > 0.0
    while int(x) < 10:
        x = x * 2.0
    return x if ok and x > 1.0 else -x


@whole
def numbers_of_steps(x):
    for _ in range(int(x * 5)):
        x = x * 1.1
    return x


@whole
def what_does_not_reach_the_result(x):
    k = round(x)
    assert x > 0.0, f"{x} and {k}"
    return x * x


@whole
def choices(x):
    v = np.array([x, 2.0 * x])
    best = v[np.argmax(v)] + np.sort(v)[0] + np.sum(v[v > 0.5])
    return best + np.sum(np.where(v > 0.0, v, 0.0)) + max(x, 0.0)


@whole
def shapes(x):
    v = np.array([x, 2.0 * x])
    return np.sum(v) * len(v) * v.shape[0] * np.size(v) + np.sum(np.zeros_like(v))


@whole
def meant(x):
    return x * int(stop_gradient(x)) * whole_part(stop_gradient(x))


def header(function):
    text = derive(Request(function, "adjoint", ("x",))).text
    return " ".join(text.split('"""')[1].split())


@pytest.mark.parametrize("function, texts", CUT)
def test_cuts_are_listed(function, texts):
    transform = grad(function)
    transform(1.5)
    for text in (header(function), " ".join(transform.source.split())):
        listed = text.partition("Where a gradient is cut: ")[2].partition(" Do not edit")[0]
        expected = [t.replace("'", '"') for t in texts]
        assert [part.split("`")[1] for part in listed.split("), ")] == expected


@pytest.mark.parametrize("function, texts", CUT)
def test_strict_refuses_the_first(function, texts):
    with pytest.raises(UnsupportedSyntax, match="cuts a gradient") as caught:
        grad(function, strict=True)(1.5)
    place = caught.value.place
    shown = place.text[place.column : place.end_column].replace('"', "'")
    assert shown in texts and "stop_gradient" in caught.value.hint
    with pytest.raises(UnsupportedSyntax, match="cuts a gradient"):
        jvp(function, (1.5,), (1.0,), strict=True)


@pytest.mark.parametrize("function", WHOLE)
def test_nothing_is_listed(function):
    assert "is cut" not in header(function)
    value = grad(function, strict=True)(1.5)
    assert value == grad(function)(1.5)


def test_steps_of_generated_code_are_none_of_the_user():
    assert hessian(choices, strict=True)(1.5) == 0.0
    assert hessian(lambda x: max(x, 0.0) * abs(x), strict=True)(1.5) == 2.0


def test_what_is_neither_kept_nor_cut_is_refused():
    for dtype in (complex, object, str, "c16"):
        with pytest.raises(UnsupportedSyntax.__base__):
            grad(lambda x, dtype=dtype: np.sum(x.astype(dtype).view(float)))(np.ones(2))
        with pytest.raises(UnsupportedSyntax.__base__):
            grad(lambda x, dtype=dtype: np.sum(np.asarray(x, dtype=dtype).real))(np.ones(2))
    with pytest.raises(UnsupportedSyntax.__base__):
        grad(lambda x: np.sum(np.unique(x)))(np.ones(2))
