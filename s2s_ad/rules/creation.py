"""Rules of functions that make arrays: of zeros, of one value, of equal steps.

Takes nothing, registers rules when imported, requires `rules.declare`.
"""

from __future__ import annotations

from collections.abc import Mapping

from s2s_ad.ir.kinds import UNKNOWN, Array, Kind, Number, fresh_dim
from s2s_ad.ir.nodes import Const, Expr
from s2s_ad.ir.remembered import replace

from . import lengths, results
from .declare import linear, passive, zero
from .dtypes import asked_dtype, is_float_value, is_step_value
from .results import literal

Kinds = Mapping[str, Kind]
Args = Mapping[str, Expr]


def _made(kinds: Kinds, args: Args) -> Kind:
    """Kind of `zeros(shape, dtype=float)`."""
    known = literal(args.get("dtype", Const("None", None))) is None
    double = known or args.get("dtype") is None
    dtype = "float" if double else asked_dtype(kinds.get("dtype", UNKNOWN))
    made = lengths.shaped("shape", dtype)(kinds, args)
    return replace(made, double=True) if double and isinstance(made, Array) else made


def _filled(kinds: Kinds, args: Args) -> Kind:
    if literal(args.get("dtype", Const("None", None))) is not None:
        return _made(kinds, args)
    value = kinds.get("fill_value", UNKNOWN)
    dtype = value.type if isinstance(value, Number) and value.type != "number" else "any"
    return lengths.shaped("shape", dtype)(kinds, args)


def _like(kinds: Kinds, args: Args) -> Kind:
    if literal(args.get("dtype", Const("None", None))) is None:
        found = results.as_array(kinds.get("a", UNKNOWN))
    else:
        found = results.like_asked("a")(kinds, args)
    # whatever it is like, it is an array
    return found if isinstance(found, Array) else Array(None, "any")


def _steps(kinds: Kinds, args: Args) -> Kind:
    given = [kinds[name] for name in ("start", "stop", "step") if name in kinds]
    types = {kind.type if isinstance(kind, Number) else "number" for kind in given}
    dtype = "int" if types == {"int"} else ("float" if "float" in types else "any")
    if literal(args.get("dtype", Const("None", None))) is not None:
        dtype = asked_dtype(kinds.get("dtype", UNKNOWN))
    if "start" in kinds:
        return Array((fresh_dim(),), dtype)
    return lengths.shaped("stop", dtype)({"stop": kinds.get("stop", UNKNOWN)}, args)


def _spaced(kinds: Kinds, args: Args) -> Kind:
    ends = (kinds.get("start", UNKNOWN), kinds.get("stop", UNKNOWN))
    if all(isinstance(end, Number) for end in ends):
        return Array((lengths.dim_of(literal(args.get("num"))),), "float")
    return Array(None, "float")


for _name in ("zeros", "ones", "empty"):
    zero(f"np.{_name}(shape, dtype=None)", result=_made)
    zero(f"np.{_name}_like(a, /, dtype=None)", result=_like)
zero("np.ndarray(shape, dtype=None)", result=_made)
zero("np.eye(N, M=None, k=0, dtype=None)", result=lengths.square("N"))
zero("np.tri(N, M=None, k=0, dtype=None)", result=lengths.square("N"))
zero("np.identity(n, dtype=None)", result=lengths.square("n"))
_OF_FLOATS = "(out.dtype.kind == 'f')"  # a fill of integers is cut
_FULL, _FULL_LIKE = "np.full(shape, fill_value, dtype=None)", "np.full_like(a, fill_value, dtype)"
for _rank, _back in ((0, "np.sum({})"), (None, "unbroadcast({}, fill_value)")):
    for _dtype in (None, is_float_value):
        linear(
            _FULL,
            fill_value=_back.format("d"),
            ranks=(None, _rank),
            where={"dtype": _dtype},
            result=_filled,
        )
    linear(
        _FULL_LIKE,
        a="0",
        fill_value=_back.format("d"),
        ranks=(None, _rank),
        where={"dtype": is_float_value},
        result=_like,
    )
    for _kind, _flow in (("floats", "d"), (None, f"{_OF_FLOATS} * d")):
        linear(
            "np.full_like(a, fill_value)",
            a="0",
            fill_value=_back.format(_flow),
            tangent={"fill_value": f"np.full_like(out, {_flow})"},
            ranks=(_kind, _rank),
            result=results.like("a"),
        )
zero(_FULL, _FULL_LIKE, where={"dtype": is_step_value}, result=_filled)
# what is asked for may be known only when it is made
linear(
    "np.full(shape, fill_value, dtype=None, order='C')",
    fill_value=f"unbroadcast({_OF_FLOATS} * d, fill_value)",
    tangent={"fill_value": f"np.full(np.shape(out), {_OF_FLOATS} * d)"},
    result=_filled,
)

# equal steps

_LINSPACE = "np.linspace(start, stop, num=50, endpoint=True)"
_DOWN = "np.linspace(1.0, 0.0, num, endpoint=endpoint)"
_UP = "np.linspace(0.0, 1.0, num, endpoint=endpoint)"
_MOVED = {
    "start": "np.linspace(d, 0.0, num, endpoint=endpoint)",
    "stop": "np.linspace(0.0, d, num, endpoint=endpoint)",
}
linear(_LINSPACE, start=f"np.sum(d * {_DOWN})", stop=f"np.sum(d * {_UP})", tangent=_MOVED,
       ranks=(0, 0), result=_spaced)  # fmt: skip
linear(
    _LINSPACE,
    start=f"unbroadcast(contract({_DOWN}, d, 0, 0), start)",
    stop=f"unbroadcast(contract({_UP}, d, 0, 0), stop)",
    tangent={
        "start": "np.linspace(d, 0.0 * np.add(start, stop), num, endpoint=endpoint)",
        "stop": "np.linspace(0.0 * np.add(start, stop), d, num, endpoint=endpoint)",
    },
    result=_spaced,
)
passive("np.arange(stop, /, *, dtype=None)", result=_steps)
_STEPS = "np.arange(start, stop, step=1, /)"
for _ranks, _back in (((0, 0, 0), "{}"), ((None, None, None), "unbroadcast({0}, {1})")):
    linear(
        _STEPS,
        start=_back.format("np.sum(d)", "start"),
        stop="0",
        step=_back.format("np.sum(d * np.arange(out.size))", "step"),
        tangent={"start": "np.full(out.size, d)", "step": "np.arange(out.size) * d"},
        ranks=_ranks,
        on={"start": (0.1, 0.9), "stop": (6.1, 6.4), "step": (1.1, 1.2)},
        result=_steps,
    )
passive("np.arange(start, stop, step=1, /, *, dtype=None)", result=_steps)
