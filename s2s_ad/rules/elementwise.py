"""Rules of functions that work entry by entry, of math and of numpy.

Takes nothing, registers rules when imported, requires `rules.declare`. A slope that is infinite
where the function itself has a value (`sqrt` at 0) counts only when something flows: a zero
differential stays zero. Ties and kinks: docs/conventions.md.
"""

from __future__ import annotations

from . import results
from .declare import elementwise, general, zero
from .results import is_given

# exponentials and logarithms

elementwise("exp(x, /)", "out * d", on=(-2, 2))
elementwise("exp2(x, /)", "math.log(2.0) * out * d", on=(-2, 2))
elementwise("expm1(x, /)", "exp(x) * d", on=(-2, 2))
elementwise("math.log(x, /)", "d / x", on=(0.1, 4))
elementwise(
    "math.log(x, base, /)",
    x="d / (x * log(base))",
    base="-d * out / (base * log(base))",
    on=(1.5, 4),
)
elementwise("np.log(x, /)", "d / x", on=(0.1, 4))
elementwise("log2(x, /)", "d / (math.log(2.0) * x)", on=(0.1, 4))
elementwise("log10(x, /)", "d / (math.log(10.0) * x)", on=(0.1, 4))
elementwise("log1p(x, /)", "d / (1.0 + x)", on=(-0.8, 4))
elementwise("np.logaddexp(a, b, /)", a="d * np.exp(a - out)", b="d * np.exp(b - out)", on=(-2, 2))
elementwise(
    "np.logaddexp2(a, b, /)", a="d * np.exp2(a - out)", b="d * np.exp2(b - out)", on=(-2, 2)
)

# roots

elementwise(
    "sqrt(x, /)", "quotient(0.5 * d, out)", number="0.5 * d / out if d else 0.0", on=(0.1, 4)
)
elementwise(
    "cbrt(x, /)",
    "quotient(d, 3.0 * out * out)",
    number="d / (3.0 * out * out) if d else 0.0",
    on=(0.1, 4),
)

# trigonometric and hyperbolic functions and their inverses

elementwise("sin(x, /)", "cos(x) * d", on=(-3, 3))
elementwise("cos(x, /)", "-sin(x) * d", on=(-3, 3))
elementwise("tan(x, /)", "(1.0 + out * out) * d", on=(-1.2, 1.2))
elementwise("sinh(x, /)", "cosh(x) * d", on=(-2, 2))
elementwise("cosh(x, /)", "sinh(x) * d", on=(-2, 2))
elementwise("tanh(x, /)", "(1.0 - out * out) * d", on=(-2, 2))
for _arcsin, _arccos, _arccosh in (("math.asin", "math.acos", "math.acosh"),
                                   ("np.arcsin", "np.arccos", "np.arccosh")):  # fmt: skip
    elementwise(
        f"{_arcsin}(x, /)",
        "quotient(d, np.sqrt(1.0 - x * x))",
        number="d / sqrt(1.0 - x * x) if d else 0.0",
        on=(-0.9, 0.9),
    )
    elementwise(
        f"{_arccos}(x, /)",
        "-quotient(d, np.sqrt(1.0 - x * x))",
        number="-d / sqrt(1.0 - x * x) if d else 0.0",
        on=(-0.9, 0.9),
    )
    elementwise(
        f"{_arccosh}(x, /)",
        "quotient(d, np.sqrt(x * x - 1.0))",
        number="d / sqrt(x * x - 1.0) if d else 0.0",
        on=(1.1, 4),
    )
for _arctan, _arcsinh, _arctanh in (("math.atan", "math.asinh", "math.atanh"),
                                    ("np.arctan", "np.arcsinh", "np.arctanh")):  # fmt: skip
    elementwise(f"{_arctan}(x, /)", "d / (1.0 + x * x)", on=(-3, 3))
    elementwise(f"{_arcsinh}(x, /)", "d / sqrt(1.0 + x * x)", on=(-3, 3))
    elementwise(f"{_arctanh}(x, /)", "d / (1.0 - x * x)", on=(-0.9, 0.9))
for _arctan2 in ("math.atan2", "np.arctan2"):
    elementwise(
        f"{_arctan2}(y, x, /)",
        y="divide_or_zero(d * x, r2)",
        x="-divide_or_zero(d * y, r2)",
        number={"y": "d * x / r2 if r2 else 0.0", "x": "-d * y / r2 if r2 else 0.0"},
        let="r2 = x * x + y * y",
        on=(0.5, 2),
    )
