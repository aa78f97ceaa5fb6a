"""The importance of each column of a table to a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.evaluation.bootstrap import check_count, check_weights
from creche.evaluation.metrics import ClassificationScorer, Metric, RegressionScorer, predict_classes, resolve_metric
from creche.explain.encoded_rows import EncodedRows
from creche.explain.rows import as_predictor, read_observations, read_rows
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.plan.arguments import check_whole_number
from creche.table.labels import encode_classes
from creche.table.observations import Observations
from creche.table.row_weights import resolve_sample_weights

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Measure", "PermutationImportance", "RowMeans", "create_measure", "permutation_importance"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PermutationImportance:
    """How much worse a network predicts without each column: made by `permutation_importance`.

    Attributes
    ----------
    columns : tuple of str
        Of the user's table, the most important first; all arrays are in this order.
    importance : (columns,) float64
        By how much the metric is worse on average when the column's cells are shuffled; in the metric's units. Below 0
        where it is better, by chance.
    low, high : (columns,) float64
        Between which 95 % of resamples of the rows lie (see `permutation_importance`); NaN if none were asked for.
    repeats : (columns, repeats) float64
        Of each shuffle.
    metric : str
    score : float
        The metric with all columns as they are.
    rows : int
        On how many rows.

    """

    columns: tuple[str, ...]
    importance: Array
    low: Array
    high: Array
    repeats: Array
    metric: str
    score: float
    rows: int

    @property
    def deviation(self) -> Array:
        """The standard deviation over the shuffles, (columns,): of one shuffle, not of their mean."""
        return np.asarray(self.repeats.std(axis=1, ddof=1) if self.repeats.shape[1] > 1 else np.full(len(self), np.nan))

    def __len__(self) -> int:
        return len(self.columns)

    def table(self) -> pl.DataFrame:
        """As a Polars DataFrame, a row for each column: its importance, interval, and deviation over the shuffles."""
        import polars as pl

        return pl.DataFrame(
            {
                "column": list(self.columns), "importance": self.importance, "low": self.low, "high": self.high,
                "deviation": self.deviation,
            }
        ).with_columns(pl.col("low", "high", "deviation").fill_nan(None))  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        numbers = zip(self.columns, *(a.tolist() for a in (self.importance, self.low, self.high)), strict=True)
        return {
            "metric": self.metric, "score": self.score, "rows": self.rows, "repeats": self.repeats.shape[1],
            "columns": [
                {"column": name, "importance": value, "interval": None if np.isnan(low) else [low, high]}
                for name, value, low, high in numbers
            ],
        }  # fmt: skip

    def plot(self, axes: Any = None) -> Any:
        """The columns as bars with their intervals, as matplotlib Axes (needs the `plots` extra)."""
        from creche import plots

        return plots.permutation_importance(self, axes=axes)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {value:.3g}" for name, value in zip(self.columns[:3], self.importance, strict=False))
        return f"PermutationImportance({self.metric} {self.score:.4g}; {shown}{', …' if len(self) > 3 else ''})"


Measure: TypeAlias = Callable[[Array], Array]


"""From (r, n) weights of the rows to the metric under each, (r,)."""


def create_measure(
    network: Model | Ensemble, observed: Observations, weights: Array, metric: Metric
) -> Callable[[Array], Measure]:
    """The function that turns predictions, (n, classes) or (n, labels), into the metric's measure.

    Raises
    ------
    TableError
        If the labels are not of the kind that the network was trained on.

    """
    if network.classes is None:
        if observed.y.dtype.kind in "OUS":
            raise TableError(f"label {observed.label!r}: holds words; the network was trained on numbers there")
        true = observed.y.astype(np.float64).reshape(len(observed), -1)
        center = np.average(true, axis=0, weights=weights)
        return lambda predicted: _Measure(RegressionScorer(predicted, true, network.quantile, center), metric)
    classes = encode_classes(observed.y, network.classes, network.labels.name, observed.row_numbers).astype(np.int64)

    def measure(predicted: Array) -> Measure:
        scorer = ClassificationScorer(predicted, classes, predict_classes(predicted, None))
        if metric.row_values is not None:
            return RowMeans(np.asarray(metric.row_values(scorer), dtype=np.float64))
        return _Measure(scorer, metric)

    return measure


@dataclass(frozen=True, slots=True, eq=False)
class RowMeans:
    """A metric that is a mean over the rows, (n,) `values`."""

    values: Array

    def __call__(self, weights: Array) -> Array:
        return np.asarray(weights @ self.values / weights.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class _Measure:
    """Any other metric; of several labels, its mean over them."""

    scorer: ClassificationScorer | RegressionScorer
    metric: Metric

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def __call__(self, weights: Array) -> Array:
        values = self.metric.compute(self.scorer.measured(weights))
        return values if values.ndim == 1 else np.asarray(values.mean(axis=1))


MOST_REPEATS = 10_000


COVERED = (2.5, 97.5)  # percent


# Rows times resamples: with more rows, fewer resamples are taken, for the intervals are narrow anyway.
MOST_DRAWS = 40_000_000


FEWEST = 50


DRAWS_AT_A_TIME = 500_000


# Rows times columns times resamples times shuffles, of metrics that are no means over rows: with many rows, one shuffle
# has pairs enough.
MOST_EVALUATIONS = 100_000_000


def permutation_importance(
    model: Any,
    data: Any,
    y: Any = None,
    *,
    metric: str | None = None,
    repeats: int = 20,
    seed: int = 0,
    sample_weight: Any = None,
    n_resamples: int = 200,
) -> PermutationImportance:
    """How much worse a network predicts when the cells of one column are shuffled among the rows.

    Shuffling leaves a column's values as they are and takes from it all that it says about the label and about the
    other columns; by how much the metric becomes worse is what the network got from it (Breiman 2001, section 10;
    Fisher, Rudin & Dominici 2019, eq. 3, as a difference). It is about this network, not about the world.

    Columns that say the same stand in for each other: each may seem to matter little because the network has the
    other, and shuffling one alone makes rows that cannot be, such as a heavy penguin with the shortest flippers. Such
    columns are better judged together, or by networks trained without them.

    Rows that the network was trained on tell what it has learnt, chance included; others tell what of it holds.

    Parameters
    ----------
    model : Model, Ensemble, Run or Member
    data : file name or DataFrame with the label column, or (n, d) array
        At least two rows.
    y : (n,) array, optional
        The labels, if `data` is without them.
    metric : str, optional
        Any of `creche.evaluation`: of classes log_loss (the default), accuracy, balanced_accuracy, auc, f1, brier or
        calibration_error; of numbers rmse (the default), mae or r2; of quantiles also pinball (their default).
    repeats : int, default 20
        How often each column is shuffled. The same orders are used for all columns.
    seed : int, default 0
    sample_weight : (n,) array or name of a column, optional
        How much each row counts in the metric.
    n_resamples : int, default 200
        Resamples of the rows for intervals of 95 %; 0 for none. Fewer are taken, but at least 50, of very many rows.

    Returns
    -------
    PermutationImportance
        The columns of the user's table, the most important first. A column that becomes several inputs, such as a
        category, is shuffled as one.

    Raises
    ------
    TableError
        If there is no label or one row only, or the metric cannot be worked out on these rows.
    PlanError
        If there is no such metric.

    Notes
    -----
    The intervals tell how far the importance would move had other rows of the same kind been there. Rows are drawn
    anew (Efron 1979), each both as one that is judged and as one whose cell another is given: a pair of rows counts
    as often as one was drawn times as often as the other. So they cover the luck of the shuffles as well. What they do
    not cover is that training again would give another network. `deviation` is that over the shuffles alone.

    The table is encoded once and the encoded cells are shuffled, which comes to the same.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", learning_rate=0.01, epochs=60, threads=1).model
    >>> importance = cr.explain.permutation_importance(model, "penguins", repeats=5)
    >>> importance.columns[0], importance.metric
    ('bill_length_mm', 'log_loss')
    >>> bool((importance.low <= importance.importance).all())
    True

    """
    network = as_predictor(model)
    repeats, seed = (
        check_whole_number("repeats", repeats, at_least=1, at_most=MOST_REPEATS),
        check_whole_number("seed", seed, at_least=0),
    )
    check_count("n_resamples", n_resamples)
    chosen = resolve_metric(metric, "regression" if network.classes is None else "classification", network.quantile)
    observed = read_observations(network, data, y)
    if len(observed) < 2:
        raise TableError("data: has one row; shuffling cells among rows needs at least two")
    weights = check_weights(resolve_sample_weights(sample_weight, observed), len(observed))
    encoded = EncodedRows(network, read_rows(network, observed))
    measure_of = create_measure(network, observed, weights, chosen)
    plain = measure_of(encoded.predict())
    score = float(plain(weights[np.newaxis])[0])
    if not np.isfinite(score):
        raise TableError(
            f"metric: {chosen.key} cannot be worked out on these {len(observed):,} rows (is there one class, or one "
            "value, only?); choose another, or give other rows"
        )
    sign = 1.0 if chosen.lower_is_better else -1.0
    names = network.features.names
    cells, is_quick = len(observed) * len(names), isinstance(plain, RowMeans)
    most = MOST_DRAWS // len(observed) if is_quick else MOST_EVALUATIONS // cells
    draws = _Draws(len(observed), min(int(n_resamples), max(FEWEST, most)), seed)
    looked_at = repeats if is_quick else min(repeats, max(1, MOST_EVALUATIONS // max(1, cells * draws.count)))
    each = np.empty((len(names), repeats))
    resampled = np.zeros((len(names), draws.count))
    rng = np.random.default_rng([seed, 0])
    for k in range(repeats):
        order = rng.permutation(len(observed))
        measures = [measure_of(encoded.predict_shuffled(column, order)) for column in range(len(names))]
        each[:, k] = [sign * (float(measure(weights[np.newaxis])[0]) - score) for measure in measures]
        if k < looked_at:
            resampled += sign * draws.differences(plain, measures, weights, order) / looked_at
    resampled += (each.mean(axis=1) - each[:, :looked_at].mean(axis=1))[:, np.newaxis]
    return _sorted(names, each, resampled, chosen.key, score, len(observed))


class _Draws:
    """How often each row is drawn in each resample."""

    def __init__(self, rows: int, resamples: int, seed: int) -> None:
        self.count = resamples
        rng = np.random.default_rng([seed, 1])
        self._counts = np.empty((self.count, rows), dtype=np.uint8)
        for i in range(self.count):
            self._counts[i] = np.minimum(np.bincount(rng.integers(rows, size=rows), minlength=rows), 255)

    @np.errstate(invalid="ignore", divide="ignore")
    def differences(self, plain: Measure, shuffled: list[Measure], weights: Array, order: NDArray[np.int64]) -> Array:
        """Of each column, (columns, resamples): how much more the metric is where rows have others' cells."""
        found = np.empty((len(shuffled), self.count))
        at_a_time = max(1, DRAWS_AT_A_TIME // len(order))
        more = None
        if isinstance(plain, RowMeans):
            more = np.column_stack([one.values - plain.values for one in shuffled if isinstance(one, RowMeans)])
        for begin in range(0, self.count, at_a_time):
            some = slice(begin, begin + at_a_time)
            counts = self._counts[some].astype(np.float64)
            pairs = counts * counts[:, order] * weights
            if more is not None:
                found[:, some] = (pairs @ more).T / pairs.sum(axis=1)
                continue
            without = plain(pairs)
            for column, measure in enumerate(shuffled):
                found[column, some] = measure(pairs) - without
        return found


def _sorted(
    names: tuple[str, ...], each: Array, resampled: Array, metric: str, score: float, rows: int
) -> PermutationImportance:
    """The most important first."""
    importance = each.mean(axis=1)
    low, high = np.full(len(names), np.nan), np.full(len(names), np.nan)
    for column, values in enumerate(resampled):
        known = values[np.isfinite(values)]
        if len(known):
            low[column], high[column] = np.percentile(known, COVERED)
    first = np.argsort(-importance, kind="stable")
    return PermutationImportance(
        tuple(names[i] for i in first), importance[first], low[first], high[first], each[first], metric, score, rows
    )
