"""Decision regions: the prediction over two numeric columns, with all others fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._progress import OnProgress, StepProgress, watch_steps
from creche.errors import PlanError, TableError, nearest
from creche.explain.predictions import find_encoder, find_outcome, outcome_names, predict_array
from creche.explain.rows import as_predictor, read_rows
from creche.explain.value_grid import predict_settings
from creche.model.predictor import Predictor
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.table.cell_types import ColumnContext, Rule
from creche.table.reading.read import read_table
from creche.table.result_frames import FrameResult, frame_method
from creche.table.table import Column, Table
from creche.table.word_columns import coerce_column

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DecisionRegions", "decision_regions"]

MARGIN = 0.05  # on either side, as a share of a column's range


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DecisionRegions(FrameResult):
    """Predictions over two numeric columns: made by `decision_regions`.

    Attributes
    ----------
    columns : (str, str)
        The columns along x and y.
    x, y : (points,) float64
        Evenly spaced values, from a little below the rows' smallest value to a little above their largest.
    predicted : (points, points, k) float64
        Probabilities, or numbers in the labels' units, by y and then x.
    outcomes : tuple
        The k classes, or the names of the k labels of a regression.
    is_classification : bool
    label : str
        The name of the label.
    others : dict of str to value
        The values at which all other columns are fixed; None for missing.
    rows : (n, 2) float64
        The rows' values in the two columns; NaN where one is missing.
    labels : (n,) array of objects
        The rows' true labels, if they came with them; otherwise their predictions.
    labels_are_true : bool
        Whether `labels` are true labels.

    """

    columns: tuple[str, str]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    predicted: NDArray[np.float64]
    outcomes: tuple[Any, ...]
    is_classification: bool
    label: str
    others: dict[str, Any]
    rows: NDArray[np.float64]
    labels: NDArray[Any]
    labels_are_true: bool

    @property
    def regions(self) -> NDArray[np.int64]:
        """The place of the predicted class at each point, (points, points)."""
        return np.asarray(self.predicted.argmax(axis=2))

    @property
    def shares(self) -> dict[Any, float]:
        """The share of the picture in which each class is predicted; empty for a regression."""
        counts = np.bincount(self.regions.ravel(), minlength=len(self.outcomes)) / self.regions.size
        return dict(zip(self.outcomes, counts.tolist(), strict=True)) if self.is_classification else {}

    def find_outcome(self, target: Any = None) -> int:
        """Return the place of a class or label in `outcomes`.

        Parameters
        ----------
        target : class or name of a label, optional
            By default the first.

        Returns
        -------
        int

        Raises
        ------
        PlanError
            If there is no class or label of that name.

        """
        return 0 if target is None else find_outcome(self.outcomes, target)

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return a DataFrame with one line for each point: both columns, predictions, predicted class."""
        import polars as pl

        x, y = np.meshgrid(self.x, self.y)
        flat = self.predicted.reshape(-1, len(self.outcomes))
        found: dict[str, Any] = {self.columns[0]: x.ravel(), self.columns[1]: y.ravel()}
        if not self.is_classification:
            return pl.DataFrame(found | {str(name): flat[:, i] for i, name in enumerate(self.outcomes)})
        found |= {f"probability of {name}": flat[:, i] for i, name in enumerate(self.outcomes)}
        found[self.label] = [self.outcomes[i] for i in self.regions.ravel().tolist()]
        return pl.DataFrame(found)

    def plot(self, *, target: Any = None, axes: Any = None) -> Any:
        """Draw the regions (needs the `plots` extra); see `creche.plots.decision_regions`.

        Parameters
        ----------
        target : class or name of a label, optional
            The class whose probability has contour lines; by default the likeliest class at each point. For a
            regression with several labels, the label; by default the first.
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche import plots

        return plots.decision_regions(self, target=target, axes=axes)

    def __repr__(self) -> str:
        return (
            f"DecisionRegions({self.label} over {self.columns[0]} and {self.columns[1]}, {self.regions.shape} points)"
        )


@reject_unknown
def decision_regions(
    model: Any,
    data: Any,
    x_column: str,
    y_column: str,
    *,
    points: int = 200,
    others: Mapping[str, Any] | None = None,
    y: Any = None,
    on_progress: OnProgress[StepProgress] = None,
) -> DecisionRegions:
    """Return the predictions over two numeric columns, with all other columns fixed, and the positions of the rows.

    The picture is one slice through the network's predictions. Rows differ from it in the other columns, so a row in
    the region of another class may still be predicted correctly.

    Parameters
    ----------
    model : Model or Ensemble
        Also a run, a member of a colony or a fitted estimator.
    data : file name, DataFrame or (n, d) array
        The rows, which give ranges and fixed values and are marked in the picture, by their label if they have it.
    x_column, y_column : str
        Two numeric columns.
    points : int, default 200
        The number of points along each side.
    others : dict of str to value, optional
        The values of other columns, None for missing. By default numbers are fixed at their mean, dates at the median,
        and categories and booleans at the most frequent value, over the rows in which they are not missing.
    y : (n,) array, optional
        The rows' labels, if `data` is without them.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with a `StepProgress` as it goes on.

    Returns
    -------
    DecisionRegions

    Raises
    ------
    PlanError
        If there is no such column, or it is not numeric.
    TableError
        If a column is missing, or one of the two is empty in all rows.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=20, threads=1).model
    >>> regions = cr.explain.decision_regions(model, "penguins", "bill_length_mm", "bill_depth_mm", points=50)
    >>> regions.predicted.shape, regions.others["island"]
    ((50, 50, 3), 'Biscoe')

    """
    predictor = as_predictor(model)
    rows = read_rows(predictor, data, y)
    table = rows.table
    points = check_whole_number("points", points, at_least=2)
    names = {"x_column": x_column, "y_column": y_column}
    if x_column == y_column:
        raise PlanError(f"y_column: got {y_column!r}, which is the column along x too; give another one")
    numbers = [_numbers(predictor, table, name, argument) for argument, name in names.items()]
    x_values, y_values = (
        _side_values(values, name, points) for values, name in zip(numbers, names.values(), strict=True)
    )
    fixed = _fixed(predictor, table, (x_column, y_column), others)
    grid = np.meshgrid(x_values, y_values)
    changes = {name: Column("number", side.ravel()) for name, side in zip(names.values(), grid, strict=True)}
    one = Table(
        {**{name: Column("number", np.zeros(1)) for name in names.values()}, **fixed}, "others", table.first_row
    )
    with watch_steps(on_progress):
        predicted = np.concatenate([part[:, 0] for part in predict_settings(predictor, one, changes)])
    labels = rows.labels(predictor)
    return DecisionRegions(
        (x_column, y_column), x_values, y_values, predicted.reshape(points, points, -1), outcome_names(predictor),
        predictor.classes is not None, predictor.labels.name,
        {name: column.to_objects()[0] for name, column in fixed.items()}, np.column_stack(numbers),
        _predicted_labels(predictor, table) if labels is None else labels, labels is not None,
        library=table.library,
    )  # fmt: skip


def _numbers(model: Predictor, table: Table, name: str, argument: str) -> NDArray[np.float64]:
    encoder = find_encoder(model, table, name, argument)
    if encoder.role != "numeric" or encoder.kind == "boolean":
        role = "boolean" if encoder.kind == "boolean" else encoder.role
        able = [c.name for c in model.features.columns if c.role == "numeric" and c.kind != "boolean"]
        raise PlanError(f"{argument}: {name!r} is {role}; needs a numeric column: {', '.join(able) or 'there is none'}")
    return coerce_column(table.columns[name], Rule("number", required=True), ColumnContext(table.source, name)).values


def _side_values(values: NDArray[np.float64], name: str, points: int) -> NDArray[np.float64]:
    present = values[np.isfinite(values)]
    if len(present) == 0:
        raise TableError(f"column {name!r}: is missing in all {len(values):,} rows; give rows that hold it")
    low, high = float(present.min()), float(present.max())
    margin = MARGIN * (high - low) or 0.5 * abs(low) or 1.0
    return np.linspace(low - margin, high + margin, points)


def _fixed(
    model: Predictor, table: Table, free: tuple[str, str], others: Mapping[str, Any] | None
) -> dict[str, Column]:
    """Return one value of each column that is fixed."""
    left = [name for name in model.features.names if name not in free]
    for name in others or {}:
        if name in free:
            raise PlanError(f"others: {name!r} is one of the two columns of the picture; leave it out")
        if name not in left:
            raise PlanError(f"others: got {name!r}; {nearest(name, left)}")
    found = {}
    for encoder in model.features.columns:
        name, kind = encoder.name, encoder.kind
        if others is not None and name in others:
            found[name] = read_table({name: [others[name]]}, expected={name: kind}).columns[name]
        elif name in left:
            given = coerce_column(table.columns[name], Rule(kind, required=True), ColumnContext(table.source, name))
            found[name] = _typical_value(given, as_category=encoder.role == "categorical" or kind == "boolean")
    return found


def _typical_value(column: Column, *, as_category: bool) -> Column:
    """Return a column's mean, median or most frequent value over the rows that have one; missing if none has."""
    present = np.flatnonzero(~column.missing)
    if len(present) == 0:
        return column.take(slice(0, 1))
    if as_category:
        values = column.to_objects()[present].tolist()
        counts = Counter(values)
        most_frequent = min(counts, key=lambda value: (-counts[value], str(value)))
        return column.take(present[[values.index(most_frequent)]])
    if column.kind == "datetime":
        return column.take(present[np.argsort(column.values[present], kind="stable")[[(len(present) - 1) // 2]]])
    return Column("number", np.array([column.values[present].astype(np.float64).mean()]))


def _predicted_labels(model: Predictor, table: Table) -> NDArray[Any]:
    predicted, out = predict_array(model, table), np.empty(len(table), dtype=object)
    if model.classes is None:
        out[:] = predicted[:, 0].tolist() if predicted.shape[1] == 1 else [tuple(row) for row in predicted.tolist()]
    else:
        out[:] = [model.classes[i] for i in predicted.argmax(axis=1).tolist()]
    return out