elementwise(
    "np.hypot(a, b, /)",
    a="divide_or_zero(d * a, out)",
    b="divide_or_zero(d * b, out)",
    number={"a": "d * a / out if out else 0.0", "b": "d * b / out if out else 0.0"},
    on=(0.5, 2),
)
elementwise("math.hypot(*xs)", xs="d * item / out if out else 0.0", on=(0.5, 2))
elementwise("degrees(x, /)", "degrees(d)", on=(-3, 3))
elementwise("radians(x, /)", "radians(d)", on=(-90, 90))
elementwise("np.rad2deg(x, /)", "np.rad2deg(d)", on=(-3, 3))
elementwise("np.deg2rad(x, /)", "np.deg2rad(d)", on=(-90, 90))

# absolute values, signs, remainders

_signed = "d if x > 0.0 else -d if x < 0.0 else 0.0"
for _abs, _dtype in (("builtins.abs(x, /)", "same"), ("np.absolute(x, /)", "same"),
                     ("fabs(x, /)", "float")):  # fmt: skip
    elementwise(_abs, "np.sign(x) * d", ranks=("floats",), result=_dtype, on=(-2, 2))
    # what nobody knows may be complex, where a modulus has another slope
    elementwise(_abs, "np.sign(as_real(x)) * d", number=_signed, result=_dtype, on=(-2, 2))
elementwise(
    "copysign(x, y, /)",
    x="np.sign(x) * copysign(1.0, y) * d",
    y="0",
    number={"x": f"copysign(1.0, y) * ({_signed})", "y": "0"},
    on=(0.5, 2),
)
elementwise("fmod(a, b, /)", a="d", b="-d * trunc(a / b)", on={"a": (2.1, 2.9), "b": (0.98, 1.02)})
elementwise("np.remainder(a, b, /)", a="d", b="-d * (a // b)", result="same",
            on={"a": (2.1, 2.9), "b": (0.98, 1.02)})  # fmt: skip
elementwise("math.remainder(a, b, /)", a="d", b="-d * round((a - out) / b)",
            on={"a": (2.1, 2.4), "b": (0.95, 1.05)})  # fmt: skip

# the larger and the smaller: a constant wins a tie, two differentiated arguments share it

for _larger, _smaller, _kind in (
    ("np.maximum(a, b, /)", "np.minimum(a, b, /)", "plain"),
    ("np.fmax(a, b, /)", "np.fmin(a, b, /)", "plain"),
):
    for _text, _op in ((_larger, ">"), (_smaller, "<")):
        elementwise(_text, a=f"d * (a {_op} b)", active=("a",), result=_kind, on=(-2, 2),
                    by_result={"a": f"d * (out {_op} b)"})  # fmt: skip
        elementwise(_text, b=f"d * (b {_op} a)", active=("b",), result=_kind, on=(-2, 2),
                    by_result={"b": f"d * (out {_op} a)"})  # fmt: skip
        elementwise(
            _text,
            a=f"d * ((a {_op} b) + 0.5 * (a == b))",
            b=f"d * ((b {_op} a) + 0.5 * (a == b))",
            result=_kind,
            on=(-2, 2),
        )


