"""The elementary functions against mpmath, and against themselves on other lanes and levels."""

from __future__ import annotations

import functools
import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest

from creche import _core
from tests.native.bitwise import Array, assert_same_bits, every_kind_of_number

FLOATS = [np.float32, np.float64]
LANES = [1, 4, 8, 16]
SAMPLES = 1500
INFINITY = float("inf")


@dataclass(frozen=True)
class Function:
    name: str
    result: int  # which of the function's results
    exact: Callable[[Any], Any]
    samples: Callable[[Any, np.random.Generator], list[Array]]
    bound: float  # ulp, as the headers state


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> Array:
    return 10.0 ** rng.uniform(low, high, SAMPLES)


def _uniform(rng: np.random.Generator, *ranges: tuple[float, float]) -> list[Array]:
    return [rng.uniform(low, high, SAMPLES) for low, high in ranges]


def _around_zero(dtype: Any, rng: np.random.Generator) -> list[Array]:
    far = 85 if dtype is np.float32 else 700
    return _uniform(rng, (-1, 1), (-6, 6), (-far, far))


def _normal_range(dtype: Any, rng: np.random.Generator) -> list[Array]:
    far = 13 if dtype is np.float32 else 37
    return _uniform(rng, (-1, 1), (-6, 6), (-far, far))


def _positive(dtype: Any, rng: np.random.Generator) -> list[Array]:
    far = 37 if dtype is np.float32 else 307
    smallest, one = np.finfo(dtype).smallest_subnormal, 1 + _log_uniform(rng, -8, -1)
    return [_log_uniform(rng, -far, far), rng.uniform(0.4, 2.5, SAMPLES), one, smallest * np.arange(1.0, 100.0)]


def _unit(dtype: Any, rng: np.random.Generator) -> list[Array]:
    return [rng.uniform(0, 1, SAMPLES), rng.uniform(0.41, 0.42, SAMPLES), _log_uniform(rng, -30, 0), np.array([1.0])]


def _turns(_: Any, rng: np.random.Generator) -> list[Array]:
    return [*_uniform(rng, (-1, 1), (-1e4, 1e4)), _log_uniform(rng, -20, 9)]


def _exp_range(dtype: Any, rng: np.random.Generator) -> list[Array]:
    return _uniform(rng, (-1, 1), (-87, 88.7) if dtype is np.float32 else (-708, 709.7))


def _nonpositive(_: Any, rng: np.random.Generator) -> list[Array]:
    return [-rng.uniform(0, 3, SAMPLES), -_log_uniform(rng, -30, 3)]


FUNCTIONS = [
    Function("exp", 0, mpmath.exp, _exp_range, 1.2),
    Function("expm1_nonpositive", 0, mpmath.expm1, _nonpositive, 1.5),
    Function("tanh", 0, mpmath.tanh, _around_zero, 3.0),
    Function("sigmoid", 0, lambda x: 1 / (1 + mpmath.exp(-x)), _around_zero, 3.0),
    Function("sigmoid", 1, lambda x: 1 / (1 + mpmath.exp(x)), _around_zero, 3.0),
    Function("log", 0, mpmath.log, _positive, 1.5),
    Function("log1p_unit", 0, mpmath.log1p, _unit, 2.0),
    Function("softplus", 0, lambda x: mpmath.log1p(mpmath.exp(x)), _around_zero, 2.0),
    Function("sin2pi", 0, lambda x: mpmath.sinpi(2 * x), _turns, 2.0),
    Function("cos2pi", 0, lambda x: mpmath.cospi(2 * x), _turns, 2.0),
    Function("normal_distribution", 0, lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2, _normal_range, 6.0),
    Function("normal_distribution", 1, lambda x: mpmath.npdf(x), _normal_range, 3.0),
]
NAMES = sorted({f.name for f in FUNCTIONS})


@functools.cache
def _exact_values(function: Function, dtype: Any) -> tuple[Array, list[Any]]:
    """Arguments of the type, and the function of each to 100 bits."""
    samples = function.samples(dtype, np.random.default_rng(7))
    x = np.concatenate(samples).astype(dtype)
    with mpmath.workprec(140):
        return x, [function.exact(mpmath.mpf(v)) for v in x.tolist()]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f"{f.name}-{f.result}")
