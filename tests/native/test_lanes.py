"""The lane type against NumPy: one correctly rounded operation per lane, however many lanes there are."""

from __future__ import annotations

import operator
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.native.bitwise import Array, assert_same_bits, every_kind_of_number

FLOATS = [np.float32, np.float64]
LANES = [1, 4, 8, 16]

both = pytest.mark.parametrize("dtype", FLOATS, ids=["float32", "float64"])
all_lanes = pytest.mark.parametrize("lanes", LANES)

UNARY: dict[str, Any] = {
    "negate": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "sign": lambda a: np.where(a > 0, 1, np.where(a < 0, -1, 0)).astype(a.dtype),  # of NaN, too, it is 0
    "through_bits": np.copy,
    "in_register": np.copy,
}
BINARY: dict[str, Any] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "add_in_place": np.add,
    "subtract_in_place": np.subtract,
    "multiply_in_place": np.multiply,
    # The second of two where neither is greater: of NaN and a number, of 0 and -0.
    "max": lambda a, b: np.where(a > b, a, b),
    "min": lambda a, b: np.where(a < b, a, b),
    "copysign": np.copysign,
}
COMPARISONS: dict[str, Any] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
    "> and not ==": lambda a, b: (a > b) & ~(a == b), "< or >": lambda a, b: (a < b) | (a > b),
}  # fmt: skip


def edges(dtype: Any) -> Array:
    """Numbers at which rules change."""
    info = np.finfo(dtype)
    positive = [0.0, info.smallest_subnormal, info.tiny / 2, info.tiny, 1.0, 1.5, info.max, np.inf]
    return np.array([*positive, *(-value for value in positive), np.nan], dtype)


def pairs(dtype: Any) -> tuple[Array, Array]:
    """Numbers of every kind beside others, equal ones, and each edge beside each."""
    a = every_kind_of_number(dtype, 2000)
    b = np.random.default_rng(1).permutation(a)
    one, other = (grid.ravel() for grid in np.meshgrid(edges(dtype), edges(dtype)))
    return np.concatenate([a, a, one]), np.concatenate([b, a, other])


