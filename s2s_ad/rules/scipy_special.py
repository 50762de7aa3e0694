"""Rules of scipy.special: functions of the gamma, error and Bessel families, sums of exponentials.

Takes nothing, registers rules when imported, requires `rules.declare`. Loaded once SciPy is
(`registry.load`); without SciPy the rules are mentioned in the documentation, no more.
"""

from __future__ import annotations

from s2s_ad.ir.kinds import UNKNOWN, Kind

from . import results
from .declare import elementwise, general, reduction, zero
from .results import MISSING, constant, is_given
from .twins import twin

_ROOT = "math.sqrt(math.pi)"
_ARRAY = results.elementwise("float", ("x",), array=True)


def _may_be_real(branch: object) -> bool:
    """True for the branches of Lambert's function that are real, or one known when it runs."""
    return branch is MISSING or branch in (0, -1)


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
elementwise(
    "special.lambertw(z, k=0, tol=1e-08)",
    z="np.exp(-w) / (1.0 + w) * d",
    let={"w": "as_real(out)"},
    where={"k": _may_be_real},
    active=("z",),
    result=constant(UNKNOWN),
    on=(-0.35, -0.05),
)

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
# by their neighbours, of which none has to be divided by x
for _text, _slope in (
    ("j1(x, /)", "0.5 * (special.j0(x) - special.jv(2.0, x)) * d"),
    ("y1(x, /)", "0.5 * (special.y0(x) - special.yv(2.0, x)) * d"),
    ("i1(x, /)", "0.5 * (special.i0(x) + special.iv(2.0, x)) * d"),
    ("k1(x, /)", "-0.5 * (special.k0(x) + special.kv(2.0, x)) * d"),
    ("i0e(x, /)", "(special.i1e(x) - np.sign(x) * out) * d"),
    ("i1e(x, /)", "(0.5 * (special.i0e(x) + special.ive(2.0, x)) - np.sign(x) * out) * d"),
    ("k0e(x, /)", "(out - special.k1e(x)) * d"),
    ("k1e(x, /)", "(out - 0.5 * (special.k0e(x) + special.kve(2.0, x))) * d"),
):
    elementwise(f"special.{_text}", _slope, on=(0.5, 4))
for _text, _slope in (
    ("yn(n, x, /)", "0.5 * (special.yv(n - 1.0, x) - special.yv(n + 1.0, x)) * d"),
    ("kn(n, x, /)", "-0.5 * (special.kv(n - 1.0, x) + special.kv(n + 1.0, x)) * d"),
):
    elementwise(f"special.{_text}", x=_slope, active=("x",), on={"x": (0.5, 4)})
for _text, _slope in (
    ("ive", "0.5 * (special.ive(nu - 1.0, z) + special.ive(nu + 1.0, z)) - np.sign(z) * out"),
    ("kve", "out - 0.5 * (special.kve(nu - 1.0, z) + special.kve(nu + 1.0, z))"),
):
    elementwise(f"special.{_text}(nu, z, /)", z=f"({_slope}) * d", active=("z",),
                on={"z": (0.5, 4)})  # fmt: skip

# of several results

for _text, _parts in (
    ("sici(x, /)", ("np.sin(x) / x", "np.cos(x) / x")),
    ("fresnel(x, /)", ("np.sin(0.5 * math.pi * x * x)", "np.cos(0.5 * math.pi * x * x)")),
    ("airy(x, /)", ("out[1]", "x * out[0]", "out[3]", "x * out[2]")),
):
    for _rank in (0, "array"):
        general(
            f"special.{_text}",
            ranks=(_rank,),
            tangent=f"({', '.join(f'{part} * d' for part in _parts)})",
            adjoint=" + ".join(f"{part} * d[{k}]" for k, part in enumerate(_parts)),
            result=results.several_of(len(_parts)),
            on=(0.5, 2),
        )

# polynomials, by their degree: those of degree -1 are 0