def test_error_stays_within_the_stated_bound(native: ModuleType, function: Function, dtype: Any) -> None:
    x, exact = _exact_values(function, dtype)
    y = getattr(native, function.name)(x, 16)[function.result]
    digits = np.finfo(dtype).nmant + 1
    worst, where = 0.0, 0.0
    with mpmath.workprec(140):
        for argument, got, wanted in zip(x.tolist(), y.tolist(), exact, strict=True):
            if abs(wanted) < np.finfo(dtype).tiny:  # gradual or flushed to 0, but of no great size
                assert abs(got) <= np.finfo(dtype).tiny
                continue
            ulp = mpmath.ldexp(1, int(mpmath.frexp(wanted)[1]) - digits)
            error = float(abs(mpmath.mpf(got) - wanted) / ulp)
            if error > worst:
                worst, where = error, argument
    assert worst <= function.bound, f"{function.name}({where!r}) is {worst:.2f} ulp off"


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_lanes(native: ModuleType, name: str, dtype: Any) -> None:
    x = every_kind_of_number(dtype)
    one_by_one = getattr(native, name)(x, 1)
    for lanes in LANES[1:]:
        assert_same_bits(getattr(native, name)(x, lanes), one_by_one)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_the_level(native: ModuleType, name: str, dtype: Any) -> None:
    other = importlib.import_module(f"creche._core._testing_{_core.levels()[0].replace('-', '_')}")
    x = every_kind_of_number(dtype)
    assert_same_bits(getattr(native, name)(x, 16), getattr(other, name)(x, 16))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_nan_gives_nan(native: ModuleType, name: str, dtype: Any) -> None:
    unsigned, payload = (np.uint32, 0x7FC12345) if dtype is np.float32 else (np.uint64, 0x7FF8000012345FFF)
    x = np.array([np.nan, -np.nan, np.array(payload, unsigned).view(dtype)], dtype)
    assert np.isnan(getattr(native, name)(x, 4)).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("exp", [0.0, -0.0, INFINITY, -INFINITY], [1.0, 1.0, INFINITY, 0.0]),
        ("expm1_nonpositive", [0.0, -INFINITY, -1e30], [0.0, -1.0, -1.0]),
        ("tanh", [0.0, -0.0, INFINITY, -INFINITY, 1e30], [0.0, -0.0, 1.0, -1.0, 1.0]),
        ("log", [1.0, 0.0, -0.0, INFINITY, -1.0, -INFINITY], [0.0, -INFINITY, -INFINITY, INFINITY, np.nan, np.nan]),
        ("log1p_unit", [0.0, 1.0], [0.0, np.log(2.0)]),
        ("softplus", [INFINITY, -INFINITY, 1e30, -1e30], [INFINITY, 0.0, 1e30, 0.0]),
        ("sin2pi", [0.0, 0.25, 0.75, -0.25, 1e6 + 0.25, INFINITY], [0.0, 1.0, -1.0, -1.0, 1.0, np.nan]),
        ("cos2pi", [0.0, 0.5, 1.0, -0.5, 1e30, -INFINITY], [1.0, -1.0, 1.0, -1.0, 1.0, np.nan]),
    ],
)
def test_edges(native: ModuleType, name: str, x: list[float], expected: list[float], dtype: Any) -> None:
    assert_same_bits(getattr(native, name)(np.array(x, dtype), 8)[0], np.array(expected, dtype))


@pytest.mark.parametrize("dtype", FLOATS)
def test_quarter_turns_are_exact_zeros(native: ModuleType, dtype: Any) -> None:
    halves = np.array([0, 0.5, 1, -0.5, -3, 1000.5, 2.0**30], dtype)
    assert (native.sin2pi(halves, 4)[0] == 0).all()
    assert (native.cos2pi(halves[:-1] + dtype(0.25), 4)[0] == 0).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_exp_overflows_and_underflows_where_it_says(native: ModuleType, dtype: Any) -> None:
    info = np.finfo(dtype)
    with mpmath.workprec(140):
        largest = _nearest_within(mpmath.log(mpmath.mpf(float(info.max))), dtype, -1)
        smallest = _nearest_within(mpmath.log(mpmath.mpf(float(info.tiny))), dtype, 1)
    x = np.array([largest, smallest], dtype)
    inside = native.exp(x, 1)[0]
    outside = native.exp(np.nextafter(x, np.array([np.inf, -np.inf], dtype)), 1)[0]
    assert inside[0] > info.max / 2
    assert info.tiny <= inside[1] < info.tiny * 2
    np.testing.assert_array_equal(outside, np.array([np.inf, 0], dtype))


def _nearest_within(x: Any, dtype: Any, direction: int) -> Any:
    """The number of the type nearest x on that side of it."""
    y = dtype(float(x))
    while (mpmath.mpf(float(y)) - x) * direction < 0:
        y = np.nextafter(y, dtype(direction * np.inf))
    return y


@pytest.mark.parametrize("dtype", FLOATS)
def test_sigmoid_and_its_complement_mirror_each_other(native: ModuleType, dtype: Any) -> None:
    x = every_kind_of_number(dtype)
    value, complement = native.sigmoid(x, 16)
    mirrored, mirrored_complement = native.sigmoid(-x, 16)
    zero = x == 0  # both halves are 1/2 there
    assert_same_bits(value[~zero], mirrored_complement[~zero])
    assert_same_bits(complement[~zero], mirrored[~zero])
    assert (value[zero] == 0.5).all()


def test_coefficients_are_those_that_the_fit_prints() -> None:
    root = Path(__file__).parents[2]
    script = [sys.executable, str(root / "tools" / "fit_polynomials.py")]
    printed = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    literals = re.findall(r"-?0x1[.0-9a-f]*p[+-][0-9]+f?", printed)
    headers = "".join(path.read_text() for path in sorted((root / "core" / "simd").glob("*.hpp")))
    assert len(literals) > 60
    assert [literal for literal in literals if literal not in headers] == []
