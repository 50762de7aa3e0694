"""Rules of scipy.signal: sliding products of arrays of any rank.

Takes nothing, registers rules when imported, requires `rules.declare`. Loaded once SciPy's is
(`registry.load`). What is left out of the full product is 0 there.
"""

from __future__ import annotations

from . import results
from .declare import bilinear
from .whole_numbers import in_floats, of_all

_FEWER = "min({1}.shape[{0}], {2}.shape[{0}]) - 1"
_BEFORE = "({2}.shape[{0}] - 1) // 2"


def _whole(mode: str, rank: int, first: str, second: str) -> str:
    """Return what comes in, in the place it has in the full product."""
    if mode == "full":
        return "d"
    widths = []
    for axis in range(rank):
        if mode == "valid":
            fewer = _FEWER.format(axis, first, second)
            widths.append(f"({fewer}, {fewer})")
        else:
            before = _BEFORE.format(axis, first, second)
            widths.append(f"({before}, {second}.shape[{axis}] - 1 - {before})")
    return f"np.pad(d, ({', '.join(widths)},))"


for _name in ("convolve", "fftconvolve", "oaconvolve", "correlate"):
    _options = ", method='auto'" if _name in ("convolve", "correlate") else ""
    _axes = ", axes=None" if not _options else ""
    _made = of_all(results.same_rank("in1"), "in1", "in2")
    for _rank in (1, 2, 3):
        for _mode in ("full", "same", "valid"):
            _d = _whole(_mode, _rank, "in1", "in2")
            _other, _turned = "signal.correlate({}, {}, 'valid')", "np.flip({})"
            _maps = {"in1": _other.format(_d, "in2"), "in2": _other.format(_d, "in1")}
            if _name == "correlate":
                _maps = {
                    "in1": f"signal.convolve({_d}, in2, 'valid')",
                    "in2": _turned.format(_other.format(_d, "in1")),
                }
            bilinear(
                f"signal.{_name}(in1, in2, mode='full'{_options}{_axes})",
                **_maps,
                where={"mode": _mode, **({"axes": None} if _axes else {})},
                ranks=(_rank, _rank),
                result=_made if _options else in_floats(_made),
            )
