"""Arguments for the rules of our own helpers, whose parameters depend on each other.

Gives, by name of the helper, the arguments to try.
"""

from __future__ import annotations

import numpy as np

from s2s_ad.analysis.observe import kind_of
from s2s_ad.rules import registry
from s2s_ad.rules.checking import Values
from s2s_ad.rules.rule import Rule
from s2s_ad.runtime import contract

V2 = np.array([0.7, -1.3])
V3 = np.array([0.4, 1.7, -0.9])
M23 = np.array([[0.3, -1.1, 0.8], [1.4, 0.6, -0.5]])
M32 = np.array([[1.2, 0.3], [-0.7, 1.9], [0.5, -1.6]])
T223 = np.stack([M23, 1.5 - M23])


def _reduced(like: np.ndarray, axis: object, keepdims: bool) -> Values:
    g = np.sum(like, axis=axis, keepdims=keepdims)
    return {"g": g, "like": like, "axis": axis, "keepdims": keepdims}


def _product(g: object, a: object, b: object, axis_a: int, axis_b: int) -> Values:
    return {"g": g, "a": a, "b": b, "axis_a": axis_a, "axis_b": axis_b}


_PRODUCTS = [
    (V3, V3, -1, -2),
    (M23, V3, -1, -2),
    (V2, M23, -1, -2),
    (M23, M32, -1, -2),
    (M32, T223, -1, -2),
    (M23, M23, -1, -1),
    (2.0, V3, -1, -2),
    (V3, 2.0, -1, -1),
    (V2, M23, 0, 0),
]
_MATMULS = [
    (V3, V3),
    (M23, V3),
    (V2, M23),
    (M23, M32),
    (T223, M32),
    (V2, T223),
    (T223, V3),
    (M32, T223),
]