def clipping(text: str, low: str, high: str) -> None:
    """Declare a function that keeps `a` between two bounds; one that is None is none."""
    box = {"a": (-2.0, 2.0), low: (-1.0, -0.5), high: (0.5, 1.0)}
    wide = {low: (-2.0, 6.0), high: (-2.0, 6.0)}
    above, below = {low: is_given, high: None}, {low: None, high: is_given}
    both = {low: is_given, high: is_given}
    result = results.elementwise("same", ("a", low, high))
    within = {"a": f"d * within(a, {low}, {high})"}
    for ranks in ((None, "unknown"), (None, None, "unknown")):
        # either may turn out to be None
        elementwise(text, within, where=both, active=("a",), ranks=ranks, result=result, on=box)
    for where, active, maps in (
        (above, ("a",), {"a": f"d * (a > {low})"}),
        (above, (low,), {low: f"d * ({low} > a)"}),
        (above, None, {"a": f"d * ((a > {low}) + 0.5 * (a == {low}))",
                       low: f"d * (({low} > a) + 0.5 * (a == {low}))"}),
        (below, ("a",), {"a": f"d * (a < {high})"}),
        (below, (high,), {high: f"d * ({high} < a)"}),
        (below, None, {"a": f"d * ((a < {high}) + 0.5 * (a == {high}))",
                       high: f"d * (({high} < a) + 0.5 * (a == {high}))"}),
        (both, ("a",), {"a": f"d * ((a > {low}) & (a < {high}))"}),
    ):  # fmt: skip
        on = box if active is None or "a" in active else wide
        elementwise(text, maps, where=where, active=active, result=result, on=on)
    elementwise(
        text,
        {
            "a": f"d * ((a > {low}) + 0.5 * (a == {low})) * flows",
            low: f"d * (({low} > a) + 0.5 * (a == {low})) * flows",
            high: f"d * ((lower > {high}) + 0.5 * (lower == {high}))",
        },
        where=both,
        let={
            "lower": f"np.maximum(a, {low})",
            "flows": f"(lower < {high}) + 0.5 * (lower == {high})",
        },
        result=result,
        on=box,
    )


clipping("np.clip(a, a_min, a_max)", "a_min", "a_max")
elementwise(
    "np.where(condition, x, y, /)",
    condition="0",
    x="np.where(condition, d, 0.0)",
    y="np.where(condition, 0.0, d)",
    result=results.elementwise("plain", ("x", "y", "condition"), array=True),
    on=(-2, 2),
)
elementwise(
    "np.heaviside(x, h, /)", x="0", h="d * (x == 0.0)", on={"x": (0.0, 0.0), "h": (0.1, 0.9)}
)

# parts of numbers

elementwise("np.reciprocal(x, /)", "-d * out * out", result="same", on=(0.5, 2))
elementwise("ldexp(x, i, /)", x="ldexp(d, i)", i="0", on={"x": (0.5, 2), "i": (2, 2)})
elementwise("nextafter(x, y, /)", x="d", y="0", on=(0.5, 2))
elementwise("math.fma(x, y, z, /)", x="d * y", y="d * x", z="d", on=(0.5, 2))
elementwise("np.real(val)", "d", result="same", on=(0.5, 2))
elementwise("np.conjugate(x, /)", "d", result="same", on=(0.5, 2))
elementwise("np.nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None)",
            "d * np.isfinite(x)", where={"copy": True}, result="same", on=(-2, 2))  # fmt: skip
# of what is real for certain they do not move; even a power of a number may be complex
zero("np.imag(val)", ranks=("floats",), result="same")
zero("np.angle(z, deg=False)", ranks=("floats", None), result="same")

# special functions

elementwise("np.sinc(x)", "sinc_slope(1, x) * d", on=(-2, 2))
elementwise("np.i0(x)", "bessel_i(1, x) * d", on=(-2, 2),
            result=results.elementwise("float", ("x",), array=True))  # fmt: skip
elementwise("math.erf(x, /)", "2.0 / sqrt(pi) * exp(-x * x) * d", on=(-2, 2))
elementwise("math.erfc(x, /)", "-2.0 / sqrt(pi) * exp(-x * x) * d", on=(-2, 2))
elementwise("math.gamma(x, /)", "digamma(x) * out * d", on=(0.5, 4))
elementwise("math.lgamma(x, /)", "digamma(x) * d", on=(0.5, 4))

# several results

general("math.modf(x, /)", tangent="(d, 0.0)", adjoint="d[0]",
        result=results.pair("float", "float"), on=(1.1, 1.9))  # fmt: skip
general("np.modf(x, /)", tangent="(d, zeros_like(x))", adjoint="d[0]",
        result=results.pair("float", "float"), on=(1.1, 1.9))  # fmt: skip
general("math.frexp(x, /)", tangent="(ldexp(d, -out[1]), 0.0)", adjoint="ldexp(d[0], -out[1])",
        result=results.pair("float", "int"), on=(1.1, 1.9))  # fmt: skip
general("np.frexp(x, /)", tangent="(np.ldexp(d, -out[1]), zeros_like(x))",
        adjoint="np.ldexp(d[0], -out[1])", result=results.pair("float", "int"),
        on=(1.1, 1.9))  # fmt: skip
