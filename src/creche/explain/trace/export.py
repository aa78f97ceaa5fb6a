"""A traced step as one long table, or as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.explain.cells import format_cell
from creche.explain.trace.errors import ClassificationErrors

if TYPE_CHECKING:
    import polars as pl

    from creche.explain.trace.neuron import NeuronTrace
    from creche.explain.trace.result import Trace, TracedLayer

__all__ = ["long_table", "trace_to_dict"]


def long_table(trace: Trace) -> pl.DataFrame:
    """See `Trace.table`."""
    import polars as pl

    frames = [*_step_frames(trace), *_feature_frames(trace), *_row_frames(trace)]
    for i, layer in enumerate(trace.layers):
        frames += [*_neuron_frames(trace, i + 1, layer), *_weight_frames(trace, i, layer)]
    return pl.concat(frames)


def _frame(
    quantity: str,
    values: NDArray[Any] | None,
    *,
    layer: int | None = None,
    row: Any = None,
    source: Any = None,
    neuron: Any = None,
    names: Sequence[str] | None = None,
    name_at: Any = None,
    text: Sequence[str | None] | None = None,
) -> pl.DataFrame:
    """Return one quantity; `names` are looked up at `name_at`, by default at `neuron`."""
    import polars as pl

    count = len(text or ()) if values is None else values.size

    def numbers(values: Any) -> pl.Series:
        if values is None or isinstance(values, int):
            return pl.Series([values], dtype=pl.Int64).extend_constant(values, count - 1)
        return pl.Series(np.asarray(values, dtype=np.int64))

    at = neuron if name_at is None else name_at
    name = pl.Series([None] * count, dtype=pl.String)
    if names is not None:
        name = pl.Series(list(names), dtype=pl.String).gather(np.asarray(at, dtype=np.int64))
    value = pl.Series([None] * count, dtype=pl.Float64)
    if values is not None:
        value = pl.Series(values.astype(np.float64).ravel(), nan_to_null=False)
    return pl.DataFrame(
        {
            "quantity": pl.Series([quantity], dtype=pl.String).extend_constant(quantity, count - 1),
            "layer": numbers(layer), "row": numbers(row), "source": numbers(source), "neuron": numbers(neuron),
            "name": name, "value": value,
            "text": pl.Series(list(text) if text is not None else [None] * count, dtype=pl.String),
        }
    )  # fmt: skip


def _step_frames(trace: Trace) -> Iterator[pl.DataFrame]:
    for quantity, value in (
        ("batch_loss", trace.loss), ("batch_loss_after", trace.loss_after), ("learning_rate", trace.learning_rate),
        ("gradient_norm", trace.gradient_norm),
    ):  # fmt: skip
        yield _frame(quantity, np.array([value]))


def _feature_frames(trace: Trace) -> Iterator[pl.DataFrame]:
    """Yield the features column by column: numbers as values, everything else as text."""
    for i, (name, column) in enumerate(trace.features.items()):
        words = [None if isinstance(v, bool | int | float) or v is None else format_cell(v) for v in column]
        values = np.array([float(v) if isinstance(v, bool | int | float) else np.nan for v in column])
        at = np.full(len(column), i)
        frame = _frame("feature", values, row=trace.rows, neuron=at, names=[name], name_at=0 * at, text=words)
        yield frame.with_columns(_null_where_nan("value"))


def _null_where_nan(name: str) -> pl.Expr:
    import polars as pl

    return pl.col(name).fill_nan(None)


def _matrix_frame(
    quantity: str, values: NDArray[Any], rows: NDArray[np.int64], names: Sequence[str], layer: int | None = None
) -> pl.DataFrame:
    """Return one number for each row and each name."""
    row, neuron = np.indices(values.shape).reshape(2, -1)
    return _frame(quantity, values, layer=layer, row=rows[row], neuron=neuron, names=names)


def _row_frames(trace: Trace) -> Iterator[pl.DataFrame]:
    rows, outputs, errors = trace.rows, len(trace.layers), trace.errors
    yield _matrix_frame("input", trace.encoded, rows, trace.inputs, 0)
    yield _matrix_frame("output", trace.outputs, rows, trace.output_names, outputs)
    if isinstance(errors, ClassificationErrors):
        names = [str(value) for value in trace.classes or ()]
        yield _frame("true", None, row=rows, neuron=errors.true, names=names, text=[names[c] for c in errors.true])
        yield _matrix_frame("probability", errors.probabilities, rows, names)
        yield _matrix_frame("difference", errors.differences, rows, names)
        yield _matrix_frame("square", errors.squares, rows, names)
        yield _frame("squared_error", errors.squared_error, row=rows)
        yield _frame("cross_entropy", errors.cross_entropy, row=rows)
    else:
        for prefix in ("", "scaled_"):
            for name in ("true", "predicted", "differences", "squares"):
                values = getattr(errors, prefix + name)
                yield _matrix_frame(prefix + name.removesuffix("s"), values, rows, trace.output_names)
    yield _frame("loss", trace.losses, row=rows)
    yield _frame("loss_after", trace.losses_after, row=rows)
    if trace.row_weights is not None:
        yield _frame("row_weight", trace.row_weights, row=rows)


def _neuron_frames(trace: Trace, number: int, layer: TracedLayer) -> Iterator[pl.DataFrame]:
    names = [trace.neuron_name(number, j) for j in range(layer.width)]
    for quantity in ("sum", "activation", "dloss_dsum"):
        yield _matrix_frame(quantity, getattr(layer, f"{quantity}s"), trace.rows, names, number)


def _weight_frames(trace: Trace, number: int, layer: TracedLayer) -> Iterator[pl.DataFrame]:
    kinds: list[tuple[str, NDArray[Any], NDArray[Any]]] = [
        ("weight", layer.weights, layer.bias), ("gradient", layer.gradient, layer.bias_gradient),
    ]  # fmt: skip
    for name, (before, after) in layer.optimizer_state.items():
        kinds += [(f"{name}_before", *before), (f"{name}_after", *after)]
    kinds += [("step", layer.steps, layer.bias_steps), ("weight_after", layer.weights_after, layer.bias_after)]
    names = trace.sources(number + 1)
    source, neuron = np.indices(layer.weights.shape).reshape(2, -1)
    for quantity, w, b in kinds:
        yield _frame(quantity, w, layer=number, source=source, neuron=neuron, names=names, name_at=source)
        to = np.arange(len(b))
        yield _frame(quantity, b, layer=number, neuron=to, names=["bias"], name_at=0 * to)
    yield from _difference_frames(trace, number, names)


def _difference_frames(trace: Trace, number: int, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield the finite differences."""
    import polars as pl

    if trace.check is None:
        return
    here = trace.check.places[:, 0] == number
    places, differences = trace.check.places[here], trace.check.finite_differences[here]
    if len(places):
        # Behind the names of the sources come those of the arrays that have none, such as the bias.
        arrays, of_array = np.unique(trace.check.names[here], return_inverse=True)
        others = [name.split(".", 1)[1] for name in arrays.tolist()]
        frame = _frame(
            "finite_difference", differences, layer=number, source=places[:, 1], neuron=places[:, 2],
            names=[*names, *others], name_at=np.where(places[:, 1] < 0, len(names) + of_array, places[:, 1]),
        )  # fmt: skip
        yield frame.with_columns(pl.when(pl.col("source") >= 0).then(pl.col("source")).alias("source"))


