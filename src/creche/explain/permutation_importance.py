"""Permutation importance: how much worse a network predicts with the cells of one column shuffled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._progress import OnProgress, StepProgress, count_steps, watch_steps
from creche.errors import TableError
from creche.evaluation.bootstrap import MIN_ROWS, check_count, check_weights
from creche.evaluation.metrics import MetricName, resolve_metric
from creche.explain.encoded_rows import EncodedRows
from creche.explain.rows import as_predictor, read_observations, read_rows
from creche.explain.weighted_metric import Measure, RowMeans, create_measure
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.table.result_frames import FrameResult, frame_method
from creche.table.row_weights import resolve_sample_weights
from creche.table.training_summary import TrainingRows

if TYPE_CHECKING:
    import polars as pl

__all__ = ["PermutationImportance", "permutation_importance"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PermutationImportance(FrameResult):
    """How much worse a network predicts without each column: made by `permutation_importance`.

    Attributes
    ----------
    columns : tuple of str
        The columns of the table, the most important first; all arrays are in this order.
    importance : (columns,) float64
        How much worse the metric is on average when the column's cells are shuffled, in the metric's units; negative
        if it is better by chance.
    low, high : (columns,) float64
        The bounds of the 95 % confidence interval (bootstrap over the rows); NaN without resamples, and for fewer
        than ten rows.
    repeats : (columns, repeats) float64
        The importance in each shuffle.
    metric : str
        The metric's name.
    score : float
        The metric on the table as it is.
    rows : int
        The number of rows.
    training_rows : TrainingRows or None
        How many of the rows the model was trained on; None if there are none.

    """

    columns: tuple[str, ...]
    importance: Array
    low: Array
    high: Array
    repeats: Array
    metric: str
    score: float
    rows: int
    training_rows: TrainingRows | None = None

    @property
    def deviation(self) -> Array:
        """The standard deviation over the shuffles, (columns,): that of one shuffle, not of their mean."""
        return np.asarray(self.repeats.std(axis=1, ddof=1) if self.repeats.shape[1] > 1 else np.full(len(self), np.nan))

    def __len__(self) -> int:
        return len(self.columns)

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return a DataFrame with one row for each column: its importance, interval and deviation."""
        import polars as pl

        return pl.DataFrame(
            {
                "column": list(self.columns), "importance": self.importance, "low": self.low, "high": self.high,
                "deviation": self.deviation,
            }
        ).with_columns(pl.col("low", "high", "deviation").fill_nan(None))  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        numbers = zip(self.columns, *(a.tolist() for a in (self.importance, self.low, self.high)), strict=True)
        return {
            "metric": self.metric, "score": self.score, "rows": self.rows, "repeats": self.repeats.shape[1],
            "columns": [
                {"column": name, "importance": value, "interval": None if np.isnan(low) else [low, high]}
                for name, value, low, high in numbers
            ],
            **({} if self.training_rows is None else {"training_rows": self.training_rows.to_dict()}),
        }  # fmt: skip

    def plot(self, *, axes: Any = None) -> Any:
        """Draw the importance as bars with intervals (needs the `plots` extra).

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche import plots

        return plots.permutation_importance(self, axes=axes)

    def __repr__(self) -> str:
        first = ", ".join(f"{name} {value:.3g}" for name, value in zip(self.columns[:3], self.importance, strict=False))
        return f"PermutationImportance({self.metric} {self.score:.4g}; {first}{', …' if len(self) > 3 else ''})"


MAX_REPEATS = 10_000
PERCENTILES = (2.5, 97.5)

# Rows times resamples: many rows have narrow intervals, for which fewer resamples do.
MAX_DRAWS = 40_000_000
MIN_RESAMPLES = 50
DRAWS_AT_A_TIME = 500_000

# Rows times columns times resamples times shuffles, for metrics that are not means over rows: with many rows, one
# shuffle has enough pairs.
MAX_EVALUATIONS = 100_000_000


@reject_unknown
def permutation_importance(
    model: Any,
    data: Any,
    y: Any = None,
    *,
    metric: MetricName | None = None,
    repeats: int = 20,
    seed: int = 0,
    sample_weight: Any = None,
    n_resamples: int = 200,
    on_progress: OnProgress[StepProgress] = None,
) -> PermutationImportance:
    """Return how much worse a network predicts when the cells of one column are shuffled among the rows.

    Shuffling keeps a column's values but removes their relation to the label and to the other columns. How much worse
    the metric becomes is what the network gained from the column (Breiman 2001, section 10; Fisher, Rudin & Dominici
    2019, eq. 3, as a difference). This describes the network, not the world.

    Columns with the same information replace each other: each may seem unimportant because the network has the other,
    and shuffling one alone creates impossible rows, such as a heavy penguin with the shortest flippers. It is better to
    compare with networks that are trained without such columns.

    On training rows, the importance includes what the network memorized; on other rows, only what generalizes.

    Parameters
    ----------
    model : Model, Ensemble, Run, Member of a colony or fitted estimator
    data : file name or DataFrame with the label column, or (n, d) array
        The rows, at least two.
    y : (n,) array, optional
        The labels, if `data` is without them.
    metric : str, optional
        For classification log_loss (the default), accuracy, balanced_accuracy, auc, f1, brier or calibration_error; for
        regression rmse (the default), mae or r2; for quantile regression also pinball (its default).
    repeats : int, default 20
        How often each column is shuffled. All columns are shuffled in the same orders.
    seed : int, default 0
        The seed of the shuffles and resamples.
    sample_weight : (n,) array or name of a column, optional
        How much each row counts in the metric.
    n_resamples : int, default 200
        Bootstrap resamples of the rows for 95 % confidence intervals; 0 for none. For very many rows fewer are drawn,
        but at least 50.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with a `StepProgress` after each shuffled column.

    Returns
    -------
    PermutationImportance
        The columns of the table, the most important first. A column that becomes several inputs, such as a category,
        is shuffled as one.

    Raises
    ------
    TableError
        If there is no label, only one row, or the metric is undefined on these rows.
    PlanError
        If there is no such metric.

    Notes
    -----
    The intervals show how much the importance would vary with other rows of the same kind. Rows are resampled (Efron
    1979) both as rows that are predicted and as rows that lend their cells: the weight of a pair of rows is how often
    the one was drawn times how often the other was. So the intervals include the randomness of the shuffles. They do
    not include that training again would give another network. `deviation` is due to the shuffles alone.

    The table is encoded once and the encoded cells are shuffled, which gives the same predictions.

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
        check_whole_number("repeats", repeats, at_least=1, at_most=MAX_REPEATS),
        check_whole_number("seed", seed, at_least=0),
    )
    check_count("n_resamples", n_resamples)
    chosen = resolve_metric(metric, network.labels.task, len(network.quantiles), is_ordered=network.labels.is_ordered)
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
            f"metric: {chosen.key} is undefined on these {len(observed):,} rows (do they have only one class, or one "
            "value?); choose another metric, or other rows"
        )
    sign = 1.0 if chosen.lower_is_better else -1.0
    names = network.features.names
    cells, is_row_mean = len(observed) * len(names), isinstance(plain, RowMeans)
    affordable = MAX_DRAWS // len(observed) if is_row_mean else MAX_EVALUATIONS // cells
    wanted = int(n_resamples) if np.count_nonzero(weights) >= MIN_ROWS else 0
    draws = _Draws(len(observed), min(wanted, max(MIN_RESAMPLES, affordable)), seed)
    resampled_repeats = repeats if is_row_mean else min(repeats, max(1, MAX_EVALUATIONS // max(1, cells * draws.count)))
    each = np.empty((len(names), repeats))
    resampled = np.zeros((len(names), draws.count))
    rng = np.random.default_rng([seed, 0])
    with watch_steps(on_progress), count_steps(repeats * len(names), "shuffled columns") as report:
        for k in range(repeats):
            order = rng.permutation(len(observed))
            measures = []
            for column in range(len(names)):
                measures.append(measure_of(encoded.predict_shuffled(column, order)))
                report(k * len(names) + column + 1)
            each[:, k] = [sign * (float(measure(weights[np.newaxis])[0]) - score) for measure in measures]
            if k < resampled_repeats:
                resampled += sign * draws.differences(plain, measures, weights, order) / resampled_repeats
    resampled += (each.mean(axis=1) - each[:, :resampled_repeats].mean(axis=1))[:, np.newaxis]
    result = _sort_columns(names, each, resampled, chosen.key, score, len(observed))
    return replace(result, training_rows=network.find_training_rows(observed.x), library=observed.library)


class _Draws:
    """Bootstrap resamples: how often each row is drawn in each."""

    def __init__(self, rows: int, resamples: int, seed: int) -> None:
        self.count = resamples
        rng = np.random.default_rng([seed, 1])
        self._counts = np.empty((self.count, rows), dtype=np.uint8)
        for i in range(self.count):
            self._counts[i] = np.minimum(np.bincount(rng.integers(rows, size=rows), minlength=rows), 255)

    @np.errstate(invalid="ignore", divide="ignore")
    def differences(self, plain: Measure, shuffled: list[Measure], weights: Array, order: NDArray[np.int64]) -> Array:
        """Return how much each shuffled column increases the metric in each resample, (columns, resamples)."""
        increases = np.empty((len(shuffled), self.count))
        at_a_time = max(1, DRAWS_AT_A_TIME // len(order))
        row_increases = None
        if isinstance(plain, RowMeans):
            row_increases = np.column_stack(
                [one.values - plain.values for one in shuffled if isinstance(one, RowMeans)]
            )
        for begin in range(0, self.count, at_a_time):
            some = slice(begin, begin + at_a_time)
            counts = self._counts[some].astype(np.float64)
            pairs = counts * counts[:, order] * weights
            if row_increases is not None:
                increases[:, some] = (pairs @ row_increases).T / pairs.sum(axis=1)
                continue
            without = plain(pairs)
            for column, measure in enumerate(shuffled):
                increases[column, some] = measure(pairs) - without
        return increases


def _sort_columns(
    names: tuple[str, ...], each: Array, resampled: Array, metric: str, score: float, rows: int
) -> PermutationImportance:
    """Return the result, the most important column first."""
    importance = each.mean(axis=1)
    low, high = np.full(len(names), np.nan), np.full(len(names), np.nan)
    for column, values in enumerate(resampled):
        known = values[np.isfinite(values)]
        if len(known):
            low[column], high[column] = np.percentile(known, PERCENTILES)
    first = np.argsort(-importance, kind="stable")
    return PermutationImportance(
        tuple(names[i] for i in first), importance[first], low[first], high[first], each[first], metric, score, rows
    )
