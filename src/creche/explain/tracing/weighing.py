"""How much each row of a traced batch counts: as in training, unless it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.table.columns import Table
from creche.table.labels import class_numbers
from creche.table.observations import Observations
from creche.table.preparation import Preparation
from creche.table.weights import class_weights, sample_weights

if TYPE_CHECKING:
    from creche.model import Model

__all__ = ["as_in_training"]


def as_in_training(
    model: Model, preparation: Preparation | None, rows: Observations
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """The weights that training gives these rows, (n,) or None, and what is to be said of them.

    The column of weights counts if the table has it; class weights, "balanced" among them, are those of the training
    rows.
    """
    if preparation is None:
        return None, ()
    weights, said = None, []
    column = preparation.sample_weight
    if column is not None:
        if isinstance(rows.x, Table) and column in rows.x.columns:
            weights = sample_weights(column, rows)
            said.append(f"each row counts by its {column}, as in training")
        else:
            said.append(f"training counted rows by {column}, which this table lacks: here all count the same")
    if preparation.class_weight is not None:
        weights = _of_classes(model, preparation.class_weight, rows, weights)
        said.append("each row counts by the weight of its class, as in training")
    return weights, tuple(said)


def _of_classes(
    model: Model, class_weight: Any, rows: Observations, weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    if class_weight != "balanced":
        return class_weights(class_weight, rows, model.labels, weights)
    assert model.labels.classes is not None
    shares = np.array(model.labels.baseline)
    of_class = 1 / (len(shares) * np.where(shares > 0, shares, 1.0))
    of_row = of_class[class_numbers(rows.y, model.labels.classes, model.labels.name, rows.called)]
    return np.asarray(of_row if weights is None else of_row * weights)
