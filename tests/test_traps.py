"""Traps of source and of names: what is differentiated is what would run (DESIGN §4).

Modules are written to a temporary directory and imported from there, so that they can be edited,
reloaded and patched.
"""

from __future__ import annotations

import functools
import linecache
import math
import os
import sys
import textwrap

import pytest

from s2s_ad import grad, value_and_grad
from s2s_ad.errors import SourceError
from tests.programs.generate import load
from tests.trap_tools import both, module

__all__ = ["module"]


def rewrite(path, text):
    """Change a file such that its time shows it, however coarse the clock of the disk."""
    later = os.stat(path).st_mtime + 10
    with open(path, "w") as file:
        file.write(textwrap.dedent(text))
    os.utime(path, (later, later))


# -- source ---------------------------------------------------------------------------------


def test_file_edited_after_import_is_refused(module):
    m = module("def f(x):\n    return x * x\n")
    rewrite(m.__file__, "def f(x):\n    return x * x * x\n")
    with pytest.raises(SourceError) as caught:
        grad(m.f)(2.0)
    assert "trap_module" in str(caught.value)


def test_file_edited_below_is_no_matter(module):
    m = module("def f(x):\n    return x * x\n")
    rewrite(m.__file__, "def f(x):\n    return x * x\n\n\ndef g(x):\n    return 0.0\n")
    assert both(m.f, 2.0) == 4.0


def test_file_edited_above_is_refused_or_right(module):
    m = module("def f(x):\n    return x * x\n")
    rewrite(m.__file__, "def g(x):\n    return x\n\n\ndef f(x):\n    return x * x\n")
    try:
        assert grad(m.f)(2.0) == 4.0
    except SourceError:
        pass


def test_helper_edited_after_import_is_refused(module):
    m = module("def g(x):\n    return 3 * x\n\n\ndef f(x):\n    return g(x) * x\n")
    rewrite(m.__file__, "def g(x):\n    return 5 * x\n\n\ndef f(x):\n    return g(x) * x\n")
    with pytest.raises(SourceError):
        grad(m.f)(2.0)


def test_edited_constant_is_refused(module):
    """Only a literal differs: the shape of the code does not."""
    m = module("def f(x):\n    return 2.0 * x\n")
    rewrite(m.__file__, "def f(x):\n    return 3.0 * x\n")
    with pytest.raises(SourceError):
        grad(m.f)(2.0)


def test_reloaded_module_is_followed(module):
    m = module("def f(x):\n    return x * x\n", "trap_reloaded")
    assert both(m.f, 2.0) == 4.0
    m = module("def f(x):\n    return x * x * x\n", "trap_reloaded")
    linecache.checkcache(m.__file__)
    assert both(m.f, 2.0) == 12.0


def test_no_source_is_refused():
    namespace = {}
    exec("def f(x):\n    return x * x\n", namespace)
    with pytest.raises(SourceError):
        grad(namespace["f"])(2.0)


def test_notebook_cell():
    f = load("def f(x):\n    return x * x\n", "f")
    assert both(f, 3.0) == 6.0


def test_redefined_under_the_same_name():
    def f(x):
        return x * x

    first = f

    def f(x):
        return x**3

    assert both(first, 2.0) == 4.0
    assert both(f, 2.0) == 12.0


def test_redefined_in_a_module(module):
    m = module(
        """
        def f(x):
            return x * x

        first = f

        def f(x):
            return x ** 3
        """
    )
    assert both(m.first, 2.0) == 4.0
    assert both(m.f, 2.0) == 12.0


def test_conditional_definition(module):
    m = module(
        """
        FAST = False
        if FAST:
            def f(x):
                return 2 * x
        else:
            def f(x):
                return 5 * x
        """
    )
    assert both(m.f, 2.0) == 5.0


def test_lambdas_on_one_line():
    double, triple = lambda x: 2.0 * x, lambda x: 3.0 * x
    assert both(double, 1.0) == 2.0
    assert both(triple, 1.0) == 3.0


def test_lambdas_that_look_alike():
    """Two lambdas of one line with one code but different closures, and one inside another."""
    a, b = 2.0, 3.0
    first, second = (lambda x: x * a), (lambda x: x * b)
    assert both(first, 1.0) == 2.0
    assert both(second, 1.0) == 3.0
    outer = lambda x: (lambda y: y * x)(x * 5.0)
    assert both(outer, 2.0) == 20.0


def test_lambda_in_a_call():
    assert grad(lambda x: x**2 + 1)(3.0) == 6.0
    table = {"f": lambda x: x * 4.0, "g": lambda x: x * 7.0}
    assert both(table["g"], 1.0) == 7.0


# -- wrappers -------------------------------------------------------------------------------


def scaled(function):
    @functools.wraps(function)
    def wrapper(*args):
        return 10.0 * function(*args)

    return wrapper


@scaled
def wrapped_square(x):
    return x * x


