"""How good predicted numbers are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.evaluation.bootstrap import Interval, check_count, check_weights, differences, intervals, resample_metrics

if TYPE_CHECKING:
    import polars as pl

__all__ = ["LargeError", "RegressionEvaluation"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LargeError:
    """A row and by how much its prediction is off.

    Attributes
    ----------
    place : int
        Which of the judged rows, from 0.
    label : str
    truth, predicted : float

    """

    place: int
    label: str
    truth: float
    predicted: float


@dataclass(frozen=True, slots=True, eq=False)
class RegressionMeasures:
    """The metrics of numbers, for many weightings of the same rows at once."""

    predicted: Array  # (n, k)
    truth: Array
    quantile: float | None
    centre: Array  # (k,): near the truth's mean, so that squares lose nothing to a large one

    def __call__(self, weights: Array) -> dict[str, Array]:
        """Each metric as an (r,) array, for (r, n) weights: the mean over the labels."""
        return _means(self.per_label(weights))

    def with_each_label(self, weights: Array) -> dict[str, Array]:
        """The same, and those of each label."""
        of_labels = self.per_label(weights)
        alone = {_of_label(name, i): v[:, i] for name, v in of_labels.items() for i in range(v.shape[1])}
        return {**_means(of_labels), **alone}

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def per_label(self, weights: Array) -> dict[str, Array]:
        """Each metric of each label, (r, k); infinite where a square is beyond all numbers."""
        error = self.predicted - self.truth
        total = weights.sum(axis=1, keepdims=True)
        centred = self.truth - self.centre
        mean = weights @ centred / total
        squares = weights @ error**2 / total
        spread = np.maximum(weights @ centred**2 / total - mean**2, 0)
        smallest = np.finfo(np.float64).eps * (centred[weights.any(axis=0)] ** 2).max(axis=0, initial=0.0)
        r2 = np.where(spread > smallest, 1 - squares / spread, np.nan)
        found = {"rmse": np.sqrt(squares), "mae": weights @ np.abs(error) / total, "r2": r2}
        if self.quantile is not None:
            found["pinball"] = weights @ np.maximum(-self.quantile * error, (1 - self.quantile) * error) / total
        return found


def _means(of_labels: dict[str, Array]) -> dict[str, Array]:
    return {name: values.mean(axis=1) for name, values in of_labels.items()}


def _of_label(name: str, number: int) -> str:
    """By which name one label's metric goes among metrics."""
    return f"{name} of label {number}"


