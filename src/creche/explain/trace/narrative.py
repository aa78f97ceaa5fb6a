"""A traced step as a document, from the inputs to the update: the same for a terminal and for a page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche._advice import full_list
from creche._phrases import format_count
from creche.explain.cells import format_cell
from creche.explain.trace.errors import ClassificationErrors, RegressionErrors
from creche.explain.trace.neuron import NeuronTrace
from creche.explain.trace.parts import GRADIENT_PATHS
from creche.render.components import describe_component, describe_optimizer
from creche.render.document import Block, Facts, Grid, Section, format_digits

if TYPE_CHECKING:
    from creche.explain.trace.forward import ForwardPass
    from creche.explain.trace.result import Trace

__all__ = ["describe_neuron", "describe_rows", "describe_trace", "input_section"]

MAX_WEIGHTS = 4096  # of a layer
MAX_INPUTS = 64  # of a row
MAX_CELLS = 20_000  # of the table of all inputs
CLASSES_SIDE_BY_SIDE = 5
MAX_SOURCES = 64  # of a neuron

BIN = re.compile(r"(.*) bin ([0-9]+)", re.DOTALL)


def describe_trace(trace: Trace, max_rows: int, *, with_weights: bool) -> list[Section]:
    """Return all sections of a trace.

    Parameters
    ----------
    trace : Trace
    max_rows : int
        How many rows of the batch to list.
    with_weights : bool
        Whether to list the inputs of every row and every weight too.

    """
    neuron = trace.follow()
    sections = [Section("One training step", [_facts(trace)]), input_section(trace, neuron.row), _layer_section(trace)]
    sections += describe_rows(trace, max_rows, neuron.row)
    sections += describe_neuron(neuron)
    if with_weights:
        sections += [_batch_section(trace, max_rows), _weight_section(trace)]
    return sections


def _facts(trace: Trace) -> Facts:
    plan, loss = trace.plan, describe_component(trace.plan.loss)
    pairs = [
        ("batch", f"{format_count(len(trace), 'row')} of {trace.source}: {_list_rows(trace.rows)}"),
        ("network", plan.network.describe(plan.precision)),
        ("loss", f"{loss}: {format_digits(trace.loss, 6)} before the step, {format_digits(trace.loss_after, 6)} after"),
        ("optimizer", f"{describe_optimizer(plan.optimizer)}, learning rate in this step {trace.learning_rate:g}"),
        ("step", f"step {trace.step + 1:,}, in epoch {trace.epoch + 1:,}"),
        ("gradient", f"norm {format_digits(trace.gradient_norm)}{_describe_clipping(trace)}"),
    ]
    if trace.check is not None:
        pairs.append(("gradient check", _describe_check(trace)))
    return Facts([*pairs, *(("note", note) for note in trace.notes)])


def _list_rows(rows: NDArray[np.int64]) -> str:
    """Return which rows: a range if they follow each other, otherwise a list."""
    if len(rows) == 1:
        return f"{rows[0]}"
    if (np.diff(rows) == 1).all():
        return f"{rows[0]} to {rows[-1]}"
    return f"{', '.join(map(str, rows[:12].tolist()))}{', …' if len(rows) > 12 else ''}"


def _describe_clipping(trace: Trace) -> str:
    optimizer, norm = trace.plan.optimizer, trace.gradient_norm
    text = ""
    if optimizer.clip_norm:
        factor = min(1.0, optimizer.clip_norm / (norm + 1e-6))
        text += f", clipped to a norm of {optimizer.clip_norm:g} by the factor {format_digits(factor)}"
    if optimizer.clip_value:
        text += f", each gradient clipped to at most {optimizer.clip_value:g}"
    return text


def _describe_check(trace: Trace) -> str:
    check = trace.check
    assert check is not None
    count = f"all {check.total:,}" if check.checked == check.total else f"{check.checked:,} of {check.total:,}"
    text = f"{count} gradients agree with finite differences to {check.largest_difference_in_float64:.2g} in float64"
    if trace.plan.dtype == "float32":
        text += f" and to {check.largest_difference:.2g} as rounded to float32"
    text += " (relative differences)"
    return text + (f"; {check.kinks} lie on a kink of the activation and are not counted" if check.kinks else "")


def input_section(trace: Trace | ForwardPass, row: int) -> Section:
    """Return one row as given and as encoded."""
    at = int(np.flatnonzero(trace.rows == row)[0])
    cells = {name: format_cell(values[at], digits=10) for name, values in trace.features.items()}
    rows: list[list[str | float]] = []
    listed: set[str] = set()
    inputs = _join_bins(trace.inputs, trace.encoded[at].tolist(), cells)
    for name, value in inputs[:MAX_INPUTS]:
        column = _find_column(name, cells)
        first = ("", "") if column in listed else (column, cells.get(column, ""))
        rows.append([*first, name, value])
        listed.add(column)
    grid = Grid(["column", "value", "input", "encoded"], rows, 3)
    more = len(inputs) - MAX_INPUTS
    rest = [f"… {more:,} more inputs"] if more > 0 else []
    return Section(f"Row {row}: values and encoded inputs", [grid, *rest])


def _join_bins(names: Sequence[str], values: Sequence[float], columns: Mapping[str, str]) -> list[tuple[str, float]]:
    """Return inputs with their values; neighbouring bins with the same value are one, such as ``age bin 1 to 7``."""
    joined: list[tuple[str, float]] = []
    first = ""
    for name, value in zip(names, values, strict=True):
        bin_of = BIN.fullmatch(name)
        is_bin = bin_of is not None and name not in columns
        if bin_of is not None and is_bin and first.startswith(f"{bin_of[1]} bin ") and joined[-1][1] == value:
            joined[-1] = (f"{first} to {bin_of[2]}", value)
            continue
        first = name if is_bin else ""
        joined.append((name, value))
    return joined


def _find_column(name: str, columns: dict[str, str]) -> str:
    """Return the column that an input encodes: the longest name that the input's name begins with."""
    fitting = [column for column in columns if name == column or name.startswith((f"{column}=", f"{column} "))]
    return max(fitting, key=len, default=name)


