"""How what a network says depends on a column or two, on average over rows or for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, nearest
from creche.explain.predictions import find_outcome, outcome_names, unique_column_name
from creche.explain.rows import as_predictor, read_rows
from creche.explain.value_grid import ValueGrid, create_grid, predict_settings
from creche.plan.arguments import check_whole_number

if TYPE_CHECKING:
    import polars as pl

__all__ = ["PartialDependence", "partial_dependence"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PartialDependence:
    """What the network says as columns change and all else stays as it is: made by `partial_dependence`.

    Attributes
    ----------
    spans : tuple of Span
        One or two columns, and the values of them that were tried.
    outcomes : tuple
        The classes, or the labels of numbers: k of them.
    of_classes : bool
        Whether the numbers are probabilities.
    label : str
    average : (m, k) or (m, m2, k) float64
        The mean over the rows, for each value tried of the first (and the second) column.
    individual : (n, m, k) float64, or None
        Of each row, if that was asked for.
    row_numbers : (n,) int64
        What the user calls each row.

    """

    spans: tuple[ValueGrid, ...]
    outcomes: tuple[Any, ...]
    of_classes: bool
    label: str
    average: NDArray[np.float64]
    individual: NDArray[np.float64] | None
    row_numbers: NDArray[np.int64]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that were changed."""
        return tuple(span.name for span in self.spans)

    @property
    def ranges(self) -> NDArray[np.float64]:
        """How far apart the least and the greatest average are, (k,)."""
        flat = self.average.reshape(-1, len(self.outcomes))
        return np.asarray(np.ptp(flat, axis=0))

    def number_of(self, of: Any = None) -> int:
        """The place of a class or label; by default, of the one that depends most.

        Raises
        ------
        PlanError
            If there is none of that name.

        """
        return int(np.argmax(self.ranges)) if of is None else find_outcome(self.outcomes, of)

    def measure(self, of: Any) -> str:
        """What the average is of."""
        return f"mean probability of {of}" if self.of_classes else f"mean prediction of {of}"

    def table(self) -> pl.DataFrame:
        """As a Polars DataFrame: the columns, and what was said.

        Of classes there is a row for each value and class, of numbers one for each value; of individual rows, as many
        for each of them, and the row's number.
        """
        import polars as pl

        said = self.average[np.newaxis] if self.individual is None else self.individual
        rows = len(said)
        grid = np.indices((rows, *map(len, self.spans))).reshape(1 + len(self.spans), -1)
        flat = said.reshape(-1, len(self.outcomes))
        repeats = len(self.outcomes) if self.of_classes else 1
        found: dict[str, Any] = {}
        if self.individual is not None:
            found[unique_column_name("row", (*self.columns, self.label, *map(str, self.outcomes)))] = np.repeat(
                self.row_numbers[grid[0]], repeats
            )
        for span, place in zip(self.spans, grid[1:], strict=True):
            values = span.values
            found[span.name] = [values[i] for i in np.repeat(place, repeats).tolist()]
        if self.of_classes:
            found[self.label] = list(self.outcomes) * len(flat)
            found[unique_column_name("probability", (*found,))] = flat.ravel()
        else:
            found |= {str(name): flat[:, i] for i, name in enumerate(self.outcomes)}
        return pl.DataFrame(found)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        columns = [
            {"name": span.name, "kind": span.kind, "is_used": span.is_used,
             "values": [value.isoformat() if hasattr(value, "isoformat") else value for value in span.values]}
            for span in self.spans
        ]  # fmt: skip
        return {
            "label": self.label, "outcomes": [_plain(outcome) for outcome in self.outcomes],
            "of_classes": self.of_classes, "rows": len(self.row_numbers), "columns": columns,
            "average": self.average.tolist(),
            "individual": None if self.individual is None else self.individual.tolist(), "notes": self.notes(),
        }  # fmt: skip

    def notes(self) -> list[str]:
        """What a picture would not show."""
        return [note for span in self.spans for note in span.notes()]

    def plot(self, axes: Any = None, *, of: Any = None) -> Any:
        """Curves, bars or a map, as matplotlib Axes (needs the `plots` extra); `of`: which class or label alone."""
        from creche import plots

        return plots.partial_dependence(self, of=of, axes=axes)

    def __repr__(self) -> str:
        tried = " and ".join(f"{len(span)} values of {span.name}" for span in self.spans)
        return f"PartialDependence({self.label}: {tried}, {len(self.row_numbers):,} rows)"


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


