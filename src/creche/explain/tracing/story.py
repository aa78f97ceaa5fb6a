"""A traced step told from beginning to end: the same for a terminal and for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche.explain.tracing.blocks import Block, Facts, Grid, Section, shown
from creche.explain.tracing.features import as_given
from creche.explain.tracing.story_of_neuron import neuron_sections
from creche.explain.tracing.story_of_rows import row_sections

if TYPE_CHECKING:
    from creche.explain.tracing.result import Trace

__all__ = ["story"]

MOST_WEIGHTS = 4096  # of a layer whose weights a page lists
MOST_INPUTS = 64  # of a row that are listed
MOST_CELLS = 20_000


def story(trace: Trace, most_rows: int, *, with_weights: bool) -> list[Section]:
    """All sections; `most_rows` of the batch, and every weight if `with_weights`."""
    followed = trace.follow()
    sections = [Section("One training step", [_facts(trace)]), _inputs(trace, followed.row), _layers(trace)]
    sections += row_sections(trace, most_rows)
    sections += neuron_sections(followed)
    if with_weights:
        sections += [_encoded(trace, most_rows), _weights(trace)]
    return sections


def _facts(trace: Trace) -> Facts:
    plan, loss = trace.plan, trace.plan.loss.word.replace("_", " ")
    pairs = [
        ("rows", f"{len(trace):,} of {trace.source}: {_rows(trace.rows)}"),
        ("network", f"{plan.network}, {plan.network.parameters:,} parameters, {plan.precision}"),
        ("loss", f"{loss}: {shown(trace.loss, 6)} before the step, {shown(trace.loss_after, 6)} after"),
        ("optimizer", f"{plan.optimizer!r}, learning rate {trace.learning_rate:g} now"),
        ("step", f"number {trace.number + 1:,}, in epoch {trace.epoch + 1:,}"),
        ("gradient", f"norm {shown(trace.gradient_norm)}{_clipping(trace)}"),
    ]
    if trace.check is not None:
        pairs.append(("checked", _check(trace)))
    return Facts([*pairs, *(("note", note) for note in trace.notes)])


def _rows(rows: NDArray[np.int64]) -> str:
    """Which rows: from one to another where they follow each other, else one by one."""
    if len(rows) == 1:
        return f"row {rows[0]}"
    if (np.diff(rows) == 1).all():
        return f"rows {rows[0]} to {rows[-1]}"
    return f"rows {', '.join(map(str, rows[:12].tolist()))}{', …' if len(rows) > 12 else ''}"


def _clipping(trace: Trace) -> str:
    optimizer, norm = trace.plan.optimizer, trace.gradient_norm
    said = ""
    if optimizer.clip_norm:
        factor = min(1.0, optimizer.clip_norm / (norm + 1e-6))
        said += f", clipped to a norm of {optimizer.clip_norm:g}: times {shown(factor)}"
    if optimizer.clip_value:
        said += f", each clipped to at most {optimizer.clip_value:g}"
    return said


def _check(trace: Trace) -> str:
    check = trace.check
    assert check is not None
    what = f"all {check.of:,}" if check.checked == check.of else f"{check.checked:,} of {check.of:,}"
    said = f"{what} gradients by finite differences in float64: they differ by at most {check.worst_in_float64:.2g}"
    if trace.plan.precision == "float32":
        said += f" of their size ({check.worst:.2g} as rounded to float32)"
    else:
        said += " of their size"
    return said + (f"; {check.kinks} on a kink of the activation left out" if check.kinks else "")


def _inputs(trace: Trace, row: int) -> Section:
    """One row as given and as encoded."""
    at = int(np.flatnonzero(trace.rows == row)[0])
    given = {name: as_given(values[at]) for name, values in trace.features.items()}
    rows: list[list[str | float]] = []
    told: set[str] = set()
    for name, value in zip(trace.inputs[:MOST_INPUTS], trace.encoded[at].tolist(), strict=False):
        column = _column_of(name, given)
        first = () if column in told else (column, given.get(column, ""))
        rows.append([*(first or ("", "")), name, value])
        told.add(column)
    grid = Grid(["column", "given", "input", "encoded"], rows, 3)
    more = len(trace.inputs) - MOST_INPUTS
    rest = [f"… {more:,} more inputs"] if more > 0 else []
    return Section(f"Row {row}: as given, and as the network takes it", [grid, *rest])


def _column_of(name: str, columns: dict[str, str]) -> str:
    """The column an input is made of: the longest of those whose name it begins with."""
    fitting = [column for column in columns if name == column or name.startswith((f"{column}=", f"{column} "))]
    return max(fitting, key=len, default=name)


def _layers(trace: Trace) -> Section:
    rows: list[list[str | float]] = []
    for i, layer in enumerate(trace.layers):
        is_last = i == len(trace.layers) - 1
        silent = "" if is_last else f"{int(layer.silent.sum())} of {layer.width}"
        gradient = max(_largest(layer.gradient), _largest(layer.bias_gradient))
        step = max(_largest(layer.steps), _largest(layer.bias_steps))
        rows.append(
            [
                "outputs" if is_last else str(i + 1), layer.activation, silent,
                _range(layer.sums), _range(trace.outputs if is_last else layer.activations), gradient, step,
            ]
        )  # fmt: skip
    head = ["layer", "function", "silent", "weighted sums", "gives", "gradient", "step"]
    said = (
        "A neuron is silent if it gives 0 in every row: nothing goes on from it to the next layer. Gradient and step "
        "are the largest of the layer's weights."
    )
    return Section("The layers", [Grid(head, rows, digits=3), said])


def _largest(array: NDArray[np.generic]) -> float:
    return float(np.abs(array).max())


def _range(array: NDArray[np.generic]) -> str:
    return f"{shown(float(array.min()), 3)} to {shown(float(array.max()), 3)}"


def _encoded(trace: Trace, most: int) -> Section:
    most = min(most, max(1, MOST_CELLS // len(trace.inputs)))
    rows = zip(trace.rows[:most].tolist(), trace.encoded[:most].tolist(), strict=True)
    grid = Grid(
        ["row", *trace.inputs], [[str(row), *values] for row, values in rows], digits=4, shaded=True, folded=True,
        caption="The inputs of every row" if most >= len(trace) else f"The inputs of the first {most:,} rows",
    )  # fmt: skip
    return Section("The batch as the network takes it", [grid])


def _weights(trace: Trace) -> Section:
    """Weights, gradients and steps of each layer as matrices."""
    blocks: list[Block] = []
    for i, layer in enumerate(trace.layers):
        is_last = i == len(trace.layers) - 1
        between = f"from {f'layer {i}' if i else 'the inputs'} to {'the outputs' if is_last else f'layer {i + 1}'}"
        if layer.weights.size > MOST_WEIGHTS:
            blocks.append(f"{layer.weights.size:,} weights {between}: see the table or the JSON of the trace.")
            continue
        head = ["from", *(_brief(trace, i + 1, j) for j in range(layer.width))]
        for what, w, b in (
            ("Weights", layer.weights, layer.bias), ("Gradients of the weights", layer.gradient, layer.bias_gradient),
            ("Steps of the weights", layer.steps, layer.bias_steps),
        ):  # fmt: skip
            rows = [[name, *values] for name, values in zip(trace.sources(i + 1), w.tolist(), strict=True)]
            rows.append(["bias", *b.tolist()])
            blocks.append(Grid(head, rows, digits=4, shaded=True, folded=True, caption=f"{what} {between}"))
    return Section("Every weight", blocks)


def _brief(trace: Trace, layer: int, neuron: int) -> str:
    return trace.output_names[neuron] if layer == len(trace.layers) else f"neuron {neuron}"