@dataclass(frozen=True, slots=True, eq=False)
class RegressionEvaluation:
    """Of predicted numbers, in the label's units; of several labels, means over them.

    Attributes
    ----------
    rows : int
    labels : tuple of str
    rmse, mae : float
        Root mean squared error; mean absolute error.
    r2 : float
        1 - squared error / squared deviation from the mean; NaN if the label is constant.
    pinball : float or None
        Mean of max(q e, (q - 1) e) for e = truth - prediction, if the network was trained for the quantile q (Koenker
        & Bassett 1978).
    per_label : dict of label to dict of metric to float
    label_intervals : dict of label to dict of metric to (low, high)
        As `intervals`, for each label.
    intervals : dict of metric to (low, high)
        Between which 95 % of bootstrap resamples lie; empty if none were asked for.
    baseline : dict of metric to float
        Of always saying the mean of the training rows.
    gain : dict of metric to (low, high)
        Intervals of the difference to the baseline, on the same resamples.

    Examples
    --------
    >>> evaluation = RegressionEvaluation.of(np.array([2.0, 4.0, 6.0]), np.array([1.0, 4.0, 8.0]))
    >>> round(evaluation.rmse, 4), evaluation.mae, round(evaluation.r2, 4)
    (1.291, 1.0, 0.7973)

    """

    rows: int
    labels: tuple[str, ...]
    rmse: float
    mae: float
    r2: float
    pinball: float | None
    per_label: dict[str, dict[str, float]]
    label_intervals: dict[str, dict[str, Interval]]
    intervals: dict[str, Interval]
    baseline: dict[str, float]
    gain: dict[str, Interval]
    _measures: RegressionMeasures = field(repr=False)

    @classmethod
    def of(
        cls,
        predicted: NDArray[Any],
        y: NDArray[Any],
        *,
        weights: Array | None = None,
        n_resamples: int = 1000,
        quantile: float | None = None,
        labels: tuple[str, ...] = ("y",),
        baseline: Array | None = None,
    ) -> RegressionEvaluation:
        """From predictions and labels, both (n,) or (n, k).

        Parameters
        ----------
        predicted, y : arrays
        weights : (n,) array, optional
            How much each row counts.
        n_resamples : int, default 1000
            Resamples; 0 for no intervals.
        quantile : float, optional
            What the network was trained to predict, if not the mean.
        labels : tuple of str
        baseline : (k,) array, optional
            The means of the training rows; by default, of these.

        Raises
        ------
        TableError
            If the weights cannot be.

        """
        count = check_weights(weights, len(y))
        said = predicted.astype(np.float64).reshape(len(y), -1)
        truth = y.astype(np.float64).reshape(len(y), -1)
        centre = np.average(truth, axis=0, weights=count)
        measures = RegressionMeasures(said, truth, quantile, centre)
        same = centre if baseline is None else np.asarray(baseline, dtype=np.float64)
        always = RegressionMeasures(np.broadcast_to(same, truth.shape), truth, quantile, centre)
        whole = count.reshape(1, -1)
        found = {name: float(values[0]) for name, values in measures(whole).items()}
        samples = resample_metrics(measures.with_each_label, count, n_resamples)
        bounds = _intervals(samples)
        per_label = measures.per_label(whole)
        return cls(
            rows=len(y), labels=labels, **{"pinball": None, **found},  # type: ignore[arg-type]
            per_label={
                label: {n: float(v[0, i]) for n, v in per_label.items()} for i, label in enumerate(labels)
            },
            label_intervals={
                label: {n: bounds[_of_label(n, i)] for n in per_label if _of_label(n, i) in bounds}
                for i, label in enumerate(labels)
            },
            intervals={name: bounds[name] for name in found if name in bounds},
            baseline={name: float(values[0]) for name, values in always(whole).items()},
            gain=differences(samples, resample_metrics(always, count, n_resamples)), _measures=measures,
        )  # fmt: skip

    def metrics(self) -> dict[str, float]:
        """Each metric by its name."""
        found = {"rmse": self.rmse, "mae": self.mae, "r2": self.r2}
        return found if self.pinball is None else {**found, "pinball": self.pinball}

    def largest_errors(self, most: int = 5) -> list[LargeError]:
        """The rows whose predictions are furthest off, measured by each label's deviation."""
        check_count("mistaken", most)
        truth, said = self._measures.truth, self._measures.predicted
        spread = truth.std(axis=0)
        off = np.abs(said - truth) / np.where(spread > 0, spread, 1)
        first = np.argsort(-off, axis=None, kind="stable")[:most]
        return [
            LargeError(int(i), self.labels[j], float(truth[i, j]), float(said[i, j]))
            for i, j in zip(*np.unravel_index(first, off.shape), strict=True)
            if off[i, j] > 0
        ]

    def pairs(self, label: str) -> tuple[Array, Array]:
        """What is true of a label and what was predicted, both (n,), in its units."""
        place = self.labels.index(label)
        return self._measures.truth[:, place].copy(), self._measures.predicted[:, place].copy()

    def table(self) -> pl.DataFrame:
        """Each metric with its interval and the baseline, as a Polars DataFrame."""
        import polars as pl

        rows = []
        for name, value in self.metrics().items():
            low, high = self.intervals.get(name, (None, None))
            rows.append({"metric": name, "value": value, "low": low, "high": high, "baseline": self.baseline.get(name)})
        return pl.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """As plain data; numbers that are none are None."""
        return {
            "rows": self.rows,
            "labels": list(self.labels),
            **_known(self.metrics()),
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "baseline": _known(self.baseline),
            "gain": {name: list(pair) for name, pair in self.gain.items()},
            "per_label": {label: _known(metrics) for label, metrics in self.per_label.items()},
            "label_intervals": {
                label: {name: list(pair) for name, pair in of_label.items()}
                for label, of_label in self.label_intervals.items()
            },
        }


_intervals = intervals  # `of` has an argument of that name


def _known(metrics: dict[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in metrics.items()}
