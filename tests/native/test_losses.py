"""The losses against their formulas in NumPy, and their gradients against central differences."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.native.bitwise import Array, assert_same_bits

FLOATS = [np.float32, np.float64]
NUMBERS = {"label_smoothing": 0.1, "delta": 0.7}


class Rows(NamedTuple):
    """What one call gives: apply's loss and gradient, value's loss, the head's prediction."""

    loss: Array
    gradient: Array
    value: Array
    prediction: Array


def _quantiles(outputs: int) -> list[float]:
    """A level for each output; those of two outputs differ."""
    return [(c + 1) / (outputs + 2) for c in range(outputs)]


def _run(native: ModuleType, kind: str, z: Array, y: Array, label: Array, lanes: int = 16, **numbers: float) -> Rows:
    return Rows(*native.loss(kind, z, y, label, lanes, **{**NUMBERS, **numbers}, quantiles=_quantiles(z.shape[1])))


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def _one_hot(z: Array, label: Array) -> Array:
    return np.asarray(np.eye(z.shape[1])[label.astype(int)])


def _cross_entropy(z: Array, y: Array, label: Array) -> Array:
    """PyTorch: (1 - eps) * nll + eps / C * sum_c -log p_c."""
    log_p, eps = np.log(_softmax(z)), NUMBERS["label_smoothing"]
    return np.asarray(-(1 - eps) * (log_p * _one_hot(z, label)).sum(axis=1) - eps * log_p.mean(axis=1))


def _binary_cross_entropy(z: Array, y: Array, label: Array) -> Array:
    p = 1 / (1 + np.exp(-z))
    return np.asarray(np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p), axis=1))


def _huber(z: Array, y: Array, label: Array) -> Array:
    size, delta = np.abs(z - y), NUMBERS["delta"]
    return np.asarray(np.where(size < delta, 0.5 * size**2, delta * (size - 0.5 * delta)).mean(axis=1))


def _quantile(z: Array, y: Array, label: Array) -> Array:
    q = np.array(_quantiles(z.shape[1]))
    return np.asarray(np.maximum(q * (y - z), (q - 1) * (y - z)).mean(axis=1))


FORMULAS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "cross_entropy": _cross_entropy,
    "squared_error_of_classes": lambda z, y, label: np.mean((_softmax(z) - _one_hot(z, label)) ** 2, axis=1),
    "binary_cross_entropy": _binary_cross_entropy,
    "squared_error": lambda z, y, label: np.mean((z - y) ** 2, axis=1),
    "absolute_error": lambda z, y, label: np.mean(np.abs(z - y), axis=1),
    "huber": _huber,
    "poisson": lambda z, y, label: np.mean(np.exp(z) - y * z, axis=1),
    "quantile": _quantile,
}
HEADS: dict[str, Callable[[Array], Array]] = {
    "cross_entropy": _softmax,
    "squared_error_of_classes": _softmax,
    "binary_cross_entropy": lambda z: 1 / (1 + np.exp(-z)),
    "poisson": np.exp,
}


def _rows(kind: str, outputs: int, dtype: Any = np.float64, rows: int = 37) -> tuple[Array, Array, Array]:
    """Weighted sums, targets that suit the loss, labels; no z near enough to its target for a kink to matter."""
    rng = np.random.default_rng(outputs)
    z = rng.normal(0, 2, (rows, outputs))
    y = z + rng.choice([-1, 1], z.shape) * rng.uniform(0.02, 2, z.shape)
    y[np.abs(np.abs(y - z) - NUMBERS["delta"]) < 0.01] += 0.1
    if kind == "binary_cross_entropy":
        y = rng.uniform(0, 1, z.shape).round(1)
    if kind == "poisson":
        y = rng.integers(0, 6, z.shape).astype(float)
    return z.astype(dtype), y.astype(dtype), rng.integers(0, outputs, rows).astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("outputs", [1, 2, 3, 10, 16, 33])
@pytest.mark.parametrize("kind", FORMULAS)
def test_loss_follows_the_formula(native: ModuleType, kind: str, outputs: int, dtype: Any) -> None:
    z, y, label = _rows(kind, outputs, dtype)
    wide = FORMULAS[kind](z.astype(np.float64), y.astype(np.float64), label)
    assert_close = np.testing.assert_allclose
    epsilon = np.finfo(dtype).eps
    got = _run(native, kind, z, y, label)
    assert got.loss.dtype == dtype
    assert_close(got.loss, wide, rtol=30 * epsilon, atol=30 * epsilon)
    expected = HEADS.get(kind, lambda z: z)(z.astype(np.float64))
    assert_close(got.prediction, expected, rtol=30 * epsilon)