KINDS = ("average", "individual")


POINTS, POINTS_OF_TWO = 50, 25


MOST_NUMBERS = 100_000_000  # of individual rows, kept


def partial_dependence(
    model: Any,
    data: Any,
    column: str,
    *,
    second: str | None = None,
    kind: str = "average",
    points: int | None = None,
    at: Any = None,
) -> PartialDependence:
    """What the network says on average if a column held this value or that in every row, all else as it is.

    The curve says what the network does, not what would happen in the world; and where columns go together, some of
    the rows it is averaged over are unlike any there are. `kind="individual"` shows rows whose curves differ, which an
    average hides.

    Parameters
    ----------
    model : Model or Ensemble
        Also a run, a member of a colony or a fitted estimator.
    data : file name, DataFrame or (n, d) array
        The rows; a label is not needed. Columns of arrays are x0, x1, …
    column : str
    second : str, optional
        A second column, for a grid of both.
    kind : {"average", "individual"}, default "average"
        Whether the numbers of each row are kept too (only of one column).
    points : int, default 50, or 25 of each of two columns
        Of numbers and dates: if the rows hold more values, so many at even shares of the rows are tried.
    at : list of values, optional
        To try in place of those that are found; of two columns, a pair of lists, either of which may be None.

    Returns
    -------
    PartialDependence

    Raises
    ------
    PlanError
        If there is no such column: which there are.
    TableError
        If the rows are not what the model was trained on, or the column is missing in all of them.

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
    >>> dependence.spans[0].values, dependence.average.shape
    (['Biscoe', 'Dream', 'Torgersen'], (3, 3))
    >>> dependence.table().columns
    ['island', 'species', 'probability']
    >>> cr.explain.partial_dependence(model, "penguins", "bill_length_mm", second="sex", points=10).average.shape
    (10, 3, 3)

    """
    if kind not in KINDS:
        raise PlanError(f"kind: got {kind!r}; {nearest(kind, KINDS)}")
    if second is not None and kind == "individual":
        raise PlanError("kind: 'individual' is for one column; leave out second, or ask for the average")
    if second is not None and second == column:
        raise PlanError(f"second: got {second!r}, which is the first column too; give another")
    predicting = as_predictor(model)
    rows = read_rows(predicting, data)
    table = rows.table
    points = check_whole_number(
        "points", (POINTS if second is None else POINTS_OF_TWO) if points is None else points, at_least=2
    )
    names = {"column": column} if second is None else {"column": column, "second": second}
    values = _values_of(at, len(names))
    spans = tuple(
        create_grid(predicting, table, name, points, wanted, argument)
        for (argument, name), wanted in zip(names.items(), values, strict=True)
    )
    outcomes = outcome_names(predicting)
    kept = len(table) * len(spans[0]) * len(outcomes)
    if kind == "individual" and kept > MOST_NUMBERS:
        raise PlanError(f"kind: 'individual' would keep {kept:,} numbers; give fewer rows, or fewer points")
    averages, individual = [], []
    for said in predict_settings(predicting, table, _settings(spans)):
        averages.append(said.mean(axis=1))
        if kind == "individual":
            individual.append(said)
    average = np.concatenate(averages).reshape(*map(len, spans), len(outcomes))
    of_each = np.ascontiguousarray(np.concatenate(individual).transpose(1, 0, 2)) if individual else None
    return PartialDependence(
        spans,
        outcomes,
        predicting.classes is not None,
        predicting.labels.name,
        average,
        of_each,
        rows.row_numbers,
    )


def _settings(spans: tuple[ValueGrid, ...]) -> dict[str, Any]:
    """The values of each column in each setting: of two columns, all pairs, the second's faster."""
    places = np.indices(tuple(map(len, spans))).reshape(len(spans), -1)
    return {span.name: span.tried.take(place) for span, place in zip(spans, places, strict=True)}


def _values_of(at: Any, columns: int) -> list[Any]:
    if at is None or columns == 1:
        return [at] * columns
    if not isinstance(at, tuple | list) or len(at) != 2 or any(isinstance(part, str) for part in at):
        raise PlanError(f"at: got {at!r}; needs a pair of lists, one for each column (None for those that are found)")
    return list(at)