SAMPLES: dict[str, list[Values]] = {
    "unbroadcast": [
        {"g": g, "like": like}
        for g, like in (
            (1.5, 2.0),
            (M23, 2.0),
            (M23, V3),
            (M23, V3[None, :]),
            (M23, np.ones((2, 1))),
            (1.5, V3),
            (V3, [1.0, 2.0, 3.0]),
            (T223, M23),
        )
    ],
    "expand": [
        _reduced(M23, None, False),
        _reduced(M23, 0, False),
        _reduced(M23, -1, True),
        _reduced(T223, (0, 2), False),
        _reduced(T223, None, True),
        {"g": 1.5, "like": 2.0, "axis": None, "keepdims": False},
        {"g": 1.5, "like": [1.0, 2.0], "axis": None, "keepdims": False},
    ],
    "spread": [
        {"g": 1.5, "items": [1.0, 2.0]},
        {"g": 1.5, "items": V3},
        {"g": V3, "items": M23},
        {"g": V3, "items": [V3, 1.0, M23[0]]},
    ],
    "unrepeat": [{"g": [1.0, 2.0, 3.0, 4.0], "items": [5.0, 6.0]}],
    "split_like": [
        {"g": np.concatenate([V2, V3]), "arrays": [V2, V3], "axis": 0},
        {"g": np.concatenate([M23, M23], axis=1), "arrays": [M23, M23], "axis": -1},
        {"g": np.concatenate([M23, V3], axis=None), "arrays": [M23, V3], "axis": None},
    ],
    "unblock": [
        {"g": np.concatenate([M23, M23], axis=1), "arrays": [M23, M23]},
        {"g": np.block([[M23], [V3]]), "arrays": [[M23], [V3]]},
    ],
    "unstack": [{"g": V3, "axis": 0}, {"g": M23, "axis": 0}, {"g": T223, "axis": -1}],
    "scatter": [
        {"g": 1.5, "like": V3, "index": 1},
        {"g": V2, "like": V3, "index": slice(1, None)},
        {"g": V3, "like": V3, "index": np.array([0, 2, 0])},
        {"g": V2, "like": V3, "index": np.array([True, False, True])},
        {"g": V2, "like": M23, "index": (slice(None), 1)},
        {"g": 1.5, "like": [1.0, 2.0], "index": 0},
    ],
    "last_stored": [
        {"g": V3, "like": V3, "index": np.array([0, 2, 0])},
        {"g": M23, "like": np.zeros((4, 3)), "index": np.array([1, 1])},
        {"g": 1.5, "like": V3, "index": 1},
    ],
    "scatter_along": [
        {"g": M23, "like": M23, "indices": np.argsort(M23, axis=1), "axis": 1},
        {"g": V2, "like": V3, "indices": np.array([2, 2]), "axis": 0},
    ],
    "matmul_left": [{"g": np.cos(a @ b), "a": a, "b": b} for a, b in _MATMULS],
    "matmul_right": [{"g": np.cos(a @ b), "a": a, "b": b} for a, b in _MATMULS],
    "contract": [{"a": a, "b": b, "axis_a": i, "axis_b": j} for a, b, i, j in _PRODUCTS],
    "contract_left": [
        _product(np.cos(contract(a, b, i, j)), a, b, i, j) for a, b, i, j in _PRODUCTS
    ],
    "exclusive_product": [
        {"x": x, "axis": axis, "directions": directions}
        for x, axis, directions in (
            (V3, None, []),
            (np.array([2.0, 0.0, 5.0]), 0, [V3]),
            (np.array([2.0, 0.0, 0.0]), None, [V3, np.cos(V3)]),
            (M23, None, []),
            (M23, 1, [np.cos(M23)]),
            (T223, (0, 2), [np.cos(T223)]),
            ([0.5, 1.5, 2.0], None, []),
        )
    ],
    "ties": [
        {"x": V3, "extreme": 1.7, "axis": None, "keepdims": False},
        {"x": M23, "extreme": np.max(M23, axis=1), "axis": 1, "keepdims": False},
        {"x": 1.5, "extreme": 1.5, "axis": None, "keepdims": False},
    ],
    "delay": [{"x": V3, "first": 1.0, "axis": 0}, {"x": M23, "first": 0.0, "axis": 1}],
    "advance": [{"x": V3, "axis": 0}, {"x": M23, "axis": 1}],
    "recurrence": [
        {"a": V3, "b": np.cos(V3), "axis": 0},
        {"a": M23, "b": np.cos(M23), "axis": 1},
    ],
}
_TENSORDOTS: list[tuple[np.ndarray, np.ndarray, object]] = [
    (V3, M32, 1),
    (M23, M23, 2),
    (T223, M23, ([2, 0], [1, 0])),
    (M32, T223, (0, -1)),
    (V2, V3, 0),
]
SAMPLES["tensordot_left"] = [
    {"g": np.asarray(np.cos(np.tensordot(a, b, axes))), "a": a, "b": b, "axes": axes}
    for a, b, axes in _TENSORDOTS
]
SAMPLES["tensordot_right"] = SAMPLES["tensordot_left"]
SAMPLES["ungradient"] = [
    {"g": g, "spacing": 0.5, "axis": axis, "edge_order": order}
    for g, axis, order in ((V3, 0, 1), (V3, 0, 2), (M23, 0, 1), (M23, 1, 2))
]
SAMPLES["contract_right"] = SAMPLES["contract_left"]
SAMPLES["recurrence_back"] = SAMPLES["recurrence"]


def samples_of(rule: Rule) -> list[Values] | None:
    """Return the samples a rule applies to; None when it needs none, its arguments being free."""
    if rule.namespace != "runtime" or rule.name not in SAMPLES:
        return None
    return [
        values
        for values in SAMPLES[rule.name]
        if all(
            rank is None or registry.fits_rank(kind_of(values[param.name]), rank)
            for param, rank in zip(rule.params, rule.ranks or ())
        )
    ]