def quietly(reference: Any, *arrays: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(reference(*arrays))


@both
@all_lanes
@pytest.mark.parametrize("name", UNARY)
def test_operations_of_one_number(native: ModuleType, name: str, lanes: int, dtype: Any) -> None:
    x = np.concatenate([every_kind_of_number(dtype, 2000), edges(dtype)])
    assert_same_bits(native.lanes_unary(name, x, lanes), quietly(UNARY[name], x))


@both
@all_lanes
@pytest.mark.parametrize("name", BINARY)
def test_operations_of_two_numbers(native: ModuleType, name: str, lanes: int, dtype: Any) -> None:
    a, b = pairs(dtype)
    assert_same_bits(native.lanes_binary(name, a, b, lanes), quietly(BINARY[name], a, b))


@both
@all_lanes
@pytest.mark.parametrize("name", COMPARISONS)
def test_a_mask_has_all_bits_of_a_lane_or_none(native: ModuleType, name: str, lanes: int, dtype: Any) -> None:
    a, b = pairs(dtype)
    holds = quietly(COMPARISONS[name], a, b)
    np.testing.assert_array_equal(native.lanes_compare(name, a, b, lanes), np.where(holds, -1, 0))
    yes, no = every_kind_of_number(dtype, 2000)[: len(edges(dtype))], edges(dtype)
    yes, no = np.resize(yes, len(a)), np.resize(no, len(a))
    assert_same_bits(native.lanes_select(name, a, b, yes, no, lanes), np.where(holds, yes, no))


@both
@all_lanes
def test_any_lane_counts(native: ModuleType, lanes: int, dtype: Any) -> None:
    x = np.full(lanes, -1, dtype)
    assert not native.lanes_any_positive(x, lanes)
    for lane in range(lanes):
        x[lane] = 1
        assert native.lanes_any_positive(x, lanes)
        x[lane] = np.nan
        assert not native.lanes_any_positive(x, lanes)


@both
@all_lanes
def test_one_number_goes_to_every_lane(native: ModuleType, lanes: int, dtype: Any) -> None:
    for value in edges(dtype):
        x = np.arange(lanes, dtype=dtype)
        x[0] = value
        assert_same_bits(native.lanes_unary("first_in_every_lane", x, lanes), np.full(lanes, value, dtype))


@both
@all_lanes
@pytest.mark.parametrize("aligned", [False, True])
def test_what_is_loaded_is_stored(native: ModuleType, lanes: int, aligned: bool, dtype: Any) -> None:
    x = every_kind_of_number(dtype, 50)
    unsigned = np.uint32 if dtype is np.float32 else np.uint64
    for offset in range(5):
        copied = native.lanes_copied(x, lanes, offset, aligned)
        whole = (len(x) - offset) // lanes * lanes
        expected = np.zeros_like(x)
        expected[offset : offset + whole] = x[offset : offset + whole]
        np.testing.assert_array_equal(copied.view(unsigned), expected.view(unsigned))  # each bit, of NaN too


# ---- a * b + c, rounded once: against whole fractions


def rounded(exact: Fraction, dtype: Any) -> Any:
    """The nearest number, of two the even one; `exact` is within the range of the type."""
    near = dtype(float(exact))
    with np.errstate(over="ignore"):
        candidates = [near, np.nextafter(near, dtype(np.inf)), np.nextafter(near, dtype(-np.inf))]
    unsigned = np.uint32 if dtype is np.float32 else np.uint64

    def distance(value: Any) -> tuple[Fraction, int]:
        return abs(Fraction(float(value)) - exact), int(value.view(unsigned)) & 1

    return min((value for value in candidates if np.isfinite(value)), key=distance)


def multiplied_and_added(a: Any, b: Any, c: Any, dtype: Any) -> Any:
    plain = dtype(np.float64(a) * np.float64(b) + np.float64(c))  # what it is where no number is finite, or exactly 0
    if not np.isfinite([a, b, c]).all():
        return plain
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    info = np.finfo(dtype)
    if exact == 0:
        return plain
    if (
        abs(exact)
        >= Fraction(float(info.max)) + Fraction(float(info.max) - float(np.nextafter(info.max, dtype(0)))) / 2
    ):
        return dtype(np.copysign(np.inf, float(exact > 0) - 0.5))
    return rounded(exact, dtype)


@both
@all_lanes
def test_multiply_add_is_rounded_once(native: ModuleType, lanes: int, dtype: Any) -> None:
    rng = np.random.default_rng(3)
    a, b, c = (rng.normal(0, 3, 300).astype(dtype) for _ in range(3))
    any_a, any_b, any_c = (rng.permutation(every_kind_of_number(dtype, 200)) for _ in range(3))
    grid = [grid.ravel() for grid in np.meshgrid(*[edges(dtype)[::2]] * 3)]
    with np.errstate(all="ignore"):
        # What a product loses when it is rounded first.
        a, b, c = np.concatenate([a, a]), np.concatenate([b, b]), np.concatenate([c, -(a * b)])
        scaled = dtype(2.0) ** rng.integers(-40, 40, len(a)).astype(dtype)
        x, y, z = (
            np.concatenate(parts)
            for parts in zip((a, b, c), (a * scaled, b, c * scaled), (any_a, any_b, any_c), grid, strict=True)
        )
        expected = np.array([multiplied_and_added(*each, dtype) for each in zip(x, y, z, strict=True)], dtype)
        apart = (x * y + z).astype(dtype)
    assert_same_bits(native.lanes_fma(x, y, z, lanes), expected)
    finite = np.isfinite(expected)
    assert (apart[finite] != expected[finite]).mean() > 0.1  # so that a product rounded by itself would be found out


def test_a_level_says_how_wide_its_registers_are(native: ModuleType, level: str) -> None:
    assert native.register_bytes == {"x86-64-v4": 64, "x86-64-v3": 32, "neon": 16}[level]