def trace_to_dict(trace: Trace) -> dict[str, Any]:
    """See `Trace.to_dict`."""
    numbers: dict[str, Any] = {
        "source": trace.source, "plan": trace.plan.to_dict(), "epoch": trace.epoch, "step": trace.step,
        "learning_rate": trace.learning_rate, "loss": trace.loss, "loss_after": trace.loss_after,
        "gradient_norm": trace.gradient_norm, "notes": list(trace.notes), "rows": trace.rows,
        "row_weights": trace.row_weights, "features": trace.features, "inputs": list(trace.inputs),
        "encoded": trace.encoded, "layers": [_layer_to_dict(layer) for layer in trace.layers],
        "output_names": list(trace.output_names), "outputs": trace.outputs,
        "classes": None if trace.classes is None else list(trace.classes), "errors": _errors_to_dict(trace),
        "losses": trace.losses, "losses_after": trace.losses_after, "gradient_check": _check_to_dict(trace),
        "neuron": _neuron_to_dict(trace.follow()),
    }  # fmt: skip
    return {name: _to_plain(value) for name, value in numbers.items()}


def _layer_to_dict(layer: TracedLayer) -> dict[str, Any]:
    names = (
        "activation", "sums", "activations", "dloss_dsums", "dead", "weights", "bias", "gradient", "bias_gradient",
        "steps", "bias_steps", "weights_after", "bias_after",
    )  # fmt: skip
    state = {
        name: {
            when: {"weights": of_weights, "bias": of_bias}
            for when, (of_weights, of_bias) in zip(("before", "after"), pair, strict=True)
        }
        for name, pair in layer.optimizer_state.items()
    }
    return {name: getattr(layer, name) for name in names} | {"optimizer_state": state}


def _errors_to_dict(trace: Trace) -> dict[str, Any]:
    errors = trace.errors
    numbers = {name: getattr(errors, name) for name in type(errors).__slots__}
    if isinstance(errors, ClassificationErrors):
        numbers["true"] = [(trace.classes or ())[number] for number in errors.true]
    return numbers


def _check_to_dict(trace: Trace) -> dict[str, Any] | None:
    check = trace.check
    if check is None:
        return None
    place = {"layer": check.layer, "source": None if check.source < 0 else check.source, "target": check.target}
    return {
        "largest_difference": check.largest_difference,
        "largest_difference_in_float64": check.largest_difference_in_float64, "weight": place,
        "checked": check.checked, "total": check.total, "kinks": check.kinks,
    }  # fmt: skip


def _neuron_to_dict(neuron: NeuronTrace) -> dict[str, Any]:
    return {name: getattr(neuron, name) for name in type(neuron).__slots__}


def _to_plain(value: Any) -> Any:
    """Return lists and Python's own numbers; those that are not finite become None."""
    if isinstance(value, np.ndarray):
        return _array_to_plain(value)
    if isinstance(value, dict):
        return {str(name): _to_plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _to_plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value


def _array_to_plain(array: NDArray[Any]) -> Any:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _to_plain(array.tolist())
    return array.tolist()
