"""Programs as they are written for `jax.jit`: loops by `scan`, decisions by `where`.

Takes nothing, gives `VARIANTS`: by the name of a program, a function of the same arguments (lists
being arrays). jax is imported when one of them runs. Requires nothing else.

A program that is not here is jitted as it stands, its loops unrolled. Reverse mode needs loops of
a known length: those that end by a test run `MOST` times, and do nothing once they are done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MOST = {"newton": 20, "volatility": 50, "orbit": 2000}


def repeated(step: Callable[[Any], Any], state: Any, count: int) -> Any:
    """Return the state after so many steps."""
    from jax import lax

    return lax.scan(lambda state, _: (step(state), None), state, None, length=count)[0]


def root(a, b, tol=1e-12):
    import jax.numpy as jnp

    def step(state):
        w, going = state
        e = jnp.exp(w)
        change = jnp.where(going, (w * e + b * w - a) / (e * (1.0 + w) + b), 0.0)
        return w - change, jnp.abs(change) > tol

    return repeated(step, (jnp.log(1.0 + a), True), MOST["newton"])[0]


def implied_volatility(price, spot, strike, rate, years, tol=1e-10):
    import jax.numpy as jnp
    from jax.scipy.stats import norm

    discount = jnp.exp(-rate * years)
    root_years = jnp.sqrt(years)

    def step(state):
        sigma, going = state
        d1 = (jnp.log(spot / strike) + (rate + 0.5 * sigma * sigma) * years) / (sigma * root_years)
        model = spot * norm.cdf(d1) - strike * discount * norm.cdf(d1 - sigma * root_years)
        vega = spot * root_years * norm.pdf(d1)
        going = going & (jnp.abs(model - price) >= tol)
        return sigma - jnp.where(going, (model - price) / vega, 0.0), going

    return repeated(step, (0.3, True), MOST["volatility"])[0]


def lorenz_run(x, y, z, sigma, rho, beta, h, steps):
    import jax.numpy as jnp

    def rate(u):
        return jnp.array(
            [sigma * (u[1] - u[0]), u[0] * (rho - u[2]) - u[1], u[0] * u[1] - beta * u[2]]
        )

    def step(u):
        a = rate(u)
        b = rate(u + 0.5 * h * a)
        c = rate(u + 0.5 * h * b)
        d = rate(u + h * c)
        return u + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)

    return jnp.sum(repeated(step, jnp.array([x, y, z]), steps) ** 2)


def spring_energy(x, k, n):
    import jax.numpy as jnp

    def step(state):
        x, energy = state
        force = k * x
        return x - 0.1 * force, energy + jnp.where(force > 1.0, force * force, jnp.sin(force))

    return repeated(step, (x, 0.0), n)[1]


def orbit(x, y, vx, vy, mu, eta, end):
    import jax.numpy as jnp

    def step(state):
        position, velocity, t = state
        r2 = position @ position
        r = jnp.sqrt(r2)
        h = jnp.minimum(eta * r * jnp.sqrt(r / mu), end - t)
        velocity = velocity - 0.5 * h * mu / (r2 * r) * position
        position = position + h * velocity
        r2 = position @ position
        velocity = velocity - 0.5 * h * mu / (r2 * jnp.sqrt(r2)) * position
        return position, velocity, t + h

    state = jnp.array([x, y]), jnp.array([vx, vy]), 0.0
    position, velocity, _ = repeated(step, state, MOST["orbit"])
    return jnp.sqrt(position @ position) + 0.1 * (velocity @ velocity)


def thomas(lower, diagonal, upper, right):
    import jax.numpy as jnp
    from jax import lax

    def eliminate(before, row):
        d, b = before
        below, own, above, known = row
        w = below / d
        now = own - w * above, known - w * b
        return now, now

    rows = lower, diagonal[1:], upper, right[1:]
    _, (d, b) = lax.scan(eliminate, (diagonal[0], right[0]), rows)
    d = jnp.concatenate([diagonal[:1], d])
    b = jnp.concatenate([right[:1], b])

    def substitute(after, row):
        d, b, above = row
        x = (b - above * after) / d
        return x, x

    last = b[-1] / d[-1]
    _, x = lax.scan(substitute, last, (d[:-1], b[:-1], upper), reverse=True)
    return jnp.sum(x**2) + last**2


def tariff(readings, base, peak, night, growth, cap):
    import jax.numpy as jnp

    clock = jnp.arange(len(readings)) % 24
    price = jnp.where(clock < 6, night, jnp.where((17 <= clock) & (clock < 21), peak, base))
    dear = jnp.where(readings > 2.0, price * (1.0 + growth * (readings - 2.0)), price)
    cost = dear * readings
    cost = jnp.where(cost > cap, cap + 0.5 * (cost - cap), cost)
    total = jnp.sum(jnp.where(readings < 0.0, 0.4 * price * readings, cost))
    above = total + 0.01 * (total - 40.0) ** 2
    return jnp.where(total > 40.0, above, jnp.where(total < 0.0, 0.5 * total, total))


def lstm(W, U, b, inputs, targets):
    import jax.numpy as jnp
    from jax import lax
    from jax.nn import sigmoid

    size = U.shape[0]

    def step(state, row):
        h, c = state
        entry, target = row
        forget, take, show, new = jnp.split(entry @ W + h @ U + b, 4)
        c = sigmoid(forget) * c + sigmoid(take) * jnp.tanh(new)
        h = sigmoid(show) * jnp.tanh(c)
        return (h, c), jnp.sum((h - target) ** 2)

    start = jnp.zeros(size), jnp.zeros(size)
    return jnp.mean(lax.scan(step, start, (inputs, targets))[1])


def kalman(A, Q, R, H, m0, P0, observations):
    import jax.numpy as jnp
    from jax import lax

    def step(state, y):
        m, P = state
        m = A @ m
        P = A @ P @ A.T + Q
        S = H @ P @ H.T + R
        error = y - H @ m
        K = jnp.linalg.solve(S, H @ P).T
        value = error @ jnp.linalg.solve(S, error) + jnp.linalg.slogdet(S)[1]
        return (m + K @ error, P - K @ S @ K.T), -0.5 * value

    return jnp.sum(lax.scan(step, (m0, P0), observations)[1])


def heat(u, conductivity, target, dt, steps):
    import jax.numpy as jnp

    def step(u):
        flux = conductivity * (u[1:] - u[:-1])
        inner = u[1:-1] + dt * (flux[1:] - flux[:-1])
        return jnp.concatenate([u[:1], inner, u[-1:]])

    return jnp.sum((repeated(step, u, steps) - target) ** 2)


VARIANTS: dict[str, Callable[..., Any]] = {
    "newton": root,
    "volatility": implied_volatility,
    "lorenz": lorenz_run,
    "spring": spring_energy,
    "orbit": orbit,
    "thomas": thomas,
    "tariff": tariff,
    "lstm": lstm,
    "kalman": kalman,
    "heat": heat,
}
