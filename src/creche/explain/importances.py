"""The importance of each column of a table to a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

__all__ = ["PermutationImportance"]

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
        from creche.plots.importances import permutation_importance

        return permutation_importance(self, axes=axes)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {value:.3g}" for name, value in zip(self.columns[:3], self.importance, strict=False))
        return f"PermutationImportance({self.metric} {self.score:.4g}; {shown}{', …' if len(self) > 3 else ''})"
