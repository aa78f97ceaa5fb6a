"""Small tables and quick runs that several of these tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import creche
from creche.training.run import Run
from creche.training.train import train

MEASUREMENTS = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
PENGUINS_CSV = Path(creche.__file__).parent / "data" / "penguins.csv"

# Training that goes through all epochs and ends with the weights of the last one.
TO_THE_END: dict[str, Any] = {"early_stopping": False, "keep": "last"}


def two_classes(rows: int = 80, columns: int = 3, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points on both sides of a plane."""
    x = np.random.default_rng(seed).standard_normal((rows, columns))
    return x, (x[:, 0] + x[:, 1] > 0).astype(np.int64)


def line(rows: int = 200, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A label in odd units that depends on two of three columns."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 3))
    return x, 4000 + 700 * x[:, 0] - 300 * x[:, 2] + 20 * rng.standard_normal(rows)


def quick(x: Any, y: Any, **arguments: Any) -> Run:
    """A run of two epochs of a small network, whose neurons can die and whose losses can overflow."""
    return train(x, y, **({"hidden": [6], "activation": "relu", "epochs": 2, "threads": 1} | arguments))


def digest(run: Run) -> bytes:
    """The weights' bytes."""
    return b"".join(w.tobytes() + b.tobytes() for w, b in run.model.weights)
