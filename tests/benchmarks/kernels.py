"""Kernels that write into an argument (fixtures/programs), with adjoints as written by hand.

Takes nothing, gives `KERNELS`; requires program and the kernels. An adjoint is given the adjoint of
the one output behind the arguments of the kernel, and changes none of them.
"""

from __future__ import annotations

import numpy as np

from fixtures.programs import fields, learning, products, stencils, triangles
from tests.benchmarks.program import Program


def gemm_adjoint(total, left, right, mix, keep, total_bar):
    product = left @ right
    result = total * keep
    result += mix * product
    mix_bar = np.vdot(product, total_bar)
    keep_bar = np.vdot(total, total_bar)
    scaled = mix * total_bar
    return result, (keep * total_bar, scaled @ right.T, left.T @ scaled, mix_bar, keep_bar)


def syrk_adjoint(total, a, mix, keep, total_bar):
    result = total.copy()
    triangles.syrk(result, a, mix, keep)
    total_bar = total_bar.copy()
    a_bar = np.zeros_like(a)
    mix_bar = keep_bar = 0.0
    for i in range(total.shape[0]):
        g = total_bar[i, : i + 1]
        mix_bar += g @ (a[: i + 1] @ a[i])
        keep_bar += g @ total[i, : i + 1]
        scaled = mix * g
        a_bar[: i + 1] += np.outer(scaled, a[i])
        a_bar[i] += scaled @ a[: i + 1]
        g *= keep
    return result, (total_bar, a_bar, mix_bar, keep_bar)


def trisolv_adjoint(lower, x, b, x_bar):
    x = x.copy()
    triangles.trisolv(lower, x, b)
    lower_bar = np.zeros_like(lower)
    b_bar = np.zeros_like(b)
    x_bar = x_bar.copy()
    for i in reversed(range(len(b))):
        q = x_bar[i] / lower[i, i]
        b_bar[i] = q
        lower_bar[i, :i] = -q * x[:i]
        lower_bar[i, i] = -q * x[i]
        x_bar[:i] -= q * lower[i, :i]
    return x, (lower_bar, b_bar)


def cholesky_adjoint(a, a_bar):
    a = a.copy()
    triangles.cholesky(a)
    a_bar = a_bar.copy()
    for i in reversed(range(a.shape[0])):
        a_bar[i, i] *= 0.5 / a[i, i]
        a_bar[i, :i] -= 2.0 * a_bar[i, i] * a[i, :i]
        for j in reversed(range(i)):
            g = a_bar[i, j] / a[j, j]
            a_bar[i, j] = g
            a_bar[j, j] -= g * a[i, j]
            a_bar[i, :j] -= g * a[j, :j]
            a_bar[j, :j] -= g * a[i, :j]
    return a, a_bar


def lu_adjoint(a, a_bar):
    a = a.copy()
    triangles.lu(a)
    a_bar = a_bar.copy()
    for k in reversed(range(a.shape[0] - 1)):
        inner_bar = a_bar[k + 1 :, k + 1 :]
        a_bar[k + 1 :, k] -= inner_bar @ a[k, k + 1 :]
        a_bar[k, k + 1 :] -= a[k + 1 :, k] @ inner_bar
        a_bar[k + 1 :, k] /= a[k, k]
        a_bar[k, k] -= a_bar[k + 1 :, k] @ a[k + 1 :, k]
    return a, a_bar


def doitgen_adjoint(tensor, mixer, tensor_bar):
    result = tensor.copy()
    products.doitgen(result, mixer)
    mixer_bar = np.zeros_like(mixer)
    tensor_bar = tensor_bar.copy()
    for sheet, sheet_bar in zip(tensor, tensor_bar):
        for row, row_bar in zip(sheet, sheet_bar):
            mixer_bar += np.outer(row, row_bar)
            row_bar[:] = mixer @ row_bar
    return result, (tensor_bar, mixer_bar)


def _spread_back(new_bar, old_bar):
    g = 0.2 * new_bar[1:-1, 1:-1]
    new_bar[1:-1, 1:-1] = 0.0
    old_bar[1:-1, 1:-1] += g
    old_bar[1:-1, :-2] += g
    old_bar[1:-1, 2:] += g
    old_bar[:-2, 1:-1] += g
    old_bar[2:, 1:-1] += g


def jacobi_2d_adjoint(a, b, steps, a_bar):
    a, b = a.copy(), b.copy()
    stencils.jacobi_2d(a, b, steps)
    a_bar = a_bar.copy()
    b_bar = np.zeros_like(b)
    for _ in range(steps):
        _spread_back(a_bar, b_bar)
        _spread_back(b_bar, a_bar)
    return a, (a_bar, b_bar)


def seidel_2d_adjoint(a, steps, a_bar):
    a = a.copy()
    stencils.seidel_2d(a, steps)
    a_bar = a_bar.copy()
    rows, columns = a.shape
    g = np.zeros(columns - 2)
    for _ in range(steps):
        for i in reversed(range(1, rows - 1)):
            for j in reversed(range(1, columns - 1)):
                g[j - 1] = a_bar[i, j] / 9.0
                a_bar[i, j - 1] += g[j - 1]
                a_bar[i, j] = g[j - 1]
                a_bar[i, j + 1] += g[j - 1]
            for k in (i - 1, i + 1):
                a_bar[k, :-2] += g
                a_bar[k, 1:-1] += g
                a_bar[k, 2:] += g
    return a, a_bar


