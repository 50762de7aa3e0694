"""What is measured from afar: waves that went through something, points that cameras saw, and where
an oscillator is that is followed with steps as long as they may be.

Takes nothing, gives `WAVE`, `CAMERA`, `VANDERPOL`; requires program.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.compiled_program import Compiled, normal, uniform


def wave(c, source, seen, r):
    """Squared errors of what arrives of a wave whose speed is `c`."""
    nx, ny = c.shape
    old = np.zeros((nx, ny))
    now = np.zeros((nx, ny))
    loss = 0.0
    for t in range(len(source)):
        new = np.zeros((nx, ny))
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                around = now[i - 1, j] + now[i + 1, j] + now[i, j - 1] + now[i, j + 1]
                bent = around - 4.0 * now[i, j]
                new[i, j] = 2.0 * now[i, j] - old[i, j] + r * c[i, j] * c[i, j] * bent
        new[nx // 2, 2] += source[t]
        e = new[nx // 2, ny - 3] - seen[t]
        loss += e * e
        old = now
        now = new
    return loss


def wave_gradient(c, source, seen, r):
    nx, ny = c.shape
    steps = len(source)
    U = np.zeros((steps + 2, nx, ny))
    errors = np.empty(steps)
    loss = 0.0
    for t in range(steps):
        old = U[t]
        now = U[t + 1]
        new = U[t + 2]
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                around = now[i - 1, j] + now[i + 1, j] + now[i, j - 1] + now[i, j + 1]
                bent = around - 4.0 * now[i, j]
                new[i, j] = 2.0 * now[i, j] - old[i, j] + r * c[i, j] * c[i, j] * bent
        new[nx // 2, 2] += source[t]
        e = new[nx // 2, ny - 3] - seen[t]
        errors[t] = e
        loss += e * e
    c_bar = np.zeros((nx, ny))
    source_bar = np.empty(steps)
    new_bar = np.zeros((nx, ny))
    now_bar = np.zeros((nx, ny))
    for t in range(steps - 1, -1, -1):
        now = U[t + 1]
        old_bar = np.zeros((nx, ny))
        new_bar[nx // 2, ny - 3] += 2.0 * errors[t]
        source_bar[t] = new_bar[nx // 2, 2]
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                g = new_bar[i, j]
                around = now[i - 1, j] + now[i + 1, j] + now[i, j - 1] + now[i, j + 1]
                bent = around - 4.0 * now[i, j]
                old_bar[i, j] -= g
                h = g * r * c[i, j]
                c_bar[i, j] += 2.0 * h * bent
                h = h * c[i, j]
                now_bar[i - 1, j] += h
                now_bar[i + 1, j] += h
                now_bar[i, j - 1] += h
                now_bar[i, j + 1] += h
                now_bar[i, j] += 2.0 * g - 4.0 * h
        new_bar = now_bar
        now_bar = old_bar
    return loss, (c_bar, source_bar)


WAVE = Compiled(
    "wave",
    wave,
    wave_gradient,
    ("c", "source"),
    lambda: (1.0 + uniform(71, 6, 7), normal(72, 5), normal(73, 5), 0.1),
    lambda: (1.0 + uniform(71, 30, 30), normal(72, 60), normal(73, 60), 0.1),
)


def turned(a, b, c, x, y, z):
    """A point turned about an axis, by an angle that is the length of the axis."""
    square = a * a + b * b + c * c
    if square > 1e-14:
        angle = math.sqrt(square)
        cosine = math.cos(angle)
        sine = math.sin(angle) / angle
        along = (a * x + b * y + c * z) * (1.0 - cosine) / square
        return (
            x * cosine + sine * (b * z - c * y) + a * along,
            y * cosine + sine * (c * x - a * z) + b * along,
            z * cosine + sine * (a * y - b * x) + c * along,
        )
    return x + b * z - c * y, y + c * x - a * z, z + a * y - b * x


def camera(cameras, points, which, what, seen):
    """Errors of where cameras saw points, large ones counted less."""
    loss = 0.0
    for i in range(len(seen)):
        k = which[i]
        p = what[i]
        x, y, z = turned(
            cameras[k, 0],
            cameras[k, 1],
            cameras[k, 2],
            points[p, 0],
            points[p, 1],
            points[p, 2],
        )
        x += cameras[k, 3]
        y += cameras[k, 4]
        z += cameras[k, 5]
        u = x / z
        v = y / z
        square = u * u + v * v
        scale = cameras[k, 6] * (1.0 + square * (cameras[k, 7] + square * cameras[k, 8]))
        eu = scale * u - seen[i, 0]
        ev = scale * v - seen[i, 1]
        error = eu * eu + ev * ev
        if error > 1.0:
            loss += 2.0 * math.sqrt(error) - 1.0
        else:
            loss += error
    return loss


def turned_reverse(a, b, c, x, y, z, u, v, w):
    """What the adjoint (u, v, w) of a turned point gives to the axis and to the point."""
    square = a * a + b * b + c * c
    if square > 1e-14:
        angle = math.sqrt(square)
        cosine = math.cos(angle)
        sine = math.sin(angle) / angle
        k = (1.0 - cosine) / square
        dot = a * x + b * y + c * z
        along = dot * k
        px = b * z - c * y
        py = c * x - a * z
        pz = a * y - b * x
        along_bar = a * u + b * v + c * w
        cosine_bar = x * u + y * v + z * w
        sine_bar = px * u + py * v + pz * w
        su = sine * u
        sv = sine * v
        sw = sine * w
        dot_bar = along_bar * k
        k_bar = along_bar * dot
        cosine_bar -= k_bar / square
        # sine = sin(angle) / angle
        angle_bar = (sine_bar * (cosine - sine)) / angle - cosine_bar * sine * angle
        twice = angle_bar / angle - 2.0 * k_bar * k / square
        return (
            along * u + dot_bar * x + twice * a + y * sw - z * sv,
            along * v + dot_bar * y + twice * b + z * su - x * sw,
            along * w + dot_bar * z + twice * c + x * sv - y * su,
            cosine * u + dot_bar * a + c * sv - b * sw,
            cosine * v + dot_bar * b + a * sw - c * su,
            cosine * w + dot_bar * c + b * su - a * sv,
        )
    return (
        y * w - z * v,
        z * u - x * w,
        x * v - y * u,
        u + c * v - b * w,
        v + a * w - c * u,
        w + b * u - a * v,
    )


def camera_gradient(cameras, points, which, what, seen):
    cameras_bar = np.zeros(cameras.shape)
    points_bar = np.zeros(points.shape)
    loss = 0.0
    for i in range(len(seen)):
        k = which[i]
        p = what[i]
        a = cameras[k, 0]
        b = cameras[k, 1]
        c = cameras[k, 2]
        x0 = points[p, 0]
        y0 = points[p, 1]
        z0 = points[p, 2]
        x, y, z = turned(a, b, c, x0, y0, z0)
        x += cameras[k, 3]
        y += cameras[k, 4]
        z += cameras[k, 5]
        u = x / z
        v = y / z
        square = u * u + v * v
        inner = cameras[k, 7] + square * cameras[k, 8]
        outer = 1.0 + square * inner
        f = cameras[k, 6]
        scale = f * outer
        eu = scale * u - seen[i, 0]
        ev = scale * v - seen[i, 1]
        error = eu * eu + ev * ev
        if error > 1.0:
            root = math.sqrt(error)
            loss += 2.0 * root - 1.0
            g = 2.0 / root
        else:
            loss += error
            g = 2.0
        eu_bar = g * eu
        ev_bar = g * ev
        scale_bar = eu_bar * u + ev_bar * v
        outer_bar = scale_bar * f
        inner_bar = outer_bar * square
        cameras_bar[k, 6] += scale_bar * outer
        cameras_bar[k, 7] += inner_bar
        cameras_bar[k, 8] += inner_bar * square
        twice = 2.0 * (outer_bar * inner + inner_bar * cameras[k, 8])
        x_bar = (eu_bar * scale + twice * u) / z
        y_bar = (ev_bar * scale + twice * v) / z
        z_bar = -x_bar * u - y_bar * v
        cameras_bar[k, 3] += x_bar
        cameras_bar[k, 4] += y_bar
        cameras_bar[k, 5] += z_bar
        da, db, dc, dx, dy, dz = turned_reverse(a, b, c, x0, y0, z0, x_bar, y_bar, z_bar)
        cameras_bar[k, 0] += da
        cameras_bar[k, 1] += db
        cameras_bar[k, 2] += dc
        points_bar[p, 0] += dx
        points_bar[p, 1] += dy
        points_bar[p, 2] += dz
    return loss, (cameras_bar, points_bar)


def cameras_of(count, points, seen):
    cameras = 0.3 * normal(74, count, 9)
    cameras[:, 5] += 6.0
    cameras[:, 6] = 2.0
    at = np.arange(seen)
    return cameras, normal(75, points, 3), at % count, at * 7 % points, normal(76, seen, 2)


CAMERA = Compiled(
    "camera",
    camera,
    camera_gradient,
    ("cameras", "points"),
    lambda: cameras_of(2, 3, 5),
    lambda: cameras_of(10, 50, 1000),
)


def vanderpol(mu, x, v, end, most):
    """Energy at the end of an oscillator, by Heun's method with steps as long as errors allow."""
    t = 0.0
    h = 0.01
    while t < end:
        h = min(h, end - t)
        a = mu * (1.0 - x * x) * v - x
        x1 = x + h * v
        v1 = v + h * a
        a1 = mu * (1.0 - x1 * x1) * v1 - x1
        ex = 0.5 * h * (v1 - v)
        ev = 0.5 * h * (a1 - a)
        error = math.sqrt(ex * ex + ev * ev) / most + 1e-9
        if error <= 1.0:
            t += h
            x += 0.5 * h * (v + v1)
            v += 0.5 * h * (a + a1)
        h *= min(2.0, max(0.2, 0.9 / math.sqrt(error)))
    return x * x + v * v


