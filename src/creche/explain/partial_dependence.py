"""Partial dependence: how the prediction depends on one or two columns, on average or for each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from creche._progress import OnProgress, StepProgress, watch_steps
from creche.errors import PlanError
from creche.explain.predictions import find_outcome, outcome_names, unique_column_name
from creche.explain.rows import as_predictor, read_rows
from creche.explain.value_grid import ValueGrid, create_grid, predict_settings
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.plan.words import check_word
from creche.table.result_frames import FrameResult, frame_method

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Kind", "PartialDependence", "partial_dependence"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PartialDependence(FrameResult):
    """Predictions as one or two columns change and all others stay as they are: made by `partial_dependence`.

    Attributes
    ----------
    grids : tuple of ValueGrid
        The one or two columns with the values that were tried.
    outcomes : tuple
        The k classes, or the names of the k labels of a regression.
    is_classification : bool
        Whether predictions are probabilities.
    label : str
        The name of the label.
    average : (m, k) or (m, m2, k) float64
        The mean prediction over the rows, for each value of the first (and the second) column.
    individual : (n, m, k) float64, or None
        The predictions of each row, if they were asked for.
    row_numbers : (n,) int64
        The row numbers.

    """

    grids: tuple[ValueGrid, ...]
    outcomes: tuple[Any, ...]
    is_classification: bool
    label: str
    average: NDArray[np.float64]
    individual: NDArray[np.float64] | None
    row_numbers: NDArray[np.int64]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that were changed."""
        return tuple(grid.name for grid in self.grids)

    @property
    def ranges(self) -> NDArray[np.float64]:
        """The difference between the highest and the lowest average for each class or label, (k,)."""
        flat = self.average.reshape(-1, len(self.outcomes))
        return np.asarray(np.ptp(flat, axis=0))

    def find_outcome(self, target: Any = None) -> int:
        """Return the place of a class or label in `outcomes`.

        Parameters
        ----------
        target : class or name of a label, optional
            By default the one that depends most on the columns.

        Returns
        -------
        int

        Raises
        ------
        PlanError
            If there is no class or label of that name.

        """
        return int(np.argmax(self.ranges)) if target is None else find_outcome(self.outcomes, target)

    def axis_title(self, outcome: Any) -> str:
        """Return the title of an axis that shows the average.

        Parameters
        ----------
        outcome : class or name of a label

        """
        return f"mean probability of {outcome}" if self.is_classification else f"mean prediction of {outcome}"

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return a DataFrame: the columns, and the predictions for their values.

        A classification has one row for each value and class, a regression one row for each value. Individual
        predictions have as many for each row of the data, with its number.
        """
        import polars as pl

        predictions = self.average[np.newaxis] if self.individual is None else self.individual
        rows = len(predictions)
        places = np.indices((rows, *map(len, self.grids))).reshape(1 + len(self.grids), -1)
        flat = predictions.reshape(-1, len(self.outcomes))
        repeats = len(self.outcomes) if self.is_classification else 1
        columns: dict[str, Any] = {}
        if self.individual is not None:
            columns[unique_column_name("row", (*self.columns, self.label, *map(str, self.outcomes)))] = np.repeat(
                self.row_numbers[places[0]], repeats
            )
        for grid, place in zip(self.grids, places[1:], strict=True):
            values = grid.values
            columns[grid.name] = [values[i] for i in np.repeat(place, repeats).tolist()]
        if self.is_classification:
            columns[self.label] = list(self.outcomes) * len(flat)
            columns[unique_column_name("probability", (*columns,))] = flat.ravel()
        else:
            columns |= {str(name): flat[:, i] for i, name in enumerate(self.outcomes)}
        return pl.DataFrame(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        columns = [
            {"name": grid.name, "kind": grid.kind, "is_used": grid.is_used,
             "values": [value.isoformat() if hasattr(value, "isoformat") else value for value in grid.values]}
            for grid in self.grids
        ]  # fmt: skip
        return {
            "label": self.label, "outcomes": [_plain(outcome) for outcome in self.outcomes],
            "is_classification": self.is_classification, "rows": len(self.row_numbers), "columns": columns,
            "average": self.average.tolist(),
            "individual": None if self.individual is None else self.individual.tolist(), "notes": self.notes(),
        }  # fmt: skip

    def notes(self) -> list[str]:
        """Return remarks that a picture does not show."""
        return [note for grid in self.grids for note in grid.notes()]

    def plot(self, *, target: Any = None, axes: Any = None) -> Any:
        """Draw curves, bars or a map (needs the `plots` extra); see `creche.plots.partial_dependence`.

        Parameters
        ----------
        target : class or name of a label, optional
            The only class or label to draw. For two columns, by default the one that depends on them most. With two
            classes, by default the second.
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche import plots

        return plots.partial_dependence(self, target=target, axes=axes)

    def __repr__(self) -> str:
        tried = " and ".join(f"{len(grid)} values of {grid.name}" for grid in self.grids)
        return f"PartialDependence({self.label}: {tried}, {len(self.row_numbers):,} rows)"


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


