"""Array programs of science: bundle adjustment, a Kalman filter, the heat equation.

Takes nothing, gives `BUNDLE`, `KALMAN`, `HEAT`; requires program.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.program import Program


def cross(a, b):
    """Cross products of the rows of two arrays."""
    return np.stack(
        [
            a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
            a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
            a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
        ],
        axis=1,
    )


def reprojection(cameras, points, which_camera, which_point, seen):
    """Squared reprojection error of points seen by cameras.

    A camera is a rotation vector, a translation, a focal length and two coefficients of
    radial distortion.
    """
    camera = cameras[which_camera]
    X = points[which_point]
    r = camera[:, 0:3]
    theta = np.sqrt(np.sum(r**2, axis=1, keepdims=True))
    axis = r / theta
    cos = np.cos(theta)
    sin = np.sin(theta)
    along = np.sum(axis * X, axis=1, keepdims=True)
    turned = X * cos + cross(axis, X) * sin + axis * along * (1.0 - cos)
    P = turned + camera[:, 3:6]
    p = -P[:, 0:2] / P[:, 2:3]
    n2 = np.sum(p**2, axis=1)
    distortion = 1.0 + camera[:, 7] * n2 + camera[:, 8] * n2**2
    predicted = p * (camera[:, 6] * distortion)[:, None]
    return np.sum((predicted - seen) ** 2)


def reprojection_adjoint(cameras, points, which_camera, which_point, seen, result_bar=1.0):
    camera = cameras[which_camera]
    X = points[which_point]
    r = camera[:, 0:3]
    theta = np.sqrt(np.sum(r**2, axis=1, keepdims=True))
    axis = r / theta
    cos = np.cos(theta)
    sin = np.sin(theta)
    along = np.sum(axis * X, axis=1, keepdims=True)
    normal = cross(axis, X)
    turned = X * cos + normal * sin + axis * along * (1.0 - cos)
    P = turned + camera[:, 3:6]
    p = -P[:, 0:2] / P[:, 2:3]
    n2 = np.sum(p**2, axis=1)
    distortion = 1.0 + camera[:, 7] * n2 + camera[:, 8] * n2**2
    scale = camera[:, 6] * distortion
    error = p * scale[:, None] - seen
    result = np.sum(error**2)

    camera_bar = np.empty_like(camera)
    predicted_bar = 2.0 * result_bar * error
    p_bar = predicted_bar * scale[:, None]
    scale_bar = np.sum(predicted_bar * p, axis=1)
    camera_bar[:, 6] = scale_bar * distortion
    distortion_bar = scale_bar * camera[:, 6]
    camera_bar[:, 7] = distortion_bar * n2
    camera_bar[:, 8] = camera_bar[:, 7] * n2
    n2_bar = distortion_bar * (camera[:, 7] + 2.0 * camera[:, 8] * n2)
    p_bar += 2.0 * n2_bar[:, None] * p
    # p = -P[:, 0:2] / P[:, 2:3]
    P_bar = np.empty_like(P)
    P_bar[:, 0:2] = -p_bar / P[:, 2:3]
    P_bar[:, 2] = -np.sum(p_bar * p, axis=1) / P[:, 2]
    camera_bar[:, 3:6] = P_bar
    # turned = X * cos + normal * sin + axis * along * (1.0 - cos)
    rest = 1.0 - cos
    normal_bar = P_bar * sin
    along_bar = np.sum(P_bar * axis, axis=1, keepdims=True) * rest
    X_bar = P_bar * cos + along_bar * axis + cross(normal_bar, axis)
    axis_bar = P_bar * (along * rest) + along_bar * X + cross(X, normal_bar)
    theta_bar = (
        np.sum(P_bar * normal, axis=1, keepdims=True) * cos
        - np.sum(P_bar * (X - axis * along), axis=1, keepdims=True) * sin
    )
    # axis = r / theta, theta being the length of r
    theta_bar -= np.sum(axis_bar * axis, axis=1, keepdims=True) / theta
    camera_bar[:, 0:3] = axis_bar / theta + theta_bar * axis
    cameras_bar = np.zeros_like(cameras)
    np.add.at(cameras_bar, which_camera, camera_bar)
    points_bar = np.zeros_like(points)
    np.add.at(points_bar, which_point, X_bar)
    return result, (cameras_bar, points_bar)


def _views(cameras, points, observations):
    rng = np.random.default_rng(5)
    table = np.concatenate(
        [
            0.3 + 0.2 * rng.normal(size=(cameras, 3)),
            0.1 * rng.normal(size=(cameras, 3)) + np.array([0.0, 0.0, -8.0]),
            1.0 + 0.1 * rng.random((cameras, 1)),
            0.05 * rng.normal(size=(cameras, 2)),
        ],
        axis=1,
    )
    return (
        table,
        rng.normal(size=(points, 3)),
        rng.integers(0, cameras, observations),
        rng.integers(0, points, observations),
        0.2 * rng.normal(size=(observations, 2)),
    )


BUNDLE = Program(
    "bundle",
    "array",
    reprojection,
    reprojection_adjoint,
    ("cameras", "points"),
    lambda: _views(2, 3, 5),
    lambda: _views(20, 500, 5000),
)


def kalman(A, Q, R, H, m0, P0, observations):
    """Log-likelihood of observations under a linear state-space model."""
    m = m0
    P = P0
    total = 0.0
    for y in observations:
        m = A @ m
        P = A @ P @ A.T + Q
        S = H @ P @ H.T + R
        error = y - H @ m
        K = np.linalg.solve(S, H @ P).T
        total = total - 0.5 * (error @ np.linalg.solve(S, error) + np.linalg.slogdet(S)[1])
        m = m + K @ error
        P = P - K @ S @ K.T
    return total


def kalman_adjoint(A, Q, R, H, m0, P0, observations, result_bar=1.0):
    m = m0
    P = P0
    total = 0.0
    saved = []
    for y in observations:
        m_before, P_before = m, P
        m = A @ m
        AP = A @ P
        P = AP @ A.T + Q
        HP = H @ P
        S = HP @ H.T + R
        error = y - H @ m
        K = np.linalg.solve(S, HP).T
        weighted = np.linalg.solve(S, error)
        saved.append((m_before, P_before, AP, m, P, HP, S, error, K, weighted))
        total = total - 0.5 * (error @ weighted + np.linalg.slogdet(S)[1])
        m = m + K @ error
        P = P - K @ S @ K.T

    A_bar = np.zeros_like(A)
    Q_bar = np.zeros_like(Q)
    R_bar = np.zeros_like(R)
    H_bar = np.zeros_like(H)
    m_bar = np.zeros_like(m0)
    P_bar = np.zeros_like(P0)
    for m_before, P_before, AP, m, P, HP, S, error, K, weighted in reversed(saved):
        inverse = np.linalg.inv(S)
        # P = P - K @ S @ K.T, m = m + K @ error
        K_bar = np.outer(m_bar, error) - P_bar @ (K @ S.T) - P_bar.T @ (K @ S)
        S_bar = -K.T @ P_bar @ K
        # total, of which S is symmetric in the model but not in the text
        S_bar += 0.5 * result_bar * (np.outer(inverse.T @ error, weighted) - inverse.T)
        error_bar = K.T @ m_bar - 0.5 * result_bar * (weighted + inverse.T @ error)
        # K = np.linalg.solve(S, H @ P).T
        HP_bar = inverse.T @ K_bar.T
        S_bar -= HP_bar @ K
        # error = y - H @ m, S = H @ P @ H.T + R
        m_bar = m_bar - H.T @ error_bar
        HP_bar += S_bar @ H
        H_bar += HP_bar @ P.T + S_bar.T @ HP - np.outer(error_bar, m)
        R_bar += S_bar
        P_bar = P_bar + H.T @ HP_bar
        # P = A @ P @ A.T + Q, m = A @ m
        Q_bar += P_bar
        PA = P_bar @ A
        A_bar += P_bar.T @ AP + PA @ P_before.T + np.outer(m_bar, m_before)
        P_bar = A.T @ PA
        m_bar = A.T @ m_bar
    return total, (A_bar, Q_bar, R_bar, H_bar, m_bar, P_bar)


def _observed(steps, states, outputs):
    rng = np.random.default_rng(6)
    return (
        0.9 * np.eye(states) + 0.1 * rng.normal(size=(states, states)) / np.sqrt(states),
        0.1 * np.eye(states),
        0.2 * np.eye(outputs),
        rng.normal(size=(outputs, states)),
        rng.normal(size=states),
        np.eye(states),
        rng.normal(size=(steps, outputs)),
    )


KALMAN = Program(
    "kalman",
    "array",
    kalman,
    kalman_adjoint,
    ("A", "Q", "R", "H", "m0", "P0"),
    lambda: _observed(3, 3, 2),
    lambda: _observed(60, 8, 4),
)


def heat(u, conductivity, target, dt, steps):
    """Distance from a target after so many explicit steps of the heat equation, ends held."""
    for _ in range(steps):
        flux = conductivity * (u[1:] - u[:-1])
        inner = u[1:-1] + dt * (flux[1:] - flux[:-1])
        u = np.concatenate([u[:1], inner, u[-1:]])
    return np.sum((u - target) ** 2)


def heat_adjoint(u, conductivity, target, dt, steps, result_bar=1.0):
    u_saved = []
    for _ in range(steps):
        u_saved.append(u)
        flux = conductivity * (u[1:] - u[:-1])
        inner = u[1:-1] + dt * (flux[1:] - flux[:-1])
        u = np.concatenate([u[:1], inner, u[-1:]])
    error = u - target
    result = np.sum(error**2)

    u_bar = 2.0 * result_bar * error
    conductivity_bar = np.zeros_like(conductivity)
    flux_bar = np.empty_like(conductivity)
    for u in reversed(u_saved):
        inner_bar = dt * u_bar[1:-1]
        flux_bar[0] = 0.0
        flux_bar[1:] = inner_bar
        flux_bar[:-1] -= inner_bar
        conductivity_bar += flux_bar * (u[1:] - u[:-1])
        flux_bar *= conductivity
        u_bar[1:] += flux_bar
        u_bar[:-1] -= flux_bar
    return result, (u_bar, conductivity_bar)


def _rod(cells, steps):
    x = np.linspace(0.0, 1.0, cells)
    return np.sin(3.0 * x), 1.0 + 0.3 * np.cos(5.0 * x[1:]), x * (1.0 - x), 0.2, steps


HEAT = Program(
    "heat",
    "array",
    heat,
    heat_adjoint,
    ("u", "conductivity"),
    lambda: _rod(7, 4),
    lambda: _rod(2000, 200),
)
