"""Rules of scipy.special: functions of the gamma, error and Bessel families, sums of exponentials.

Takes nothing, registers rules when imported, requires `rules.declare`. Loaded once SciPy is
(`registry.load`); without SciPy the rules are mentioned in the documentation, no more.
"""

from __future__ import annotations

from . import results
from .declare import elementwise, reduction, zero
from .twins import twin

_ROOT = "math.sqrt(math.pi)"
_ARRAY = results.elementwise("float", ("x",), array=True)

# logistic functions and entropies

elementwise("special.expit(x, /)", "out * (1.0 - out) * d", on=(-3, 3))
elementwise("special.logit(x, /)", "d / (x * (1.0 - x))", on=(0.1, 0.9))
elementwise("special.log_expit(x, /)", "special.expit(-x) * d", on=(-3, 3))
elementwise("special.xlogy(x, y, /)", x="absorb(d, np.log(y))", y="divide_or_zero(x * d, y)",
            on=(0.5, 2))  # fmt: skip
elementwise("special.xlog1py(x, y, /)", x="absorb(d, np.log1p(y))", y="x * d / (1.0 + y)",
            on=(0.5, 2))  # fmt: skip
elementwise("special.entr(x, /)", "-(np.log(x) + 1.0) * d", on=(0.5, 2))
elementwise("special.rel_entr(x, y, /)", x="(np.log(x / y) + 1.0) * d", y="-d * x / y",
            on=(0.5, 2))  # fmt: skip
elementwise("special.kl_div(x, y, /)", x="np.log(x / y) * d", y="d * (1.0 - x / y)",
            on=(0.5, 2))  # fmt: skip

# the error function and the normal distribution

elementwise("special.erf(x, /)", f"2.0 / {_ROOT} * np.exp(-x * x) * d", on=(-2, 2))
elementwise("special.erfc(x, /)", f"-2.0 / {_ROOT} * np.exp(-x * x) * d", on=(-2, 2))
elementwise("special.erfcx(x, /)", f"(2.0 * x * out - 2.0 / {_ROOT}) * d", on=(-2, 2))
elementwise("special.erfi(x, /)", f"2.0 / {_ROOT} * np.exp(x * x) * d", on=(-1, 1))
elementwise("special.erfinv(y, /)", f"0.5 * {_ROOT} * np.exp(out * out) * d", on=(-0.9, 0.9))
elementwise("special.erfcinv(y, /)", f"-0.5 * {_ROOT} * np.exp(out * out) * d", on=(0.1, 1.9))
elementwise("special.dawsn(x, /)", "(1.0 - 2.0 * x * out) * d", on=(-2, 2))
elementwise("special.ndtr(x, /)", "np.exp(-0.5 * x * x) * d / math.sqrt(2.0 * math.pi)",
            on=(-2, 2))  # fmt: skip
elementwise("special.log_ndtr(x, /)",
            "np.exp(-0.5 * x * x - out) * d / math.sqrt(2.0 * math.pi)", on=(-2, 2))  # fmt: skip
elementwise("special.ndtri(y, /)", "np.exp(0.5 * out * out) * d * math.sqrt(2.0 * math.pi)",
            on=(0.1, 0.9))  # fmt: skip

# the gamma function and its like

elementwise("special.gamma(x, /)", "special.psi(x) * out * d", on=(0.5, 4))
elementwise("special.gammaln(x, /)", "special.psi(x) * d", on=(0.5, 4))
elementwise("special.loggamma(x, /)", "special.psi(x) * d", on=(0.5, 4))
elementwise("special.rgamma(x, /)", "-special.psi(x) * out * d", on=(0.5, 4))
elementwise("special.psi(x, /)", "special.polygamma(1, x) * d", on=(0.5, 4))
elementwise("special.polygamma(n, x)", x="special.polygamma(n + 1, x) * d", result=_ARRAY,
            active=("x",), on={"n": (1, 1), "x": (0.5, 4)})  # fmt: skip
elementwise("special.beta(a, b, /)", a="(special.psi(a) - special.psi(a + b)) * out * d",
            b="(special.psi(b) - special.psi(a + b)) * out * d", on=(0.5, 2))  # fmt: skip
