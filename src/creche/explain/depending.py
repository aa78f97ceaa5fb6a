"""Partial dependence: what a network says if a column held this or that, all else as it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.errors import PlanError, nearest
from creche.explain.dependence import PartialDependence
from creche.explain.given import called_of, outcomes_of, predicting_of, table_of
from creche.explain.span import Span, span_of
from creche.explain.varying import said_if
from creche.planning import whole

__all__ = ["partial_dependence"]

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
    predicting = predicting_of(model)
    table = table_of(predicting, data)
    points = whole("points", (POINTS if second is None else POINTS_OF_TWO) if points is None else points, at_least=2)
    names = {"column": column} if second is None else {"column": column, "second": second}
    values = _values_of(at, len(names))
    spans = tuple(
        span_of(predicting, table, name, points, wanted, argument)
        for (argument, name), wanted in zip(names.items(), values, strict=True)
    )
    outcomes = outcomes_of(predicting)
    kept = len(table) * len(spans[0]) * len(outcomes)
    if kind == "individual" and kept > MOST_NUMBERS:
        raise PlanError(f"kind: 'individual' would keep {kept:,} numbers; give fewer rows, or fewer points")
    averages, individual = [], []
    for said in said_if(predicting, table, _settings(spans)):
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
        called_of(data, table),
    )


def _settings(spans: tuple[Span, ...]) -> dict[str, Any]:
    """The values of each column in each setting: of two columns, all pairs, the second's faster."""
    places = np.indices(tuple(map(len, spans))).reshape(len(spans), -1)
    return {span.name: span.tried.take(place) for span, place in zip(spans, places, strict=True)}


def _values_of(at: Any, columns: int) -> list[Any]:
    if at is None or columns == 1:
        return [at] * columns
    if not isinstance(at, tuple | list) or len(at) != 2 or any(isinstance(part, str) for part in at):
        raise PlanError(f"at: got {at!r}; needs a pair of lists, one for each column (None for those that are found)")
    return list(at)