def _heat_back(new_bar, old_bar, rate):
    g = new_bar[1:-1, 1:-1, 1:-1].copy()
    new_bar[1:-1, 1:-1, 1:-1] = 0.0
    old_bar[1:-1, 1:-1, 1:-1] += (1.0 - 6.0 * rate) * g
    g *= rate
    old_bar[2:, 1:-1, 1:-1] += g
    old_bar[:-2, 1:-1, 1:-1] += g
    old_bar[1:-1, 2:, 1:-1] += g
    old_bar[1:-1, :-2, 1:-1] += g
    old_bar[1:-1, 1:-1, 2:] += g
    old_bar[1:-1, 1:-1, :-2] += g


def heat_3d_adjoint(a, b, rate, steps, a_bar):
    a, b = a.copy(), b.copy()
    stencils.heat_3d(a, b, rate, steps)
    a_bar = a_bar.copy()
    b_bar = np.zeros_like(b)
    for _ in range(steps):
        _heat_back(a_bar, b_bar, rate)
        _heat_back(b_bar, a_bar, rate)
    return a, (a_bar, b_bar)


def fdtd_2d_adjoint(ex, ey, hz, pulse, hz_bar):
    ex, ey, hz = ex.copy(), ey.copy(), hz.copy()
    stencils.fdtd_2d(ex, ey, hz, pulse)
    ex_bar, ey_bar, hz_bar = np.zeros_like(ex), np.zeros_like(ey), hz_bar.copy()
    pulse_bar = np.zeros_like(pulse)
    for t in reversed(range(len(pulse))):
        g = 0.7 * hz_bar[:-1, :-1]
        ex_bar[:-1, 1:] -= g
        ex_bar[:-1, :-1] += g
        ey_bar[1:, :-1] -= g
        ey_bar[:-1, :-1] += g
        g = 0.5 * ex_bar[:, 1:]
        hz_bar[:, 1:] -= g
        hz_bar[:, :-1] += g
        g = 0.5 * ey_bar[1:]
        hz_bar[1:] -= g
        hz_bar[:-1] += g
        pulse_bar[t] = np.sum(ey_bar[0])
        ey_bar[0] = 0.0
    return hz, (ex_bar, ey_bar, hz_bar, pulse_bar)


def horizontal_diffusion_adjoint(field, out, strength, out_bar):
    inner = field[1:-1, 1:-1]
    lap = 4.0 * inner - (field[2:, 1:-1] + field[:-2, 1:-1] + field[1:-1, 2:] + field[1:-1, :-2])
    flow = lap[1:, 1:-1] - lap[:-1, 1:-1]
    uphill = flow * (field[2:-1, 2:-2] - field[1:-2, 2:-2]) > 0.0
    flow[uphill] = 0.0
    drift = lap[1:-1, 1:] - lap[1:-1, :-1]
    against = drift * (field[2:-2, 2:-1] - field[2:-2, 1:-2]) > 0.0
    drift[against] = 0.0
    change = flow[1:] - flow[:-1] + drift[:, 1:] - drift[:, :-1]
    result = field[2:-2, 2:-2] - strength * change

    strength_bar = -np.vdot(out_bar, change)
    change_bar = -strength * out_bar
    flow_bar, drift_bar = np.zeros_like(flow), np.zeros_like(drift)
    flow_bar[1:] = change_bar
    flow_bar[:-1] -= change_bar
    flow_bar[uphill] = 0.0
    drift_bar[:, 1:] = change_bar
    drift_bar[:, :-1] -= change_bar
    drift_bar[against] = 0.0
    lap_bar = np.zeros_like(lap)
    lap_bar[1:, 1:-1] = flow_bar
    lap_bar[:-1, 1:-1] -= flow_bar
    lap_bar[1:-1, 1:] += drift_bar
    lap_bar[1:-1, :-1] -= drift_bar
    field_bar = np.zeros_like(field)
    field_bar[1:-1, 1:-1] = 4.0 * lap_bar
    field_bar[2:-2, 2:-2] += out_bar
    field_bar[2:, 1:-1] -= lap_bar
    field_bar[:-2, 1:-1] -= lap_bar
    field_bar[1:-1, 2:] -= lap_bar
    field_bar[1:-1, :-2] -= lap_bar
    return result, (field_bar, strength_bar)


def sparse_product_adjoint(starts, columns, values, x, y, y_bar):
    y = y.copy()
    learning.sparse_product(starts, columns, values, x, y)
    values_bar = np.zeros_like(values)
    x_bar = np.zeros_like(x)
    for i in range(len(y)):
        row = slice(starts[i], starts[i + 1])
        values_bar[row] = y_bar[i] * x[columns[row]]
        np.add.at(x_bar, columns[row], y_bar[i] * values[row])
    return y, (values_bar, x_bar)


def _program(module, adjoint, wrt=(), of="", helpers=()):
    """Return the kernel of that name as a program; `wrt` and `of` where they are not its own."""
    name = adjoint.__name__.removesuffix("_adjoint")
    (kernel,) = (k for k in module.KERNELS if k.name == name)
    return Program(
        name,
        "kernels",
        kernel.function,
        adjoint,
        wrt or kernel.wrt,
        lambda: kernel.call(kernel.small),
        lambda: kernel.call(kernel.large),
        helpers,
        (of,) if of else kernel.of,
    )


KERNELS: dict[str, Program] = {
    program.name: program
    for program in (
        _program(products, gemm_adjoint),
        _program(products, doitgen_adjoint),
        _program(triangles, syrk_adjoint),
        _program(triangles, trisolv_adjoint),
        _program(triangles, cholesky_adjoint),
        _program(triangles, lu_adjoint),
        _program(stencils, jacobi_2d_adjoint, of="a", helpers=(_spread_back,)),
        _program(stencils, seidel_2d_adjoint),
        _program(stencils, heat_3d_adjoint, ("a", "b"), "a", (_heat_back,)),
        _program(stencils, fdtd_2d_adjoint, of="hz"),
        _program(fields, horizontal_diffusion_adjoint),
        _program(learning, sparse_product_adjoint),
    )
}
