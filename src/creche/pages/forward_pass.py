"""The page of a forward pass: the inputs of one row, what each neuron makes of them, and all predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from creche._phrases import format_count
from creche.explain.trace.narrative import input_section
from creche.render.document import Block, Facts, Grid, Section

if TYPE_CHECKING:
    from creche.explain.trace.forward import ForwardPass

__all__ = ["forward_page", "layer_grid"]

MAX_ROWS = 20
MAX_NEURONS = 32


def forward_page(forward: ForwardPass) -> Sequence[Section]:
    """Return the sections; of several rows, the first is followed through the layers."""
    facts = Facts(
        [
            ("rows", f"{format_count(len(forward), 'row')} of {forward.source}"),
            ("network", str(forward.plan.network)),
            ("note", "a forward pass needs no label; the loss, the gradients and the step would need one"),
        ]
    )
    sections = [Section("Forward pass", [facts]), input_section(forward, int(forward.rows[0]))]
    last = len(forward.sums) - 1
    for layer in range(last + 1):
        name = "Outputs" if layer == last else f"Layer {layer + 1}"
        sections.append(Section(f"{name} of row {forward.rows[0]}", [layer_grid(forward, layer)]))
    return [*sections, _prediction_section(forward)]


def layer_grid(forward: ForwardPass, layer: int, row: int = 0) -> Grid:
    """Return the weighted sum of each neuron of a layer in a row (both from 0), and what the layer makes of it."""
    is_last = layer == len(forward.sums) - 1
    sums = forward.sums[layer][row].tolist()
    results = (forward.predictions if is_last else forward.activations[layer])[row].tolist()
    if is_last and len(sums) < len(results):  # two classes or ordered ones: the probability of a class or one above it
        results = np.cumsum(results[::-1])[::-1][1:].tolist()
    names = forward.output_names[-len(sums) :] if is_last else tuple(f"neuron {i}" for i in range(len(sums)))
    function = forward.functions[layer]
    last = forward.label if function in ("identity",) and is_last else f"{function}(z)"
    rows: list[list[str | float]] = [[*cells] for cells in zip(names, sums, results, strict=True)]
    return Grid(["outputs" if is_last else "neurons", "pre-activation z", last], rows[:MAX_NEURONS])


def _prediction_section(forward: ForwardPass) -> Section:
    count = min(len(forward), MAX_ROWS)
    blocks: list[Block] = []
    if forward.classes is None:
        head = ["row", *forward.output_names]
        rows: list[list[str | float]] = [
            [str(forward.rows[r]), *map(float, forward.predictions[r])] for r in range(count)
        ]
    else:
        head = ["row", "predicted", *forward.output_names[:MAX_NEURONS]]
        rows = []
        for r in range(count):
            p = forward.predictions[r]
            shown = [f"{value:.4f}" for value in p[:MAX_NEURONS].tolist()]
            rows.append([str(forward.rows[r]), forward.output_names[int(np.argmax(p))], *shown])
    blocks.append(Grid(head, rows, 1 if forward.classes is None else 2))
    if count < len(forward):
        blocks.append(f"… {len(forward) - count:,} more rows")
    return Section("Predictions" if forward.classes is None else "Predicted probabilities", blocks)
