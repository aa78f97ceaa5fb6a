"""From the columns of a table to the inputs of a network, as expressions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.exporting.sql.query import Expression, Query, double, number, text
from creche.exporting.words import encode_words
from creche.table.cell_format import CellFormat
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.datetime import CIRCLES, DatetimeEncoder
from creche.table.encoders.features import Encoder, FeatureEncoder
from creche.table.encoders.normal_curve import build_curve
from creche.table.encoders.numeric import FAR, NumericEncoder
from creche.table.word_columns import numbers_for_missing

__all__ = ["encode_cells", "read_cells"]

BOOLEAN_WORDS = {1: ("true", "t", "yes", "1", "1.0"), 0: ("false", "f", "no", "0", "0.0")}


def read_cells(query: Query, features: FeatureEncoder) -> list[list[Expression]]:
    """Return the values of each column that its encoder needs: NULL where missing.

    Raises
    ------
    PlanError
        If rare categories are hashed.

    """
    return [_read_column(query, encoder, features.formats.get(encoder.name)) for encoder in features.columns]


def _read_column(query: Query, encoder: Encoder, format: CellFormat | None) -> list[Expression]:
    column = query.column(encoder.name)
    if encoder.width == 0:
        return []
    if isinstance(encoder, CategoricalEncoder):
        return [_read_place(column, encoder, format)]
    if isinstance(encoder, DatetimeEncoder):
        return _read_parts(query, column, encoder)
    if encoder.kind == "boolean":
        word = f"lower(CAST({column} AS varchar))"
        cases = [f"WHEN {word} IN ({', '.join(map(text, words))}) THEN {v}e0" for v, words in BOOLEAN_WORDS.items()]
        return [double(f"CASE {' '.join(cases)} END")]
    value = query.read_number(column)
    gaps = [number(float(gap)) for gap in numbers_for_missing(() if format is None else format.missing)]
    return [f"CASE WHEN {double(column)} IN ({', '.join(gaps)}) THEN NULL ELSE {value} END" if gaps else value]


def _read_place(column: Expression, encoder: CategoricalEncoder, format: CellFormat | None) -> Expression:
    """Return which of the distinct rows of its encoding a category has."""
    if encoder.buckets > 1:
        raise PlanError(
            f"column {encoder.name!r}: its rare categories share {encoder.buckets} inputs by a hash of their names, "
            f"which SQL cannot compute; train with a higher max_categories of the preprocessing, or export to ONNX "
            "or JavaScript"
        )
    encoded = encode_words(encoder, format, encoder.categories, "float64")
    by_row: dict[int, list[str]] = {}
    for word, row in encoded.known.items():
        if "\0" in word:
            raise PlanError(
                f"column {encoder.name!r}: the category {word!r} has a character of code 0, which SQL lacks"
            )
        by_row.setdefault(row, []).append(text(word))
    word = f"trim(CAST({column} AS varchar))"
    cases = "".join(f" WHEN {word} IN ({', '.join(words)}) THEN {row}" for row, words in by_row.items())
    return f"CASE WHEN {column} IS NULL THEN {encoded.missing}{cases} ELSE {encoded.unseen} END"


def _read_parts(query: Query, column: Expression, encoder: DatetimeEncoder) -> list[Expression]:
    """Return the parts of a date, as the encoder counts them; one of them at least, to tell whether it is missing."""
    if query.dialect == "sqlite":
        units = {"year": "%Y", "month": "%m", "day": "%d", "weekday": "%w", "hour": "%H", "moment": "%s"}
        # Other text, and numbers, have meanings of their own there: 'now' is today.
        moment = f"CASE WHEN {column} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' THEN {column} END"
        found = {part: double(f"strftime('{unit}', {moment})") for part, unit in units.items()}
    else:
        moment = f"CAST({column} AS timestamp)"
        units = {"year": "year", "month": "month", "day": "day", "weekday": "dow", "hour": "hour", "moment": "epoch"}
        found = {part: double(f"extract({unit} FROM {moment})") for part, unit in units.items()}
    shifted = {
        **found, "month": f"{found['month']} - 1e0", "day": f"{found['day']} - 1e0",
        "weekday": f"CASE WHEN {found['weekday']} = 0e0 THEN 6e0 ELSE {found['weekday']} - 1e0 END",
        "moment": f"{found['moment']} / 3600e0",
    }  # fmt: skip
    return [shifted[part] for part in encoder.parts or ("year",)]


def encode_cells(
    query: Query, features: FeatureEncoder, cells: Sequence[Sequence[Expression]], precision: str
) -> list[Expression]:
    """Return the inputs of a network from the values that `read_cells` returned, which are names by now."""
    inputs: list[Expression] = []
    for encoder, values in zip(features.columns, cells, strict=True):
        if encoder.width == 0:
            continue
        if isinstance(encoder, CategoricalEncoder):
            inputs += _encode_place(encoder, features.formats.get(encoder.name), values[0])
        elif isinstance(encoder, DatetimeEncoder):
            inputs += _encode_parts(encoder, values)
        else:
            inputs += _encode_number(query, encoder, values[0])
    return [query.round_to_single(each, precision) for each in inputs]


def _encode_place(encoder: CategoricalEncoder, format: CellFormat | None, place: Expression) -> list[Expression]:
    rows = encode_words(encoder, format, encoder.categories, "float64").rows
    return [_choose(place, column) for column in rows.T]


def _choose(place: Expression, values: NDArray[np.float64]) -> Expression:
    """Return the number that belongs to a place; the most frequent one without a case of its own."""
    distinct, counts = np.unique(values, return_counts=True)
    usual = distinct[counts.argmax()]
    cases = [
        f"WHEN {place} = {row} THEN {number(value)}" for row, value in enumerate(values.tolist()) if value != usual
    ]
    return f"CASE {' '.join(cases)} ELSE {number(usual)} END" if cases else number(usual)


def _encode_parts(encoder: DatetimeEncoder, values: Sequence[Expression]) -> list[Expression]:
    inputs: list[Expression] = []
    for part, value in zip(encoder.parts, values, strict=False):
        if part in CIRCLES:
            for wave in CIRCLES[part]:
                cases = " ".join(f"WHEN {value} = {i}e0 THEN {number(each)}" for i, each in enumerate(wave.tolist()))
                inputs.append(f"CASE {cases} ELSE 0e0 END")
        else:
            mean, deviation = {"year": encoder.year, "day": encoder.day, "moment": encoder.moment}[part]
            inputs.append(f"coalesce(({value} - ({number(mean)})) / {number(deviation)}, 0e0)")
    if encoder.marked:
        inputs.append(f"CASE WHEN {values[0]} IS NULL THEN 1e0 ELSE 0e0 END")
    return inputs


def _encode_number(query: Query, encoder: NumericEncoder, value: Expression) -> list[Expression]:
    filled = f"coalesce({value}, {number(encoder.fill)})"
    if encoder.references:
        scaled = _interpolate(filled, *build_curve(encoder.references))
    elif encoder.is_constant:
        scaled = "0e0"
    else:
        scaled = f"({filled} - ({number(encoder.center)})) / {number(encoder.scale)}"
    if encoder.clipped:
        near = query.clip(scaled, -FAR, FAR)
        scaled = f"({near}) / sqrt(1e0 + (({near}) / 3e0) * (({near}) / 3e0))"
    inputs = [scaled]
    if encoder.bins is not None:
        bins = encoder.bins
        for low, width in zip(bins.lower.tolist(), bins.widths.tolist(), strict=True):
            size = "" if bins.size == 1 else f" * {number(bins.size)}"
            code = query.clip(f"({filled}{size} - ({number(low)})) / {number(width)}", 0, 1)
            inputs.append(f"CASE WHEN {value} IS NULL THEN 0e0 ELSE {code} END" if encoder.marked else code)
    if encoder.marked:
        inputs.append(f"CASE WHEN {value} IS NULL THEN 1e0 ELSE 0e0 END")
    return inputs


def _interpolate(value: Expression, knots: NDArray[np.float64], heights: NDArray[np.float64]) -> Expression:
    """Return the height of a curve of straight lines, which is constant beyond its ends, by halving what is left."""
    if len(knots) == 1:
        return "0e0"

    def search(low: int, high: int) -> Expression:
        """Return the height between the knots of these numbers."""
        if high - low == 1:
            rise = (heights[high] - heights[low]) / (knots[high] - knots[low])
            return f"{number(heights[low])} + ({value} - ({number(knots[low])})) * {number(rise)}"
        middle = (low + high) // 2
        return (
            f"CASE WHEN {value} <= {number(knots[middle])} THEN {search(low, middle)} ELSE {search(middle, high)} END"
        )

    last = len(knots) - 1
    return (
        f"CASE WHEN {value} <= {number(knots[0])} THEN {number(heights[0])} WHEN {value} >= {number(knots[last])} THEN "
        f"{number(heights[last])} ELSE {search(0, last)} END"
    )