def test_wrapper_that_scales():
    assert wrapped_square(3.0) == 90.0
    assert grad(wrapped_square, wrt="x")(3.0) == 60.0


def test_wrapper_called_from_inside():
    def f(x):
        return wrapped_square(x) + x

    assert both(f, 3.0) == 61.0


def test_wrapped_attribute_that_lies():
    """`__wrapped__` may point anywhere: what runs is the function itself."""

    def f(x):
        return 4.0 * x

    f.__wrapped__ = lambda x: 100.0 * x
    assert both(f, 1.0) == 4.0


def test_derivative_objects_as_decorators():
    @grad
    def slope(x):
        return x**3

    @value_and_grad
    def both_of(x):
        return x**2

    assert slope(2.0) == 12.0
    assert slope.primal(2.0) == 8.0
    assert both_of(3.0) == (9.0, 6.0)


# -- names ----------------------------------------------------------------------------------


def test_local_shadows_a_builtin():
    def f(x):
        sum = x * 2.0
        abs = lambda a: a * 5.0
        max = 3
        return sum * abs(x) + max * x

    assert both(f, -1.5) == 20 * -1.5 + 3


def test_parameter_shadows_a_module():
    def f(x, math):
        return x * math

    assert both(f, 2.0, 7.0) == 7.0


def test_local_shadows_numpy():
    def f(x):
        np = x * 2.0
        return np * np

    assert both(f, 1.5) == 12.0


def test_np_is_not_numpy(module):
    m = module(
        """
        class np:
            @staticmethod
            def sin(x):
                return x * x

        def f(x):
            return np.sin(x)
        """
    )
    assert both(m.f, 3.0) == 6.0


def test_global_shadows_a_builtin(module):
    m = module(
        """
        def abs(x):
            return x * 4.0

        def f(x):
            return abs(x)
        """
    )
    assert both(m.f, -3.0) == 4.0


def test_renamed_imports(module):
    m = module(
        """
        import numpy as banana
        import math as np
        from math import sin as cos
        from numpy import exp as log, sum as mean

        def f(x):
            return banana.cos(x) * np.sqrt(x) + cos(x) * log(x) + mean(banana.ones(3) * x)
        """
    )
    x = 0.7
    wanted = -math.sin(x) * math.sqrt(x) + math.cos(x) / (2 * math.sqrt(x))
    wanted += (math.cos(x) + math.sin(x)) * math.exp(x) + 3.0
    assert both(m.f, x) == pytest.approx(wanted, rel=1e-13)


def test_patched_module(module):
    helper = module("def g(x):\n    return 2.0 * x\n")
    sys.modules["trap_helper"] = helper
    try:
        m = module("import trap_helper\n\ndef f(x):\n    return trap_helper.g(x)\n")
        assert both(m.f, 1.0) == 2.0

        def g(x):
            return 9.0 * x

        helper.g = g
        assert both(m.f, 1.0) == 9.0
    finally:
        del sys.modules["trap_helper"]


def test_user_names_that_we_use():
    def f(x, x_bar):
        result = x * x_bar
        x_saved = [result, x]
        x_dot = x_saved[0]
        for i in range(3):
            x = x * x_dot + result
            x_saved.append(x)
        result_bar = x_saved.pop()
        f_adjoint = result_bar * x_bar
        d = f_adjoint + x_saved[-1]
        return d

    h = 1e-6
    args = (0.6, 0.8)
    for name, at in (("x", 0), ("x_bar", 1)):
        up = f(*(a + h * (k == at) for k, a in enumerate(args)))
        down = f(*(a - h * (k == at) for k, a in enumerate(args)))
        assert both(f, *args, wrt=name) == pytest.approx((up - down) / (2 * h), rel=1e-7)


def test_functions_named_like_derivatives(module):
    m = module(
        """
        def f_adjoint(x):
            return 3.0 * x

        def g_forward(x):
            return x * x

        def g_reverse(x):
            return 5.0 * x

        def g(x):
            return g_forward(x) + g_reverse(x)

        def unbroadcast(x):
            return 2.0 * x

        def f(x):
            return f_adjoint(x) * g(x) + unbroadcast(x)
        """
    )
    # 3x (x^2 + 5x) + 2x
    assert both(m.f, 2.0) == 9 * 4.0 + 30 * 2.0 + 2.0


def test_parameter_named_as_its_function():
    def f(f, x):
        return f * x

    assert both(f, 2.0, 5.0) == 5.0
    assert both(f, 2.0, 5.0, wrt="x") == 2.0


def test_callee_name_is_a_local_elsewhere():
    def scale(x):
        return 3.0 * x

    def f(x):
        y = scale(x)
        square = lambda scale: scale * scale
        return square(y)

    assert both(f, 1.0) == 18.0


def test_function_that_names_itself_as_its_source():
    def scale(x):
        return 3.0 * x

    scale.py_func = scale  # as stand-ins for numba leave it

    def f(x):
        return scale(x) * x

    assert both(f, 2.0) == 12.0
    assert both(scale, 2.0) == 3.0
