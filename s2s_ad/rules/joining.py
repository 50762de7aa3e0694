"""Rules of functions that make one array of several, or of a list.

Takes nothing, registers rules when imported, requires `rules.declare`. Their adjoint is a list
shaped like the argument, in which tuples come back as lists.
"""

from __future__ import annotations

from dataclasses import replace

from s2s_ad.ir.kinds import UNKNOWN, Array, Kind

from . import results
from .declare import elementwise, linear, reshaping, zero
from .dtypes import is_float_value, is_step_value
from .results import Args, Kinds
from .rule import Result
from .whole_numbers import of_all

# arrays side by side

_LIST: tuple[str | None, ...] = ("list",)
for _name, _parts, _new in (
    ("np.stack(arrays, axis=0)", "unstack(d, axis)", True),
    ("np.concatenate(arrays, /, axis=0)", "split_like(d, arrays, axis)", False),
):
    linear(_name, arrays=_parts, ranks=_LIST, result=results.joined("arrays", new_axis=_new))
    linear(_name, arrays=f"unbroadcast({_parts}, arrays)",
           result=results.joined("arrays", new_axis=_new))  # fmt: skip
_PARTS = "[unbroadcast(part, v) for part, v in zip({}, tup)]"
_COLUMNS = "[np.reshape(v, (-1, 1)) if np.ndim(v) < 2 else v for v in tup]"
for _name, _least, _parts in (
    ("vstack", 2, _PARTS.format("split_like(d, [np.atleast_2d(v) for v in tup])")),
    (
        "hstack",
        1,
        _PARTS.format("split_like(d, [np.atleast_1d(v) for v in tup], 0 if d.ndim == 1 else 1)"),
    ),
    (
        "column_stack",
        2,
        "[unbroadcast(np.reshape(part, np.shape(v)), v) "
        f"for part, v in zip(split_like(d, {_COLUMNS}, 1), tup)]",
    ),
):
    for _ranks, _back in ((("list",), _parts), (None, f"unbroadcast({_parts}, tup)")):
        linear(
            f"np.{_name}(tup)", tup=_back, ranks=_ranks, result=results.side_by_side("tup", _least)
        )
linear(
    "np.append(arr, values, axis=None)",
    arr="unbroadcast(np.reshape(d[: np.size(arr)], np.shape(arr)), arr)",
    values="unbroadcast(np.reshape(d[np.size(arr) :], np.shape(values)), values)",
    tangent={
        "arr": "np.append(d, zeros_like(values))",
        "values": "np.append(zeros_like(arr), d)",
    },
    where={"axis": None},
    result=of_all(results.ranked(1, "arr"), "arr", "values"),
)

# arrays from whatever there is; a dtype of integers cuts the derivative, any other is not followed

for _keep in (None, is_float_value):
    for _text, _param in (
        ("np.asarray(a, dtype=None)", "a"),
        ("np.asanyarray(a, dtype=None)", "a"),
        ("np.array(object, dtype=None, *, copy=True)", "object"),
    ):
        for _ranks, _back in (
            (("array",), "d"),
            (("display",), "d"),
            (None, f"unbroadcast(d, {_param})"),
        ):
            reshaping(_text, ranks=_ranks, where={"dtype": _keep}, **{_param: _back},
                      result=results.float_cast(_param))  # fmt: skip
    reshaping("np.array(object, dtype=None, *, copy=True, ndmin=0)",
              object="unbroadcast(d, object)",
              where={"dtype": _keep}, result=results.of_some_rank("object"))  # fmt: skip
for _text in ("np.asarray(a, dtype)", "np.asanyarray(a, dtype)", "np.array(object, dtype)"):
    zero(
        _text,
        result=results.float_cast("object" if "object" in _text else "a"),
        where={"dtype": is_step_value},
    )

# a number or an array as a float of some width


def _cast(dtype: str) -> Result:
    """Kind of `np.float64(x)`: of an array with a single entry older versions make a number."""

    def result(kinds: Kinds, args: Args) -> Kind:
        kind = kinds.get("x", UNKNOWN)
        if isinstance(kind, Array) and not any(dim.one is False for dim in kind.dims or ()):
            return UNKNOWN
        cast = results.elementwise(dtype, ("x",))(kinds, args)
        return replace(cast, double=False) if isinstance(cast, Array) else cast

    return result


for _name in ("float64", "float32", "longdouble"):
    elementwise(f"np.{_name}(x, /)", "d", tangent={"x": f"np.{_name}(d)"}, result=_cast("float"),
                on=(0.5, 2))  # fmt: skip
for _name in ("int64", "int32", "intp"):
    zero(f"np.{_name}(x, /)", result=_cast("int"))
zero("np.bool_(x, /)", result=_cast("bool"))
