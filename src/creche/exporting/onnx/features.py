"""From raw columns to the inputs of the network: the inputs of the graph, and one encoding of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from creche.errors import PlanError
from creche.exporting.onnx.categories import add_categories, check_word
from creche.exporting.onnx.dates import add_dates
from creche.exporting.onnx.graph import Element, Graph, Value
from creche.exporting.onnx.numbers import add_numbers
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.datetime import DatetimeEncoder
from creche.table.encoders.features import Encoder, FeatureEncoder
from creche.table.encoders.numeric import NumericEncoder
from creche.table.word_columns import numbers_for_missing

__all__ = ["ARRAY_INPUT", "RawColumns", "add_features", "add_raw_columns", "describe_input", "input_names"]

ARRAY_INPUT = "X"


@dataclass(frozen=True, slots=True)
class RawColumns:
    """The inputs of a graph.

    Attributes
    ----------
    by_name : dict of str to str
        The input of each column, (rows, 1); empty for a model that was trained on an array.
    matrix : str
        The input of such a model, (rows, columns); otherwise empty.

    """

    by_name: Mapping[str, Value]
    matrix: Value = ""


def input_names(features: FeatureEncoder) -> tuple[str, ...]:
    """Return the names of the inputs that the graph of these features has."""
    return features.names if features.has_column_names else (ARRAY_INPUT,)


def describe_input(encoder: Encoder) -> tuple[Element, str]:
    """Return the type of a column's input, and what it takes, for its documentation."""
    if isinstance(encoder, CategoricalEncoder):
        return "string", "words without spaces around them; an empty one is missing"
    if isinstance(encoder, DatetimeEncoder):
        return "int64", "microseconds since 1970-01-01; -9223372036854775808 is missing"
    if encoder.kind == "boolean":
        return "double", "1 for yes, 0 for no, NaN if missing"
    return "double", "a number, NaN if missing"


def add_raw_columns(graph: Graph, encoders: Sequence[FeatureEncoder]) -> RawColumns:
    """Declare the inputs that some encoders of the same columns take.

    Raises
    ------
    PlanError
        If they take a column as different kinds, or a name cannot be written.

    """
    first = encoders[0]
    if not first.has_column_names:
        columns = len(first.columns)
        doc = f"{columns} numbers for each row: " + ", ".join(first.names[:20])
        return RawColumns({}, graph.add_input(ARRAY_INPUT, "double", columns, doc))
    found = {}
    for place, column in enumerate(first.columns):
        check_word(column.name, "the column")
        element, doc = describe_input(column)
        if any(describe_input(other.columns[place])[0] != element for other in encoders):
            raise PlanError(
                f"column {column.name!r}: some networks take it as numbers and others as words, and an ONNX graph has "
                "one input for it; leave it out, or give its role"
            )
        found[column.name] = graph.add_input(column.name, element, 1, doc)
    return RawColumns(found)


def add_features(graph: Graph, raw: RawColumns, features: FeatureEncoder, dtype: str) -> Value:
    """Encode the columns as the inputs of the network, (rows, inputs), with the bits of `FeatureEncoder.transform`.

    Parameters
    ----------
    graph : Graph
    raw : RawColumns
    features : FeatureEncoder
    dtype : {"float32", "float64"}

    Raises
    ------
    PlanError
        If an encoder cannot be expressed.

    """
    placed = [pair for pair in zip(features.columns, features.positions, strict=True) if pair[0].width]
    numbers = [(encoder, at) for encoder, at in placed if isinstance(encoder, NumericEncoder)]
    dates = [(encoder, at) for encoder, at in placed if isinstance(encoder, DatetimeEncoder)]
    blocks = []
    if numbers:
        values = raw.matrix or graph.concat([_read_number(graph, raw, features, e.name) for e, _ in numbers])
        blocks += add_numbers(graph, values, [encoder for encoder, _ in numbers], [at for _, at in numbers])
    if dates:
        moments = graph.concat([raw.by_name[encoder.name] for encoder, _ in dates])
        blocks += add_dates(graph, moments, [encoder for encoder, _ in dates], [at for _, at in dates])
    parts, positions = [], [position for _, places in blocks for position in places]
    if blocks:
        joined = graph.concat([value for value, _ in blocks])
        parts.append(joined if dtype == "float64" else graph.cast(joined, dtype))
    coded = []
    for encoder, at in placed:
        if isinstance(encoder, CategoricalEncoder):
            format = features.formats.get(encoder.name)
            coded.append(add_categories(graph, raw.by_name[encoder.name], encoder, format, dtype))
            positions += range(at, at + encoder.width)
    if coded:
        parts.append(graph.add("Squeeze", graph.concat(coded, axis=2), np.array([1])))
    order = np.argsort(np.array(positions)).tolist()
    return graph.select_columns(graph.concat(parts), order, features.width)


def _read_number(graph: Graph, raw: RawColumns, features: FeatureEncoder, name: str) -> Value:
    """Return a column of numbers, in which those that stand for a missing value are NaN."""
    value, format = raw.by_name[name], features.formats.get(name)
    for gap in numbers_for_missing(() if format is None else format.missing):
        is_gap = graph.add("Equal", value, np.array(float(gap)))
        value = graph.add("Where", is_gap, np.array(np.nan), value)
    return value