def vanderpol_gradient(mu, x, v, end, most):
    xs = []
    vs = []
    hs = []
    kinds = []
    t = 0.0
    h = 0.01
    while t < end:
        kind = 0
        if end - t < h:
            h = end - t
            kind = 1
        xs.append(x)
        vs.append(v)
        hs.append(h)
        a = mu * (1.0 - x * x) * v - x
        x1 = x + h * v
        v1 = v + h * a
        a1 = mu * (1.0 - x1 * x1) * v1 - x1
        ex = 0.5 * h * (v1 - v)
        ev = 0.5 * h * (a1 - a)
        error = math.sqrt(ex * ex + ev * ev) / most + 1e-9
        if error <= 1.0:
            t += h
            x += 0.5 * h * (v + v1)
            v += 0.5 * h * (a + a1)
            kind += 2
        kinds.append(kind)
        h *= min(2.0, max(0.2, 0.9 / math.sqrt(error)))
    value = x * x + v * v
    x_bar = 2.0 * x
    v_bar = 2.0 * v
    mu_bar = h_bar = t_bar = 0.0
    for k in range(len(xs) - 1, -1, -1):
        x = xs[k]
        v = vs[k]
        h = hs[k]
        kind = kinds[k]
        half = 0.5 * h
        bent = 1.0 - x * x
        a = mu * bent * v - x
        x1 = x + h * v
        v1 = v + h * a
        bent1 = 1.0 - x1 * x1
        a1 = mu * bent1 * v1 - x1
        dv = v1 - v
        da = a1 - a
        ex = half * dv
        ev = half * da
        length = math.sqrt(ex * ex + ev * ev)
        error = length / most + 1e-9
        wanted = 0.9 / math.sqrt(error)
        a_bar = a1_bar = v1_bar = 0.0
        before = 0.0
        if 0.2 < wanted < 2.0:
            factor = wanted
            g = h_bar * h * -0.5 * wanted / error / most / length
            ex_bar = g * ex
            ev_bar = g * ev
            before = 0.5 * (ex_bar * dv + ev_bar * da)
            v1_bar = half * ex_bar
            a1_bar = half * ev_bar
            a_bar = -a1_bar
        else:
            factor = min(2.0, max(0.2, wanted))
        h_bar = h_bar * factor + before
        x0_bar = x_bar
        v0_bar = v_bar - v1_bar
        if kind >= 2:
            h_bar += t_bar + 0.5 * (x_bar * (v + v1) + v_bar * (a + a1))
            v0_bar += half * x_bar
            v1_bar += half * x_bar
            a_bar += half * v_bar
            a1_bar += half * v_bar
        mu_bar += a1_bar * bent1 * v1
        g = a1_bar * mu
        x1_bar = -2.0 * g * v1 * x1 - a1_bar
        v1_bar += g * bent1
        a_bar += h * v1_bar
        h_bar += x1_bar * v + v1_bar * a
        mu_bar += a_bar * bent * v
        g = a_bar * mu
        x_bar = x0_bar + x1_bar - 2.0 * g * v * x - a_bar
        v_bar = v0_bar + v1_bar + h * x1_bar + g * bent
        if kind % 2 == 1:
            t_bar -= h_bar
            h_bar = 0.0
    return value, (mu_bar, x_bar, v_bar)


VANDERPOL = Compiled(
    "vanderpol",
    vanderpol,
    vanderpol_gradient,
    ("mu", "x", "v"),
    lambda: (1.5, 1.0, 0.3, 1.0, 1e-3),
    lambda: (1.5, 1.0, 0.3, 20.0, 1e-5),
)
