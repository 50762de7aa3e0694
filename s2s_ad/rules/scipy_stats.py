"""Rules of scipy.stats: densities, distribution functions and their logarithms.

Takes nothing, registers rules when imported, requires `rules.declare`. Loaded once SciPy's is
(`registry.load`). A distribution says how its log-density moves with `z`, what is
left of the argument without location and scale, and with its own parameters; the rules of all its
methods follow. Where a density is 0 it is flat.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from s2s_ad.ir.kinds import UNKNOWN, Array

from . import results
from .declare import elementwise, general
from .results import constant

_NOT_GIVEN: Mapping[str, str] = {}
_WHOLE_LINE = (-2.0, 2.0)


def continuous(
    name: str,
    slope: str,
    shapes: Mapping[str, str] = _NOT_GIVEN,
    on: tuple[float, float] = _WHOLE_LINE,
    bounded: bool = True,
    passive: str = "",
) -> None:
    """Declare a distribution with location and scale.

    slope: of the log-density at `z`. shapes: its slopes in the parameters of the distribution;
    passive: those, by commas, in which it has none. on: where `z` may be. bounded: there are `z`
    with density 0.
    """
    own = [*shapes, *(part for part in (passive,) if part)]
    given = "".join(f"{part}, " for part in own)
    ours, rest = f"stats.{name}", f"{given}loc=0, scale=1"
    at = "".join(f", {part}" for part in (*own, "loc", "scale"))
    # of standard width and near 0, so that `x` is about `z`
    box = {"x": on, "loc": (-0.04, 0.04), "scale": (0.96, 1.04)}
    box.update({part: (1.1, 2.5) for part in ", ".join(own).split(", ") if part})
    # where there is no density, a slope may be no number
    flow = "absorb(np.where(np.isfinite(out), d, 0.0), {})" if bounded else "{} * d"
    let = {"z": "(x - loc) / scale"}
    steep = {**let, "slope": slope}
    elementwise(
        f"{ours}.logpdf(x, {rest})",
        {
            "x": flow.format("slope / scale"),
            "loc": flow.format("-slope / scale"),
            "scale": flow.format("-(1.0 + z * slope) / scale"),
            **{part: flow.format(f"({by})") for part, by in shapes.items()},
        },
        let=steep,
        on=box,
    )
    elementwise(
        f"{ours}.pdf(x, {rest})",
        {
            "x": "absorb(out * d, slope) / scale",
            "loc": "-absorb(out * d, slope) / scale",
            "scale": "-absorb(out * d, 1.0 + z * slope) / scale",
            **{part: f"absorb(out * d, {by})" for part, by in shapes.items()},
        },
        let=steep,
        on=box,
    )
    density = f"stats.{name}.pdf(x{at})"
    share = f"np.exp(stats.{name}.logpdf(x{at}) - out)"
    for method, sign, moved in (
        ("cdf", "", density),
        ("sf", "-", density),
        ("logcdf", "", share),
        ("logsf", "-", share),
    ):
        less = "" if sign else "-"
        elementwise(
            f"{ours}.{method}(x, {rest})",
            {
                "x": f"{sign}{moved} * d",
                "loc": f"{less}{moved} * d",
                "scale": f"{less}z * {moved} * d",
            },
            let=let,
            on=box,
        )
    for method, sign in (("ppf", ""), ("isf", "-")):
        elementwise(
            f"{ours}.{method}(q, {rest})",
            {
                "q": f"{sign}d / stats.{name}.pdf(out{at})",
                "loc": "d",
                "scale": "(out - loc) / scale * d",
            },
            on={**box, "q": (0.1, 0.9)},
        )


_PSI = "special.psi"
_HALF_LINE, _UNIT, _ABOVE_1 = (0.3, 3.0), (0.2, 0.8), (1.3, 3.0)
continuous("norm", "-z", bounded=False)
continuous("cauchy", "-2.0 * z / (1.0 + z * z)", bounded=False)
continuous("laplace", "-np.sign(z)", bounded=False)
continuous("logistic", "-np.tanh(0.5 * z)", bounded=False)
continuous("gumbel_r", "np.exp(-z) - 1.0", bounded=False)
continuous("gumbel_l", "1.0 - np.exp(z)", bounded=False)
continuous(
    "t",
    "-(df + 1.0) * z / (df + z * z)",
    {
        "df": f"0.5 * ({_PSI}(0.5 * (df + 1.0)) - {_PSI}(0.5 * df) - 1.0 / df "
        "- np.log1p(z * z / df) + (df + 1.0) * z * z / (df * (df + z * z)))"
    },
    bounded=False,
)
continuous("expon", "-1.0", on=_HALF_LINE)
continuous("halfnorm", "-z", on=_HALF_LINE)
continuous("rayleigh", "1.0 / z - z", on=_HALF_LINE)
continuous("uniform", "0.0", on=_UNIT)
continuous("gamma", "quotient(a - 1.0, z) - 1.0", {"a": f"np.log(z) - {_PSI}(a)"}, on=_HALF_LINE)
continuous("invgamma", "(1.0 / z - a - 1.0) / z", {"a": f"-np.log(z) - {_PSI}(a)"}, on=_HALF_LINE)
continuous(
    "chi2",
    "quotient(0.5 * df - 1.0, z) - 0.5",
    {"df": f"0.5 * (np.log(0.5 * z) - {_PSI}(0.5 * df))"},
    on=_HALF_LINE,
)
continuous(
    "beta",
    "quotient(a - 1.0, z) - quotient(b - 1.0, 1.0 - z)",
    {
        "a": f"np.log(z) - {_PSI}(a) + {_PSI}(a + b)",
        "b": f"np.log1p(-z) - {_PSI}(b) + {_PSI}(a + b)",
    },
    on=_UNIT,
)
continuous(
    "lognorm",
    "-(1.0 + np.log(z) / s ** 2) / z",
    {"s": "(np.log(z) ** 2 / s ** 2 - 1.0) / s"},
    on=_HALF_LINE,
)
continuous("pareto", "-(b + 1.0) / z", {"b": "1.0 / b - np.log(z)"}, on=_ABOVE_1)
continuous(
    "weibull_min",
    "(c - 1.0 - c * z ** c) / z",
    {"c": "1.0 / c + np.log(z) * (1.0 - z ** c)"},
    on=_HALF_LINE,
)
continuous(
    "f",
    "quotient(0.5 * dfn - 1.0, z) - 0.5 * (dfn + dfd) * dfn / (dfd + dfn * z)",
    passive="dfn, dfd",
    on=_HALF_LINE,
)


def discrete(name: str, shapes: Mapping[str, str], passive: str = "") -> None:
    """Declare a distribution on whole numbers by the slopes of its log-probability at `k`."""
    own = [*(part for part in (passive,) if part), *shapes]
    rest = ", ".join((*own, "loc=0"))
    box = {"k": (2, 2), "n": (5, 5), "p": (0.2, 0.8), "mu": (0.5, 4.0)}
    for method, map_ in (
        ("logpmf", "absorb(np.where(np.isfinite(out), d, 0.0), {})"),
        ("pmf", "absorb(out * d, {})"),
    ):
        elementwise(
            f"stats.{name}.{method}(k, {rest})",
            {part: map_.format(by.replace("K", "(k - loc)")) for part, by in shapes.items()},
            on=box,
            result=results.elementwise("float", ("k", *shapes)),
        )


discrete("poisson", {"mu": "quotient(K, mu) - 1.0"})
discrete("bernoulli", {"p": "quotient(K, p) - quotient(1.0 - K, 1.0 - p)"})
discrete("binom", {"p": "quotient(K, p) - quotient(n - K, 1.0 - p)"}, passive="n")
discrete("geom", {"p": "1.0 / p - quotient(K - 1.0, 1.0 - p)"})
discrete("nbinom", {"p": "n / p - quotient(K, 1.0 - p)"}, passive="n")
for _method, _map in (
    ("cdf", "-stats.poisson.pmf(np.floor(k), mu, loc) * d"),
    ("sf", "stats.poisson.pmf(np.floor(k), mu, loc) * d"),
    ("logcdf", "-np.exp(stats.poisson.logpmf(np.floor(k), mu, loc) - out) * d"),
    ("logsf", "np.exp(stats.poisson.logpmf(np.floor(k), mu, loc) - out) * d"),
):
    elementwise(
        f"stats.poisson.{_method}(k, mu, loc=0)",
        mu=_map,
        on={"k": (2, 2), "mu": (0.5, 4.0)},
        result=results.elementwise("float", ("k", "mu")),
    )

# several variables: SciPy reads the lower triangle of a covariance alone, which stands for both

_NORMAL = "stats.multivariate_normal"
_COVARIANCE = {
    "lower": "np.tri(len(cov), dtype=bool)",
    "both": "np.tri(len(cov)) + np.tri(len(cov), k=-1)",
    "sides": "np.linalg.inv(np.where(lower, cov, cov.T))",
}
_MOVED = "np.where(lower, d, d.T)"
for _rank, _result, _up, _each, _square in (
    (1, results.settled(Array(())), "{}", "np.sum({})", "np.outer(whitened, {} * whitened)"),
    (2, UNKNOWN, "{}[:, None]", "np.sum({}, axis=1)", "(({}[:, None] * whitened).T @ whitened)"),
):
    for _method, _flow in (("logpdf", "d"), ("pdf", "(out * d)")):
        _scaled = "out * ({})" if _method == "pdf" else "{}"
        _back = f"{_up.format(_flow)} * whitened"
        _covered = _square.format(_flow) + f" - np.sum({_flow}) * sides"
        _quadratic = _each.format(f"(whitened @ {_MOVED}) * whitened")
        general(
            f"{_NORMAL}.{_method}(x, mean, cov, allow_singular=False)",
            where={"allow_singular": False},
            ranks=(_rank, 1, 2),
            let={**_COVARIANCE, "whitened": "(x - mean) @ sides"},
            tangent={
                "x": _scaled.format("-" + _each.format("whitened * d")),
                "mean": _scaled.format("whitened @ d"),
                "cov": _scaled.format(f"0.5 * ({_quadratic} - np.sum(sides * {_MOVED}))"),
            },
            adjoint={
                "x": f"unbroadcast(-{_back}, x)",
                "mean": f"unbroadcast({_back}, mean)",
                "cov": f"0.5 * both * ({_covered})",
            },
            result=constant(_result),
            on={"cov": (-0.3, 0.3, 2.0)},
        )
general(
    f"{_NORMAL}.entropy(mean, cov)",
    ranks=(None, 2),
    let=_COVARIANCE,
    tangent={"cov": f"0.5 * np.sum(sides * {_MOVED})", "mean": "0.0 * np.sum(d)"},
    adjoint={"cov": "0.5 * d * both * sides", "mean": "zeros_like(mean)"},
    result=constant(results.settled(Array(()))),
    on={"cov": (-0.3, 0.3, 2.0)},
)

# shares of a whole, of which the last may be left out


def _most_shares(rng: np.random.Generator) -> object:
    return rng.dirichlet(np.full(3, 4.0))[:2]


_LAST = "(alpha[-1] - 1.0) / (1.0 - np.sum(x))"
for _method, _flow in (("logpdf", "{}"), ("pdf", "out * ({})")):
    _each = "(alpha[: len(x)] - 1.0) / x"
    _rest = f"{_LAST} if len(x) < len(alpha) else 0.0"
    _slope = f"({_each} - ({_rest}))"
    _by_alpha = (
        "(np.log(x if len(x) == len(alpha) else np.append(x, 1.0 - np.sum(x))) "
        "- special.psi(alpha) + special.psi(np.sum(alpha)))"
    )
    general(
        f"stats.dirichlet.{_method}(x, alpha)",
        ranks=(1, 1),
        tangent={
            "x": _flow.format(f"np.sum({_slope} * d)"),
            "alpha": _flow.format(f"np.sum({_by_alpha} * d)"),
        },
        adjoint={
            "x": f"{_flow.format('d')} * {_slope}",
            "alpha": f"{_flow.format('d')} * {_by_alpha}",
        },
        result=constant(results.settled(Array(()))),
        on={"x": _most_shares, "alpha": lambda rng: rng.uniform(0.5, 3.0, 3)},
    )
