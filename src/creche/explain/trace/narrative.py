"""A traced step told from beginning to end: the same for a terminal and for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche.explain.trace.neuron import NeuronTrace
from creche.explain.trace.result import ClassificationErrors, RegressionErrors, as_cell
from creche.render.document import Block, Facts, Grid, Section, format_digits

if TYPE_CHECKING:
    from creche.explain.trace.result import Trace

__all__ = ["describe_neuron", "describe_rows", "describe_trace"]

MOST_WEIGHTS = 4096  # of a layer whose weights a page lists


MOST_INPUTS = 64  # of a row that are listed


MOST_CELLS = 20_000


def describe_trace(trace: Trace, most_rows: int, *, with_weights: bool) -> list[Section]:
    """All sections; `most_rows` of the batch, and every weight if `with_weights`."""
    followed = trace.follow()
    sections = [Section("One training step", [_facts(trace)]), _inputs(trace, followed.row), _layers(trace)]
    sections += describe_rows(trace, most_rows)
    sections += describe_neuron(followed)
    if with_weights:
        sections += [_encoded(trace, most_rows), _weights(trace)]
    return sections


def _facts(trace: Trace) -> Facts:
    plan, loss = trace.plan, trace.plan.loss.key.replace("_", " ")
    pairs = [
        ("rows", f"{len(trace):,} of {trace.source}: {_rows(trace.rows)}"),
        ("network", f"{plan.network}, {plan.network.parameters:,} parameters, {plan.precision}"),
        ("loss", f"{loss}: {format_digits(trace.loss, 6)} before the step, {format_digits(trace.loss_after, 6)} after"),
        ("optimizer", f"{plan.optimizer!r}, learning rate {trace.learning_rate:g} now"),
        ("step", f"number {trace.number + 1:,}, in epoch {trace.epoch + 1:,}"),
        ("gradient", f"norm {format_digits(trace.gradient_norm)}{_clipping(trace)}"),
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
        said += f", clipped to a norm of {optimizer.clip_norm:g}: times {format_digits(factor)}"
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
    given = {name: as_cell(values[at]) for name, values in trace.features.items()}
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
    return f"{format_digits(float(array.min()), 3)} to {format_digits(float(array.max()), 3)}"


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


CLASSES_SIDE_BY_SIDE = 5


def describe_rows(trace: Trace, most: int) -> list[Section]:
    """Predictions and how far they are from the labels, of the first rows."""
    count = min(len(trace), most)
    more = [f"… {len(trace) - count:,} more rows"] if count < len(trace) else []
    if isinstance(trace.mistakes, RegressionErrors):
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


def _probabilities(trace: Trace, mistakes: ClassificationErrors, count: int) -> Grid:
    names = [str(value) for value in trace.classes or ()]
    rows = [
        [str(trace.rows[r]), names[mistakes.truth[r]], *(f"{p:.4f}" for p in mistakes.probabilities[r]),
         format_digits(float(trace.losses[r])), format_digits(float(trace.losses_after[r]))]
        for r in range(count)
    ]  # fmt: skip
    return Grid(["row", "label", *names, "loss", "after the step"], rows, 2)


def _differences(trace: Trace, mistakes: ClassificationErrors, count: int) -> Grid:
    names = [str(value) for value in trace.classes or ()]
    rows = [
        [str(trace.rows[r]), *(f"{d:.4f}" for d in mistakes.differences[r]), *(f"{s:.4f}" for s in mistakes.squares[r]),
         f"{mistakes.squared_error[r]:.4f}", f"{mistakes.cross_entropy[r]:.4f}"]
        for r in range(count)
    ]  # fmt: skip
    return Grid(["row", *names, *(["squared"] * len(names)), "mean", "-log p"], rows)


def _mean_of_squares(mistakes: ClassificationErrors) -> str:
    """The aggregation of one row spelt out."""
    squares, of_label = (
        " + ".join(f"{s:.4f}" for s in mistakes.squares[0]),
        mistakes.probabilities[0, mistakes.truth[0]],
    )
    return (
        f"The first row: ({squares}) / {len(mistakes.squares[0])} = {mistakes.squared_error[0]:.4f}, the squared "
        f"error; -log {of_label:.4f} = {mistakes.cross_entropy[0]:.4f}, the cross-entropy."
    )


def _likeliest(trace: Trace, mistakes: ClassificationErrors, count: int) -> Grid:
    """Of many classes: the true one and the likeliest."""
    names = [str(value) for value in trace.classes or ()]
    rows = []
    for r in range(count):
        p, truth = mistakes.probabilities[r], mistakes.truth[r]
        best = int(np.argmax(p))
        rows.append(
            [str(trace.rows[r]), names[truth], f"{p[truth]:.4f}", f"{mistakes.differences[r, truth]:.4f}", names[best],
             f"{p[best]:.4f}", f"{mistakes.squared_error[r]:.4f}", f"{mistakes.cross_entropy[r]:.4f}",
             format_digits(float(trace.losses[r])), format_digits(float(trace.losses_after[r]))]
        )  # fmt: skip
    head = ["row", "label", "its probability", "difference", "likeliest", "probability", "mean of squares"]
    return Grid([*head, "cross-entropy", "loss", "after the step"], rows, 2)


def _numbers(trace: Trace, mistakes: RegressionErrors, count: int, prefix: str) -> Grid:
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
        f"The loss of the batch is the mean of the rows' losses{by}: {format_digits(trace.loss, 6)}, after the step "
        f"{format_digits(trace.loss_after, 6)}."
    )


MOST_SOURCES = 64


def describe_neuron(followed: NeuronTrace) -> list[Section]:
    """One neuron in full; of very many weights, those whose gradient is largest."""
    name = followed.name[0].upper() + followed.name[1:]
    return [
        Section(f"{name}, forward through row {followed.row}", _forward(followed)),
        Section(f"{name}, back through row {followed.row}", _back(followed)),
        Section(f"{name}: the update of its weights, by all rows", _update(followed)),
    ]


def _which(followed: NeuronTrace) -> list[int]:
    count = len(followed.sources)
    if count <= MOST_SOURCES:
        return list(range(count))
    largest = sorted(range(count), key=lambda i: -abs(followed.gradients[i]))[:MOST_SOURCES]
    return sorted(largest)


def _rest(followed: NeuronTrace) -> list[Block]:
    more = len(followed.sources) - MOST_SOURCES
    return [f"… {more:,} more, whose gradients are smaller"] if more > 0 else []


def _forward(followed: NeuronTrace) -> list[Block]:
    f = followed
    rows: list[list[str | float]] = [
        [f.sources[i], float(f.values[i]), float(f.weights[i]), float(f.products[i])] for i in _which(f)
    ]
    for name, value in (("sum", float(f.products.sum())), ("bias", f.bias), ("weighted sum z", f.weighted_sum)):
        rows.append([name, "", "", value])
    rows.append([f"{f.key} of z", "", "", f.activation])
    return [Grid(["from", "value", "weight", "value × weight"], rows, sums=4, digits=6), *_rest(f)]


def _back(followed: NeuronTrace) -> list[Block]:
    f = followed
    if f.dloss_dactivation is None:
        return [
            f"The gradient of the loss by z, {format_digits(f.dloss_dsum, 6)} in this row, comes from the loss itself."
        ]
    terms = zip(f.targets, f.onward, f.dloss_donward, f.returned, strict=True)
    rows: list[list[str | float]] = [[to, *map(float, numbers)] for to, *numbers in terms]
    if len(rows) > MOST_SOURCES:
        rows = sorted(rows, key=lambda row: -abs(float(row[3])))[:MOST_SOURCES]
    ends: list[list[str | float]] = [[f"sum: gradient by {f.key} of z", "", "", f.dloss_dactivation]]
    if f.slope is not None:
        ends.append([f"slope of {f.key} at z", "", "", f"{f.slope:.4g}"])
    ends.append(["their product: gradient by z", "", "", f.dloss_dsum])
    head = ["to", "weight", "gradient there", "weight × gradient"]
    return [Grid(head, [*rows, *ends], sums=len(ends), digits=6)]


def _update(followed: NeuronTrace) -> list[Block]:
    f = followed
    planes = list(f.planes)
    rows: list[list[str | float]] = []
    for i in _which(f):
        kept = [float(f.planes[name][1][i]) for name in planes]
        before, after = (float(f.weights[i]), float(f.gradients[i])), (float(f.steps[i]), float(f.weights_after[i]))
        rows.append([f.sources[i], *before, *kept, *after])
    kept = [f.bias_planes[name][1] for name in planes]
    rows.append(["bias", f.bias, f.bias_gradient, *kept, f.bias_step, f.bias_after])
    head = ["weight from", "before", "gradient", *(name.replace("_", " ") for name in planes), "step", "after"]
    said = "What the optimizer keeps (between gradient and step) is shown as it is after the step."
    return [Grid(head, rows), *_rest(f), *([said] if planes else [])]
