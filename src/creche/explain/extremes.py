"""Numbers that are far too large for a network: the column and row they stand in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows
from creche.explain.tracing.features import as_given, given_features
from creche.table.observations import Observations

if TYPE_CHECKING:
    from creche.run import Run
    from creche.table.encode import Encoder

__all__ = ["Extreme", "extreme_of"]

FAR = 30.0  # of a standardised column hardly any number is this far from 0


@dataclass(frozen=True, slots=True)
class Extreme:
    """A number that goes into the network far too large.

    Attributes
    ----------
    column : str
        The column, or the label, as the user calls it.
    is_label : bool
    row : int
        As the user calls it.
    given : str
        The value as it stands in the table.
    encoded : float
        As the network takes it.
    is_constant : bool
        Whether the column is the same in all training rows, and so can teach nothing.

    """

    column: str
    is_label: bool
    row: int
    given: str
    encoded: float
    is_constant: bool

    def __str__(self) -> str:
        what = "The label" if self.is_label else "Column"
        constant = ", and is the same in all training rows" if self.is_constant else ""
        return (
            f"{what} {self.column!r} is {self.given} in row {self.row}, which the network takes as "
            f"{self.encoded:.4g}{constant}: it works with numbers around 1; let columns be standardised, or scale it"
        )


def extreme_of(run: Run, failed: tuple[Observations, Rows, int] | None, training: Rows) -> Extreme | None:
    """The largest number of the row that failed if it is far from 0, or else of all training rows; None if none is.

    Parameters
    ----------
    run : Run
    failed : (Observations, Rows, int), optional
        The rows among which one failed, and its place there.
    training : Rows
        All training rows.

    """
    if failed is not None:
        observed, rows, row = failed
        found = _largest(run, observed, rows, np.array([row]), training)
        if found is not None:
            return found
    return _largest(run, run.prepared.train.observations, training, np.arange(len(training)), training)


def _largest(run: Run, observed: Observations, rows: Rows, which: NDArray[np.int64], training: Rows) -> Extreme | None:
    sizes = np.abs(rows.x[which])
    place, column = np.unravel_index(int(np.argmax(sizes)), sizes.shape)
    row = int(which[place])
    of_label = 0.0 if rows.targets is None else float(np.abs(rows.targets[which]).max())
    if max(of_label, float(sizes.max())) <= FAR:
        return None
    if of_label > sizes.max():
        return _of_label(run, observed, rows, which)
    name = next(c.name for c, end in _ends(run) if column < end)
    given = given_features(observed.take(np.array([row])), run.prepared.features.names)
    constant = bool((training.x[:, column] == training.x[0, column]).all())
    value = as_given(given[name][0]) if name in given else ""
    return Extreme(name, False, int(observed.called[row]), value, float(rows.x[row, column]), constant)


def _ends(run: Run) -> list[tuple[Encoder, int]]:
    """Each column's encoder with where its inputs end."""
    columns = run.prepared.features.columns
    return list(zip(columns, np.cumsum([column.width for column in columns]).tolist(), strict=True))


def _of_label(run: Run, observed: Observations, rows: Rows, which: NDArray[np.int64]) -> Extreme:
    assert rows.targets is not None
    place, k = np.unravel_index(int(np.argmax(np.abs(rows.targets[which]))), rows.targets[which].shape)
    row = int(which[place])
    given = observed.y.reshape(len(observed.y), -1)[row, k]
    name = run.prepared.labels.names[int(k)]
    return Extreme(name, True, int(observed.called[row]), as_given(float(given)), float(rows.targets[row, k]), False)
