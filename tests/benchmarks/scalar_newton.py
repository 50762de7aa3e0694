"""Scalar programs that iterate until they are done: Newton's method, implied volatility.

Takes nothing, gives `NEWTON`, `VOLATILITY`; requires program.
"""

from __future__ import annotations

import math

from tests.benchmarks.program import Program


def root(a, b, tol=1e-12):
    """Solve w * exp(w) + b * w = a by Newton's method."""
    w = math.log(1.0 + a)
    step = 1.0
    while abs(step) > tol:
        e = math.exp(w)
        step = (w * e + b * w - a) / (e * (1.0 + w) + b)
        w = w - step
    return w


def root_adjoint(a, b, tol=1e-12, result_bar=1.0):
    steps = []
    w = math.log(1.0 + a)
    step = 1.0
    while abs(step) > tol:
        e = math.exp(w)
        slope = e * (1.0 + w) + b
        step = (w * e + b * w - a) / (e * (1.0 + w) + b)
        steps.append((w, e, slope, step))
        w = w - step
    result = w

    a_bar = b_bar = 0.0
    w_bar = result_bar
    for w, e, slope, step in reversed(steps):
        # step = residual / slope, and the residual has the derivative slope in w
        residual_bar = -w_bar / slope
        slope_bar = -residual_bar * step
        a_bar -= residual_bar
        b_bar += residual_bar * w + slope_bar
        w_bar = w_bar + residual_bar * slope + slope_bar * e * (2.0 + w)
    a_bar += w_bar / (1.0 + a)
    return result, (a_bar, b_bar)


NEWTON = Program(
    "newton",
    "scalar",
    root,
    root_adjoint,
    ("a", "b"),
    lambda: (5.0, 0.3, 1e-3),
    lambda: (50.0, 0.3, 1e-12),
)


def normal(x):
    """Distribution function of the standard normal."""
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def implied_volatility(price, spot, strike, rate, years, tol=1e-10):
    """Volatility at which a call is worth `price`, by Newton's method on Black and Scholes."""
    discount = math.exp(-rate * years)
    root_years = math.sqrt(years)
    sigma = 0.3
    for _ in range(50):
        d1 = (math.log(spot / strike) + (rate + 0.5 * sigma * sigma) * years) / (sigma * root_years)
        d2 = d1 - sigma * root_years
        model = spot * normal(d1) - strike * discount * normal(d2)
        vega = spot * root_years * math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
        error = model - price
        if abs(error) < tol:
            break
        sigma = sigma - error / vega
    return sigma


def implied_volatility_adjoint(price, spot, strike, rate, years, tol=1e-10, result_bar=1.0):
    steps = []
    discount = math.exp(-rate * years)
    root_years = math.sqrt(years)
    sigma = 0.3
    for _ in range(50):
        d1 = (math.log(spot / strike) + (rate + 0.5 * sigma * sigma) * years) / (sigma * root_years)
        d2 = d1 - sigma * root_years
        cdf1 = normal(d1)
        cdf2 = normal(d2)
        model = spot * cdf1 - strike * discount * cdf2
        vega = spot * root_years * math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
        error = model - price
        if abs(error) < tol:
            break
        steps.append((sigma, d1, d2, cdf1, cdf2, vega, error))
        sigma = sigma - error / vega
    result = sigma

    price_bar = spot_bar = strike_bar = rate_bar = discount_bar = root_years_bar = years_bar = 0.0
    sigma_bar = result_bar
    for sigma, d1, d2, cdf1, cdf2, vega, error in reversed(steps):
        error_bar = -sigma_bar / vega
        price_bar -= error_bar
        # vega is a product: the adjoint of its logarithm serves for each factor
        log_vega_bar = -error_bar * error
        spot_bar += log_vega_bar / spot
        root_years_bar += log_vega_bar / root_years
        d1_bar = -log_vega_bar * d1
        # model = spot * normal(d1) - strike * discount * normal(d2)
        spot_bar += error_bar * cdf1
        strike_bar -= error_bar * discount * cdf2
        discount_bar -= error_bar * strike * cdf2
        density2 = math.exp(-0.5 * d2 * d2) / math.sqrt(2.0 * math.pi)
        d2_bar = -error_bar * strike * discount * density2
        d1_bar += error_bar * vega / root_years + d2_bar
        # d2 = d1 - sigma * root_years, d1 = (...) / (sigma * root_years)
        top_bar = d1_bar / (sigma * root_years)
        width_bar = -top_bar * d1 - d2_bar
        sigma_bar += width_bar * root_years + top_bar * sigma * years
        root_years_bar += width_bar * sigma
        rate_bar += top_bar * years
        years_bar += top_bar * (rate + 0.5 * sigma * sigma)
        spot_bar += top_bar / spot
        strike_bar -= top_bar / strike
    years_bar += 0.5 * root_years_bar / root_years - discount_bar * discount * rate
    rate_bar -= discount_bar * discount * years
    return result, (price_bar, spot_bar, strike_bar, rate_bar, years_bar)


VOLATILITY = Program(
    "volatility",
    "scalar",
    implied_volatility,
    implied_volatility_adjoint,
    ("price", "spot", "strike", "rate", "years"),
    lambda: (11.0, 100.0, 105.0, 0.02, 1.5, 1e-6),
    lambda: (35.0, 100.0, 105.0, 0.02, 1.5, 1e-10),
)
