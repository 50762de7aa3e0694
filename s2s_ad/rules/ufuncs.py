"""Rules of the methods of NumPy's ufuncs: `np.add.outer`, `np.maximum.reduce` and their like.

Takes nothing, registers rules when imported, requires `rules.declare` and that the rules of the
ufuncs themselves are registered (the order of `registry.TABLES`).
"""

from __future__ import annotations

from s2s_ad.ir import walk
from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, result_dtype
from s2s_ad.ir.nodes import Expr
from s2s_ad.ir.quote import parse_expr
from s2s_ad.ir.remembered import replace

from . import registry, results
from .declare import bilinear, linear, reduction, reshaping, zero
from .results import Args, Kinds, is_integer
from .rule import Maps, Result, Rule

# that give floats of whole numbers
OF_FLOATS = frozenset(("true_divide", "arctan2", "hypot", "logaddexp"))

# every entry of one with every entry of the other


def _pairs(dtype: str = "") -> Result:
    """Return the result of `f.outer(a, b)`: the axes of `a`, then those of `b`."""

    def result(kinds: Kinds, args: Args) -> Kind:
        a, b = (results.as_array(kinds.get(name, UNKNOWN)) for name in "ab")
        if not (isinstance(a, Array) and isinstance(b, Array)):
            return UNKNOWN
        both = dtype or result_dtype(a.dtype, b.dtype)
        if a.dims is None or b.dims is None or both == "bool" != dtype:
            return UNKNOWN
        return results.settled(Array((*a.dims, *b.dims), both))

    return result


bilinear("np.add.outer(a, b, /)", ranks=(1, 1), result=_pairs(),
         a="np.sum(d, axis=1)", b="np.sum(d, axis=0)",
         tangent={"a": "np.add.outer(d, np.zeros_like(b))",
                  "b": "np.add.outer(np.zeros_like(a), d)"})  # fmt: skip
bilinear("np.subtract.outer(a, b, /)", ranks=(1, 1), result=_pairs(),
         a="np.sum(d, axis=1)", b="-np.sum(d, axis=0)",
         tangent={"a": "np.subtract.outer(d, np.zeros_like(b))",
                  "b": "np.subtract.outer(np.zeros_like(a), d)"})  # fmt: skip
bilinear("np.multiply.outer(a, b, /)", ranks=(1, 1), a="d @ b", b="a @ d", result=_pairs())

_TABLE = "(np.size(a), np.size(b))"
_IN_TABLE = {
    "a": parse_expr("np.reshape(a, (-1, 1))"),
    "b": parse_expr("np.reshape(b, (1, -1))"),
    "out": parse_expr(f"np.reshape(out, {_TABLE})"),
}
_SUMMED = {
    "a": "unbroadcast(np.reshape(np.sum({}, axis=1), np.shape(a)), a)",
    "b": "unbroadcast(np.reshape(np.sum({}, axis=0), np.shape(b)), b)",
}


def as_outer(rule: Rule) -> Rule:
    """Return the rule of `f.outer(a, b)` from that of `f(a, b)`, in a table of rows and columns."""
    first, second = (param.name for param in rule.params)
    names = {first: "a", second: "b"}

    def placed(template: Expr, d: str) -> Expr:
        moved = {old: _IN_TABLE[new] for old, new in names.items()}
        return walk.substitute(template, {**moved, "out": _IN_TABLE["out"], "d": parse_expr(d)})

    def filled(text: str, inner: Expr) -> Expr:
        return walk.substitute(parse_expr(text.format("INNER")), {"INNER": inner})

    whole = f"np.reshape(d, {_TABLE})"
    spread = f"np.reshape(np.broadcast_to({{}}, {_TABLE}), np.shape(out))"
    moving = {new: (old, new) for old, new in names.items() if old in rule.adjoint}

    def adjoint(old: str, new: str) -> Expr:
        return filled(_SUMMED[new], placed(rule.adjoint[old], whole))

    def tangent(old: str, new: str) -> Expr:
        one = f"np.reshape(d, {'(-1, 1)' if new == 'a' else '(1, -1)'})"
        return filled(spread, placed(rule.tangent[old], one))

    a, b = rule.params
    return replace(
        rule,
        text=f"np.{rule.name}.outer(a, b, /)",
        flavour="bilinear",
        name=f"{rule.name}.outer",
        params=(replace(a, name="a"), replace(b, name="b")),
        adjoint=Maps(moving, lambda pair: adjoint(*pair)),
        tangent=Maps(moving, lambda pair: tangent(*pair)),
        result=_pairs("float" if rule.name in OF_FLOATS else ""),
        shape="argument",
        let=tuple((name, placed(value, "d")) for name, value in rule.let),
        level=frozenset(names[old] for old in rule.level),
        active=None if rule.active is None else frozenset(names[old] for old in rule.active),
        function=getattr(rule.function, "outer"),  # noqa: B009
        domain={names.get(old, old): interval for old, interval in rule.domain.items()},
        by_result={},
    )


