"""Numbers in the graph: filled, scaled or by the curve of quantiles, clipped, in bins, and marks of missing values.

All in double and in the order of `NumericEncoder.write`, so that the inputs have its bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from creche.exporting.onnx.graph import Graph, Value
from creche.table.encoders.normal_curve import LARGE, build_curve
from creche.table.encoders.numeric import FAR, NumericEncoder

__all__ = ["Block", "add_numbers"]

Block = tuple[Value, list[int]]  # a matrix, and the position among the network's inputs of each of its columns


def add_numbers(
    graph: Graph, values: Value, encoders: Sequence[NumericEncoder], positions: Sequence[int]
) -> list[Block]:
    """Encode columns of numbers.

    Parameters
    ----------
    graph : Graph
    values : str
        The columns, (rows, columns), in double; NaN where missing.
    encoders : sequence of NumericEncoder
    positions : sequence of int
        The position of the first input of each column.

    """
    width = len(encoders)
    missing = graph.add("IsNaN", values)
    filled = graph.add("Where", missing, np.array([encoder.fill for encoder in encoders]), values)
    blocks = [(_scale(graph, filled, encoders), list(positions))]
    binned = [i for i, encoder in enumerate(encoders) if encoder.bins is not None]
    if binned:
        blocks.append(_add_bins(graph, filled, missing, encoders, positions))
    marked = [i for i, encoder in enumerate(encoders) if encoder.marked]
    if marked:
        marks = graph.cast(graph.select_columns(missing, marked, width), "float64")
        blocks.append((marks, [positions[i] + encoders[i].width - 1 for i in marked]))
    return blocks


def _scale(graph: Graph, filled: Value, encoders: Sequence[NumericEncoder]) -> Value:
    """Return the number of each column as the network takes it."""
    width = len(encoders)
    centers, scales = (np.array([getattr(e, name) for e in encoders]) for name in ("center", "scale"))
    scaled = filled
    if centers.any():
        scaled = graph.add("Sub", scaled, centers)
    if (scales != 1).any():
        scaled = graph.add("Div", scaled, scales)
    curved = [i for i, encoder in enumerate(encoders) if encoder.references]
    if curved:
        curves = [build_curve(encoders[i].references) for i in curved]
        normal = _interpolate(graph, graph.select_columns(filled, curved, width), curves)
        places = np.arange(width)
        places[curved] = width + np.arange(len(curved))
        scaled = graph.select_columns(graph.concat([scaled, normal]), places.tolist(), width + len(curved))
    is_clipped = np.array([encoder.clipped for encoder in encoders])
    if not is_clipped.any():
        return scaled
    near = graph.add("Clip", scaled, np.array(-FAR), np.array(FAR))
    third = graph.add("Div", near, np.array(3.0))
    root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", third, third), np.array(1.0)))
    clipped = graph.add("Div", near, root)
    return clipped if is_clipped.all() else graph.add("Where", is_clipped, clipped, scaled)


def _interpolate(
    graph: Graph, values: Value, curves: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]
) -> Value:
    """Interpolate each column along its curve.

    The knots of all columns lie in one table, each padded with infinity to one length, a power of two; so one binary
    search, unrolled, finds the right knot of every number.
    """
    flat = np.array([0.0, 0.0])
    curves = [(knots, normal) if len(knots) > 1 else (np.array([0.0, 1.0]), flat) for knots, normal in curves]
    steps = max(len(knots) for knots, _ in curves).bit_length()
    length = 2**steps
    table, heights = np.full((len(curves), length), np.inf), np.zeros((len(curves), length))
    for i, (knots, normal) in enumerate(curves):
        table[i, : len(knots)], heights[i, : len(knots)] = knots, normal
    sizes = np.array([0.25 if knots[-1] / 2 - knots[0] / 2 > LARGE else 1.0 for knots, _ in curves])
    first = np.arange(len(curves), dtype=np.int64) * length
    last = np.array([len(knots) - 1 for knots, _ in curves], dtype=np.int64)

    below: Value | NDArray[np.int64] = first  # the table's place behind the last knot known to be below the number
    for power in reversed(range(steps)):
        step = np.array(2**power)
        knot = graph.add("Gather", table.ravel(), graph.add("Add", below, np.array(2**power - 1)))
        goes_on = graph.cast(graph.add("Less", knot, values), "int64")
        below = graph.add("Add", below, graph.add("Mul", goes_on, step))
    right = graph.add("Min", graph.add("Max", below, first + 1), first + last)
    left = graph.add("Sub", right, np.array(1))

    scaled = (table * sizes[:, np.newaxis]).ravel()
    high, low = (graph.add("Gather", scaled, place) for place in (right, left))
    above = graph.add("Sub", graph.add("Mul", values, sizes), low)
    share = graph.add("Clip", graph.add("Div", above, graph.add("Sub", high, low)), np.array(0.0), np.array(1.0))
    top, bottom = (graph.add("Gather", heights.ravel(), place) for place in (right, left))
    rise = graph.add("Mul", share, graph.add("Sub", top, bottom))
    between = graph.add("Min", graph.add("Add", bottom, rise), top)
    return graph.add("Where", graph.add("Equal", share, np.array(1.0)), top, between)


def _add_bins(
    graph: Graph, filled: Value, missing: Value, encoders: Sequence[NumericEncoder], positions: Sequence[int]
) -> Block:
    """Return how far through each bin of each column its number has come."""
    columns: list[int] = []
    places: list[int] = []
    sizes, lower, widths = [], [], []
    for i, encoder in enumerate(encoders):
        if encoder.bins is not None:
            columns += [i] * encoder.n_bins
            places += range(positions[i] + 1, positions[i] + 1 + encoder.n_bins)
            sizes.append(np.full(encoder.n_bins, encoder.bins.size))
            lower.append(encoder.bins.lower)
            widths.append(encoder.bins.widths)
    codes = graph.add("Gather", filled, np.array(columns), axis=1)
    size = np.concatenate(sizes)
    if (size != 1).any():
        codes = graph.add("Mul", codes, size)
    codes = graph.add("Div", graph.add("Sub", codes, np.concatenate(lower)), np.concatenate(widths))
    codes = graph.add("Clip", codes, np.array(0.0), np.array(1.0))
    is_marked = np.array([encoders[i].marked for i in columns])
    if is_marked.any():
        gaps = graph.add("And", graph.add("Gather", missing, np.array(columns), axis=1), is_marked)
        codes = graph.add("Where", gaps, np.array(0.0), codes)
    return codes, places
