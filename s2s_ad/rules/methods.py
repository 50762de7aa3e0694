"""Rules of the methods and attributes of arrays: most are those of the function of that name.

Takes nothing, registers rules when imported, requires `rules.declare` and that the tables of
numpy's functions are registered (the order of `registry.TABLES`). The first parameter of a method
is the array itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from s2s_ad.ir import walk
from s2s_ad.ir.kinds import BOOL, FLOAT, INT, NUMBER, UNKNOWN, ListOf
from s2s_ad.ir.nodes import Attribute, Call, Expr, Name
from s2s_ad.ir.remembered import replace

from . import lengths, registry, results
from .declare import elementwise, general, linear, reshaping, zero
from .dtypes import dtype_of, is_float_value, is_step_value
from .elementwise import clipping
from .results import constant
from .rule import Maps, Rule
from .shapes import INVERSE_ORDERS

# whoever imports this module first, the rules that are borrowed from must be there
for _table in registry.TABLES[: registry.TABLES.index("methods")]:
    importlib.import_module(f"s2s_ad.rules.{_table}")

BORROWED = (
    *("sum", "mean", "var", "std", "prod", "max", "min", "cumsum", "cumprod"),
    *("argmax", "argmin", "argsort", "any", "all", "nonzero", "round", "searchsorted"),
    *("ravel", "squeeze", "swapaxes", "diagonal", "trace", "dot", "take", "repeat"),
)


def as_method(rule: Rule) -> Rule:
    """Return the rule of `a.f(...)` from that of `np.f(a, ...)`.

    A tangent that is the call itself is written as the method, as the user writes it.
    """
    head = rule.params[0].name
    function = Attribute(Name("np"), rule.name)

    def as_written(expr: Expr) -> Expr:
        match expr:
            case Call(func=func, args=(Name() as first, *rest), keywords=keywords) if (
                func == function
            ):
                return Call(Attribute(first, rule.name), tuple(rest), keywords)
        return expr

    text = rule.text.removeprefix(f"np.{rule.name}({head}").removeprefix(",").strip()
    return replace(
        rule,
        text=f"{head}.{rule.name}({text}",
        function=None,
        namespace="method",
        tangent=Maps(rule.tangent, lambda expr: walk.map_expr(expr, as_written)),
    )


for _name in BORROWED:
    for _rule in registry.rules_of("np", _name):
        if _rule.ranks is None or _rule.ranks[0] != 0:
            registry.register(as_method(_rule))

# methods that differ from the function of that name, or have none

_SHAPED = "np.reshape(d, a.shape)"
reshaping("a.reshape(*shape)", a=_SHAPED, result=lengths.shaped("shape", "any", "a", star=True))
for _order in ("C", "F"):
    _turned = f"np.reshape(d, a.shape, order={_order!r})"
    reshaping("a.reshape(*shape, order)", a=_turned, where={"order": _order},
              result=lengths.shaped("shape", "any", "a", star=True))  # fmt: skip
    reshaping("a.flatten(order)", a=_turned, where={"order": _order},
              result=results.raveled("a"))  # fmt: skip
reshaping("a.flatten()", a=_SHAPED, result=results.raveled("a"))
reshaping("a.transpose()", a="np.transpose(d)", result=results.transposed("a"))


def _axes(test: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda axes: axes not in ((), (None,)) and test(axes)


for _test, _inverse in INVERSE_ORDERS:
    reshaping("a.transpose(axes, /)", a=f"np.transpose(d, {_inverse})",
              where={"axes": _test}, result=results.transposed("a"))  # fmt: skip
for _test, _inverse in INVERSE_ORDERS:
    reshaping("a.transpose(*axes)", a=f"np.transpose(d, {_inverse})",
              where={"axes": _axes(_test)}, result=results.transposed("a"))  # fmt: skip
elementwise("a.copy()", "d", result=results.same("a"))
elementwise("a.conj()", "d", result=results.same("a"))
elementwise("a.conjugate()", "d", result=results.same("a"))
elementwise("a.astype(dtype)", a="d", where={"dtype": is_float_value},
          result=results.like("a", "float"))  # fmt: skip
zero("a.astype(dtype)", result=results.like_asked("a"), where={"dtype": is_step_value})
general("a.item()", tangent="d.item()", adjoint="unbroadcast(d, a)", result=constant(FLOAT))
general("a.item(index, /)", tangent="d.item(index)", ranks=("array", 0),
        adjoint="np.reshape(scatter(d, np.ravel(a), index), a.shape)",
        result=constant(FLOAT))  # fmt: skip
general("a.item(i, j, /)", tangent="d.item(i, j)", adjoint="scatter(d, a, (i, j))",
        result=constant(FLOAT))  # fmt: skip
linear("a.tolist()", a="np.array(d)", ranks=(1,), result=constant(ListOf(NUMBER)))
linear("a.tolist()", a="np.array(d)", result=constant(UNKNOWN))
linear("a.compress(condition, axis=None)",
       a="np.reshape(scatter(d, np.ravel(a), np.compress(condition, np.reshape("
       "np.arange(a.size), a.shape), axis=axis)), a.shape)",
       result=constant(UNKNOWN))  # fmt: skip
elementwise("a.view()", "d", result=results.same("a"))
clipping("a.clip(min=None, max=None)", "min", "max")
zero("a.is_integer()", result=constant(BOOL))
zero("a.index(value)", "a.count(value)", result=constant(INT))

# attributes

for _ranks, _back in ((("array",), "d.T"), ((None,), "np.transpose(d)")):
    reshaping("a.T", _back, ranks=_ranks, tangent={"a": "d.T"}, result=results.transposed("a"))
reshaping("a.mT", "np.swapaxes(d, -1, -2)", ranks=(2,), tangent={"a": "np.swapaxes(d, -1, -2)"},
          result=results.transposed("a"))  # fmt: skip
reshaping("a.mT", "np.swapaxes(d, -1, -2)", tangent={"a": "np.swapaxes(d, -1, -2)"},
          result=results.same_rank("a"))  # fmt: skip
elementwise("a.real", "d", result=results.same("a"))
zero("a.imag", ranks=("floats",), result=results.same("a"))
zero("a.shape", result=lengths.shape_of("a"))
zero("a.size", result=lengths.size_of("a"))
zero("a.ndim", "a.itemsize", "a.nbytes", result=constant(INT))
zero("a.dtype", result=dtype_of)