elementwise("special.betaln(a, b, /)", a="(special.psi(a) - special.psi(a + b)) * d",
            b="(special.psi(b) - special.psi(a + b)) * d", on=(0.5, 2))  # fmt: skip
_DENSITY = "np.exp((a - 1.0) * np.log(x) - x - special.gammaln(a)) * d"
elementwise("special.gammainc(a, x, /)", x=_DENSITY, active=("x",), on=(0.5, 2))
elementwise("special.gammaincc(a, x, /)", x=f"-{_DENSITY}", active=("x",), on=(0.5, 2))
elementwise(
    "special.betainc(a, b, x, /)",
    x="np.exp((a - 1.0) * np.log(x) + (b - 1.0) * np.log1p(-x) - special.betaln(a, b)) * d",
    active=("x",),
    on={"a": (0.5, 2.0), "b": (0.5, 2.0), "x": (0.1, 0.9)},
)
zero("special.gammasgn(x, /)")

# Bessel functions

for _name, _slope in (("j", "0.5 * ({0}(nu - 1.0, z) - {0}(nu + 1.0, z)) * d"),
                      ("y", "0.5 * ({0}(nu - 1.0, z) - {0}(nu + 1.0, z)) * d"),
                      ("i", "0.5 * ({0}(nu - 1.0, z) + {0}(nu + 1.0, z)) * d"),
                      ("k", "-0.5 * ({0}(nu - 1.0, z) + {0}(nu + 1.0, z)) * d")):  # fmt: skip
    elementwise(f"special.{_name}v(nu, z, /)", z=_slope.format(f"special.{_name}v"),
                active=("z",), on={"z": (0.5, 4)})  # fmt: skip
for _name, _slope in (("j", "-special.{0}1(x) * d"), ("y", "-special.{0}1(x) * d"),
                      ("i", "special.{0}1(x) * d"), ("k", "-special.{0}1(x) * d")):  # fmt: skip
    elementwise(f"special.{_name}0(x, /)", _slope.format(_name), on=(0.5, 4))
for _name, _slope in (("j", "(special.j0(x) - out / x) * d"),
                      ("y", "(special.y0(x) - out / x) * d"),
                      ("i", "(special.i0(x) - out / x) * d"),
                      ("k", "-(special.k0(x) + out / x) * d")):  # fmt: skip
    elementwise(f"special.{_name}1(x, /)", _slope, on=(0.5, 4))

# others

for _name in ("cbrt", "exp2", "expm1", "log1p"):
    twin(f"special.{_name}(x, /)", f"np.{_name}")
elementwise("special.exp10(x, /)", "math.log(10.0) * out * d", on=(-2, 2))
elementwise("special.cosm1(x, /)", "-np.sin(x) * d", on=(-3, 3))
elementwise("special.expi(x, /)", "np.exp(x) * d / x", on=(0.5, 2))
elementwise("special.exp1(x, /)", "-np.exp(-x) * d / x", on=(0.5, 2))
elementwise("special.ellipk(m, /)",
            "(special.ellipe(m) / (1.0 - m) - out) * d / (2.0 * m)", on=(0.1, 0.9))  # fmt: skip
elementwise("special.ellipe(m, /)", "(out - special.ellipk(m)) * d / (2.0 * m)",
            on=(0.1, 0.9))  # fmt: skip

# sums of exponentials, and their shares

_AXES = "axis=axis, keepdims=keepdims"
_SHARES = "np.exp(a - expand(out, a, axis, keepdims))"
reduction(
    "special.logsumexp(a, axis=None, *, keepdims=False)",
    tangent=f"np.sum({_SHARES} * d, {_AXES})",
    adjoint=f"expand(d, a, axis, keepdims) * {_SHARES}",
    ranks=("array",),
    result=results.reduction("a"),
)
_OUT = "out * (d - np.sum(out * d, axis=axis, keepdims=True))"
reduction("special.softmax(x, axis=None)", tangent=_OUT, adjoint=_OUT, ranks=("array",),
          result=results.like("x", "float"))  # fmt: skip
reduction(
    "special.log_softmax(x, axis=None)",
    tangent="d - np.sum(np.exp(out) * d, axis=axis, keepdims=True)",
    adjoint="d - np.exp(out) * np.sum(d, axis=axis, keepdims=True)",
    ranks=("array",),
    result=results.like("x", "float"),
)
