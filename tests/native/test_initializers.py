"""Initial weights: their spread against torch.nn.init's, their distribution, orthogonality."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "initializers.json").read_text())


def matrix(rows: list[list[str]]) -> NDArray[np.float64]:
    return np.array([[float.fromhex(number) for number in row] for row in rows])


def weights(native: Any, kind: str, inputs: int, outputs: int, parameter: float = 1.0, seed: int = 0) -> Any:
    return native.initial_weights_f64(kind, parameter, seed, 0, inputs, outputs)


def kolmogorov_smirnov(sample: NDArray[np.float64], distribution: Callable[[float], float]) -> float:
    """sqrt(n) times the greatest distance of the sample's distribution from the given one."""
    expected = np.array([distribution(x) for x in np.sort(sample)])
    steps = np.arange(sample.size + 1) / sample.size
    return float(math.sqrt(sample.size) * max(np.max(steps[1:] - expected), np.max(expected - steps[:-1])))


# Kolmogorov's distribution exceeds it once in a million times: 2 exp(-2 x^2) = 1e-6.
KS_LIMIT = 2.694


@pytest.mark.parametrize(("kind", "inputs", "outputs", "gain", "spread"), GOLDEN["spreads"])
def test_weights_are_spread_as_torchs(
    native: Any, kind: str, inputs: int, outputs: int, gain: float, spread: str
) -> None:
    expected = float.fromhex(spread)
    draws = np.concatenate([weights(native, kind, inputs, outputs, gain, seed).ravel() for seed in range(30)])
    if kind.endswith("uniform"):
        assert np.all(np.abs(draws) <= expected)
        statistic = kolmogorov_smirnov(draws, lambda x: (x / expected + 1) / 2)
    else:
        statistic = kolmogorov_smirnov(draws, lambda x: (1 + math.erf(x / expected / math.sqrt(2))) / 2)
    assert statistic < KS_LIMIT


@pytest.mark.parametrize(("kind", "inputs", "outputs", "gain", "spread"), GOLDEN["spreads"])
def test_the_bound_or_deviation_is_torchs_exactly(
    native: Any, kind: str, inputs: int, outputs: int, gain: float, spread: str
) -> None:
    # Every kind scales the same draws: a layer with the same number of weights and a known spread gives them bare.
    bare_kind = "lecun_uniform" if kind.endswith("uniform") else "lecun_normal"
    bare = weights(native, bare_kind, 1, inputs * outputs).reshape(inputs, outputs)
    bare_spread = math.sqrt(3) if kind.endswith("uniform") else 1.0
    got = weights(native, kind, inputs, outputs, gain)
    np.testing.assert_allclose(got, bare * (float.fromhex(spread) / bare_spread), rtol=1e-14)


@pytest.mark.parametrize("kind", ["glorot_uniform", "he_normal"])
def test_draws_of_a_large_layer_are_spread_right(native: Any, kind: str) -> None:
    draws = weights(native, kind, 250, 203, seed=17).ravel()
    if kind == "glorot_uniform":
        bound = math.sqrt(6 / 453)
        statistic = kolmogorov_smirnov(draws, lambda x: (x / bound + 1) / 2)
    else:
        deviation = math.sqrt(2 / 250)
        statistic = kolmogorov_smirnov(draws, lambda x: (1 + math.erf(x / deviation / math.sqrt(2))) / 2)
    assert statistic < KS_LIMIT
    # Draws that follow each other share a counter and must not know of each other.
    for lag in (1, 2, 203):
        correlation = np.mean(draws[lag:] * draws[:-lag]) / np.mean(draws**2)
        assert abs(correlation) < 5 / math.sqrt(draws.size)


def test_weights_depend_on_seed_and_layer_only(native: Any) -> None:
    first = native.initial_weights_f64("he_normal", 1.0, 3, 1, 20, 30)
    np.testing.assert_array_equal(first, native.initial_weights_f64("he_normal", 1.0, 3, 1, 20, 30))
    assert not np.any(first == native.initial_weights_f64("he_normal", 1.0, 4, 1, 20, 30))
    assert not np.any(first == native.initial_weights_f64("he_normal", 1.0, 3, 2, 20, 30))


@pytest.mark.parametrize("kind", ["glorot_uniform", "glorot_normal", "orthogonal", "constant"])
def test_single_precision_is_double_rounded(native: Any, kind: str) -> None:
    double = native.initial_weights_f64(kind, 0.7, 5, 0, 37, 21)
    np.testing.assert_array_equal(native.initial_weights_f32(kind, 0.7, 5, 0, 37, 21), double.astype(np.float32))


def test_zeros_and_constant(native: Any) -> None:
    np.testing.assert_array_equal(weights(native, "zeros", 3, 5), np.zeros((3, 5)))
    np.testing.assert_array_equal(weights(native, "constant", 3, 5, 0.25), np.full((3, 5), 0.25))


@pytest.mark.parametrize("golden", GOLDEN["orthogonal"], ids=["6x4", "19x19"])
def test_the_orthonormal_factor_is_torchs(native: Any, golden: dict[str, Any]) -> None:
    got = native.orthonormal_columns(matrix(golden["matrix"]))
    np.testing.assert_allclose(got, matrix(golden["q"]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (8, 8), (30, 7), (7, 30), (65, 64), (1, 9), (100, 100)])
def test_orthogonal_weights_are_orthogonal(native: Any, inputs: int, outputs: int) -> None:
    w = weights(native, "orthogonal", inputs, outputs, 1.5, seed=2) / 1.5
    product = w.T @ w if inputs >= outputs else w @ w.T
    np.testing.assert_allclose(product, np.eye(min(inputs, outputs)), rtol=0, atol=1e-14)


def test_columns_that_nearly_coincide_still_come_out_orthogonal(native: Any) -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(40, 1)) + 1e-7 * rng.normal(size=(40, 20))
    q = native.orthonormal_columns(a)
    np.testing.assert_allclose(q.T @ q, np.eye(20), rtol=0, atol=1e-13)
    assert np.all(np.diag(q.T @ a) > 0)


def test_orthogonal_weights_are_the_factor_of_the_normal_draws(native: Any) -> None:
    normal = native.initial_weights_f64("lecun_normal", 1.0, 12, 3, 1, 11 * 6).reshape(11, 6)
    q = native.orthonormal_columns(normal)
    np.testing.assert_array_equal(native.initial_weights_f64("orthogonal", 1.0, 12, 3, 11, 6), q)
    np.testing.assert_array_equal(native.initial_weights_f64("orthogonal", 1.0, 12, 3, 6, 11), q.T)
