"""The part of the story that goes row by row: predictions, labels, and what lies between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from creche.explain.tracing.blocks import Block, Grid, Section, shown
from creche.explain.tracing.mistakes import ClassMistakes, NumberMistakes

if TYPE_CHECKING:
    from creche.explain.tracing.result import Trace

__all__ = ["row_sections"]

CLASSES_SIDE_BY_SIDE = 5


def row_sections(trace: Trace, most: int) -> list[Section]:
    """Predictions and how far they are from the labels, of the first rows."""
    count = min(len(trace), most)
    more = [f"… {len(trace) - count:,} more rows"] if count < len(trace) else []
    if isinstance(trace.mistakes, NumberMistakes):
        grids: list[Block] = [_numbers(trace, trace.mistakes, count, "")]
        if trace.mistakes.is_scaled:
            said = "The same as the network works with it, in standard deviations from the mean:"
            grids += [said, _numbers(trace, trace.mistakes, count, "scaled_")]
        return [Section("Row by row", [*grids, *more, _means(trace)])]
    if len(trace.classes or ()) > CLASSES_SIDE_BY_SIDE:
        return [Section("Row by row", [_likeliest(trace, trace.mistakes, count), *more, _means(trace)])]
    said = "How far each class's probability is from the label: from 1 for the true class, from 0 for the others."
    blocks: list[Block] = [said, _differences(trace, trace.mistakes, count), *more, _mean_of_squares(trace.mistakes)]
    return [
        Section("Row by row: the probability of each class", [_probabilities(trace, trace.mistakes, count), *more]),
        Section("Row by row: the difference from the label", [*blocks, _means(trace)]),
    ]


def _probabilities(trace: Trace, mistakes: ClassMistakes, count: int) -> Grid:
    names = [str(value) for value in trace.classes or ()]
    rows = [
        [str(trace.rows[r]), names[mistakes.truth[r]], *(f"{p:.4f}" for p in mistakes.probabilities[r]),
         shown(float(trace.losses[r])), shown(float(trace.losses_after[r]))]
        for r in range(count)
    ]  # fmt: skip
    return Grid(["row", "label", *names, "loss", "after the step"], rows, 2)


def _differences(trace: Trace, mistakes: ClassMistakes, count: int) -> Grid:
    names = [str(value) for value in trace.classes or ()]
    rows = [
        [str(trace.rows[r]), *(f"{d:.4f}" for d in mistakes.differences[r]), *(f"{s:.4f}" for s in mistakes.squares[r]),
         f"{mistakes.squared_error[r]:.4f}", f"{mistakes.cross_entropy[r]:.4f}"]
        for r in range(count)
    ]  # fmt: skip
    return Grid(["row", *names, *(["squared"] * len(names)), "mean", "-log p"], rows)


def _mean_of_squares(mistakes: ClassMistakes) -> str:
    """The aggregation of one row spelt out."""
    squares, of_label = (
        " + ".join(f"{s:.4f}" for s in mistakes.squares[0]),
        mistakes.probabilities[0, mistakes.truth[0]],
    )
    return (
        f"The first row: ({squares}) / {len(mistakes.squares[0])} = {mistakes.squared_error[0]:.4f}, the squared "
        f"error; -log {of_label:.4f} = {mistakes.cross_entropy[0]:.4f}, the cross-entropy."
    )


def _likeliest(trace: Trace, mistakes: ClassMistakes, count: int) -> Grid:
    """Of many classes: the true one and the likeliest."""
    names = [str(value) for value in trace.classes or ()]
    rows = []
    for r in range(count):
        p, truth = mistakes.probabilities[r], mistakes.truth[r]
        best = int(np.argmax(p))
        rows.append(
            [str(trace.rows[r]), names[truth], f"{p[truth]:.4f}", f"{mistakes.differences[r, truth]:.4f}", names[best],
             f"{p[best]:.4f}", f"{mistakes.squared_error[r]:.4f}", f"{mistakes.cross_entropy[r]:.4f}",
             shown(float(trace.losses[r])), shown(float(trace.losses_after[r]))]
        )  # fmt: skip
    head = ["row", "label", "its probability", "difference", "likeliest", "probability", "mean of squares"]
    return Grid([*head, "cross-entropy", "loss", "after the step"], rows, 2)


def _numbers(trace: Trace, mistakes: NumberMistakes, count: int, prefix: str) -> Grid:
    """In the units of the labels, or as the network works with them (``scaled_``), where the losses belong."""
    several, with_losses = len(trace.output_names) > 1, bool(prefix) or not mistakes.is_scaled
    rows: list[list[str | float]] = []
    for r in range(count):
        for k, name in enumerate(trace.output_names):
            cells: list[str | float] = [str(trace.rows[r]) if k == 0 else "", *([name] if several else [])]
            for what in ("truth", "predictions", "differences", "squares"):
                cells.append(float(getattr(mistakes, prefix + what)[r, k]))
            losses = [float(trace.losses[r]), float(trace.losses_after[r])] if k == 0 else ["", ""]
            rows.append([*cells, *(losses if with_losses else [])])
    head = ["row", *(["label"] if several else []), "truth", "predicted", "difference", "square"]
    return Grid([*head, *(["loss", "after the step"] if with_losses else [])], rows, 2 if several else 1)


def _means(trace: Trace) -> Block:
    by = "" if trace.row_weights is None else ", by the rows' weights"
    return (
        f"The loss of the batch is the mean of the rows' losses{by}: {shown(trace.loss, 6)}, after the step "
        f"{shown(trace.loss_after, 6)}."
    )
