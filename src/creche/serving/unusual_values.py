"""Values of requests that are unlike those of the training rows: far outside their range, unseen, or missing.

Most rows hold none, and looking closely takes much longer than predicting. So a first look, which may be wrong in one
direction only, decides whether `DataChecker` is asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.model.data_check import DataChecker
from creche.model.ensemble import Ensemble
from creche.model.finding import MIN_ROWS, Finding
from creche.model.model import Model
from creche.model.number_check import NumberCheck
from creche.serving.cells import CellChecker, CheckedRows, Row
from creche.table.column_statistics import as_numbers
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.datetime import DatetimeEncoder
from creche.table.encoders.numeric import NumericEncoder
from creche.table.table import Table

__all__ = ["UnusualValues"]

UNBOUNDED = (-np.inf, np.inf, -np.inf)
WORDS_KEPT = 4096
"""Words and dates of a column that were looked at closely, and are remembered."""


class UnusualValues:
    """Finds values that are unlike those of the training rows of a model.

    Parameters
    ----------
    model : Model or Ensemble
    checker : CellChecker
        Makes tables of rows.

    """

    def __init__(self, model: Model | Ensemble, checker: CellChecker) -> None:
        self._model, self._checker = model, checker
        summary, encoders = model.training_summary, model.features.columns
        self._names = model.features.names
        self._known = {
            encoder.name: set[Any](encoder.categories if isinstance(encoder, CategoricalEncoder) else ())
            for encoder in encoders
        }
        numbers = [i for i, encoder in enumerate(encoders) if not isinstance(encoder, CategoricalEncoder)]
        self._numbers = None
        if summary is not None and numbers:
            dates = [isinstance(encoders[i], DatetimeEncoder) for i in numbers]
            self._numbers = NumberCheck(summary, numbers, [encoders[i].name for i in numbers], dates)
        has_surprise = summary is not None and summary.rows >= MIN_ROWS
        self._never_missing = frozenset(
            encoder.name
            for i, encoder in enumerate(encoders)
            if summary is not None and has_surprise and not summary.missing[i]
        )
        bounds = {} if self._numbers is None else self._numbers.bounds
        # Of dates and categories, those that are known are remembered instead.
        self._bounds = [
            (encoder.name, bounds.get(i, UNBOUNDED) if isinstance(encoder, NumericEncoder) else None)
            for i, encoder in enumerate(encoders)
        ]

    def find(self, rows: CheckedRows) -> list[Finding]:
        """Return what is unlike the training rows, column by column.

        Parameters
        ----------
        rows : CheckedRows

        """
        data = rows.data
        if isinstance(data, Table):
            if self._is_usual_table(data):
                return []
            table = data
        else:
            if self._is_usual_row(data):
                return []
            table = self._checker.make_table({name: [cell] for name, cell in data.items()})
        checker = DataChecker(self._model)
        checker.add(table)
        found = [finding for finding in checker.result().findings if finding.kind != "distribution"]
        if not isinstance(data, Table):
            self._remember(data, {finding.column for finding in found})
        return found

    def _is_usual_row(self, row: Row) -> bool:
        for name, bounds in self._bounds:
            cell = row[name]
            if cell is None:
                if name in self._never_missing:
                    return False
            elif bounds is not None:
                low, high, ratio = bounds
                if not low <= cell <= high or 0 < cell < ratio:
                    return False
            elif _key_of(cell) not in self._known[name]:
                return False
        return True

    def _remember(self, row: Row, unusual: set[str]) -> None:
        for name, bounds in self._bounds:
            known = self._known[name]
            if bounds is None and row[name] is not None and name not in unusual and len(known) < WORDS_KEPT:
                known.add(_key_of(row[name]))

    def _is_usual_table(self, table: Table) -> bool:
        for place, name in enumerate(self._names):
            column = table.columns[name]
            if name in self._never_missing and bool(column.missing.any()):
                return False
            if column.kind == "words":
                if not self._known[name].issuperset(column.words):
                    return False
            elif self._numbers is not None and not self._is_usual_column(place, as_numbers(column)):
                return False
        return True

    def _is_usual_column(self, place: int, values: Any) -> bool:
        assert self._numbers is not None
        return self._numbers.is_usual(place, np.asarray(values))


def _key_of(cell: Any) -> Any:
    return cell if type(cell) is str else (type(cell), cell)  # True equals 1
