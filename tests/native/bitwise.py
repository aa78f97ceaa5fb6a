"""Arrays of numbers that leave nothing out, and their comparison bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def every_kind_of_number(dtype: Any, count: int = 20_000) -> Array:
    """Numbers of every size, sign and kind (random bit patterns), ordinary ones, and all the edges."""
    rng = np.random.default_rng(20260101)
    info = np.finfo(dtype)
    unsigned = np.uint32 if dtype is np.float32 else np.uint64
    patterns = rng.integers(0, np.iinfo(unsigned).max, count, dtype=unsigned, endpoint=True).view(dtype)
    edges = [0.0, 1.0, info.tiny, info.smallest_subnormal, info.max, np.inf, info.eps, 0.5, 1e-20]
    return np.concatenate(
        [
            patterns,
            rng.normal(0, 3, count).astype(dtype),
            rng.uniform(-100, 100, count).astype(dtype),
            np.array([s * e for e in edges for s in (1, -1)], dtype),
            np.array([np.nan], dtype),
        ]
    )


def assert_same_bits(actual: Array, expected: Array) -> None:
    """Equal to the last bit, the sign of zero included; any NaN equals any NaN."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    nan = np.isnan(actual)
    np.testing.assert_array_equal(nan, np.isnan(expected))
    unsigned = np.uint32 if actual.dtype == np.float32 else np.uint64
    np.testing.assert_array_equal(actual.view(unsigned)[~nan], expected.view(unsigned)[~nan])
