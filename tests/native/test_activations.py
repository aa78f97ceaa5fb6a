"""The activations against their formulas in NumPy, and their derivatives against central differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.native.bitwise import Array, assert_same_bits, every_kind_of_number

FLOATS = [np.float32, np.float64]
LAMBDA, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
PARAMETER = 0.3
_erf = np.vectorize(math.erf, otypes=[np.float64])


def _softplus(z: Array) -> Array:
    return np.logaddexp(0, z)


def _elu(z: Array, alpha: float) -> Array:
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


FORMULAS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, PARAMETER * z),
    "elu": lambda z: _elu(z, PARAMETER),
    "selu": lambda z: LAMBDA * _elu(z, ALPHA),
    "gelu": lambda z: z * (1 + _erf(z / np.sqrt(2))) / 2,
    "gelu_tanh": lambda z: z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))) / 2,
    "silu": lambda z: z / (1 + np.exp(-z)),
    "mish": lambda z: z * np.tanh(_softplus(z)),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: _softplus(PARAMETER * z) / PARAMETER,
}
FROM_VALUE = {"identity", "relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid"}


def _ordinary_numbers() -> Array:
    rng = np.random.default_rng(3)
    z = np.concatenate([rng.normal(0, 1, 400), rng.normal(0, 6, 400), rng.uniform(-25, 25, 200)])
    return z[np.abs(z) > 0.01]  # away from the kinks at 0


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", FORMULAS)
def test_value_follows_the_formula(native: ModuleType, kind: str, dtype: Any) -> None:
    z = _ordinary_numbers().astype(dtype)
    expected = FORMULAS[kind](z.astype(np.float64))
    actual = native.activation(kind, z, PARAMETER, 16)[0]
    assert actual.dtype == dtype
    # The absolute part is what (1 + erf) or (1 + tanh) lose for negative z in float64.
    np.testing.assert_allclose(actual, expected, rtol=20 * np.finfo(dtype).eps, atol=1e-14)


@pytest.mark.parametrize("kind", FORMULAS)
def test_derivative_agrees_with_central_differences(native: ModuleType, kind: str) -> None:
    z, h = _ordinary_numbers(), 1e-3

    def f(shift: float) -> Array:
        return np.asarray(native.activation(kind, z + shift * h, PARAMETER, 16)[0])

    difference = (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / (12 * h)  # of fourth order
    derivative = native.activation(kind, z, PARAMETER, 16)[1]
    np.testing.assert_allclose(derivative, difference, rtol=1e-6, atol=1e-11)


@pytest.mark.parametrize("kind", FORMULAS)
def test_float32_derivative_agrees_with_float64(native: ModuleType, kind: str) -> None:
    z = _ordinary_numbers().astype(np.float32)
    p = float(np.float32(PARAMETER))
    exact = native.activation(kind, z.astype(np.float64), p, 16)[1]
    np.testing.assert_allclose(native.activation(kind, z, p, 16)[1], exact, rtol=1e-5, atol=3e-7)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", FORMULAS)
def test_derivative_from_value_is_the_derivative_bit_for_bit(native: ModuleType, kind: str, dtype: Any) -> None:
    rows = native.activation(kind, every_kind_of_number(dtype), PARAMETER, 16)
    assert len(rows) == (3 if kind in FROM_VALUE else 2)
    if kind in FROM_VALUE:
        assert_same_bits(rows[2], rows[1])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", FORMULAS)
def test_bits_do_not_depend_on_lanes(native: ModuleType, kind: str, dtype: Any) -> None:
    z = every_kind_of_number(dtype, 4000)
    one_by_one = native.activation(kind, z, PARAMETER, 1)
    for lanes in (4, 8, 16):
        assert_same_bits(native.activation(kind, z, PARAMETER, lanes), one_by_one)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", FORMULAS)
def test_every_finite_number_gives_finite_numbers(native: ModuleType, kind: str, dtype: Any) -> None:
    z = every_kind_of_number(dtype)
    # selu and softplus scale their argument or result: the very largest numbers overflow, rightly.
    z = z[np.abs(z) < np.finfo(dtype).max / 4]
    assert np.isfinite(native.activation(kind, z, PARAMETER, 16)).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", FORMULAS)
def test_nan_is_not_hidden(native: ModuleType, kind: str, dtype: Any) -> None:
    assert np.isnan(native.activation(kind, np.full(5, np.nan, dtype), PARAMETER, 4)[0]).all()


@pytest.mark.parametrize(
    ("kind", "parameter", "expected"),
    [("relu", 0.0, 0.0), ("leaky_relu", 0.1, 0.1), ("leaky_relu", 0.0, 0.0), ("elu", 0.5, 0.5), ("tanh", 0.0, 1.0)],
)
def test_derivative_at_zero(native: ModuleType, kind: str, parameter: float, expected: float) -> None:
    value, derivative = native.activation(kind, np.array([0.0, -0.0]), parameter, 1)[:2]
    np.testing.assert_array_equal(value, 0.0)
    np.testing.assert_array_equal(derivative, expected)


def test_relu_is_exact(native: ModuleType) -> None:
    z = np.array([-2.5, -1e-40, 0.0, 1e-40, 3.5], np.float32)
    value, derivative, _ = native.activation("relu", z, 0.0, 16)
    np.testing.assert_array_equal(value, np.array([0, 0, 0, 1e-40, 3.5], np.float32))
    np.testing.assert_array_equal(derivative, [0, 0, 0, 1, 1])


def test_softplus_does_not_turn_linear(native: ModuleType) -> None:
    """PyTorch drops exp(-beta z) / beta once beta z > 20."""
    value = native.activation("softplus", np.array([21.0]), 1.0, 1)[0]
    assert value[0] - 21.0 == pytest.approx(math.exp(-21.0), rel=1e-5)


def test_gelu_keeps_its_accuracy_far_out_on_the_left(native: ModuleType) -> None:
    """(1 + erf) / 2 would give 0 from z = -9 on."""
    z = np.array([-5.0, -10.0, -20.0, -35.0])
    expected = z * np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in z])
    np.testing.assert_allclose(native.activation("gelu", z, 0.0, 4)[0], expected, rtol=1e-12)
