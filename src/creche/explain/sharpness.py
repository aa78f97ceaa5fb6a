"""The sharpness of the loss, and the learning rate up to which gradient descent can converge there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import batch_internals
from creche.engine.native import Rows
from creche.engine.parameters import Parameters
from creche.plan.optimizers import SGD
from creche.plan.plan import Plan

__all__ = ["edge_of_stability", "sharpness"]

ITERATIONS = 30
TOLERANCE = 1e-3


def edge_of_stability(plan: Plan, parameters: Parameters, rows: Rows) -> float | None:
    """Return the learning rate above which the plan's gradient descent cannot converge near these parameters.

    2 / s for plain gradient descent, 2 (1 + mu) / s with momentum mu, 2 (1 + mu) / (s (1 + 2 mu)) with Nesterov's,
    where s is the sharpness, the largest eigenvalue of the loss's second derivatives (Cohen et al. 2021, "Gradient
    Descent on Neural Networks Typically Occurs at the Edge of Stability", section 2 and appendix B).

    Returns
    -------
    float or None
        None for other optimizers and clipped gradients, which have no such edge, for parameters with different learning
        rates, and where the loss does not curve upward.

    """
    optimizer = plan.optimizer
    if not isinstance(optimizer, SGD) or optimizer.clip_norm or optimizer.clip_value or optimizer.dampening == 1:
        return None
    if optimizer.parameterization != "standard" or not optimizer.has_default("groups"):
        return None
    sharp = sharpness(plan, parameters, rows)
    if sharp is None or sharp <= 0:
        return None
    momentum = optimizer.momentum
    edge = 2 * (1 + momentum) / sharp / (1 - optimizer.dampening)
    return edge / (1 + 2 * momentum) if optimizer.nesterov else edge


def sharpness(plan: Plan, parameters: Parameters, rows: Rows) -> float | None:
    """Return the largest eigenvalue, in absolute value, of the loss's Hessian, by power iteration in float64.

    Returns
    -------
    float or None
        None where the loss or its gradient is not finite.

    """
    plan = replace(plan, precision="float64")

    def of(array: NDArray[np.floating] | None) -> NDArray[np.float64] | None:
        return None if array is None else array.astype(np.float64)

    rows = Rows(rows.x.astype(np.float64), rows.classes, of(rows.targets), of(rows.weights))
    with np.errstate(all="ignore"):
        at = parameters.flatten()
        direction = np.random.default_rng(0).standard_normal(len(at))
        eigenvalue = np.nan
        for _ in range(ITERATIONS):
            length = float(np.linalg.norm(direction))
            if length == 0 or not np.isfinite(length):
                break
            direction /= length
            step = 1e-5 * max(1.0, float(np.linalg.norm(at)) / np.sqrt(len(at)))
            above, below = (
                batch_internals(plan, parameters.unflatten(at + s * direction), rows).gradients.flatten()
                for s in (step, -step)
            )
            turned = (above - below) / (2 * step)
            previous, eigenvalue = eigenvalue, float(direction @ turned)
            if abs(eigenvalue - previous) <= TOLERANCE * abs(eigenvalue):
                break
            direction = turned
    return eigenvalue if np.isfinite(eigenvalue) else None