for _name in ("add", "subtract", "multiply", "true_divide", "power", "arctan2", "hypot",
              "maximum", "minimum", "fmax", "fmin", "logaddexp"):  # fmt: skip
    for _rule in registry.rules_of("np", _name):
        if _rule.ranks is None and not _rule.where:
            registry.register(as_outer(_rule))
for _name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
              "logical_and", "logical_or", "logical_xor"):  # fmt: skip
    zero(f"np.{_name}.outer(a, b, /)", result=_pairs("bool"))

# all entries along an axis in one: the first axis unless another is asked for

# by position: an argument that is its default is left out, and theirs are others
_AXES = "axis, keepdims=keepdims"
for _ranks, _back in ((("array",), "{}"), (None, "unbroadcast({}, array)")):
    _put = "expand(d, array, axis, keepdims)"
    linear(
        "np.add.reduce(array, axis=0, *, keepdims=False)",
        array=_put,
        ranks=_ranks,
        result=results.reduction("array", "same"),
    )
    reduction(
        "np.multiply.reduce(array, axis=0, *, keepdims=False)",
        tangent=f"np.sum(d * exclusive_product(array, axis), {_AXES})",
        adjoint=_back.format(f"np.multiply({_put}, exclusive_product(array, axis))"),
        ranks=_ranks,
        result=results.reduction("array", "same"),
        on=(0.5, 2),
    )
    for _name in ("maximum", "minimum"):
        reduction(
            f"np.{_name}.reduce(array, axis=0, *, keepdims=False)",
            tangent=f"np.sum(d * ties(array, out, axis, keepdims), {_AXES})",
            adjoint=_back.format(f"np.multiply({_put}, ties(array, out, axis, keepdims))"),
            ranks=_ranks,
            result=results.reduction("array", "plain"),
        )
    _share = "np.exp(np.subtract(array, expand(out, array, axis, keepdims)))"
    reduction(
        "np.logaddexp.reduce(array, axis=0, *, keepdims=False)",
        tangent=f"np.sum(np.multiply(d, {_share}), {_AXES})",
        adjoint=_back.format(f"np.multiply({_put}, {_share})"),
        ranks=_ranks,
        result=results.reduction("array"),
    )
for _name in ("any", "all"):
    zero(
        f"np.logical_{'or' if _name == 'any' else 'and'}.reduce(array, axis=0, *, keepdims=False)",
        result=results.reduction("array", "bool"),
    )

# what there is so far along an axis

_SCAN = results.along_axis("array")
reshaping("np.add.accumulate(array, axis=0)", ranks=("array",), where={"axis": is_integer},
          array="np.flip(np.cumsum(np.flip(d, axis), axis), axis)",
          result=_SCAN)  # fmt: skip
reduction(
    "np.multiply.accumulate(array, axis=0)",
    ranks=("array",),
    where={"axis": is_integer},
    tangent="recurrence(array, delay(out, 1.0, axis) * d, axis)",
    adjoint="delay(out, 1.0, axis) * recurrence_back(array, d, axis)",
    result=_SCAN,
    on=(0.5, 2),
)
# of entries that tie the last has what follows it
for _rank, _axis, _here in (
    (1, 0, "np.arange(len(array))"),
    (2, 0, "np.arange(len(array))[:, None]"),
    (2, 1, "np.arange(array.shape[1])"),
):
    for _name in ("maximum", "minimum"):
        _place = f"np.maximum.accumulate(np.where(array == out, {_here}, 0), axis)"
        reduction(
            f"np.{_name}.accumulate(array, axis=0)",
            ranks=(_rank,),
            where={"axis": (_axis, _axis - _rank)},
            tangent=f"np.take_along_axis(d, {_place}, axis)",
            adjoint=f"scatter_along(d, array, {_place}, axis)",
            result=_SCAN,
        )
