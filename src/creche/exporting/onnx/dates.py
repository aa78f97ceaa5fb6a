"""Dates in the graph: the parts of the calendar by whole-number arithmetic on microseconds since 1970."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from creche.exporting.onnx.graph import Graph, Value
from creche.exporting.onnx.numbers import Block
from creche.table.encoders.datetime import CIRCLES, PARTS, DatetimeEncoder

__all__ = ["MISSING_DATE", "add_dates"]

MISSING_DATE = -(2**63)  # what NumPy, pandas and Polars write for a missing date

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR

# Years begin in March here, so that a leap day is the last of its year; cycles of 400 years have equally many days.
DAYS_FROM_MARCH_OF_YEAR_0 = 719_468  # to 1970
DAYS_OF_CYCLE, DAYS_OF_CENTURY, DAYS_OF_FOUR_YEARS = 146_097, 36_524, 1_460


class Calendar:
    """The parts of the calendar of int64 microseconds, computed when they are first asked for.

    Parameters
    ----------
    graph : Graph
    moments : str
        (rows, columns), without missing dates.

    """

    def __init__(self, graph: Graph, moments: Value) -> None:
        self._graph = graph
        self._moments = moments
        self._found: dict[str, Value] = {}

    def part(self, name: str) -> Value:
        """Return a part, as `DatetimeEncoder` counts it, in int64, or the moment in hours in double."""
        if name not in self._found:
            self._found[name] = getattr(self, f"_{name}")()
        return self._found[name]

    def _moment(self) -> Value:
        return self._graph.add("Div", self._graph.cast(self._moments, "float64"), np.array(float(HOUR)))

    def _time(self) -> Value:
        return self._modulo(self._moments, DAY)

    def _hour(self) -> Value:
        return self._divide(self.part("time"), HOUR)

    def _days(self) -> Value:
        return self._divide(self._subtract(self._moments, self.part("time")), DAY)

    def _weekday(self) -> Value:
        return self._modulo(self._add(self.part("days"), 3), 7)

    def _shifted(self) -> Value:
        return self._add(self.part("days"), DAYS_FROM_MARCH_OF_YEAR_0)

    def _day_of_cycle(self) -> Value:
        return self._modulo(self.part("shifted"), DAYS_OF_CYCLE)

    def _cycle(self) -> Value:
        return self._divide(self._subtract(self.part("shifted"), self.part("day_of_cycle")), DAYS_OF_CYCLE)

    def _year_of_cycle(self) -> Value:
        """Without the leap days before it, each year has 365 days."""
        day = self.part("day_of_cycle")
        regular = self._subtract(day, self._divide(day, DAYS_OF_FOUR_YEARS))
        regular = self._sum(regular, self._divide(day, DAYS_OF_CENTURY))
        return self._divide(self._subtract(regular, self._divide(day, DAYS_OF_CYCLE - 1)), 365)

    def _day_of_year(self) -> Value:
        year = self.part("year_of_cycle")
        begin = self._sum(self._multiply(year, 365), self._divide(year, 4))
        return self._subtract(self._sum(self.part("day_of_cycle"), self._divide(year, 100)), begin)

    def _month_from_march(self) -> Value:
        """Five months from March or August on have 153 days."""
        return self._divide(self._add(self._multiply(self.part("day_of_year"), 5), 2), 153)

    def _day(self) -> Value:
        begin = self._divide(self._add(self._multiply(self.part("month_from_march"), 153), 2), 5)
        return self._subtract(self.part("day_of_year"), begin)

    def _month(self) -> Value:
        return self._modulo(self._add(self.part("month_from_march"), 2), 12)

    def _year(self) -> Value:
        year = self._sum(self._multiply(self.part("cycle"), 400), self.part("year_of_cycle"))
        is_next = self._graph.cast(self._graph.add("Less", self.part("month"), np.array(2)), "int64")
        return self._sum(year, is_next)

    def _add(self, value: Value, number: int) -> Value:
        return self._graph.add("Add", value, np.array(number))

    def _multiply(self, value: Value, number: int) -> Value:
        return self._graph.add("Mul", value, np.array(number))

    def _divide(self, value: Value, number: int) -> Value:
        """Divide numbers of at least 0, or multiples of the divisor: runtimes round others differently."""
        return self._graph.add("Div", value, np.array(number))

    def _modulo(self, value: Value, number: int) -> Value:
        return self._graph.add("Mod", value, np.array(number))

    def _sum(self, left: Value, right: Value) -> Value:
        return self._graph.add("Add", left, right)

    def _subtract(self, left: Value, right: Value) -> Value:
        return self._graph.add("Sub", left, right)


def add_dates(
    graph: Graph, moments: Value, encoders: Sequence[DatetimeEncoder], positions: Sequence[int]
) -> list[Block]:
    """Encode columns of dates.

    Parameters
    ----------
    graph : Graph
    moments : str
        The columns, (rows, columns), in int64 microseconds since 1970.
    encoders : sequence of DatetimeEncoder
    positions : sequence of int
        The position of the first input of each column.

    """
    width = len(encoders)
    missing = graph.add("Equal", moments, np.array(MISSING_DATE))
    calendar = Calendar(graph, graph.add("Where", missing, np.array(0), moments))
    blocks: list[Block] = []

    def add_block(values: Value, columns: list[int], offsets: list[int]) -> None:
        gaps = graph.select_columns(missing, columns, width)
        values = graph.add("Where", gaps, np.array(0.0), values)
        blocks.append((values, [positions[i] + offset for i, offset in zip(columns, offsets, strict=True)]))

    for part in PARTS:
        columns = [i for i, encoder in enumerate(encoders) if part in encoder.parts]
        if not columns:
            continue
        offsets = [_offset(encoders[i], part) for i in columns]
        numbers = graph.select_columns(calendar.part(part), columns, width)
        if part in CIRCLES:
            for k, wave in enumerate(CIRCLES[part]):
                add_block(graph.add("Gather", wave, numbers), columns, [offset + k for offset in offsets])
            continue
        numbers = numbers if part == "moment" else graph.cast(numbers, "float64")
        mean, deviation = _statistics([encoders[i] for i in columns], part)
        add_block(graph.add("Div", graph.add("Sub", numbers, mean), deviation), columns, offsets)
    marked = [i for i, encoder in enumerate(encoders) if encoder.marked]
    if marked:
        marks = graph.cast(graph.select_columns(missing, marked, width), "float64")
        blocks.append((marks, [positions[i] + encoders[i].width - 1 for i in marked]))
    return blocks


def _offset(encoder: DatetimeEncoder, part: str) -> int:
    """Return the position of a part among the inputs of its column."""
    return sum(2 if before in CIRCLES else 1 for before in encoder.parts[: encoder.parts.index(part)])


def _statistics(encoders: Sequence[DatetimeEncoder], part: str) -> NDArray[np.float64]:
    """Return the means, and the deviations, of a part in each column, (2, columns)."""
    pairs = [{"year": e.year, "day": e.day, "moment": e.moment}[part] for e in encoders]
    return np.array(pairs).T
