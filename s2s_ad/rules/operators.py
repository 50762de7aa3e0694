"""Rules of the operators, and of the functions that spell them.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2s_ad.ir.kinds import BOOL, FLOAT, UNKNOWN, Kind, ListOf, Number, Str, TupleOf, join
from s2s_ad.ir.nodes import Expr

from . import lengths, results
from .declare import bilinear, elementwise, general, zero
from .results import literal

SIZES = (0.5, 2.0)


def is_positive(value: object) -> bool:
    """True for a positive literal number."""
    return isinstance(value, (int, float)) and value > 0


def at_least_1_or_negative(value: object) -> bool:
    """True for a literal exponent with which `x**p` has a finite slope wherever it has a value."""
    return isinstance(value, (int, float)) and (value < 0 or value >= 1)


def between_0_and_1(value: object) -> bool:
    """True for a literal exponent with which `x**p` has an infinite slope at 0, and a value."""
    return isinstance(value, float) and 0 < value < 1


def _sum(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
    a, b = kinds.get("a", UNKNOWN), kinds.get("b", UNKNOWN)
    if isinstance(a, Str) and isinstance(b, Str):
        return Str()
    if isinstance(a, TupleOf) and isinstance(b, TupleOf):
        return TupleOf(a.items + b.items)
    if isinstance(a, ListOf) and isinstance(b, ListOf):
        return ListOf(join(a.item, b.item))
    return lengths.moved(1)(kinds, args)


def _product(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
    for sequence, count in (("a", "b"), ("b", "a")):
        kind, times = kinds.get(sequence, UNKNOWN), kinds.get(count, UNKNOWN)
        if isinstance(times, Number):
            if isinstance(kind, (ListOf, Str)):
                return kind if isinstance(kind, ListOf) else Str()
            size = literal(args.get(count))
            if isinstance(kind, TupleOf) and isinstance(size, int):
                return TupleOf(kind.items * size)
    return results.elementwise("same", ("a", "b"))(kinds, args)


def power(kinds: Mapping[str, Kind], args: Mapping[str, Expr]) -> Kind:
    """Return the kind of `a**b`: an integer only to a literal power that is not negative."""
    kind = results.elementwise("same", ("a", "b"))(kinds, args)
    exponent = literal(args.get("b"))
    if isinstance(exponent, int) and exponent >= 0:
        return kind
    if isinstance(kind, Number) and kind.type == "int":
        return Number("number")
    return kind


# sums and products

elementwise("a + b", a="d", b="d", result=_sum)
elementwise("a - b", a="d", b="-d", result=lengths.moved(-1))
elementwise("a * b", a="d * b", b="d * a", tangent={"b": "a * d"}, result=_product)
elementwise("a / b", a="d / b", b="-d * out / b", on=SIZES)
elementwise(
    "a % b", a="d", b="-d * (a // b)", result="same", on={"a": (2.1, 2.9), "b": (0.98, 1.02)}
)
elementwise("-a", "-d", result="same")
elementwise("+a", "d", result="same")
elementwise("np.add(a, b, /)", a="d", b="d", result="same")
elementwise("np.subtract(a, b, /)", a="d", b="-d", result="same")
elementwise("np.multiply(a, b, /)", a="d * b", b="d * a", tangent={"b": "a * d"}, result="same")
elementwise("np.true_divide(a, b, /)", a="d / b", b="-d * out / b", on=SIZES)
elementwise("np.negative(a, /)", "-d", result="same")
elementwise("np.positive(a, /)", "d", result="same")
zero("a // b", "np.floor_divide(a, b, /)", result="same")

# powers: `**`, pow, np.power, np.float_power and math.pow

_ROOT = "0.5 * d / out if d else 0.0"
for _form, _kind in (
    ("a**b", power),
    ("builtins.pow(a, b, /)", power),
    ("np.power(a, b, /)", power),
    ("np.float_power(a, b, /)", results.elementwise("float", ("a", "b"))),
    ("math.pow(a, b, /)", results.constant(FLOAT)),
):
    for _exponent, _number, _slope in (
        (2, None, "2.0 * a * d"),
        (1, None, "d"),
        (0, None, "0"),
        (0.5, {"a": _ROOT}, "quotient(0.5 * d, out)"),
        (at_least_1_or_negative, None, "b * a ** (b - 1) * d"),
        (between_0_and_1, {"a": "b * out / a * d if d else 0.0"}, "power_slope(a, b, d)"),
    ):
        elementwise(
            _form,
            a=_slope,
            number=_number,
            where={"b": _exponent},
            active=("a",),
            result=_kind,
            on=SIZES,
        )
    _log = "math.log(a) * out * d"
    elementwise(_form, b=_log, where={"a": is_positive}, active=("b",), result=_kind, on=SIZES)
    # where x ** n has a value its slope is finite, but for n = 0 that is not what the formula gives
    elementwise(
        _form,
        a="b * a ** (b - 1) * d if b else 0.0",
        ranks=(0, "integer"),
        active=("a",),
        result=_kind,
        on=SIZES,
    )
    elementwise(
        _form,
        a="power_slope(a, b, d)",
        b="log_or_zero(a) * out * d",
        number={"a": "b * a ** (b - 1) * d if b and d else 0.0", "b": f"{_log} if a else 0.0"},
        result=_kind,
        on=SIZES,
    )
elementwise("np.square(x, /)", "2.0 * x * d", result="same")

# matrix products; the ranks that no line names go through helpers

for _form in ("a @ b", "np.matmul(a, b, /)"):
    _result = results.product("a", "b")
    bilinear(_form, ranks=(1, 1), a="d * b", b="d * a", result=_result)
    bilinear(_form, ranks=(2, 1), a="np.outer(d, b)", b="a.T @ d", result=_result)
    bilinear(_form, ranks=(1, 2), a="b @ d", b="np.outer(a, d)", result=_result)
    bilinear(_form, ranks=(2, 2), a="d @ b.T", b="a.T @ d", result=_result)
    bilinear(_form, a="matmul_left(d, a, b)", b="matmul_right(d, a, b)", result=_result)

# lists and tuples: joined by `+`, repeated by `*`

general(
    "a + b",
    ranks=("list", "list"),
    tangent={"a": "[*d, *zeros_like(b)]", "b": "[*zeros_like(a), *d]"},
    adjoint={"a": "d[: len(a)]", "b": "d[len(a) :]"},
    result=_sum,
)
general(
    "a * b", ranks=("list", 0), tangent={"a": "list(d) * b"}, adjoint={"a": "unrepeat(d, a)"},
    result=_product,
)  # fmt: skip

# no derivative flows through a comparison or a bit operator

zero(*(f"a {op} b" for op in ("<", "<=", ">", ">=", "==", "!=")), result="bool")
zero(*(f"a {op} b" for op in ("in", "not in", "is", "is not")), result=results.constant(BOOL))
zero("not a", result=results.constant(BOOL))
zero(*(f"a {op} b" for op in ("&", "|", "^", "<<", ">>")), "~a", result="plain")