_BOX = {"x": (-0.9, 0.9), "alpha": (0.5, 2.0), "beta": (0.5, 2.0)}
_LESS = "np.maximum(degree - 1.0, -1.0)"
for _text, _slope in (
    ("eval_legendre(degree, x, /)", "0.5 * (degree + 1.0) * special.eval_jacobi({}, 1.0, 1.0, x)"),
    ("eval_chebyt(degree, x, /)", "degree * special.eval_chebyu({}, x)"),
    ("eval_chebyu(degree, x, /)", "2.0 * special.eval_gegenbauer({}, 2.0, x)"),
    ("eval_laguerre(degree, x, /)", "-special.eval_genlaguerre({}, 1.0, x)"),
    (
        "eval_genlaguerre(degree, alpha, x, /)",
        "-special.eval_genlaguerre({}, alpha + 1.0, x)",
    ),
    (
        "eval_gegenbauer(degree, alpha, x, /)",
        "2.0 * alpha * special.eval_gegenbauer({}, alpha + 1.0, x)",
    ),
    (
        "eval_jacobi(degree, alpha, beta, x, /)",
        "0.5 * (degree + alpha + beta + 1.0) * special.eval_jacobi({}, alpha + 1.0, beta + 1.0, x)",
    ),
):
    elementwise(f"special.{_text}", x=f"{_slope.format(_LESS)} * d", active=("x",), on=_BOX)
for _name, _twice in (("eval_hermite", "2.0 * "), ("eval_hermitenorm", "")):
    elementwise(
        f"special.{_name}(degree, x, /)",
        x=f"{_twice}degree * special.{_name}(np.maximum(degree - 1, 0), x) * d",
        active=("x",),
        on=_BOX,
    )

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

elementwise("special.exprel(x, /)", "0.5 * special.hyp1f1(2.0, 3.0, x) * d", on=(-2, 2))
_FEWER = "np.where(n > 0, special.expn(np.maximum(n - 1, 0), x), (np.exp(-x) + out) / x)"
elementwise("special.expn(n, x, /)", x=f"-{_FEWER} * d", active=("x",),
            on={"n": (3, 3), "x": (0.5, 2)})  # fmt: skip
elementwise("special.spence(x, /)", "-special.hyp2f1(1.0, 1.0, 2.0, 1.0 - x) * d", on=(0.3, 1.7))
elementwise("special.boxcox(x, lmbda, /)", x="x ** (lmbda - 1.0) * d", active=("x",),
            on={"x": (0.5, 2), "lmbda": (0.3, 2)})  # fmt: skip
elementwise("special.boxcox1p(x, lmbda, /)", x="(1.0 + x) ** (lmbda - 1.0) * d", active=("x",),
            on={"x": (0.5, 2), "lmbda": (0.3, 2)})  # fmt: skip
elementwise("special.huber(delta, r, /)", delta="np.maximum(np.absolute(r) - delta, 0.0) * d",
            r="np.clip(r, -delta, delta) * d", on={"delta": (0.3, 1.0), "r": (-2, 2)})  # fmt: skip
elementwise(
    "special.pseudo_huber(delta, r, /)",
    delta="(2.0 * delta * (steep - 1.0) - r * r / (delta * steep)) * d",
    r="r / steep * d",
    let="steep = np.sqrt(1.0 + (r / delta) ** 2)",
    on={"delta": (0.3, 1.0), "r": (-2, 2)},
)
elementwise("special.binom(n, k, /)",
            n="(special.psi(n + 1.0) - special.psi(n - k + 1.0)) * out * d",
            k="(special.psi(n - k + 1.0) - special.psi(k + 1.0)) * out * d",
            on={"n": (3, 5), "k": (0.5, 2)})  # fmt: skip
