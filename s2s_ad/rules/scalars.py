"""Rules of Python's builtins and of the functions of math that take sequences.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2s_ad.ir.kinds import (
    FLOAT,
    INT,
    UNKNOWN,
    Array,
    Kind,
    ListOf,
    Number,
    Str,
    TupleOf,
    join,
)
from s2s_ad.ir.nodes import Expr

from . import lengths, results
from .declare import elementwise, general, linear, zero
from .results import literal

Kinds = Mapping[str, Kind]
Args = Mapping[str, Expr]


def _item(kind: Kind) -> Kind:
    """Return the kind of what iterating over a sequence gives."""
    if isinstance(kind, ListOf):
        return kind.item
    if isinstance(kind, Array) and kind.dims:
        return results.settled(Array(kind.dims[1:], kind.dtype))
    if isinstance(kind, TupleOf) and kind.items:
        found = kind.items[0]
        for item in kind.items[1:]:
            found = join(found, item)
        return found
    return UNKNOWN


def _extreme(kinds: Kinds, args: Args) -> Kind:
    """Kind of `max(a, b, ...)`: of any of its arguments, or of the items of its only one."""
    given = list(kinds.values())
    return _item(given[0]) if len(given) == 1 else _item(TupleOf(tuple(given)))


def _added(kinds: Kinds, args: Args) -> Kind:
    """Kind of the sum or the product of a list that is written out."""
    return results.elementwise("same", tuple(kinds))(kinds, args)


def _total(kinds: Kinds, args: Args) -> Kind:
    """Kind of `sum(iterable, start)`: a number when all that is added is."""
    item, start = _item(kinds.get("iterable", UNKNOWN)), kinds.get("start", INT)
    if isinstance(item, Array) and isinstance(start, Number):
        return results.elementwise("same", ("item", "start"))({"item": item, "start": start}, {})
    if isinstance(item, Number) and isinstance(start, Number):
        return item if (item, start) in ((INT, INT), (FLOAT, FLOAT)) else Number("number")
    return UNKNOWN


def _rounded(kinds: Kinds, args: Args) -> Kind:
    kind = kinds.get("number", UNKNOWN)
    return (INT if literal(args.get("ndigits")) is None else kind) if _is_number(kind) else UNKNOWN


def _is_number(kind: Kind) -> bool:
    return isinstance(kind, Number)


# conversions: `int` and `round` cut the derivative, which the header of the output lists

elementwise("builtins.float(x, /)", "d", result=results.constant(FLOAT), on=(0.5, 2))
zero("builtins.int(x, /)", result=results.constant(INT))
zero("builtins.round(number, ndigits=None)", result=_rounded)

# the largest and the smallest: a constant wins a tie, differentiated arguments share it

for _name, _op, _far in (("max", ">", (-2, 6)), ("min", "<", (-6, 2))):
    _chosen = "d / count if chosen else 0.0"
    elementwise(f"builtins.{_name}([*items])", items=_chosen, result=_extreme, on=(-2, 2))
    general(
        f"builtins.{_name}(iterable, /)",
        tangent="sum(u for u, v in zip(d, iterable) if v == out) / iterable.count(out)",
        adjoint="[d / iterable.count(out) if v == out else 0.0 for v in iterable]",
        ranks=("numbers",),
        result=_extreme,
        on=(-2, 2),
    )
    general(
        f"builtins.{_name}(iterable, /)",
        tangent="sum(ties(iterable, out) * d)",
        adjoint="d * ties(iterable, out)",
        ranks=("array",),
        result=_extreme,
        on=(-2, 2),
    )
    general(
        f"builtins.{_name}(iterable, /)",
        tangent="sum(weight * part for weight, part in zip(ties(iterable, out), d))",
        adjoint="[weight * d for weight in ties(iterable, out)]",
        result=_extreme,
        on=(-2, 2),
    )
    _pair = f"builtins.{_name}(a, b, /)"
    for _x, _y, _on in (("a", "b", (-2, 2)), ("b", "a", _far)):
        elementwise(
            _pair,
            {_x: f"d * ({_x} {_op} {_y})"},
            number={_x: f"d if {_x} {_op} {_y} else 0.0"},
            active=(_x,),
            result=_extreme,
            on=_on,
        )
    _share = "0.5 * d if a == b else 0.0"
    _a, _b = f"d if a {_op} b else {_share}", f"d if b {_op} a else {_share}"
    elementwise(
        _pair,
        a=_a,
        b=f"d - ({_a})",  # a test less than in the tangent, and in its adjoint
        tangent={"b": _b},
        ranks=(0, 0),
        result=_extreme,
        on=(-2, 2),
    )
    elementwise(
        _pair,
        a=f"d * ((a {_op} b) + 0.5 * (a == b))",
        b=f"d * ((b {_op} a) + 0.5 * (a == b))",
        result=_extreme,
        on=(-2, 2),
    )
    elementwise(f"builtins.{_name}(*items)", items=_chosen, result=_extreme, on=(-2, 2))

# sums and products of sequences; of a list written out, item by item

elementwise("builtins.sum([*items])", items="d", result=_added)
linear("builtins.sum(iterable, /)", "[d] * len(iterable)", ranks=("numbers",), result=_total)
for _rank, _dots in (("unknown", "sequence(d)"), (None, "d")):
    linear(
        "builtins.sum(iterable, /)",
        iterable="spread(d, iterable)",
        tangent={"iterable": f"sum({_dots})"},
        ranks=(_rank,),
        result=_total,
    )
    for _of_start, _zero in ((0, ""), (None, ", np.multiply(0.0, start)")):
        linear(
            "builtins.sum(iterable, /, start)",
            iterable="spread(d, iterable)",
            start="unbroadcast(d, start)",
            tangent={"iterable": f"sum({_dots}{_zero})", "start": "0.0 * out + d"},
            ranks=(_rank, _of_start),
            result=_total,
        )
elementwise("math.fsum([*items])", items="d")
linear("math.fsum(seq, /)", "[d] * len(seq)", ranks=("numbers",))
linear("math.fsum(seq, /)", "spread(d, seq)")
elementwise("math.prod([*items])", items="d * others", result=_added)
general(
    "math.prod(iterable, /, *, start=1)",
    tangent={
        "iterable": "start * sum(u * v for u, v in zip(exclusive_product(iterable), d))",
        "start": "prod(iterable) * d",
    },
    adjoint={
        "iterable": "[start * d * u for u in exclusive_product(iterable)]",
        "start": "prod(iterable) * d",
    },
    result=results.constant(Number("number")),
    on=(0.5, 2),
)
general(
    "math.sumprod(p, q, /)",
    tangent={"p": "sumprod(d, q)", "q": "sumprod(p, d)"},
    adjoint={"p": "[d * v for v in q]", "q": "[d * u for u in p]"},
    result=results.constant(Number("number")),
    on=(-2, 2),
)
_ALONG = "sum((u - v) * w for u, v, w in zip(p, q, d)) / out if out else 0.0"
general(
    "math.dist(p, q, /)",
    tangent={"p": _ALONG, "q": f"-{_ALONG}"},
    adjoint={
        "p": "[d * (u - v) / out if out else 0.0 for u, v in zip(p, q)]",
        "q": "[d * (v - u) / out if out else 0.0 for u, v in zip(p, q)]",
    },
    on=(-2, 2),
)

# quotient and remainder together

for _form in ("builtins.divmod(a, b, /)", "np.divmod(a, b, /)"):
    general(
        _form,
        tangent={
            "a": "(0.0 * out[0], 0.0 * out[1] + d)",
            "b": "(0.0 * out[0], np.multiply(d, -out[0]))",
        },
        adjoint={"a": "unbroadcast(d[1], a)", "b": "unbroadcast(-d[1] * out[0], b)"},
        result=results.pair("same", "same"),
        on={"a": (2.1, 2.4), "b": (0.85, 0.97)},
    )

# lengths, truth and text carry no derivative

zero("builtins.len(obj, /)", result=lengths.length_of("obj"))
zero("builtins.str(object)", "builtins.repr(obj, /)", result=results.constant(Str()))