def _layer_section(trace: Trace) -> Section:
    rows: list[list[str | float]] = []
    for i, layer in enumerate(trace.layers):
        is_last = i == len(trace.layers) - 1
        dead = "" if is_last else f"{int(layer.dead.sum())} of {layer.width}"
        gradient = max(_largest(layer.gradient), _largest(layer.bias_gradient))
        step = max(_largest(layer.steps), _largest(layer.bias_steps))
        rows.append(
            [
                "outputs" if is_last else str(i + 1), layer.activation, dead,
                _range(layer.sums), _range(trace.outputs if is_last else layer.activations), gradient, step,
            ]
        )  # fmt: skip
    head = ["layer", "activation", "dead", "pre-activations", "activations", "gradient", "step"]
    note = (
        "A neuron is dead if its activation is 0 in every row: it passes nothing on to the next layer. The gradient "
        "and "
        "the step are the largest among the layer's weights."
    )
    return Section("Layers", [Grid(head, rows, digits=3), note])


def _largest(array: NDArray[np.generic]) -> float:
    return float(np.abs(array).max())


def _range(array: NDArray[np.generic]) -> str:
    return f"{format_digits(float(array.min()), 3)} to {format_digits(float(array.max()), 3)}"


def _batch_section(trace: Trace, max_rows: int) -> Section:
    """Return the inputs of every row."""
    max_rows = min(max_rows, max(1, MAX_CELLS // len(trace.inputs)))
    rows = zip(trace.rows[:max_rows].tolist(), trace.encoded[:max_rows].tolist(), strict=True)
    grid = Grid(
        ["row", *trace.inputs], [[str(row), *values] for row, values in rows], digits=4, shaded=True, folded=True,
        caption="The inputs of every row" if max_rows >= len(trace) else f"The inputs of the first {max_rows:,} rows",
    )  # fmt: skip
    return Section("Inputs of the batch", [grid])


def _weight_section(trace: Trace) -> Section:
    """Return the weights, gradients and steps of each layer as matrices."""
    blocks: list[Block] = []
    for i, layer in enumerate(trace.layers):
        is_last = i == len(trace.layers) - 1
        between = f"from {f'layer {i}' if i else 'the inputs'} to {'the outputs' if is_last else f'layer {i + 1}'}"
        if layer.weights.size > MAX_WEIGHTS:
            blocks.append(f"{layer.weights.size:,} weights {between}, which {full_list()} lists.")
            continue
        head = ["from", *(_short_name(trace, i + 1, j) for j in range(layer.width))]
        for title, w, b in (
            ("Weights", layer.weights, layer.bias), ("Gradients of the weights", layer.gradient, layer.bias_gradient),
            ("Steps of the weights", layer.steps, layer.bias_steps),
        ):  # fmt: skip
            rows = [[name, *values] for name, values in zip(trace.sources(i + 1), w.tolist(), strict=True)]
            rows.append(["bias", *b.tolist()])
            blocks.append(Grid(head, rows, digits=4, shaded=True, folded=True, caption=f"{title} {between}"))
    return Section("All weights", blocks)


def _short_name(trace: Trace, layer: int, neuron: int) -> str:
    return trace.output_names[neuron] if layer == len(trace.layers) else f"neuron {neuron}"


def describe_rows(trace: Trace, max_rows: int, row: int | None = None) -> list[Section]:
    """Return the predictions for the first rows and how far they are from the labels.

    Parameters
    ----------
    trace : Trace
    max_rows : int
        How many rows of the batch to list.
    row : int, optional
        The number of the row whose errors are worked out; by default the one with the largest loss.

    """
    count = min(len(trace), max_rows)
    more = [f"… {len(trace) - count:,} more rows"] if count < len(trace) else []
    if isinstance(trace.errors, RegressionErrors):
        grids: list[Block] = [_number_grid(trace, trace.errors, count, "")]
        if trace.errors.is_scaled:
            note = "The same in the units of the network, standard deviations from the mean:"
            grids += [note, _number_grid(trace, trace.errors, count, "scaled_")]
        return [Section("Predictions and errors, row by row", [*grids, *more, _describe_mean(trace)])]
    if len(trace.classes or ()) > CLASSES_SIDE_BY_SIDE:
        blocks: list[Block] = [_prediction_grid(trace, trace.errors, count), *more, _describe_mean(trace)]
        return [Section("Predictions and errors, row by row", blocks)]
    note = (
        "The label is 1 for the true class and 0 for the others. The table shows the difference of each class's "
        "probability from it, its square (²), the mean of the squares (squared error), and -log of the true class's "
        "probability (cross-entropy)."
    )
    differences = _difference_grid(trace, trace.errors, count)
    blocks = [note, differences, *more, _describe_errors(trace, trace.errors, row), _describe_mean(trace)]
    return [
        Section("Predicted probabilities, row by row", [_probability_grid(trace, trace.errors, count), *more]),
        Section("Errors, row by row", blocks),
    ]


def _probability_grid(trace: Trace, errors: ClassificationErrors, count: int) -> Grid:
    names = [str(value) for value in trace.classes or ()]
    rows = [
        [str(trace.rows[r]), names[errors.true[r]], *(f"{p:.4f}" for p in errors.probabilities[r]),
         format_digits(float(trace.losses[r])), format_digits(float(trace.losses_after[r]))]
        for r in range(count)
    ]  # fmt: skip
    return Grid(["row", "label", *names, "loss", "loss after"], rows, 2)


def _difference_grid(trace: Trace, errors: ClassificationErrors, count: int) -> Grid:
    names = [str(value) for value in trace.classes or ()]
    rows = [
        [str(trace.rows[r]), *(f"{d:.4f}" for d in errors.differences[r]), *(f"{s:.4f}" for s in errors.squares[r]),
         f"{errors.squared_error[r]:.4f}", f"{errors.cross_entropy[r]:.4f}"]
        for r in range(count)
    ]  # fmt: skip
    return Grid(["row", *names, *(f"{name}²" for name in names), "mean", "cross-entropy"], rows)


def _describe_errors(trace: Trace, errors: ClassificationErrors, row: int | None) -> str:
    """Return the arithmetic of one row."""
    at = int(np.nanargmax(trace.losses)) if row is None else int(np.flatnonzero(trace.rows == row)[0])
    squares = " + ".join(f"{s:.4f}" for s in errors.squares[at])
    p_true = errors.probabilities[at, errors.true[at]]
    return (
        f"In row {trace.rows[at]} the squared error is ({squares}) / {len(errors.squares[at])} = "
        f"{errors.squared_error[at]:.4f}, and the cross-entropy is -log {p_true:.4f} = {errors.cross_entropy[at]:.4f}."
    )


def _prediction_grid(trace: Trace, errors: ClassificationErrors, count: int) -> Grid:
    """Return the true and the predicted class of each row, where there are many classes."""
    names = [str(value) for value in trace.classes or ()]
    rows = []
    for r in range(count):
        p, true = errors.probabilities[r], errors.true[r]
        predicted = int(np.argmax(p))
        rows.append(
            [str(trace.rows[r]), names[true], f"{p[true]:.4f}", f"{errors.differences[r, true]:.4f}", names[predicted],
             f"{p[predicted]:.4f}", f"{errors.squared_error[r]:.4f}", f"{errors.cross_entropy[r]:.4f}",
             format_digits(float(trace.losses[r])), format_digits(float(trace.losses_after[r]))]
        )  # fmt: skip
    head = ["row", "label", "p(label)", "difference", "predicted", "p(predicted)", "mean square"]
    return Grid([*head, "cross-entropy", "loss", "loss after"], rows, 2)


def _number_grid(trace: Trace, errors: RegressionErrors, count: int, prefix: str) -> Grid:
    """Return true and predicted numbers in the labels' units, or the network's (``scaled_``), with the losses."""
    several, with_losses = len(trace.output_names) > 1, bool(prefix) or not errors.is_scaled
    rows: list[list[str | float]] = []
    for r in range(count):
        for k, name in enumerate(trace.output_names):
            cells: list[str | float] = [str(trace.rows[r]) if k == 0 else "", *([name] if several else [])]
            for field in ("true", "predicted", "differences", "squares"):
                cells.append(float(getattr(errors, prefix + field)[r, k]))
            losses = [float(trace.losses[r]), float(trace.losses_after[r])] if k == 0 else ["", ""]
            rows.append([*cells, *(losses if with_losses else [])])
    head = ["row", *(["label"] if several else []), "true", "predicted", "difference", "square"]
    return Grid([*head, *(["loss", "loss after"] if with_losses else [])], rows, 2 if several else 1)


def _describe_mean(trace: Trace) -> Block:
    kind = "mean" if trace.row_weights is None else "weighted mean"
    return (
        f"The loss of the batch is the {kind} of the rows' losses: {format_digits(trace.loss, 6)} before the step, "
        f"{format_digits(trace.loss_after, 6)} after it."
    )


def describe_neuron(neuron: NeuronTrace) -> list[Section]:
    """Return one neuron in full; if it has very many weights, those with the largest gradients."""
    name = neuron.name[0].upper() + neuron.name[1:]
    return [
        Section(f"{name}: forward pass of row {neuron.row}", _forward_pass(neuron)),
        Section(f"{name}: backward pass of row {neuron.row}", _backward_pass(neuron)),
        Section(f"{name}: update of its weights, from all rows", _update(neuron)),
    ]


def _listed_sources(neuron: NeuronTrace) -> list[int]:
    count = len(neuron.sources)
    if count <= MAX_SOURCES:
        return list(range(count))
    largest = sorted(range(count), key=lambda i: -abs(neuron.gradients[i]))[:MAX_SOURCES]
    return sorted(largest)


def _count_rest(neuron: NeuronTrace) -> list[Block]:
    more = len(neuron.sources) - MAX_SOURCES
    return [f"… {more:,} more, with smaller gradients"] if more > 0 else []


def _forward_pass(neuron: NeuronTrace) -> list[Block]:
    n = neuron
    rows: list[list[str | float]] = [
        [n.sources[i], float(n.values[i]), float(n.weights[i]), float(n.products[i])] for i in _listed_sources(n)
    ]
    for name, value in (("sum", float(n.products.sum())), ("bias", n.bias), ("pre-activation z", n.weighted_sum)):
        rows.append([name, "", "", value])
    is_plain = [name for name, _ in n.passages] in ([], [n.function])
    ends = ((f"{n.function}(z)", n.activation),) if is_plain else n.passages
    rows += [[name, "", "", value] for name, value in ends]
    head = ["from", "value", "weight", "value × weight"]
    return [Grid(head, rows, sums=3 + len(ends), digits=6), *_count_rest(n)]


def _backward_pass(neuron: NeuronTrace) -> list[Block]:
    n = neuron
    if n.dloss_dactivation is None:
        return [
            f"The gradient of the loss with respect to z is {format_digits(n.dloss_dsum, 6)} in this row; for an "
            "output it comes directly from the loss."
        ]
    terms = zip(n.targets, n.target_weights, n.target_gradients, n.target_products, strict=True)
    rows: list[list[str | float]] = [[to, *map(float, numbers)] for to, *numbers in terms]
    if len(rows) > MAX_SOURCES:
        rows = sorted(rows, key=lambda row: -abs(float(row[3])))[:MAX_SOURCES]
    is_plain = [name for name, _ in n.passages] == [n.function] and not n.target_passages
    total = f"sum: gradient at {n.function}(z)" if is_plain else "sum"
    ends: list[list[str | float]] = [[total, "", "", float(n.target_products.sum())]]
    ends += [[name, "", "", value] for name, value in n.target_passages]
    if not is_plain:
        ends.append(["gradient at the output of the neuron", "", "", n.dloss_dactivation])
    if n.derivative is not None:
        of = n.function if is_plain else "the output"
        ends.append([f"derivative of {of} at z", "", "", f"{n.derivative:.4g}"])
    through = [f"gradient at z, {GRADIENT_PATHS[name]}" for name, _ in n.passages if name in GRADIENT_PATHS]
    ends.append([*(through or ["product: gradient at z"]), "", "", n.dloss_dsum])
    head = ["to", "weight", "gradient there", "weight × gradient"]
    return [Grid(head, [*rows, *ends], sums=len(ends), digits=6)]


def _update(neuron: NeuronTrace) -> list[Block]:
    n = neuron
    names = list(n.optimizer_state)
    rows: list[list[str | float]] = []
    for i in _listed_sources(n):
        state = [float(n.optimizer_state[name][1][i]) for name in names]
        before, after = (float(n.weights[i]), float(n.gradients[i])), (float(n.steps[i]), float(n.weights_after[i]))
        rows.append([n.sources[i], *before, *state, *after])
    state = [n.bias_optimizer_state[name][1] for name in names]
    rows.append(["bias", n.bias, n.bias_gradient, *state, n.bias_step, n.bias_after])
    head = ["weight from", "before", "gradient", *(name.replace("_", " ") for name in names), "step", "after"]
    note = "The columns between gradient and step show the optimizer's state after the step."
    return [Grid(head, rows), *_count_rest(n), *([note] if names else [])]
