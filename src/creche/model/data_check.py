"""Checks of the rows to predict against the training rows: far values and their unit, unseen categories, other shares.

A network answers whatever it is asked: a length in centimetres instead of millimetres gets a class with a probability
of 1. Rows are checked batch by batch, in memory that does not grow with their number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._phrases import format_count
from creche.errors import PlanError, TableError
from creche.model.category_check import CategoryCheck
from creche.model.finding import MIN_ROWS, Finding, count_values, normal_bound
from creche.model.number_check import NumberCheck
from creche.table.checks import check_finite, check_matrix
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.datetime import DatetimeEncoder
from creche.table.reading.dataframes import library_of
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import is_table, read_batches
from creche.table.result_frames import FrameResult, frame_method, polars_frame
from creche.table.table import Table
from creche.table.training_summary import feature_columns

if TYPE_CHECKING:
    import polars as pl

    from creche.model.predictor import Predictor

__all__ = ["DataCheck", "DataChecker", "check_data"]

MIN_MISSING = 0.1  # the difference between shares of missing values

NEVER_MISSING = 0.05  # the probability below which missing values are a surprise where training had none

SIGNIFICANCE = 0.001  # of all columns together

ROWS_AT_A_TIME = 65_536

LISTED = 12  # findings in a text


@dataclass(frozen=True, slots=True)
class DataCheck(FrameResult):
    """How rows differ from the training rows: made by `Model.check_data` and by `creche.predict_file`.

    Its length is the number of findings, so that it is true if there are any.

    Attributes
    ----------
    rows : int
        The number of rows checked.
    findings : tuple of Finding
        In the order of the columns.
    is_complete : bool
        Whether the model keeps a summary of its training rows. Models saved by earlier versions do not: only unseen
        categories are found.

    """

    rows: int
    findings: tuple[Finding, ...]
    is_complete: bool = True

    def __len__(self) -> int:
        return len(self.findings)

    def messages(self, limit: int = LISTED) -> list[str]:
        """Return the messages of the first findings, and one more that counts the others.

        Parameters
        ----------
        limit : int, default 12
            At most this many findings.

        """
        first = [finding.message for finding in self.findings[:limit]]
        others = self.findings[limit:]
        if others:
            columns = format_count(len({finding.column for finding in others}), "column")
            first.append(f"and {len(others):,} more such findings, in {columns}")
        return first

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return the findings as a DataFrame."""
        import polars as pl

        names = {"column": pl.String, "kind": pl.String, "count": pl.Int64, "rows": pl.Int64, "unit": pl.String}
        schema = names | {"message": pl.String}
        return pl.DataFrame([{name: getattr(f, name) for name in schema} for f in self.findings], schema)

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain data."""
        return {"rows": self.rows, "is_complete": self.is_complete, "findings": polars_frame(self.table).to_dicts()}

    def refuse(self) -> None:
        """Raise an error if there are findings, or if the rows could not be checked.

        Raises
        ------
        TableError
            With what was found.
        PlanError
            If the model keeps no summary of its training rows.

        """
        if not self.is_complete:
            raise PlanError(
                "strict: the model was saved by an earlier version, without a summary of its training rows, so that "
                "new rows cannot be checked; train it again, or leave strict out",
                argument="strict",
            )
        if self.findings:
            raise TableError(
                f"strict: the rows differ from the training rows, so nothing was written: {'; '.join(self.messages())}",
                argument="strict",
            )

    def __str__(self) -> str:
        if not self.findings:
            return f"{self.rows:,} rows, nothing found"
        return "\n".join(self.messages())


def check_data(model: Predictor, data: Any, read_options: ReadOptions | None = None) -> DataCheck:
    """Compare rows with the training rows; arguments as for `Predictor.check_data`."""
    checker = DataChecker(model)
    if is_table(data):
        for batch in read_batches(data, read_options, ROWS_AT_A_TIME, expected=model.features.expected):
            checker.add(batch.table)
    else:
        x = check_matrix(data)
        if x.shape[1] != len(model.features.names):
            raise TableError(f"X: has {x.shape[1]} columns; the network was trained on {len(model.features.names)}")
        check_finite(x)
        checker.add(x)
    return replace(checker.result(), library=library_of(data))


class DataChecker:
    """Compares rows with the training rows of a model, a batch at a time.

    Parameters
    ----------
    model : Model or Ensemble

    """

    def __init__(self, model: Predictor) -> None:
        self._features = model.features
        self._summary = model.training_summary
        self._rows = 0
        encoders = self._features.columns
        categories = [(i, e) for i, e in enumerate(encoders) if isinstance(e, CategoricalEncoder)]
        counts = {} if self._summary is None else self._summary.categories
        self._categories = {i: CategoryCheck(encoder, counts.get(encoder.name)) for i, encoder in categories}
        places = [i for i in range(len(encoders)) if i not in self._categories]
        self._numbers = None
        if self._summary is not None and places:
            dates = [isinstance(encoders[i], DatetimeEncoder) for i in places]
            self._numbers = NumberCheck(self._summary, places, [encoders[i].name for i in places], dates)

    def add(self, rows: Table | NDArray[np.floating[Any]]) -> None:
        """Add rows, a table or an array.

        Raises
        ------
        TableError
            If a column is missing, or a value is of another kind than in training.

        """
        if not len(rows):
            return
        columns = feature_columns(self._features, rows)
        self._rows += len(rows)
        for i, check in self._categories.items():
            check.add(columns[i])
        if self._numbers is not None:
            self._numbers.add(columns)

    def result(self) -> DataCheck:
        """Return what was found in the rows so far."""
        found: dict[int, list[Finding]] = {}
        level = SIGNIFICANCE / len(self._features.columns)
        if self._numbers is not None:
            for place, finding in self._numbers.findings(level):
                found.setdefault(place, []).append(finding)
        for place, check in self._categories.items():
            found.setdefault(place, []).extend(check.findings(level))
        for place, finding in self._missing_values(level):
            found.setdefault(place, []).insert(0, finding)
        findings = tuple(finding for place in sorted(found) for finding in found[place])
        return DataCheck(self._rows, findings, self._summary is not None)

    def _missing_values(self, level: float) -> Iterator[tuple[int, Finding]]:
        """Find the columns in which the share of missing values has changed."""
        if self._summary is None or not self._rows:
            return
        present = {} if self._numbers is None else self._numbers.count_present()
        present |= {place: check.present for place, check in self._categories.items()}
        rows, before_rows = self._rows, self._summary.rows
        for place, encoder in enumerate(self._features.columns):
            count, before = rows - present[place], int(self._summary.missing[place])
            share, share_before = count / rows, before / before_rows
            if abs(share - share_before) < MIN_MISSING:
                continue
            if before or not count:
                pooled = (count + before) / (rows + before_rows)
                error = math.sqrt(pooled * (1 - pooled) * (1 / rows + 1 / before_rows))
                is_certain = (
                    min(rows, before_rows) >= MIN_ROWS and abs(share - share_before) > normal_bound(level) * error
                )
            else:
                # If missing values were as frequent in training, all would be among the new rows by this chance.
                is_certain = before_rows >= MIN_ROWS and (rows / (rows + before_rows)) ** count < NEVER_MISSING
            if is_certain:
                was = f"{share_before:.0%} were" if before else "none was"
                in_rows = "" if rows == 1 else f", {share:.0%}"
                message = f"{encoder.name}: {count_values(count, rows)} missing{in_rows}; in training, {was} missing"
                yield place, Finding(encoder.name, "missing_values", count, rows, message)