Kind: TypeAlias = Literal["average", "individual"]
KINDS: tuple[Kind, ...] = get_args(Kind)
POINTS, POINTS_OF_TWO = 50, 25
MAX_NUMBERS = 100_000_000  # of individual predictions


@reject_unknown
def partial_dependence(
    model: Any,
    data: Any,
    column: str,
    *,
    second: str | None = None,
    kind: Kind = "average",
    points: int | None = None,
    at: Any = None,
    on_progress: OnProgress[StepProgress] = None,
) -> PartialDependence:
    """Return the average prediction for each value of a column, set in every row with all other columns unchanged.

    The curve describes the network, not what would happen in the world. Where columns are correlated, some of the rows
    it averages over are unlike any real row. `kind="individual"` also returns each row's own curve, because an average
    hides how rows differ.

    Parameters
    ----------
    model : Model or Ensemble
        Also a run, a member of a colony or a fitted estimator.
    data : file name, DataFrame or (n, d) array
        The rows; labels are not needed. Columns of arrays are x0, x1, …
    column : str
        The column to vary.
    second : str, optional
        A second column, to vary both on a grid.
    kind : {"average", "individual"}, default "average"
        Whether to keep the predictions of each row too (for one column only).
    points : int, optional
        The number of values of a numeric or datetime column: if the rows hold more, these quantiles are tried. By
        default 50, or 25 for each of two columns.
    at : list of values, optional
        The values to try; for two columns, a pair of lists, or None for one of them. By default they are taken
        from the data.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with a `StepProgress` as it goes on.

    Returns
    -------
    PartialDependence

    Raises
    ------
    PlanError
        If there is no such column; the error lists those there are.
    TableError
        If a column is missing, or the column to vary is empty in all rows.

    Notes
    -----
    Friedman 2001, "Greedy function approximation", section 8.2, by its definition: the mean of all rows' predictions.
    Individual curves: Goldstein et al. 2015, "Peeking inside the black box". Probabilities are averaged, not their
    logarithms.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=20, threads=1).model
    >>> dependence = cr.explain.partial_dependence(model, "penguins", "island")
    >>> dependence.grids[0].values, dependence.average.shape
    (['Biscoe', 'Dream', 'Torgersen'], (3, 3))
    >>> dependence.table().columns
    ['island', 'species', 'probability']
    >>> cr.explain.partial_dependence(model, "penguins", "bill_length_mm", second="sex", points=10).average.shape
    (10, 3, 3)

    """
    kind = check_word("kind", kind, KINDS)
    if second is not None and kind == "individual":
        raise PlanError("kind: 'individual' is for one column; leave out second, or use 'average'")
    if second is not None and second == column:
        raise PlanError(f"second: got {second!r}, which is the first column too; give another one")
    predictor = as_predictor(model)
    rows = read_rows(predictor, data)
    table = rows.table
    points = check_whole_number(
        "points", (POINTS if second is None else POINTS_OF_TWO) if points is None else points, at_least=2
    )
    names = {"column": column} if second is None else {"column": column, "second": second}
    values = _values_of(at, len(names))
    grids = tuple(
        create_grid(predictor, table, name, points, wanted, argument)
        for (argument, name), wanted in zip(names.items(), values, strict=True)
    )
    outcomes = outcome_names(predictor)
    kept = len(table) * len(grids[0]) * len(outcomes)
    if kind == "individual" and kept > MAX_NUMBERS:
        raise PlanError(f"kind: 'individual' would keep {kept:,} predictions; give fewer rows, or fewer points")
    averages, individual = [], []
    with watch_steps(on_progress):
        for predictions in predict_settings(predictor, table, _settings(grids)):
            averages.append(predictions.mean(axis=1))
            if kind == "individual":
                individual.append(predictions)
    average = np.concatenate(averages).reshape(*map(len, grids), len(outcomes))
    by_row = np.ascontiguousarray(np.concatenate(individual).transpose(1, 0, 2)) if individual else None
    return PartialDependence(
        grids,
        outcomes,
        predictor.classes is not None,
        predictor.labels.name,
        average,
        by_row,
        rows.row_numbers,
        library=table.library,
    )


def _settings(grids: tuple[ValueGrid, ...]) -> dict[str, Any]:
    """Return the values of each column in each setting: for two columns all pairs, the second varying faster."""
    places = np.indices(tuple(map(len, grids))).reshape(len(grids), -1)
    return {grid.name: grid.tried.take(place) for grid, place in zip(grids, places, strict=True)}


def _values_of(at: Any, columns: int) -> list[Any]:
    if at is None or columns == 1:
        return [at] * columns
    if not isinstance(at, tuple | list) or len(at) != 2 or any(isinstance(part, str) for part in at):
        raise PlanError(f"at: got {at!r}; needs a pair of lists, one for each column, or None to find its values")
    return list(at)
