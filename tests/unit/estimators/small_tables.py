"""Small jobs that the tests of the estimators share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

QUICK: dict[str, Any] = {"hidden": (8,), "epochs": 8, "learning_rate": 0.01, "random_state": 0, "threads": 1}


def three_classes(rows: int = 120, seed: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 4))
    return x, np.digitize(x[:, 0] + x[:, 1] ** 2 / 2 + 0.2 * rng.standard_normal(rows), [0.0, 1.0])


def a_number(rows: int = 120, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 4))
    return x, 100 + 10 * x[:, 0] * x[:, 1] + rng.standard_normal(rows)


def same_weights(a: Any, b: Any) -> bool:
    """Whether two fitted estimators have the same weights and biases, bit for bit."""
    pairs = zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True)
    return all(x.tobytes() == y.tobytes() for x, y in pairs)
