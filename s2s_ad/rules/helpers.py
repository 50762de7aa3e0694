"""Rules of our own run-time helpers, so that generated code can be differentiated again.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from s2s_ad.ir.kinds import UNKNOWN, Array, DictOf, Kind, ListOf, Number

from . import results
from .declare import bilinear, elementwise, general, linear, zero
from .results import constant

_UNKNOWN = constant(UNKNOWN)
_ENTRIES = results.elementwise("float", ("x",))
_LIST = constant(ListOf(UNKNOWN))


def _buffer(kinds: results.Kinds, args: results.Args) -> Kind:
    found = results.adjoint("x")(kinds, args)
    return Array(()) if isinstance(found, Number) else found


# structure: g is a differential, which is what these are linear in

zero("runtime.zeros_like(x)", result=results.adjoint("x"))
zero("runtime.keys(x)", result=_LIST)
zero("runtime.stop_gradient(x)", result=results.same("x"))
elementwise("runtime.as_number(x)", "d", result=constant(Number("number")))
elementwise("runtime.as_real(x)", "d", result=results.same("x"))
linear("runtime.sequence(x)", x="d", result=results.same("x"))
linear("runtime.buffer(x)", x="d", result=_buffer)
linear("runtime.copied(x)", x="d", result=results.same("x"))
elementwise("runtime.add(a, b)", a="d", b="d", result=results.sum_of("a", "b"))
linear("runtime.unbroadcast(g, like)", g="unbroadcast(d, g)", like="0",
       result=results.adjoint("like"))  # fmt: skip
linear(
    "runtime.expand(g, like, axis=None, keepdims=False)",
    g="unbroadcast(np.sum(d, axis=axis, keepdims=keepdims), g)",
    like="0",
    tangent={"g": "expand(d, like, axis, keepdims)"},
    result=results.adjoint("like"),
)
linear("runtime.spread(g, items)", g="unbroadcast(sum(d), g)", items="0",
       result=results.adjoint("items"))  # fmt: skip
linear(
    "runtime.unrepeat(g, items)",
    g="list(d) * (len(g) // len(items))",
    items="0",
    ranks=("list",),
    result=_LIST,
)
linear("runtime.split_like(g, arrays, axis=0)", g="np.concatenate(d, axis=axis)", arrays="0",
       tangent={"g": "split_like(d, arrays, axis)"},
       result=constant(ListOf(Array(None, "float"))))  # fmt: skip
linear("runtime.unstack(g, axis=0)", g="np.stack(d, axis=axis)",
       tangent={"g": "unstack(d, axis)"}, result=_LIST)  # fmt: skip
linear("runtime.unblock(g, arrays)", g="np.block(d)", arrays="0",
       tangent={"g": "unblock(d, arrays)"}, result=results.adjoint("arrays"))  # fmt: skip
linear("runtime.unpad(g, pad_width, mode='constant')", g="np.pad(d, pad_width, mode=mode)",
       tangent={"g": "unpad(d, pad_width, mode)"}, result=results.same_rank("g"))  # fmt: skip
linear("runtime.scatter(g, like, index)", g="unbroadcast(d[index], g)", like="0",
       result=results.adjoint("like"))  # fmt: skip
linear("runtime.scatter_along(g, like, indices, axis)", like="0",
       g="np.take_along_axis(d, indices, axis)", result=results.same("like"))  # fmt: skip
linear("runtime.last_stored(g, like, index)", like="0", g="last_stored(d, like, index)",
       result=results.same("g"))  # fmt: skip

# objects, whose differentials are dicts of those of their attributes

general("builtins.getattr(x, name, /)", tangent="attribute_of(d, x, name)",
        adjoint="with_attribute(d, x, name)", flavour="record", result=_UNKNOWN,
        ranks=(None, None))  # fmt: skip
linear("runtime.as_instance(cls, values)", values="d", tangent={"values": "d"},
       flavour="record", ranks=(None, None), result=_UNKNOWN)  # fmt: skip
linear("runtime.attribute_of(g, x, name)", g="with_attribute(d, x, name)",
       tangent={"g": "attribute_of(d, x, name)"}, flavour="record",
       ranks=(None, None, None), result=_UNKNOWN)  # fmt: skip
linear("runtime.with_attribute(g, x, name)", g="attribute_of(d, x, name)",
       tangent={"g": "with_attribute(d, x, name)"}, flavour="record",
       ranks=(None, None, None), result=constant(DictOf(UNKNOWN)))  # fmt: skip

# where zero wins

elementwise("runtime.quotient(a, b)", a="quotient(d, b)", b="-quotient(absorb(out, d), b)",
            on=(0.5, 2))  # fmt: skip
elementwise("runtime.divide_or_zero(a, b)", a="divide_or_zero(d, b)",
            b="-divide_or_zero(out * d, b)", on=(0.5, 2))  # fmt: skip
elementwise("runtime.absorb(a, b)", a="absorb(d, b)", b="absorb(a, d)", on=(0.5, 2))
elementwise(
    "runtime.power_slope(x, p, g)",
    x="power_slope(x, p - 1.0, p * g * d)",
    p="g * d * x ** (p - 1.0) + power_slope(x, p, g * d) * log_or_zero(x)",
    g="power_slope(x, p, d)",
    on=(0.5, 2),
)
elementwise("runtime.log_or_zero(x)", "quotient(absorb(x != 0.0, d), x)", on=(0.1, 4))

# steps

zero("runtime.within(x, low, high)", result=results.elementwise("bool", ("x", "low", "high")))
zero(
    "runtime.ties(x, extreme, axis=None, keepdims=False)",
    result=results.elementwise("float", ("x",)),
)

# products

_AXES = "axis_a, axis_b"
bilinear(
    f"runtime.contract(a, b, {_AXES})",
    a=f"contract_left(d, a, b, {_AXES})",
    b=f"contract_right(d, a, b, {_AXES})",
    result=_UNKNOWN,
)
for _name, _product, _more in (
    ("matmul", "{} @ {}", ""),
    ("contract", f"contract({{}}, {{}}, {_AXES})", f", {_AXES}"),
    ("tensordot", "np.tensordot({}, {}, axes)", ", axes"),
):
    bilinear(
        f"runtime.{_name}_left(g, a, b{_more})",
        g=_product.format("d", "b"),
        a="0",
        b=f"{_name}_right(g, d, b{_more})",
        result=results.same("a"),
    )
    bilinear(
        f"runtime.{_name}_right(g, a, b{_more})",
        g=_product.format("a", "d"),
        a=f"{_name}_left(g, a, d{_more})",
        b="0",
        result=results.same("b"),
    )
linear(
    "runtime.ungradient(g, spacing=1.0, axis=0, edge_order=1)",
    g="np.gradient(d, spacing, axis=axis, edge_order=edge_order)",
    spacing="-np.sum(d * out) / spacing",
    tangent={"spacing": "-out * (d / spacing)"},
    ranks=("array", 0),
    result=results.like("g"),
    on={"g": (-2.0, 2.0), "spacing": (0.5, 2.0)},
)
_WITH_D = "(*directions[:k], {}, *directions[k + 1 :])"
_EACH = "for k in range(len(directions))"
for _ranks, _back in ((("array",), "{}"), ((None,), "unbroadcast({}, x)")):
    general(
        "runtime.exclusive_product(x, axis=None, directions=())",
        tangent={
            "x": "exclusive_product(x, axis, (*directions, d))",
            "directions": f"sum(exclusive_product(x, axis, {_WITH_D.format('d[k]')}) {_EACH})",
        },
        adjoint={
            "x": _back.format("exclusive_product(x, axis, (*directions, d))"),
            "directions": f"[exclusive_product(x, axis, {_WITH_D.format('d')}) {_EACH}]",
        },
        ranks=_ranks,
        result=results.like("x", "float"),
        on=(0.5, 2),
    )

# scans

linear("runtime.delay(x, first=0.0, axis=0)", x="advance(d, axis)",
       tangent={"x": "delay(d, 0.0, axis)"}, result=results.like("x"))  # fmt: skip
linear("runtime.advance(x, axis=0)", x="delay(d, 0.0, axis)",
       tangent={"x": "advance(d, axis)"}, result=results.like("x"))  # fmt: skip
general(
    "runtime.recurrence(a, b, axis=0)",
    tangent={
        "a": "recurrence(a, delay(out, 0.0, axis) * d, axis)",
        "b": "recurrence(a, d, axis)",
    },
    adjoint={
        "a": "delay(out, 0.0, axis) * recurrence_back(a, d, axis)",
        "b": "recurrence_back(a, d, axis)",
    },
    result=results.like("b"),
)
general(
    "runtime.recurrence_back(a, b, axis=0)",
    tangent={
        "a": "recurrence_back(a, advance(out * d, axis), axis)",
        "b": "recurrence_back(a, d, axis)",
    },
    adjoint={
        "a": "out * delay(recurrence(a, d, axis), 0.0, axis)",
        "b": "recurrence(a, d, axis)",
    },
    result=results.like("b"),
)

# special functions

elementwise("runtime.digamma(x)", "polygamma(1, x) * d", on=(0.5, 4))
elementwise("runtime.polygamma(n, x)", x="polygamma(n + 1, x) * d", result=_ENTRIES,
            on={"n": (1, 1), "x": (0.5, 4)})  # fmt: skip
elementwise("runtime.bessel_i(n, x)", x="0.5 * (bessel_i(n - 1, x) + bessel_i(n + 1, x)) * d",
            result=_ENTRIES, on={"n": (1, 1), "x": (-2, 2)})  # fmt: skip
elementwise("runtime.sinc_slope(n, x)", x="sinc_slope(n + 1, x) * d", result=_ENTRIES,
            on={"n": (1, 1), "x": (-2, 2)})  # fmt: skip
