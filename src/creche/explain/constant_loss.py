"""The loss of the best constant prediction, with which the losses of a run are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from creche.engine.native import new_predictor
from creche.engine.stored_rows import as_rows

if TYPE_CHECKING:
    from creche.training.run import Run

__all__ = ["constant_loss"]


def constant_loss(run: Run) -> float | None:
    """Return the training loss of the best constant prediction; None for a custom loss, where it is not known.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> import creche as cr
    >>> x, y = np.arange(8.0).reshape(-1, 1), np.arange(8) % 2
    >>> run = cr.train(x, y, epochs=1, validation_fraction=0, threads=1)
    >>> math.isclose(constant_loss(run), math.log(2), rel_tol=1e-6)
    True

    """
    plan, rows = run.current_plan, as_rows(run.rows)
    if plan.loss.is_python:
        return None
    parameters = run.parameters.map(np.zeros_like)
    labels = rows.targets if rows.classes is None else rows.classes
    assert labels is not None
    parameters.layers[-1][1][:] = plan.loss.best_constant(labels, rows.weights, plan.network.outputs)
    loss, _ = new_predictor(plan, parameters, run.threads).evaluate(rows.x, rows.classes, rows.targets, rows.weights)
    return float(loss)
