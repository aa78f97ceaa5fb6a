"""The summary of a column: its role and kind, its range or its most frequent values, and the role it could have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.plan.words import Role
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.roles import ROLE_DEFINITIONS, suggest_role
from creche.table.schema import ColumnSchema, format_value
from creche.table.spellings import count_words
from creche.table.table import Column

__all__ = ["ColumnSummary", "count_values", "summarize_column"]

FREQUENT = 5  # values

MAX_CODES = 50  # distinct whole numbers that may be codes of categories


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """What one column of a table would be in training.

    Attributes
    ----------
    name : str
    role : str
        One of the roles of columns, or "label".
    kind : {"number", "whole", "boolean", "words", "datetime"}
        What its values are.
    rows, missing, distinct : int
        The number of rows, of missing values, and of distinct values.
    low, high : int, float, str or None
        The range of numbers, and of dates in ISO 8601; None for words, booleans and empty columns.
    frequent : tuple of (str, int)
        The most frequent categories with their numbers of rows; empty for numbers and dates.
    reason : str
        Why it is left out; empty if it is an input or its role was set.
    alternative : str or None
        Another role that may fit it; None for a label.

    """

    name: str
    role: str
    kind: str
    rows: int
    missing: int
    distinct: int
    low: int | float | str | None = None
    high: int | float | str | None = None
    frequent: tuple[tuple[str, int], ...] = ()
    reason: str = ""
    alternative: Role | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain data, ready for JSON."""
        return {
            "name": self.name, "role": self.role, "kind": self.kind, "rows": self.rows, "missing": self.missing,
            "distinct": self.distinct, "low": self.low, "high": self.high,
            "frequent": [list(pair) for pair in self.frequent], "reason": self.reason, "alternative": self.alternative,
        }  # fmt: skip


def summarize_column(schema: ColumnSchema, column: Column, *, is_label: bool = False) -> ColumnSummary:
    """Summarize a column whose schema is known."""
    is_categorical = ROLE_DEFINITIONS[schema.role].encoder is CategoricalEncoder
    low, high = _find_range(column)
    frequent: tuple[tuple[str, int], ...] = ()
    if column.kind in ("words", "boolean") or is_categorical:
        frequent = tuple((format_value(value), count) for value, count in count_values(column)[:FREQUENT])
    return ColumnSummary(
        schema.name, "label" if is_label else schema.role, schema.kind, schema.rows, schema.missing, schema.distinct,
        low, high, frequent, schema.reason, None if is_label else _find_alternative(schema, column),
    )  # fmt: skip


def count_values(column: Column) -> list[tuple[Any, int]]:
    """Return the distinct values of a column and their numbers of rows, the most frequent first.

    Examples
    --------
    >>> count_values(Column.from_words(["Dream", "Biscoe", None, "Biscoe"]))
    [('Biscoe', 2), ('Dream', 1)]

    """
    if column.kind == "words":
        pairs = [(word, count) for word, count in zip(column.words, count_words(column), strict=True) if count]
    else:
        values, counts = np.unique(column.values[~column.missing], return_counts=True)
        objects = Column(column.kind, values, column.words).to_objects().tolist()
        if column.kind == "boolean" and column.words:
            objects = [column.words[int(value)] for value in objects]
        pairs = list(zip(objects, counts.tolist(), strict=True))
    return sorted(pairs, key=lambda pair: -pair[1])


def _find_range(column: Column) -> tuple[Any, Any]:
    """Return the least and the largest number or date as plain data; None for words, booleans and empty columns."""
    if column.kind in ("words", "boolean"):
        return None, None
    present: NDArray[Any] = column.values[~column.missing]
    if not len(present):
        return None, None
    low, high = present.min(), present.max()
    if column.kind == "datetime":
        return format_value(low.item()), format_value(high.item())
    if column.kind == "whole":
        return int(low), int(high)
    return tuple(float(value) if np.isfinite(value) else str(float(value)) for value in (low, high))  # type: ignore[return-value]


def _find_alternative(schema: ColumnSchema, column: Column) -> Role:
    """Return the role that its user is most likely to want in place of the one that the column has."""
    if schema.missing == schema.rows:
        return "ignore"
    if not ROLE_DEFINITIONS[schema.role].is_input:
        return suggest_role(column)
    if schema.role == "numeric":
        return "categorical" if column.kind == "whole" and schema.distinct <= MAX_CODES else "ignore"
    if column.kind in ("number", "whole"):
        return "numeric"
    suggested = suggest_role(column)
    return suggested if column.kind == "words" and suggested != "categorical" else "ignore"
