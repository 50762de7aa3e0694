"""Scalar programs that step through time: Lorenz, the stiffening spring, a two-body orbit.

Takes nothing, gives `LORENZ`, `SPRING`, `ORBIT`; requires program.
"""

from __future__ import annotations

import math

from tests.benchmarks.program import Program


def lorenz(x, y, z, sigma, rho, beta):
    """Rates of change of the Lorenz system."""
    return sigma * (y - x), x * (rho - z) - y, x * y - beta * z


def lorenz_run(x, y, z, sigma, rho, beta, h, steps):
    """Squared distance from the origin after so many steps of the classical Runge-Kutta method."""
    for _ in range(steps):
        ax, ay, az = lorenz(x, y, z, sigma, rho, beta)
        bx, by, bz = lorenz(x + 0.5 * h * ax, y + 0.5 * h * ay, z + 0.5 * h * az, sigma, rho, beta)
        cx, cy, cz = lorenz(x + 0.5 * h * bx, y + 0.5 * h * by, z + 0.5 * h * bz, sigma, rho, beta)
        dx, dy, dz = lorenz(x + h * cx, y + h * cy, z + h * cz, sigma, rho, beta)
        x = x + h / 6.0 * (ax + 2.0 * bx + 2.0 * cx + dx)
        y = y + h / 6.0 * (ay + 2.0 * by + 2.0 * cy + dy)
        z = z + h / 6.0 * (az + 2.0 * bz + 2.0 * cz + dz)
    return x * x + y * y + z * z


def lorenz_reverse(x, y, z, sigma, rho, beta, dx_bar, dy_bar, dz_bar):
    """Adjoints of all arguments of `lorenz`."""
    return (
        dy_bar * (rho - z) - dx_bar * sigma + dz_bar * y,
        dx_bar * sigma - dy_bar + dz_bar * x,
        -dy_bar * x - dz_bar * beta,
        dx_bar * (y - x),
        dy_bar * x,
        -dz_bar * z,
    )


def lorenz_run_adjoint(x, y, z, sigma, rho, beta, h, steps, result_bar=1.0):
    saved = []
    half = 0.5 * h
    for _ in range(steps):
        ax, ay, az = lorenz(x, y, z, sigma, rho, beta)
        x2, y2, z2 = x + half * ax, y + half * ay, z + half * az
        bx, by, bz = lorenz(x2, y2, z2, sigma, rho, beta)
        x3, y3, z3 = x + half * bx, y + half * by, z + half * bz
        cx, cy, cz = lorenz(x3, y3, z3, sigma, rho, beta)
        x4, y4, z4 = x + h * cx, y + h * cy, z + h * cz
        dx, dy, dz = lorenz(x4, y4, z4, sigma, rho, beta)
        saved.append((x, y, z))
        x = x + h / 6.0 * (ax + 2.0 * bx + 2.0 * cx + dx)
        y = y + h / 6.0 * (ay + 2.0 * by + 2.0 * cy + dy)
        z = z + h / 6.0 * (az + 2.0 * bz + 2.0 * cz + dz)
    result = x * x + y * y + z * z

    sigma_bar = rho_bar = beta_bar = 0.0
    x_bar = 2.0 * x * result_bar
    y_bar = 2.0 * y * result_bar
    z_bar = 2.0 * z * result_bar
    sixth = h / 6.0
    for x, y, z in reversed(saved):
        # the state is cheap to replay: its three stages are computed again
        ax, ay, az = lorenz(x, y, z, sigma, rho, beta)
        x2, y2, z2 = x + half * ax, y + half * ay, z + half * az
        bx, by, bz = lorenz(x2, y2, z2, sigma, rho, beta)
        x3, y3, z3 = x + half * bx, y + half * by, z + half * bz
        cx, cy, cz = lorenz(x3, y3, z3, sigma, rho, beta)
        x4, y4, z4 = x + h * cx, y + h * cy, z + h * cz
        ux, uy, uz = sixth * x_bar, sixth * y_bar, sixth * z_bar
        dx_bar, dy_bar, dz_bar, ds, dr, db = lorenz_reverse(
            x4, y4, z4, sigma, rho, beta, ux, uy, uz
        )
        cx_bar, cy_bar, cz_bar, cs, cr, cb = lorenz_reverse(
            x3, y3, z3, sigma, rho, beta,
            2.0 * ux + h * dx_bar, 2.0 * uy + h * dy_bar, 2.0 * uz + h * dz_bar,
        )  # fmt: skip
        bx_bar, by_bar, bz_bar, bs, br, bb = lorenz_reverse(
            x2, y2, z2, sigma, rho, beta,
            2.0 * ux + half * cx_bar, 2.0 * uy + half * cy_bar, 2.0 * uz + half * cz_bar,
        )  # fmt: skip
        ax_bar, ay_bar, az_bar, as_, ar, ab = lorenz_reverse(
            x, y, z, sigma, rho, beta,
            ux + half * bx_bar, uy + half * by_bar, uz + half * bz_bar,
        )  # fmt: skip
        x_bar += ax_bar + bx_bar + cx_bar + dx_bar
        y_bar += ay_bar + by_bar + cy_bar + dy_bar
        z_bar += az_bar + bz_bar + cz_bar + dz_bar
        sigma_bar += as_ + bs + cs + ds
        rho_bar += ar + br + cr + dr
        beta_bar += ab + bb + cb + db
    return result, (x_bar, y_bar, z_bar, sigma_bar, rho_bar, beta_bar)


