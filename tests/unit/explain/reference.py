"""Networks worked out in NumPy, in float64: what pictures of the loss are compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import new_run
from creche.engine.parameters import Layers, Parameters
from creche.explain.rows import create_batch
from creche.model.model import Model


def cross_entropy(weights: Layers, x: NDArray[Any], classes: NDArray[Any]) -> float:
    """The mean loss of a relu network."""
    left = x.astype(np.float64)
    for i, (w, b) in enumerate(weights):
        left = left @ np.asarray(w, dtype=np.float64) + b
        left = np.maximum(left, 0) if i < len(weights) - 1 else left
    left = left - left.max(axis=1, keepdims=True)
    chosen = left[np.arange(len(left)), classes]
    return float(np.mean(np.log(np.exp(left).sum(axis=1)) - chosen))


def copied(weights: Layers) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    return [(w.copy(), b.copy()) for w, b in weights]


def alone(model: Model, weights: Layers, data: Any) -> float:
    """The loss that the engine gives for one network by itself."""
    rows = create_batch(model, data).rows
    run = new_run(model.plan, rows, None, 1)
    run.set_parameters(dict(Parameters.of_layers(weights)))
    return float(run.evaluate(rows.x, rows.classes, rows.targets, rows.weights)[0])
