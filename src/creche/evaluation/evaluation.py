"""What evaluations of classes and of numbers share: metrics with confidence intervals and a baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.evaluation.bootstrap import Interval
from creche.evaluation.metrics import MAIN_METRICS, METRICS, nan_to_none
from creche.table.result_frames import FrameResult, frame_method

if TYPE_CHECKING:
    import polars as pl

    from creche.table.training_summary import TrainingRows

__all__ = ["Evaluation", "MetricValue"]


class MetricValue:
    """A metric as an attribute: ``evaluation.log_loss`` for ``evaluation.values["log_loss"]``."""

    def __init__(self, key: str) -> None:
        self._key = key
        self.__doc__ = f"{METRICS[key].title}: {METRICS[key].formula}."

    def __get__(self, evaluation: Evaluation | None, owner: type | None = None) -> float:
        if evaluation is None:
            return self  # type: ignore[return-value]  # the attribute of the class, for `help`
        return evaluation.values[self._key]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation(FrameResult):
    """Metrics of predictions for rows whose labels are known.

    Attributes
    ----------
    rows : int
        The number of rows.
    values : dict of metric to float
    intervals : dict of metric to (low, high)
        95 % confidence intervals (bootstrap); empty without resamples, and for fewer than ten rows.
    baseline : dict of metric to float
        The metrics of a constant prediction.
    gain : dict of metric to (low, high)
        95 % confidence intervals of the difference to the baseline, on the same resamples.
    training_rows : TrainingRows or None
        How many of the rows the model was trained on, so that the metrics are too optimistic; None if there are none,
        or if it was not asked, as it is by `Model.evaluate`.
    row_numbers : (rows,) int64 array or None
        The numbers of the rows as the user counts them: tables from 1, arrays from 0; None if it was made from
        predictions alone.

    """

    rows: int
    values: dict[str, float]
    intervals: dict[str, Interval]
    baseline: dict[str, float]
    gain: dict[str, Interval]
    training_rows: TrainingRows | None = field(default=None, kw_only=True)
    row_numbers: NDArray[np.int64] | None = field(default=None, kw_only=True)

    @property
    def main_metric(self) -> str:
        """The key of the metric that a summary of one sentence names."""
        return next(key for key in MAIN_METRICS if key in self.values)

    @property
    def constant(self) -> str:
        """What the baseline predicts for all rows: "most frequent class"."""
        raise NotImplementedError

    def metrics(self) -> dict[str, float]:
        """Return each metric by its key."""
        return dict(self.values)

    def __repr__(self) -> str:
        metrics = ", ".join(f"{METRICS[key].title} {value:.4g}" for key, value in list(self.values.items())[:3])
        return f"{type(self).__name__}({metrics} on {self.rows:,} rows)"

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return each metric with its interval and the baseline, as a DataFrame."""
        import polars as pl

        rows = []
        for key, value in self.values.items():
            low, high = self.intervals.get(key, (None, None))
            rows.append({"metric": key, "value": value, "low": low, "high": high, "baseline": self.baseline.get(key)})
        return pl.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain data; None where a number is not finite."""
        return {
            "rows": self.rows,
            **nan_to_none(self.values),
            "intervals": {key: list(pair) for key, pair in self.intervals.items()},
            "baseline": nan_to_none(self.baseline),
            "gain": {key: list(pair) for key, pair in self.gain.items()},
            **({} if self.training_rows is None else {"training_rows": self.training_rows.to_dict()}),
        }

    if not TYPE_CHECKING:  # which would then accept any attribute

        def __getattr__(self, name: str) -> float:
            """A metric of the registry that has no attribute of its own."""
            try:
                return object.__getattribute__(self, "values")[name]
            except KeyError:
                raise AttributeError(
                    f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self
                ) from None
