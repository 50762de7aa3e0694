"""Scalar programs of closed form: Horner's polynomial, a tariff full of decisions.

Takes nothing, gives `HORNER`, `TARIFF`; requires program.
"""

from __future__ import annotations

import math

from tests.benchmarks.program import Program


def horner(x, coefficients):
    """Polynomial at x, the coefficient of the highest power first."""
    value = 0.0
    for c in coefficients:
        value = value * x + c
    return value


def horner_adjoint(x, coefficients, result_bar=1.0):
    value_saved = []
    value = 0.0
    for c in coefficients:
        value_saved.append(value)
        value = value * x + c

    x_bar = 0.0
    coefficients_bar = []
    value_bar = result_bar
    for before in reversed(value_saved):
        coefficients_bar.append(value_bar)
        x_bar += value_bar * before
        value_bar *= x
    coefficients_bar.reverse()
    return value, (x_bar, coefficients_bar)


def _polynomial(degree):
    return 0.9, [math.cos(1.0 + 0.7 * k) for k in range(degree + 1)]


HORNER = Program(
    "horner",
    "scalar",
    horner,
    horner_adjoint,
    ("x", "coefficients"),
    lambda: _polynomial(6),
    lambda: _polynomial(50),
)


def tariff(readings, base, peak, night, growth, cap):
    """Cost of hourly meter readings, negative ones being fed into the grid."""
    total = 0.0
    for hour, used in enumerate(readings):
        clock = hour % 24
        if clock < 6:
            price = night
        elif 17 <= clock < 21:
            price = peak
        else:
            price = base
        if used < 0.0:
            # what is fed in earns less than what is drawn costs
            total += 0.4 * price * used
            continue
        if used > 2.0:
            price = price * (1.0 + growth * (used - 2.0))
        cost = price * used
        if cost > cap:
            cost = cap + 0.5 * (cost - cap)
        total += cost
    if total > 40.0:
        total = total + 0.01 * (total - 40.0) ** 2
    elif total < 0.0:
        total = 0.5 * total
    return total


def tariff_adjoint(readings, base, peak, night, growth, cap, result_bar=1.0):
    total = 0.0
    for hour, used in enumerate(readings):
        clock = hour % 24
        if clock < 6:
            price = night
        elif 17 <= clock < 21:
            price = peak
        else:
            price = base
        if used < 0.0:
            # what is fed in earns less than what is drawn costs
            total += 0.4 * price * used
            continue
        if used > 2.0:
            price = price * (1.0 + growth * (used - 2.0))
        cost = price * used
        if cost > cap:
            cost = cap + 0.5 * (cost - cap)
        total += cost
    total_bar = result_bar
    if total > 40.0:
        total_bar += 0.02 * (total - 40.0) * result_bar
        total = total + 0.01 * (total - 40.0) ** 2
    elif total < 0.0:
        total_bar *= 0.5
        total = 0.5 * total

    # the sum is linear: hours are reversed one by one, and in any order
    base_bar = peak_bar = night_bar = growth_bar = cap_bar = 0.0
    readings_bar = []
    for hour, used in enumerate(readings):
        clock = hour % 24
        if clock < 6:
            rate = night
        elif 17 <= clock < 21:
            rate = peak
        else:
            rate = base
        if used < 0.0:
            readings_bar.append(0.4 * rate * total_bar)
            rate_bar = 0.4 * used * total_bar
        else:
            price = rate
            if used > 2.0:
                factor = 1.0 + growth * (used - 2.0)
                price = rate * factor
            cost_bar = total_bar
            if price * used > cap:
                cap_bar += 0.5 * cost_bar
                cost_bar *= 0.5
            used_bar = price * cost_bar
            rate_bar = used * cost_bar
            if used > 2.0:
                factor_bar = rate * rate_bar
                growth_bar += (used - 2.0) * factor_bar
                used_bar += growth * factor_bar
                rate_bar *= factor
            readings_bar.append(used_bar)
        if clock < 6:
            night_bar += rate_bar
        elif 17 <= clock < 21:
            peak_bar += rate_bar
        else:
            base_bar += rate_bar
    return total, (readings_bar, base_bar, peak_bar, night_bar, growth_bar, cap_bar)


def _meter(hours):
    readings = [1.3 + 1.9 * math.sin(0.7 * k) + 0.4 * math.sin(3.1 * k) for k in range(hours)]
    return readings, 0.31, 0.47, 0.19, 0.12, 1.1


TARIFF = Program(
    "tariff",
    "scalar",
    tariff,
    tariff_adjoint,
    ("readings", "base", "peak", "night", "growth", "cap"),
    lambda: _meter(30),
    lambda: _meter(720),
)
