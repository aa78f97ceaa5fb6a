"""Columns that alone give the label away, such as a copy of it, or a value that is known only after it.

Each column predicts the label by itself, in ways that need no fitting and so cannot overfit:

- by value: each value that at least five rows share predicts their most frequent class, or their mean;
- by order: each row is predicted by its neighbor in the order of the column. If the label depends on the column alone,
  few neighbors differ: for classes this is the number of changes along the order, beyond those that as many classes
  need; for numbers it is von Neumann's ratio of their ranks (Bartels 1982);
- by whether a value is there at all.

A column leaks if hardly any of the errors are left that predicting the most frequent class, or the mean, makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.table.table import Column, Table

__all__ = ["LabelLeak", "find_label_leaks"]

# The share of the baseline's errors, or of the variance of the ranks, that a column may leave: for two classes of equal
# size, this is an accuracy of 0.995.
MAX_ERRORS_LEFT = 0.01
MAX_VARIANCE_LEFT = 0.005

MIN_ROWS_PER_VALUE = 5

# The number of rows on which the baseline must err, so that no strong but honest feature of a small table is suspected:
# the lengths of iris petals separate 100 rows of two species.
MIN_ERRORS_BY_VALUE = 20
MIN_ERRORS_BY_ORDER = 100

MIN_ROWS_OF_NUMBERS = 50

MAX_PAIRS = 50_000  # of value and class, up to which they are counted in a matrix

MIN_CORRELATION = 0.9999  # squared, of a copy in another unit

# The size of a sample that settles it, and that of the sample from a table of very many columns.
MAX_ROWS, MIN_ROWS, MAX_CELLS = 20_000, 2_000, 4_000_000


@dataclass(frozen=True, slots=True)
class LabelLeak:
    """A column that alone gives the label away.

    Attributes
    ----------
    column, label : str
    by : {"value", "order", "presence"}
        What gives the label away: its values, each by itself; their order; or whether there is a value at all.
    share : float
        The share of rows that it predicts rightly, or of the variance of the label's ranks that it explains.
    baseline : float or None
        The share of rows in the most frequent class; None for regression.
    rows : int
        The number of rows from which this was found.

    """

    column: str
    label: str
    by: Literal["value", "order", "presence"]
    share: float
    baseline: float | None
    rows: int

    def __str__(self) -> str:
        left_out = advise("schema", {self.column: "ignore"})
        return f"{self.finding}; if it is not known before the label is, leave it out: {left_out}"

    @property
    def finding(self) -> str:
        """What was found, without what to do about it."""
        subject = f"column {self.column!r} alone gives"
        if self.by == "presence":
            subject = f"whether column {self.column!r} is empty gives"
        if self.baseline is None:
            what = f"explains {_format_share(self.share)} of the variance (of ranks)"
        else:
            what = f"predicts {_format_share(self.share)}, the most frequent class {_format_share(self.baseline)}"
        return f"{subject} the label {self.label!r} away: in {self.rows:,} rows it {what}"


def find_label_leaks(
    table: Table, names: Sequence[str], label: str, y: NDArray[Any], classes: NDArray[np.int32] | None
) -> list[LabelLeak]:
    """Find the columns that alone give the label away.

    Parameters
    ----------
    table : Table
    names : sequence of str
        The columns to look at.
    label : str
        The name of the label.
    y : (n,) array
        The labels.
    classes : (n,) int array, or None
        The class number of each row; None for regression.

    Returns
    -------
    list of LabelLeak

    Examples
    --------
    >>> paid = np.arange(200) % 2
    >>> table = Table({"flag": Column("whole", paid), "visits": Column("whole", np.arange(200) // 3)}, "t")
    >>> leak, = find_label_leaks(table, table.names, "churned", paid, paid.astype(np.int32))
    >>> leak.column, leak.share, leak.baseline
    ('flag', 1.0, 0.5)

    """
    count = min(len(table), MAX_ROWS, max(MIN_ROWS, MAX_CELLS // max(len(names), 1)))
    # In random order, so that a stable sort leaves rows with the same value in no order of their labels.
    rows = np.random.default_rng(0).permutation(len(table))[:count]
    target: _Target = _Numbers(y[rows].astype(np.float64)) if classes is None else _Classes(classes[rows])
    found = []
    for name in names:
        column = table.columns[name].take(rows)
        missing, present, kept = column.missing, target, rows
        if missing.any():
            errors = target.errors_by_value(missing.astype(np.int64))
            if target.is_explained(errors, MIN_ERRORS_BY_VALUE):
                found.append(LabelLeak(name, label, "presence", *target.describe(errors), len(rows)))
                continue
            indices = np.flatnonzero(~missing)
            column, present, kept = column.take(indices), target.take(indices), rows[indices]
        left = _find_errors_left(column, present, kept)
        if left is not None:
            by, errors = left
            found.append(LabelLeak(name, label, by, *present.describe(errors), len(column)))
    return found


class _Classes:
    """Class numbers, and how many of them a column predicts wrongly."""

    def __init__(self, y: NDArray[np.int32]) -> None:
        self.y = y
        counts = np.bincount(y) if len(y) else np.zeros(1, dtype=np.int64)
        self.n_classes, self.n_present = len(counts), int(np.count_nonzero(counts))
        self.most_frequent = int(counts.max())

    def take(self, rows: NDArray[np.int64]) -> _Classes:
        return _Classes(self.y[rows])

    def errors_by_value(self, codes: NDArray[np.int64]) -> float:
        """Count the rows that are not of the most frequent class of their value, and those of rare values."""
        n_values = int(codes.max()) + 1
        pairs = codes * self.n_classes + self.y
        if n_values * self.n_classes <= MAX_PAIRS:
            most = np.bincount(pairs, minlength=n_values * self.n_classes).reshape(n_values, -1).max(axis=1)
        else:
            pairs, counts = np.unique(pairs, return_counts=True)
            most = np.zeros(n_values, dtype=np.int64)
            np.maximum.at(most, pairs // self.n_classes, counts)
        return float(len(self.y) - most[np.bincount(codes) >= MIN_ROWS_PER_VALUE].sum())

    def errors_by_order(self, order: NDArray[np.int64]) -> float:
        """Count the changes along the order that are more than the classes need; a single row causes two."""
        ordered = self.y[order]
        changes = np.count_nonzero(ordered[1:] != ordered[:-1])
        return max(0.0, (changes - (self.n_present - 1)) / 2)

    def is_explained(self, errors: float, min_errors: int) -> bool:
        baseline = len(self.y) - self.most_frequent
        return baseline >= min_errors and errors <= MAX_ERRORS_LEFT * baseline

    def describe(self, errors: float) -> tuple[float, float | None]:
        return 1 - errors / len(self.y), self.most_frequent / len(self.y)


class _Numbers:
    """Numbers, and how much of the variance of their ranks a column leaves."""

    def __init__(self, y: NDArray[np.float64]) -> None:
        self.y = y
        _, index, counts = np.unique(y, return_inverse=True, return_counts=True)
        self.ranks = (np.cumsum(counts) - (counts - 1) / 2)[index] - (len(y) + 1) / 2
        self.variance = float((self.ranks**2).sum()) or 1.0
        self.varies = len(counts) > 1

    def take(self, rows: NDArray[np.int64]) -> _Numbers:
        return _Numbers(self.y[rows])

    def errors_by_value(self, codes: NDArray[np.int64]) -> float:
        """Return the variance within the rows of each value; of rare values, the variance of all."""
        counts, sums, squares = (np.bincount(codes, weights) for weights in (None, self.ranks, self.ranks**2))
        is_frequent = counts >= MIN_ROWS_PER_VALUE
        n = counts[is_frequent]
        within = (squares[is_frequent] - sums[is_frequent] ** 2 / n) * n / (n - 1)
        return float(within.sum() + squares[~is_frequent].sum()) / self.variance

    def errors_by_order(self, order: NDArray[np.int64]) -> float:
        """Return von Neumann's ratio, halved: 1 for no dependence, near 0 for a label that follows the column."""
        return float((np.diff(self.ranks[order]) ** 2).sum()) / 2 / self.variance

    def is_explained(self, errors: float, min_errors: int) -> bool:
        return self.varies and len(self.y) >= MIN_ROWS_OF_NUMBERS and errors <= MAX_VARIANCE_LEFT

    def describe(self, errors: float) -> tuple[float, float | None]:
        return 1 - errors, None


_Target = _Classes | _Numbers


def _find_errors_left(
    column: Column, target: _Target, rows: NDArray[np.int64]
) -> tuple[Literal["value", "order"], float] | None:
    """Return the errors that a column without missing values leaves; None if it does not give the label away."""
    if not len(column):
        return None
    if column.kind in ("words", "boolean"):
        errors = target.errors_by_value(column.values.astype(np.int64))
        return ("value", errors) if target.is_explained(errors, MIN_ERRORS_BY_VALUE) else None
    values = column.values.view(np.int64) if column.kind == "datetime" else column.values
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    begins = ordered[1:] != ordered[:-1]
    # Fewer rows of each value on average than that would count as rare.
    if np.count_nonzero(begins) < len(values) / (MIN_ROWS_PER_VALUE - 1):
        codes = np.empty(len(values), dtype=np.int64)
        codes[order] = np.cumsum(np.concatenate([[False], begins]))
        errors = target.errors_by_value(codes)
        if target.is_explained(errors, MIN_ERRORS_BY_VALUE):
            return "value", errors
    if column.kind == "datetime":  # near in time, labels are often alike
        return None
    errors = target.errors_by_order(order)
    if not target.is_explained(errors, MIN_ERRORS_BY_ORDER):
        return None
    in_order_of_rows = np.diff(values[np.argsort(rows)])
    if (in_order_of_rows >= 0).all() or (in_order_of_rows <= 0).all():
        # The same holds for a table in the order of this column, unless one is a multiple of the other.
        is_copy = isinstance(target, _Numbers) and np.corrcoef(values, target.y)[0, 1] ** 2 >= MIN_CORRELATION
        return ("order", errors) if is_copy else None
    return "order", errors


def _format_share(share: float) -> str:
    """Write a share in percent, and 100 % only for all.

    Examples
    --------
    >>> _format_share(1.0), _format_share(0.99996), _format_share(0.761)
    ('100 %', '99.9 %', '76.1 %')

    """
    return "100 %" if share == 1 else f"{min(share, 0.999):.1%}".replace("%", " %")
