"""The rows that an explanation is of: a user's table, read and encoded as the model's training rows were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creche.engine.native import Rows
from creche.errors import TableError
from creche.table.observations import Observations
from creche.table.prepare import encoded_features, label_rows
from creche.table.weights import sample_weights

if TYPE_CHECKING:
    from creche.model import Model

__all__ = ["Batch", "batch_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows with their labels.

    Attributes
    ----------
    observations : Observations
        As given: columns, labels, and what the user calls each row (`called`).
    rows : Rows
        As the engine reads them.
    inputs : tuple of str
        The names of the network's inputs: the columns of ``rows.x``.

    """

    observations: Observations
    rows: Rows
    inputs: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)


def batch_of(model: Model, data: Any, y: Any = None, *, sample_weight: Any = None) -> Batch:
    """Rows of a file, a DataFrame or arrays, for a model; arguments as for `Model.evaluate`.

    Raises
    ------
    TableError
        If there is no row, a column or the label is missing, or holds what it did not hold in training.

    """
    if data is None:
        raise TableError("data: is missing; a model keeps no rows, so give those to explain it by")
    observed = data if isinstance(data, Observations) else model.observe(data, y)
    weights = sample_weights(sample_weight, observed)
    precision = model.plan.precision
    x = encoded_features(model.features, observed.x, precision, observed.called)
    classes, targets = label_rows(observed.y, model.labels, model.plan.loss, precision, observed.called)
    rows = Rows(x, classes, targets, None if weights is None else weights.astype(precision))
    return Batch(observed, rows, tuple(model.features.inputs))
