"""The columns that a model reads, as clients see them: types, ranges, categories and an example of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from creche.model.predictor import Predictor
from creche.table.column_statistics import QUANTILES
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.datetime import DatetimeEncoder
from creche.table.roles import Encoder
from creche.table.training_summary import TrainingSummary

__all__ = ["DATE_PATTERN", "LARGEST_NUMBER", "Cell", "InputColumn", "InputRole", "describe_columns", "example_row"]

InputRole: TypeAlias = Literal["numeric", "boolean", "categorical", "datetime"]
Cell: TypeAlias = float | int | str | bool | None

LARGEST_NUMBER = 1e30
"""The greatest number that requests may hold; a network computes in float32, which ends at 3.4e38."""

DATE_PATTERN = (
    r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?)?$"
)
MOST_CATEGORIES = 200
"""Categories of a column that are listed; others are only accepted."""


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column that a model reads.

    Attributes
    ----------
    name : str
    role : {"numeric", "boolean", "categorical", "datetime"}
    example : number, str, bool or None
        A value of the middle of the training rows, or the most frequent one.
    low, high : number, str or None
        The least and the greatest value among the training rows, of numbers and dates.
    categories : tuple of str
        The categories that the network knows one by one; empty for other columns.
    may_be_missing : bool
        Whether null is a missing value; a model of an array knows none.
    had_missing : bool
        Whether values were missing in the training rows.

    """

    name: str
    role: InputRole
    example: Cell
    low: Cell = None
    high: Cell = None
    categories: tuple[str, ...] = ()
    may_be_missing: bool = True
    had_missing: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the column as plain data, without what it does not have."""
        data: dict[str, Any] = {"name": self.name, "type": self.role, "example": self.example}
        if self.low is not None:
            data["training_range"] = [self.low, self.high]
        if self.categories:
            data["categories"] = list(self.categories[:MOST_CATEGORIES])
            data["category_count"] = len(self.categories)
        return data | {"nullable": self.may_be_missing, "missing_in_training": self.had_missing}


def describe_columns(model: Predictor) -> tuple[InputColumn, ...]:
    """Return the columns that a model reads, in its order.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins-four", label="species", epochs=2, threads=1).model
    >>> column = describe_columns(model)[0]
    >>> column.name, column.role, column.low, column.high
    ('bill_length_mm', 'numeric', 32.1, 59.6)

    """
    summary = model.training_summary
    has_names = model.features.has_column_names
    return tuple(
        _describe_column(encoder, place, summary, has_names) for place, encoder in enumerate(model.features.columns)
    )


def example_row(columns: tuple[InputColumn, ...]) -> dict[str, Cell]:
    """Return a row with the example of each column."""
    return {column.name: column.example for column in columns}


def _describe_column(encoder: Encoder, place: int, summary: TrainingSummary | None, has_names: bool) -> InputColumn:
    had_missing = summary is not None and bool(summary.missing[place] > 0)
    if isinstance(encoder, CategoricalEncoder):
        example = encoder.categories[0] if encoder.categories else "other"
        if summary is not None and encoder.categories:
            example = encoder.categories[int(summary.categories[encoder.name].rows[: len(encoder.categories)].argmax())]
        return InputColumn(encoder.name, "categorical", example, categories=encoder.categories, had_missing=had_missing)
    known = _find_range(summary, place)
    if isinstance(encoder, DatetimeEncoder):
        low, middle, high = ("", "2020-01-31", "") if known is None else map(_write_date, known)
        return InputColumn(encoder.name, "datetime", middle, low or None, high or None, had_missing=had_missing)
    if encoder.kind == "boolean":
        return InputColumn(encoder.name, "boolean", known is not None and known[1] > 0, had_missing=had_missing)
    ends: tuple[Cell, Cell] = (None, None) if known is None else (_shorten(known[0]), _shorten(known[2]))
    typical = _shorten(encoder.fill if known is None else known[1])
    return InputColumn(
        encoder.name, "numeric", typical, *ends, may_be_missing=has_names, had_missing=had_missing
    )  # fmt: skip


def _find_range(summary: TrainingSummary | None, place: int) -> tuple[float, float, float] | None:
    """Return the least value of a column among the training rows, the median and the greatest; None if unknown."""
    if summary is None or not np.isfinite(summary.quantiles[place]).all():
        return None
    low, middle, high = summary.quantiles[place][[0, QUANTILES // 2, -1]].tolist()
    return low, middle, high


def _shorten(number: float) -> float | int:
    """Return a number as it is best written: 3900 rather than 3900.0."""
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _write_date(microseconds: float) -> str:
    moment = str(np.datetime64(round(microseconds), "us").astype("datetime64[s]"))
    return moment.removesuffix("T00:00:00")