elementwise("special.multigammaln(a, many, /)",
            "np.sum(special.psi(np.expand_dims(a, -1) - 0.5 * np.arange(many)), axis=-1) * d",
            on={"a": (2, 4)}, result=results.elementwise("float", ("a",)))  # fmt: skip
for _text, _slope in (
    ("hyp0f1(v, z, /)", "special.hyp0f1(v + 1.0, z) / v"),
    ("hyp1f1(a, b, z, /)", "a / b * special.hyp1f1(a + 1.0, b + 1.0, z)"),
    ("hyp2f1(a, b, c, z, /)", "a * b / c * special.hyp2f1(a + 1.0, b + 1.0, c + 1.0, z)"),
):
    elementwise(f"special.{_text}", z=f"{_slope} * d", active=("z",),
                on={"z": (0.1, 0.6), "v": (0.5, 2), "c": (2.1, 3)})  # fmt: skip
_MODULUS = {"m": (0.1, 0.8), "phi": (0.1, 1.2)}
elementwise("special.ellipkinc(phi, m, /)", phi="d / np.sqrt(1.0 - m * np.sin(phi) ** 2)",
            active=("phi",), on=_MODULUS)  # fmt: skip
elementwise("special.ellipeinc(phi, m, /)", phi="np.sqrt(1.0 - m * np.sin(phi) ** 2) * d",
            active=("phi",), on=_MODULUS)  # fmt: skip

# distribution functions under their old names, and inverses of what has a rule

for _name, _others, _last, _density in (
    (
        "stdtr",
        ("df",),
        "t",
        "np.exp(special.gammaln(0.5 * (df + 1.0)) - special.gammaln(0.5 * df) "
        "- 0.5 * (df + 1.0) * np.log1p(t * t / df)) / np.sqrt(math.pi * df)",
    ),
    (
        "chdtr",
        ("v",),
        "x",
        "0.5 * np.exp((0.5 * v - 1.0) * np.log(0.5 * x) - 0.5 * x - special.gammaln(0.5 * v))",
    ),
    (
        "gdtr",
        ("rate", "power"),
        "x",
        "rate * np.exp((power - 1.0) * np.log(rate * x) - rate * x - special.gammaln(power))",
    ),
):
    _params = (*_others, _last)
    elementwise(f"special.{_name}({', '.join(_params)}, /)", {_last: f"{_density} * d"},
                active=(_last,), on=dict.fromkeys(_params, (0.5, 2)))  # fmt: skip
elementwise("special.gammaincinv(a, y, /)",
            y="np.exp(out + special.gammaln(a) - (a - 1.0) * np.log(out)) * d", active=("y",),
            on={"a": (0.5, 2), "y": (0.2, 0.8)})  # fmt: skip
elementwise("special.betaincinv(a, b, y, /)", active=("y",), on={"y": (0.2, 0.8)},
            y="np.exp(special.betaln(a, b) - (a - 1.0) * np.log(out) "
            "- (b - 1.0) * np.log1p(-out)) * d")  # fmt: skip

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
# with weights, which may have more axes


def _weighted(kinds: results.Kinds, args: results.Args) -> Kind:
    both = results.elementwise("float", ("a", "b"))(kinds, args)
    return results.reduction("a")({**kinds, "a": both}, args)


_SHARES = "np.exp(a - expand(out, a * b, axis, keepdims))"
reduction(
    "special.logsumexp(a, axis=None, b=None, *, keepdims=False)",
    tangent={
        "a": f"np.sum(b * {_SHARES} * d, {_AXES})",
        "b": f"np.sum({_SHARES} * d, {_AXES})",
    },
    adjoint={
        "a": f"unbroadcast(expand(d, a * b, axis, keepdims) * b * {_SHARES}, a)",
        "b": f"unbroadcast(expand(d, a * b, axis, keepdims) * {_SHARES}, b)",
    },
    where={"b": is_given},
    ranks=("array",),
    result=_weighted,
    on={"a": (-2.0, 2.0), "b": (0.5, 2.0)},
)
