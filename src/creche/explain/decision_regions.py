"""Where a network says what, over two columns, with all others fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, TableError, nearest
from creche.explain.predictions import find_encoder, find_outcome, outcome_names, predict_array
from creche.explain.rows import as_predictor, read_rows
from creche.explain.value_grid import predict_settings
from creche.model.predictor import Predictor
from creche.plan.arguments import check_whole_number
from creche.table.cell_types import ColumnContext, Rule, coerce_column
from creche.table.reading.read import read_table
from creche.table.table import Column, Table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DecisionRegions", "decision_regions"]

MARGIN = 0.05  # of the range of a column, to either side


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DecisionRegions:
    """What the network says over two columns of numbers: made by `decision_regions`.

    Attributes
    ----------
    columns : (str, str)
    x, y : (points,) float64
        Evenly spaced, from a little below the least value of the rows to a little above the greatest.
    predicted : (points, points, k) float64
        Probabilities, or numbers in the labels' units; the first place is that of y.
    outcomes : tuple
        The classes, or the labels of numbers: k of them.
    of_classes : bool
    label : str
    others : dict of str to value
        What all other columns are fixed at; None for missing.
    rows : (n, 2) float64
        The rows' values of the two columns; NaN where one is missing.
    labels : (n,) array of objects
        The rows' own labels, if they came with them, or else what the network says of the rows as they are.
    labels_are_given : bool

    """

    columns: tuple[str, str]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    predicted: NDArray[np.float64]
    outcomes: tuple[Any, ...]
    of_classes: bool
    label: str
    others: dict[str, Any]
    rows: NDArray[np.float64]
    labels: NDArray[Any]
    labels_are_given: bool

    @property
    def regions(self) -> NDArray[np.int64]:
        """The place of the likeliest class, (points, points)."""
        return np.asarray(self.predicted.argmax(axis=2))

    @property
    def shares(self) -> dict[Any, float]:
        """Of classes: the share of the picture in which each is the likeliest."""
        counts = np.bincount(self.regions.ravel(), minlength=len(self.outcomes)) / self.regions.size
        return dict(zip(self.outcomes, counts.tolist(), strict=True)) if self.of_classes else {}

    def number_of(self, of: Any = None) -> int:
        """The place of a class or label, the first by default; PlanError if there is none of that name."""
        return 0 if of is None else find_outcome(self.outcomes, of)

    def table(self) -> pl.DataFrame:
        """As a Polars DataFrame, a line for each point: both columns, what is said, and of classes the likeliest."""
        import polars as pl

        x, y = np.meshgrid(self.x, self.y)
        flat = self.predicted.reshape(-1, len(self.outcomes))
        found: dict[str, Any] = {self.columns[0]: x.ravel(), self.columns[1]: y.ravel()}
        if not self.of_classes:
            return pl.DataFrame(found | {str(name): flat[:, i] for i, name in enumerate(self.outcomes)})
        found |= {f"probability of {name}": flat[:, i] for i, name in enumerate(self.outcomes)}
        found[self.label] = [self.outcomes[i] for i in self.regions.ravel().tolist()]
        return pl.DataFrame(found)

    def plot(self, axes: Any = None, *, of: Any = None) -> Any:
        """The regions as matplotlib Axes (needs the `plots` extra); `of`: the class or label whose lines are drawn."""
        from creche import plots

        return plots.decision_regions(self, of=of, axes=axes)

    def __repr__(self) -> str:
        return (
            f"DecisionRegions({self.label} over {self.columns[0]} and {self.columns[1]}, {self.regions.shape} points)"
        )


def decision_regions(
    model: Any,
    data: Any,
    x_column: str,
    y_column: str,
    *,
    points: int = 200,
    others: Mapping[str, Any] | None = None,
    y: Any = None,
) -> DecisionRegions:
    """What the network says over two columns of numbers, all other columns fixed, and where the rows lie.

    It is one slice through what the network does. Rows differ from it in the other columns, so that a row may lie in a
    region of another class and yet be predicted right.

    Parameters
    ----------
    model : Model or Ensemble
        Also a run, a member of a colony or a fitted estimator.
    data : file name, DataFrame or (n, d) array
        Rows to take ranges and fixed values from, and to mark; with the label column, they are marked by it.
    x_column, y_column : str
        Columns of numbers.
    points : int, default 200
        Along each side.
    others : dict of str to value, optional
        What other columns are fixed at, None for missing; by default numbers at their mean, dates at the one in the
        middle, and categories and yes/no at the commonest, over the rows in which they are not missing.
    y : (n,) array, optional
        The rows' labels, if `data` is without them.

    Returns
    -------
    DecisionRegions

    Raises
    ------
    PlanError
        If there is no such column, or it holds no numbers.
    TableError
        If the rows are not what the model was trained on, or a column is missing in all of them.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=20, threads=1).model
    >>> regions = cr.explain.decision_regions(model, "penguins", "bill_length_mm", "bill_depth_mm", points=50)
    >>> regions.predicted.shape, regions.others["island"]
    ((50, 50, 3), 'Biscoe')

    """
    predicting = as_predictor(model)
    rows = read_rows(predicting, data, y)
    table = rows.table
    points = check_whole_number("points", points, at_least=2)
    names = {"x_column": x_column, "y_column": y_column}
    if x_column == y_column:
        raise PlanError(f"y_column: got {y_column!r}, which is the column along x too; give another")
    numbers = [_numbers(predicting, table, name, argument) for argument, name in names.items()]
    along_x, along_y = (_side(values, name, points) for values, name in zip(numbers, names.values(), strict=True))
    fixed = _fixed(predicting, table, (x_column, y_column), others)
    grid = np.meshgrid(along_x, along_y)
    changes = {name: Column("number", side.ravel()) for name, side in zip(names.values(), grid, strict=True)}
    one = Table(
        {**{name: Column("number", np.zeros(1)) for name in names.values()}, **fixed}, "others", table.first_row
    )
    said = np.concatenate([part[:, 0] for part in predict_settings(predicting, one, changes)])
    labels = rows.labels(predicting)
    return DecisionRegions(
        (x_column, y_column), along_x, along_y, said.reshape(points, points, -1), outcome_names(predicting),
        predicting.classes is not None, predicting.labels.name,
        {name: column.to_objects()[0] for name, column in fixed.items()}, np.column_stack(numbers),
        _said_labels(predicting, table) if labels is None else labels, labels is not None,
    )  # fmt: skip


def _numbers(model: Predictor, table: Table, name: str, argument: str) -> NDArray[np.float64]:
    encoder = find_encoder(model, table, name, argument)
    if encoder.role != "numeric" or encoder.kind == "boolean":
        what = "yes or no" if encoder.kind == "boolean" else "dates" if encoder.role == "datetime" else "categories"
        able = [c.name for c in model.features.columns if c.role == "numeric" and c.kind != "boolean"]
        raise PlanError(
            f"{argument}: {name!r} holds {what}; regions are over numbers: {', '.join(able) or 'none here'}"
        )
    return coerce_column(table.columns[name], Rule("number", required=True), ColumnContext(table.source, name)).values


def _side(values: NDArray[np.float64], name: str, points: int) -> NDArray[np.float64]:
    present = values[np.isfinite(values)]
    if len(present) == 0:
        raise TableError(f"column {name!r}: is missing in all {len(values):,} rows; give rows that hold it")
    low, high = float(present.min()), float(present.max())
    margin = MARGIN * (high - low) or 0.5 * abs(low) or 1.0
    return np.linspace(low - margin, high + margin, points)


def _fixed(
    model: Predictor, table: Table, free: tuple[str, str], others: Mapping[str, Any] | None
) -> dict[str, Column]:
    """One value of each column that does not change."""
    left = [name for name in model.features.names if name not in free]
    for name in others or {}:
        if name in free:
            raise PlanError(f"others: {name!r} is one of the two columns that change; leave it out")
        if name not in left:
            raise PlanError(f"others: got {name!r}; {nearest(name, left)}")
    found = {}
    for encoder in model.features.columns:
        name, kind = encoder.name, encoder.kind
        if others is not None and name in others:
            found[name] = read_table({name: [others[name]]}, expected={name: kind}).columns[name]
        elif name in left:
            given = coerce_column(table.columns[name], Rule(kind, required=True), ColumnContext(table.source, name))
            found[name] = _usual(given, as_category=encoder.role == "categorical" or kind == "boolean")
    return found


def _usual(column: Column, *, as_category: bool) -> Column:
    """The mean, the middle or the commonest of a column, over rows in which it is not missing; missing if none is."""
    present = np.flatnonzero(~column.missing)
    if len(present) == 0:
        return column.take(slice(0, 1))
    if as_category:
        values = column.to_objects()[present].tolist()
        counts = Counter(values)
        commonest = min(counts, key=lambda value: (-counts[value], str(value)))
        return column.take(present[[values.index(commonest)]])
    if column.kind == "datetime":
        return column.take(present[np.argsort(column.values[present], kind="stable")[[(len(present) - 1) // 2]]])
    return Column("number", np.array([column.values[present].astype(np.float64).mean()]))


def _said_labels(model: Predictor, table: Table) -> NDArray[Any]:
    said, out = predict_array(model, table), np.empty(len(table), dtype=object)
    if model.classes is None:
        out[:] = said[:, 0].tolist() if said.shape[1] == 1 else [tuple(row) for row in said.tolist()]
    else:
        out[:] = [model.classes[i] for i in said.argmax(axis=1).tolist()]
    return out