LORENZ = Program(
    "lorenz",
    "scalar",
    lorenz_run,
    lorenz_run_adjoint,
    ("x", "y", "z", "sigma", "rho", "beta"),
    lambda: (1.0, 1.5, 20.0, 10.0, 28.0, 8.0 / 3.0, 0.01, 12),
    lambda: (1.0, 1.5, 20.0, 10.0, 28.0, 8.0 / 3.0, 0.002, 1000),
    helpers=(lorenz_reverse,),
)


def spring_energy(x, k, n):
    """Energy of a spring that stiffens when it is stretched, over n steps of relaxation."""
    energy = 0.0
    for i in range(n):
        force = k * x
        if force > 1.0:
            # hard stop: quadratic penalty
            energy += force * force
        else:
            energy += math.sin(force)
        x = x - 0.1 * force
    return energy


def spring_energy_adjoint(x, k, n, result_bar=1.0):
    x_saved = []
    energy = 0.0
    for i in range(n):
        force = k * x
        if force > 1.0:
            # hard stop: quadratic penalty
            energy += force * force
        else:
            energy += math.sin(force)
        x_saved.append(x)
        x = x - 0.1 * force

    x_bar = 0.0
    k_bar = 0.0
    for x in reversed(x_saved):
        force = k * x
        if force > 1.0:
            force_bar = 2.0 * force * result_bar - 0.1 * x_bar
        else:
            force_bar = math.cos(force) * result_bar - 0.1 * x_bar
        k_bar += force_bar * x
        x_bar += force_bar * k
    return energy, (x_bar, k_bar)


SPRING = Program(
    "spring",
    "scalar",
    spring_energy,
    spring_energy_adjoint,
    ("x", "k"),
    lambda: (2.3, 0.8, 15),
    lambda: (2.3, 0.01, 1000),
)


def orbit(x, y, vx, vy, mu, eta, end):
    """Distance from the focus at the end of a Kepler orbit, its steps shorter where it is fast."""
    t = 0.0
    while t < end:
        r2 = x * x + y * y
        r = math.sqrt(r2)
        h = eta * r * math.sqrt(r / mu)
        if t + h > end:
            h = end - t
        # kick, drift, kick
        pull = -mu / (r2 * r)
        vx = vx + 0.5 * h * pull * x
        vy = vy + 0.5 * h * pull * y
        x = x + h * vx
        y = y + h * vy
        r2 = x * x + y * y
        pull = -mu / (r2 * math.sqrt(r2))
        vx = vx + 0.5 * h * pull * x
        vy = vy + 0.5 * h * pull * y
        t = t + h
    return math.sqrt(x * x + y * y) + 0.1 * (vx * vx + vy * vy)


def orbit_adjoint(x, y, vx, vy, mu, eta, end, result_bar=1.0):
    saved = []
    t = 0.0
    while t < end:
        r2 = x * x + y * y
        r = math.sqrt(r2)
        h = eta * r * math.sqrt(r / mu)
        last = t + h > end
        if last:
            h = end - t
        # kick, drift, kick
        pull = -mu / (r2 * r)
        vx = vx + 0.5 * h * pull * x
        vy = vy + 0.5 * h * pull * y
        saved.append((x, y, vx, vy, h, last))
        x = x + h * vx
        y = y + h * vy
        r2 = x * x + y * y
        pull = -mu / (r2 * math.sqrt(r2))
        vx = vx + 0.5 * h * pull * x
        vy = vy + 0.5 * h * pull * y
        t = t + h
    distance = math.sqrt(x * x + y * y)
    result = distance + 0.1 * (vx * vx + vy * vy)

    x_bar = x / distance * result_bar
    y_bar = y / distance * result_bar
    vx_bar = 0.2 * vx * result_bar
    vy_bar = 0.2 * vy * result_bar
    mu_bar = eta_bar = t_bar = 0.0
    for x0, y0, vx, vy, h, last in reversed(saved):
        # the second kick, at x, y
        r2 = x * x + y * y
        pull = -mu / (r2 * math.sqrt(r2))
        along = x * vx_bar + y * vy_bar
        h_bar = t_bar + 0.5 * pull * along
        weight = 0.5 * h * pull * along
        mu_bar += weight / mu
        r2_bar = -3.0 * weight / r2
        x_bar += 0.5 * h * pull * vx_bar + r2_bar * x
        y_bar += 0.5 * h * pull * vy_bar + r2_bar * y
        # the drift
        h_bar += x_bar * vx + y_bar * vy
        vx_bar += h * x_bar
        vy_bar += h * y_bar
        # the first kick, at x0, y0
        x, y = x0, y0
        r2 = x * x + y * y
        pull = -mu / (r2 * math.sqrt(r2))
        along = x * vx_bar + y * vy_bar
        h_bar += 0.5 * pull * along
        weight = 0.5 * h * pull * along
        mu_bar += weight / mu
        r2_bar = -3.0 * weight / r2
        # the step
        if last:
            t_bar -= h_bar
        else:
            eta_bar += h_bar * h / eta
            r2_bar += 1.5 * h_bar * h / r2
            mu_bar -= 0.5 * h_bar * h / mu
        x_bar += 0.5 * h * pull * vx_bar + r2_bar * x
        y_bar += 0.5 * h * pull * vy_bar + r2_bar * y
    return result, (x_bar, y_bar, vx_bar, vy_bar, mu_bar, eta_bar)


ORBIT = Program(
    "orbit",
    "scalar",
    orbit,
    orbit_adjoint,
    ("x", "y", "vx", "vy", "mu", "eta"),
    lambda: (1.0, 0.1, 0.05, 0.9, 1.0, 0.3, 2.0),
    lambda: (1.0, 0.1, 0.05, 0.7, 1.0, 0.02, 12.0),
)
