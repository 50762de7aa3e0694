"""Array programs that learn: a network of three layers, a long short-term memory.

Takes nothing, gives `NETWORK`, `LSTM`; requires program.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.program import Program


def network(W1, b1, W2, b2, W3, b3, X, labels):
    """Mean cross-entropy of a network with a tanh and a rectified layer."""
    first = np.tanh(X @ W1 + b1)
    second = np.maximum(first @ W2 + b2, 0.0)
    scores = second @ W3 + b3
    scores = scores - np.max(scores, axis=1, keepdims=True)
    log_norm = np.log(np.sum(np.exp(scores), axis=1))
    return np.mean(log_norm - scores[np.arange(len(labels)), labels])


def network_adjoint(W1, b1, W2, b2, W3, b3, X, labels, result_bar=1.0):
    first = np.tanh(X @ W1 + b1)
    second = np.maximum(first @ W2 + b2, 0.0)
    scores = second @ W3 + b3
    scores = scores - np.max(scores, axis=1, keepdims=True)
    exp = np.exp(scores)
    sums = np.sum(exp, axis=1)
    rows = np.arange(len(labels))
    result = np.mean(np.log(sums) - scores[rows, labels])

    # probabilities minus the labels; the maximum cancels
    weight = result_bar / len(labels)
    scores_bar = exp * (weight / sums)[:, None]
    scores_bar[rows, labels] -= weight
    W3_bar = second.T @ scores_bar
    b3_bar = np.sum(scores_bar, axis=0)
    second_bar = (scores_bar @ W3.T) * (second > 0.0)
    W2_bar = first.T @ second_bar
    b2_bar = np.sum(second_bar, axis=0)
    first_bar = (second_bar @ W2.T) * (1.0 - first * first)
    W1_bar = X.T @ first_bar
    b1_bar = np.sum(first_bar, axis=0)
    return result, (W1_bar, b1_bar, W2_bar, b2_bar, W3_bar, b3_bar)


def _classes(rows, inputs, hidden, classes):
    rng = np.random.default_rng(3)
    return (
        rng.normal(size=(inputs, hidden)) / np.sqrt(inputs),
        0.1 * rng.normal(size=hidden),
        rng.normal(size=(hidden, hidden)) / np.sqrt(hidden),
        0.1 * rng.normal(size=hidden),
        rng.normal(size=(hidden, classes)) / np.sqrt(hidden),
        0.1 * rng.normal(size=classes),
        rng.normal(size=(rows, inputs)),
        rng.integers(0, classes, rows),
    )


NETWORK = Program(
    "network",
    "array",
    network,
    network_adjoint,
    ("W1", "b1", "W2", "b2", "W3", "b3"),
    lambda: _classes(5, 3, 4, 3),
    lambda: _classes(256, 64, 64, 10),
)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def lstm(W, U, b, inputs, targets):
    """Mean squared error of the states of a long short-term memory that reads `inputs`."""
    size = U.shape[0]
    h = np.zeros(size)
    c = np.zeros(size)
    loss = 0.0
    for t in range(len(inputs)):
        gates = inputs[t] @ W + h @ U + b
        forget = sigmoid(gates[:size])
        take = sigmoid(gates[size : 2 * size])
        show = sigmoid(gates[2 * size : 3 * size])
        new = np.tanh(gates[3 * size :])
        c = forget * c + take * new
        h = show * np.tanh(c)
        loss = loss + np.sum((h - targets[t]) ** 2)
    return loss / len(inputs)


def lstm_adjoint(W, U, b, inputs, targets, result_bar=1.0):
    size = U.shape[0]
    h = np.zeros(size)
    c = np.zeros(size)
    loss = 0.0
    saved = []
    for t in range(len(inputs)):
        gates = inputs[t] @ W + h @ U + b
        forget = sigmoid(gates[:size])
        take = sigmoid(gates[size : 2 * size])
        show = sigmoid(gates[2 * size : 3 * size])
        new = np.tanh(gates[3 * size :])
        before, c_before = h, c
        c = forget * c + take * new
        tanh = np.tanh(c)
        h = show * tanh
        error = h - targets[t]
        saved.append((before, c_before, forget, take, show, new, tanh, error))
        loss = loss + np.sum(error**2)
    result = loss / len(inputs)

    W_bar = np.zeros_like(W)
    U_bar = np.zeros_like(U)
    b_bar = np.zeros_like(b)
    h_bar = np.zeros(size)
    c_bar = np.zeros(size)
    weight = 2.0 * result_bar / len(inputs)
    gates_bar = np.empty(4 * size)
    for t in reversed(range(len(inputs))):
        before, c_before, forget, take, show, new, tanh, error = saved[t]
        h_bar = h_bar + weight * error
        c_bar = c_bar + h_bar * show * (1.0 - tanh * tanh)
        gates_bar[:size] = c_bar * c_before * forget * (1.0 - forget)
        gates_bar[size : 2 * size] = c_bar * new * take * (1.0 - take)
        gates_bar[2 * size : 3 * size] = h_bar * tanh * show * (1.0 - show)
        gates_bar[3 * size :] = c_bar * take * (1.0 - new * new)
        W_bar += np.outer(inputs[t], gates_bar)
        U_bar += np.outer(before, gates_bar)
        b_bar += gates_bar
        h_bar = U @ gates_bar
        c_bar = c_bar * forget
    return result, (W_bar, U_bar, b_bar)


def _sequence(length, width, size):
    rng = np.random.default_rng(4)
    return (
        rng.normal(size=(width, 4 * size)) / np.sqrt(width),
        rng.normal(size=(size, 4 * size)) / np.sqrt(size),
        0.1 * rng.normal(size=4 * size),
        rng.normal(size=(length, width)),
        0.3 * rng.normal(size=(length, size)),
    )


LSTM = Program(
    "lstm",
    "array",
    lstm,
    lstm_adjoint,
    ("W", "U", "b"),
    lambda: _sequence(3, 2, 3),
    lambda: _sequence(50, 16, 64),
)