@pytest.mark.parametrize("outputs", [1, 3, 16])
@pytest.mark.parametrize("kind", FORMULAS)
def test_gradient_agrees_with_central_differences(native: ModuleType, kind: str, outputs: int) -> None:
    z, y, label = _rows(kind, outputs)
    gradient, h = _run(native, kind, z, y, label).gradient, 1e-3
    for c in range(outputs):
        direction = np.eye(outputs)[c] * h

        def f(step: int, direction: Array = direction) -> Array:
            return _run(native, kind, z + step * direction, y, label).value

        difference = (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / (12 * h)  # of fourth order
        np.testing.assert_allclose(gradient[:, c], difference, rtol=1e-6, atol=1e-11)


@pytest.mark.parametrize("kind", FORMULAS)
def test_float32_gradient_agrees_with_float64(native: ModuleType, kind: str) -> None:
    z, y, label = _rows(kind, 5, np.float32)
    numbers = {name: float(np.float32(number)) for name, number in NUMBERS.items()}
    exact = _run(native, kind, *(a.astype(np.float64) for a in (z, y, label)), **numbers).gradient
    got = _run(native, kind, z, y, label, **numbers).gradient
    np.testing.assert_allclose(got, exact, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", FORMULAS)
def test_bits_do_not_depend_on_lanes_and_value_is_the_loss(native: ModuleType, kind: str, dtype: Any) -> None:
    z, y, label = _rows(kind, 7, dtype, rows=200)
    one_by_one = _run(native, kind, z, y, label, lanes=1)
    assert_same_bits(one_by_one.value, one_by_one.loss)
    for lanes in (4, 8, 16):
        for got, expected in zip(_run(native, kind, z, y, label, lanes=lanes), one_by_one, strict=True):
            assert_same_bits(got, expected)


@pytest.mark.parametrize("dtype", FLOATS)
def test_squared_error_of_the_probabilities_of_the_example(native: ModuleType, dtype: Any) -> None:
    """Output [0.4, 0.3, 0.3] and label class 0 differ by [0.6, 0.3, 0.3]: the mean of their squares is 0.18."""
    z = np.log(np.array([[0.4, 0.3, 0.3]])).astype(dtype)
    got = _run(native, "squared_error_of_classes", z, np.zeros_like(z), np.zeros(1, dtype))
    assert got.loss[0] == pytest.approx(0.18, rel=4 * float(np.finfo(dtype).eps))
    np.testing.assert_allclose(got.prediction, [[0.4, 0.3, 0.3]], rtol=1e-6)


@pytest.mark.parametrize("kind", ["cross_entropy", "squared_error_of_classes"])
def test_one_class_costs_nothing(native: ModuleType, kind: str) -> None:
    z = np.array([[-3.0], [0.0], [1e4]])
    got = _run(native, kind, z, np.zeros_like(z), np.zeros(3), label_smoothing=0.0)
    np.testing.assert_array_equal(got.loss, 0)
    np.testing.assert_array_equal(got.gradient, 0)
    np.testing.assert_array_equal(got.prediction, 1)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", FORMULAS)
def test_huge_weighted_sums_are_safe(native: ModuleType, kind: str, dtype: Any) -> None:
    largest = 80.0 if kind == "poisson" else 1e4  # exp(z) itself overflows there
    z = np.array([[largest, 0, -1e4], [-1e4, -1e4, -1e4], [largest, largest, largest], [0, 0, -1e4]], dtype)
    y = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 0]], dtype)
    got = _run(native, kind, z, y, np.array([2, 1, 0, 2], dtype))
    for array in got:
        assert np.isfinite(array).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_huge_weighted_sums_give_the_right_cross_entropies(native: ModuleType, dtype: Any) -> None:
    z = np.array([[1e4, 0, -1e4]] * 3, dtype)
    got = _run(native, "cross_entropy", z, np.zeros_like(z), np.arange(3, dtype=dtype), label_smoothing=0.0)
    np.testing.assert_array_equal(got.loss, np.array([0, 1e4, 2e4], dtype))
    np.testing.assert_array_equal(got.gradient, np.array([[0, 0, 0], [1, -1, 0], [1, 0, -1]], dtype))
    z = np.array([[1e4, -1e4, 1e4, -1e4]], dtype)
    y = np.array([[1, 0, 0, 1]], dtype)
    got = _run(native, "binary_cross_entropy", z, y, np.zeros(1, dtype))
    np.testing.assert_array_equal(got.loss, np.array([5e3], dtype))
    np.testing.assert_array_equal(got.gradient, np.array([[0, 0, 0.25, -0.25]], dtype))


def test_confident_and_right_still_has_a_loss(native: ModuleType) -> None:
    """max(z, 0) - z y cancels exactly, so what is left keeps its accuracy."""
    z = np.array([[30.0], [-30.0]], np.float32)
    got = _run(native, "binary_cross_entropy", z, np.array([[1.0], [0.0]], np.float32), np.zeros(2, np.float32))
    np.testing.assert_allclose(got.loss, np.exp(-30.0), rtol=1e-6)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", FORMULAS)
def test_a_weighted_sum_that_is_not_finite_is_never_hidden(
    native: ModuleType, kind: str, bad: float, dtype: Any
) -> None:
    z, y, _ = _rows(kind, 3, dtype, rows=9)
    z[np.arange(9), np.arange(9) // 3] = bad  # in every place, with every label
    label = (np.arange(9) % 3).astype(dtype)
    for smoothing in (0.0, 0.1):
        got = _run(native, kind, z, y, label, label_smoothing=smoothing)
        assert not np.isfinite(got.loss).any()
        assert not np.isfinite(got.value).any()


def test_kinks_have_slope_zero_where_nothing_is_wrong(native: ModuleType) -> None:
    z = np.array([[1.5, -2.0]])
    for kind in ("absolute_error", "quantile", "huber", "squared_error"):
        got = _run(native, kind, z, z.copy(), np.zeros(1))
        np.testing.assert_array_equal(got.loss, 0)
        np.testing.assert_array_equal(got.gradient, 0)
